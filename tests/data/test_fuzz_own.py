"""Mutated files thrown at the readers: a clear refusal or a valid result, nothing else."""

import io
import re
import zipfile
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from made_up import HEADER, state, write_xlsx
from made_up_mutants import chances, mutate_bytes
from typer.testing import CliRunner

from nqpf.cli import app
from nqpf.data import Panel
from nqpf.errors import NqpfError
from nqpf.provinces import codes

ROWS = [
    ["北京", "2024", "population", "2183.2", "万人", "yearbook", "", "", ""],
    ["Tianjin", "2024", "常住人口", "1,364.5", "10,000 persons", "年鉴", "", "", ""],
    ["130000", "2023", "gdp", "43944.1", "亿元", "yearbook", "census5", "", ""],
    ["山西省", "2022", "High-tech profit", "-3.5e2", "亿元", "y", "", "", ""],
    ["15", "2024", "robots", "120", "units", "own count", "", "Robots", "机器人"],
    ["Inner Mongolia", "2023", "robots", "100", "units", "own count", "", "", ""],
]
COLUMNS = [*HEADER.split(","), "vintage", "name_en", "name_zh"]
KEY = ["variable", "vintage", "province", "year"]
NASTY = [
    *("", " ", "\0", "\ufeff", "\u3000", "=1+1", "@x", '"', "'", ",", ";", "\t", "\r", "\n"),
    *"nan inf -inf 1e400 1e-400 -0 1_000 １２ ² ½ 0x10 1,2 1,".split(),
    *("9" * 400, "9" * 5000, "2024.0", "2024.5", "-2024", "99999", "0", "True", "None", "[]"),
    *("[red]", "%s", "{0}", "../../etc/passwd", "\x1b[2J", "\U0001f600", "e\u0301", "\u202e", "北"),
    *("lambda", "__class__", "x" * 200_000, "census4", "census5", "亿元", "province", "gdp"),
]
BYTES = [text.encode() for text in NASTY[:-8]]
TABLE = [COLUMNS, *ROWS]
CELLS = [[float(c) if c[:3].isdigit() else c or None for c in row] for row in ROWS]
WORKBOOK = write_xlsx(io.BytesIO(), *CELLS, header=",".join(COLUMNS)).getvalue()
BUREAU = [["指标：常住人口(万人)"], ["地区", "2024年", "2023年"], ["北京市", "2183.2", "2185.8"]]
BUREAU += [["天津市", "1364", ""], ["注：略"], ["数据来源：国家统计局"]]
WIDE = [["省份", "年份", "常住人口(人)", "能源消费总量（万吨标准煤）"]]
WIDE += [["山西", "2024", "34660000", "5"], ["陕西", "2024年", "39530000", "1,234.5"]]
WIDE += [["来源：年鉴"]]


def csv_bytes(rows, encoding="utf-8"):
    """Return rows as CSV, cells with commas in quotation marks."""
    lines = [",".join(f'"{c}"' if "," in c else c for c in row) for row in rows]
    return ("\n".join(lines) + "\n").encode(encoding, errors="replace")


def mutate_rows(chance):
    """Change cells, rows and columns of a table in some form, in some encoding."""
    rows = [row.copy() for row in chance.choice([TABLE, TABLE, BUREAU, WIDE])]
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        row = chance.choice(rows)
        match chance.randrange(7):
            case 0 | 1 | 2 if row:
                row[chance.randrange(len(row))] = chance.choice(NASTY)
            case 3 if len(rows) > 1:
                rows.remove(row)
            case 4:
                rows.insert(chance.randrange(len(rows) + 1), row.copy())
            case 5:
                chance.shuffle(chance.choice([row, rows]))
            case 6:
                row.append(chance.choice(NASTY))
    encodings = ["utf-8", "utf-8", "utf-8-sig", "gb18030", "gb18030", "utf-16", "big5", "latin-1"]
    return csv_bytes(rows, chance.choice(encodings))


SWAPS = """r="2" r="999999999"|r="2" r="-1"|r="A2" r="XFD2"|r="A2" r="ZZZZZZ2"|t="n" t="d"
t="n" t="b"|t="n" t="e"|t="s" t="n"|<v>0</v> <v>99999</v>|<v>2024</v> <f>1+1</f>
<v>2024</v> <v>1e400</v>|<v>2024</v> <v>nan</v>|<v>2024</v> <v></v>|<sheetData> <sheetData/>
UTF-8 UTF-7|<worksheet <!DOCTYPE\tx[<!ENTITY\ta\t"aaaa">]><worksheet"""
SHEET = "xl/worksheets/sheet1.xml"


