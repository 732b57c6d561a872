"""Cross-products of panels whose units are drawn again, for bootstraps over whole units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress._sample import KernelSample, read
from nqpf.regress._sweep import UNSHARED, grouped_products
from nqpf.regress.kernel import CrossProducts, assemble
from nqpf.tfp.within import demean, rounding_floor

__all__ = ["UnitMoments", "unit_moments"]

_BLOCK = 1 << 22  # numbers in one block of draws
_SINGULAR = 1e-12


@dataclass(frozen=True)
class UnitMoments:
    """What each unit adds to the cross-products of any panel made of these units.

    A unit drawn m times enters as m units with effects of their own, so that unit effects are
    removed within it once and for all. Time effects depend on who was drawn; their dummies are
    kept beside the variables and projected out draw by draw.

    Attributes
    ----------
    columns : tuple of str
        The p variables.
    units : (G,) Index
        Keys of the units, in the order of multiplicities.
    moments : (G, p + q, p + q)
        Cross-products within each unit of the variables and q time dummies, less unit means if
        there are unit effects; q = 1, a constant, when pooled.
    """

    columns: tuple[str, ...]
    units: pd.Index
    moments: np.ndarray
    _sample: KernelSample = field(repr=False)

    def totals(self, multiplicities: np.ndarray) -> np.ndarray:
        """Return total cross-products of B resampled panels, effects removed.

        Parameters
        ----------
        multiplicities : (B, G) whole numbers
            How often each unit is drawn.

        Returns
        -------
        (B, p, p) array
            Row and column of a variable without variation in a draw are zero.

        Raises
        ------
        nqpf.errors.MethodError
            If the shape is wrong or a number is negative or not whole.
        """
        drawn = self._checked(np.atleast_2d(multiplicities))
        p, width = len(self.columns), self.moments.shape[1]
        flat = np.moveaxis(self.moments, 0, 2).reshape(width * width, -1)
        totals = np.empty((len(drawn), p, p))
        step = max(1, _BLOCK // width**2)
        for start in range(0, len(drawn), step):
            part = slice(start, start + step)
            sums = (drawn[part] @ flat.T).reshape(-1, width, width)
            totals[part] = _schur(sums, p)
        return totals

    def draw(self, multiplicities: np.ndarray) -> CrossProducts:
        """Return the cross-products of one resampled panel, by unit and year as well.

        Its ``by_unit`` has a place for each time that a unit was drawn; standard errors of
        :meth:`~nqpf.regress.kernel.CrossProducts.fit_many` are those of the resampled panel.

        Parameters
        ----------
        multiplicities : (G,) whole numbers

        Raises
        ------
        nqpf.errors.MethodError
            If the shape is wrong, a number is negative or not whole, or no unit is drawn.
        """
        drawn = self._checked(np.atleast_2d(multiplicities))
        if len(drawn) != 1 or not drawn.any():
            raise MethodError("not one draw of units", expected="(G,) numbers, not all zero")
        copies = np.repeat(np.arange(len(self.units)), drawn[0].astype(int))
        sample = self._sample
        lengths = np.bincount(sample.units)
        starts = np.cumsum(lengths) - lengths
        rows = np.concatenate([np.arange(starts[g], starts[g] + lengths[g]) for g in copies])
        times = np.unique(sample.times[rows], return_inverse=True)[1]
        units = np.repeat(np.arange(len(copies)), lengths[copies])
        return assemble(
            KernelSample(
                columns=sample.columns,
                values=sample.values[rows],
                units=units,
                times=times,
                labels=pd.RangeIndex(len(copies)),
                unit_effects=sample.unit_effects,
                time_effects=sample.time_effects,
            )
        )

    def _checked(self, multiplicities: np.ndarray) -> np.ndarray:
        drawn = np.asarray(multiplicities, dtype=float)
        good = drawn.ndim == 2 and drawn.shape[1] == len(self.units)
        if not good or not (drawn >= 0).all() or (drawn != np.floor(drawn)).any():
            raise MethodError(
                f"multiplicities of shape {drawn.shape}",
                expected=f"whole numbers, none negative, one for each of {len(self.units)} units",
            )
        return drawn


def unit_moments(
    frame: pd.DataFrame,
    columns: Sequence[str],
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
) -> UnitMoments:
    """Prepare the resampling of whole units.

    Parameters and errors are those of :func:`nqpf.regress.kernel.cross_products`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> moments = unit_moments(frame, ["y", "x"])
    >>> totals = moments.totals([[1, 1, 1], [2, 0, 1]])
    >>> (totals[:, 0, 1] / totals[:, 1, 1]).round(3)
    array([2., 2.])
    """
    sample = read(frame, columns, unit, time, effects)
    units = sample.units if sample.unit_effects else None
    times = sample.times if sample.time_effects else None
    # Effects of the whole sample are removed first: those of a draw are then small.
    left = demean(sample.values, units, times)
    left[:, np.linalg.norm(left, axis=0) <= rounding_floor(sample.values)] = 0.0
    if times is not None:
        dummies = np.eye(times.max() + 1)[times]
    else:
        dummies = np.ones((len(left), 0 if sample.unit_effects else 1))
    if units is not None and dummies.size:
        dummies = demean(dummies, units, None)
    both = np.ascontiguousarray(np.hstack([left, dummies]).T)
    return UnitMoments(
        columns=sample.columns,
        units=sample.labels,
        moments=grouped_products(both, sample.units),
        _sample=sample,
    )


def _schur(sums: np.ndarray, p: int) -> np.ndarray:
    """Project dummies out of sums (B, p + q, p + q) of variables and dummies."""
    variables, mixed, dummies = sums[:, :p, :p], sums[:, p:, :p], sums[:, p:, p:]
    inverse = np.linalg.pinv(dummies, rcond=_SINGULAR, hermitian=True)
    totals = variables - mixed.swapaxes(1, 2) @ (inverse @ mixed)
    place = np.arange(p)
    left, before = totals[:, place, place], variables[:, place, place]
    varies = left > UNSHARED * before
    return totals * (varies[:, :, None] & varies[:, None, :])
