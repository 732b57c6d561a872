"""The explorer and the chart of ranks as a page embeds them, safe inside it."""

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
