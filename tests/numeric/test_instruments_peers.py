"""Instruments against linearmodels, sums by hand, a grid, and printed output on teaching data."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, dummies, walks

from nqpf.regress import instrumental

COLUMNS = ["z", "v", "u", "w", "x", "error"]


def sample(seed, drop, units=31, years=11):
    def relate(f):
        f["x"] += 0.4 * f["z"] + 0.2 * f["v"] + 0.1 * f["u"] + 0.5 * f["error"]
        f["y"] = 0.5 * f["x"] + 0.3 * f["w"] + f["error"]

    return walks(seed, drop, units, years, COLUMNS, change=relate)


def peer_fit(frame, effects, errors, endogenous=("x",), exogenous=("w",), gmm=False):
    """linearmodels 7.1 on explicit dummies."""
    import linearmodels.iv as iv

    exog = frame[list(exogenous)].join(pd.DataFrame(dummies(frame, effects), frame.index))
    options = {"clusters": pd.factorize(frame.index.get_level_values(0))[0]}
    options = options if errors == "clustered" else {}
    arguments = frame["y"], exog, frame[list(endogenous)], frame[["z", "v", "u"]]
    if gmm:
        two_step = iv.IVGMM(*arguments, weight_type=errors, **options)
        return two_step.fit(iter_limit=2, cov_type=errors, **options)
    return iv.IV2SLS(*arguments).fit(cov_type=errors, **options)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("errors", ["clustered", "robust", "unadjusted"])
@pytest.mark.parametrize("endogenous", [["x"], ["x", "x2"]])
def test_estimates_equal_linearmodels_on_dummies(effects, errors, endogenous):
    frame = sample(2, 90).assign(x2=lambda f: f["w"] - 0.4 * f["u"] + 0.6 * f["error"])
    exogenous = ["w"][: 2 - len(endogenous)]
    peer = peer_fit(frame, effects, errors, endogenous, exogenous)
    names, request = [*endogenous, *exogenous], (endogenous, ["z", "v", "u"], exogenous)
    options = {"effects": effects, "errors": errors}
    got = instrumental(frame, "y", *request, **options, convention="none")
    np.testing.assert_allclose(got.params[names], peer.params[names], rtol=1e-10)
    wanted = peer.cov.loc[names, names]
    np.testing.assert_allclose(got.cov.loc[names, names], wanted, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(got.residuals, peer.resids, atol=1e-9)
    if errors == "unadjusted":
        assert got.diagnostics.hansen.statistic == pytest.approx(peer.sargan.stat, rel=1e-9)
        exact = instrumental(frame, "y", *request, **options, convention="all").diagnostics
        wu = peer.wu_hausman()
        assert exact.endogeneity.statistic == pytest.approx(wu.stat, rel=1e-8)
        assert exact.endogeneity.pvalue == pytest.approx(wu.pval, rel=1e-7)
        assert exact.endogeneity.distribution == f"F({wu.df}, {wu.df_denom})"
    if len(endogenous) == 2:  # Cragg and Donald (1993), written out
        d = dummies(frame, effects)
        x, z = (v - d @ np.linalg.lstsq(d, v, rcond=None)[0] for v in (peer.model.endog.ndarray,
                peer.model.instruments.ndarray))  # fmt: skip
        explained = x.T @ z @ np.linalg.solve(z.T @ z, z.T @ x)
        spread = (x.T @ x - explained) / (len(x) - d.shape[1] - z.shape[1])
        wanted = np.linalg.eigvals(np.linalg.solve(spread, explained)).real.min() / z.shape[1]
        assert got.diagnostics.cragg_donald == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("errors", ["clustered", "robust"])
@pytest.mark.parametrize("effects", ["time", "pooled"])
def test_hansen_equals_the_objective_of_two_step_gmm(effects, errors):
    """Of linearmodels, with fewer moments than clusters, so that it can weight them all."""
    frame = sample(3, 20)
    peer = peer_fit(frame, effects, errors, gmm=True)
    got = instrumental(frame, "y", "x", ["z", "v", "u"], "w", effects=effects, errors=errors)
    assert got.diagnostics.hansen.statistic == pytest.approx(peer.j_stat.stat, rel=1e-7)
    assert got.diagnostics.hansen.pvalue == pytest.approx(peer.j_stat.pval, rel=1e-6)


def reduced_form(frame, y, effects, errors):
    """Slopes of the instruments on dummies by statsmodels, their covariance and df."""
    import statsmodels.api as sm

    d = np.column_stack([frame[["z", "v", "u", "w"]].to_numpy(), dummies(frame, effects)])
    groups = pd.factorize(frame.index.get_level_values(0))[0]
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    fit = sm.OLS(y.to_numpy(), d).fit(**(clustered if errors == "clustered" else {}))
    df = groups.max() if errors == "clustered" else fit.df_resid
    return fit.params[:3], fit.cov_params()[:3, :3], df


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("effects", "errors"),
    [("two-way", "clustered"), ("pooled", "clustered"), ("unit", "unadjusted")],
)
def test_the_set_equals_inversion_on_a_grid(seed, effects, errors):
    from scipy.stats import f

    frame, options = sample(seed, 30), {"effects": effects, "errors": errors, "convention": "all"}
    got = instrumental(frame, "y", "x", ["z", "v", "u"], "w", **options)
    found = got.diagnostics.anderson_rubin

    def ratio(value):
        left = frame["y"] - value * frame["x"]
        b, cov, df = reduced_form(frame, left, effects, errors)
        return b @ np.linalg.solve(cov, b) / 3 / f.ppf(0.95, 3, df)

    for value in np.linspace(-3, 4, 36):
        assert (ratio(value) <= 1) == (value in found)
    for end in np.ravel(found.intervals):
        assert np.isinf(end) or ratio(end) == pytest.approx(1, rel=1e-7)


def test_effective_f_is_the_f_of_homoskedastic_errors_and_of_one_instrument():
    frame = sample(6, 0)
    plain = instrumental(frame, "y", "x", ["z", "v", "u"], "w", errors="unadjusted").diagnostics
    first = plain.first_stage.loc["x", "F_robust"]
    assert plain.effective_f == pytest.approx(first, rel=1e-10)
    single = instrumental(frame, "y", "x", "z", "w").diagnostics
    assert single.hansen is None
    assert single.effective_f == pytest.approx(single.first_stage.loc["x", "F_robust"], rel=1e-10)
    # Andrews, Stock and Sun (2019): 23.1 with one instrument and a tenth of the bias
    assert round(single.effective_critical, 1) == 23.1


def test_first_stage_and_effective_f_from_instruments_as_they_are():
    """x'Pz x over the trace of the covariance, without orthonormal instruments."""
    frame = sample(8, 25)
    b, cov, _ = reduced_form(frame, frame["x"], "two-way", "clustered")
    z, rest = frame[["z", "v", "u"]], np.hstack([frame[["w"]], dummies(frame, "two-way")])
    z = z.to_numpy() - rest @ np.linalg.lstsq(rest, z.to_numpy(), rcond=None)[0]
    got = instrumental(frame, "y", "x", ["z", "v", "u"], "w", convention="all").diagnostics
    wanted = b @ z.T @ z @ b / np.trace(cov @ z.T @ z)
    assert got.effective_f == pytest.approx(wanted, rel=1e-9)
    first = got.first_stage.loc["x", "F_robust"]
    assert first == pytest.approx(b @ np.linalg.solve(cov, b) / 3, rel=1e-9)


