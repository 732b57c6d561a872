"""Linear regressions with unit and year effects, through linearmodels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from nqpf.checks import between, choose
from nqpf.errors import EstimationError
from nqpf.regress.table import RegressionTable
from nqpf.sample import _EFFECTS, PanelSample, _years

_DEFAULT = "nested"
_ERRORS = ("clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay")
_SIZE = 0.05  # of the verdict that a test prints, and of a bootstrap interval
_SIMPLE = _ERRORS[:3]  # what every estimator of this room offers
_CONVENTIONS = {
    "nested": "effects nested in the clusters not counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "all": "every effect counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "linearmodels": "as that package by default, N/(N-K), t(N-K)",
    "none": "no small-sample factor, normal distribution",
}
_OTHERS = {
    ("nested", "two-way clustered"): "effects nested in a clustering not counted, "
    "M/(M-1) (N-1)/(N-K), t(M-1), M the smaller number of clusters",
    ("all", "two-way clustered"): "every effect counted, G/(G-1) (N-1)/(N-K) with the G of each "
    "clustering, t(M-1), M the smaller number of clusters",
    ("nested", "driscoll-kraay"): "unit effects not counted, T/(T-1) (N-1)/(N-K), t(T-1)",
    ("all", "driscoll-kraay"): "every effect counted, T/(T-1) (N-1)/(N-K), t(T-1)",
}


def _scaling(
    convention: str, errors: str, sample: PanelSample, regressors: int
) -> tuple[float, int | None]:
    """Return the factor on linearmodels' plain covariance, and the degrees of freedom of t.

    None stands for the normal distribution; `regressors` do not count the constant. For two-way
    clusters under ``all`` the covariance has linearmodels' own correction of each clustering, see
    `_fitted`.
    """
    choose("convention", convention, _CONVENTIONS)
    n, groups, periods = sample.nobs, sample.units, sample.times
    unit_effects, time_effects = _EFFECTS[sample.effects]
    slopes = regressors + 1  # a constant is part of any effects
    outside = slopes + (periods - 1) * time_effects
    every = outside + (groups - 1) * unit_effects
    sizes = {"clustered": groups, "driscoll-kraay": periods}
    clusters = (sizes | {"two-way clustered": min(groups, periods)}).get(errors)
    if clusters is not None and clusters < 2:
        problem = f"{clusters} cluster is too few for {errors} errors"
        raise EstimationError(problem, expected="two or more")
    if n <= every:
        problem = f"{n} rows leave no degree of freedom for {every} parameters"
        raise EstimationError(problem, hint="use fewer regressors or effects, or more rows")
    if convention == "none":
        return 1.0, None
    if convention == "linearmodels" or clusters is None:
        nested = errors == "clustered" and unit_effects and not time_effects
        return n / (n - (regressors if nested else every)), n - every
    if errors == "two-way clustered":
        if convention == "all":
            return n / (n - every), clusters - 1
        outside = slopes
    counted = outside if convention == "nested" else every
    return clusters / (clusters - 1) * (n - 1) / (n - counted), clusters - 1


def _lags(periods: int) -> int:
    """Return the lags that Hoechle (2007) and linearmodels take, 4 (T/100)^(2/9), floored."""
    return min(int(4 * (periods / 100) ** (2 / 9)), periods - 1)


@dataclass(frozen=True)
class _HypothesisTest:
    """A test statistic under its null; printed, it says whether 5 % rejects the null.

    Attributes
    ----------
    null : str
        What is tested.
    statistic : float
    distribution : str
        Reference distribution with its degrees of freedom, for example ``"F(2, 423)"``.
    pvalue : float

    Examples
    --------
    >>> print(_HypothesisTest.of("slopes are zero", 3.8, 1))
    chi2(1) = 3.8, p = 0.0513; null hypothesis: slopes are zero; not rejected at 5%
    >>> _HypothesisTest.of("slopes are zero", 8.0, 2, 30).statistic
    4.0
    """

    null: str
    statistic: float
    distribution: str
    pvalue: float

    @classmethod
    def of(cls, null: str, wald: float, df: int, residual: int | None = None) -> _HypothesisTest:
        """Return a chi-squared statistic or, with `residual`, its F form."""
        from scipy import stats

        if residual is None:
            return cls(null, float(wald), f"chi2({df})", float(stats.chi2.sf(wald, df)))
        pvalue = float(stats.f.sf(wald / df, df, residual))
        return cls(null, float(wald / df), f"F({df}, {residual})", pvalue)

    def __str__(self) -> str:
        verdict = "rejected" if self.pvalue < _SIZE else "not rejected"
        return (
            f"{self.distribution} = {self.statistic:.4g}, p = {self.pvalue:.4f}; "
            f"null hypothesis: {self.null}; {verdict} at {_SIZE:.0%}"
        )


@cache
def _law(df: int | None) -> Any:
    """Return the normal distribution or t; kept, as making one costs scipy a millisecond."""
    from scipy import stats

    return stats.norm() if df is None else stats.t(df)


@dataclass(frozen=True)
class _Regression:
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
        As given to the function that estimated it; ``effects`` is
        ``"differenced"`` where they are not fixed, with ``" + time"`` if year
        effects stand beside them. Errors of a kind of their own are told in words.
    unit, time : str
        Names of the key.
    vintage : str
        Vintage of the data, as stated by the caller.
    estimator : str
        Name of the estimator.
    notes : tuple of str
        What a reader must know beside the figures; a table prints it.
    diagnostics : namespace or None
        Tests that belong to the estimator, see the function that estimated it.
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
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    diagnostics: Any = field(default=None, kw_only=True)

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
        lags = _lags(self.periods)
        words = {
            "clustered": f"clustered by {self.unit}",
            "two-way clustered": f"two-way clustered by {self.unit} and {self.time}",
            "driscoll-kraay": f"Driscoll-Kraay, Bartlett kernel, {lags} lag{'s' * (lags > 1)}",
        }
        return words.get(self.errors, self.errors)

    @property
    def convention_label(self) -> str:
        """The small-sample convention with its formula."""
        text = _OTHERS.get((self.convention, self.errors), _CONVENTIONS[self.convention])
        if self.convention in ("nested", "all") and self.errors in ("robust", "unadjusted"):
            text = "every effect counted, N/(N-K), t(N-K)"
        return f"{self.convention}: {text}"

    def _distribution(self) -> Any:
        return _law(self.df)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Return confidence intervals, columns ``lower`` and ``upper``.

        Raises
        ------
        nqpf.errors.MethodError
            If `level` is not between 0 and 1.
        """
        between("level", level, 0, 1, open_ends=True)
        reach = self._distribution().ppf(0.5 + level / 2) * self.std_errors.to_numpy()
        ends = self.params.to_numpy()[:, None] + np.outer(reach, [-1, 1])
        return pd.DataFrame(ends, self.params.index, ["lower", "upper"])

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return coefficients, standard errors, t, p and intervals, one row per regressor."""
        columns = [self.params.rename("coefficient"), self.std_errors, self.tstats, self.pvalues]
        return pd.concat([*columns, self.conf_int(level)], axis=1)

    def _repr_html_(self) -> str:
        return RegressionTable({self.outcome: self}).to_html()

    def wald(self, names: Sequence[str], equal: bool = False) -> _HypothesisTest:
        """Test that coefficients are all zero or, with `equal`, the same.

        Returns
        -------
        _HypothesisTest
            ``statistic``, F with (q, df) degrees of freedom or chi-square with q if `df` is None,
            its ``distribution`` in words and ``pvalue``.

        Raises
        ------
        nqpf.errors.EstimationError
            If the combinations have no covariance of full rank, as with more
            restrictions than clusters.
        """
        names = list(names)
        params, cov = self.params[names].to_numpy(), self.cov.loc[names, names].to_numpy()
        if equal:
            less_first = np.column_stack([-np.ones(len(names) - 1), np.eye(len(names) - 1)])
            params, cov = less_first @ params, less_first @ cov @ less_first.T
        q, scale = len(params), np.sqrt(np.diag(cov))
        standard = cov / np.outer(scale, scale) if (scale > 0).all() else np.zeros_like(cov)
        if np.linalg.matrix_rank(standard) < q:
            problem = f"the covariance of {q} tested combinations is singular"
            hint = "test fewer coefficients, or use robust errors"
            raise EstimationError(problem, expected="more clusters than restrictions", hint=hint)
        chi = float(params / scale @ np.linalg.solve(standard, params / scale))
        null = "the coefficients are the same" if equal else "the coefficients are zero"
        return _HypothesisTest.of(null, chi, q, self.df)


def fixed_effects(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    errors: str = "clustered",
    convention: str = _DEFAULT,
    vintage: str = "",
) -> _Regression:
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
    effects : {"two-way", "unit", "time", "pooled", "differenced"}
        Fixed effects; ``"pooled"`` has a constant and none, ``"differenced"`` removes those of
        units by first differences and keeps those of years.
    errors : {"clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay"}
        Clustered by `unit`, heteroskedasticity-robust, homoskedastic, clustered
        by `unit` and by `time`, or robust to correlation across units and, over
        4 (T/100)^(2/9) years, floored, in time.
    convention : {"nested", "all", "linearmodels", "none"}
        Small-sample convention, see Notes.
    vintage : str
        Vintage of the data, carried to the table.

    Returns
    -------
    _Regression
        With ``params``, ``std_errors``, ``pvalues``, ``conf_int()``, ``to_frame()`` and
        ``wald()``. A table prints it, see :class:`nqpf.regress.RegressionTable`.

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, a unit or year with an effect of its own has
        one row, nothing can be differenced, or years for Driscoll-Kraay errors are not whole.
    nqpf.errors.MethodError
        If an option is unknown.
    nqpf.errors.EstimationError
        If a regressor is constant, absorbed or collinear, the outcome does not
        vary, there are too few rows or clusters, or a two-way variance is negative.

    Notes
    -----
    Effects are removed first, exactly; linearmodels fits what is left.

    Packages report clustered errors of one two-way regression that differ by up to 9 % at
    31 x 11, because they count effects and clusters differently. Coefficients and the plain
    sandwich are linearmodels'; a named convention scales it: ``nested`` (Stata's reghdfe and
    xtreg, R's fixest), ``all`` (every effect counted), ``linearmodels`` or ``none``. The result
    states the formula, and a table prints it.

    For two-way clusters ``nested`` takes the smaller number of clusters M, as fixest, ``all``
    the number of each clustering, as Petersen's cluster2; both use t(M-1). Driscoll-Kraay errors
    take T/(T-1) (N-1)/(N-K) with t(T-1), as Stata's xtscc, and count lags by the calendar. A
    two-way covariance that is not positive semi-definite is set to the nearest that is, with
    regressors in units of their own spread, and the notes say so (Cameron, Gelbach and Miller
    2011).

    Differences are taken by the calendar, never by position: a row whose unit has no row of the
    year before has none, and the notes count such rows. N therefore differs from packages that
    shift rows by the number of gaps.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> fit = fixed_effects(frame, "y", ["x"])
    >>> round(float(fit.params["x"]), 3), fit.df
    (2.0, 2)
    >>> fixed_effects(frame, "y", ["x"], effects="differenced").nobs
    6
    """
    choose("effects", effects, [*_EFFECTS, "differenced"])
    about = {"errors": errors, "convention": convention, "vintage": vintage}
    if effects != "differenced":
        sample = PanelSample.read(frame, outcome, regressors, effects, unit, time)
        return _estimate(sample, effects=effects, **about)
    sample = PanelSample.read(frame, outcome, regressors, "time", unit, time)
    before = sample.shifted(sample.data.columns, 1)
    change = PanelSample(sample.data.loc[before.index] - before, "time")
    about |= {"effects": "differenced + time", "estimator": "first differences"}
    gaps = sample.nobs - change.nobs - sample.units
    without = f"the first row of each {unit} has none."
    if gaps:
        without = f"{sample.units} first rows of a {unit} and {gaps} after a gap have none."
    note = f"First differences between adjacent {time}s: {change.nobs} of {sample.nobs} rows; "
    return _estimate(change, notes=(note + without,), **about)


