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

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import nearest
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import _check_keys, place
from nqpf.space.weights import EARTH_RADIUS, check_figures, great_circle

__all__ = [
    "CentreResult",
    "ELLIPSES",
    "PROJECTIONS",
    "backward",
    "bearing",
    "centre_of_gravity",
    "forward",
]

PROJECTIONS = ("equirectangular", "azimuthal")


def forward(
    projection: str,
    latitude: np.ndarray,
    longitude: np.ndarray,
    centre_latitude: float,
    centre_longitude: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return km east and north of a centre.

    Parameters
    ----------
    projection : str
        ``equirectangular``, true on the centre's parallel, or ``azimuthal``,
        the azimuthal equidistant one on a sphere (Snyder 1987, p. 195).
    latitude, longitude : (n,)
        Degrees.
    centre_latitude, centre_longitude : float
        Degrees.

    Examples
    --------
    >>> east, north = forward("azimuthal", np.array([40.0]), np.array([120.0]), 35.0, 110.0)
    >>> east.round(1).tolist(), north.round(1).tolist()
    ([851.3], [600.5])
    """
    phi, phi0 = np.radians(latitude), np.radians(centre_latitude)
    turn = np.radians(longitude) - np.radians(centre_longitude)
    if projection == "equirectangular":
        return EARTH_RADIUS * turn * np.cos(phi0), EARTH_RADIUS * (phi - phi0)
    far = great_circle(centre_latitude, centre_longitude, latitude, longitude)
    east = np.cos(phi) * np.sin(turn)
    north = np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(turn)
    flat = np.hypot(east, north)
    scale = np.divide(far, flat, out=np.full_like(far, EARTH_RADIUS), where=flat > 1e-15)
    return scale * east, scale * north


def backward(
    projection: str,
    east: np.ndarray | float,
    north: np.ndarray | float,
    centre_latitude: float,
    centre_longitude: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return latitude and longitude in degrees from km east and north of a centre.

    Examples
    --------
    >>> east, north = forward("azimuthal", 40, 120, 35, 110)
    >>> latitude, longitude = backward("azimuthal", east, north, 35, 110)
    >>> round(float(latitude), 9), round(float(longitude), 9)
    (40.0, 120.0)
    """
    phi0 = np.radians(centre_latitude)
    x, y = np.asarray(east) / EARTH_RADIUS, np.asarray(north) / EARTH_RADIUS
    if projection == "equirectangular":
        return centre_latitude + np.degrees(y), centre_longitude + np.degrees(x / np.cos(phi0))
    far = np.hypot(x, y)
    ratio = np.sinc(far / np.pi)  # sin(far)/far, 1 at the centre
    phi = np.arcsin(np.clip(np.cos(far) * np.sin(phi0) + y * ratio * np.cos(phi0), -1, 1))
    turn = np.arctan2(x * ratio, np.cos(phi0) * np.cos(far) - y * ratio * np.sin(phi0))
    return np.degrees(phi), centre_longitude + np.degrees(turn)


def bearing(
    latitude: np.ndarray | float,
    longitude: np.ndarray | float,
    other_latitude: np.ndarray | float,
    other_longitude: np.ndarray | float,
) -> np.ndarray:
    """Return the direction in which a great circle sets out, degrees clockwise from north.

    Examples
    --------
    >>> float(bearing(0, 0, 0, 10))
    90.0
    """
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    turn = np.radians(other_longitude) - np.radians(longitude)
    east = np.sin(turn) * np.cos(other_phi)
    north = np.cos(phi) * np.sin(other_phi) - np.sin(phi) * np.cos(other_phi) * np.cos(turn)
    return np.degrees(np.arctan2(east, north)) % 360


ELLIPSES = {"arcgis": 2**0.5, "yuill": 1.0}
_CLOSE = 1e-9  # km between two steps towards the centre
_STEPS = 100


@dataclass(frozen=True)
class CentreResult:
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
    projection, ellipse : str
        Names of the conventions.
    """

    table: pd.DataFrame
    projection: str
    ellipse: str

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()

    def moved(self) -> dict[str, float]:
        """Return the way from the first to the last year: ``km`` and ``bearing``.

        The path over the years between is longer: the sum of ``moved``.
        """
        first, last = self.table.iloc[0], self.table.iloc[-1]
        ends = [first["latitude"], first["longitude"], last["latitude"], last["longitude"]]
        return {"km": float(great_circle(*ends)), "bearing": float(bearing(*ends))}

    def outline(self, year: object, points: int = 181) -> pd.DataFrame:
        """Return the ellipse of a year as a closed line.

        Returns
        -------
        DataFrame (points, 4)
            ``east`` and ``north``, km from the centre, and ``longitude`` and
            ``latitude``.

        Raises
        ------
        nqpf.errors.MethodError
            If the year is not there.
        """
        if year not in self.table.index:
            raise MethodError(
                f"no centre for year {year!r}",
                expected=f"one of {', '.join(map(str, self.table.index))}",
            )
        row = self.table.loc[year]
        turn, way = np.radians(row["angle"]), np.linspace(0, 2 * np.pi, points)
        along, across = row["major"] * np.cos(way), row["minor"] * np.sin(way)
        east = along * np.sin(turn) + across * np.cos(turn)
        north = along * np.cos(turn) - across * np.sin(turn)
        latitude, longitude = backward(
            self.projection, east, north, row["latitude"], row["longitude"]
        )
        return pd.DataFrame(
            {"east": east, "north": north, "longitude": longitude, "latitude": latitude}
        )

    def __repr__(self) -> str:
        return (
            f"Centre of gravity and ellipse; projection: {self.projection}, "
            f"ellipse: {self.ellipse}\n{self.table.round(3)}"
        )

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html()


def centre_of_gravity(
    values: pd.Series,
    projection: str = "equirectangular",
    ellipse: str = "arcgis",
    points: pd.DataFrame | None = None,
    subset: bool = False,
) -> CentreResult:
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
    CentreResult

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing or negative, a province has no place, or years
        have different provinces.
    nqpf.errors.EstimationError
        If every figure of a year is zero.
    nqpf.errors.MethodError
        If an option is not valid.

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
    for value, known, what in ((projection, PROJECTIONS, "projection"), (ellipse, ELLIPSES,
                                                                         "ellipse")):  # fmt: skip
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    masses = _masses(values, subset)
    places = _places(masses, provinces.table() if points is None else points)
    rows = {
        year: _row(mass.to_numpy(), places, projection, ELLIPSES[ellipse])
        for year, mass in masses.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(values.index.names[1])
    latitude, longitude = table["latitude"].to_numpy(), table["longitude"].to_numpy()
    ends = (latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
    table.insert(2, "moved", np.r_[np.nan, great_circle(*ends)])
    table.insert(3, "bearing", np.r_[np.nan, bearing(*ends)])
    return CentreResult(table.assign(n=len(masses)), projection, ellipse)


def _masses(values: pd.Series, subset: bool) -> pd.DataFrame:
    """Return masses, a row per province and a column per year."""
    label = values.name or "values"
    _check_keys(values.index, "the series")
    check_figures(values.rename(label).to_frame(), "the series")
    low = values[values < 0]
    if len(low):
        raise SampleError(
            f"a mass is {low.iloc[0]:g}",
            where={"variable": label, **place(low.index[0], values.index.names)},
            expected="figures of zero or more",
            hint="take the exponential of a log",
        )
    wide = values.astype(float).unstack().sort_index()
    gaps = wide.isna()
    if subset:
        wide = wide[~gaps.any(axis=1)]
    elif gaps.any(axis=None):
        key = gaps.stack().loc[lambda gone: gone].index[0]
        raise SampleError(
            "a province is absent that another year has",
            where=place(key, values.index.names),
            expected="the same provinces in every year",
            hint="subset=True keeps the provinces that every year has",
        )
    nothing = wide.columns[(wide == 0).all()]
    if len(nothing) or wide.empty:
        raise EstimationError(
            "no province has a mass" if len(nothing) else "no province is there in every year",
            where={"variable": label, **({"year": nothing[0]} if len(nothing) else {})},
        )
    return wide


def _places(masses: pd.DataFrame, points: pd.DataFrame) -> np.ndarray:
    """Return latitude and longitude (n, 2) in the order of the masses."""
    unknown = masses.index.difference(points.index)
    if len(unknown):
        raise SampleError(
            "a unit has no place",
            where=place((unknown[0],), (masses.index.name,)),
            expected="latitude and longitude for every unit",
        )
    places = points.loc[masses.index, ["latitude", "longitude"]].astype(float)
    check_figures(places, "the places")
    return places.to_numpy()


def _row(mass: np.ndarray, places: np.ndarray, projection: str, factor: float) -> dict[str, float]:
    share = mass / mass.sum()
    latitude, longitude = share @ places
    if projection == "azimuthal":
        latitude, longitude = _sphere_centre(share, places, latitude, longitude)
    xy = np.column_stack(forward(projection, places[:, 0], places[:, 1], latitude, longitude))
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
        x, y = forward("azimuthal", places[:, 0], places[:, 1], latitude, longitude)
        east, north = float(share @ x), float(share @ y)
        latitude, longitude = backward("azimuthal", east, north, latitude, longitude)
        latitude, longitude = float(latitude), float(longitude)
        if np.hypot(east, north) < _CLOSE:
            return latitude, longitude
    raise EstimationError(
        "the centre on the sphere was not found", expected="places within half the globe"
    )
