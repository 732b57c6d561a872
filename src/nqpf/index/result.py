"""The index: scores with everything that led to them."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.errors import MethodError, SampleError

if TYPE_CHECKING:
    from nqpf.index.recipe import Recipe
    from nqpf.systems import IndicatorMatrix

__all__ = ["Index", "names", "not_additive"]


@dataclass(frozen=True, eq=False, repr=False)
class Index:
    """A composite index of provinces by year, made by :meth:`nqpf.index.Recipe.fit`.

    Parameters
    ----------
    scores : Series
        Score on ``(province, year)``, more is better; in [0, 1] unless
        standard scores are added up.
    weights : Series
        Weight by indicator; they sum to 1.
    dimension_scores : DataFrame
        Score of each dimension on ``(province, year)``: the same aggregation
        over the dimension's own indicators, their weights rescaled to sum to
        1; under coupling the weighted sums that are coupled. Missing where
        all weights of a dimension are zero.
    contributions : DataFrame or None
        Weight times normalised value by indicator, where the aggregation is
        a sum: each row then adds up to the score. None otherwise.
    normalised : DataFrame
        Normalised value by indicator, more is better.
    recipe : Recipe
        How the index was made.
    matrix : IndicatorMatrix
        What it was made from.
    comparable_over_time : bool
        False where each year was normalised on its own, so that scores rank
        provinces within a year only.
    """

    scores: pd.Series
    weights: pd.Series
    dimension_scores: pd.DataFrame
    contributions: pd.DataFrame | None
    normalised: pd.DataFrame
    recipe: Recipe
    matrix: IndicatorMatrix
    comparable_over_time: bool

    @property
    def years(self) -> list[int]:
        """Years that have scores, ascending."""
        return sorted(self.scores.index.unique("year"))

    def rank(self, year: int | None = None) -> pd.Series:
        """Return ranks within each year, 1 for the highest score.

        Tied provinces share the better rank (1, 2, 2, 4).

        Parameters
        ----------
        year : int or None
            One year, indexed by province from first to last; every year,
            indexed ``(province, year)``, when None.

        Raises
        ------
        nqpf.errors.SampleError
            If the year has no scores.
        """
        ranks = self.scores.groupby(level="year").rank(ascending=False, method="min")
        ranks = ranks.astype("int64").rename("rank")
        if year is None:
            return ranks
        self._require(year)
        return ranks.xs(year, level="year").sort_values(kind="stable")

    def rows(self, year: int) -> pd.MultiIndex:
        """Return the labels ``(province, year)`` of one year.

        Raises
        ------
        nqpf.errors.SampleError
            If the year has no scores.
        """
        self._require(year)
        labels = self.scores.index
        return labels[labels.get_level_values("year") == year]

    def dimension_contributions(self) -> pd.DataFrame:
        """Return what each dimension adds to the score; each row adds up to it.

        Raises
        ------
        nqpf.errors.MethodError
            If the aggregation is not a sum of contributions.
        """
        if self.contributions is None:
            raise not_additive(self.recipe.aggregate)
        dimension = self.matrix.dimension.loc[self.contributions.columns].astype(str)
        return self.contributions.T.groupby(dimension, sort=False).sum().T

    def _require(self, year: int) -> None:
        if year not in self.years:
            raise SampleError(
                f"no scores in {year}",
                where={"year": year},
                expected=f"one of {', '.join(str(y) for y in self.years)}",
            )

    def summary(self) -> pd.DataFrame:
        """Return one row per year: provinces, mean, sd, range, and who is first and last.

        `sd` divides by n - 1, so it is missing where a year has one province.
        Where scores do not compare over time, a last column says so.
        """
        by_year = self.scores.groupby(level="year")
        table = by_year.agg(["size", "mean", "std", "min", "max"])
        table = table.rename(columns={"size": "provinces", "std": "sd"})
        table["highest"] = names(key[0] for key in by_year.idxmax())
        table["lowest"] = names(key[0] for key in by_year.idxmin())
        if not self.comparable_over_time:
            table["comparable_over_time"] = False
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return score, rank and dimension scores, one row per province and year."""
        return pd.concat([self.scores, self.rank(), self.dimension_scores], axis="columns")

    def _ends(self) -> pd.DataFrame:
        """Return scores and ranks in the first and the last year, one row per province."""
        columns = {}
        for year in sorted({self.years[0], self.years[-1]}):
            columns[f"score {year}"] = self.scores.xs(year, level="year")
            columns[f"rank {year}"] = self.rank(year).astype("Int64")
        table = pd.DataFrame(columns).sort_values(f"rank {self.years[-1]}", kind="stable")
        return table.set_axis(names(table.index))

    def _caption(self) -> str:
        first, last = self.years[0], self.years[-1]
        span = str(first) if first == last else f"{first}-{last}"
        n = self.scores.index.unique("province").size
        text = f"{self.recipe}: {n} provinces, {span}, {len(self.weights)} indicators"
        if not self.comparable_over_time:
            text += "; scores rank provinces within a year and do not compare over time"
        return text

    def __repr__(self) -> str:
        return f"<Index {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self._ends().to_html(escape=True, na_rep="", float_format="{:.4f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


def not_additive(aggregate: str) -> MethodError:
    """Return the error for an index whose score is not a sum of contributions."""
    return MethodError(
        f"the score by {aggregate!r} is not a sum of contributions",
        expected="an index with aggregate='linear'",
        hint="fit the same matrix with Recipe(aggregate='linear', ...)",
    )


def names(labels: Iterable[object]) -> list[str]:
    """Return English names of province codes; other labels as they are."""
    known = provinces.table()["en"].to_dict()
    return [str(known.get(label, label)) for label in labels]
