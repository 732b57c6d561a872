"""Indicator systems: cards, safe formulas, their evaluation on a panel, and what they share."""

from nqpf.systems.formula import Formula
from nqpf.systems.overlap import filled, membership, pairwise, twins, usual
from nqpf.systems.reform import Reform
from nqpf.systems.study import Study, overview
from nqpf.systems.system import Indicator, IndicatorMatrix, System, available

__all__ = [
    "Formula",
    "Indicator",
    "IndicatorMatrix",
    "Reform",
    "Study",
    "System",
    "available",
    "filled",
    "membership",
    "overview",
    "pairwise",
    "twins",
    "usual",
]
