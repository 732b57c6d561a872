"""What a regression of growth says about convergence."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from nqpf.regress import RegressionResult

__all__ = ["BetaResult"]


@dataclass(frozen=True)
class BetaResult:
    """Estimate of beta convergence, with its speed and half-life.

    Attributes
    ----------
    design : {"cross-section", "panel"}
    spatial : {"lag", "error"} or None
    errors : str
        Kind of standard errors.
    coefficient, std_error, pvalue, lower, upper : float
        Coefficient of the initial log level, negative under convergence, and
        its 95 % interval.
    years : int
        Length of a growth period: the span of the sample, or 1 in a panel.
    speed, speed_se : float
        Part of a gap that closes per year, and its delta-method error.
    half_life, half_life_se : float
        Years until half of a gap has closed.
    nobs, units : int
    params : DataFrame
        Every coefficient with error and p value.
    rho, rho_se, rho_pvalue : float
        Spatial coefficient; NaN without one.
    total, total_se : float
        b / (1 - rho) of a spatial lag: the coefficient once growth has gone
        round the neighbours; NaN otherwise.
    likelihood_ratio, likelihood_ratio_pvalue : float
        Test of the spatial model against least squares, chi2(1).
    nickell : float
        Bias of the coefficient that the number of years alone brings about,
        were there no convergence; NaN for a cross-section.
    corrected : float
        Coefficient without Nickell's bias; NaN for a cross-section, with
        controls, or if no stationary process fits the estimate.
    regression : RegressionResult or None
    notes : tuple of str
    """

    design: str
    spatial: str | None
    errors: str
    coefficient: float
    std_error: float
    pvalue: float
    lower: float
    upper: float
    years: int
    speed: float
    speed_se: float
    half_life: float
    half_life_se: float
    nobs: int
    units: int
    params: pd.DataFrame
    rho: float = float("nan")
    rho_se: float = float("nan")
    rho_pvalue: float = float("nan")
    total: float = float("nan")
    total_se: float = float("nan")
    likelihood_ratio: float = float("nan")
    likelihood_ratio_pvalue: float = float("nan")
    nickell: float = float("nan")
    corrected: float = float("nan")
    regression: RegressionResult | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the estimate as one row."""
        shown = ["coefficient", "std_error", "pvalue", "lower", "upper", "speed", "half_life"]
        row = {name: getattr(self, name) for name in (*shown, "nobs")}
        return pd.DataFrame([row], index=pd.Index([self.design], name="design"))

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)
