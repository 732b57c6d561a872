"""Production functions of firms: what enters, what is reported, and what is refused."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import dblquad

from nqpf.errors import DataError, EstimationError, MethodError, NqpfError, SampleError
from nqpf.tfp import proxy
from nqpf.tfp.firms import Roles, prepare, search, starting_points
from nqpf.tfp.simulate import DESIGNS, TRUTH, Design, investment, monte_carlo, simulate_firms

INPUTS = ("output", "labour", "capital")
KEY = ("firm", "year")
ESTIMATORS = {
    "ols": lambda f: proxy.ols(f, *INPUTS, *KEY),
    "fixed_effects": lambda f: proxy.fixed_effects(f, *INPUTS, *KEY),
    "olley_pakes": lambda f: proxy.olley_pakes(f, *INPUTS, "investment", *KEY),
    "levinsohn_petrin": lambda f: proxy.levinsohn_petrin(f, *INPUTS, "materials", *KEY),
    "wooldridge": lambda f: proxy.wooldridge(f, *INPUTS, "materials", *KEY),
    "ackerberg_caves_frazer": lambda f: proxy.ackerberg_caves_frazer(f, *INPUTS, "materials", *KEY),
}
TWO_STEP = ["olley_pakes", "levinsohn_petrin", "ackerberg_caves_frazer"]


@cache
def made(design=2, firms=80, years=6, seed=0):
    return simulate_firms(design, firms, years, seed)


def frame(**options):
    return made(**options).copy()


@pytest.fixture(autouse=True)
def quiet():
    """Several solutions are the rule in these samples; the test of that warning asks for it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*solutions fit equally well")
        yield


# What a result says


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_result_keeps_labels_and_adds_up(name):
    f = frame()
    fit = ESTIMATORS[name](f)
    keyed = f.set_index(list(KEY))
    assert fit.params.index.tolist() == fit.std_errors.index.tolist() == ["labour", "capital"]
    assert fit.tfp.index.equals(keyed.index) and fit.firms == 80
    used = keyed[["labour", "capital"]] @ fit.params
    np.testing.assert_allclose(fit.tfp + used, keyed["output"], rtol=0, atol=1e-12)
    html = fit._repr_html_()
    assert "80 firms" in html and "labour" in html
    pd.testing.assert_frame_equal(f, frame())


