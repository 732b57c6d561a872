"""Recipe and Index: names, options, labels, what is refused and what is printed."""

import copy
import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import nqpf
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index import ConstantIndicatorWarning, Index, Recipe
from nqpf.index.aggregate import linear, topsis
from nqpf.index.normalise import minmax, minmax_yearly
from nqpf.index.weights import entropy
from nqpf.systems import IndicatorMatrix

PROVINCES, YEARS = [110000, 310000, 440000, 650000], [2020, 2021, 2022]


def made_matrix(values=None, **changes):
    """Return a matrix of four provinces, three years, five indicators and two dimensions."""
    if values is None:
        rows = pd.MultiIndex.from_product([PROVINCES, YEARS], names=["province", "year"])
        drawn = np.random.default_rng(5).lognormal(size=(len(rows), 5))
        values = pd.DataFrame(drawn, index=rows, columns=["rd", "patents", "so2", "energy", "rail"])
    parts = {
        "benefit": pd.Series({key: key not in ("so2", "energy") for key in values}),
        "dimension": pd.Series(
            {key: "green" if key in ("so2", "energy") else "t" for key in values}
        ),
    }
    return SimpleNamespace(values=values, **{**parts, **changes})


@pytest.fixture
def matrix():
    return made_matrix()


def changed(matrix, row, column, value):
    values = matrix.values.copy()
    values.loc[row, column] = value
    return made_matrix(values)


def test_the_default_is_the_chain_of_array_functions(matrix):
    index = Recipe().fit(matrix)
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    w = entropy(z)
    np.testing.assert_array_equal(index.weights, w)
    np.testing.assert_array_equal(index.scores, topsis(z, w))
    assert index.weights.index.tolist() == matrix.values.columns.tolist()
    pd.testing.assert_index_equal(index.scores.index, matrix.values.index)
    assert index.comparable_over_time
    assert index.contributions is None
    assert index.matrix is matrix
    assert index.recipe == Recipe("minmax", "entropy", "topsis")


def test_an_indicator_matrix_will_do_too(matrix):
    full = IndicatorMatrix(matrix.values, matrix.benefit, matrix.dimension)
    pd.testing.assert_series_equal(Recipe().fit(full).scores, Recipe().fit(matrix).scores)


def test_the_top_package_gives_the_same_classes():
    assert nqpf.Recipe is Recipe
    assert nqpf.Index is Index


@pytest.mark.parametrize("aggregate", ["linear", "topsis"])
def test_dimension_scores_are_the_same_aggregation_with_weights_rescaled(matrix, aggregate):
    index = Recipe(aggregate=aggregate).fit(matrix)
    assert index.dimension_scores.columns.tolist() == ["t", "green"]
    method = {"linear": linear, "topsis": topsis}[aggregate]
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())[:, [2, 3]]
    w = index.weights[["so2", "energy"]].to_numpy()
    np.testing.assert_allclose(index.dimension_scores["green"], method(z, w / w.sum()), atol=1e-15)


def test_contributions_add_up_to_a_linear_score(matrix):
    index = Recipe(aggregate="linear").fit(matrix)
    assert index.contributions.columns.tolist() == matrix.values.columns.tolist()
    np.testing.assert_allclose(index.contributions.sum(axis=1), index.scores, rtol=0, atol=1e-15)


def test_directions_and_dimensions_are_aligned_by_key(matrix):
    turned = made_matrix(benefit=matrix.benefit[::-1], dimension=matrix.dimension[::-1])
    pd.testing.assert_series_equal(Recipe().fit(turned).scores, Recipe().fit(matrix).scores)
    dimensions = Recipe().fit(turned).dimension_scores
    pd.testing.assert_frame_equal(dimensions, Recipe().fit(matrix).dimension_scores)


def test_order_of_rows_does_not_matter(matrix):
    mixed = made_matrix(matrix.values.sample(frac=1, random_state=1))
    scores = Recipe().fit(mixed).scores.sort_index()
    pd.testing.assert_series_equal(scores, Recipe().fit(matrix).scores, rtol=0, atol=1e-12)


