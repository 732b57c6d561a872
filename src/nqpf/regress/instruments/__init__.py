"""Panel regressions with instruments, and what is known of the instruments."""

from nqpf.regress.instruments.confidence import ConfidenceSet
from nqpf.regress.instruments.diagnostics import InstrumentDiagnostics
from nqpf.regress.instruments.estimate import InstrumentalResult, instrumental
from nqpf.regress.instruments.hypothesis import HypothesisTest

__all__ = ["ConfidenceSet", "HypothesisTest", "InstrumentDiagnostics", "InstrumentalResult"]
__all__ += ["instrumental"]