@pytest.mark.parametrize("name", ESTIMATORS)
def test_order_of_rows_and_labels_of_firms_do_not_matter(name):
    f = frame()
    mixed = f.sample(frac=1, random_state=1).assign(
        firm=lambda x: "F" + x["firm"].map("{:03}".format)
    )
    mixed = mixed.set_index(list(KEY))
    plain, other = ESTIMATORS[name](f), ESTIMATORS[name](mixed)
    np.testing.assert_allclose(other.params, plain.params, rtol=1e-9)
    np.testing.assert_allclose(other.tfp, plain.tfp, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_units_of_measure_do_not_matter(name):
    f = frame()
    shifts = {"output": 3.0, "labour": -2.0, "capital": 9.2, "materials": 1.0, "investment": 5.0}
    other = ESTIMATORS[name](f.assign(**{c: f[c] + s for c, s in shifts.items()}))
    np.testing.assert_allclose(other.params, ESTIMATORS[name](f).params, rtol=0, atol=2e-5)


def test_anticipated_productivity_is_nearer_the_truth_than_the_residual():
    f = frame(firms=300)
    fit = ESTIMATORS["levinsohn_petrin"](f)
    truth = f.set_index(list(KEY))["productivity"]
    spread = [(x - truth).std() for x in (fit.anticipated, fit.tfp)]
    assert spread[0] < spread[1] / 2


# Years that follow, years that do not


def test_a_gap_is_no_year_before():
    f = frame()
    gap = f[(f["firm"] != 7) | (f["year"] != 3)]
    with pytest.warns(UserWarning, match="1 firm.s. skip years, 1 time.*firm 7 before year 4"):
        fit = ESTIMATORS["levinsohn_petrin"](gap)
    counts = fit.dropped_counts()
    assert counts["second", "first year of the firm"] == 80
    assert counts["second", "gap: no usable row of the year before"] == 1
    assert fit.n == 80 * 5 - 2
    lost = fit.dropped[fit.dropped["reason"].str.startswith("gap")]
    assert lost[["firm", "year"]].to_numpy().tolist() == [[7, 4]]


def test_lags_are_the_year_before_of_the_same_firm():
    f = frame()
    f = f[~f.index.isin(range(3, 400, 7))]
    with pytest.warns(UserWarning, match="skip years"):
        sample = prepare(f, Roles.of(*INPUTS, "materials"), *KEY)
    keys = sample.frame.index
    for now, before in zip(sample.firms.now, sample.firms.before, strict=True):
        assert keys[before] == (keys[now][0], keys[now][1] - 1)
    without = set(range(len(keys))) - set(sample.firms.now)
    assert all((keys[row][0], keys[row][1] - 1) not in keys for row in without)


def test_missing_values_are_dropped_counted_and_break_the_history():
    f = frame()
    f.loc[(f["firm"] == 5) & (f["year"] == 2), "materials"] = np.nan
    with pytest.warns(UserWarning, match="firm 5 before year 3"):
        fit = ESTIMATORS["levinsohn_petrin"](f)
    missing = fit.dropped[fit.dropped["step"] == "both"]
    assert missing[["firm", "year", "reason"]].to_numpy().tolist() == [
        [5, 2, "materials is missing"]
    ]
    assert (5, 2) not in fit.tfp.index


def test_no_investment_is_dropped_by_olley_pakes_and_refused_elsewhere():
    f = frame()
    f.loc[f["firm"] == 5, ["investment", "materials"]] = -np.inf
    fit = ESTIMATORS["olley_pakes"](f)
    assert fit.dropped_counts()["both", "investment is the logarithm of zero"] == 6
    with pytest.raises(SampleError, match="firm 5, year 1, variable materials"):
        ESTIMATORS["levinsohn_petrin"](f)


def test_only_a_firm_that_is_gone_for_good_exits():
    f = frame(firms=30)
    left = (f["firm"] == 2) & (f["year"] > 4)
    gap = (f["firm"] == 3) & (f["year"] == 3)
    incomplete = (f["firm"] == 4) & (f["year"] == 6)
    f.loc[incomplete, "investment"] = np.nan
    roles = Roles.of(*INPUTS, "investment")
    with pytest.warns(UserWarning, match="skip years"):
        sample = prepare(f[~(left | gap)], roles, *KEY, exit="attrition")
    survives = pd.Series(sample.firms.survives, index=sample.frame.index)
    assert survives[survives == 0].index.tolist() == [(2, 4)]
    assert survives[survives.isna()].index.difference(
        [(firm, 6) for firm in range(1, 31)]
    ).tolist() == [(3, 2)]
    assert survives[(4, 5)] == 1
    flagged = f.assign(closes=(f["firm"] == 9) & (f["year"] == 6))
    column = prepare(flagged, roles, *KEY, exit="closes")
    survives = pd.Series(column.firms.survives, index=column.frame.index)
    assert survives[survives == 0].index.tolist() == [(9, 6)]


# Several solutions


def test_the_two_solutions_of_ackerberg_caves_frazer_are_named():
    f = frame(design=1, firms=500, seed=1)
    with pytest.warns(UserWarning, match="2 solutions fit equally well"):
        fit = ESTIMATORS["ackerberg_caves_frazer"](f)
    solved = fit.starts[fit.starts["converged"]].drop_duplicates("solution")
    found = sorted(solved["labour"])
    assert found[0] == pytest.approx(0.6, abs=0.05) and found[1] == pytest.approx(1, abs=0.05)
    assert solved["criterion"].max() < 1e-10
    assert fit.params["labour"] == found[0] and fit.starts["chosen"].sum() == 1
    # From least squares alone, the solution is the other one.
    alone = fit.starts.iloc[[0]][["start_labour", "start_capital"]]
    alone = alone.rename(columns=lambda c: c.removeprefix("start_"))
    other = proxy.ackerberg_caves_frazer(f, *INPUTS, "materials", *KEY, starts=alone)
    assert other.converged and other.params["labour"] == pytest.approx(found[1], abs=1e-6)


def test_a_search_without_a_solution_says_so():
    found = search(lambda x: np.array([x[0] ** 2 + 1]), np.array([[1.0], [3.0]]), ["a"], zero=1e-9)
    assert not found.converged and "no start led to a solution" in found.warning
    assert found.criterion == pytest.approx(1)


def test_no_convergence_reaches_the_reader():
    f = frame(design=1, firms=500, seed=1)
    far = pd.DataFrame({"labour": [1.1], "capital": [3.1]})
    with pytest.warns(UserWarning, match="no start led to a solution.*see `starts`"):
        fit = proxy.ackerberg_caves_frazer(f, *INPUTS, "materials", *KEY, starts=far)
    assert not fit.converged and "not converged" in fit._repr_html_()


def test_among_minima_the_lowest_is_chosen_whatever_the_order():
    def residuals(x):
        return np.array([(x[0] - 1) * (x[0] + 1), 0.3 * (x[0] - 1)])

    for points in ([[-2.0], [2.0]], [[2.0], [-2.0]]):
        found = search(residuals, np.array(points), ["a"])
        assert found.params[0] == pytest.approx(1, abs=1e-6)
        assert found.starts["solution"].nunique() == 2


def test_starting_points():
    points = starting_points(4, ["a", "b"], np.array([0.9, 0.1]))
    assert points[0].tolist() == [0.9, 0.1] and points.shape == (4, 2)
    assert ((points > 0) & (points < 1)).all()
    for wrong in (0, pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [np.nan], "b": [1.0]})):
        with pytest.raises(MethodError):
            starting_points(wrong, ["a", "b"], np.array([0.9, 0.1]))