def _estimate(
    sample: PanelSample, errors: str, convention: str, notes: tuple[str, ...] = (), **about: Any
) -> _Regression:
    """Estimate on a sample that was read; `about` goes into the result."""
    choose("errors", errors, _ERRORS)
    # raises before a singular fit would
    factor, df = _scaling(convention, errors, sample, len(sample.regressors))
    if not sample.check().data[sample.outcome].std() > 0:
        raise EstimationError(f"outcome {sample.outcome!r} does not vary")
    within, spread = _scaled(sample)
    names = list(within.columns[1:])
    fit = _fitted(sample, within, [names, [], []], errors, convention == "all")
    matrix, left = fit.cov.to_numpy(), within[names].to_numpy()
    if errors == "driscoll-kraay":
        matrix = _driscoll_kraay(sample, left, fit.resids.to_numpy())
    elif errors == "two-way clustered":
        matrix, repaired = _semi_definite(matrix, left, names)
        notes = (*notes, *repaired)
    about |= {"errors": errors, "convention": convention, "df": df, "notes": notes}
    return _reported(sample, fit, pd.DataFrame(factor * matrix, names, names), spread, **about)


def _scaled(sample: PanelSample) -> tuple[pd.DataFrame, pd.Series]:
    """Return variables of unit variance without the effects, and the units they are in.

    The numerical rank of raw money and raw shares would be wrong. A constant stands last where
    there are no effects.
    """
    data, spread = sample.data, sample.data.std().replace(0.0, 1.0)
    if sample.effects == "pooled":
        return (data / spread).assign(const=1.0), pd.Series({**spread, "const": 1.0})
    values = sample.less(((data - data.mean()) / spread).to_numpy())
    return pd.DataFrame(values, data.index, data.columns), spread


