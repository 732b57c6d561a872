"""Production functions of firms whose productivity shows in another choice of theirs.

Simulated firms, whose production function is known, try the estimators out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nqpf.checks import _Names, choose, distinct, whole
from nqpf.errors import DataError, EstimationError, SampleError
from nqpf.sample import _by_key, _check_regressors, _check_several, _place, _years

_DEGREE = 3  # of polynomials in inputs and proxies, and of last year's productivity
_STARTS = 4  # of the search for elasticities of state inputs
_WIDEST = 50.0  # logarithms this far apart are levels e^50 = 5e21 times each other
_RELATIVE = 1e-9  # a term that adds less than this share of its length adds nothing
_VARIES = 1e-7  # variation of a free input, given the polynomial, below which there is none
_APART = 1e-3  # estimates nearer than this are one solution
_SOLVED = 1e-10  # innovation's mean square along the instruments, against all of output's

_JOINT = "ackerberg-caves-frazer"  # the method that estimates all elasticities in one search
_METHODS = ("levinsohn-petrin", "olley-pakes", "wooldridge", _JOINT)


@dataclass(frozen=True, eq=False)
class _Firms:
    """Arrays of one sample, sorted by firm and year.

    Attributes
    ----------
    y : (N,)
        Output.
    inputs, proxy : (N, ...)
        Free, then state inputs; and proxies.
    f : int
        Number of free inputs.
    lag : (N,) int
        Position of the same firm's row of the year before, -1 if there is none.
    code : (N,) int
        Number of the firm.
    names : list of str
        Of the inputs: the order of parameters.
    index, dropped
        Labels of the rows, and why others are left out.
    """

    y: np.ndarray
    inputs: np.ndarray
    proxy: np.ndarray
    f: int
    lag: np.ndarray
    code: np.ndarray
    names: list[str]
    index: pd.MultiIndex
    dropped: pd.Series

    @property
    def now(self) -> np.ndarray:
        """Positions of the rows that have a year before."""
        return np.flatnonzero(self.lag >= 0)

    @property
    def free(self) -> np.ndarray:
        """Inputs chosen within the year."""
        return self.inputs[:, : self.f]

    @property
    def state(self) -> np.ndarray:
        """Inputs fixed before it."""
        return self.inputs[:, self.f :]


def _read(
    frame: pd.DataFrame, roles: Sequence[_Names], unit: str, time: str, investment: bool
) -> _Firms:
    """Check a frame of firms and return its arrays."""
    output, free, state, proxy = roles
    free, state = distinct("free inputs", free), distinct("state inputs", state)
    proxy, inputs = distinct("proxies", proxy), [*free, *state]
    columns = distinct("output, inputs and proxies", [output, *inputs, *proxy])
    if investment:  # zero has no logarithm
        frame = frame.replace(dict.fromkeys(proxy, -np.inf), np.nan)
    keyed = _by_key(frame, columns, unit, time, "the frame", complete=False)
    _years(keyed.index, "the frame")
    absent = keyed.isna()
    kept = keyed[~absent.any(axis=1)]
    if kept.empty:
        raise SampleError("no complete row is left", expected="rows with every variable")
    span = kept.max() - kept.min()
    if span.max() > _WIDEST:
        name = span.idxmax()
        problem = f"{name} runs from {kept[name].min():g} to {kept[name].max():g}"
        where = _place(kept[name].idxmax(), kept.index.names)
        expected = "a logarithm; take logarithms of levels first"
        raise DataError(problem, where=where, expected=expected)
    _check_regressors(kept[inputs], None, None)
    firm, year = (kept.index.get_level_values(level) for level in (0, 1))
    code, year = pd.factorize(firm)[0], year.to_numpy()
    _check_several(kept.index, "one shows no difference between firms")
    same = np.diff(code, prepend=-1) == 0
    follows = same & (np.diff(year, prepend=year[0]) == 1)
    gaps = kept.index[same & ~follows]
    if len(gaps):
        said = f"{gaps.unique(0).size} firm(s) skip years, {len(gaps)} time(s), first {unit} "
        said += f"{gaps[0][0]} before {time} {gaps[0][1]}: such years are not taken as consecutive"
        warnings.warn(said, stacklevel=3)
    if not follows.any():
        raise SampleError("no firm has two years in a row", expected="at least one that does")
    dropped = [
        absent.idxmax(axis=1)[absent.any(axis=1)] + " is missing" + " or zero" * investment,
        pd.Series("first year of the firm", kept.index[~same]),
        pd.Series("gap: no usable row of the year before", gaps),
    ]
    lag = np.where(follows, np.arange(len(kept)) - 1, -1)
    data, last = np.asfortranarray(kept), len(inputs) + 1
    roles = data[:, 0], data[:, 1:last], data[:, last:]
    why = pd.concat(dropped).rename("reason")
    return _Firms(*roles, len(free), lag, code, inputs, kept.index, why)


def _polynomial(x: np.ndarray) -> np.ndarray:
    """Return every product of up to three columns of `x`, the constant first.

    Columns are centred and scaled first: the space spanned is the same, its conditioning is not.
    """
    scaled = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    terms = {(): np.ones(len(x))}
    for d in range(1, _DEGREE + 1):
        for chosen in combinations_with_replacement(range(x.shape[1]), d):
            terms[chosen] = terms[chosen[:-1]] * scaled[:, chosen[-1]]
    return np.array(list(terms.values())).T


def _basis(x: np.ndarray, beside: int, what: str) -> np.ndarray:
    """Return orthonormal columns of a polynomial; rows outnumber its terms and `beside` others."""
    terms = _polynomial(x)
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
        problem = f"{what} has {rows} row(s) and {terms} term(s)"
        raise EstimationError(problem, hint="bring more firms")


def _varying(q: np.ndarray, free: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return what a polynomial leaves of free inputs, refused where that is nothing."""
    left, spread = _less(q, free), np.linalg.norm(free - free.mean(axis=0), axis=0)
    for name, rest, full in zip(names, np.linalg.norm(left, axis=0), spread, strict=False):
        if rest <= _VARIES * full:
            problem = f"free input {name!r} does not vary given state and proxy"
            raise EstimationError(problem, hint=f"use method={_JOINT!r}, which does not need it to")
    return left


