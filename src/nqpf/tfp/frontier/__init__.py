"""Stochastic production frontiers of Battese and Coelli, by maximum likelihood."""

from nqpf.tfp.frontier.maximise import BoundaryWarning, Convergence, ConvergenceWarning
from nqpf.tfp.frontier.model import battese_coelli
from nqpf.tfp.frontier.ratio import LikelihoodRatio, likelihood_ratio
from nqpf.tfp.frontier.results import FrontierResult

__all__ = [
    "BoundaryWarning",
    "Convergence",
    "ConvergenceWarning",
    "FrontierResult",
    "LikelihoodRatio",
    "battese_coelli",
    "likelihood_ratio",
]
