"""Convergence of provinces: dispersion, growth from low levels, and clubs.

Clubs follow the clustering algorithm of Phillips and Sul (2007, 2009).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from itertools import count, takewhile
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from nqpf.checks import between, choose, distinct
from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress.ols import fixed_effects
from nqpf.sample import PanelSample, _balanced, _by_key, _check_gaps, _check_positive, _place
from nqpf.space.weights import _Weights, align

_GROWTH, _INITIAL = "growth", "initial level"
_NAN = float("nan")


def _read(scores: pd.Series, least: int = 2) -> pd.Series:
    """Return figures as floats, indexed (unit, year) and sorted, of `least` years or more."""
    if not isinstance(scores, pd.Series) or scores.index.nlevels != 2:
        expected = "a Series indexed (province, year), such as Index.scores"
        raise SampleError("the measure is not a series by unit and year", expected=expected)
    unit, time = scores.index.names[0] or "unit", scores.index.names[1] or "year"
    frame = scores.rename("value").rename_axis([unit, time]).to_frame()
    data = _by_key(frame, ["value"], unit, time, "the measure")["value"]
    years = data.index.unique(1)
    if not np.issubdtype(years.dtype, np.integer):
        raise SampleError("times are not whole years", expected="integers")
    if len(years) < least:
        raise SampleError(f"{len(years)} year(s)", expected=f"{least} years or more")
    return data


def _levels(scores: pd.Series, least: int = 2) -> pd.Series:
    """Return the same, refused where a figure has no logarithm."""
    data = _read(scores, least)
    wanted = "levels above zero; take exp of a log measure, and shift no index"
    _check_positive(data, "the measure", wanted)
    return data


def _neighbours(weights: object, frame: pd.DataFrame) -> _Weights:
    """Return weights in the order of the units of `frame`, refused unless rows add up to one."""
    joined = align(weights, frame)
    sums = joined.matrix.sum(axis=1)
    off = sums[(sums - 1).abs() > 1e-8]
    if len(off):
        problem = f"weights of a row add up to {off.iloc[0]:g}"
        where = _place(off.index[:1], ("province",))
        expected = "1, so that they give a mean of the neighbours"
        hint = "take row_standardised(), and link an island as contiguity(hainan=True) does"
        raise DataError(problem, where=where, expected=expected, hint=hint)
    return joined


@dataclass(frozen=True)
class _Beta:
    """Estimate of beta convergence, with its speed and half-life.

    Attributes
    ----------
    coefficient, std_error, pvalue, lower, upper : float
        Coefficient of the initial log level, negative under convergence, and
        its 95 % interval.
    years : int
        Length of a growth period: the span of the sample, or 1 in a panel.
    nobs : int
    params : DataFrame
        Every coefficient with error and p value.
    notes : tuple of str
    rho, likelihood_ratio, likelihood_ratio_pvalue : float
        Spatial coefficient, and the test of the spatial model against least squares, chi2(1);
        NaN without one.
    nickell : float
        Bias of the coefficient that the number of years alone brings about,
        were there no convergence; NaN for a cross-section.
    corrected : float
        Coefficient without Nickell's bias; NaN for a cross-section, with
        controls, or if no stationary process fits the estimate.
    """

    coefficient: float
    std_error: float
    pvalue: float
    lower: float
    upper: float
    years: int
    nobs: int
    params: pd.DataFrame
    notes: tuple[str, ...]
    rho: float = _NAN
    likelihood_ratio: float = _NAN
    likelihood_ratio_pvalue: float = _NAN
    nickell: float = _NAN
    corrected: float = _NAN

    @property
    def speed(self) -> float:
        """Part of a gap that closes per year, -ln(1 + T b) / T; NaN if gaps change sign."""
        left = 1 + self.years * self.coefficient
        return float(-np.log(left) / self.years) if left > 0 else _NAN

    @property
    def half_life(self) -> float:
        """Years until half of a gap has closed, ln 2 / speed; infinite without convergence."""
        return float("inf") if self.speed <= 0 else float(np.log(2) / self.speed)

    @property
    def half_life_se(self) -> float:
        """Delta-method error of the half-life; NaN without convergence."""
        error = self.std_error / (1 + self.years * self.coefficient)
        return float(np.log(2) / self.speed**2 * error) if self.speed > 0 else _NAN


def beta(
    scores: pd.Series,
    controls: pd.DataFrame | None = None,
    design: str = "cross-section",
    spatial: str | None = None,
    weights: object = None,
    errors: str | None = None,
) -> _Beta:
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
    weights : spatial weights, DataFrame (n, n) or None
        Row-standardised, labelled by province on both axes and joined by key.
    errors : str or None
        ``"unadjusted"`` (default) or ``"robust"`` in a cross-section, any kind
        of :func:`nqpf.regress.fixed_effects` (``"clustered"``) in a panel; those of the
        likelihood in a spatial model.

    Returns
    -------
    estimate
        With ``coefficient``, ``std_error``, ``pvalue``, ``lower``, ``upper``, ``speed``,
        ``half_life``, ``half_life_se``, ``params`` and ``notes``; ``nickell`` and ``corrected``
        of a panel; ``rho`` and ``likelihood_ratio`` of a spatial model.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown, or options do not go together.
    nqpf.errors.SampleError, nqpf.errors.DataError
        If a level is not positive, a figure is missing, there are too few
        years or units, weights and sample name different provinces, or weights
        are not row-standardised.
    nqpf.errors.EstimationError
        If a control is collinear or the estimate does not exist.

    Notes
    -----
    Plain errors are the default of the cross-section because in simulated ones of 31 provinces
    their 95 % intervals cover better (94.0 %) than those of HC1 (91.3 %), unless the size of the
    errors follows the initial level (85.9 against 90.8 %). With a spatial lag intervals of the
    coefficient cover 94.3 %, those of rho 91.0 %, as maximum likelihood is off by -0.05 with so
    few provinces (``benchmarks/bench_convergence.py``).

    A panel with effects of provinces is biased towards convergence: with T values per province
    its coefficient tends to -3 / (T + 1) if nothing converges, the limit of equation 18 of
    Nickell (1981). ``corrected`` inverts that equation; print no panel's speed without it.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(6), [2012, 2022]], names=["unit", "year"])
    >>> start = np.array([-2.0, -1.5, -1.2, -0.9, -0.4, -0.1])
    >>> end = 0.8 * start + 1 + np.array([0.01, -0.01, 0, 0.02, -0.02, 0])
    >>> result = beta(pd.Series(np.exp(np.c_[start, end].ravel()), index=keys))
    >>> round(result.coefficient, 4), round(result.speed, 4), round(result.half_life, 1)
    (-0.0206, 0.0231, 30.0)
    """
    choose("design", design, ("cross-section", "panel"))
    if (spatial is None) != (weights is None):
        problem = "no spatial weights" if weights is None else "spatial weights without a form"
        raise MethodError(problem, expected="both `spatial` and `weights`, or neither")
    if spatial is not None:
        choose("spatial", spatial, ("lag", "error"))
        if design == "panel" or errors is not None:
            problem = "a spatial model of a panel or with other errors"
            expected = "design='cross-section' and errors of the likelihood"
            hint = "nqpf.space estimates spatial panels"
            raise MethodError(problem, expected=expected, hint=hint)
    logs = np.log(_levels(scores, 4 if design == "panel" else 2)).rename(_INITIAL)
    if controls is not None:
        distinct("controls, growth and initial level", [*controls, _GROWTH, _INITIAL])
        controls = _by_key(controls, list(controls), *logs.index.names, "the table of controls")
    if design == "panel":
        return _panel(logs, controls, errors or "clustered")
    sample, span, notes = _cross_section(logs, controls)
    errors = errors or "unadjusted"
    choose("errors", errors, ("unadjusted", "robust"))
    names = [list(sample.columns[1:]), *sample.index.names]
    plain = fixed_effects(sample, _GROWTH, *names, effects="pooled", errors=errors)
    if spatial is None:
        return _result(plain.to_frame(), span, plain.nobs, notes)
    table, loglik = _by_likelihood(sample, _neighbours(weights, sample), spatial)
    variance = float((plain.residuals**2).mean())
    ratio = 2 * loglik + plain.nobs * (np.log(2 * np.pi * variance) + 1)
    more = {"rho": float(table["coefficient"].iloc[-1]), "likelihood_ratio": float(ratio)}
    more["likelihood_ratio_pvalue"] = float(stats.chi2.sf(max(ratio, 0.0), 1))
    return _result(table, span, plain.nobs, notes, **more)


