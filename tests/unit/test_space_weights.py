"""Spatial weights are joined by province, never by position."""

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.errors import MethodError, SampleError
from nqpf.space import (
    Weights,
    align,
    contiguity,
    distances,
    economic_distance,
    inverse_distance,
    nested,
)

CODES = provinces.codes()
RNG = np.random.default_rng(3)
INCOME = pd.Series(RNG.uniform(2, 15, 31), index=CODES)
KINDS = {
    "contiguity": contiguity(hainan=True),
    "island": contiguity(),
    "distance": inverse_distance(),
    "cutoff": inverse_distance(2, cutoff=900),
    "economic": economic_distance(INCOME),
    "nested": nested(inverse_distance(), INCOME),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_add_up_to_one_and_nobody_is_his_own_neighbour(kind):
    raw = KINDS[kind]
    w = raw.row_standardised()
    sums = w.matrix.sum(axis=1).drop(list(w.islands))
    assert np.allclose(sums, 1.0, rtol=0, atol=1e-14)
    assert (np.diag(w.matrix) == 0).all()
    assert w.standardised and not raw.standardised
    assert w.row_standardised().matrix.equals(w.matrix) or np.allclose(
        w.row_standardised().matrix, w.matrix, rtol=0, atol=1e-15
    )


def test_contiguity_is_symmetric_and_hainan_an_option():
    alone, linked = KINDS["island"], KINDS["contiguity"]
    assert alone.islands == (460000,) and linked.islands == ()
    assert (alone.matrix == alone.matrix.T).all(axis=None)
    differing = (linked.matrix != alone.matrix).to_numpy()
    assert differing.sum() == 2 and linked.matrix.loc[460000, 440000] == 1


def test_distance_weights_have_their_formula():
    far = distances()
    w = inverse_distance(2, cutoff=900).matrix
    near = (far <= 900) & (far > 0)
    assert ((w > 0) == near).all(axis=None)
    assert w.loc[110000, 120000] == pytest.approx(far.loc[110000, 120000] ** -2, rel=1e-14)


def test_economic_and_nested_weights_have_their_formulas():
    w, n = KINDS["economic"].matrix, KINDS["nested"].matrix
    a, b = 310000, 650000
    assert w.loc[a, b] == pytest.approx(1 / abs(INCOME[a] - INCOME[b]), rel=1e-14)
    expected = INCOME[b] / INCOME.mean() / distances().loc[a, b]
    assert n.loc[a, b] == pytest.approx(expected, rel=1e-14)


def test_a_panel_gives_means_over_its_years():
    panel = pd.concat({2012: INCOME - 1, 2013: INCOME + 1}).swaplevel()
    assert np.allclose(economic_distance(panel).matrix, KINDS["economic"].matrix, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_lags_do_not_depend_on_the_order_of_either(kind):
    w = KINDS[kind].row_standardised()
    panel = pd.DataFrame(
        {"a": RNG.normal(size=62), "b": RNG.normal(size=62)},
        index=pd.MultiIndex.from_product([CODES, [2012, 2013]], names=["province", "year"]),
    )
    lag = w.lag(panel)
    one = panel["a"].xs(2013, level="year")
    by_hand = pd.Series(w.matrix.to_numpy() @ one.to_numpy(), index=CODES)
    assert np.allclose(lag["a"].xs(2013, level="year"), by_hand, rtol=0, atol=1e-14)
    mixed, other = panel.sample(frac=1, random_state=1), CODES[::-1]
    turned = Weights(w.matrix.loc[other, other], w.kind, True)
    again = turned.lag(mixed)
    assert again.index.equals(mixed.index)
    assert np.allclose(again.loc[panel.index], lag, rtol=0, atol=1e-14)
    assert np.allclose(turned.lag(one), lag["a"].xs(2013, level="year"), rtol=0, atol=1e-14)


def test_islands_have_a_lag_of_zero():
    lag = KINDS["island"].row_standardised().lag(INCOME)
    assert lag[460000] == 0 and (lag.drop(460000) > 0).all()


def test_inputs_stay_as_they_are():
    matrix = KINDS["contiguity"].matrix.copy()
    own = matrix.copy()
    w = Weights(own).row_standardised()
    w.lag(INCOME)
    align(w, INCOME.iloc[:12], subset=True)
    assert own.equals(matrix)


def test_align_orders_by_the_data():
    w = KINDS["distance"].row_standardised()
    turned = align(w, INCOME[::-1])
    assert turned.labels.tolist() == CODES[::-1] and turned.standardised
    assert turned.matrix.loc[CODES, CODES].equals(w.matrix)


def test_a_subset_is_standardised_again():
    w = KINDS["contiguity"].row_standardised()
    part = align(w, INCOME.drop([540000, 440000]), subset=True)
    assert part.islands == (460000,)  # its one neighbour went
    assert np.allclose(part.matrix.sum(axis=1).drop(460000), 1, atol=1e-14)
    plain = align(KINDS["contiguity"], INCOME.drop([540000]), subset=True)
    assert not plain.standardised and plain.matrix.loc[110000, 130000] == 1


def test_provinces_that_differ_are_listed():
    w = KINDS["contiguity"]
    with pytest.raises(SampleError, match=r"not in the data: Tibet \(540000\)"):
        align(w, INCOME.drop(540000))
    with pytest.raises(SampleError, match="not in the weights: 999"):
        align(w, pd.concat([INCOME, pd.Series({999: 1.0})]), subset=True)
    panel = pd.concat({2012: INCOME, 2013: INCOME.drop(460000)}).swaplevel()
    panel.index.names = ["province", "year"]
    with pytest.raises(SampleError, match=r"not in the data: Hainan \(460000\) \[year 2013\]"):
        w.lag(panel)


def test_a_missing_or_repeated_figure_is_named():
    w = KINDS["contiguity"]
    with pytest.raises(SampleError, match=r"province Tibet \(540000\)"):
        w.lag(INCOME.where(INCOME.index != 540000).rename_axis("province"))
    with pytest.raises(SampleError, match="more than once"):
        w.lag(pd.concat([INCOME, INCOME.iloc[:1]]))


BAD = {
    "array": (np.zeros((2, 2)), "a ndarray"),
    "negative": (pd.DataFrame([[0, -1.0], [1, 0]]), "negative"),
    "diagonal": (pd.DataFrame([[1.0, 1], [1, 0]]), "in itself"),
    "infinite": (pd.DataFrame([[0, np.inf], [1, 0]]), "missing or infinite"),
    "axes": (pd.DataFrame([[0, 1.0], [1, 0]], index=[1, 2], columns=[1, 3]), "axes of the weights"),
    "twice": (pd.DataFrame([[0, 1.0], [1, 0]], index=[1, 1], columns=[1, 2]), "there twice"),
    "empty": (pd.DataFrame(), "axes of the weights"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_matrices_are_refused(case):
    matrix, message = BAD[case]
    with pytest.raises(SampleError, match=message):
        Weights(matrix)


def test_columns_in_another_order_are_put_right():
    w = Weights(pd.DataFrame([[2.0, 0], [0, 3]], index=["a", "b"], columns=["b", "a"]))
    assert w.matrix.columns.tolist() == ["a", "b"] and w.matrix.loc["a", "b"] == 2


def test_options_are_checked():
    with pytest.raises(MethodError, match="adds up to 2"):
        Weights(pd.DataFrame([[0, 2.0], [1, 0]]), standardised=True)
    with pytest.raises(MethodError, match="power is 0"):
        inverse_distance(0)
    with pytest.raises(MethodError, match="cutoff is -5"):
        inverse_distance(1, -5)
    with pytest.raises(MethodError, match="are standardised"):
        nested(inverse_distance().row_standardised(), INCOME)
    with pytest.raises(SampleError, match="same figure"):
        economic_distance(INCOME.where(INCOME.index != 540000, INCOME[110000]))
    with pytest.raises(SampleError, match=r"Tibet.*above zero"):
        nested(inverse_distance(), INCOME.where(INCOME.index != 540000, 0.0))
    with pytest.raises(SampleError, match="not in the data: Tibet"):
        nested(inverse_distance(), INCOME.drop(540000))


@pytest.mark.parametrize("kind", KINDS)
def test_eigenvalues_give_the_determinant(kind):
    w = KINDS[kind].row_standardised()
    values = w.eigenvalues
    assert values.dtype == float and values.max() == pytest.approx(1.0, abs=1e-12)
    _, expected = np.linalg.slogdet(np.eye(31) - 0.4 * w.matrix.to_numpy())
    assert np.log(1 - 0.4 * values).sum() == pytest.approx(expected, abs=1e-12)