@dataclass(frozen=True)
class _Production:
    """An estimated production function in logarithms.

    Attributes
    ----------
    params : Series by input
        Elasticities, free inputs first.
    tfp : Series indexed (unit, time)
        Log productivity, output less inputs times elasticities; it holds the
        constant and the error of measurement.
    criterion : float
        Value of what was minimised, at the estimate.
    n : int
        Rows of the last step.
    dropped : Series indexed (unit, time)
        Why rows are left out, of everything or of the step that needs the year before.
    converged : bool
        Whether the search ended at a solution.
    starts : DataFrame or None
        One row per starting point: the start, the estimate it led to,
        ``criterion``, ``converged``, ``solution`` (number shared by starts that
        met) and ``chosen``.
    std_errors : Series or None
        Standard errors of `params`, clustered by firm; None where none is analytic.
    """

    params: pd.Series
    tfp: pd.Series
    criterion: float
    n: int
    dropped: pd.Series
    converged: bool = True
    starts: pd.DataFrame | None = None
    std_errors: pd.Series | None = None

    @classmethod
    def of(cls, firms: _Firms, params: np.ndarray, criterion: float, **rest: Any) -> _Production:
        """Label estimates by the names and rows of their sample."""
        tfp = pd.Series(firms.y - firms.inputs @ params, firms.index, name="tfp")
        labelled = pd.Series(params, firms.names)
        return cls(labelled, tfp, criterion, len(firms.now), firms.dropped, **rest)


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
        said = f"{len(solutions)} solutions fit equally well ({each}); the one whose smallest "
        warnings.warn(said + "elasticity is largest is reported: see `starts`", stacklevel=4)


