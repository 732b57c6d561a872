"""Linear regressions with unit and year effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.conventions import DEFAULT, SampleSize, describe, scaling
from nqpf.tfp.sample import by_key, nearest
from nqpf.tfp.within import check_regressors, check_singletons

__all__ = ["EFFECTS", "ERRORS", "RegressionResult", "fixed_effects"]

EFFECTS = ("two-way", "unit", "time", "pooled")
ERRORS = ("clustered", "robust", "unadjusted")


@dataclass(frozen=True)
class RegressionResult:
    """A linear regression on a panel.

    Attributes
    ----------
    outcome : str
        Dependent variable.
    params : Series by regressor
        Coefficients; a pooled regression adds ``const``.
    cov : DataFrame
        Covariance of the coefficients under `errors` and `convention`.
    residuals : Series indexed (unit, time)
    nobs, groups, periods : int
        Rows, units and years.
    rsquared_within : float
        Share of the outcome's variation explained after the effects are
        removed from both sides; plain R2 of a pooled regression.
    df : int or None
        Degrees of freedom of the t distribution; None for the normal.
    effects, errors, convention : str
        As given to :func:`fixed_effects`.
    unit, time : str
        Names of the key.
    vintage : str
        Vintage of the data, as stated by the caller.
    """

    outcome: str
    params: pd.Series
    cov: pd.DataFrame
    residuals: pd.Series
    nobs: int
    groups: int
    periods: int
    rsquared_within: float
    df: int | None
    effects: str
    errors: str
    convention: str
    unit: str
    time: str
    vintage: str

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.params.index, name="std_error")

    @property
    def tstats(self) -> pd.Series:
        """Coefficients over their standard errors."""
        return (self.params / self.std_errors).rename("t")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p values."""
        tail = self._distribution().sf(np.abs(self.tstats.to_numpy()))
        return pd.Series(2 * tail, index=self.params.index, name="pvalue")

    @property
    def covariance_label(self) -> str:
        """The covariance estimator in words."""
        return f"clustered by {self.unit}" if self.errors == "clustered" else self.errors

    @property
    def convention_label(self) -> str:
        """The small-sample convention with its formula."""
        return describe(self.convention, self.errors == "clustered")

    def _distribution(self):
        from scipy import stats

        return stats.norm() if self.df is None else stats.t(self.df)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Return confidence intervals, columns ``lower`` and ``upper``.

        Raises
        ------
        nqpf.errors.MethodError
            If `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise MethodError(f"level {level!r}", expected="a number between 0 and 1")
        reach = self._distribution().ppf(0.5 + level / 2) * self.std_errors
        return pd.DataFrame({"lower": self.params - reach, "upper": self.params + reach})

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return coefficients, standard errors, t, p and intervals, one row per regressor."""
        columns = [self.params.rename("coefficient"), self.std_errors, self.tstats, self.pvalues]
        return pd.concat([*columns, self.conf_int(level)], axis=1)

    def _repr_html_(self) -> str:
        from nqpf.regress.table import RegressionTable

        return RegressionTable({self.outcome: self}).to_html()


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
    errors : {"clustered", "robust", "unadjusted"}
        Clustered by `unit`, heteroskedasticity-robust, or homoskedastic.
    convention : {"nested", "all", "linearmodels", "none"}
        Small-sample convention, see :mod:`nqpf.regress.conventions`.
    vintage : str
        Vintage of the data, carried to the table.

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
    names = [regressors] if isinstance(regressors, str) else list(regressors)
    _check_request(outcome, names, effects, errors)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    unit_effects, time_effects = effects in ("two-way", "unit"), effects in ("two-way", "time")
    codes = [pd.factorize(data.index.get_level_values(level), sort=True)[0] for level in (0, 1)]
    size = SampleSize(
        nobs=len(data),
        regressors=len(names),
        groups=int(codes[0].max()) + 1,
        periods=int(codes[1].max()) + 1,
        unit_effects=unit_effects,
        time_effects=time_effects,
    )
    factor, df = scaling(convention, errors == "clustered", size)
    check_singletons(data.index, [0] * unit_effects + [1] * time_effects)
    used = [codes[0] if unit_effects else None, codes[1] if time_effects else None]
    check_regressors(data[names], *used)
    params, cov, residuals, rsquared = _fit(data, outcome, names, codes, effects, errors)
    return RegressionResult(
        outcome=outcome,
        params=params,
        cov=factor * cov,
        residuals=residuals,
        nobs=size.nobs,
        groups=size.groups,
        periods=size.periods,
        rsquared_within=rsquared,
        df=df,
        effects=effects,
        errors=errors,
        convention=convention,
        unit=unit,
        time=time,
        vintage=vintage,
    )


def _check_request(outcome: str, names: list[str], effects: str, errors: str) -> None:
    for value, known, what in ((effects, EFFECTS, "effects"), (errors, ERRORS, "errors")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if not names:
        raise MethodError("no regressors", expected="at least one")
    double = {name for name in names if names.count(name) > 1 or name == outcome}
    if double:
        raise MethodError(
            f"variable {min(double)!r} is named more than once",
            expected="an outcome and regressors that all differ",
        )


def _fit(
    data: pd.DataFrame,
    outcome: str,
    names: list[str],
    codes: list[np.ndarray],
    effects: str,
    errors: str,
) -> tuple[pd.Series, pd.DataFrame, pd.Series, float]:
    """Return coefficients, plain covariance, residuals and R2 within.

    Variables are scaled to unit variance for the fit and the answer is scaled
    back: the numerical rank of raw money and raw shares would be wrong.
    """
    from linearmodels.panel import PanelOLS

    centre = data.mean() if effects != "pooled" else 0.0
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
    clusters = {"cluster_entity": True} if errors == "clustered" else {}
    fit = model.fit(cov_type=errors, debiased=False, auto_df=False, count_effects=False, **clusters)
    back = spread[outcome] / spread[exog.columns]
    cov = fit.cov.mul(back, axis=0).mul(back, axis=1)
    residuals = pd.Series(
        fit.resids.to_numpy() * spread[outcome], index=data.index, name="residual"
    )
    return (fit.params * back).rename("coefficient"), cov, residuals, float(fit.rsquared)
