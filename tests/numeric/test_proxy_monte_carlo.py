"""Who recovers the truth on simulated firms, and who does not, by theory and by Monte Carlo.

Thirty samples and a dozen comparisons: two Monte Carlo errors would be passed by chance
in every second seed, so the bound here is a Student quantile at 1 % over all of them.
benchmarks/bench_proxy.py runs two hundred samples and holds them to two errors.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_firms import monte_carlo
from scipy import stats
from statsmodels.formula import api as formulas

from nqpf.tfp import proxy
from nqpf.tfp.simulate import simulate_firms

ROLES = ("output", "labour", "capital")
KEY = ("firm", "year")
ALL = {
    "OLS": lambda f: formulas.ols("output ~ labour + capital", f).fit(),
    "OP": lambda f: proxy.olley_pakes(f, *ROLES, "investment", *KEY),
    "LP": lambda f: proxy.levinsohn_petrin(f, *ROLES, "materials", *KEY),
    "Wooldridge": lambda f: proxy.wooldridge(f, *ROLES, "materials", *KEY),
    "ACF": lambda f: proxy.ackerberg_caves_frazer(f, *ROLES, "materials", *KEY, starts=4),
}
REPLICATIONS = 30
COMPARISONS = 12
BOUND = stats.t.isf(0.01 / COMPARISONS / 2, REPLICATIONS - 1)


@pytest.fixture(scope="module")
def runs():
    chosen = {
        1: ("OLS", "LP", "ACF"),
        2: ("OLS", "LP", "Wooldridge", "ACF"),
        3: ("OLS", "LP"),
        4: ("OP",),
    }
    return {
        design: monte_carlo(
            {name: ALL[name] for name in names}, REPLICATIONS, seed=2015, design=design
        )
        for design, names in chosen.items()
    }


@pytest.mark.parametrize(
    ("estimator", "design"),
    [("ACF", 1), ("ACF", 2), ("LP", 2), ("Wooldridge", 2), ("OP", 4)],
    ids=["ACF-1", "ACF-2", "LP-2", "Wooldridge-2", "OP-4"],
)
def test_the_truth_is_recovered(runs, estimator, design):
    table = runs[design].loc[estimator]
    assert (table["converged"] == REPLICATIONS).all()
    assert (table["z"].abs() < BOUND).all(), table.to_string()
    # Recovering is not being vague: the proxy's labour is known to a few hundredths.
    assert table.loc["labour", "sd"] < 0.02


@pytest.mark.parametrize("design", [1, 2, 3], ids=["design1", "design2", "design3"])
def test_least_squares_overstates_labour_and_understates_capital(runs, design):
    table = runs[design].loc["OLS"]
    assert table.loc["labour", "bias"] > 0.2 and table.loc["labour", "z"] > 20
    assert table.loc["capital", "bias"] < -0.2 and table.loc["capital", "z"] < -20


def test_levinsohn_petrin_finds_no_labour_where_materials_follow_it(runs):
    """In the first design y = m + error, so nothing is left for labour: its limit is zero."""
    table = runs[1].loc["LP"]
    assert abs(table.loc["labour", "bias"] + 0.6) < BOUND * table.loc["labour", "mc_error"]
    assert table.loc["capital", "bias"] > 0.5


def test_levinsohn_petrin_is_biased_when_both_problems_are_there(runs):
    table = runs[3].loc["LP"]
    assert table.loc["labour", "bias"] < -0.1 and table.loc["labour", "z"] < -20
    assert table.loc["capital", "bias"] > 0.1 and table.loc["capital", "z"] > 10


def leave(f: pd.DataFrame) -> pd.DataFrame:
    """Firms exit when productivity falls below a bound that falls in capital."""
    gone = f["productivity"] < -0.15 - 0.9 * (f["capital"] - f["capital"].mean())
    return f[gone.groupby(f["firm"]).cumsum() == 0]


def test_exit_lowers_the_elasticity_of_capital_and_the_correction_restores_it():
    """Survivors with little capital are the productive ones (Olley and Pakes 1996)."""
    roles = (*ROLES, "investment", *KEY)
    run = monte_carlo(
        {
            "plain": lambda f: proxy.olley_pakes(leave(f), *roles),
            "corrected": lambda f: proxy.olley_pakes(leave(f), *roles, exit=True),
        },
        replications=12,
        seed=96,
        design=4,
    )
    table = run.xs("capital", level="parameter")
    assert table.loc["plain", "bias"] < -0.4 and table.loc["plain", "z"] < -10
    assert abs(table.loc["corrected", "z"]) < stats.t.isf(0.01 / 2, 11)


def test_bootstrap_errors_are_of_the_size_of_the_spread_over_samples(runs):
    fit = proxy.levinsohn_petrin(
        simulate_firms(2, seed=3), *ROLES, "materials", *KEY, replications=30, seed=1
    )
    spread = runs[2].loc["LP", "sd"]
    # Thirty draws, and thirty samples, know a spread to a factor of 1 +- 0.13 each.
    assert (np.abs(np.log(fit.std_errors / spread)) < 0.6).all()
