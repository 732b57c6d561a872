"""Neighbours, clusters and the moving centre."""

from nqpf.space.centre import CentreResult, centre_of_gravity
from nqpf.space.distance import distances, great_circle
from nqpf.space.kinds import contiguity, economic_distance, inverse_distance, nested
from nqpf.space.local import LocalMoranResult, local_moran
from nqpf.space.moran import MoranResult, moran
from nqpf.space.panel import (
    Impacts,
    SpatialResult,
    common_factor,
    durbin,
    error,
    impacts,
    lag,
    lagrange,
    likelihood_ratio,
    no_lagged_regressors,
    spatial_table,
)
from nqpf.space.weights import Weights, align

__all__ = [
    "CentreResult",
    "Impacts",
    "LocalMoranResult",
    "MoranResult",
    "SpatialResult",
    "Weights",
    "align",
    "centre_of_gravity",
    "common_factor",
    "contiguity",
    "distances",
    "durbin",
    "economic_distance",
    "error",
    "great_circle",
    "impacts",
    "inverse_distance",
    "lag",
    "lagrange",
    "likelihood_ratio",
    "local_moran",
    "moran",
    "nested",
    "no_lagged_regressors",
    "spatial_table",
]
