"""The indicator matrix: a system's values on a sample, and what the sample leaves out."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from nqpf.errors import SampleError

if TYPE_CHECKING:
    from nqpf.systems.system import System

__all__ = ["IndicatorMatrix", "span"]

_DROPPED = ["province", "year", "reason"]


def _nothing_dropped() -> pd.DataFrame:
    return pd.DataFrame({"province": [], "year": [], "reason": []}).astype(
        {"province": "int64", "year": "int64", "reason": "str"}
    )


def span(years: Iterable[int]) -> str:
    """Return years as runs.

    Examples
    --------
    >>> span([2013, 2014, 2015, 2018])
    '2013-2015, 2018'
    """
    runs: list[list[int]] = []
    for year in sorted({int(year) for year in years}):
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in runs)


@dataclass(frozen=True)
class IndicatorMatrix:
    """Values of a system's indicators on a sample of province-years.

    Parameters
    ----------
    values : DataFrame
        Indexed ``(province, year)``, one column per indicator key, in the
        units of the indicators.
    benefit : Series of bool
        By indicator: True where more is better, False for a cost.
    dimension : Series of str
        By indicator: key of the dimension it belongs to.
    system : System or None
        The system the matrix was evaluated from.
    vintage : str
        Vintage of the national accounts.
    dropped : DataFrame
        ``province``, ``year`` and ``reason`` of what the sample leaves out.

    Raises
    ------
    nqpf.errors.SampleError
        If a row is there twice, or directions and dimensions are not those of
        the columns.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([[110000], [2021, 2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"a": [1.0, 2.0]}, index=index)
    >>> print(IndicatorMatrix(values, pd.Series({"a": True}), pd.Series({"a": "d"})).sample)
    1 province, 2021-2022, 2 province-years
    """

    values: pd.DataFrame
    benefit: pd.Series
    dimension: pd.Series
    system: System | None = None
    vintage: str = ""
    dropped: pd.DataFrame = field(default_factory=_nothing_dropped)

    def __post_init__(self) -> None:
        if list(self.values.index.names) != ["province", "year"]:
            raise SampleError(
                f"rows are indexed by {list(self.values.index.names)}",
                expected="an index (province, year)",
            )
        twice = self.values.index[self.values.index.duplicated()]
        if len(twice):
            raise SampleError(
                "a province-year is there twice",
                where={"province": twice[0][0], "year": twice[0][1]},
            )
        for what in ("benefit", "dimension"):
            if list(getattr(self, what).index) != list(self.values.columns):
                raise SampleError(
                    f"{what} is given for {list(getattr(self, what).index)}",
                    expected=f"one entry per column, in order: {list(self.values.columns)}",
                )

    @property
    def provinces(self) -> list[int]:
        """Codes of the provinces in the sample, ascending."""
        return sorted(self.values.index.unique("province"))

    @property
    def years(self) -> list[int]:
        """Years in the sample, ascending."""
        return sorted(self.values.index.unique("year"))

    @property
    def is_balanced(self) -> bool:
        """Whether every province is there in every year of the sample."""
        return len(self.values) == len(self.provinces) * len(self.years)

    @property
    def sample(self) -> str:
        """The sample in words."""
        n = len(self.provinces)
        text = f"{n} province{'s' if n != 1 else ''}, {span(self.years)}"
        text += f", {len(self.values)} province-years"
        if not self.is_balanced:
            text += " (unbalanced)"
        return text + (f", {self.vintage} vintage" if self.vintage else "")

    def name(self, indicator: str, language: str = "en") -> str:
        """Return an indicator's name (``en`` or ``zh``), its key without a system."""
        if self.system is None:
            return indicator
        return getattr(self.system.indicators[indicator].name, language)

    def select(self, indicators: Iterable[str]) -> IndicatorMatrix:
        """Return the matrix of some indicators only, in the order of the columns.

        Raises
        ------
        nqpf.errors.SampleError
            If an indicator is unknown or none is left.
        """
        wanted = list(indicators)
        unknown = [key for key in wanted if key not in self.values.columns]
        if unknown or not wanted:
            raise SampleError(
                f"no indicator {unknown[0]!r}" if unknown else "no indicator is selected",
                expected=f"some of {', '.join(map(str, self.values.columns))}",
            )
        keep = [key for key in self.values.columns if key in wanted]
        return replace(
            self,
            values=self.values[keep],
            benefit=self.benefit[keep],
            dimension=self.dimension[keep],
        )

    def balanced(self) -> IndicatorMatrix:
        """Return the largest balanced sub-sample.

        Every run of consecutive sample years is tried with the provinces that
        are complete in all of them; the run with most province-years is kept,
        of equal ones that with more provinces, then the later one. What is
        left out joins ``dropped``.

        Raises
        ------
        nqpf.errors.SampleError
            If no two provinces share two years.
        """
        if self.is_balanced and len(self.values):
            return self
        present = pd.Series(True, index=self.values.index).unstack("year", fill_value=False)
        present = present.sort_index(axis="columns")
        best: tuple[int, int, int] = (0, 0, 0)
        chosen: tuple[list[int], list[int]] = ([], [])
        for first in range(present.shape[1]):
            for last in range(first + 1, present.shape[1]):
                complete = present.iloc[:, first : last + 1].all(axis="columns")
                n = int(complete.sum())
                size = (n * (last - first + 1), n, first)
                if n > 1 and size > best:
                    years = [int(year) for year in present.columns[first : last + 1]]
                    best, chosen = size, (list(present.index[complete]), years)
        if not best[0]:
            raise SampleError("no two provinces share two years", where={"sample": self.sample})
        return self._restrict(*chosen)

    def _restrict(self, provinces: list[int], years: list[int]) -> IndicatorMatrix:
        index = self.values.index
        keep = index.isin(provinces, level="province") & index.isin(years, level="year")
        left = index[~keep].to_frame(index=False)
        left["reason"] = f"left out to balance the sample on {span(years)}"
        dropped = pd.concat([self.dropped, left[_DROPPED]]) if len(left) else self.dropped
        dropped = dropped.sort_values(["province", "year"], ignore_index=True)
        return replace(self, values=self.values[keep], dropped=dropped)

    def describe(self) -> pd.DataFrame:
        """Return one row per indicator: dimension, name, unit, direction and range."""
        values = self.values
        unit = [self.system.indicators[k].unit if self.system else "" for k in values.columns]
        return pd.DataFrame(
            {
                "dimension": self.dimension,
                "indicator": [self.name(key) for key in values.columns],
                "unit": unit,
                "direction": self.benefit.map({True: "benefit", False: "cost"}),
                "min": values.min(),
                "median": values.median(),
                "mean": values.mean(),
                "max": values.max(),
                "sd": values.std(ddof=1),
            },
            index=values.columns,
        )

    def left_out(self) -> pd.DataFrame:
        """Return what the sample leaves out, one row per reason."""
        groups = self.dropped.groupby("reason", sort=True)
        table = groups.agg(
            years=("year", span), provinces=("province", "nunique"), rows=("year", "size")
        )
        return table.rename(columns={"rows": "province-years"}).reset_index()

    def _repr_html_(self) -> str:
        title = html.escape(self.system.title if self.system else "Indicator matrix")
        text = f"<p><strong>{title}</strong>: {html.escape(self.sample)}</p>"
        text += self.describe().to_html(escape=True, border=0, float_format="{:.4g}".format)
        if len(self.dropped):
            text += "<p>Left out:</p>" + self.left_out().to_html(escape=True, border=0, index=False)
        return text
