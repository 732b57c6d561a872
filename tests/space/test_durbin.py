"""Spatial panels: keys, likelihood, errors, impacts, islands, messages; spreg, R and Stata."""

from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, case, grunfeld, refusals
from scipy import stats
from scipy.sparse import csr_array
from spreg.ml_lag import BaseML_Lag
from statsmodels.tools.numdiff import approx_fprime, approx_hess3

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import RegressionTable, fixed_effects
from nqpf.space import align, contiguity, durbin
from nqpf.space.durbin import lagrange, simulate
from nqpf.space.weights import economic_distance

WEIGHTS = contiguity(hainan=True).row_standardised()
W = WEIGHTS.matrix.to_numpy()
ALONE = contiguity().row_standardised()  # Hainan without neighbours
FRAME = simulate(WEIGHTS, 7, 0.4, [1.0, -0.5], [0.5, 0.3], seed=5)
XS = ["x1", "x2"]
EVERYBODY = pd.DataFrame((1 - np.eye(31)) / 30, WEIGHTS.labels, WEIGHTS.labels)
CLUSTERED = ["clustered", "pairwise"]
ERRORS = ["information", "hessian", *CLUSTERED]
MODELS = {"lag": [], "durbin": None}


def small(frame=FRAME, weights=WEIGHTS, model="durbin", **options):
    return durbin(frame, "y", XS, weights, **{"lagged": MODELS[model]} | options)


# Keys


@pytest.mark.parametrize("weights", [WEIGHTS, ALONE], ids=["linked", "island"])
def test_order_of_rows_units_and_weights_does_not_matter(weights):
    options, rng = {"effects": "unit", "islands": "allow"}, np.random.default_rng(0)
    rows = FRAME.iloc[rng.permutation(len(FRAME))].reset_index()
    labels, before = rng.permutation(WEIGHTS.labels), rows.copy()
    mixed = weights.matrix.loc[labels, rng.permutation(labels)]
    renamed = dict(zip(WEIGHTS.labels, rng.permutation(31), strict=True))
    other = weights.matrix.rename(index=renamed, columns=renamed)
    fit, again = small(weights=weights, **options), small(rows, mixed, **options)
    moved = small(FRAME.rename(index=renamed, level=0), other, **options)
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_series_equal(again.params, fit.params, rtol=1e-9)
    for errors in ERRORS:
        wanted = fit.with_errors(errors).cov
        for one in (again, moved):
            pd.testing.assert_frame_equal(one.with_errors(errors).cov, wanted, rtol=1e-7)


# Refusals


NUMBERED = WEIGHTS.matrix.reset_index(drop=True).T.reset_index(drop=True).T
FEW = FRAME.loc[([110000, 120000, 130000], [2010, 2011]), :]
YEAR = FRAME.index.get_level_values("year")
TWO, THREE, FIVE = ([*WEIGHTS.labels[:size]] for size in (2, 3, 5))


def part(units, frame=None, **options):
    """The panel of a few units, or another of them."""
    frame = FRAME.loc[units] if frame is None else frame
    return partial(small, frame, align(WEIGHTS, frame, subset=True), **options)


refused = partial(partial, small)


