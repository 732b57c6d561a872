"""Proxy estimators against other packages and against their printed steps done another way."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS, IVGMM
from scipy.optimize import minimize, minimize_scalar, root
from statsmodels.discrete.discrete_model import Probit

from nqpf.tfp import proxy
from nqpf.tfp.simulate import simulate_firms

ROLES = ("output", "labour", "capital")
KEY = ("firm", "year")


@cache
def firms(design):
    return simulate_firms(design, firms=300, years=6, seed=11)


def terms(frame, names, degree):
    """Raw monomials by a loop over exponents, the constant among them."""
    exponents = np.indices([degree + 1] * len(names)).reshape(len(names), -1).T
    kept = exponents[exponents.sum(axis=1) <= degree]
    return np.column_stack([(frame[names].to_numpy() ** powers).prod(axis=1) for powers in kept])


def least(loss, grid):
    """Return where a loss is least, searched within a bracket around the best of a grid."""
    best = grid[np.argmin([loss(a) for a in grid])]
    return minimize_scalar(loss, bounds=(best - 0.05, best + 0.05), options={"xatol": 1e-10}).x


def fitted(x, y):
    return x @ np.linalg.lstsq(x, y, rcond=None)[0]


def before(frame, values):
    """Last year's values by a merge on the key, NaN where there is none."""
    last = frame[list(KEY)].assign(year=frame["year"] + 1, value=np.asarray(values))
    return frame[list(KEY)].merge(last, on=list(KEY), how="left")["value"].to_numpy()


def lagged(frame):
    f = frame.copy()
    for name in ("labour", "capital", "materials", "investment"):
        f[f"{name}_before"] = before(frame, frame[name])
    return f


def first_step(f, fuel, degree):
    x = np.column_stack([f["labour"], terms(f, ["capital", fuel], degree)])
    coefficients = np.linalg.lstsq(x, f["output"], rcond=None)[0]
    net = (f["output"] - coefficients[0] * f["labour"]).to_numpy()
    return coefficients[0], x[:, 1:] @ coefficients[1:], net


@pytest.mark.parametrize("design", [1, 2, 3], ids=["design1", "design2", "design3"])
def test_levinsohn_petrin_by_its_printed_steps(design):
    """Petrin, Poi and Levinsohn (2004), raw polynomials and a bracketing search."""
    f = lagged(firms(design))
    labour, phi, net = first_step(f, "materials", 3)
    phi_before, now = before(f, phi), f["capital_before"].notna().to_numpy()

    def loss(a):
        last = (phi_before - a * f["capital_before"])[now]
        this = (phi - a * f["capital"])[now]
        expected = np.polynomial.Polynomial.fit(last, this, 3)(last)
        return ((net - a * f["capital"])[now] - expected).pow(2).sum()

    a = least(loss, np.linspace(-1, 3, 81))
    fit = proxy.levinsohn_petrin(f, *ROLES, "materials", *KEY)
    assert fit.params["labour"] == pytest.approx(labour, abs=1e-8)
    assert fit.params["capital"] == pytest.approx(a, abs=1e-6)
    assert fit.criterion == pytest.approx(loss(a) / now.sum(), rel=1e-9)
    expected = phi - a * f["capital"]
    np.testing.assert_allclose(fit.anticipated.to_numpy(), expected, rtol=0, atol=1e-5)


def with_exits(f):
    """Drop firms from the year in which productivity falls below a bound that falls in capital."""
    leaves = f["productivity"] < -0.15 - 0.9 * (f["capital"] - f["capital"].mean())
    return f[leaves.groupby(f["firm"]).cumsum() == 0].reset_index(drop=True)


@pytest.mark.parametrize("exit", [False, True], ids=["plain", "exit"])
def test_olley_pakes_by_its_printed_steps(exit):
    f = lagged(with_exits(simulate_firms(4, firms=600, years=8, seed=3)))
    labour, phi, net = first_step(f, "investment", 3)
    phi_before = before(f, phi)
    now = np.isfinite(phi_before)
    chance = np.zeros(len(f))
    if exit:
        stays = f.merge(f[list(KEY)].assign(year=f["year"] - 1, stays=1.0), how="left")["stays"]
        known = (f["year"] < f["year"].max()).to_numpy()
        x = terms((f - f.mean()) / f.std(), ["capital", "investment"], 3)
        probit = Probit(stays.fillna(0.0)[known], x[known]).fit(disp=0)
        chance = before(f, probit.predict(x))

    def loss(a):
        last = pd.DataFrame({"last": phi_before - a * f["capital_before"], "chance": chance})[now]
        names = ["last", "chance"] if exit else ["last"]
        target = (net - a * f["capital"])[now]
        return ((target - fitted(terms(last, names, 3), target)) ** 2).sum()

    a = least(loss, np.linspace(-1, 2, 61))
    fit = proxy.olley_pakes(f, *ROLES, "investment", *KEY, exit=exit)
    assert fit.params["labour"] == pytest.approx(labour, abs=1e-8)
    assert fit.params["capital"] == pytest.approx(a, abs=2e-5)
    assert fit.criterion == pytest.approx(loss(a) / now.sum(), rel=1e-8)


