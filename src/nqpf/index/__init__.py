"""Composite indices: normalise, weigh, aggregate; a recipe joins the three."""

from nqpf.index import aggregate, coupling, normalise, weights
from nqpf.index.recipe import Index, Recipe

__all__ = ["Index", "Recipe", "aggregate", "coupling", "normalise", "weights"]
