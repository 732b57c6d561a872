"""Weights against examples in print, to the digits they print.

Each test names the publication. Where the print itself was not at hand, it also
names the public test or text that quotes it.
"""

import numpy as np

from nqpf.index.normalise import minmax
from nqpf.index.recipe import _METHODS
from nqpf.index.weights import _ahp, entropy

critic = _METHODS["weights"]["critic"]


def agrees(actual, printed, digits):
    """Assert agreement to half a unit in the last printed digit."""
    np.testing.assert_allclose(actual, printed, rtol=0, atol=0.5001 * 10.0**-digits)


def reciprocal(*upper):
    """Return the judgement matrix of the rows above its diagonal."""
    m = len(upper) + 1
    a = np.ones((m, m))
    for j, row in enumerate(upper):
        a[j, j + 1 :] = row
        a[j + 1 :, j] = 1 / np.asarray(row, dtype=float)
    return a


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
    z = minmax(x, np.array([True] * 3))
    agrees(critic(z), [0.20222554, 0.48090173, 0.31687273], 8)


def test_critic_of_tus_and_adali():
    """Five time-and-attendance programs, six criteria.

    Tus and Adali (2019), The new combination with CRITIC and WASPAS methods for
    the time and attendance software selection problem, Opsearch 56(2), 528-538;
    quoted with three digits by the tests of pymcdm.
    """
    x = np.array(
        [
            [5000.0, 3, 3, 4, 3, 2],
            [680.0, 5, 3, 2, 2, 1],
            [2000.0, 3, 2, 3, 4, 3],
            [600.0, 4, 3, 1, 2, 2],
            [800.0, 2, 4, 3, 3, 4],
        ]
    )
    agrees(critic(minmax(x, np.array([True] * 6))), [0.157, 0.249, 0.168, 0.121, 0.154, 0.151], 3)


def test_drinks_of_saaty():
    """Consumption of seven drinks in the United States, CR 0.022.

    Saaty (2008), Decision making with the analytic hierarchy process,
    International Journal of Services Sciences 1(1), 83-98, as quoted by the
    documentation of ahpy. That ratio uses Saaty's later table (RI 1.35 at m = 7);
    with 1.32, as here, it is 0.0223 instead of 0.0218.
    """
    a = reciprocal(
        [9, 5, 2, 1, 1, 1 / 2],
        [1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9],
        [1 / 3, 1 / 4, 1 / 3, 1 / 9],
        [1 / 2, 1, 1 / 3],
        [2, 1 / 2],
        [1 / 3],
    )
    agrees(_ahp(a).weights, [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327], 3)
    agrees(_ahp(a).ratio, 0.022, 3)
    agrees(_ahp(a).index / 1.35, 0.022, 3)


def test_job_of_saaty():
    """Flexibility, opportunities, security, reputation and salary of a job.

    The other example of Saaty (2008); the matrix as ahpy quotes it, the
    priorities as the article's table gives them.
    """
    a = reciprocal([1 / 4, 1 / 6, 1 / 4, 1 / 8], [1 / 3, 3, 1 / 7], [4, 1 / 2], [1 / 7])
    agrees(_ahp(a).weights, [0.036, 0.122, 0.262, 0.075, 0.506], 3)
