"""Dynamic panels: difference and system GMM with a lagged outcome."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.iv import _HypothesisTest as HypothesisTest
from nqpf.regress.ols import RegressionResult
from nqpf.sample import by_key, nearest

__all__ = [
    "DynamicDiagnostics",
    "DynamicResult",
    "Equations",
    "INITIAL",
    "METHODS",
    "ManyInstrumentsWarning",
    "Request",
    "SingularWeightingWarning",
    "Solution",
    "Steps",
    "Window",
    "build",
    "diagnose",
    "dynamic_gmm",
    "estimate",
    "minimum",
    "on_grid",
    "read_request",
    "weighting",
]

METHODS = ("difference", "system")
INITIAL = ("full", "blocks", "identity")
Names = Sequence[str] | Mapping[str, int] | str


@dataclass(frozen=True)
class Window:
    """Lags of a variable that instrument the differenced equation.

    Attributes
    ----------
    name : str
    first, last : int, int or None
        From the nearest to the farthest lag; None for all there are.
    """

    name: str
    first: int
    last: int | None


@dataclass(frozen=True)
class Request:
    """A checked request.

    Attributes
    ----------
    outcome : str
    lags : int
        Lags of the outcome among the regressors.
    terms : tuple of (str, int)
        Other regressors and their lag, exogenous ones first.
    exogenous : int
        How many of `terms` are exogenous.
    external : tuple of str
        Instruments that are not regressors.
    windows : tuple of Window
    system, collapse, time_effects : bool
    initial : str
    """

    outcome: str
    lags: int
    terms: tuple[tuple[str, int], ...]
    exogenous: int
    external: tuple[str, ...]
    windows: tuple[Window, ...]
    system: bool
    collapse: bool
    time_effects: bool
    initial: str

    @property
    def variables(self) -> list[str]:
        """Every column that is needed, once."""
        return list(dict.fromkeys([self.outcome, *(n for n, _ in self.terms), *self.external]))

    @property
    def labels(self) -> list[str]:
        """Names of the coefficients: ``L1.y`` is y a year before."""
        lagged = [(self.outcome, lag) for lag in range(1, self.lags + 1)]
        return [f"L{lag}.{name}" if lag else name for name, lag in [*lagged, *self.terms]]


def read_request(
    outcome: str,
    lags: int,
    kinds: Mapping[str, Names],
    external: Sequence[str] | str,
    windows: Mapping[str, tuple[int, int | None] | None],
    options: Mapping[str, object],
) -> Request:
    """Return the request, or say what is wrong with it.

    Parameters
    ----------
    kinds : mapping of ``exogenous``, ``predetermined`` and ``endogenous``
        Each the names of its regressors, or a mapping of name to highest lag.
    options : mapping
        ``method``, ``collapse``, ``time_effects``, ``initial``.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown, a variable has two roles, or a window is not valid.

    Examples
    --------
    >>> kinds = {"exogenous": {"x": 1}, "predetermined": (), "endogenous": ["w"]}
    >>> options = {"method": "system", "collapse": True, "time_effects": True, "initial": "full"}
    >>> request = read_request("y", 1, kinds, (), {"w": (2, 4)}, options)
    >>> request.labels
    ['L1.y', 'x', 'L1.x', 'w']
    >>> [(w.name, w.first, w.last) for w in request.windows]
    [('y', 2, None), ('w', 2, 4)]
    """
    for what, known in (("method", METHODS), ("initial", INITIAL)):
        _check_option(what, options[what], known)
    if not isinstance(lags, Integral) or lags < 1:
        raise MethodError(f"lags {lags!r}", expected="1 or more lags of the outcome")
    orders = {kind: _orders(names, kind) for kind, names in kinds.items()}
    outside = [external] if isinstance(external, str) else list(external)
    named = [outcome, *(name for order in orders.values() for name in order), *outside]
    double = {name for name in named if named.count(name) > 1}
    if double:
        raise MethodError(
            f"variable {min(double)!r} is named more than once",
            expected="one role for each variable",
        )
    least = {outcome: 2}
    least.update({name: 1 for name in orders["predetermined"]})
    least.update({name: 2 for name in orders["endogenous"]})
    exogenous = _terms(orders["exogenous"])
    request = Request(
        outcome=outcome,
        lags=lags,
        terms=(*exogenous, *_terms({**orders["predetermined"], **orders["endogenous"]})),
        exogenous=len(exogenous),
        external=tuple(outside),
        windows=_windows(least, windows),
        system=options["method"] == "system",
        collapse=bool(options["collapse"]),
        time_effects=bool(options["time_effects"]),
        initial=str(options["initial"]),
    )
    taken = [*request.labels, "const"]
    double = [label for label in taken if taken.count(label) > 1]
    if double:
        raise MethodError(
            f"two coefficients would be called {double[0]!r}", hint="rename that column"
        )
    return request


def _check_option(what: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise MethodError(
            f"unknown {what} {value!r}",
            expected=" or ".join(map(repr, known)),
            hint=nearest(value, known),
        )


def _orders(names: Names, kind: str) -> dict[str, int]:
    if isinstance(names, str):
        return {names: 0}
    orders = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 0)
    if not isinstance(names, Mapping) and len(orders) < len(names):
        raise MethodError(f"a variable is named more than once among the {kind} regressors")
    for name, order in orders.items():
        if not isinstance(order, Integral) or order < 0:
            raise MethodError(
                f"highest lag {order!r} of {name!r}", expected="a whole number, 0 or more"
            )
    return orders


def _terms(orders: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((name, lag) for name, order in orders.items() for lag in range(order + 1))


def _windows(
    least: Mapping[str, int], given: Mapping[str, tuple[int, int | None] | None]
) -> tuple[Window, ...]:
    stray = [name for name in given if name not in least]
    if stray:
        raise MethodError(
            f"a window for {stray[0]!r}",
            expected="a window for the outcome, a predetermined or an endogenous regressor",
            hint=nearest(stray[0], least),
        )
    windows = []
    for name, nearest_valid in least.items():
        window = given.get(name, (nearest_valid, None))
        if window is None:
            continue
        if not _valid(window, nearest_valid):
            raise MethodError(
                f"window {window!r} of {name!r}",
                expected=f"a first and a last lag from {nearest_valid} up, the nearest that can "
                "be valid; the last may be None",
            )
        first, last = window
        windows.append(Window(name, first, last))
    return tuple(windows)


def _valid(window: object, least: int) -> bool:
    if not isinstance(window, tuple | list) or len(window) != 2:
        return False
    first, last = window
    if not isinstance(first, Integral) or first < least:
        return False
    return last is None or (isinstance(last, Integral) and last >= first)


@dataclass(frozen=True)
class Equations:
    """Stacked equations; G units, T years, R = T rows of differences, then T of levels if any.

    Attributes
    ----------
    outcome : (G, R)
    regressors : (G, R, K)
    instruments : (G, R, m)
    groups : tuple of str
        What each instrument is: ``lags``, ``levels``, ``exogenous`` or ``effects``.
    labels : list of str
        Names of the K coefficients.
    present : (G, R) bool
        Rows that hold an equation.
    years : (T,)
    system : bool
    """

    outcome: np.ndarray
    regressors: np.ndarray
    instruments: np.ndarray
    groups: tuple[str, ...]
    labels: list[str]
    present: np.ndarray
    years: np.ndarray
    system: bool


def on_grid(data: pd.DataFrame) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each column as an array of units by years, NaN where a row is missing.

    Parameters
    ----------
    data : DataFrame indexed (unit, time), sorted

    Raises
    ------
    nqpf.errors.SampleError
        If the times are not whole numbers of consecutive periods.
    """
    time = data.index.get_level_values(1)
    if not np.issubdtype(time.dtype, np.integer):
        raise SampleError(
            f"{data.index.names[1]} is not a whole number", expected="integers, one per period"
        )
    unit = pd.factorize(data.index.get_level_values(0), sort=True)[0]
    span, seen = int(time.max() - time.min()) + 1, time.nunique()
    if span > 10 * seen:
        raise SampleError(
            f"{seen} different values of {data.index.names[1]} from {time.min()} to {time.max()}",
            expected="numbers of consecutive periods",
            hint="number the periods",
        )
    years = np.arange(time.min(), time.max() + 1)
    values = {}
    for name in data.columns:
        values[name] = np.full((unit.max() + 1, len(years)), np.nan)
        values[name][unit, time - years[0]] = data[name].to_numpy()
    return values, years


