"""Convergence of provinces: dispersion, growth from low levels, clubs."""

from nqpf.dynamics.convergence.clubs import DIVERGENT, ClubResult, club
from nqpf.dynamics.convergence.dispersion import SigmaResult, sigma
from nqpf.dynamics.convergence.growth import beta
from nqpf.dynamics.convergence.logt import LogT, cross_variance, log_t
from nqpf.dynamics.convergence.result import BetaResult

__all__ = [
    "DIVERGENT",
    "BetaResult",
    "ClubResult",
    "LogT",
    "SigmaResult",
    "beta",
    "club",
    "cross_variance",
    "log_t",
    "sigma",
]