def test_units_of_indicators_do_not_matter(matrix):
    other = made_matrix(matrix.values * [1e4, 1e-3, 7.0, 0.1, 100.0] + [0, 1, 2, 3, 4])
    scores = Recipe().fit(other).scores
    pd.testing.assert_series_equal(scores, Recipe().fit(matrix).scores, rtol=0, atol=1e-12)


def test_the_matrix_stays_as_it_is(matrix):
    before = matrix.values.copy()
    Recipe().fit(matrix)
    pd.testing.assert_frame_equal(matrix.values, before)


def test_options_reach_their_method(matrix):
    index = Recipe(shift=1e-2).fit(matrix)
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    np.testing.assert_array_equal(index.weights, entropy(z, shift=1e-2))
    assert str(index.recipe) == "minmax, entropy, topsis, shift=0.01"


def test_yearly_normalisation_is_marked_as_not_comparable(matrix):
    index = Recipe(normalise="minmax_yearly").fit(matrix)
    years = matrix.values.index.get_level_values("year")
    z = minmax_yearly(matrix.values.to_numpy(), matrix.benefit.to_numpy(), years)
    np.testing.assert_array_equal(index.scores, topsis(z, entropy(z)))
    assert not index.comparable_over_time
    assert "do not compare over time" in repr(index)
    assert "do not compare over time" in index._repr_html_()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            {"normalise": "min-max"},
            "unknown normalisation 'min-max'.*minmax, minmax_yearly.*'minmax'",
        ),
        ({"weights": "entropie"}, "unknown weighting 'entropie'.*entropy, equal.*'entropy'"),
        ({"aggregate": "topsys"}, "unknown aggregation 'topsys'.*linear, topsis.*'topsis'"),
        ({"aggregate": None}, "unknown aggregation None; expected one of .*topsis, vikor.$"),
        ({"shfit": 1e-4}, "unknown option 'shfit'; expected one of shift, weighting. Did you mean"),
        (
            {"weights": "equal", "aggregate": "linear", "shift": 1},
            "unknown option 'shift'; expected no option",
        ),
        ({"benefit": [True]}, "unknown option 'benefit'"),
    ],
    ids=str,
)
def test_unknown_names_offer_the_known_ones(recipe, message):
    with pytest.raises(MethodError, match=message):
        Recipe(**recipe)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(matrix, bad):
    broken = changed(matrix, (310000, 2021), "so2", bad)
    with pytest.raises(
        SampleError, match=r"\[province Shanghai \(310000\), year 2021, indicator so2\]"
    ):
        Recipe().fit(broken)


def test_a_constant_indicator_is_named_and_has_no_weight(matrix):
    constant = made_matrix(matrix.values.assign(energy=3.0))
    with pytest.warns(ConstantIndicatorWarning, match="set to zero: energy$"):
        index = Recipe().fit(constant)
    assert index.weights["energy"] == 0
    rest = made_matrix(matrix.values.drop(columns="energy"))
    np.testing.assert_allclose(index.scores, Recipe().fit(rest).scores, rtol=0, atol=1e-15)


@pytest.mark.filterwarnings("ignore::nqpf.index.ConstantIndicatorWarning")
def test_a_dimension_without_weight_has_no_score(matrix):
    index = Recipe().fit(made_matrix(matrix.values.assign(so2=1.0, energy=2.0)))
    assert index.dimension_scores["green"].isna().all()
    assert index.dimension_scores["t"].notna().all()


def test_when_every_indicator_is_constant(matrix):
    with pytest.raises(DataError, match="every indicator is constant"):
        Recipe().fit(made_matrix(matrix.values * 0 + 1))
    with pytest.raises(DataError, match="every indicator is constant"):
        Recipe().fit(made_matrix(matrix.values.iloc[:1]))  # one province in one year


@pytest.mark.parametrize("keep", ["province == 110000", "year == 2021"])
def test_one_province_or_one_year(matrix, keep):
    index = Recipe().fit(made_matrix(matrix.values.query(keep)))
    assert index.scores.between(0, 1).all()
    assert abs(index.weights.sum() - 1) <= 1e-12
    assert len(index.summary()) == len(index.years)
    assert "<table" in index._repr_html_()


