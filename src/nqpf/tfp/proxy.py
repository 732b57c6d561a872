"""Production functions of firms whose productivity shows in another choice of theirs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from nqpf.checks import choose, distinct, whole
from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.sample import _by_key, _check_regressors, _place

_WIDEST = 50.0  # logarithms this far apart are levels e^50 = 5e21 times each other
_RELATIVE = 1e-9  # a term that adds less than this share of its length adds nothing
_VARIES = 1e-7  # variation of a free input, given the polynomial, below which there is none
_APART = 1e-3  # estimates nearer than this are one solution
_SOLVED = 1e-10  # innovation's mean square along the instruments, against all of output's
_Names = str | Sequence[str]


class _Firms:
    """Arrays of one sample, sorted by firm and year.

    Parameters
    ----------
    data : (N, 1 + inputs + proxies + 1)
        Output, free and state inputs, proxies, and whether the firm is there next year: 1, 0 if
        it exits, NaN if not known.
    lag : (N,) int
        Position of the same firm's row of the year before, -1 if there is none.
    first : (n + 1,) int
        Position of each firm's first row; the last entry is N.
    names : list of str
        Free, then state inputs: the order of parameters.
    f : int
        Number of free inputs.
    """

    index: pd.Index  # labels of the rows, and why others are left out; not of drawn samples
    dropped: pd.Series

    def __init__(
        self, data: np.ndarray, lag: np.ndarray, first: np.ndarray, names: list[str], f: int
    ) -> None:
        self.data, self.lag, self.first, self.names, self.f = data, lag, first, names, f
        k = len(names) + 1
        self.y, self.inputs, self.survives = data[:, 0], data[:, 1:k], data[:, -1]
        self.free, self.state, self.proxy = data[:, 1 : f + 1], data[:, f + 1 : k], data[:, k:-1]
        self.now = np.flatnonzero(lag >= 0)  # rows that have a year before
        self.before = lag[self.now]

    def draw(self, chosen: np.ndarray) -> _Firms:
        """Return the sample made of the firms numbered `chosen`, repeats as firms of their own."""
        size = np.diff(self.first)[chosen]
        first = np.append(0, np.cumsum(size))
        shift = np.repeat(self.first[chosen] - first[:-1], size)
        rows = np.arange(first[-1]) + shift
        lag = np.where(self.lag[rows] >= 0, self.lag[rows] - shift, -1)
        return _Firms(self.data[rows], lag, first, self.names, self.f)


def _read(
    frame: pd.DataFrame,
    output: str,
    free: _Names,
    state: _Names,
    proxy: _Names,
    unit: str,
    time: str,
    investment: bool = False,
) -> _Firms:
    """Check a frame of firms and return its arrays."""
    free, state = distinct("free inputs", free), distinct("state inputs", state)
    proxy, inputs = distinct("proxies", proxy), [*free, *state]
    columns = distinct("output, inputs and proxies", [output, *inputs, *proxy])
    if investment:  # zero has no logarithm
        frame = frame.replace(dict.fromkeys(proxy, -np.inf), np.nan)
    keyed = _by_key(frame, columns, unit, time, "the frame", complete=False)
    if not pd.api.types.is_integer_dtype(keyed.index.levels[1]):
        raise SampleError("times are not whole years", expected="integers")
    absent = keyed.isna()
    kept = keyed[~absent.any(axis=1)]
    if kept.empty:
        raise SampleError("no complete row is left", expected="rows with every variable")
    span = kept.max() - kept.min()
    if span.max() > _WIDEST:
        name = span.idxmax()
        raise DataError(
            f"{name} runs from {kept[name].min():g} to {kept[name].max():g}",
            where=_place(kept[name].idxmax(), kept.index.names),
            expected="a logarithm; take logarithms of levels first",
        )
    _check_regressors(kept[inputs], None, None)
    firm, year = (kept.index.get_level_values(level) for level in (0, 1))
    code, year = pd.factorize(firm)[0], year.to_numpy()
    if code[-1] == 0:
        where = _place((firm[0],), (unit,))
        raise SampleError("one firm shows no difference", where=where, expected="two or more")
    same = np.diff(code, prepend=-1) == 0
    follows = same & (np.diff(year, prepend=year[0]) == 1)
    gaps = kept.index[same & ~follows]
    if len(gaps):
        warnings.warn(
            f"{gaps.unique(0).size} firm(s) skip years, {len(gaps)} time(s), first {unit} "
            f"{gaps[0][0]} before {time} {gaps[0][1]}: such years are not taken as consecutive",
            stacklevel=3,
        )
    if not follows.any():
        raise SampleError("no firm has two years in a row", expected="at least one that does")
    dropped = [
        absent.idxmax(axis=1)[absent.any(axis=1)] + " is missing" + " or zero" * investment,
        pd.Series("first year of the firm", kept.index[~same]),
        pd.Series("gap: no usable row of the year before", gaps),
    ]
    lag = np.where(follows, np.arange(len(kept)) - 1, -1)
    data = np.column_stack([kept, _survives(keyed.index, kept.index)])
    firms = _Firms(data, lag, np.append(np.flatnonzero(~same), len(kept)), inputs, len(free))
    firms.index, firms.dropped = kept.index, pd.concat(dropped).rename("reason")
    return firms


def _survives(everyone: pd.MultiIndex, index: pd.MultiIndex) -> np.ndarray:
    """Return 1, 0 or NaN by row; a firm with an incomplete row still exists, a gap is no exit."""
    last = everyone.to_frame().iloc[:, 1].groupby(level=0).max()
    firm, year = (index.get_level_values(level) for level in (0, 1))
    there = pd.MultiIndex.from_arrays([firm, year + 1]).isin(everyone)
    final = last.reindex(firm).to_numpy()
    leaves = (year.to_numpy() == final) & (final < last.max())
    return np.where(there, 1.0, np.where(leaves, 0.0, np.nan))


def _polynomial(x: np.ndarray, degree: int) -> np.ndarray:
    """Return every product of the columns of `x` up to `degree`, the constant first.

    Columns are centred and scaled first: the space spanned is the same, its conditioning is not.
    """
    scaled = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    terms = {(): np.ones(len(x))}
    for d in range(1, degree + 1):
        for chosen in combinations_with_replacement(range(x.shape[1]), d):
            terms[chosen] = terms[chosen[:-1]] * scaled[:, chosen[-1]]
    return np.array(list(terms.values())).T


def _basis(x: np.ndarray, degree: int, beside: int, what: str) -> np.ndarray:
    """Return orthonormal columns of a polynomial; rows outnumber its terms and `beside` others."""
    terms = _polynomial(x, degree)
    _check_rows(len(x), terms.shape[1] + beside, what)
    return _orthonormal(terms)


def _orthonormal(terms: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span `terms`, fewer when some are collinear."""
    from scipy.linalg import qr

    lengths = np.linalg.norm(terms, axis=0)
    terms = terms / np.where(lengths > 0, lengths, 1.0)
    q, triangle, _ = qr(terms, mode="economic", pivoting=True, check_finite=False)
    return q[:, np.abs(np.diag(triangle)) > _RELATIVE]