# The bootstrap


@pytest.mark.parametrize("name", TWO_STEP)
def test_the_bootstrap_repeats_with_its_seed(name):
    function = getattr(proxy, name)
    fuel = "investment" if name == "olley_pakes" else "materials"
    runs = [
        function(frame(), *INPUTS, fuel, *KEY, starts=2, replications=4, seed=seed)
        for seed in (1, 1, 2)
    ]
    pd.testing.assert_frame_equal(runs[0].bootstrap, runs[1].bootstrap)
    assert not np.allclose(runs[0].bootstrap, runs[2].bootstrap)
    np.testing.assert_allclose(runs[0].std_errors, runs[0].bootstrap.std(ddof=1))
    assert (runs[0].std_errors > 0).all() and "4 samples" in runs[0].errors


def test_drawing_every_firm_once_gives_the_sample_and_twice_gives_copies():
    firms = prepare(frame(), Roles.of(*INPUTS, "materials"), *KEY).firms
    same = firms.draw(np.arange(80))
    for name in ("y", "free", "state", "proxy", "lag", "first"):
        np.testing.assert_array_equal(getattr(same, name), getattr(firms, name))
    twice = firms.draw(np.array([3, 3]))
    np.testing.assert_array_equal(twice.y[:6], twice.y[6:])
    assert twice.lag.tolist() == [-1, 0, 1, 2, 3, 4, -1, 6, 7, 8, 9, 10]