def _two_steps(firms: _Firms, method: str, starts: int) -> _Production:
    """Estimate in two steps.

    The second step fits this year's productivity, `value` less inputs at trial elasticities, by a
    polynomial of last year's.
    """
    from scipy.stats import qmc

    now, f, joint = firms.now, firms.f, method == _JOINT
    before, free, error, z, zero = firms.lag[now], np.empty(0), 0.0, None, None
    x, names = (firms.inputs, firms.names) if joint else (firms.state, firms.names[f:])
    q = _basis(np.hstack([x, firms.proxy]), 0 if joint else f, "the first step")
    if joint:
        phi = value = q @ (q.T @ firms.y)
        # With an orthonormal basis of the instruments the weight (Z'Z)^-1 is built in.
        z = _orthonormal(np.hstack([np.ones((len(now), 1)), firms.free[before], firms.state[now]]))
        zero = _SOLVED * firms.y.var()
    else:
        left = _varying(q, firms.free, firms.names)
        free = np.linalg.lstsq(left, firms.y, rcond=None)[0]
        net = value = firms.y - firms.free @ free
        phi = q @ (q.T @ net)
        if method == "levinsohn-petrin":
            # They fit the first step's value; its error counts in the sum either way.
            value, error = phi, (net - phi)[now]
    _check_rows(len(now), _DEGREE + 1 + x.shape[1], "the second step")
    value, prior, x_now, x_before = value[now], phi[before], x[now], x[before]
    scale = 1 / np.sqrt(len(now))

    def residuals(trial: np.ndarray) -> np.ndarray:
        this = value - x_now @ trial
        terms = _polynomial((prior - x_before @ trial)[:, None])
        # Scaled powers are well conditioned: the small normal equations lose no digit that counts.
        left = this - terms @ np.linalg.lstsq(terms.T @ terms, terms.T @ this, rcond=None)[0]
        return scale * (error + left if z is None else z.T @ left)

    centred = firms.inputs - firms.inputs.mean(axis=0)
    least_squares = np.linalg.lstsq(centred, firms.y - firms.y.mean(), rcond=None)[0]
    spread = qmc.Halton(len(names), scramble=False).random(starts)[1:]  # the first is the origin
    table = _search(residuals, np.vstack([least_squares[-len(names) :], spread]), names, zero)
    _warn_of_search(table, names, several=joint)
    end = table[table["chosen"]].iloc[0]
    params = np.concatenate([free, end[names].to_numpy(float)])
    state = {"converged": bool(end["converged"]), "starts": table}
    return _Production.of(firms, params, end["criterion"], **state)


