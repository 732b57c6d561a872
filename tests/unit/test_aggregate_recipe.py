"""Recipes over every method: which pairs work, which are refused, and what the index says."""

import itertools

import numpy as np
import pandas as pd
import pytest
from made_up_index import made_matrix

from nqpf.errors import MethodError, SampleError
from nqpf.index import Recipe, aggregate, normalise

NORMALISE = ["minmax", "minmax_yearly", "rank", "target", "vector", "zscore"]
WEIGHTS = ["entropy", "equal", "variation", "critic", "ahp_entropy", "pca"]
OPTIONS = {"target": {"targets": {"rail": (0.5, 1.5)}}}


@pytest.mark.filterwarnings("ignore:negative loading", "ignore:no weight, so left out")
@pytest.mark.parametrize("name", NORMALISE)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("method", sorted(aggregate.METHODS))
def test_a_pair_works_or_says_what_would(name, weights, method):
    options = OPTIONS.get(name, {})
    refused = name == "zscore" and (
        weights in ("entropy", "ahp_entropy") or method in ("coupling", "geometric", "harmonic")
    )
    if refused:
        with pytest.raises(
            MethodError,
            match="'zscore' gives values below zero, which .* cannot use; expected normalise one "
            "of minmax, minmax_yearly, rank, target.*Or keep 'zscore' with weights one of .*equal"
            ".* and aggregate one of copeland, linear, topsis, vikor",
        ):
            Recipe(name, weights, method, **options)
        return
    index = Recipe(name, weights, method, **options).fit(made_matrix())
    assert np.isfinite(index.scores).all()
    assert index.comparable_over_time == (name != "minmax_yearly")
    assert index.normalised.shape == index.matrix.values.shape
    assert list(index.dimension_scores) == ["labour", "green", "means"]
    if not (name == "zscore" and method == "linear"):
        assert index.scores.between(0, 1 + 1e-12).all()


def test_the_message_names_what_cannot_use_the_values():
    with pytest.raises(MethodError, match="which entropy and harmonic cannot use"):
        Recipe("zscore", "entropy", "harmonic")
    with pytest.raises(MethodError, match="which entropy cannot use"):
        Recipe("zscore", "entropy", "linear")
    with pytest.raises(MethodError, match="which geometric cannot use"):
        Recipe("zscore", "equal", "geometric")


def test_values_below_zero_that_only_the_data_show_are_refused_at_fit():
    recipe = Recipe("vector", "entropy", "topsis")
    recipe.fit(made_matrix())  # all values above zero
    below = made_matrix(made_matrix().values - 1)
    with pytest.raises(MethodError, match="'vector' gives values below zero, which entropy cannot"):
        recipe.fit(below)
    assert np.isfinite(Recipe("vector", "equal", "topsis").fit(below).scores).all()


def test_scores_below_zero_only_by_adding_standard_scores():
    index = Recipe("zscore", "equal", "linear").fit(made_matrix())
    assert index.scores.min() < 0
    np.testing.assert_allclose(index.scores.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(
        index.dimension_contributions().sum(axis=1), index.scores, atol=1e-14
    )


def test_an_option_that_a_method_cannot_do_without():
    with pytest.raises(
        MethodError, match=r"the option 'targets' is lacking \[method target\]; expected Recipe"
    ):
        Recipe("target")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aggregate": "topsis", "v": 0.5}, "unknown option 'v'; expected one of shift, weighting"),
        ({"aggregate": "vikor", "weighting": "sqrt"}, "unknown option 'weighting'"),
        ({"aggregate": "coupling", "from": "wang"}, "expected one of alpha, form, shift.*'form'"),
        ({"aggregate": "linear", "dimension": ["a"]}, "unknown option 'dimension'"),
        ({"aggregate": "coplend"}, "did you mean 'copeland'"),
    ],
    ids=str,
)
def test_options_belong_to_the_chosen_methods(options, message):
    with pytest.raises(MethodError, match=f"(?i){message}"):
        Recipe(**options)


def test_order_of_rows_does_not_matter():
    values = made_matrix().values
    for method in aggregate.METHODS:
        ours = Recipe(aggregate=method).fit(made_matrix(values.sample(frac=1, random_state=1)))
        expected = Recipe(aggregate=method).fit(made_matrix(values)).scores
        pd.testing.assert_series_equal(ours.scores.sort_index(), expected, rtol=0, atol=1e-12)


def test_best_province_everywhere_is_first_by_every_method():
    values = made_matrix().values.copy()
    values.loc[(310000, 2022)] = values.max() + 1
    values.loc[(310000, 2022), ["so2", "energy"]] = values[["so2", "energy"]].min() / 2
    for name, method in itertools.product(["minmax", "rank"], aggregate.METHODS):
        scores = Recipe(name, "equal", method).fit(made_matrix(values)).scores
        assert scores.idxmax() == (310000, 2022)
        assert scores.max() == pytest.approx(1, abs=1e-12)


def test_an_index_says_that_its_scores_do_not_compare_over_time():
    pooled, yearly = (Recipe(name).fit(made_matrix()) for name in ("minmax", "minmax_yearly"))
    assert "comparable_over_time" not in pooled.summary()
    assert yearly.summary()["comparable_over_time"].tolist() == [False] * 3
    for text in (repr(yearly), yearly._repr_html_()):
        assert "do not compare over time" in text
    for text in (repr(pooled), pooled._repr_html_()):
        assert "compare over time" not in text
    assert normalise.WITHIN_YEAR == {"minmax_yearly"}


def test_rows_of_a_year():
    index = Recipe().fit(made_matrix())
    assert index.rows(2021).get_level_values("year").unique().tolist() == [2021]
    assert len(index.rows(2021)) == 4
    with pytest.raises(SampleError, match="no scores in 2030"):
        index.rows(2030)
