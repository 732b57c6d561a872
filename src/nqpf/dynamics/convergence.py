"""Convergence of provinces: dispersion, growth from low levels, clubs."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress.ols import _Regression, fixed_effects
from nqpf.sample import _check_positive, _check_regressors, by_key, place

__all__ = [
    "BetaResult",
    "DESIGNS",
    "SPATIAL",
    "SigmaResult",
    "SpatialFit",
    "beta",
    "fit_spatial",
    "half_life",
    "joined_weights",
    "levels",
    "nickell_bias",
    "sigma",
    "speed",
    "without_nickell_bias",
    "years_of",
]


def speed(coefficient: float, std_error: float, years: int) -> tuple[float, float]:
    r"""Return the yearly speed -ln(1 + T b) / T and its delta-method error.

    `b` is the coefficient of *average* yearly growth over T years on the
    initial log level (Barro and Sala-i-Martin 1992); a gap then shrinks by
    the factor 1 + T b in T years. Not a number if 1 + T b is not positive.

    Examples
    --------
    >>> [round(x, 5) for x in speed(-0.02, 0.004, 10)]
    [0.02231, 0.005]
    """
    left = 1 + years * coefficient
    if left <= 0:
        return float("nan"), float("nan")
    return float(-np.log(left) / years), float(std_error / left)


def half_life(rate: float, std_error: float) -> tuple[float, float]:
    """Return ln 2 / speed in years and its delta-method error; infinite without convergence.

    Examples
    --------
    >>> [round(x, 2) for x in half_life(0.02, 0.005)]
    [34.66, 8.66]
    """
    if np.isnan(rate):
        return float("nan"), float("nan")
    if rate <= 0:
        return float("inf"), float("nan")
    return float(np.log(2) / rate), float(np.log(2) / rate**2 * std_error)


def nickell_bias(rho: float, periods: int) -> float:
    """Return the asymptotic bias of rho in a panel with unit effects, for many units.

    Nickell (1981), equation 18, for y_t = a_i + rho y_{t-1} + e_t estimated
    within units on `periods` values of y_t; at rho = 1 its limit, -3 / (T + 1).

    Examples
    --------
    >>> round(nickell_bias(0.5, 9), 3), round(nickell_bias(1.0, 9), 3)
    (-0.181, -0.3)
    """
    if abs(1 - rho) < 1e-4:  # the formula cancels there
        return -3 / (periods + 1)
    share = 1 - (1 - rho**periods) / (periods * (1 - rho))
    top = -(1 + rho) / (periods - 1) * share
    return top / (1 - 2 * rho / ((1 - rho) * (periods - 1)) * share)


def without_nickell_bias(estimate: float, periods: int) -> float:
    """Return the rho below 1 whose within estimate tends to `estimate`; NaN if there is none.

    Examples
    --------
    >>> round(without_nickell_bias(0.5 + nickell_bias(0.5, 9), 9), 6)
    0.5
    >>> without_nickell_bias(0.75, 9)
    nan
    """
    from scipy.optimize import brentq

    def gap(rho: float) -> float:
        return rho + nickell_bias(rho, periods) - estimate

    if gap(1.0) <= 0 or gap(-0.99) >= 0:
        return float("nan")
    return float(brentq(gap, -0.99, 1.0, xtol=1e-12))


@dataclass(frozen=True)
class BetaResult:
    """Estimate of beta convergence, with its speed and half-life.

    Attributes
    ----------
    design : {"cross-section", "panel"}
    spatial : {"lag", "error"} or None
    errors : str
        Kind of standard errors.
    coefficient, std_error, pvalue, lower, upper : float
        Coefficient of the initial log level, negative under convergence, and
        its 95 % interval.
    years : int
        Length of a growth period: the span of the sample, or 1 in a panel.
    speed, speed_se : float
        Part of a gap that closes per year, and its delta-method error.
    half_life, half_life_se : float
        Years until half of a gap has closed.
    nobs, units : int
    params : DataFrame
        Every coefficient with error and p value.
    rho, rho_se, rho_pvalue : float
        Spatial coefficient; NaN without one.
    total, total_se : float
        b / (1 - rho) of a spatial lag: the coefficient once growth has gone
        round the neighbours; NaN otherwise.
    likelihood_ratio, likelihood_ratio_pvalue : float
        Test of the spatial model against least squares, chi2(1).
    nickell : float
        Bias of the coefficient that the number of years alone brings about,
        were there no convergence; NaN for a cross-section.
    corrected : float
        Coefficient without Nickell's bias; NaN for a cross-section, with
        controls, or if no stationary process fits the estimate.
    regression : _Regression or None
    notes : tuple of str
    """

    design: str
    spatial: str | None
    errors: str
    coefficient: float
    std_error: float
    pvalue: float
    lower: float
    upper: float
    years: int
    speed: float
    speed_se: float
    half_life: float
    half_life_se: float
    nobs: int
    units: int
    params: pd.DataFrame
    rho: float = float("nan")
    rho_se: float = float("nan")
    rho_pvalue: float = float("nan")
    total: float = float("nan")
    total_se: float = float("nan")
    likelihood_ratio: float = float("nan")
    likelihood_ratio_pvalue: float = float("nan")
    nickell: float = float("nan")
    corrected: float = float("nan")
    regression: _Regression | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the estimate as one row."""
        shown = ["coefficient", "std_error", "pvalue", "lower", "upper", "speed", "half_life"]
        row = {name: getattr(self, name) for name in (*shown, "nobs")}
        return pd.DataFrame([row], index=pd.Index([self.design], name="design"))

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)


