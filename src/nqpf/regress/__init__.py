"""Panel regressions, their standard errors and their tables."""

from nqpf.regress.gmm import dynamic_gmm
from nqpf.regress.iv import instrumental
from nqpf.regress.mediation import mediation
from nqpf.regress.ols import fixed_effects
from nqpf.regress.resample import permutation_placebo, wild_bootstrap
from nqpf.regress.table import RegressionTable
from nqpf.regress.threshold import threshold