# What is refused


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: f[f["firm"] == 3], SampleError, "one firm .*firm 3"),
        (lambda f: pd.concat([f, f.iloc[[4]]]), SampleError, "more than once.*firm 1, year 5"),
        (lambda f: f.rename(columns={"capital": "capitol"}), DataError, "did you mean|Did you"),
        (lambda f: f.assign(capital=2 * f["labour"]), EstimationError, "collinear"),
        (lambda f: f.assign(capital=1.0), EstimationError, "'capital' is constant"),
        (lambda f: f.assign(output=np.exp(3 * f["output"])), DataError, "a logarithm.*levels"),
        (lambda f: f.assign(output="a"), DataError, "not numbers.*output"),
        (lambda f: f.assign(year=f["year"] + 0.5), SampleError, "not whole years"),
        (lambda f: f.assign(labour=np.nan), SampleError, "no complete row"),
        (
            lambda f: f.assign(labour=f["labour"].where(f.index != 8, np.inf)),
            SampleError,
            "firm 2, year 3, variable labour",
        ),
    ],
    ids=[
        "one-firm",
        "double-key",
        "unknown-name",
        "collinear",
        "constant",
        "levels",
        "text",
        "half-years",
        "nothing-left",
        "infinite",
    ],
)
def test_bad_input_has_a_named_error(name, spoil, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        ESTIMATORS[name](spoil(frame()))


@pytest.mark.parametrize("name", ["olley_pakes", "levinsohn_petrin", "wooldridge"])
def test_a_free_input_that_follows_state_and_proxy_is_named(name):
    f = frame()
    fuel = "investment" if name == "olley_pakes" else "materials"
    f["labour"] = f["capital"] + 0.5 * f[fuel] - 0.1 * f["capital"] * f[fuel]
    with pytest.raises(EstimationError, match="'labour' does not vary given state and proxy"):
        ESTIMATORS[name](f)


@pytest.mark.parametrize("name", [*TWO_STEP, "wooldridge"])
def test_firms_without_two_years_in_a_row_are_refused(name):
    f = frame()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*skip years")
        with pytest.raises(SampleError, match="no firm has two years in a row"):
            ESTIMATORS[name](f[f["year"] % 2 == 0])


def test_options_that_cannot_be_used():
    f = frame()
    roles = (*INPUTS, "materials", *KEY)
    for options in ({"degree": 0}, {"markov": 1.5}, {"replications": 1}, {"starts": 0}):
        with pytest.raises(MethodError):
            proxy.levinsohn_petrin(f, *roles, **options)
    with pytest.raises(MethodError, match="unknown equations 'frist'"):
        proxy.wooldridge(f, *roles, equations="frist")
    with pytest.raises(MethodError, match="'capital' has two roles"):
        proxy.levinsohn_petrin(f, "output", "labour", "capital", "capital", *KEY)
    with pytest.raises(MethodError, match="no free or no state"):
        proxy.levinsohn_petrin(f, "output", [], "capital", "materials", *KEY)
    with pytest.raises(EstimationError, match="the first step has 480 row.*lower the degree|Lower"):
        proxy.levinsohn_petrin(f, *roles, degree=40)


def test_exit_needs_firms_that_exit():
    roles = (*INPUTS, "investment", *KEY)
    with pytest.raises(EstimationError, match="0 of 400 firm-years exit"):
        proxy.olley_pakes(frame(), *roles, exit="attrition")
    with pytest.raises(DataError, match="unknown variable 'closed'"):
        proxy.olley_pakes(frame(), *roles, exit="closed")
    vague = frame().assign(closes=lambda f: (f["year"] == 3).where(f.index != 8).astype("boolean"))
    with pytest.raises(SampleError, match="closes is missing .firm 2, year 3"):
        proxy.olley_pakes(vague, *roles, exit="closes")


def test_lost_bootstrap_samples_are_counted():
    f = frame(firms=2)
    # A draw of one firm twice has six rows that differ, and the six terms of the polynomial
    # fit anything there: nothing is left for labour.
    with pytest.warns(UserWarning, match="of 8 bootstrap samples gave no estimate"):
        fit = proxy.levinsohn_petrin(
            f, *INPUTS, "materials", *KEY, degree=2, markov=1, replications=8, seed=2
        )
    lost = fit.bootstrap.isna().any(axis=1)
    assert 0 < lost.sum() < 7
    np.testing.assert_allclose(fit.std_errors, fit.bootstrap[~lost].std(ddof=1))
    assert f"{8 - lost.sum()} samples" in fit.errors


def test_an_input_fixed_within_firms_has_no_firm_effect_estimate():
    f = frame()
    f["capital"] = f.groupby("firm")["capital"].transform("mean")
    with pytest.raises(EstimationError, match="'capital' does not vary within any firm"):
        ESTIMATORS["fixed_effects"](f)


# The simulated firms


def test_the_same_seed_gives_the_same_firms():
    pd.testing.assert_frame_equal(simulate_firms(3, 5, 4, 9), simulate_firms(3, 5, 4, 9))
    assert not simulate_firms(3, 5, 4, 9).equals(simulate_firms(3, 5, 4, 8))


def test_an_error_in_materials_changes_materials_alone():
    clean, noisy = (simulate_firms(1, 2000, 3, 9, sd_materials=sd) for sd in (0.0, 0.2))
    same = [c for c in clean.columns if c != "materials"]
    pd.testing.assert_frame_equal(noisy[same], clean[same])
    assert (noisy["materials"] - clean["materials"]).std() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("design", DESIGNS)
def test_moments_of_the_simulated_firms(design):
    f = simulate_firms(design, firms=3000, years=8, seed=4)
    wide = f.pivot(index="firm", columns="year", values="productivity")
    count = 3000
    sd = wide.std()
    np.testing.assert_allclose(sd, 0.3, atol=4 * 0.3 / np.sqrt(2 * count))
    rho = np.corrcoef(wide[4], wide[5])[0, 1]
    assert rho == pytest.approx(0.7, abs=4 * (1 - 0.49) / np.sqrt(count))
    wage = f.pivot(index="firm", columns="year", values="wage")
    wanted = DESIGNS[design].sd_wage
    np.testing.assert_allclose(wage.std(), wanted, atol=4 * wanted / np.sqrt(2 * count))
    if wanted:
        found = np.corrcoef(wage[4], wage[5])[0, 1]
        assert found == pytest.approx(0.3, abs=4 * 0.91 / np.sqrt(count))
    error = f["output"] - TRUTH["labour"] * f["labour"] - TRUTH["capital"] * f["capital"]
    assert (error - f["productivity"]).std() == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("design", DESIGNS)
def test_capital_follows_investment(design):
    f = np.exp(simulate_firms(design, firms=20, years=6, seed=4).set_index(list(KEY)))
    after = f["capital"].groupby("firm").shift(-1)
    np.testing.assert_allclose(
        after.dropna(), (0.8 * f["capital"] + f["investment"])[after.notna()]
    )


def test_labour_maximises_expected_profit():
    f = frame(design=2, firms=4000, years=1, seed=3)
    # Without a lead, productivity is known: the planned wage bill is 0.6 of planned output,
    # and the error in labour has mean zero in logarithms.
    gap = f["labour"] - f["materials"] - np.log(0.6)
    assert gap.mean() == pytest.approx(0, abs=4 * 0.37 / np.sqrt(4000))
    assert gap.std() == pytest.approx(0.37, abs=0.02)


@pytest.mark.parametrize("design", [1, 3])
def test_the_marginal_value_of_capital_is_an_expectation_of_profit(design):
    """The first term of the sum, one year ahead, against numerical integration."""
    chosen = DESIGNS[design]
    omega, wage, late = 0.2, -0.05, 0.7**0.5
    early_sd = 0.3 * np.sqrt(1 - late**2)

    def profit(early, next_wage):
        # Best labour for K = 1, then profit averaged over what is not known when it is chosen.
        mean = np.exp(late * early + 0.3**2 * (1 - late**2) / 2)
        labour = (0.6 * mean / np.exp(next_wage)) ** 2.5
        noise = chosen.sd_labour**2 / 2
        revenue = mean * labour**0.6 * np.exp(0.36 * noise)
        return revenue - np.exp(next_wage) * labour * np.exp(noise)

    def density(x, mean, sd):
        return np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))

    wage_sd, mean, wage_mean = 0.1 * np.sqrt(0.91), late * omega, 0.3 * wage
    expected, _ = dblquad(
        lambda e, w: profit(e, w) * density(e, mean, early_sd) * density(w, wage_mean, wage_sd),
        wage_mean - 8 * wage_sd,
        wage_mean + 8 * wage_sd,
        mean - 8 * early_sd,
        mean + 8 * early_sd,
    )
    # Value = 0.95 E[profit + 0.8 value next year]: check the recursion by simulated futures.
    rng = np.random.default_rng(0)
    size = (1, 200_000)
    next_omega = 0.7 * omega + rng.normal(0, 0.3 * np.sqrt(0.51), size)
    next_wage = wage_mean + rng.normal(0, wage_sd, size)
    future = investment(next_omega, next_wage, chosen)
    value = investment(np.array([[omega]]), np.array([[wage]]), chosen)[0, 0]
    wanted = 0.95 * (expected + 0.8 * future.mean())
    assert value == pytest.approx(wanted, abs=4 * 0.76 * future.std() / np.sqrt(size[1]))