SPATIAL = ("lag", "error")


@dataclass(frozen=True)
class SpatialFit:
    """What a spatial growth regression found; the last parameter is the spatial one."""

    params: pd.DataFrame
    total: float
    total_se: float
    likelihood_ratio: float
    likelihood_ratio_pvalue: float


def fit_spatial(data: pd.DataFrame, weights: pd.DataFrame, spatial: str) -> SpatialFit:
    """Estimate ``growth`` on the other columns of `data`.

    Parameters
    ----------
    data : DataFrame indexed (unit, time), one row per unit
        ``growth`` first, then the initial level, then controls.
    weights : DataFrame (n, n)
        Row-standardised, in the order of `data`.
    spatial : {"lag", "error"}

    Raises
    ------
    nqpf.errors.EstimationError
        If a regressor is constant or collinear.
    """
    from libpysal.weights.util import full2W
    from scipy import stats
    from spreg import ML_Error, ML_Lag

    _check_regressors(data.drop(columns="growth"), None, None)
    y, x = data[["growth"]].to_numpy(), data.drop(columns="growth").to_numpy()
    joined = full2W(weights.to_numpy(), ids=list(weights.index))
    # spreg prints the name of the model.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # spreg hands its bounded search a tolerance of another name, which scipy remarks on.
        warnings.filterwarnings("ignore", message="Method 'bounded'", category=RuntimeWarning)
        if spatial == "lag":
            fit = ML_Lag(y, x, joined, spat_impacts=None, spat_diag=False)
        else:
            fit = ML_Error(y, x, joined)
    estimates = np.asarray(fit.betas, dtype=float).ravel()
    cov = np.asarray(fit.vm, dtype=float)[: len(estimates), : len(estimates)]
    spread = np.sqrt(np.diag(cov))
    names = ["const", *data.columns.drop("growth"), "rho" if spatial == "lag" else "lambda"]
    params = pd.DataFrame(
        {
            "coefficient": estimates,
            "std_error": spread,
            "pvalue": 2 * stats.norm.sf(np.abs(estimates / spread)),
        },
        index=names,
    )
    ratio = 2 * (float(fit.logll) - _least_squares_loglik(y, x))
    total = _total(estimates[1], estimates[-1], cov[np.ix_([1, -1], [1, -1])])
    if spatial == "error":
        total = (float("nan"), float("nan"))
    return SpatialFit(params, *total, ratio, float(stats.chi2.sf(max(ratio, 0.0), 1)))


def _least_squares_loglik(y: np.ndarray, x: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(y)), x])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    n = len(y)
    return float(-n / 2 * (np.log(2 * np.pi * (residuals**2).sum() / n) + 1))


def _total(b: float, rho: float, cov: np.ndarray) -> tuple[float, float]:
    """Return b / (1 - rho), the row sum of b (I - rho W)^-1, and its delta-method error."""
    gradient = np.array([1 / (1 - rho), b / (1 - rho) ** 2])
    return float(b / (1 - rho)), float(np.sqrt(gradient @ cov @ gradient))