def mutate_text(chance):
    table = chance.choice([TABLE, BUREAU, WIDE])
    return mutate_bytes(csv_bytes(table, chance.choice(["utf-8", "gb18030"])), chance, BYTES)


def mutate_workbook(chance):
    """Cut or change a workbook, or the XML inside it, or drop a part of it."""
    kind = chance.randrange(8)
    if kind < 2:
        return WORKBOOK[: chance.randrange(len(WORKBOOK))]
    if kind < 4:
        return mutate_bytes(WORKBOOK, chance, BYTES)
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice([SHEET, chance.choice(list(parts))])
    if kind == 4:
        del parts[name]
    elif kind == 5:
        parts[name] = mutate_bytes(parts[name], chance, BYTES)
    else:
        old, new = chance.choice(SWAPS.replace("\n", "|").split("|")).encode().split(b" ")
        parts[SHEET] = parts[SHEET].replace(old, new, chance.choice([1, -1]))
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return result.getvalue()


def attempt(path, panel, home):
    """Return whether a file was accepted, having made sure of all that was promised."""
    before = state(home)
    try:
        longer = panel.extend(path)
    except NqpfError as error:
        message = str(error)
        assert path.name in message and len(message) < 20_000
        assert message.replace("\n- ", " ").isprintable()
        for command in ("check", "add"):
            assert CliRunner().invoke(app, ["data", command, str(path)]).exit_code == 1
        assert state(home) == before
        return False
    rows = longer.frame[longer.frame["flag"] == "reader"]
    assert set(rows["province"]) <= set(codes())
    assert rows["year"].between(1949, date.today().year + 1).all()
    assert np.isfinite(longer.frame["value"]).all()
    # Nothing is lost, nothing but the file's figures changes, and what does is counted aloud.
    both = panel.frame.merge(longer.frame, "outer", KEY, suffixes=("_old", ""), validate="1:1")
    assert both["value"].notna().all()
    changed = both[both["value"] != both["value_old"]]
    assert set(changed["flag"]) <= {"reader"}
    new = changed["value_old"].isna().sum()
    told = rf"{new} new, {len(changed) - new} revised, \d+ as before\n  read as "
    assert all(longer.catalogue.unit(key) == panel.catalogue.unit(key) for key in panel.variables)
    said = CliRunner().invoke(app, ["data", "add", str(path)])
    assert re.match(rf"{path.name}: \d+ figures? can be used: {told}", said.stdout)
    after = state(home)
    assert bool(len(rows)) == bool(after.pop(f"data/extra/{path.stem}.csv", ""))
    assert after == before
    pd.testing.assert_frame_equal(Panel.load(home=home).frame, longer.frame)
    (home / "data" / "extra" / f"{path.stem}.csv").unlink(missing_ok=True)
    return True


MUTATE = {"rows": mutate_rows, "text": mutate_text, "workbook": mutate_workbook}


def test_the_files_are_valid_before_they_are_mutated_and_noise_is_not(home, panel, tmp_path):
    kinds = product([TABLE, BUREAU, WIDE], ["utf-8", "utf-8-sig", "gb18030"])
    contents = [csv_bytes(table, encoding) for table, encoding in kinds]
    for content in [*contents, WORKBOOK]:
        path = tmp_path / ("mine.xlsx" if content is WORKBOOK else "mine.csv")
        path.write_bytes(content)
        assert attempt(path, panel, home)
    for chance in chances("noise", 100):
        path = tmp_path / chance.choice(["mine.csv", "mine.xlsx"])
        path.write_bytes(chance.randbytes(chance.randrange(2000)))
        assert not attempt(path, panel, home)


NUMBERS = [("rows", 1000, 0.1), ("text", 800, 0.01), ("workbook", 700, 0.05)]


@pytest.mark.parametrize(("kind", "number", "least"), NUMBERS)
def test_mutated_files(home, panel, tmp_path, kind, number, least):
    path, accepted = tmp_path / ("mine.xlsx" if kind == "workbook" else "mine.csv"), []
    for chance in chances(kind, number):
        path.write_bytes(MUTATE[kind](chance))
        accepted.append(attempt(path, panel, home))
    assert least < np.mean(accepted) < 1 - least, "the mutations reach both outcomes"