def _less(q: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return what a polynomial leaves of `values`."""
    return values - q @ (q.T @ values)


def _check_rows(rows: int, terms: int, what: str) -> None:
    if rows <= terms:
        raise EstimationError(
            f"{what} has {rows} row(s) and {terms} term(s)",
            hint="lower the degree or bring more firms",
        )


def _varying(q: np.ndarray, free: np.ndarray, names: Sequence[str], instead: str) -> np.ndarray:
    """Return what a polynomial leaves of free inputs, refused where that is nothing."""
    left, spread = _less(q, free), np.linalg.norm(free - free.mean(axis=0), axis=0)
    for name, rest, full in zip(names, np.linalg.norm(left, axis=0), spread, strict=False):
        if rest <= _VARIES * full:
            raise EstimationError(
                f"free input {name!r} does not vary given state and proxy",
                hint=f"use {instead}, which does not need it to",
            )
    return left


def _unexplained(
    value: np.ndarray, before: np.ndarray, degree: int, chance: np.ndarray | None
) -> np.ndarray:
    """Return what a polynomial of last year's productivity (and survival) leaves of `value`."""
    last = before[:, None] if chance is None else np.column_stack([before, chance])
    terms = _polynomial(last, degree)
    # Scaled powers are well conditioned, so the small normal equations lose no digit that counts.
    return value - terms @ np.linalg.lstsq(terms.T @ terms, terms.T @ value, rcond=None)[0]


def _survival(firms: _Firms, degree: int) -> np.ndarray:
    """Return the probability that each firm is there next year, by a probit on state and proxy."""
    from statsmodels.discrete.discrete_model import Probit

    known = np.isfinite(firms.survives)
    outcome = firms.survives[known]
    if outcome.size == 0 or outcome.min() == outcome.max():
        raise EstimationError(
            f"{int((outcome == 0).sum())} of {outcome.size} firm-years exit",
            expected="some that exit and some that survive, or exit=False",
        )
    x = _basis(np.hstack([firms.state, firms.proxy]), degree, 0, "the probit") * np.sqrt(len(known))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the state of the search says it all
        probit = Probit(outcome, x[known]).fit(disp=0, maxiter=100)
    if not probit.mle_retvals["converged"]:
        raise EstimationError(
            "the probit of survival does not converge; state and proxy may tell who exits",
            hint="lower the degree or use exit=False",
        )
    return probit.predict(x)


@dataclass(frozen=True)
class _Production:
    """An estimated production function in logarithms.

    Attributes
    ----------
    params, std_errors : Series by input
        Elasticities, free inputs first, and their standard errors, clustered by firm or by
        bootstrap; NaN when no bootstrap was asked for and none is analytic.
    tfp : Series indexed (unit, time)
        Log productivity, output less inputs times elasticities; it holds the
        constant and the error of measurement.
    criterion : float
        Value of what was minimised, at the estimate.
    converged : bool
        Whether the search ended at a solution.
    n : int
        Rows of the last step.
    dropped : Series indexed (unit, time)
        Why rows are left out, of everything or of the step that needs the year before.
    anticipated : Series indexed (unit, time) or None
        Log productivity that the firm could see: the first step's fitted
        output, without its error, less inputs times elasticities.
    starts : DataFrame or None
        One row per starting point: the start, the estimate it led to,
        ``criterion``, ``converged``, ``solution`` (number shared by starts that
        met) and ``chosen``.
    bootstrap : DataFrame or None
        One row of estimates per replication.
    """

    params: pd.Series
    std_errors: pd.Series
    tfp: pd.Series
    criterion: float
    converged: bool
    n: int
    dropped: pd.Series
    anticipated: pd.Series | None = None
    starts: pd.DataFrame | None = None
    bootstrap: pd.DataFrame | None = None


def _search(
    residuals: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    names: Sequence[str],
    zero: float | None,
) -> pd.DataFrame:
    """Minimise the sum of squares of `residuals` from every point; one row per start.

    With as many conditions as parameters, a criterion below `zero` solves them. Several solutions
    are then equally good, and the one whose smallest elasticity is largest is chosen; otherwise
    the lowest criterion is.
    """
    from scipy.optimize import least_squares

    found = [least_squares(residuals, p, ftol=1e-12, xtol=1e-12, gtol=1e-12) for p in points]
    estimates = np.array([one.x for one in found])
    criterion = np.array([2 * one.cost for one in found])
    ended = np.array([one.status > 0 for one in found])
    solved = ended if zero is None else ended & (criterion < zero)
    label = np.zeros(len(found), dtype=int)  # distinct end points, in the order of the starts
    for row in range(len(found)):
        if label[row] == 0:
            near = np.abs(estimates - estimates[row]).max(axis=1) < _APART
            label[near & (label == 0)] = label.max() + 1
    good = solved if solved.any() else np.isfinite(criterion)
    equally = zero is not None and solved.any()
    best = np.lexsort((-estimates.min(axis=1).round(6) if equally else criterion, ~good))[0]
    table = pd.DataFrame(points, columns=[f"start_{name}" for name in names])
    table[list(names)] = estimates
    table["criterion"], table["converged"], table["solution"] = criterion, solved, label
    # Among starts that met, the first.
    table["chosen"] = np.arange(len(table)) == np.argmax(good & (label == label[best]))
    return table


def _warn_of_search(table: pd.DataFrame, names: Sequence[str], several: bool) -> None:
    """Warn of a search without a solution, or of solutions equally good."""
    solutions = table[table["converged"]].drop_duplicates("solution")
    shown = table[table["chosen"]] if solutions.empty else solutions
    each = "; ".join(
        ", ".join(f"{name} {row[name]:.3f}" for name in names) for _, row in shown.iterrows()
    )
    if solutions.empty:
        least = shown["criterion"].iloc[0]
        said = f"no start led to a solution; the criterion is {least:.3g} at {each}: see `starts`"
        warnings.warn(said, stacklevel=4)
    elif several and len(solutions) > 1:
        warnings.warn(
            f"{len(solutions)} solutions fit equally well ({each}); the one whose smallest "
            "elasticity is largest is reported: see `starts`",
            stacklevel=4,
        )


def _two_steps(
    firms: _Firms, method: str, degree: int, markov: int, exit: bool, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return elasticities, the first step's fitted output and every start of the second step.

    The second step fits this year's productivity, `value` less inputs at trial elasticities, by a
    polynomial of last year's; `points` are starts for all inputs.
    """
    now, before, f = firms.now, firms.before, firms.f
    if method == "ackerberg-caves-frazer":
        x, names, free = firms.inputs, firms.names, np.empty(0)
        q = _basis(np.hstack([x, firms.proxy]), degree, 0, "the first step")
        phi = expected = value = q @ (q.T @ firms.y)
        # With an orthonormal basis of the instruments the weight (Z'Z)^-1 is built in.
        ones = np.ones((len(now), 1))
        z = _orthonormal(np.hstack([ones, firms.free[before], firms.state[now]]))
        error, zero = 0.0, _SOLVED * firms.y.var()
    else:
        x, names, points, z, zero = firms.state, firms.names[f:], points[:, f:], None, None
        q = _basis(np.hstack([x, firms.proxy]), degree, f, "the first step")
        left = _varying(q, firms.free, firms.names, "ackerberg_caves_frazer")
        free = np.linalg.lstsq(left, firms.y, rcond=None)[0]
        net = firms.y - firms.free @ free
        phi = q @ (q.T @ net)
        expected, smooth = phi + firms.free @ free, method == "levinsohn-petrin"
        # Levinsohn and Petrin fit the first step's value; its error counts in the sum either way.
        value, error = (phi, (net - phi)[now]) if smooth else (net, 0.0)
    _check_rows(len(now), markov + 1 + x.shape[1], "the second step")
    chance = _survival(firms, degree)[before] if exit else None
    value, prior, x_now, x_before = value[now], phi[before], x[now], x[before]
    scale = 1 / np.sqrt(len(now))

    def residuals(trial: np.ndarray) -> np.ndarray:
        left = _unexplained(value - x_now @ trial, prior - x_before @ trial, markov, chance)
        return scale * (error + left if z is None else z.T @ left)

    table = _search(residuals, points, names, zero)
    params = table.loc[table["chosen"], list(names)].to_numpy()[0]
    return np.concatenate([free, params]), expected, table


def _estimate(
    firms: _Firms,
    method: str,
    degree: int,
    markov: int,
    starts: int,
    replications: int,
    seed: int,
    exit: bool = False,
) -> _Production:
    """Estimate in two steps, bootstrap and label."""
    from scipy.stats import qmc

    for what, value in (("degree", degree), ("markov", markov), ("starts", starts)):
        whole(what, value, 1)
    if whole("replications", replications) == 1:
        raise MethodError("replications is 1", expected="0 for none, or two or more for a spread")
    centred = firms.inputs - firms.inputs.mean(axis=0)
    least_squares = np.linalg.lstsq(centred, firms.y - firms.y.mean(), rcond=None)[0]
    searched = len(firms.names) - (method != "ackerberg-caves-frazer") * firms.f
    spread = qmc.Halton(searched, scramble=False).random(starts)[1:]  # the first is the origin
    spread = np.hstack([np.zeros((starts - 1, len(firms.names) - searched)), spread])
    points = np.vstack([least_squares, spread])
    found, expected, table = _two_steps(firms, method, degree, markov, exit, points)
    _warn_of_search(table, firms.names[-searched:], method == "ackerberg-caves-frazer")
    rng, count = np.random.default_rng(seed), len(firms.first) - 1
    draws = np.full((replications, len(found)), np.nan)
    for row in range(replications):  # both steps are repeated, the search from the estimate alone
        drawn = firms.draw(rng.integers(count, size=count))
        try:
            again, _, end = _two_steps(drawn, method, degree, markov, exit, found[None, :])
        except EstimationError:
            continue
        draws[row] = again if end["converged"].iloc[0] else np.nan
    kept = draws[~np.isnan(draws).any(axis=1)]
    if len(kept) < replications:
        warnings.warn(
            f"{replications - len(kept)} of {replications} bootstrap samples gave no estimate and "
            "are left out of the standard errors",
            stacklevel=3,
        )
    errors = kept.std(axis=0, ddof=1) if len(kept) > 1 else np.full(len(found), np.nan)
    end = table[table["chosen"]].iloc[0]
    anticipated = pd.Series(expected - firms.inputs @ found, firms.index, name="anticipated")
    drawn = pd.DataFrame(draws, columns=firms.names) if replications else None
    searched = {"anticipated": anticipated, "starts": table, "bootstrap": drawn}
    return _result(firms, found, errors, end["criterion"], end["converged"], **searched)


def _result(
    firms: _Firms,
    params: np.ndarray,
    errors: np.ndarray,
    criterion: float,
    converged: bool = True,
    **searched: pd.DataFrame | pd.Series | None,
) -> _Production:
    labelled = [pd.Series(values, firms.names) for values in (params, errors)]
    labelled.append(pd.Series(firms.y - firms.inputs @ params, firms.index, name="tfp"))
    rest = criterion, bool(converged), len(firms.now), firms.dropped
    return _Production(*labelled, *rest, **searched)


def levinsohn_petrin(
    frame: pd.DataFrame,
    output: str,
    free: _Names,
    state: _Names,
    proxy: _Names,
    unit: str,
    time: str,
    degree: int = 3,
    markov: int = 3,
    starts: int = 4,
    replications: int = 0,
    seed: int = 0,
) -> _Production:
    """Estimate a value-added production function with intermediate inputs as proxy.

    First step: y = b l + phi(k, m) + e by least squares, phi a polynomial.
    Second step: elasticities a of state inputs minimise the sum of squares of
    y - b l - a k - g(phi_{-1} - a k_{-1}), g the polynomial that fits
    phi - a k for each trial (Levinsohn and Petrin 2003; in the steps of
    Petrin, Poi and Levinsohn 2004).

    Parameters
    ----------
    frame : DataFrame
        One row per firm and year, `unit` and `time` as columns or index
        levels. Every variable is a **logarithm** already; take logarithms
        first and decide there what becomes of zeros.
    output : str
        Value added.
    free, state, proxy : str or list of str
        Inputs chosen within the year (labour), fixed before it (capital),
        and the demand that reveals productivity (materials, energy).
    unit, time : str
        Names of the firm and of the year, a whole number.
    degree : int
        Degree of the polynomial in state and proxy.
    markov : int
        Degree of the Markov process of productivity.
    starts : int
        Starting points of the second step: least squares, then points spread over the unit cube.
    replications : int
        Samples of the bootstrap by firm; 0 for no standard errors.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    result
        ``params``, ``std_errors``, ``tfp``, ``anticipated``, ``starts``, ``dropped`` and more.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, a column is no number or no logarithm.
    nqpf.errors.SampleError
        If a key is doubled, a value infinite, there is one firm only, or no
        firm has two years in a row.
    nqpf.errors.EstimationError
        If inputs are collinear, a free input is a function of state and
        proxy, or rows are too few.
    nqpf.errors.MethodError
        If an option cannot be used.

    Warns
    -----
    UserWarning
        If firms skip years, the search does not converge, or bootstrap
        samples are lost.

    Notes
    -----
    What g fits differs between programs: the first step's value, as here and in `levpet`, or
    output net of inputs, as :func:`olley_pakes` and `opreg` do. Zeros in levels need a decision
    that no estimator should take, so logarithms come in; values more than 50 apart are refused as
    levels. Missing values are dropped, recorded in ``dropped``, and break a firm's history.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=2, seed=4)
    >>> fit = levinsohn_petrin(firms, "output", "labour", "capital", "materials", "firm", "year")
    >>> fit.params.round(1).to_dict(), fit.converged, fit.n
    ({'labour': 0.6, 'capital': 0.4}, True, 9000)
    """
    firms = _read(frame, output, free, state, proxy, unit, time)
    return _estimate(firms, "levinsohn-petrin", degree, markov, starts, replications, seed)


def olley_pakes(
    frame: pd.DataFrame,
    output: str,
    free: _Names,
    state: _Names,
    proxy: _Names,
    unit: str,
    time: str,
    exit: bool = False,
    degree: int = 3,
    markov: int = 3,
    starts: int = 4,
    replications: int = 0,
    seed: int = 0,
) -> _Production:
    """Estimate a value-added production function with investment as proxy.

    The first step of :func:`levinsohn_petrin`, with investment in place of
    materials; in the second, nonlinear least squares, g fits y - b l - a k
    (Olley and Pakes 1996, equation 12; Yasar, Raciborski and Poi 2008).
    Investment reveals productivity only where it is positive: rows whose
    proxy is minus infinity (the logarithm of zero) or missing are dropped and
    recorded. With `exit`, g also takes the probability of surviving from last
    year, by a probit on last year's polynomial of state and proxy.

    Parameters
    ----------
    frame, output, free, state, unit, time
        As in :func:`levinsohn_petrin`, logarithms throughout.
    proxy : str or list of str
        Logarithm of investment.
    exit : bool
        Correct for exit. A firm exits after its last row if that is before the last year of the
        frame; a gap is no exit, and a firm with an incomplete row still exists.
    degree, markov, starts, replications, seed
        As in :func:`levinsohn_petrin`.

    Returns
    -------
    result
        As of :func:`levinsohn_petrin`.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`levinsohn_petrin`; and EstimationError if no firm exits
        or the probit does not converge.

    Warns
    -----
    UserWarning
        As in :func:`levinsohn_petrin`.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=2, seed=4)
    >>> fit = olley_pakes(firms, "output", "labour", "capital", "investment", "firm", "year")
    >>> bool(fit.params["labour"] > 0.6), fit.converged
    (True, True)
    """
    firms = _read(frame, output, free, state, proxy, unit, time, investment=True)
    return _estimate(firms, "olley-pakes", degree, markov, starts, replications, seed, exit)


def ackerberg_caves_frazer(
    frame: pd.DataFrame,
    output: str,
    free: _Names,
    state: _Names,
    proxy: _Names,
    unit: str,
    time: str,
    degree: int = 3,
    markov: int = 3,
    starts: int = 9,
    replications: int = 0,
    seed: int = 0,
) -> _Production:
    """Estimate a value-added production function when labour may depend on the proxy.

    First step: y on a polynomial of free, state and proxy, which only removes
    the error of measurement: phi. Second step: for trial elasticities (b, a),
    productivity is phi - b l - a k, its innovation xi what a polynomial of last
    year's leaves; the estimate solves E[xi (l_{-1}, k)] = 0.

    **The answer depends on the start.** The conditions are as many as the
    elasticities and have more than one solution: next to the production
    function there is one near b = 1, a = 0, where the "productivity" is output
    per worker (Kim, Luo and Su 2019), often reached from least squares. Every
    start is reported in ``starts``. Among solutions, the one whose smallest
    elasticity is largest is chosen, and a warning names the others: an economic
    prior chooses, not the data.

    Parameters
    ----------
    frame, output, free, state, proxy, unit, time
        As in :func:`levinsohn_petrin`: **logarithms**, output
        is value added, the proxy materials or investment.
    degree, markov : int
        Degrees of the first polynomial and of the Markov process.
    starts : int
        Starting points: least squares, then points spread over the unit cube.
    replications, seed : int
        Bootstrap by firm; each sample is searched from the estimate only.

    Returns
    -------
    result
        As of :func:`levinsohn_petrin`;
        ``criterion`` is the mean square of xi projected on the instruments.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`levinsohn_petrin`.

    Warns
    -----
    UserWarning
        If several solutions fit equally well, no start solves the conditions,
        firms skip years, or bootstrap samples are lost.

    Examples
    --------
    >>> import warnings
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=1, firms=500, seed=1)
    >>> roles = ["output", "labour", "capital", "materials", "firm", "year"]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     fit = ackerberg_caves_frazer(firms, *roles)
    >>> fit.params.round(1).to_dict()
    {'labour': 0.6, 'capital': 0.4}
    >>> solved = fit.starts[fit.starts["converged"]]
    >>> solved.groupby("solution")["labour"].first().round(1).sort_values().tolist()
    [0.6, 1.0]
    """
    firms = _read(frame, output, free, state, proxy, unit, time)
    return _estimate(firms, "ackerberg-caves-frazer", degree, markov, starts, replications, seed)


def wooldridge(
    frame: pd.DataFrame,
    output: str,
    free: _Names,
    state: _Names,
    proxy: _Names,
    unit: str,
    time: str,
    degree: int = 3,
    equations: str = "both",
) -> _Production:
    """Estimate a value-added production function in one step by linear GMM.

    Two equations share the elasticities b of free and a of state inputs
    (Wooldridge 2009, equations 2.11 and 2.12)::

        y = b l + h(k, m) + e                     instruments l, h's terms
        y = b l + a k + q(k_{-1}, m_{-1}) + u     instruments k, l_{-1}, q's terms

    h and q are polynomials without restrictions between them, a of the first
    equation lies in h. Two-step efficient GMM, the weights clustered by firm.

    Parameters
    ----------
    frame, output, free, state, proxy, unit, time
        As in :func:`levinsohn_petrin`, **logarithms**.
    degree : int
        Degree of the polynomials h and q.
    equations : {"both", "second"}
        ``"second"`` uses the second equation alone, instrumental variables
        with l_{-1} for l: it does not need labour to vary given k and m
        (Petrin and Levinsohn 2012).

    Returns
    -------
    result
        Standard errors clustered by firm; ``criterion`` is Hansen's J, with as
        many degrees of freedom as free inputs when both equations are used,
        and zero but for rounding with the second alone.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`levinsohn_petrin`; EstimationError if
        instruments do not identify the elasticities.

    Warns
    -----
    UserWarning
        If firms skip years.

    Notes
    -----
    Polynomials are partialled out first, which leaves two-step GMM unchanged. q is not tied to
    capital's elasticity, so capital is known far less well than by :func:`levinsohn_petrin`.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=2, seed=4)
    >>> fit = wooldridge(firms, "output", "labour", "capital", "materials", "firm", "year")
    >>> fit.params.round(1).to_dict()
    {'labour': 0.6, 'capital': 0.4}
    """
    choose("equations", equations, ("both", "second"))
    firms = _read(frame, output, free, state, proxy, unit, time)
    now, before = firms.now, firms.before
    known, f = np.hstack([firms.state, firms.proxy]), firms.f
    # Each block is (output, regressors, instruments) less its polynomial, (M,), (M, p), (M, z).
    q = _basis(known[before], whole("degree", degree, 1), f, "an equation")
    free, state = _less(q, firms.free[now]), _less(q, firms.state[now])
    lagged = _less(q, firms.free[before])
    blocks = [(_less(q, firms.y[now]), np.hstack([free, state]), np.hstack([lagged, state]))]
    if equations == "both":
        q = _basis(known[now], degree, f, "an equation")
        free = _varying(q, firms.free[now], firms.names, "equations='second'")
        x = np.hstack([free, np.zeros_like(state)])
        blocks.insert(0, (_less(q, firms.y[now]), x, free))
    code = np.repeat(np.arange(len(firms.first) - 1), np.diff(firms.first))
    return _result(firms, *_gmm(blocks, code[now]))


def _gmm(
    blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]], cluster: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return elasticities, their standard errors and Hansen's J."""
    from scipy.linalg import block_diag

    n = len(cluster)
    cross = np.vstack([z.T @ x for _, x, z in blocks]) / n
    target = np.concatenate([z.T @ y for y, _, z in blocks]) / n
    if np.linalg.matrix_rank(cross) < cross.shape[1]:
        raise EstimationError(
            "the instruments do not identify the elasticities",
            expected="inputs that vary given last year's state and proxy, or a lower degree",
        )
    params, _ = _solve(cross, target, block_diag(*(z.T @ z / n for _, _, z in blocks)))
    moments = np.hstack([z * (y - x @ params)[:, None] for y, x, z in blocks])
    sums = np.zeros((cluster.max() + 1, moments.shape[1]))
    np.add.at(sums, cluster, moments)
    _check_rows(len(sums), moments.shape[1], "the weight, with a row for each firm,")
    weight = sums.T @ sums / n
    params, cov = _solve(cross, target, weight)
    gap = target - cross @ params
    return params, np.sqrt(np.diag(cov) / n), float(n * gap @ np.linalg.solve(weight, gap))


def _solve(
    cross: np.ndarray, target: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the GMM estimate under the weight `variance` inverse, and its n-fold covariance."""
    weighted = np.linalg.solve(variance, cross)
    cov = np.linalg.inv(cross.T @ weighted)
    return cov @ (weighted.T @ target), cov