test_what_cannot_be_estimated_is_refused_with_its_place = refusals(
    SampleError,
    ("ndarray", refused(weights=W)),
    (r"not in the data: Beijing \(110000\)", refused(FRAME.drop(110000))),
    ("different provinces", refused(weights=NUMBERED)),
    (r"row is missing.*Tianjin \(120000\), year 2012", refused(FRAME.drop((120000, 2012)))),
    (r"no neighbours.*Hainan \(460000\).*'allow'", refused(weights=ALONE)),
    ("1 years leave -5 degrees", refused(FRAME[YEAR == 2010]), EstimationError),
    ("2 units are too few", refused(FRAME.loc[TWO], pd.DataFrame(1 - np.eye(2), TWO, TWO))),
    ("degrees of freedom", part(THREE, frame=FEW), EstimationError),
    ("5 units are too few to cluster.*6 parameters",
     part(FIVE, effects="unit", errors="clustered"), EstimationError),
    ("'x2'", refused(FRAME.assign(x2=YEAR), lagged=[]), EstimationError),
    ("'W x[12]'.*collinear", refused(weights=EVERYBODY), EstimationError),
    ("no maximum|singular", refused(weights=EVERYBODY, lagged=[]), EstimationError),
    ("outcome 'y' does not vary", refused(FRAME.assign(y=3.0)), EstimationError),
    ("fit outcome 'y' exactly", refused(FRAME.assign(y=FRAME["x1"])), EstimationError),
    ("no neighbours.*Beijing", refused(weights=0 * ALONE.matrix)),
    ("unequal sums.*Lee and Yu", refused(weights=contiguity(hainan=True)), MethodError),
    (r"row of zeros.*Lee and Yu.*Hainan.*correction='none'",
     refused(weights=ALONE, islands="allow"), MethodError),
    ("unknown effects 'both'", refused(effects="both"), MethodError),
    ("unknown correction 'lee'", refused(correction="lee"), MethodError),
    ("one of information, hessian, clustered", refused(errors="cluster"), MethodError),
    ("unknown islands 'yes'", refused(islands="yes"), MethodError),
    ("unknown regressor to lag 'z'", refused(lagged=["z"]), MethodError),
    ("unknown variable 'firm'", refused(unit="firm"), DataError),
    ("unknown method", lambda: small().impacts("bootstrap"), MethodError),
    ("draws is 1", lambda: small().impacts("simulation", draws=1), MethodError),
    ("spillovers of 2 slopes is 1", partial(simulate, WEIGHTS, 5, 0.4, [1, 2], [0.5]), MethodError),
    ("persistence is 1", partial(simulate, WEIGHTS, 5, 0.4, [1], persistence=1), MethodError),
    *(("not every regressor", small(lagged=lagged).common_factor, MethodError)
      for lagged in ([], ["x1"], ["x2", "x1"])),
)  # fmt: skip


# Likelihood


def test_bounds_come_from_the_eigenvalues_and_a_cross_section_is_a_pooled_panel():
    assert small(FRAME[YEAR == 2010], effects="pooled").nobs == 31
    plain = contiguity(hainan=True)
    fit = small(weights=plain, correction="none")
    values = np.linalg.eigvalsh(plain.matrix.to_numpy())
    assert fit.panel.space.bounds == pytest.approx((1 / values.min(), 1 / values.max()), abs=1e-9)
    assert fit.panel.space.bounds[0] < fit.rho < fit.panel.space.bounds[1] < 0.25


def test_scales_of_weights_and_variables_change_nothing_else():
    fit, twice = small(), small(weights=WEIGHTS.matrix / 2)
    assert twice.rho == pytest.approx(2 * fit.rho, rel=1e-9)
    assert twice.loglik == pytest.approx(fit.loglik, rel=1e-12)
    pd.testing.assert_frame_equal(twice.impacts(), fit.impacts(), rtol=1e-7)
    frame = FRAME.assign(y=1e6 * FRAME["y"] + 1e8, x1=1e-5 * FRAME["x1"])
    back = np.array([1e11, 1e6, 1e11, 1e6, 1.0])
    for errors in ERRORS:
        own, other = (small(f, errors=errors) for f in (FRAME, frame))
        np.testing.assert_allclose(other.params, own.params * back, rtol=1e-7)
        np.testing.assert_allclose(other.std_errors, own.std_errors * back, rtol=1e-7)


