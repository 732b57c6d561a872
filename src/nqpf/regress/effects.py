"""Linear regressions with unit and year effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.conventions import DEFAULT, PANEL_ERRORS, SampleSize, factors
from nqpf.regress.covariance import covariance
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key, nearest
from nqpf.tfp.within import check_regressors, check_singletons, demean

__all__ = ["EFFECTS", "ERRORS", "RegressionResult", "fixed_effects"]

EFFECTS = ("two-way", "unit", "time", "pooled")
ERRORS = PANEL_ERRORS[:3]  # what every estimator of this room offers


def fixed_effects(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    errors: str = "clustered",
    convention: str = DEFAULT,
    vintage: str = "",
    bandwidth: int | None = None,
) -> RegressionResult:
    """Regress `outcome` on `regressors` with fixed effects, through linearmodels.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and
        time, no figure missing. The sample may be unbalanced.
    outcome : str
        Dependent variable.
    regressors : sequence of str
        Independent variables.
    unit, time : str
        Names of the key.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects; ``"pooled"`` has a constant and none.
    errors : {"clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay"}
        Clustered by `unit`, heteroskedasticity-robust, homoskedastic, clustered
        by `unit` and by `time`, or robust to correlation across units and
        `bandwidth` years; see :mod:`nqpf.regress.covariance`.
    convention : {"nested", "all", "linearmodels", "none"}
        Small-sample convention, see :mod:`nqpf.regress.conventions`.
    vintage : str
        Vintage of the data, carried to the table.
    bandwidth : int or None
        Lags of Driscoll-Kraay errors; 4 (T/100)^(2/9), floored, by default.

    Returns
    -------
    RegressionResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or a unit or year with an
        effect of its own has one row.
    nqpf.errors.MethodError
        If an option is unknown.
    nqpf.errors.EstimationError
        If a regressor is constant, absorbed or collinear, the outcome does not
        vary, or there are too few rows or clusters.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> fit = fixed_effects(frame, "y", ["x"])
    >>> round(float(fit.params["x"]), 3), fit.df
    (2.0, 2)
    """
    names = check_request(outcome, regressors, errors)
    check_option("effects", effects, EFFECTS)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    options = {"errors": errors, "convention": convention, "bandwidth": bandwidth}
    fit = least_squares(data, outcome, names, effects, **options)
    return RegressionResult(
        outcome=outcome,
        effects=effects,
        errors=errors,
        convention=convention,
        unit=unit,
        time=time,
        vintage=vintage,
        **vars(fit),
    )


def check_request(outcome: str, regressors: Sequence[str] | str, errors: str) -> list[str]:
    """Return the regressors as a list; raise MethodError for a request that cannot be met."""
    names = [regressors] if isinstance(regressors, str) else list(regressors)
    check_option("errors", errors, PANEL_ERRORS)
    if not names:
        raise MethodError("no regressors", expected="at least one")
    double = {name for name in names if names.count(name) > 1 or name == outcome}
    if double:
        raise MethodError(
            f"variable {min(double)!r} is named more than once",
            expected="an outcome and regressors that all differ",
        )
    return names


def check_option(what: str, value: str, known: Sequence[str]) -> None:
    """Raise MethodError unless `value` is among `known`; the message offers the nearest."""
    if value not in known:
        raise MethodError(
            f"unknown {what} {value!r}",
            expected=" or ".join(map(repr, known)),
            hint=nearest(value, known),
        )


@dataclass(frozen=True)
class LeastSquares:
    """The part of a result that does not depend on how the sample was keyed."""

    params: pd.Series
    cov: pd.DataFrame
    residuals: pd.Series
    nobs: int
    groups: int
    periods: int
    rsquared_within: float
    df: int | None
    bandwidth: int | None
    notes: tuple[str, ...]


def least_squares(
    data: pd.DataFrame,
    outcome: str,
    names: list[str],
    effects: str,
    errors: str,
    convention: str,
    bandwidth: int | None = None,
) -> LeastSquares:
    """Estimate by least squares on `data`, indexed (unit, time), sorted and complete.

    `effects` may also be ``"none"``: neither effects nor a constant.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.MethodError, nqpf.errors.EstimationError
        As :func:`fixed_effects`.
    """
    unit_effects, time_effects = effects in ("two-way", "unit"), effects in ("two-way", "time")
    codes = [pd.factorize(data.index.get_level_values(level), sort=True)[0] for level in (0, 1)]
    size = SampleSize(
        nobs=len(data),
        regressors=len(names),
        groups=int(codes[0].max()) + 1,
        periods=int(codes[1].max()) + 1,
        unit_effects=unit_effects,
        time_effects=time_effects,
        constant=effects != "none",
    )
    factors(convention, errors, size)  # raises before a singular fit would
    check_singletons(data.index, [0] * unit_effects + [1] * time_effects)
    used = [codes[0] if unit_effects else None, codes[1] if time_effects else None]
    check_regressors(data[names], *used)
    fit, exog, spread = _fit(data, outcome, names, codes, effects)
    x = exog.to_numpy()
    residuals = fit.resids.to_numpy()
    found = covariance(
        demean(x, *used) if unit_effects or time_effects else x,
        residuals,
        codes[0],
        data.index.get_level_values(1).to_numpy(),
        errors,
        convention,
        size,
        bandwidth,
        list(exog.columns),
    )
    back = (spread[outcome] / spread[exog.columns]).to_numpy()
    return LeastSquares(
        params=(fit.params * back).rename("coefficient"),
        cov=pd.DataFrame(found.matrix * np.outer(back, back), exog.columns, exog.columns),
        residuals=pd.Series(residuals * spread[outcome], index=data.index, name="residual"),
        nobs=size.nobs,
        groups=size.groups,
        periods=size.periods,
        rsquared_within=float(fit.rsquared),
        df=found.df,
        bandwidth=found.bandwidth,
        notes=found.notes,
    )


def _fit(data: pd.DataFrame, outcome: str, names: list[str], codes: list[np.ndarray], effects: str):
    """Return linearmodels' results, the regressors they are for, and each variable's scale.

    Variables are scaled to unit variance for the fit and the answer is scaled
    back: the numerical rank of raw money and raw shares would be wrong.
    """
    from linearmodels.panel import PanelOLS

    centre = data.mean() if effects not in ("pooled", "none") else 0.0
    spread = data.std()
    if not spread[outcome] > 0:
        raise EstimationError(f"outcome {outcome!r} does not vary")
    scaled = (data - centre) / spread
    scaled.index = pd.MultiIndex.from_arrays(codes, names=["unit", "time"])
    exog = scaled[names]
    if effects == "pooled":
        exog = exog.assign(const=1.0)
        spread = pd.concat([spread, pd.Series({"const": 1.0})])
    model = PanelOLS(
        scaled[outcome],
        exog,
        entity_effects=effects in ("two-way", "unit"),
        time_effects=effects in ("two-way", "time"),
    )
    return model.fit(cov_type="unadjusted", debiased=False), exog, spread
