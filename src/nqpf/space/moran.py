"""Global and local Moran's I by year, with analytic and permutation inference.

With z the deviations from the mean of a year and S0 the sum of the weights,

    I = n/S0 * z'Wz / z'z,   E[I] = -1/(n - 1)

(Moran 1950; variances of Cliff and Ord 1981). The statistic and its moments
are esda's. Permutations are drawn here, because esda's come from NumPy's
global generator: the same for every year, and by province code, so that
the order of rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nqpf.checks import choose, whole
from nqpf.errors import EstimationError, SampleError
from nqpf.sample import place
from nqpf.space.weights import _cut, _figures, _Weights

_ALTERNATIVES = ("two-sided", "directed")
_TIE = 1e-12  # statistics of permutations this near to the observed one are equal to it
_LEAST = 4  # provinces for the variance under randomisation
_LEVEL = 0.05
_ESDA = {"I": "I", "expected": "EI", "variance": "VI_rand", "z": "z_rand", "p": "p_rand"}
_ESDA |= {"z_normal": "z_norm", "p_normal": "p_norm"}


def moran(
    values: pd.Series,
    weights: _Weights,
    permutations: int = 999,
    seed: int = 0,
    alternative: str = "two-sided",
    subset: bool = False,
) -> pd.DataFrame:
    """Test whether neighbours are alike, year by year.

    Parameters
    ----------
    values : Series
        By province, or by (province, year).
    weights : weights of nqpf.space.weights
        Used as they are; studies standardise rows.
    permutations : int
        Zero for none.
    seed : int
        Of the permutations.
    alternative : str
        Of the permutation p value: ``two-sided``, twice the smaller tail, or
        ``directed``, the smaller tail, as GeoDa and esda print it.
    subset : bool
        Cut the weights to the provinces of each year, see :func:`nqpf.space.align`.

    Returns
    -------
    DataFrame
        A row per year: ``I``; ``expected``, ``variance``, ``z`` and ``p`` under
        randomisation, two-sided; ``z_normal``, ``p_normal`` under normality;
        ``n``, the provinces; ``z_sim`` and ``p_sim`` by permutation.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing, provinces differ from those of the weights, or a
        year has fewer than four.
    nqpf.errors.EstimationError
        If a year has no variation or no province has a neighbour.
    nqpf.errors.MethodError
        If an option is not valid.

    Notes
    -----
    An island counts in n and in the mean and adds nothing to z'Wz. One generator per call deals
    figures out in the order of province codes, so that neither the order of rows nor the number
    of cores changes a p value; esda draws from NumPy's global generator, whose seed is the state
    of the whole session.

    Examples
    --------
    >>> from nqpf import provinces
    >>> from nqpf.space import contiguity
    >>> west = pd.Series(provinces.table()["longitude"] < 108, dtype=float)
    >>> result = moran(west, contiguity(hainan=True).row_standardised())
    >>> result[["I", "p_sim"]].round(3).values.tolist()
    [[0.655, 0.002]]
    """
    whole("permutations", permutations)
    choose("alternative", alternative, _ALTERNATIVES)
    rows = {}
    for year, z, own in _years(values, weights, subset):
        rows[year] = _analytic(z, own)
        if permutations:
            observed, drawn = rows[year]["I"], _permuted(z, own, permutations, seed)
            rows[year]["z_sim"] = float((observed - drawn.mean()) / drawn.std())
            tail = _pseudo_p(np.array([observed]), drawn[:, None], alternative)
            rows[year]["p_sim"] = float(tail[0])
    index = "year" if values.index.nlevels == 1 else values.index.names[1]
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index)


def _years(
    values: pd.Series, weights: _Weights, subset: bool
) -> Iterator[tuple[object, pd.Series, _Weights]]:
    """Yield each year, deviations from its mean, by code, and weights in the same order."""
    label = values.name or "values"
    values = _figures(values, "the series")
    single = values.index.nlevels == 1
    for year, own in [(label, values)] if single else values.groupby(level=1, sort=True):
        own = (own if single else own.droplevel(1)).sort_index()
        joined = _cut(weights, own.index, subset, {} if single else {"year": year})
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
        if not joined.matrix.to_numpy().any():
            raise EstimationError(
                "no province has a neighbour", where=where, hint="use weights with a wider reach"
            )
        yield year, z, joined


def _analytic(z: pd.Series, weights: _Weights) -> dict[str, float]:
    from esda.moran import Moran

    found = Moran(z.to_numpy(), weights.to_pysal(), "O", permutations=0)
    return {name: float(getattr(found, own)) for name, own in _ESDA.items()} | {"n": len(z)}


def _dealt(size: int, permutations: int, seed: int) -> np.ndarray:
    """Return (permutations, size) places in random order."""
    places = np.tile(np.arange(size), (permutations, 1))
    return np.random.default_rng(seed).permuted(places, axis=1)


def _permuted(own: pd.Series, weights: _Weights, permutations: int, seed: int) -> np.ndarray:
    """Return Moran's I (permutations,) with the figures dealt out to provinces at random."""
    z, matrix = own.to_numpy(), weights.matrix.to_numpy()
    mixed = z[_dealt(len(z), permutations, seed)]
    return len(z) / matrix.sum() * ((mixed @ matrix.T) * mixed).sum(axis=1) / (z @ z)


