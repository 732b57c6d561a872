"""Spatial panels: lag, error and Durbin models, their spillovers and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nqpf.checks import choose, distinct
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.ols import _Regression
from nqpf.regress.table import RegressionTable
from nqpf.sample import _EFFECTS, _check_regressors, by_key, place
from nqpf.space.weights import Weights, align

__all__ = [
    "CLUSTERED",
    "CORRECTIONS",
    "ERRORS",
    "Estimate",
    "ISLANDS",
    "SPATIAL",
    "SpatialResult",
    "SpatialSample",
    "Spectrum",
    "Traces",
    "Transformation",
    "covariance",
    "durbin",
    "error",
    "fit_error",
    "fit_lag",
    "lag",
    "lagged",
    "read",
    "simulate",
    "spatial_table",
    "transformation",
    "unit_scores",
]

_REAL = 1e-9  # imaginary parts below this share of the largest eigenvalue are rounding
_EQUAL = 1e-10


@dataclass(frozen=True)
class Traces:
    """Traces of G = W (I - rho W)^-1, or of what is left of G without its common vector.

    Attributes
    ----------
    first : float
        tr(G).
    square : float
        tr(GG).
    cross : float
        tr(G'G).
    """

    first: float
    square: float
    cross: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a weights matrix, computed once.

    Parameters
    ----------
    matrix : (n, n) array
        Weights, zero on the diagonal.

    Examples
    --------
    >>> ring = np.roll(np.eye(4), 1, axis=0) / 2 + np.roll(np.eye(4), -1, axis=0) / 2
    >>> Spectrum(ring).bounds, Spectrum(ring).row_sum
    ((-1.0, 1.0), 1.0)
    """

    matrix: np.ndarray

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """(n,) eigenvalues, complex where W is not similar to a symmetric matrix."""
        values = np.linalg.eigvals(self.matrix)
        if np.abs(values.imag).max() <= _REAL * np.abs(values).max():
            return values.real
        return values

    @cached_property
    def row_sum(self) -> float | None:
        """Sum of every row, None where rows differ."""
        sums = self.matrix.sum(axis=1)
        equal = np.ptp(sums) <= _EQUAL * np.abs(sums).max()
        return float(np.round(sums.mean(), 12)) if equal else None

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Open interval around zero on which I - rho W is not singular.

        Only real eigenvalues make it singular (LeSage and Pace 2009, section 4.3.2); without
        a negative one the lower bound is the reciprocal of the largest modulus.
        """
        largest = np.abs(self.eigenvalues).max()
        real = self.eigenvalues[np.abs(np.imag(self.eigenvalues)) <= _REAL * largest].real
        lowest = real.min() if real.min() < -_REAL * largest else -largest
        return round(float(1 / lowest), 12), round(float(1 / real.max()), 12)

    @cached_property
    def _uncommon(self) -> np.ndarray:
        """Eigenvalues but for the one of the vector of ones."""
        return np.delete(self.eigenvalues, np.argmin(np.abs(self.eigenvalues - self.row_sum)))

    def _used(self, common: bool) -> np.ndarray:
        return self.eigenvalues if common else self._uncommon

    def log_determinant(self, rho: np.ndarray, common: bool = True) -> np.ndarray:
        """Return log|I - rho W| of one period for each rho.

        Without `common` it is log|I - rho W| - log(1 - rho c), c the sum of every row.
        """
        values = 1 - np.multiply.outer(np.asarray(rho), self._used(common))
        return np.log(np.abs(values)).sum(axis=-1)

    def slope(self, rho: float, common: bool = True) -> float:
        """Return the derivative of :meth:`log_determinant`, which is -tr(G)."""
        values = self._used(common)
        return -float((values / (1 - rho * values)).sum().real)

    def inverse(self, rho: float) -> np.ndarray:
        """Return (I - rho W)^-1."""
        return np.linalg.inv(np.eye(len(self.matrix)) - rho * self.matrix)

    def traces(self, rho: float, common: bool = True) -> Traces:
        """Return the traces of G; without `common` those of JG, J removing the mean."""
        g = self.matrix @ self.inverse(rho)
        if not common:
            g = g - g.mean(axis=0)
        return Traces(float(np.trace(g)), float((g * g.T).sum()), float((g * g).sum()))


CORRECTIONS = {
    "lee-yu": "effects removed by the transformation of Lee and Yu (2010)",
    "none": "effects removed by demeaning alone, every row counted",
}


@dataclass(frozen=True)
class Transformation:
    """Which effects go, and the rows and determinants that the likelihood then counts.

    Attributes
    ----------
    unit, time : bool
        Effects removed; with neither, a constant is.
    rows : int
        Rows N* in N*/2 log sigma2.
    periods : int
        How often log|I - rho W| enters.
    common : bool
        False where the determinant leaves out the vector of ones.
    """

    unit: bool
    time: bool
    rows: int
    periods: int
    common: bool

    @property
    def constant(self) -> bool:
        """A vector of ones per year, or over all years, is among what is removed."""
        return self.time or not self.unit

    def within(self, values: np.ndarray) -> np.ndarray:
        """Remove the effects from values of shape (T, n, ...); return the same shape."""
        if not (self.unit or self.time):
            return values - values.mean(axis=(0, 1))
        if self.unit:
            values = values - values.mean(axis=0)
        if self.time:
            values = values - values.mean(axis=1, keepdims=True)
        return values


def transformation(effects: str, correction: str, units: int, years: int) -> Transformation:
    """Return how `effects` are removed from `units` x `years`.

    With demeaning alone (Elhorst 2003) the likelihood is that of dummy variables: nT rows, T
    determinants. The transformation of Lee and Yu (2010) spends a row per effect: n(T-1) rows
    and T-1 determinants with unit effects, and with year effects n-1 rows per year, in which
    the determinant is divided by 1 - rho. Both have the same sum of squares.

    Raises
    ------
    nqpf.errors.MethodError
        If a name is unknown.

    Examples
    --------
    >>> transformation("two-way", "lee-yu", 31, 13)
    Transformation(unit=True, time=True, rows=360, periods=12, common=False)
    """
    choose("effects", effects, _EFFECTS)
    choose("correction", correction, tuple(CORRECTIONS))
    unit, time = effects in ("two-way", "unit"), effects in ("two-way", "time")
    corrected = correction == "lee-yu"
    periods = years - (unit and corrected)
    common = not (time and corrected)
    return Transformation(unit, time, (units - (not common)) * periods, periods, common)


def check_row_sums(
    change: Transformation, row_sum: float | None, islands: tuple[object, ...], model: str
) -> None:
    """Raise where a vector of ones would not stay one after multiplication by I - rho W.

    An island among units with neighbours is such a case, as its row adds up to zero.

    Raises
    ------
    nqpf.errors.MethodError
        Says which option asks for equal row sums.
    """
    if row_sum is not None:
        return
    problem, link = "rows of the weights have unequal sums", "standardise rows"
    if islands:
        problem += ", as a unit without neighbours has a row of zeros"
        link = "link the island, or leave it out"
    if not change.common:
        raise MethodError(
            f"{problem}, so the transformation of Lee and Yu does not remove year effects",
            where=_alone(islands),
            expected="weights whose rows sum to one",
            hint=f"{link}, or use correction='none'",
        )
    if model == "error" and change.constant:
        raise MethodError(
            f"{problem}, so a spatial error would make a common effect of a year a different one "
            "for each unit",
            where=_alone(islands),
            expected="weights whose rows sum to one",
            hint=f"{link}, or use effects='unit'",
        )


def _alone(islands: tuple[object, ...]) -> dict[str, object]:
    return place(islands[:1], ("unit",)) if islands else {}


_GRID = 60
_EDGE = 1e-7  # share of the range of rho that counts as its bound


@dataclass(frozen=True, eq=False)
class Estimate:
    """A maximum of the likelihood. Parameters are in the order slopes, rho, sigma2.

    Attributes
    ----------
    slopes : (k,)
    rho, sigma2, loglik : float
    residuals : (T, n)
    information, hessian : (k + 2, k + 2)
        Expected information, and minus the matrix of second derivatives.
    design : (T, n, k)
    moved : (T, n)
        Minus the derivatives of the residuals by slopes and by rho.
    """

    slopes: np.ndarray
    rho: float
    sigma2: float
    loglik: float
    residuals: np.ndarray
    information: np.ndarray
    hessian: np.ndarray
    design: np.ndarray
    moved: np.ndarray


def lagged(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return W v of every period, for values of shape (T, n, ...).

    Examples
    --------
    >>> lagged(np.array([[0, 1], [1, 0]]), np.array([[1, 2], [3, 4]]))
    array([[2, 1],
           [4, 3]])
    """
    return np.moveaxis(np.tensordot(matrix, values, axes=(1, 1)), 0, 1)


def fit_lag(y: np.ndarray, x: np.ndarray, spectrum: Spectrum, change: Transformation) -> Estimate:
    """Maximise the likelihood of y = rho W y + x b + effects + e.

    The outcome is lagged before its effects are removed: the other order is the same only if
    W has equal row sums. The likelihood is (Elhorst 2003; Lee and Yu 2010)

        -N*/2 log(2 pi sigma2) + P log|I - rho W| - e'e / (2 sigma2)

    with P and N* as :class:`Transformation` counts them.

    Parameters
    ----------
    y : (T, n)
    x : (T, n, k)
        Regressors, for a Durbin model with their lags.
    spectrum : Spectrum
    change : Transformation

    Returns
    -------
    Estimate

    Raises
    ------
    nqpf.errors.EstimationError
        If the likelihood has no maximum inside the range of rho.
    """
    wy = lagged(spectrum.matrix, y)
    exog = change.within(x).reshape(-1, x.shape[2])
    own, lag = (change.within(v).ravel() for v in (y, wy))
    basis, triangle = np.linalg.qr(exog)
    left, pull = (v - basis @ (basis.T @ v) for v in (own, lag))
    squares = np.array([left @ left, left @ pull, pull @ pull])

    def square(rho):
        return squares[0] - 2 * rho * squares[1] + rho**2 * squares[2]

    def score(rho):
        gain = change.rows * (squares[1] - rho * squares[2]) / square(rho)
        return gain + change.periods * spectrum.slope(rho, change.common)

    rho, loglik = _maximum(square, score, spectrum, change)
    slopes = np.linalg.solve(triangle, basis.T @ (own - rho * lag))
    residuals = left - rho * pull
    sigma2 = float(residuals @ residuals) / change.rows
    traces = spectrum.traces(rho, change.common)
    # Fitted values of (I - rho W) y with their effects, so that unequal row sums are right.
    fitted = y - rho * wy - residuals.reshape(y.shape)
    g = spectrum.matrix @ spectrum.inverse(rho)
    mean_lag = change.within(lagged(g, fitted)).ravel()
    blocks = {
        "slopes": exog.T @ exog / sigma2,
        "cross": exog.T @ mean_lag / sigma2,
        "rho": change.periods * (traces.square + traces.cross) + mean_lag @ mean_lag / sigma2,
        "rho_sigma2": change.periods * traces.first / sigma2,
    }
    observed = {
        "slopes": blocks["slopes"],
        "cross": exog.T @ lag / sigma2,
        "rho": change.periods * traces.square + lag @ lag / sigma2,
        "rho_sigma2": lag @ residuals / sigma2**2,
    }
    last = change.rows / (2 * sigma2**2)
    return Estimate(
        slopes,
        rho,
        sigma2,
        loglik,
        residuals.reshape(y.shape),
        _assemble(blocks, last),
        _assemble(observed, last),
        exog.reshape(x.shape),
        lag.reshape(y.shape),
    )


def fit_error(y: np.ndarray, x: np.ndarray, spectrum: Spectrum, change: Transformation) -> Estimate:
    """Maximise the likelihood of y = x b + effects + u with u = lambda W u + e.

    Parameters, returns and errors as :func:`fit_lag`; lambda stands in the place of rho.
    Where a constant or year effects are removed, rows of W must have equal sums.
    """
    wy, wx = lagged(spectrum.matrix, y), lagged(spectrum.matrix, x)
    own, lag = (change.within(v).ravel() for v in (y, wy))
    exog, exog_lag = (change.within(v).reshape(-1, x.shape[2]) for v in (x, wx))

    def solved(rho):
        filtered = exog - rho * exog_lag
        basis, triangle = np.linalg.qr(filtered)
        target = own - rho * lag
        return np.linalg.solve(triangle, basis.T @ target), filtered, target

    def parts(rho):
        slopes, filtered, target = solved(rho)
        return target - filtered @ slopes, lag - exog_lag @ slopes

    def square(rho):
        return np.array([float(e @ e) for e in (parts(r)[0] for r in np.atleast_1d(rho))])

    def score(rho):
        # The slopes and effects are at their best, so only rho itself moves the likelihood.
        e, moved = parts(rho)
        gain = change.rows * (e @ moved) / (e @ e)
        return gain + change.periods * spectrum.slope(rho, change.common)

    rho, loglik = _maximum(square, score, spectrum, change)
    slopes, filtered, _ = solved(rho)
    e, moved = parts(rho)
    sigma2 = float(e @ e) / change.rows
    traces = spectrum.traces(rho, change.common)
    blocks = {
        "slopes": filtered.T @ filtered / sigma2,
        "cross": np.zeros(len(slopes)),
        "rho": change.periods * (traces.square + traces.cross),
        "rho_sigma2": change.periods * traces.first / sigma2,
    }
    observed = {
        "slopes": blocks["slopes"],
        "cross": (filtered.T @ moved + exog_lag.T @ e) / sigma2,
        "rho": change.periods * traces.square + moved @ moved / sigma2,
        "rho_sigma2": e @ moved / sigma2**2,
    }
    last = change.rows / (2 * sigma2**2)
    return Estimate(
        slopes,
        rho,
        sigma2,
        loglik,
        e.reshape(y.shape),
        _assemble(blocks, last),
        _assemble(observed, last),
        filtered.reshape(x.shape),
        moved.reshape(y.shape),
    )


def _maximum(
    square: Callable, score: Callable, spectrum: Spectrum, change: Transformation
) -> tuple[float, float]:
    """Return rho and the log-likelihood at its highest maximum inside the bounds."""
    from scipy.optimize import brentq

    low, high = spectrum.bounds
    edge = _EDGE * (high - low)
    grid = np.linspace(low + edge, high - edge, _GRID)
    scores = np.array([score(rho) for rho in grid])
    falls = np.flatnonzero((scores[:-1] > 0) & (scores[1:] <= 0))
    if not len(falls):
        raise EstimationError(
            f"the likelihood has no maximum between rho = {low:.4g} and {high:.4g}, where "
            "I - rho W becomes singular",
            expected="a maximum inside the range that the eigenvalues of the weights allow",
            hint="use sparser weights or fewer effects; a lag of the outcome that the effects "
            "nearly absorb identifies no rho",
        )
    found = np.array([brentq(score, grid[i], grid[i + 1], xtol=1e-15) for i in falls])
    heights = change.periods * spectrum.log_determinant(found, change.common)
    heights -= change.rows / 2 * (np.log(2 * np.pi * square(found) / change.rows) + 1)
    best = int(np.argmax(heights))
    return float(found[best]), float(heights[best])


def _assemble(blocks: dict[str, np.ndarray | float], last: float) -> np.ndarray:
    k = len(blocks["cross"])
    matrix = np.zeros((k + 2, k + 2))
    matrix[:k, :k] = blocks["slopes"]
    matrix[:k, k] = matrix[k, :k] = blocks["cross"]
    matrix[k, k] = blocks["rho"]
    matrix[k, k + 1] = matrix[k + 1, k] = blocks["rho_sigma2"]
    matrix[k + 1, k + 1] = last
    return matrix


ISLANDS = ("refuse", "allow")


@dataclass(frozen=True, eq=False)
class SpatialSample:
    """A balanced panel of n units and T years.

    Attributes
    ----------
    index : MultiIndex (unit, time)
        Sorted; figures are reported by it.
    names : tuple of str
        Regressors, then ``W x`` for each that is lagged.
    outcome : (T, n)
    regressors : (T, n, k)
    weights : Weights
        In the order of the units.
    spectrum : Spectrum
    change : Transformation
    """

    index: pd.MultiIndex
    names: tuple[str, ...]
    outcome: np.ndarray
    regressors: np.ndarray
    weights: Weights
    spectrum: Spectrum
    change: Transformation

    @property
    def units(self) -> int:
        """Number of units."""
        return self.outcome.shape[1]

    @property
    def years(self) -> int:
        """Number of years."""
        return self.outcome.shape[0]

    def series(self, values: np.ndarray, name: str) -> pd.Series:
        """Return (T, n) figures as a series by unit and time."""
        return pd.Series(values.T.ravel(), index=self.index, name=name)


def read(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    weights: Weights | pd.DataFrame,
    effects: str,
    correction: str,
    key: tuple[str, str],
    lags: Sequence[str] = (),
    islands: str = "refuse",
) -> SpatialSample:
    """Check a panel and its weights, join them by unit and return arrays.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError, nqpf.errors.MethodError,
    nqpf.errors.EstimationError
        As :func:`nqpf.space.durbin` says.
    """
    names = distinct("regressors", regressors)
    distinct("the outcome and the regressors", [outcome, *names])
    choose("islands", islands, ISLANDS)
    _check_lags(names, lags)
    if isinstance(frame, np.ndarray):
        raise SampleError(
            "the panel is an array",
            expected=f"a DataFrame with {key[0]} and {key[1]}",
            hint="figures without keys can be in any order",
        )
    data = by_key(frame, [outcome, *names], *key, "the frame")
    units, years = _balanced(data.index)
    joined = align(weights if isinstance(weights, Weights) else Weights(weights), data)
    _check_islands(joined, islands, key[0])
    change = transformation(effects, correction, units, years)
    values = data.to_numpy().reshape(units, years, -1).transpose(1, 0, 2)
    spectrum = Spectrum(joined.matrix.to_numpy())
    x, labels = values[:, :, 1:], list(names)
    if lags:
        chosen = [names.index(name) for name in lags]
        x = np.concatenate([x, lagged(spectrum.matrix, x[:, :, chosen])], axis=2)
        labels += [f"W {name}" for name in lags]
    _check_size(change, units, years, len(labels))
    _check_variation(data.index, values[:, :, 0], x, outcome, labels, change)
    return SpatialSample(data.index, tuple(labels), values[:, :, 0], x, joined, spectrum, change)


def _check_islands(weights: Weights, islands: str, unit: str) -> None:
    if len(weights.islands) == len(weights.labels):
        raise EstimationError(
            "no unit has a neighbour, so there is no lag",
            expected="weights that link some units",
        )
    if weights.islands and islands == "refuse":
        raise SampleError(
            "a unit has no neighbours, so nothing spills over to it and its lag is zero",
            where=place((weights.islands[0],), (unit,)),
            expected="a neighbour for every unit",
            hint="estimate with islands='allow', use weights that link it, such as "
            "contiguity(hainan=True), or leave it out with align(weights, frame, subset=True)",
        )


def _check_lags(names: list[str], lags: Sequence[str]) -> None:
    for name in lags:
        if name not in names:
            raise MethodError(
                f"{name!r} is to be lagged but is no regressor",
                expected=" or ".join(map(repr, names)),
            )
        if list(lags).count(name) > 1 or f"W {name}" in names:
            raise MethodError(
                f"the lag 'W {name}' would be there twice", expected="each regressor and lag once"
            )


def _balanced(index: pd.MultiIndex) -> tuple[int, int]:
    """Return the numbers of units and years; raise unless every unit has every year."""
    units, years = (index.get_level_values(level).unique().sort_values() for level in (0, 1))
    if len(index) < len(units) * len(years):  # a key is there once, so no row is missing if equal
        whole = pd.MultiIndex.from_product([units, years], names=index.names)
        absent = whole.difference(index)
        raise SampleError(
            f"the panel is unbalanced: {len(absent)} row(s) are missing",
            where=place(absent[0], index.names),
            expected="every year of every unit, as a lag takes all neighbours",
            hint="restrict units or years, and cut the weights with align(..., subset=True)",
        )
    return len(units), len(years)


def _check_size(change: Transformation, units: int, years: int, k: int) -> None:
    if change.unit and years < 2:
        raise SampleError("one year is too few for effects of units", expected="two years or more")
    if change.time and units < 3:
        raise SampleError(
            f"{units} units are too few for effects of years", expected="three units or more"
        )
    effects = (units - 1) * change.unit + (years - 1) * change.time + 1
    left = units * years - effects - k - 1
    if left < 1:
        raise EstimationError(
            f"{units} units in {years} years leave {left} degrees of freedom beside "
            f"{k} coefficients, rho and the effects",
            expected="one or more",
            hint="use more years, or fewer regressors or effects",
        )


def _check_variation(
    index: pd.MultiIndex,
    y: np.ndarray,
    x: np.ndarray,
    outcome: str,
    names: list[str],
    change: Transformation,
) -> None:
    """Raise for an outcome or regressors that the effects absorb, or that are collinear."""
    left = np.linalg.norm(change.within(y))
    if left <= 1e-9 * np.linalg.norm(y - y.mean()) or left <= 1e-14 * np.abs(y).max() * y.size:
        raise EstimationError(
            f"outcome {outcome!r} does not vary beside the effects",
            expected="an outcome that they do not fit exactly",
        )
    table = pd.DataFrame(x.transpose(1, 0, 2).reshape(len(index), -1), index, names)
    units, years = y.shape[1], y.shape[0]
    codes = np.repeat(np.arange(units), years), np.tile(np.arange(years), units)
    _check_regressors(table, codes[0] if change.unit else None, codes[1] if change.time else None)
    exog = change.within(x).reshape(-1, x.shape[2])
    basis = np.linalg.qr(exog / np.linalg.norm(exog, axis=0))[0]
    own = change.within(y).ravel()
    if np.linalg.norm(own - basis @ (basis.T @ own)) <= 1e-9 * left:
        raise EstimationError(
            f"regressors and effects fit outcome {outcome!r} exactly",
            expected="an outcome with errors",
        )


ERRORS = {
    "information": "expected information",
    "hessian": "observed information",
    "clustered": "clustered by {unit}",
    "pairwise": "clustered by {unit} and pair of neighbours",
}
CLUSTERED = ("clustered", "pairwise")
_SINGULAR = 1e-12


def covariance(
    fit: Estimate, errors: str, spectrum: Spectrum, change: Transformation
) -> np.ndarray:
    """Return the covariance (k + 2, k + 2) of slopes, rho and sigma2.

    Raises
    ------
    nqpf.errors.EstimationError
        If the information is singular, or there are no more units than parameters to cluster by.
    """
    if errors not in CLUSTERED:
        return _inverse(fit.information if errors == "information" else fit.hessian)
    units, size = fit.residuals.shape[1], len(fit.hessian)
    if units <= size:
        raise EstimationError(
            f"{units} units are too few to cluster the errors of {size} parameters by",
            expected="more units than slopes, rho and sigma2 together",
            hint="use fewer regressors or lags, or errors='information'",
        )
    bread = _inverse(fit.hessian)
    if errors == "clustered":
        scores, pairs = unit_scores(fit, spectrum, change), 0.0
    else:
        scores, pairs = _by_pair(fit, spectrum, change)
    middle = scores.T @ scores
    middle[-2, -2] += pairs
    return units / (units - 1) * bread @ middle @ bread


def unit_scores(fit: Estimate, spectrum: Spectrum, change: Transformation) -> np.ndarray:
    """Return the score (n, k + 2) of each unit at the maximum; columns add up to zero.

    The log-likelihood of unit i is that of its rows with the (1/n)-th part of
    P log|I - rho W| - N*/2 log(2 pi sigma2).
    """
    n, trace = fit.residuals.shape[1], spectrum.traces(fit.rho, change.common).first
    by_rho = (fit.moved * fit.residuals).sum(axis=0) / fit.sigma2 - change.periods * trace / n
    return _stacked(fit, change, by_rho)


def _by_pair(fit: Estimate, spectrum: Spectrum, change: Transformation) -> tuple[np.ndarray, float]:
    """Return the scores (n, k + 2) that hold a unit's errors alone, and the pairs' sum of squares.

    The derivative of e by -rho is moved = mean + G e: its mean moves with regressors and effects.
    Products of errors are taken less their mean; where year effects are removed G acts on
    deviations from the year alone.
    """
    e, n = fit.residuals, fit.residuals.shape[1]
    g = spectrum.matrix @ spectrum.inverse(fit.rho)
    mean = fit.moved - change.within(lagged(g, e))
    keep = np.eye(n) - change.time / n  # removes a year's mean, which e does not have
    g = keep @ g @ keep
    products = e.T @ e / fit.sigma2 - change.rows / np.trace(keep) * keep
    own = (mean * e).sum(axis=0) / fit.sigma2 + np.diag(g) * np.diag(products)
    pairs = np.tril((g + g.T) * products, -1)
    return _stacked(fit, change, own), float((pairs**2).sum())


def _stacked(fit: Estimate, change: Transformation, by_rho: np.ndarray) -> np.ndarray:
    """Return scores (n, k + 2) by slopes, rho and sigma2."""
    e, n = fit.residuals, fit.residuals.shape[1]
    slopes = np.einsum("tik,ti->ik", fit.design, e) / fit.sigma2
    spread = (e**2).sum(axis=0) / (2 * fit.sigma2**2) - change.rows / (2 * n * fit.sigma2)
    return np.column_stack([slopes, by_rho, spread])


def _inverse(matrix: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.abs(np.diag(matrix)))
    scaled = matrix / np.outer(root, root) if (root > 0).all() else None
    if scaled is None or np.linalg.eigvalsh(scaled)[0] < _SINGULAR:
        raise EstimationError(
            "the information matrix is singular, so standard errors do not exist",
            expected="regressors, lags and rho that the sample tells apart",
            hint="drop a regressor or its lag",
        )
    return np.linalg.inv(scaled) / np.outer(root, root)


SPATIAL = {"lag": "rho", "durbin": "rho", "error": "lambda"}


@dataclass(frozen=True, kw_only=True)
class SpatialResult(_Regression):
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


def spatial_table(results: Mapping[str, _Regression], **options: object) -> RegressionTable:
    """Return regressions side by side with the log-likelihood, sigma2 and the weights.

    Parameters
    ----------
    results : mapping of str to _Regression
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
        programs report unless asked; see :mod:`nqpf.space.durbin`.
    errors : {"information", "hessian", "clustered", "pairwise"}
        Standard errors from the expected information or the second derivatives, which count
        rows as independent, or clustered by unit: ``"clustered"`` as Stata's xsmle under
        vce(robust), ``"pairwise"`` with the pairs of neighbours that it leaves out; see
        :mod:`nqpf.space.durbin`. Clustered errors have the factor G/(G-1) and the
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
    >>> from nqpf.space.durbin import simulate
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
    choose("errors", errors, tuple(ERRORS))
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