def _by_likelihood(data: pd.DataFrame, near: _Weights, spatial: str) -> tuple[pd.DataFrame, float]:
    """Return estimates of spreg, the last of them the spatial one, and the log likelihood."""
    import spreg

    y, x, joined = data[[_GROWTH]].to_numpy(), data.iloc[:, 1:].to_numpy(), near.to_pysal()
    # spreg prints the name of the model.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # spreg hands its bounded search a tolerance of another name, which scipy remarks on.
        warnings.filterwarnings("ignore", message="Method 'bounded'", category=RuntimeWarning)
        if spatial == "lag":
            fit = spreg.ML_Lag(y, x, joined, spat_impacts=None, spat_diag=False)
        else:
            fit = spreg.ML_Error(y, x, joined)
    names = ["const", *data.columns[1:], "rho" if spatial == "lag" else "lambda"]
    table = pd.DataFrame({"coefficient": np.ravel(fit.betas)}, names, dtype=float)
    table["std_error"] = error = np.sqrt(np.diag(fit.vm))[: len(names)]
    table["pvalue"] = 2 * stats.norm.sf(np.abs(table["coefficient"] / error))
    table["lower"], table["upper"] = stats.norm.interval(0.95, table["coefficient"], error)
    return table, float(fit.logll)


def _result(
    table: pd.DataFrame, years: int, nobs: int, notes: tuple[str, ...], **more: float
) -> _Beta:
    row = table.loc[_INITIAL, ["coefficient", "std_error", "pvalue", "lower", "upper"]]
    if 1 + years * row["coefficient"] <= 0:
        notes += ("gaps change sign within the period: there is no speed of convergence",)
    return _Beta(*map(float, row), years, nobs, table, notes, **more)