def test_directed_weights_with_complex_eigenvalues():
    rng, near = np.random.default_rng(5), np.zeros((31, 31))
    for i in range(31):
        near[i, rng.choice(np.delete(np.arange(31), i), 3, replace=False)] = 1 / 3
    assert np.iscomplexobj(np.linalg.eigvals(near))
    w = align(pd.DataFrame(near, WEIGHTS.labels, WEIGHTS.labels), FRAME)
    fit = durbin(simulate(w, 20, 0.5, [1.0], [0.5], seed=2), "y", ["x1"], w)
    assert fit.rho == pytest.approx(0.5, abs=3 * fit.std_errors["rho"])
    np.testing.assert_allclose(fit.impacts()["estimate"], moved(fit, near), rtol=1e-10)


class Written:
    """The likelihood of FRAME written out, by unit, in the order of the parameters and sigma2."""

    def __init__(self, fit, effects, correction, w=W):
        self.fit, self.effects, self.w = fit, effects, w
        wide = FRAME.unstack("province")
        self.y, *x = (wide[name][WEIGHTS.labels].to_numpy() for name in ["y", *XS])
        self.x = np.stack(x + [v @ w.T for v in x][: len(fit.params) - 3], axis=2)
        lee_yu = correction == "lee-yu"
        self.years = 7 - (lee_yu and effects in ("unit", "two-way"))
        self.common = not (lee_yu and effects in ("time", "two-way"))
        self.rows = self.years * (31 - (not self.common))
        self.theta = np.append(fit.params, fit.sigma2)

    def within(self, v):
        if self.effects == "pooled":
            return v - v.mean(axis=(0, 1))
        v = v - v.mean(axis=0) * (self.effects != "time")
        return v - v.mean(axis=1, keepdims=True) if self.effects != "unit" else v

    def errors(self, theta):
        return self.within(self.y - theta[-2] * self.y @ self.w.T - self.x @ theta[:-2])

    def by_unit(self, theta):
        rho, sigma2 = theta[-2:]
        logdet = np.linalg.slogdet(np.eye(31) - rho * self.w)[1]
        logdet -= 0 if self.common else np.log(1 - rho)
        same = self.years * logdet - self.rows / 2 * np.log(2 * np.pi * sigma2)
        return same / 31 - (self.errors(theta) ** 2).sum(axis=0) / (2 * sigma2)

    def derivatives(self):
        """Return scores (n, p + 1) and minus the second derivatives at the maximum."""
        scores = approx_fprime(self.theta, self.by_unit, centered=True)
        return scores, -approx_hess3(self.theta, lambda theta: self.by_unit(theta).sum())


WRITTEN = [*product([WEIGHTS], EFFECTS, ["lee-yu", "none"]), (ALONE, "unit", "none")]
WRITTEN += [(ALONE, "two-way", "none"), (ALONE, "unit", "lee-yu")]


@pytest.mark.parametrize(("weights", "effects", "correction"), WRITTEN)
def test_errors_are_those_of_numerical_derivatives(weights, effects, correction):
    options = {"effects": effects, "correction": correction, "errors": "hessian"}
    fit = small(weights=weights, islands="allow", **options)
    written = Written(fit, effects, correction, weights.matrix.to_numpy())
    alone = "Hainan (460000) has no neighbours: its spatial lag is zero."
    assert fit.notes[1:] == ((alone,) if weights is ALONE else ())
    assert written.by_unit(written.theta).sum() == pytest.approx(fit.loglik, abs=1e-8)
    residuals = fit.residuals.unstack("province")[WEIGHTS.labels]
    np.testing.assert_allclose(residuals, written.errors(written.theta), atol=1e-9)
    scores, hessian = written.derivatives()
    np.testing.assert_allclose(scores.sum(axis=0) / np.sqrt(np.diag(hessian)), 0, atol=2e-4)
    bread = np.linalg.inv(hessian)
    sandwich = 31 / 30 * bread @ scores.T @ scores @ bread
    for own, wanted, rtol in ((fit, bread, 1e-4), (fit.with_errors("clustered"), sandwich, 2e-4)):
        np.testing.assert_allclose(own.std_errors, np.sqrt(np.diag(wanted))[:-1], rtol=rtol)


