"""A made-up project for tests: six variables, invented figures, no table of the real panel."""

import hashlib
import io
import shutil
import warnings
from itertools import product
from pathlib import Path

import yaml
from typer.testing import CliRunner

from nqpf.cli import app
from nqpf.provinces import codes

REPOSITORY = Path(__file__).resolve().parents[2]
HEADER = "province,year,variable,value,unit,source"

VARIABLES = {
    "gdp": ("Gross domestic product", "地区生产总值", "100 million yuan", ["census5", "census4"]),
    "population": ("Population", "常住人口", "10,000 persons", []),
    "urbanisation": ("Urbanisation", "城镇化率", "%", []),
    "energy": ("Energy consumption", "能源消费总量", "10,000 tce", []),
    "hightech_profit": ("High-tech profit", "高技术产业利润", "100 million yuan", []),
    "rd_expenditure": ("R&D expenditure", "研发经费", "100 million yuan", []),
}
YEARS = range(2019, 2024)
SOME = {"en": "made up", "zh": "虚构"}


def figure(code, year, variable):
    """Return the invented figure of a province, year and variable."""
    level = 10 + list(VARIABLES).index(variable)
    return round(level * (codes().index(code) + 1) * 1.05 ** (year - 2019), 2)


def variable(**changes):
    """Return the catalogue's text of a made-up variable."""
    entry = {"name": SOME, "theme": "test", "unit": "10,000 t", "publisher": SOME, "yearbook": SOME}
    return entry | {"definition": "Made up for a test."} | changes


def write_project(home, sources, variables):
    """Write a project folder that has a catalogue and the provinces, and no table."""
    (home / "data").mkdir(parents=True)
    for name in ("provinces.csv", "units.csv"):
        shutil.copy(REPOSITORY / "data" / name, home / "data")
    entries = {key: entry.model_dump(mode="json") for key, entry in sources.items()}
    entries = {"sources": entries, "variables": variables}
    text = yaml.safe_dump(entries, allow_unicode=True, sort_keys=False)
    (home / "data" / "catalogue.yaml").write_text(text, encoding="utf-8")
    return home


def make_project(home):
    """Write a project folder with a catalogue, the provinces and one table of figures."""
    variables = {}
    for key, (en, zh, unit, vintages) in VARIABLES.items():
        variables[key] = variable(name={"en": en, "zh": zh}, unit=unit, vintages=vintages)
    write_project(home, {}, variables)
    (home / "data" / "panel").mkdir()
    lines = ["province,year,variable,value,vintage,flag"]
    for key, (_, _, _, vintages) in sorted(VARIABLES.items()):
        for vintage, code, year in product(sorted(vintages) or [""], codes(), YEARS):
            value = figure(code, year, key)
            lines.append(f"{code},{year},{key},{value!r},{vintage},official")
    (home / "data" / "panel" / "test.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return home


def state(folder):
    """Return the SHA-256 of every file below a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    hashes = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return dict(zip((path.relative_to(folder).as_posix() for path in files), hashes, strict=True))


def write_csv(path, *rows, header=HEADER, encoding="utf-8"):
    """Write a reader's file from a header and rows."""
    path.write_bytes(("\n".join([header, *rows]) + "\n").encode(encoding))
    return path


def write_book(path, **sheets):
    """Write a workbook of these sheets, each given as its rows."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def write_xlsx(path, *rows, header=HEADER):
    """Write a reader's workbook with one sheet."""
    return write_book(path, Sheet=[header.split(","), *rows])


def small_book(folder, texts, settings, builder="html"):
    """Build a book of texts, by the name of their file; return the folder of what is built."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    for name, text in texts.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    out, trees, quiet = folder / "_build" / builder, folder / "trees", io.StringIO()
    with docutils_namespace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Sphinx(folder / "source", None, out, trees, builder, settings, quiet, quiet).build()
    return out


def run(*words):
    """Run a command of the library."""
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words):
    """Return the message of a refusal: one message on standard error, exit code 1."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "") and "Traceback" not in result.stderr
    return result.stderr
