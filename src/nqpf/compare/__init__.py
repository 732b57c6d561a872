"""Whole measures compared."""

from nqpf.compare.agreement import Agreement, Concordance, agreement, concordance, join, top_overlap

__all__ = ["Agreement", "Concordance", "agreement", "concordance", "join", "top_overlap"]
