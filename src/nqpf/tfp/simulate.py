"""Simulated firms whose production function is known."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, NqpfError

__all__ = [
    "DESIGNS",
    "Design",
    "MonteCarlo",
    "TRUTH",
    "investment",
    "monte_carlo",
    "simulate_firms",
]

TRUTH = {"labour": 0.6, "capital": 0.4}  # elasticities; they add up to one
_RHO, _SD_OMEGA = 0.7, 0.3  # productivity
_RHO_WAGE = 0.3
_SD_OUTPUT = 0.1  # measurement error of output
_DISCOUNT, _DEPRECIATION = 0.95, 0.2
_HORIZON = 60  # (0.95 x 0.8)^60 = 7e-8 of the value of capital lies beyond
_BURN_IN = 60  # years before the sample: 0.8^60 = 2e-6 of a stock is left after them


@dataclass(frozen=True)
class Design:
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


DESIGNS = {
    1: Design(sd_wage=0.1, lead=0.5, sd_labour=0.0),
    2: Design(sd_wage=0.0, lead=0.0, sd_labour=0.37),
    3: Design(sd_wage=0.1, lead=0.5, sd_labour=0.37),
    4: Design(sd_wage=0.0, lead=0.0, sd_labour=0.37, sd_adjustment=0.0, sd_capital=0.6),
}


def simulate_firms(
    design: int | Design = 1,
    firms: int = 1000,
    years: int = 10,
    seed: int = 0,
    sd_materials: float = 0.0,
) -> pd.DataFrame:
    """Simulate the firms of Ackerberg, Caves and Frazer (2015), section 5.

    Y = min(K^0.4 L^0.6 exp(omega), M) exp(epsilon), with ln Y observed with an
    error of standard deviation 0.1. Productivity and the wage are first-order
    autoregressions. Labour maximises expected profit given what is known at
    t - b; capital costs phi I^2 / 2 to adjust, so that with constant returns
    optimal investment has a closed form (:func:`investment`); material input
    follows planned production, before the error in labour.

    Parameters
    ----------
    design : {1, 2, 3, 4} or Design
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

    Examples
    --------
    >>> frame = simulate_firms(1, firms=3, years=2)
    >>> frame.shape, bool((frame["output"] - frame["materials"]).abs().max() < 0.5)
    ((6, 9), True)
    """
    chosen = _design(design)
    if firms < 1 or years < 1:
        raise MethodError(f"{firms} firm(s) and {years} year(s)", expected="one of each or more")
    rng = np.random.default_rng(seed)
    size = (firms, _BURN_IN + years)
    early, omega = _productivity(rng, size, chosen.lead)
    wage = _autoregression(rng, size, _RHO_WAGE, chosen.sd_wage)
    ease = np.exp(rng.normal(0, chosen.sd_adjustment, firms))
    invested = ease[:, None] * investment(omega, wage, chosen)
    unequal = np.exp(rng.normal(0, chosen.sd_capital, firms))
    capital = np.log(_capital(invested, unequal))
    planned = capital + _labour_per_capital(early, wage, chosen)
    labour = planned + rng.normal(0, chosen.sd_labour, size)
    share_k, share_l = TRUTH["capital"], TRUTH["labour"]
    materials = share_k * capital + share_l * planned + omega
    columns = {
        "output": share_k * capital + share_l * labour + omega + rng.normal(0, _SD_OUTPUT, size),
        "labour": labour,
        "capital": capital,
        "materials": materials + rng.normal(0, sd_materials, size),
        "investment": np.log(invested),
        "wage": wage,
        "productivity": omega,
    }
    keys = {
        "firm": np.repeat(np.arange(1, firms + 1), years),
        "year": np.tile(np.arange(1, years + 1), firms),
    }
    return pd.DataFrame(keys | {name: x[:, _BURN_IN:].ravel() for name, x in columns.items()})


def _design(design: int | Design) -> Design:
    if isinstance(design, Design):
        return design
    if design not in DESIGNS:
        raise MethodError(f"unknown design {design!r}", expected="1, 2, 3, 4 or a Design")
    return DESIGNS[design]


def _autoregression(
    rng: np.random.Generator, size: tuple[int, int], rho: float, sd: float
) -> np.ndarray:
    """Return stationary paths, (n, T)."""
    path = rng.normal(0, sd, size)
    path[:, 1:] *= np.sqrt(1 - rho**2)
    for t in range(1, size[1]):
        path[:, t] += rho * path[:, t - 1]
    return path


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


def _labour_per_capital(early: np.ndarray, wage: np.ndarray, design: Design) -> np.ndarray:
    """Return ln(L / K) that maximises E[Y] - W L given omega at t - b, before the error."""
    share = TRUTH["labour"]
    late = _RHO**design.lead
    mean = late * early + _SD_OMEGA**2 * (1 - late**2) / 2
    return (np.log(share) + mean - wage) / (1 - share)


def investment(omega: np.ndarray, wage: np.ndarray, design: Design) -> np.ndarray:
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
    design : Design

    Returns
    -------
    (n, T) array
    """
    share = TRUTH["labour"]
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


