"""A year known in part: bounds hold every score that may come, and are no wider than that."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_index import FEW, made_matrix

from nqpf import Recipe, System
from nqpf.compare.partial import _made, partial_year
from nqpf.errors import MethodError, SampleError

LAST = 2022
AGGREGATE = ("linear", "topsis", "geometric", "harmonic", "coupling")
RECIPES = [Recipe("minmax", w, a) for w in ("entropy", "equal") for a in AGGREGATE]
EACH = pytest.mark.parametrize("recipe", RECIPES, ids=str)


def hidden(seed, recipe, share=0.5):
    """Return a made-up year of which some figures are hidden, at random and by province."""
    rng = np.random.default_rng(seed)
    like = made_matrix()
    values = like.values + rng.lognormal(size=like.values.shape)
    lacks = rng.random(values.shape) < share
    lacks[:, 0] = values.index.get_level_values("year") != LAST
    lacks &= values.index.get_level_values("year").to_numpy()[:, None] == LAST
    known = values.mask(lacks)
    return _made(known, like, recipe, known.xs(LAST, level="year", drop_level=False))


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


@given(st.integers(0, 10**6), st.sampled_from(RECIPES), st.sampled_from(["range", "largest"]))
@FEW
def test_figures_within_the_limits_give_scores_and_ranks_within_the_bounds(seed, recipe, limits):
    found = hidden(seed, recipe)
    low, high = box(found, limits)
    inside = low + np.random.default_rng(seed).random(low.shape) * (high - low)
    came, bounds = scored(found, inside), found.bounds(limits)
    assert (bounds["lower"] <= came + 1e-12).all() and (came <= bounds["upper"] + 1e-12).all()
    assert (bounds["best"] <= came.rank(ascending=False)).all()
    assert (came.rank(ascending=False) <= bounds["worst"]).all()


@EACH
@pytest.mark.parametrize("limits", ["largest", "usual", "range"])
def test_bounds_are_the_extremes_over_all_corners(recipe, limits):
    found = hidden(8, recipe)  # no corner is a past minimum, where a root magnifies rounding
    low, high = box(found, limits)
    bounds = found.bounds(limits)
    assert bounds["unknown"].sum() > 4 and (bounds["lower"] < bounds["upper"]).sum() > 1
    for code in low.index:
        cells = zip(low.loc[code], high.loc[code], strict=True)
        corners = pd.DataFrame(product(*map(set, cells)), columns=low.columns)
        scores = scored(found, corners.rename_axis("province"))
        ends = bounds.loc[code, ["lower", "upper"]]
        np.testing.assert_allclose([scores.min(), scores.max()], ends, atol=1e-12)


@EACH
def test_where_nothing_lacks_bounds_are_the_score_and_earlier_rows_keep_theirs(recipe):
    found = hidden(3, recipe, share=0)
    for end in ("lower", "upper"):
        pd.testing.assert_series_equal(found.bounds()[end], found.actual, check_names=False)
    for year in (LAST - 2, LAST - 1):
        again = scored(found, found.values.xs(year, level="year"))
        np.testing.assert_allclose(again, found.full.scores.xs(year, level="year"), atol=1e-9)


def test_closeness_beyond_the_ideal_is_that_of_a_plain_formula():
    found = hidden(11, Recipe(), share=0)
    past, benefit = found.full.matrix.values, found.full.matrix.benefit
    for code, row in found.values.xs(LAST, level="year").iterrows():
        far = near = 0.0
        for key, x in row.items():
            z = (x - past[key].min()) / (past[key].max() - past[key].min())
            z = z if benefit[key] else 1 - z
            far += (found.full.weights[key] * max(z, 0)) ** 2
            near += (found.full.weights[key] * max(1 - z, 0)) ** 2
        assert found.actual[code] == pytest.approx(far**0.5 / (far**0.5 + near**0.5), abs=1e-12)


def test_an_earlier_year_is_judged_without_what_came_later(embedded):
    system, lost = System.load("wang-wang-2024"), "rd_personnel_density"
    found = partial_year(system, embedded, 2023)
    found.values.loc[(slice(None), 2023), lost] = np.nan
    then = found.earlier(2020)
    assert then.lacking == [lost] and max(then.values.index.unique("year")) == 2020
    before = Recipe(**system.recipe).fit(system.evaluate(embedded, range(2010, 2020)))
    pd.testing.assert_series_equal(then.full.scores, before.scores)
    pd.testing.assert_series_equal(then.actual, partial_year(system, embedded, 2020).actual)
    found.values.loc[(slice(None), [2021, 2022]), found.known] = 1e6
    pd.testing.assert_frame_equal(found.earlier(2020).bounds(), then.bounds())


def test_a_province_that_lacks_what_others_have_is_named_and_has_no_score(embedded):
    system, frame = System.load("yang-hong-2024"), embedded.frame
    now, what, where = frame["year"] >= 2023, frame["variable"], frame["province"]
    gone = now & (what.eq("rd_personnel") | what.eq("software_revenue") & where.eq(440000))
    found = partial_year(system, replace(embedded, frame=frame[~gone].sample(frac=1)), 2023)
    assert found.lacking == ["rd_personnel_density"] and not len(found.actual)
    assert found.left_out[440000] == ["software_intensity"]
    bounds, came = found.bounds(), partial_year(system, embedded, 2023).actual
    assert bounds.loc[440000, "unknown"] == 2
    scored = found.scores.xs(2023, level="year").index
    assert set(scored) == set(bounds.index) - set(found.left_out)
    bounds = bounds.loc[came.index]
    assert came.between(bounds["lower"], bounds["upper"]).mean() > 0.8


def test_what_has_no_ranges_or_no_figures_is_refused(embedded):
    system = System.load("gong-2024")
    for recipe in (Recipe(aggregate="vikor"), Recipe("rank")):
        with pytest.raises(MethodError, match="no ranges"):
            partial_year(system, embedded, 2023, recipe=recipe)
    with pytest.raises(SampleError, match="no indicator is known .*year 2031"):
        partial_year(system, embedded, 2031)
    with pytest.raises(MethodError, match="unknown limits 'wide'"):
        partial_year(system, embedded, 2023).bounds("wide")
