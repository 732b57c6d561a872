"""Direct, indirect and total effects of regressors in lag and Durbin panels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.effects import check_option
from nqpf.space.panel.result import SpatialResult
from nqpf.space.panel.spectrum import Spectrum

__all__ = ["Impacts", "impacts"]

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
        check_option("effect", kind, KINDS)
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
    >>> from nqpf.space.panel import durbin, simulate
    >>> w = contiguity(hainan=True).row_standardised()
    >>> frame = simulate(w, years=10, rho=0.4, slopes=[1.0], spillovers=[0.5], seed=2)
    >>> effects = impacts(durbin(frame, "y", ["x1"], w))
    >>> effects.table["estimate"].round(2).to_dict()  # true total: 1.5 / 0.6
    {('x1', 'direct'): 1.14, ('x1', 'indirect'): 1.31, ('x1', 'total'): 2.45}
    """
    check_option("method", method, METHODS)
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