def _fitted(
    sample: PanelSample, within: pd.DataFrame, parts: Sequence[list], errors: str, by_group: bool
) -> Any:
    """Return linearmodels' fit of scaled variables, its covariance without any factor.

    `parts` name the exogenous regressors, the endogenous ones and the instruments. Two-way
    clusters have, with `by_group`, G/(G-1) (N-1)/N of each clustering. Driscoll-Kraay errors are
    not its: it counts lags by the order of the years, not by the calendar.
    """
    from linearmodels.iv import IV2SLS

    both = np.column_stack([sample.unit, sample.time])
    clusters = {"clustered": sample.unit, "two-way clustered": both}.get(errors)
    options: dict[str, Any] = {"cov_type": "robust" if errors == "robust" else "unadjusted"}
    if clusters is not None:
        options = {"cov_type": "clustered", "clusters": clusters}
    if errors == "two-way clustered" and by_group:
        # No coefficient is counted here: the convention does it.
        options |= {"debiased": True, "extra_df": -len(parts[0])}
    columns = [within[names] if names else None for names in parts]
    return IV2SLS(within[sample.outcome], *columns).fit(**options)


def _reported(
    sample: PanelSample, fit: Any, cov: pd.DataFrame, spread: pd.Series, **about: Any
) -> _Regression:
    """Return a result in the units of the data, of a fit and a covariance in those of `spread`."""
    index, names, outcome = sample.data.index, cov.index, sample.outcome
    back = spread[outcome] / spread[names]
    residuals = pd.Series(fit.resids.to_numpy() * spread[outcome], index, name="residual")
    return _Regression(
        outcome=outcome,
        params=(fit.params[names] * back).rename("coefficient"),
        cov=cov * np.outer(back, back),
        **_counted(residuals),
        **{"rsquared_within": float(fit.rsquared)} | about,
    )


