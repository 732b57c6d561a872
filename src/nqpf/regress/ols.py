"""Linear regressions with unit and year effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import by_key, check_regressors, check_singletons, demean, nearest

__all__ = [
    "CONVENTIONS",
    "Covariance",
    "DEFAULT",
    "EFFECTS",
    "ERRORS",
    "PANEL_ERRORS",
    "RegressionResult",
    "SampleSize",
    "TRENDS",
    "check_names",
    "cluster_sums",
    "covariance",
    "default_bandwidth",
    "describe",
    "factors",
    "first_differences",
    "fixed_effects",
    "lagged",
    "lead_placebo",
    "scaling",
    "shift",
    "wald",
]

DEFAULT = "nested"
PANEL_ERRORS = ("clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay")
CONVENTIONS = {
    "nested": "effects nested in the clusters not counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "all": "every effect counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "linearmodels": "as that package by default, N/(N-K), t(N-K)",
    "none": "no small-sample factor, normal distribution",
}
_UNCLUSTERED = "every effect counted, N/(N-K), t(N-K)"
_OTHERS = {
    ("nested", "two-way clustered"): "effects nested in a clustering not counted, "
    "M/(M-1) (N-1)/(N-K), t(M-1), M the smaller number of clusters",
    ("all", "two-way clustered"): "every effect counted, G/(G-1) (N-1)/(N-K) with the G of each "
    "clustering, t(M-1), M the smaller number of clusters",
    ("nested", "driscoll-kraay"): "unit effects not counted, T/(T-1) (N-1)/(N-K), t(T-1)",
    ("all", "driscoll-kraay"): "every effect counted, T/(T-1) (N-1)/(N-K), t(T-1)",
    **{
        (name, errors): _UNCLUSTERED
        for name in ("nested", "all")
        for errors in ("robust", "unadjusted")
    },
}


@dataclass(frozen=True)
class SampleSize:
    """What a convention counts.

    Attributes
    ----------
    nobs, regressors, groups, periods : int
        Rows, slopes (without constant), units, years.
    unit_effects, time_effects : bool
        Which effects the regression has; with neither it has a constant.
    constant : bool
        False for a regression with neither effects nor a constant.
    """

    nobs: int
    regressors: int
    groups: int
    periods: int
    unit_effects: bool
    time_effects: bool
    constant: bool = True

    @property
    def slopes(self) -> int:
        """Slopes and constant; a constant is part of any effects."""
        return self.regressors + self.constant

    @property
    def all_parameters(self) -> int:
        """Slopes, constant and every effect."""
        return self.outside_units + (self.groups - 1) * self.unit_effects

    @property
    def outside_units(self) -> int:
        """Slopes, constant and the effects that are not nested in unit clusters."""
        return self.slopes + (self.periods - 1) * self.time_effects


def scaling(convention: str, clustered: bool, size: SampleSize) -> tuple[float, int | None]:
    """Return the factor on the plain covariance and the degrees of freedom of t.

    Parameters
    ----------
    convention : str
        A name of :data:`CONVENTIONS`.
    clustered : bool
        Errors are clustered by unit.
    size : SampleSize

    Returns
    -------
    factor : float
    df : int or None
        None stands for the normal distribution.

    Raises
    ------
    nqpf.errors.MethodError
        If the name is unknown.
    nqpf.errors.EstimationError
        If no degree of freedom is left, or there are fewer than two clusters.

    Examples
    --------
    >>> size = SampleSize(341, 2, 31, 11, True, True)
    >>> for name in ("nested", "all"):
    ...     print(name, round(scaling(name, True, size)[0], 4))
    nested 1.0711
    all 1.179
    """
    (factor, *_), df = factors(convention, "clustered" if clustered else "robust", size)
    return factor, df


def factors(convention: str, errors: str, size: SampleSize) -> tuple[tuple[float, ...], int | None]:
    """Return the factors on the plain covariances and the degrees of freedom of t.

    Parameters
    ----------
    convention : str
        A name of :data:`CONVENTIONS`.
    errors : str
        A name of :data:`PANEL_ERRORS`.
    size : SampleSize

    Returns
    -------
    factors : tuple of float
        One; for two-way clustered errors three: by unit, by year, by both.
    df : int or None
        None stands for the normal distribution.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.EstimationError
        As :func:`scaling`.

    Examples
    --------
    >>> size = SampleSize(341, 2, 31, 11, True, True)
    >>> [round(f, 4) for f in factors("all", "two-way clustered", size)[0]]
    [1.179, 1.255, 1.1443]
    """
    _check(convention, errors, size)
    two_way = errors == "two-way clustered"
    if convention == "none":
        return (1.0,) * (3 if two_way else 1), None
    n, smaller = size.nobs, min(size.groups, size.periods)
    if convention == "linearmodels" or errors in ("robust", "unadjusted"):
        counted = _counted_by_linearmodels(errors, size)
        return (n / (n - counted),) * (3 if two_way else 1), n - size.all_parameters
    if two_way and convention == "nested":
        return (_correction(smaller, n, size.slopes),) * 3, smaller - 1
    if two_way:
        clusters = (size.groups, size.periods, n)
        return tuple(_correction(g, n, size.all_parameters) for g in clusters), smaller - 1
    clusters = size.periods if errors == "driscoll-kraay" else size.groups
    counted = size.outside_units if convention == "nested" else size.all_parameters
    return (_correction(clusters, n, counted),), clusters - 1


def _correction(clusters: int, nobs: int, counted: int) -> float:
    return clusters / (clusters - 1) * (nobs - 1) / (nobs - counted)


def _counted_by_linearmodels(errors: str, size: SampleSize) -> int:
    """Return K: unit effects alone that are nested in clusters by unit are not counted."""
    nested = errors == "clustered" and size.unit_effects and not size.time_effects
    return size.regressors if nested else size.all_parameters


def _check(convention: str, errors: str, size: SampleSize) -> None:
    for value, known, what in (
        (convention, CONVENTIONS, "convention"),
        (errors, PANEL_ERRORS, "errors"),
    ):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    needed = {
        "clustered": [size.groups],
        "two-way clustered": [size.groups, size.periods],
        "driscoll-kraay": [size.periods],
    }.get(errors, [])
    if needed and min(needed) < 2:
        raise EstimationError(
            f"{min(needed)} cluster is too few for {errors} errors", expected="two or more"
        )
    if size.nobs <= size.all_parameters:
        raise EstimationError(
            f"{size.nobs} rows leave no degree of freedom for {size.all_parameters} parameters",
            hint="use fewer regressors or effects, or more rows",
        )


def describe(convention: str, errors: str | bool) -> str:
    """Return a convention's name and formula in one line, for a table's notes.

    Parameters
    ----------
    convention : str
    errors : str or bool
        Name of the errors, or whether they are clustered by unit.
    """
    if isinstance(errors, bool):
        errors = "clustered" if errors else "robust"
    return f"{convention}: {_OTHERS.get((convention, errors), CONVENTIONS[convention])}"


@dataclass(frozen=True)
class Covariance:
    """A covariance and what was done to it.

    Attributes
    ----------
    matrix : (k, k) array
    df : int or None
        Degrees of freedom of t; None for the normal distribution.
    bandwidth : int or None
        Lags of Driscoll-Kraay errors.
    notes : tuple of str
    """

    matrix: np.ndarray
    df: int | None
    bandwidth: int | None = None
    notes: tuple[str, ...] = ()


def covariance(
    x: np.ndarray,
    residuals: np.ndarray,
    unit: np.ndarray,
    time: np.ndarray,
    errors: str,
    convention: str,
    size: SampleSize,
    bandwidth: int | None = None,
    names: Sequence[str] = (),
) -> Covariance:
    """Return the covariance of least-squares coefficients.

    Parameters
    ----------
    x : (N, k) array
        Regressors after effects are removed, of full rank.
    residuals : (N,) array
    unit : (N,) integer codes
    time : (N,) array
        Years. Lags of whole numbers are counted by calendar, so that a missing
        year is a gap; lags of any other times are counted by their order.
    errors, convention : str
        Names of :mod:`nqpf.regress.ols`.
    size : SampleSize
    bandwidth : int or None
        Lags of Driscoll-Kraay errors; :func:`default_bandwidth` by default.
    names : sequence of str
        Names of the regressors, for messages.

    Returns
    -------
    Covariance

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or `bandwidth` does not fit.
    nqpf.errors.EstimationError
        If there are too few rows or clusters, or a two-way variance is negative.
    """
    scales, df = factors(convention, errors, size)
    if bandwidth is not None and errors != "driscoll-kraay":
        raise MethodError(f"a bandwidth for {errors} errors", expected="errors='driscoll-kraay'")
    # Columns of unit length: raw money beside shares would spoil the inverse.
    length = np.linalg.norm(x, axis=0)
    unit_length = x / length
    bread = np.linalg.inv(unit_length.T @ unit_length)
    scores = unit_length * residuals[:, None]
    notes: tuple[str, ...] = ()
    if errors == "unadjusted":
        matrix = bread * (scales[0] * (residuals @ residuals) / len(x))
    elif errors == "two-way clustered":
        parts = [_sandwich(bread, cluster_sums(scores, codes)) for codes in (unit, time)]
        parts.append(_sandwich(bread, scores))
        matrix, notes = _two_way([f * part for f, part in zip(scales, parts, strict=True)], names)
    elif errors == "driscoll-kraay":
        bandwidth = _check_bandwidth(bandwidth, len(np.unique(time)))
        matrix = scales[0] * bread @ _kernel(scores, time, bandwidth) @ bread
    else:
        sums = scores if errors == "robust" else cluster_sums(scores, unit)
        matrix = scales[0] * _sandwich(bread, sums)
    return Covariance((matrix + matrix.T) / 2 / np.outer(length, length), df, bandwidth, notes)


def cluster_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the sums of rows by cluster.

    Parameters
    ----------
    values : (N, k) array
    codes : (N,) array

    Returns
    -------
    (G, k) array
        Clusters in ascending order.

    Examples
    --------
    >>> cluster_sums(np.array([[1.0], [2.0], [4.0]]), np.array([7, 3, 7])).ravel()
    array([2., 5.])
    """
    order = np.argsort(codes, kind="stable")
    placed = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], placed[1:] != placed[:-1]]))
    return np.add.reduceat(values[order], starts, axis=0)


