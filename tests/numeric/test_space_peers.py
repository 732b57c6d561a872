"""Spatial panels, Moran statistics, distances and ellipses against other programs."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, grunfeld, keyed
from scipy.optimize import minimize_scalar

from nqpf import provinces
from nqpf.space import align, contiguity, durbin, local_moran, moran
from nqpf.space.durbin import lagrange, simulate
from nqpf.space.exploration import centre_of_gravity
from nqpf.space.weights import economic_distance, inverse_distance

WEIGHTS = contiguity(hainan=True).row_standardised()
FRAME = simulate(WEIGHTS, 6, 0.4, [1.0, -0.5], [0.5, 0.3], seed=11)
XS = ["x1", "x2"]
MODELS = {"lag": partial(durbin, lagged=[]), "durbin": durbin}
EFFECTS = ["two-way", "unit", "time"]


# The same likelihood written out: whole matrices, contrasts that remove the effects


def stacked(model):
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


def contrasts(effects, weights):
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
# firms in alphabetical order, rows divided by their sums.
# Log-likelihood, sigma2, then coefficients and standard errors with rho last.
SPATIALREG = [-506.18503422675, 1303.1758791131], [
    [0.17600620985645, 0.30121532022007, 0.24929918669622, -0.15074360263629, -0.91028230934722],
    [0.015550302046414, 0.029472410836226, 0.079925923396943, 0.151236373270791, 0.20768817399744],
]  # fmt: skip


def test_spatialreg_with_dummies():
    data = grunfeld()
    data = data[data["year"] >= 1945]
    firms, place = sorted(data["firm"].unique()), np.arange(10)
    near = (1 - np.eye(10)) / (np.abs(np.subtract.outer(place, place)) + np.eye(10))
    weights = pd.DataFrame(near / near.sum(axis=1, keepdims=True), firms, firms)
    roles = "invest", ["value", "capital"]
    fit = durbin(data, *roles, weights, correction="none", unit="firm")
    heights, (params, errors) = SPATIALREG
    assert fit.loglik == pytest.approx(heights[0], abs=1e-8)
    assert fit.sigma2 == pytest.approx(heights[1], rel=1e-6)
    np.testing.assert_allclose(fit.params, params, atol=1e-6)
    np.testing.assert_allclose(fit.std_errors, errors, atol=1e-6)


# Munnell's production of 48 states 1970-1986 with the weights of R's splm.

STATES = ["lpcap", "lpc", "lemp", "unemp"]


# spdep 1.2-7 lm.LMtests and spatialreg 1.2-6 impacts(lagsarlm(Durbin = TRUE)), years 1980-1986,
# pooled with a constant, weights of the seven years as blocks.
LM_TESTS = [0.142750310882, 54.7416680283, 1.39771548032, 55.9966331977]
DURBIN = [0.0725146573089, 0.10586853569945, 0.1783831930084, 0.3659634824707, -0.18978322217878]


def test_spdep_and_spatialreg_on_the_pooled_panel():
    data, weights = case("produc.csv"), case("produc_usaww.csv", index_col=0)
    logs = np.log(data[["gsp", "pcap", "pc", "emp"]]).add_prefix("l")
    late = data[["state", "year", "unemp"]].join(logs)[data["year"] >= 1980]
    tests = lagrange(late, "lgsp", STATES, weights, "pooled", unit="state")
    np.testing.assert_allclose(tests["statistic"], LM_TESTS, rtol=1e-8)
    fit = durbin(late, "lgsp", STATES, weights, "pooled", unit="state")
    np.testing.assert_allclose(fit.impacts()["estimate"].iloc[:5], DURBIN, atol=1e-7)


# Stata's xsmle. A thesis on provinces prints spatial Durbin panels by Stata 18 with errors
# clustered by province (vce(robust)), and one in which Hainan has no neighbour. Stata holds
# some of the figures in single precision. Rounding the income per head behind the weights to it
# moves rho by a millionth and two of the errors by more than their last printed digit, so what is
# printed is met to a few millionths and not always to the last digit.

CAUSES = ["L3_pub_emp", "broad_tax_burden", "L3_aging", "urban_rate", "sec_ind_share"]
AS_STATA = {"effects": "unit", "correction": "none", "unit": "province_id"}
STATA = ".1519474 .0033853 .0065127 .008974 .0043213 .2779199 .0039706 .008107 .0096175 .0051048"
ISLAND = [0.0793359, -0.0094974, -0.0005403, -0.0210069, 0.0037534] + [
    -0.2997754, 0.0036498, 0.0330813, 0.0050204, 0.0038482
]  # fmt: skip


def thesis(number):
    data = case(f"public/{number}/panel.csv", index_col=["province_id", "year"])
    late = data[data.index.get_level_values("year") >= 2011]
    return late[["ln_tfp", *CAUSES]].dropna(), data["gdp_per_cap"]


def test_clustered_errors_are_those_of_stata():
    frame, income = thesis("13-spatial-durbin-errors")
    weights = economic_distance(income[income > 0]).row_standardised()
    fit = durbin(frame, "ln_tfp", CAUSES, weights, errors="clustered", **AS_STATA)
    printed = np.array([float(text) for text in [*STATA.split(), ".140133"]])
    got = fit.std_errors.to_numpy()
    assert (np.abs(got - printed) <= 0.5e-7 + 3e-6 * printed).all()
    assert (np.abs(got - printed) <= 0.5e-7).sum() >= 8  # of eleven, to the last printed digit
    assert fit.rho == pytest.approx(0.015781, abs=2e-6)
    assert fit.loglik == pytest.approx(384.7460, abs=2e-4)
    # What the likelihood alone says is less than half for the tax burden.
    plain = fit.with_errors("information")
    assert plain.std_errors["broad_tax_burden"] < 0.5 * fit.std_errors["broad_tax_burden"]


def test_an_island_is_that_of_stata():
    frame, _ = thesis("14-spatial-island")
    weights = case("public/14-spatial-island/W_adj.csv", index_col="id")
    weights.columns = weights.index
    fit = durbin(frame, "ln_tfp", CAUSES, weights, islands="allow", **AS_STATA)
    assert f"{fit.rho:.6f}" == "-0.016579"
    assert fit.loglik == pytest.approx(392.9266, abs=2e-4)
    np.testing.assert_allclose(fit.params.iloc[:-1], ISLAND, atol=1.1e-6)
    assert fit.nobs == 217
    assert fit.notes[1] == "province_id 21 has no neighbours: its spatial lag is zero."


# Moran statistics, distances and ellipses


@pytest.fixture(scope="module")
def columbus():
    data = case("oldcol_data_localmoran.csv", index_col="id")
    matrix = case("oldcol_W.csv")
    matrix.index = matrix.columns = data.index
    return data, align(matrix, data).row_standardised()  # as file rounds the weights to 15 digits


def test_moran_test_of_spdep(columbus):
    # R spdep 1.2-7: moran.test(CRIME, listw), with randomisation=TRUE and FALSE
    data, weights = columbus
    row = moran(data["CRIME"], weights).iloc[0]
    printed = [0.51095126407879310, -0.02083333333333333, 0.00890876155987795]
    printed += [5.634132894179, 5.675350196933]
    found = row[["I", "expected", "variance", "z", "z_normal"]].tolist()
    assert found == pytest.approx(printed, rel=1e-11)
    assert row["p"] / 2 == pytest.approx(8.79706560281e-09, rel=1e-9)
    assert row["p_sim"] == 0.002


def test_localmoran_of_spdep(columbus):
    # R spdep 1.2-7: localmoran(CRIME, listw), conditional=TRUE
    data, weights = columbus
    table = local_moran(data["CRIME"].sample(frac=1, random_state=0), weights).loc[data.index]
    assert np.allclose(table["I"], data["local_I"], rtol=0, atol=1e-13)
    assert np.allclose(table["z"], data["local_z"], rtol=0, atol=1e-13)


def test_distances_of_libpysal():
    from libpysal.cg import arcdist

    table = provinces._table()
    a, b = table.loc[650000], table.loc[460000]
    peer = arcdist((a.longitude, a.latitude), (b.longitude, b.latitude), radius=6371.0088)
    found = 1 / inverse_distance().matrix.loc[650000, 460000]
    assert found == pytest.approx(peer, rel=1e-12)


# The example in the documentation of pointpats' centrography, 11 points, and the
# same points with weights 1 to 11, run with pointpats 2.5.5: ellipse(points) with
# factors sqrt(2) and n/(n - 2), and ellipse(points, weights, "yuill", False, False).
POINTS = np.array(
    [[66.22, 32.54], [22.52, 22.39], [31.01, 81.21], [9.47, 31.02], [30.78, 60.10], [75.21, 58.93],
     [79.26, 7.68], [8.23, 39.93], [98.73, 77.17], [89.78, 42.53], [65.19, 92.08]]
)  # fmt: skip


def flat_ellipse(masses):
    """Return half axes in the units of POINTS, from a patch so small that the globe is flat."""
    places = pd.DataFrame(POINTS / 1e6, columns=["longitude", "latitude"])
    row = centre_of_gravity(pd.Series(masses, keyed(11, 1)), points=places).table.iloc[0]
    return row[["major", "minor"]].to_numpy() * 1e6 / (6371.0088 * np.radians(1)), row["angle"]


def test_ellipses_of_pointpats():
    axes, angle = flat_ellipse(np.ones(11))
    corrected = axes * np.sqrt(11 / 9)
    assert corrected == pytest.approx([50.13029459102783, 37.95222670267865], rel=1e-9)
    # pointpats turns from the east, we from the north.
    assert 90 - angle == pytest.approx(np.degrees(0.3465582095042642), abs=1e-6)
    axes, _ = flat_ellipse(np.arange(1.0, 12.0))
    yuill = [33.05550228429486, 25.11301898368538]
    assert axes == pytest.approx(np.sqrt(2) * np.array(yuill), rel=1e-9)
