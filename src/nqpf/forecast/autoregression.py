"""A first-order panel autoregression with province effects, and the bias of few years removed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.forecast._history import enough, history
from nqpf.tfp.sample import nearest

__all__ = ["CORRECTIONS", "LEAST", "PanelAutoregression", "deviations", "panel_autoregression"]

CORRECTIONS = ("moment", "jackknife", "none")
LEAST = 5  # years; four pairs of a year and the year before
_ABOVE = 1.2  # no root is sought beyond
_STEPS = 241


@dataclass(frozen=True)
class PanelAutoregression:
    """Estimates of y_it = a_i + rho y_i,t-1 + e_it on deviations from the year mean.

    Parameters
    ----------
    rho : float
        Persistence after the correction.
    std_error : float
        Robust to any dependence within a province.
    rho_within : float
        Least squares with province effects, which few years bias downwards.
    correction : str
        One of ``CORRECTIONS``.
    effects : Series by province
        a_i at `rho`.
    nobs, groups, periods : int
        Pairs of years, provinces, and pairs of the longest history.
    found : bool
        False when the corrected moment has no root, the value nearest to a
        root was taken and there is no standard error.
    """

    rho: float
    std_error: float
    rho_within: float
    correction: str
    effects: pd.Series
    nobs: int
    groups: int
    periods: int
    found: bool

    def __str__(self) -> str:
        return (
            f"rho {self.rho:.3f} ({self.std_error:.3f}), within {self.rho_within:.3f}; "
            f"{self.correction}, N {self.nobs}, provinces {self.groups}, periods {self.periods}"
        )


def panel_autoregression(series: pd.Series, correction: str = "moment") -> PanelAutoregression:
    """Estimate how much of a province's distance from the mean is left a year later.

    Parameters
    ----------
    series : Series indexed (province, year)
        Finite and without gaps; a history may begin late.
    correction : {"moment", "jackknife", "none"}
        ``"moment"`` solves the within moment after adding the value that it
        has at the true parameter, which needs no assumption on the first year
        and allows variances that differ by province (Bun and Carree 2005;
        Breitung, Kripfganz and Hayakawa 2022). ``"jackknife"`` is the
        half-panel jackknife of Dhaene and Jochmans (2015), which supposes a
        stationary process. ``"none"`` is least squares with effects.

    Returns
    -------
    PanelAutoregression

    Raises
    ------
    nqpf.errors.MethodError
        If the correction is unknown.
    nqpf.errors.SampleError
        If there is a gap, a figure is not finite or years are too few.
    nqpf.errors.EstimationError
        If the series does not vary within provinces.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.zeros((12, 40))
    >>> for t in range(1, 12):
    ...     y[t] = 0.6 * y[t - 1] + rng.normal(size=40)
    >>> frame = pd.DataFrame(y, index=range(2010, 2022)).rename_axis("year")
    >>> fit = panel_autoregression(frame.rename_axis(columns="province").T.stack())
    >>> round(fit.rho_within, 2), round(fit.rho, 2)
    (0.38, 0.56)
    """
    if correction not in CORRECTIONS:
        raise MethodError(
            f"unknown correction {correction!r}",
            expected=" or ".join(map(repr, CORRECTIONS)),
            hint=nearest(correction, CORRECTIONS),
        )
    wide = history(series)
    enough(wide, LEAST, "panel autoregression")
    values, _ = deviations(wide.to_numpy())
    return _estimate(values, wide.columns, correction)


def deviations(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, n) deviations from, and (T,) means over, the provinces with a full history.

    Raises
    ------
    nqpf.errors.EstimationError
        If fewer than two provinces have every year.
    """
    full = np.isfinite(values).all(axis=0)
    if full.sum() < 2:
        raise EstimationError(
            f"{full.sum()} province(s) with every year",
            expected="two or more, for a mean that compares over the years",
            hint="begin the series later",
        )
    mean = values[:, full].mean(axis=1)
    return values - mean[:, None], mean


