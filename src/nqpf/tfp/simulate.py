"""Simulated firms whose production function is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf.checks import choose, whole

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
