"""Obstacle degrees and dimension contributions: what adds up, and what has none."""

import numpy as np
import pandas as pd
import pytest
from made_up_index import made_matrix

from nqpf.errors import MethodError
from nqpf.index import Recipe
from nqpf.index.aggregate import METHODS
from nqpf.index.recipe import leading, obstacle_degree

BY = pytest.mark.parametrize("by", ["indicator", "dimension"])


@pytest.fixture
def index():
    return Recipe(aggregate="linear").fit(made_matrix())


@BY
@pytest.mark.parametrize("normalise", ["minmax", "minmax_yearly", "rank"])
def test_each_row_sums_to_one_hundred(by, normalise):
    index = Recipe(normalise=normalise, aggregate="linear").fit(made_matrix())
    degree = obstacle_degree(index, by)
    assert (degree >= 0).all(axis=None)
    np.testing.assert_allclose(degree.sum(axis=1), 100, rtol=0, atol=1e-10)
    pd.testing.assert_index_equal(degree.index, index.scores.index)


def test_degrees_are_weighted_shortfalls_over_what_the_score_lacks(index):
    degree = obstacle_degree(index)
    for row in index.scores.index:
        for key, weight in index.weights.items():
            shortfall = weight * (1 - index.normalised.loc[row, key])
            expected = 100 * shortfall / (1 - index.scores[row])
            assert degree.loc[row, key] == pytest.approx(expected, abs=1e-10)


def test_dimensions_are_sums_of_their_indicators(index):
    by_indicator, by_dimension = obstacle_degree(index), obstacle_degree(index, "dimension")
    assert by_dimension.columns.tolist() == ["labour", "green", "means"]
    np.testing.assert_allclose(
        by_dimension["green"], by_indicator[["so2", "energy"]].sum(axis=1), rtol=0, atol=1e-12
    )


@BY
def test_nothing_holds_back_a_province_at_the_ideal(by):
    rows = pd.MultiIndex.from_product([[110000, 310000], [2022]], names=["province", "year"])
    values = pd.DataFrame({"rd": [2.0, 1], "so2": [1.0, 3], "rail": [5.0, 4]}, index=rows)
    index = Recipe(weights="equal", aggregate="linear").fit(made_matrix(values))
    assert index.scores.tolist() == pytest.approx([1, 0])
    degree = obstacle_degree(index, by)
    assert degree.loc[(110000, 2022)].tolist() == [0, 0, 0]
    np.testing.assert_allclose(degree.loc[(310000, 2022)], 100 / 3, rtol=1e-12)
    listed = leading(index, by)
    assert listed.index.unique("province").tolist() == [310000]


@pytest.mark.filterwarnings("ignore::nqpf.index.ConstantIndicatorWarning")
def test_an_indicator_without_weight_is_no_obstacle():
    index = Recipe(aggregate="linear").fit(made_matrix(made_matrix().values.assign(rail=1.0)))
    assert (obstacle_degree(index)["rail"] == 0).all()
    assert "rail" not in set(leading(index, top=5)["obstacle"])


def test_a_single_indicator_is_the_whole_obstacle():
    index = Recipe(aggregate="linear").fit(made_matrix(made_matrix().values[["rd"]]))
    degree = obstacle_degree(index)["rd"]
    assert set(degree) == {0.0, 100.0}
    assert (degree == 0).sum() == 1


def test_the_largest_obstacles_come_first(index):
    listed = leading(index, top=2)
    assert listed.index.names == ["province", "year", "order"]
    assert listed.columns.tolist() == ["obstacle", "degree"]
    degree = obstacle_degree(index)
    for row in degree.index:
        largest = degree.loc[row].sort_values(ascending=False)
        assert listed.loc[row, "obstacle"].tolist() == largest.index[:2].tolist()
        np.testing.assert_allclose(listed.loc[row, "degree"], largest.iloc[:2], atol=1e-12)
    assert len(listed) == 2 * len(degree)


def test_equal_obstacles_keep_the_order_of_columns():
    rows = pd.MultiIndex.from_product([range(60), [2022]], names=["province", "year"])
    values = pd.DataFrame({key: np.arange(60.0) for key in ("rail", "rd", "patents")}, index=rows)
    index = Recipe(weights="equal", aggregate="linear").fit(made_matrix(values))
    assert leading(index)["obstacle"].tolist() == ["rail", "rd", "patents"] * 59


@pytest.mark.parametrize("aggregate", sorted(set(METHODS) - {"linear"}))
def test_only_sums_have_obstacles_and_contributions(aggregate):
    index = Recipe(aggregate=aggregate).fit(made_matrix())
    for call in (obstacle_degree, leading, type(index).dimension_contributions):
        with pytest.raises(
            MethodError, match=f"{aggregate}' is not a sum.*expected an index with aggregate='line"
        ):
            call(index)


@pytest.mark.parametrize("normalise", ["vector", "zscore"])
def test_a_shortfall_needs_a_best_value(normalise):
    index = Recipe(normalise=normalise, weights="equal", aggregate="linear").fit(made_matrix())
    with pytest.raises(MethodError, match=f"under '{normalise}'.*minmax, minmax_yearly, rank, tar"):
        obstacle_degree(index)


def test_unknown_grouping_and_top(index):
    with pytest.raises(MethodError, match="unknown grouping 'dim'; expected one of indicator, dim"):
        obstacle_degree(index, by="dim")
    for top in (0, -1, 1.5, "2"):
        with pytest.raises(MethodError, match="whole number of one or more"):
            leading(index, top=top)


def test_dimension_contributions_add_up_to_the_score(index):
    parts = index.dimension_contributions()
    assert parts.columns.tolist() == ["labour", "green", "means"]
    np.testing.assert_allclose(parts.sum(axis=1), index.scores, rtol=0, atol=1e-14)
    weights = index.weights.groupby(index.matrix.dimension).sum()
    for key in parts:
        expected = weights[key] * index.dimension_scores[key]
        np.testing.assert_allclose(parts[key], expected, rtol=0, atol=1e-14)
