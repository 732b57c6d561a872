"""A year known in part: bounds hold every score that may come, and are no wider than that."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_index import made_matrix

from nqpf import Recipe, System
from nqpf.compare.partial import _made, partial_year
from nqpf.errors import MethodError, SampleError

LAST = 2022
AGGREGATE = ("linear", "topsis", "geometric", "harmonic", "coupling")
RECIPES = st.builds(Recipe, st.just("minmax"), st.sampled_from(["entropy", "equal"]),
                    st.sampled_from(AGGREGATE), floor=st.just(0.01))  # fmt: skip


def hidden(seed, recipe, share=0.5):
    """Return a made-up year of which some figures are hidden, at random and by province."""
    rng, like = np.random.default_rng(seed), made_matrix()
    values = like.values + rng.lognormal(size=like.values.shape)
    rows = values.xs(LAST, level="year", drop_level=False)
    known = rows.mask((rng.random(rows.shape) < share) & (np.arange(rows.shape[1]) > 0))
    values.loc[rows.index] = known
    return _made(values, like, recipe, known)


def scored(found, rows):
    """Return the scores that complete rows, by province, would have in the last year."""
    rows = pd.concat({LAST: rows}, names=["year"]).swaplevel()
    return _made(found.values, found.full.matrix, found.full.recipe, rows).actual


def box(found, limits):
    """Return where each figure of the year may lie, cell by cell, as the docstring says."""
    low, high = (found.values.xs(LAST, level="year").copy() for _ in range(2))
    change = np.log(found.values).groupby(level="province").diff()
    for code, name in low.isna().stack().loc[lambda gone: gone].index:
        last, own = found.values.loc[(code, LAST - 1), name], change.loc[code, name]
        past = found.values[name].drop(LAST, level="year")
        low.loc[code, name], high.loc[code, name] = {
            "range": (past.min(), past.max()),
            "largest": (last / np.exp(own.abs().max()), last * np.exp(own.abs().max())),
            "usual": last * np.exp(change[name].quantile([0.05, 0.95])),
        }[limits]
    return low, high


@given(st.integers(0, 10**6), RECIPES, st.sampled_from(["range", "largest", "usual"]))
def test_bounds_are_the_extremes_over_corners_and_hold_all_between(seed, recipe, limits):
    found = hidden(seed, recipe)
    (low, high), bounds = box(found, limits), found.bounds(limits)
    came = scored(found, low + np.random.default_rng(seed).random(low.shape) * (high - low))
    assert (bounds["lower"] <= came + 1e-12).all() and (came <= bounds["upper"] + 1e-12).all()
    rank = came.rank(ascending=False)
    assert (bounds["best"] <= rank).all() and (rank <= bounds["worst"]).all()
    cells = zip(low.iloc[seed % 4], high.iloc[seed % 4], strict=True)
    corners = pd.DataFrame(product(*map(set, cells)), columns=low.columns)
    scores = scored(found, corners.rename_axis("province"))
    ends = bounds[["lower", "upper"]].iloc[seed % 4]
    np.testing.assert_allclose([scores.min(), scores.max()], ends, atol=1e-9)


@given(RECIPES)
def test_where_nothing_lacks_bounds_are_the_score_and_earlier_rows_keep_theirs(recipe):
    found = hidden(3, recipe, share=0)
    for end in ("lower", "upper"):
        pd.testing.assert_series_equal(found.bounds()[end], found.actual, check_names=False)
    again = scored(found, found.values.xs(LAST - 1, level="year"))
    np.testing.assert_allclose(again, found.full.scores.xs(LAST - 1, level="year"), atol=1e-12)


def test_closeness_beyond_the_ideal_is_that_of_a_plain_formula():
    found = hidden(11, Recipe(), share=0)
    matrix, weights = found.full.matrix, found.full.weights
    past, benefit = matrix.values, matrix.benefit
    for code, row in found.values.xs(LAST, level="year").iterrows():
        z = (row - past.min()) / (past.max() - past.min())
        z = z.where(benefit, 1 - z) * weights
        far, near = (np.hypot.reduce(np.maximum(way, 0)) for way in (z, weights - z))
        assert found.actual[code] == pytest.approx(far / (far + near), abs=1e-12)


def test_an_earlier_year_is_judged_without_what_came_later(embedded):
    system, lost = System.load("wang-wang-2024"), "rd_personnel_density"
    found = partial_year(system, embedded, 2023)
    found.values.loc[(slice(None), 2023), lost] = np.nan
    then = found.earlier(2020)
    before = Recipe(**system.recipe).fit(system.evaluate(embedded, range(2010, 2020)))
    pd.testing.assert_series_equal(then.full.scores, before.scores)
    pd.testing.assert_series_equal(then.actual, partial_year(system, embedded, 2020).actual)
    assert then.lacking == [lost] and max(then.values.index.unique("year")) == 2020


def test_a_province_that_lacks_what_others_have_is_named_and_has_no_score(embedded):
    system, frame = System.load("yang-hong-2024"), embedded.frame
    now, what, where = frame["year"] >= 2023, frame["variable"], frame["province"]
    gone = now & (what.eq("rd_personnel") | what.eq("software_revenue") & where.eq(440000))
    found = partial_year(system, replace(embedded, frame=frame[~gone].sample(frac=1)), 2023)
    assert found.lacking == ["rd_personnel_density"] and not len(found.actual)
    assert found.left_out[440000] == ["software_intensity"]
    assert found.bounds().loc[440000, "unknown"] == 2
    assert 440000 not in found.scores.xs(2023, level="year")


def test_what_has_no_ranges_or_no_figures_is_refused(embedded):
    system = System.load("gong-2024")
    with pytest.raises(MethodError, match="no ranges"):
        partial_year(system, embedded, 2023, recipe=Recipe(aggregate="vikor"))
    with pytest.raises(SampleError, match="no indicator is known .*year 2031"):
        partial_year(system, embedded, 2031)
