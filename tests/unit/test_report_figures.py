"""Figures: every case draws, nothing overlaps, the same data give the same bytes."""

from __future__ import annotations

import functools
import re
import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from nqpf import provinces, report
from nqpf.errors import MethodError, ProvinceError, SampleError
from nqpf.report import lines, maps, style
from nqpf.report.style import MAX_BYTES, Picture

CODES = provinces.codes()
TIBET, BEIJING, LIAONING = 540000, 110000, 210000
PHONE = 360  # CSS pixels that a page of 390 leaves for a figure


def one_year(seed: int = 0) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).beta(2, 5, 31), index=CODES, name="made-up score")


def panel(years: range = range(2012, 2024)) -> pd.Series:
    index = pd.MultiIndex.from_product([CODES, years], names=["province", "year"])
    base, noise = one_year(), np.random.default_rng(1).normal(0, 0.01, len(index))
    level = [base[code] * (1 + 0.08 * (year - 2012)) for code, year in index]
    return pd.Series(np.array(level) + noise, index=index, name="made-up score")


def measures(count: int) -> pd.DataFrame:
    frame = {f"measure {k} 测度": one_year() + one_year(k + 2) / 2 for k in range(count)}
    return pd.DataFrame(frame)


def weights(count: int = 15) -> tuple[pd.Series, pd.Series, pd.Series]:
    keys = [f"i{k}" for k in range(count)]
    values = pd.Series(np.random.default_rng(3).dirichlet(np.ones(count)), index=keys)
    dimension = pd.Series([f"dimension {k % 3} 维度" for k in range(count)], index=keys)
    names = pd.Series([f"indicator {k} per 10,000 persons 指标" for k in range(count)], index=keys)
    return values, dimension, names


def with_holes(scores: pd.Series) -> pd.Series:
    gone = [(TIBET, year) for year in scores.index.unique("year")]
    return scores.drop([*gone, (LIAONING, 2015), (BEIJING, 2023)])


def interval() -> pd.DataFrame:
    now = panel().xs(2022, level="year")
    return pd.DataFrame({"low": now - 0.05, "high": now + 0.05})


LONG = "A title that says at length what is shown, 一个很长的标题, and goes on past the first line"


def long_weights() -> tuple[pd.Series, pd.Series, pd.Series]:
    values, dimension, _ = weights(6)
    name = "sales of new products by industry above designated size relative to output 规模以上工业"
    return (
        values,
        dimension,
        pd.Series(f"{name}新产品销售收入与地区生产总值之比", index=values.index),
    )


CASES = {
    "long title of a map": lambda: report.tile_map(one_year(), LONG, "score"),
    "long title of maps": lambda: report.tile_maps(panel().unstack("year")[[2012]], LONG, LONG),
    "long title of lines": lambda: report.region_lines(panel(), title=LONG, label=LONG),
    "long title of a ranking": lambda: report.ranking(panel(), 2022, top=3, title=LONG, label=LONG),
    "long names of weights": lambda: report.weights_chart(*long_weights(), title=LONG),
    "long names in a matrix": lambda: report.heatmap_agreement(
        measures(3)
        .corr()
        .abs()
        .rename(index=lambda c: LONG[:60] + c, columns=lambda c: LONG[:60] + c)
    ),
    "long names in a bump": lambda: report.rank_bump(
        measures(2).rank(ascending=False).set_axis([LONG, "short"], axis=1), title=LONG
    ),
    "map": lambda: report.tile_map(one_year(), "A map of 31 provinces, 2022", "score"),
    "map with gaps": lambda: report.tile_map(one_year().drop([TIBET, BEIJING]), "Gaps"),
    "map of changes": lambda: report.tile_map(
        one_year() - 0.3, "Changes", "points", fmt="{:+.2f}", center=0
    ),
    "map of large numbers": lambda: report.tile_map(one_year() * 1e5, "Money", fmt="{:,.0f}"),
    "map of one value": lambda: report.tile_map(one_year() * 0 + 3, "All the same"),
    "maps": lambda: report.tile_maps(panel().unstack("year")[[2012, 2017, 2022]], "Three years"),
    "lines by region": lambda: report.region_lines(panel(), title="By region"),
    "lines with gaps": lambda: report.region_lines(with_holes(panel()), title="Gaps"),
    "lines of one year": lambda: report.region_lines(panel(range(2020, 2021)), title="One year"),
    "lines by three regions": lambda: report.region_lines(panel(), "region3", title="Three"),
    "lines by province": lambda: report.province_lines(
        panel(), ["Beijing", "北京市", 150000][1:], title="Two provinces"
    ),
    "ranking": lambda: report.ranking(panel(), 2022),
    "ranking with intervals": lambda: report.ranking(panel(), 2022, interval=interval()),
    "ranking of eight": lambda: report.ranking(panel(), 2022, top=8, title="Eight"),
    "weights": lambda: report.weights_chart(*weights()),
    "two rankings": lambda: report.scatter_ranks(one_year(), one_year(2), ("this", "that"), "Two"),
    "agreement": lambda: report.heatmap_agreement(measures(5).corr().abs(), "Agreement"),
    "disagreement": lambda: report.heatmap_agreement(-measures(2).corr(), "Signs"),
    "bump of two": lambda: report.rank_bump(measures(2).rank(ascending=False), title="Two"),
    "bump of five": lambda: report.rank_bump(measures(5).rank(ascending=False), title="Five"),
    "bump with a gap": lambda: report.rank_bump(
        measures(3).drop(TIBET).rank(ascending=False).reindex(CODES), ["Beijing"], title="Gap"
    ),
}


