"""Where a figure is high: Moran's I by year, global and local, and the centre of gravity.

Moran's I, with z the deviations from the mean of a year and S0 the sum of the weights, is

    I = n/S0 * z'Wz / z'z,   E[I] = -1/(n - 1)

(Moran 1950; variances of Cliff and Ord 1981). The statistic and its moments
are esda's. Permutations are drawn here, because esda's come from NumPy's
global generator: the same for every year, and by province code, so that
the order of rows changes nothing.

The centre of gravity is that of a figure over the provinces, with its path over the years and
the ellipse around it. A province's mass w is its figure and its place the capital. Two projections
make kilometres out of degrees, each with the centre that belongs to it:

================ =============================================================
equirectangular  x = R cos(lat0) (lon - lon0), y = R (lat - lat0). The centre
                 is the weighted mean of the degrees, as studies have it; east
                 to west is too short south of it and too long north of it
azimuthal        azimuthal equidistant: distances and directions from the
                 centre are those of the globe. The centre is where the
                 weighted mean of x and y is zero: it minimises the weighted
                 sum of squared great-circle distances
================ =============================================================

The axes of the standard deviational ellipse are the square roots of the
eigenvalues of the weighted covariance matrix of x and y (Lefever 1926, Yuill
1971), times sqrt(2), so that a normal distribution has 63 % inside, as in most studies; without
the factor it has 39 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import choose, whole
from nqpf.errors import EstimationError, SampleError
from nqpf.sample import _balanced, _check_finite, _check_keys, _place
from nqpf.space.weights import _RADIUS, _cut, _figures, _great_circle, _Weights

_ALTERNATIVES = ("two-sided", "directed")
_TIE = 1e-12  # statistics of permutations this near to the observed one are equal to it
_LEAST = 4  # provinces for the variance under randomisation
_ESDA = {"I": "I", "expected": "EI", "variance": "VI_rand", "z": "z_rand", "p": "p_rand"}
_ESDA |= {"z_normal": "z_norm", "p_normal": "p_norm"}
_CLOSE = 1e-9  # km between two steps towards the centre


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
        ``n``, the provinces; ``p_sim`` by permutation.

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
    >>> west = pd.Series(provinces._table()["longitude"] < 108, dtype=float)
    >>> result = moran(west, contiguity(hainan=True).row_standardised())
    >>> result[["I", "p_sim"]].round(3).values.tolist()
    [[0.655, 0.002]]
    """
    from esda.moran import Moran

    whole("permutations", permutations)
    choose("alternative", alternative, _ALTERNATIVES)
    rows = {}
    for year, z, own in _years(values, weights, subset):
        found = Moran(z, own.to_pysal(), "O", permutations=0)
        rows[year] = {name: float(getattr(found, ours)) for name, ours in _ESDA.items()}
        rows[year]["n"] = len(z)
        if permutations:
            mixed, matrix = z[_dealt(len(z), permutations, seed)], own.matrix.to_numpy()
            drawn = len(z) / matrix.sum() * ((mixed @ matrix.T) * mixed).sum(axis=1) / (z @ z)
            tail = _pseudo_p(np.array([found.I]), drawn[:, None], alternative)
            rows[year]["p_sim"] = float(tail[0])
    index = "year" if values.index.nlevels == 1 else values.index.names[1]
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index)


def _years(
    values: pd.Series, weights: _Weights, subset: bool
) -> Iterator[tuple[object, np.ndarray, _Weights]]:
    """Yield each year, deviations from its mean (n,), by code, and weights in the same order."""
    label = values.name or "values"
    values = _figures(values, "the series")
    single = values.index.nlevels == 1
    for year, own in [(label, values)] if single else values.groupby(level=1, sort=True):
        own = (own if single else own.droplevel(1)).sort_index()
        joined = _cut(weights, own.index, subset, {} if single else {"year": year})
        where = {"variable": label, **_place((year,), ("year",))}
        if len(own) < _LEAST:
            problem = f"{len(own)} provinces in a year"
            raise SampleError(problem, where=where, expected=f"{_LEAST} or more")
        z = own - own.mean()
        if np.abs(z).max() <= 1e-14 * max(np.abs(own).max(), np.finfo(float).tiny):
            problem = "every province has the same figure"
            raise EstimationError(problem, where=where, expected="figures that vary")
        if not joined.matrix.to_numpy().any():
            problem = "no province has a neighbour"
            raise EstimationError(problem, where=where, hint="use weights with a wider reach")
        yield year, z.to_numpy(), joined


