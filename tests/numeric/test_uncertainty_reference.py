"""Draws against recipes, enumeration of every case, and Sobol indices that are known."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
from SALib.analyze import sobol as analyse
from SALib.sample import sobol as draw
from scipy import stats

from nqpf import provinces
from nqpf.compare import sensitivity, uncertainty
from nqpf.index import Recipe
from nqpf.systems import IndicatorMatrix

ALL = {
    "normalise": ("minmax", "minmax_yearly", "rank", "vector", "zscore"),
    "weights": ("entropy", "equal", "critic", "variation", "ahp_entropy"),
    "aggregate": ("topsis", "linear", "geometric", "harmonic", "vikor", "coupling"),
}
NOISE = {"error": 0.05, "perturb": 0.25}
REGIMES = {
    "choices": {},
    "weights change": {"perturb": 0.25},
    "measurement error": {"error": 0.05},
    "both": NOISE,
}


def simulated(n, years, m, seed=0, digits=None):
    """Log-normal indicators in different units, a third of them costs, in four dimensions."""
    rows = pd.MultiIndex.from_product([provinces.codes()[:n], range(2023 - years, 2023)])
    rows.names = ["province", "year"]
    drawn = np.random.default_rng(seed).lognormal(size=(len(rows), m)) * 10.0 ** np.arange(m)
    keys = [f"i{j}" for j in range(m)]
    values = pd.DataFrame(drawn if digits is None else drawn.round(digits), rows, keys)
    benefit = pd.Series([j % 3 > 0 for j in range(m)], keys)
    return IndicatorMatrix(values, benefit, pd.Series([f"d{j % 4}" for j in range(m)], keys))


def ranks_of(scores):
    """Ranks of each row of scores; those that agree to twelve decimals share the better rank."""
    return pd.DataFrame(scores.round(12)).rank(axis=1, ascending=False, method="min").to_numpy()


def assert_equal_to_recipes(result, draws):
    year, codes = result.year, result.baseline.index
    again = np.array(
        [result.refit(d).xs(year, level="year")[codes].to_numpy() for d in range(draws)]
    )
    np.testing.assert_allclose(result.scores[:draws], again, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(result.ranks[:draws], ranks_of(again))
    gaps = np.diff(np.sort(again, axis=1), axis=1)
    clear = (gaps > 1e-11).all(axis=1)  # no two scores that only rounding tells apart
    plain = pd.DataFrame(again).rank(axis=1, ascending=False, method="min").to_numpy()
    np.testing.assert_array_equal(result.ranks[:draws][clear], plain[clear])
    return int(clear.sum())


def test_draws_on_a_sample_of_the_size_of_the_panel_equal_refitted_recipes():
    result = uncertainty(simulated(31, 11, 20), 20, seed=1, **NOISE)
    assert assert_equal_to_recipes(result, 20) >= 17


CASES = list(itertools.product(REGIMES, ("distinct values", "ties")))


@functools.cache
def compared(regime, kind, draws=25):
    """Draws of every method; 25 for each of the eight cases are two hundred."""
    matrix = simulated(9, 4, 7, seed=2, digits=0 if kind == "ties" else None)
    seed = CASES.index((regime, kind))
    return uncertainty(matrix, draws, seed, **ALL, **REGIMES[regime])


@pytest.mark.filterwarnings("ignore:no weight")
@pytest.mark.parametrize(("regime", "kind"), CASES)
def test_two_hundred_draws_of_every_method_equal_refitted_recipes(regime, kind):
    assert_equal_to_recipes(compared(regime, kind), 25)


def test_every_method_is_among_those_compared():
    choices = pd.concat([compared(*case).choices for case in CASES])
    for stage, names in ALL.items():
        assert set(choices[stage]) == set(names)


def test_noise_is_standard_normal_and_independent_within_and_between_draws():
    matrix = simulated(7, 1, 43, seed=4)  # 301 figures, an odd count
    run = uncertainty(matrix, 200, error=0.05, omit=False)
    factors = [run.case(d)[1].values.to_numpy() / matrix.values.to_numpy() for d in range(200)]
    sd = np.sqrt(np.log1p(0.05**2))
    e = (np.log(np.array(factors).reshape(200, -1)) + sd**2 / 2) / sd
    assert stats.kstest(e.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(e.T) - np.eye(301)).max() < 6 / np.sqrt(200)
    assert np.abs(np.corrcoef(e) - np.eye(200)).max() < 6 / np.sqrt(301)


CHOICES = {
    "normalise": ("minmax", "rank"),
    "weights": ("entropy", "equal", "critic"),
    "aggregate": ("topsis", "linear"),
}


def enumerated(matrix, year=2022):
    """Ranks of every case, shape (2, 3, 2, m + 1, n), each from a recipe."""
    keys = list(matrix.values)
    cases = [
        matrix if j == len(keys) else matrix.select(keys[:j] + keys[j + 1 :])
        for j in range(len(keys) + 1)
    ]
    scores = [
        Recipe(*names).fit(case).scores.xs(year, level="year").sort_index()
        for names in itertools.product(*CHOICES.values())
        for case in cases
    ]
    return ranks_of(np.array(scores)).reshape(2, 3, 2, len(cases), -1).astype(float)


@pytest.fixture(scope="module")
def small():
    matrix = simulated(8, 3, 6, seed=5)
    return matrix, enumerated(matrix)


def test_shares_of_draws_approach_those_over_all_cases(small):
    matrix, ranks = small
    draws = 20_000
    result = uncertainty(matrix, draws, **CHOICES)
    flat = ranks.reshape(-1, ranks.shape[-1])
    assert len(np.unique(result.scores, axis=0)) <= len(flat)
    for k in (1, 3, 5):
        exact = (flat <= k).mean(axis=0)
        margin = 4 * np.sqrt(exact * (1 - exact) / draws)
        assert (np.abs(result.probability(k) - exact) <= margin).all()
    exact = (flat[:, 1] < flat[:, 2]).mean() + (flat[:, 1] == flat[:, 2]).mean() / 2
    codes = result.baseline.index
    assert result.above().loc[codes[1], codes[2]] == pytest.approx(exact, abs=0.015)


def decomposed(y):
    """First-order and total indices of a table with an axis per factor, from variances."""
    axes = range(y.ndim)
    first = [y.mean(axis=tuple(a for a in axes if a != own)).var() / y.var() for own in axes]
    total = [y.var(axis=own).mean() / y.var() for own in axes]
    return np.array(first), np.array(total)


def test_indices_of_ranks_approach_the_exact_ones(small):
    matrix, ranks = small
    result = sensitivity(matrix, 1024, **CHOICES)
    before = result.baseline.to_numpy()
    outputs = [np.abs(ranks - before).mean(axis=-1), *np.moveaxis(ranks, -1, 0)]
    tables = [result.shift, *(result.ranks.loc[code] for code in result.baseline.index)]
    compared = 0
    for y, table in zip(outputs, tables, strict=True):
        if y.var() == 0:
            assert table.isna().all(axis=None)
            continue
        for name, exact in zip(("first", "total"), decomposed(y), strict=True):
            # Twice the half width of a 95 % interval; the quasi-random error is smaller.
            assert (np.abs(table[name] - exact) <= 2 * table[f"{name}_margin"] + 1e-3).all()
            compared += len(exact)
    assert compared >= 56


def indices_of(function, factors, samples, seed=0):
    """Estimate Sobol indices by SALib as `sensitivity` does."""
    problem = {"num_vars": factors, "names": list(range(factors)), "bounds": [[0, 1]] * factors}
    u = draw.sample(problem, samples, calc_second_order=False, scramble=True, seed=seed)
    found = analyse.analyze(
        problem, function(u), calc_second_order=False, num_resamples=2, seed=seed + 1
    )
    return {"first": found["S1"], "total": found["ST"]}


def ishigami(u):
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# Ishigami and Homma (1990) with a = 7, b = 0.1; the closed form of the variances.
_V1 = (1 + 0.1 * np.pi**4 / 5) ** 2 / 2
_V2 = 49 / 8
_V13 = 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
ISHIGAMI = {
    "first": np.array([_V1, _V2, 0]) / (_V1 + _V2 + _V13),
    "total": np.array([_V1 + _V13, _V2, _V13]) / (_V1 + _V2 + _V13),
}


def test_closed_form_of_ishigami_is_the_printed_one():
    # SALib's documentation ("Basics") and Saltelli et al. (2008, p. 179) give these digits.
    np.testing.assert_allclose(ISHIGAMI["first"], [0.3139, 0.4424, 0], atol=5e-5)
    np.testing.assert_allclose(ISHIGAMI["total"], [0.5576, 0.4424, 0.2437], atol=5e-5)


def test_ishigami():
    found = indices_of(ishigami, 3, 8192, seed=1)
    peer = stats.sobol_indices(
        func=lambda x: ishigami(x.T),
        n=8192,
        dists=[stats.uniform()] * 3,
        rng=np.random.default_rng(2),
    )
    for name, theirs in (("first", peer.first_order), ("total", peer.total_order)):
        np.testing.assert_allclose(found[name], ISHIGAMI[name], atol=0.01)
        np.testing.assert_allclose(found[name], theirs.ravel(), atol=0.02)


def test_sensitivity_is_what_salib_gives(small):
    matrix, ranks = small
    result = sensitivity(matrix, 256, seed=3, **CHOICES, omit=False)
    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[0, 1]] * 3}
    u = draw.sample(problem, 256, calc_second_order=False, seed=3)
    at = (u * [2, 3, 2]).astype(int).T
    own = ranks[(*at, -1)]  # no indicator is left out
    outputs = {"shift": np.abs(own - result.baseline.to_numpy()).mean(axis=1)}
    outputs |= dict(zip(result.baseline.index, own.T, strict=True))
    for name, y in outputs.items():
        found = result.shift if name == "shift" else result.ranks.loc[name]
        if np.ptp(y) == 0:
            assert found.isna().all(axis=None)
            continue
        theirs = analyse.analyze(
            problem, y, calc_second_order=False, num_resamples=200, conf_level=0.95, seed=4
        )
        for ours, key in (("first", "S1"), ("total", "ST"), ("total_margin", "ST_conf")):
            np.testing.assert_allclose(found[ours], theirs[key], rtol=1e-9, atol=1e-15)


def test_sum_of_levels_has_the_shares_of_its_variances():
    """Factors mapped by floor as in `sensitivity`: variance of k levels is (k^2 - 1) / 12."""
    levels, slopes = np.array([2, 3, 4, 21]), np.array([5.0, 2.0, 1.0, 0.2])
    found = indices_of(lambda u: np.floor(u * levels) @ slopes, 4, 4096)
    variance = slopes**2 * (levels**2 - 1) / 12
    shares = variance / variance.sum()
    np.testing.assert_allclose(found["first"], shares, atol=0.005)
    np.testing.assert_allclose(found["total"], shares, atol=0.005)
