"""Neighbours, clusters and the moving centre."""

from nqpf.space.centre import CentreResult, centre_of_gravity
from nqpf.space.distance import distances, great_circle
from nqpf.space.kinds import contiguity, economic_distance, inverse_distance, nested
from nqpf.space.local import LocalMoranResult, local_moran
from nqpf.space.moran import MoranResult, moran
from nqpf.space.weights import Weights, align

__all__ = [
    "CentreResult",
    "LocalMoranResult",
    "MoranResult",
    "Weights",
    "align",
    "centre_of_gravity",
    "contiguity",
    "distances",
    "economic_distance",
    "great_circle",
    "inverse_distance",
    "local_moran",
    "moran",
    "nested",
]
