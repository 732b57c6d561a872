"""Whole measures compared."""

from nqpf.compare.agreement import Agreement, Concordance, agreement, concordance, join, top_overlap
from nqpf.compare.clusters import clusters
from nqpf.compare.measures import measures

__all__ = [
    "Agreement",
    "Concordance",
    "agreement",
    "clusters",
    "concordance",
    "join",
    "measures",
    "top_overlap",
]
