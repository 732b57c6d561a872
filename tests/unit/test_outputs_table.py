"""Tables as CSV: awkward headings and spans, numbers as numbers, no formula."""

import csv
import io

import pandas as pd
import pytest
from lxml.html import fragment_fromstring
from outputs_files import chart_rows, csv_bytes, plain_cell, read_table, safe_svg


def table(header, rows):
    """Return a table as the library writes it; a row of one cell is a heading over others."""
    wide = f'<th colspan="{len(header)}" scope="rowgroup">'
    body = ""
    for row in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in row)
        body += f"<tr>{cells if len(row) > 1 else f'{wide}{row[0]}</th>'}</tr>"
    head = "".join(f'<th scope="col">{name}</th>' for name in header)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def frame(data, columns, index):
    return pd.DataFrame(data, columns=columns, index=index).to_html()


YEAR = pd.Index([2020], name="year")
LEVELS = pd.MultiIndex.from_tuples([("east", "n"), ("east", "mean"), ("west", "n")])
MEASURE = pd.Index(["a", "b"], name="measure")
REGIONS = pd.MultiIndex.from_product([["east", "west"], [2020, 2021]], names=["region", "year"])
FIRST = ["First", "a", "1"]
SPANNED = [[region, str(year), str(i)] for i, (region, year) in enumerate(REGIONS)]
GROUPED = table(["name", "n"], [["First"], ["a", 1], ["b", 2], ["Second"], ["c", 3]])
INSIDE = "<a href='#x'>one</a><br>two <table><tr><td>in</td></tr></table>"


PLAIN = frame([[1.5, "x"], [None, "y"]], ["a", "b"], pd.Index(["p", "q"], name="i"))
LATE = table(["a", "b"], [[1, 2], ["G"], [3, 4]])
WIDE = ["year", "east | n", "east | mean", "west | n"]
# Standard errors are no negative numbers.
ROWS = [["x", "-0.9", ""], ["", "(0.128)", ""], ["", "[0.01]", ""], ["Observations", "1,299", 5]]
REGRESSION = table(["", "one", "two"], ROWS).replace("<table", '<table class="regression-table"')
SAID = [["x", "coefficient", "-0.9", ""], ["x", "standard error", "0.128", ""]]
SAID += [["x", "bootstrap p value", "0.01", ""], ["Observations", "", "1,299", "5"]]
TABLES = [
    (PLAIN, ["i", "a", "b"], [["p", "1.5", "x"], ["q", "NaN", "y"]]),
    (frame([[1, 2, 3]], LEVELS, YEAR), WIDE, [["2020", "1", "2", "3"]]),
    (frame([[1, 2]], MEASURE, YEAR), ["year", "a", "b"], [["2020", "1", "2"]]),
    (frame([[0], [1], [2], [3]], ["x"], REGIONS), ["region", "year", "x"], SPANNED),
    (GROUPED, ["group", "name", "n"], [FIRST, ["First", "b", "2"], ["Second", "c", "3"]]),
    (LATE, ["group", "a", "b"], [["", "1", "2"], ["G", "3", "4"]]),
    (table(["a", "b"], [[INSIDE, "z"]]), ["a", "b"], [["one; two in", "z"]]),
    ("<table></table>", [], []),
    (REGRESSION, ["row", "statistic", "one", "two"], SAID),
]


IDS = "plain levels named-columns spans groups late-group inside empty regression".split()


@pytest.mark.parametrize(("html", "header", "rows"), TABLES, ids=IDS)
def test_a_table_of_a_page_is_read(html, header, rows):
    assert read_table(fragment_fromstring(html)) == (header, rows)


CELLS = {"+0.5": "0.5", "1,23": "1,23", "1 234": "1234", "3e-05": "3e-05", "NaN": "", True: "True"}
CELLS |= {"12,345,678.9": "12345678.9", "a\n  b\0": "a b", "−0.5 to 0.3": "−0.5 to 0.3"}


def test_numbers_are_numbers_and_texts_stay():
    assert {text: plain_cell(text) for text in CELLS} == CELLS
    # What a spreadsheet would run or misread.
    for text in ("=1+1", "+a", "-2+3", "@SUM(A1)", "＝1", "\t=1", " =1", "(0.12)", "-0.9**"):
        assert plain_cell(text).startswith("'")


def test_hostile_text_and_numbers_come_back_as_they_were():
    texts = ["</script><script>alert(1)</script>", 'say "x", then', "\u202eabc", "名" * 500]
    data = csv_bytes(["=h", "值"], [[text, "−1,234.5"] for text in texts])
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == 5
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows == [["'=h", "值"], *([text, "-1234.5"] for text in texts)]
    assert list(pd.read_csv(io.BytesIO(data))["值"]) == [-1234.5] * 4


def test_the_largest_table_of_a_chart_has_words_for_codes():
    look_up = {"calculate": "names[0][datum.k0]", "as": "c0"}
    coded = {"data": {"values": "y,k0\n1.5,1\n2.5,0"}, "transform": [look_up]}
    shown = {"encoding": {"tooltip": [{"field": "c0", "title": "level"}]}}
    spec = {"params": [{"name": "names", "value": [["low", "high"]]}]}
    spec["layer"] = [{"data": {"values": [{}]}}, coded, shown]
    assert chart_rows(spec) == (["y", "level"], [["1.5", "high"], ["2.5", "low"]])
    assert chart_rows({"mark": "point"}) is None


def test_a_drawing_that_could_run_is_refused():
    for part in ("<script>", "< foreignObject/>", "<g onload = 'x'/>", "javascript:"):
        with pytest.raises(ValueError, match="could run"):
            safe_svg(f"<svg>{part}</svg>".encode())
