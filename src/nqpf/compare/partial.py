"""A year of which some figures are known: the score on those, and bounds for the full one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.checks import choose
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import MethodError, SampleError
from nqpf.index.normalise import _Floats, _IndexWarning
from nqpf.index.recipe import Index, Recipe
from nqpf.systems.system import IndicatorMatrix, System

_LIMITS = ("largest", "usual", "range")
_USUAL = (0.05, 0.95)  # shares of yearly changes below and above which none is usual
_KNOWN = 0.5  # share of provinces that make an indicator known


@dataclass(frozen=True, eq=False, repr=False)
class _Partial:
    """What is known of a system in one year, made by :func:`partial_year`.

    Attributes
    ----------
    year : int
    values : DataFrame
        All indicators of the system's provinces on (province, year) up to the year, missing
        where unknown.
    full : Index
        All indicators, on the complete province-years before the year.
    actual : Series by province
        The full score of the year where no figure lacks, by the ranges and weights of `full`.
    """

    year: int
    values: pd.DataFrame
    full: Index
    actual: pd.Series

    @property
    def known(self) -> list[str]:
        """Indicators that half of the provinces or more have in the year."""
        share = self.values.xs(self.year, level="year").notna().mean()
        return list(share.index[share >= _KNOWN])

    @property
    def lacking(self) -> list[str]:
        """The other indicators."""
        return [key for key in self.values if key not in self.known]

    @cached_property
    def index(self) -> Index:
        """The index of the known indicators alone, on their complete years before."""
        past = self.values.drop(index=self.year, level="year")[self.known].dropna()
        return _fit(self.full.recipe, self.full.matrix.select(self.known), past)

    @property
    def scores(self) -> pd.Series:
        """Scores of `index` and, by its ranges and weights, those of the year."""
        now = self.values.xs(self.year, level="year", drop_level=False)[self.known].dropna()
        return pd.concat([self.index.scores, _scored(self.index, now)]).sort_index()

    @property
    def left_out(self) -> dict[int, list[str]]:
        """Provinces without a score in the year, with the known indicators that each lacks."""
        lacks = self.values.xs(self.year, level="year")[self.known].isna()
        return {code: list(row.index[row]) for code, row in lacks[lacks.any(axis=1)].iterrows()}

    def bounds(self, limits: str = "largest") -> pd.DataFrame:
        """Return what the full score can be, by the ranges and weights of the years before.

        Parameters
        ----------
        limits : {"largest", "usual", "range"}
            Where an unknown indicator may lie. ``largest``: it moves, up or down, by no larger a
            share of its last figure than it ever did in a year in its province. ``usual``: by the
            central 90 % of the shares by which it moved in a year in all provinces. ``range``:
            anywhere in the range seen, as where a province has no last figure above zero or no
            change. A change is taken once for each year since the last figure.

        Returns
        -------
        DataFrame by province
            ``lower`` and ``upper``; ``unknown``, the number of indicators that lack; ``best``
            and ``worst``, the ranks that can come of the bounds.

        Raises
        ------
        nqpf.errors.MethodError
            If the limits are not known.

        Notes
        -----
        With ranges and weights fixed no score falls when an indicator improves: the bounds are
        the scores of two corners, both can be reached, and a province's bounds do not depend on
        another's. A figure may pass the range of the years before: a sum then goes on, and what
        lies beyond the ideal of TOPSIS is no shortfall.
        """
        choose("limits", limits, _LIMITS)
        now, past = self.values.xs(self.year, level="year"), self.full.matrix.values
        grid = self.values.to_numpy().reshape(len(now), -1, now.shape[1])
        since = np.isfinite(grid[:, ::-1]).argmax(axis=1)  # years without a figure
        last = np.take_along_axis(grid, grid.shape[1] - 1 - since[:, None], axis=1)[:, 0]
        change = np.diff(np.log(np.where(grid > 0, grid, np.nan)), axis=1)
        moves = np.array(np.nan)
        if limits == "largest":
            moves = np.fmax.reduce(np.abs(change), axis=1) * np.array([-1.0, 1.0])[:, None, None]
        elif limits == "usual":
            pooled = pd.DataFrame(change.reshape(-1, now.shape[1]))
            moves = pooled.quantile(_USUAL).to_numpy()[:, None]
        seen = np.array([past.min(), past.max()])[:, None]
        far = np.where(last > 0, last, np.nan) * np.exp(since * moves)
        ends = np.where(now.notna(), now, np.where(np.isnan(far), seen, far))
        ends = np.sort(_normalised(self.full, ends), axis=0)  # those of a cost are turned
        low, high = _joined(self.full, ends)
        frame = pd.DataFrame({"lower": low, "upper": high}, now.index)
        frame["unknown"] = now.isna().sum(axis=1)
        frame["best"] = 1 + (low > high[:, None]).sum(axis=1)
        frame["worst"] = len(frame) - (high < low[:, None]).sum(axis=1)
        return frame

    def earlier(self, year: int) -> _Partial:
        """Return what an earlier year would have been, had the same figures lacked in it.

        Its `actual` holds the scores that came; all else is made without what lacks and without
        any later figure.

        Raises
        ------
        nqpf.errors.SampleError
            If there is no complete province-year before it.
        """
        past = self.values[self.values.index.get_level_values("year") <= year]
        masked = past.copy()
        rows = past.xs(year, level="year", drop_level=False)
        lacks = self.values.xs(self.year, level="year").isna().to_numpy()
        masked.loc[rows.index] = rows.mask(lacks)
        return _made(masked, self.full.matrix, self.full.recipe, rows)


def partial_year(
    system: System, panel: Panel, year: int, vintage: str = _VINTAGE, recipe: Recipe | None = None
) -> _Partial:
    """Score a year of which only some indicators of a system are known.

    Ranges and weights are those of the years before, so that the year changes no earlier score,
    and nothing is filled: what lacks is bounded.

    Parameters
    ----------
    system : System
    panel : Panel
        Official figures, some of the year among them; those of later years do not enter.
    year : int
    vintage : str
        Vintage of the national accounts.
    recipe : Recipe or None
        That of the card when None.

    Returns
    -------
    An object with `known` and `lacking` indicators, `scores` on the known ones with their past,
    `left_out` provinces, ``bounds(limits)`` of the full score, the `actual` one where nothing
    lacks, and ``earlier(year)``, which tries the bounds on a year that is over.

    Raises
    ------
    nqpf.errors.SampleError
        If nothing is known of the year, or no earlier province-year is complete.
    nqpf.errors.MethodError
        If the recipe compares rows with each other: only ``minmax`` has ranges that can be
        kept, and ``vikor`` measures against the best and the worst row.

    Examples
    --------
    >>> found = partial_year(System.load("wang-wang-2024"), Panel.load(extra=False), 2023)
    >>> found.lacking, bool((found.bounds()["upper"] == found.actual).all())
    ([], True)
    """
    recipe = recipe or Recipe(**system.recipe)
    if recipe.normalise != "minmax" or recipe.aggregate == "vikor":
        problem = f"{recipe} has no ranges that a new year can be held against"
        raise MethodError(problem, expected="normalise='minmax' and no aggregation by 'vikor'")
    raw = panel.wide(system.variables, vintage=vintage).query("year <= @year")
    values = pd.DataFrame({key: one.evaluate(raw) for key, one in system.formulas.items()})
    whole = IndicatorMatrix(values, system.benefit, system.dimension, system, vintage)
    units = values.dropna().query("year < @year").index.unique("province")
    years = range(values.dropna(how="all").index.unique("year").min(), year + 1)
    values = values.reindex(pd.MultiIndex.from_product([units, years], names=["province", "year"]))
    found = _made(values, whole, recipe, values.xs(year, level="year", drop_level=False))
    if not found.known:
        where = {"system": system.key, "year": year}
        raise SampleError("no indicator is known", where=where, expected="figures of the year")
    return found


def _made(data: pd.DataFrame, like: IndicatorMatrix, recipe: Recipe, now: pd.DataFrame) -> _Partial:
    """Fit the years before, and score the rows of the year as they are."""
    year = int(now.index[0][1])
    full = _fit(recipe, like, data.drop(index=year, level="year").dropna())
    return _Partial(year, data, full, _scored(full, now.droplevel("year").dropna()))


def _fit(recipe: Recipe, like: IndicatorMatrix, values: pd.DataFrame) -> Index:
    with warnings.catch_warnings(action="ignore", category=_IndexWarning):
        return recipe.fit(replace(like, values=values))


def _scored(index: Index, rows: pd.DataFrame) -> pd.Series:
    """Return the scores of rows by the ranges and weights of the index."""
    return pd.Series(_joined(index, _normalised(index, rows)), rows.index, name="score")


def _normalised(index: Index, values: ArrayLike) -> _Floats:
    """Return min-max values (..., m) by the ranges of the index; they may pass 0 and 1."""
    past, benefit = index.matrix.values.to_numpy(), index.matrix.benefit.to_numpy()
    (low, high), floor = np.sort(past, axis=0)[[0, -1]], index.recipe.options.get("floor", 0.0)
    width = np.where(high > low, np.where(benefit, high - low, low - high), np.inf)
    z = (np.array(values, order="C") - np.where(benefit, low, high)) / width
    return floor + (1.0 - floor) * z


def _joined(index: Index, z: _Floats) -> _Floats:
    """Return scores (...) of normalised values (..., m) by the weights and ends of the index.

    None falls where a value grows. Products take a value below zero as zero.
    """
    how, w = index.recipe.aggregate, index.weights.to_numpy()
    if how == "topsis":
        low, high = (end.to_numpy() for end in (index.normalised.min(), index.normalised.max()))
        gaps = (w * np.maximum(gap, 0.0) for gap in (z - low, high - z))
        far, near = (np.sqrt((gap * gap).sum(axis=-1)) for gap in gaps)
        return np.divide(far, far + near, out=np.full_like(far, 0.5), where=far + near > 0)
    if how == "linear":
        return (z * w).sum(axis=-1)
    z, power = np.maximum(z, 0.0), 1.0
    if how == "coupling":  # the root of the geometric mean of the dimensions
        owns = [index.matrix.dimension == key for key in index.matrix.dimension.unique()]
        owns = [own.to_numpy() for own in owns if w[own].any()]
        z = np.stack([(z * w)[..., own].sum(axis=-1) / w[own].sum() for own in owns], axis=-1)
        how, power, w = "geometric", 0.5, np.full(len(owns), 1 / len(owns))
    return index.recipe._run("aggregate", how, {"z": z, "w": w}) ** power
