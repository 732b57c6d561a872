"""Panel regressions, their standard errors and their tables."""

from nqpf.regress.conventions import CONVENTIONS
from nqpf.regress.effects import RegressionResult, fixed_effects
from nqpf.regress.standardise import standardise
from nqpf.regress.table import RegressionTable

__all__ = [
    "CONVENTIONS",
    "RegressionResult",
    "RegressionTable",
    "fixed_effects",
    "standardise",
]