def _dealt(size: int, permutations: int, seed: int) -> np.ndarray:
    """Return (permutations, size) places in random order."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(size), (permutations, 1)), axis=1)


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
    tail = (np.minimum(above, (drawn <= observed + slack).sum(axis=0)) + 1) / (len(drawn) + 1)
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
        Indexed as the series, in its order: ``I``; ``p_sim`` by permutation;
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
    >>> west = pd.Series(provinces._table()["longitude"] < 108, dtype=float)
    >>> local = local_moran(west, contiguity(hainan=True).row_standardised())
    >>> local.loc[[650000, 330000], "cluster"].tolist()
    ['HH', 'not significant']
    """
    from scipy.stats import false_discovery_control

    whole("permutations", permutations, 1)
    choose("alternative", alternative, _ALTERNATIVES)
    choose("correction", correction, ("none", "fdr"))
    parts = {}
    for year, z, own in _years(values, weights, subset):
        table = _local(z, own.matrix.to_numpy(), permutations, seed, alternative)
        tested = table["quadrant"].notna()
        table.insert(2, "p_adjusted", table["p_sim"])
        if correction == "fdr":
            table.loc[tested, "p_adjusted"] = false_discovery_control(table.loc[tested, "p_sim"])
        cluster = table["quadrant"].where(table["p_adjusted"] <= 0.05, "not significant")
        table["cluster"] = cluster.where(tested, "no neighbours")
        parts[year] = table.set_axis(own.labels)
    single = values.index.nlevels == 1
    table = next(iter(parts.values())) if single else pd.concat(parts).swaplevel()
    return table.reindex(values.index)


def _local(
    z: np.ndarray, matrix: np.ndarray, permutations: int, seed: int, alternative: str
) -> pd.DataFrame:
    """Return a year's statistics, with the p values of a province's own figure held."""
    n, lag, dealt = len(z), matrix @ z, _dealt(len(z) - 1, permutations, seed)
    drawn = np.empty((permutations, n))
    for i in range(n):  # the others' figures are dealt out anew
        others, weights = np.delete(z, i), np.delete(matrix[i], i)
        near = np.flatnonzero(weights)  # the first so many of a deal are a deal
        drawn[:, i] = z[i] * (others[dealt[:, : len(near)]] @ weights[near])
    m2, alone = z @ z / n, ~matrix.any(axis=1)
    observed = z * lag / m2
    tails = np.where(alone, np.nan, _pseudo_p(observed, drawn / m2, alternative))
    high = np.where(z > 0, "H", "L").astype(object) + np.where(lag > 0, "H", "L")
    return pd.DataFrame({"I": observed, "p_sim": tails, "quadrant": np.where(alone, None, high)})


