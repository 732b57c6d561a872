"""The specification curve on a page: what is drawn, said, embedded and refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.multiverse import variance_shares
from nqpf.report.curve import curve_explorer, representative, sorted_curve, specification_curve
from nqpf.report.regressions import shares_chart

EVIL = "</script><script>alert('x')</script><!-- $\\frac{$ & \"quoted\""


def table(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    choices = {
        "outcome": rng.choice(["growth", "income"], rows),
        "kind": rng.choice(["composite", "tfp"], rows),
        "system": rng.choice([f"system {i}" for i in range(12)], rows),
        "controls": rng.choice(["none", "wide", EVIL], rows),
        "vintage": ["census5"] * rows,
    }
    frame = pd.DataFrame({"id": np.arange(rows), **choices}).astype(
        dict.fromkeys(choices, "category")
    )
    frame["system"] = frame["system"].astype(object).where(frame["kind"] == "composite", "")
    frame["estimate"] = rng.normal(0.1 * (frame["kind"] == "tfp"), 0.1)
    frame["std_error"] = rng.uniform(0.02, 0.1, rows)
    frame["pvalue"] = np.exp(-np.abs(frame["estimate"] / frame["std_error"]))
    return frame


def texts(picture):
    return [text.get_text() for ax in picture.figure.axes for text in ax.texts]


def test_rows_are_the_levels_of_choices_that_vary_and_always_apply():
    got = texts(specification_curve(table()))
    assert got[:3] == ["outcome", "growth", "income"] and "tfp" in got
    assert not {"system", "vintage", "census5"} & set(got)
    asked = texts(specification_curve(table(), axes=["system"], labels={"system": "System"}))
    assert asked[0] == "System" and len(asked) == 13 and "" not in asked


def test_each_specification_is_a_point_and_many_are_grouped():
    few, many = table(300), table(5000)
    drawn = [sum(len(line.get_xdata()) for line in specification_curve(t).figure.axes[0].lines[1:])
             for t in (few, many)]  # fmt: skip
    assert drawn == [300, 400]
    words = [text.get_text() for text in specification_curve(many).figure.texts]
    assert any("5,000 specifications in 400 groups by rank" in w.replace("\n", " ") for w in words)


def test_points_stand_in_order_with_their_sign():
    frame = table()
    ax = specification_curve(frame).figure.axes[0]
    points = {line.get_label(): line.get_xydata() for line in ax.lines[1:]}
    together = np.vstack(list(points.values()))
    together = together[together[:, 0].argsort()]
    np.testing.assert_array_equal(together[:, 1], np.sort(frame["estimate"]))
    sure = frame["pvalue"] < 0.05
    assert len(points["significant, negative"]) == (sure & (frame["estimate"] < 0)).sum()
    assert len(points["significant, positive"]) == (sure & (frame["estimate"] > 0)).sum()


def test_strips_are_dark_where_the_level_is():
    frame = table(4)
    frame["estimate"], frame["kind"] = [4.0, 3.0, 2.0, 1.0], ["tfp", "composite", "tfp", "tfp"]
    lower = specification_curve(frame, axes=["kind"]).figure.axes[2]
    composite, tfp = (np.asarray(image.get_array()).ravel().tolist() for image in lower.images)
    assert composite == [0, 0, 1, 0] and tfp == [1, 1, 0, 1]


def test_alternative_text_is_computed():
    frame = table()
    text = specification_curve(frame, title="Growth", label="effect").alt
    assert text.startswith("Specification curve. Growth; 300 specifications; effect from ")
    share = ((frame["pvalue"] < 0.05) & (frame["estimate"] > 0)).mean()
    assert f"{share:.0%} significant and positive" in text
    medians = frame.groupby("kind", observed=True)["estimate"].median()
    expected = f"kind: composite {medians['composite']:.2f} to tfp {medians['tfp']:.2f}"
    assert expected in text


def test_figure_is_the_same_in_every_run():
    first, second = (specification_curve(table(2500), axes=["kind"]).svg() for _ in "ab")
    assert first == second


def test_figure_with_most_points_is_light():
    html = specification_curve(table(2000), axes=["kind", "controls"]).html()
    assert len(html) < 300_000 and "<script" not in html


def test_order_of_rows_does_not_matter():
    frame = table().assign(estimate=lambda t: t["estimate"].round(1))  # many ties
    mixed = frame.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(sorted_curve(frame), sorted_curve(mixed))


def embedded(html):
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    spec = json.loads(found)
    params = {one["name"]: one for one in spec["params"]}
    rows = next(d for d in [layer.get("data") for layer in spec["layer"]] if d and d.get("format"))
    lines = [line.split(",") for line in rows["values"].split("\n")]
    return spec, params, pd.DataFrame(lines[1:], columns=lines[0]).astype(float)


@pytest.fixture(scope="module")
def explored():
    pytest.importorskip("altair", reason="altair comes with the book's requirements")
    return curve_explorer(table(3000), filters=["kind", "controls"], points=500)


def test_explorer_is_data_with_a_text(explored):
    assert explored.html.startswith('<div class="vega-chart" role="group" aria-label="Interactive ')
    assert explored.html.count("<script") == 1 and "<!--" not in explored.html
    assert "500 of them are drawn, at evenly spaced quantiles" in explored.text
    spec, params, points = embedded(explored.html)
    assert spec["width"] == "container" and "url" not in json.dumps(spec)
    assert params["menu_1"]["bind"]["labels"][:2] == ["(all)", EVIL]
    assert len(points) == 500 and len(explored.html) < 150_000
    assert not re.search(r'"(view|param|layer|concat)_\d+"', explored.html)


def test_explorer_is_the_same_in_every_run(explored):
    mixed = table(3000).sample(frac=1, random_state=1)
    assert curve_explorer(mixed, filters=["kind", "controls"], points=500).html == explored.html


def test_figures_above_the_curve_are_of_all_specifications(explored):
    _, params, points = embedded(explored.html)
    frame = table(3000)
    names, facts = params["names"]["value"], params["facts"]["value"]
    for kind, controls in ((-1, -1), (1, -1), (0, 2)):
        own = frame
        for axis, place in (("kind", kind), ("controls", controls)):
            if place >= 0:
                own = own[own[axis] == names[0 if axis == "kind" else 1][place]]
        sure = own["pvalue"] < 0.05
        count, median, positive, negative, drawn = facts[f"{kind},{controls}"]
        assert count == len(own)
        assert median == pytest.approx(own["estimate"].median(), rel=1e-3)
        assert positive == pytest.approx((sure & (own["estimate"] > 0)).mean(), rel=1e-3)
        assert negative == pytest.approx((sure & (own["estimate"] < 0)).mean(), rel=1e-3)
        mine = ((points["k0"] == kind) | (kind < 0)) & ((points["k1"] == controls) | (controls < 0))
        assert drawn == mine.sum()
        gap = abs(points.loc[mine, "estimate"].median() - median)
        assert gap < 0.02  # a tenth of the spread of the estimates is 0.01


def test_points_carry_the_choices_of_their_specification(explored):
    _, params, points = embedded(explored.html)
    frame = table(3000)
    keys = frame["estimate"].map("{:.4g}".format).astype(float)
    point = points.iloc[100]
    row = frame[(keys == point["estimate"]) & ((frame["std_error"] - point["error"]).abs() < 1e-4)]
    names = params["names"]["value"]
    shown = [names[i][int(point[f"k{i}"])] for i in range(len(names))]
    expected = row.iloc[0][["kind", "controls", "outcome", "system"]].replace("", "–").tolist()
    assert shown == expected


def test_specification_compiles_and_filters(explored):
    vl_convert = pytest.importorskip("vl_convert", reason="vl-convert-python is not installed")
    spec, params, points = embedded(explored.html)
    spec["width"] = 330
    assert params["menu_0"]["value"] == 0 and params["menu_1"]["value"] == -1
    params["menu_0"]["value"] = -1
    drawn = vl_convert.vegalite_to_svg(spec)
    assert drawn.count('aria-roledescription="point"') == 500
    assert "3,000 specifications, median" in drawn
    params["menu_0"]["value"] = 0
    fewer = vl_convert.vegalite_to_svg(spec)
    assert fewer.count('aria-roledescription="point"') == (points["k0"] == 0).sum()


def test_every_specification_is_drawn_when_they_are_few():
    pytest.importorskip("altair", reason="altair comes with the book's requirements")
    made = curve_explorer(table(300))
    assert "Every specification is a point." in made.text
    _, params, points = embedded(made.html)
    assert len(points) == 300 and {"menu_0", "menu_2"} < set(params) and "menu_3" not in params


def test_without_menus_the_figures_are_there():
    vl_convert = pytest.importorskip("vl_convert", reason="vl-convert-python is not installed")
    pytest.importorskip("altair", reason="altair comes with the book's requirements")
    made = curve_explorer(table(40), filters=[])
    assert "menus for" not in made.text
    drawn = vl_convert.vegalite_to_svg(embedded(made.html)[0] | {"width": 330})
    assert "40 specifications, median" in drawn


def test_representative_points_keep_shares_and_quantiles():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, 2, 20_000), (rng.random(20_000) < 0.001).astype(int)])
    kept = representative(codes, 1000)
    assert len(kept) == 1000 and (np.diff(kept) > 0).all()
    assert codes[kept, 0].mean() == pytest.approx(codes[:, 0].mean(), abs=0.002)
    assert codes[kept, 1].sum() >= 1  # the rare level is there
    for level in (0, 1):
        places = np.flatnonzero(codes[:, 0] == level)
        spots = np.searchsorted(places, kept[codes[kept, 0] == level]) / len(places)
        even = (np.arange(len(spots)) + 0.5) / len(spots)
        assert np.abs(spots - even).max() < 0.01


def test_shares_are_bars_with_figures():
    frame = table(2000)
    shares = variance_shares(frame, {"measure": ["kind", "system"], "controls": ["controls"]})
    picture = shares_chart(shares, "Disagreement", {"measure": "Measure $"})
    (ax,) = picture.figure.axes
    largest = shares.to_frame().iloc[0]
    assert [bar.get_width() for bar in ax.patches[:2]] == [
        max(largest[["first_order", "total"]]),
        largest["first_order"],
    ]
    assert ax.get_yticklabels()[0].get_text() == "Measure $"
    assert picture.alt.startswith(
        "Bar chart of shares of variance. Disagreement: Measure $ "
        f"{largest['first_order']:.1%} alone"
    )
    assert len(picture.html()) < 150_000


def test_wrong_input_is_named():
    with pytest.raises(DataError, match="no column 'kid'.*Did you mean 'kind'"):
        specification_curve(table(), axes=["kid"])
    with pytest.raises(DataError, match="no column 'std_error'"):
        specification_curve(table().drop(columns="std_error"))
    with pytest.raises(SampleError, match="one specification"):
        specification_curve(table(1))
    with pytest.raises(SampleError, match="without estimate or p value"):
        specification_curve(table().assign(pvalue=np.nan))
    with pytest.raises(DataError, match="no column 'total'"):
        shares_chart(pd.DataFrame({"first_order": [0.1]}))


def test_wrong_menus_are_named():
    pytest.importorskip("altair", reason="altair comes with the book's requirements")
    with pytest.raises(DataError, match="no column 'kid'"):
        curve_explorer(table(), filters=["kid"])
    with pytest.raises(MethodError, match="points is 5000"):
        curve_explorer(table(), points=5000)
    wide = table().assign(a=range(300), b=range(300))
    with pytest.raises(MethodError, match="90,601 combinations of a and b"):
        curve_explorer(wide, filters=["a", "b"])
