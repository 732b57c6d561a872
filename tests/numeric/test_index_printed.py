"""Indices against examples in print, to the digits they print.

Each test names the publication. Where the print itself was not at hand, it also
names the public test or text that quotes it.
"""

import numpy as np
import pytest
from made_up_index import compromise, matrix_of, measures

from nqpf.index import Recipe
from nqpf.index.aggregate import topsis
from nqpf.index.coupling import coordination
from nqpf.index.weights import _ahp, entropy


def agrees(actual, printed, digits):
    """Assert agreement to half a unit in the last printed digit."""
    np.testing.assert_allclose(actual, printed, rtol=0, atol=0.5001 * 10.0**-digits)


def test_entropy_of_elsayed_dawood_and_karthikeyan():
    """Twelve alternatives, five criteria, values as they are.

    Elsayed, Dawood and Karthikeyan (2017), Evaluating alternatives through the
    application of TOPSIS method with entropy weight, International Journal of
    Engineering Trends and Technology 46(2), 60-66; quoted with six digits by
    the tests of pymcdm.
    """
    x = np.array(
        [
            [7, 312, 1891, 6613, 163],
            [72, 88, 728, 941804, 1078],
            [10, 252, 2594, 3466, 117471],
            [10, 145, 980, 2371, 86329],
            [65, 54, 350, 501, 29897],
            [29, 48, 380, 912, 34051],
            [7, 476, 3300, 78470, 2212],
            [70, 87, 650, 733, 819000],
            [4, 86, 591, 3015, 103],
            [12, 79, 579, 3240, 96098],
            [21, 45, 261, 1253, 453],
            [1, 72, 530, 4333, 0.1048],
        ]
    )
    agrees(entropy(x), [0.104991, 0.069124, 0.071373, 0.449937, 0.304575], 6)


def test_critic_of_its_first_publication():
    """Eight pharmaceutical firms, three criteria.

    Data of Diakoulaki, Mavrotas and Papayannakis (1995), Determining objective
    weights in multiple criteria problems: the CRITIC method, Computers and
    Operations Research 22(7), 763-770; data and weights quoted with eight
    digits by the tests of scikit-criteria.
    """
    x = np.array(
        [
            [61.0, 1.08, 4.33],
            [20.7, 0.26, 4.34],
            [16.3, 1.98, 2.53],
            [9.0, 3.29, 1.65],
            [5.4, 2.77, 2.33],
            [4.0, 4.12, 1.21],
            [-6.1, 3.52, 2.10],
            [-34.6, 3.31, 0.98],
        ]
    )
    found = Recipe(weights="critic").fit(matrix_of(x)).weights
    agrees(found, [0.20222554, 0.48090173, 0.31687273], 8)


def test_drinks_of_saaty():
    """Consumption of seven drinks in the United States, CR 0.022.

    Saaty (2008), Decision making with the analytic hierarchy process,
    International Journal of Services Sciences 1(1), 83-98, as quoted by the
    documentation of ahpy. That ratio uses Saaty's later table (RI 1.35 at m = 7);
    with 1.32, as here, it is 0.0223 instead of 0.0218.
    """
    above = [9, 5, 2, 1, 1, 1 / 2, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9]
    above += [1 / 3, 1 / 4, 1 / 3, 1 / 9, 1 / 2, 1, 1 / 3, 2, 1 / 2, 1 / 3]
    a, upper = np.ones((7, 7)), np.triu_indices(7, 1)
    a[upper] = above
    a.T[upper] = 1 / a[upper]
    agrees(_ahp(a).weights, [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327], 3)
    agrees(_ahp(a).ratio, 0.022, 3)
    agrees(_ahp(a).index / 1.35, 0.022, 3)


def test_fighter_aircraft_of_hwang_and_yoon():
    """The worked example of TOPSIS in its first publication.

    Hwang and Yoon (1981), Multiple Attribute Decision Making, Springer,
    pp. 133-134: four aircraft, six attributes, vector normalisation, the
    fourth attribute (price) a cost; closeness printed to three digits.
    Closeness depends on differences only, so a cost enters negated.
    """
    x = np.array(
        [
            [2.0, 1500, 20000, 5.5, 5, 9],
            [2.5, 2700, 18000, 6.5, 3, 5],
            [1.8, 2000, 21000, 4.5, 7, 7],
            [2.2, 1800, 20000, 5.0, 5, 5],
        ]
    )
    z = x / np.sqrt((x**2).sum(axis=0)) * np.array([1, 1, 1, -1, 1, 1])
    closeness = topsis(z, [0.2, 0.1, 0.1, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(closeness, [0.643, 0.268, 0.613, 0.312], rtol=0, atol=6e-4)


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
    # Two rows give min-max the range [0, 1], and leave the six as they are; the degrees of the
    # example have weights of 0.4, 0.3 and 0.3, those of an equal index a third each.
    values = np.vstack([SIX, np.zeros(3), np.ones(3)])
    index = Recipe(weights="equal", aggregate="linear").fit(matrix_of(values))
    lacking = (1 - index.scores[:6]).to_numpy()[:, None]
    found = index.obstacles().to_numpy()[:6] / 100 * lacking * 3 * [0.4, 0.3, 0.3]
    agrees(found, SIX_SHORTFALLS, 3)
