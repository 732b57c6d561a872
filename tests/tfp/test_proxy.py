"""Production functions of firms: promises, refusals and the printed steps.

benchmarks/bench_proxy.py holds two hundred simulated samples to the truth, within two errors.
"""

from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IVGMM
from made_up_panels import refusals, refuses
from scipy.optimize import minimize, root

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp.proxy import production_function, simulate_firms

# Several solutions are the rule in these samples; the test of that warning asks for it.
pytestmark = pytest.mark.filterwarnings("ignore:.*(solutions fit equally well|skip years)")
KEY = ("firm", "year")
ACF = "ackerberg-caves-frazer"
ESTIMATORS = ["olley-pakes", "levinsohn-petrin", ACF, "wooldridge"]
every = pytest.mark.parametrize("name", ESTIMATORS)


simulated = cache(simulate_firms)


def frame(design=2, firms=80, years=6, seed=0):
    return simulated(design, firms, years, seed).copy()


def large(design):
    return frame(design=design, firms=300, seed=11)


def estimate(name, f, state="capital", **options):
    fuel = "investment" if name == "olley-pakes" else "materials"
    return production_function(f, "output", "labour", state, fuel, *KEY, name, **options)


# What a result says


@every
def test_a_result_keeps_labels_and_adds_up(name):
    f = frame()
    fit = estimate(name, f)
    keyed = f.set_index(list(KEY))
    assert fit.params.index.tolist() == ["labour", "capital"] and fit.tfp.index.equals(keyed.index)
    used = keyed[["labour", "capital"]] @ fit.params
    np.testing.assert_allclose(fit.tfp + used, keyed["output"], rtol=0, atol=1e-12)
    pd.testing.assert_frame_equal(f, frame())


@every
def test_rows_labels_and_units_of_measure_do_not_matter(name):
    f = frame()
    mixed = f.assign(firm="F" + f["firm"].map("{:03}".format)).sample(frac=1, random_state=1)
    plain, other = estimate(name, f), estimate(name, mixed.set_index(list(KEY)))
    np.testing.assert_allclose(other.params, plain.params, rtol=1e-9)
    np.testing.assert_allclose(other.tfp, plain.tfp, rtol=0, atol=1e-9)
    shifts = {"output": 3.0, "labour": -2.0, "capital": 9.2, "materials": 1.0, "investment": 5.0}
    other = estimate(name, f.assign(**{c: f[c] + s for c, s in shifts.items()}))
    np.testing.assert_allclose(other.params, plain.params, rtol=0, atol=2e-5)


# Years that follow, years that do not


@pytest.mark.parametrize("missing", [False, True])
def test_a_gap_is_no_year_before_and_every_row_left_out_is_accounted_for(missing):
    f = frame()
    hole = (f["firm"] == 7) & (f["year"] == 3)
    f = f.assign(materials=f["materials"].mask(hole)) if missing else f[~hole]
    with pytest.warns(UserWarning, match="1 firm.s. skip years, 1 time.*firm 7 before year 4"):
        fit = estimate("levinsohn-petrin", f)
    assert fit.dropped.value_counts()["first year of the firm"] == 80
    gap = "gap: no usable row of the year before"
    assert fit.dropped[fit.dropped == gap].index.tolist() == [(7, 4)] and fit.n == 80 * 5 - 2
    assert fit.dropped[fit.dropped == "materials is missing"].index.tolist() == [(7, 3)] * missing
    assert (7, 3) not in fit.tfp.index


def test_no_investment_is_dropped_by_olley_pakes_and_refused_elsewhere():
    f = frame()
    f.loc[f["firm"] == 5, ["investment", "materials"]] = -np.inf
    assert estimate("olley-pakes", f).dropped.value_counts()["investment is missing or zero"] == 6
    refuses(SampleError, "firm 5, year 1, variable materials", estimate, "levinsohn-petrin", f)


# Several solutions


def test_the_two_solutions_of_ackerberg_caves_frazer_are_named():
    f = frame(design=1, firms=500, seed=1)
    with pytest.warns(UserWarning, match="2 solutions fit equally well"):
        fit = estimate(ACF, f)
    solved = fit.starts[fit.starts["converged"]].drop_duplicates("solution")
    found = sorted(solved["labour"])
    assert found[0] == pytest.approx(0.6, abs=0.05) and found[1] == pytest.approx(1, abs=0.05)
    assert solved["criterion"].max() < 1e-10
    assert fit.params["labour"] == found[0] and fit.starts["chosen"].sum() == 1
    points = fit.starts[["start_labour", "start_capital"]].iloc[1:]
    assert len(points) == 8 and ((points > 0) & (points < 1)).all(axis=None)
    # From least squares alone, the solution is the other one.
    other = estimate(ACF, f, starts=1)
    assert other.converged and other.params["labour"] == pytest.approx(found[1], abs=1e-6)


