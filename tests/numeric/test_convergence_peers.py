"""Convergence against statsmodels, spreg's likelihood by hand, scipy and another club program.

Clubs: figures of convergence-clubs 0.1.2 (a port of R's ConvergenceClubs), run on the panels
below with core_rule="max_t", time_trim=0.3, cstar_method="incremental", cstar_increment=0.05.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case

from nqpf.dynamics.clubs import club
from nqpf.dynamics.convergence import beta, sigma

RNG = np.random.default_rng(11)


def growth(units: int = 20) -> pd.Series:
    start = RNG.normal(0, 0.5, units)
    end = start + 0.4 - 0.2 * start + RNG.normal(0, 0.1, units)
    keys = pd.MultiIndex.from_product([range(units), [2010, 2020]], names=["province", "year"])
    return pd.Series(np.exp(np.c_[start, end].ravel()), index=keys)


@pytest.mark.parametrize(
    ("errors", "kind"), [("unadjusted", "nonrobust"), ("robust", "HC1")], ids=["plain", "HC1"]
)
def test_beta_of_mexican_states_equals_statsmodels(errors, kind):
    import statsmodels.api as sm

    table = case("mexico_pcgdp.csv").filter(like="pcgdp")
    table.columns = [int(name[-4:]) for name in table]
    scores = table.stack().rename_axis(["state", "year"])
    result = beta(scores, errors=errors)
    logs = np.log(table)
    own = sm.OLS((logs[2000] - logs[1940]) / 60, sm.add_constant(logs[[1940]])).fit(cov_type=kind)
    assert result.coefficient == pytest.approx(own.params[1940], abs=1e-10)
    assert result.std_error == pytest.approx(own.bse[1940], abs=1e-10)
    assert result.speed == pytest.approx(-np.log(1 + 60 * own.params[1940]) / 60, abs=1e-9)


@pytest.mark.parametrize("spatial", ["lag", "error"])
def test_spatial_beta_maximises_the_likelihood_written_out(spatial):
    from scipy.optimize import minimize_scalar

    scores = growth()
    w = np.roll(np.eye(20), 1, axis=0) / 2 + np.roll(np.eye(20), -1, axis=0) / 2
    frame = pd.DataFrame(w, range(20), range(20))
    result = beta(scores, spatial=spatial, weights=frame.sample(frac=1, random_state=0))
    logs = np.log(scores.unstack()).to_numpy()
    y, x = (logs[:, 1] - logs[:, 0]) / 10, np.c_[np.ones(20), logs[:, 0]]

    def fit(rho):
        left = np.eye(20) - rho * w
        design = x if spatial == "lag" else left @ x
        b, *_ = np.linalg.lstsq(design, left @ y, rcond=None)
        e = left @ y - design @ b
        value = -10 * (np.log(2 * np.pi * e @ e / 20) + 1) + np.linalg.slogdet(left)[1]
        return value, b

    best = minimize_scalar(
        lambda r: -fit(r)[0], bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-10}
    )
    assert result.rho == pytest.approx(best.x, abs=1e-5)
    assert result.coefficient == pytest.approx(fit(best.x)[1][1], abs=1e-6)
    assert result.likelihood_ratio == pytest.approx(2 * (fit(best.x)[0] - fit(0.0)[0]), abs=1e-6)


def test_panel_beta_equals_dummies():
    import statsmodels.formula.api as smf

    years = range(2013, 2021)
    keys = pd.MultiIndex.from_product([range(8), years], names=["province", "year"])
    logs = pd.Series(RNG.normal(size=64).cumsum() / 9, index=keys)
    result = beta(np.exp(logs), design="panel")
    table = logs.rename("y").reset_index()
    table["x"] = table.groupby("province")["y"].shift()
    table["g"] = table["y"] - table["x"]
    own = smf.ols("g ~ x + C(province) + C(year)", table.dropna()).fit()
    assert result.coefficient == pytest.approx(own.params["x"], abs=1e-10)


def test_equal_variances_is_the_test_of_a_correlation():
    from scipy import stats

    table = growth().unstack()
    first, last = np.log(table).to_numpy().T
    result = sigma(table.assign(**{"2015": table[2010]}).rename(columns=int).stack())
    r = result.correlation
    t = r * np.sqrt(18 / (1 - r**2))
    assert result.pvalue == pytest.approx(2 * stats.t.sf(abs(t), 18), abs=1e-12)
    # Carree and Klomp (1997): (N - 2.5) ln(1 + D^2 / (4 (s1 sT - s1T^2))) holds the same 1 - r^2.
    (s1, s1t), (_, st) = np.cov(first, last)
    assert 1 / (1 - r**2) == pytest.approx(1 + (s1 - st) ** 2 / (4 * (s1 * st - s1t**2)))


def three_clubs() -> pd.Series:
    t, i = np.arange(1, 31), np.arange(24)[:, None]
    gap = 0.25 * np.cos(1.7 * i + 0.4) / t**0.6
    wave = 0.06 * np.sin((i + 1) * t**2 * 0.37 + i)
    values = np.array([3.0, 2.0, 1.2])[i % 3] * (1 + gap + wave) * 1.05**t
    keys = pd.MultiIndex.from_product([range(24), range(1990, 2020)], names=["unit", "year"])
    return pd.Series(values.ravel(), index=keys)


PEER = {
    "units": [3, 3, 8, 8],
    "coefficient": [-0.41614488346590833, 0.10577602792270821, 0.8840104585539403]
    + [0.16964485437298393],
    "std_error": [0.8058301633758906, 0.7576408034894385, 0.2986075809099602, 0.3532253729944504],
}
MERGED = {
    "units": [6, 8, 8],
    "coefficient": [-0.28654372584577137, 0.8840104585539403, 0.16964485437298393],
}


def test_clubs_and_units_without_one_are_those_of_another_program():
    result = club(three_clubs())
    found = (result.overall.coefficient, result.overall.std_error)
    assert found == pytest.approx((-0.6499942138656308, 0.027663290559884278), abs=1e-8)
    for table, peer in ((result.before, PEER), (result.clubs, MERGED)):
        for column, wanted in peer.items():
            assert table[column].tolist() == pytest.approx(wanted, abs=1e-8)
    first = [2, 1, 2, 2, 0, 1, 0, 1]  # units 0, 3, 6, ...
    assert result.initial.tolist() == [number for own in first for number in (own, 3, 4)]
