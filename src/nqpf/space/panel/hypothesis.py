"""Tests of which spatial panel the data ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.space.panel.covariance import CLUSTERED
from nqpf.space.panel.likelihood import lagged
from nqpf.space.panel.request import SpatialSample, read
from nqpf.space.panel.result import SpatialResult
from nqpf.space.panel.transform import check_row_sums
from nqpf.space.weights import Weights

__all__ = ["SpatialTest", "common_factor", "lagrange", "likelihood_ratio", "no_lagged_regressors"]


@dataclass(frozen=True)
class SpatialTest:
    """A test with a chi-squared distribution, or of F where errors are clustered.

    Attributes
    ----------
    null : str
        What is tested, in words.
    kind : str
        ``"LR"``, ``"Wald"`` or ``"LM"``.
    statistic : float
        Chi-squared; its `df`-th part has the distribution F if `clusters_df` is not None.
    df : int
    clusters_df : int or None
        Clusters less one, of a Wald test with clustered errors.
    """

    null: str
    kind: str
    statistic: float
    df: int
    clusters_df: int | None = None

    @property
    def pvalue(self) -> float:
        """Probability of a larger statistic under the null."""
        from scipy import stats

        if self.clusters_df is not None:
            return float(stats.f.sf(self.statistic / self.df, self.df, self.clusters_df))
        return float(stats.chi2.sf(self.statistic, self.df))


def likelihood_ratio(large: SpatialResult, small: SpatialResult) -> SpatialTest:
    """Test a model within a larger one by twice the gap of their log-likelihoods.

    Parameters
    ----------
    large, small : SpatialResult
        A Durbin model and a lag or error model of the same regressors, sample, weights and
        effects. An error model is a Durbin model with t = -rho b (Burridge 1981).

    Returns
    -------
    SpatialTest

    Raises
    ------
    nqpf.errors.MethodError
        If `small` is not within `large`, or errors are clustered: the likelihood counts rows as
        independent, so its ratio is no test where they are not.
    nqpf.errors.SampleError
        If they are of different samples or weights.

    Examples
    --------
    >>> from nqpf.space import contiguity
    >>> from nqpf.space.panel import durbin, lag, simulate
    >>> w = contiguity(hainan=True).row_standardised()
    >>> frame = simulate(w, years=10, rho=0.4, slopes=[1.0], spillovers=[0.8], seed=1)
    >>> test = likelihood_ratio(durbin(frame, "y", ["x1"], w), lag(frame, "y", ["x1"], w))
    >>> test.df, test.pvalue < 0.01
    (1, True)
    """
    for result in (large, small):
        if result.errors in CLUSTERED:
            raise MethodError(
                f"a likelihood ratio rests on independent rows, and errors are {result.errors!r}",
                expected="models with errors 'information' or 'hessian'",
                hint="the Wald tests no_lagged_regressors() and common_factor() use the errors",
            )
    names = [name for name in small.params.index[:-1]]
    df = len(large.params) - len(small.params)
    nested = large.model == "durbin" and small.model != "durbin"
    if not nested or df < 1 or not set(names) <= set(large.params.index):
        raise MethodError(
            f"a {small.model} model of {', '.join(names)} is not within the {large.model} model",
            expected="a Durbin model first, then a lag or error model of its regressors",
        )
    if small.model == "error":
        _check_all_lagged(large)
        if len(names) != df:
            raise MethodError(
                "the error and the Durbin model have different regressors",
                expected="the same regressors in both",
            )
    for what in ("outcome", "effects", "correction"):
        if getattr(large, what) != getattr(small, what):
            raise MethodError(
                f"the models differ in {what}: {getattr(large, what)!r} and "
                f"{getattr(small, what)!r}",
                expected="likelihoods that differ in the model alone",
            )
    same = large.residuals.index.equals(small.residuals.index)
    if not same or not large.weights.matrix.equals(small.weights.matrix):
        raise SampleError(
            "the models are of different samples or weights", expected="the same in both"
        )
    statistic = 2 * (large.loglik - small.loglik)
    null = "spatial lag model" if small.model == "lag" else "spatial error model"
    return SpatialTest(null, "LR", float(statistic), df)


def no_lagged_regressors(result: SpatialResult) -> SpatialTest:
    """Return the Wald test of a Durbin model against the lag model, t = 0.

    Raises
    ------
    nqpf.errors.MethodError
        If `result` is not a Durbin model.
    """
    _check_durbin(result)
    names = [name for name in result.params.index if name.startswith("W ")]
    theta = result.params[names].to_numpy()
    gap = np.linalg.solve(result.cov.loc[names, names].to_numpy(), theta)
    return SpatialTest("spatial lag model", "Wald", float(theta @ gap), len(names), result.df)


def common_factor(result: SpatialResult) -> SpatialTest:
    """Return the Wald test of a Durbin model against the error model, t + rho b = 0.

    Raises
    ------
    nqpf.errors.MethodError
        If `result` is not a Durbin model in which every regressor is lagged.
    """
    _check_all_lagged(result)
    k = (len(result.params) - 1) // 2
    b, t, rho = np.split(result.params.to_numpy(), [k, 2 * k])
    gradient = np.hstack([rho * np.eye(k), np.eye(k), b[:, None]])
    gap, cov = t + rho * b, gradient @ result.cov.to_numpy() @ gradient.T
    statistic = float(gap @ np.linalg.solve(cov, gap))
    return SpatialTest("spatial error model", "Wald", statistic, k, result.df)


def lagrange(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    weights: Weights | pd.DataFrame,
    effects: str = "two-way",
    correction: str = "lee-yu",
    unit: str = "province",
    time: str = "year",
    islands: str = "refuse",
) -> pd.DataFrame:
    """Test a regression without space for a spatial lag and for spatial errors.

    Score tests of Anselin (1988) and their robust forms (Anselin, Bera, Florax and Yoon 1996),
    each of which allows for the other, on the panel with its effects removed. Scores are taken
    less their mean under the null and information is net of sigma2; both matter under the
    transformation of Lee and Yu only, in which the weights have a trace.

    Parameters and errors as :func:`nqpf.space.panel.durbin`.

    Returns
    -------
    DataFrame
        ``statistic``, ``df`` and ``pvalue`` for ``lag``, ``error``, ``robust lag`` and
        ``robust error``.
    """
    key = (unit, time)
    sample = read(frame, outcome, regressors, weights, effects, correction, key, islands=islands)
    check_row_sums(sample.change, sample.spectrum.row_sum, sample.weights.islands, "lag")
    lag, error, shift, trace = _scores(sample)
    robust_lag = (lag - error) ** 2 / shift
    robust_error = (error - trace / (shift + trace) * lag) ** 2 / (
        trace * (1 - trace / (shift + trace))
    )
    tests = {
        "lag": lag**2 / (shift + trace),
        "error": error**2 / trace,
        "robust lag": robust_lag,
        "robust error": robust_error,
    }
    rows = {name: SpatialTest("no space", "LM", value, 1) for name, value in tests.items()}
    return pd.DataFrame(
        {
            "statistic": {name: test.statistic for name, test in rows.items()},
            "df": 1,
            "pvalue": {name: test.pvalue for name, test in rows.items()},
        }
    )


def _scores(sample: SpatialSample) -> tuple[float, float, float, float]:
    """Return the scores of rho and lambda at zero, and the parts of their information."""
    change, spectrum = sample.change, sample.spectrum
    exog = change.within(sample.regressors).reshape(-1, sample.regressors.shape[2])
    basis = np.linalg.qr(exog / np.linalg.norm(exog, axis=0))[0]

    def free(values: np.ndarray) -> np.ndarray:
        flat = change.within(values).ravel()
        return flat - basis @ (basis.T @ flat)

    residual = free(sample.outcome)
    shaped = residual.reshape(sample.outcome.shape)
    sigma2 = float(residual @ residual) / change.rows
    lag_y, lag_e = (lagged(spectrum.matrix, v) for v in (sample.outcome, shaped))
    shift = free(lagged(spectrum.matrix, sample.outcome - shaped))
    traces = spectrum.traces(0.0, change.common)
    mean = change.periods * traces.first
    trace = change.periods * (traces.square + traces.cross) - 2 * mean**2 / change.rows
    lag = float(residual @ lag_y.ravel()) / sigma2 - mean
    error = float(residual @ lag_e.ravel()) / sigma2 - mean
    return lag, error, float(shift @ shift) / sigma2, trace


def _check_durbin(result: SpatialResult) -> None:
    if result.model != "durbin":
        raise MethodError(f"a {result.model} model", expected="a Durbin model")


def _check_all_lagged(result: SpatialResult) -> None:
    _check_durbin(result)
    names = list(result.params.index[:-1])
    k = len(names) // 2
    if names[k:] != [f"W {name}" for name in names[:k]]:
        raise MethodError(
            "not every regressor of the Durbin model is lagged",
            expected="a lag of each, in the same order",
        )
