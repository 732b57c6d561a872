"""Figures: every case draws, nothing overlaps, the same data give the same bytes and words."""

import gzip
import importlib.util
import re
import warnings
from dataclasses import replace
from functools import cache
from itertools import combinations
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed, refusals, refuses
from matplotlib import colormaps, rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from nqpf import provinces
from nqpf.dynamics import kernel_density
from nqpf.errors import DataError, SampleError
from nqpf.forecast import forecast
from nqpf.multiverse import variance_shares
from nqpf.report import regressions as reg
from nqpf.report.lines import fan_chart, ridgeline, year_lines
from nqpf.report.maps import centre_paths, tile_map
from nqpf.report.ranks import rank_bump, rank_ranges, ranking, weights_chart
from nqpf.report.style import _chinese_font, _contrast, _settings, picture
from nqpf.space.exploration import centre_of_gravity

CODES = provinces.codes()
TIBET, BEIJING, LIAONING, HAINAN = 540000, 110000, 210000, 460000
PHONE = 360  # CSS pixels that a page of 390 leaves for a figure
LIGHT = 60_000  # bytes as a server sends it
LONG = "A title that says at length what is shown, 一个很长的标题, and goes on past the first line"


def one_year(seed=0):
    return pd.Series(np.random.default_rng(seed).beta(2, 5, 31), index=CODES, name="made-up score")


def panel(years=range(2012, 2024)):
    index = keyed(CODES, len(years), years[0])
    noise = np.random.default_rng(1).normal(0, 0.01, len(index))
    growth = 1 + 0.08 * (index.get_level_values("year") - 2012)
    return (one_year().reindex(index, level="province") * growth + noise).rename("made-up score")


def with_holes(scores):
    return scores.drop(TIBET, level="province").drop([(LIAONING, 2015), (BEIJING, 2023)])


def measures(count=3):
    made = [(one_year() + one_year(k + 2) / 2).rename(f"measure {k} 测度") for k in range(count)]
    return pd.concat(made, axis=1)


def ranks(count):
    return measures(count).rank(ascending=False)


def weights(count=15, name="indicator per 10,000 persons 指标"):
    keys = [f"i{k}" for k in range(count)]
    values = pd.Series(np.random.default_rng(3).dirichlet(np.ones(count)), index=keys)
    dimension = pd.Series([f"dimension {k % 3} 维度" for k in range(count)], index=keys)
    return values, dimension, pd.Series([f"{k} {name}" for k in range(count)], index=keys)


def intervals():
    median = np.random.default_rng(2).permutation(31) + 1
    table = pd.DataFrame({"baseline": median, "median": median}, index=CODES)
    table["lower"], table["upper"] = (median - 2).clip(1), (median + 2).clip(max=31)
    table.loc[BEIJING], table.loc[TIBET] = [1, 1, 1, 1], [20, 12, 2, 18]
    return table.assign(shift=1.0)


def indices():
    first, total = [0.02, 0.3, 0.25, -0.01, 0.0, 0.05], [0.1, 0.5, 0.4, 0.02, 0.001, 0.2]
    factors = ["normalise", "weights", "aggregate", "omit", "error", "perturb"]
    table = pd.DataFrame({"first": first, "total": total}, index=factors)
    return table.assign(first_margin=0.08, total_margin=0.05)


def matrix(size=4):
    labels = range(1, size + 1)
    return pd.DataFrame(0.8 * np.eye(size) + 0.2 / size, labels, labels)


KINDS = dict.fromkeys(CODES, "not significant")
KINDS |= {BEIJING: "HH", 650000: "LL", HAINAN: "no neighbours"}
CLASSES = pd.DataFrame({"A": KINDS, "B": pd.Series(KINDS).drop(TIBET)})
COEFFICIENTS = pd.DataFrame({
    "variable": ["tax", "tax", "size", "size"], "measure": ["a <script>", "b"] * 2,
    "coefficient": [1.0, -1.0, 0.2, -0.2], "lower": [0.5, -1.5, -0.2, -0.6],
    "upper": [1.5, -0.5, 0.6, 0.2],
})  # fmt: skip
EVENTS = pd.DataFrame(
    [(m, e, e / 4, e / 4 - 0.3, e / 4 + 0.3) for m in "xyz" for e in (-3, -2, 0, 1, 2)],
    columns=["measure", "event", "estimate", "lower", "upper"],
).assign(chance_low=-0.4, chance_high=0.4)
TRUTH = pd.DataFrame({
    "panel": ["Durbin", "Durbin", "lag"], "estimated": ["right", "wrong", "right"],
    "mean": [-0.5, 0.9, 0.8], "low": [-0.8, 0.2, 0.5], "high": [-0.2, 1.7, 1.1],
    "truth": [-0.55, -0.55, 0.9],
})  # fmt: skip
FINDINGS = pd.DataFrame(
    {"median": [0.3, -0.004, -0.2], "significant_positive": [0.9, 0.1, 0.0],
     "significant_negative": [0.0, 0.1, 0.7]},
    pd.MultiIndex.from_tuples([("TFP", "q1"), ("TFP", "q2"), ("A", "q1")]),
)  # fmt: skip


