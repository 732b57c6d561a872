"""Panel regressions, their standard errors and their tables."""

from nqpf.regress.gmm import dynamic_gmm
from nqpf.regress.heterogeneity import Heterogeneity, by_group, heterogeneity
from nqpf.regress.iv import instrumental
from nqpf.regress.kernel import CrossProducts, KernelFits, cross_products
from nqpf.regress.mediation import mediation
from nqpf.regress.ols import (
    CONVENTIONS,
    RegressionResult,
    first_differences,
    fixed_effects,
    lagged,
    lead_placebo,
)
from nqpf.regress.random import (
    HausmanTest,
    MundlakTest,
    RandomEffectsResult,
    hausman,
    mundlak,
    random_effects,
)
from nqpf.regress.resample import (
    PermutationPlacebo,
    Reassignment,
    WildBootstrap,
    detectable,
    permutation_placebo,
    reassign,
    wild_bootstrap,
)
from nqpf.regress.staggered import adoption, effect_weights, goodman_bacon
from nqpf.regress.table import RegressionTable
from nqpf.regress.threshold import threshold
from nqpf.sample import standardise

__all__ = [
    "CONVENTIONS",
    "CrossProducts",
    "HausmanTest",
    "Heterogeneity",
    "KernelFits",
    "MundlakTest",
    "PermutationPlacebo",
    "RandomEffectsResult",
    "Reassignment",
    "RegressionResult",
    "RegressionTable",
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
