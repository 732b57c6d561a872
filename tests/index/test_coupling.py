"""Coupling coordination: its forms, zero scores, dimensions, grades, and the recipe."""

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_index import made_matrix

from nqpf.errors import DataError, MethodError
from nqpf.index import Recipe
from nqpf.index.aggregate import coordination, grade

MANY = ["standard", "no-root", "wang"]


@pytest.mark.parametrize("form", [*MANY, "two-system"])
@pytest.mark.parametrize("level", [1e-300, 0.1, 1 / 3, 1.0])
def test_equal_subsystems_are_fully_coupled(form, level):
    c, t, d = coordination([[level, level]], form=form)
    np.testing.assert_allclose([c[0], t[0]], [1, level], rtol=1e-14)
    assert d[0] == pytest.approx(level**0.5, rel=1e-14)


@pytest.mark.parametrize("form", MANY)
@pytest.mark.parametrize("row", [[0.0, 0.9, 0.5], [0.0, 0.0, 0.0], [0.0, 5e-324, 1.0]], ids=str)
def test_a_subsystem_at_zero_uncouples(form, row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        c, t, d = coordination([row], form=form)
    assert c[0] == d[0] == 0
    assert t[0] == pytest.approx(sum(row) / 3, abs=1e-15)


@pytest.mark.parametrize("form", MANY)
def test_a_single_subsystem_is_coupled_with_itself(form):
    c, t, d = coordination([[0.25], [0.0], [1.0]], form=form)
    np.testing.assert_array_equal(c, [1, 0, 1])
    np.testing.assert_array_equal(t, [0.25, 0, 1])
    np.testing.assert_array_equal(d, [0.5, 0, 1])


def test_tiny_scores_keep_their_digits():
    c = coordination([[2e-320, 8e-320]]).C[0]
    assert c == pytest.approx(0.8, abs=1e-3)  # subnormal numbers have few digits themselves
    assert coordination([[2e-300, 8e-300]]).C[0] == pytest.approx(0.8, rel=1e-14)


FORMS = "unknown form of coupling .*standard, no-root, two-system, wang"
PAIR, GAP = [[0.1, 0.2]], pd.Series([np.nan], index=["x"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: coordination([[0.1, 0.2, 0.3]], form="two-system"), MethodError,
         "'two-system' met 3 subsystems; expected two.*'wang'"),
        *((lambda f=f: coordination(PAIR, form=f), MethodError, FORMS)
          for f in ("standart", None, 2)),
        *((lambda a=a: coordination(PAIR, alpha=a), MethodError, said) for a, said in [
            ([1.0], r"alpha has shape \(1,\)"), ([0.5, 0.6], "alpha sums to 1.1"),
            ([1.5, -0.5], r"alpha holds -0.5 \[column 1\]"), ([np.nan, 1], "alpha holds nan"),
            (["a", "b"], "alpha is not numeric")]),
        *((lambda u=u: coordination(u), DataError, said) for u, said in [
            ([[0.1, -0.2]], r"u holds -0.2 \[row 0, column 1\]; expected values of zero"),
            ([[0.1, 1.1]], r"u holds 1.1 \[row 0, column 1\]; expected scores"),
            ([[0.1, np.nan]], r"u holds nan \[row 0, column 1\]"),
            ([0.1, 0.2], r"u has shape \(2,\)")]),
        (lambda: grade([0.5, 1.2]), DataError, r"d holds 1.2 \[row 1\]"),
        (lambda: grade(GAP), DataError, r"d holds nan \[row x\]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rounding_above_one_is_one():
    assert coordination([[1 + 1e-15, 1.0]]).T[0] == 1


def test_recipe_couples_the_dimension_scores():
    index = Recipe(aggregate="coupling").fit(made_matrix())
    sums = Recipe(aggregate="linear").fit(made_matrix())
    pd.testing.assert_frame_equal(index.dimension_scores, sums.dimension_scores)
    expected = coordination(sums.dimension_scores.to_numpy()).D
    np.testing.assert_allclose(index.scores, expected, rtol=0, atol=1e-12)


def test_recipe_with_a_single_dimension():
    matrix = made_matrix(dimension=dict.fromkeys(["rd", "patents", "so2", "energy", "rail"], "all"))
    index = Recipe(aggregate="coupling").fit(matrix)
    np.testing.assert_allclose(index.scores, index.dimension_scores["all"] ** 0.5, atol=1e-15)


@pytest.mark.filterwarnings("ignore::nqpf.index.normalise._ConstantIndicatorWarning")
def test_recipe_without_weight_on_a_dimension():
    matrix = made_matrix(made_matrix().values.assign(rail=1.0))
    with pytest.warns(UserWarning, match="left out of the coupling: means"):
        index = Recipe(aggregate="coupling").fit(matrix)
    assert index.dimension_scores["means"].isna().all()
    kept = index.dimension_scores[["labour", "green"]].to_numpy()
    np.testing.assert_allclose(index.scores, coordination(kept).D, rtol=0, atol=1e-12)


def test_ten_grades_meet_at_tenths():
    assert grade(np.arange(0.05, 1, 0.1)).nunique() == 10
    bounds = grade([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert bounds.cat.codes.tolist() == [*range(10), 9]
    just_below = grade(np.nextafter([0.1, 0.5, 0.9], 0))
    assert just_below.cat.codes.tolist() == [0, 4, 8]
