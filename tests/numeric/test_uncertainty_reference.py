"""Draws against recipes, enumeration of every case, and Sobol indices from variances."""

import itertools

import numpy as np
import pandas as pd
import pytest
from made_up_index import case, choices, refitted
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
REGIMES = {"choices": {}, "weights change": {"perturb": 0.25}, "both": NOISE}
REGIMES["measurement error"] = {"error": 0.05}


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
    refits = (refitted(result, d).xs(result.plan.year, level="year") for d in range(draws))
    again = np.array([scores[result.baseline.index] for scores in refits])
    np.testing.assert_allclose(result.scores[:draws], again, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(result.ranks[:draws], ranks_of(again))


CASES = list(itertools.product(REGIMES, ("distinct values", "ties")))


@pytest.mark.filterwarnings("ignore:no weight")
def test_draws_of_every_method_equal_refitted_recipes():
    """Of the size of the panel, and 25 in each of eight cases, two hundred in all."""
    assert_equal_to_recipes(uncertainty(simulated(31, 11, 20), 20, seed=1, **NOISE), 20)
    drawn = []
    for seed, (regime, kind) in enumerate(CASES):
        matrix = simulated(9, 4, 7, seed=2, digits=0 if kind == "ties" else None)
        result = uncertainty(matrix, 25, seed, **ALL, **REGIMES[regime])
        assert_equal_to_recipes(result, 25)
        drawn.append(choices(result))
    for stage, names in ALL.items():
        assert set(pd.concat(drawn)[stage]) == set(names)


@pytest.mark.parametrize("error", [0.05, 0.4])
def test_noise_is_standard_normal_and_independent_within_and_between_draws(error):
    matrix = simulated(7, 1, 43, seed=4)  # 301 figures, an odd count
    run = uncertainty(matrix, 100, error=error, omit=False)
    factors = [case(run, d)[1].values.to_numpy() / matrix.values.to_numpy() for d in range(100)]
    sd = np.sqrt(np.log1p(error**2))
    e = (np.log(np.array(factors).reshape(100, -1)) + sd**2 / 2) / sd
    assert stats.kstest(e.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(e.T) - np.eye(301)).max() < 6 / np.sqrt(100)
    assert np.abs(np.corrcoef(e) - np.eye(100)).max() < 6 / np.sqrt(301)


CHOICES = {
    "normalise": ("minmax", "rank"),
    "weights": ("entropy", "equal", "critic"),
    "aggregate": ("topsis", "linear"),
}


def enumerated(matrix, year=2022):
    """Ranks of every case, shape (2, 3, 2, m + 1, n), each from a recipe."""
    keys = list(matrix.values)
    cases = [*(matrix.select([k for k in keys if k != lost]) for lost in keys), matrix]
    recipes = [Recipe(*names) for names in itertools.product(*CHOICES.values())]
    fitted = [recipe.fit(case).scores for recipe in recipes for case in cases]
    scores = [one.xs(year, level="year").sort_index() for one in fitted]
    return ranks_of(np.array(scores)).reshape(2, 3, 2, len(cases), -1).astype(float)


def test_sensitivity_is_what_salib_makes_of_every_case():
    matrix = simulated(8, 3, 6, seed=5)
    ranks = enumerated(matrix)
    result = sensitivity(matrix, 256, seed=3, **CHOICES)
    problem = {"num_vars": 4, "names": list("abcd"), "bounds": [[0, 1]] * 4}
    u = draw.sample(problem, 256, calc_second_order=False, seed=3)
    own = ranks[tuple((u * ranks.shape[:4]).astype(int).T)]
    y = np.abs(own - ranks[0, 0, 0, -1]).mean(axis=1)
    options = {"calc_second_order": False, "num_resamples": 200, "conf_level": 0.95, "seed": 4}
    theirs = analyse.analyze(problem, y, **options)
    for ours, key in (("first", "S1"), ("total", "ST"), ("total_margin", "ST_conf")):
        np.testing.assert_allclose(result.shift[ours], theirs[key], rtol=1e-9, atol=1e-15)
    assert result.mean_shift == pytest.approx(y.mean()) and result.runs == len(y)
