"""Paths of a mediation from cross-products, so that resampling units costs no refit.

Units enter a regression through their cross-products alone, once their means
are removed. A bootstrap sample is then a weighted sum of the units' products;
year effects are dummies, taken out of each sum anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["PATHS", "Products", "accelerated", "jackknife", "products", "resampled"]

PATHS = ("indirect", "direct", "total", "proportion")
_SINGULAR = 1e-10  # a smaller eigenvalue of a correlation matrix is rounding


@dataclass(frozen=True)
class Products:
    """Cross-products by unit.

    Attributes
    ----------
    by_unit : (n, p, p) array
        Of treatment, controls, mediator, outcome and then dummies, the former in
        standard deviations.
    variables : int
        Columns that are not dummies.
    scale : float
        Turns an effect in standard deviations into the units of the data.
    """

    by_unit: np.ndarray
    variables: int
    scale: float

    def paths(self, weights: np.ndarray) -> np.ndarray:
        """Return indirect, direct and total effect and the proportion, (b, 4).

        Parameters
        ----------
        weights : (b, n) array
            How often each unit is in each sample. A sample that does not
            identify the effects has missing values.
        """
        size = self.by_unit.shape[1]
        sums = (weights @ self.by_unit.reshape(len(self.by_unit), -1)).reshape(-1, size, size)
        v = self.variables
        cross = sums[:, :v, v:]
        dummies = np.linalg.pinv(sums[:, v:, v:], rcond=_SINGULAR, hermitian=True)
        left = sums[:, :v, :v] - cross @ dummies @ cross.transpose(0, 2, 1)
        regressors = left[:, :-1, :-1]
        length = np.sqrt(np.maximum(np.diagonal(regressors, axis1=1, axis2=2), 0))
        # A variable that does not vary among the units drawn keeps rounding of what it was.
        whole = np.sqrt(np.diagonal(self.by_unit.sum(axis=0))[: v - 1])
        real = (length > 1e-6 * whole).all(axis=1)
        unit = np.where(real[:, None], length, 1.0)
        even = regressors / (unit[:, :, None] * unit[:, None, :])
        even[~real] = np.eye(v - 1)
        real &= np.linalg.eigvalsh(even)[:, 0] > _SINGULAR
        even[~real] = np.eye(v - 1)
        target = left[:, :-1, -1] / unit
        outcome = np.linalg.solve(even, target[:, :, None])[:, :, 0] / unit
        inner = np.linalg.solve(even[:, :-1, :-1], even[:, :-1, -1:])[:, :, 0]
        first = inner[:, 0] * unit[:, -1] / unit[:, 0]
        indirect, direct = first * outcome[:, -1], outcome[:, 0]
        effects = np.column_stack([indirect, direct, indirect + direct]) * self.scale
        with np.errstate(divide="ignore", invalid="ignore"):
            result = np.column_stack([effects, effects[:, 0] / effects[:, 2]])
        result[~real] = np.nan
        return result


def products(data: pd.DataFrame, effects: str) -> Products:
    """Return the cross-products of `data`.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
        Treatment, controls, mediator and outcome, in this order.
    effects : {"two-way", "unit", "time", "pooled"}
    """
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    spread = data.std()
    values = ((data - data.mean()) / spread).to_numpy()
    if effects in ("two-way", "time"):
        dummies = np.eye(time.max() + 1)[time]
    else:
        dummies = np.ones((len(data), int(effects == "pooled")))
    columns = np.hstack([values, dummies])
    members = np.eye(unit.max() + 1)[:, unit]
    if effects in ("two-way", "unit"):
        columns = columns - ((members @ columns) / members.sum(axis=1)[:, None])[unit]
    by_unit = np.stack([columns[row > 0].T @ columns[row > 0] for row in members])
    return Products(by_unit, values.shape[1], float(spread.iloc[-1] / spread.iloc[0]))


def resampled(moments: Products, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the paths of `size` samples of units drawn with replacement, (size, 4)."""
    units = len(moments.by_unit)
    draws = rng.integers(units, size=(size, units))
    weights = np.zeros((size, units))
    np.add.at(weights, (np.arange(size)[:, None], draws), 1.0)
    return moments.paths(weights)


def jackknife(moments: Products) -> np.ndarray:
    """Return the paths of the sample less each unit in turn, (n, 4)."""
    return moments.paths(1.0 - np.eye(len(moments.by_unit)))


def accelerated(
    estimate: float, draws: np.ndarray, without: np.ndarray, level: float
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval (Efron 1987).

    Parameters
    ----------
    estimate : float
    draws : (b,) array
        Bootstrap estimates.
    without : (n,) array
        Estimates less one unit each.
    level : float
    """
    from scipy import stats

    below = ((draws < estimate).mean() + (draws <= estimate).mean()) / 2
    spread = without.mean() - without
    squares = (spread**2).sum()
    if not 0 < below < 1 or not squares > 0:
        return np.nan, np.nan
    bias, speed = stats.norm.ppf(below), (spread**3).sum() / (6 * squares**1.5)
    reach = bias + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    shares = stats.norm.cdf(bias + reach / (1 - speed * reach))
    lower, upper = np.quantile(draws, shares)
    return float(lower), float(upper)
