"""Findings under every defensible choice at once: the declared grid, its results, its tests."""

from nqpf.compare.declaration import variables
from nqpf.multiverse.grid import SpecificationGrid
from nqpf.multiverse.results import Multiverse, curve_summary, variance_shares
