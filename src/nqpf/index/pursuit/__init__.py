"""Projection pursuit: the direction along which rows spread the most and cluster the most."""

from nqpf.index.pursuit.certificate import Certificate, certify
from nqpf.index.pursuit.solve import (
    SOLVERS,
    ProjectionPursuit,
    projection_index,
    projection_pursuit,
)
from nqpf.index.pursuit.weights import pursuit_weights

__all__ = [
    "SOLVERS",
    "Certificate",
    "ProjectionPursuit",
    "certify",
    "projection_index",
    "projection_pursuit",
    "pursuit_weights",
]
