"""Every defensible specification: declared, run in batches, stored with what was dropped.

``levels`` and ``declaration`` read the declared grid; ``variants`` and ``productivity`` measure in
every way it names; ``rows``, ``impossible`` and ``specify`` turn it into batches of regressions,
which ``grid`` hands to ``runner``; ``results`` keeps the outcome.
"""

from nqpf.compare.multiverse.declaration import Declaration
from nqpf.compare.multiverse.grid import SpecificationGrid
from nqpf.compare.multiverse.results import Multiverse
from nqpf.compare.multiverse.rows import variables
from nqpf.compare.multiverse.runner import run_batches
from nqpf.compare.multiverse.variants import Variants, variants

__all__ = [
    "Declaration",
    "Multiverse",
    "SpecificationGrid",
    "Variants",
    "run_batches",
    "variables",
    "variants",
]
