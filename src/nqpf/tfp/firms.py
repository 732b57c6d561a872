"""Samples of firms: what enters, what does not and why, and each row's year before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.sample import by_key, check_keys, check_regressors, nearest, place

__all__ = [
    "Firms",
    "Fit",
    "ProxyResult",
    "Roles",
    "Sample",
    "Search",
    "basis",
    "bootstrap",
    "check_degrees",
    "check_rows",
    "check_vary",
    "estimate",
    "first_step",
    "least_squares_start",
    "polynomial",
    "powers",
    "prepare",
    "search",
    "starting_points",
    "survival_probability",
    "unexplained",
]

_WIDEST = 50.0  # logarithms this far apart are levels e^50 = 5e21 times each other


@dataclass(frozen=True)
class Roles:
    """Columns of the frame by their role.

    Attributes
    ----------
    output : str
    free, state, proxy : tuple of str
        Inputs chosen freely, fixed beforehand, and standing for productivity.
    """

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: tuple[str, ...]

    @classmethod
    def of(
        cls,
        output: str,
        free: str | Sequence[str],
        state: str | Sequence[str],
        proxy: str | Sequence[str] = (),
    ) -> Roles:
        """Return roles from names or lists of names, none twice."""
        parts = [(x,) if isinstance(x, str) else tuple(x) for x in (free, state, proxy)]
        names = [output, *parts[0], *parts[1], *parts[2]]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise MethodError(f"{min(twice)!r} has two roles", expected="one role per column")
        if not parts[0] or not parts[1]:
            raise MethodError("no free or no state input", expected="one of each or more")
        return cls(output, *parts)

    @property
    def inputs(self) -> list[str]:
        """Free, then state inputs: the order of parameters."""
        return [*self.free, *self.state]

    @property
    def columns(self) -> list[str]:
        """Every column of the model."""
        return [self.output, *self.inputs, *self.proxy]


@dataclass(frozen=True)
class Firms:
    """Arrays of one sample, sorted by firm and year.

    Attributes
    ----------
    y : (N,)
    free, state, proxy : (N, f), (N, s), (N, p)
    lag : (N,) int
        Position of the same firm's row of the year before, -1 if there is none.
    first : (n + 1,) int
        Position of each firm's first row; the last entry is N.
    survives : (N,)
        1 if the firm is there next year, 0 if it exits, NaN if not known.
    """

    y: np.ndarray
    free: np.ndarray
    state: np.ndarray
    proxy: np.ndarray
    lag: np.ndarray
    first: np.ndarray
    survives: np.ndarray

    @property
    def now(self) -> np.ndarray:
        """Positions of the rows that have a year before."""
        return np.flatnonzero(self.lag >= 0)

    @property
    def before(self) -> np.ndarray:
        """Positions of the years before, in the order of `now`."""
        return self.lag[self.lag >= 0]

    @property
    def code(self) -> np.ndarray:
        """Number of each row's firm, (N,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def draw(self, chosen: np.ndarray) -> Firms:
        """Return the sample made of the firms numbered `chosen`, repeats as firms of their own."""
        size = np.diff(self.first)[chosen]
        first = np.concatenate([[0], np.cumsum(size)])
        shift = np.repeat(self.first[chosen] - first[:-1], size)
        rows = np.arange(first[-1]) + shift
        lag = self.lag[rows]
        return Firms(
            *(x[rows] for x in (self.y, self.free, self.state, self.proxy)),
            lag=np.where(lag >= 0, lag - shift, -1),
            first=first,
            survives=self.survives[rows],
        )


@dataclass(frozen=True)
class Sample:
    """A checked sample: its arrays, its keyed frame, and the rows left out."""

    firms: Firms
    frame: pd.DataFrame
    dropped: pd.DataFrame


