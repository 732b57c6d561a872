"""The kernel against linearmodels and printed output of Stata and R."""

import numpy as np
import pandas as pd
import pytest
from made_up_mutants import EVERYTHING
from made_up_panels import NAMES, linearmodels_fit

from nqpf.regress.kernel import _cross_products

EFFECTS = ("two-way", "two-way", "unit", "time", "pooled")
ERRORS = ("clustered", "driscoll-kraay", "clustered-period")
THEIRS = {
    "clustered": {"cov_type": "clustered", "cluster_entity": True},
    "clustered-period": {"cov_type": "clustered", "cluster_time": True},
    "driscoll-kraay": {"cov_type": "kernel"},
}


def random_panel(seed):
    """An unbalanced panel of random size with one to three regressors and both effects."""
    rng = np.random.default_rng(seed)
    units, years, k = rng.integers(5, 16), rng.integers(3, 9), rng.integers(1, 4)
    there = rng.random((units, years)) < 0.8
    there[:, 0] = there[:, 1] = True
    there[:2] = True
    at = np.argwhere(there)
    keys = pd.MultiIndex.from_arrays([at[:, 0], 2010 + at[:, 1]], names=["province", "year"])
    values = rng.normal(size=(len(at), k + 1)) + rng.normal(0, 3, (units, k + 1))[at[:, 0]]
    values += rng.normal(size=(years, k + 1))[at[:, 1]]
    return pd.DataFrame(values, keys, ["y", *NAMES[:k]])


@pytest.mark.parametrize("seed", range(200 if EVERYTHING else 60))
def test_random_unbalanced_panels_equal_linearmodels(seed):
    frame, effects, errors = random_panel(seed), EFFECTS[seed % 5], ERRORS[seed % 3]
    names = list(frame.columns[1:])
    wanted = linearmodels_fit(frame, effects, names, **THEIRS[errors])
    products = _cross_products(frame, frame.columns, effects=effects)
    found = products.fit("y", names, errors, convention="linearmodels")
    np.testing.assert_allclose(found.params[0], wanted.params[names], rtol=1e-10)
    np.testing.assert_allclose(found.std_errors[0], wanted.std_errors[names], rtol=1e-10)
    np.testing.assert_allclose(found.pvalues[0], wanted.pvalues[names], rtol=1e-9)


def test_driscoll_kraay_errors_as_stata_and_r_print_them():
    """Output of Stata's xtscc and plm's vcovSCC for ``gsp ~ pcap + emp + unemp``, two-way.

    Of 48 states, 1970-1986 (Munnell 1990; plm's Produc).

    Printed in the question "Driscoll and Kraay standard errors in FE regression: reproducing
    Stata xtscc output in R", Stack Overflow 65223905 (2020), which asks why the two differ: the
    small-sample factor is all of it.
    """
    from linearmodels.datasets import munnell

    regressors = ["P_CAP", "EMP", "UNEMP"]
    products = _cross_products(munnell.load(), ["GSP", *regressors], unit="ST_ABB", time="YR")
    stata = products.fit("GSP", regressors, "driscoll-kraay", convention="nested")
    np.testing.assert_allclose(stata.params[0], [-0.1769881, 40.61522, 23.59849], rtol=3e-7)
    np.testing.assert_allclose(stata.std_errors[0], [0.265713, 2.238392, 85.10647], rtol=3e-7)
    np.testing.assert_allclose(stata.tstats[0].round(2), [-0.67, 18.14, 0.28])
    np.testing.assert_allclose(stata.pvalues[0].round(3), [0.515, 0, 0.785])
    r = products.fit("GSP", regressors, "driscoll-kraay", convention="none")
    np.testing.assert_allclose(r.std_errors[0].round(5), [0.25476, 2.1461, 81.5973])