def levels(scores: pd.Series, what: str = "the measure") -> pd.Series:
    """Return positive levels as floats, indexed (unit, year) and sorted.

    Parameters
    ----------
    scores : Series indexed (unit, year)
        Levels, not logarithms.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not (unit, year), a key is doubled or a figure is missing.
    nqpf.errors.DataError
        If a level is zero or negative, so that it has no logarithm.
    """
    if not isinstance(scores, pd.Series) or scores.index.nlevels != 2:
        raise SampleError(
            f"{what} is not a series by unit and year",
            expected="a Series indexed (province, year), such as Index.scores",
        )
    unit, time = scores.index.names[0] or "unit", scores.index.names[1] or "year"
    named = scores.rename("level").rename_axis([unit, time])
    data = by_key(named.to_frame(), ["level"], unit, time, what)["level"]
    _check_positive(data, what, "levels above zero; take exp of a log measure, and shift no index")
    return data.rename(scores.name)


def years_of(data: pd.Series, least: int, purpose: str) -> list[int]:
    """Return the years of a sample; raise SampleError if there are fewer than `least`."""
    years = data.index.unique(1)
    if not np.issubdtype(years.dtype, np.integer):
        raise SampleError("times are not whole years", expected="integers")
    if len(years) < least:
        raise SampleError(f"{len(years)} year(s)", expected=f"{least} years or more for {purpose}")
    return sorted(int(year) for year in years)


def joined_weights(weights: pd.DataFrame, units: Sequence[object]) -> pd.DataFrame:
    """Return row-standardised spatial weights in the order of `units`, joined by key.

    Parameters
    ----------
    weights : DataFrame (n, n), or nqpf.space.Weights
        Row and column labels are the units, in any order.
    units : sequence
        The units of the sample.

    Raises
    ------
    nqpf.errors.SampleError
        If the units of rows, columns and sample are not the same, or one has no neighbour.
    nqpf.errors.DataError
        If a weight is negative or not finite, a unit neighbours itself or rows do not add up to 1.

    Examples
    --------
    >>> w = pd.DataFrame([[1, 0], [0, 1.0]], index=[2, 1], columns=[1, 2])
    >>> joined_weights(w, [1, 2]).index.tolist()
    [1, 2]
    """
    weights = getattr(weights, "matrix", weights)
    if not isinstance(weights, pd.DataFrame):
        raise MethodError(
            "weights without labels", expected="a DataFrame with the units as rows and columns"
        )
    wanted = pd.Index(units)
    for side, labels in (("rows", weights.index), ("columns", weights.columns)):
        if labels.has_duplicates:
            raise SampleError(f"{side} of the weights name {labels[labels.duplicated()][0]} twice")
        for own, other, where in ((wanted, labels, "weights"), (labels, wanted, "sample")):
            absent = own.difference(other)
            if len(absent):
                raise SampleError(
                    f"a unit is not in the {where} ({side})",
                    where=place((absent[0],), ("province",)),
                    expected="the same units in sample and weights",
                    hint="restrict both to the same units and standardise the rows again",
                )
    matrix = weights.loc[wanted, wanted].astype(float)
    _check_values(matrix)
    return matrix


def _check_values(matrix: pd.DataFrame) -> None:
    values = matrix.to_numpy()
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        raise DataError(
            "a weight is negative or not finite",
            where=place((matrix.index[row],), ("province",)),
            expected="weights of zero or more",
        )
    own = np.flatnonzero(np.diag(values) != 0)
    if len(own):
        raise DataError(
            "a unit is its own neighbour",
            where=place((matrix.index[own[0]],), ("province",)),
            expected="zeros on the diagonal",
        )
    sums = values.sum(axis=1)
    alone = np.flatnonzero(sums == 0)
    if len(alone):
        raise SampleError(
            "a unit has no neighbour",
            where=place((matrix.index[alone[0]],), ("province",)),
            expected="one neighbour or more",
            hint="link it (Hainan and Guangdong face each other) or leave it out",
        )
    off = np.flatnonzero(np.abs(sums - 1) > 1e-8)
    if len(off):
        raise DataError(
            f"weights of a row add up to {sums[off[0]]:g}",
            where=place((matrix.index[off[0]],), ("province",)),
            expected="row-standardised weights that add up to 1",
        )


DESIGNS = ("cross-section", "panel")
INITIAL = "initial level"
_CROSS_ERRORS = ("unadjusted", "robust")