def prepare(
    frame: pd.DataFrame,
    roles: Roles,
    unit: str,
    time: str,
    lagged: bool = True,
    may_be_zero: bool = False,
    exit: str | None = None,
) -> Sample:
    """Check a frame of firms and find each row's year before.

    Rows with a missing value are dropped and recorded. With `may_be_zero`, so
    are rows whose proxy is minus infinity, the logarithm of zero; any other
    infinite value is an error. Years that do not follow one another are never
    taken as a row and its year before.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError, nqpf.errors.EstimationError
        See the estimators.
    """
    flat = _flat(frame, [*roles.columns, unit, time, *_exit_column(exit)], unit, time)
    dropped = _incomplete(flat, roles, may_be_zero)
    kept = flat.drop(index=dropped.index)
    if kept.empty:
        raise SampleError("no complete row is left", expected="rows with every variable")
    keyed = by_key(kept[[unit, time, *roles.columns]], roles.columns, unit, time, "the frame")
    years = keyed.index.get_level_values(1)
    if not pd.api.types.is_integer_dtype(years.dtype):
        raise SampleError("times are not whole years", expected="integers")
    _check_inputs(keyed, roles, unit)
    records = [pd.DataFrame({**flat.loc[dropped.index, [unit, time]], "reason": dropped})]
    records[0].insert(2, "step", "both")
    lag, first = _lags(keyed.index)
    if lagged:
        records.append(_without_lag(keyed.index, lag, first, unit, time))
        if not (lag >= 0).any():
            raise SampleError("no firm has two years in a row", expected="at least one that does")
    groups = [list(roles.free), list(roles.state), list(roles.proxy)]
    arrays = Firms(
        keyed[roles.output].to_numpy(),
        *(keyed[group].to_numpy().reshape(len(keyed), len(group)) for group in groups),
        lag=lag,
        first=first,
        survives=_survival(flat, keyed.index, exit, unit, time),
    )
    return Sample(arrays, keyed, pd.concat(records, ignore_index=True))


def _exit_column(exit: str | None) -> list[str]:
    return [] if exit in (None, "attrition") else [exit]


def _flat(frame: pd.DataFrame, names: list[str], unit: str, time: str) -> pd.DataFrame:
    """Return the columns named, unit and time among them, rows numbered."""
    levels = [name for name in frame.index.names if name in (unit, time)]
    flat = (frame.reset_index(level=levels) if levels else frame).reset_index(drop=True)
    for name in names:
        if name not in flat.columns:
            raise DataError(
                f"unknown variable {name!r}",
                expected="a column or index level of the frame",
                hint=nearest(name, map(str, flat.columns)),
            )
    if flat[[unit, time]].isna().to_numpy().any():
        raise SampleError(f"the frame has rows without {unit} or {time}", expected="complete keys")
    check_keys(pd.MultiIndex.from_frame(flat[[unit, time]]), "the frame")
    return flat[names]


def _incomplete(flat: pd.DataFrame, roles: Roles, may_be_zero: bool) -> pd.Series:
    """Return why rows cannot be used, by row number; the first reason found counts."""
    reasons = {}
    for name in roles.columns:
        for row in flat.index[flat[name].isna()]:
            reasons.setdefault(row, f"{name} is missing")
        if may_be_zero and name in roles.proxy:
            for row in flat.index[flat[name] == -np.inf]:
                reasons.setdefault(row, f"{name} is the logarithm of zero")
    return pd.Series(reasons, dtype=object).sort_index()


def _check_inputs(keyed: pd.DataFrame, roles: Roles, unit: str) -> None:
    units = keyed.index.get_level_values(0).unique()
    if len(units) < 2:
        raise SampleError(
            "one firm cannot show how firms differ",
            where=place((units[0],), (unit,)),
            expected="two firms or more, in practice hundreds",
        )
    span = keyed.max() - keyed.min()
    if span.max() > _WIDEST:
        name, key = span.idxmax(), keyed[span.idxmax()].idxmax()
        raise DataError(
            f"{name} runs from {keyed[name].min():g} to {keyed[name].max():g}",
            where={**place(key, keyed.index.names), "variable": name},
            expected="a logarithm",
            hint="take logarithms of levels first",
        )
    check_regressors(keyed[roles.inputs], None, None)


