"""Recipe and Index: names, options, pairs of methods, what is refused, added up and printed."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
from made_up_index import PROVINCES, YEARS, made_matrix

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index import Recipe
from nqpf.index.aggregate import linear, topsis
from nqpf.index.normalise import _ConstantIndicatorWarning, minmax
from nqpf.index.recipe import _METHODS
from nqpf.index.weights import entropy

AGGREGATE = list(_METHODS["aggregate"])


@pytest.fixture
def matrix():
    return made_matrix()


@pytest.fixture
def index():
    return Recipe(aggregate="linear").fit(made_matrix())


def test_the_default_is_the_chain_of_array_functions(matrix):
    index = Recipe().fit(matrix)
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    w = entropy(z)
    np.testing.assert_array_equal(index.weights, w)
    np.testing.assert_array_equal(index.scores, topsis(z, w))
    assert index.weights.index.tolist() == matrix.values.columns.tolist()
    pd.testing.assert_index_equal(index.scores.index, matrix.values.index)
    assert index.comparable_over_time
    assert index.matrix is matrix
    assert index.recipe == Recipe("minmax", "entropy", "topsis")


@pytest.mark.parametrize("aggregate", ["linear", "topsis"])
def test_dimension_scores_are_the_same_aggregation_with_weights_rescaled(matrix, aggregate):
    index = Recipe(aggregate=aggregate).fit(matrix)
    assert index.dimension_scores.columns.tolist() == ["labour", "green", "means"]
    method = {"linear": linear, "topsis": topsis}[aggregate]
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())[:, [2, 3]]
    w = index.weights[["so2", "energy"]].to_numpy()
    np.testing.assert_allclose(index.dimension_scores["green"], method(z, w / w.sum()), atol=1e-15)


def test_options_reach_their_method_and_the_matrix_stays_as_it_is(matrix):
    before = matrix.values.copy()
    index = Recipe(shift=1e-2).fit(matrix)
    pd.testing.assert_frame_equal(matrix.values, before)
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    np.testing.assert_array_equal(index.weights, entropy(z, shift=1e-2))
    assert str(index.recipe) == "minmax, entropy, topsis, shift=0.01"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(matrix, bad):
    values = matrix.values.copy()
    values.loc[(310000, 2021), "so2"] = bad
    place = r"\[province Shanghai \(310000\), year 2021, variable so2\]"
    with pytest.raises(SampleError, match=place):
        Recipe().fit(made_matrix(values))


def test_a_constant_indicator_is_named_and_has_no_weight(matrix):
    constant = made_matrix(matrix.values.assign(energy=3.0))
    with pytest.warns(_ConstantIndicatorWarning, match="set to zero: energy$"):
        index = Recipe().fit(constant)
    assert index.weights["energy"] == 0
    rest = made_matrix(matrix.values.drop(columns="energy"))
    np.testing.assert_allclose(index.scores, Recipe().fit(rest).scores, rtol=0, atol=1e-15)


def test_when_every_indicator_is_constant(matrix):
    with pytest.raises(DataError, match="every indicator is constant"):
        Recipe().fit(made_matrix(matrix.values * 0 + 1))


@pytest.mark.parametrize("keep", ["province == 110000", "year == 2021"])
def test_one_province_or_one_year(matrix, keep):
    index = Recipe().fit(made_matrix(matrix.values.query(keep)))
    assert index.scores.between(0, 1).all()
    assert abs(index.weights.sum() - 1) <= 1e-12
    assert len(index.summary()) == len(index.years)
    assert "<table" in index._repr_html_()


def test_ranks_are_within_years_and_ties_share_the_better_one():
    rows = pd.MultiIndex.from_product([PROVINCES, [2021, 2022]], names=["province", "year"])
    values = pd.DataFrame({"a": [1.0, 9, 2, 8, 2, 7, 0, 6]}, index=rows)
    index = Recipe().fit(made_matrix(values, {"a": "all"}))
    assert index.rank(2021).to_dict() == {310000: 1, 440000: 1, 110000: 3, 650000: 4}
    assert index.rank(2022).tolist() == [1, 2, 3, 4]
    assert index.rank().loc[(110000, 2021)] == 3
    with pytest.raises(SampleError, match=r"no scores in 2023 .*one of 2021, 2022"):
        index.rank(2023)


def test_summary(matrix):
    index = Recipe().fit(matrix)
    table = index.summary()
    assert table.index.tolist() == YEARS
    last = index.scores.xs(2022, level="year")
    assert table.loc[2022, "provinces"] == 4
    assert table.loc[2022, "mean"] == pytest.approx(last.mean(), abs=1e-15)
    assert table.loc[2022, "sd"] == pytest.approx(last.std(ddof=1), abs=1e-15)
    names = {110000: "Beijing", 310000: "Shanghai", 440000: "Guangdong", 650000: "Xinjiang"}
    assert table.loc[2022, "highest"] == names[last.idxmax()]


def test_it_prints_as_a_table_of_provinces_with_gaps_where_a_year_is_missing(matrix):
    index, gap = Recipe().fit(matrix), Recipe().fit(made_matrix(matrix.values.iloc[:-1]))
    page, caption = index._repr_html_(), "minmax, entropy, topsis: 4 provinces, 2020-2022, 5 indic"
    assert repr(index) == f"<Index {caption}ators>"
    for text in (caption, "Beijing", "Guangdong", "score 2020", "rank 2022"):
        assert text in page
    assert page.count("<tr") == gap._repr_html_().count("<tr") == 5
    assert "nan" not in gap._repr_html_().lower()


def test_labels_are_escaped():
    rows = pd.MultiIndex.from_product([["<script>alert(1)</script>", "b & c"], [2021]])
    values = pd.DataFrame({"<i>": [1.0, 2.0]}, rows.set_names(["province", "year"]))
    page = Recipe(shift=1e-4).fit(made_matrix(values, {"<i>": "a"}))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page and "b &amp; c" in page


def test_recipes_compare_hash_and_copy():
    one = Recipe(shift=1e-4)
    assert one == Recipe(shift=1e-4) != Recipe()
    assert len({one, Recipe(shift=1e-4), Recipe()}) == 2
    assert copy.deepcopy(one) == one
    with pytest.raises(AttributeError):
        one.weights = "equal"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalise": "min-max"}, "unknown normalisation 'min-max'.*minmax_yearly.*'minmax'"),
        ({"weights": "entropie"}, "unknown weighting 'entropie'.*entropy, equal.*'entropy'"),
        ({"aggregate": "topsys"}, "unknown aggregation 'topsys'.*linear, topsis.*'topsis'"),
        ({"aggregate": None}, "unknown aggregation None; expected one of .*topsis, vikor.$"),
        ({"shfit": 1e-4}, "unknown option 'shfit'; expected one of shift. Did you mean"),
        ({"weights": "equal", "shift": 1}, "unknown option 'shift'; expected no option"),
        ({"benefit": [True]}, "unknown option 'benefit'"),
        ({"aggregate": "topsis", "v": 0.5}, "unknown option 'v'"),
    ],
    ids=str,
)
def test_unknown_names_and_options_offer_the_known_ones(options, message):
    with pytest.raises(MethodError, match=message):
        Recipe(**options)


def test_what_is_not_a_matrix_is_refused(matrix):
    rows = matrix.values.index
    with pytest.raises(SampleError, match="has no rows"):
        Recipe().fit(made_matrix(matrix.values.iloc[:0]))
    with pytest.raises(DataError, match=r"not numbers \[variable rd\]"):
        Recipe().fit(made_matrix(matrix.values.astype({"rd": str})))
    twice = pd.DataFrame(np.eye(len(rows))[:, :2], rows, ["rd", "rd"])
    keys = pd.Series([True, True], ["rd", "rd"])
    with pytest.raises(MethodError, match="indicators name 'rd' twice"):
        Recipe().fit(dataclasses.replace(matrix, values=twice, benefit=keys, dimension=keys))
    with pytest.raises(MethodError, match="one boolean per column"):
        Recipe().fit(dataclasses.replace(matrix, benefit=matrix.benefit.map({True: 1, False: -1})))


@pytest.mark.parametrize("weights", sorted(set(_METHODS["weights"]) - {"pursuit"}))
@pytest.mark.parametrize("method", AGGREGATE)
def test_standard_scores_are_refused_where_values_below_zero_mean_nothing(weights, method):
    if weights in ("entropy", "ahp_entropy") or method in ("coupling", "geometric", "harmonic"):
        said = "below zero, which .* cannot use; expected normalise one of minmax, minmax_yearly, "
        said += "rank. Or keep 'zscore' with weights .*equal.* and aggregate .*topsis, vikor"
        with pytest.raises(MethodError, match=said):
            Recipe("zscore", weights, method)
        return
    index = Recipe("zscore", weights, method).fit(made_matrix())
    assert np.isfinite(index.scores).all()
    assert index.scores.between(0, 1 + 1e-12).all() == (method != "linear")


def test_values_below_zero_that_only_the_data_show_are_refused_at_fit():
    recipe = Recipe("vector", "entropy", "topsis")
    recipe.fit(made_matrix())  # all values above zero
    below = made_matrix(made_matrix().values - 1)
    with pytest.raises(MethodError, match="'vector' gives values below zero, which entropy cannot"):
        recipe.fit(below)
    assert np.isfinite(Recipe("vector", "equal", "topsis").fit(below).scores).all()


def test_an_index_says_that_its_scores_do_not_compare_over_time():
    pooled, yearly = (Recipe(name).fit(made_matrix()) for name in ("minmax", "minmax_yearly"))
    assert "comparable_over_time" not in pooled.summary()
    assert yearly.summary()["comparable_over_time"].tolist() == [False] * 3
    for text in (repr(yearly), yearly._repr_html_()):
        assert "do not compare over time" in text
    for text in (repr(pooled), pooled._repr_html_()):
        assert "compare over time" not in text


def test_degrees_are_weighted_shortfalls_over_what_the_score_lacks(index):
    shortfall = (1 - index.normalised) * index.weights
    expected = 100 * shortfall.div(1 - index.scores, axis=0)
    pd.testing.assert_frame_equal(index.obstacles(), expected, atol=1e-10)


def test_nothing_holds_back_a_province_at_the_ideal():
    rows = pd.MultiIndex.from_product([[110000, 310000], [2022]], names=["province", "year"])
    values = pd.DataFrame({"rd": [2.0, 1], "so2": [1.0, 3], "rail": [5.0, 4]}, index=rows)
    index = Recipe(weights="equal", aggregate="linear").fit(made_matrix(values))
    assert index.scores.tolist() == pytest.approx([1, 0])
    degree = index.obstacles()
    assert degree.loc[(110000, 2022)].tolist() == [0, 0, 0]
    np.testing.assert_allclose(degree.loc[(310000, 2022)], 100 / 3, rtol=1e-12)


@pytest.mark.parametrize("aggregate", ["coupling", "topsis"])
def test_only_sums_have_obstacles_and_contributions(aggregate):
    index = Recipe(aggregate=aggregate).fit(made_matrix())
    for call in (index.obstacles, index.dimension_contributions):
        with pytest.raises(MethodError, match=f"{aggregate}' is not a sum.*aggregate='linear'"):
            call()


@pytest.mark.parametrize("normalise", ["vector", "zscore"])
def test_a_shortfall_needs_a_best_value(normalise):
    index = Recipe(normalise=normalise, weights="equal", aggregate="linear").fit(made_matrix())
    with pytest.raises(MethodError, match=f"under '{normalise}'.*minmax, minmax_yearly, rank"):
        index.obstacles()


def test_dimension_contributions_add_up_to_the_score(index):
    parts = index.dimension_contributions()
    assert parts.columns.tolist() == ["labour", "green", "means"]
    np.testing.assert_allclose(parts.sum(axis=1), index.scores, rtol=0, atol=1e-14)
    weights = index.weights.groupby(index.matrix.dimension).sum()
    for key in parts:
        expected = weights[key] * index.dimension_scores[key]
        np.testing.assert_allclose(parts[key], expected, rtol=0, atol=1e-14)
