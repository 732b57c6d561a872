r"""Search for thresholds of a panel: sums of squares at every candidate in one pass.

The model with known thresholds is a linear base. One more threshold g adds the
columns D(g) = z 1{q <= g}: whichever regime g falls into is split in two. By
Frisch, Waugh and Lovell, with M removing the effects and the base,

    S(g) = S(base) - d(g)' H(g)^-1 d(g),   d = D'Me,   H = D'MD.

Sorted by q, both d and H are cumulative sums, so that all candidates cost one
pass. H holds regressors only: every bootstrap outcome shares it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

__all__ = ["Base", "Design", "Profile", "admissible", "base_fit", "profile", "resampled"]

_NOTHING = 1e-10  # variation below this share of the raw columns' own is rounding
_CELLS = 4_000_000  # numbers of a block of bootstrap outcomes: 32 MB


@dataclass(frozen=True)
class Design:
    """A balanced panel with rows ordered by unit and time.

    Attributes
    ----------
    outcome : (N,) array
        Less its means by unit.
    fixed : (N, k) array
        Controls, and one column per year with year effects, less their means by unit.
    regime : (N, m) array
        Variables whose slope changes, as they come.
    values : (v,) array
        Distinct values of the threshold variable, ascending.
    below : (v,) array
        Rows at or below each value.
    order : (N,) array
        Rows by ascending threshold variable.
    units, periods : int
    """

    outcome: np.ndarray
    fixed: np.ndarray
    regime: np.ndarray
    values: np.ndarray
    below: np.ndarray
    order: np.ndarray
    units: int
    periods: int

    def within(self, columns: np.ndarray) -> np.ndarray:
        """Return `columns`, (N, ...), less their means by unit."""
        cube = columns.reshape(self.units, self.periods, -1)
        return (cube - cube.mean(axis=1, keepdims=True)).reshape(columns.shape)

    def members(self, positions: list[int]) -> np.ndarray:
        """Return the regime of each row, 0 lowest, for thresholds at `positions`."""
        rank = np.empty(len(self.order), dtype=int)
        rank[self.order] = np.arange(len(self.order))
        return np.searchsorted(np.sort(self.below[positions]), rank, side="right")


@dataclass(frozen=True)
class Base:
    """A model with known thresholds.

    Attributes
    ----------
    basis : (N, r) array
        Orthonormal columns that span its regressors.
    residuals : (N,) array
    ssr : float
    """

    basis: np.ndarray
    residuals: np.ndarray
    ssr: float


def base_fit(design: Design, positions: list[int]) -> Base:
    """Fit the model whose thresholds stand at `positions` of the distinct values."""
    member = design.members(positions)
    split = [design.regime * (member == r)[:, None] for r in range(len(positions) + 1)]
    columns = np.hstack([design.fixed, design.within(np.hstack(split))])
    size = np.linalg.norm(columns, axis=0)
    columns = columns[:, size > 0] / size[size > 0]
    left, strength, _ = np.linalg.svd(columns, full_matrices=False)
    basis = left[:, strength > _NOTHING * strength[0]]
    residuals = design.outcome - basis @ (basis.T @ design.outcome)
    return Base(basis, residuals, float(residuals @ residuals))


def admissible(design: Design, known: list[int], least: int, pool: np.ndarray) -> np.ndarray:
    """Return the positions of `pool` at which one more threshold leaves every regime its rows.

    Parameters
    ----------
    known : list of int
        Positions of the other thresholds.
    least : int
        Rows that every regime must keep.
    pool : (p,) array of int
        Positions of the distinct values to consider, ascending.
    """
    edges = np.array([0, len(design.order), *design.below[known]])
    distance = np.abs(design.below[pool, None] - edges).min(axis=1)
    return pool[distance >= least]


@dataclass(frozen=True)
class Profile:
    """Sums of squares as one more threshold moves over its candidates.

    Attributes
    ----------
    base : Base
    candidates : (g,) array
        Positions of the distinct values.
    sums : tuple of m sparse (g, N) matrices
        Rows that a candidate adds to the lower regime, weighted by the regime variable.
    shared : (g, m, r) array
        Products of the candidate's columns with the base.
    whitening : (g, m, m) array
        A with A A' = H^-1; a direction that the base spans has zeros.
    """

    base: Base
    candidates: np.ndarray
    sums: tuple[sparse.csr_array, ...]
    shared: np.ndarray
    whitening: np.ndarray

    def gains(self, outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the base's sums of squares, (b,), and what each candidate takes off, (g, b).

        Parameters
        ----------
        outcomes : (N, b) array
            Less their means by unit.
        """
        loads = self.base.basis.T @ outcomes
        rest = np.einsum("nb,nb->b", outcomes, outcomes) - np.einsum("rb,rb->b", loads, loads)
        moved = [
            np.cumsum(rows @ outcomes, axis=0) - self.shared[:, j] @ loads
            for j, rows in enumerate(self.sums)
        ]
        gain = np.zeros_like(moved[0])
        for direction in range(len(moved)):
            part = sum(self.whitening[:, j, direction, None] * d for j, d in enumerate(moved))
            gain += part**2
        return rest, gain

    def ssr(self) -> np.ndarray:
        """Return the sum of squared residuals of the sample at each candidate."""
        return self.base.ssr - self.gains(self.base.residuals[:, None])[1][:, 0]


