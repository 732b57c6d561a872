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

from nqpf.errors import EstimationError
from nqpf.regress.conventions import DEFAULT, SampleSize, factors
from nqpf.regress.covariance import covariance
from nqpf.regress.effects import check_option, check_request
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key
from nqpf.tfp.within import check_regressors, demean

__all__ = ["COMPONENTS", "RandomEffectsResult", "random_effects"]

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
