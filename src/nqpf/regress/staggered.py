"""Reforms that reach units at different times: who is treated when, estimators and chance."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
import pandas as pd

from nqpf.checks import choose, whole
from nqpf.errors import SampleError
from nqpf.regress.resample import _TIE, _orders
from nqpf.sample import PanelSample, _balanced, _by_key, _place

_ESTIMATORS = ("two-way", "imputation", "cohorts")
_NEVER = 0
_REACH, _STEPS = 8, 161  # effects tried, up to eight standard deviations of chance


def adoption(
    frame: pd.DataFrame,
    first: Mapping[object, int] | pd.Series,
    unit: str = "province",
    time: str = "year",
) -> pd.DataFrame:
    """Return for every row of a sample whether its unit is treated, by key.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, time in whole years.
    first : mapping or Series
        First treated year by unit; units that are not in it are never treated.

    Returns
    -------
    DataFrame indexed (unit, time), sorted
        ``cohort`` (first treated year, 0 for never), ``event`` (years since then, missing for
        never) and ``treated`` (0 or 1).

    Raises
    ------
    nqpf.errors.SampleError
        If a unit of `first` is not in the sample or has no year before or from adoption on, or
        if no unit is ever or none is never treated.

    Warns
    -----
    UserWarning
        If one unit alone is treated: errors clustered by unit say nothing then.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["a", "b", "c"], [2019, 2020, 2021]],
    ...                                   names=["province", "year"])
    >>> adoption(pd.DataFrame(index=keys), {"a": 2020, "b": 2021})["treated"].unstack()
    year      2019  2020  2021
    province
    a            0     1     1
    b            0     0     1
    c            0     0     0
    """
    index = _by_key(frame, [], unit, time, "the frame").index
    units, years = index.get_level_values(0), index.get_level_values(1)
    if len(first) == 0:
        raise SampleError(f"no {unit} is treated", expected=f"one treated {unit} or more")
    for one, year in first.items():
        own, hint = years[units == one], "leave it out of the dates, and say so"
        if own.empty:
            problem, expected = "a treated unit is not in the sample", f"a {unit} of the sample"
        elif not float(year).is_integer():
            problem, expected = f"treated from {year!r}", f"a whole {time}"
        elif not own.min() < year <= own.max():
            problem = f"treated from {int(year)}, in a sample from {own.min()} to {own.max()}"
            expected = f"a first treated {time} after {own.min()}, for a past to compare with, and "
            expected += f"up to {own.max()}"
        else:
            continue
        raise SampleError(problem, where=_place((one,), (unit,)), expected=expected, hint=hint)
    total = units.nunique()
    if len(first) == total:
        raise SampleError(f"no {unit} is never treated", expected="one that can be compared with")
    if len(first) == 1:
        said = f"one treated {unit}: errors clustered by {unit} say nothing, and of {total} "
        said += f"{unit}s drawn at random it is any one, so that no p value is below 1/{total}"
        warnings.warn(said, stacklevel=2)
    cohort = units.map(dict(first)).fillna(_NEVER).astype(int)
    event = np.where(cohort == _NEVER, np.nan, years - cohort)
    columns = {"cohort": cohort.to_numpy(), "event": event, "treated": (event >= 0).astype(int)}
    return pd.DataFrame(columns, index)


def _effect_weights(treatment: pd.DataFrame, estimator: str = "imputation") -> pd.DataFrame:
    """Return an estimator of :func:`reassign` as weights on the index of `treatment`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["a", "b"], [2019, 2020]], names=["province", "year"])
    >>> with warnings.catch_warnings(action="ignore"):
    ...     one = adoption(pd.DataFrame(index=keys), {"a": 2020})
    >>> _effect_weights(one, "two-way")["effect"].unstack()
    year      2019  2020
    province
    a         -1.0   1.0
    b          1.0  -1.0
    """
    choose("estimator", estimator, _ESTIMATORS)
    _cohorts(treatment)
    index, events = treatment.index, treatment["event"]
    treated = treatment["treated"].to_numpy() == 1
    if estimator == "two-way":
        part = PanelSample(treatment[["treated"]]).within[:, 0]
        return pd.DataFrame({"effect": part / (part**2).sum()}, index)
    wanted = sorted(events.dropna().astype(int).unique())
    if estimator == "imputation":
        targets = {event: (events == event).to_numpy() for event in wanted if event >= 0}
        targets = {"effect": treated} | targets
        mean = np.column_stack([rows / rows.sum() for rows in targets.values()])
        levels = (index.get_level_values(level) for level in (0, 1))
        dummies = np.column_stack([pd.get_dummies(own).to_numpy(float) for own in levels])
        clean = np.where(treated[:, None], 0.0, dummies)
        weights = mean - clean @ np.linalg.pinv(clean.T @ clean) @ (dummies.T @ mean)
        return pd.DataFrame(weights, index, list(targets))
    columns = {event: _against_never(treatment, event) for event in wanted if event != -1}
    sizes = {event: int((events == event).sum()) for event in wanted if event >= 0}
    total = sum(columns[event] * size for event, size in sizes.items()) / sum(sizes.values())
    return pd.DataFrame({"effect": total} | columns, index)


def _against_never(treatment: pd.DataFrame, event: int) -> np.ndarray:
    """Return the mean over units at `event` of their change since -1, less the never treated."""
    years = treatment.index.get_level_values(1)
    at, before = (treatment["event"] == event).to_numpy(), (treatment["event"] == -1).to_numpy()
    never = (treatment["cohort"] == _NEVER).to_numpy()
    weights = np.zeros(len(treatment))
    for cohort, share in treatment.loc[at, "cohort"].value_counts(normalize=True).items():
        own = (treatment["cohort"] == cohort).to_numpy()
        if not (own & before).any():
            problem = f"the sample has no {cohort - 1}, the year before the cohort of {cohort}"
            raise SampleError(problem, expected="years without a gap")
        for rows, year, sign in ((own & at, cohort + event, 1), (own & before, cohort - 1, -1)):
            compared = never & (years == year)
            weights += sign * share * (rows / rows.sum() - compared / compared.sum())
    return weights


def goodman_bacon(outcome: pd.Series, treatment: pd.DataFrame) -> pd.DataFrame:
    """Split two-way fixed effects into its comparisons of two groups (Goodman-Bacon 2021).

    Parameters
    ----------
    outcome : Series indexed (unit, time)
    treatment : DataFrame
        From :func:`adoption`, of a balanced sample with the same keys.

    Returns
    -------
    DataFrame
        A row per comparison: ``treated`` and ``compared`` (cohorts, 0 for never), ``years``
        (first and last that it uses), ``estimate`` and ``weight``. Weights sum to one; the
        weighted estimates sum to the coefficient of two-way fixed effects.

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced or the outcome lacks a key.
    """
    cohorts = _cohorts(treatment)
    values = _on_keys(outcome.to_frame("y"), treatment)["y"].unstack()
    years, share = values.columns.to_numpy(), cohorts.value_counts(normalize=True)
    rows = []
    for early in sorted(set(share.index) - {_NEVER}):
        for late in sorted(set(share.index) - {early}):
            # With a cohort treated before, years from then on: the forbidden comparison. Those
            # never treated are cohort 0, compared with in every year.
            use = years < late if late > early else years >= late
            after = years[use] >= early
            gap = [values.loc[cohorts == group, use].mean() for group in (early, late)]
            change = (gap[0] - gap[1]).to_numpy()
            pair = share[early] + share[late]
            spread = (share[early] / pair) * (share[late] / pair) * after.mean() * (~after).mean()
            span, weight = f"{years[use][0]}–{years[use][-1]}", (pair * use.mean()) ** 2 * spread
            estimate = change[after].mean() - change[~after].mean()
            rows.append((int(early), int(late), span, estimate, weight))
    table = pd.DataFrame(rows, columns=["treated", "compared", "years", "estimate", "weight"])
    left = PanelSample(treatment[["treated"]]).within
    return table.assign(weight=table["weight"] / (left**2).mean())


@dataclass(frozen=True)
class _Reassignment:
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
    outcomes, treatment : DataFrame
        What was estimated on.
    weights : DataFrame
        Of the estimator.
    """

    estimates: pd.Series
    draws: pd.DataFrame
    pvalues: pd.Series
    distinct: int
    outcomes: pd.DataFrame
    treatment: pd.DataFrame
    weights: pd.DataFrame

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

    def detectable(
        self,
        outcomes: Sequence[str] | None = None,
        power: float = 0.8,
        level: float = 0.05,
        truths: int = 200,
        draws: int = 499,
        seed: int = 0,
    ) -> pd.Series:
        """Return the smallest constant effect that the test would find often enough.

        The estimated effect is taken out of the outcomes. Then units to treat are drawn `truths`
        times, an effect is added to them, and the test is run with `draws` further assignments.

        Parameters
        ----------
        outcomes : sequence of str or None
            Some of the outcomes; all by default.
        power, level : float
            Share of the truths in which the p value is at most `level`.
        truths, draws, seed : int

        Returns
        -------
        Series by outcome
            In the units of the outcome; infinite when no effect tried is found that often.
        """
        weights = self.weights["effect"].unstack().to_numpy()
        treated = self.treatment["treated"].unstack().to_numpy().astype(float)
        rng = np.random.default_rng(seed)
        truth, orders = _orders(rng, len(treated), truths), _orders(rng, len(treated), draws)
        overlap = weights @ treated.T
        back = np.argsort(truth, axis=1)
        carried = np.array([_sums(overlap, order[orders]) for order in back])  # (truths, draws)
        found = {}
        for name in self.outcomes if outcomes is None else outcomes:
            values = self.outcomes[name].unstack().to_numpy()
            cross = weights @ (values - (weights * values).sum() * treated).T
            drawn, own = _sums(cross, orders), _sums(cross, truth)[:, None]
            found[name] = np.inf
            if level < 1 / self.distinct:  # no p value is as small as that
                continue
            for effect in np.linspace(0, _REACH * drawn.std(), _STEPS):
                actual = np.abs(own + effect) * (1 - _TIE)
                extreme = (np.abs(drawn + effect * carried) >= actual).sum(axis=1)
                if np.mean((1 + extreme) / (1 + draws) <= level) >= power:
                    found[name] = float(effect)
                    break
        return pd.Series(found, name="detectable")