REGIONS = [f"reg66{i}" for i in range(1, 9)]
CONTROLS = ["exper", "expersq", "black", "south", "smsa", *REGIONS, "smsa66"]


def test_a_printed_anderson_rubin_set():
    """ivmodel 1.9 (R), tests/testthat of that package on Card's data.

    linearmodels ships lwage with six decimals, so that seven digits can agree.
    """
    from linearmodels.datasets import card

    frame = card.load().assign(person=range(3010), wave=1, lwage=lambda f: np.log(f["wage"]))
    options = {"effects": "pooled", "errors": "unadjusted"}
    request = frame, "lwage", "educ", ["nearc4", "nearc2"], CONTROLS, "person", "wave"
    found = instrumental(*request, **options).diagnostics.anderson_rubin.intervals
    np.testing.assert_allclose(found, [(0.0536002610089, 0.361980791255)], atol=5e-8)


def test_printed_output_on_mroz():
    """ivreg2r (R), reference page of its mroz data; the same figures as Stata's ivreg2.

    lwage on educ (instruments motheduc, fatheduc), exper, expersq; working women.
    """
    from linearmodels.datasets import mroz

    frame = mroz.load()
    frame = frame[frame["inlf"] == 1].assign(person=range(428), wave=1)
    request = frame, "lwage", "educ", ["motheduc", "fatheduc"], ["exper", "expersq"]
    options = {"effects": "pooled", "errors": "unadjusted", "convention": "none"}
    got = instrumental(*request, "person", "wave", **options)
    names = ["const", "educ", "exper", "expersq"]
    assert got.params[names].round(7).tolist() == [0.0481003, 0.0613966, 0.0441704, -0.0008990]
    assert got.std_errors[names].round(7).tolist() == [0.3984530, 0.0312895, 0.0133696, 0.0003998]
    assert got.pvalues[names].round(6).tolist() == [0.903915, 0.049737, 0.000954, 0.024543]
    assert round(got.rsquared_within, 4) == 0.1357
    found = got.diagnostics
    assert round(found.cragg_donald, 2) == 55.40
    assert round(found.hansen.statistic, 2) == 0.38
    assert round(found.hansen.pvalue, 4) == 0.5386
