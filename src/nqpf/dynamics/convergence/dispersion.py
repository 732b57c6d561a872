"""Sigma convergence: dispersion by year, its trend and a test of first against last year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.dynamics.convergence._sample import levels, years_of
from nqpf.errors import EstimationError, SampleError

__all__ = ["SigmaResult", "sigma"]

_LEAST_YEARS = 3
_LEAST_UNITS = 4


@dataclass(frozen=True)
class SigmaResult:
    """Dispersion by year, its trend and a test of first against last year.

    Attributes
    ----------
    by_year : DataFrame by year
        ``n`` units, ``sd_log`` the standard deviation of logs, ``cv`` the
        coefficient of variation of levels (both with n - 1).
    trend, trend_se, trend_pvalue : float
        Change of ``sd_log`` per year by least squares, with Newey-West errors
        and t(T - 2).
    first, last : int
        Years of the test.
    ratio : float
        Variance of logs in `last` over that in `first`.
    statistic, df, pvalue : float, int, float
        Test of equal variances of one set of units in two years, t(n - 2).
    notes : tuple of str
    """

    by_year: pd.DataFrame
    trend: float
    trend_se: float
    trend_pvalue: float
    first: int
    last: int
    ratio: float
    statistic: float
    df: int
    pvalue: float
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return dispersion by year."""
        return self.by_year.copy()

    def _repr_html_(self) -> str:
        return self.by_year.to_html(float_format="{:.3f}".format)


def sigma(scores: pd.Series) -> SigmaResult:
    r"""Measure the dispersion of a measure by year and test whether it falls.

    The trend is a description of T figures. The test compares the variances
    of logs in the first and last year, which are of the same provinces and
    therefore correlated: with D = x - y and S = x + y the variances are equal
    if D and S are uncorrelated, so that r sqrt(n - 2) / sqrt(1 - r^2) is t(n - 2)
    (Pitman 1939). Carree and Klomp's (1997) likelihood ratio for sigma
    convergence rests on the same 1 - r^2.

    Parameters
    ----------
    scores : Series indexed (province, year)
        Positive levels.

    Returns
    -------
    SigmaResult

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.DataError
        If the sample has under three years, under four units in both the
        first and the last, a missing figure, or a level that is not positive.
    nqpf.errors.EstimationError
        If a year has no dispersion.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(5), range(2019, 2023)], names=["unit", "year"])
    >>> start = np.repeat([-2.0, -1, 0, 1.2, 2], 4)
    >>> shrinking = np.tile([1.0, 0.9, 0.81, 0.73], 5) + 0.01 * np.sin(np.arange(20) ** 2)
    >>> result = sigma(pd.Series(np.exp(start * shrinking), index=keys))
    >>> round(result.ratio, 3), result.trend < 0
    (0.539, True)
    """
    data = levels(scores)
    years = years_of(data, _LEAST_YEARS, "a trend of dispersion")
    logs = np.log(data).unstack(1)
    by_year = pd.DataFrame(
        {"n": logs.count(), "sd_log": logs.std(), "cv": data.groupby(level=1).agg(_variation)}
    )
    flat = by_year.index[~(by_year["sd_log"] > 1e-12)]
    if len(flat):
        raise EstimationError("a year has no dispersion", where={"year": int(flat[0])})
    pair = logs[[years[0], years[-1]]].dropna()
    if len(pair) < _LEAST_UNITS:
        raise SampleError(
            f"{len(pair)} unit(s) in both {years[0]} and {years[-1]}",
            expected=f"{_LEAST_UNITS} or more",
        )
    trend = _trend(by_year["sd_log"])
    ratio, statistic, pvalue = _equal_variances(pair.to_numpy())
    notes = ()
    if logs.isna().to_numpy().any():
        changed = by_year.index[by_year["n"] < len(logs)]
        shown = ", ".join(str(year) for year in changed)
        notes = (f"not every unit is measured in {shown}: dispersion follows who is measured",)
    return SigmaResult(
        by_year, *trend, years[0], years[-1], ratio, statistic, len(pair) - 2, pvalue, notes
    )


def _variation(values: pd.Series) -> float:
    return float(values.std() / values.mean())


def _trend(dispersion: pd.Series) -> tuple[float, float, float]:
    """Return slope per year, its Newey-West error and p value."""
    import statsmodels.api as sm

    lags = int(4 * (len(dispersion) / 100) ** (2 / 9))
    years = dispersion.index.to_numpy(dtype=float)
    fit = sm.OLS(dispersion.to_numpy(), sm.add_constant(years - years.mean())).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    return float(fit.params[1]), float(fit.bse[1]), float(fit.pvalues[1])


def _equal_variances(pair: np.ndarray) -> tuple[float, float, float]:
    """Return variance ratio, t statistic (positive when dispersion grew) and p value."""
    from scipy import stats

    first, last = pair.T
    r = float(np.corrcoef(last - first, last + first)[0, 1])
    df = len(pair) - 2
    rest = 1 - r**2  # zero where one year is an exact multiple of the other
    statistic = r * np.sqrt(df / rest) if rest > 0 else np.copysign(np.inf, r)
    ratio = float(last.var() / first.var())
    return ratio, float(statistic), float(2 * stats.t.sf(abs(statistic), df))
