"""Whole measures compared, and findings under every defensible choice at once."""

from nqpf.compare.agreement import Agreement, Concordance, agreement, concordance, join, top_overlap
from nqpf.compare.choices import VarianceShares, variance_shares
from nqpf.compare.clusters import clusters
from nqpf.compare.curve import CurveInference, curve_inference
from nqpf.compare.curve_grid import curve_input
from nqpf.compare.curve_store import curve_tests, load_curve_tests
from nqpf.compare.curve_summary import curve_summary
from nqpf.compare.declaration import Declaration
from nqpf.compare.grid import SpecificationGrid
from nqpf.compare.measures import measures
from nqpf.compare.multiverse import Multiverse
from nqpf.compare.rows import variables
from nqpf.compare.runner import run_batches
from nqpf.compare.sensitivity import RankSensitivity, sensitivity
from nqpf.compare.uncertainty import RankUncertainty, uncertainty
from nqpf.compare.variants import Variants, variants

__all__ = [
    "Agreement",
    "Concordance",
    "CurveInference",
    "Declaration",
    "Multiverse",
    "RankSensitivity",
    "RankUncertainty",
    "SpecificationGrid",
    "VarianceShares",
    "Variants",
    "agreement",
    "clusters",
    "concordance",
    "curve_inference",
    "curve_input",
    "curve_summary",
    "curve_tests",
    "join",
    "load_curve_tests",
    "measures",
    "run_batches",
    "sensitivity",
    "top_overlap",
    "uncertainty",
    "variables",
    "variance_shares",
    "variants",
]
