"""Whole measures compared."""

from nqpf.compare.agreement import Agreement, Concordance, agreement, concordance, join, top_overlap
from nqpf.compare.measures import measures

__all__ = [
    "Agreement",
    "Concordance",
    "agreement",
    "concordance",
    "join",
    "measures",
    "top_overlap",
]
