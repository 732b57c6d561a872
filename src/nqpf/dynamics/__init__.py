"""Inequality, distribution, convergence and transition over the years."""

from nqpf.dynamics.inequality import Dagum, Theil, by_year, dagum, theil, variation

__all__ = ["Dagum", "Theil", "by_year", "dagum", "theil", "variation"]