def _counted(residuals: pd.Series) -> dict[str, Any]:
    """Return residuals with what their keys say: rows, groups, periods and the names of both."""
    index = residuals.index
    sizes = {"groups": index.unique(0).size, "periods": index.unique(1).size}
    names = {"unit": index.names[0], "time": index.names[1]}
    return {"residuals": residuals, "nobs": len(index)} | sizes | names


def _driscoll_kraay(sample: PanelSample, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Return the plain covariance of Driscoll and Kraay with Bartlett weights."""
    sums = pd.DataFrame(x * rest[:, None]).groupby(sample.time).sum().to_numpy()
    years = _years(sample.data.index, "the sample").unique().sort_values().to_numpy()
    apart = np.abs(np.subtract.outer(years, years))
    meat = sums.T @ np.maximum(0, 1 - apart / (_lags(len(years)) + 1)) @ sums
    bread = np.linalg.inv(x.T @ x)
    return bread @ meat @ bread


def _semi_definite(
    matrix: np.ndarray, x: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a two-way covariance without negative eigenvalues, and a note where it had some."""
    # In units of the regressors' own spread: money in yuan or in billions gives one answer.
    length = np.linalg.norm(x, axis=0)
    values, vectors = np.linalg.eigh(matrix * np.outer(length, length))
    negative = int((values < -1e-12 * np.abs(values).max()).sum())
    if not negative:
        return matrix, ()
    repaired = (vectors * np.maximum(values, 0)) @ vectors.T
    lost = np.flatnonzero(np.diag(repaired) <= 1e-10 * np.abs(values).max())
    if len(lost):
        problem = f"the two-way clustered variance of {names[lost[0]]!r} is not positive"
        expected = "enough units and years for clustering by both"
        hint = "cluster by unit, or use Driscoll-Kraay errors"
        raise EstimationError(problem, expected=expected, hint=hint)
    plural = "s were" if negative > 1 else " was"
    return repaired / np.outer(length, length), (
        f"The two-way clustered covariance was not positive semi-definite: {negative} negative "
        f"eigenvalue{plural} set to zero (Cameron, Gelbach and Miller 2011), regressors in "
        "units of their own spread.",
    )
