"""Figures: every case draws, nothing overlaps, the same data give the same bytes."""

from __future__ import annotations

import functools
import gzip
import re
import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps, rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.text import Text

from nqpf import provinces
from nqpf.errors import DataError, ProvinceError, SampleError
from nqpf.report import (
    heatmap_agreement,
    rank_bump,
    tile_map,
    weights_chart,
    year_lines,
)
from nqpf.report.maps import moran_lines
from nqpf.report.ranks import rank_ranges, ranking
from nqpf.report.regressions import club_grid, shares_chart, transition_matrices

CODES = provinces.codes()
TIBET, BEIJING, LIAONING, HAINAN = 540000, 110000, 210000, 460000
PHONE = 360  # CSS pixels that a page of 390 leaves for a figure
LIGHT = 60_000  # bytes as a server sends it
LONG = "A title that says at length what is shown, 一个很长的标题, and goes on past the first line"


def one_year(seed: int = 0) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).beta(2, 5, 31), index=CODES, name="made-up score")


def panel(years: range = range(2012, 2024)) -> pd.Series:
    index = pd.MultiIndex.from_product([CODES, years], names=["province", "year"])
    base, noise = one_year(), np.random.default_rng(1).normal(0, 0.01, len(index))
    level = [base[code] * (1 + 0.08 * (year - 2012)) for code, year in index]
    return pd.Series(np.array(level) + noise, index=index, name="made-up score")


def with_holes(scores: pd.Series) -> pd.Series:
    gone = [(TIBET, year) for year in scores.index.unique("year")]
    return scores.drop([*gone, (LIAONING, 2015), (BEIJING, 2023)])


def measures(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {f"measure {k} 测度": one_year() + one_year(k + 2) / 2 for k in range(count)}
    )


def ranks(count: int) -> pd.DataFrame:
    return measures(count).rank(ascending=False)


def weights(count: int = 15, name: str = "indicator per 10,000 persons 指标") -> tuple:
    keys = [f"i{k}" for k in range(count)]
    values = pd.Series(np.random.default_rng(3).dirichlet(np.ones(count)), index=keys)
    dimension = pd.Series([f"dimension {k % 3} 维度" for k in range(count)], index=keys)
    return values, dimension, pd.Series([f"{k} {name}" for k in range(count)], index=keys)


def intervals() -> pd.DataFrame:
    median = np.random.default_rng(2).permutation(31) + 1
    table = pd.DataFrame({"baseline": median, "median": median}, index=CODES)
    table["lower"], table["upper"] = (median - 2).clip(1), (median + 2).clip(max=31)
    table.loc[BEIJING], table.loc[TIBET] = [1, 1, 1, 1], [20, 12, 2, 18]
    return table.assign(shift=1.0)


FACTORS = ["normalise", "weights", "aggregate", "omit", "error", "perturb"]


def indices() -> pd.DataFrame:
    first, total = [0.02, 0.3, 0.25, -0.01, 0.0, 0.05], [0.1, 0.5, 0.4, 0.02, 0.001, 0.2]
    margins = {"first_margin": 0.08, "total_margin": 0.05}
    return pd.DataFrame({"first": first, "total": total, **margins}, index=FACTORS)


def matrix(size: int = 4) -> pd.DataFrame:
    labels = range(1, size + 1)
    return pd.DataFrame(0.8 * np.eye(size) + 0.2 / size, labels, labels)


def clubs() -> pd.DataFrame:
    return pd.DataFrame({"Wang-Wang": np.arange(31) % 4, "TFP": np.ones(31, int)}, index=CODES)


def classes() -> pd.DataFrame:
    kinds = pd.Series("not significant", index=CODES)
    kinds[BEIJING], kinds[650000], kinds[HAINAN] = "HH", "LL", "no neighbours"
    return pd.DataFrame({"A": kinds, "B": kinds.drop(TIBET)})


