"""Panel regressions, their standard errors and their tables."""

from nqpf.regress.bootstrap import WildBootstrap, wild_bootstrap
from nqpf.regress.conventions import CONVENTIONS
from nqpf.regress.differences import first_differences
from nqpf.regress.dynamic import DynamicResult, dynamic_gmm
from nqpf.regress.effects import RegressionResult, fixed_effects
from nqpf.regress.hausman import HausmanTest, MundlakTest, hausman, mundlak
from nqpf.regress.heterogeneity import Heterogeneity, by_group, heterogeneity
from nqpf.regress.instruments import InstrumentalResult, instrumental
from nqpf.regress.kernel import CrossProducts, KernelFits, cross_products
from nqpf.regress.mediation import MediationResult, mediation
from nqpf.regress.placebo import PermutationPlacebo, permutation_placebo
from nqpf.regress.random import RandomEffectsResult, random_effects
from nqpf.regress.reassign import Reassignment, detectable, reassign
from nqpf.regress.staggered import adoption, effect_weights, goodman_bacon
from nqpf.regress.standardise import standardise
from nqpf.regress.table import RegressionTable
from nqpf.regress.threshold import ThresholdResult, threshold
from nqpf.regress.variants import lagged, lead_placebo

__all__ = [
    "CONVENTIONS",
    "CrossProducts",
    "DynamicResult",
    "HausmanTest",
    "Heterogeneity",
    "InstrumentalResult",
    "KernelFits",
    "MediationResult",
    "MundlakTest",
    "PermutationPlacebo",
    "RandomEffectsResult",
    "Reassignment",
    "RegressionResult",
    "RegressionTable",
    "ThresholdResult",
    "WildBootstrap",
    "adoption",
    "by_group",
    "cross_products",
    "detectable",
    "dynamic_gmm",
    "effect_weights",
    "first_differences",
    "fixed_effects",
    "goodman_bacon",
    "hausman",
    "heterogeneity",
    "instrumental",
    "lagged",
    "lead_placebo",
    "mediation",
    "mundlak",
    "permutation_placebo",
    "random_effects",
    "reassign",
    "standardise",
    "threshold",
    "wild_bootstrap",
]
