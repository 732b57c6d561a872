"""What a measure of inequality is taken of: values, weights and groups, joined by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sample import check_finite, place

__all__ = ["GROUPINGS", "Groups", "Sample", "Values", "labels_of", "sample"]

GROUPINGS = ("region4", "region3")

_NEGATIVE = "ratios mean nothing for it; turn a logarithm back into a level first"
_ZERO = "its logarithm is infinite; dagum and variation take it, or leave the unit out and say so"

Values = pd.Series | np.ndarray | Sequence[float]
Groups = pd.Series | Mapping[object, object] | np.ndarray | Sequence[object] | str


@dataclass(frozen=True)
class Sample:
    """Checked input.

    Attributes
    ----------
    y : (n,) array
        Values, none negative, at least one positive.
    weights : (n,) array
        Positive, with sum 1.
    codes : (n,) int array
        Position of each unit's group in `groups`.
    groups : tuple
        Names of the groups, in the order of the table.
    scale : float
        What `y` was divided by: the largest value.
    """

    y: np.ndarray
    weights: np.ndarray
    codes: np.ndarray
    groups: tuple[object, ...]
    scale: float


def sample(
    y: Values,
    groups: Groups | None,
    weights: Values | None,
    statistic: str,
    zero: bool = True,
) -> Sample:
    """Join values, groups and weights, and check that `statistic` exists for them.

    Values are divided by the largest and weights by their sum, so that neither
    very large nor very small figures overflow in sums and products.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure, group or weight is missing or several years are mixed.
    nqpf.errors.DataError
        If a value is negative (or zero, unless `zero`) or a weight not positive.
    nqpf.errors.MethodError
        If keyed values meet groups or weights without keys.
    """
    values = _values(y, statistic)
    _check(values, statistic, zero)
    if not values.to_numpy().any():
        raise DataError(f"every value of {statistic} is zero", expected="a positive mean")
    share = np.ones(len(values)) if weights is None else _weights(weights, y)
    labels = pd.Series("all", index=values.index) if groups is None else labels_of(groups, y)
    codes, names = _codes(labels)
    scale = float(values.max())
    share = share / share.max()
    return Sample(values.to_numpy() / scale, share / share.sum(), codes, names, scale)


def _values(y: Values, statistic: str) -> pd.Series:
    series = y if isinstance(y, pd.Series) else pd.Series(_flat(y, "values"))
    name = str(series.name or "values")
    if len(series) == 0:
        raise SampleError(f"no {name} for {statistic}", expected="at least one")
    double = series.index[series.index.duplicated()]
    if len(double):
        raise SampleError(
            f"{name} holds a key more than once",
            where=_where(double[0], series.index),
            expected="one value per unit",
        )
    if series.index.nlevels == 2 and series.index.get_level_values(1).nunique() > 1:
        raise SampleError(
            f"{name} has {series.index.get_level_values(1).nunique()} years",
            expected=f"one year for {statistic}",
            hint="use by_year, or pick a year with .xs(year, level='year')",
        )
    _check_finite(series, name, statistic)
    return series.astype(float)


def _check_finite(series: pd.Series, name: str, what: str) -> None:
    if series.dtype == np.dtype(float) and np.isfinite(series.to_numpy()).all():
        return
    keys = series.index
    if keys.nlevels == 1:  # a key of one part is still a tuple in a message
        keys = pd.MultiIndex.from_arrays([keys], names=[keys.name or "unit"])
    check_finite(pd.DataFrame({name: series.to_numpy()}, index=keys), what)


def _flat(values: object, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise SampleError(f"{what} of shape {array.shape}", expected="one dimension")
    return array


def _check(values: pd.Series, statistic: str, zero: bool) -> None:
    """Raise DataError for values that `statistic` cannot take, naming the first."""
    bad = values[(values < 0) | ((values == 0) & (not zero))]
    if len(bad):
        raise DataError(
            f"{values.name or 'the value'} is {bad.iloc[0]:g}, one of {len(bad)} that "
            f"{statistic} cannot take",
            where=_where(bad.index[0], values.index),
            expected="values of zero or more" if zero else "positive values",
            hint=_NEGATIVE if bad.iloc[0] < 0 else _ZERO,
        )


def _where(key: object, index: pd.Index) -> dict[str, object]:
    parts = key if isinstance(key, tuple) else (key,)
    return place(parts, [name or "unit" for name in index.names])


def _joined(other: object, y: Values, what: str) -> pd.Series:
    """Return `other` on the keys of `y`; by position only where neither has keys."""
    if not isinstance(y, pd.Series):
        if isinstance(other, pd.Series | Mapping):
            raise MethodError(
                f"{what} with keys for values without",
                expected=f"values and {what} that are both keyed or both plain arrays",
            )
        array = _flat(other, what)
        if len(array) != len(_flat(y, "values")):
            raise SampleError(
                f"{len(array)} {what} for {len(_flat(y, 'values'))} values",
                expected=f"one of the {what} per value",
            )
        return pd.Series(array)
    if not isinstance(other, pd.Series | Mapping):
        raise MethodError(
            f"{what} without keys for values with keys",
            expected=f"{what} as a Series or mapping by {y.index.names[0] or 'unit'}",
        )
    series = other if isinstance(other, pd.Series) else pd.Series(dict(other))
    if series.index.has_duplicates:
        twice = series.index[series.index.duplicated()][0]
        raise SampleError(
            f"{what} hold a key more than once",
            where=_where(twice, series.index),
            expected="one per unit",
        )
    keys = y.index
    if keys.nlevels > 1 and series.index.nlevels == 1:
        keys = keys.get_level_values(0)
    found = series.reindex(keys)
    found.index = y.index
    gone = found.index[found.isna()]
    if len(gone):
        raise SampleError(
            f"{what} do not cover a unit, one of {len(gone)}",
            where=_where(gone[0], y.index),
            expected=f"one of the {what} for every unit that has a value",
        )
    return found


def _weights(weights: Values, y: Values) -> np.ndarray:
    found = _joined(weights, y, "weights")
    _check_finite(found, "weight", "the sample")
    bad = found[~(found > 0)]
    if len(bad):
        raise DataError(
            f"the weight is {bad.iloc[0]:g}",
            where=_where(bad.index[0], found.index),
            expected="positive weights, such as population",
        )
    return found.to_numpy(dtype=float)


def labels_of(groups: Groups, y: Values) -> pd.Series:
    """Return the group of each unit of `y`, in its order.

    Raises
    ------
    nqpf.errors.MethodError
        If a grouping is unknown or only one of both is keyed.
    nqpf.errors.SampleError
        If a unit has no group.
    """
    if isinstance(groups, str):
        if groups not in GROUPINGS:
            raise MethodError(
                f"unknown grouping {groups!r}", expected=" or ".join(map(repr, GROUPINGS))
            )
        table = provinces.table()[groups]
        groups = table.astype(pd.CategoricalDtype(list(provinces.REGIONS)))
    labels = _joined(groups, y, "groups")
    gone = labels.index[labels.isna()]  # an array may hold None
    if len(gone):
        raise SampleError(
            "a unit has no group",
            where=_where(gone[0], labels.index),
            expected="a group for every unit that has a value",
        )
    return labels


def _codes(labels: pd.Series) -> tuple[np.ndarray, tuple[object, ...]]:
    if isinstance(labels.dtype, pd.CategoricalDtype):
        labels = labels.cat.remove_unused_categories()
        return labels.cat.codes.to_numpy().astype(int), tuple(labels.cat.categories)
    codes, names = pd.factorize(labels, sort=True)
    return codes, tuple(names)