def test_simulations_that_cannot_be_made():
    with pytest.raises(MethodError, match="unknown design 7"):
        simulate_firms(7)
    with pytest.raises(MethodError, match="0 firm"):
        simulate_firms(1, firms=0)
    with pytest.raises(MethodError, match="two or more"):
        monte_carlo({}, replications=1)


def test_a_sample_that_fails_is_recorded_and_the_run_goes_on():
    def fragile(f):
        if f["output"].iloc[0] > 0.5:
            raise EstimationError("no luck")
        return ESTIMATORS["ols"](f)

    run = monte_carlo({"fragile": fragile}, replications=12, seed=1, firms=20, years=3)
    assert 0 < len(run.failures) < 12
    assert run.summary()["replications"].unique().tolist() == [12 - len(run.failures)]
    assert run.estimates["estimate"].isna().sum() == 2 * len(run.failures)
    again = monte_carlo({"fragile": fragile}, replications=12, seed=1, firms=20, years=3)
    pd.testing.assert_frame_equal(run.estimates, again.estimates)


def test_other_errors_of_an_estimator_are_not_hidden():
    def broken(f):
        return f["no such column"]

    with pytest.raises(KeyError):
        monte_carlo({"broken": broken}, replications=2, firms=5, years=2)
    assert issubclass(EstimationError, NqpfError) and isinstance(DESIGNS[1], Design)
