r"""Global Moran's I by year, with analytic and permutation inference.

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

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space.weights import Weights, align, check_figures
from nqpf.tfp.sample import nearest, place

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ALTERNATIVES", "MoranResult", "Slice", "check_options", "moran", "pseudo_p", "slices"]

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
