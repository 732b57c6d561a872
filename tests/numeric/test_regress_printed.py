"""Fixed effects against Stata's and gretl's printed output on Grunfeld's ten firms.

The data come with statsmodels (Grunfeld 1958; the first ten firms are those
of Stata's ``webuse grunfeld``). Printed by::

    xtset company year
    xtreg invest mvalue kstock, fe                 (and vce(robust))
    regress invest mvalue kstock                   (and vce(robust), vce(cluster company))
"""

import numpy as np
import pytest
from made_up_panels import grunfeld

from nqpf.regress import fixed_effects

POOLED = [0.1155622, 0.2306785, -42.71437]
PRINTED = [
    ("unit", "unadjusted", "all", [0.1101238, 0.3100653], [0.0118567, 0.0173545]),
    ("unit", "clustered", "nested", [0.1101238, 0.3100653], [0.0151945, 0.0527518]),
    ("pooled", "unadjusted", "nested", POOLED, [0.0058357, 0.0254758, 9.511676]),
    ("pooled", "robust", "nested", POOLED, [0.006811, 0.0488655, 11.5747]),
    ("pooled", "clustered", "nested", POOLED, [0.0158943, 0.0849671, 20.4252]),
]


@pytest.mark.parametrize(("effects", "errors", "convention", "params", "std_errors"), PRINTED)
def test_printed_coefficients_and_errors(effects, errors, convention, params, std_errors):
    options = {"effects": effects, "errors": errors, "convention": convention}
    fit = fixed_effects(grunfeld(), "invest", ["value", "capital"], "firm", **options)
    for got, printed in ((fit.params, params), (fit.std_errors, std_errors)):
        # half a unit of the seventh significant digit, the last that Stata prints
        scale = 10.0 ** (np.floor(np.log10(np.abs(printed))) - 6)
        assert (np.abs(got.to_numpy() - printed) <= 0.51 * np.maximum(scale, 1e-7)).all()
