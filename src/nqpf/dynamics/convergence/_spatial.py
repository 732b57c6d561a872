"""Growth regressions with a spatial lag or a spatial error, by spreg's maximum likelihood."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.tfp.within import check_regressors

__all__ = ["SPATIAL", "SpatialFit", "fit_spatial"]

SPATIAL = ("lag", "error")


@dataclass(frozen=True)
class SpatialFit:
    """What a spatial growth regression found; the last parameter is the spatial one."""

    params: pd.DataFrame
    total: float
    total_se: float
    likelihood_ratio: float
    likelihood_ratio_pvalue: float


def fit_spatial(data: pd.DataFrame, weights: pd.DataFrame, spatial: str) -> SpatialFit:
    """Estimate ``growth`` on the other columns of `data`.

    Parameters
    ----------
    data : DataFrame indexed (unit, time), one row per unit
        ``growth`` first, then the initial level, then controls.
    weights : DataFrame (n, n)
        Row-standardised, in the order of `data`.
    spatial : {"lag", "error"}

    Raises
    ------
    nqpf.errors.EstimationError
        If a regressor is constant or collinear.
    """
    from libpysal.weights.util import full2W
    from scipy import stats
    from spreg import ML_Error, ML_Lag

    check_regressors(data.drop(columns="growth"), None, None)
    y, x = data[["growth"]].to_numpy(), data.drop(columns="growth").to_numpy()
    joined = full2W(weights.to_numpy(), ids=list(weights.index))
    # spreg prints the name of the model.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # spreg hands its bounded search a tolerance of another name, which scipy remarks on.
        warnings.filterwarnings("ignore", message="Method 'bounded'", category=RuntimeWarning)
        if spatial == "lag":
            fit = ML_Lag(y, x, joined, spat_impacts=None, spat_diag=False)
        else:
            fit = ML_Error(y, x, joined)
    estimates = np.asarray(fit.betas, dtype=float).ravel()
    cov = np.asarray(fit.vm, dtype=float)[: len(estimates), : len(estimates)]
    spread = np.sqrt(np.diag(cov))
    names = ["const", *data.columns.drop("growth"), "rho" if spatial == "lag" else "lambda"]
    params = pd.DataFrame(
        {
            "coefficient": estimates,
            "std_error": spread,
            "pvalue": 2 * stats.norm.sf(np.abs(estimates / spread)),
        },
        index=names,
    )
    ratio = 2 * (float(fit.logll) - _least_squares_loglik(y, x))
    total = _total(estimates[1], estimates[-1], cov[np.ix_([1, -1], [1, -1])])
    if spatial == "error":
        total = (float("nan"), float("nan"))
    return SpatialFit(params, *total, ratio, float(stats.chi2.sf(max(ratio, 0.0), 1)))


def _least_squares_loglik(y: np.ndarray, x: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(y)), x])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    n = len(y)
    return float(-n / 2 * (np.log(2 * np.pi * (residuals**2).sum() / n) + 1))


def _total(b: float, rho: float, cov: np.ndarray) -> tuple[float, float]:
    """Return b / (1 - rho), the row sum of b (I - rho W)^-1, and its delta-method error."""
    gradient = np.array([1 / (1 - rho), b / (1 - rho) ** 2])
    return float(b / (1 - rho)), float(np.sqrt(gradient @ cov @ gradient))
