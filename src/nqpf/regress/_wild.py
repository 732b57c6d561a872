r"""Algebra of the wild cluster bootstrap: all draws as one product of matrices.

With x the regressor of interest after all others and the effects are partialled out, e the
residuals of the full regression and r = b + d the value under the null, the residuals under the
null are u = e - d x. The coefficient and the score of cluster h of a draw v are linear in v,

.. math:: b^* - r = c'v / x'x, \qquad s^*_h = (A v)_h, \qquad
          c_g = x_g'u_g, \qquad A_{hg} = x_h'(M u_{(g)})_h,

M the projection off all regressors and effects and u_(g) the residuals of cluster g alone. c and
A are linear in d, so that t* of every draw at any r takes a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.regress.covariance import cluster_sums
from nqpf.tfp.within import demean

__all__ = ["Draws", "Parts"]

_TIE = 1e-9  # abs(t*) this close to abs(t) is a tie, which counts as at least as extreme
_MAX_REACH = 1e6  # standard errors beyond which the interval is called unbounded


@dataclass(frozen=True)
class Parts:
    """What all draws share, in units of the spread of the variables.

    Attributes
    ----------
    estimate, variance : float
        The coefficient and its plain clustered variance.
    c, c_x : (G,) arrays
        c of the module's formula is c - d c_x.
    a, a_x : (G, G) arrays
        A of the module's formula is a - d a_x.
    back : float
        Turns scaled into raw coefficients.
    """

    estimate: float
    variance: float
    c: np.ndarray
    c_x: np.ndarray
    a: np.ndarray
    a_x: np.ndarray
    back: float

    @classmethod
    def of(cls, data: pd.DataFrame, outcome: str, variable: str, effects: str) -> Parts:
        """Return the parts for `data`, indexed (unit, time), sorted and complete."""
        unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
        used = (
            unit if effects in ("two-way", "unit") else None,
            time if effects in ("two-way", "time") else None,
        )
        spread = data.std()
        left = demean((data / spread).to_numpy(), *used)
        columns = list(data.columns)
        x, y = left[:, columns.index(variable)], left[:, columns.index(outcome)]
        others = left[:, [i for i, n in enumerate(columns) if n not in (variable, outcome)]]
        x, y = (z - others @ np.linalg.lstsq(others, z, rcond=None)[0] for z in (x, y))
        estimate = float(x @ y) / float(x @ x)
        basis = np.linalg.qr(np.column_stack([others, x]))[0]
        member = np.eye(unit.max() + 1)[unit]

        def score(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            alone = demean(member * residual[:, None], *used)  # (N, G), each cluster on its own
            alone -= basis @ (basis.T @ alone)
            return cluster_sums(x * residual, unit), cluster_sums(x[:, None] * alone, unit)

        rest = y - estimate * x
        c, a = score(rest)
        c_x, a_x = score(x)
        return cls(
            estimate=estimate,
            variance=float(c @ c) / float(x @ x) ** 2,
            c=c,
            c_x=c_x,
            a=a,
            a_x=a_x,
            back=float(spread[outcome] / spread[variable]),
        )


@dataclass(frozen=True)
class Draws:
    """Coefficients and variances of all draws as polynomials of d, the null less the estimate.

    Attributes
    ----------
    parts : Parts
    shift : two (draws,) arrays
        (b* - r) x'x is the first less d times the second.
    spread : three (draws,) arrays
        Coefficients of 1, -2 d and d^2 in the sum of squared scores.
    """

    parts: Parts
    shift: tuple[np.ndarray, np.ndarray]
    spread: tuple[np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of(cls, v: np.ndarray, parts: Parts) -> Draws:
        """Return the draws for (draws, G) weights."""
        s, s_x = v @ parts.a.T, v @ parts.a_x.T
        one, two, three = (np.einsum("bg,bg->b", p, q) for p, q in ((s, s), (s, s_x), (s_x, s_x)))
        return cls(parts, (v @ parts.c, v @ parts.c_x), (one, two, three))

    def tstats(self, d: float) -> np.ndarray:
        """Return (draws,) bootstrap t, with the plain clustered variance."""
        shift = self.shift[0] - d * self.shift[1]
        spread = self.spread[0] - 2 * d * self.spread[1] + d**2 * self.spread[2]
        with np.errstate(divide="ignore", invalid="ignore"):
            return shift / np.sqrt(np.maximum(spread, 0))

    def pvalue(self, d: float) -> float:
        """Return the share of draws at least as extreme; 0/0 counts as extreme."""
        actual = abs(d) / np.sqrt(self.parts.variance)
        return float(np.mean(~(np.abs(self.tstats(d)) < actual * (1 - _TIE))))

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return d on either side of zero up to which p is alpha or more."""
        return self._edge(-1, alpha), self._edge(1, alpha)

    def _edge(self, side: int, alpha: float) -> float:
        step = side * np.sqrt(self.parts.variance)
        inside, outside = 0.0, 0.25
        while self.pvalue(outside * step) >= alpha:
            inside, outside = outside, 1.25 * outside + 0.2
            if outside > _MAX_REACH:
                return side * np.inf
        for _ in range(60):
            middle = (inside + outside) / 2
            if self.pvalue(middle * step) >= alpha:
                inside = middle
            else:
                outside = middle
        return inside * step