def _forward(projection: str, places: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return km east and north (2, n) of a centre; places (2, n) in degrees, latitude first.

    The azimuthal equidistant projection is that on a sphere (Snyder 1987, p. 195).

    Examples
    --------
    >>> _forward("azimuthal", np.array([[40.0], [120.0]]), np.array([35.0, 110.0])).round(1)
    array([[851.3],
           [600.5]])
    """
    (phi, turn), (phi0, turn0) = np.radians(places), np.radians(centre)
    turn = turn - turn0
    if projection == "equirectangular":
        return _RADIUS * np.array([turn * np.cos(phi0), phi - phi0])
    north = np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(turn)
    flat = np.array([np.cos(phi) * np.sin(turn), north])
    far, near = _great_circle(centre, places), np.hypot(*flat)
    return flat * np.divide(far, near, out=np.full_like(far, _RADIUS), where=near > 1e-15)


def _backward(projection: str, km: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return latitude and longitude (2, ...) from km east and north (2, ...) of a centre."""
    (phi0, turn0), (x, y) = np.radians(centre), km / _RADIUS
    if projection == "equirectangular":
        return np.degrees([phi0 + y, turn0 + x / np.cos(phi0)])
    far = np.hypot(x, y)
    ratio = np.sinc(far / np.pi)  # sin(far)/far, 1 at the centre
    phi = np.arcsin(np.clip(np.cos(far) * np.sin(phi0) + y * ratio * np.cos(phi0), -1, 1))
    turn = np.arctan2(x * ratio, np.cos(phi0) * np.cos(far) - y * ratio * np.sin(phi0))
    return np.degrees([phi, turn0 + turn])


def _way(here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return km along a great circle and its first direction, degrees clockwise from north.

    Examples
    --------
    >>> [round(float(one)) for one in _way(np.array([0, 0]), np.array([0, 90]))]
    [10008, 90]
    """
    east, north = _forward("azimuthal", there, here)
    return np.hypot(east, north), np.degrees(np.arctan2(east, north)) % 360


@dataclass(frozen=True)
class _Centre:
    """Centres and ellipses by year.

    Attributes
    ----------
    table : DataFrame
        A row per year: ``longitude`` and ``latitude`` of the centre in degrees; the ellipse's
        half axes ``major`` and ``minor`` in km, ``angle`` of the major one, degrees clockwise
        from north, below 180; ``n``, the provinces.
    projection : str
        Name of the convention.
    """

    table: pd.DataFrame
    projection: str

    def moved(self) -> dict[str, float]:
        """Return the way from the first to the last year: ``km`` and ``bearing``.

        Kilometres along the great circle, and degrees clockwise from north; the path over the
        years between is longer.
        """
        ends = self.table.iloc[[0, -1]][["latitude", "longitude"]].to_numpy()
        return dict(zip(("km", "bearing"), map(float, _way(*ends)), strict=True))

    def outline(self, year: object) -> pd.DataFrame:
        """Return the ellipse of a year as a closed line.

        Returns
        -------
        DataFrame (181, 4)
            ``east`` and ``north``, km from the centre, and ``longitude`` and
            ``latitude``.

        Raises
        ------
        nqpf.errors.MethodError
            If the year is not there.
        """
        choose("year", year, self.table.index)
        row = self.table.loc[year]
        turn, way = np.radians(row["angle"]), np.linspace(0, 2 * np.pi, 181)
        along, across = row["major"] * np.cos(way), row["minor"] * np.sin(way)
        north = along * np.cos(turn) - across * np.sin(turn)
        km = np.array([along * np.sin(turn) + across * np.cos(turn), north])
        centre = row[["latitude", "longitude"]].to_numpy()
        latitude, longitude = _backward(self.projection, km, centre)
        line = {"east": km[0], "north": km[1], "longitude": longitude, "latitude": latitude}
        return pd.DataFrame(line)


def centre_of_gravity(
    values: pd.Series,
    projection: str = "equirectangular",
    points: pd.DataFrame | None = None,
    subset: bool = False,
) -> _Centre:
    """Follow the centre of gravity of a figure over the years.

    Parameters
    ----------
    values : Series indexed (province, year)
        Masses of zero or more: a level, not its log. A constant added to the
        figure draws the centre towards that of equal masses, so an index
        without a natural zero has no centre of its own.
    projection : str
        ``equirectangular`` or ``azimuthal``.
    points : DataFrame or None
        ``latitude`` and ``longitude`` in degrees by unit, less than half the
        globe apart and not across the date line; the capitals when None.
    subset : bool
        Keep only the provinces that every year has; otherwise years with
        different provinces are refused, as the centre would move with them.

    Returns
    -------
    centre of this module
        With the ``table`` by year, ``moved()`` for the whole way and ``outline(year)`` for the
        ellipse.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing or negative, a province has no place, or years
        have different provinces.
    nqpf.errors.EstimationError
        If every figure of a year is zero.
    nqpf.errors.MethodError
        If an option is not valid.

    Notes
    -----
    The default is the centre of most studies, a mean of degrees; a degree of longitude is shorter
    in the north, so the ellipse is measured in km around it. ``azimuthal`` measures rightly.
    Weights are no counts, so nothing corrects for degrees of freedom.

    Examples
    --------
    >>> masses = pd.Series(
    ...     [1.0, 1.0, 1.0, 3.0],
    ...     pd.MultiIndex.from_product([[2012, 2022], [110000, 310000]]).swaplevel(),
    ... ).rename_axis(["province", "year"])
    >>> path = centre_of_gravity(masses)
    >>> path.table["latitude"].round(3).tolist()
    [35.567, 33.398]
    >>> round(path.moved()["km"])
    268
    """
    choose("projection", projection, ("equirectangular", "azimuthal"))
    masses = _masses(values, subset)
    places = provinces._table() if points is None else points
    places = places[["latitude", "longitude"]].reindex(masses.index).astype(float)
    _check_finite(places, "the places")
    at = places.to_numpy().T
    rows = {year: _row(mass.to_numpy(), at, projection) for year, mass in masses.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(values.index.names[1])
    return _Centre(table.assign(n=len(masses)), projection)


def _masses(values: pd.Series, subset: bool) -> pd.DataFrame:
    """Return masses, a row per province and a column per year."""
    label = values.name or "values"
    _check_keys(values.index, "the series")
    _check_finite(values.rename(label).to_frame(), "the series")
    low = values[values < 0]
    if len(low):
        where = {"variable": label, **_place(low.index[0], values.index.names)}
        expected, hint = "figures of zero or more", "take the exponential of a log"
        raise SampleError(f"a mass is {low.iloc[0]:g}", where=where, expected=expected, hint=hint)
    wide = values.astype(float).unstack().dropna() if subset else _balanced(values.astype(float))
    nothing = wide.columns[(wide == 0).all()]
    if len(nothing) or wide.empty:
        problem = "no province has a mass" if len(nothing) else "no province is there in every year"
        where = {"variable": label, **({"year": nothing[0]} if len(nothing) else {})}
        raise EstimationError(problem, where=where)
    return wide


def _row(mass: np.ndarray, places: np.ndarray, projection: str) -> dict[str, float]:
    """Return the centre and the ellipse of a year; places (2, n), latitude first."""
    share = mass / mass.sum()
    centre = places @ share
    if projection == "azimuthal":
        centre = _sphere_centre(share, places, centre)
    km = _forward(projection, places, centre)
    values, axes = np.linalg.eigh((km * share) @ km.T)
    minor, major = 2**0.5 * np.sqrt(np.maximum(values, 0.0))
    return {
        "longitude": float(centre[1]),
        "latitude": float(centre[0]),
        "major": major,
        "minor": minor,
        "angle": float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180),
    }


def _sphere_centre(share: np.ndarray, places: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the centre in whose azimuthal projection the masses are balanced."""
    for _ in range(100):
        km = _forward("azimuthal", places, centre) @ share
        centre = _backward("azimuthal", km, centre)
        if np.hypot(*km) < _CLOSE:
            return centre
    problem = "the centre on the sphere was not found"
    raise EstimationError(problem, expected="places within half the globe")
