"""Random effects of units by Swamy and Arora (1972), through linearmodels.

With the unit effect a draw of variance s_u^2 and the rest of variance s_e^2, generalised least
squares is least squares on z_it - theta_i mean_i(z) with
theta_i = 1 - sqrt(s_e^2 / (T_i s_u^2 + s_e^2)). s_e^2 comes from the within regression and s_u^2
from the between regression. In a sample where units have different numbers of years T_i, two
estimators of s_u^2 are in use:

- ``baltagi-chang`` weights unit means by T_i (Baltagi and Chang 1994): R's plm, Stata's
  ``xtreg, re sa``;
- ``harmonic`` takes unweighted means and the harmonic mean of T_i: Stata's ``xtreg, re``.

In a balanced sample they are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.ols import (
    DEFAULT,
    RegressionResult,
    SampleSize,
    check_option,
    check_request,
    covariance,
    factors,
    wald,
)
from nqpf.sample import by_key, check_regressors, demean

__all__ = [
    "COMPONENTS",
    "HausmanTest",
    "MundlakTest",
    "RandomEffectsResult",
    "hausman",
    "mundlak",
    "random_effects",
]

COMPONENTS = ("baltagi-chang", "harmonic")


@dataclass(frozen=True)
class RandomEffectsResult(RegressionResult):
    """A regression with random unit effects.

    Attributes
    ----------
    variances : Series
        Variance of the unit effect (``unit``) and of the rest (``idiosyncratic``).
    theta : Series by unit
        Share of a unit's mean that is taken off its rows: 0 is pooled, 1 is fixed effects.
    """

    variances: pd.Series | None = None
    theta: pd.Series | None = None


def random_effects(
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
) -> RandomEffectsResult:
    """Regress `outcome` on `regressors` and a constant with random unit effects.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, errors, convention, vintage, bandwidth
        As for :func:`nqpf.regress.fixed_effects`. Regressors may be constant within units.
        Conventions count the regressors, the constant and year effects, no unit effects.
    time_effects : bool
        Add fixed year effects, the counterpart of two-way fixed effects.
    components : {"baltagi-chang", "harmonic"}
        Estimator of the variance of unit effects in an unbalanced sample.

    Returns
    -------
    RandomEffectsResult
        `rsquared_within` is the share of variation within units (and years, with year
        effects) that these coefficients explain; it can be negative.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError, nqpf.errors.MethodError
        As :func:`nqpf.regress.fixed_effects`.
    nqpf.errors.EstimationError
        If regressors are collinear, or there are too few rows or units.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 9, 8, 6, 3, 4, 2]
    >>> fit = random_effects(frame, "y", "x")
    >>> fit.params.round(3).to_dict(), float(fit.theta[1].round(3))
    ({'x': 1.81, 'const': 4.737}, 0.758)
    """
    names = check_request(outcome, regressors, errors)
    check_option("components", components, COMPONENTS)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    hidden = year_dummies(data.index) if time_effects else np.empty((len(data), 0))
    options = {"errors": errors, "convention": convention, "bandwidth": bandwidth}
    return estimate(data, outcome, names, hidden, time_effects, components, vintage, **options)


def year_dummies(index: pd.MultiIndex) -> np.ndarray:
    """Return (N, T - 1) indicators of all years but the first."""
    codes = pd.factorize(index.get_level_values(1), sort=True)[0]
    return np.eye(codes.max() + 1)[codes][:, 1:]


def estimate(
    data: pd.DataFrame,
    outcome: str,
    names: list[str],
    hidden: np.ndarray,
    time_effects: bool,
    components: str,
    vintage: str,
    errors: str,
    convention: str,
    bandwidth: int | None,
) -> RandomEffectsResult:
    """Estimate on `data`, indexed (unit, time), sorted and complete.

    The (N, h) columns `hidden` are regressors whose coefficients are not returned.
    """
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    size = _size(len(names) + hidden.shape[1], unit, time)
    factors(convention, errors, size)  # raises before a singular fit would
    check_regressors(data[names], None, time if time_effects else None)
    spread = data.std()
    if not spread[outcome] > 0:
        raise EstimationError(f"outcome {outcome!r} does not vary")
    y = (data[outcome] / spread[outcome]).to_numpy()
    x = np.hstack([(data[names] / spread[names]).to_numpy(), np.ones((len(y), 1)), hidden])
    theta, variances = _components(y, x, unit, time, components)
    y_star, x_star = (_less_part(values, unit, theta) for values in (y[:, None], x))
    params = np.linalg.lstsq(x_star, y_star[:, 0], rcond=None)[0]
    rest = y_star[:, 0] - x_star @ params
    years = data.index.get_level_values(1).to_numpy()
    labels = [*names, "const", *["a year effect"] * hidden.shape[1]]
    found = covariance(x_star, rest, unit, years, errors, convention, size, bandwidth, labels)
    shown = [*names, "const"]
    back = np.append(spread[outcome] / spread[names].to_numpy(), spread[outcome])
    k = len(shown)
    return RandomEffectsResult(
        outcome=outcome,
        params=pd.Series(params[:k] * back, shown, name="coefficient"),
        cov=pd.DataFrame(found.matrix[:k, :k] * np.outer(back, back), shown, shown),
        residuals=pd.Series((y - x @ params) * spread[outcome], data.index, name="residual"),
        nobs=size.nobs,
        groups=size.groups,
        periods=size.periods,
        rsquared_within=_within(y, x, params, unit, time if time_effects else None),
        df=found.df,
        effects="random + time" if time_effects else "random",
        errors=errors,
        convention=convention,
        unit=data.index.names[0],
        time=data.index.names[1],
        vintage=vintage,
        estimator="random effects",
        bandwidth=found.bandwidth,
        notes=(*_notes(theta, components, unit), *found.notes),
        variances=variances * spread[outcome] ** 2,
        theta=pd.Series(theta, data.index.get_level_values(0).unique(), name="theta"),
    )


def _size(regressors: int, unit: np.ndarray, time: np.ndarray) -> SampleSize:
    """Return what conventions count: no unit effects, and year dummies as regressors."""
    return SampleSize(
        nobs=len(unit),
        regressors=regressors,
        groups=int(unit.max()) + 1,
        periods=int(time.max()) + 1,
        unit_effects=False,
        time_effects=False,
    )


def _components(
    y: np.ndarray, x: np.ndarray, unit: np.ndarray, time: np.ndarray, components: str
) -> tuple[np.ndarray, pd.Series]:
    """Return theta by unit and the two variances."""
    from linearmodels.panel import RandomEffects

    index = pd.MultiIndex.from_arrays([unit, time], names=["unit", "time"])
    model = RandomEffects(pd.Series(y, index, name="y"), pd.DataFrame(x, index))
    try:
        fit = model.fit(small_sample=components == "baltagi-chang", debiased=False)
    except ValueError as error:  # no degree of freedom within or between units
        raise EstimationError(
            f"the variances of random effects cannot be estimated: {error}",
            expected="more units than regressors, and units of several years",
        ) from error
    variances = fit.variance_decomposition[["Effects", "Residual"]]
    theta = fit.theta["theta"].sort_index().to_numpy()
    return theta, pd.Series(variances.to_numpy(), ["unit", "idiosyncratic"], name="variance")


def _less_part(values: np.ndarray, unit: np.ndarray, theta: np.ndarray) -> np.ndarray:
    means = values - demean(values, unit, None)
    return values - theta[unit][:, None] * means


def _within(
    y: np.ndarray, x: np.ndarray, params: np.ndarray, unit: np.ndarray, time: np.ndarray | None
) -> float:
    left = demean(np.column_stack([y, y - x @ params]), unit, time)
    return float(1 - (left[:, 1] @ left[:, 1]) / (left[:, 0] @ left[:, 0]))


def _notes(theta: np.ndarray, components: str, unit: np.ndarray) -> tuple[str, ...]:
    counts = np.bincount(unit)
    how = f" ({components} for units of unequal length)" if np.ptp(counts) else ""
    if (theta == 0).all():
        return (
            f"The Swamy-Arora variance of random effects{how} was not positive and is set to "
            "zero: the estimate is that of the pooled regression.",
        )
    low, high = theta.min(), theta.max()
    span = f"{low:.3f}" if high - low < 5e-4 else f"{low:.3f} to {high:.3f}"
    return (f"Random effects by Swamy and Arora{how}, theta {span}; no unit effect is counted.",)


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
