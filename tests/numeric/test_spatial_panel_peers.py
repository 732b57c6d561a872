"""Spatial panels against contrasts, spatialreg and spdep."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, grunfeld
from scipy.optimize import minimize_scalar

from nqpf.space import contiguity, durbin
from nqpf.space.durbin import lagrange, simulate

WEIGHTS = contiguity(hainan=True).row_standardised()
FRAME = simulate(WEIGHTS, 6, 0.4, [1.0, -0.5], [0.5, 0.3], seed=11)
XS = ["x1", "x2"]
MODELS = {"lag": partial(durbin, lagged=[]), "durbin": durbin}
EFFECTS = ["two-way", "unit", "time"]


# The same likelihood written out: whole matrices, contrasts that remove the effects


def stacked(model: str):
    """Return y, X and the (nT, nT) weights, a year after another."""
    long = FRAME.swaplevel().sort_index()
    big, x = np.kron(np.eye(6), WEIGHTS.matrix.to_numpy()), long[XS].to_numpy()
    return long["y"].to_numpy(), np.hstack([x, big @ x]) if model == "durbin" else x, big


def written_out(y, x, big):
    """Maximise -N/2 log(2 pi s2) + log|I - rho W| - e'e/(2 s2) over rho with N x N matrices."""

    def parts(rho):
        spread = np.eye(len(y)) - rho * big
        left = spread @ y
        slopes = np.linalg.lstsq(x, left, rcond=None)[0]
        e = left - x @ slopes
        s2 = e @ e / len(y)
        loglik = -len(y) / 2 * (np.log(2 * np.pi * s2) + 1) + np.linalg.slogdet(spread)[1]
        return loglik, slopes, s2

    found = minimize_scalar(
        lambda r: -parts(r)[0], bounds=(-0.9, 0.95), method="bounded", options={"xatol": 1e-9}
    )
    return found.x, *parts(found.x)


def contrasts(effects: str, weights: np.ndarray):
    """Return orthonormal contrasts that remove effects of 31 units in 6 years, and W in them."""
    full = [np.linalg.svd(np.eye(size) - 1 / size)[0][:, : size - 1].T for size in (31, 6)]
    across = full[0] if effects in ("time", "two-way") else np.eye(31)
    along = full[1] if effects in ("unit", "two-way") else np.eye(6)
    return np.kron(along, across), np.kron(np.eye(len(along)), across @ weights @ across.T)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("effects", EFFECTS)
def test_lee_yu_is_maximum_likelihood_of_the_transformed_panel(model, effects):
    """Orthonormal contrasts take the panel to (n - 1) x (T - 1); that panel has no effects."""
    y, x, big = stacked(model)
    change, small = contrasts(effects, big[:31, :31])
    rho, loglik, slopes, s2 = written_out(change @ y, change @ x, small)
    fit = MODELS[model](FRAME, "y", XS, WEIGHTS, effects)
    assert fit.rho == pytest.approx(rho, abs=1e-6)
    assert fit.loglik == pytest.approx(loglik, abs=1e-8)
    np.testing.assert_allclose(fit.params.iloc[:-1], slopes, atol=1e-6)
    assert fit.sigma2 == pytest.approx(s2, rel=1e-6)


def score_tests(y, x, big):
    """Return the four statistics; the weights may have a trace."""
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    e = y - fitted
    s2, basis = e @ e / len(y), np.linalg.qr(x)[0]
    shift = big @ fitted - basis @ (basis.T @ (big @ fitted))
    middle = np.trace(big)
    trace = np.trace(big @ big) + (big**2).sum() - 2 * middle**2 / len(y)
    lags, errors = e @ big @ y / s2 - middle, e @ big @ e / s2 - middle
    whole = shift @ shift / s2 + trace
    return [
        lags**2 / whole,
        errors**2 / trace,
        (lags - errors) ** 2 / (whole - trace),
        (errors - trace / whole * lags) ** 2 / (trace * (1 - trace / whole)),
    ]


@pytest.mark.parametrize("effects", EFFECTS)
def test_lagrange_tests_of_the_transformed_panel(effects):
    y, x, big = stacked("lag")
    change, small = contrasts(effects, big[:31, :31])
    wanted = score_tests(change @ y, change @ x, small)
    got = lagrange(FRAME, "y", XS, WEIGHTS, effects)["statistic"]
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


