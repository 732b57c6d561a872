"""Recipe and Index: names, options, pairs of methods, what is refused, added up and printed."""

import copy
import dataclasses
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_index import PROVINCES, YEARS, made_matrix
from made_up_panels import refusals, refuses

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index import Recipe
from nqpf.index.aggregate import linear, topsis
from nqpf.index.normalise import _ZeroScoreWarning, minmax
from nqpf.index.recipe import _METHODS
from nqpf.index.weights import entropy

NAMES = {110000: "Beijing", 310000: "Shanghai", 440000: "Guangdong", 650000: "Xinjiang"}


@pytest.fixture
def matrix():
    return made_matrix()


@pytest.fixture
def index():
    return Recipe(aggregate="linear").fit(made_matrix())


def test_the_default_is_the_chain_of_array_functions_which_options_reach(matrix):
    before = matrix.values.copy()
    index, shifted = Recipe().fit(matrix), Recipe(shift=1e-2).fit(matrix)
    pd.testing.assert_frame_equal(matrix.values, before)
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    w = entropy(z)
    np.testing.assert_array_equal(shifted.weights, entropy(z, shift=1e-2))
    assert str(shifted.recipe) == "minmax, entropy, topsis, shift=0.01"
    np.testing.assert_array_equal(index.weights, w)
    np.testing.assert_array_equal(index.scores, topsis(z, w))
    assert index.weights.index.tolist() == matrix.values.columns.tolist()
    pd.testing.assert_index_equal(index.scores.index, matrix.values.index)
    assert index.comparable_over_time and index.matrix is matrix
    assert index.recipe == Recipe("minmax", "entropy", "topsis")


@pytest.mark.parametrize("aggregate", ["linear", "topsis"])
def test_dimension_scores_are_the_same_aggregation_with_weights_rescaled(matrix, aggregate):
    index = Recipe(aggregate=aggregate).fit(matrix)
    assert index.dimension_scores.columns.tolist() == ["labour", "green", "means"]
    method = {"linear": linear, "topsis": topsis}[aggregate]
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())[:, [2, 3]]
    w = index.weights[["so2", "energy"]].to_numpy()
    np.testing.assert_allclose(index.dimension_scores["green"], method(z, w / w.sum()), atol=1e-15)


@pytest.mark.parametrize("keep", ["province == 110000", "year == 2021"])
def test_one_province_or_one_year(matrix, keep):
    index = Recipe().fit(made_matrix(matrix.values.query(keep)))
    assert index.scores.between(0, 1).all() and abs(index.weights.sum() - 1) <= 1e-12
    assert len(index.summary()) == len(index.years) and "<table" in index._repr_html_()


def test_ranks_are_within_years_and_ties_share_the_better_one():
    rows = pd.MultiIndex.from_product([PROVINCES, [2021, 2022]], names=["province", "year"])
    values = pd.DataFrame({"a": [1.0, 9, 2, 8, 2, 7, 0, 6]}, index=rows)
    index = Recipe().fit(made_matrix(values, {"a": "all"}))
    assert index.rank(2021).to_dict() == {310000: 1, 440000: 1, 110000: 3, 650000: 4}
    assert index.rank(2022).tolist() == [1, 2, 3, 4] and index.rank().loc[(110000, 2021)] == 3


def test_summary(matrix):
    index = Recipe().fit(matrix)
    table = index.summary()
    assert table.index.tolist() == YEARS
    last = index.scores.xs(2022, level="year")
    mean, sd = (pytest.approx(own, abs=1e-15) for own in (last.mean(), last.std(ddof=1)))
    told = table.loc[2022, ["provinces", "mean", "sd", "highest"]].tolist()
    assert told == [4, mean, sd, NAMES[last.idxmax()]]


def test_it_prints_as_a_table_of_provinces_with_gaps_and_labels_escaped(matrix):
    index, gap = Recipe().fit(matrix), Recipe().fit(made_matrix(matrix.values.iloc[:-1]))
    page, caption = index._repr_html_(), "minmax, entropy, topsis: 4 provinces, 2020-2022, 5 indic"
    assert repr(index) == f"<Index {caption}ators>"
    for text in (caption, "Beijing", "Guangdong", "score 2020", "rank 2022"):
        assert text in page
    assert page.count("<tr") == gap._repr_html_().count("<tr") == 5
    assert "nan" not in gap._repr_html_().lower()

    rows = pd.MultiIndex.from_product([["<script>alert(1)</script>", "b & c"], [2021]])
    values = pd.DataFrame({"<i>": [1.0, 2.0]}, rows.set_names(["province", "year"]))
    page = Recipe(shift=1e-4).fit(made_matrix(values, {"<i>": "a"}))._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "b &amp; c" in page