INDUSTRY = "sales of new products by industry above designated size 规模以上工业新产品销售收入之比"
CASES = {
    "long title of a map": lambda: tile_map(one_year(), LONG, "score"),
    "map": lambda: tile_map(one_year(), "A map of 31 provinces, 2022", "score"),
    "map with gaps": lambda: tile_map(one_year().drop([TIBET, BEIJING]), "Gaps"),
    "map of changes": lambda: tile_map(
        one_year() - 0.3, "Changes", "points", fmt="{:+.2f}", center=0
    ),
    "map of large numbers": lambda: tile_map(one_year() * 1e5, "Money", fmt="{:,.0f}"),
    "map of one value": lambda: tile_map(one_year() * 0 + 3, "All the same"),
    "maps of classes": lambda: tile_map(classes(), "Clusters", "5 %"),
    "long title of lines": lambda: year_lines(panel(), LONG, LONG),
    "lines by region": lambda: year_lines(panel(), title="By region"),
    "lines with gaps": lambda: year_lines(with_holes(panel()), title="Gaps"),
    "lines of one year": lambda: year_lines(panel(range(2020, 2021)), title="One year"),
    "lines by province": lambda: year_lines(panel(), "Two", highlight=["北京市", 150000]),
    "lines of measures": lambda: year_lines(
        pd.DataFrame({"A": [1.0, 1.2, 1.4], "B": [2.0, np.nan, 1.5]}, [2020, 2021, 2022])
    ),
    "long title of a ranking": lambda: ranking(panel(), 2022, top=3, title=LONG, label=LONG),
    "ranking": lambda: ranking(panel(), 2022, title="Ranking"),
    "ranges": lambda: rank_ranges(ranks(3), "Three measures"),
    "intervals": lambda: rank_ranges(intervals(), "How certain is a rank? 2022", 0.9),
    "intervals of two": lambda: rank_ranges(intervals().loc[[BEIJING, TIBET]], level=0.9),
    "weights": lambda: weights_chart(*weights()),
    "long names of weights": lambda: weights_chart(*weights(6, INDUSTRY)),
    "agreement": lambda: heatmap_agreement(measures(5).corr().abs(), "Agreement"),
    "disagreement": lambda: heatmap_agreement(-measures(2).corr(), "Signs"),
    "long names in a matrix": lambda: heatmap_agreement(
        measures(3).rename(columns=lambda c: LONG[:60] + c).corr().abs()
    ),
    "bump of two": lambda: rank_bump(ranks(2), "Two"),
    "bump of five": lambda: rank_bump(ranks(5), "Five"),
    "bump with a gap": lambda: rank_bump(ranks(3).drop(TIBET).reindex(CODES), "Gap"),
    "long names in a bump": lambda: rank_bump(ranks(2).set_axis([LONG, "short"], axis=1), LONG),
    "indices": lambda: shares_chart(indices(), "Average shift in rank, 平均位次变动"),
    "one factor": lambda: shares_chart(indices().loc[["omit"]]),
    "matrices": lambda: transition_matrices(
        {name: matrix() for name in ("A", "B", "Wang-Wang", "TFP")}, "Moves, 年际转移", "per cent"
    ),
    "one matrix": lambda: transition_matrices({"A": matrix(5)}),
    "clubs": lambda: club_grid(clubs(), "Clubs", "1 is the highest"),
}


@pytest.fixture(scope="module")
def pictures() -> dict:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that no font has is a warning
        return {name: make() for name, make in CASES.items()}


def texts(picture) -> list[Text]:
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


