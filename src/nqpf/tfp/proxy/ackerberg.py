"""Ackerberg, Caves and Frazer (2015): every elasticity in the second step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.tfp.proxy.estimate import estimate
from nqpf.tfp.proxy.polynomial import basis, polynomial
from nqpf.tfp.proxy.result import ProxyResult
from nqpf.tfp.proxy.sample import Firms, Roles, prepare
from nqpf.tfp.proxy.search import search, starting_points
from nqpf.tfp.proxy.twostep import Fit, check_degrees, check_rows, unexplained

__all__ = ["ackerberg_caves_frazer"]

_SOLVED = 1e-10  # innovation's mean square along the instruments, against all of output's


def ackerberg_caves_frazer(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    proxy: str | Sequence[str],
    unit: str,
    time: str,
    degree: int = 3,
    markov: int = 3,
    starts: int | pd.DataFrame = 9,
    replications: int = 0,
    seed: int = 0,
) -> ProxyResult:
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
    elasticity is largest is chosen, and a warning names the others; give a
    frame of one start to choose yourself.

    Parameters
    ----------
    frame, output, free, state, proxy, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`: **logarithms**, output
        is value added, the proxy materials or investment.
    degree, markov : int
        Degrees of the first polynomial and of the Markov process.
    starts : int or DataFrame
        Starting points: a number (least squares, then points spread over the
        unit cube), or a frame with a column per free and state input.
    replications, seed : int
        Bootstrap by firm; each sample is searched from the estimate only.

    Returns
    -------
    ProxyResult
        ``criterion`` is the mean square of xi projected on the instruments.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`.

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
    check_degrees(degree, markov)
    roles = Roles.of(output, free, state, proxy)
    sample = prepare(frame, roles, unit, time)

    def fit(firms: Firms, points: np.ndarray) -> Fit:
        return _fit(firms, roles, degree, markov, points)

    def points(least_squares: np.ndarray) -> np.ndarray:
        return starting_points(starts, roles.inputs, least_squares)

    return estimate("Ackerberg-Caves-Frazer", sample, roles, fit, points, replications, seed)


def _fit(firms: Firms, roles: Roles, degree: int, markov: int, points: np.ndarray) -> Fit:
    inputs = np.column_stack([firms.free, firms.state])
    terms = polynomial(np.column_stack([inputs, firms.proxy]), degree)
    check_rows(len(terms), terms.shape[1], "the first step")
    q = basis(terms)
    phi = q @ (q.T @ firms.y)
    now, before = firms.now, firms.before
    check_rows(len(now), markov + 1 + inputs.shape[1], "the second step")
    # With an orthonormal basis of the instruments the weight (Z'Z)^-1 is built in.
    z = basis(np.column_stack([np.ones(len(now)), firms.free[before], firms.state[now]]))
    phi_now, phi_before, x, x_before = phi[now], phi[before], inputs[now], inputs[before]
    scale = 1 / np.sqrt(len(now))

    def conditions(trial: np.ndarray) -> np.ndarray:
        innovation = unexplained(phi_now - x @ trial, phi_before - x_before @ trial, markov)
        return scale * (z.T @ innovation)

    found = search(conditions, points, roles.inputs, zero=_SOLVED * firms.y.var())
    return Fit(found.params, phi, found)
