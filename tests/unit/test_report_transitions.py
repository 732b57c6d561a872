"""Figures of transitions and clubs: what they show, say and refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.style import MAX_BYTES
from nqpf.report.transitions import club_grid, transition_matrices


def matrix(size: int = 4) -> pd.DataFrame:
    labels = range(1, size + 1)
    values = 0.8 * np.eye(size) + 0.2 / size
    return pd.DataFrame(values, labels, labels)


def members() -> pd.DataFrame:
    codes = provinces.codes()
    clubs = np.arange(31) % 4
    return pd.DataFrame({"Wang-Wang": clubs, "TFP": np.ones(31, int)}, index=codes)


FIGURES = {
    "four": lambda: transition_matrices(
        {name: matrix() for name in ("A", "B", "Wang-Wang", "TFP")},
        "Moves, 年际转移",
        "per cent of a class",
    ),
    "one": lambda: transition_matrices({"A": matrix(5)}),
    "three": lambda: transition_matrices({name: matrix(2) for name in "ABC"}, "Three"),
    "clubs": lambda: club_grid(members(), "Clubs", "1 is the highest"),
}


@pytest.mark.parametrize("case", FIGURES)
def test_every_text_lies_in_the_figure_and_on_no_other(case):
    picture = FIGURES[case]()
    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    texts = [t for t in picture.figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    whole = picture.figure.bbox
    boxes = [t.get_window_extent(canvas.get_renderer()) for t in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 and box.y1 <= whole.y1, text
    for i, one in enumerate(boxes):
        for j in range(i):
            two = boxes[j]
            apart = (
                one.x1 <= two.x0 + 1
                or two.x1 <= one.x0 + 1
                or one.y1 <= two.y0 + 1
                or two.y1 <= one.y0 + 1
            )
            assert apart, (texts[i], texts[j])


def test_figures_are_light_and_the_same_each_time():
    assert len(FIGURES["clubs"]().html()) < MAX_BYTES
    assert FIGURES["one"]().svg() == FIGURES["one"]().svg()


def test_cells_are_per_cent_and_rows_without_moves_are_hatched():
    p = matrix(2)
    p.iloc[0] = [0.999, 0.001]
    p.loc[2] = np.nan
    picture = transition_matrices({"A": p})
    shown = [t.get_text() for t in picture.figure.axes[0].texts]
    assert shown == ["100", "<1"]
    assert [patch.get_hatch() for patch in picture.figure.axes[0].patches] == [
        None,
        None,
        "///",
        "///",
    ]
    assert "A: a year later 100 to 100 per cent" in picture.alt


def test_alternative_text_names_the_first_club_and_those_in_none():
    table = pd.DataFrame({"A": [1, 2, 0], "B": [0, 0, 0]}, index=[110000, 310000, 540000])
    alt = club_grid(table, "Clubs").alt
    assert "A: 2 clubs, the first with Beijing, 1 in none; B: no club, 3 in none." in alt


def test_bad_tables_are_refused():
    with pytest.raises(SampleError, match="nothing to draw"):
        transition_matrices({})
    with pytest.raises(SampleError, match="'A' is no matrix"):
        transition_matrices({"A": matrix().iloc[:2]})
    with pytest.raises(SampleError, match="'A' is no matrix"):
        transition_matrices({"A": 2 * matrix()})
    with pytest.raises(SampleError, match="not complete"):
        club_grid(members().astype(float).replace(2, np.nan))