def profile(design: Design, base: Base, candidates: np.ndarray) -> Profile:
    """Prepare the search for one more threshold among `candidates`, ascending positions."""
    ends = design.below[candidates]
    rows = design.order[: ends[-1]]
    starts = np.concatenate([[0], ends])
    shape = (len(ends), len(design.order))
    sums = tuple(
        sparse.csr_array((design.regime[rows, j], rows, starts), shape=shape)
        for j in range(design.regime.shape[1])
    )
    shared = np.stack([np.cumsum(part @ base.basis, axis=0) for part in sums], axis=1)
    own, raw = _own_products(design, rows, starts[:-1])
    left = own - shared @ shared.transpose(0, 2, 1)
    strength, directions = np.linalg.eigh(left)
    real = strength > _NOTHING * raw[:, None]
    scale = np.where(real, 1 / np.sqrt(np.where(real, strength, 1.0)), 0.0)
    return Profile(base, candidates, sums, shared, directions * scale[:, None, :])


def _own_products(
    design: Design, rows: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return D'D less means by unit, (g, m, m), and the trace of D'D with them, (g,).

    A row z that joins a unit whose members so far sum to s moves that unit's
    part of the product by zz' - (sz' + zs' + zz') / T.
    """
    z = design.regime[rows]
    unit = rows // design.periods
    by_unit = np.argsort(unit, kind="stable")
    running = np.cumsum(z[by_unit], axis=0) - z[by_unit]
    first = np.searchsorted(unit[by_unit], np.arange(design.units), side="left")
    offset = running[np.minimum(first, len(rows) - 1)]
    before = np.empty_like(z)
    before[by_unit] = running - offset[unit[by_unit]]
    square = np.einsum("ni,nj->nij", z, z)
    cross = np.einsum("ni,nj->nij", before, z)
    moved = square - (cross + cross.transpose(0, 2, 1) + square) / design.periods
    own, raw = (np.cumsum(np.add.reduceat(part, starts), axis=0) for part in (moved, square))
    return own, np.trace(raw, axis1=1, axis2=2)


def resampled(prepared: Profile, residuals: np.ndarray, draws: np.ndarray, df: int) -> np.ndarray:
    """Return Hansen's F under no further threshold, one per bootstrap sample.

    Regressors, threshold variable and the base's thresholds stay. F does not
    depend on the coefficients under the null, so that the errors alone are the
    outcome.

    Parameters
    ----------
    prepared : Profile
    residuals : (n, T) array
        Histories of the n units.
    draws : (b, n) array
        Integers name the unit whose history each unit receives; floats are
        factors of each unit's own history.
    df : int
        Degrees of freedom of the error variance.
    """
    block = max(1, _CELLS // residuals.size)
    statistics = []
    for start in range(0, len(draws), block):
        part = draws[start : start + block]
        names = np.issubdtype(part.dtype, np.integer)
        histories = residuals[part] if names else residuals * part[:, :, None]
        outcomes = np.ascontiguousarray(histories.reshape(len(part), -1).T)
        rest, gain = prepared.gains(outcomes)
        best = gain.max(axis=0)
        statistics.append(df * best / (rest - best))
    return np.concatenate(statistics)