def build(values: dict[str, np.ndarray], years: np.ndarray, request: Request) -> Equations:
    """Return the equations and instruments of a request.

    Raises
    ------
    nqpf.errors.SampleError
        If no unit has enough consecutive years for one equation.
    """
    outcome = values[request.outcome]
    lagged = [_lag(outcome, lag) for lag in range(1, request.lags + 1)]
    columns = [*lagged, *(_lag(values[name], lag) for name, lag in request.terms)]
    external = [values[name] for name in request.external]
    whole = np.isfinite(np.stack([outcome, *columns, *external])).all(axis=0)
    paired = whole & _lag(whole.astype(float), 1, 0.0).astype(bool)
    if not paired.any():
        raise SampleError(
            "no unit has an equation in differences",
            expected=f"{request.lags + 2} consecutive years of some unit",
        )
    effects, labels = _effects(whole, paired, years, request)
    stacks = [
        _stack(_columns(part, whole.shape), whole, paired, request.system)
        for part in ([outcome], [*columns, *effects], [*external, *effects])
    ]
    dependent, regressors, plain = stacks
    exogenous = slice(request.lags, request.lags + request.exogenous)
    pieces = [
        _lagged_instruments(values, paired, whole, window, request) for window in request.windows
    ]
    blocks = [block for piece in pieces for block in piece]
    blocks.append(("exogenous", regressors[..., exogenous]))
    blocks.append(("exogenous", plain[..., : len(external)]))
    blocks.append(("effects", plain[..., len(external) :]))
    return Equations(
        outcome=dependent[..., 0],
        regressors=regressors,
        instruments=np.concatenate([block for _, block in blocks], axis=-1),
        groups=tuple(name for name, block in blocks for _ in range(block.shape[-1])),
        labels=[*request.labels, *labels],
        present=np.concatenate([paired, whole], axis=1) if request.system else paired,
        years=years,
        system=request.system,
    )


