"""Mutated files thrown at the readers: a clear refusal or a valid result, nothing else."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import HEADER, make_project, state, write_xlsx
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
NASTY = [
    *("", " ", "\0", "\ufeff", "\u3000", "=1+1", "@x", '"', "'", ",", ";", "\t", "\r", "\n"),
    *"nan inf -inf 1e400 1e-400 -0 1_000 １２ ² ½ 0x10 1,2 1,".split(),
    *("9" * 400, "9" * 5000, "2024.0", "2024.5", "-2024", "99999", "0", "True", "None", "[]"),
    *("[red]", "%s", "{0}", "../../etc/passwd", "\x1b[2J", "\U0001f600", "e\u0301", "\u202e", "北"),
    *("lambda", "__class__", "x" * 200_000, "census4", "census5", "亿元", "province", "gdp"),
]


def csv_bytes(rows: list[list[str]], encoding: str = "utf-8") -> bytes:
    """Return rows as CSV, cells with commas in quotation marks."""
    lines = [",".join(f'"{c}"' if "," in c else c for c in row) for row in rows]
    return ("\n".join(lines) + "\n").encode(encoding, errors="replace")


def mutate_bytes(content: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat or insert bytes."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at, to = sorted(chance.choices(range(len(data) + 1), k=2))
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                data[at : min(to, at + 20)] = b""
            case 2:
                data[at:at] = data[at : min(to, at + 40)]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(1, 6))
            case 4:
                data[at:at] = chance.choice(NASTY[:-8]).encode("utf-8")
    return bytes(data)


def mutate_rows(chance: random.Random) -> bytes:
    """Change cells, rows and columns, in some encoding."""
    rows = [COLUMNS.copy(), *(row.copy() for row in ROWS)]
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        row = chance.choice(rows)
        match chance.randrange(8):
            case 0 | 1 | 2 if row:
                row[chance.randrange(len(row))] = chance.choice(NASTY)
            case 3:
                rows.remove(row) if len(rows) > 1 else None
            case 4:
                rows.insert(chance.randrange(len(rows) + 1), row.copy())
            case 5:
                chance.shuffle(chance.choice([row, rows]))
            case 6 if row:
                place = chance.randrange(len(row))
                for other in rows:
                    del other[place : place + 1]
            case 7:
                row.append(chance.choice(NASTY))
    encodings = ["utf-8", "utf-8", "utf-8-sig", "gb18030", "gb18030", "utf-16", "big5", "latin-1"]
    return csv_bytes(rows, chance.choice(encodings))


SWAPS = """r="2" r="999999999"|r="2" r="-1"|r="A2" r="XFD2"|r="A2" r="ZZZZZZ2"|t="n" t="d"
t="n" t="b"|t="n" t="e"|t="s" t="n"|<v>0</v> <v>99999</v>|<v>2024</v> <f>1+1</f>
<v>2024</v> <v>1e400</v>|<v>2024</v> <v>nan</v>|<v>2024</v> <v></v>|<sheetData> <sheetData/>
UTF-8 UTF-7|<worksheet <!DOCTYPE\tx[<!ENTITY\ta\t"aaaa">]><worksheet"""
SHEET = "xl/worksheets/sheet1.xml"


def mutate_members(content: bytes, chance: random.Random) -> bytes:
    """Change the XML inside a workbook, or drop a part of it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice([SHEET, chance.choice(list(parts))])
    match chance.randrange(3):
        case 0:
            parts[name] = mutate_bytes(parts[name], chance)
        case 1:
            del parts[name]
        case 2:
            old, new = chance.choice(SWAPS.replace("\n", "|").split("|")).encode().split(b" ")
            parts[SHEET] = parts[SHEET].replace(old, new, chance.choice([1, -1]))
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return result.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = make_project(tmp_path_factory.mktemp("fuzz") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NQPF_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("fuzz") / "mine.xlsx"
    rows = [
        [float(c) if c.replace(".", "").isdigit() and c != "15" else c or None for c in row]
        for row in ROWS
    ]
    return write_xlsx(path, *rows, header=",".join(COLUMNS)).read_bytes()


def attempt(path: Path, panel: Panel, home: Path) -> bool:
    """Return whether a file was accepted, having made sure of all that was promised."""
    before = state(home)
    try:
        longer = panel.extend(path)
    except NqpfError as error:
        message = str(error)
        assert path.name in message
        assert message.replace("\n- ", " ").isprintable()
        assert len(message) < 20_000
        for command in ("check", "add"):
            assert CliRunner().invoke(app, ["data", command, str(path)]).exit_code == 1
        assert state(home) == before
        return False
    rows = longer.frame[longer.frame["flag"] == "reader"]
    assert set(rows["province"]) <= set(codes())
    assert rows["year"].between(1949, date.today().year + 1).all()
    assert np.isfinite(rows["value"]).all()
    assert not longer.frame.duplicated(["variable", "vintage", "province", "year"]).any()
    for key, entry in panel.catalogue.variables.items():
        assert longer.catalogue.unit(key) == entry.unit
    assert set(rows["variable"]) <= set(longer.catalogue.variables)
    said = CliRunner().invoke(app, ["data", "add", str(path)])
    assert said.stdout.startswith(f"{path.name}: {len(rows)} figures can be used: ")
    counts = re.findall(r"(\d+) (?:new|revised|as before)", said.stdout.splitlines()[0])
    assert sum(map(int, counts)) == len(rows)
    after = state(home)
    assert after.pop(f"data/extra/{path.stem}.csv")
    assert after == before
    pd.testing.assert_frame_equal(Panel.load(home=home).frame, longer.frame)
    (home / "data" / "extra" / f"{path.stem}.csv").unlink()
    return True


def throw(
    home: Path, folder: Path, suffix: str, number: int, make: Callable[[random.Random], bytes]
) -> tuple[int, int]:
    """Throw mutated files at the readers; return how many were accepted and refused."""
    panel = Panel.load(extra=False, home=home)
    path = folder / f"mine{suffix}"
    accepted = 0
    for seed in range(number):
        path.write_bytes(make(random.Random(f"{suffix} {seed}")))  # noqa: S311 - no secret
        print(f"seed {suffix!r} {seed}")  # shown when a test fails: the last one is to blame
        accepted += attempt(path, panel, home)
    return accepted, number - accepted


def test_the_files_are_valid_before_they_are_mutated(
    home: Path, tmp_path: Path, workbook: bytes
) -> None:
    panel = Panel.load(extra=False, home=home)
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        (tmp_path / "mine.csv").write_bytes(csv_bytes([COLUMNS, *ROWS], encoding))
        assert attempt(tmp_path / "mine.csv", panel, home)
    (tmp_path / "mine.xlsx").write_bytes(workbook)
    assert attempt(tmp_path / "mine.xlsx", panel, home)


def test_mutated_rows(home: Path, tmp_path: Path) -> None:
    accepted, refused = throw(home, tmp_path, ".csv", 500, mutate_rows)
    assert min(accepted, refused) > 50, "the mutations reach both outcomes"


def test_mutated_bytes(home: Path, tmp_path: Path) -> None:
    content = [csv_bytes([COLUMNS, *ROWS], name) for name in ("utf-8", "gb18030")]
    accepted, refused = throw(
        home, tmp_path, ".csv", 400, lambda chance: mutate_bytes(chance.choice(content), chance)
    )
    assert min(accepted, refused) > 5, "the mutations reach both outcomes"


def test_mutated_workbooks(home: Path, tmp_path: Path, workbook: bytes) -> None:
    def make(chance: random.Random) -> bytes:
        cut = workbook[: chance.randrange(len(workbook))]
        changed = mutate_members(workbook, chance)
        return chance.choice([cut, mutate_bytes(workbook, chance), changed, changed])

    accepted, refused = throw(home, tmp_path, ".xlsx", 400, make)
    assert min(accepted, refused) > 20, "the mutations reach both outcomes"


def test_noise(home: Path, tmp_path: Path) -> None:
    for suffix in (".csv", ".xlsx"):
        accepted, _ = throw(
            home, tmp_path, suffix, 50, lambda chance: chance.randbytes(chance.randrange(2000))
        )
        assert accepted == 0