def _capital(invested: np.ndarray, unequal: np.ndarray) -> np.ndarray:
    """Return capital at the start of each year, K_{t+1} = 0.8 K_t + I_t.

    It grows from almost nothing; in the first year of the sample it is
    multiplied by `unequal`, (n,).
    """
    capital = np.full_like(invested, 1e-40)
    for t in range(1, invested.shape[1]):
        capital[:, t] = (1 - _DEPRECIATION) * capital[:, t - 1] + invested[:, t - 1]
        if t == _BURN_IN:
            capital[:, t] *= unequal
    return capital


@dataclass(frozen=True)
class MonteCarlo:
    """Estimates of several estimators on the same simulated samples.

    Attributes
    ----------
    estimates : DataFrame
        One row per replication, estimator and parameter: ``estimate`` and
        ``converged``; a sample on which an estimator raised has NaN.
    truth : Series by parameter
    failures : DataFrame
        ``replication``, ``estimator``, ``message`` of every sample that raised.
    """

    estimates: pd.DataFrame
    truth: pd.Series
    failures: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Return mean, bias and spread by estimator and parameter.

        Returns
        -------
        DataFrame indexed (estimator, parameter)
            ``truth``, ``mean``, ``bias``, ``sd``, ``mc_error`` (the Monte
            Carlo standard error of the bias, sd / sqrt of replications),
            ``z`` (bias / mc_error), ``replications`` and ``converged``, the
            numbers of samples.
        """
        groups = self.estimates.groupby(["estimator", "parameter"], sort=False)
        table = groups["estimate"].agg(mean="mean", sd="std", replications="count")
        table.insert(0, "truth", self.truth.reindex(table.index.get_level_values(1)).to_numpy())
        table.insert(2, "bias", table["mean"] - table["truth"])
        table.insert(4, "mc_error", table["sd"] / np.sqrt(table["replications"]))
        table.insert(5, "z", table["bias"] / table["mc_error"])
        table["converged"] = groups["converged"].sum()
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates, one row per replication, estimator and parameter."""
        return self.estimates.copy()

    def _repr_html_(self) -> str:
        return self.summary().to_html(float_format="{:.4f}".format)


def monte_carlo(
    estimators: Mapping[str, Callable[[pd.DataFrame], object]],
    replications: int = 100,
    seed: int = 0,
    design: int | Design = 1,
    firms: int = 1000,
    years: int = 10,
    sd_materials: float = 0.0,
) -> MonteCarlo:
    """Run estimators on simulated samples of known truth.

    Parameters
    ----------
    estimators : mapping
        Names to functions of a frame of :func:`simulate_firms` that return a
        result with ``params`` (Series with ``labour`` and ``capital``) and
        ``converged``.
    replications : int
        Samples; sample r has a seed of its own, drawn from `seed`.
    seed : int
    design, firms, years, sd_materials
        As in :func:`simulate_firms`.

    Returns
    -------
    MonteCarlo

    Raises
    ------
    nqpf.errors.MethodError
        If there are fewer than two replications.

    Examples
    --------
    >>> from nqpf.tfp.proxy import ols
    >>> roles = ["output", "labour", "capital", "firm", "year"]
    >>> run = monte_carlo({"OLS": lambda f: ols(f, *roles)}, replications=3, firms=50)
    >>> bool(run.summary().loc[("OLS", "labour"), "bias"] > 0.2)
    True

    Notes
    -----
    Warnings of the estimators are not shown: what they say is counted in
    ``converged``. An error is recorded in ``failures`` and the run goes on.
    """
    if replications < 2:
        raise MethodError(f"{replications} replication(s)", expected="two or more for a spread")
    rows, failures = [], []
    seeds = np.random.SeedSequence(seed).generate_state(replications)
    for replication, one in enumerate(seeds):
        frame = simulate_firms(design, firms, years, int(one), sd_materials)
        for name, estimate in estimators.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)
                    result = estimate(frame)
                found, converged = result.params, result.converged
            except NqpfError as error:
                failures.append((replication, name, str(error)))
                found, converged = dict.fromkeys(TRUTH, np.nan), False
            rows += [(replication, name, p, float(found[p]), bool(converged)) for p in TRUTH]
    columns = ["replication", "estimator", "parameter", "estimate", "converged"]
    return MonteCarlo(
        estimates=pd.DataFrame(rows, columns=columns),
        truth=pd.Series(TRUTH, name="truth"),
        failures=pd.DataFrame(failures, columns=["replication", "estimator", "message"]),
    )