def beta(
    scores: pd.Series,
    controls: pd.DataFrame | None = None,
    design: str = "cross-section",
    spatial: str | None = None,
    weights: pd.DataFrame | None = None,
    errors: str | None = None,
    vintage: str = "",
) -> BetaResult:
    r"""Estimate absolute or conditional beta convergence.

    Cross-section (Barro and Sala-i-Martin 1992): average yearly growth of the
    log level between the first and the last year on the log level of the
    first, with controls of the first year. Panel (Islam 1995): growth from
    year to year on the log level of the year before, with effects of
    provinces and years, and controls of the year before.

    Parameters
    ----------
    scores : Series indexed (province, year)
        Positive levels; exp of a log measure.
    controls : DataFrame indexed (province, year) or None
        One column per control: convergence is then conditional on them.
    design : {"cross-section", "panel"}
    spatial : {"lag", "error"} or None
        Spatial lag of growth or spatial error, by maximum likelihood
        (spreg); cross-section only.
    weights : DataFrame (n, n) or None
        Row-standardised weights labelled by province, joined by key.
    errors : str or None
        ``"unadjusted"`` (default) or ``"robust"`` in a cross-section, any kind
        of :func:`nqpf.regress.fixed_effects` (``"clustered"``) in a panel.
    vintage : str
        Vintage of the data, carried to the regression's table.

    Returns
    -------
    BetaResult

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown, or weights and `spatial` do not go together.
    nqpf.errors.SampleError, nqpf.errors.DataError
        If a level is not positive, a figure is missing, there are too few
        years or units, or weights and sample name different provinces.
    nqpf.errors.EstimationError
        If a control is collinear or the estimate does not exist.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(6), [2012, 2022]], names=["unit", "year"])
    >>> start = np.array([-2.0, -1.5, -1.2, -0.9, -0.4, -0.1])
    >>> end = 0.8 * start + 1 + np.array([0.01, -0.01, 0, 0.02, -0.02, 0])
    >>> result = beta(pd.Series(np.exp(np.c_[start, end].ravel()), index=keys))
    >>> round(result.coefficient, 4), round(result.speed, 4), round(result.half_life, 1)
    (-0.0206, 0.0231, 30.0)
    """
    choose("design", design, DESIGNS)
    errors = errors or ("unadjusted" if design == "cross-section" else "clustered")
    _check_options(design, spatial, weights, errors)
    logs = np.log(levels(scores))
    if design == "panel":
        return _panel(logs, controls, errors, vintage)
    sample, span, notes = _cross_section(logs, controls)
    if spatial is None:
        return _by_least_squares(sample, span, errors, vintage, notes)
    return _by_likelihood(sample, span, spatial, weights, notes)


def _check_options(
    design: str, spatial: str | None, weights: pd.DataFrame | None, errors: str
) -> None:
    if spatial is not None:
        choose("spatial", spatial, SPATIAL)
    if (spatial is None) != (weights is None):
        raise MethodError(
            "spatial weights without a spatial form" if spatial is None else "no spatial weights",
            expected="both `spatial` and `weights`, or neither",
        )
    if design == "cross-section":
        choose("errors", errors, _CROSS_ERRORS)
    if spatial is not None and design == "panel":
        raise MethodError(
            "a spatial panel of growth",
            expected="design='cross-section'",
            hint="nqpf.space estimates spatial panels",
        )
    if spatial is not None and errors != "unadjusted":
        raise MethodError(
            f"{errors} errors of a spatial model", expected="'unadjusted', from the likelihood"
        )


def _keyed_controls(controls: pd.DataFrame | None, names: list[str]) -> pd.DataFrame | None:
    if controls is None:
        return None
    if INITIAL in controls or not len(controls.columns):
        raise MethodError(f"controls named {list(controls.columns)}", expected="names of their own")
    return by_key(controls, list(controls.columns), *names, "the table of controls")


def _cross_section(
    logs: pd.Series, controls: pd.DataFrame | None
) -> tuple[pd.DataFrame, int, tuple[str, ...]]:
    """Return growth, initial level and controls by unit, the span in years, and notes."""
    years = years_of(logs, 2, "growth")
    wide = logs.unstack(1)
    pair = wide[[years[0], years[-1]]].dropna()
    span = years[-1] - years[0]
    sample = pd.DataFrame({"growth": pair[years[-1]] - pair[years[0]], INITIAL: pair[years[0]]})
    sample["growth"] /= span
    sample = sample.set_index(
        pd.Index([years[0]] * len(sample), name=logs.index.names[1]), append=True
    )
    known = _keyed_controls(controls, list(logs.index.names))
    if known is not None:
        absent = sample.index.difference(known.index)
        if len(absent):
            raise SampleError(
                "controls of the first year are absent",
                where=place(absent[0], sample.index.names),
                expected="a row of controls for every unit in the first year",
            )
        sample = sample.join(known)
    left = wide.index.difference(pair.index)
    notes = ()
    if len(left):
        notes = (f"without a figure in {years[0]} or {years[-1]}, left out: {_names(left)}",)
    needed = len(sample.columns) + 3
    if len(sample) < needed:
        raise SampleError(f"{len(sample)} units with growth", expected=f"{needed} or more")
    return sample, span, notes