def contrast(first: object, second: object) -> float:
    """Return the contrast ratio by the WCAG 2 formula."""
    lights = []
    for colour in (first, second):
        linear = [
            x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(colour)
        ]
        lights.append(np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("case", CASES)
def test_no_text_lies_on_another_leaves_the_figure_or_is_too_small(pictures, case) -> None:
    figure, boxes = pictures[case].figure, []
    for text in texts(pictures[case]):
        # The box of the letters: a line's box without its leading, and without an arrow.
        box = Text.get_window_extent(text, figure.canvas.get_renderer())
        leading = 0.22 * box.height / (text.get_text().count("\n") + 1)
        boxes.append((text.get_text(), box.x0, box.x1, box.y0 + leading, box.y1 - leading))
        assert text.get_fontsize() * PHONE / (figure.get_figwidth() * 72) > 7.5, text.get_text()
    width, height = figure.bbox.width, figure.bbox.height
    for name, left, right, low, high in boxes:
        assert left > -1 and right < width + 1 and low > -1 and high < height + 1, name
    for (a, al, ar, ab, at), (b, bl, br, bb, bt) in combinations(boxes, 2):
        assert ar <= bl + 1 or br <= al + 1 or at <= bb + 1 or bt <= ab + 1, f"{a!r} on {b!r}"
    assert boxes and figure.get_facecolor() == to_rgba("white")


@pytest.mark.parametrize("case", CASES)
def test_same_data_give_the_same_light_image_in_any_settings(pictures, case) -> None:
    first = pictures[case]
    with rc_context({"svg.hashsalt": None, "font.size": 30, "axes.grid": False}):
        again = CASES[case]()
        assert again.svg() == first.svg() and again.alt == first.alt
        if case == "lines with gaps":  # a PNG takes a second to pack
            assert again.png() == first.png()
    assert b"<dc:date>" not in first.svg()
    assert len(gzip.compress(first.svg())) < LIGHT


def test_drawing_leaves_settings_and_inputs_alone() -> None:
    before = dict(rcParams)
    for make, draw in ((one_year, tile_map), (ranks_of := lambda: ranks(3), rank_bump),
                       (indices, shares_chart), (ranks_of, rank_ranges)):  # fmt: skip
        given = make()
        draw(given)
        assert given.equals(make())
    assert dict(rcParams) == before


def test_tile_text_contrasts_with_its_tile(pictures) -> None:
    for case in ("map", "map of changes"):
        (ax,) = [ax for ax in pictures[case].figure.axes if len(ax.patches) == 31]
        for patch in ax.patches:
            x, y = patch.get_xy()
            places = [(text, *text.get_position()) for text in ax.texts]
            inside = [t for t, left, top in places if x < left < x + 1 and y < top < y + 1]
            assert len(inside) == 3
            assert all(contrast(t.get_color(), patch.get_facecolor()) >= 4.5 for t in inside)


@pytest.mark.parametrize("colours", ["YlGnBu", "PuOr"])
def test_every_shade_of_a_scale_takes_readable_ink(colours) -> None:
    signed = colours == "PuOr"
    for share in np.linspace(0, 1, 12):
        value = min(2 * share - 1, -0.001) if signed else share
        values = pd.DataFrame([[1.0, value], [value, 1.0]], list("ab"), list("ab"))
        ax = heatmap_agreement(values).figure.axes[0]
        inks = {t.get_position(): t.get_color() for t in ax.texts}
        shade = (value + 1) / 2 if signed else value
        assert contrast(inks[0.5, 1.5], colormaps[colours](shade)) >= 4.5


def test_lines_differ_without_colour_and_their_names_are_readable() -> None:
    ax = year_lines(panel(), title="By region").figure.axes[0]
    joined = [line for line in ax.lines if line.get_markerfacecolor() != "white"]
    assert len({line.get_marker() for line in joined}) == len(joined) == 5
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in joined}) >= 4
    assert all(contrast(text.get_color(), "white") >= 4.5 for text in ax.texts)


def test_all_31_tiles_are_there_and_gaps_say_so(pictures) -> None:
    shown = [text.get_text() for text in texts(pictures["map with gaps"])]
    assert all(shown.count(abbr) == 1 for abbr in provinces.table()["abbr"])
    assert shown.count("no data") == 2
    assert any("Hong Kong, Macao" in " ".join(text.split()) for text in shown)
    assert "Hong Kong, Macao and Taiwan are not in the panel" in pictures["map"].alt


def test_text_of_a_map_names_extremes_and_gaps() -> None:
    values = pd.Series(0.1, index=CODES)
    values[BEIJING], values[TIBET], values[HAINAN] = 0.61, np.nan, 0.05
    text = tile_map(values, "Index, 2022", "score").alt
    assert text.startswith("Tile map. Index, 2022; score: highest Beijing 0.61, lowest Hainan 0.05")
    assert "No data for Tibet." in text
    assert "no figures" in tile_map(values * np.nan, "Index", "score").alt


def test_maps_name_the_members_of_each_class() -> None:
    picture = tile_map(classes(), "T", "L")
    assert "A: HH Beijing; LL Xinjiang; no neighbours Hainan; the other 28 not" in picture.alt
    assert "the other 27 not significant" in picture.alt
    written = [text.get_text() for ax in picture.figure.axes for text in ax.texts]
    assert written.count("HH") == 3  # two maps and the key


def test_lines_count_the_years_that_are_significant() -> None:
    index = pd.MultiIndex.from_product([["A", "B"], [2013, 2014]])
    table = pd.DataFrame({"I": [0.1, 0.2, 0.3, -0.1], "p_sim": [0.01, 0.05, 0.2, 0.06]}, index)
    alt = moran_lines(table, "T").alt
    assert "A 0.10 in 2013 to 0.20 in 2014, significant in 2 of 2 years" in alt
    assert "B 0.30 in 2013 to -0.10 in 2014, significant in 0 of 2 years" in alt


def test_partial_years_are_hollow_and_not_joined() -> None:
    ax = year_lines(with_holes(panel())).figure.axes[0]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    # Tibet, never in the sample, makes no year partial.
    assert {int(x) for line in hollow for x in line.get_xdata()} == {2015, 2023}
    solid = [line for line in ax.lines if line not in hollow and line.get_marker() == "D"]
    (joined,) = solid  # the northeast
    assert np.isnan(joined.get_ydata()[list(joined.get_xdata()).index(2015)])


