"""Neighbours, clusters and the moving centre."""

from nqpf.space.distance import distances, great_circle
from nqpf.space.kinds import contiguity, economic_distance, inverse_distance, nested
from nqpf.space.weights import Weights, align

__all__ = [
    "Weights",
    "align",
    "contiguity",
    "distances",
    "economic_distance",
    "great_circle",
    "inverse_distance",
    "nested",
]
