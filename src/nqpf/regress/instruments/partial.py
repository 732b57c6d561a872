"""A regression with everything exogenous taken out, and the covariances it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nqpf.regress.conventions import SampleSize, scaling

__all__ = ["Partialled", "meat", "residuals"]


def residuals(values: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Return what a least-squares fit on the columns of `on` leaves of `values`."""
    if on.shape[1] == 0:
        return values
    basis = np.linalg.qr(on)[0]
    return values - basis @ (basis.T @ values)


def meat(scores: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Return the sum of outer products of scores, summed within clusters before.

    Parameters
    ----------
    scores : (N, m)
    clusters : (N,) integer codes, or None for every row by itself
    """
    if clusters is None:
        return scores.T @ scores
    sums = np.zeros((clusters.max() + 1, scores.shape[1]))
    np.add.at(sums, clusters, scores)
    return sums.T @ sums


@dataclass(frozen=True)
class Partialled:
    """Outcome, endogenous regressors and instruments without effects and exogenous regressors.

    By the theorem of Frisch, Waugh and Lovell two-stage least squares, its GMM
    and its tests do not change when effects and exogenous regressors are taken
    out of every variable first; degrees of freedom still count them.

    Attributes
    ----------
    outcome : (N,) array
    endogenous : (N, k) array
    instruments : (N, L) array
        Orthonormal columns.
    size : SampleSize
        With the exogenous regressors as ``regressors``.
    clusters : (N,) integer codes
    errors, convention : str
    """

    outcome: np.ndarray
    endogenous: np.ndarray
    instruments: np.ndarray
    size: SampleSize
    clusters: np.ndarray
    errors: str
    convention: str

    @property
    def homoskedastic(self) -> Partialled:
        """The same under homoskedastic errors, with the exact F of the normal model."""
        return replace(self, errors="unadjusted", convention="all")

    def scaling(self, regressors: int) -> tuple[float, int | None]:
        """Return factor and degrees of freedom of a regression with more regressors."""
        size = replace(self.size, regressors=self.size.regressors + regressors)
        return scaling(self.convention, self.errors == "clustered", size)

    def meat(
        self, basis: np.ndarray, left: np.ndarray, right: np.ndarray, errors: str
    ) -> np.ndarray:
        """Return the plain covariance of basis'left with basis'right, made symmetric.

        `basis` has orthonormal columns, so that these are least-squares
        coefficients and no inverse is needed.
        """
        if errors == "unadjusted":
            return np.eye(basis.shape[1]) * (left @ right) / self.size.nobs
        groups = self.clusters if errors == "clustered" else None
        width = basis.shape[1]
        both = meat(np.hstack([basis * left[:, None], basis * right[:, None]]), groups)
        cross = both[:width, width:]
        return (cross + cross.T) / 2
