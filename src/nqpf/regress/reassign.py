"""Randomisation inference for a reform: which units were treated is drawn again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress.staggered import effect_weights, on_keys, wide_cohorts

__all__ = ["Reassignment", "detectable", "reassign"]

_TIE = 1e-9  # statistics this close are ties, which count as at least as extreme
_REACH, _STEPS = 8, 161  # effects tried, up to eight standard deviations of chance


@dataclass(frozen=True)
class Reassignment:
    """Estimates when cohorts keep their sizes and their members are drawn.

    Attributes
    ----------
    estimates : Series by (outcome, estimate)
        With the actual treatment.
    draws : DataFrame
        The same columns, one row per draw.
    pvalues : Series
        (1 + draws at least as far from zero) / (1 + draws), and never less than 1 / `distinct`.
    distinct : int
        Different assignments that there are.
    seed : int
    """

    estimates: pd.Series
    draws: pd.DataFrame
    pvalues: pd.Series
    distinct: int
    seed: int

    def joint(self, outcome: str, columns: Sequence[object]) -> float:
        """Return one p value for several estimates of an outcome at once.

        The statistic is the quadratic form of the estimates in the inverse of their second
        moments over the draws.
        """
        own = self.draws[outcome][list(columns)].to_numpy()
        inverse = np.linalg.pinv(own.T @ own / len(own))
        actual = self.estimates[outcome][list(columns)].to_numpy()
        statistic = actual @ inverse @ actual
        drawn = np.einsum("ij,jk,ik->i", own, inverse, own)
        extreme = int((drawn >= statistic * (1 - _TIE)).sum())
        return max((1 + extreme) / (1 + len(own)), 1 / self.distinct)


def reassign(
    outcomes: pd.DataFrame,
    treatment: pd.DataFrame,
    estimator: str = "imputation",
    draws: int = 999,
    seed: int = 0,
) -> Reassignment:
    """Estimate the effect again with the treated drawn at random, cohorts keeping their sizes.

    Under the null that the reform did nothing to anybody, the actual estimate is one draw
    among the others, however few units were treated (MacKinnon and Webb 2020).

    Parameters
    ----------
    outcomes : DataFrame
        Keyed as `treatment`, one column per outcome; all meet the same draws.
    treatment : DataFrame
        From :func:`nqpf.regress.adoption`, of a balanced sample.
    estimator : {"two-way", "imputation", "cohorts"}
        As in :func:`nqpf.regress.effect_weights`.
    draws, seed : int

    Returns
    -------
    Reassignment

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced or the keys differ.
    nqpf.errors.MethodError
        If the estimator is unknown or there are fewer than 99 draws.

    Examples
    --------
    >>> from nqpf.regress import adoption
    >>> keys = pd.MultiIndex.from_product([range(8), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=48)}, keys)
    >>> treatment = adoption(frame, {0: 2018, 1: 2018, 2: 2019})
    >>> frame["y"] += 5 * treatment["treated"]
    >>> test = reassign(frame, treatment)
    >>> test.distinct, bool(test.pvalues["y", "effect"] < 0.02)
    (168, True)
    """
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 99:
        raise MethodError(f"{draws!r} draws", expected="a whole number, 99 or more")
    weights = effect_weights(treatment, estimator)
    cohorts = wide_cohorts(treatment)
    data = on_keys(outcomes, treatment)
    orders = _orders(np.random.default_rng(seed), len(cohorts), draws)
    actual, drawn = {}, {}
    for name in data:
        values = data[name].unstack().to_numpy()
        for column in weights:
            cross = weights[column].unstack().to_numpy() @ values.T
            actual[name, column] = float(np.trace(cross))
            drawn[name, column] = _sums(cross, orders)
    estimates, draw_table = pd.Series(actual), pd.DataFrame(drawn)
    extreme = (draw_table.abs() >= estimates.abs() * (1 - _TIE)).sum()
    distinct = _distinct(cohorts)
    return Reassignment(
        estimates=estimates,
        draws=draw_table,
        pvalues=((1 + extreme) / (1 + draws)).clip(lower=1 / distinct),
        distinct=distinct,
        seed=seed,
    )


def detectable(
    outcomes: pd.DataFrame,
    treatment: pd.DataFrame,
    estimator: str = "imputation",
    power: float = 0.8,
    level: float = 0.05,
    truths: int = 200,
    draws: int = 499,
    seed: int = 0,
) -> pd.Series:
    """Return the smallest constant effect that :func:`reassign` would find often enough.

    The estimated effect is taken out of the outcomes. Then units to treat are drawn `truths`
    times, an effect is added to them, and the test is run with `draws` further assignments.

    Parameters
    ----------
    outcomes, treatment, estimator, draws, seed
        As for :func:`reassign`.
    power, level : float
        Share of the truths in which the p value is at most `level`.
    truths : int

    Returns
    -------
    Series by outcome
        In the units of the outcome; infinite when no effect tried is found that often.

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`reassign`.

    Examples
    --------
    >>> from nqpf.regress import adoption
    >>> keys = pd.MultiIndex.from_product([range(20), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=120)}, keys)
    >>> treatment = adoption(frame, dict.fromkeys(range(6), 2018))
    >>> bool(0.9 < detectable(frame, treatment)["y"] < 1.6)
    True
    """
    weights = effect_weights(treatment, estimator)["effect"].unstack().to_numpy()
    treated = treatment["treated"].unstack().to_numpy().astype(float)
    data = on_keys(outcomes, treatment)
    rng = np.random.default_rng(seed)
    truth, orders = _orders(rng, len(treated), truths), _orders(rng, len(treated), draws)
    back = np.argsort(truth, axis=1)
    overlap = weights @ treated.T
    smallest = 1 / _distinct(wide_cohorts(treatment))  # that a p value can be
    carried = np.array([_sums(overlap, order[orders]) for order in back])  # (truths, draws)
    found = {}
    for name in data:
        values = data[name].unstack().to_numpy()
        values = values - (weights * values).sum() * treated
        cross = weights @ values.T
        drawn, own = _sums(cross, orders), _sums(cross, truth)
        effects = np.linspace(0, _REACH * drawn.std(), _STEPS)
        share = np.array([_rejected(own, drawn, carried, one, level) for one in effects])
        enough = np.flatnonzero(share >= power) if level >= smallest else []
        found[name] = float(effects[enough[0]]) if len(enough) else np.inf
    return pd.Series(found, name="detectable")


def _distinct(cohorts: pd.Series) -> int:
    return factorial(len(cohorts)) // prod(map(factorial, cohorts.value_counts()))


def _rejected(
    own: np.ndarray, drawn: np.ndarray, carried: np.ndarray, effect: float, level: float
) -> float:
    actual = np.abs(own + effect)[:, None] * (1 - _TIE)
    extreme = (np.abs(drawn + effect * carried) >= actual).sum(axis=1)
    return float(np.mean((1 + extreme) / (1 + len(drawn)) <= level))


def _orders(rng: np.random.Generator, units: int, draws: int) -> np.ndarray:
    return np.array([rng.permutation(units) for _ in range(draws)])


def _sums(cross: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Return the estimate for each order: place i of the design gets outcomes of order[i]."""
    return cross[np.arange(len(cross)), orders].sum(axis=1)