def test_recipes_compare_hash_and_copy():
    one = Recipe(shift=1e-4)
    assert one == Recipe(shift=1e-4) != Recipe()
    assert len({one, Recipe(shift=1e-4), Recipe()}) == 2 and copy.deepcopy(one) == one
    with pytest.raises(AttributeError):
        one.weights = "equal"


@pytest.mark.parametrize("weights", sorted(set(_METHODS["weights"]) - {"pursuit"}))
@pytest.mark.parametrize("method", list(_METHODS["aggregate"]))
def test_standard_scores_are_refused_where_values_below_zero_mean_nothing(weights, method):
    if weights in ("entropy", "ahp_entropy") or method in ("coupling", "geometric", "harmonic"):
        said = "below zero, which .* cannot use; expected normalise one of minmax, minmax_yearly, "
        said += "rank. Or keep 'zscore' with weights .*equal.* and aggregate .*topsis, vikor"
        refuses(MethodError, said, Recipe, "zscore", weights, method)
        return
    index = Recipe("zscore", weights, method).fit(made_matrix())
    below = Recipe("vector", weights, method).fit(made_matrix(made_matrix().values - 1))
    assert np.isfinite(index.scores).all() and np.isfinite(below.scores).all()
    assert index.scores.between(0, 1 + 1e-12).all() == (method != "linear")