@pytest.fixture(scope="module")
def pictures() -> dict[str, Picture]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that no font has is a warning
        drawn = {name: make() for name, make in CASES.items()}
        for picture in drawn.values():
            FigureCanvasAgg(picture.figure).draw()
    return drawn


def texts(picture: Picture) -> list[Text]:
    """Return the texts that are drawn: an axis also keeps labels that it does not draw."""
    drawn, draw = [], Text.draw

    @functools.wraps(draw)
    def recording(text: Text, *args: object, **options: object) -> None:
        drawn.append(text)
        draw(text, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", recording)
        FigureCanvasAgg(picture.figure).draw()
    return [text for text in drawn if text.get_visible() and text.get_text().strip()]


def extent(text: Text, picture: Picture) -> tuple[float, float, float, float]:
    """Return the box of the letters: a line's box without its leading, and without an arrow."""
    box = Text.get_window_extent(text, picture.figure.canvas.get_renderer())
    leading = 0.22 * box.height / (text.get_text().count("\n") + 1)
    return box.x0, box.x1, box.y0 + leading, box.y1 - leading


@pytest.mark.parametrize("case", CASES)
def test_no_text_lies_on_another_or_leaves_the_figure(pictures, case):
    picture = pictures[case]
    boxes = [(text.get_text(), *extent(text, picture)) for text in texts(picture)]
    assert boxes
    width, height = picture.figure.bbox.width, picture.figure.bbox.height
    for name, left, right, low, high in boxes:
        assert left > -1 and right < width + 1 and low > -1 and high < height + 1, name
    for (a, al, ar, ab, at), (b, bl, br, bb, bt) in combinations(boxes, 2):
        apart = ar <= bl + 1 or br <= al + 1 or at <= bb + 1 or bt <= ab + 1
        assert apart, f"{a!r} on {b!r}"


@pytest.mark.parametrize("case", CASES)
def test_text_is_legible_on_a_phone_and_on_white(pictures, case):
    picture = pictures[case]
    scale = PHONE / (picture.figure.get_figwidth() * 72)
    for text in texts(picture):
        assert text.get_fontsize() * scale > 7.5, text.get_text()
    assert picture.figure.get_facecolor() == to_rgba("white")


@pytest.mark.parametrize("case", CASES)
def test_same_data_same_bytes_in_any_settings(pictures, case):
    import matplotlib

    first = pictures[case]
    with matplotlib.rc_context({"svg.hashsalt": None, "font.size": 30, "axes.grid": False}):
        again = CASES[case]()
        assert again.svg() == first.svg()
        if case in ("map", "lines with gaps"):  # a PNG takes a second to pack
            assert again.png() == first.png()
    assert again.alt == first.alt
    assert b"<dc:date>" not in first.svg()


@pytest.mark.parametrize("case", CASES)
def test_images_are_light(pictures, case):
    limit = 1.2 * MAX_BYTES if "bump" in case else MAX_BYTES  # every name twice
    assert len(pictures[case].svg()) < limit


def test_drawing_leaves_settings_and_inputs_alone():
    import matplotlib

    before, values = dict(matplotlib.rcParams), one_year()
    report.tile_map(values, "A map")
    assert dict(matplotlib.rcParams) == before
    pd.testing.assert_series_equal(values, one_year())


def test_tile_text_contrasts_with_its_tile(pictures):
    checked = 0
    for case in ("map", "map of changes"):
        (ax,) = [ax for ax in pictures[case].figure.axes if len(ax.patches) == 31]
        for patch in ax.patches:
            x, y = patch.get_xy()
            inside = [t for t in ax.texts if x < t.get_position()[0] < x + 1]
            inside = [t for t in inside if y < t.get_position()[1] < y + 1]
            assert len(inside) == 3
            for text in inside:
                assert style.contrast(text.get_color(), patch.get_facecolor()) >= 4.5
                checked += 1
    assert checked == 2 * 31 * 3


def test_every_colour_of_the_scales_takes_readable_ink():
    import matplotlib

    for name in (style.SEQUENTIAL, style.DIVERGING):
        for step in matplotlib.colormaps[name](np.linspace(0, 1, 256)):
            assert style.contrast(style.ink_on(step), step) >= 4.5
    for mark in style.REGION_STYLES.values():
        assert style.contrast(style.darker(mark.color), "white") >= 4.5


def test_contrast_follows_wcag():
    assert style.contrast("#777777", "white") == pytest.approx(4.48, abs=0.005)
    assert style.contrast("#0000ff", "white") == pytest.approx(8.59, abs=0.005)


def test_regions_differ_without_colour():
    marks = style.REGION_STYLES.values()
    assert len({mark.marker for mark in marks}) == len(marks)
    regions = [style.REGION_STYLES[region] for region in provinces.REGIONS]
    assert len({str(mark.line) for mark in regions}) == 4


def test_all_31_tiles_are_there_and_gaps_say_so(pictures):
    shown = [text.get_text() for text in texts(pictures["map with gaps"])]
    for abbr in provinces.table()["abbr"]:
        assert shown.count(abbr) == 1
    assert shown.count("no data") == 2
    assert any("Hong Kong, Macao" in " ".join(text.split()) for text in shown)


def test_map_draws_into_axes_of_the_reader():
    figure = style.new_figure(7, 6.5)
    axes = figure.add_axes((0, 0, 1, 1))
    assert report.tile_map(one_year(), "Mine", ax=axes).figure is figure


def test_maps_share_one_scale():
    frame = pd.DataFrame({2012: one_year() / 2, 2022: one_year()})
    picture = report.tile_maps(frame)
    first, second = [ax for ax in picture.figure.axes if len(ax.patches) == 31]
    dark = one_year().idxmax()
    place = CODES.index(dark)
    assert first.patches[place].get_facecolor() != second.patches[place].get_facecolor()


def test_partial_years_are_hollow_and_not_joined():
    ax = report.region_lines(with_holes(panel())).figure.axes[0]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    points = {int(x) for line in hollow for x in line.get_xdata()}
    assert points == {2015, 2023}  # Tibet, never in the sample, makes no year partial
    northeast = style.REGION_STYLES["northeast"].color
    (joined,) = [ln for ln in ax.lines if ln.get_color() == northeast and ln not in hollow]
    assert np.isnan(joined.get_ydata()[list(joined.get_xdata()).index(2015)])


def test_region_line_is_the_plain_mean():
    scores = panel()
    ax = report.region_lines(scores).figure.axes[0]
    color = style.REGION_STYLES["central"].color
    line = next(ln for ln in ax.lines if ln.get_color() == color)
    central = [code for code in CODES if provinces.region(code) == "central"]
    wide = scores.unstack("province")[central]
    np.testing.assert_allclose(line.get_ydata(), wide.mean(axis=1))


@pytest.mark.parametrize("gap", [0.0, 0.3, 2.0])
def test_spread_keeps_order_distance_and_mean(gap):
    places = np.random.default_rng(5).normal(size=9)
    moved = lines.spread(places, gap)
    assert (np.diff(np.sort(moved)) >= gap - 1e-12).all()
    assert (np.argsort(moved) == np.argsort(places)).all()
    assert moved.mean() == pytest.approx(places.mean())


def test_spread_leaves_what_is_apart():
    np.testing.assert_array_equal(lines.spread([3.0, 1.0, 2.0], 1.0), [3.0, 1.0, 2.0])


def test_bump_highlights_what_moves_most():
    ranks = pd.DataFrame({"a": range(1, 32), "b": range(1, 32)}, index=CODES)
    ranks.loc[[TIBET, BEIJING], "b"] = ranks.loc[[BEIJING, TIBET], "b"].to_numpy()
    alt = report.rank_bump(ranks).alt
    assert "Beijing from 1 to 26" in alt and "Tibet from 1 to 26" in alt


def test_scatter_prints_spearman():
    from scipy.stats import spearmanr

    a, b = one_year(), one_year(2).round(1)  # with ties
    shown = [text.get_text() for text in texts(report.scatter_ranks(a, b, ("a", "b")))]
    assert f"Spearman's ρ = {spearmanr(a, b).statistic:.2f}, 31 provinces" in [
        text.replace("−", "-") for text in shown
    ]


def test_without_the_font_labels_are_english_and_it_says_so(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "zhplot" else find(name, *a)
    )
    style._chinese_font.cache_clear()
    try:
        with pytest.warns(UserWarning, match="English labels only"):
            drawn = [report.tile_map(one_year(), "新质 in 2022"), report.ranking(panel(), 2022)]
        for picture in drawn:
            shown = "".join(text.get_text() for text in texts(picture))
            assert not re.search("[\u4e00-\u9fff]", shown)
            assert "Guangdong" in shown
    finally:
        style._chinese_font.cache_clear()


def test_the_chinese_font_is_there_with_the_book_requirements():
    pytest.importorskip("zhplot", reason="zhplot is not installed: no Chinese font to test")
    assert style.has_chinese()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: report.tile_map(panel()), SampleError, "Choose one year"),
        (lambda: report.tile_map(pd.Series({"Bejing": 1.0})), ProvinceError, "Beijing"),
        (
            lambda: report.tile_map(pd.Series([1.0, 2.0], index=["Beijing", 110000])),
            SampleError,
            "Beijing comes twice",
        ),
        (lambda: report.tile_map(pd.Series({"Beijing": np.inf})), SampleError, "110000"),
        (lambda: report.ranking(panel(), 1999), SampleError, "no scores for 1999"),
        (lambda: report.ranking(one_year(), 2022), SampleError, "province code and year"),
        (lambda: report.region_lines(panel(), "region5"), MethodError, "'region4' or 'region3'"),
        (lambda: report.region_lines(panel() * np.nan), SampleError, "nothing to draw"),
        (
            lambda: report.region_lines(pd.concat([panel(), panel()])),
            SampleError,
            "province 110000, year 2012",
        ),
        (
            lambda: report.province_lines(with_holes(panel()), ["Tibet"]),
            SampleError,
            "Tibet has no figures",
        ),
        (lambda: report.province_lines(panel(), CODES[:8]), SampleError, "at most seven"),
        (lambda: report.ranking(panel(), 2022, interval=interval()[:3]), SampleError, "lacks"),
        (lambda: report.weights_chart(*weights()[:2], pd.Series({"i1": "x"})), SampleError, "i0"),
        (lambda: report.scatter_ranks(one_year()[:2], one_year()), SampleError, "at least three"),
        (lambda: report.heatmap_agreement(measures(3)), SampleError, "square"),
        (lambda: report.rank_bump(measures(1)), SampleError, "at least two"),
        (lambda: report.rank_bump(measures(2), CODES[:8]), SampleError, "at most seven"),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_hong_kong_is_named_as_absent_once():
    assert maps.ABSENT in report.tile_map(one_year()).alt
