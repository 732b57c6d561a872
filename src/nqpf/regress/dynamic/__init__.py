"""Dynamic panels: difference and system GMM with a lagged outcome."""

from nqpf.regress.dynamic.estimate import dynamic_gmm
from nqpf.regress.dynamic.result import DynamicResult, ManyInstrumentsWarning
from nqpf.regress.dynamic.solve import SingularWeightingWarning
from nqpf.regress.dynamic.specification import DynamicDiagnostics

__all__ = [
    "DynamicDiagnostics",
    "DynamicResult",
    "ManyInstrumentsWarning",
    "SingularWeightingWarning",
    "dynamic_gmm",
]
