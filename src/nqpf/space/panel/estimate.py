"""Spatial lag, error and Durbin panels by maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress.effects import check_option
from nqpf.space.panel.covariance import CLUSTERED, ERRORS, covariance
from nqpf.space.panel.likelihood import Estimate, fit_error, fit_lag
from nqpf.space.panel.request import SpatialSample, read
from nqpf.space.panel.result import SPATIAL, SpatialResult, notes
from nqpf.space.panel.transform import check_row_sums
from nqpf.space.weights import Weights

__all__ = ["durbin", "error", "lag"]

_NAMES = {"lag": "spatial lag", "durbin": "spatial Durbin", "error": "spatial error"}


def durbin(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    weights: Weights | pd.DataFrame,
    effects: str = "two-way",
    lagged: Sequence[str] | str | None = None,
    correction: str = "lee-yu",
    errors: str = "information",
    unit: str = "province",
    time: str = "year",
    vintage: str = "",
    islands: str = "refuse",
) -> SpatialResult:
    """Estimate y = rho W y + X b + W X t + effects + e.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns; a balanced panel, no figure missing.
    outcome : str
        Dependent variable y.
    regressors : sequence of str
        Independent variables X.
    weights : Weights or DataFrame
        Labelled by unit on both axes. Joined to the panel by unit, in whatever order either is.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects; ``"pooled"`` has a constant and none.
    lagged : sequence of str or None
        Regressors whose spatial lags enter; all by default.
    correction : {"lee-yu", "none"}
        How effects are removed: the transformation of Lee and Yu (2010), or demeaning alone
        (Elhorst 2003), which is maximum likelihood with dummy variables and what other
        programs report unless asked; see :mod:`nqpf.space.panel.transform`.
    errors : {"information", "hessian", "clustered", "pairwise"}
        Standard errors from the expected information or the second derivatives, which count
        rows as independent, or clustered by unit: ``"clustered"`` as Stata's xsmle under
        vce(robust), ``"pairwise"`` with the pairs of neighbours that it leaves out; see
        :mod:`nqpf.space.panel.covariance`. Clustered errors have the factor G/(G-1) and the
        distribution t(G-1), the others neither (convention "none", normal).
    unit, time : str
        Names of the key.
    vintage : str
        Vintage of the data, carried to the table.
    islands : {"refuse", "allow"}
        What to do with a unit without neighbours. Allowed, its lags are zero, it stays in the
        likelihood and in the averages of impacts, and a note names it. Its row sums to zero, so
        what needs equal row sums is refused: year effects removed by ``"lee-yu"``, and an error
        model with year effects or a constant.

    Returns
    -------
    SpatialResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, the panel unbalanced (the message names the first
        row that is missing), weights and panel have different units, or one is an
        island that is not allowed.
    nqpf.errors.MethodError
        If an option is unknown, or asks for weights with equal row sums and gets others.
    nqpf.errors.EstimationError
        If regressors are absorbed or collinear, there are too few years, or the likelihood has
        no maximum inside the range of rho.

    References
    ----------
    Elhorst (2003), International Regional Science Review 26; Lee and Yu (2010), Journal of
    Econometrics 154; LeSage and Pace (2009), Introduction to Spatial Econometrics.

    Examples
    --------
    >>> from nqpf.space import contiguity
    >>> from nqpf.space.panel import simulate
    >>> w = contiguity(hainan=True).row_standardised()
    >>> frame = simulate(w, years=10, rho=0.4, slopes=[1.0], spillovers=[0.5], seed=2)
    >>> fit = durbin(frame, "y", ["x1"], w)
    >>> fit.params.round(2).to_dict()
    {'x1': 1.04, 'W x1': 0.37, 'rho': 0.42}
    """
    names = [regressors] if isinstance(regressors, str) else list(regressors)
    lags = [lagged] if isinstance(lagged, str) else names if lagged is None else list(lagged)
    if names and not lags:
        raise MethodError("no regressor is lagged", expected="one or more", hint="use lag()")
    sample = read(frame, outcome, names, weights, effects, correction, (unit, time), lags, islands)
    return _result("durbin", sample, outcome, effects, correction, errors, vintage)


def lag(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    weights: Weights | pd.DataFrame,
    effects: str = "two-way",
    correction: str = "lee-yu",
    errors: str = "information",
    unit: str = "province",
    time: str = "year",
    vintage: str = "",
    islands: str = "refuse",
) -> SpatialResult:
    """Estimate y = rho W y + X b + effects + e; parameters and errors as :func:`durbin`."""
    key = (unit, time)
    sample = read(frame, outcome, regressors, weights, effects, correction, key, islands=islands)
    return _result("lag", sample, outcome, effects, correction, errors, vintage)


def error(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    weights: Weights | pd.DataFrame,
    effects: str = "two-way",
    correction: str = "lee-yu",
    errors: str = "information",
    unit: str = "province",
    time: str = "year",
    vintage: str = "",
    islands: str = "refuse",
) -> SpatialResult:
    """Estimate y = X b + effects + u, u = lambda W u + e; parameters as :func:`durbin`."""
    key = (unit, time)
    sample = read(frame, outcome, regressors, weights, effects, correction, key, islands=islands)
    return _result("error", sample, outcome, effects, correction, errors, vintage)


def _result(
    model: str,
    sample: SpatialSample,
    outcome: str,
    effects: str,
    correction: str,
    errors: str,
    vintage: str,
) -> SpatialResult:
    check_option("errors", errors, tuple(ERRORS))
    check_row_sums(sample.change, sample.spectrum.row_sum, sample.weights.islands, model)
    fit, spread, scale = _scaled_fit(model, sample)
    labels = [*sample.names, SPATIAL[model]]
    back = np.append(scale / spread, 1.0)
    cov = covariance(fit, errors, sample.spectrum, sample.change)
    own = sample.change.within(sample.outcome)
    residuals = fit.residuals * scale
    return SpatialResult(
        outcome=outcome,
        params=pd.Series(np.append(fit.slopes, fit.rho) * back, labels, name="coefficient"),
        cov=pd.DataFrame(cov[:-1, :-1] * np.outer(back, back), labels, labels),
        residuals=sample.series(residuals, "residual"),
        nobs=own.size,
        groups=sample.units,
        periods=sample.years,
        rsquared_within=1 - float((residuals**2).sum() / (own**2).sum()),
        df=sample.units - 1 if errors in CLUSTERED else None,
        effects=effects,
        errors=errors,
        convention="clusters" if errors in CLUSTERED else "none",
        unit=sample.index.names[0],
        time=sample.index.names[1],
        vintage=vintage,
        estimator=_NAMES[model],
        notes=notes(
            correction, sample.spectrum.bounds, sample.weights.islands, sample.index.names[0]
        ),
        model=model,
        correction=correction,
        loglik=fit.loglik - sample.change.rows * np.log(scale),
        sigma2=fit.sigma2 * scale**2,
        sigma2_error=float(np.sqrt(cov[-1, -1])) * scale**2,
        bounds=sample.spectrum.bounds,
        weights=sample.weights,
    )


def _scaled_fit(model: str, sample: SpatialSample) -> tuple[Estimate, np.ndarray, float]:
    """Fit variables of unit variation, as money and shares in one matrix lose digits.

    Levels are taken off first where a constant is removed anyway and rows of W sum alike.
    """
    y, x = sample.outcome, sample.regressors
    if sample.spectrum.row_sum is not None:
        y, x = y - y.mean(), x - x.mean(axis=(0, 1))
    scale = float(np.sqrt((sample.change.within(y) ** 2).mean()))
    spread = np.sqrt((sample.change.within(x) ** 2).mean(axis=(0, 1)))
    fit = fit_error if model == "error" else fit_lag
    return fit(y / scale, x / spread, sample.spectrum, sample.change), spread, scale