def test_no_convergence_reaches_the_reader():
    f = frame(firms=8, years=4, seed=1)
    with pytest.warns(UserWarning, match="no start led to a solution.*see `starts`"):
        fit = estimate(ACF, f, starts=1)
    assert not fit.converged


# What is refused


FRAME, FEW = frame(), frame(firms=2, years=4)
HOLE = FRAME.assign(labour=FRAME["labour"].where(FRAME.index != 8, np.inf))
FOLLOWS = FRAME.assign(investment=FRAME["materials"])
FOLLOWS["labour"] = FRAME["capital"] + (0.5 - 0.1 * FRAME["capital"]) * FRAME["materials"]
BAD = [
    ("1 firm is too few .*firm 3", FRAME[FRAME["firm"] == 3], SampleError),
    ("(?s)more than.*firm 1, year 5", pd.concat([FRAME, FRAME.iloc[[4]]]), SampleError),
    ("Did you mean", FRAME.rename(columns={"capital": "capitol"}), DataError),
    ("collinear", FRAME.assign(capital=2 * FRAME["labour"]), EstimationError),
    ("'capital' is constant", FRAME.assign(capital=1.0), EstimationError),
    ("logarithm.*level", FRAME.assign(output=np.exp(3 * FRAME["output"])), DataError),
    ("not whole years", FRAME.assign(year=FRAME["year"] + 0.5), SampleError),
    ("no complete row", FRAME.assign(labour=np.nan), SampleError),
    ("firm 2, year 3, variable labour", HOLE, SampleError),
    ("no firm has two years in a row", FRAME[FRAME["year"] % 2 == 0], SampleError),
]
ROLES = {"free": "labour", "state": "capital", "proxy": "materials"}
ROLES |= {"unit": "firm", "time": "year", "method": "levinsohn-petrin"}
test_what_cannot_be_used_is_named = refusals(
    MethodError,
    *((said, partial(estimate, name, f), error) for name in ESTIMATORS for said, f, error in BAD),
    *(("'labour' does not vary given state and proxy", partial(estimate, name, FOLLOWS),
       EstimationError) for name in ESTIMATORS if name != ACF),
    ("starts is 0", partial(estimate, ACF, FRAME, starts=0)),
    ("first step has 8 row.*Bring more firms", partial(estimate, "levinsohn-petrin", FEW),
     EstimationError),
    ("unknown method 'gmm'.*one of levinsohn-petrin", partial(estimate, "gmm", FRAME)),
    *((said, partial(production_function, FRAME, "output", **ROLES | {role: value}))
      for said, role, value in [("free inputs are", "free", []), ("state inputs are", "state", []),
        ("proxies are", "proxy", []), ("name 'capital' twice", "proxy", "capital")]),
)  # fmt: skip


# Peers: the printed steps done another way


def terms(frame, names):
    """Raw monomials up to the third degree by a loop over exponents, the constant among them."""
    exponents = np.indices([4] * len(names)).reshape(len(names), -1).T
    kept = exponents[exponents.sum(axis=1) <= 3]
    return np.column_stack([(frame[names].to_numpy() ** powers).prod(axis=1) for powers in kept])


def before(frame, values):
    """Last year's values by a merge on the key, NaN where there is none."""
    last = frame[list(KEY)].assign(year=frame["year"] + 1, value=np.asarray(values))
    return frame[list(KEY)].merge(last, on=list(KEY), how="left")["value"].to_numpy()


def lagged(frame):
    f = frame.copy()
    for name in ("labour", "capital", "materials", "investment"):
        f[f"{name}_before"] = before(frame, frame[name])
    return f


STEPS = [("levinsohn-petrin", ["capital"]), ("levinsohn-petrin", ["capital", "land"])]


