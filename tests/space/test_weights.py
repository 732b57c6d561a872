"""Spatial weights are joined by province, never by position."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import refusals

from nqpf import provinces
from nqpf.errors import MethodError, SampleError
from nqpf.space import align, contiguity
from nqpf.space.weights import economic_distance, inverse_distance

CODES = provinces.codes()
INCOME = pd.Series(np.random.default_rng(3).uniform(2, 15, 31), index=CODES)
FAR = inverse_distance()
KINDS = {"contiguity": contiguity(hainan=True), "island": contiguity(), "distance": FAR}
KINDS |= {"cutoff": inverse_distance(2, cutoff=900), "economic": economic_distance(INCOME)}
KINDS["nested"] = FAR.nested(INCOME)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_add_up_to_one_and_nobody_is_his_own_neighbour(kind):
    raw = KINDS[kind]
    w = raw.row_standardised()
    sums = w.matrix.sum(axis=1).drop(list(w.islands))
    assert np.allclose(sums, 1.0, rtol=0, atol=1e-14) and (np.diag(w.matrix) == 0).all()
    assert w.standardised and not raw.standardised
    assert np.allclose(w.row_standardised().matrix, w.matrix, rtol=0, atol=1e-15)


def test_contiguity_is_symmetric_and_hainan_an_option():
    alone, linked = KINDS["island"], KINDS["contiguity"]
    assert alone.islands == (460000,) and linked.islands == ()
    assert (alone.matrix == alone.matrix.T).all(axis=None)
    differing = (linked.matrix != alone.matrix).to_numpy()
    assert differing.sum() == 2 and linked.matrix.loc[460000, 440000] == 1


def test_weights_have_their_formulas():
    km = 1 / FAR.matrix.to_numpy()[~np.eye(31, dtype=bool)]
    w = KINDS["cutoff"].matrix.to_numpy()[~np.eye(31, dtype=bool)]
    assert ((w > 0) == (km <= 900)).all() and np.allclose(w[w > 0], km[w > 0] ** -2.0, rtol=1e-14)
    a, b = 310000, 650000
    economic, nested = (KINDS[kind].matrix.loc[a, b] for kind in ("economic", "nested"))
    assert economic == pytest.approx(1 / abs(INCOME[a] - INCOME[b]), rel=1e-14)
    assert nested == pytest.approx(INCOME[b] / INCOME.mean() * FAR.matrix.loc[a, b], rel=1e-14)
    panel = pd.concat({2012: INCOME - 1, 2013: INCOME + 1}).swaplevel()
    assert np.allclose(economic_distance(panel).matrix, KINDS["economic"].matrix, atol=1e-9)


def test_align_orders_cuts_and_leaves_its_input():
    matrix = KINDS["contiguity"].matrix.copy()
    w = KINDS["contiguity"].row_standardised()
    turned = align(w, INCOME[::-1])
    assert turned.labels.tolist() == CODES[::-1] and turned.standardised
    assert turned.matrix.loc[CODES, CODES].equals(w.matrix)
    part = align(w, INCOME.drop([540000, 440000]), subset=True)
    assert part.islands == (460000,)  # its one neighbour went
    assert np.allclose(part.matrix.sum(axis=1).drop(460000), 1, atol=1e-14)
    plain = align(KINDS["contiguity"], INCOME.drop([540000]), subset=True)
    assert not plain.standardised and plain.matrix.loc[110000, 130000] == 1
    assert KINDS["contiguity"].matrix.equals(matrix)
    table = pd.DataFrame([[2.0, 0], [0, 3]], index=["a", "b"], columns=["b", "a"])
    assert align(table, table).matrix.loc["a", "b"] == 2


GAP = INCOME.where(INCOME.index != 540000)
MORE = pd.concat([INCOME, pd.Series({999: 1.0})])
BORDERS = KINDS["contiguity"]


def pair(*values, index=(0, 1), columns=(0, 1)):
    """Return the alignment of weights of two units."""
    return partial(align, pd.DataFrame(np.reshape(values, (2, 2)), index, columns), INCOME)


test_bad_figures_tables_and_options_are_refused_with_their_place = refusals(
    SampleError,
    (r"not in the data: Tibet \(540000\)", lambda: align(BORDERS, GAP.dropna())),
    ("not in the weights: 999", lambda: align(BORDERS, MORE, subset=True)),
    (r"province Tibet \(540000\)", lambda: economic_distance(GAP)),
    ("1 repeated key", lambda: economic_distance(pd.concat([INCOME, INCOME.iloc[:1]]))),
    ("same figure", lambda: economic_distance(GAP.fillna(INCOME[110000]))),
    ("Tibet.*above zero", lambda: FAR.nested(GAP.fillna(0.0))),
    ("not in the data: Tibet", lambda: FAR.nested(GAP.dropna())),
    ("a ndarray", lambda: align(np.zeros((2, 2)), INCOME)),
    ("a weight is -1.*province 0, neighbour 1", pair(0, -1.0, 1, 0)),
    ("a weight is 1.*zero diagonal", pair(1.0, 1, 1, 0)),
    ("missing or infinite", pair(0, np.inf, 1, 0)),
    ("axes of the weights", pair(0, 1.0, 1, 0, index=[1, 2], columns=[1, 3])),
    ("there twice", pair(0, 1.0, 1, 0, index=[1, 1], columns=[1, 2])),
    ("axes of the weights", lambda: align(pd.DataFrame(), INCOME)),
    ("power is 0", lambda: inverse_distance(0), MethodError),
    ("cutoff is -5", lambda: inverse_distance(1, -5), MethodError),
    ("are standardised", lambda: FAR.row_standardised().nested(INCOME), MethodError),
)


def test_distances_of_libpysal():
    from libpysal.cg import arcdist

    table = provinces._table()
    a, b = table.loc[650000], table.loc[460000]
    peer = arcdist((a.longitude, a.latitude), (b.longitude, b.latitude), radius=6371.0088)
    found = 1 / inverse_distance().matrix.loc[650000, 460000]
    assert found == pytest.approx(peer, rel=1e-12)