@pytest.mark.parametrize("effects", ["two-way", "unit"])
def test_pairwise_errors_are_the_sum_over_units_and_pairs(effects):
    """Loops over units and pairs; together they are the score, which is zero at the maximum."""
    fit = small(effects=effects, errors="pairwise")
    written = Written(fit, effects, "lee-yu")
    e, sigma2, size = written.errors(written.theta), fit.sigma2, len(written.theta)
    design, keep = written.within(written.x), np.eye(31) - (effects == "two-way") / 31
    g = W @ np.linalg.inv(np.eye(31) - fit.rho * W)
    free = written.within(written.y @ W.T) - written.within(e @ g.T)
    g, parts, rho = keep @ g @ keep, [], np.eye(size)[-2]
    for i in range(31):
        met = e[:, i] @ e[:, i] / sigma2 - 6 * keep[i, i]
        own = free[:, i] @ e[:, i] / sigma2 + g[i, i] * met
        parts.append([*design[:, i].T @ e[:, i] / sigma2, own, met / (2 * sigma2)])
        for j in range(i):
            product = e[:, i] @ e[:, j] / sigma2 - 6 * keep[i, j]
            parts.append((g[i, j] + g[j, i]) * product * rho)
    middle = np.array(parts).T @ np.array(parts)
    np.testing.assert_allclose(np.sum(parts, axis=0) / np.sqrt(np.diag(middle)), 0, atol=1e-6)
    bread = np.linalg.inv(written.derivatives()[1])
    wanted = np.sqrt(np.diag(31 / 30 * bread @ middle @ bread))
    np.testing.assert_allclose(fit.std_errors, wanted[:-1], rtol=2e-4)


# Impacts


def moved(fit, matrix, theta=None):
    """Return direct, indirect and total effects of each regressor, by the whole matrix."""
    theta = fit.params.to_numpy() if theta is None else theta
    given, out = dict(zip(fit.params.index, theta, strict=True)), []
    for name in [n for n in given if n.startswith("x")]:
        spill = given.get(f"W {name}", 0.0) * matrix
        effect = np.linalg.solve(np.eye(31) - theta[-1] * matrix, given[name] * np.eye(31) + spill)
        direct, total = np.trace(effect) / 31, effect.sum() / 31
        out += [direct, total - direct, total]
    return np.array(out)


@pytest.mark.parametrize(
    ("lagged", "errors", "weights"),
    [([], "information", WEIGHTS), (None, "pairwise", ALONE),
     (["x1"], "information", contiguity(hainan=True)), (["x2", "x1"], "pairwise", WEIGHTS)],
    ids=["lag", "durbin with an island", "one lag, binary", "lags in another order"],
)  # fmt: skip
def test_delta_errors_use_the_numerical_derivatives(lagged, errors, weights):
    options = {"correction": "none", "islands": "allow", "errors": errors}
    fit, matrix = small(weights=weights, lagged=lagged, **options), weights.matrix.to_numpy()
    theta, table = fit.params.to_numpy(), fit.impacts()
    gradient = approx_fprime(theta, lambda t: moved(fit, matrix, t), centered=True)
    np.testing.assert_allclose(table["estimate"], moved(fit, matrix), rtol=1e-10)
    wanted = np.sqrt(np.diag(gradient @ fit.cov.to_numpy() @ gradient.T))
    np.testing.assert_allclose(table["std_error"], wanted, rtol=1e-6)
    law = stats.t(30) if errors == "pairwise" else stats.norm()
    upper = table["estimate"] + law.ppf(0.975) * table["std_error"]
    np.testing.assert_allclose(table["upper"], upper)
    assert fit.pvalues["x1"] == pytest.approx(2 * law.sf(abs(fit.tstats["x1"])))