def _pseudo_p(observed: np.ndarray, drawn: np.ndarray, alternative: str) -> np.ndarray:
    """Return p values (n,) by rank of `observed` (n,) among `drawn` (permutations, n).

    A tail is (permutations at least as far out + 1)/(permutations + 1); the
    observed arrangement is one of the possible ones, so that no p is zero.

    Examples
    --------
    >>> _pseudo_p(np.array([3.0]), np.arange(4.0)[:, None], "two-sided").tolist()
    [0.8]
    """
    slack = _TIE * np.maximum(np.abs(observed), np.abs(drawn).max(axis=0))
    above = (drawn >= observed - slack).sum(axis=0)
    below = (drawn <= observed + slack).sum(axis=0)
    tail = (np.minimum(above, below) + 1) / (len(drawn) + 1)
    return np.minimum(1.0, tail * (2 if alternative == "two-sided" else 1))


def local_moran(
    values: pd.Series,
    weights: _Weights,
    permutations: int = 9999,
    seed: int = 0,
    alternative: str = "two-sided",
    correction: str = "none",
    subset: bool = False,
) -> pd.DataFrame:
    """Find the provinces that are like, or unlike, their neighbours.

    Parameters
    ----------
    values, weights, permutations, seed, alternative, subset
        As in :func:`nqpf.space.moran`; at least one permutation. The least p
        value is one over their number, twice that when two-sided: 999 are too
        few for a false discovery rate over 31 provinces.
    correction : str
        ``none``, as most studies, or ``fdr``: Benjamini and Hochberg's false
        discovery rate over the provinces of a year (Caldas de Castro and
        Singer 2006).

    Returns
    -------
    DataFrame
        Indexed as the series, in its order: ``I``; ``expected``, ``variance``
        and ``z`` under conditional randomisation; ``p_sim`` by permutation;
        ``p_adjusted``, the same or its false discovery rate; ``quadrant``,
        own figure high or low and the neighbours' (``HH``, ``LL``, ``HL``,
        ``LH``); ``cluster``, the quadrant where ``p_adjusted`` is at most
        0.05, else ``not significant``.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.EstimationError, nqpf.errors.MethodError
        As :func:`nqpf.space.moran`.

    Notes
    -----
    Statistics use z'z/n (Anselin 1995; spdep's default), so that with standardised rows they add
    up to n times the global one; esda's are smaller by (n - 1)/n. An island has I = 0, no p value
    and no quadrant, and its cluster is ``no neighbours``.

    Examples
    --------
    >>> from nqpf import provinces
    >>> from nqpf.space import contiguity
    >>> west = pd.Series(provinces.table()["longitude"] < 108, dtype=float)
    >>> local = local_moran(west, contiguity(hainan=True).row_standardised())
    >>> local.loc[[650000, 330000], "cluster"].tolist()
    ['HH', 'not significant']
    """
    whole("permutations", permutations, 1)
    choose("alternative", alternative, _ALTERNATIVES)
    choose("correction", correction, ("none", "fdr"))
    parts = {}
    for year, z, own in _years(values, weights, subset):
        table = _local(z, own, permutations, seed, alternative)
        parts[year] = _classified(table, correction)
    single = values.index.nlevels == 1
    table = next(iter(parts.values())) if single else pd.concat(parts).swaplevel()
    return table.reindex(values.index)


def _local(
    own: pd.Series, weights: _Weights, permutations: int, seed: int, alternative: str
) -> pd.DataFrame:
    """Return a year's statistics; moments given a province's own figure (Sokal et al. 1998)."""
    z, matrix, n = own.to_numpy(), weights.matrix.to_numpy(), len(own)
    lag, m2 = matrix @ z, z @ z / n
    drawn = _conditional(z, matrix, _dealt(n - 1, permutations, seed)) / m2
    observed = z * lag / m2
    total, squares = matrix.sum(axis=1), (matrix**2).sum(axis=1)
    expected = -(z**2) * total / ((n - 1) * m2)
    spread = m2 - z**2 / (n - 1)
    variance = (z / m2) ** 2 * n / (n - 2) * (squares - total**2 / (n - 1)) * spread
    alone = ~matrix.any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(alone, np.nan, (observed - expected) / np.sqrt(variance))
    high = np.where(z > 0, "H", "L").astype(object) + np.where(lag > 0, "H", "L")
    columns = {
        "I": observed,
        "expected": expected,
        "variance": variance,
        "z": score,
        "p_sim": np.where(alone, np.nan, _pseudo_p(observed, drawn, alternative)),
        "quadrant": np.where(alone, None, high),
    }
    return pd.DataFrame(columns, index=own.index)


def _conditional(z: np.ndarray, matrix: np.ndarray, dealt: np.ndarray) -> np.ndarray:
    """Return z_i times the lag (permutations, n) when the others' figures are dealt out anew."""
    drawn = np.empty((len(dealt), len(z)))
    for i in range(len(z)):
        others, weights = np.delete(z, i), np.delete(matrix[i], i)
        near = np.flatnonzero(weights)  # the first so many of a deal are a deal
        drawn[:, i] = z[i] * (others[dealt[:, : len(near)]] @ weights[near])
    return drawn


def _classified(table: pd.DataFrame, correction: str) -> pd.DataFrame:
    from scipy.stats import false_discovery_control

    tested = table["p_sim"].notna()
    table.insert(5, "p_adjusted", table["p_sim"])
    if correction == "fdr":
        table.loc[tested, "p_adjusted"] = false_discovery_control(table.loc[tested, "p_sim"])
    significant = table["p_adjusted"] <= _LEVEL
    cluster = table["quadrant"].where(significant, "not significant").where(tested, "no neighbours")
    return table.assign(cluster=cluster)
