"""Great-circle distances of the provincial capitals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf import provinces

__all__ = ["EARTH_RADIUS", "distances", "great_circle"]

EARTH_RADIUS = 6371.0088  # km, mean radius of the ellipsoid (IUGG)


def great_circle(
    latitude: np.ndarray | float,
    longitude: np.ndarray | float,
    other_latitude: np.ndarray | float,
    other_longitude: np.ndarray | float,
) -> np.ndarray:
    """Return distances along the surface of a sphere in km, by the haversine formula.

    Parameters
    ----------
    latitude, longitude, other_latitude, other_longitude : float or array
        Degrees; arrays are broadcast against each other.

    Examples
    --------
    >>> round(float(great_circle(0, 0, 0, 90)))  # a quarter of the equator
    10008
    """
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    turn = np.radians(other_longitude) - np.radians(longitude)
    half = np.sin((other_phi - phi) / 2) ** 2
    half = half + np.cos(phi) * np.cos(other_phi) * np.sin(turn / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def distances() -> pd.DataFrame:
    """Return the distances of the 31 capitals in km, codes on both axes.

    Examples
    --------
    >>> round(distances().loc[110000, 310000])  # Beijing to Shanghai
    1067
    """
    table = provinces.table()
    latitude, longitude = table["latitude"].to_numpy(), table["longitude"].to_numpy()
    far = great_circle(latitude[:, None], longitude[:, None], latitude, longitude)
    np.fill_diagonal(far, 0.0)
    codes = provinces.codes()
    return pd.DataFrame(far, index=codes, columns=codes)
