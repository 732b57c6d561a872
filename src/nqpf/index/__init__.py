"""Composite indices: normalise, weigh, aggregate; a recipe joins the three."""

from nqpf.index import aggregate, coupling, grades, normalise, obstacle, vikor, weights
from nqpf.index.normalise import ConstantIndicatorWarning
from nqpf.index.recipe import Recipe
from nqpf.index.result import Index

__all__ = [
    "ConstantIndicatorWarning",
    "Index",
    "Recipe",
    "aggregate",
    "coupling",
    "grades",
    "normalise",
    "obstacle",
    "vikor",
    "weights",
]
