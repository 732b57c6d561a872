"""Inequality, distribution, convergence and transition over the years."""

from nqpf.dynamics import convergence
from nqpf.dynamics.density import RULES, KernelDensity, bandwidth, kernel_density
from nqpf.dynamics.inequality import Dagum, Theil, by_year, dagum, theil, variation
from nqpf.dynamics.markov import MarkovResult, SpatialMarkovResult, markov, spatial_markov

__all__ = [
    "RULES",
    "Dagum",
    "KernelDensity",
    "MarkovResult",
    "SpatialMarkovResult",
    "Theil",
    "bandwidth",
    "by_year",
    "convergence",
    "dagum",
    "kernel_density",
    "markov",
    "spatial_markov",
    "theil",
    "variation",
]
