"""The newest year of an index, from the indicators that are already published."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.forecast._history import history
from nqpf.forecast.methods import METHODS, method_of
from nqpf.forecast.project import check_level
from nqpf.tfp.sample import check_finite, check_keys, place

__all__ = ["Nowcast", "nowcast"]

IndexFunction = Callable[[pd.DataFrame], pd.Series]

_KEY = ["province", "year"]
_TOLERANCE = 1e-8  # share of the target's range by which the function may miss it


@dataclass(frozen=True)
class Nowcast:
    """An index in the newest year, with what the same way would have given in earlier years.

    Parameters
    ----------
    frame : DataFrame by province
        ``nowcast``, ``lower``, ``upper``, ``carried`` (the index with every
        indicator carried, as if nothing were published) and ``published``
        (share of indicators that are).
    year : int
        The newest year.
    rows : DataFrame
        One row per ``origin`` and ``province`` of the backtest: ``actual``,
        ``nowcast``, ``carried`` and ``last``, the index of the year before.
    method : str
        How lacking indicators are carried.
    level : float
        Nominal coverage.
    lacking : tuple of str
        Indicators that some province lacks in the newest year.
    """

    frame: pd.DataFrame
    year: int
    rows: pd.DataFrame
    method: str
    level: float
    lacking: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """Errors in earlier years by what was used, and measured coverage beside the nominal.

        Coverage of a year is that of intervals made from the other years.
        """
        found = {}
        for what in ("nowcast", "carried", "last"):
            error = self.rows["actual"] - self.rows[what]
            found[what] = {
                "n": len(error),
                "mae": error.abs().mean(),
                "rmse": float(np.sqrt((error**2).mean())),
                "mae / carried": math.nan,
                "coverage": self._coverage(error),
                "nominal": self.level,
            }
        table = pd.DataFrame(found).T.rename_axis("from")
        table["mae / carried"] = table["mae"] / table.loc["carried", "mae"]
        return table.astype({"n": int})

    def _coverage(self, error: pd.Series) -> float:
        origin = self.rows["origin"]
        inside = [
            (error[origin == year].abs() <= _width(error[origin != year], self.level))
            for year in origin.unique()
            if np.isfinite(_width(error[origin != year], self.level))
        ]
        return float(pd.concat(inside).mean()) if inside else math.nan

    def __str__(self) -> str:
        table = self.table
        return (
            f"{self.year} from what is published, {', '.join(self.lacking)} by "
            f"{METHODS[self.method].title}; mean error in earlier years "
            f"{table.loc['nowcast', 'mae / carried']:.2f} times that of carrying everything"
        )

    def _repr_html_(self) -> str:
        text = self.frame.to_html(float_format="{:.4f}".format, border=0)
        return f"<p>{self}</p>{text}"


def nowcast(
    indicators: pd.DataFrame,
    target: pd.Series,
    index: IndexFunction,
    method: str = "drift",
    level: float = 0.9,
    first_origin: int | None = None,
) -> Nowcast:
    """Fill the newest year of an index from the indicators already published.

    What a province lacks in the newest year is carried forward from its own
    history; `index` then makes the index of the completed table.

    Parameters
    ----------
    indicators : DataFrame indexed (province, year)
        Raw or normalised, complete but for NaN in the newest year.
    target : Series indexed (province, year)
        The index in the years before; `index` must give it back from their rows.
    index : callable
        Takes a complete DataFrame like `indicators`, returns a Series by
        (province, year). It may normalise over the rows that it is given.
    method : str
        How an indicator is carried, see :func:`nqpf.forecast.forecast`.
    level : float
        Nominal coverage of the intervals, from errors of the backtest.
    first_origin : int or None
        First year of the backtest; the first that `method` can reach by default.

    Returns
    -------
    Nowcast
        Its backtest takes every earlier year as the newest, with the years up
        to it alone and the same figures lacking, province by province.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure before the newest year is missing, a province has a gap or
        lacks the newest row, nothing or everything is published, or `index`
        does not give the target back; named by province, year and indicator.
    nqpf.errors.MethodError
        If an option is not valid.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2], range(2017, 2023)], names=["province", "year"])
    >>> table = pd.DataFrame({"a": range(12), "b": [0, 1, 2, 3, 4, 9, 0, 2, 4, 6, 8, 3.0]}, keys)
    >>> target = table.drop(2022, level="year").mean(axis=1)
    >>> table.loc[(slice(None), 2022), "b"] = float("nan")
    >>> nowcast(table, target, lambda frame: frame.mean(axis=1)).frame["nowcast"].tolist()
    [5.0, 10.5]
    """
    known = method_of(method)
    check_level(level)
    data, newest = _checked(indicators)
    lacks = data.xs(newest, level="year").isna()
    past = data.drop(newest, level="year")
    _check_target(past, target, index)
    now = _made(data, lacks, index, method)
    carried = _made(data, lacks | True, index, method)
    years = [int(year) for year in past.index.unique("year")]
    rows = _backtest(past, lacks, index, method, _origins(years, known.least, first_origin))
    width = _width(rows["actual"] - rows["nowcast"], level)
    columns = {"nowcast": now, "lower": now - width, "upper": now + width, "carried": carried}
    frame = pd.DataFrame(columns).assign(published=1 - lacks.mean(axis=1))
    lacking = tuple(map(str, lacks.columns[lacks.any()]))
    return Nowcast(frame.rename_axis("province"), newest, rows, method, level, lacking)


def _checked(indicators: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the sorted table and its newest year."""
    if list(indicators.index.names) != _KEY:
        raise SampleError(
            f"the indicators are indexed by {list(indicators.index.names)}",
            expected="an index (province, year)",
        )
    check_keys(indicators.index, "the table of indicators")
    for name, column in indicators.items():
        if not pd.api.types.is_numeric_dtype(column):
            raise DataError(f"indicator {name!r} is not numeric", expected="numbers")
    data = indicators.astype(float).sort_index()
    newest = int(data.index.get_level_values("year").max())
    ends = data.index.isin([newest], level="year")
    if ends.all():
        raise SampleError(f"there is no year before {newest}", expected="a history")
    check_finite(data[~ends], "the table of indicators before the newest year")
    check_finite(data[ends].fillna(0.0), "the table of indicators")
    lacks = data[ends].isna()
    if not lacks.any(axis=None) or lacks.all(axis=None):
        raise SampleError(
            f"{'nothing' if lacks.all(axis=None) else 'every indicator'} is published",
            where={"year": newest},
            expected="some indicators with figures and some NaN in the newest year",
            hint="use forecast, or compute the index",
        )
    history(pd.Series(0.0, index=data.index))  # names a gap or a province that ends early
    return data, newest


