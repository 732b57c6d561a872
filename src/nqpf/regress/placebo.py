"""Placebo by permutation: provinces exchange their histories of a variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.regress.covariance import cluster_sums
from nqpf.regress.effects import check_request, fixed_effects
from nqpf.regress.result import RegressionResult
from nqpf.regress.variants import check_names
from nqpf.tfp.sample import by_key, place
from nqpf.tfp.within import demean

__all__ = ["PermutationPlacebo", "permutation_placebo"]

_TIE = 1e-9  # statistics this close are ties, which count as at least as extreme
_CELLS = 2_000_000  # numbers of a batch of permuted regressors


@dataclass(frozen=True)
class PermutationPlacebo:
    """Clustered t statistics when units exchange their histories of one regressor.

    Attributes
    ----------
    variable : str
    tstat : float
        Of the actual regressor.
    tstats : (draws,) array
        Of permuted regressors.
    pvalue : float
        (1 + number of permuted abs(t) at least as large) / (1 + draws).
    draws, seed : int
    result : RegressionResult
        The actual regression.
    """

    variable: str
    tstat: float
    tstats: np.ndarray
    pvalue: float
    draws: int
    seed: int
    result: RegressionResult

    @property
    def label(self) -> str:
        """How the p value came about, for a table's notes."""
        return (
            f"{self.variable} permuted across {self.result.unit}s, {self.draws:,} draws, "
            f"seed {self.seed}, clustered t compared"
        )


def permutation_placebo(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    draws: int = 999,
    seed: int = 0,
    **options: object,
) -> PermutationPlacebo:
    """Give each unit the whole history of `variable` of a unit drawn without replacement.

    Under the null that it does not matter which unit a history belongs to, the actual t is one
    draw among the permuted ones. Outcome and other regressors stay where they are.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, effects
        As for :func:`nqpf.regress.fixed_effects`, with ``errors="clustered"``. The sample
        must be balanced: a history that lacks a year cannot be moved.
    variable : str or None
        Permuted regressor; the first by default.
    draws, seed : int
    **options
        ``convention`` and ``vintage``, passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    PermutationPlacebo

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(8), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(48, 2)), keys, ["x", "y"])
    >>> frame["y"] += frame["x"]
    >>> permutation_placebo(frame, "y", "x", draws=99).pvalue
    0.01
    """
    names = check_request(outcome, regressors, "clustered")
    variable = names[0] if variable is None else variable
    check_names([variable], names, "variable")
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 99:
        raise MethodError(f"{draws!r} draws", expected="a whole number, 99 or more")
    result = fixed_effects(frame, outcome, names, unit, time, effects, "clustered", **options)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    wide = data[variable].unstack()
    if wide.isna().to_numpy().any():
        row, column = np.argwhere(wide.isna().to_numpy())[0]
        key = (wide.index[row], wide.columns[column])
        raise SampleError(
            "a row is missing, so that histories cannot be exchanged",
            where=place(key, data.index.names),
            expected="a balanced sample",
        )
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(len(wide)) for _ in range(draws)])
    statistics = _permuted(data, outcome, variable, effects, wide.to_numpy(), orders)
    plain = _permuted(
        data, outcome, variable, effects, wide.to_numpy(), np.arange(len(wide))[None]
    )[0]
    extreme = int((np.abs(statistics) >= abs(plain) * (1 - _TIE)).sum())
    return PermutationPlacebo(
        variable=variable,
        tstat=float(result.tstats[variable]),
        tstats=statistics * (result.tstats[variable] / plain),
        pvalue=(1 + extreme) / (1 + draws),
        draws=draws,
        seed=seed,
        result=result,
    )


def _permuted(
    data: pd.DataFrame,
    outcome: str,
    variable: str,
    effects: str,
    wide: np.ndarray,
    orders: np.ndarray,
) -> np.ndarray:
    """Return the plain clustered t of the variable for each order of the units."""
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    used = (
        unit if effects in ("two-way", "unit") else None,
        time if effects in ("two-way", "time") else None,
    )
    spread = data.std()
    fixed = demean((data / spread).drop(columns=variable).to_numpy(), *used)
    y, others = fixed[:, 0], fixed[:, 1:]
    basis = np.linalg.qr(others)[0]
    y = y - basis @ (basis.T @ y)
    batch = max(1, _CELLS // len(data))
    found = []
    for start in range(0, len(orders), batch):
        moved = wide[orders[start : start + batch]] / spread[variable]  # (draws, G, T)
        x = demean(moved.reshape(len(moved), -1).T, *used)
        x -= basis @ (basis.T @ x)
        own = (x**2).sum(axis=0)
        slope = y @ x / own
        scores = cluster_sums(x * (y[:, None] - slope * x), unit)
        found.append(slope * own / np.sqrt((scores**2).sum(axis=0)))
    return np.concatenate(found)