def _cross_section(
    logs: pd.Series, controls: pd.DataFrame | None
) -> tuple[pd.DataFrame, int, tuple[str, ...]]:
    """Return growth, initial level and controls by unit, the span in years, and notes."""
    wide = logs.unstack()
    first, last = int(wide.columns[0]), int(wide.columns[-1])
    pair = wide[[first, last]].dropna()
    columns = {_GROWTH: (pair[last] - pair[first]) / (last - first), _INITIAL: pair[first]}
    sample = pd.concat({first: pd.DataFrame(columns)}, names=[logs.index.names[1]]).swaplevel()
    left, notes = wide.index.difference(pair.index), ()
    if len(left):
        names = ", ".join(str(_place((unit,), ("unit",))["unit"]) for unit in left)
        notes = (f"without a figure in {first} or {last}, left out: {names}",)
    return sample if controls is None else sample.join(controls), last - first, notes


def _panel(logs: pd.Series, controls: pd.DataFrame | None, errors: str) -> _Beta:
    table = logs.to_frame() if controls is None else logs.to_frame().join(controls)
    before = PanelSample(table).shifted(list(table), 1)
    sample = before.assign(**{_GROWTH: logs.loc[before.index] - before[_INITIAL]})
    fit = fixed_effects(sample, _GROWTH, list(table), *sample.index.names, errors=errors)
    each = sample.groupby(level=0).size()
    periods = round(each.mean())
    bias, corrected = _nickell_bias(1.0, periods), _NAN
    notes = (
        f"within {periods} years the coefficient tends to {bias:.3f} even if nothing converges "
        "(Nickell 1981)",
    )
    if each.nunique() > 1:
        notes += ("units have different numbers of years; the bias is for their mean",)
    if controls is None:
        corrected = _without_nickell_bias(1 + float(fit.params[_INITIAL]), periods) - 1
        if np.isnan(corrected):
            notes += ("no stationary process fits the estimate: it shows no convergence",)
    return _result(fit.to_frame(), 1, fit.nobs, notes, nickell=bias, corrected=corrected)


def _nickell_bias(rho: float, periods: int) -> float:
    """Return the bias of rho in y_t = a_i + rho y_{t-1} + e_t within many units (Nickell 1981)."""
    if abs(1 - rho) < 1e-4:  # the formula cancels there
        return -3 / (periods + 1)
    share = 1 - (1 - rho**periods) / (periods * (1 - rho))
    top = -(1 + rho) / (periods - 1) * share
    return top / (1 - 2 * rho / ((1 - rho) * (periods - 1)) * share)


