"""The map of outputs and the files of figures and tables, read from the built pages."""

import csv
import io
import re
from functools import cache
from xml.etree import ElementTree

from browsing import ROOT, is_page, read, tree
from outputs_files import plain_cell, read_table

from nqpf import System
from nqpf.data import Catalogue
from nqpf.systems import available

FORMULA = tuple("=+-@＝＋－＠")
RESULTS = "//*[contains(@class, 'cell_output')]//*[self::img or self::table]"
RESULTS += " | //*[contains(@class, 'pasted-text')]"


@cache
def entries(html):
    data = (html / "downloads/outputs/map.csv").read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def chapters(html):
    return list(dict.fromkeys(row["page"] for row in entries(html)))


@cache
def shown(html, page):
    """Return figures and tables that the cells of a chapter show."""
    figures = "*[contains(@class, 'vega-chart') or contains(@class, 'nqpf-figure')]"
    kinds = {"figure": figures, "table": "table[not(ancestor::table)]"}
    cells, chapter = "//*[contains(@class, 'cell_output')]", tree(html / f"{page}.html")
    return {kind: chapter.xpath(f"{cells}//{one}") for kind, one in kinds.items()}


def table_rows(path):
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_every_chapter_with_cells_is_in_the_map(html):
    paths = (p for folder in ("notebooks", "book") for p in (html / folder).rglob("*.html"))
    paths = filter(is_page, paths)
    found = [path.relative_to(html) for path in paths if tree(path).xpath(RESULTS)]
    with_cells = {path.with_suffix("").as_posix() for path in found}
    assert with_cells and with_cells <= set(chapters(html))
    (index,) = tree(html / "outputs/index.html").find_class("output-index")
    assert set(index.xpath(".//th//a/@href")) == {f"{page}.html" for page in chapters(html)}


def test_every_figure_and_table_has_files_an_entry_and_links(html):
    missing = []
    for page in chapters(html):
        chapter = tree(html / f"{page}.html")
        places, ids = chapter.xpath("//@id"), tree(html / f"outputs/{page}.html").xpath("//@id")
        kinds = shown(html, page)
        for kind, ending in (("figure", "svg"), ("table", "csv")):
            for number in range(1, len(kinds[kind]) + 1):
                name = f"{kind}-{number}"
                file = html / f"downloads/outputs/{page}/{name}.{ending}"
                there = {"entry": name in ids, "place": f"output-{name}" in places}
                there["file"] = file.is_file() and file.stat().st_size
                missing += [f"{page}: no {what} of {name}" for what in there if not there[what]]
        lines = [line for links in chapter.find_class("output-links") for line in links]
        assert len(lines) == sum(map(len, kinds.values())), page
        for line in lines:
            names = [a.get("aria-label", "") for a in line.iter("a")]
            assert names[-1].startswith("How ") and all(re.search(r"\d", n) for n in names), page
    assert missing == []


def test_every_number_in_prose_links_to_an_entry_that_shows_it(html):
    wrong, count = [], 0
    for page in chapters(html):
        own = tree(html / f"outputs/{page}.html").find_class("output-entry")
        there = {entry.get("id"): entry.find(".//summary").text_content() for entry in own}
        for number in tree(html / f"{page}.html").find_class("pasted-text"):
            link = next(number.iterancestors("a"), None) if number.tag != "a" else number
            if link is not None and "output-number" not in link.classes:
                continue  # inside a link of the chapter's own
            count += 1
            anchor = link.get("href").partition("#")[2] if link is not None else ""
            if " ".join(number.text_content().split()) not in there.get(anchor, ""):
                wrong.append(f"{page}: {anchor or 'no link'} of {number.text_content()}")
    assert wrong == []
    assert count > 500


def test_each_table_is_what_its_file_holds(html):
    for page in chapters(html):
        for number, table in enumerate(shown(html, page)["table"], start=1):
            rows = table_rows(html / f"downloads/outputs/{page}/table-{number}.csv")
            header, cells = read_table(table)
            assert rows == [[plain_cell(c) for c in row] for row in [header, *cells]], page


def test_files_are_safe(html):
    files = sorted((html / "downloads/outputs").rglob("*.*"))
    assert {path.suffix for path in files} == {".svg", ".csv"}
    for path in files:
        if path.suffix == ".svg":
            root = ElementTree.fromstring(path.read_bytes())  # noqa: S314
            assert root.tag.endswith("}svg"), path
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert not tags & {"script", "foreignObject", "iframe"}, path
            names = {name for element in root.iter() for name in element.attrib}
            assert not [name for name in names if name.startswith("on")], path
        else:
            assert path.read_bytes().startswith(b"\xef\xbb\xbf"), path
            for row in table_rows(path):
                for cell in row:
                    formula = cell.startswith(FORMULA) and not re.fullmatch(r"-[\d.e+-]+", cell)
                    assert not formula, (path, cell)


def test_data_and_systems_exist(html):
    # One chapter makes a variable of its own.
    known, systems = {*Catalogue.load().variables, "broadband"}, set(available())
    systems |= {path.stem for path in (ROOT / "data/reference/systems").glob("*.yaml")}
    recorded = 0
    for row in entries(html):
        assert set(row["variables"].split()) <= known, row
        # A chapter may write the card of a system itself, for its own use.
        source = (ROOT / f"{row['page']}.md").read_text("utf-8")
        unknown = set(row["systems"].split()) - systems
        assert all(f"\nkey: {key}\n" in source for key in unknown), row
        recorded += bool(row["variables"])
    assert recorded > 0.5 * len(entries(html))
    for page in chapters(html):
        assert "was not recorded" not in tree(html / f"outputs/{page}.html").text_content(), page
    figures = [row["files"] for row in entries(html) if row["kind"] == "figure"]
    assert sum(".csv" in files for files in figures) > 0.9 * len(figures), "figures lack their data"


def test_entries_name_what_their_outputs_rest_on(html):
    rows = {(row["page"], row["output"]): row for row in entries(html)}
    answer = rows["notebooks/comparison/answer", "figure-2"]
    functions = {name.rpartition(".")[2] for name in answer["functions"].split()}
    assert {"load", "curve_summary", "findings_map"} <= functions and "curve_tests" not in functions
    assert answer["stored results"] == "results.parquet"
    assert set(answer["systems"].split()) == set(available())
    assert (answer["shown by cell"], answer["rests on cells"]) == ("6", "1; 4; 5; 6")
    study = rows["notebooks/records/jin-2024", "number-first"]
    assert set(study["variables"].split()) == set(System.load("jin-2024").variables)
    assert (study["systems"], study["vintages"]) == ("jin-2024", "census5")
    assert {"nqpf.System.load", "nqpf.Recipe"} <= set(study["functions"].split())
    solow = set(rows["notebooks/tfp/solow", "figure-2"]["variables"].split())
    assert {"investment_price", "employment"} <= solow
    whole = rows["notebooks/data/panel", "number-n_figures"]
    assert (whole["whole panel"], whole["variables"]) == ("yes", "")
    assert whole["functions"] == "nqpf.Panel.load"


def test_an_entry_shows_code_that_the_chapter_hides(html):
    page = read(html / "outputs/notebooks/comparison/answer.html")
    assert "signed=int(" in page.find(id="number-signed").get_text()
    assert "signed=int(" not in read(html / "notebooks/comparison/answer.html").get_text()
    (listed,) = page.find(id="number-signed").find_all("a", string=re.compile("variables of the"))
    variables = page.find(id=listed["href"].removeprefix("#"))
    assert variables.find("a", href=re.compile(r"panel\.html#var-gdp$")) is not None