@pytest.mark.parametrize("errors", ["information", "pairwise"])
def test_simulated_errors_are_near_those_of_the_delta_method(errors):
    frame = simulate(WEIGHTS, 40, 0.3, [1.0], [0.5], seed=4)
    fit = durbin(frame, "y", ["x1"], WEIGHTS, errors=errors)
    delta, drawn = fit.impacts(), fit.impacts("simulation", 2000, 7)
    again, same, other = (fit.impacts("simulation", 99, seed) for seed in (7, 7, 8))
    for table in (delta, drawn):
        table["length"] = table["upper"] - table["lower"]
    np.testing.assert_allclose(drawn["length"], delta["length"], rtol=0.08)
    np.testing.assert_allclose(drawn["lower"], delta["lower"], atol=0.03)
    pd.testing.assert_frame_equal(same, again)
    assert not np.allclose(other["std_error"], again["std_error"], rtol=1e-9)


# Tests


def test_the_common_factor_is_tested_by_its_derivatives():
    for errors, law in (("information", stats.chi2(2)), ("pairwise", stats.f(2, 30))):
        fit = small(errors=errors)
        theta, cov = fit.params.to_numpy(), fit.cov.to_numpy()
        factor = np.hstack([fit.rho * np.eye(2), np.eye(2), theta[:2, None]])
        gap = theta[2:4] + fit.rho * theta[:2]
        chi = gap @ np.linalg.solve(factor @ cov @ factor.T, gap)
        wanted = law.sf(chi / 2 if errors == "pairwise" else chi)
        assert fit.common_factor().pvalue == pytest.approx(wanted)


# Simulation and print


def test_simulated_errors_persist_as_asked():
    frame = simulate(WEIGHTS, 4000, 0.0, [0.0], effects=0.0, seed=1, persistence=0.6)
    for name in ("y", "x1"):
        wide = frame[name].unstack("province")
        assert wide.to_numpy().std() == pytest.approx(1, abs=0.02)
        assert wide.corrwith(wide.shift()).mean() == pytest.approx(0.6, abs=0.01)


def test_a_table_prints_likelihood_variance_and_clusters():
    fits = {e: small(model="lag", errors=e) for e in CLUSTERED}
    fits |= {"durbin": small(), "plain": fixed_effects(FRAME, "y", XS)}
    table = RegressionTable(fits)
    frame = table.to_frame().droplevel("statistic")
    assert frame.loc["Log-likelihood", "durbin"] == f"{fits['durbin'].loglik:,.3f}"
    assert frame.loc["sigma2", "pairwise"] == f"{fits['pairwise'].sigma2:.4g}"
    assert frame.loc["Log-likelihood", "plain"] == ""
    assert frame.loc["Weights", "durbin"] == "contiguity, Hainan with Guangdong"
    kinds = ["clustered by province", "clustered by province and pair of neighbours"]
    assert list(frame.loc["Standard errors"])[:3] == [*kinds, "expected information"]
    assert list(frame.loc["Convention"])[:3] == ["clusters", "clusters", "none"]
    for said in ("G/(G-1), parameters not counted, t(G-1)", "Lee and Yu"):
        assert any(said in note for note in table.notes)
    assert "Log-likelihood" in fits["durbin"]._repr_html_()


# Peers: spreg on orthonormal contrasts, and R and Stata in print