def _names(units: pd.Index) -> str:
    return ", ".join(str(place((unit,), ("unit",))["unit"]) for unit in units)


def _by_least_squares(
    sample: pd.DataFrame, span: int, errors: str, vintage: str, notes: tuple[str, ...]
) -> BetaResult:
    fit = fixed_effects(
        sample,
        "growth",
        [name for name in sample.columns if name != "growth"],
        *sample.index.names,
        effects="pooled",
        errors=errors,
        vintage=vintage,
    )
    return _from_regression(fit, "cross-section", span, notes)


def _from_regression(
    fit: _Regression, design: str, span: int, notes: tuple[str, ...], **more: float
) -> BetaResult:
    row = fit.to_frame().loc[INITIAL]
    rate = speed(row["coefficient"], row["std_error"], span)
    life = half_life(*rate)
    if np.isnan(rate[0]):
        notes = (*notes, "gaps change sign within the period: there is no speed of convergence")
    return BetaResult(
        design,
        None,
        fit.errors,
        *(float(row[name]) for name in ("coefficient", "std_error", "pvalue", "lower", "upper")),
        span,
        *rate,
        *life,
        nobs=fit.nobs,
        units=fit.groups,
        params=fit.to_frame(),
        regression=fit,
        notes=notes,
        **more,
    )


def _panel(logs: pd.Series, controls: pd.DataFrame | None, errors: str, vintage: str) -> BetaResult:
    years_of(logs, 4, "a panel of growth")
    unit, time = logs.index.names
    known = _keyed_controls(controls, [unit, time])
    before = logs.rename(INITIAL).to_frame()
    if known is not None:
        before = before.join(known)
    before = before.reset_index()
    before[time] += 1  # a row of the year before, under the key of the year it explains
    sample = before.set_index([unit, time]).join(logs.rename("growth"), how="inner")
    sample["growth"] -= sample[INITIAL]
    fit = fixed_effects(
        sample,
        "growth",
        [name for name in sample.columns if name != "growth"],
        unit,
        time,
        errors=errors,
        vintage=vintage,
    )
    each = sample.groupby(level=0).size()
    periods = round(each.mean())
    bias = nickell_bias(1.0, periods)
    corrected = float("nan")
    notes = (
        f"within {periods} years the coefficient tends to {bias:.3f} even if nothing converges "
        "(Nickell 1981)",
    )
    if each.nunique() > 1:
        notes = (*notes, "units have different numbers of years; the bias is for their mean")
    if known is None:
        corrected = without_nickell_bias(1 + float(fit.params[INITIAL]), periods) - 1
        if np.isnan(corrected):
            notes = (*notes, "no stationary process fits the estimate: it shows no convergence")
    return _from_regression(fit, "panel", 1, notes, nickell=bias, corrected=corrected)


def _by_likelihood(
    sample: pd.DataFrame, span: int, spatial: str, weights: pd.DataFrame, notes: tuple[str, ...]
) -> BetaResult:
    units = list(sample.index.get_level_values(0))
    fit = fit_spatial(sample, joined_weights(weights, units), spatial)
    row = fit.params.loc[INITIAL]
    rate = speed(row["coefficient"], row["std_error"], span)
    reach = 1.959963984540054 * row["std_error"]
    return BetaResult(
        "cross-section",
        spatial,
        "maximum likelihood",
        *(float(row[name]) for name in ("coefficient", "std_error", "pvalue")),
        float(row["coefficient"] - reach),
        float(row["coefficient"] + reach),
        span,
        *rate,
        *half_life(*rate),
        nobs=len(sample),
        units=len(sample),
        params=fit.params,
        rho=float(fit.params["coefficient"].iloc[-1]),
        rho_se=float(fit.params["std_error"].iloc[-1]),
        rho_pvalue=float(fit.params["pvalue"].iloc[-1]),
        total=fit.total,
        total_se=fit.total_se,
        likelihood_ratio=fit.likelihood_ratio,
        likelihood_ratio_pvalue=fit.likelihood_ratio_pvalue,
        notes=notes,
    )


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