def _sandwich(bread: np.ndarray, sums: np.ndarray) -> np.ndarray:
    half = sums @ bread
    return half.T @ half


def _two_way(parts: list[np.ndarray], names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return V_unit + V_year - V_both, made positive semi-definite if it is not."""
    total = parts[0] + parts[1]
    matrix = total - parts[2]
    values, vectors = np.linalg.eigh(matrix)
    negative = int((values < -1e-12 * np.abs(values).max()).sum())
    if not negative:
        return matrix, ()
    repaired = (vectors * np.maximum(values, 0)) @ vectors.T
    lost = np.flatnonzero(np.diag(repaired) <= 1e-10 * np.diag(total))
    if len(lost):
        name = names[lost[0]] if len(names) else f"number {lost[0] + 1}"
        raise EstimationError(
            f"the two-way clustered variance of {name!r} is not positive",
            expected="enough units and years for clustering by both",
            hint="cluster by unit, or use Driscoll-Kraay errors",
        )
    plural = "s were" if negative > 1 else " was"
    return repaired, (
        f"The two-way clustered covariance was not positive semi-definite: {negative} negative "
        f"eigenvalue{plural} set to zero (Cameron, Gelbach and Miller 2011), regressors in "
        "units of their own spread.",
    )


def default_bandwidth(periods: int) -> int:
    """Return the lags that Hoechle (2007) and linearmodels take, 4 (T/100)^(2/9), floored.

    Examples
    --------
    >>> default_bandwidth(11), default_bandwidth(100)
    (2, 4)
    """
    return min(int(np.floor(4 * (periods / 100) ** (2 / 9))), periods - 1)


def _check_bandwidth(bandwidth: int | None, periods: int) -> int:
    if bandwidth is None:
        return default_bandwidth(periods)
    if not isinstance(bandwidth, int | np.integer) or not 0 <= bandwidth < periods:
        raise MethodError(
            f"bandwidth {bandwidth!r}", expected=f"a whole number of lags from 0 to {periods - 1}"
        )
    return int(bandwidth)


def _kernel(scores: np.ndarray, time: np.ndarray, bandwidth: int) -> np.ndarray:
    sums = cluster_sums(scores, time)
    years = np.unique(time)
    if not np.issubdtype(years.dtype, np.number) or (years % 1 != 0).any():
        years = np.arange(len(years))
    meat = sums.T @ sums
    for lag in range(1, bandwidth + 1):
        _, now, before = np.intersect1d(years, years + lag, return_indices=True)
        product = sums[now].T @ sums[before]
        meat += (1 - lag / (bandwidth + 1)) * (product + product.T)
    return meat


def wald(
    restrictions: np.ndarray, params: np.ndarray, matrix: np.ndarray, df: int | None
) -> tuple[float, int, float, str]:
    """Test that linear combinations of coefficients are all zero.

    Parameters
    ----------
    restrictions : (q, k) array
    params : (k,) array
    matrix : (k, k) array
        Covariance of the coefficients.
    df : int or None
        Degrees of freedom of t; None for the normal distribution.

    Returns
    -------
    statistic : float
        F with (q, df) degrees of freedom, or chi-square with q if `df` is None.
    q : int
    pvalue : float
    distribution : str
        Name and degrees of freedom of the distribution under the null.

    Raises
    ------
    nqpf.errors.EstimationError
        If the combinations have no covariance of full rank, as with more
        restrictions than clusters.

    Examples
    --------
    >>> wald(np.eye(1), np.array([2.0]), np.eye(1), None)[3]
    'chi-square(1)'
    """
    from scipy import stats

    difference = restrictions @ params
    spread = restrictions @ matrix @ restrictions.T
    scale = np.sqrt(np.diag(spread))
    q = len(difference)
    if not (scale > 0).all() or np.linalg.matrix_rank(spread / np.outer(scale, scale)) < q:
        raise EstimationError(
            f"the covariance of {q} tested combinations is singular",
            expected="more clusters than restrictions",
            hint="test fewer coefficients, or use robust errors",
        )
    standard = difference / scale
    chi = float(standard @ np.linalg.solve(spread / np.outer(scale, scale), standard))
    if df is None:
        return chi, q, float(stats.chi2.sf(chi, q)), f"chi-square({q})"
    return chi / q, q, float(stats.f.sf(chi / q, q, df)), f"F({q}, {df})"


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
        `bandwidth` years; see :mod:`nqpf.regress.ols`.
    convention : {"nested", "all", "linearmodels", "none"}
        Small-sample convention, see :mod:`nqpf.regress.ols`.
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


TRENDS = ("none", "constant", "time")
_EFFECTS = {"none": "none", "constant": "pooled", "time": "time"}


def first_differences(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    trend: str = "time",
    errors: str = "clustered",
    convention: str = DEFAULT,
    vintage: str = "",
    bandwidth: int | None = None,
) -> RegressionResult:
    """Regress the change of `outcome` since the year before on the change of `regressors`.

    Differencing removes unit effects. A row whose unit has no row of the year before has no
    difference: nothing is differenced across a gap.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, errors, convention, vintage, bandwidth
        As for :func:`nqpf.regress.fixed_effects`; `time` in whole years.
    trend : {"time", "constant", "none"}
        What is common to all units: year effects, as in two-way fixed effects; one constant
        (R's plm); or nothing (linearmodels, and Stata's ``regress D.y D.x, noconstant``).

    Returns
    -------
    RegressionResult
        Rows, periods and R2 are those of the differences; R2 without a trend is about zero,
        otherwise about the means. The notes say how many rows have no difference.

    Raises
    ------
    nqpf.errors.SampleError
        If times are not whole years, or no two years are adjacent.
    nqpf.errors.DataError, nqpf.errors.MethodError, nqpf.errors.EstimationError
        As :func:`nqpf.regress.fixed_effects`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> fit = first_differences(frame, "y", "x")
    >>> float(fit.params["x"].round(3)), fit.nobs
    (2.0, 6)
    """
    names = check_request(outcome, regressors, errors)
    check_option("trend", trend, TRENDS)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    change = (data - shift(data, 1)).dropna()
    if change.empty:
        raise SampleError(
            f"no {unit} has rows of two adjacent {time}s", expected="two adjacent years or more"
        )
    fit = least_squares(change, outcome, names, _EFFECTS[trend], errors, convention, bandwidth)
    parts = vars(fit)
    parts["notes"] = (_note(data, change, unit, time), *fit.notes)
    return RegressionResult(
        outcome=outcome,
        effects="differenced + time" if trend == "time" else "differenced",
        errors=errors,
        convention=convention,
        unit=unit,
        time=time,
        vintage=vintage,
        estimator="first differences",
        **parts,
    )


def shift(data: pd.DataFrame, periods: int) -> pd.DataFrame:
    """Return each row's values of `periods` years before, by key and never by position.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
        Sorted, without doubled keys, times in whole years.
    periods : int
        Years back; negative for years ahead.

    Returns
    -------
    DataFrame
        On the index of `data`; missing where the unit has no row of that year.

    Raises
    ------
    nqpf.errors.SampleError
        If times are not whole years.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_tuples([(1, 2020), (1, 2021), (1, 2023)],
    ...                                  names=["province", "year"])
    >>> shift(pd.DataFrame({"x": [5.0, 6.0, 8.0]}, keys), 1)["x"].tolist()
    [nan, 5.0, nan]
    """
    unit, time = (data.index.get_level_values(level) for level in (0, 1))
    years = time.to_numpy()
    if not np.issubdtype(years.dtype, np.number) or (years % 1 != 0).any():
        raise SampleError(
            f"{data.index.names[1]} {years[0]!r} and others are not whole years",
            expected="whole numbers, so that the year before is known",
        )
    sought = pd.MultiIndex.from_arrays([unit, years - periods], names=data.index.names)
    return data.reindex(sought).set_axis(data.index)


def _note(data: pd.DataFrame, change: pd.DataFrame, unit: str, time: str) -> str:
    first = data.index.get_level_values(0).nunique()
    gaps = len(data) - len(change) - first
    text = f"First differences between adjacent {time}s: {len(change)} of {len(data)} rows"
    if gaps:
        return f"{text}; {first} first rows of a {unit} and {gaps} after a gap have none."
    return f"{text}; the first row of each {unit} has none."


def lagged(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    lag: Sequence[str] | str | None = None,
    periods: int = 1,
    unit: str = "province",
    time: str = "year",
    **options: object,
) -> RegressionResult:
    """Regress `outcome` on regressors of `periods` years before.

    Parameters
    ----------
    frame, outcome, regressors, unit, time
        As for :func:`nqpf.regress.fixed_effects`.
    lag : sequence of str or None
        Regressors to replace by their lag; all by default.
    periods : int
        Years back, 1 or more. Values are found by unit and year, and are needed only where
        the shifted regression uses them: a row that lacks the value of that year, or another
        figure of its own, is left out, and the notes say how many.
    **options
        Passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    RegressionResult
        Lagged regressors are named ``x (t-1)``.

    Raises
    ------
    nqpf.errors.MethodError
        If `periods` is not 1 or more, or `lag` names no regressor.
    nqpf.errors.SampleError
        If no row has a lag.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022, 2023]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 6.0]}, index=keys)
    >>> frame["y"] = 2 * frame.groupby("province")["x"].shift(1).fillna(0)
    >>> fit = lagged(frame, "y", "x")
    >>> fit.params.round(6).to_dict(), fit.nobs
    ({'x (t-1)': 2.0}, 9)
    """
    names = check_request(outcome, regressors, "clustered")
    chosen = names if lag is None else [lag] if isinstance(lag, str) else list(lag)
    check_names(chosen, names, "lag")
    _check_periods(periods)
    data = _read(frame, [outcome, *names], unit, time)
    past = shift(data[chosen], periods)
    label = {name: f"{name} (t-{periods})" for name in chosen}
    moved = data.assign(**{name: past[name] for name in chosen}).rename(columns=label)
    kept = _complete(moved, past, unit, f"{periods} {time}(s) before")
    fit = fixed_effects(
        kept, outcome, [label.get(n, n) for n in names], unit=unit, time=time, **options
    )
    return _with_note(fit, f"{', '.join(chosen)} of {periods} {time}(s) before", data, kept)


def lead_placebo(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    periods: int = 1,
    unit: str = "province",
    time: str = "year",
    **options: object,
) -> RegressionResult:
    """Add the value of a regressor `periods` years ahead: its coefficient should be zero.

    What happens next year cannot cause this year's outcome. A lead that matters speaks for a
    common trend, anticipation or reverse causation, unless the regressor is persistent and the
    outcome slow; one that does not is no proof of the opposite.

    Parameters
    ----------
    frame, outcome, regressors, unit, time
        As for :func:`nqpf.regress.fixed_effects`.
    variable : str or None
        Regressor to lead; the first by default.
    periods : int
        Years ahead, 1 or more, found by unit and year as in :func:`lagged`.
    **options
        Passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    RegressionResult
        The lead is named ``x (t+1)``.

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`lagged`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022, 2023]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 6.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"]
    >>> abs(lead_placebo(frame, "y", "x").params.round(6)).to_dict()
    {'x': 2.0, 'x (t+1)': 0.0}
    """
    names = check_request(outcome, regressors, "clustered")
    variable = names[0] if variable is None else variable
    check_names([variable], names, "variable")
    _check_periods(periods)
    data = _read(frame, [outcome, *names], unit, time)
    ahead = shift(data[[variable]], -periods)
    label = f"{variable} (t+{periods})"
    kept = _complete(
        data.assign(**{label: ahead[variable]}), ahead, unit, f"{periods} {time}(s) ahead"
    )
    fit = fixed_effects(kept, outcome, [*names, label], unit=unit, time=time, **options)
    return _with_note(fit, f"{variable} of {periods} {time}(s) ahead", data, kept)


def check_names(chosen: list[str], names: list[str], what: str) -> None:
    """Raise MethodError unless every chosen name is a regressor."""
    if not chosen:
        raise MethodError(f"no {what}", expected="one regressor or more")
    for name in chosen:
        if name not in names:
            raise MethodError(
                f"{what} {name!r} is not among the regressors",
                expected=" or ".join(map(repr, names)),
                hint=nearest(name, names),
            )


def _check_periods(periods: int) -> None:
    whole = isinstance(periods, int | np.integer) and not isinstance(periods, bool)
    if not whole or periods < 1:
        raise MethodError(f"periods {periods!r}", expected="a whole number of years, 1 or more")


def _read(frame: pd.DataFrame, names: list[str], unit: str, time: str) -> pd.DataFrame:
    """Return the variables by key, each with the rows that have it: gaps are left for later."""
    columns = [
        by_key(
            frame.dropna(subset=[name]) if name in frame else frame, [name], unit, time, "the frame"
        )
        for name in dict.fromkeys(names)
    ]
    return pd.concat(columns, axis=1).sort_index()


def _complete(moved: pd.DataFrame, values: pd.DataFrame, unit: str, which: str) -> pd.DataFrame:
    if not values.notna().all(axis=1).any():
        raise SampleError(f"no {unit} has a row {which}", expected="a longer panel")
    kept = moved.dropna()
    if kept.empty:
        raise SampleError(
            f"no row has both its own figures and those {which}", expected="a longer panel"
        )
    return kept


def _with_note(
    fit: RegressionResult, what: str, data: pd.DataFrame, kept: pd.DataFrame
) -> RegressionResult:
    short = data.isna().any(axis=None)
    have = "it and every figure beside it" if short else "it"
    note = f"With {what}: {len(kept)} of {len(data)} rows have {have}; none is taken across a gap."
    return replace(fit, notes=(note, *fit.notes))
