r"""Local Moran's I: which provinces form clusters, with permutation inference.

With m2 = z'z/n the statistic of a province is (Anselin 1995)

    I_i = z_i/m2 * sum_j w_ij z_j,   sum_i I_i = S0 I,

so that with standardised rows and no islands the local statistics add up to n
times the global one. Under the permutation test a province keeps its figure
and the others are dealt out among its neighbours. The permutations are drawn
here and not by esda, whose compiled ones take seconds to start; moments under
the same hypothesis are Sokal, Oden and Thomson's (1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.space.moran import Slice, check_options, pseudo_p, slices
from nqpf.space.weights import Weights

__all__ = ["CLUSTERS", "LocalMoranResult", "local_moran"]

ISLAND, NEITHER = "no neighbours", "not significant"
CLUSTERS = ("HH", "LL", "HL", "LH", NEITHER, ISLAND)


@dataclass(frozen=True)
class LocalMoranResult:
    """Local Moran statistics.

    Attributes
    ----------
    table : DataFrame
        Indexed as the series, in its order: ``I``; ``expected``, ``variance``
        and ``z`` under conditional randomisation; ``p_sim`` by permutation;
        ``p_adjusted``, the same or its false discovery rate; ``quadrant``,
        own figure high or low and the neighbours' (``HH``, ``LL``, ``HL``,
        ``LH``); ``cluster``, the quadrant where ``p_adjusted`` is at most the
        level. An island has I = 0, no p value and no quadrant.
    weights : str
    permutations, seed : int
    alternative : str
    level : float
    correction : str
        ``none`` or ``fdr``.
    islands : tuple
        Provinces without neighbours in any year.
    """

    table: pd.DataFrame
    weights: str
    permutations: int
    seed: int
    alternative: str
    level: float
    correction: str
    islands: tuple[object, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()

    @property
    def clusters(self) -> pd.Series:
        """Class of every province."""
        return self.table["cluster"].copy()

    def __repr__(self) -> str:
        return (
            f"Local Moran's I; weights: {self.weights}; {self.permutations} permutations, "
            f"{self.alternative}, correction: {self.correction}\n{self.table.round(4)}"
        )

    def _repr_html_(self) -> str:
        return self.table.round(4).to_html()


def local_moran(
    values: pd.Series,
    weights: Weights,
    permutations: int = 9999,
    seed: int = 0,
    alternative: str = "two-sided",
    level: float = 0.05,
    correction: str = "none",
    subset: bool = False,
) -> LocalMoranResult:
    """Find the provinces that are like, or unlike, their neighbours.

    Parameters
    ----------
    values, weights, permutations, seed, alternative, subset
        As in :func:`nqpf.space.moran`; at least one permutation. The least p
        value is one over their number, twice that when two-sided: 999 are too
        few for a false discovery rate over 31 provinces.
    level : float
        Of significance.
    correction : str
        ``none``, as most studies, or ``fdr``: Benjamini and Hochberg's false
        discovery rate over the provinces of a year (Caldas de Castro and
        Singer 2006).

    Returns
    -------
    LocalMoranResult

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.EstimationError, nqpf.errors.MethodError
        As :func:`nqpf.space.moran`.

    Examples
    --------
    >>> from nqpf import provinces
    >>> from nqpf.space import contiguity
    >>> west = pd.Series(provinces.table()["longitude"] < 108, dtype=float)
    >>> local = local_moran(west, contiguity(hainan=True).row_standardised())
    >>> local.clusters.loc[[650000, 330000]].tolist()
    ['HH', 'not significant']
    """
    check_options(permutations, alternative, least=1)
    if correction not in ("none", "fdr"):
        raise MethodError(f"unknown correction {correction!r}", expected="'none' or 'fdr'")
    if not 0 < level < 1:
        raise MethodError(f"level is {level!r}", expected="a number between 0 and 1")
    parts, islands = {}, set()
    for part in slices(values, weights, subset):
        table = _statistics(part, permutations, seed, alternative)
        parts[part.year] = _classified(table, level, correction)
        islands.update(part.weights.islands)
    if values.index.nlevels == 1:
        table = next(iter(parts.values()))
    else:
        table = pd.concat(parts).swaplevel()
    table = table.reindex(values.index)
    return LocalMoranResult(
        table, weights.kind, permutations, seed, alternative, level, correction,
        tuple(sorted(islands)),
    )  # fmt: skip


def _statistics(part: Slice, permutations: int, seed: int, alternative: str) -> pd.DataFrame:
    z, matrix = part.z.to_numpy(), part.weights.matrix.to_numpy()
    lag, m2 = matrix @ z, z @ z / len(z)
    drawn = _conditional(z, matrix, permutations, seed) / m2
    observed = z * lag / m2
    expected, variance = _moments(z, matrix, m2)
    alone = ~matrix.any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(alone, np.nan, (observed - expected) / np.sqrt(variance))
    high = np.where(z > 0, "H", "L").astype(object) + np.where(lag > 0, "H", "L")
    return pd.DataFrame(
        {
            "I": observed,
            "expected": expected,
            "variance": variance,
            "z": score,
            "p_sim": np.where(alone, np.nan, pseudo_p(observed, drawn, alternative)),
            "quadrant": np.where(alone, None, high),
        },
        index=part.z.index,
    )


def _conditional(z: np.ndarray, matrix: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Return z_i times the lag (permutations, n) when the others' figures are dealt out anew."""
    n = len(z)
    dealt = np.random.default_rng(seed).permuted(
        np.tile(np.arange(n - 1), (permutations, 1)), axis=1
    )
    drawn = np.empty((permutations, n))
    for i in range(n):
        others, weights = np.delete(z, i), np.delete(matrix[i], i)
        near = np.flatnonzero(weights)  # the first so many of a deal are a deal
        drawn[:, i] = z[i] * (others[dealt[:, : len(near)]] @ weights[near])
    return drawn


def _moments(z: np.ndarray, matrix: np.ndarray, m2: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance (n,) given a province's own figure (Sokal et al. 1998, A7, A8)."""
    n = len(z)
    total, squares = matrix.sum(axis=1), (matrix**2).sum(axis=1)
    expected = -(z**2) * total / ((n - 1) * m2)
    spread = m2 - z**2 / (n - 1)
    variance = (z / m2) ** 2 * n / (n - 2) * (squares - total**2 / (n - 1)) * spread
    return expected, variance


def _classified(table: pd.DataFrame, level: float, correction: str) -> pd.DataFrame:
    from scipy.stats import false_discovery_control

    table = table.copy()
    table["p_adjusted"] = table["p_sim"]
    tested = table["p_sim"].notna()
    if correction == "fdr":
        table.loc[tested, "p_adjusted"] = false_discovery_control(table.loc[tested, "p_sim"])
    significant = table["p_adjusted"] <= level
    table["cluster"] = table["quadrant"].where(significant, NEITHER).where(tested, ISLAND)
    order = ["I", "expected", "variance", "z", "p_sim", "p_adjusted", "quadrant", "cluster"]
    return table[order]
