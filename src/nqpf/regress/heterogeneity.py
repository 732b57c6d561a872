"""Coefficients by group of units: separate regressions, and a test that they are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import MethodError, NqpfError, SampleError
from nqpf.regress.ols import RegressionResult, check_names, check_request, fixed_effects, wald
from nqpf.sample import by_key, place

__all__ = ["GROUPINGS", "Heterogeneity", "by_group", "heterogeneity"]

GROUPINGS = ("region4", "region3")
_FEW = 10  # clusters below which clustered errors are known to be too small
Groups = str | Mapping | pd.Series


@dataclass(frozen=True)
class Heterogeneity:
    """One regression in which a coefficient differs by group.

    Attributes
    ----------
    variable : str
    result : RegressionResult
        Regressors ``x [group]``, one per group, beside the common ones.
    units : Series by group
        Number of units.
    statistic, pvalue : float
        Wald test that the coefficient is the same in all groups.
    distribution : str
        Distribution of the statistic under the null.
    """

    variable: str
    result: RegressionResult
    units: pd.Series
    statistic: float
    pvalue: float
    distribution: str

    @property
    def conclusion(self) -> str:
        """What the test says, in one sentence."""
        return (
            f"That coefficients of {self.variable} are equal in {len(self.units)} groups is "
            f"{'rejected' if self.pvalue < 0.05 else 'not rejected'} at 5%: "
            f"{self.distribution} = {self.statistic:.3f}, p = {self.pvalue:.4f}."
        )


def by_group(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    groups: Groups = "region4",
    unit: str = "province",
    time: str = "year",
    **options: object,
) -> dict[str, RegressionResult]:
    """Run the regression in each group of units alone, with year effects of its own.

    A difference in significance between groups is no significant difference: test it with
    :func:`heterogeneity`. A group of fewer than ten clusters is noted.

    Parameters
    ----------
    frame, outcome, regressors, unit, time
        As for :func:`nqpf.regress.fixed_effects`.
    groups : str, mapping or Series
        ``"region4"`` or ``"region3"`` of :mod:`nqpf.provinces`, a column of the frame that is
        the same in all years of a unit, or the group of each unit.
    **options
        Passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    dict of str to RegressionResult
        In the order of the groups' names; of regions, in the order of the survey's.

    Raises
    ------
    nqpf.errors.SampleError
        If a unit has no group or changes it.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`, naming the group.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(6), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(36, 2)), keys, ["x", "y"])
    >>> coast = {unit: "coast" if unit < 3 else "inland" for unit in range(6)}
    >>> {name: fit.groups for name, fit in by_group(frame, "y", "x", coast).items()}
    {'coast': 3, 'inland': 3}
    """
    names = check_request(outcome, regressors, "clustered")
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    member, order = _members(frame, data.index, groups)
    results = {}
    for group in order:
        try:
            part = data[(member == group).to_numpy()]
            fit = fixed_effects(part, outcome, names, unit, time, **options)
        except NqpfError as error:
            raise type(error)(
                error.problem,
                where={"group": group, **error.where},
                expected=error.expected,
                hint=error.hint,
            ) from error
        few = fit.groups < _FEW and "clustered" in fit.errors
        note = f"{fit.groups} clusters are too few for clustered errors; see the wild bootstrap."
        results[group] = replace(fit, notes=(*fit.notes, note)) if few else fit
    return results


def heterogeneity(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    groups: Groups = "region4",
    unit: str = "province",
    time: str = "year",
    **options: object,
) -> Heterogeneity:
    """Let one coefficient differ by group and test that it does not.

    Other regressors and year effects are common to all groups.

    Parameters
    ----------
    frame, outcome, regressors, groups, unit, time
        As for :func:`by_group`.
    variable : str or None
        Regressor whose coefficient differs; the first by default.
    **options
        Passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    Heterogeneity

    Raises
    ------
    nqpf.errors.MethodError
        If there is one group only.
    nqpf.errors.EstimationError
        If there are not more clusters than groups.
    nqpf.errors.NqpfError
        As :func:`by_group`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(8), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(48, 2)), keys, ["x", "y"])
    >>> frame["coast"] = np.where(keys.get_level_values(0) < 4, "yes", "no")
    >>> frame["y"] += frame["x"] * (frame["coast"] == "yes")
    >>> test = heterogeneity(frame, "y", "x", groups="coast")
    >>> list(test.result.params.index), test.distribution, test.pvalue < 0.01
    (['x [no]', 'x [yes]'], 'F(1, 7)', True)
    """
    names = check_request(outcome, regressors, "clustered")
    variable = names[0] if variable is None else variable
    check_names([variable], names, "variable")
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    member, order = _members(frame, data.index, groups)
    if len(order) < 2:
        raise MethodError(f"one group, {order[0]!r}", expected="two groups or more")
    parts = {f"{variable} [{g}]": data[variable] * (member == g).to_numpy() for g in order}
    others = [name for name in names if name != variable]
    wide = data.drop(columns=variable).assign(**parts)
    fit = fixed_effects(wide, outcome, [*parts, *others], unit, time, **options)
    restrictions = np.zeros((len(order) - 1, len(fit.params)))
    restrictions[:, 0] = 1
    restrictions[np.arange(len(order) - 1), np.arange(1, len(order))] = -1
    statistic, _, pvalue, distribution = wald(
        restrictions, fit.params.to_numpy(), fit.cov.to_numpy(), fit.df
    )
    units = member.groupby(level=0).first().value_counts().reindex(order).rename("units")
    counts = ", ".join(f"{group} {count}" for group, count in units.items())
    note = f"{unit.capitalize()}s by group: {counts}; year effects and controls are common."
    return Heterogeneity(
        variable, replace(fit, notes=(note, *fit.notes)), units, statistic, pvalue, distribution
    )


def _members(
    frame: pd.DataFrame, index: pd.MultiIndex, groups: Groups
) -> tuple[pd.Series, list[str]]:
    """Return the group of each row of `index` as text, and the groups in order."""
    unit, time = index.names
    codes = index.get_level_values(0)
    order = None
    if isinstance(groups, str) and groups in GROUPINGS:
        table = provinces.table()[groups]
        found = pd.Series(table.reindex(codes).to_numpy(), index, dtype=object)
        order = list(dict.fromkeys(table)) if groups == "region3" else list(provinces.REGIONS)
    elif isinstance(groups, str):
        levels = [name for name in frame.index.names if name in (unit, time)]
        flat = frame.reset_index(level=levels) if levels else frame
        if groups not in flat.columns:
            raise MethodError(
                f"unknown grouping {groups!r}",
                expected="'region4', 'region3', a column, or the group of each unit",
            )
        found = flat.set_index([unit, time])[groups].reindex(index)
    else:
        given = pd.Series(groups, dtype=object)
        found = pd.Series(given.reindex(codes).to_numpy(), index, dtype=object)
    missing = found.index[found.isna()]
    if len(missing):
        raise SampleError(
            f"a {unit} has no group",
            where=place(missing[0], index.names),
            expected="a group for each",
        )
    text = found.astype(str)
    first = text.groupby(level=0).transform("first")
    changed = text.index[(text != first).to_numpy()]
    if len(changed):
        raise SampleError(
            f"a {unit} changes its group",
            where=place(changed[0], index.names),
            expected=f"the same group in every {time}",
        )
    present = set(text)
    return text, [g for g in order if g in present] if order else sorted(present)
