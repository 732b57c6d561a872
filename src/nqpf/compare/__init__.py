"""Whole measures compared, and findings under every defensible choice at once."""

from nqpf.compare.agreement import Agreement, Concordance, agreement, concordance, join, top_overlap
from nqpf.compare.certainty import (
    RankSensitivity,
    RankUncertainty,
    sensitivity,
    uncertainty,
    yearly_intervals,
)
from nqpf.compare.circular import circular, holders
from nqpf.compare.clusters import clusters
from nqpf.compare.curve import (
    CurveInference,
    VarianceShares,
    curve_inference,
    curve_input,
    curve_summary,
    curve_tests,
    load_curve_tests,
    load_disagreement,
    variance_shares,
)
from nqpf.compare.measures import measures
from nqpf.compare.multiverse import (
    Declaration,
    Multiverse,
    SpecificationGrid,
    Variants,
    run_batches,
    variables,
    variants,
)
from nqpf.compare.profiles import Profiles
from nqpf.compare.standings import Standings, standings

__all__ = [
    "Agreement",
    "Concordance",
    "CurveInference",
    "Declaration",
    "Multiverse",
    "Profiles",
    "RankSensitivity",
    "RankUncertainty",
    "SpecificationGrid",
    "VarianceShares",
    "Standings",
    "Variants",
    "agreement",
    "circular",
    "clusters",
    "concordance",
    "curve_inference",
    "curve_input",
    "curve_summary",
    "curve_tests",
    "holders",
    "join",
    "load_curve_tests",
    "load_disagreement",
    "measures",
    "run_batches",
    "sensitivity",
    "standings",
    "top_overlap",
    "uncertainty",
    "variables",
    "variance_shares",
    "variants",
    "yearly_intervals",
]
