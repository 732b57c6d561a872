"""Composite indices: normalise, weigh, aggregate; a recipe joins the three."""

from nqpf.index import aggregate, normalise, weights
from nqpf.index.recipe import Index, Recipe