def reassign(
    outcomes: pd.DataFrame,
    treatment: pd.DataFrame,
    estimator: str = "imputation",
    draws: int = 999,
    seed: int = 0,
) -> _Reassignment:
    """Estimate the effect again with the treated drawn at random, cohorts keeping their sizes.

    Under the null that the reform did nothing to anybody, the actual estimate is one draw
    among the others, however few units were treated (MacKinnon and Webb 2020).

    Parameters
    ----------
    outcomes : DataFrame
        Keyed as `treatment`, one column per outcome; all meet the same draws.
    treatment : DataFrame
        From :func:`adoption`, of a balanced sample.
    estimator : {"two-way", "imputation", "cohorts"}
        Each is a weighted sum of the outcomes.

        - ``two-way``: the coefficient of ``treated`` with unit and year effects.
        - ``imputation``: treated outcomes less what unit and year effects of the untreated rows
          predict (Gardner 2022; Borusyak, Jaravel and Spiess 2024), averaged over treated rows.
        - ``cohorts``: change of each cohort since its last untreated year less that of the
          never treated (Sun and Abraham 2021; Callaway and Sant'Anna 2021 without covariates),
          averaged over treated rows.
    draws, seed : int

    Returns
    -------
    _Reassignment
        With ``estimates``, ``draws``, ``pvalues``, ``joint()`` and ``detectable()``, the
        smallest effect that the test would find, and the ``weights`` of the outcomes: column
        ``"effect"`` and, but for ``two-way``, one per year since adoption. ``cohorts`` has years
        before adoption too, save the last, which is compared with.

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced or the keys differ.
    nqpf.errors.MethodError
        If the estimator is unknown or there are fewer than 99 draws.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(20), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=120)}, keys)
    >>> treatment = adoption(frame, dict.fromkeys(range(6), 2018))
    >>> test = reassign(frame + 5 * treatment[["treated"]].to_numpy(), treatment)
    >>> test.distinct, bool(test.pvalues["y", "effect"] < 0.02)
    (38760, True)
    >>> bool(0.9 < test.detectable()["y"] < 1.6)
    True
    """
    whole("draws", draws, 99)
    weights, cohorts = _effect_weights(treatment, estimator), _cohorts(treatment)
    data = _on_keys(outcomes, treatment)
    orders = _orders(np.random.default_rng(seed), len(cohorts), draws)
    actual, drawn = {}, {}
    grids = {column: weights[column].unstack().to_numpy() for column in weights}
    for name in data:
        values = data[name].unstack().to_numpy()
        for column, own in grids.items():
            cross = own @ values.T
            actual[name, column] = float(np.trace(cross))
            drawn[name, column] = _sums(cross, orders)
    estimates, drawn = pd.Series(actual), pd.DataFrame(drawn)
    extreme = (drawn.abs() >= estimates.abs() * (1 - _TIE)).sum()
    distinct = factorial(len(cohorts)) // prod(map(factorial, cohorts.value_counts()))
    pvalues = ((1 + extreme) / (1 + draws)).clip(lower=1 / distinct)
    return _Reassignment(estimates, drawn, pvalues, distinct, data, treatment, weights)


def _sums(cross: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Return the estimate for each order: place i of the design gets outcomes of order[i]."""
    return cross[np.arange(len(cross)), orders].sum(axis=1)


def _cohorts(treatment: pd.DataFrame) -> pd.Series:
    """Return the cohort by unit; raise SampleError unless every unit has every year."""
    return _balanced(treatment["cohort"]).iloc[:, 0].astype(int)


def _on_keys(outcomes: pd.DataFrame, treatment: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes on the keys of `treatment`; raise SampleError when one is absent."""
    data = _by_key(outcomes, list(outcomes.columns), *treatment.index.names, "the outcomes")
    differing = treatment.index.symmetric_difference(data.index)
    if len(differing):
        problem = "outcomes and treatment do not have the same rows"
        where = _place(differing[0], treatment.index.names)
        raise SampleError(problem, where=where, expected="one row of each per unit and time")
    return data
