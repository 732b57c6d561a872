"""Specification curves: described, tested by resampling, and split by choice.

``inference`` tests curves on resamples that ``redraw`` and ``wild`` make of a ``plan``; ``given``
turns stored results into its input and ``store`` keeps its answers; ``summary`` describes, and
``choices`` splits the variance, which ``units`` does in every unit.
"""

from nqpf.compare.curve.choices import VarianceShares, variance_shares
from nqpf.compare.curve.given import curve_input
from nqpf.compare.curve.inference import CurveInference, curve_inference
from nqpf.compare.curve.store import curve_tests, load_curve_tests, load_disagreement
from nqpf.compare.curve.summary import curve_summary

__all__ = [
    "CurveInference",
    "VarianceShares",
    "curve_inference",
    "curve_input",
    "curve_summary",
    "curve_tests",
    "load_curve_tests",
    "load_disagreement",
    "variance_shares",
]
