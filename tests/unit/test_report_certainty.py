"""Figures of certain and uncertain ranks: what they show, say and refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.ranks import FACTORS, rank_intervals, sobol_chart
from nqpf.report.style import MAX_BYTES

BEIJING, TIBET, HAINAN = 110000, 540000, 460000


def intervals() -> pd.DataFrame:
    codes = provinces.codes()
    median = np.random.default_rng(2).permutation(31) + 1
    table = pd.DataFrame({"baseline": median, "median": median}, index=codes)
    table["lower"], table["upper"] = (median - 2).clip(1), (median + 2).clip(max=31)
    table.loc[BEIJING] = [1, 1, 1, 1]
    table.loc[TIBET] = [20, 12, 2, 18]
    return table.assign(shift=1.0)


def indices() -> pd.DataFrame:
    first = [0.02, 0.3, 0.25, -0.01, 0.0, 0.05]
    total = [0.1, 0.5, 0.4, 0.02, 0.001, 0.2]
    margins = {"first_margin": 0.08, "total_margin": 0.05}
    return pd.DataFrame({"first": first, "total": total, **margins}, index=list(FACTORS))


FIGURES = {
    "intervals": lambda: rank_intervals(intervals(), "How certain is a rank? 2022"),
    "two provinces": lambda: rank_intervals(intervals().loc[[BEIJING, TIBET]]),
    "no title": lambda: sobol_chart(indices()),
    "indices": lambda: sobol_chart(indices(), "Average shift in rank, 平均位次变动"),
    "one factor": lambda: sobol_chart(indices().loc[["omit"]], "One factor"),
}


def texts(picture) -> list[Text]:
    """Return what is drawn, without the labels of ticks beyond the end of an axis."""
    axis = picture.figure.axes[0].xaxis
    low, high = axis.get_view_interval()
    beyond = {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    found = picture.figure.findobj(Text)
    return [t for t in found if t.get_text().strip() and t.get_visible() and t not in beyond]


@pytest.mark.parametrize("case", FIGURES)
def test_every_text_lies_in_the_figure_and_on_no_other(case):
    picture = FIGURES[case]()
    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    whole = picture.figure.bbox
    boxes = [t.get_window_extent(canvas.get_renderer()) for t in texts(picture)]
    for k, box in enumerate(boxes):
        assert box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1, texts(picture)[k]
        assert box.y0 >= whole.y0 - 1 and box.y1 <= whole.y1 + 1, texts(picture)[k]
        for other in boxes[k + 1 :]:
            wide = min(box.x1, other.x1) - max(box.x0, other.x0)
            tall = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert wide < 1 or tall < 3


@pytest.mark.parametrize("case", ["two provinces", "one factor"])
def test_same_data_same_bytes(case):
    one, other = FIGURES[case](), FIGURES[case]()
    assert one.svg() == other.svg() and one.alt == other.alt


@pytest.mark.parametrize("case", ["intervals", "indices"])
def test_a_page_can_carry_the_largest(case):
    assert len(FIGURES[case]().html()) <= MAX_BYTES


def test_text_of_intervals_names_first_widest_and_what_is_outside():
    alt = rank_intervals(intervals(), "Ranks", level=0.8).alt
    assert "of 31 provinces. Ranks; 80% of the draws: first by median Beijing 1 to 1." in alt
    assert "Widest: Tibet 2 to 18" in alt
    assert alt.endswith("Baseline rank outside: Tibet.")
    plain = rank_intervals(intervals().drop(TIBET)).alt
    assert plain.startswith("Intervals of ranks of 30 provinces. 90% of the draws")
    assert plain.endswith("Every baseline rank lies inside.")


def test_provinces_stand_by_median_and_carry_both_names_and_their_ends():
    picture = rank_intervals(intervals(), "Ranks")
    shown = [t.get_text() for t in picture.figure.axes[0].get_yticklabels()]
    order = intervals().sort_values(["median", "lower", "upper", "baseline"], kind="stable")
    assert [text.split()[0] for text in shown] == [
        provinces.name(code).split()[0] for code in order.index
    ]
    assert "Tibet 西藏" in shown
    assert {"1–1", "2–18"} <= {t.get_text() for t in texts(picture)}


def test_bars_stand_by_total_and_negative_estimates_are_zero():
    picture = sobol_chart(indices(), "Shift")
    written = [t.get_text() for t in texts(picture) if ": " in t.get_text()]
    names = [text for text in written if any(text.startswith(n) for n in FACTORS.values())]
    assert names[0] == "Weights 赋权: 30%, 50%" and names[1] == "Aggregation 合成: 25%, 40%"
    assert names[-2] == "Indicator left out 指标剔除: 0%, 2%"
    assert "Weights 30% and 50%; Aggregation 25% and 40%" in picture.alt
    assert picture.alt.endswith("No factor by itself explains 39%.")
    lengths = [bar.get_width() for bar in picture.figure.axes[0].patches]
    assert min(lengths) == 0 and max(lengths) == 0.5


def test_a_factor_of_another_name_is_printed_as_it_is():
    picture = sobol_chart(indices().rename(index={"omit": "imputation"}), "Shift")
    assert "imputation 0% and 2%" in picture.alt


def test_tables_that_are_refused():
    with pytest.raises(SampleError, match="lacks upper; expected baseline, median, lower"):
        rank_intervals(intervals().drop(columns="upper"))
    with pytest.raises(SampleError, match="the table is empty"):
        rank_intervals(intervals()[:0])
    holed = intervals().astype(float)
    holed.loc[HAINAN, "lower"] = np.nan
    with pytest.raises(SampleError, match="no figure for Hainan"):
        rank_intervals(holed)
    with pytest.raises(SampleError, match="lacks total_margin"):
        sobol_chart(indices().drop(columns="total_margin"))
    with pytest.raises(SampleError, match="no figure for normalise.*never varies"):
        sobol_chart(indices() * np.nan)


def test_inputs_stay_as_they_are():
    for table, draw in ((intervals(), rank_intervals), (indices(), sobol_chart)):
        before = table.copy()
        draw(table)
        pd.testing.assert_frame_equal(table, before)
