"""The centre of gravity of a figure over the provinces, its path, and the ellipse around it.

A province's mass w is its figure and its place the capital. Two projections
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
1971), times a factor: ``arcgis`` sqrt(2), so that a normal distribution has
63 % inside, as in most studies; ``yuill`` 1, with 39 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import choose
from nqpf.errors import EstimationError, SampleError
from nqpf.sample import _balanced, _check_finite, _check_keys, place
from nqpf.space.weights import _RADIUS, _great_circle

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_PROJECTIONS = ("equirectangular", "azimuthal")
_ELLIPSES = {"arcgis": 2**0.5, "yuill": 1.0}
_CLOSE = 1e-9  # km between two steps towards the centre
_STEPS = 100


def _forward(
    projection: str, places: np.ndarray, latitude: float, longitude: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return km east and north of a centre, of `places` (n, 2) in degrees, latitude first.

    The azimuthal equidistant projection is that on a sphere (Snyder 1987, p. 195).

    Examples
    --------
    >>> east, north = _forward("azimuthal", np.array([[40.0, 120.0]]), 35.0, 110.0)
    >>> east.round(1).tolist(), north.round(1).tolist()
    ([851.3], [600.5])
    """
    phi, phi0 = np.radians(places[:, 0]), np.radians(latitude)
    turn = np.radians(places[:, 1]) - np.radians(longitude)
    if projection == "equirectangular":
        return _RADIUS * turn * np.cos(phi0), _RADIUS * (phi - phi0)
    far = _great_circle((latitude, longitude), places.T)
    east = np.cos(phi) * np.sin(turn)
    north = np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(turn)
    flat = np.hypot(east, north)
    scale = np.divide(far, flat, out=np.full_like(far, _RADIUS), where=flat > 1e-15)
    return scale * east, scale * north


