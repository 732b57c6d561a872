"""Findings under every defensible choice at once: the declared grid, its results, its tests."""

from nqpf.compare.declaration import Declaration, variables
from nqpf.compare.variants import Variants, variants
from nqpf.multiverse.grid import SpecificationGrid
from nqpf.multiverse.inference import (
    CurveInference,
    curve_inference,
    curve_input,
    curve_tests,
    load_curve_tests,
    load_disagreement,
)
from nqpf.multiverse.results import Multiverse, VarianceShares, curve_summary, variance_shares

__all__ = [
    "CurveInference",
    "Declaration",
    "Multiverse",
    "SpecificationGrid",
    "VarianceShares",
    "Variants",
    "curve_inference",
    "curve_input",
    "curve_summary",
    "curve_tests",
    "load_curve_tests",
    "load_disagreement",
    "variables",
    "variance_shares",
    "variants",
]
