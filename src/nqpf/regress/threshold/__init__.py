"""Thresholds of panels after Hansen (1999)."""

from nqpf.regress.threshold.model import threshold
from nqpf.regress.threshold.result import ThresholdResult

__all__ = ["ThresholdResult", "threshold"]
