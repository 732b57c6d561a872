"""Inequality, distribution, convergence and transition over the years."""

from nqpf.dynamics.density import kernel_density
from nqpf.dynamics.inequality import dagum
from nqpf.dynamics.markov import markov

__all__ = ["dagum", "kernel_density", "markov"]