@pytest.mark.parametrize(("name", "state"), [*STEPS, ("olley-pakes", ["capital"])])
def test_the_two_steps_as_they_are_printed(name, state):
    """Petrin, Poi and Levinsohn (2004), Yasar and others (2008); Nelder-Mead."""
    late, fuel = name == "olley-pakes", "investment" if name == "olley-pakes" else "materials"
    f = large(4 if late else 2)
    if "land" in state:
        land = 0.5 * f["capital"] + np.random.default_rng(5).normal(0, 1, len(f))
        f = f.assign(**{name: f[name] + 0.2 * land for name in ("output", "materials")}, land=land)
    x = np.column_stack([f["labour"], terms(f, [*state, fuel])])
    coefficients = np.linalg.lstsq(x, f["output"], rcond=None)[0]
    net, phi = f["output"] - coefficients[0] * f["labour"], x[:, 1:] @ coefficients[1:]
    phi_before, states = before(f, phi), f[state].to_numpy()
    now = np.isfinite(phi_before)
    states_before = np.column_stack([before(f, f[one]) for one in state])

    def loss(a):
        last = (phi_before - states_before @ a)[now]
        expected = np.polynomial.Polynomial.fit(last, ((net if late else phi) - states @ a)[now], 3)
        return ((net - states @ a)[now] - expected(last)).pow(2).sum()

    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 2000}
    peer = minimize(loss, [0.4, 0.2][: len(state)], method="Nelder-Mead", options=options)
    fit = estimate(name, f, state)
    assert fit.params["labour"] == pytest.approx(coefficients[0], abs=1e-8)
    np.testing.assert_allclose(fit.params[state], peer.x, rtol=0, atol=2e-5 if late else 1e-6)
    assert fit.criterion == pytest.approx(peer.fun / now.sum(), rel=1e-8 if late else 1e-9)


@pytest.mark.parametrize("design", [1, 3], ids=["design1", "design3"])
def test_every_solution_of_ackerberg_caves_frazer_is_a_root(design):
    """E[xi (1, l_{-1}, k)] = 0 by raw polynomials, and another solver stays where it is."""
    f = lagged(large(design))
    x = terms(f, ["labour", "capital", "materials"])
    phi = x @ np.linalg.lstsq(x, f["output"], rcond=None)[0]
    phi_before = before(f, phi)
    now = np.isfinite(phi_before)

    def moments(b):
        this = (phi - b[0] * f["labour"] - b[1] * f["capital"])[now]
        last = (phi_before - b[0] * f["labour_before"] - b[1] * f["capital_before"])[now]
        xi = this - np.polynomial.Polynomial.fit(last, this, 3)(last)
        return np.array([(xi * f["labour_before"][now]).mean(), (xi * f["capital"][now]).mean()])

    fit = estimate(ACF, f)
    solved = fit.starts[fit.starts["converged"]].drop_duplicates("solution")
    assert len(solved) == 2
    for at in solved[["labour", "capital"]].to_numpy():
        assert np.abs(moments(at)).max() < 1e-6
        np.testing.assert_allclose(root(moments, at, tol=1e-12).x, at, rtol=0, atol=1e-4)
    for at in fit.starts[~fit.starts["converged"]][["labour", "capital"]].to_numpy():
        assert np.abs(moments(at)).max() > 1e-4


def test_wooldridge_both_equations_are_stacked_gmm():
    """Every polynomial coefficient estimated, nothing partialled out, in linearmodels."""
    f = lagged(large(2)).dropna()
    zero = np.zeros((len(f), 1))
    first = np.linalg.qr(terms(f, ["capital", "materials"]))[0] * np.sqrt(len(f))
    second = np.linalg.qr(terms(f, ["capital_before", "materials_before"]))[0] * np.sqrt(len(f))
    labour, capital, last = (f[[c]].to_numpy() for c in ("labour", "capital", "labour_before"))
    none = np.zeros_like(first)
    regressors = np.block([[labour, zero, first, none], [labour, capital, none, second]])
    instruments = np.block([[labour, first, zero, zero, none], [zero, none, capital, last, second]])
    y, cluster = np.tile(f["output"], 2), np.tile(f["firm"], 2)
    model = IVGMM(y, None, regressors, instruments, weight_type="clustered", clusters=cluster)
    peer = model.fit(iter_limit=2, cov_type="clustered", clusters=cluster)
    fit = estimate("wooldridge", large(2))
    np.testing.assert_allclose(fit.params, peer.params.iloc[:2], rtol=1e-6)
    assert fit.criterion == pytest.approx(peer.j_stat.stat, rel=1e-5) and peer.j_stat.df == 1
    np.testing.assert_allclose(fit.std_errors, peer.std_errors.iloc[:2], rtol=1e-3)
