"""How certain a province's rank is: Monte Carlo over the choices behind an index."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.compare.certainty import draws as _draws
from nqpf.compare.certainty.design import AGGREGATE, NORMALISE, WEIGHTS, Design, Error, design
from nqpf.compare.certainty.draws import Draws
from nqpf.errors import MethodError
from nqpf.index import Recipe
from nqpf.index.result import names

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

__all__ = ["RankUncertainty", "uncertainty"]


@dataclass(frozen=True, eq=False, repr=False)
class RankUncertainty:
    """Ranks of provinces in one year over many draws, made by :func:`uncertainty`.

    Attributes
    ----------
    ranks : ndarray of int, shape (draws, n)
        Rank by draw and province, 1 for the highest score; ties share the
        better rank.
    scores : ndarray, shape (draws, n)
        Scores by draw and province; only those of one draw compare.
    choices : DataFrame
        One row per draw: ``normalise``, ``weights``, ``aggregate`` and
        ``omitted``, missing where no indicator was left out.
    baseline : Series of int
        Rank by province under `recipe`, without omission or noise.
    recipe : Recipe
        The baseline.
    dropped : DataFrame
        Combinations of methods that do not fit each other or the figures,
        with the reason; they are never drawn.
    year : int
    design : Design
        The options after checks.
    draws : Draws
        The choices as positions, and the streams of random numbers.
    """

    ranks: NDArray[np.integer]
    scores: NDArray[np.float64]
    choices: pd.DataFrame
    baseline: pd.Series
    recipe: Recipe
    dropped: pd.DataFrame
    year: int
    design: Design
    draws: Draws

    @property
    def shifts(self) -> pd.Series:
        """Mean over provinces of the absolute change of rank from the baseline, by draw.

        The average shift in rank of Saisana, Saltelli and Tarantola (2005).
        """
        moved = np.abs(self.ranks.astype(np.int64) - self.baseline.to_numpy())
        return pd.Series(moved.mean(axis=1), index=self.choices.index, name="shift")

    def intervals(self, level: float = 0.9) -> pd.DataFrame:
        """Return how far each province's rank varies over the draws.

        Parameters
        ----------
        level : float
            Share of the draws in the interval; what is outside is split
            equally.

        Returns
        -------
        DataFrame by province
            ``baseline``, ``median``, ``lower`` and ``upper``, all of them
            ranks that occur (no interpolation), and ``shift``, the mean
            absolute change from the baseline.

        Raises
        ------
        nqpf.errors.MethodError
            If the level is not between 0 and 1.
        """
        if not (isinstance(level, Real) and 0 < level < 1):
            raise MethodError(f"level is {level!r}", expected="a share between 0 and 1")
        tail = (1 - level) / 2
        at = np.quantile(self.ranks, [0.5, tail, 1 - tail], axis=0, method="inverted_cdf")
        moved = np.abs(self.ranks.astype(np.int64) - self.baseline.to_numpy())
        table = pd.DataFrame(at.T.astype(np.int64), columns=["median", "lower", "upper"])
        table.index = self.baseline.index
        table.insert(0, "baseline", self.baseline)
        return table.assign(shift=moved.mean(axis=0))

    def probability(self, k: int) -> pd.Series:
        """Return the share of draws in which each province is among the first `k`.

        Raises
        ------
        nqpf.errors.MethodError
            If `k` is not a whole number from 1 to the number of provinces.
        """
        n = self.ranks.shape[1]
        if not (isinstance(k, Integral) and 1 <= k <= n):
            raise MethodError(f"top {k!r} of {n} provinces", expected=f"1 to {n}")
        share = (self.ranks <= k).mean(axis=0)
        return pd.Series(share, index=self.baseline.index, name=f"top {k}")

    def above(self) -> pd.DataFrame:
        """Return the share of draws in which one province (row) is above another (column).

        A tie counts one half, so that entry (i, j) and entry (j, i) add up to 1.
        """
        n = self.ranks.shape[1]
        share = np.empty((n, n))
        for i in range(n):
            own = self.ranks[:, [i]]
            share[i] = ((own < self.ranks).mean(axis=0) + (own <= self.ranks).mean(axis=0)) / 2
        labels = self.baseline.index
        return pd.DataFrame(share, index=labels, columns=labels.rename("other"))

    def refit(self, draw: int) -> pd.Series:
        """Compute one draw again, by a :class:`~nqpf.index.Recipe` on its matrix alone.

        Returns
        -------
        Series on (province, year)
            Scores of all rows; those of the year are ``scores[draw]`` up to
            rounding.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such draw.
        """
        if not (isinstance(draw, Integral) and 0 <= draw < len(self.ranks)):
            raise MethodError(f"draw {draw!r} of {len(self.ranks)}", expected="its position from 0")
        return _draws.refit(self.design, self.draws, int(draw))

    def _caption(self) -> str:
        draws, n = self.ranks.shape
        noise = []
        if self.design.perturb:
            noise.append(f"weights changed by up to {self.design.perturb:.0%}")
        if self.design.error.any():
            noise.append(f"measurement error of up to {self.design.error.max():.1%}")
        text = f"{draws:,} draws of {n} ranks, {self.year}; baseline {self.recipe}"
        return "; ".join([text, *noise, f"{len(self.dropped)} combinations dropped"])

    def __repr__(self) -> str:
        return f"<RankUncertainty {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.intervals().sort_values(["median", "baseline"], kind="stable")
        table = table.set_axis(names(table.index))
        return (
            f"<p>{html.escape(self._caption())}</p>\n{table.to_html(float_format='{:.2f}'.format)}"
        )


def uncertainty(
    matrix: IndicatorMatrix,
    draws: int = 10_000,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = NORMALISE,
    weights: str | Sequence[str] = WEIGHTS,
    aggregate: str | Sequence[str] = AGGREGATE,
    omit: bool = True,
    error: Error = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
    baseline: Recipe | None = None,
    progress: bool = False,
) -> RankUncertainty:
    """Draw the choices behind an index at random and rank the provinces each time.

    Each draw takes one combination of normalisation, weights and aggregation,
    all that fit each other being equally likely; leaves out one indicator or
    none, all m + 1 cases being equally likely; multiplies every figure by an
    error; and multiplies every weight by a factor, after which weights sum to
    1 again. The analysis is that of Saisana, Saltelli and Tarantola (2005,
    *Journal of the Royal Statistical Society A* 168, 307-323) and of the
    OECD/JRC *Handbook on Constructing Composite Indicators* (2008, step 7).

    Parameters
    ----------
    matrix : IndicatorMatrix
        Indicators on all provinces and years; normalisation and weights use
        every row of it.
    draws : int
        Number of draws. A longer run begins with the draws of a shorter one.
    seed : int
        Start of the random numbers, zero or more.
    normalise, weights, aggregate : str or sequence of str
        Names of methods that need no options.
    omit : bool
        Whether an indicator may be left out.
    error : float, mapping or Series by indicator
        Relative standard deviation of the measurement error, 0.05 for 5 %.
        Errors are log-normal factors of mean 1, so no figure changes its
        sign, independent over rows and indicators. An indicator that does
        not vary has none.
    perturb : float
        Largest relative change of a weight: factors are uniform between
        1 - perturb and 1 + perturb, the "noise factor" of the R package COINr.
    year : int or None
        Year to rank; the last one when None.
    baseline : Recipe or None
        What ranks are compared with; the first combination of methods that
        fits when None.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    RankUncertainty

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing (named by province, year and indicator), there
        is no such year, fewer than two provinces to rank, or only one
        indicator varies and may be left out.
    nqpf.errors.MethodError
        If a method is unknown or needs options, no combination fits, or
        `draws`, `seed`, `error` or `perturb` is out of range.
    nqpf.errors.EstimationError
        If a draw has no scores, as when coupling loses all of a dimension.

    Notes
    -----
    Memory grows with draws times provinces; figures with errors are made in
    small batches and not kept. Scores are rounded to 12
    decimals before ranking, so that provinces whose scores differ by
    rounding alone are tied.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame(
    ...     {"a": [6.8, 4.4, 3.4], "b": [9.0, 8.0, 1.0], "c": [1.0, 3.0, 2.0]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> result = uncertainty(matrix, draws=500, error=0.05, perturb=0.25)
    >>> result.intervals()[["baseline", "median", "lower", "upper"]]
              baseline  median  lower  upper
    province
    110000           2       2      1      3
    310000           1       1      1      2
    440000           3       3      2      3
    """
    if not (isinstance(draws, Integral) and draws >= 1):
        raise MethodError(f"draws is {draws!r}", expected="a whole number of one or more")
    plan = design(
        matrix,
        seed=seed,
        normalise=normalise,
        weights=weights,
        aggregate=aggregate,
        omit=omit,
        error=error,
        perturb=perturb,
        year=year,
    )
    recipe = _draws.first_recipe(plan) if baseline is None else baseline
    drawn = _draws.random_draws(plan, int(draws))
    scores = _draws.score(plan, drawn, progress)
    return RankUncertainty(
        ranks=_draws.ranks_of(scores),
        scores=scores,
        choices=_draws.choices(plan, drawn),
        baseline=_draws.baseline_ranks(plan, recipe),
        recipe=recipe,
        dropped=plan.dropped,
        year=plan.year,
        design=plan,
        draws=drawn,
    )
