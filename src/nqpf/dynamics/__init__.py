"""Inequality, distribution, convergence and transition over the years."""

from nqpf.dynamics.inequality import Dagum, Theil, by_year, dagum, theil, variation
from nqpf.dynamics.kernels import RULES, KernelDensity, bandwidth, kernel_density

__all__ = [
    "RULES",
    "Dagum",
    "KernelDensity",
    "Theil",
    "bandwidth",
    "by_year",
    "dagum",
    "kernel_density",
    "theil",
    "variation",
]