def _without_nickell_bias(estimate: float, periods: int) -> float:
    """Return the rho below 1 whose within estimate tends to `estimate`; NaN if there is none."""
    from scipy.optimize import brentq

    def gap(rho: float) -> float:
        return rho + _nickell_bias(rho, periods) - estimate

    if gap(1.0) <= 0 or gap(-0.99) >= 0:
        return _NAN
    return float(brentq(gap, -0.99, 1.0, xtol=1e-12))


@dataclass(frozen=True)
class _Sigma:
    """Dispersion by year, its trend and a test of first against last year.

    Attributes
    ----------
    by_year : DataFrame by year
        ``n`` units, ``sd_log`` the standard deviation of logs (with n - 1).
    trend, trend_pvalue : float
        Change of ``sd_log`` per year by least squares, with Newey-West errors
        and t(T - 2).
    ratio : float
        Variance of logs in the last year over that in the first.
    pvalue : float
        That growth and the sum of both years are not correlated, as with equal variances.
    notes : tuple of str
    """

    by_year: pd.DataFrame
    trend: float
    trend_pvalue: float
    ratio: float
    pvalue: float
    notes: tuple[str, ...]


def sigma(scores: pd.Series) -> _Sigma:
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
    dispersion
        With ``by_year``, ``trend``, ``trend_pvalue``, ``ratio``, ``pvalue`` and ``notes``.

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
    from statsmodels.regression.linear_model import OLS

    logs = np.log(_levels(scores, 3)).unstack()
    by_year = pd.DataFrame({"n": logs.count(), "sd_log": logs.std()})
    flat = by_year.index[~(by_year["sd_log"] > 1e-12)]
    if len(flat):
        raise EstimationError("a year has no dispersion", where={"year": int(flat[0])})
    first, last = logs.iloc[:, [0, -1]].dropna().to_numpy().T
    if len(first) < 4:
        problem = f"{len(first)} unit(s) in both {logs.columns[0]} and {logs.columns[-1]}"
        raise SampleError(problem, expected="4 or more")
    years = by_year.index.to_numpy(dtype=float)
    lags = {"maxlags": int(4 * (len(years) / 100) ** (2 / 9)), "use_correction": True}
    design = np.column_stack([np.ones(len(years)), years - years.mean()])
    trend = OLS(by_year["sd_log"].to_numpy(), design).fit(cov_type="HAC", cov_kwds=lags, use_t=True)
    pvalue = float(stats.pearsonr(last - first, last + first).pvalue)
    notes = ()
    changed = by_year.index[by_year["n"] < len(logs)]
    if len(changed):
        shown = ", ".join(map(str, changed))
        notes = (f"not every unit is measured in {shown}: dispersion follows who is measured",)
    slope, ratio = float(trend.params[1]), float(last.var() / first.var())
    return _Sigma(by_year, slope, float(trend.pvalues[1]), ratio, pvalue, notes)


_CRITICAL = -1.65  # one-sided, 5 %
_STEP = 0.05  # by which the sieve is raised
_LEAST_ROWS = 4
_SHORT = 20  # years; with fewer the result says how many


class _LogT(NamedTuple):
    """One log t regression: b, twice the rate at which relative paths come together, and its t."""

    coefficient: float
    std_error: float
    statistic: float
    nobs: int

    @property
    def converges(self) -> bool:
        """Whether convergence is not rejected at 5 %."""
        return self.statistic > _CRITICAL


class _Found(NamedTuple):
    """A club: rows in the order of the units, its test, the clubs it came from."""

    rows: list[int]
    test: _LogT
    parts: tuple[int, ...]


@dataclass(frozen=True)
class _Clubs:
    """Convergence clubs, highest first.

    Attributes
    ----------
    overall : log t regression
        Test of convergence of all units: ``coefficient``, ``std_error``, ``statistic``,
        ``nobs`` and ``converges``.
    membership, initial : Series by unit
        Number of the club after and before merging; 0 for a unit that joins none.
    clubs, before : DataFrame by club
        After and before merging: ``units``, the log t ``coefficient``, ``std_error`` and
        ``statistic``, and the initial clubs it was merged ``from``.
    notes : tuple of str
    """

    overall: _LogT
    membership: pd.Series
    initial: pd.Series
    clubs: pd.DataFrame
    before: pd.DataFrame
    notes: tuple[str, ...]