def _lag(values: np.ndarray, lag: int, fill: float = np.nan) -> np.ndarray:
    if lag == 0:
        return values
    moved = np.full_like(values, fill)
    moved[:, lag:] = values[:, :-lag]
    return moved


def _effects(
    whole: np.ndarray, paired: np.ndarray, years: np.ndarray, request: Request
) -> tuple[list[np.ndarray], list[str]]:
    """Return year dummies and the constant of the level equations, in levels.

    Differences say nothing of a year that no equation links to the year before,
    levels nothing of the first year beside the constant.
    """
    columns, labels = [], []
    if request.time_effects:
        seen = np.flatnonzero(whole.any(axis=0))[1:]
        linked = seen if request.system else np.flatnonzero(paired.any(axis=0))
        for year in linked:
            columns.append(
                np.broadcast_to(np.arange(len(years)) == year, whole.shape).astype(float)
            )
            labels.append(str(years[year]))
    if request.system:
        columns.append(np.ones(whole.shape))
        labels.append("const")
    return columns, labels


def _stack(columns: np.ndarray, whole: np.ndarray, paired: np.ndarray, system: bool) -> np.ndarray:
    """Return differences over levels, zero where there is no equation."""
    change = np.zeros_like(columns)
    change[:, 1:] = columns[:, 1:] - columns[:, :-1]
    change = np.where(paired[..., None], change, 0.0)
    if not system:
        return change
    return np.concatenate([change, np.where(whole[..., None], columns, 0.0)], axis=1)


def _lagged_instruments(
    values: dict[str, np.ndarray],
    paired: np.ndarray,
    whole: np.ndarray,
    window: Window,
    request: Request,
) -> list[tuple[str, np.ndarray]]:
    """Return lagged levels for differences, and a lagged difference for levels.

    A missing lag is zero: the moment then counts the units that have it
    (Holtz-Eakin, Newey and Rosen 1988).
    """
    series = values[window.name]
    years = series.shape[1]
    last = years - 1 if window.last is None else min(window.last, years - 1)
    blank = np.zeros_like(series)
    columns = []
    for lag in range(window.first, last + 1):
        moment = np.where(paired, np.nan_to_num(_lag(series, lag)), 0.0)
        columns += _spread(moment, request.collapse)
    rows = [np.concatenate([c, blank], axis=1) if request.system else c for c in columns]
    height = years * (1 + request.system)
    blocks = [("lags", _columns(rows, (len(series), height)))]
    if request.system:
        change = _lag(series, window.first - 1) - _lag(series, window.first)
        moment = np.where(whole, np.nan_to_num(change), 0.0)
        rows = [np.concatenate([blank, c], axis=1) for c in _spread(moment, request.collapse)]
        blocks.append(("levels", _columns(rows, (len(series), height))))
    return blocks


def _spread(moment: np.ndarray, collapse: bool) -> list[np.ndarray]:
    """Return one column, or one per year, without those that are zero throughout."""
    if collapse:
        return [moment] if moment.any() else []
    columns = []
    for year in np.flatnonzero(moment.any(axis=0)):
        alone = np.zeros_like(moment)
        alone[:, year] = moment[:, year]
        columns.append(alone)
    return columns