def production_function(
    frame: pd.DataFrame,
    output: str,
    free: _Names,
    state: _Names,
    proxy: _Names,
    unit: str,
    time: str,
    method: str,
    starts: int = 9,
) -> _Production:
    """Estimate a value-added production function with a proxy for productivity.

    ``"levinsohn-petrin"``: intermediate inputs are the proxy. First step: y = b l + phi(k, m) + e
    by least squares, phi a polynomial of degree 3. Second step: elasticities a of state inputs
    minimise the sum of squares of y - b l - a k - g(phi_{-1} - a k_{-1}), g the cubic that fits
    phi - a k for each trial (Levinsohn and Petrin 2003; in the steps of Petrin, Poi and
    Levinsohn 2004). The search starts from least squares and from points spread over the unit
    cube.

    ``"olley-pakes"``: investment is the proxy; in the second step, nonlinear least squares, g fits
    y - b l - a k (Olley and Pakes 1996, equation 12; Yasar, Raciborski and Poi 2008). Investment
    reveals productivity only where it is positive: rows whose proxy is minus infinity (the
    logarithm of zero) or missing are dropped and recorded. Exit of firms is not corrected for.

    ``"wooldridge"``: one step by linear GMM. Two equations share the elasticities b of free and a
    of state inputs (Wooldridge 2009, equations 2.11 and 2.12)::

        y = b l + h(k, m) + e                     instruments l, h's terms
        y = b l + a k + q(k_{-1}, m_{-1}) + u     instruments k, l_{-1}, q's terms

    h and q are cubics without restrictions between them, a of the first equation lies in h.
    Two-step efficient GMM, the weights clustered by firm.

    ``"ackerberg-caves-frazer"``: labour may depend on the proxy. First step: y on a polynomial of
    free, state and proxy, which only removes the error of measurement: phi. Second step: for trial
    elasticities (b, a), productivity is phi - b l - a k, its innovation xi what a polynomial of
    last year's leaves; the estimate solves E[xi (l_{-1}, k)] = 0. **The answer depends on the
    start.** The conditions are as many as the elasticities and have more than one solution: next
    to the production function there is one near b = 1, a = 0, where the "productivity" is output
    per worker (Kim, Luo and Su 2019), often reached from least squares. Every start is reported in
    ``starts``. Among solutions, the one whose smallest elasticity is largest is chosen, and a
    warning names the others: an economic prior chooses, not the data.

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
        and the demand that reveals productivity (materials, energy, investment).
    unit, time : str
        Names of the firm and of the year, a whole number.
    method : {"levinsohn-petrin", "olley-pakes", "wooldridge", "ackerberg-caves-frazer"}
    starts : int
        Starting points of Ackerberg, Caves and Frazer: least squares, then points spread over
        the unit cube.

    Returns
    -------
    result
        ``params``, ``tfp``, ``starts``, ``dropped`` and more. ``criterion`` of Ackerberg, Caves
        and Frazer is the mean square of xi projected on the instruments; of Wooldridge, who also
        has ``std_errors``, clustered by firm, Hansen's J, with as many degrees of freedom as free
        inputs.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, a column is no number or no logarithm.
    nqpf.errors.SampleError
        If a key is doubled, a value infinite, there is one firm only, or no
        firm has two years in a row.
    nqpf.errors.EstimationError
        If inputs are collinear, a free input is a function of state and proxy, instruments do
        not identify the elasticities, or rows are too few.
    nqpf.errors.MethodError
        If the method is unknown or a column has no role of its own.

    Warns
    -----
    UserWarning
        If firms skip years, the search does not converge or several solutions fit equally well.

    Notes
    -----
    What g fits differs between programs: the first step's value, as Levinsohn and Petrin have it
    here and in `levpet`, or output net of inputs, as Olley and Pakes and `opreg`. Zeros in levels
    need a decision that no estimator should take, so logarithms come in; values more than 50 apart
    are refused as levels. Missing values are dropped, recorded in ``dropped``, and break a firm's
    history. Wooldridge's polynomials are partialled out first, which leaves two-step GMM
    unchanged; q is not tied to capital's elasticity, so capital is known far less well.

    Examples
    --------
    >>> import warnings
    >>> firms = simulate_firms(design=2, seed=4)
    >>> roles = ["output", "labour", "capital", "materials", "firm", "year"]
    >>> fit = production_function(firms, *roles, method="levinsohn-petrin")
    >>> fit.params.round(1).to_dict(), fit.converged, fit.n
    ({'labour': 0.6, 'capital': 0.4}, True, 9000)
    >>> production_function(firms, *roles, method="wooldridge").params.round(1).to_dict()
    {'labour': 0.6, 'capital': 0.4}
    >>> firms = simulate_firms(design=1, firms=500, seed=1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     fit = production_function(firms, *roles, method="ackerberg-caves-frazer")
    >>> fit.params.round(1).to_dict()
    {'labour': 0.6, 'capital': 0.4}
    >>> solved = fit.starts[fit.starts["converged"]]
    >>> solved.groupby("solution")["labour"].first().round(1).sort_values().tolist()
    [0.6, 1.0]
    """
    choose("method", method, _METHODS)
    many = whole("starts", starts, 1) if method == _JOINT else _STARTS
    firms = _read(frame, [output, free, state, proxy], unit, time, method == "olley-pakes")
    return _one_step(firms) if method == "wooldridge" else _two_steps(firms, method, many)


def _one_step(firms: _Firms) -> _Production:
    """Estimate by linear GMM as Wooldridge does, polynomials taken out of every variable first."""
    from linearmodels.iv import IVGMM
    from scipy.linalg import block_diag

    now, known, f = firms.now, np.hstack([firms.state, firms.proxy]), firms.f
    before, y = firms.lag[now], firms.y[now]
    this, last = (_basis(known[rows], f, "an equation") for rows in (now, before))
    free = _varying(this, firms.free[now], firms.names)
    state, lagged = _less(last, firms.state[now]), _less(last, firms.free[before])
    nothing = np.zeros_like(state)
    y = np.concatenate([_less(this, y), _less(last, y)])
    x = np.block([[free, nothing], [_less(last, firms.free[now]), state]])
    z = block_diag(free, np.hstack([lagged, state]))
    if np.linalg.matrix_rank(z.T @ x) < x.shape[1]:
        expected = "inputs that vary given last year's state and proxy"
        raise EstimationError("the instruments do not identify the elasticities", expected=expected)
    firm = np.tile(firms.code[now], 2)
    _check_rows(len(np.unique(firm)), z.shape[1], "the weight, with a row for each firm,")
    model = IVGMM(y, None, x, z, weight_type="clustered", clusters=firm)
    fit = model.fit(iter_limit=2, cov_type="clustered", clusters=firm)
    errors = fit.std_errors.set_axis(firms.names)
    return _Production.of(firms, fit.params.to_numpy(), fit.j_stat.stat, std_errors=errors)


