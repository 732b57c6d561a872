"""How certain a rank is, and which choice behind an index moves it.

``design`` checks what may vary, ``draws`` draws it, and ``batches`` and ``scores`` compute many
draws at once; ``uncertainty`` (of all years at once:
``years``) and ``sensitivity`` are what a chapter calls.
"""

from nqpf.compare.certainty.sensitivity import RankSensitivity, sensitivity
from nqpf.compare.certainty.sobol import SobolIndices, sobol_indices
from nqpf.compare.certainty.uncertainty import RankUncertainty, uncertainty
from nqpf.compare.certainty.years import yearly_intervals

__all__ = [
    "RankSensitivity",
    "RankUncertainty",
    "SobolIndices",
    "sensitivity",
    "sobol_indices",
    "uncertainty",
    "yearly_intervals",
]