def _estimate(values: np.ndarray, units: pd.Index, correction: str) -> PanelAutoregression:
    sums = _Sums.of(values)
    if not sums.xx.sum() > 1e-24 * max(1.0, float(np.nanmax(np.abs(values))) ** 2):
        raise EstimationError(
            "the series does not vary within provinces once year means are removed",
            expected="provinces that move apart or together",
        )
    within = float(sums.xy.sum() / sums.xx.sum())
    rho, found = within, True
    if correction == "moment":
        rho, found = _root(sums, within)
    elif correction == "jackknife":
        rho = _jackknife(values, within)
    adjusted = correction == "moment"
    step = 1e-5
    slope = (sums.moment(rho + step, adjusted) - sums.moment(rho - step, adjusted)).sum()
    slope /= 2 * step
    spread = np.sqrt((sums.moment(rho, adjusted) ** 2).sum())
    return PanelAutoregression(
        rho=float(rho),
        std_error=float(spread / abs(slope)) if slope and found else float("nan"),
        rho_within=within,
        correction=correction,
        effects=pd.Series(sums.mean_y - rho * sums.mean_x, index=units, name="effect"),
        nobs=int(sums.periods.sum()),
        groups=len(units),
        periods=int(sums.periods.max()),
        found=found,
    )


@dataclass(frozen=True)
class _Sums:
    """Within sums of squares and products by province, of a year and the year before."""

    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray
    periods: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> _Sums:
        x = values[:-1]
        y = np.where(np.isfinite(x), values[1:], np.nan)
        mean_x, mean_y = np.nanmean(x, axis=0), np.nanmean(y, axis=0)
        dx, dy = np.nan_to_num(x - mean_x), np.nan_to_num(y - mean_y)
        squares = [(a * b).sum(axis=0) for a, b in ((dx, dx), (dx, dy), (dy, dy))]
        return cls(*squares, mean_x, mean_y, np.isfinite(x).sum(axis=0))

    def moment(self, rho: float, adjusted: bool) -> np.ndarray:
        """Return (n,) within moments at `rho`, plus their expected shortfall when `adjusted`.

        With T pairs the mean of the lags holds past shocks, so that the moment
        is on average -s2/T sum_j (T-1-j) rho^j, j = 0..T-2, at the true rho.
        """
        plain = self.xy - rho * self.xx
        if not adjusted:
            return plain
        squares = self.yy - 2 * rho * self.xy + rho**2 * self.xx
        short = {n: _shortfall(np.array([rho]), n)[0] / (n - 1) for n in set(self.periods)}
        return plain + np.array([short[n] for n in self.periods]) * squares

    def total(self, rho: np.ndarray) -> np.ndarray:
        """Return the adjusted moment of all provinces at each of several values of rho."""
        found = np.zeros(len(rho))
        for n in set(self.periods):
            own = self.periods == n
            xx, xy, yy = (part[own].sum() for part in (self.xx, self.xy, self.yy))
            squares = yy - 2 * rho * xy + rho**2 * xx
            found += xy - rho * xx + _shortfall(rho, n) * squares / (n - 1)
        return found


def _shortfall(rho: np.ndarray, length: int) -> np.ndarray:
    j = np.arange(length - 1)
    return (length - 1 - j) @ np.power.outer(rho, j).T / length


def _root(sums: _Sums, within: float) -> tuple[float, bool]:
    """Return the first root above the within estimate, where the moment falls through zero.

    Beyond it the moment may rise again: that root belongs to no estimate. With
    persistence near one the moment may only touch zero; its least is the answer.
    """
    from scipy.optimize import brentq

    grid = np.linspace(within, max(_ABOVE, within + 0.1), _STEPS)
    values = sums.total(grid)
    falls = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))
    if len(falls):
        ends = grid[falls[0]], grid[falls[0] + 1]
        return float(brentq(lambda rho: sums.total(np.array([rho]))[0], *ends, xtol=1e-13)), True
    return float(grid[np.argmin(np.abs(values))]), False


def _jackknife(values: np.ndarray, within: float) -> float:
    """Return twice the estimate less the mean of those on the two halves of the years."""
    full = values[:, np.isfinite(values).all(axis=0)]
    pairs = len(full) - 1
    halves = []
    for cut in {pairs // 2, pairs - pairs // 2}:
        for part in (full[: cut + 1], full[cut:]):
            sums = _Sums.of(part)
            halves.append(sums.xy.sum() / sums.xx.sum())
    return float(2 * within - np.mean(halves))
