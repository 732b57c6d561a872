"""The frontiers of Battese and Coelli (1992, 1995)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, SampleError
from nqpf.tfp.frontier.likelihood import Sample, posterior
from nqpf.tfp.frontier.maximise import (
    NO_GAIN,
    BoundaryWarning,
    ConvergenceWarning,
    Maximum,
    maximise,
)
from nqpf.tfp.frontier.options import Model, checked, columns_of, independent, levels
from nqpf.tfp.frontier.results import FrontierResult
from nqpf.tfp.frontier.technology import elasticities, regressors, trend_effect

__all__ = ["battese_coelli"]

# Standard deviations from zero at which a normal is cut by less than a millionth.
UNBOUND = 5.0


def battese_coelli(
    frame: pd.DataFrame,
    output: str,
    inputs: Sequence[str],
    unit: str,
    time: str,
    form: str = "cobb-douglas",
    inefficiency: str = "1992",
    distribution: str | None = None,
    decay: bool | None = None,
    determinants: Sequence[str] = (),
    trend: str = "none",
    max_iterations: int = 500,
) -> FrontierResult:
    """Estimate a stochastic production frontier by maximum likelihood.

    ln y_it = x_it'beta + v_it - u_it, v normal, u >= 0 a truncated normal.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` (whole years) as index levels or columns; need not be balanced.
    output : str
        Column of output in levels, positive; logarithms are taken here.
    inputs : sequence of str
        Columns of inputs in levels, positive.
    unit, time : str
        Names of the key. A cross-section has one value of `time`.
    form : {"cobb-douglas", "translog"}
        Functional form. Squares enter halved; inputs are not centred, so the first-order
        terms of a translog are no elasticities: see ``elasticities``.
    inefficiency : {"1992", "1995"}
        1992: u_it = exp(-eta (t - T)) u_i, one draw per unit, T the last year of the sample.
        1995: independent draws whose mean before truncation is delta'z_it.
    distribution : {"half-normal", "truncated"} or None
        Half-normal sets the mean before truncation to zero. None: half-normal for 1992,
        truncated for 1995.
    decay : bool or None
        Whether eta is estimated (1992); otherwise it is zero and efficiency does not change
        over time. None: estimated when there are two years or more.
    determinants : sequence of str
        Columns z of the 1995 model, as they stand; a constant is added.
    trend : {"none", "neutral", "non-neutral"}
        Technical change: none; a trend (with its square in a translog); a trend that also
        shifts the elasticities.
    max_iterations : int
        Bound on the iterations of each search.

    Returns
    -------
    FrontierResult

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown or an output or input is not positive.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or the sample too small.
    nqpf.errors.MethodError
        If options are unknown or do not go together.
    nqpf.errors.EstimationError
        If regressors are collinear or the frontier fits without error.

    Warns
    -----
    ConvergenceWarning
        If the search did not reach a maximum.
    BoundaryWarning
        If gamma or eta stopped at a bound, no inefficiency was found (the message says when
        least-squares residuals are skewed the wrong way), or truncation does not bind.
    UserWarning
        If an elasticity is negative in some rows.

    Notes
    -----
    Parametrised by sigma^2 = sigma_v^2 + sigma_u^2 and gamma = sigma_u^2 / sigma^2 (Battese and
    Corra 1977). Standard errors come from the Hessian. Years since the year before the sample
    count the trend, as in FRONTIER 4.1 (Coelli 1996).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=200)
    >>> y = 1 + 0.6 * x + rng.normal(scale=0.1, size=200) - abs(rng.normal(scale=0.3, size=200))
    >>> firms = pd.DataFrame({"firm": range(200), "year": 1, "y": np.exp(y), "x": np.exp(x)})
    >>> result = battese_coelli(firms, "y", ["x"], "firm", "year")
    >>> result.convergence.converged
    True
    >>> print(result.parameters.loc[["x", "gamma"], "estimate"].round(1).to_string())
    x        0.6
    gamma    0.9
    """
    model = checked(
        Model(
            output,
            columns_of(inputs, "inputs"),
            form,
            inefficiency,
            distribution,
            decay,
            columns_of(determinants, "determinants"),
            trend,
            max_iterations,
        )
    )
    data = levels(frame, model, unit, time)
    model = model.on(data)
    logs = np.log(data[[output, *inputs]])
    year = data.index.get_level_values(1)
    years = pd.Series(year - year.min() + 1.0, index=data.index)
    x = regressors(logs[list(inputs)], years, form, trend)
    sample, z_names = _sample(data, logs[output], x, model)
    names = [*x.columns, *z_names, "sigma2", "gamma", *(["eta"] if model.decay else [])]
    if len(data) <= len(names):
        raise SampleError(
            f"{len(data)} rows for {len(names)} parameters", expected="more rows than parameters"
        )
    fit = _least_squares(sample, x)
    found = maximise(sample, fit.beta, fit.variance, names, max_iterations)
    _warn(found, sample, names, fit, max_iterations)
    return _result(model, data, logs, years, sample, found, names, fit)


def _sample(
    data: pd.DataFrame, y: pd.Series, x: pd.DataFrame, model: Model
) -> tuple[Sample, list[str]]:
    """Return the arrays of the likelihood and the names of the mean's parameters."""
    shared = model.inefficiency == "1992"
    codes = pd.factorize(data.index.get_level_values(0))[0] if shared else np.arange(len(data))
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    if model.distribution == "half-normal":
        z = pd.DataFrame(index=data.index[starts])
    elif shared:
        z = pd.DataFrame({"mu": 1.0}, index=data.index[starts])
    else:
        z = data[list(model.determinants)].add_prefix("delta:")
        z.insert(0, "delta:constant", 1.0)
        independent(z, "the determinants")
    year = data.index.get_level_values(1).to_numpy()
    lead = (year.max() - year).astype(float)
    sample = Sample(y.to_numpy(), x.to_numpy(), z.to_numpy(float), starts, lead, model.decay)
    return sample, list(z.columns)


