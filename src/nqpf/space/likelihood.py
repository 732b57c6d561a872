"""The likelihood of a spatial panel: its sample, maximum and information."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nqpf.checks import choose, distinct
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import _EFFECTS, PanelSample, _balanced, _check_regressors, _place
from nqpf.space.weights import _Weights, align

_REAL = 1e-9  # imaginary parts below this share of the largest eigenvalue are rounding
_EQUAL = 1e-10
_GRID = 60
_EDGE = 1e-7  # share of the range of rho that counts as its bound
_SINGULAR = 1e-12
_CORRECTIONS = {
    "lee-yu": "effects removed by the transformation of Lee and Yu (2010)",
    "none": "effects removed by demeaning alone, every row counted",
}
_CLUSTERED = ("clustered", "pairwise")


class _Space:
    """The weights of a panel of n units, and how effects are removed from it.

    With demeaning alone (Elhorst 2003) the likelihood is that of dummy variables: nT rows, T
    determinants. The transformation of Lee and Yu (2010) spends a row per effect: n(T-1) rows
    and T-1 determinants with unit effects, and with year effects n-1 rows per year, in which
    the determinant is divided by 1 - rho. Both have the same sum of squares.

    Attributes
    ----------
    matrix : (n, n)
        Weights, zero on the diagonal.
    unit, time : bool
        Effects removed; with neither, a constant is.
    rows : int
        Rows N* in N*/2 log sigma2.
    periods : int
        How often log|I - rho W| enters.
    common : bool
        False where the determinant leaves out the vector of ones.

    Examples
    --------
    >>> ring = np.roll(np.eye(4), 1, axis=0) / 2 + np.roll(np.eye(4), -1, axis=0) / 2
    >>> space = _Space(ring, "two-way", "lee-yu", 13)
    >>> space.bounds, space.row_sum, space.rows, space.periods
    ((-1.0, 1.0), 1.0, 36, 12)
    """

    def __init__(self, matrix: np.ndarray, effects: str, correction: str, years: int) -> None:
        self.matrix, (self.unit, self.time) = matrix, _EFFECTS[effects]
        self.periods = years - (self.unit and correction == "lee-yu")
        self.common = not (self.time and correction == "lee-yu")
        self.rows = (len(matrix) - (not self.common)) * self.periods

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """(n,) eigenvalues, complex where W is not similar to a symmetric matrix."""
        values = np.linalg.eigvals(self.matrix)
        rounded = np.abs(values.imag).max() <= _REAL * np.abs(values).max()
        return values.real if rounded else values

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
    def _used(self) -> np.ndarray:
        """Eigenvalues in the determinant: without `common` but for the one of the ones."""
        if self.common:
            return self.eigenvalues
        return np.delete(self.eigenvalues, np.argmin(np.abs(self.eigenvalues - self.row_sum)))

    def log_determinant(self, rho: np.ndarray) -> np.ndarray:
        """Return log|I - rho W| of one period for each rho, less log(1 - rho c) if not common."""
        return np.log(np.abs(1 - np.multiply.outer(rho, self._used))).sum(axis=-1)

    def slope(self, rho: float) -> float:
        """Return the derivative of :meth:`log_determinant`, which is -tr(G)."""
        return -float((self._used / (1 - rho * self._used)).sum().real)

    def inverse(self, rho: float) -> np.ndarray:
        """Return (I - rho W)^-1."""
        return np.linalg.inv(np.eye(len(self.matrix)) - rho * self.matrix)

    def feedback(self, rho: float) -> np.ndarray:
        """Return G = W (I - rho W)^-1."""
        return self.matrix @ self.inverse(rho)

    def traces(self, rho: float) -> np.ndarray:
        """Return tr(G), tr(GG) and tr(G'G) by periods, of JG if not common, J removing means."""
        g = self.feedback(rho)
        g = g if self.common else g - g.mean(axis=0)
        return self.periods * np.array([np.trace(g), (g * g.T).sum(), (g * g).sum()])

    def lagged(self, values: np.ndarray) -> np.ndarray:
        """Return W v of every period, for values of shape (T, n, ...)."""
        return np.moveaxis(np.tensordot(self.matrix, values, axes=(1, 1)), 0, 1)

    def within(self, values: np.ndarray) -> np.ndarray:
        """Remove the effects from values of shape (T, n, ...); return the same shape."""
        if not (self.unit or self.time):
            return values - values.mean(axis=(0, 1))
        if self.unit:
            values = values - values.mean(axis=0)
        return values - values.mean(axis=1, keepdims=True) if self.time else values


class _Panel:
    """A balanced panel of n units and T years, checked and joined with its weights by unit.

    Attributes
    ----------
    index : MultiIndex (unit, time)
    names, lags : list of str
        Regressors, with "W x" for each of `lags`.
    labels : Index
        The same with "rho".
    y : (T, n)
    x : (T, n, k)
    weights : weights of nqpf.space.weights
    space : _Space
    """

    def __init__(
        self,
        sample: PanelSample,
        weights: _Weights | pd.DataFrame,
        correction: str = "lee-yu",
        islands: str = "refuse",
        lagged: Sequence[str] | str | None = None,
    ) -> None:
        choose("correction", correction, _CORRECTIONS)
        choose("islands", islands, ("refuse", "allow"))
        data, names = sample.data, sample.regressors
        self.index, self.weights = data.index, align(weights, data)
        self.lags = distinct("lagged", names if lagged is None else lagged, least=0)
        for name in self.lags:
            choose("regressor to lag", name, names)
        spelt = [*names, *(f"W {name}" for name in self.lags)]
        self.names = distinct("regressors and their lags", spelt)
        self.labels = pd.Index([*self.names, "rho"])
        n, years = _balanced(data[sample.outcome]).shape
        self.space = _Space(self.weights.matrix.to_numpy(), sample.effects, correction, years)
        self._check_links(islands)
        values = data.to_numpy().reshape(n, years, -1).transpose(1, 0, 2)
        self.y, x = values[:, :, 0], values[:, :, 1:]
        spilt = self.space.lagged(x[:, :, [names.index(name) for name in self.lags]])
        self.x = np.concatenate([x, spilt], axis=2)
        self._check(sample)

    def _check_links(self, islands: str) -> None:
        """Refuse islands that are not allowed, and year effects that the weights do not keep."""
        alone, space = self.weights.islands, self.space
        where = _place(alone[:1], self.index.names[:1]) if alone else {}
        if alone and (islands == "refuse" or len(alone) == len(space.matrix)):
            problem = "a unit has no neighbours, so nothing spills over to it and its lag is zero"
            expected = "a neighbour for every unit"
            hint = "estimate with islands='allow', use weights that link it, such as contiguity("
            hint += "hainan=True), or leave it out with align(weights, frame, subset=True)"
            raise SampleError(problem, where=where, expected=expected, hint=hint)
        if not space.common and space.row_sum is None:
            row = ", as a unit without neighbours has a row of zeros" if alone else ""
            link = "link the island, or leave it out" if alone else "standardise rows"
            problem = (
                f"rows of the weights have unequal sums{row}, so the transformation of Lee and Yu "
                "does not remove year effects"
            )
            expected, hint = "weights whose rows sum to one", f"{link}, or use correction='none'"
            raise MethodError(problem, where=where, expected=expected, hint=hint)

    def _check(self, sample: PanelSample) -> None:
        """Refuse too few rows, and variables that the effects absorb or that are collinear."""
        (years, n, k), space, outcome = self.x.shape, self.space, sample.outcome
        if space.time and n < 3:
            raise SampleError(f"{n} units are too few for year effects", expected="three or more")
        left = n * years - (n - 1) * space.unit - (years - 1) * space.time - k - 2
        if left < 1:
            problem = f"{n} units in {years} years leave {left} degrees of freedom beside {k} "
            problem += "coefficients, rho and the effects"
            hint = "use more years, or fewer regressors or effects"
            raise EstimationError(problem, expected="one or more", hint=hint)
        table = pd.DataFrame(self.x.transpose(1, 0, 2).reshape(-1, k), self.index, self.labels[:-1])
        _check_regressors(table, *sample.absorbed)
        own, basis = space.within(self.y).ravel(), self.basis
        size = np.linalg.norm(own)
        level = 1e-14 * np.abs(self.y).max() * own.size
        if size <= max(1e-9 * np.linalg.norm(self.y - self.y.mean()), level):
            problem = f"outcome {outcome!r} does not vary beside the effects"
            raise EstimationError(problem, expected="an outcome that they do not fit exactly")
        if np.linalg.norm(own - basis @ (basis.T @ own)) <= 1e-9 * size:
            problem = f"regressors and effects fit outcome {outcome!r} exactly"
            raise EstimationError(problem, expected="an outcome with errors")

    @cached_property
    def exog(self) -> np.ndarray:
        """(T n, k) regressors without effects."""
        return self.space.within(self.x).reshape(self.y.size, -1)

    @cached_property
    def basis(self) -> np.ndarray:
        """(T n, k) orthonormal columns that span them."""
        return np.linalg.qr(self.exog / np.linalg.norm(self.exog, axis=0))[0]


@dataclass(frozen=True, eq=False)
class _Fit:
    """A maximum of the likelihood. Parameters are in the order slopes, rho, sigma2.

    Variables are in units of their variation, as money and shares in one matrix lose digits;
    `back` (k + 1,) and `scale` turn coefficients and residuals back.
    """

    coefficients: np.ndarray  # slopes and rho, (k + 1,)
    sigma2: float
    loglik: float
    residuals: np.ndarray  # (T, n)
    moved: np.ndarray  # minus the derivatives of the residuals by the coefficients, (T, n, k + 1)
    expected: np.ndarray  # information, (k + 2, k + 2)
    observed: np.ndarray  # minus the second derivatives
    back: np.ndarray
    scale: float


def _fitted(panel: _Panel) -> _Fit:
    """Maximise the likelihood of y = rho W y + x b + effects + e.

    The outcome is lagged before its effects are removed: the other order is the same only if
    W has equal row sums. The likelihood is (Elhorst 2003; Lee and Yu 2010)

        -N*/2 log(2 pi sigma2) + P log|I - rho W| - e'e / (2 sigma2)

    with P and N* as :class:`_Space` counts them.
    """
    space, y = panel.space, panel.y
    scale = float(np.sqrt((space.within(y) ** 2).mean()))
    spread = np.sqrt((panel.exog**2).mean(axis=0))
    if space.row_sum is not None:  # levels are removed anyway and rows of W sum alike
        y = y - y.mean()
    y, exog = y / scale, panel.exog / spread
    wy = space.lagged(y)
    own, lag = (space.within(v).ravel() for v in (y, wy))
    basis, triangle = np.linalg.qr(exog)
    left, pull = (v - basis @ (basis.T @ v) for v in (own, lag))
    squares = np.array([left @ left, left @ pull, pull @ pull])

    def square(rho):
        return squares[0] - 2 * rho * squares[1] + rho**2 * squares[2]

    def score(rho):
        gain = space.rows * (squares[1] - rho * squares[2]) / square(rho)
        return gain + space.periods * space.slope(rho)

    rho, loglik = _maximum(square, score, space)
    slopes = np.linalg.solve(triangle, basis.T @ (own - rho * lag))
    e = left - rho * pull
    sigma2 = float(e @ e) / space.rows
    moved = np.column_stack([exog, lag])
    trace, doubled, crossed = space.traces(rho)

    def information(moved, traces, mixed):
        matrix = np.zeros((len(slopes) + 2,) * 2)
        matrix[:-1, :-1] = moved.T @ moved / sigma2
        matrix[-2, -2] += traces
        matrix[-2, -1] = matrix[-1, -2] = mixed
        matrix[-1, -1] = space.rows / (2 * sigma2**2)
        return matrix

    # Fitted values of (I - rho W) y with their effects, so that unequal row sums are right.
    fitted = y - rho * wy - e.reshape(y.shape)
    mean = np.column_stack([exog, space.within(fitted @ space.feedback(rho).T).ravel()])
    return _Fit(
        coefficients=np.append(slopes, rho),
        sigma2=sigma2,
        loglik=loglik - space.rows * np.log(scale),
        residuals=e.reshape(y.shape),
        moved=moved.reshape(*y.shape, -1),
        expected=information(mean, doubled + crossed, trace / sigma2),
        observed=information(moved, doubled, lag @ e / sigma2**2),
        back=np.append(scale / spread, 1.0),
        scale=scale,
    )


def _maximum(square: Callable, score: Callable, space: _Space) -> tuple[float, float]:
    """Return rho and the log-likelihood at its highest maximum inside the bounds."""
    from scipy.optimize import brentq

    low, high = space.bounds
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
    heights = space.periods * space.log_determinant(found)
    heights -= space.rows / 2 * (np.log(2 * np.pi * square(found) / space.rows) + 1)
    best = int(np.argmax(heights))
    return float(found[best]), float(heights[best])


def _covariance(fit: _Fit, space: _Space, errors: str) -> np.ndarray:
    """Return the covariance (k + 2, k + 2) of slopes, rho and sigma2.

    The log-likelihood of a unit is that of its rows with the n-th part of the determinant and of
    the constant. Its score of rho holds products of neighbours' errors, which stand in the scores
    of both; ``pairwise`` takes these products as parts of their own. The derivative of e by -rho
    is moved = mean + G e: its mean moves with regressors and effects. Products of errors are taken
    less their mean; where year effects are removed G acts on deviations from the year alone.
    """
    if errors not in _CLUSTERED:
        return _inverse(fit.expected if errors == "information" else fit.observed)
    e, sigma2, rho = fit.residuals, fit.sigma2, fit.coefficients[-1]
    n, size = len(space.matrix), len(fit.observed)
    if n <= size:
        problem = f"{n} units are too few to cluster the errors of {size} parameters by"
        expected = "more units than slopes, rho and sigma2 together"
        hint = "use fewer regressors or lags, or errors='information'"
        raise EstimationError(problem, expected=expected, hint=hint)
    bread, pairs = _inverse(fit.observed), 0.0
    scores = np.einsum("tik,ti->ik", fit.moved, e) / sigma2
    if errors == "clustered":
        scores[:, -1] -= space.traces(rho)[0] / n
    else:
        g = space.feedback(rho)
        mean = fit.moved[:, :, -1] - space.within(e @ g.T)
        keep = np.eye(n) - space.time / n  # removes a year's mean, which e does not have
        g = keep @ g @ keep
        products = e.T @ e / sigma2 - space.rows / np.trace(keep) * keep
        scores[:, -1] = (mean * e).sum(axis=0) / sigma2 + np.diag(g) * np.diag(products)
        pairs = float((np.tril((g + g.T) * products, -1) ** 2).sum())
    spread = (e**2).sum(axis=0) / (2 * sigma2**2) - space.rows / (2 * n * sigma2)
    scores = np.column_stack([scores, spread])
    middle = scores.T @ scores
    middle[-2, -2] += pairs
    return n / (n - 1) * bread @ middle @ bread


def _inverse(matrix: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.abs(np.diag(matrix)))
    scaled = matrix / np.outer(root, root) if (root > 0).all() else None
    if scaled is None or np.linalg.eigvalsh(scaled)[0] < _SINGULAR:
        problem = "the information matrix is singular, so standard errors do not exist"
        expected = "regressors, lags and rho that the sample tells apart"
        raise EstimationError(problem, expected=expected, hint="drop a regressor or its lag")
    return np.linalg.inv(scaled) / np.outer(root, root)