def transformed(effects, model="lag"):
    """Return y, X and the weights of all years, a year after another, without the effects.

    Orthonormal contrasts take the panel to (n - 1) x (T - 1); that panel has no effects.
    """
    long, big = FRAME.swaplevel().sort_index(), np.kron(np.eye(7), W)
    x = long[XS].to_numpy()
    x = np.hstack([x, big @ x]) if model == "durbin" else x
    full = [np.linalg.svd(np.eye(size) - 1 / size)[0][:, : size - 1].T for size in (31, 7)]
    across = full[0] if effects in ("time", "two-way") else np.eye(31)
    change = np.kron(full[1] if effects in ("unit", "two-way") else np.eye(7), across)
    return change @ long[["y"]].to_numpy(), change @ x, change @ big @ change.T


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("effects", EFFECTS[:3])
def test_lee_yu_is_maximum_likelihood_of_the_transformed_panel(model, effects):
    y, x, big = transformed(effects, model)
    # These weights have a diagonal, which spreg keeps in the determinant by eigenvalues alone.
    weights = {"full": lambda: (big, None), "asymmetry": lambda **_: [0]}
    weights = SimpleNamespace(n=len(big), sparse=csr_array(big), **weights)
    peer = BaseML_Lag(y, x, weights, method="ord", epsilon=1e-13)
    fit = small(model=model, effects=effects)
    assert fit.rho == pytest.approx(peer.rho, abs=1e-6)
    assert fit.loglik == pytest.approx(peer.logll, abs=1e-8)
    np.testing.assert_allclose(fit.params.iloc[:-1], peer.betas[:-1, 0], atol=1e-6)
    assert fit.sigma2 == pytest.approx(peer.sig2, rel=1e-6)


@pytest.mark.parametrize("effects", ["two-way", "unit", "time"])
def test_lagrange_tests_of_the_transformed_panel(effects):
    y, x, big = transformed(effects)  # whose weights may have a trace
    y = y[:, 0]
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    e = y - fitted
    s2, basis = e @ e / len(y), np.linalg.qr(x)[0]
    shift = big @ fitted - basis @ (basis.T @ (big @ fitted))
    middle = np.trace(big)
    trace = np.trace(big @ big) + (big**2).sum() - 2 * middle**2 / len(y)
    lags, errors = e @ big @ y / s2 - middle, e @ big @ e / s2 - middle
    whole = shift @ shift / s2 + trace
    wanted = [lags**2 / whole, errors**2 / trace, (lags - errors) ** 2 / (whole - trace)]
    wanted += [(errors - trace / whole * lags) ** 2 / (trace * (1 - trace / whole))]
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
    (height, sigma2), printed = SPATIALREG
    assert fit.loglik == pytest.approx(height, abs=1e-8)
    assert fit.sigma2 == pytest.approx(sigma2, rel=1e-6)
    np.testing.assert_allclose([fit.params, fit.std_errors], printed, atol=1e-6)


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
# clustered by province (vce(robust)). Stata holds some of the figures in single precision.
# Rounding the income per head behind the weights to it moves rho by a millionth and two of the
# errors by more than their last printed digit, so what is printed is met to a few millionths and
# not always to the last digit.

CAUSES = ["L3_pub_emp", "broad_tax_burden", "L3_aging", "urban_rate", "sec_ind_share"]
STATA = ".1519474 .0033853 .0065127 .008974 .0043213 .2779199 .0039706 .008107 .0096175 .0051048"


def test_clustered_errors_are_those_of_stata():
    data = case("public/13-spatial-durbin-errors/panel.csv", index_col=["province_id", "year"])
    late, income = data[data.index.get_level_values("year") >= 2011], data["gdp_per_cap"]
    frame = late[["ln_tfp", *CAUSES]].dropna()
    weights = economic_distance(income[income > 0]).row_standardised()
    options = {"effects": "unit", "correction": "none", "unit": "province_id"}
    fit = durbin(frame, "ln_tfp", CAUSES, weights, errors="clustered", **options)
    printed = np.array([float(text) for text in [*STATA.split(), ".140133"]])
    got = fit.std_errors.to_numpy()
    assert (np.abs(got - printed) <= 0.5e-7 + 3e-6 * printed).all()
    assert (np.abs(got - printed) <= 0.5e-7).sum() >= 8  # of eleven, to the last printed digit
    assert fit.rho == pytest.approx(0.015781, abs=2e-6)
    assert fit.loglik == pytest.approx(384.7460, abs=2e-4)
    # What the likelihood alone says is less than half for the tax burden.
    plain = fit.with_errors("information")
    assert plain.std_errors["broad_tax_burden"] < 0.5 * fit.std_errors["broad_tax_burden"]