# spatialreg 1.2-6 under R 4.2.2 on Grunfeld's investment 1945-1954, ten firms, with a dummy per
# firm and year: lagsarlm, method "eigen", tol.opt 1e-14, weights 1/|i - j| over
# firms in alphabetical order, rows divided by their sums ("std") or all by the largest ("same").
# Log-likelihood, sigma2, then coefficients and standard errors with rho last.
SPATIALREG = {
    ("std", "lag"): (
        [-510.78273732658, 1503.2277095189],
        [0.15699697207560, 0.33091280061104, -0.66584859981917],
        [0.015560382487848, 0.028213768807209, 0.15699510852674],
    ),
    ("std", "durbin"): (
        [-506.18503422675, 1303.1758791131],
        [0.17600620985645, 0.30121532022007, 0.24929918669622, -0.15074360263629]
        + [-0.91028230934722],
        [0.015550302046414, 0.029472410836226, 0.079925923396943, 0.151236373270791]
        + [0.20768817399744],
    ),
    ("same", "lag"): (
        [-512.62263777803, 1605.8233812705],
        [0.15996899017678, 0.34404808125301, -0.53788073008756],
        [0.015957365633058, 0.028693557587289, 0.15247549111898],
    ),
    ("same", "durbin"): (
        [-507.44337181916, 1324.3098257351],
        [0.170631562590158, 0.321872274311233, 0.247546963325914, 0.064901494403699]
        + [-1.0689169982316],
        [0.014858948745058, 0.027229892235502, 0.071170234889632, 0.129957840362714]
        + [0.23500347444132],
    ),
}


@pytest.mark.parametrize(("scale", "model"), SPATIALREG)
def test_spatialreg_with_dummies(scale, model):
    data = grunfeld()
    data = data[data["year"] >= 1945]
    firms, place = sorted(data["firm"].unique()), np.arange(10)
    near = (1 - np.eye(10)) / (np.abs(np.subtract.outer(place, place)) + np.eye(10))
    sums = near.sum(axis=1, keepdims=True)
    weights = pd.DataFrame(near / (sums if scale == "std" else sums.max()), firms, firms)
    fit = MODELS[model](
        data, "invest", ["value", "capital"], weights, correction="none", unit="firm"
    )
    heights, params, errors = SPATIALREG[scale, model]
    assert fit.loglik == pytest.approx(heights[0], abs=1e-8)
    assert fit.sigma2 == pytest.approx(heights[1], rel=1e-6)
    np.testing.assert_allclose(fit.params, params, atol=1e-6)
    np.testing.assert_allclose(fit.std_errors, errors, atol=1e-6)


# Munnell's production of 48 states 1970-1986 with the weights of R's splm.

STATES = ["lpcap", "lpc", "lemp", "unemp"]


@pytest.fixture(scope="module")
def produc():
    data = case("produc.csv")
    logs = np.log(data[["gsp", "pcap", "pc", "emp"]]).add_prefix("l")
    return data[["state", "year", "unemp"]].join(logs), case("produc_usaww.csv", index_col=0)


# spdep 1.2-7 lm.LMtests and spatialreg 1.2-6 impacts(lagsarlm(Durbin = TRUE)), years 1980-1986,
# pooled with a constant, weights of the seven years as blocks.
LM_TESTS = [0.142750310882, 54.7416680283, 1.39771548032, 55.9966331977]
DURBIN = [0.0725146573089, 0.10586853569945, 0.1783831930084, 0.3659634824707, -0.18978322217878]


def test_spdep_and_spatialreg_on_the_pooled_panel(produc):
    frame, weights = produc
    late = frame[frame["year"] >= 1980]
    tests = lagrange(late, "lgsp", STATES, weights, "pooled", unit="state")
    np.testing.assert_allclose(tests["statistic"], LM_TESTS, rtol=1e-8)
    fit = durbin(late, "lgsp", STATES, weights, "pooled", unit="state")
    np.testing.assert_allclose(fit.impacts()["estimate"].iloc[:5], DURBIN, atol=1e-7)
