"""Production functions of firms: what enters, what is reported, and what is refused."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp import proxy
from nqpf.tfp.simulate import simulate_firms

INPUTS = ("output", "labour", "capital")
KEY = ("firm", "year")
ESTIMATORS = ["olley-pakes", "levinsohn-petrin", "ackerberg-caves-frazer", "wooldridge"]
every = pytest.mark.parametrize("name", ESTIMATORS)


@cache
def made(design=2, firms=80, years=6, seed=0):
    return simulate_firms(design, firms, years, seed)


def frame(**options):
    return made(**options).copy()


def estimate(name, f, **options):
    fuel = "investment" if name == "olley-pakes" else "materials"
    return proxy.production_function(f, *INPUTS, fuel, *KEY, name, **options)


@pytest.fixture(autouse=True)
def quiet():
    """Several solutions are the rule in these samples; the test of that warning asks for it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*solutions fit equally well")
        yield


# What a result says


@every
def test_a_result_keeps_labels_and_adds_up(name):
    f = frame()
    fit = estimate(name, f)
    keyed = f.set_index(list(KEY))
    assert fit.params.index.tolist() == ["labour", "capital"]
    assert fit.tfp.index.equals(keyed.index)
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
    counts = fit.dropped.value_counts()
    assert counts["first year of the firm"] == 80
    gap = "gap: no usable row of the year before"
    assert fit.dropped[fit.dropped == gap].index.tolist() == [(7, 4)]
    assert fit.n == 80 * 5 - 2
    lost = fit.dropped[fit.dropped == "materials is missing"].index.tolist()
    assert lost == [(7, 3)] * missing
    assert (7, 3) not in fit.tfp.index


def test_no_investment_is_dropped_by_olley_pakes_and_refused_elsewhere():
    f = frame()
    f.loc[f["firm"] == 5, ["investment", "materials"]] = -np.inf
    fit = estimate("olley-pakes", f)
    assert fit.dropped.value_counts()["investment is missing or zero"] == 6
    with pytest.raises(SampleError, match="firm 5, year 1, variable materials"):
        estimate("levinsohn-petrin", f)


# Several solutions


def test_the_two_solutions_of_ackerberg_caves_frazer_are_named():
    f = frame(design=1, firms=500, seed=1)
    with pytest.warns(UserWarning, match="2 solutions fit equally well"):
        fit = estimate("ackerberg-caves-frazer", f)
    solved = fit.starts[fit.starts["converged"]].drop_duplicates("solution")
    found = sorted(solved["labour"])
    assert found[0] == pytest.approx(0.6, abs=0.05) and found[1] == pytest.approx(1, abs=0.05)
    assert solved["criterion"].max() < 1e-10
    assert fit.params["labour"] == found[0] and fit.starts["chosen"].sum() == 1
    points = fit.starts[["start_labour", "start_capital"]].iloc[1:]
    assert len(points) == 8 and ((points > 0) & (points < 1)).all(axis=None)
    # From least squares alone, the solution is the other one.
    other = estimate("ackerberg-caves-frazer", f, starts=1)
    assert other.converged and other.params["labour"] == pytest.approx(found[1], abs=1e-6)


def test_no_convergence_reaches_the_reader():
    f = frame(firms=8, years=4, seed=1)
    with pytest.warns(UserWarning, match="no start led to a solution.*see `starts`"):
        fit = estimate("ackerberg-caves-frazer", f, starts=1)
    assert not fit.converged


# What is refused


def changed(**columns):
    """Return what replaces columns of a frame by functions of it."""
    return lambda f: f.assign(**columns)


def hole(f):
    return f["labour"].where(f.index != 8, np.inf)


BAD = {
    "one firm": (lambda f: f[f["firm"] == 3], SampleError, "one firm .*firm 3"),
    "double key": (lambda f: pd.concat([f, f.iloc[[4]]]), SampleError, "more than.*firm 1, year 5"),
    "name": (lambda f: f.rename(columns={"capital": "capitol"}), DataError, "Did you mean"),
    "collinear": (changed(capital=lambda f: 2 * f["labour"]), EstimationError, "collinear"),
    "constant": (changed(capital=1.0), EstimationError, "'capital' is constant"),
    "levels": (changed(output=lambda f: np.exp(3 * f["output"])), DataError, "logarithm.*level"),
    "half years": (changed(year=lambda f: f["year"] + 0.5), SampleError, "not whole years"),
    "nothing": (changed(labour=np.nan), SampleError, "no complete row"),
    "infinite": (changed(labour=hole), SampleError, "firm 2, year 3, variable labour"),
    "gaps": (lambda f: f[f["year"] % 2 == 0], SampleError, "no firm has two years in a row"),
}


@every
@pytest.mark.parametrize("case", BAD)
@pytest.mark.filterwarnings("ignore:.*skip years")
def test_bad_input_has_a_named_error(name, case):
    spoil, error, message = BAD[case]
    with pytest.raises(error, match=f"(?s){message}"):
        estimate(name, spoil(frame()))


@pytest.mark.parametrize("name", ["olley-pakes", "levinsohn-petrin", "wooldridge"])
def test_a_free_input_that_follows_state_and_proxy_is_named(name):
    f = frame().assign(investment=lambda f: f["materials"])
    f["labour"] = f["capital"] + 0.5 * f["materials"] - 0.1 * f["capital"] * f["materials"]
    with pytest.raises(EstimationError, match="'labour' does not vary given state and proxy"):
        estimate(name, f)


def test_options_samples_and_roles_that_cannot_be_used():
    with pytest.raises(MethodError, match="starts is 0"):
        estimate("ackerberg-caves-frazer", frame(), starts=0)
    with pytest.raises(EstimationError, match="first step has 8 row.*Bring more firms"):
        estimate("levinsohn-petrin", frame(firms=2, years=4))
    with pytest.raises(MethodError, match="unknown method 'gmm'.*one of levinsohn-petrin"):
        estimate("gmm", frame())
    roles = {"free": "labour", "state": "capital", "proxy": "materials"}
    key = {"unit": "firm", "time": "year", "method": "levinsohn-petrin"}
    said = {"free": "free inputs are", "state": "state inputs are", "proxy": "proxies are"}
    for role, message in [*said.items(), ("proxy", "name 'capital' twice")]:
        bad = roles | {role: "capital" if "twice" in message else []}
        with pytest.raises(MethodError, match=message):
            proxy.production_function(frame(), "output", **bad, **key)