def _backward(
    projection: str,
    east: np.ndarray | float,
    north: np.ndarray | float,
    latitude: float,
    longitude: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return latitude and longitude in degrees from km east and north of a centre."""
    phi0 = np.radians(latitude)
    x, y = np.asarray(east) / _RADIUS, np.asarray(north) / _RADIUS
    if projection == "equirectangular":
        return latitude + np.degrees(y), longitude + np.degrees(x / np.cos(phi0))
    far = np.hypot(x, y)
    ratio = np.sinc(far / np.pi)  # sin(far)/far, 1 at the centre
    phi = np.arcsin(np.clip(np.cos(far) * np.sin(phi0) + y * ratio * np.cos(phi0), -1, 1))
    turn = np.arctan2(x * ratio, np.cos(phi0) * np.cos(far) - y * ratio * np.sin(phi0))
    return np.degrees(phi), longitude + np.degrees(turn)


def _bearing(here: Sequence[ArrayLike], there: Sequence[ArrayLike]) -> np.ndarray:
    """Return the direction in which a great circle sets out, degrees clockwise from north.

    Examples
    --------
    >>> float(_bearing((0, 0), (0, 10)))
    90.0
    """
    (phi, turn), (other_phi, other_turn) = np.radians(here), np.radians(there)
    turn = other_turn - turn
    east = np.sin(turn) * np.cos(other_phi)
    north = np.cos(phi) * np.sin(other_phi) - np.sin(phi) * np.cos(other_phi) * np.cos(turn)
    return np.degrees(np.arctan2(east, north)) % 360


@dataclass(frozen=True)
class _Centre:
    """Centres and ellipses by year.

    Attributes
    ----------
    table : DataFrame
        A row per year: ``longitude`` and ``latitude`` of the centre in degrees;
        ``moved``, km along the great circle from the year before, and
        ``bearing`` of the way, degrees clockwise from north; the ellipse's
        half axes ``major`` and ``minor`` in km, ``angle`` of the major one,
        degrees clockwise from north, below 180, ``area`` in square km and
        ``eccentricity``; ``n``, the provinces.
    projection : str
        Name of the convention.
    """

    table: pd.DataFrame
    projection: str

    def moved(self) -> dict[str, float]:
        """Return the way from the first to the last year: ``km`` and ``bearing``.

        The path over the years between is longer: the sum of ``moved``.
        """
        ends = self.table.iloc[[0, -1]][["latitude", "longitude"]].to_numpy()
        return {"km": float(_great_circle(*ends)), "bearing": float(_bearing(*ends))}

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
        east = along * np.sin(turn) + across * np.cos(turn)
        north = along * np.cos(turn) - across * np.sin(turn)
        centre = row["latitude"], row["longitude"]
        latitude, longitude = _backward(self.projection, east, north, *centre)
        return pd.DataFrame(
            {"east": east, "north": north, "longitude": longitude, "latitude": latitude}
        )


def centre_of_gravity(
    values: pd.Series,
    projection: str = "equirectangular",
    ellipse: str = "arcgis",
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
    ellipse : str
        ``arcgis`` or ``yuill``.
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
    choose("projection", projection, _PROJECTIONS)
    choose("ellipse", ellipse, _ELLIPSES)
    masses = _masses(values, subset)
    places = _places(masses, provinces.table() if points is None else points)
    rows = {
        year: _row(mass.to_numpy(), places, projection, _ELLIPSES[ellipse])
        for year, mass in masses.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(values.index.names[1])
    path = table[["latitude", "longitude"]].to_numpy().T
    ends = path[:, :-1], path[:, 1:]
    table.insert(2, "moved", np.r_[np.nan, _great_circle(*ends)])
    table.insert(3, "bearing", np.r_[np.nan, _bearing(*ends)])
    return _Centre(table.assign(n=len(masses)), projection)


def _masses(values: pd.Series, subset: bool) -> pd.DataFrame:
    """Return masses, a row per province and a column per year."""
    label = values.name or "values"
    _check_keys(values.index, "the series")
    _check_finite(values.rename(label).to_frame(), "the series")
    low = values[values < 0]
    if len(low):
        raise SampleError(
            f"a mass is {low.iloc[0]:g}",
            where={"variable": label, **place(low.index[0], values.index.names)},
            expected="figures of zero or more",
            hint="take the exponential of a log",
        )
    wide = values.astype(float).unstack().dropna() if subset else _balanced(values.astype(float))
    nothing = wide.columns[(wide == 0).all()]
    if len(nothing) or wide.empty:
        raise EstimationError(
            "no province has a mass" if len(nothing) else "no province is there in every year",
            where={"variable": label, **({"year": nothing[0]} if len(nothing) else {})},
        )
    return wide


def _places(masses: pd.DataFrame, points: pd.DataFrame) -> np.ndarray:
    """Return latitude and longitude (n, 2) in the order of the masses, refused if one is absent."""
    places = points[["latitude", "longitude"]].reindex(masses.index).astype(float)
    _check_finite(places, "the places")
    return places.to_numpy()


def _row(mass: np.ndarray, places: np.ndarray, projection: str, factor: float) -> dict[str, float]:
    share = mass / mass.sum()
    latitude, longitude = share @ places
    if projection == "azimuthal":
        latitude, longitude = _sphere_centre(share, places, latitude, longitude)
    xy = np.column_stack(_forward(projection, places, latitude, longitude))
    values, axes = np.linalg.eigh((xy * share[:, None]).T @ xy)
    minor, major = factor * np.sqrt(np.maximum(values, 0.0))
    return {
        "longitude": longitude,
        "latitude": latitude,
        "major": major,
        "minor": minor,
        "angle": float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180),
        "area": np.pi * major * minor,
        "eccentricity": np.sqrt(1 - (minor / major) ** 2) if major > 0 else np.nan,
    }


def _sphere_centre(
    share: np.ndarray, places: np.ndarray, latitude: float, longitude: float
) -> tuple[float, float]:
    """Return the centre in whose azimuthal projection the masses are balanced."""
    for _ in range(_STEPS):
        x, y = _forward("azimuthal", places, latitude, longitude)
        east, north = float(share @ x), float(share @ y)
        latitude, longitude = _backward("azimuthal", east, north, latitude, longitude)
        latitude, longitude = float(latitude), float(longitude)
        if np.hypot(east, north) < _CLOSE:
            return latitude, longitude
    raise EstimationError(
        "the centre on the sphere was not found", expected="places within half the globe"
    )
