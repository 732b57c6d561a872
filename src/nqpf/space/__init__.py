"""Neighbours, clusters and the moving centre."""

from nqpf.space.centre import CentreResult, centre_of_gravity
from nqpf.space.durbin import SpatialResult, durbin, error, lag, spatial_table
from nqpf.space.impacts import (
    Impacts,
    common_factor,
    impacts,
    lagrange,
    likelihood_ratio,
    no_lagged_regressors,
)
from nqpf.space.moran import LocalMoranResult, MoranResult, local_moran, moran
from nqpf.space.weights import (
    Weights,
    align,
    contiguity,
    distances,
    economic_distance,
    great_circle,
    inverse_distance,
    nested,
)

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
