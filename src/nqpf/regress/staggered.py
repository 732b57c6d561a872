"""Reforms that reach units at different times: who is treated when, and how estimators weigh it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.regress.ols import check_option
from nqpf.sample import by_key, demean, place

__all__ = ["ESTIMATORS", "adoption", "effect_weights", "goodman_bacon"]

ESTIMATORS = ("two-way", "imputation", "cohorts")
NEVER = 0


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
    index = by_key(frame, [], unit, time, "the frame").index
    units, years = index.get_level_values(0), index.get_level_values(1)
    known = set(units)
    if len(first) == 0:
        raise SampleError(f"no {unit} is treated", expected=f"one treated {unit} or more")
    for one, year in first.items():
        where = place((one,), (unit,))
        if one not in known:
            raise SampleError(
                "a treated unit is not in the sample",
                where=where,
                expected=f"a {unit} of the sample",
                hint="leave it out of the dates, and say so",
            )
        if not (isinstance(year, int | np.integer) or float(year).is_integer()):
            raise SampleError(f"treated from {year!r}", where=where, expected=f"a whole {time}")
        own = years[units == one]
        if own.min() >= year:
            raise SampleError(
                f"treated from {int(year)}, with no {time} before it",
                where=where,
                expected=f"a first treated {time} after {own.min()}",
                hint="its own past is what a treated unit is compared with; leave it out",
            )
        if own.max() < year:
            raise SampleError(
                f"treated from {int(year)}, after its last {time}",
                where=where,
                expected=f"a first treated {time} up to {own.max()}",
                hint="in this sample it is never treated; leave it out of the dates",
            )
    if set(first.keys()) == known:
        raise SampleError(f"no {unit} is never treated", expected="one that can be compared with")
    if len(first) == 1:
        warnings.warn(
            f"one treated {unit}: errors clustered by {unit} say nothing, and of {len(known)} "
            f"{unit}s drawn at random it is any one, so that no p value is below 1/{len(known)}",
            stacklevel=2,
        )
    cohort = units.map(dict(first)).fillna(NEVER).astype(int)
    table = pd.DataFrame({"cohort": cohort.to_numpy()}, index)
    table["event"] = np.where(table["cohort"] == NEVER, np.nan, years - table["cohort"])
    table["treated"] = (table["event"] >= 0).astype(int)
    return table


def effect_weights(treatment: pd.DataFrame, estimator: str = "imputation") -> pd.DataFrame:
    """Return an estimator of the effect as weights on the outcomes: estimate = sum of w times y.

    - ``two-way``: the coefficient of ``treated`` with unit and year effects.
    - ``imputation``: treated outcomes less what unit and year effects of the untreated rows
      predict (Gardner 2022; Borusyak, Jaravel and Spiess 2024), averaged over treated rows.
    - ``cohorts``: change of each cohort since its last untreated year less that of the
      never treated (Sun and Abraham 2021; Callaway and Sant'Anna 2021 without covariates),
      averaged over treated rows.

    Parameters
    ----------
    treatment : DataFrame
        From :func:`adoption`, of a balanced sample.
    estimator : {"two-way", "imputation", "cohorts"}

    Returns
    -------
    DataFrame on the index of `treatment`
        Column ``"effect"`` and, but for ``two-way``, one per year since adoption; ``cohorts``
        has years before adoption too, save the last, which is compared with.

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced.
    nqpf.errors.MethodError
        If the estimator is unknown.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["a", "b"], [2019, 2020]], names=["province", "year"])
    >>> with warnings.catch_warnings(action="ignore"):
    ...     one = adoption(pd.DataFrame(index=keys), {"a": 2020})
    >>> effect_weights(one, "two-way")["effect"].unstack()
    year      2019  2020
    province
    a         -1.0   1.0
    b          1.0  -1.0
    """
    check_option("estimator", estimator, ESTIMATORS)
    wide_cohorts(treatment)
    treated = treatment["treated"].to_numpy() == 1
    if estimator == "two-way":
        codes = [pd.factorize(treatment.index.get_level_values(i))[0] for i in (0, 1)]
        part = demean(treated[:, None].astype(float), *codes)[:, 0]
        return pd.DataFrame({"effect": part / (part**2).sum()}, treatment.index)
    events = treatment["event"]
    wanted = sorted(events.dropna().astype(int).unique())
    if estimator == "imputation":
        targets = {event: (events == event).to_numpy() for event in wanted if event >= 0}
        targets = {"effect": treated} | targets
        mean = np.column_stack([rows / rows.sum() for rows in targets.values()])
        dummies = np.column_stack(
            [pd.get_dummies(treatment.index.get_level_values(i)).to_numpy(float) for i in (0, 1)]
        )
        clean = np.where(treated[:, None], 0.0, dummies)
        weights = mean - clean @ np.linalg.pinv(clean.T @ clean) @ (dummies.T @ mean)
        return pd.DataFrame(weights, treatment.index, list(targets))
    columns = {event: _against_never(treatment, event) for event in wanted if event != -1}
    sizes = {event: int((events == event).sum()) for event in wanted if event >= 0}
    total = sum(columns[event] * size for event, size in sizes.items()) / sum(sizes.values())
    return pd.DataFrame({"effect": total} | columns, treatment.index)


def _against_never(treatment: pd.DataFrame, event: int) -> np.ndarray:
    """Return the mean over units at `event` of their change since -1, less the never treated."""
    years = treatment.index.get_level_values(1)
    at, before = (treatment["event"] == event).to_numpy(), (treatment["event"] == -1).to_numpy()
    never = (treatment["cohort"] == NEVER).to_numpy()
    weights = np.zeros(len(treatment))
    for cohort, share in treatment.loc[at, "cohort"].value_counts(normalize=True).items():
        own = (treatment["cohort"] == cohort).to_numpy()
        if not (own & before).any():
            raise SampleError(
                f"the sample has no {cohort - 1}, the year before the cohort of {cohort}",
                expected="years without a gap",
            )
        for rows, year, sign in (
            (own & at, cohort + event, 1),
            (own & before, cohort - 1, -1),
        ):
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
    cohorts = wide_cohorts(treatment)
    values = on_keys(outcome.to_frame("y"), treatment)["y"].unstack()
    years = values.columns.to_numpy()
    share = cohorts.value_counts(normalize=True)
    rows = []
    for early in sorted(set(share.index) - {NEVER}):
        for late in sorted(set(share.index) - {early}):
            if late == NEVER or late > early:
                use = years < late if late else years >= years[0]
            else:  # forbidden: those it is compared with are treated already
                use = years >= late
            after = years[use] >= early
            gap = [values.loc[cohorts == group, use].mean() for group in (early, late)]
            change = (gap[0] - gap[1]).to_numpy()
            pair = share[early] + share[late]
            spread = (share[early] / pair) * (share[late] / pair) * after.mean() * (~after).mean()
            rows.append(
                {
                    "treated": int(early),
                    "compared": int(late),
                    "years": f"{years[use][0]}–{years[use][-1]}",
                    "estimate": change[after].mean() - change[~after].mean(),
                    "weight": (pair * use.mean()) ** 2 * spread,
                }
            )
    table = pd.DataFrame(rows)
    codes = np.indices(values.shape).reshape(2, -1)
    dummy = cohorts.map(lambda group: years >= (group or np.inf))
    left = demean(np.concatenate(dummy.to_list()).astype(float)[:, None], *codes)
    return table.assign(weight=table["weight"] / (left**2).mean())


def wide_cohorts(treatment: pd.DataFrame) -> pd.Series:
    """Return the cohort by unit; raise SampleError unless every unit has every year."""
    wide = treatment["cohort"].unstack()
    if wide.isna().to_numpy().any():
        row, column = np.argwhere(wide.isna().to_numpy())[0]
        raise SampleError(
            "a row is missing",
            where=place((wide.index[row], wide.columns[column]), treatment.index.names),
            expected="a balanced sample",
            hint="leave out the unit or the year, and say so",
        )
    return wide.iloc[:, 0].astype(int)


def on_keys(outcomes: pd.DataFrame, treatment: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes on the keys of `treatment`; raise SampleError when one is absent."""
    unit, time = treatment.index.names
    data = by_key(outcomes, list(outcomes.columns), unit, time, "the outcomes")
    absent = treatment.index.difference(data.index)
    if len(absent) or len(data) != len(treatment):
        key = absent[0] if len(absent) else data.index.difference(treatment.index)[0]
        raise SampleError(
            "outcomes and treatment do not have the same rows",
            where=place(key, treatment.index.names),
            expected="one row of each per unit and time",
        )
    return data