@dataclass(frozen=True, eq=False)
class _LeastSquares:
    """Coefficients, residual variance (over n), skewness and log-likelihood."""

    beta: np.ndarray
    variance: float
    skewness: float
    loglik: float


def _least_squares(sample: Sample, x: pd.DataFrame) -> _LeastSquares:
    independent(x, "the regressors")
    n = len(sample.y)
    scale = np.sqrt((sample.x**2).mean(axis=0))
    beta = np.linalg.lstsq(sample.x / scale, sample.y, rcond=None)[0] / scale
    residual = sample.y - sample.x @ beta
    variance = float((residual**2).mean())
    if variance <= 1e-20 * (1 + float((sample.y**2).mean())):
        raise EstimationError(
            "the output is an exact function of the inputs",
            expected="a residual",
            hint="see whether the output was made from the inputs",
        )
    return _LeastSquares(
        beta=beta,
        variance=variance,
        skewness=float((residual**3).mean() / variance**1.5),
        loglik=-n / 2 * float(np.log(2 * np.pi * variance) + 1),
    )


def _warn(
    found: Maximum, sample: Sample, names: list[str], fit: _LeastSquares, max_iterations: int
) -> None:
    """Say what is wrong with a maximum, if anything is."""
    state = found.convergence
    if not state.converged:
        warnings.warn(
            f"the search did not converge after {state.iterations} iterations of at most "
            f"{max_iterations} (largest derivative {state.gradient_norm:.2g}; {state.message}); "
            "the estimates need not be a maximum",
            ConvergenceWarning,
            stacklevel=3,
        )
    bound = [
        f"{name} stopped at {found.parameters[names.index(name)]:.6g}" for name in state.boundary
    ]
    if found.loglik - fit.loglik < NO_GAIN:
        bound.append("the frontier fits no better than least squares: it finds no inefficiency")
        if fit.skewness > 0:
            bound.append(
                f"the least-squares residuals are skewed the wrong way ({fit.skewness:+.2f})"
            )
    _, delta, sigma2, gamma, _ = sample.split(found.parameters)
    if len(delta) and (sample.z @ delta).min() > UNBOUND * np.sqrt(gamma * sigma2):
        bound.append(
            f"the mean before truncation is over {UNBOUND:g} sigma_u everywhere, so truncation "
            "does not bind: determinants serve as regressors and the level of efficiency is not "
            "identified"
        )
    if bound:
        warnings.warn("; ".join(bound), BoundaryWarning, stacklevel=3)


def _result(
    model: Model,
    data: pd.DataFrame,
    logs: pd.DataFrame,
    years: pd.Series,
    sample: Sample,
    found: Maximum,
    names: list[str],
    fit: _LeastSquares,
) -> FrontierResult:
    """Return the reader's result, labelled."""
    estimate = pd.Series(found.parameters, index=names)
    inputs, beta = logs[list(model.inputs)], estimate.iloc[: sample.x.shape[1]]
    slopes = elasticities(inputs, years, beta)
    for name in slopes.columns[(slopes < 0).any()]:
        warnings.warn(
            f"the elasticity of {name} is negative in {int((slopes[name] < 0).sum())} of "
            f"{len(slopes)} rows",
            stacklevel=3,
        )
    state = posterior(found.parameters, sample)
    return FrontierResult(
        form=model.form,
        inefficiency_model=model.inefficiency,
        distribution=str(model.distribution),
        trend=model.trend,
        decay=bool(model.decay),
        parameters=_table(estimate, found.covariance),
        covariance=pd.DataFrame(found.covariance, index=names, columns=names),
        loglik=found.loglik,
        loglik_ols=fit.loglik,
        ols_skewness=fit.skewness,
        output=logs[model.output],
        inputs=inputs,
        efficiency=pd.Series(state.efficiency, index=data.index, name="efficiency"),
        inefficiency=pd.Series(state.inefficiency, index=data.index, name="inefficiency"),
        residual=pd.Series(state.residual, index=data.index, name="residual"),
        elasticities=slopes,
        technical_change=trend_effect(inputs, years, beta),
        convergence=found.convergence,
    )


def _table(estimate: pd.Series, covariance: np.ndarray) -> pd.DataFrame:
    """Return estimates with standard errors, z and two-sided p values."""
    from scipy.stats import norm

    error = np.sqrt(np.diag(covariance))
    z = estimate / error
    return pd.DataFrame(
        {"estimate": estimate, "std_error": error, "z": z, "p_value": 2 * norm.sf(z.abs())}
    )