def blank(reason, lower=np.nan):
    table = COEFFICIENTS.assign(reason="")
    table.loc[1, ["coefficient", "lower", "upper", "reason"]] = [np.nan, lower, np.nan, reason]
    return table


def series(first=2013):
    keys = keyed([BEIJING, 310000, 440000], 11, 2013)
    steps = np.random.default_rng(0).normal(0.02, 0.01, size=len(keys))
    return pd.Series(steps, index=keys).groupby("province").cumsum().loc[:, first:]


def fans(who, *more):
    return fan_chart([forecast(series(), 2), *more], who)


def densities(rule=0.3, years=(2020, 2021)):
    keys = keyed(20, 2, 2020)
    noise = np.random.default_rng(2).normal(scale=0.3, size=(20, 2))
    centre = np.column_stack([np.zeros(20), np.repeat([0.0, 4.0], 10)])
    values = pd.Series((centre + noise).ravel(), index=keys, name="score")
    return kernel_density(values[keys.get_level_values("year").isin(years)], rule)


def centres():
    keys = pd.MultiIndex.from_product([CODES, [2013, 2022]], names=["province", "year"])
    return centre_of_gravity(pd.Series(np.where(keys == (650000, 2022), 20.0, 1.0), keys))


INDUSTRY = "sales of new products by industry above designated size 规模以上工业新产品销售收入之比"
CASES = {
    "map": lambda: tile_map(one_year(), "A map of 31 provinces, 2022", "score"),
    "map with gaps": lambda: tile_map(one_year().drop([TIBET, BEIJING]), LONG),
    "map of changes": lambda: tile_map(one_year() - 0.3, "C", "points", "{:+.2f}", center=0),
    "map of one value": lambda: tile_map(one_year() * 0 + 3e4, "Money", fmt="{:,.0f}"),
    "maps of classes": lambda: tile_map(CLASSES, "Clusters", "5 %"),
    "lines by region": lambda: year_lines(panel(), title="By region"),
    "lines with gaps": lambda: year_lines(with_holes(panel()), LONG, LONG),
    "lines of one year": lambda: year_lines(panel(range(2020, 2021)), title="One year"),
    "lines by province": lambda: year_lines(panel(), "Two", highlight=["北京市", 150000]),
    "lines of measures": lambda: year_lines(
        pd.DataFrame({"A": [1.0, 1.2, 1.4], "B": [2.0, np.nan, 1.5]}, [2020, 2021, 2022])),
    "top of a ranking": lambda: ranking(panel(), 2022, top=3, title=LONG, label=LONG),
    "ranking": lambda: ranking(panel(), 2022, title="Ranking"),
    "ranges": lambda: rank_ranges(ranks(3), "Three measures"),
    "intervals": lambda: rank_ranges(intervals(), "How certain is a rank? 2022", 0.9),
    "weights": lambda: weights_chart(*weights()),
    "long names of weights": lambda: weights_chart(*weights(6, INDUSTRY)),
    "agreement": lambda: reg.heatmap_agreement(measures(5).corr().abs(), "Agreement"),
    "long names in a matrix": lambda: reg.heatmap_agreement(
        measures(3).add_prefix(LONG[:60]).corr().abs()),
    "bump with a gap": lambda: rank_bump(ranks(5).drop(TIBET).reindex(CODES), "Five"),
    "long names in a bump": lambda: rank_bump(ranks(2).set_axis([LONG, "short"], axis=1), LONG),
    "indices": lambda: reg.shares_chart(indices(), "Average shift in rank, 平均位次变动"),
    "matrices": lambda: reg.transition_matrices(
        {"A": matrix(5), "B": matrix(), "TFP": matrix()}, "Moves, 年际转移", "per cent"),
    "coefficients": lambda: reg.coefficient_plot(blank("holds tax"), "<script>"),
    "events": lambda: reg.event_plot(EVENTS, "Three measures"),
    "known truth": lambda: reg.known_truth_plot(TRUTH, "Mistakes"),
    "findings": lambda: reg.findings_map(
        FINDINGS, "T", "", {"first": ["q1"], "second": ["q2"]}, {"q1": "one\nquestion"},
        "the measure holds it"),
    "fans": lambda: fan_chart([forecast(series(), 3, level=x) for x in (0.5, 0.8)],
                              ["Shanghai", 440000], "Two", "score"),
    "ridges": lambda: ridgeline(densities(), "Two camps", "index"),
    "paths": lambda: centre_paths({"A": centres()}, "T"),
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that no font has is a warning
        return {name: make() for name, make in CASES.items()}


def texts(picture):
    """Return the texts that are drawn: an axis also keeps labels that it does not draw."""
    with mock.patch.object(Text, "draw", autospec=True, side_effect=Text.draw) as drawn:
        FigureCanvasAgg(picture.figure).draw()
    texts = [call.args[0] for call in drawn.call_args_list]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("case", CASES)
def test_no_text_lies_on_another_leaves_the_figure_or_is_too_small(pictures, case):
    figure, boxes = pictures[case].figure, []
    for text in texts(pictures[case]):
        # The box of the letters: a line's box without its leading, and without an arrow.
        box = Text.get_window_extent(text, figure.canvas.get_renderer())
        leading = 0.22 * box.height / (text.get_text().count("\n") + 1)
        boxes.append((text.get_text(), box.x0, box.x1, box.y0 + leading, box.y1 - leading))
        assert text.get_fontsize() * PHONE / (figure.get_figwidth() * 72) > 9, text.get_text()
    width, height = figure.bbox.width, figure.bbox.height
    for name, left, right, low, high in boxes:
        assert left > -1 and right < width + 1 and low > -1 and high < height + 1, name
    for (a, al, ar, ab, at), (b, bl, br, bb, bt) in combinations(boxes, 2):
        assert ar <= bl + 1 or br <= al + 1 or at <= bb + 1 or bt <= ab + 1, f"{a!r} on {b!r}"
    assert boxes and figure.get_facecolor() == to_rgba("white")


@pytest.mark.parametrize("case", CASES)
def test_same_data_give_the_same_light_image_in_any_settings(pictures, case):
    first, image = pictures[case], pictures[case].svg()
    with rc_context({"svg.hashsalt": None, "font.size": 30, "axes.grid": False}):
        settings, again = dict(rcParams), CASES[case]()
        assert again.svg() == image and again.alt == first.alt and dict(rcParams) == settings
        if case == "lines with gaps":  # a PNG takes a second to pack
            assert again.png() == first.png()
    assert b"<dc:date>" not in image and len(gzip.compress(image)) < LIGHT


def test_a_figure_of_ones_own_says_what_it_shows_and_is_large_enough():
    figure = Figure(figsize=(7, 3))
    figure.text(0.5, 0.5, "small", fontsize=11)
    refuses(SampleError, r"text ' ', too small: \['small'\]", picture, figure, " ")


def test_drawing_leaves_inputs_alone():
    makers = {tile_map: one_year, rank_bump: measures, rank_ranges: measures}
    for draw, make in (makers | {reg.shares_chart: indices}).items():
        given = make()
        draw(given)
        assert given.equals(make())


def test_every_text_takes_readable_ink(pictures):
    for case in ("map", "map of changes"):
        (ax,) = [ax for ax in pictures[case].figure.axes if len(ax.patches) == 31]
        for patch in ax.patches:
            x, y = patch.get_xy()
            places = [(text, *text.get_position()) for text in ax.texts]
            inside = [t for t, left, top in places if x < left < x + 1 and y < top < y + 1]
            assert len(inside) == 3
            assert all(_contrast(t.get_color(), patch.get_facecolor()) >= 4.5 for t in inside)
    for colours, values in (("YlGnBu", np.linspace(0, 1, 12)), ("PuOr", np.linspace(-1, 0, 12))):
        shades = (values - values[0]) / np.ptp(values) / (1 if values[0] == 0 else 2)
        drawn = reg.heatmap_agreement(pd.DataFrame(np.tile(values, (12, 1))))
        for text in drawn.figure.axes[0].texts:
            shade = colormaps[colours](shades[int(text.get_position()[0])])
            assert _contrast(text.get_color(), shade) >= 4.5


def test_all_31_tiles_are_there_and_gaps_say_so(pictures):
    shown = [text.get_text() for text in texts(pictures["map with gaps"])]
    assert all(shown.count(abbr) == 1 for abbr in provinces._table()["abbr"])
    assert shown.count("no data") == 2
    assert any("Hong Kong, Macao" in " ".join(text.split()) for text in shown)


def test_lines_of_regions_differ_and_partial_years_are_not_joined(pictures):
    ax, scores = pictures["lines with gaps"].figure.axes[0], with_holes(panel())
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    # Tibet, never in the sample, makes no year partial.
    assert {int(x) for line in hollow for x in line.get_xdata()} == {2015, 2023}
    joined = {line.get_marker(): line for line in ax.lines if line not in hollow}
    assert len(joined) == len(ax.lines) - len(hollow) == 5
    dashes = {str(line.get_linestyle()) + str(line._dash_pattern) for line in joined.values()}
    assert len(dashes) >= 4 and all(_contrast(t.get_color(), "white") >= 4.5 for t in ax.texts)
    northeast = joined["D"]
    assert np.isnan(northeast.get_ydata()[list(northeast.get_xdata()).index(2015)])
    central = [code for code in CODES if provinces.region(code) == "central"]
    means = scores.unstack("province")[central].mean(axis=1)
    np.testing.assert_allclose(joined["s"].get_ydata(), means)


def shares():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": rng.choice(["composite", "tfp"], 400)})
    frame = frame.assign(Measure_S=rng.choice(list("abc"), 400))
    frame["estimate"] = rng.normal(frame["kind"].eq("tfp") * 1.0, 0.5)
    return variance_shares(frame, ["kind", "Measure_S"])


ranged = ranks(3)
ranged.loc[BEIJING], ranged.loc[TIBET, ranged.columns[0]] = 1.0, np.nan
order = pd.Series(range(1, 32), CODES)
swapped = pd.DataFrame({"a": order, "b": order.replace({1: order[TIBET], order[TIBET]: 1})})
extremes = pd.Series({**dict.fromkeys(CODES, 0.1), BEIJING: 0.61, TIBET: np.nan, HAINAN: 0.05})
few = pd.DataFrame({"east": [1.0, 2.0], "west": [None, 3.0]}, index=[2021, 2022])
pairs = pd.DataFrame([[1, 0.2, 0.9], [0.2, 1, 0.5], [0.9, 0.5, 1]], list("abc"), list("abc"))
gone = matrix(2)
gone.iloc[0], gone.loc[2] = [0.999, 0.001], np.nan
# A case or what draws it; what its alternative text says; what is written in it, and what is not.
SAID = [
    (lambda: tile_map(extremes, "I", "score"),
     ["Tile map. I; score: highest Beijing 0.61, lowest Hainan 0.05", "No data for Tibet."]),
    (lambda: tile_map(one_year() * np.nan, "Index"), ["no figures"]),
    ("map", ["Hong Kong, Macao and Taiwan are not in the panel"], ["北京"], ["no data"]),
    ("maps of classes",
     ["A: HH Beijing; LL Xinjiang; no neighbours Hainan; the other 28 not", "the other 27 not"],
     ["HH"]),
    (lambda: year_lines(few, "Levels", "score", "{:.1f}"),
     ["east 1.0 in 2021 to 2.0 in 2022; west 3.0 in 2022."], ["east", "west"]),
    (lambda: rank_bump(swapped), ["Beijing from 1 to 26", "Tibet from 1 to 26"]),
    (lambda: rank_ranges(ranged), ["Beijing has the best median rank", "the widest ranges: "]),
    ("intervals", ["31 provinces. How certain is a rank? 2022; 90% of the draws: first by median "
                   "Beijing 1 to 1.", "Widest: Tibet 2 to 18", "Baseline rank outside: Tibet."],
     ["1–1", "2–18"]),
    (lambda: reg.shares_chart(indices().rename(index={"error": "imputation"}), "Shift"),
     ["Weights 30% and 50%; Aggregation 25% and 40%", "No factor by itself explains 39%."],
     ["Weights 赋权: 30%, 50%", "Indicator left out 指标剔除: 0%, 2%", "imputation: 0%, 0%"]),
    (lambda: reg.heatmap_agreement(pairs), ["0.20 (b and a) to 0.90 (c and a)"]),
    (lambda: reg.heatmap_agreement(pairs.iloc[:1, :1]), ["single measure"]),
    (lambda: reg.transition_matrices({"A": gone}), ["A: a year later 100 to 100 per cent"],
     ["100", "<1"]),
    ("coefficients", ["tax: 1 of 1 measures above zero, 0 below, 0 uncertain, 1 left blank"],
     ["holds tax"]),
    ("events", ["x: from -0.75 (year -3) to 0.50"], ["x", "y", "z", "−3"]),
    ("known truth", ["wrong 0.90 (0.20 to 1.70), missing it"], ["Durbin: truth −0.55"]),
    ("findings", ["q1: 1 of 2 measures mostly significant and positive, 1 negative",
                  "q2: 0 of 1 measures mostly significant and positive, 0 negative"],
     ["0", "+0.30", "−0.20", "first", "second", "one\nquestion", "q2", "the measure holds\nit"],
     ["+0.00", "−0.00", "-0.00"]),
    ("fans", ["Fan chart of forecasts by drift. Two. Shanghai", "(80 % interval ", "Guangdong"],
     ["score; bands: 80 % and 50 % intervals; scales differ"], ["Beijing 北京"]),
    ("ridges", ["in 2020 1 peak, the highest at", "in 2021 2 peaks, the highest at",
                "More than one peak in 1 of 2 years", "a given bandwidth"],
     ["h = 0.300", "2020", "2021"]),
    (lambda: ridgeline(densities("silverman")), ["bandwidths by Silverman"]),
    (lambda: ridgeline(densities(years=[2021])), ["in 2021 2 peaks"], [], ["years"]),
    (lambda: fan_chart([forecast(series(2020), 3)], ["Beijing"], "Short"), ["Short"], [],
     ["interval"]),
    ("paths", [f"{centres().moved()['km']:.0f} km", "in 2022"]),
]  # fmt: skip


@pytest.mark.parametrize("row", SAID)
def test_words_follow_the_data(pictures, row):
    case, said, there, absent = [*row, [], []][:4]
    picture = pictures[case] if isinstance(case, str) else case()
    written = {text.get_text() for text in texts(picture)}
    assert [part for part in said if part not in picture.alt] == []
    assert set(there) <= written
    assert [part for part in absent if part in picture.alt or part in written] == []
    html = picture.html()
    assert "<script>" not in html and html.count(" alt=") == 1 and len(picture.alt) > 20


def test_rows_stand_in_order_and_negative_estimates_are_zero(pictures):
    order = intervals().sort_values(["median", "lower", "upper", "baseline"], kind="stable").index
    shown = [t.get_text() for t in pictures["intervals"].figure.axes[0].get_yticklabels()]
    assert shown == [provinces.name(code, "both") for code in order]
    ax = pictures["indices"].figure.axes[0]
    assert [t.get_text()[:7] for t in ax.texts[:2]] == ["Weights", "Aggrega"]
    lengths = [bar.get_width() for bar in ax.patches]
    assert min(lengths) == 0 and max(lengths) == 0.5
    bars = reg.shares_chart(shares(), "Disagreement").figure.axes[0].patches
    largest = shares().to_frame().iloc[0][["first_order", "total"]]
    assert [bar.get_width() for bar in bars[:2]] == [max(largest), largest["first_order"]]
    level = year_lines(few, reference=1.0).figure.axes[0]
    assert any(list(line.get_ydata()) == [1.0, 1.0] for line in level.lines)


def test_shape_and_hatch_tell_apart_what_colour_does(pictures):
    hatches = [p.get_hatch() for p in reg.transition_matrices({"A": gone}).figure.axes[0].patches]
    assert hatches == [None, None, "///", "///"]
    assert [p.get_hatch() for p in pictures["findings"].figure.axes[0].patches].count("///") == 1
    axes = pictures["events"].figure.axes
    assert len({a.get_ylim() for a in axes}) == 1
    assert {line.get_marker() for line in axes[0].lines if len(line.get_xdata()) == 1} == {"o", "s"}
    marks = [[m for line in ax.lines if (m := line.get_marker()) != "None"]
             for ax in pictures["known truth"].figure.axes]  # fmt: skip
    assert marks == [["o", "s"], ["o"]]


def test_fans_are_those_of_the_forecast(pictures):
    own = forecast(series(), 3, level=0.8).frame.loc[310000]
    said = f"(80 % interval {own['lower'].iloc[-1]:.2f} to {own['upper'].iloc[-1]:.2f})"
    assert said in pictures["fans"].alt
    ax = pictures["fans"].figure.axes[0]
    widest = ax.collections[0].get_paths()[0].vertices
    assert len(ax.collections) == 2
    assert widest[:, 1].max() == pytest.approx(own["upper"].max())
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed.get_ydata()[1:] == pytest.approx(own["forecast"].to_numpy())


def test_ridges_share_a_scale_and_dots_sit_on_peaks(pictures):
    curves, ax = densities(), pictures["ridges"].figure.axes[0]
    lines = [line for line in ax.lines if len(line.get_xdata()) == len(curves.density)]
    dots = [len(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"]
    assert dots == curves.to_frame()["peaks"].tolist()
    for place, (year, line) in enumerate(zip(curves.density, lines, strict=True)):
        ratio = (place - line.get_ydata()) / curves.density[year]
        assert np.ptp(ratio[curves.density[year] > 1e-6]) < 1e-6 * ratio.max()
        assert f"the highest at {curves.to_frame().loc[year, 'peak']:.2f}" in pictures["ridges"].alt


def test_without_the_font_labels_are_english_and_it_says_so(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "zhplot" else find(n))
    for one in (_chinese_font, _settings):
        monkeypatch.setattr(f"nqpf.report.style.{one.__name__}", cache(one.__wrapped__))
    with pytest.warns(UserWarning, match="English labels only"):
        drawn = tile_map(pd.Series({"Guangdong": 1.0}), "新质 in 2022")
    said = " ".join(text.get_text() for ax in drawn.figure.axes for text in ax.texts)
    assert "Guangdong" in said and not re.search("[\u4e00-\u9fff]", said)


holed = intervals().assign(lower=lambda t: t["lower"].where(t.index != HAINAN))
no_curve = replace(densities(), density=densities().density[[]])
test_wrong_input_is_named = refusals(
    SampleError,
    ("Choose one year", lambda: tile_map(panel())),
    ("comes twice", lambda: tile_map(pd.Series([1.0, 2.0], ["Beijing", 110000]))),
    ("110000", lambda: tile_map(pd.Series({"Beijing": np.inf}))),
    ("XX", lambda: tile_map(pd.DataFrame({"A": {BEIJING: "XX"}}))),
    ("unknown year of the scores 1999", lambda: ranking(panel(), 1999)),
    ("province code and year", lambda: ranking(one_year(), 2022)),
    ("nothing to draw", lambda: year_lines(panel() * np.nan)),
    ("has no figures", lambda: year_lines(with_holes(panel()), highlight=["Tibet"])),
    ("at most seven", lambda: year_lines(panel(), highlight=CODES[:8])),
    ("no figure to draw", lambda: year_lines(measures(2) * np.nan)),
    ("8 measures", lambda: year_lines(measures(8))),
    ("column 'B' is not numeric", lambda: year_lines(measures(2).assign(B="x")), DataError),
    ("i0", lambda: weights_chart(*weights()[:2], pd.Series({"i1": "x"}))),
    ("square", lambda: reg.heatmap_agreement(measures(3))),
    ("at least two", lambda: rank_bump(measures(1))),
    ("a rank for every", lambda: rank_ranges(ranks(2).where(one_year() > 0.3))),
    ("Hainan", lambda: rank_ranges(holed, level=0.9)),
    (r"row normalise\]. Leave out what never", lambda: reg.shares_chart(indices() * np.nan)),
    ("nothing to draw", lambda: reg.transition_matrices({})),
    ("'A' is no matrix", lambda: reg.transition_matrices({"A": matrix().iloc[:2]})),
    ("a figure is missing", lambda: reg.coefficient_plot(blank(""))),
    ("event -3", lambda: reg.event_plot(EVENTS.assign(upper=np.nan))),
    ("the table is empty", lambda: reg.known_truth_plot(TRUTH.iloc[:0])),
    ("one truth", lambda: reg.known_truth_plot(TRUTH.assign(truth=[1.0, 2, 3]))),
    ("there twice", lambda: reg.findings_map(pd.concat([FINDINGS, FINDINGS]))),
    ("0 measures", lambda: centre_paths({})),
    ("Hainan has no forecast", lambda: fans(["Hainan"])),
    ("1 to 8 provinces", lambda: fans([])),
    ("one method", lambda: fans(["Beijing"], forecast(series(), 2, "random_walk"))),
    ("several columns", lambda: fans(["Beijing"], forecast(pd.concat([series()] * 2, axis=1), 2))),
    ("no curve to draw", lambda: ridgeline(no_curve), DataError),
)  # fmt: skip
