"""The probability that a firm survives, for the exit correction of Olley and Pakes (1996)."""

from __future__ import annotations

import warnings

import numpy as np

from nqpf.errors import EstimationError
from nqpf.tfp.proxy.polynomial import basis, polynomial
from nqpf.tfp.proxy.sample import Firms

__all__ = ["survival_probability"]


def survival_probability(firms: Firms, degree: int) -> np.ndarray:
    """Return the probability that each firm is there next year, (N,).

    A probit (statsmodels) on a polynomial of state and proxy, over the rows
    whose next year is known.

    Raises
    ------
    nqpf.errors.EstimationError
        If no firm exits, none survives, or the probit does not converge.
    """
    from statsmodels.discrete.discrete_model import Probit
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

    known = np.isfinite(firms.survives)
    outcome = firms.survives[known]
    if outcome.size == 0 or outcome.min() == outcome.max():
        raise EstimationError(
            f"{int((outcome == 0).sum())} of {outcome.size} firm-years exit",
            expected="firms that exit and firms that survive",
            hint="use exit=None",
        )
    q = basis(polynomial(np.column_stack([firms.state, firms.proxy]), degree))
    x = q * np.sqrt(len(q))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            probit = Probit(outcome, x[known]).fit(disp=0, maxiter=100)
        except (PerfectSeparationWarning, np.linalg.LinAlgError) as error:
            raise EstimationError(
                "state and proxy separate firms that exit from firms that survive",
                hint="lower the degree or use exit=None",
            ) from error
    if not probit.mle_retvals["converged"]:
        raise EstimationError("the probit of survival does not converge", hint="lower the degree")
    return probit.predict(x)
