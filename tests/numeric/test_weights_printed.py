"""Weights against examples in print, to the digits they print.

Each test names the publication. Where the print itself was not at hand, it also
names the public test or text that quotes it.
"""

import numpy as np
import pytest

from nqpf.index.normalise import minmax
from nqpf.index.weights import ahp, ahp_consistency, critic, entropy, first_component, pca


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
    agrees(ahp(a), [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327], 3)
    agrees(ahp_consistency(a).ratio, 0.022, 3)
    agrees(ahp_consistency(a).index / 1.35, 0.022, 3)


def test_job_of_saaty():
    """Flexibility, opportunities, security, reputation and salary of a job.

    The other example of Saaty (2008); the matrix as ahpy quotes it, the
    priorities as the article's table gives them.
    """
    a = reciprocal([1 / 4, 1 / 6, 1 / 4, 1 / 8], [1 / 3, 3, 1 / 7], [4, 1 / 2], [1 / 7])
    agrees(ahp(a), [0.036, 0.122, 0.262, 0.075, 0.506], 3)


# Technology Achievement Index of 23 countries: patents, royalties, internet, exports,
# telephones (log), electricity (log), schooling, university. OECD and JRC (2008), Handbook on
# Constructing Composite Indicators, Table A.2, from United Nations (2001).
TAI = """
187 125.6 200.2 50.7 3.08 4.15 10 27.4
289 130 179.1 66.2 3.00 4.07 12 13.9
271 156.6 125.8 59.7 3.10 4.14 11.4 15.3
994 64.6 49 80.8 3.00 3.86 9.5 10
779 9.8 4.8 66.7 2.97 3.65 10.8 23.2
189 151.2 136 50.9 3.02 3.77 9.4 9.5
82 134 57.4 61.9 3.02 3.73 9.4 14.9
31 38.6 108 48.7 2.94 4.18 11.6 14.2
75 18.2 125.9 16.2 2.94 3.94 10.9 25.3
8 25.5 72.3 74.9 2.95 3.83 7.1 24.2
235 36.8 41.2 64.2 2.94 3.75 10.2 14.4
103 20.2 193.6 19 3.12 4.39 11.9 11.2
106 110.3 48.6 53.6 2.97 3.68 9.4 12.3
72 73.9 58.9 47.6 2.91 3.86 9.3 13.6
103 13 146.7 15.4 2.86 3.91 11.7 13.1
165 14.8 84.2 50.3 2.99 3.79 8.4 13.6
205 33.6 36.4 58.9 2.97 3.80 7.9 12.6
74 43.6 43.2 45 2.96 3.74 9.6 11
42 8.6 21 53.4 2.86 3.62 7.3 15.6
13 9.8 30.4 51 3.00 3.65 7.2 13
28 4.2 25 51.7 2.75 3.68 9.5 8.2
26 6.2 21.6 63.5 2.73 3.46 9.1 7.7
105 4 20.3 49.5 2.84 3.71 7.1 10.6
"""


def test_principal_components_of_the_oecd_handbook():
    """The handbook's Table 16: eigenvalues and explained shares of the TAI data.

    The data of Table A.2 are rounded, so some shares differ by a tenth of a
    percentage point; the first three are the printed ones.
    """
    z = np.array([[float(v) for v in row.split()] for row in TAI.split("\n")[1:-1]])
    component = first_component(z)
    agrees(100 * component.share, 41.9, 1)
    shares = 100 * component.eigenvalues / 8
    agrees(shares[:3], [41.9, 21.8, 12.3], 1)
    np.testing.assert_allclose(shares, [41.9, 21.8, 12.3, 11.1, 6.0, 3.7, 2.2, 0.9], atol=0.15)
    # Medium and high technology exports load against the others.
    with pytest.warns(UserWarning, match="negative loading, so no PCA weight: column 3$"):
        w = pca(z)
    assert w[3] == 0