def club(scores: pd.Series, trim: float = 0.3, sieve: float = 0.0) -> _Clubs:
    r"""Sort units into clubs whose members converge to one path.

    The log t test regresses log(H_1 / H_t) - 2 log log t on log t for t = [rT] + 1, ..., T, with
    H_t the mean over units of (h_it - 1)^2 and h_it the level over the mean of the year.
    Convergence is rejected if the t statistic of the slope is below -1.65.

    Units are ordered by the last year. A core group is the run of units with
    the largest log t statistic above -1.65; every other unit joins with
    which the core's statistic stays above the sieve c*. If the club that
    results fails the test, c* is raised by 0.05 until it passes. The
    rest is a club if it passes, or goes through the steps again. Clubs found
    are merged with the next ones while they pass together (Phillips and Sul
    2009).

    Parameters
    ----------
    scores : Series indexed (province, year)
        Positive levels of a balanced panel; smooth out business cycles before.
    trim : float
        r, the share of years left out at the start of each regression, 0.3 in the paper.
    sieve : float
        c*; 0 is for short panels.

    Returns
    -------
    clubs
        With ``overall``, ``membership``, ``initial``, ``clubs``, ``before`` and ``notes``.

    Raises
    ------
    nqpf.errors.SampleError
        If a province lacks a year, a year is skipped, or years or units are too few.
    nqpf.errors.DataError
        If a level is not positive.
    nqpf.errors.MethodError
        If an option is out of range.
    nqpf.errors.EstimationError
        If units coincide in a year, so that H_t is zero.

    Notes
    -----
    The settings are the paper's, where programs differ: R's takes the core with the largest
    absolute t and rounds the share of years, which is rounded down here; Stata's raises the
    sieve as here. On the 152 incomes that R's package carries these find clubs of 55, 31, 12,
    19, 6, 14, 8, 5 and 2 countries, as convergence-clubs 0.1.2 does, and with r of a third the
    clubs that its manual prints.

    The error of the slope is the long-run variance of the residuals times (X'X)^-1, by the
    quadratic spectral kernel with Andrews' (1991) bandwidth for a first-order autoregression,
    1.3221 (a T)^0.2 with a = 4 rho^2 / (1 - rho)^4, as in Phillips and Sul's program: sums are
    divided by T - 1 and autocovariances leave out the last residual.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(8), range(2001, 2031)], names=["unit", "year"])
    >>> gap = np.repeat([0.3, 0.2, -0.2, -0.3] * 2, 30) / np.tile(np.arange(1, 31), 8)
    >>> wave = 0.002 * np.sin(np.arange(240) ** 2)
    >>> level = np.repeat([3.0, 1.0], 4 * 30) * (1 + gap + wave)
    >>> result = club(pd.Series(level, index=keys))
    >>> result.membership.tolist(), result.overall.converges
    ([1, 1, 1, 1, 2, 2, 2, 2], False)
    """
    between("trim", trim, 0, 1, open_ends=True)
    between("sieve", sieve, _CRITICAL)
    levels = _levels(scores)
    _check_gaps(levels.index, "the measure")
    frame = _balanced(levels)
    if len(frame) < 3:
        raise SampleError(f"{len(frame)} unit(s)", expected="three or more for clubs")
    cut = max(int(trim * frame.shape[1] + 1e-9), 1)
    rows = frame.shape[1] - cut
    if rows < _LEAST_ROWS:
        problem = f"{frame.shape[1]} years, of which the log t regression leaves out {cut}"
        raise SampleError(problem, expected=f"{_LEAST_ROWS} or more years left")
    ordered = frame.iloc[np.argsort(-frame.iloc[:, -1].to_numpy(), kind="stable")]
    sorter = _Sorter(ordered, cut)
    found = sorter.clubs(sieve)
    final = sorter.merged(found)
    member, initial = (_membership(x, ordered.index).reindex(frame.index) for x in (final, found))
    notes = ()
    if frame.shape[1] < _SHORT:
        notes = (f"each regression has {rows} years: the test's distribution holds for long ones",)
    overall = sorter.test(list(range(len(ordered))))
    return _Clubs(overall, member, initial, _table(final), _table(found), notes)