def test_what_is_not_a_matrix_is_refused(matrix):
    values = matrix.values
    cases = {
        r"rows are labelled \[None\]": values.reset_index(drop=True),
        "the matrix is empty": values.iloc[:0],
        r"an indicator is there twice \[indicator rd\]": values.set_axis(
            list("abc") + ["rd"] * 2, axis=1
        ),
        r"there twice \[province Beijing \(110000\), year 2020\]": pd.concat(
            [values, values.iloc[:1]]
        ),
        r"values are not numbers \[indicator rd\]": values.astype({"rd": str}),
    }
    for message, bad in cases.items():
        parts = {"benefit": matrix.benefit, "dimension": matrix.dimension}
        with pytest.raises(SampleError, match=message):
            Recipe().fit(made_matrix(bad, **parts))


def test_a_missing_direction_or_dimension_is_named(matrix):
    with pytest.raises(SampleError, match="no benefit for rail"):
        Recipe().fit(made_matrix(benefit=matrix.benefit.drop("rail")))
    with pytest.raises(SampleError, match="no dimension for so2"):
        Recipe().fit(made_matrix(dimension=matrix.dimension.where(matrix.dimension.index != "so2")))
    with pytest.raises(MethodError, match="one boolean per column"):
        Recipe().fit(made_matrix(benefit=matrix.benefit.map({True: 1, False: -1})))


def test_ranks_are_within_years_and_ties_share_the_better_one():
    rows = pd.MultiIndex.from_product([PROVINCES, [2021, 2022]], names=["province", "year"])
    values = pd.DataFrame({"a": [1.0, 9, 2, 8, 2, 7, 0, 6]}, index=rows)
    index = Recipe().fit(made_matrix(values))
    assert index.rank(2021).to_dict() == {310000: 1, 440000: 1, 110000: 3, 650000: 4}
    assert index.rank(2022).tolist() == [1, 2, 3, 4]
    assert index.rank().loc[(110000, 2021)] == 3
    with pytest.raises(SampleError, match=r"no scores in 2023 .*one of 2021, 2022"):
        index.rank(2023)


def test_summary_and_frame(matrix):
    index = Recipe().fit(matrix)
    table = index.summary()
    assert table.index.tolist() == YEARS
    last = index.scores.xs(2022, level="year")
    assert table.loc[2022, "provinces"] == 4
    assert table.loc[2022, "mean"] == pytest.approx(last.mean(), abs=1e-15)
    assert table.loc[2022, "sd"] == pytest.approx(last.std(ddof=1), abs=1e-15)
    names = {110000: "Beijing", 310000: "Shanghai", 440000: "Guangdong", 650000: "Xinjiang"}
    assert table.loc[2022, "highest"] == names[last.idxmax()]
    frame = index.to_frame()
    assert frame.columns.tolist() == ["score", "rank", "t", "green"]
    pd.testing.assert_index_equal(frame.index, matrix.values.index)


def test_it_prints_as_a_table_of_provinces(matrix):
    index = Recipe().fit(matrix)
    page = index._repr_html_()
    assert "minmax, entropy, topsis: 4 provinces, 2020-2022, 5 indicators" in page
    assert page.count("<tr") == 5
    for text in ("Beijing", "Guangdong", "score 2020", "rank 2022"):
        assert text in page
    assert repr(index) == "<Index minmax, entropy, topsis: 4 provinces, 2020-2022, 5 indicators>"


def test_an_unbalanced_sample_prints_with_gaps(matrix):
    index = Recipe().fit(made_matrix(matrix.values.drop((650000, 2022))))
    page = index._repr_html_()
    assert page.count("<tr") == 5
    assert "nan" not in page.lower()


def test_labels_are_escaped(matrix):
    rows = pd.MultiIndex.from_tuples(
        [("<script>alert(1)</script>", 2021), ("b & c", 2021)], names=["province", "year"]
    )
    values = pd.DataFrame({"<i>": [1.0, 2.0]}, index=rows)
    index = Recipe(shift=1e-4).fit(made_matrix(values))
    page = dataclasses.replace(index, recipe="<b>")._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "b &amp; c" in page


def test_recipes_compare_hash_and_copy():
    one = Recipe(shift=1e-4)
    assert one == Recipe(shift=1e-4) != Recipe()
    assert len({one, Recipe(shift=1e-4), Recipe()}) == 2
    assert copy.deepcopy(one) == one
    with pytest.raises(AttributeError):
        one.weights = "equal"