def _check_target(past: pd.DataFrame, target: pd.Series, index: IndexFunction) -> None:
    """Raise unless the function gives the target back, so that both are one measure."""
    joined = pd.DataFrame({"given": target, "made": index(past)}).reindex(past.index)
    check_finite(joined.dropna(how="all"), "the target beside the index of the same rows")
    gap = (joined["given"] - joined["made"]).abs()
    if gap.isna().any() or gap.max() > _TOLERANCE * max(float(np.ptp(joined["given"])), 1e-300):
        worst = gap.index[gap.isna()][0] if gap.isna().any() else gap.idxmax()
        raise SampleError(
            f"the function gives {joined.loc[worst, 'made']:.6g} where the target "
            f"is {joined.loc[worst, 'given']:.6g}",
            where=place(worst, _KEY),
            expected="a function that makes the target from the indicators of the same rows",
        )


def _made(data: pd.DataFrame, lacks: pd.DataFrame, index: IndexFunction, method: str) -> pd.Series:
    """Return the newest year's index by province, with what `lacks` says carried forward."""
    newest = int(data.index.get_level_values("year").max())
    past, table = data.drop(newest, level="year"), data.copy()
    for name in lacks.columns[lacks.any()]:
        wide = history(past[name])
        ahead = METHODS[method].points(wide.to_numpy(), 1)[0]
        units = lacks.index[lacks[name]]
        rows = pd.MultiIndex.from_product([units, [newest]], names=_KEY)
        table.loc[rows, name] = pd.Series(ahead, index=wide.columns)[units].to_numpy()
    return index(table).xs(newest, level="year")


def _origins(years: list[int], least: int, first_origin: int | None) -> list[int]:
    if len(years) <= least:
        raise SampleError(
            f"{len(years)} complete years are too few for a backtest",
            expected=f"{least + 1} years or more",
        )
    first = years[least] if first_origin is None else first_origin
    if first not in years[least:]:
        raise MethodError(
            f"first_origin {first_origin}", expected=f"a year from {years[least]} to {years[-1]}"
        )
    return [year for year in years[least:] if year >= first]


def _backtest(
    past: pd.DataFrame, lacks: pd.DataFrame, index: IndexFunction, method: str, origins: list[int]
) -> pd.DataFrame:
    """Return what each earlier year's nowcast would have been, and what the index became."""
    least, parts = METHODS[method].least, []
    for origin in origins:
        data = past[past.index.get_level_values("year") <= origin]
        length = data.groupby(level="province").size()
        data = data[data.index.isin(length.index[length > least], level="province")]
        units = data.index.unique("province")
        own = lacks.loc[units]
        full = index(data)
        part = {
            "actual": full.xs(origin, level="year"),
            "nowcast": _made(data, own, index, method),
            "carried": _made(data, own | True, index, method),
            "last": full.xs(origin - 1, level="year"),
        }
        parts.append(pd.DataFrame(part).rename_axis("province").reset_index().assign(origin=origin))
    rows = pd.concat(parts, ignore_index=True)
    return rows[["origin", "province", "actual", "nowcast", "carried", "last"]]


def _width(error: pd.Series, level: float) -> float:
    """Return the ceil((m + 1) level)-th smallest size of error; NaN if there are too few."""
    sizes = np.sort(error.abs().to_numpy())
    rank = math.ceil((len(sizes) + 1) * level)
    return float(sizes[rank - 1]) if 0 < rank <= len(sizes) else math.nan