@pytest.mark.parametrize("design", [1, 2, 3], ids=["design1", "design2", "design3"])
def test_every_solution_of_ackerberg_caves_frazer_is_a_root(design):
    """E[xi (1, l_{-1}, k)] = 0 by raw polynomials, and another solver stays where it is."""
    f = lagged(firms(design))
    phi = fitted(terms(f, ["labour", "capital", "materials"], 3), f["output"])
    phi_before = before(f, phi)
    now = np.isfinite(phi_before)

    def moments(b):
        this = (phi - b[0] * f["labour"] - b[1] * f["capital"])[now]
        last = (phi_before - b[0] * f["labour_before"] - b[1] * f["capital_before"])[now]
        xi = this - np.polynomial.Polynomial.fit(last, this, 3)(last)
        return np.array([(xi * f["labour_before"][now]).mean(), (xi * f["capital"][now]).mean()])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = proxy.ackerberg_caves_frazer(f, *ROLES, "materials", *KEY)
    solved = fit.starts[fit.starts["converged"]].drop_duplicates("solution")
    assert len(solved) == 2
    for estimate in solved[["labour", "capital"]].to_numpy():
        assert np.abs(moments(estimate)).max() < 1e-6
        other = root(moments, estimate, tol=1e-12)
        np.testing.assert_allclose(other.x, estimate, rtol=0, atol=1e-4)
    stuck = fit.starts[~fit.starts["converged"]]
    for estimate in stuck[["labour", "capital"]].to_numpy():
        assert np.abs(moments(estimate)).max() > 1e-4


def test_wooldridge_second_equation_is_two_stage_least_squares():
    f = lagged(firms(3)).dropna()
    f["one"] = 1.0
    exog = np.column_stack([f["capital"], terms(f, ["capital_before", "materials_before"], 3)])
    # linearmodels squares the data: well-scaled columns keep its digits.
    exog[:, 1:] = np.linalg.qr(exog[:, 1:])[0] * np.sqrt(len(f))
    peer = IV2SLS(f["output"], exog, f[["labour"]], f[["labour_before"]]).fit(
        cov_type="clustered", clusters=f["firm"], debiased=False
    )
    fit = proxy.wooldridge(firms(3), *ROLES, "materials", *KEY, equations="second")
    wanted = peer.params[["labour", "exog.0"]]
    np.testing.assert_allclose(fit.params, wanted, rtol=1e-7)
    np.testing.assert_allclose(fit.std_errors, peer.std_errors[wanted.index], rtol=1e-6)
    assert fit.criterion == pytest.approx(0, abs=1e-12)


def test_wooldridge_both_equations_are_stacked_gmm():
    """Every polynomial coefficient estimated, nothing partialled out, in linearmodels."""
    f = lagged(firms(2)).dropna()
    zero = np.zeros((len(f), 1))
    first = np.linalg.qr(terms(f, ["capital", "materials"], 3))[0] * np.sqrt(len(f))
    second = terms(f, ["capital_before", "materials_before"], 3)
    second = np.linalg.qr(second)[0] * np.sqrt(len(f))
    labour, capital, last = (f[[c]].to_numpy() for c in ("labour", "capital", "labour_before"))
    none = np.zeros_like(first)
    regressors = np.block([[labour, zero, first, none], [labour, capital, none, second]])
    instruments = np.block([[labour, first, zero, zero, none], [zero, none, capital, last, second]])
    y, cluster = np.tile(f["output"], 2), np.tile(f["firm"], 2)
    model = IVGMM(y, None, regressors, instruments, weight_type="clustered", clusters=cluster)
    peer = model.fit(iter_limit=2, cov_type="clustered", clusters=cluster)
    fit = proxy.wooldridge(firms(2), *ROLES, "materials", *KEY)
    np.testing.assert_allclose(fit.params, peer.params.iloc[:2], rtol=1e-6)
    assert fit.criterion == pytest.approx(peer.j_stat.stat, rel=1e-5)
    assert peer.j_stat.df == 1
    # Theirs is a sandwich with moments at the second step, ours the inverse with those of the
    # first: two estimates of one covariance.
    np.testing.assert_allclose(fit.std_errors, peer.std_errors.iloc[:2], rtol=0.05)


def test_the_search_finds_what_a_search_without_derivatives_finds():
    """Two state inputs: Nelder-Mead on the printed steps."""
    f = lagged(firms(2))
    rng = np.random.default_rng(5)
    f["land"] = 0.5 * f["capital"] + rng.normal(0, 1, len(f))
    f["output"] = f["output"] + 0.2 * f["land"]
    f["materials"] = f["materials"] + 0.2 * f["land"]
    f["land_before"] = before(f, f["land"])
    x = np.column_stack([f["labour"], terms(f, ["capital", "land", "materials"], 2)])
    coefficients = np.linalg.lstsq(x, f["output"], rcond=None)[0]
    phi, now = x[:, 1:] @ coefficients[1:], f["capital_before"].notna().to_numpy()
    net, phi_before = f["output"] - coefficients[0] * f["labour"], before(f, phi)

    def loss(a):
        last = (phi_before - a[0] * f["capital_before"] - a[1] * f["land_before"])[now]
        used = a[0] * f["capital"] + a[1] * f["land"]
        expected = np.polynomial.Polynomial.fit(last, (phi - used)[now], 2)(last)
        return ((net - used)[now] - expected).pow(2).sum()

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000}
    peer = minimize(loss, [0.4, 0.2], method="Nelder-Mead", options=options)
    fit = proxy.levinsohn_petrin(
        f, "output", "labour", ["capital", "land"], "materials", *KEY, degree=2, markov=2
    )
    np.testing.assert_allclose(fit.params[["capital", "land"]], peer.x, rtol=0, atol=1e-6)
