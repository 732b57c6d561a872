"""Global Moran's I by year, with analytic and permutation inference.

With z the deviations from the mean of a year and S0 the sum of the weights,

    I = n/S0 * z'Wz / z'z,   E[I] = -1/(n - 1)

(Moran 1950; variances of Cliff and Ord 1981). The statistic and its moments
are esda's. Permutations are drawn here, because esda's come from NumPy's
global generator: the same for every year, and by province code, so that
the order of rows changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.checks import nearest
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import place
from nqpf.space.weights import Weights, align, check_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ALTERNATIVES",
    "CLUSTERS",
    "LocalMoranResult",
    "MoranResult",
    "Slice",
    "check_options",
    "local_moran",
    "moran",
    "pseudo_p",
    "slices",
]

ALTERNATIVES = ("two-sided", "directed")
_TIE = 1e-12  # statistics of permutations this near to the observed one are equal to it
_LEAST = 4  # provinces for the variance under randomisation


@dataclass(frozen=True)
class MoranResult:
    """Global Moran's I.

    Attributes
    ----------
    table : DataFrame
        A row per year: ``I``; ``expected``, ``variance``, ``z`` and ``p`` under
        randomisation, two-sided; ``z_normal``, ``p_normal`` under normality;
        ``z_sim`` and ``p_sim`` by permutation; ``n``, the provinces.
    weights : str
        Kind of the weights.
    permutations, seed : int
    alternative : str
        Of ``p_sim``.
    islands : tuple
        Provinces without neighbours in any year. They count in n and in the
        mean and add nothing to z'Wz.
    """

    table: pd.DataFrame
    weights: str
    permutations: int
    seed: int
    alternative: str
    islands: tuple[object, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()

    def __repr__(self) -> str:
        return (
            f"Moran's I; weights: {self.weights}; {self.permutations} permutations, "
            f"{self.alternative}\n{self.table.round(4)}"
        )

    def _repr_html_(self) -> str:
        return self.table.round(4).to_html()


def moran(
    values: pd.Series,
    weights: Weights,
    permutations: int = 999,
    seed: int = 0,
    alternative: str = "two-sided",
    subset: bool = False,
) -> MoranResult:
    """Test whether neighbours are alike, year by year.

    Parameters
    ----------
    values : Series
        By province, or by (province, year).
    weights : Weights
        Used as they are; studies standardise rows.
    permutations : int
        Zero for none.
    seed : int
        Of the permutations.
    alternative : str
        Of the permutation p value: ``two-sided``, twice the smaller tail, or
        ``directed``, the smaller tail, as GeoDa and esda print it.
    subset : bool
        Cut the weights to the provinces of each year, see :func:`align`.

    Returns
    -------
    MoranResult

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing, provinces differ from those of the weights, or a
        year has fewer than four.
    nqpf.errors.EstimationError
        If a year has no variation or no province has a neighbour.
    nqpf.errors.MethodError
        If an option is not valid.

    Examples
    --------
    >>> from nqpf import provinces
    >>> from nqpf.space import contiguity
    >>> west = pd.Series(provinces.table()["longitude"] < 108, dtype=float)
    >>> result = moran(west, contiguity(hainan=True).row_standardised())
    >>> result.table[["I", "p_sim"]].round(3).values.tolist()
    [[0.655, 0.002]]
    """
    check_options(permutations, alternative)
    rows, islands = {}, set()
    for part in slices(values, weights, subset):
        rows[part.year] = _row(part, _permuted(part, permutations, seed), alternative)
        islands.update(part.weights.islands)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "year" if values.index.nlevels == 1 else values.index.names[1]
    return MoranResult(table, weights.kind, permutations, seed, alternative, tuple(sorted(islands)))


@dataclass(frozen=True)
class Slice:
    """One year: deviations from the mean, by code, and weights in the same order."""

    year: object
    z: pd.Series
    weights: Weights


def slices(values: pd.Series, weights: Weights, subset: bool) -> Iterator[Slice]:
    """Yield the years of a series, in order, each with its weights by province code.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.EstimationError
        As :func:`moran`.
    """
    label = values.name or "values"
    check_figures(values.rename(label).to_frame(), "the series")
    if values.empty or values.index.nlevels > 2 or values.index.has_duplicates:
        raise SampleError(
            f"the series has {len(values)} rows, {values.index.nlevels} index level(s) "
            f"and {int(values.index.duplicated().sum())} repeated key(s)",
            expected="one row per province, or per province and year",
        )
    single = values.index.nlevels == 1
    years = [(label, values)] if single else list(values.groupby(level=1, sort=True))
    known: dict[tuple[object, ...], Weights] = {}
    for year, own in years:
        own = (own if single else own.droplevel(1)).astype(float).sort_index()
        key = tuple(own.index)
        try:
            if key not in known:
                known[key] = align(weights, own, subset)
        except SampleError as error:
            if single:
                raise
            raise SampleError(
                error.problem, where={"year": year}, expected=error.expected, hint=error.hint
            ) from error
        yield _slice(year, own, known[key], label)


def _slice(year: object, own: pd.Series, weights: Weights, label: object) -> Slice:
    where = {"variable": label, **place((year,), ("year",))}
    if len(own) < _LEAST:
        raise SampleError(
            f"{len(own)} provinces in a year", where=where, expected=f"{_LEAST} or more"
        )
    z = own - own.mean()
    if np.abs(z).max() <= 1e-14 * max(np.abs(own).max(), np.finfo(float).tiny):
        raise EstimationError(
            "every province has the same figure", where=where, expected="figures that vary"
        )
    if not weights.matrix.to_numpy().any():
        raise EstimationError(
            "no province has a neighbour", where=where, hint="use weights with a wider reach"
        )
    return Slice(year, z, weights)


def _permuted(part: Slice, permutations: int, seed: int) -> np.ndarray:
    """Return Moran's I (permutations,) with the figures dealt out to provinces at random."""
    dealt = np.random.default_rng(seed).permuted(
        np.tile(np.arange(len(part.z)), (permutations, 1)), axis=1
    )
    z, matrix = part.z.to_numpy(), part.weights.matrix.to_numpy()
    mixed = z[dealt]
    return len(z) / matrix.sum() * ((mixed @ matrix.T) * mixed).sum(axis=1) / (z @ z)