_LABOUR, _CAPITAL = 0.6, 0.4  # elasticities; they add up to one
_RHO, _SD_OMEGA = 0.7, 0.3  # productivity
_RHO_WAGE = 0.3
_SD_OUTPUT = 0.1  # measurement error of output
_DISCOUNT, _DEPRECIATION = 0.95, 0.2
_HORIZON = 60  # (0.95 x 0.8)^60 = 7e-8 of the value of capital lies beyond
_BURN_IN = 60  # years before the sample: 0.8^60 = 2e-6 of a stock is left after them


class _Design(NamedTuple):
    """One data-generating process.

    Attributes
    ----------
    sd_wage : float
        Standard deviation of the logarithm of a firm's wage.
    lead : float
        b: labour is chosen at t - b, before the rest of productivity is known.
    sd_labour : float
        Standard deviation of the error that firms make in choosing labour.
    sd_adjustment : float
        Standard deviation of ln(1 / phi), the ease of adjusting capital, which
        differs between firms for good. Only without it does investment alone
        reveal productivity, as Olley and Pakes (1996) assume.
    sd_capital : float
        Standard deviation added to ln K in the first year of the sample:
        firms that enter unequal.
    """

    sd_wage: float
    lead: float
    sd_labour: float
    sd_adjustment: float = 0.6
    sd_capital: float = 0.0


_DESIGNS = {
    1: _Design(sd_wage=0.1, lead=0.5, sd_labour=0.0),
    2: _Design(sd_wage=0.0, lead=0.0, sd_labour=0.37),
    3: _Design(sd_wage=0.1, lead=0.5, sd_labour=0.37),
    4: _Design(sd_wage=0.0, lead=0.0, sd_labour=0.37, sd_adjustment=0.0, sd_capital=0.6),
}


def simulate_firms(
    design: int = 1, firms: int = 1000, years: int = 10, seed: int = 0, sd_materials: float = 0.0
) -> pd.DataFrame:
    """Simulate the firms of Ackerberg, Caves and Frazer (2015), section 5.

    Y = min(K^0.4 L^0.6 exp(omega), M) exp(epsilon), with ln Y observed with an
    error of standard deviation 0.1. Productivity and the wage are first-order
    autoregressions. Labour maximises expected profit given what is known at
    t - b; capital costs phi I^2 / 2 to adjust, so that with constant returns
    optimal investment has a closed form; material input
    follows planned production, before the error in labour.

    Parameters
    ----------
    design : {1, 2, 3, 4}
        1: wages differ and labour is chosen half a year ahead; 2: labour is
        chosen with an error that materials do not follow; 3: both. 4 is not
        theirs: the second, but every firm adjusts capital with the same ease
        and firms enter unequal, so that investment reveals productivity.
    firms, years : int
        Size of the balanced panel.
    seed : int
        Seed of the generator.
    sd_materials : float
        Standard deviation of an error of measurement in ln M.

    Returns
    -------
    DataFrame
        ``firm``, ``year`` and the logarithms ``output``, ``labour``,
        ``capital``, ``materials``, ``investment``, ``wage``, and
        ``productivity`` (omega), sorted by firm and year.

    Raises
    ------
    nqpf.errors.MethodError
        If the design or a size cannot be used.

    Notes
    -----
    Written from the model; the authors' program is not used. Labour and investment follow
    first-order conditions with exact moments of lognormal variables; sixty years run before the
    sample. Levels differ from theirs by constants, elasticities do not.

    Examples
    --------
    >>> frame = simulate_firms(1, firms=3, years=2)
    >>> frame.shape, bool((frame["output"] - frame["materials"]).abs().max() < 0.5)
    ((6, 9), True)
    """
    choose("design", design, _DESIGNS)
    chosen = _DESIGNS[design]
    rng = np.random.default_rng(seed)
    size = (whole("firms", firms, 1), _BURN_IN + whole("years", years, 1))
    early, omega = _productivity(rng, size, chosen.lead)
    wage = rng.normal(0, chosen.sd_wage, size)
    wage[:, 1:] *= np.sqrt(1 - _RHO_WAGE**2)
    for t in range(1, size[1]):
        wage[:, t] += _RHO_WAGE * wage[:, t - 1]
    ease = np.exp(rng.normal(0, chosen.sd_adjustment, firms))
    invested = ease[:, None] * _investment(omega, wage, chosen)
    unequal = np.exp(rng.normal(0, chosen.sd_capital, firms))
    stock = np.full(size, 1e-40)  # at the start of each year; it grows from almost nothing
    for t in range(1, size[1]):
        stock[:, t] = (1 - _DEPRECIATION) * stock[:, t - 1] + invested[:, t - 1]
        if t == _BURN_IN:
            stock[:, t] *= unequal
    capital = np.log(stock)
    # ln(L / K) maximises E[Y] - W L given omega at t - b, before the error.
    late = _RHO**chosen.lead
    mean = late * early + _SD_OMEGA**2 * (1 - late**2) / 2
    planned = capital + (np.log(_LABOUR) + mean - wage) / (1 - _LABOUR)
    labour = planned + rng.normal(0, chosen.sd_labour, size)
    error = rng.normal(0, _SD_OUTPUT, size)
    materials = _CAPITAL * capital + _LABOUR * planned + omega
    columns = {
        "output": _CAPITAL * capital + _LABOUR * labour + omega + error,
        "labour": labour,
        "capital": capital,
        "materials": materials + rng.normal(0, sd_materials, size),
        "investment": np.log(invested),
        "wage": wage,
        "productivity": omega,
    }
    index = pd.MultiIndex.from_product([range(1, firms + 1), range(1, years + 1)])
    frame = pd.DataFrame({k: x[:, _BURN_IN:].ravel() for k, x in columns.items()}, index)
    return frame.rename_axis(["firm", "year"]).reset_index()