def _lags(index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of each row's year before, and of each firm's first row."""
    code, year = index.codes[0], index.get_level_values(1).to_numpy()
    same = code[1:] == code[:-1]
    follows = np.concatenate([[False], same & (np.diff(year) == 1)])
    lag = np.where(follows, np.arange(len(index)) - 1, -1)
    first = np.concatenate([[0], np.flatnonzero(~same) + 1, [len(index)]])
    return lag, first


def _without_lag(
    index: pd.MultiIndex, lag: np.ndarray, first: np.ndarray, unit: str, time: str
) -> pd.DataFrame:
    """Return the rows that the second step cannot use; warn of gaps."""
    lost = np.flatnonzero(lag < 0)
    opening = np.isin(lost, first[:-1])
    reason = np.where(opening, "first year of the firm", "gap: no usable row of the year before")
    table = index[lost].to_frame(index=False).assign(step="second", reason=reason)
    gaps = table[~opening]
    if len(gaps):
        row = gaps.iloc[0]
        warnings.warn(
            f"{gaps[unit].nunique()} firm(s) skip years, {len(gaps)} time(s), first {unit} "
            f"{row[unit]} before {time} {row[time]}: such years are not taken as consecutive",
            stacklevel=4,
        )
    return table


def _survival(
    flat: pd.DataFrame, index: pd.MultiIndex, exit: str | None, unit: str, time: str
) -> np.ndarray:
    """Return 1, 0 or NaN by row; a firm with an incomplete row still exists."""
    if exit is None:
        return np.full(len(index), np.nan)
    keys = pd.MultiIndex.from_frame(flat[[unit, time]])
    year = index.get_level_values(1)
    there = pd.MultiIndex.from_arrays([index.get_level_values(0), year + 1]).isin(keys)
    if exit == "attrition":
        last = flat.groupby(unit)[time].max().reindex(index.get_level_values(0)).to_numpy()
        leaves = (year.to_numpy() == last) & (last < flat[time].max())
    else:
        if flat[exit].isna().any():
            row = flat.loc[flat[exit].isna().idxmax(), [unit, time]]
            raise SampleError(
                f"{exit} is missing",
                where=place(tuple(row), (unit, time)),
                expected="true or false in every row",
            )
        leaves = flat[exit].astype(bool).set_axis(keys).reindex(index).to_numpy()
    return np.where(there & ~leaves, 1.0, np.where(leaves, 0.0, np.nan))


_RELATIVE = 1e-9  # a term that adds less than this share of its length adds nothing


def polynomial(x: np.ndarray, degree: int) -> np.ndarray:
    """Return every product of the columns of `x` up to `degree`, the constant first.

    Columns are centred and scaled first: the space spanned is the same, its
    conditioning is not.

    Parameters
    ----------
    x : (N, v)
    degree : int

    Returns
    -------
    (N, terms) array

    Examples
    --------
    >>> polynomial(np.array([[0.0, 1.0], [2.0, 5.0], [1.0, 0.0]]), 2).shape
    (3, 6)
    """
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    terms = [np.ones(len(x))]
    for order in range(1, degree + 1):
        for columns in combinations_with_replacement(range(x.shape[1]), order):
            terms.append(scaled[:, columns].prod(axis=1))
    return np.column_stack(terms)


def basis(terms: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span `terms`, fewer when some are collinear."""
    from scipy.linalg import qr

    lengths = np.linalg.norm(terms, axis=0)
    terms = terms / np.where(lengths > 0, lengths, 1.0)
    q, triangle, _ = qr(terms, mode="economic", pivoting=True, check_finite=False)
    return q[:, np.abs(np.diag(triangle)) > _RELATIVE]


def powers(x: np.ndarray, degree: int) -> np.ndarray:
    """Return 1, x, ..., x^degree of a centred and scaled vector, (N, degree + 1).

    Examples
    --------
    >>> powers(np.array([1.0, 3.0]), 2)
    array([[ 1., -1.,  1.],
           [ 1.,  1.,  1.]])
    """
    spread = x.std()
    scaled = (x - x.mean()) / (spread if spread > 0 else 1.0)
    terms = np.ones((len(x), degree + 1), order="F")
    for order in range(1, degree + 1):
        terms[:, order] = terms[:, order - 1] * scaled
    return terms


@dataclass(frozen=True)
class ProxyResult:
    """An estimated production function in logarithms.

    Attributes
    ----------
    method : str
        Name of the estimator.
    params, std_errors : Series by input
        Elasticities, free inputs first, and their standard errors; NaN
        when no bootstrap was asked for and none is analytic.
    errors : str
        How standard errors were found.
    tfp : Series indexed (unit, time)
        Log productivity, output less inputs times elasticities; it holds the
        constant and the error of measurement.
    anticipated : Series indexed (unit, time) or None
        Log productivity that the firm could see: the first step's fitted
        output, without its error, less inputs times elasticities.
    criterion : float
        Value of what was minimised, at the estimate.
    converged : bool
        Whether the search ended at a solution.
    n : int
        Rows of the last step.
    firms : int
    dropped : DataFrame
        ``unit``, ``time``, ``step`` (``"both"`` or ``"second"``) and
        ``reason`` of every row left out.
    starts : DataFrame or None
        One row per starting point: the start, the estimate it led to,
        ``criterion``, ``converged``, ``solution`` (number shared by starts that
        met) and ``chosen``.
    bootstrap : DataFrame or None
        One row of estimates per replication.
    """

    method: str
    params: pd.Series
    std_errors: pd.Series
    errors: str
    tfp: pd.Series
    criterion: float
    converged: bool
    n: int
    firms: int
    dropped: pd.DataFrame
    anticipated: pd.Series | None = None
    starts: pd.DataFrame | None = None
    bootstrap: pd.DataFrame | None = None

    def dropped_counts(self) -> pd.Series:
        """Return how many rows were left out, by step and reason."""
        return self.dropped.groupby(["step", "reason"]).size().rename("rows")

    def to_frame(self) -> pd.DataFrame:
        """Return elasticities and standard errors by input."""
        return pd.DataFrame({"elasticity": self.params, "std_error": self.std_errors})

    def _repr_html_(self) -> str:
        state = "converged" if self.converged else "not converged"
        note = f"{self.method}; {self.n:,} rows, {self.firms:,} firms; {self.errors}; {state}"
        return f"{self.to_frame().to_html(float_format='{:.4f}'.format)}<p>{note}</p>"


_APART = 1e-3  # estimates nearer than this are one solution
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Search:
    """The estimate chosen, every start that was tried, and what a reader must be warned of."""

    params: np.ndarray
    criterion: float
    converged: bool
    starts: pd.DataFrame
    warning: str | None


def starting_points(
    starts: int | pd.DataFrame, names: Sequence[str], least_squares: np.ndarray
) -> np.ndarray:
    """Return starting points, (m, p): least squares first, then points spread over [0, 1]^p.

    Parameters
    ----------
    starts : int or DataFrame
        A number of points, or the points themselves with a column per name.
    names : sequence of str
        Parameters.
    least_squares : (p,)
        Estimates by ordinary least squares.

    Raises
    ------
    nqpf.errors.MethodError
        If there is no start, or a column is missing or not finite.
    """
    if isinstance(starts, pd.DataFrame):
        absent = [name for name in names if name not in starts.columns]
        if absent or starts.empty:
            raise MethodError(
                f"starts without {', '.join(map(repr, absent)) or 'rows'}",
                expected=f"columns {', '.join(map(repr, names))} and one row or more",
            )
        points = starts[list(names)].to_numpy(dtype=float)
        if not np.isfinite(points).all():
            raise MethodError("a start is missing or infinite", expected="finite numbers")
        return points
    if starts < 1:
        raise MethodError(f"{starts} starts", expected="one or more")
    from scipy.stats import qmc

    spread = qmc.Halton(len(names), scramble=False).random(starts)[1:]  # the first is the origin
    return np.vstack([least_squares, spread])


def search(
    residuals: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    names: Sequence[str],
    zero: float | None = None,
) -> Search:
    """Minimise the sum of squares of `residuals` from every point.

    Parameters
    ----------
    residuals : callable
        (p,) to (m,), already scaled so that its sum of squares is the criterion.
    points : (k, p)
        Starting points.
    names : sequence of str
    zero : float or None
        For as many conditions as parameters: a criterion below it solves
        them. Several solutions are then equally good; the one whose smallest
        elasticity is largest is chosen, and said so. When None, the
        lowest criterion is chosen.
    """
    from scipy.optimize import least_squares

    tolerances = dict.fromkeys(("ftol", "xtol", "gtol"), _TOLERANCE)
    found = [least_squares(residuals, point, **tolerances) for point in points]
    estimates = np.array([one.x for one in found])
    criterion = np.array([2 * one.cost for one in found])
    ended = np.array([one.status > 0 for one in found])
    solved = ended if zero is None else ended & (criterion < zero)
    label = _solutions(estimates, criterion)
    best = _choose(estimates, label, solved, ended, criterion, interior=zero is not None)
    table = pd.DataFrame(points, columns=[f"start_{name}" for name in names])
    table[list(names)] = estimates
    table["criterion"], table["converged"], table["solution"] = criterion, solved, label
    table["chosen"] = np.arange(len(table)) == best
    warning = _warning(table, names, zero is not None)
    return Search(estimates[best], float(criterion[best]), bool(solved[best]), table, warning)


def _choose(
    estimates: np.ndarray,
    label: np.ndarray,
    solved: np.ndarray,
    ended: np.ndarray,
    criterion: np.ndarray,
    interior: bool,
) -> int:
    """Return the row of the estimate reported: among starts that met, the first."""
    if interior and solved.any():
        order = np.lexsort((label, -estimates.min(axis=1).round(6), ~solved))
    else:
        order = np.lexsort((label, ~(ended if ended.any() else np.isfinite(criterion))))
    return int(order[0])


def _solutions(estimates: np.ndarray, criterion: np.ndarray) -> np.ndarray:
    """Number the distinct end points, from 1, in the order of their criterion."""
    label = np.zeros(len(estimates), dtype=int)
    for row in np.argsort(criterion, kind="stable"):
        if label[row] == 0:
            near = np.abs(estimates - estimates[row]).max(axis=1) < _APART
            label[near & (label == 0)] = label.max() + 1
    return label


def _warning(table: pd.DataFrame, names: Sequence[str], several: bool) -> str | None:
    """Return a warning of a search without a solution, or of solutions equally good."""
    chosen = table[table["chosen"]].iloc[0]
    if not chosen["converged"]:
        return (
            f"no start led to a solution; the criterion is {chosen['criterion']:.3g} at "
            f"{_spelt(chosen, names)}: see `starts`"
        )
    solutions = table[table["converged"]].drop_duplicates("solution")
    if not several or len(solutions) == 1:
        return None
    each = "; ".join(_spelt(row, names) for _, row in solutions.iterrows())
    return (
        f"{len(solutions)} solutions fit equally well ({each}); the one whose smallest "
        "elasticity is largest is reported: see `starts`"
    )


def _spelt(row: pd.Series, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {row[name]:.3f}" for name in names)


_RELATIVE_TWOSTEP = (
    1e-7  # variation of a free input, given the polynomial, below which there is none
)


@dataclass(frozen=True)
class Fit:
    """Elasticities (free, then state) and what led to them, as arrays."""

    params: np.ndarray
    expected: np.ndarray  # (N,) first step's fitted output, all inputs included
    search: Search


def check_degrees(degree: int, markov: int) -> None:
    """Raise unless both are whole numbers of one or more."""
    for name, value in (("degree", degree), ("markov", markov)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise MethodError(f"{name} {value!r}", expected="a whole number, one or more")


def check_rows(rows: int, terms: int, what: str) -> None:
    """Raise when a regression has no more rows than terms."""
    if rows <= terms:
        raise EstimationError(
            f"{what} has {rows} row(s) and {terms} term(s)",
            expected="more rows than terms",
            hint="lower the degree or bring more firms",
        )


def check_vary(left: np.ndarray, free: np.ndarray, names: Sequence[str], instead: str) -> None:
    """Raise when free inputs are functions of state and proxy, with `left` what they add."""
    spread = np.linalg.norm(free - free.mean(axis=0), axis=0)
    for name, rest, whole in zip(names, np.linalg.norm(left, axis=0), spread, strict=True):
        if rest <= _RELATIVE_TWOSTEP * whole:
            raise EstimationError(
                f"free input {name!r} does not vary given state and proxy",
                expected="a free input that is not a function of them",
                hint=f"use {instead}, which does not need it to",
            )


def first_step(firms: Firms, degree: int, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Regress output on free inputs and a polynomial of state and proxy.

    Returns
    -------
    free : (f,)
        Elasticities of the free inputs.
    phi : (N,)
        The fitted polynomial: output net of free inputs and of the error.

    Raises
    ------
    nqpf.errors.EstimationError
        If a free input is a function of state and proxy, which leaves nothing
        to identify its elasticity (Ackerberg, Caves and Frazer 2015), or rows
        are too few.
    """
    terms = polynomial(np.column_stack([firms.state, firms.proxy]), degree)
    check_rows(len(terms), terms.shape[1] + firms.free.shape[1], "the first step")
    q = basis(terms)
    free = firms.free - q @ (q.T @ firms.free)
    check_vary(free, firms.free, names, "ackerberg_caves_frazer")
    params = np.linalg.lstsq(free, firms.y, rcond=None)[0]
    net = firms.y - firms.free @ params
    return params, q @ (q.T @ net)


def unexplained(
    value: np.ndarray, before: np.ndarray, degree: int, survival: np.ndarray | None = None
) -> np.ndarray:
    """Return what a polynomial of last year's productivity leaves of `value`.

    Parameters
    ----------
    value, before : (M,)
        This year's value and last year's productivity.
    degree : int
        Degree of the Markov process.
    survival : (M,) or None
        Probability to survive into this year, a second argument.
    """
    if survival is None:
        terms = powers(before, degree)
    else:
        terms = polynomial(np.column_stack([before, survival]), degree)
    # Scaled powers are well conditioned, so the small normal equations lose no digit that counts.
    return value - terms @ np.linalg.lstsq(terms.T @ terms, terms.T @ value, rcond=None)[0]


def least_squares_start(firms: Firms) -> np.ndarray:
    """Return elasticities by ordinary least squares, free then state."""
    x = np.column_stack([firms.free, firms.state])
    x = x - x.mean(axis=0)
    return np.linalg.lstsq(x, firms.y - firms.y.mean(), rcond=None)[0]


def estimate(
    method: str,
    sample: Sample,
    roles: Roles,
    fit: Callable[[Firms, np.ndarray], Fit],
    points: Callable[[np.ndarray], np.ndarray],
    replications: int,
    seed: int,
) -> ProxyResult:
    """Estimate, bootstrap and label.

    Parameters
    ----------
    method : str
    sample : Sample
    roles : Roles
    fit : callable
        Firms and starting points to a fit.
    points : callable
        Least-squares elasticities, (p,), to starting points of the second step.
    replications, seed : int
        Of the bootstrap.
    """
    if replications < 0 or replications == 1:
        raise MethodError(
            f"{replications} replication(s)", expected="0 for none, or two or more for a spread"
        )
    firms, names = sample.firms, roles.inputs
    found = fit(firms, points(least_squares_start(firms)))
    if found.search.warning:
        warnings.warn(found.search.warning, stacklevel=3)
    params = pd.Series(found.params, index=names, name="elasticity")
    used = np.column_stack([firms.free, firms.state]) @ found.params
    index = sample.frame.index
    draws = bootstrap(firms, fit, found, replications, seed)
    lost = int(np.isnan(draws).any(axis=1).sum())
    if lost:
        warnings.warn(
            f"{lost} of {replications} bootstrap samples gave no estimate and are left out of "
            "the standard errors",
            stacklevel=3,
        )
    kept = draws[~np.isnan(draws).any(axis=1)]
    spread = kept.std(axis=0, ddof=1) if len(kept) > 1 else np.full(len(names), np.nan)
    return ProxyResult(
        method=method,
        params=params,
        std_errors=pd.Series(spread, index=names, name="std_error"),
        errors=f"bootstrap by firm, {len(kept)} samples" if len(kept) > 1 else "no standard errors",
        tfp=pd.Series(firms.y - used, index=index, name="tfp"),
        anticipated=pd.Series(found.expected - used, index=index, name="anticipated"),
        criterion=found.search.criterion,
        converged=found.search.converged,
        n=len(firms.now),
        firms=len(firms.first) - 1,
        dropped=sample.dropped,
        starts=found.search.starts,
        bootstrap=pd.DataFrame(draws, columns=names) if replications else None,
    )


def bootstrap(
    firms: Firms,
    fit: Callable[[Firms, np.ndarray], Fit],
    found: Fit,
    replications: int,
    seed: int,
) -> np.ndarray:
    """Return estimates on samples of firms drawn with replacement, (replications, p).

    Both steps are repeated, the search from the estimate alone. A sample that
    cannot be estimated, or whose search does not converge, gives NaN.
    """
    rng = np.random.default_rng(seed)
    count, start = len(firms.first) - 1, found.search.params[None, :]
    draws = np.full((replications, len(found.params)), np.nan)
    for row in range(replications):
        drawn = firms.draw(rng.integers(count, size=count))
        try:
            again = fit(drawn, start)
        except EstimationError:
            continue
        if again.search.converged:
            draws[row] = again.params
    return draws


def survival_probability(firms: Firms, degree: int) -> np.ndarray:
    """Return the probability that each firm is there next year, (N,).

    A probit (statsmodels) on a polynomial of state and proxy, over the rows
    whose next year is known.

    Raises
    ------
    nqpf.errors.EstimationError
        If no firm exits, none survives, or the probit does not converge.
    """
    from statsmodels.discrete.discrete_model import Probit
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

    known = np.isfinite(firms.survives)
    outcome = firms.survives[known]
    if outcome.size == 0 or outcome.min() == outcome.max():
        raise EstimationError(
            f"{int((outcome == 0).sum())} of {outcome.size} firm-years exit",
            expected="firms that exit and firms that survive",
            hint="use exit=None",
        )
    q = basis(polynomial(np.column_stack([firms.state, firms.proxy]), degree))
    x = q * np.sqrt(len(q))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            probit = Probit(outcome, x[known]).fit(disp=0, maxiter=100)
        except (PerfectSeparationWarning, np.linalg.LinAlgError) as error:
            raise EstimationError(
                "state and proxy separate firms that exit from firms that survive",
                hint="lower the degree or use exit=None",
            ) from error
    if not probit.mle_retvals["converged"]:
        raise EstimationError("the probit of survival does not converge", hint="lower the degree")
    return probit.predict(x)
