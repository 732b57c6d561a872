"""VIKOR, coupling and obstacle degrees against examples in print."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_index import compromise, measures

from nqpf.index import Recipe
from nqpf.index.aggregate import linear
from nqpf.index.coupling import coordination
from nqpf.index.weights import _ahp
from nqpf.systems import IndicatorMatrix


def test_mountain_climbing_of_opricovic_and_tzeng():
    """The two-criteria example of Opricovic and Tzeng (2004), EJOR 156, 445-455.

    Three routes, risk a cost and altitude in metres a benefit, equal weights.
    Data, S, R, Q and both conditions as scikit-criteria 0.10 restates them
    (tests/agg/test_vikor.py, test_VIKOR_opricovic2004compromise); the R package
    MCDM 1.2 carries the same data in the example of its VIKOR.
    """
    z = np.array([[-1.0, 3000], [-2, 3750], [-5, 4500]])
    s, r, q = measures(z, [0.5, 0.5])
    np.testing.assert_allclose(s, [0.5, 0.375, 0.5], rtol=0, atol=1e-15)
    np.testing.assert_allclose(r, [0.5, 0.25, 0.5], rtol=0, atol=1e-15)
    np.testing.assert_allclose(q, [1, 0, 1], rtol=0, atol=1e-15)
    result = compromise(z, [0.5, 0.5])
    assert result.advantage
    assert result.stability
    assert result.members == [1]


# The first six of the 118 tracts of Guangzhou, vignette "ccd" of the R package coupling (Lyu 2026):
# normalised scores of four subsystems, and C and D by two forms, to the seven digits it prints.
GUANGZHOU = np.array(
    [
        [0.8179733, 0.3246648, 0.6590316, 0.1308531],
        [0.3020233, 0.1318888, 0.4046987, 0.5173794],
        [0.9209903, 0.3353516, 0.6921477, 0.3141320],
        [0.9604095, 0.3914758, 0.7099999, 0.4316421],
        [0.9061589, 0.3473603, 0.7297774, 0.6909494],
        [0.9456379, 0.4391423, 0.7304117, 0.4792905],
    ]
)
GUANGZHOU_PRINTED = {
    "standard": [
        [0.8051958, 0.6237105],
        [0.8914577, 0.5497290],
        [0.8999423, 0.7134825],
        [0.9346128, 0.7632959],
        [0.9440912, 0.7944703],
        [0.9519923, 0.7858001],
    ],
    "wang": [
        [0.4722274, 0.4776480],
        [0.6211236, 0.4588675],
        [0.5375842, 0.5514412],
        [0.5861986, 0.6045044],
        [0.6640321, 0.6662930],
        [0.6319211, 0.6402164],
    ],
}


@pytest.mark.parametrize("form", GUANGZHOU_PRINTED)
def test_coupling_of_guangzhou(form):
    c, _, d = coordination(GUANGZHOU, form=form)
    # Half a unit of the last digit printed, in the inputs as in the outputs.
    np.testing.assert_allclose(np.column_stack([c, d]), GUANGZHOU_PRINTED[form], rtol=0, atol=3e-7)


# Half a unit of the third digit; the sum keeps a value that ends in 5 from failing either way.
THREE_DIGITS = 5e-4 + 1e-9

# Three subsystems, from the examples of "system_evaluation" in the R package mathmodels
# (zhjx19/mathmodels), with the output that its check prints to three digits.
SIX = np.array(
    [
        [0.0162, 0.2720, 0.2655],
        [0.1782, 0.6824, 0.3721],
        [0.5490, 0.0593, 0.5729],
        [0.6730, 0.4812, 0.9082],
        [0.0207, 0.8891, 0.2017],
        [0.9875, 0.5573, 0.8984],
    ]
)


def test_coupling_of_six_places():
    c, t, d = coordination(SIX)
    np.testing.assert_allclose(
        c, [0.571, 0.867, 0.674, 0.967, 0.418, 0.971], rtol=0, atol=THREE_DIGITS
    )
    np.testing.assert_allclose(
        t, [0.185, 0.411, 0.394, 0.687, 0.370, 0.814], rtol=0, atol=THREE_DIGITS
    )
    np.testing.assert_allclose(
        d, [0.325, 0.597, 0.515, 0.815, 0.393, 0.889], rtol=0, atol=THREE_DIGITS
    )


def test_modified_coupling_of_six_places_with_weights():
    c, t, d = coordination(SIX, alpha=[0.4, 0.3, 0.3], form="wang")
    np.testing.assert_allclose(
        c, [0.447, 0.501, 0.455, 0.669, 0.175, 0.715], rtol=0, atol=THREE_DIGITS
    )
    np.testing.assert_allclose(
        t, [0.168, 0.388, 0.409, 0.686, 0.336, 0.832], rtol=0, atol=THREE_DIGITS
    )
    np.testing.assert_allclose(
        d, [0.274, 0.440, 0.432, 0.678, 0.242, 0.771], rtol=0, atol=THREE_DIGITS
    )


# The unscaled degrees w (1 - x) that the same example prints for weights 0.4, 0.3, 0.3.
SIX_SHORTFALLS = np.array(
    [
        [0.394, 0.218, 0.220],
        [0.329, 0.0953, 0.188],
        [0.180, 0.282, 0.128],
        [0.131, 0.156, 0.0275],
        [0.392, 0.0333, 0.239],
        [0.00500, 0.133, 0.0305],
    ]
)


def test_obstacles_of_six_places():
    # Two rows give min-max the range [0, 1], and leave the six as they are.
    rows = pd.MultiIndex.from_product([range(8), [2022]], names=["province", "year"])
    values = pd.DataFrame(
        np.vstack([SIX, np.zeros(3), np.ones(3)]), index=rows, columns=list("abc")
    )
    keys = list(values)
    matrix = IndicatorMatrix(values, pd.Series(True, index=keys), pd.Series(keys, index=keys))
    w = _ahp(np.array([0.4, 0.3, 0.3])[:, None] / np.array([0.4, 0.3, 0.3])).weights
    np.testing.assert_allclose(w, [0.4, 0.3, 0.3], rtol=0, atol=1e-12)
    made = Recipe(weights="equal", aggregate="linear").fit(matrix)
    index = replace(made, weights=pd.Series(w, keys), scores=linear(made.normalised, w))
    degree = index.obstacles().to_numpy()[:6] / 100
    expected = SIX_SHORTFALLS / SIX_SHORTFALLS.sum(axis=1, keepdims=True)
    # Half a unit of the third digit in a numerator of up to 0.4, over sums from 0.17.
    np.testing.assert_allclose(degree, expected, rtol=0, atol=3e-3)
    lacking = 1 - index.scores[:6]
    np.testing.assert_allclose(degree * lacking[:, None], SIX_SHORTFALLS, rtol=0, atol=THREE_DIGITS)
