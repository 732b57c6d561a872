"""Tests of a dynamic panel: serial correlation, validity of instruments, slopes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.regress.dynamic.equations import Equations
from nqpf.regress.dynamic.solve import Steps, minimum, weighting
from nqpf.regress.instruments.hypothesis import HypothesisTest, chi2_test, normal_test

__all__ = ["DynamicDiagnostics", "diagnose"]

_VALID = "overidentifying restrictions hold"


@dataclass(frozen=True)
class DynamicDiagnostics:
    """Specification tests of a dynamic panel.

    Attributes
    ----------
    autocorrelation : tuple of HypothesisTest
        Arellano and Bond (1991): orders 1 and 2 of the residuals in differences. Order 1
        is expected; order 2 speaks against instruments from lag 2 on. None where
        the years do not reach or the estimated variance is not positive.
    sargan : HypothesisTest or None
        Over-identification at step one, valid under homoskedastic errors only.
    hansen : HypothesisTest or None
        Over-identification at step two. It weakens as instruments grow in number: a
        p value near one is a bad sign.
    difference_in_hansen : mapping of str to HypothesisTest
        Extra validity of a group of instruments, ``levels`` (the lagged differences of
        the level equations) and ``exogenous``, against the model without them. Empty
        when the model without them is not identified, or the weighting matrix is singular.
    wald : HypothesisTest
        All slopes are zero, year effects and constant aside.
    """

    autocorrelation: tuple[HypothesisTest | None, ...]
    sargan: HypothesisTest | None
    hansen: HypothesisTest | None
    difference_in_hansen: dict[str, HypothesisTest]
    wald: HypothesisTest

    def to_frame(self) -> pd.DataFrame:
        """Return one row per test: statistic, distribution, p value."""
        tests = {f"AR({i})": test for i, test in enumerate(self.autocorrelation, 1)}
        tests |= {"Sargan": self.sargan, "Hansen J": self.hansen}
        extra = self.difference_in_hansen.items()
        tests |= {f"Difference in Hansen: {name}": test for name, test in extra}
        tests["Wald"] = self.wald
        rows = {
            name: [test.null, test.statistic, test.distribution, test.pvalue]
            for name, test in tests.items()
            if test is not None
        }
        columns = ["null", "statistic", "distribution", "pvalue"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def diagnose(
    equations: Equations, steps: Steps, step: int, cov: np.ndarray, slopes: int
) -> DynamicDiagnostics:
    """Return the tests of a solution.

    Parameters
    ----------
    step : {1, 2}
        The step that is reported.
    cov : (K, K)
        Its covariance.
    slopes : int
        How many coefficients are slopes; they come first.
    """
    surplus = steps.cross.shape[0] - steps.cross.shape[1]
    b = (steps.first if step == 1 else steps.second).slopes[:slopes]
    wald = float(b @ np.linalg.solve(cov[:slopes, :slopes], b))
    return DynamicDiagnostics(
        autocorrelation=tuple(_autocorrelation(equations, steps, step, cov, n) for n in (1, 2)),
        sargan=chi2_test(_VALID, _sargan(equations, steps), surplus) if surplus else None,
        hansen=chi2_test(_VALID, _criterion(steps), surplus) if surplus else None,
        difference_in_hansen=_differences(steps) if surplus and steps.regular else {},
        wald=chi2_test("slopes are zero", wald, slopes),
    )


def _criterion(steps: Steps) -> float:
    moments = steps.second.moments.sum(axis=0)
    return float(moments @ steps.second.weights @ moments)


def _sargan(equations: Equations, steps: Steps) -> float:
    """Return the criterion of step one over the variance of the errors.

    A difference of white noise has twice its variance, and H says so.
    """
    years = len(equations.years)
    left = steps.first.residuals[:, :years]
    count = equations.present[:, :years].sum() - steps.cross.shape[1]
    variance = (left**2).sum() / (2 * count)
    moments = steps.first.moments.sum(axis=0)
    return float(moments @ steps.first.weights @ moments / variance)


def _differences(steps: Steps) -> dict[str, HypothesisTest]:
    """Return J less J without a group, both weighted by parts of one S, so never negative."""
    full = _criterion(steps)
    tests = {}
    for group, words in (("levels", "level equations'"), ("exogenous", "exogenous")):
        rest = np.array([name != group for name in steps.groups])
        dropped = int((~rest).sum())
        cross = steps.cross[rest]
        if not dropped or np.linalg.matrix_rank(cross) < cross.shape[1]:
            continue
        weights, _ = weighting(steps.first.moments[:, rest])
        gap = full - minimum(cross, steps.target[rest], weights)
        null = f"the {words} instruments are valid beside the others"
        tests[group] = chi2_test(null, gap, dropped)
    return tests


def _autocorrelation(
    equations: Equations, steps: Steps, step: int, cov: np.ndarray, order: int
) -> HypothesisTest | None:
    """Return m of Arellano and Bond (1991, equation 8) with a robust variance."""
    solution = steps.first if step == 1 else steps.second
    years = len(equations.years)
    left = solution.residuals[:, :years]  # zero where there is no equation
    lagged = np.zeros_like(left)
    lagged[:, order:] = left[:, :-order] if order < years else 0
    products = (lagged * left).sum(axis=1)
    if not (products != 0).any():
        return None
    pull = np.einsum("gt,gtk->k", lagged, steps.regressors[:, :years])
    through = solution.bread @ steps.cross.T @ solution.weights @ (solution.moments.T @ products)
    variance = products @ products - 2 * pull @ through + pull @ cov @ pull
    if not variance > 0:  # an estimate of a positive number that small samples can miss
        return None
    null = f"no autocorrelation of order {order} in the differenced residuals"
    return normal_test(null, products.sum() / np.sqrt(variance))
