"""Direct, indirect and total effects of regressors in lag and Durbin panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space.durbin import (
    CLUSTERED,
    SpatialResult,
    SpatialSample,
    Spectrum,
    check_row_sums,
    lagged,
    read,
)
from nqpf.space.weights import Weights

__all__ = [
    "Impacts",
    "SpatialTest",
    "common_factor",
    "impacts",
    "lagrange",
    "likelihood_ratio",
    "no_lagged_regressors",
]

KINDS = ("direct", "indirect", "total")
METHODS = ("delta", "simulation")


@dataclass(frozen=True)
class Impacts:
    """Average effects of a regressor on its own unit, on the others and together.

    Attributes
    ----------
    table : DataFrame indexed (variable, effect)
        ``estimate``, ``std_error``, ``z``, ``pvalue``, ``lower`` and ``upper``.
    method : str
        ``"delta"`` or ``"simulation"``.
    level : float
        Of the intervals.
    draws : int or None
        Draws behind a simulation.
    redrawn : int
        Draws whose rho fell outside its range and were drawn again.
    """

    table: pd.DataFrame
    method: str
    level: float
    draws: int | None = None
    redrawn: int = 0

    def effect(self, kind: str) -> pd.DataFrame:
        """Return one kind of effect, a row per variable.

        Raises
        ------
        nqpf.errors.MethodError
            If `kind` is not direct, indirect or total.
        """
        choose("effect", kind, KINDS)
        return self.table.xs(kind, level="effect")

    def _repr_html_(self) -> str:
        return self.table.round(4).to_html()


def impacts(
    result: SpatialResult,
    method: str = "delta",
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Impacts:
    """Return direct, indirect and total effects of every regressor.

    A change of regressor r in all units moves the outcome by (I - rho W)^-1 (b_r I + t_r W). Its
    mean diagonal is the direct effect, feedback through neighbours included, its mean row sum
    the total, and the difference the indirect effect, the *spillover* (LeSage and Pace 2009,
    section 2.7).

    Parameters
    ----------
    result : SpatialResult
        Of a lag or Durbin model.
    method : {"delta", "simulation"}
        Errors from exact derivatives, or from draws of the coefficients from their normal
        distribution; intervals are then quantiles of the draws. Either rests on the errors of
        `result`: where these are clustered, intervals and draws are those of t with as many
        degrees of freedom as it has.
    level : float
        Of the intervals.
    draws : int
        Draws of the simulation.
    seed : int

    Returns
    -------
    Impacts

    Raises
    ------
    nqpf.errors.MethodError
        If `result` is an error model, in which nothing spills over to other units' outcomes, or
        an option is not valid.
    nqpf.errors.EstimationError
        If most draws of rho fall outside its range.

    Examples
    --------
    >>> from nqpf.space import contiguity
    >>> from nqpf.space.durbin import durbin, simulate
    >>> w = contiguity(hainan=True).row_standardised()
    >>> frame = simulate(w, years=10, rho=0.4, slopes=[1.0], spillovers=[0.5], seed=2)
    >>> effects = impacts(durbin(frame, "y", ["x1"], w))
    >>> effects.table["estimate"].round(2).to_dict()  # true total: 1.5 / 0.6
    {('x1', 'direct'): 1.14, ('x1', 'indirect'): 1.31, ('x1', 'total'): 2.45}
    """
    choose("method", method, METHODS)
    if result.model == "error":
        raise MethodError(
            "an error model has no spillovers: a regressor moves the outcome of its own unit",
            expected="a lag or Durbin model",
        )
    if not 0 < level < 1 or draws < 2:
        raise MethodError(
            f"level {level!r} with {draws!r} draws",
            expected="a level between 0 and 1 and two draws or more",
        )
    names = [name for name in result.params.index[:-1] if not _is_lag(name, result)]
    spectrum = result.spectrum
    theta = result.params.to_numpy()
    estimate = _effects(theta[None], names, result, spectrum)[0]
    index = pd.MultiIndex.from_product([names, KINDS], names=["variable", "effect"])
    if method == "delta":
        gradient = _gradient(theta, names, result, spectrum)
        cov = gradient @ result.cov.to_numpy() @ gradient.T
        error = np.sqrt(np.diag(cov))
        return Impacts(_table(index, estimate, error, level, result.df), method, level)
    sample, redrawn = _draw(result, draws, seed)
    drawn = _effects(sample, names, result, spectrum)
    table = _table(index, estimate, drawn.std(axis=0, ddof=1), level, result.df)
    tails = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    table["lower"], table["upper"] = tails
    return Impacts(table, method, level, draws, redrawn)


def _is_lag(name: str, result: SpatialResult) -> bool:
    return name.startswith("W ") and name[2:] in result.params.index


def _positions(names: list[str], result: SpatialResult) -> list[tuple[int, int | None]]:
    order = list(result.params.index)
    return [
        (order.index(name), order.index(f"W {name}") if f"W {name}" in order else None)
        for name in names
    ]


def _effects(
    params: np.ndarray, names: list[str], result: SpatialResult, spectrum: Spectrum
) -> np.ndarray:
    """Return (draws, 3 k) direct, indirect and total effects for (draws, p) parameters."""
    rho, omega = params[:, -1], spectrum.eigenvalues
    inverse = 1 / (1 - np.multiply.outer(rho, omega))
    own, lagged = (inverse.mean(axis=1).real, (omega * inverse).mean(axis=1).real)
    row, row_lagged = _row_means(rho, spectrum)
    columns = []
    for slope, spill in _positions(names, result):
        b, t = params[:, slope], 0.0 if spill is None else params[:, spill]
        direct, total = own * b + lagged * t, row * b + row_lagged * t
        columns += [direct, total - direct, total]
    return np.column_stack(columns)


def _row_means(rho: np.ndarray, spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray]:
    """Return mean row sums of (I - rho W)^-1 and of (I - rho W)^-1 W."""
    if spectrum.row_sum is not None:
        return 1 / (1 - rho * spectrum.row_sum), spectrum.row_sum / (1 - rho * spectrum.row_sum)
    n = len(spectrum.matrix)
    systems = np.eye(n) - rho[:, None, None] * spectrum.matrix
    sides = np.column_stack([np.ones(n), spectrum.matrix.sum(axis=1)])
    solved = np.linalg.solve(systems, np.broadcast_to(sides, (len(rho), n, 2)))
    return solved[:, :, 0].mean(axis=1), solved[:, :, 1].mean(axis=1)


def _gradient(
    theta: np.ndarray, names: list[str], result: SpatialResult, spectrum: Spectrum
) -> np.ndarray:
    """Return the exact derivatives (3 k, p) of the effects by the coefficients."""
    matrix, inverse = spectrum.matrix, spectrum.inverse(theta[-1])
    n, by_rho = len(matrix), inverse @ matrix @ inverse
    # Diagonal and row means of the matrices that multiply b and t, and of their derivatives.
    parts = [inverse, inverse @ matrix, by_rho, by_rho @ matrix]
    own = [np.trace(part) / n for part in parts]
    row = [part.sum() / n for part in parts]
    gradient = np.zeros((3 * len(names), len(theta)))
    for j, (slope, spill) in enumerate(_positions(names, result)):
        direct, _, total = gradient[3 * j : 3 * j + 3]
        for line, means in ((direct, own), (total, row)):
            line[slope] = means[0]
            line[-1] = theta[slope] * means[2]
            if spill is not None:
                line[spill] = means[1]
                line[-1] += theta[spill] * means[3]
        gradient[3 * j + 1] = total - direct
    return gradient


def _draw(result: SpatialResult, draws: int, seed: int) -> tuple[np.ndarray, int]:
    rng, (low, high) = np.random.default_rng(seed), result.bounds
    root = np.linalg.cholesky(_correlation(result.cov.to_numpy()))
    scale, mean = result.std_errors.to_numpy(), result.params.to_numpy()
    kept: list[np.ndarray] = []
    count = tried = 0
    while count < draws:
        if tried >= 4 * draws:
            raise EstimationError(
                f"{tried - count} of {tried} draws of rho fall outside {low:.4g} to {high:.4g}",
                expected="a rho that its standard error keeps inside its range",
                hint="use method='delta', and doubt both",
            )
        noise = rng.normal(size=(draws, len(mean))) @ root.T
        if result.df is not None:
            noise /= np.sqrt(rng.chisquare(result.df, size=(draws, 1)) / result.df)
        sample = mean + noise * scale
        inside = sample[(sample[:, -1] > low) & (sample[:, -1] < high)]
        kept.append(inside)
        count, tried = count + len(inside), tried + draws
    return np.concatenate(kept)[:draws], tried - count


def _correlation(cov: np.ndarray) -> np.ndarray:
    scale = np.sqrt(np.diag(cov))
    return cov / np.outer(scale, scale)


def _table(
    index: pd.MultiIndex, estimate: np.ndarray, error: np.ndarray, level: float, df: int | None
) -> pd.DataFrame:
    from scipy import stats

    law, z = stats.norm() if df is None else stats.t(df), estimate / error
    reach = law.ppf(0.5 + level / 2) * error
    columns = {
        "estimate": estimate,
        "std_error": error,
        "z": z,
        "pvalue": 2 * law.sf(np.abs(z)),
        "lower": estimate - reach,
        "upper": estimate + reach,
    }
    return pd.DataFrame(columns, index=index)


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
    >>> from nqpf.space.durbin import durbin, lag, simulate
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

    Parameters and errors as :func:`nqpf.space.durbin`.

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
