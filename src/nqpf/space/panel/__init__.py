"""Spatial panels: lag, error and Durbin models, their spillovers and tests."""

from nqpf.space.panel.estimate import durbin, error, lag
from nqpf.space.panel.hypothesis import (
    SpatialTest,
    common_factor,
    lagrange,
    likelihood_ratio,
    no_lagged_regressors,
)
from nqpf.space.panel.impacts import Impacts, impacts
from nqpf.space.panel.result import SpatialResult, spatial_table
from nqpf.space.panel.simulate import simulate

__all__ = [
    "Impacts",
    "SpatialResult",
    "SpatialTest",
    "common_factor",
    "durbin",
    "error",
    "impacts",
    "lag",
    "lagrange",
    "likelihood_ratio",
    "no_lagged_regressors",
    "simulate",
    "spatial_table",
]