@pytest.mark.parametrize("method", ["geometric", "harmonic"])
def test_products_that_are_zero_are_counted_and_named_once_and_a_floor_ends_them(matrix, method):
    z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    rows = matrix.values.index[(z == 0).any(axis=1)]
    first = f"{NAMES[rows[0][0]]} {rows[0][1]}"
    said = rf"^{len(rows)} of 12 scores by '{method}' are zero \({first}, .*, \.\.\.\): one ind"
    with pytest.warns(_ZeroScoreWarning, match=said + ".*floor=0.01.*linear") as caught:
        index = Recipe(aggregate=method).fit(matrix)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert index.scores.index[index.scores == 0].equals(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recipe(aggregate="topsis").fit(matrix)
        assert (Recipe(aggregate=method, floor=0.01).fit(matrix).scores >= 0.01 - 1e-12).all()


def test_coupling_is_zero_where_a_dimension_is(matrix):
    dimension = dict(zip(matrix.values, "aabbc", strict=True))
    with pytest.warns(_ZeroScoreWarning, match=r"^1 of 12 .*'coupling'.*\d\): one dimension at"):
        Recipe(aggregate="coupling").fit(made_matrix(matrix.values, dimension))


def test_an_index_says_that_its_scores_do_not_compare_over_time():
    pooled, yearly = (Recipe(name).fit(made_matrix()) for name in ("minmax", "minmax_yearly"))
    assert "comparable_over_time" not in pooled.summary()
    assert yearly.summary()["comparable_over_time"].tolist() == [False] * 3
    assert all("do not compare over time" in text for text in (repr(yearly), yearly._repr_html_()))
    assert not any("compare over time" in text for text in (repr(pooled), pooled._repr_html_()))


def test_degrees_are_weighted_shortfalls_over_what_the_score_lacks(index):
    shortfall = (1 - index.normalised) * index.weights
    expected = 100 * shortfall.div(1 - index.scores, axis=0)
    pd.testing.assert_frame_equal(index.obstacles(), expected, atol=1e-10)
    how = {"weights": "equal", "aggregate": "linear"}
    plain, raised = (Recipe(**how, floor=floor).fit(index.matrix) for floor in (0, 0.3))
    np.testing.assert_allclose(raised.scores, 0.3 + 0.7 * plain.scores, atol=1e-12)
    pd.testing.assert_frame_equal(raised.obstacles(), plain.obstacles(), atol=1e-10)


def test_nothing_holds_back_a_province_at_the_ideal():
    rows = pd.MultiIndex.from_product([[110000, 310000], [2022]], names=["province", "year"])
    values = pd.DataFrame({"rd": [2.0, 1], "so2": [1.0, 3], "rail": [5.0, 4]}, index=rows)
    index = Recipe(weights="equal", aggregate="linear").fit(made_matrix(values))
    assert index.scores.tolist() == pytest.approx([1, 0])
    degree = index.obstacles()
    assert degree.loc[(110000, 2022)].tolist() == [0, 0, 0]
    np.testing.assert_allclose(degree.loc[(310000, 2022)], 100 / 3, rtol=1e-12)


def test_dimension_contributions_add_up_to_the_score(index):
    parts = index.dimension_contributions()
    assert parts.columns.tolist() == ["labour", "green", "means"]
    np.testing.assert_allclose(parts.sum(axis=1), index.scores, rtol=0, atol=1e-14)
    weights = index.weights.groupby(index.matrix.dimension).sum()
    for key in parts:
        expected = weights[key] * index.dimension_scores[key]
        np.testing.assert_allclose(parts[key], expected, rtol=0, atol=1e-14)


# What is refused


MATRIX = made_matrix()
TWICE = pd.DataFrame(np.eye(12)[:, :2], MATRIX.values.index, ["rd", "rd"])
KEYS, SIGNS = pd.Series([True, True], ["rd", "rd"]), MATRIX.benefit.map({True: 1, False: -1})


def spoilt(value):
    key = MATRIX.values.index == (310000, 2021)
    return MATRIX.values.assign(so2=MATRIX.values["so2"].mask(key, value))


def fitted(values, **options):
    return lambda: Recipe(**options).fit(made_matrix(values))


def changed(**parts):
    return lambda: Recipe().fit(dataclasses.replace(MATRIX, **parts))


def asked(call, *arguments, normalise="minmax", aggregate="linear"):
    return partial(getattr(Recipe(normalise, "equal", aggregate).fit(MATRIX), call), *arguments)


test_names_options_and_data_that_cannot_be_used = refusals(
    MethodError,
    *((said, partial(Recipe, **options)) for said, options in (
        ("unknown normalisation 'min-max'.*minmax_yearly.*'minmax'", {"normalise": "min-max"}),
        ("unknown weighting 'entropie'.*entropy, equal.*'entropy'", {"weights": "entropie"}),
        ("unknown aggregation 'topsys'.*linear, topsis.*'topsis'", {"aggregate": "topsys"}),
        ("unknown aggregation None; expected one of .*topsis, vikor.$", {"aggregate": None}),
        ("unknown option 'shfit'; expected one of floor, shift. Did you mean", {"shfit": 1e-4}),
        ("unknown option 'shift'; expected one of floor", {"weights": "equal", "shift": 1}),
        ("'floor'; expected no", {"normalise": "rank", "weights": "equal", "floor": 0}),
        ("unknown option 'benefit'", {"benefit": [True]}),
        ("unknown option 'v'", {"aggregate": "topsis", "v": 0.5}),
    )),
    *((r"\[province Shanghai \(310000\), year 2021, variable so2\]", fitted(spoilt(bad)),
       SampleError) for bad in (np.nan, np.inf, -np.inf)),
    ("every indicator is constant", fitted(MATRIX.values * 0 + 1), DataError),
    ("has no rows", fitted(MATRIX.values.iloc[:0]), SampleError),
    (r"not numbers \[variable rd\]", fitted(MATRIX.values.astype({"rd": str})), DataError),
    ("indicators name 'rd' twice", changed(values=TWICE, benefit=KEYS, dimension=KEYS)),
    ("one boolean per column", changed(benefit=SIGNS)),
    ("'vector' gives values below zero, which entropy cannot",
     fitted(MATRIX.values - 1, normalise="vector")),
    *((f"{name}' is not a sum.*aggregate='linear'", asked(call, aggregate=name))
      for name in ("coupling", "topsis") for call in ("obstacles", "dimension_contributions")),
    *((f"under '{name}'.*minmax, minmax_yearly, rank", asked("obstacles", normalise=name))
      for name in ("vector", "zscore")),
    ("no scores in 2023 .*one of 2020, 2021, 2022", asked("rank", 2023), SampleError),
    *(("v is .*; expected a number from 0 to 1", fitted(MATRIX.values, aggregate="vikor", v=v))
      for v in (-0.1, 1.1, np.nan, "0.5", None)),
    ("no scores in 1999", asked("compromise", 1999, aggregate="vikor"), SampleError),
)  # fmt: skip