def _row(part: Slice, drawn: np.ndarray, alternative: str) -> dict[str, float]:
    from esda.moran import Moran

    found = Moran(part.z.to_numpy(), part.weights.to_pysal(), "O", permutations=0)
    row = {
        "I": found.I,
        "expected": found.EI,
        "variance": found.VI_rand,
        "z": found.z_rand,
        "p": found.p_rand,
        "z_normal": found.z_norm,
        "p_normal": found.p_norm,
        "n": len(part.z),
    }
    if len(drawn):
        row["z_sim"] = (found.I - drawn.mean()) / drawn.std()
        row["p_sim"] = float(pseudo_p(np.array([found.I]), drawn[:, None], alternative)[0])
    return {name: float(value) if name != "n" else value for name, value in row.items()}


def pseudo_p(observed: np.ndarray, drawn: np.ndarray, alternative: str) -> np.ndarray:
    """Return p values by rank among permutations.

    A tail is (permutations at least as far out + 1)/(permutations + 1); the
    observed arrangement is one of the possible ones, so that no p is zero.

    Parameters
    ----------
    observed : (n,)
    drawn : (permutations, n)
    alternative : str
        A name of :data:`ALTERNATIVES`.

    Examples
    --------
    >>> pseudo_p(np.array([3.0]), np.arange(4.0)[:, None], "two-sided").tolist()
    [0.8]
    """
    slack = _TIE * np.maximum(np.abs(observed), np.abs(drawn).max(axis=0))
    above = (drawn >= observed - slack).sum(axis=0)
    below = (drawn <= observed + slack).sum(axis=0)
    tail = (np.minimum(above, below) + 1) / (len(drawn) + 1)
    return np.minimum(1.0, tail * (2 if alternative == "two-sided" else 1))


def check_options(permutations: int, alternative: str, least: int = 0) -> None:
    """Raise when the number of permutations or the alternative is not valid.

    Raises
    ------
    nqpf.errors.MethodError
    """
    whole = isinstance(permutations, int | np.integer) and not isinstance(permutations, bool)
    if not whole or permutations < least:
        raise MethodError(
            f"permutations is {permutations!r}", expected=f"a whole number of {least} or more"
        )
    if alternative not in ALTERNATIVES:
        raise MethodError(
            f"unknown alternative {alternative!r}",
            expected=" or ".join(map(repr, ALTERNATIVES)),
            hint=nearest(alternative, ALTERNATIVES),
        )


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
