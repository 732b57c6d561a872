"""Composite indices: normalise, weigh, aggregate; a recipe joins the three."""

from nqpf.index import aggregate, coupling, normalise, weights
from nqpf.index.normalise import ConstantIndicatorWarning
from nqpf.index.recipe import Index, Recipe

__all__ = [
    "ConstantIndicatorWarning",
    "Index",
    "Recipe",
    "aggregate",
    "coupling",
    "normalise",
    "weights",
]
