"""The specification curve and the explorers on a page: what is drawn, said and refused."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import vl_convert
from made_up_hostile import EVIL, embedded
from made_up_panels import refusals, refuses

from nqpf import Panel, provinces
from nqpf.compare import standings
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.report import explorer
from nqpf.report.curve import curve_explorer, specification_curve
from nqpf.report.explore import rank_explorer


def table(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    levels = {"outcome": ["growth", "income"], "kind": ["composite", "tfp"], "vintage": ["census5"]}
    levels |= {"system": [f"system {i}" for i in range(12)], "controls": ["none", "wide", EVIL]}
    choices = {name: rng.choice(own, rows) for name, own in levels.items()}
    frame = pd.DataFrame(choices, dtype="category").assign(id=np.arange(rows))
    frame["system"] = frame["system"].astype(object).where(frame["kind"] == "composite", "")
    frame["estimate"] = rng.normal(0.1 * (frame["kind"] == "tfp"), 0.1)
    frame["std_error"] = rng.uniform(0.02, 0.1, rows)
    frame["pvalue"] = np.exp(-np.abs(frame["estimate"] / frame["std_error"]))
    return frame


def test_rows_are_the_levels_of_choices_that_vary_and_always_apply():
    axes = specification_curve(table(), labels={"outcome": "Outcome"}).figure.axes
    got = [text.get_text() for ax in axes for text in ax.texts]
    assert got[:3] == ["Outcome", "growth", "income"] and "tfp" in got
    assert not {"system", "vintage", "census5"} & set(got)


def test_points_stand_in_order_with_their_sign_and_many_are_grouped():
    frame = table()
    ax = specification_curve(frame).figure.axes[0]
    points = {line.get_label(): line.get_xydata() for line in ax.lines[1:]}
    together = np.vstack(list(points.values()))
    together = together[together[:, 0].argsort()]
    np.testing.assert_array_equal(together[:, 1], np.sort(frame["estimate"]))
    sure = frame["pvalue"] < 0.05
    assert len(points["significant, negative"]) == (sure & (frame["estimate"] < 0)).sum()
    assert len(points["significant, positive"]) == (sure & (frame["estimate"] > 0)).sum()
    many = specification_curve(table(5000)).figure
    assert sum(len(line.get_xdata()) for line in many.axes[0].lines[1:]) == 400
    words = " ".join(text.get_text() for text in many.texts)
    assert "5,000 specifications in 400 groups by rank" in words.replace("\n", " ")


def test_strips_are_dark_where_the_level_is():
    frame = table(4).assign(outcome="growth", controls="none", system="")
    frame["estimate"], frame["kind"] = [4.0, 3.0, 2.0, 1.0], ["tfp", "composite", "tfp", "tfp"]
    lower = specification_curve(frame).figure.axes[2]
    composite, tfp = (np.asarray(image.get_array()).ravel().tolist() for image in lower.images)
    assert composite == [0, 0, 1, 0] and tfp == [1, 1, 0, 1]


def test_figure_is_light_says_what_it_shows_and_is_the_same_in_every_order():
    frame = table(2000).assign(estimate=lambda t: t["estimate"].round(1))  # many ties
    mixed = frame.sample(frac=1, random_state=0)
    first, second = (specification_curve(t, "Growth", "effect") for t in (frame, mixed))
    html = first.html()
    assert html == second.html() and len(html) < 300_000 and "<script" not in html
    assert first.alt.startswith("Specification curve. Growth; 2,000 specifications; effect from ")
    share = ((frame["pvalue"] < 0.05) & (frame["estimate"] > 0)).mean()
    assert f"{share:.0%} significant and positive" in first.alt
    low, high = frame.groupby("kind", observed=True)["estimate"].median()
    assert f"kind: composite {low:.2f} to tfp {high:.2f}" in first.alt


def parts(html):
    spec = embedded(html)
    params = {one["name"]: one for one in spec["params"]}
    rows = next(d for d in [layer.get("data") for layer in spec["layer"]] if d and d.get("format"))
    lines = [line.split(",") for line in rows["values"].split("\n")]
    return spec, params, pd.DataFrame(lines[1:], columns=lines[0]).astype(float)


@pytest.fixture(scope="module")
def explored():
    return curve_explorer(table(9000), filters=["kind", "controls"])


def test_explorer_is_data_with_a_text_and_the_same_in_every_run(explored):
    assert explored.html.startswith('<div class="vega-chart" role="group" aria-label="Interactive ')
    assert "<!--" not in explored.html
    assert "2,500 of them are drawn, at evenly spaced quantiles" in explored.text
    spec, params, points = parts(explored.html)
    assert spec["width"] == "container" and "url" not in json.dumps(spec)
    assert params["menu_1"]["bind"]["labels"][:2] == ["(all)", EVIL]
    assert len(points) == 2500 and len(explored.html) < 250_000
    assert not re.search(r'"(view|param|layer|concat)_\d+"', explored.html)
    mixed = table(9000).sample(frac=1, random_state=1)
    assert curve_explorer(mixed, filters=["kind", "controls"]).html == explored.html


def test_figures_are_of_all_specifications_and_points_carry_their_choices(explored):
    _, params, points = parts(explored.html)
    frame = table(9000)
    names, facts = params["names"]["value"], params["facts"]["value"]
    for kind, controls in ((-1, -1), (1, -1), (0, 2)):
        own = frame[(frame["kind"] == names[0][kind]) | (kind < 0)]
        own = own[(own["controls"] == names[1][controls]) | (controls < 0)]
        sure = own["pvalue"] < 0.05
        count, median, positive, negative, drawn = facts[f"{kind},{controls}"]
        signs = [(sure & (side * own["estimate"] > 0)).mean() for side in (1, -1)]
        expected = pytest.approx([own["estimate"].median(), *signs], rel=1e-3)
        assert [median, positive, negative] == expected
        mine = ((points["k0"] == kind) | (kind < 0)) & ((points["k1"] == controls) | (controls < 0))
        assert (count, drawn) == (len(own), mine.sum())
        # A tenth of the spread of the estimates is 0.01.
        assert abs(points.loc[mine, "estimate"].median() - median) < 0.02
    keys, point = frame["estimate"].map("{:.4g}".format).astype(float), points.iloc[100]
    row = frame[(keys == point["estimate"]) & ((frame["std_error"] - point["error"]).abs() < 1e-4)]
    shown = [own[int(point[f"k{i}"])] for i, own in enumerate(names)]
    choices = ["kind", "controls", "outcome", "system"]
    assert shown == row.iloc[0][choices].replace("", "–").tolist()


def test_specification_compiles_with_and_without_menus(explored):
    bare = curve_explorer(table(40), filters=[], label=EVIL, labels={"kind": EVIL})
    assert "menus for" not in bare.text and "Every specification is a point." in bare.text
    drawn = vl_convert.vegalite_to_svg(embedded(bare.html) | {"width": 330})
    assert "40 specifications, median" in drawn
    spec, params, points = parts(explored.html)
    spec["width"] = 330
    assert params["menu_0"]["value"] == 0 and params["menu_1"]["value"] == -1
    for value, count in ((-1, 2500), (0, (points["k0"] == 0).sum())):
        params["menu_0"]["value"] = value
        drawn = vl_convert.vegalite_to_svg(spec)
        assert drawn.count('aria-roledescription="point"') == count
        assert ("9,000 specifications, median" in drawn) == (value < 0)


def test_points_keep_shares_and_quantiles_of_every_choice():
    rare = table(9000).assign(controls=np.where(np.arange(9000) < 3, "rare", "wide"))
    _, params, points = parts(curve_explorer(rare, ["kind", "controls"]).html)
    names = params["names"]["value"]
    assert (points["k1"] == names[1].index("rare")).any() and len(points) == 2500
    shares = (rare["kind"] == "tfp").mean(), (points["k0"] == names[0].index("tfp")).mean()
    assert shares[1] == pytest.approx(shares[0], abs=0.002)
    for code, name in enumerate(names[0]):
        whole = np.sort(rare.loc[(rare["kind"] == name) & (rare["controls"] == "wide"), "estimate"])
        own = points[(points["k0"] == code) & (points["k1"] == names[1].index("wide"))]
        spots = np.searchsorted(whole, np.sort(own["estimate"])) / len(whole)
        assert np.abs(spots - (np.arange(len(own)) + 0.5) / len(own)).max() < 0.01


test_wrong_input_is_named = refusals(
    SampleError,
    ("std_error", lambda: specification_curve(table().drop(columns="std_error")), DataError),
    ("one specification", lambda: specification_curve(table(1))),
    ("missing or infinite", lambda: specification_curve(table().assign(pvalue=np.nan))),
    ("'kid'.*Did you mean 'kind'", lambda: curve_explorer(table(), ["kid"]), DataError),
    ("90,601 combinations of a and b",
     lambda: curve_explorer(table().assign(a=range(300), b=range(300)), ["a", "b"]), MethodError),
)  # fmt: skip


# --- the explorer, and the chart of ranks ---


def test_the_box_opens_with_a_table_and_hides_no_tag():
    keys = ["lu-2024", "zou-2024"]
    found = standings(Panel.load(extra=False), keys, weights=["equal"], aggregate=[], draws=20)
    box = explorer(found, "zou-2024")
    data = embedded(box.html)
    assert data["start"] == {"system": "zou-2024", "year": 2022, "with": "tfp"}
    assert data["step"] == 1e-7
    ranked = found.of("zou-2024").xs(2022, level="year").sort_values("rank")
    assert box.html.count("<tr>") == 1 + len(ranked)
    first = provinces.name(ranked.index[0], "both")
    assert first in box.text and f"{ranked['score'].iloc[0]:.3f}" in box.text

    refuses(MethodError, "unknown system 'nobody'", explorer, found, "nobody")


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
    refuses(SampleError, "two or more measures", rank_explorer, table[["A"]])
    drawn = vl_convert.vegalite_to_svg(spec | {"width": 330})
    assert drawn.count('aria-roledescription="point"') == 30 and ">BJ<" in drawn
