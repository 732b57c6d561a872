"""Tests of one coefficient by resampling: wild cluster bootstrap and exchanged histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import choose, whole
from nqpf.regress.ols import _SIZE, _Regression, fixed_effects
from nqpf.sample import PanelSample, _balanced

_TIE = 1e-9  # statistics this close are a tie, which counts as at least as extreme
_MAX_REACH = 1e6  # standard errors beyond which the interval is called unbounded


@dataclass(frozen=True)
class _Resampled:
    """A clustered t statistic among those of resampled data.

    Attributes
    ----------
    variable : str
        The regressor that is tested.
    tstat : float
        Its t, of no effect.
    tstats : (draws,) array
        Of the draws.
    pvalue : float
        Share of draws with abs(t*) >= abs(t); of a permutation the data count as one of them.
    result : regression
        On the data, with its clustered errors.
    lower, upper : float
        Of a wild bootstrap: interval of the null values next to the estimate with p >= 0.05;
        infinite if none further out is rejected.
    """

    variable: str
    tstat: float
    tstats: np.ndarray
    pvalue: float
    result: _Regression
    lower: float = np.nan
    upper: float = np.nan


def wild_bootstrap(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    draws: int = 9999,
    seed: int = 0,
    **key: str,
) -> _Resampled:
    """Test a coefficient with clusters by unit by the restricted wild cluster bootstrap.

    Parameters
    ----------
    frame, outcome, regressors
        As for :func:`nqpf.regress.fixed_effects`, with ``errors="clustered"``.
    variable : str or None
        Tested regressor; the first by default.
    draws : int
        Draws, 99 or more. If there are no more than `draws` combinations of Rademacher signs,
        each is taken once instead (up to a sign common to all clusters, which does not change
        abs(t*)), and `seed` plays no part.
    seed : int
        Seed of the draws.
    **key
        ``unit``, ``time`` and ``effects`` of the regression.

    Returns
    -------
    _Resampled
        With ``tstats``, ``pvalue``, ``lower``, ``upper`` and the regression as ``result``.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is not valid.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Notes
    -----
    Thirty-one clusters are few: clustered t statistics reject too often. Cameron, Gelbach and
    Miller (2008) compare t with its distribution when the residuals of the regression under the
    null are multiplied by one random sign per cluster; the inversion follows Roodman, MacKinnon,
    Nielsen and Webb (2019), and no draw is refitted. Ties with t itself, to 1e-9, count as
    extreme, so that an enumerated p value is never zero and exceeds wildboottest's by 2/2^G. The
    interval runs from the estimate to the first null value that is rejected on either side.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(6), [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> x = [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 3, 1, 5, 2, 6, 6, 9.0]
    >>> frame = pd.DataFrame({"x": x}, index=keys)
    >>> frame["y"] = frame["x"] + [0, 3, 1, 5, 4, 9, 3, 4, 2, 1, 0, 2, 6, 4, 5, 7, 9, 8]
    >>> test = wild_bootstrap(frame, "y", "x")
    >>> len(test.tstats), test.pvalue
    (32, 0.03125)
    """
    from scipy.optimize import bisect

    whole("draws", draws, 99)
    result, sample, variable = _read(frame, outcome, regressors, variable, key)
    signs = 2.0 * np.random.default_rng(seed).integers(0, 2, size=(draws, sample.units)) - 1
    if 2.0**sample.units <= draws:
        # the first sign is fixed: turning all signs leaves abs(t*) as it is
        every = np.arange(2 ** (sample.units - 1))[:, None]
        signs = 1.0 - 2.0 * (every >> np.arange(sample.units - 1, -1, -1) & 1)
    polynomials, estimate, error = _polynomials(sample, signs)

    def statistics(distance: float) -> np.ndarray:
        """Return (draws,) bootstrap t at the null that is `distance` from the estimate."""
        up, down, one, two, three = polynomials
        spread = np.maximum(one - 2 * distance * two + distance**2 * three, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (up - distance * down) / np.sqrt(spread)

    def pvalue(distance: float) -> float:
        extreme = np.abs(statistics(distance)) < abs(distance) / error * (1 - _TIE)
        return float(np.mean(~extreme))  # 0/0 counts as extreme

    def kept(errors: float) -> bool:
        return pvalue(errors * error) >= _SIZE

    def edge(side: int) -> float:
        inside, outside = 0.0, 0.25
        while kept(side * outside):
            inside, outside = outside, 1.25 * outside + 0.2
            if outside > _MAX_REACH:
                return side * np.inf
        return side * error * bisect(lambda at: kept(side * at) - 0.5, inside, outside)

    spread = sample.data.std()
    back = float(spread[sample.outcome] / spread[variable])
    drawn = statistics(-estimate) * error * back / result.std_errors[variable]
    ends = [(estimate + edge(side)) * back for side in (-1, 1)]
    tstat = float(result.tstats[variable])
    return _Resampled(variable, tstat, drawn, pvalue(-estimate), result, *ends)


def _read(
    frame: pd.DataFrame, outcome: str, regressors: Sequence[str] | str, name: str | None, key: dict
) -> tuple[_Regression, PanelSample, str]:
    """Return the regression, its sample with the chosen variable first, and its name."""
    result = fixed_effects(frame, outcome, regressors, **key)
    sample = PanelSample.read(frame, outcome, regressors, **key)
    names = sample.regressors
    variable = names[0] if name is None else name
    choose("variable", variable, names)
    order = [outcome, variable, *(name for name in names if name != variable)]
    return result, PanelSample(sample.data[order], sample.effects), variable


def _polynomials(sample: PanelSample, signs: np.ndarray) -> tuple[list[np.ndarray], float, float]:
    """Return what makes each draw's t, the estimate and its plain clustered error.

    With d the null less the estimate, (b* - r) x'x of a draw is the first number less d times
    the second, and its squared scores sum to the third - 2 d the fourth + d^2 the fifth.
    Variables are in units of their spread.
    """
    left = sample.less((sample.data / sample.data.std()).to_numpy())
    y, x, others = left[:, 0], left[:, 1], left[:, 2:]
    x, y = (z - others @ np.linalg.lstsq(others, z, rcond=None)[0] for z in (x, y))
    estimate = float(x @ y) / float(x @ x)
    basis = np.linalg.qr(np.column_stack([others, x]))[0]
    member = np.eye(sample.units)[sample.unit]

    def score(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        alone = sample.less(member * residual[:, None])  # (N, G), each cluster on its own
        alone -= basis @ (basis.T @ alone)
        return sample.by_unit(x * residual), sample.by_unit(x[:, None] * alone)

    (c, a), (c_x, a_x) = score(y - estimate * x), score(x)
    s, s_x = signs @ a.T, signs @ a_x.T
    squares = [np.einsum("bg,bg->b", p, q) for p, q in ((s, s), (s, s_x), (s_x, s_x))]
    return [signs @ c, signs @ c_x, *squares], estimate, float(np.sqrt(c @ c) / (x @ x))


def _orders(rng: np.random.Generator, units: int, draws: int) -> np.ndarray:
    return np.array([rng.permutation(units) for _ in range(draws)])


def permutation_placebo(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    draws: int = 999,
    seed: int = 0,
    **key: str,
) -> _Resampled:
    """Give each unit the whole history of `variable` of a unit drawn without replacement.

    Under the null that it does not matter which unit a history belongs to, the actual t is one
    draw among the permuted ones. Outcome and other regressors stay where they are.

    Parameters
    ----------
    frame, outcome, regressors
        As for :func:`nqpf.regress.fixed_effects`, with ``errors="clustered"``. The sample
        must be balanced: a history that lacks a year cannot be moved.
    variable : str or None
        Permuted regressor; the first by default.
    draws, seed : int
    **key
        ``unit``, ``time`` and ``effects`` of the regression.

    Returns
    -------
    _Resampled
        With ``tstat``, ``tstats``, ``pvalue`` and the regression as ``result``.

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Notes
    -----
    Whole histories keep their serial correlation, and clustered t statistics are compared
    rather than coefficients, whose spread differs from draw to draw.

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
    whole("draws", draws, 99)
    result, sample, variable = _read(frame, outcome, regressors, variable, key)
    history = _balanced(sample.data[variable])  # only a whole history can be exchanged
    spread = sample.data.std().to_numpy()
    wide = history.to_numpy() / spread[1]
    left = sample.less(sample.data.to_numpy() / spread)
    basis = np.linalg.qr(left[:, 2:])[0]
    y = left[:, 0] - basis @ (basis.T @ left[:, 0])

    def statistics(orders: np.ndarray) -> np.ndarray:
        """Return the plain clustered t of the variable for each order of the units."""
        x = sample.less(wide[orders].reshape(len(orders), -1).T)
        x -= basis @ (basis.T @ x)
        own = (x**2).sum(axis=0)
        slope = y @ x / own
        scores = sample.by_unit(x * (y[:, None] - slope * x))
        return slope * own / np.sqrt((scores**2).sum(axis=0))

    orders = _orders(np.random.default_rng(seed), len(wide), draws)
    moved, plain = statistics(orders), statistics(np.arange(len(wide))[None])[0]
    extreme = int((np.abs(moved) >= abs(plain) * (1 - _TIE)).sum())
    tstat, pvalue = result.tstats[variable], (1 + extreme) / (1 + draws)
    return _Resampled(variable, float(tstat), moved * (tstat / plain), pvalue, result)
