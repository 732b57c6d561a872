"""What the explorer packs: exact to the last figure shown, and safe inside a page."""

import base64

import numpy as np
import pandas as pd
import pytest
import vl_convert
from made_up_hostile import EVIL, embedded

from nqpf import Panel, provinces
from nqpf.compare import standings
from nqpf.errors import MethodError, SampleError
from nqpf.report import explorer
from nqpf.report.explore import rank_explorer


@pytest.fixture(scope="module")
def found():
    keys = ["lu-2024", "zou-2024"]
    return standings(Panel.load(extra=False), keys, weights=["equal"], aggregate=[], draws=20)


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)


@pytest.fixture(scope="module")
def data(found):
    return embedded(explorer(found).html)


def test_scores_ranks_and_bounds_come_back(found, data):
    scores, ranks = unpacked(data["scores"], "<i4"), unpacked(data["ranks"], "u1")
    bounds = unpacked(data["bounds"], "u1")
    assert [one["key"] for one in data["systems"]] == ["lu-2024", "zou-2024", "tfp"]
    for system in data["systems"]:
        one, start = found.of(system["key"]), system["measures"][".".join(system["own"])]
        grid = pd.MultiIndex.from_product([provinces.codes(), system["years"]])
        missing = ~grid.isin(one.index)
        assert not ranks[start : start + len(grid)][missing].any()
        for at, key in enumerate(grid):
            if not missing[at]:
                row, low = one.loc[key], system["interval"] + 2 * at
                whole = [ranks[start + at], *bounds[low : low + 2]]
                assert whole == [row["rank"], row["lower"], row["upper"]]
                # Half up from the cut steps is what Python prints, at any fewer digits.
                for digits in (2, 3, 6):
                    unit = 10 ** (7 - digits)
                    shown = (int(scores[start + at]) + unit // 2) // unit / 10**digits
                    assert f"{shown:.{digits}f}" == f"{row['score']:.{digits}f}"


def test_indicators_give_the_normalised_values_bit_for_bit(found, data):
    raw = unpacked(data["rawValues"], "<f8").reshape(len(data["raw"]), 31, len(data["years"]))
    for system in data["systems"][:-1]:
        z = found.normalised[system["key"]]
        for one, (worst, width) in zip(system["indicators"], system["scale"], strict=True):
            values = raw[data["raw"].index(one["key"])]
            for (code, year), expected in z[one["key"]].items():
                x = values[provinces.codes().index(code), data["years"].index(year)]
                assert abs(x - worst) / width == expected


def test_the_box_opens_with_a_table_and_hides_no_tag(found):
    box = explorer(found, "zou-2024")
    data = embedded(box.html)
    assert data["start"] == {"system": "zou-2024", "year": 2022, "with": "tfp"}
    assert data["step"] == 1e-7
    ranked = found.of("zou-2024").xs(2022, level="year").sort_values("rank")
    assert box.html.count("<tr>") == 1 + len(ranked)
    first = provinces.name(ranked.index[0], "both")
    assert first in box.text and f"{ranked['score'].iloc[0]:.3f}" in box.text

    with pytest.raises(MethodError, match="unknown system 'nobody'"):
        explorer(found, "nobody")


def test_the_chart_of_ranks_embeds_each_rank_and_nothing_else():
    order = np.argsort(np.random.default_rng(0).random((31, 3)), axis=0) + 1.0
    table = pd.DataFrame(order, provinces.codes(), ["A", "B", EVIL])
    table.loc[540000, "A"] = np.nan
    chart = rank_explorer(table)
    assert chart.html.startswith('<div class="vega-chart" role="group" aria-label="Interactive ')
    assert "<!--" not in chart.html
    spec = embedded(chart.html)
    assert spec["width"] == "container" and "of 31 provinces by two of 3 measures" in chart.text
    tibet = next(row for row in spec["data"]["values"] if row["name"] == "Tibet 西藏")
    assert tibet["values"] == table.loc[540000].dropna().to_dict() and tibet["region"] == "West"
    assert [one["value"] for one in spec["params"]] == ["A", "B"]
    with pytest.raises(SampleError, match="two or more measures"):
        rank_explorer(table[["A"]])
    drawn = vl_convert.vegalite_to_svg(spec | {"width": 330})
    assert drawn.count('aria-roledescription="point"') == 30 and ">BJ<" in drawn
