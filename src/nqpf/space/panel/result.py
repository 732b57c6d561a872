"""What a spatial panel regression returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nqpf.regress import RegressionResult, RegressionTable
from nqpf.space.panel.covariance import CLUSTERED, ERRORS
from nqpf.space.panel.spectrum import Spectrum
from nqpf.space.panel.transform import CORRECTIONS
from nqpf.space.weights import Weights
from nqpf.tfp.sample import place

__all__ = ["SPATIAL", "SpatialResult", "spatial_table"]

SPATIAL = {"lag": "rho", "durbin": "rho", "error": "lambda"}


@dataclass(frozen=True, kw_only=True)
class SpatialResult(RegressionResult):
    """A spatial panel regression by maximum likelihood.

    `params` holds the regressors, ``W x`` for the lag of a regressor x, and last ``rho`` (lag
    and Durbin) or ``lambda`` (error). R2 is the share of the outcome's variation that the
    residuals e leave once the effects are removed. Errors rest on the normal distribution, and
    clustered ones on t with a degree less than there are units.

    Attributes
    ----------
    model : {"lag", "durbin", "error"}
    correction : {"lee-yu", "none"}
    loglik : float
        Maximum of the log-likelihood.
    sigma2 : float
        Variance of e.
    sigma2_error : float
        Its standard error.
    bounds : tuple of float
        Open interval on which I - rho W is not singular.
    weights : Weights
        In the order of the units in `residuals`.
    """

    model: str
    correction: str
    loglik: float
    sigma2: float
    sigma2_error: float
    bounds: tuple[float, float]
    weights: Weights

    @property
    def rho(self) -> float:
        """Coefficient of the lag of the outcome, or of the errors (lambda)."""
        return float(self.params.iloc[-1])

    @property
    def spectrum(self) -> Spectrum:
        """Eigenvalues of the weights."""
        return Spectrum(self.weights.matrix.to_numpy())

    @property
    def covariance_label(self) -> str:
        """The covariance estimator in words."""
        return ERRORS[self.errors].format(unit=self.unit)

    @property
    def convention_label(self) -> str:
        """The small-sample convention with its formula."""
        if self.errors in CLUSTERED:
            return "clusters: G/(G-1), parameters not counted, t(G-1)"
        return super().convention_label

    def foot(self) -> dict[str, str]:
        """Return what a table prints beside a regression's usual rows."""
        return {
            "Log-likelihood": f"{self.loglik:,.3f}",
            "sigma2": f"{self.sigma2:.4g}",
            "Effects removed": "Lee-Yu" if self.correction == "lee-yu" else "demeaned",
            "Weights": self.weights.kind,
        }

    def _repr_html_(self) -> str:
        return spatial_table({self.outcome: self}).to_html()


def spatial_table(results: Mapping[str, RegressionResult], **options: object) -> RegressionTable:
    """Return regressions side by side with the log-likelihood, sigma2 and the weights.

    Parameters
    ----------
    results : mapping of str to RegressionResult
        Columns; regressions without space may stand among them.
    **options
        Passed to :class:`nqpf.regress.RegressionTable`.
    """
    extra: dict[str, dict[str, str]] = {}
    for heading, result in results.items():
        if isinstance(result, SpatialResult):
            for title, cell in result.foot().items():
                extra.setdefault(title, {})[heading] = cell
    return RegressionTable(results, extra=extra, **options)


def notes(
    correction: str, bounds: tuple[float, float], islands: tuple[object, ...], unit: str
) -> tuple[str, ...]:
    """Return what a reader must know beside the figures."""
    low, high = (np.format_float_positional(b, 4, trim="-") for b in bounds)
    likelihood = f"Maximum likelihood, {CORRECTIONS[correction]}; rho between {low} and {high}."
    return likelihood, *(
        f"{_named(island, unit)} has no neighbours: its spatial lag is zero." for island in islands
    )


def _named(island: object, unit: str) -> str:
    label = place((island,), (unit,))[unit]
    return label if isinstance(label, str) else f"{unit} {label}"