def _columns(columns: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    return np.stack(columns, axis=-1) if columns else np.zeros((*shape, 0))


_RELATIVE = 1e-10  # below this share of a column, what is left of it is rounding


class SingularWeightingWarning(UserWarning):
    """A weighting matrix has no inverse; its pseudo-inverse was used."""


@dataclass(frozen=True)
class Solution:
    """Coefficients of one step.

    Attributes
    ----------
    slopes : (K,)
    weights : (m, m)
    bread : (K, K)
        (X'Z A Z'X)^-1.
    residuals : (G, R)
    moments : (G, m)
        Z_i' e_i.
    cov : (K, K)
        Robust covariance of step one; S-based covariance of step two.
    """

    slopes: np.ndarray
    weights: np.ndarray
    bread: np.ndarray
    residuals: np.ndarray
    moments: np.ndarray
    cov: np.ndarray


@dataclass(frozen=True)
class Steps:
    """Both steps, on instruments that are not combinations of each other.

    Attributes
    ----------
    outcome : (G, R)
    regressors : (G, R, K)
    instruments : (G, R, m)
        Of length one.
    groups : tuple of str
        What each instrument is.
    cross : (m, K)
        Z'X.
    target : (m,)
        Z'y.
    first, second : Solution
    corrected : (K, K)
        Windmeijer's covariance of step two.
    regular : bool
        Whether S has an inverse.
    """

    outcome: np.ndarray
    regressors: np.ndarray
    instruments: np.ndarray
    groups: tuple[str, ...]
    cross: np.ndarray
    target: np.ndarray
    first: Solution
    second: Solution
    corrected: np.ndarray
    regular: bool


def estimate(equations: Equations, initial: str) -> Steps:
    """Return both steps.

    Raises
    ------
    nqpf.errors.EstimationError
        If there are fewer instruments or units than coefficients, or one is not identified.
    """
    x, y = equations.regressors, equations.outcome
    kept = _independent(equations.instruments)
    z = equations.instruments[..., kept]
    z = z / np.sqrt((z**2).sum(axis=(0, 1)))
    groups = tuple(equations.groups[i] for i in kept)
    cross, target = _product(z, x), _product(z, y[..., None])[:, 0]
    _check_identified(cross, x, equations.labels)
    noise = _noise(len(equations.years), initial, equations.system)
    start, _ = _inverse((noise.T @ z).reshape(-1, len(kept)), "first", x.shape[-1])
    first = _solve(x, y, z, cross, target, start)
    scores = first.moments @ (start @ cross @ first.bread)
    robust = scores.T @ scores
    weights, regular = _inverse(first.moments, "second", x.shape[-1])
    second = _solve(x, y, z, cross, target, weights)
    return Steps(
        outcome=y,
        regressors=x,
        instruments=z,
        groups=groups,
        cross=cross,
        target=target,
        first=replace(first, cov=robust),
        second=second,
        corrected=_windmeijer(x, z, cross, first, robust, second),
        regular=regular,
    )


def weighting(root: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the inverse of root'root and its rank; of a singular one a pseudo-inverse.

    The pseudo-inverse is that of columns of length one, so that it does not depend on
    the units of the instruments.

    Parameters
    ----------
    root : (n, m)

    Examples
    --------
    >>> weighting(np.diag([1.0, 2.0]))[0].tolist()
    [[1.0, 0.0], [0.0, 0.25]]
    >>> weighting(np.ones((2, 3)))[1]
    1
    """
    length = np.sqrt((root**2).sum(axis=0))
    length = np.where(length > 0, length, 1.0)
    _, size, turn = np.linalg.svd(root / length, full_matrices=False)
    solid = size > _RELATIVE * size[0]
    half = turn[solid] / size[solid, None] / length
    return half.T @ half, int(solid.sum())


def _inverse(root: np.ndarray, step: str, needed: int) -> tuple[np.ndarray, bool]:
    inverse, rank = weighting(root)
    count = root.shape[1]
    if rank < needed:
        raise EstimationError(
            f"the weighting matrix of the {step} step has rank {rank} for {needed} coefficients",
            expected="more units than coefficients, and errors that vary",
            hint="use fewer regressors or no year effects",
        )
    if rank < count:
        warnings.warn(
            f"the weighting matrix of the {step} step has rank {rank} with {count} instruments: "
            "its pseudo-inverse is used; use fewer instruments",
            SingularWeightingWarning,
            stacklevel=4,
        )
    return inverse, rank == count


def minimum(cross: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    """Return the least value of the criterion over coefficients."""
    slopes = np.linalg.solve(cross.T @ weights @ cross, cross.T @ weights @ target)
    left = target - cross @ slopes
    return float(left @ weights @ left)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.tensordot(left, right, axes=([0, 1], [0, 1]))


def _solve(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    cross: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
) -> Solution:
    bread = np.linalg.inv(cross.T @ weights @ cross)
    slopes = bread @ (cross.T @ (weights @ target))
    residuals = y - x @ slopes
    moments = np.einsum("grm,gr->gm", z, residuals)
    return Solution(slopes, weights, bread, residuals, moments, bread)


def _noise(years: int, initial: str, system: bool) -> np.ndarray:
    """Return a root of H: what differences and levels of white noise are made of.

    A row of differences and one of levels share an error where their years touch;
    ``blocks`` leaves that out, ``identity`` takes every row by itself.
    """
    level = np.eye(years)
    step = level - np.eye(years, k=-1)  # its first row is never an equation
    if initial == "identity":
        return np.eye(years * (1 + system))
    if not system:
        return step
    if initial == "full":
        return np.vstack([step, level])
    return np.block([[step, np.zeros_like(step)], [np.zeros_like(step), level]])


def _windmeijer(
    x: np.ndarray,
    z: np.ndarray,
    cross: np.ndarray,
    first: Solution,
    robust: np.ndarray,
    second: Solution,
) -> np.ndarray:
    """Return V2 + D V2 + V2 D' + D V1 D', D the derivative of step two by step one."""
    through = np.einsum("grm,grk->gmk", z, x)
    pulled = second.weights @ second.moments.sum(axis=0)
    # dS/db_k = -(sum Z_i'x_ik e_i'Z_i + its transpose), here already times A2 Z'e2
    change = np.einsum("gmk,g->mk", through, first.moments @ pulled)
    change += first.moments.T @ np.einsum("gmk,m->gk", through, pulled)
    slope = second.bread @ cross.T @ second.weights @ change
    plain = second.bread
    return plain + slope @ plain + plain @ slope.T + slope @ robust @ slope.T


def _independent(instruments: np.ndarray) -> np.ndarray:
    """Return the instruments that are no combination of those before them."""
    flat = instruments.reshape(-1, instruments.shape[-1])
    length = np.sqrt((flat**2).sum(axis=0))
    used = np.flatnonzero(length > 0)
    left = flat[:, used] / length[used]
    if np.linalg.matrix_rank(left) == len(used):
        return used
    kept = []
    for position in range(len(used)):
        column = left[:, position]
        size = np.sqrt(column @ column)
        if size <= 1e-8:
            continue
        kept.append(position)
        column = column / size
        rest = left[:, position + 1 :]
        rest -= np.outer(column, column @ rest)
    return used[kept]


def _check_identified(cross: np.ndarray, x: np.ndarray, labels: list[str]) -> None:
    count, needed = cross.shape
    if count < needed:
        raise EstimationError(
            f"{count} instruments for {needed} coefficients",
            expected="at least as many instruments",
            hint="allow more lags as instruments, or fewer regressors",
        )
    length = np.sqrt((x**2).sum(axis=(0, 1)))
    flat = np.flatnonzero(length == 0)
    if len(flat):
        raise EstimationError(
            f"regressor {labels[flat[0]]!r} does not change over time",
            expected="a regressor that differencing leaves",
            hint="drop it, or use the system estimator",
        )
    from scipy.linalg import qr

    _, triangle, order = qr(cross / length, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    weak = np.flatnonzero(size <= 1e-9 * size[0])
    if len(weak):
        raise EstimationError(
            f"the coefficient of {labels[order[weak[0]]]!r} is not identified",
            expected="instruments that tell the regressors apart",
            hint="drop a regressor, or allow more lags as instruments",
        )


_VALID = "overidentifying restrictions hold"


@dataclass(frozen=True)
class DynamicDiagnostics:
    """Specification tests of a dynamic panel.

    Attributes
    ----------
    autocorrelation : tuple of HypothesisTest
        Arellano and Bond (1991): orders 1 and 2 of the residuals in differences. Order 1
        is expected; order 2 speaks against instruments from lag 2 on. None where
        the years do not reach or the estimated variance is not positive.
    sargan : HypothesisTest or None
        Over-identification at step one, valid under homoskedastic errors only.
    hansen : HypothesisTest or None
        Over-identification at step two. It weakens as instruments grow in number: a
        p value near one is a bad sign.
    difference_in_hansen : mapping of str to HypothesisTest
        Extra validity of a group of instruments, ``levels`` (the lagged differences of
        the level equations) and ``exogenous``, against the model without them. Empty
        when the model without them is not identified, or the weighting matrix is singular.
    wald : HypothesisTest
        All slopes are zero, year effects and constant aside.
    """

    autocorrelation: tuple[HypothesisTest | None, ...]
    sargan: HypothesisTest | None
    hansen: HypothesisTest | None
    difference_in_hansen: dict[str, HypothesisTest]
    wald: HypothesisTest

    def to_frame(self) -> pd.DataFrame:
        """Return one row per test: statistic, distribution, p value."""
        tests = {f"AR({i})": test for i, test in enumerate(self.autocorrelation, 1)}
        tests |= {"Sargan": self.sargan, "Hansen J": self.hansen}
        extra = self.difference_in_hansen.items()
        tests |= {f"Difference in Hansen: {name}": test for name, test in extra}
        tests["Wald"] = self.wald
        rows = {
            name: [test.null, test.statistic, test.distribution, test.pvalue]
            for name, test in tests.items()
            if test is not None
        }
        columns = ["null", "statistic", "distribution", "pvalue"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def diagnose(
    equations: Equations, steps: Steps, step: int, cov: np.ndarray, slopes: int
) -> DynamicDiagnostics:
    """Return the tests of a solution.

    Parameters
    ----------
    step : {1, 2}
        The step that is reported.
    cov : (K, K)
        Its covariance.
    slopes : int
        How many coefficients are slopes; they come first.
    """
    surplus = steps.cross.shape[0] - steps.cross.shape[1]
    b = (steps.first if step == 1 else steps.second).slopes[:slopes]
    wald = float(b @ np.linalg.solve(cov[:slopes, :slopes], b))
    return DynamicDiagnostics(
        autocorrelation=tuple(_autocorrelation(equations, steps, step, cov, n) for n in (1, 2)),
        sargan=HypothesisTest.chi2(_VALID, _sargan(equations, steps), surplus) if surplus else None,
        hansen=HypothesisTest.chi2(_VALID, _criterion(steps), surplus) if surplus else None,
        difference_in_hansen=_differences(steps) if surplus and steps.regular else {},
        wald=HypothesisTest.chi2("slopes are zero", wald, slopes),
    )


def _criterion(steps: Steps) -> float:
    moments = steps.second.moments.sum(axis=0)
    return float(moments @ steps.second.weights @ moments)


def _sargan(equations: Equations, steps: Steps) -> float:
    """Return the criterion of step one over the variance of the errors.

    A difference of white noise has twice its variance, and H says so.
    """
    years = len(equations.years)
    left = steps.first.residuals[:, :years]
    count = equations.present[:, :years].sum() - steps.cross.shape[1]
    variance = (left**2).sum() / (2 * count)
    moments = steps.first.moments.sum(axis=0)
    return float(moments @ steps.first.weights @ moments / variance)


def _differences(steps: Steps) -> dict[str, HypothesisTest]:
    """Return J less J without a group, both weighted by parts of one S, so never negative."""
    full = _criterion(steps)
    tests = {}
    for group, words in (("levels", "level equations'"), ("exogenous", "exogenous")):
        rest = np.array([name != group for name in steps.groups])
        dropped = int((~rest).sum())
        cross = steps.cross[rest]
        if not dropped or np.linalg.matrix_rank(cross) < cross.shape[1]:
            continue
        weights, _ = weighting(steps.first.moments[:, rest])
        gap = full - minimum(cross, steps.target[rest], weights)
        null = f"the {words} instruments are valid beside the others"
        tests[group] = HypothesisTest.chi2(null, gap, dropped)
    return tests


def _autocorrelation(
    equations: Equations, steps: Steps, step: int, cov: np.ndarray, order: int
) -> HypothesisTest | None:
    """Return m of Arellano and Bond (1991, equation 8) with a robust variance."""
    solution = steps.first if step == 1 else steps.second
    years = len(equations.years)
    left = solution.residuals[:, :years]  # zero where there is no equation
    lagged = np.zeros_like(left)
    lagged[:, order:] = left[:, :-order] if order < years else 0
    products = (lagged * left).sum(axis=1)
    if not (products != 0).any():
        return None
    pull = np.einsum("gt,gtk->k", lagged, steps.regressors[:, :years])
    through = solution.bread @ steps.cross.T @ solution.weights @ (solution.moments.T @ products)
    variance = products @ products - 2 * pull @ through + pull @ cov @ pull
    if not variance > 0:  # an estimate of a positive number that small samples can miss
        return None
    null = f"no autocorrelation of order {order} in the differenced residuals"
    from scipy.stats import norm

    statistic = float(products.sum() / np.sqrt(variance))
    return HypothesisTest(null, statistic, "N(0, 1)", float(2 * norm.sf(abs(statistic))))


class ManyInstrumentsWarning(UserWarning):
    """There are more instruments than units."""


@dataclass(frozen=True, kw_only=True)
class DynamicResult(RegressionResult):
    """A dynamic panel regression by GMM.

    ``L1.y`` is the outcome a year before. `nobs` counts equations in differences, of
    the system those in levels, and `residuals` are theirs. R2 is not defined
    (NaN): residuals of an instrumented equation do not decompose a variance.

    Attributes
    ----------
    method : str
        ``difference`` or ``system``.
    steps : int
    corrected : bool
        Whether the errors of step two carry Windmeijer's correction.
    instruments : int
        Number of instruments, to be read beside `groups`.
    windows : tuple of Window
        Lags that serve as instruments.
    collapsed : bool
        One instrument per lag, not one per lag and year.
    time_effects : DataFrame by year
        ``coefficient`` and ``std_error``, relative to the first year.
    diagnostics : DynamicDiagnostics
    """

    method: str
    steps: int
    corrected: bool
    instruments: int
    windows: tuple[Window, ...]
    collapsed: bool
    time_effects: pd.DataFrame
    diagnostics: DynamicDiagnostics

    @property
    def covariance_label(self) -> str:
        """The covariance estimator in words."""
        kinds = {1: "one-step robust", 2: "two-step"}
        correction = ", Windmeijer-corrected" if self.corrected and self.steps == 2 else ""
        return f"{kinds[self.steps]}{correction}, clustered by {self.unit}"


def dynamic_gmm(
    frame: pd.DataFrame,
    outcome: str,
    lags: int = 1,
    exogenous: Names = (),
    predetermined: Names = (),
    endogenous: Names = (),
    unit: str = "province",
    time: str = "year",
    method: str = "difference",
    steps: int = 2,
    windows: Mapping[str, tuple[int, int | None] | None] | None = None,
    instruments: Sequence[str] | str = (),
    collapse: bool = True,
    time_effects: bool = True,
    initial: str = "full",
    windmeijer: bool = True,
    vintage: str = "",
) -> DynamicResult:
    """Regress `outcome` on its own lags and on regressors, by GMM.

    The model is y_it = sum_l a_l y_i,t-l + x_it'b + unit effect + year effect + e_it. In
    differences, lagged levels are the instruments (Arellano and Bond 1991); the system
    adds the equations in levels with lagged differences as instruments, which asks that
    changes are not correlated with unit effects (Blundell and Bond 1998).

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` (whole numbers) as index levels or columns, one row per unit
        and time, no figure missing. Missing years are gaps: no lag or difference
        reaches over them.
    outcome : str
        Dependent variable.
    lags : int
        Lags of the outcome among the regressors.
    exogenous, predetermined, endogenous : names, or mapping of name to highest lag
        Regressors that the errors do not move; that past errors move; that present errors
        move too. ``{"x": 1}`` enters x and its first lag.
    unit, time : str
        Names of the key.
    method : {"difference", "system"}
    steps : {1, 2}
        The step that is reported; `diagnostics` has Hansen's J of step two in either case.
    windows : mapping of str to (first, last)
        Lags that serve as instruments in differences; last None for all. By default from
        2 for the outcome and endogenous, from 1 for predetermined regressors. None for
        a variable takes no instruments from it.
    instruments : sequence of str
        Exogenous instruments that are not regressors.
    collapse : bool
        One instrument per variable and lag (default) instead of one per lag and year.
    time_effects : bool
        Year dummies.
    initial : {"full", "blocks", "identity"}
        Weighting of step one: covariance of white noise in differences and levels, without
        the covariance between both, or none.
    windmeijer : bool
        Correct the errors of step two (Windmeijer 2005).
    vintage : str
        Vintage of the data, carried to the table.

    Returns
    -------
    DynamicResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, a time no whole number, or no unit has
        enough consecutive years.
    nqpf.errors.MethodError
        If an option is unknown, a variable has two roles, or a window holds lags that
        cannot be valid.
    nqpf.errors.EstimationError
        If a regressor does not change or is not identified, or there are too few instruments.

    Warns
    -----
    ManyInstrumentsWarning
        If there are more instruments than units.
    SingularWeightingWarning
        If a weighting matrix has no inverse and its pseudo-inverse is used.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(100, 8))
    >>> for t in range(1, 8):
    ...     y[:, t] += 0.5 * y[:, t - 1]
    >>> keys = pd.MultiIndex.from_product([range(100), range(2015, 2023)],
    ...                                   names=["province", "year"])
    >>> fit = dynamic_gmm(pd.DataFrame({"y": y.ravel()}, keys), "y", method="system")
    >>> print(fit.instruments, "instruments,", fit.groups, "groups")
    14 instruments, 100 groups
    >>> bool(abs(fit.params["L1.y"] - 0.5) < 2 * fit.std_errors["L1.y"])
    True
    """
    if steps not in (1, 2):
        raise MethodError(f"steps {steps!r}", expected="1 or 2")
    kinds = {"exogenous": exogenous, "predetermined": predetermined, "endogenous": endogenous}
    options = {
        "method": method,
        "collapse": collapse,
        "time_effects": time_effects,
        "initial": initial,
    }
    request = read_request(outcome, lags, kinds, instruments, windows or {}, options)
    data = by_key(frame, request.variables, unit, time, "the frame")
    spread = data.std()
    flat = spread.index[~(spread > 0)]
    if len(flat):
        raise EstimationError(f"variable {flat[0]!r} does not vary")
    values, years = on_grid(data / spread)
    equations = build(values, years, request)
    solved = estimate(equations, initial)
    groups = int(equations.present.any(axis=1).sum())
    count = len(solved.groups)
    if count > groups:
        warnings.warn(
            f"{count} instruments for {groups} units of {unit}: two-step estimates lean to "
            "least squares and Hansen's J loses its power",
            ManyInstrumentsWarning,
            stacklevel=2,
        )
    return _result(
        data,
        spread,
        equations,
        solved,
        request,
        steps,
        windmeijer,
        {"unit": unit, "time": time, "vintage": vintage, "groups": groups, "method": method},
    )


def _result(
    data: pd.DataFrame,
    spread: pd.Series,
    equations: Equations,
    solved: Steps,
    request: Request,
    steps: int,
    windmeijer: bool,
    stated: dict,
) -> DynamicResult:
    """Return coefficients and tests in the variables' own units."""
    chosen = solved.first if steps == 1 else solved.second
    cov = solved.corrected if steps == 2 and windmeijer else chosen.cov
    if not (np.diag(cov) > 0).all():
        raise EstimationError(
            "a corrected variance is not positive: the correction is larger than the variance",
            hint="report step one (steps=1), or use fewer instruments",
        )
    slopes = len(request.labels)
    diagnostics = diagnose(equations, solved, steps, cov, slopes)
    names = [*[request.outcome] * request.lags, *(name for name, _ in request.terms)]
    units = np.concatenate([spread[names].to_numpy(), np.ones(len(equations.labels) - slopes)])
    back = spread[request.outcome] / units
    b, cov = chosen.slopes * back, cov * np.outer(back, back)
    labels, last = equations.labels, len(equations.labels) - request.system
    own = [*range(slopes), *range(last, len(labels))]  # year effects stand between
    shown = [labels[i] for i in own]
    residuals, periods = _residuals(data, equations, chosen.residuals, request.system)
    return DynamicResult(
        outcome=request.outcome,
        params=pd.Series(b[own], shown, name="coefficient"),
        cov=pd.DataFrame(cov[np.ix_(own, own)], shown, shown),
        residuals=residuals * spread[request.outcome],
        nobs=len(residuals),
        periods=periods,
        rsquared_within=float("nan"),
        df=None,
        effects="two-way" if request.time_effects else "unit",
        errors="clustered",
        convention="none",
        steps=steps,
        corrected=windmeijer,
        instruments=len(solved.groups),
        windows=request.windows,
        collapsed=request.collapse,
        time_effects=pd.DataFrame(
            {"coefficient": b[slopes:last], "std_error": np.sqrt(np.diag(cov))[slopes:last]},
            pd.Index([int(year) for year in labels[slopes:last]], name=stated["time"]),
        ),
        diagnostics=diagnostics,
        estimator=f"{stated['method']} GMM",
        notes=_notes(len(solved.groups), request.collapse, stated, diagnostics),
        **stated,
    )


def _notes(count: int, collapsed: bool, stated: dict, found: DynamicDiagnostics) -> tuple[str, ...]:
    """Return what a reader of the coefficients must know of the instruments."""
    kind = "collapsed" if collapsed else "one per lag and year"
    notes = [f"{count} instruments ({kind}) for {stated['groups']} groups."]
    named = [("Hansen J", found.hansen), ("AR(2)", found.autocorrelation[1])]
    return (*notes, *(f"{name}: {test}." for name, test in named if test is not None))


def _residuals(
    data: pd.DataFrame, equations: Equations, left: np.ndarray, system: bool
) -> tuple[pd.Series, int]:
    """Return the residuals of the counted equations by key, and how many years they span."""
    rows = slice(len(equations.years), None) if system else slice(None, len(equations.years))
    present = equations.present[:, rows]
    unit, year = np.nonzero(present)
    units = data.index.get_level_values(0).unique().sort_values()
    keys = pd.MultiIndex.from_arrays([units[unit], equations.years[year]], names=data.index.names)
    periods = int(present.any(axis=0).sum())
    return pd.Series(left[:, rows][present], keys, name="residual"), periods
