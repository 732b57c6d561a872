"""Local projections: degrees to kilometres east and north of a centre, and back."""

from __future__ import annotations

import numpy as np

from nqpf.space.distance import EARTH_RADIUS, great_circle

__all__ = ["PROJECTIONS", "backward", "bearing", "forward"]

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