def test_a_line_of_a_region_is_the_plain_mean() -> None:
    scores = panel()
    ax = year_lines(scores).figure.axes[0]
    line = next(one for one in ax.lines if one.get_marker() == "s")  # the middle of the country
    central = [code for code in CODES if provinces.region(code) == "central"]
    np.testing.assert_allclose(line.get_ydata(), scores.unstack("province")[central].mean(axis=1))


def test_text_of_lines_follows_the_data() -> None:
    table = pd.DataFrame({"east": [1.0, 2.0], "west": [None, 3.0]}, index=[2021, 2022])
    picture = year_lines(table, "Levels", "score", "{:.1f}", reference=1.0)
    assert "east 1.0 in 2021 to 2.0 in 2022; west 3.0 in 2022." in picture.alt
    ax = picture.figure.axes[0]
    assert [t.get_text() for t in ax.texts] == ["east", "west"]
    assert any(list(line.get_ydata()) == [1.0, 1.0] for line in ax.lines)


def test_bump_highlights_what_moves_most() -> None:
    table = pd.DataFrame({"a": range(1, 32), "b": range(1, 32)}, index=CODES)
    table.loc[[TIBET, BEIJING], "b"] = table.loc[[BEIJING, TIBET], "b"].to_numpy()
    alt = rank_bump(table).alt
    assert "Beijing from 1 to 26" in alt and "Tibet from 1 to 26" in alt


def test_ranges_name_the_first_and_the_widest() -> None:
    table = ranks(3)
    table.loc[BEIJING], table.loc[TIBET, table.columns[0]] = 1.0, np.nan
    alt = rank_ranges(table, "Three measures").alt
    assert "Beijing has the best median rank" in alt
    assert provinces.name(int((table.max(axis=1) - table.min(axis=1)).idxmax())) in alt


def test_intervals_name_first_widest_and_what_is_outside() -> None:
    picture = rank_ranges(intervals(), "Ranks", level=0.8)
    assert "31 provinces. Ranks; 80% of the draws: first by median Beijing 1 to 1." in picture.alt
    assert "Widest: Tibet 2 to 18" in picture.alt
    assert picture.alt.endswith("Baseline rank outside: Tibet.")
    plain = rank_ranges(intervals().drop(TIBET), level=0.9).alt
    assert plain.startswith("Intervals of ranks of 30 provinces. 90% of the draws")
    assert plain.endswith("Every baseline rank lies inside.")
    order = intervals().sort_values(["median", "lower", "upper", "baseline"], kind="stable").index
    shown = [t.get_text() for t in picture.figure.axes[0].get_yticklabels()]
    assert shown == [provinces.name(code, "both") for code in order]
    assert {"1–1", "2–18"} <= {t.get_text() for t in texts(picture)}


def test_bars_of_indices_stand_by_total_and_negative_estimates_are_zero() -> None:
    picture = shares_chart(indices().rename(index={"error": "imputation"}), "Shift")
    written = [t.get_text() for t in picture.figure.axes[0].texts]
    assert written[:2] == ["Weights 赋权: 30%, 50%", "Aggregation 合成: 25%, 40%"]
    assert written[-2:] == ["Indicator left out 指标剔除: 0%, 2%", "imputation: 0%, 0%"]
    assert "Weights 30% and 50%; Aggregation 25% and 40%" in picture.alt
    assert picture.alt.endswith("No factor by itself explains 39%.")
    lengths = [bar.get_width() for bar in picture.figure.axes[0].patches]
    assert min(lengths) == 0 and max(lengths) == 0.5


def test_text_of_agreement_finds_the_weakest_pair() -> None:
    table = pd.DataFrame([[1, 0.2, 0.9], [0.2, 1, 0.5], [0.9, 0.5, 1]], list("abc"), list("abc"))
    assert "0.20 (b and a) to 0.90 (c and a)" in heatmap_agreement(table).alt
    assert "single measure" in heatmap_agreement(table.iloc[:1, :1]).alt


def test_cells_are_per_cent_and_rows_without_moves_are_hatched() -> None:
    table = matrix(2)
    table.iloc[0], table.loc[2] = [0.999, 0.001], np.nan
    picture = transition_matrices({"A": table})
    ax = picture.figure.axes[0]
    assert [t.get_text() for t in ax.texts] == ["100", "<1"]
    assert [patch.get_hatch() for patch in ax.patches] == [None, None, "///", "///"]
    assert "A: a year later 100 to 100 per cent" in picture.alt


