"""Indicator systems: cards, safe formulas, and their evaluation on a panel."""

from nqpf.systems.card import Indicator
from nqpf.systems.formula import Formula
from nqpf.systems.matrix import IndicatorMatrix
from nqpf.systems.study import Study, overview
from nqpf.systems.system import System, available

__all__ = [
    "Formula",
    "Indicator",
    "IndicatorMatrix",
    "Study",
    "System",
    "available",
    "overview",
]
