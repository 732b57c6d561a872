"""Inequality, distribution, convergence and transition over the years."""

from nqpf.dynamics.convergence import beta
from nqpf.dynamics.inequality import dagum, kernel_density
from nqpf.dynamics.markov import markov
