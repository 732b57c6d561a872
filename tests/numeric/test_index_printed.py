"""Indices against examples in print, to the digits they print.

Each test names the publication. Where the print itself was not at hand, it also
names the public test or text that quotes it.
"""

import numpy as np
import pytest
from made_up_index import matrix_of

from nqpf.index import Recipe
from nqpf.index.coupling import coordination
from nqpf.index.weights import _ahp


def agrees(actual, printed, digits):
    """Assert agreement to half a unit in the last printed digit."""
    np.testing.assert_allclose(actual, printed, rtol=0, atol=0.5001 * 10.0**-digits)


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


# The first three of 118 tracts of Guangzhou, vignette "ccd" of the R package coupling (Lyu 2026):
# normalised scores of four subsystems, and C and D by two forms, to the seven digits it prints.
GUANGZHOU = np.array(
    [
        [0.8179733, 0.3246648, 0.6590316, 0.1308531],
        [0.3020233, 0.1318888, 0.4046987, 0.5173794],
        [0.9209903, 0.3353516, 0.6921477, 0.3141320],
    ]
)
GUANGZHOU_PRINTED = {
    "standard": [[0.8051958, 0.6237105], [0.8914577, 0.5497290], [0.8999423, 0.7134825]],
    "wang": [[0.4722274, 0.4776480], [0.6211236, 0.4588675], [0.5375842, 0.5514412]],
}


@pytest.mark.parametrize("form", GUANGZHOU_PRINTED)
def test_coupling_of_guangzhou(form):
    c, _, d = coordination(GUANGZHOU, form=form)
    # Half a unit of the last digit printed, in the inputs as in the outputs.
    np.testing.assert_allclose(np.column_stack([c, d]), GUANGZHOU_PRINTED[form], rtol=0, atol=3e-7)


# Two of the six places in the examples of "system_evaluation" in the R package mathmodels
# (zhjx19/mathmodels), and the unscaled degrees w (1 - x) that its check prints to three digits
# for weights of 0.4, 0.3 and 0.3.
PLACES = [[0.1782, 0.6824, 0.3721], [0.6730, 0.4812, 0.9082]]
SHORTFALLS = [[0.329, 0.0953, 0.188], [0.131, 0.156, 0.0275]]


def test_obstacles_of_two_places():
    # Two rows more give min-max the range [0, 1], and leave the figures as they are; those of an
    # equal index have weights of a third each.
    values = np.vstack([PLACES, np.zeros(3), np.ones(3)])
    index = Recipe(weights="equal", aggregate="linear").fit(matrix_of(values))
    lacking = (1 - index.scores[:2]).to_numpy()[:, None]
    found = index.obstacles().to_numpy()[:2] / 100 * lacking * 3 * [0.4, 0.3, 0.3]
    agrees(found, SHORTFALLS, 3)
