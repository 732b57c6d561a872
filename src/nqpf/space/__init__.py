"""Neighbours, clusters and the moving centre."""

from nqpf.space.durbin import durbin
from nqpf.space.exploration import local_moran, moran
from nqpf.space.weights import align, contiguity
