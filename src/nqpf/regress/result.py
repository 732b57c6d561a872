"""What a regression on a panel returns: coefficients, errors and how they were made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress.conventions import describe

__all__ = ["RegressionResult"]


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
        As given to the function that estimated it; ``effects`` is ``"random"``
        or ``"differenced"`` where they are not fixed, with ``" + time"`` if year
        effects stand beside them.
    unit, time : str
        Names of the key.
    vintage : str
        Vintage of the data, as stated by the caller.
    estimator : str
        Name of the estimator.
    bandwidth : int or None
        Lags of Driscoll-Kraay errors.
    notes : tuple of str
        What a reader must know beside the figures; a table prints it.
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
    estimator: str = field(default="least squares", kw_only=True)
    bandwidth: int | None = field(default=None, kw_only=True)
    notes: tuple[str, ...] = field(default=(), kw_only=True)

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
        if self.errors == "clustered":
            return f"clustered by {self.unit}"
        if self.errors == "two-way clustered":
            return f"two-way clustered by {self.unit} and {self.time}"
        if self.errors == "driscoll-kraay":
            lags = "1 lag" if self.bandwidth == 1 else f"{self.bandwidth} lags"
            return f"Driscoll-Kraay, Bartlett kernel, {lags}"
        return self.errors

    @property
    def convention_label(self) -> str:
        """The small-sample convention with its formula."""
        return describe(self.convention, self.errors)

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
