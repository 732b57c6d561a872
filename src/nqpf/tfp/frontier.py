"""Stochastic production frontiers of Battese and Coelli, by maximum likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import choose, distinct
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import _by_key, _check_gaps, _check_positive, _check_regressors, _years
from nqpf.tfp.likelihood import _NO_GAIN, _Convergence, _maximise, _posterior, _Sample

_TREND = "trend"
_RESERVED = ("constant", _TREND, "sigma2", "gamma", "eta")  # names that parameters have
_SLACK = 1e-6  # rounding of two searches may leave the larger model this much lower
_UNBOUND = 5.0  # standard deviations from zero where a normal is cut by less than a millionth


def _terms(logs: pd.DataFrame, years: pd.Series, form: str, trend: str) -> pd.DataFrame:
    """Return the regressors: ``capital^2`` is half a square, so coefficients are derivatives."""
    columns = {"constant": pd.Series(1.0, index=logs.index)} | dict(logs.items())
    if form == "translog":
        for i, a in enumerate(logs):
            columns[f"{a}^2"] = logs[a] ** 2 / 2
            for b in logs.columns[i + 1 :]:
                columns[f"{a}*{b}"] = logs[a] * logs[b]
    if trend != "none":
        columns[_TREND] = years
        if form == "translog":
            columns[f"{_TREND}^2"] = years**2 / 2
    if trend == "non-neutral":
        for a in logs:
            columns[f"{a}*{_TREND}"] = logs[a] * years
    return pd.DataFrame(columns)


def _slope(name: str, logs: pd.DataFrame, years: pd.Series, beta: pd.Series) -> pd.Series:
    """Return the derivative of the frontier by an input or by the trend, row by row."""
    total = pd.Series(beta.get(name, 0.0), index=logs.index)
    for other in (*logs.columns, _TREND):
        pair = (f"{name}^2",) if other == name else (f"{name}*{other}", f"{other}*{name}")
        along = years if other == _TREND else logs[other]
        total = total + sum(beta.get(term, 0.0) for term in pair) * along
    return total


@dataclass(frozen=True)
class _LikelihoodRatio:
    """A likelihood-ratio test: twice the difference of log-likelihoods.

    Attributes
    ----------
    statistic : float
    restrictions : int
    p_value : float
        From a chi-square, or an even mixture of two where gamma = 0 lies on the boundary.
    """

    statistic: float
    restrictions: int
    p_value: float


@dataclass(frozen=True)
class _Frontier:
    """A production frontier ln y = x'beta + v - u, estimated by maximum likelihood.

    Attributes
    ----------
    parameters : DataFrame by parameter
        ``estimate``, ``std_error``, ``z``, ``p_value``: the frontier's coefficients,
        ``delta:..`` where the mean before truncation is free (1995), ``sigma2`` = sigma_v^2 +
        sigma_u^2, ``gamma`` = sigma_u^2 / sigma^2, and ``eta``. Errors are NaN at a bound,
        where they mean nothing.
    loglik, loglik_ols : float
        Log-likelihoods of the frontier and of least squares.
    ols_skewness : float
        Skewness of the least-squares residuals. Inefficiency makes it negative; a positive one
        is the wrong skewness (Waldman 1982).
    output : Series indexed (unit, time)
        ln y.
    inputs : DataFrame
        ln x.
    efficiency : Series
        E[exp(-u) | e], Battese and Coelli (1988).
    residual : Series
        e = v - u.
    elasticities : DataFrame
        d ln y / d ln x_j of each row.
    technical_change : Series
        d ln y / dt of each row; zero without a trend.
    convergence : _Convergence
        How the search ended.
    """

    parameters: pd.DataFrame
    loglik: float
    loglik_ols: float
    ols_skewness: float
    output: pd.Series
    inputs: pd.DataFrame
    efficiency: pd.Series
    residual: pd.Series
    elasticities: pd.DataFrame
    technical_change: pd.Series
    convergence: _Convergence

    @property
    def sigma2(self) -> float:
        """sigma_v^2 + sigma_u^2."""
        return float(self.parameters.loc["sigma2", "estimate"])

    @property
    def gamma(self) -> float:
        """sigma_u^2 / sigma^2, between 0 (no inefficiency) and 1 (no noise)."""
        return float(self.parameters.loc["gamma", "estimate"])

    @property
    def returns_to_scale(self) -> pd.Series:
        """Sum of the elasticities of each row."""
        return self.elasticities.sum(axis=1).rename("returns_to_scale")

    def test_no_inefficiency(self) -> _LikelihoodRatio:
        """Test gamma = 0, and with it delta and eta.

        gamma = 0 is one inequality beside q - 1 equalities, so the statistic is an even mixture
        of chi-squares with q - 1 and q degrees of freedom; the critical values are those of Kodde
        and Palm (1986), table 1.
        """
        from scipy.stats import chi2

        q = int(self.parameters.index.str.match("gamma$|eta$|delta:").sum())
        statistic = max(2 * (self.loglik - self.loglik_ols), 0.0)
        lower = chi2.sf(statistic, q - 1) if q > 1 else float(statistic <= 0)
        return _LikelihoodRatio(statistic, q, float(lower + chi2.sf(statistic, q)) / 2)

    def test_against(self, full: _Frontier) -> _LikelihoodRatio:
        """Test this frontier against a larger one that contains it, on the same rows.

        Serves for Cobb-Douglas against translog, no decay against decay, no trend against a
        trend.

        Raises
        ------
        nqpf.errors.MethodError
            If the samples differ, the models are not nested or the larger one fits worse, which
            only a search that missed the maximum can do.
        """
        from scipy.stats import chi2

        if not self.output.equals(full.output):
            raise MethodError("the two frontiers have different samples", expected="the same rows")
        small, large = set(self.parameters.index), set(full.parameters.index)
        if not small < large:
            problem = "the first frontier is no restriction of the second"
            expected = "a frontier with more parameters, the first's among them"
            raise MethodError(problem, expected=expected)
        statistic = 2 * (full.loglik - self.loglik)
        if statistic < -_SLACK:
            problem = f"the larger frontier fits worse, by {-statistic / 2:.3g} in the "
            hint = "its search missed the maximum; look at convergence.starts"
            raise MethodError(problem + "log-likelihood", hint=hint)
        statistic, extra = max(float(statistic), 0.0), len(large) - len(small)
        return _LikelihoodRatio(statistic, extra, float(chi2.sf(statistic, extra)))

    def decomposition(self) -> pd.DataFrame:
        """Split yearly growth after Kumbhakar (2000).

        Returns
        -------
        DataFrame indexed (unit, time)
            Log points a year, from each unit's second year on: ``tfp`` = ``technical`` +
            ``efficiency`` + ``scale``, and ``output`` = ``inputs`` + ``tfp`` + ``noise``.

        Raises
        ------
        nqpf.errors.SampleError
            If a year is missing within a unit.

        Notes
        -----
        With e_j the elasticities, R their sum, l_j = e_j / R and dots for growth::

            inputs     = sum_j l_j x_j.        scale = (R - 1) sum_j l_j x_j.
            technical  = d ln f / dt           efficiency = change of ln E[exp(-u) | e]

        Elasticities and technical change are means of a year and the year before, for which the
        change of a function quadratic in logs is exact (Diewert 1976): noise is then the change
        of the residual less that of ln TE, and nothing else. The allocative term of Kumbhakar
        needs prices of inputs; with none, cost shares are taken to be l_j and the term is zero.
        """
        _check_gaps(self.output.index, "the frontier's sample")

        def change(of: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
            return of.groupby(level=0).diff().dropna()

        def mean(of: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
            return ((of + of.groupby(level=0).shift()) / 2).dropna()

        slope = mean(self.elasticities)
        along = (slope * change(self.inputs)).sum(axis=1)
        growth = pd.DataFrame({"output": change(self.output), "inputs": along / slope.sum(axis=1)})
        growth["technical"] = mean(self.technical_change)
        growth["efficiency"] = change(np.log(self.efficiency))
        growth["scale"] = along - growth["inputs"]
        growth["tfp"] = growth[["technical", "efficiency", "scale"]].sum(axis=1)
        growth["noise"] = growth["output"] - growth["inputs"] - growth["tfp"]
        return growth


def battese_coelli(
    frame: pd.DataFrame,
    output: str,
    inputs: Sequence[str],
    unit: str,
    time: str,
    form: str = "cobb-douglas",
    inefficiency: str = "1992",
    decay: bool | None = None,
    determinants: Sequence[str] = (),
    trend: str = "none",
) -> _Frontier:
    """Estimate a stochastic production frontier by maximum likelihood.

    ln y_it = x_it'beta + v_it - u_it, v normal, u >= 0 a truncated normal.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` (whole years) as index levels or columns; need not be balanced.
    output : str
        Column of output in levels, positive; logarithms are taken here.
    inputs : sequence of str
        Columns of inputs in levels, positive.
    unit, time : str
        Names of the key. A cross-section has one value of `time`.
    form : {"cobb-douglas", "translog"}
        Functional form. Squares enter halved; inputs are not centred, so the first-order
        terms of a translog are no elasticities: see ``elasticities``.
    inefficiency : {"1992", "1995"}
        1992: u_it = exp(-eta (t - T)) u_i, one half-normal draw per unit, T the last year of the
        sample. 1995: independent draws whose mean before truncation is delta'z_it.
    decay : bool or None
        Whether eta is estimated (1992); otherwise it is zero and efficiency does not change
        over time. None: estimated when there are two years or more.
    determinants : sequence of str
        Columns z of the 1995 model, as they stand; a constant is added.
    trend : {"none", "neutral", "non-neutral"}
        Technical change: none; a trend (with its square in a translog); a trend that also
        shifts the elasticities.

    Returns
    -------
    result
        ``parameters``, ``loglik``, ``efficiency``, ``elasticities``, ``convergence`` and more;
        ``decomposition()``, ``test_no_inefficiency()`` and ``test_against(larger)``.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown or an output or input is not positive.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or the sample too small.
    nqpf.errors.MethodError
        If options are unknown or do not go together.
    nqpf.errors.EstimationError
        If regressors are collinear or the frontier fits without error.

    Warns
    -----
    UserWarning
        If the search did not reach a maximum; if gamma or eta stopped at a bound, no inefficiency
        was found (the message says when least-squares residuals are skewed the wrong way), or
        truncation does not bind; if an elasticity is negative in some rows.

    Notes
    -----
    Parametrised by sigma^2 = sigma_v^2 + sigma_u^2 and gamma = sigma_u^2 / sigma^2 (Battese and
    Corra 1977). Standard errors come from the Hessian. Years since the year before the sample
    count the trend, as in FRONTIER 4.1 (Coelli 1996). A search counts as ended when one more
    Newton step would gain less than 1e-8 and the Hessian is negative definite. gamma is searched
    between 1e-6 and 1 - 1e-6; a frontier that gains less than 1e-5 over the same model without
    inefficiency is replaced by it, so that efficiencies near 1 are not taken for a finding.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=200)
    >>> y = 1 + 0.6 * x + rng.normal(scale=0.1, size=200) - abs(rng.normal(scale=0.3, size=200))
    >>> firms = pd.DataFrame({"firm": range(200), "year": 1, "y": np.exp(y), "x": np.exp(x)})
    >>> result = battese_coelli(firms, "y", ["x"], "firm", "year")
    >>> result.convergence.converged
    True
    >>> print(result.parameters.loc[["x", "gamma"], "estimate"].round(1).to_string())
    x        0.6
    gamma    0.9
    """
    from scipy.stats import norm

    late = inefficiency == "1995"
    choose("form", form, ("cobb-douglas", "translog"))
    choose("inefficiency", inefficiency, ("1992", "1995"))
    choose("trend", trend, ("none", "neutral", "non-neutral"))
    inputs, shifts = distinct("inputs", inputs), distinct("determinants", determinants, least=0)
    _check_model(output, inputs, shifts, late, decay)
    data = _by_key(frame, [output, *inputs, *shifts], unit, time, "the frame")
    year = _years(data.index, "the frame")
    for name in (output, *inputs):
        _check_positive(data[name], name, "a positive level, as logarithms are taken here")
    if data.index.unique(0).size == 1:
        raise SampleError("one unit does not show a distribution", expected="several units")
    if year.nunique() == 1 and (decay or trend != "none"):
        raise SampleError("decay or a trend needs more than one year", expected="a panel")
    decay = not late and year.nunique() > 1 if decay is None else decay
    logs = np.log(data[[output, *inputs]])
    years = pd.Series(year - year.min() + 1.0, index=data.index)
    x = _terms(logs[inputs], years, form, trend)
    # Rows of one group follow each other: all of a unit, or each row alone.
    codes = np.arange(len(data)) if late else pd.factorize(data.index.get_level_values(0))[0]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    z = pd.DataFrame(index=data.index[starts])
    if late:
        z = z.assign(**{"delta:constant": 1.0}).join(data[shifts].add_prefix("delta:"))
    names = [*x.columns, *z.columns, "sigma2", "gamma", *(["eta"] if decay else [])]
    if len(data) <= len(names):
        raise SampleError(f"{len(data)} rows for {len(names)} parameters", expected="more rows")
    _check_regressors(x.iloc[:, 1:], None, None)
    if shifts:
        _check_regressors(z.iloc[:, 1:], None, None)
    y, lead = logs[output].to_numpy(), np.asarray(year.max() - year, dtype=float)
    sample = _Sample(y, x.to_numpy(), z.to_numpy(float), starts, lead, decay)
    beta, residual = _least_squares(sample)
    variance, cubes = (float((residual**power).mean()) for power in (2, 3))
    skewness = cubes / variance**1.5
    loglik_ols = -len(y) / 2 * float(np.log(2 * np.pi * variance) + 1)
    found, errors, loglik, state = _maximise(sample, beta, variance, names)
    estimate = pd.Series(found, index=names)
    slopes = pd.DataFrame({a: _slope(a, logs[inputs], years, estimate) for a in inputs})
    wrong = _warnings(state, estimate, sample, loglik - loglik_ols, skewness)
    for name, count in (slopes < 0).sum()[lambda count: count > 0].items():
        wrong.append(f"the elasticity of {name} is negative in {count} of {len(slopes)} rows")
    for said in wrong:
        warnings.warn(said, stacklevel=2)
    table, z = {"estimate": estimate, "std_error": errors}, estimate / errors
    rows = zip(("residual", "efficiency"), _posterior(found, sample), strict=True)
    return _Frontier(
        parameters=pd.DataFrame(table | {"z": z, "p_value": 2 * norm.sf(z.abs())}),
        loglik=loglik,
        loglik_ols=loglik_ols,
        ols_skewness=skewness,
        output=logs[output],
        inputs=logs[inputs],
        **{name: pd.Series(values, data.index, name=name) for name, values in rows},
        elasticities=slopes,
        technical_change=_slope(_TREND, logs[inputs], years, estimate).rename("technical_change"),
        convergence=state,
    )


def _check_model(
    output: str, inputs: list[str], shifts: list[str], late: bool, decay: bool | None
) -> None:
    distinct("output and inputs", [output, *inputs])
    distinct("output and determinants", [output, *shifts])
    for name in inputs:
        if name in _RESERVED or "*" in name or "^" in name:
            raise MethodError(f"an input is called {name!r}, like a parameter", expected="another")
    if late and decay:
        raise MethodError("the 1995 model has no decay", expected="inefficiency='1992'")
    if shifts and not late:
        problem = "determinants shift the mean before truncation"
        raise MethodError(problem, expected="inefficiency='1995'")


def _least_squares(sample: _Sample) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and residuals of least squares."""
    scale = np.sqrt((sample.x**2).mean(axis=0))
    beta = np.linalg.lstsq(sample.x / scale, sample.y, rcond=None)[0] / scale
    residual = sample.y - sample.x @ beta
    if (residual**2).mean() <= 1e-20 * (1 + float((sample.y**2).mean())):
        problem = "the output is an exact function of the inputs"
        raise EstimationError(problem, hint="see whether the output was made from the inputs")
    return beta, residual


def _warnings(
    state: _Convergence, estimate: pd.Series, sample: _Sample, gain: float, skewness: float
) -> list[str]:
    """Return what is wrong with a maximum, if anything is."""
    said = []
    if not state.converged:
        said.append(
            f"the search did not converge after {state.iterations} iterations (largest derivative "
            f"{state.gradient_norm:.2g}); the estimates need not be a maximum"
        )
    bound = [f"{name} stopped at {estimate[name]:.6g}" for name in state.boundary]
    if gain < _NO_GAIN:
        bound.append("the frontier fits no better than least squares: it finds no inefficiency")
        if skewness > 0:
            bound.append(f"the least-squares residuals are skewed the wrong way ({skewness:+.2f})")
    _, delta, sigma2, gamma, _ = sample.split(estimate.to_numpy())
    if len(delta) and (sample.z @ delta).min() > _UNBOUND * np.sqrt(gamma * sigma2):
        bound.append(
            f"the mean before truncation is over {_UNBOUND:g} sigma_u everywhere, so truncation "
            "does not bind: determinants serve as regressors and the level of efficiency is not "
            "identified"
        )
    return said + ["; ".join(bound)] * bool(bound)
