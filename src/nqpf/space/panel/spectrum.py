"""What a likelihood needs of a weights matrix: eigenvalues, traces and the range of rho."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Spectrum", "Traces"]

_REAL = 1e-9  # imaginary parts below this share of the largest eigenvalue are rounding
_EQUAL = 1e-10


@dataclass(frozen=True)
class Traces:
    """Traces of G = W (I - rho W)^-1, or of what is left of G without its common vector.

    Attributes
    ----------
    first : float
        tr(G).
    square : float
        tr(GG).
    cross : float
        tr(G'G).
    """

    first: float
    square: float
    cross: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a weights matrix, computed once.

    Parameters
    ----------
    matrix : (n, n) array
        Weights, zero on the diagonal.

    Examples
    --------
    >>> ring = np.roll(np.eye(4), 1, axis=0) / 2 + np.roll(np.eye(4), -1, axis=0) / 2
    >>> Spectrum(ring).bounds, Spectrum(ring).row_sum
    ((-1.0, 1.0), 1.0)
    """

    matrix: np.ndarray

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """(n,) eigenvalues, complex where W is not similar to a symmetric matrix."""
        values = np.linalg.eigvals(self.matrix)
        if np.abs(values.imag).max() <= _REAL * np.abs(values).max():
            return values.real
        return values

    @cached_property
    def row_sum(self) -> float | None:
        """Sum of every row, None where rows differ."""
        sums = self.matrix.sum(axis=1)
        equal = np.ptp(sums) <= _EQUAL * np.abs(sums).max()
        return float(np.round(sums.mean(), 12)) if equal else None

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Open interval around zero on which I - rho W is not singular.

        Only real eigenvalues make it singular (LeSage and Pace 2009, section 4.3.2); without
        a negative one the lower bound is the reciprocal of the largest modulus.
        """
        largest = np.abs(self.eigenvalues).max()
        real = self.eigenvalues[np.abs(np.imag(self.eigenvalues)) <= _REAL * largest].real
        lowest = real.min() if real.min() < -_REAL * largest else -largest
        return round(float(1 / lowest), 12), round(float(1 / real.max()), 12)

    @cached_property
    def _uncommon(self) -> np.ndarray:
        """Eigenvalues but for the one of the vector of ones."""
        return np.delete(self.eigenvalues, np.argmin(np.abs(self.eigenvalues - self.row_sum)))

    def _used(self, common: bool) -> np.ndarray:
        return self.eigenvalues if common else self._uncommon

    def log_determinant(self, rho: np.ndarray, common: bool = True) -> np.ndarray:
        """Return log|I - rho W| of one period for each rho.

        Without `common` it is log|I - rho W| - log(1 - rho c), c the sum of every row.
        """
        values = 1 - np.multiply.outer(np.asarray(rho), self._used(common))
        return np.log(np.abs(values)).sum(axis=-1)

    def slope(self, rho: float, common: bool = True) -> float:
        """Return the derivative of :meth:`log_determinant`, which is -tr(G)."""
        values = self._used(common)
        return -float((values / (1 - rho * values)).sum().real)

    def inverse(self, rho: float) -> np.ndarray:
        """Return (I - rho W)^-1."""
        return np.linalg.inv(np.eye(len(self.matrix)) - rho * self.matrix)

    def traces(self, rho: float, common: bool = True) -> Traces:
        """Return the traces of G; without `common` those of JG, J removing the mean."""
        g = self.matrix @ self.inverse(rho)
        if not common:
            g = g - g.mean(axis=0)
        return Traces(float(np.trace(g)), float((g * g.T).sum()), float((g * g).sum()))