def _productivity(
    rng: np.random.Generator, size: tuple[int, int], lead: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return omega at t - b and at t, one process observed at both moments, (n, T) each."""
    to_early, to_late = _RHO ** (1 - lead), _RHO**lead
    first = rng.normal(0, _SD_OMEGA * np.sqrt(1 - to_early**2), size)
    second = rng.normal(0, _SD_OMEGA * np.sqrt(1 - to_late**2), size)
    early, late = np.empty(size), np.empty(size)
    before = rng.normal(0, _SD_OMEGA, size[0])
    for t in range(size[1]):
        early[:, t] = to_early * before + first[:, t]
        before = late[:, t] = to_late * early[:, t] + second[:, t]
    return early, late


def _investment(omega: np.ndarray, wage: np.ndarray, design: _Design) -> np.ndarray:
    """Return optimal investment times phi, from the first-order condition.

    With constant returns expected profit is R_t K_t, so a unit of capital is
    worth the same to a large and to a small firm, and
    phi I_t = sum over s >= 1 of 0.95^s 0.8^(s-1) E_t[R_{t+s}] with
    R = c W^(-l/(1-l)) E[exp(omega) | t - b]^(1/(1-l)), l the elasticity of
    labour. Conditional means are those of lognormal variables, exactly.

    Parameters
    ----------
    omega, wage : (n, T)
        Productivity and the logarithm of the wage at t.
    design : _Design

    Returns
    -------
    (n, T) array
    """
    share = _LABOUR
    power, late = 1 / (1 - share), _RHO**design.lead
    # Profit falls by the error in labour: revenue is concave in it, cost linear.
    profit = share ** (share * power) * np.exp(share**2 * design.sd_labour**2 / 2)
    profit -= share**power * np.exp(design.sd_labour**2 / 2)
    value = np.zeros_like(omega)
    for s in range(1, _HORIZON + 1):
        ahead, ahead_wage = _RHO**s, _RHO_WAGE**s
        variance = power * _SD_OMEGA**2 * (1 - late**2)
        variance += power**2 * _SD_OMEGA**2 * (late**2 - ahead**2)
        variance += (share * power * design.sd_wage) ** 2 * (1 - ahead_wage**2)
        weight = _DISCOUNT**s * (1 - _DEPRECIATION) ** (s - 1) * np.exp(variance / 2)
        value += weight * np.exp(power * (ahead * omega - share * ahead_wage * wage))
    return profit * value
