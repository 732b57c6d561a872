"""Weights: one non-negative number per indicator, summing to one."""

from nqpf.index.weights.combine import combination
from nqpf.index.weights.components import FirstComponent, first_component, pca
from nqpf.index.weights.dispersion import critic, variation
from nqpf.index.weights.improved import EntropyJudgements, ahp_entropy, ahp_entropy_judgements
from nqpf.index.weights.information import entropy, equal
from nqpf.index.weights.judgements import Consistency, ahp, ahp_consistency
from nqpf.index.weights.registry import METHODS

__all__ = [
    "METHODS",
    "Consistency",
    "EntropyJudgements",
    "FirstComponent",
    "ahp",
    "ahp_consistency",
    "ahp_entropy",
    "ahp_entropy_judgements",
    "combination",
    "critic",
    "entropy",
    "equal",
    "first_component",
    "pca",
    "variation",
]