class _Sorter:
    """Tests and clubs of units in descending order of their last year."""

    def __init__(self, ordered: pd.DataFrame, cut: int) -> None:
        self.ordered, self.cut = ordered, cut

    def test(self, rows: list[int]) -> _LogT:
        """Return the log t regression of some rows."""
        paths = self.ordered.to_numpy()[rows]
        variance = ((paths / paths.mean(axis=0) - 1) ** 2).mean(axis=0)
        flat = np.flatnonzero(~(variance > 1e-28))
        if len(flat):
            shown = (_place((self.ordered.index[row],), ("u",))["u"] for row in rows[:5])
            year = int(self.ordered.columns[flat[0]])
            problem = "units coincide in a year, so that log(H_1 / H_t) is undefined"
            where = {"units": ", ".join(map(str, shown)), "year": year}
            expected = "some dispersion in every year"
            hint = "leave out a unit that repeats another"
            raise EstimationError(problem, where=where, expected=expected, hint=hint)
        t = np.log(np.arange(self.cut + 1, len(variance) + 1))
        y = np.log(variance[0] / variance[self.cut :]) - 2 * np.log(t)
        x = t - t.mean()
        slope = float(x @ y / (x @ x))
        error = float(np.sqrt(_long_run_variance(y - y.mean() - slope * x) / (x @ x)))
        if not error > 1e-12:
            problem = "the log t regression fits perfectly"
            raise EstimationError(problem, expected="figures that are not a formula")
        return _LogT(slope, error, slope / error, len(y))

    def clubs(self, sieve: float) -> list[_Found]:
        """Return the clubs before merging; rows in none of them diverge."""
        left, found = list(range(len(self.ordered))), []
        while len(left) > 1:
            rest = self.test(left)
            if rest.converges:
                return [*found, _Found(left, rest, (len(found) + 1,))]
            core = self.core(left)
            if core is None:
                break
            rows, test = self.around(core, left, sieve)
            found.append(_Found(rows, test, (len(found) + 1,)))
            left = [row for row in left if row not in rows]
        return found

    def core(self, left: list[int]) -> list[int] | None:
        """Return the run of neighbours with the largest statistic; None if no pair passes."""
        pairs = (left[at : at + 2] for at in range(len(left) - 1))
        start = next((pair[0] for pair in pairs if self.test(pair).converges), None)
        if start is None:
            return None
        run = left[left.index(start) :]
        groups = (run[:end] for end in range(2, len(run) + 1))
        passing = takewhile(lambda group: self.test(group).converges, groups)
        return max(passing, key=lambda group: self.test(group).statistic)

    def around(self, core: list[int], left: list[int], sieve: float) -> tuple[list[int], _LogT]:
        """Return the core with all that pass the sieve, raised until the club passes."""
        others = {row: self.test([*core, row]).statistic for row in left if row not in core}
        for steps in count():
            used = sieve + steps * _STEP
            rows = [*core, *(row for row, statistic in others.items() if statistic > used)]
            test = self.test(rows)
            if test.converges or len(rows) == len(core):
                return rows, test

    def merged(self, found: list[_Found]) -> list[_Found]:
        """Merge each club with those after it while they pass together."""
        result = found[:1]
        for one in found[1:]:
            last = result[-1]
            test = self.test([*last.rows, *one.rows])
            if test.converges:
                result[-1] = _Found([*last.rows, *one.rows], test, (*last.parts, *one.parts))
            else:
                result.append(one)
        return result


def _long_run_variance(residuals: np.ndarray) -> float:
    before, after = residuals[:-1], residuals[1:]
    rho = float(before @ after / (before @ before)) if before @ before > 0 else 0.0
    total = float(residuals @ residuals)
    if rho not in (0.0, 1.0):
        bandwidth = 1.3221 * (4 * rho**2 / (1 - rho) ** 4 * len(residuals)) ** 0.2
        z = 1.2 * np.pi * np.arange(1, len(before)) / bandwidth
        kernel = 3 / z**2 * (np.sin(z) / z - np.cos(z))
        total += 2 * sum(k * float(before[:-i] @ before[i:]) for i, k in enumerate(kernel, 1))
    return total / len(before)


def _membership(found: list[_Found], units: pd.Index) -> pd.Series:
    number = {row: at for at, one in enumerate(found, 1) for row in one.rows}
    return pd.Series([number.get(row, 0) for row in range(len(units))], units, name="club")


def _table(found: list[_Found]) -> pd.DataFrame:
    columns = ["units", "coefficient", "std_error", "statistic", "from"]
    rows = [(len(one.rows), *one.test[:3], ", ".join(map(str, one.parts))) for one in found]
    return pd.DataFrame(rows, pd.RangeIndex(1, len(rows) + 1, name="club"), columns)
