"""Fixed or random effects: Hausman's test, and Mundlak's form that bears clustered errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.conventions import DEFAULT
from nqpf.regress.covariance import wald
from nqpf.regress.effects import check_option, check_request
from nqpf.regress.random import COMPONENTS, RandomEffectsResult, estimate, year_dummies
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key
from nqpf.tfp.within import demean

__all__ = ["HausmanTest", "MundlakTest", "hausman", "mundlak"]

_ABSENT = 1e-9  # a column shorter than this share of its length is rounding


def _probability(pvalue: float) -> str:
    if np.isnan(pvalue):
        return "without p value"
    return "p < 0.0001" if pvalue < 1e-4 else f"p = {pvalue:.4f}"


@dataclass(frozen=True)
class HausmanTest:
    """Hausman's (1978) test of random against fixed effects.

    Attributes
    ----------
    table : DataFrame by regressor
        Coefficients ``fixed`` and ``random``, their ``difference`` and its ``std_error``,
        which is missing where the difference of variances is negative.
    statistic : float
        d' (V_fixed - V_random)^-1 d, whatever the sign of its eigenvalues.
    df : int
        Compared coefficients.
    pvalue : float
        From chi-square; missing if the statistic is negative. R and Stata print it also
        when V_fixed - V_random is not positive definite; it then has no justification.
    eigenvalues : (df,) array
        Of V_fixed - V_random in units of the fixed-effects variances, ascending.
    """

    table: pd.DataFrame
    statistic: float
    df: int
    pvalue: float
    eigenvalues: np.ndarray

    @property
    def positive_definite(self) -> bool:
        """Whether the statistic is distributed as chi-square under the null at all."""
        return bool(self.eigenvalues[0] > 0)

    @property
    def conclusion(self) -> str:
        """What the test says, in one sentence."""
        if not self.positive_definite:
            return (
                f"V_fixed - V_random is not positive definite (smallest eigenvalue "
                f"{self.eigenvalues[0]:.2g} of the fixed-effects variance): the statistic "
                f"{self.statistic:.3f} ({_probability(self.pvalue)}) is not chi-square under the "
                "null; use the Mundlak form."
            )
        return f"Hausman chi-square({self.df}) = {self.statistic:.3f}, {_probability(self.pvalue)}."

    def __str__(self) -> str:
        return f"{self.table.to_string()}\n{self.conclusion}"


def hausman(fixed: RegressionResult, random: RegressionResult) -> HausmanTest:
    """Compare fixed with random effects under homoskedastic errors.

    Under the null that effects are uncorrelated with the regressors, random effects are
    efficient, so that the covariance of the difference is the difference of the covariances.
    This does not hold with clustered errors, for which :func:`mundlak` is made.

    Parameters
    ----------
    fixed, random : RegressionResult
        Of one outcome on one sample, both with ``errors="unadjusted"`` and one convention.
        Compare two-way fixed effects with random effects that have ``time_effects=True``.

    Returns
    -------
    HausmanTest

    Raises
    ------
    nqpf.errors.MethodError
        If the estimators, errors or conventions are not those.
    nqpf.errors.SampleError
        If the outcomes or samples differ.
    nqpf.errors.EstimationError
        If the difference of the covariances is singular.

    Examples
    --------
    >>> from nqpf.regress import fixed_effects
    >>> from nqpf.regress.random import random_effects
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3, 4], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 3.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 9, 8, 6, 3, 4, 2, 20, 21, 21]
    >>> fe = fixed_effects(frame, "y", "x", effects="unit", errors="unadjusted")
    >>> print(hausman(fe, random_effects(frame, "y", "x", errors="unadjusted")).conclusion)
    Hausman chi-square(1) = 0.001, p = 0.9807.
    """
    from scipy import stats

    _check_pair(fixed, random)
    names = [name for name in fixed.params.index if name in random.params.index]
    names = [name for name in names if name != "const"]
    difference = (fixed.params[names] - random.params[names]).to_numpy()
    matrix = (fixed.cov.loc[names, names] - random.cov.loc[names, names]).to_numpy()
    variances = np.diag(matrix)
    # Eigenvalues keep their signs when the coefficients are put in units of their own errors.
    scale = fixed.std_errors[names].to_numpy()
    standard = matrix / np.outer(scale, scale)
    eigenvalues = np.linalg.eigvalsh(standard)
    if np.abs(eigenvalues).min() < 1e-12:
        raise EstimationError(
            "the difference of the covariances is singular",
            expected="random effects that differ from fixed effects",
            hint="use the Mundlak form",
        )
    statistic = float(difference / scale @ np.linalg.solve(standard, difference / scale))
    with np.errstate(invalid="ignore"):
        std_error = np.sqrt(np.where(variances >= 0, variances, np.nan))
    return HausmanTest(
        table=pd.DataFrame(
            {
                "fixed": fixed.params[names],
                "random": random.params[names],
                "difference": difference,
                "std_error": std_error,
            }
        ),
        statistic=statistic,
        df=len(names),
        pvalue=float(stats.chi2.sf(statistic, len(names))) if statistic > 0 else float("nan"),
        eigenvalues=eigenvalues,
    )


def _check_pair(fixed: RegressionResult, random: RegressionResult) -> None:
    if fixed.effects not in ("unit", "two-way") or random.estimator != "random effects":
        raise MethodError(
            f"Hausman's test of {fixed.effects} effects against {random.estimator}",
            expected="unit or two-way fixed effects first, random effects second",
        )
    for result in (fixed, random):
        if result.errors != "unadjusted":
            raise MethodError(
                f"Hausman's test with {result.errors} errors",
                expected="errors='unadjusted' for both regressions",
                hint="use mundlak, which bears clustered errors",
            )
    if (fixed.effects == "two-way") != (random.effects == "random + time"):
        raise MethodError(
            f"{fixed.effects} fixed effects against {random.effects} effects",
            expected="year effects in both regressions or in neither",
        )
    if fixed.convention != random.convention:
        raise MethodError(
            f"conventions {fixed.convention!r} and {random.convention!r}", expected="one convention"
        )
    if fixed.outcome != random.outcome or not fixed.residuals.index.equals(random.residuals.index):
        raise SampleError("the two regressions differ in outcome or rows", expected="one sample")


@dataclass(frozen=True)
class MundlakTest:
    """Correlated random effects, and the test that unit means do not matter.

    Attributes
    ----------
    result : RandomEffectsResult
        Regression with the unit means of the regressors, named ``mean of x``. The coefficients
        of the regressors themselves are those of fixed effects.
    means : tuple of str
        The tested regressors.
    statistic, pvalue : float
        Wald test that all means have coefficient zero; a small p value speaks for fixed effects.
    distribution : str
        Distribution of the statistic under the null.
    """

    result: RandomEffectsResult
    means: tuple[str, ...]
    statistic: float
    pvalue: float
    distribution: str

    @property
    def conclusion(self) -> str:
        """What the test says, in one sentence."""
        return (
            f"Mundlak Wald test of {len(self.means)} unit mean(s), errors "
            f"{self.result.covariance_label}: {self.distribution} = {self.statistic:.3f}, "
            f"{_probability(self.pvalue)}."
        )


def mundlak(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    time_effects: bool = False,
    components: str = "baltagi-chang",
    errors: str = "clustered",
    convention: str = DEFAULT,
    vintage: str = "",
    bandwidth: int | None = None,
) -> MundlakTest:
    """Test random against fixed effects by the unit means of the regressors (Mundlak 1978).

    Unlike Hausman's, the test bears errors that are clustered or heteroskedastic, and its
    covariance cannot fail to be positive definite. With year effects in an unbalanced sample
    the unit means of the year effects stand beside them (Wooldridge 2019).

    Parameters
    ----------
    frame, outcome, regressors, unit, time, time_effects, components, errors, convention, \
