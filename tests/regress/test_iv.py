"""Instruments: invariances, shapes of sets, notes; linearmodels, sums by hand, a grid, print."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, dummies, lacking, normals, rearranged
from scipy.stats import f as fisher
from statsmodels.multivariate.cancorr import CanCorr

from nqpf.regress import RegressionTable, instrumental


def sample(seed=0, units=12, years=6, drop=0, strength=1.0):
    """Outcome y = 0.5 x + 0.3 w, an error that moves x too, three valid instruments."""
    frame, rng = normals(seed, ["z", "v", "u", "w", "x", "error"], units, years)
    frame["x"] += strength * (frame["z"] + 0.6 * frame["v"] + 0.2 * frame["u"])
    frame["x"] += 0.8 * frame["error"]
    frame["y"] = 0.5 * frame["x"] + 0.3 * frame["w"] + frame["error"]
    return lacking(frame, rng, drop)


def fit(frame, **options):
    return instrumental(frame, "y", "x", ["z", "v", "u"], ["w"], **options)


@pytest.mark.parametrize(("x", "y", "z", "drop"), [(1e-6, 1e5, 3.0, 0), (1e6, 1e-3, 1e-6, 8)])
def test_row_order_key_place_and_units_do_not_matter(x, y, z, drop):
    plain, got = rearranged(fit, sample(drop=drop), x=x, y=y, z=z)
    np.testing.assert_allclose(got.params["x"] * x / y, plain.params["x"], rtol=1e-8)
    np.testing.assert_allclose(got.tstats, plain.tstats, rtol=1e-8)
    wanted, found = plain.diagnostics, got.diagnostics
    sets = [np.array(d.anderson_rubin.intervals) for d in (found, wanted)]
    np.testing.assert_allclose(sets[0] * x / y, sets[1], rtol=1e-7)
    assert found.effective_f == pytest.approx(wanted.effective_f)
    for name in ("hansen", "endogeneity"):
        tests = (getattr(d, name).statistic for d in (found, wanted))
        assert next(tests) == pytest.approx(next(tests), rel=1e-6)


def test_a_table_prints_it_with_notes_that_say_when_instruments_are_weak():
    result = fit(sample(3, drop=4), vintage="census5")
    assert (result.nobs, result.groups, result.periods, result.df) == (68, 12, 6, 11)
    assert "census5" in RegressionTable({"2SLS": result}).to_html()
    strong, weak = (fit(sample(strength=s)).notes for s in (2.0, 0.05))
    assert strong[0] == "Instruments of x: z, v, u."
    assert not any("may be weak" in note for note in strong)
    assert any("may be weak (effective F" in note for note in weak)
    assert any("Anderson-Rubin 95% set of x" in note for note in weak)


def test_the_shape_of_sets_follows_the_strength():
    weak = [fit(sample(s, strength=0.25), errors="unadjusted") for s in range(5)]
    ends = [one.diagnostics.anderson_rubin.intervals for one in (fit(sample(0)), *weak)]
    shapes = [(len(one), int(np.isinf(one).sum())) for one in ends]
    assert shapes[0] == (1, 0) and set(shapes[1:]) == {(1, 0), (1, 2), (2, 2)}


def test_an_invalid_instrument_empties_the_set_and_the_note_names_null_and_verdict():
    bad = sample(2).assign(y=lambda f: f["y"] + 5 * f["v"] - 5 * f["z"])
    for frame, word in ((sample(2), "not rejected"), (bad, "rejected")):
        result = fit(frame, errors="unadjusted")
        assert (str(result.diagnostics.anderson_rubin) == "empty") == (word == "rejected")
        note = next(n for n in result.notes if n.startswith("Over-identification"))
        assert note.endswith(f"null hypothesis: overidentifying restrictions hold; {word} at 5%.")


def test_several_endogenous_regressors_are_judged_together():
    # Each first stage is strong, and both rest on the same combination of the instruments.
    base, _ = normals(2, "zvef", 60, 8)
    z, v, e, f = base.to_numpy().T
    same, apart = (base.assign(y=e + f, x=a + e, w=b - f) for a, b in ((z + v, z + v), (z, v)))
    for frame, weak in ((same, True), (apart, False)):
        result = instrumental(frame, "y", ["x", "w"], ["z", "v"], effects="pooled")
        found = result.diagnostics
        assert (found.first_stage["F_robust"] > 100).all()
        note = next(n for n in result.notes if "Cragg-Donald" in n)
        assert f"F = {found.cragg_donald:.2f}" in note
        assert ("may be weak" in note) == weak == (found.cragg_donald < 10)
        assert note in RegressionTable({"iv": result}).to_html()
        assert found.anderson_rubin is found.effective_f is None


# Peers


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
    frame = sample(2, 31, 11, 90).assign(x2=lambda f: f["w"] - 0.4 * f["u"] + 0.6 * f["error"])
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
    if len(endogenous) == 2:  # Cragg and Donald (1993) by canonical correlations
        d = dummies(frame, effects)
        both = (frame[names].to_numpy() for names in (endogenous, ["z", "v", "u"]))
        x, z = (v - d @ np.linalg.lstsq(d, v, rcond=None)[0] for v in both)
        least = CanCorr(x, z).cancorr.min() ** 2
        wanted = least / (1 - least) * (len(x) - d.shape[1] - 3) / 3
        assert got.diagnostics.cragg_donald == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("errors", ["clustered", "robust"])
@pytest.mark.parametrize("effects", ["time", "pooled"])
def test_hansen_equals_the_objective_of_two_step_gmm(effects, errors):
    """Of linearmodels, with fewer moments than clusters, so that it can weight them all."""
    frame = sample(3, 31, 11, 20)
    peer = peer_fit(frame, effects, errors, gmm=True)
    got = fit(frame, effects=effects, errors=errors)
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


CHOSEN = [("two-way", "clustered"), ("pooled", "clustered"), ("unit", "unadjusted")]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("effects", "errors"), CHOSEN)
def test_the_set_equals_inversion_on_a_grid(seed, effects, errors):
    frame = sample(seed, 31, 11, 30, 0.3)
    got = fit(frame, effects=effects, errors=errors, convention="all")
    found = got.diagnostics.anderson_rubin

    def ratio(value):
        b, cov, df = reduced_form(frame, frame["y"] - value * frame["x"], effects, errors)
        return b @ np.linalg.solve(cov, b) / 3 / fisher.ppf(0.95, 3, df)

    for value in np.linspace(-3, 4, 36):
        assert (ratio(value) <= 1) == (value in found)
    for end in np.ravel(found.intervals):
        assert np.isinf(end) or ratio(end) == pytest.approx(1, rel=1e-7)


def test_effective_f_and_first_stage():
    """x'Pz x over the trace of the covariance, without orthonormal instruments."""
    frame = sample(8, drop=9)
    b, cov, _ = reduced_form(frame, frame["x"], "two-way", "clustered")
    z, rest = frame[["z", "v", "u"]], np.hstack([frame[["w"]], dummies(frame, "two-way")])
    z = z.to_numpy() - rest @ np.linalg.lstsq(rest, z.to_numpy(), rcond=None)[0]
    wanted = b @ z.T @ z @ b / np.trace(cov @ z.T @ z), b @ np.linalg.solve(cov, b) / 3
    own = instrumental(frame, "y", "x", "z", "w").diagnostics
    plain, all_counted = (fit(frame, **options).diagnostics for options in (
        {"errors": "unadjusted"}, {"convention": "all"}))  # fmt: skip
    found = [(d.effective_f, d.first_stage.loc["x", "F_robust"]) for d in (all_counted, plain, own)]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-9)
    for effective, first in found[1:]:  # homoskedastic errors; one instrument
        assert effective == pytest.approx(first, rel=1e-10)
    # Andrews, Stock and Sun (2019): 23.1 with one instrument and a tenth of the bias
    assert own.hansen is None and round(own.effective_critical, 1) == 23.1


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
