"""The employment equations of Arellano and Bond (1991), as several programs print them.

The table of 140 firms is not part of the project. The test looks for abdata.csv (id, year, emp,
wage, cap, indoutpt) in the folder that NQPF_CASES names, or in ../shared/cases beside the project.
"""

from __future__ import annotations

import numpy as np
import pytest
from made_up_panels import case

from nqpf.regress import dynamic_gmm

A1 = {"w": 1, "k": 2, "ys": 2}
B = {"w": 1, "k": 0, "ys": 1}


@pytest.fixture(scope="module")
def firms():
    table = case("abdata.csv")
    names = {"emp": "n", "wage": "w", "cap": "k", "indoutpt": "ys"}
    logs = {short: np.log(table[name]) for name, short in names.items()}
    dummies = {f"yr{year}": (table["year"] == year).astype(float) for year in range(1980, 1985)}
    return table[["id", "year"]].assign(**logs, **dummies)


def fit(firms, regressors, **options):
    return dynamic_gmm(firms, "n", 2, regressors, unit="id", **{"collapse": False, **options})


# plm under R 4.4.2, output kept with its own tests (test_pgmm.Rout.save): Table 4, columns (a1),
# (a2), (b) of the article; coefficients, errors, tests of order 1 and 2, criterion and its degrees
# of freedom.
PLM = {
    "a2, corrected": (
        A1,
        {},
        "0.628709 -0.065188 -0.525760 0.311290 0.278362 "
        "0.014100 -0.040248 0.591923 -0.565985 0.100543",
        "0.193413 0.045050 0.154610 0.203000 0.072802 0.092458 0.043274 0.173091 0.261100 0.161098",
        (-2.125472, -0.3516578),
        (31.38142, 25),
    ),
    "b, corrected": (
        B,
        {},
        "0.474151 -0.052967 -0.513205 0.224640 0.292723 0.609775 -0.446373",
        "0.185398 0.051749 0.145565 0.141950 0.062627 0.156263 0.217302",
        (-1.53845, -0.2796829),
        (30.11247, 25),
    ),
    "b, collapsed": (
        B,
        {"collapse": True},
        "0.853895 -0.169886 -0.533119 0.352516 0.271707 0.612855 -0.682550",
        "0.562348 0.123293 0.245948 0.432846 0.089921 0.242289 0.612311",
        (-1.290551, 0.4482577),
        (11.62681, 5),
    ),
    "b, without year effects": (
        B,
        {"time_effects": False},
        "0.448806 -0.042209 -0.542931 0.191413 0.320322 0.636832 -0.246296",
        "0.182638 0.056360 0.150326 0.154501 0.057396 0.113729 0.204975",
        (-1.501206, -0.41767),
        (31.87899, 25),
    ),
}


@pytest.mark.parametrize("case", PLM)
def test_printed_by_plm(firms, case):
    """The file has levels with four decimals, which moves the sixth digit of coefficients."""
    regressors, options, params, errors, order, (criterion, df) = PLM[case]
    got = fit(firms, regressors, **options)
    np.testing.assert_allclose(got.params, np.fromstring(params, sep=" "), atol=2.1e-6)
    np.testing.assert_allclose(got.std_errors, np.fromstring(errors, sep=" "), atol=1.1e-6)
    assert got.diagnostics.hansen.statistic == pytest.approx(criterion, abs=2e-5)
    assert got.diagnostics.hansen.distribution == f"chi2({df})"
    assert (got.nobs, got.groups) == (611, 140)
    found = [test.statistic for test in got.diagnostics.autocorrelation]
    np.testing.assert_allclose(found, order, atol=2e-5)


def test_printed_by_xtabond2(firms):
    """Two-step system, 120 instruments, from a posted log of the command::

        xtabond2 n l(1/2).n l(0/1).w l(0/2).(k ys) yr1980-yr1984,
            gmm(l.n w k) iv(yr1980-yr1984) robust twostep small

    Its option small scales every error by one factor, N/(N - 15) G/(G - 1) under the root.
    """
    printed = {
        "L1.n": (0.9847708, 0.0591053),
        "L2.n": (-0.0444599, 0.0532234),
        "w": (-0.5015799, 0.2033974),
        "L1.w": (0.4045313, 0.1670457),
        "k": (0.3234514, 0.0525199),
        "L1.k": (-0.1550519, 0.0667629),
        "L2.k": (-0.1195921, 0.041634),
        "ys": (0.6120864, 0.2343692),
        "L1.ys": (-0.4190762, 0.3208354),
        "L2.ys": (-0.2492855, 0.2154591),
        "yr1980": (0.0256293, 0.0170605),
        "yr1981": (0.0157888, 0.0339909),
        "yr1982": (0.0136977, 0.0330476),
        "yr1983": (0.0078038, 0.0345048),
        "yr1984": (-0.0194111, 0.0331093),
        "const": (0.6392791, 1.000564),
    }
    got = dynamic_gmm(
        firms,
        "n",
        2,
        exogenous=[f"yr{year}" for year in range(1980, 1985)],
        predetermined={"w": 1, "k": 2, "ys": 2},
        windows={"ys": None},
        unit="id",
        method="system",
        collapse=False,
        time_effects=False,
    )
    assert (got.nobs, got.groups, got.instruments) == (751, 140, 120)
    params, errors = np.array(list(printed.values())).T
    np.testing.assert_allclose(got.params[list(printed)], params, atol=4e-6)
    factor = np.sqrt(751 / (751 - 15) * 140 / 139)
    np.testing.assert_allclose(got.std_errors[list(printed)] * factor, errors, rtol=1e-5)