def test_text_of_clubs_names_the_first_and_those_in_none() -> None:
    table = pd.DataFrame({"A": [1, 2, 0], "B": [0, 0, 0]}, index=[BEIJING, 310000, TIBET])
    alt = club_grid(table, "Clubs").alt
    assert "A: 2 clubs, the first with Beijing, 1 in none; B: no club, 3 in none." in alt


def test_without_the_font_labels_are_english_and_it_says_so(tmp_path) -> None:
    import subprocess
    import sys

    code = (
        "import importlib.util, warnings; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n == 'zhplot' else find(n, *a)\n"
        "import pandas as pd; from nqpf.report import tile_map\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    drawn = tile_map(pd.Series({'Guangdong': 1.0}), '新质 in 2022')\n"
        "print(*(one.message for one in said))\n"
        "print(*(text.get_text() for ax in drawn.figure.axes for text in ax.texts))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "English labels only" in found.stdout and "Guangdong" in found.stdout
    assert not re.search("[\u4e00-\u9fff]", found.stdout)


def test_the_chinese_font_is_there_with_the_book_requirements(pictures) -> None:
    pytest.importorskip("zhplot", reason="zhplot is not installed: no Chinese font to test")
    assert any("西藏" in text.get_text() for text in pictures["map"].figure.axes[0].texts)


holed = intervals().astype(float)
holed.loc[HAINAN, "lower"] = np.nan
WRONG = [
    (lambda: tile_map(panel()), SampleError, "Choose one year"),
    (lambda: tile_map(pd.Series({"Bejing": 1.0})), ProvinceError, "Beijing"),
    (lambda: tile_map(pd.Series([1.0, 2.0], ["Beijing", 110000])), SampleError, "comes twice"),
    (lambda: tile_map(pd.Series({"Beijing": np.inf})), SampleError, "110000"),
    (lambda: tile_map(pd.DataFrame({"A": {BEIJING: "XX"}})), SampleError, "XX"),
    (lambda: tile_map(pd.DataFrame()), SampleError, "shape"),
    (lambda: ranking(panel(), 1999), SampleError, "no scores for 1999"),
    (lambda: ranking(one_year(), 2022), SampleError, "province code and year"),
    (lambda: year_lines(panel() * np.nan), SampleError, "nothing to draw"),
    (lambda: year_lines(pd.concat([panel(), panel()])), SampleError, "Beijing (110000), year 2012"),
    (lambda: year_lines(with_holes(panel()), highlight=["Tibet"]), SampleError, "has no figures"),
    (lambda: year_lines(panel(), highlight=CODES[:8]), SampleError, "at most seven"),
    (lambda: year_lines(measures(2) * np.nan), SampleError, "no figure to draw"),
    (lambda: year_lines(measures(8)), SampleError, "8 measures"),
    (lambda: year_lines(measures(2).assign(B="x")), DataError, "column 'B' is not numeric"),
    (lambda: weights_chart(*weights()[:2], pd.Series({"i1": "x"})), SampleError, "i0"),
    (lambda: heatmap_agreement(measures(3)), SampleError, "square"),
    (lambda: rank_bump(measures(1)), SampleError, "at least two"),
    (lambda: rank_ranges(ranks(1)), SampleError, "two or more measures"),
    (lambda: rank_ranges(ranks(2).where(one_year() > 0.3)), SampleError, "a rank for every"),
    (lambda: rank_ranges(intervals().drop(columns="upper"), level=0.9), SampleError, "lacks upper"),
    (lambda: rank_ranges(intervals()[:0], level=0.9), SampleError, "the table is empty"),
    (lambda: rank_ranges(holed, level=0.9), SampleError, "Hainan"),
    (lambda: shares_chart(indices().drop(columns="total_margin")), SampleError, "total_margin"),
    (lambda: shares_chart(indices() * np.nan), SampleError, "row normalise]. Leave out what never"),
    (lambda: shares_chart(pd.DataFrame({"first_order": [0.1]})), SampleError, "lacks total"),
    (lambda: moran_lines(pd.DataFrame({"I": [1.0]}, [["A"], [2013]])), SampleError, "columns I"),
    (lambda: transition_matrices({}), SampleError, "nothing to draw"),
    (lambda: transition_matrices({"A": matrix().iloc[:2]}), SampleError, "'A' is no matrix"),
    (lambda: transition_matrices({"A": 2 * matrix()}), SampleError, "'A' is no matrix"),
    (lambda: club_grid(clubs().astype(float).replace(2, np.nan)), SampleError, "not complete"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_input_is_named(call, error, message) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