vintage, bandwidth
        As for :func:`nqpf.regress.random.random_effects`.

    Returns
    -------
    MundlakTest

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.random.random_effects`.
    nqpf.errors.EstimationError
        If no regressor varies both within and between units.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3, 4, 5], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 3, 1, 5, 2.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 4, 2, 3, 4, 2, 0, 1, 1, 2, 4, 3]
    >>> test = mundlak(frame, "y", "x")
    >>> test.means, test.distribution
    (('mean of x',), 'F(1, 4)')
    """
    names = check_request(outcome, regressors, errors)
    check_option("components", components, COMPONENTS)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    codes = pd.factorize(data.index.get_level_values(0), sort=True)[0]
    within = demean(data[names].to_numpy(), codes, None)
    means = data[names] - within
    centred = data[names].to_numpy() - data[names].to_numpy().mean(axis=0)
    between = means.to_numpy() - means.to_numpy().mean(axis=0)
    floor = _ABSENT * np.linalg.norm(centred, axis=0)
    tested = (np.linalg.norm(within, axis=0) > floor) & (np.linalg.norm(between, axis=0) > floor)
    if not tested.any():
        raise EstimationError(
            "no regressor varies both within and between units", expected="one that does"
        )
    means = means.loc[:, tested].add_prefix("mean of ")
    hidden = _year_columns(data.index, codes) if time_effects else np.empty((len(data), 0))
    options = {"errors": errors, "convention": convention, "bandwidth": bandwidth}
    wide = pd.concat([data, means], axis=1)
    every = [*names, *means.columns]
    fit = estimate(wide, outcome, every, hidden, time_effects, components, vintage, **options)
    chosen = fit.params.index.isin(means.columns)
    restrictions = np.eye(len(fit.params))[chosen]
    statistic, _, pvalue, distribution = wald(
        restrictions, fit.params.to_numpy(), fit.cov.to_numpy(), fit.df
    )
    return MundlakTest(fit, tuple(means.columns), statistic, pvalue, distribution)


def _year_columns(index: pd.MultiIndex, unit: np.ndarray) -> np.ndarray:
    """Return year dummies and, of their unit means, those that add to them and a constant."""
    dummies = year_dummies(index)
    kept = np.column_stack([np.ones(len(dummies)), dummies])
    for column in (dummies - demean(dummies, unit, None)).T:
        left = column - kept @ np.linalg.lstsq(kept, column, rcond=None)[0]
        if np.linalg.norm(left) > _ABSENT * np.linalg.norm(column):
            kept = np.column_stack([kept, column])
    return kept[:, 1:]
