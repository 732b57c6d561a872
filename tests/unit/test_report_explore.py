"""Interactive charts: a valid specification, safely embedded, the same in every run."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from nqpf import provinces, report
from nqpf.errors import DataError, SampleError

pytest.importorskip("altair", reason="altair comes with the book's requirements")

EVIL = "</script><script>alert('x')</script><!-- & \"quoted\""


def ranks(years: tuple[int, ...] = (2021, 2022)) -> pd.DataFrame:
    rows = [
        (code, measure, year, (place * step) % 31 + 1)
        for place, code in enumerate(provinces.codes())
        for measure, step in (("entropy", 1), (EVIL, 7))
        for year in years
        if (code, measure) != (540000, EVIL)
    ]
    return pd.DataFrame(rows, columns=["province", "measure", "year", "rank"])


def specification(html: str) -> dict:
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    return json.loads(found)


CASES = {
    "ranks": lambda: report.rank_explorer(ranks()),
    "map": lambda: report.map_explorer(ranks().rename(columns={"rank": "value"}), "points"),
}


@pytest.mark.parametrize("case", CASES)
def test_chart_is_embedded_as_data_with_a_text(case):
    made = CASES[case]()
    assert made.html.startswith('<div class="vega-chart" role="group" aria-label="Interactive ')
    assert "alert('x')</script>" not in made.html and "<!--" not in made.html
    assert made.html.count("<script") == 1
    assert "31 provinces" in made.html and "2021 to 2022" in made.html
    assert "<noscript><p>Interactive " in made.html
    assert repr(made).startswith("[Interactive chart: ")
    menu = specification(made.html)["params"][0]["bind"]
    assert menu["options"] == ["entropy", EVIL]


@pytest.mark.parametrize("case", CASES)
def test_same_specification_in_every_run(case):
    assert CASES[case]().html == CASES[case]().html
    assert not re.search(r'"(view|param|layer|concat)_\d+"', CASES[case]().html)


@pytest.mark.parametrize("case", CASES)
def test_specification_compiles_and_draws_all_provinces(case):
    vl_convert = pytest.importorskip("vl_convert", reason="vl-convert-python is not installed")
    spec = specification(CASES[case]().html)
    spec["width"] = 360
    drawn = vl_convert.vegalite_to_svg(spec)
    shown = set(re.findall(r">([A-Z]{2})</text>", drawn))
    expected = set(provinces.table()["abbr"])
    assert shown == (expected - {"XZ"} if case == "ranks" else expected)


def test_slider_only_where_there_is_a_choice():
    one = specification(report.rank_explorer(ranks((2022,)).drop(columns="year")).html)
    two = specification(report.rank_explorer(ranks()).html)
    assert [p["name"] for p in one["params"]] == ["across", "up"]
    assert [p["name"] for p in two["params"]] == ["across", "up", "chosen_year"]


def test_explorer_fits_a_phone_and_asks_no_host():
    for make in CASES.values():
        spec = specification(make().html)
        assert spec["width"] == "container"
        assert "url" not in json.dumps(spec)


def test_colours_of_the_map_span_all_years():
    frame = ranks().rename(columns={"rank": "value"})
    frame["value"] = frame["value"].where(frame["year"] == 2022, frame["value"] / 10)
    values = specification(report.map_explorer(frame).html)["data"]["values"]
    shares = pd.Series([r["shares"]["entropy"] for r in values], [r["year"] for r in values])
    assert shares[2021].max() < 0.1 and shares[2022].max() == 1


def test_wrong_input_is_named():
    with pytest.raises(DataError, match="no column 'rank'"):
        report.rank_explorer(ranks().drop(columns="rank"))
    with pytest.raises(SampleError, match="at least two measures"):
        report.rank_explorer(ranks()[lambda f: f["measure"] == "entropy"])
    with pytest.raises(SampleError, match="province 110000, year 2021, measure entropy"):
        report.rank_explorer(pd.concat([ranks(), ranks()]))
