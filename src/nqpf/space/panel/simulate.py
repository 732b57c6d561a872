"""Spatial panels with known truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.space.weights import Weights

__all__ = ["simulate"]


def simulate(
    weights: Weights,
    years: int,
    rho: float,
    slopes: Sequence[float],
    spillovers: Sequence[float] | None = None,
    sigma: float = 1.0,
    effects: float = 1.0,
    model: str = "durbin",
    first: int = 2010,
    seed: int = 0,
    persistence: float = 0.0,
) -> pd.DataFrame:
    """Draw a panel from a spatial model with normal regressors, effects and errors.

    Parameters
    ----------
    weights : Weights
    years : int
    rho : float
        Of the outcome, or of the errors where `model` is ``"error"``.
    slopes, spillovers : sequence of float
        Of x1, x2, ... and of their lags; no lags where `spillovers` is None.
    sigma, effects : float
        Standard deviations of errors and of the effects of units and years.
        Regressors are correlated with both effects.
    model : {"durbin", "error"}
        ``"durbin"`` without `spillovers` is a lag model.
    first : int
        First year.
    seed : int
    persistence : float
        Share of last year's error, and of last year's regressor before the effects, in this
        year's, 0 or more and below 1. Their standard deviations stay.

    Returns
    -------
    DataFrame indexed (province, year)
        Columns y, x1, x2, ...

    Raises
    ------
    nqpf.errors.MethodError
        If `model` is unknown, slopes and spillovers differ in number, or `persistence` is no
        such share.
    """
    theta = [0.0] * len(slopes) if spillovers is None else list(spillovers)
    if model not in ("durbin", "error") or len(theta) != len(slopes):
        raise MethodError(
            f"model {model!r} with {len(slopes)} slopes and {len(theta)} spillovers",
            expected="'durbin' or 'error', and a spillover per slope",
        )
    if not 0 <= persistence < 1:
        raise MethodError(f"persistence {persistence!r}", expected="a number from 0 to below 1")
    rng = np.random.default_rng(seed)
    matrix, n = weights.matrix.to_numpy(), len(weights.labels)
    by_unit, by_year = effects * rng.normal(size=n), effects * rng.normal(size=(years, 1))
    x = _persisting(rng.normal(size=(len(slopes), years, n)), persistence)
    x = x + 0.5 * (by_unit + by_year)
    mean = np.tensordot(slopes, x, axes=1) + np.tensordot(theta, x, axes=1) @ matrix.T
    mean = mean + by_unit + by_year
    noise = sigma * _persisting(rng.normal(size=(years, n)), persistence)
    inverse = np.linalg.inv(np.eye(n) - rho * matrix).T
    y = (mean + noise) @ inverse if model == "durbin" else mean + noise @ inverse
    index = pd.MultiIndex.from_product(
        [range(first, first + years), weights.labels], names=["year", "province"]
    )
    columns = {f"x{j + 1}": own.ravel() for j, own in enumerate(x)}
    frame = pd.DataFrame({"y": y.ravel(), **columns}, index=index)
    return frame.swaplevel().sort_index()


def _persisting(drawn: np.ndarray, share: float) -> np.ndarray:
    """Let figures (..., T, n) keep a share of the year before, with their variance."""
    kept = drawn.copy()
    for year in range(1, drawn.shape[-2]):
        fresh = np.sqrt(1 - share**2) * drawn[..., year, :]
        kept[..., year, :] = share * kept[..., year - 1, :] + fresh
    return kept
