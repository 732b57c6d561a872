"""Stochastic production frontiers of Battese and Coelli, by maximum likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import by_key, check_consecutive, check_positive, nearest
from nqpf.tfp.likelihood import (
    NO_GAIN,
    BoundaryWarning,
    Convergence,
    ConvergenceWarning,
    Maximum,
    Sample,
    maximise,
    posterior,
)

__all__ = [
    "CONSTANT",
    "FrontierResult",
    "LikelihoodRatio",
    "Model",
    "TREND",
    "battese_coelli",
    "checked",
    "columns_of",
    "decompose",
    "elasticities",
    "independent",
    "levels",
    "likelihood_ratio",
    "no_inefficiency",
    "regressors",
    "trend_effect",
]

CONSTANT = "constant"
TREND = "trend"


def regressors(logs: pd.DataFrame, trend: pd.Series, form: str, drift: str) -> pd.DataFrame:
    """Return the regressors of the frontier.

    Parameters
    ----------
    logs : DataFrame (rows, inputs)
        Logarithms of the inputs.
    trend : Series (rows,)
        Years since the year before the sample: 1, 2, ...
    form : {"cobb-douglas", "translog"}
        The translog adds half of each square and every product of two inputs.
    drift : {"none", "neutral", "non-neutral"}
        Technical change: none; a trend (a translog takes half its square as well); or a trend
        that also changes the elasticities.

    Returns
    -------
    DataFrame (rows, k)
        Columns ``constant``, the inputs, ``capital^2``, ``capital*labour``, ``trend``,
        ``trend^2``, ``capital*trend``; a column ``..^2`` holds half of the square, so that
        coefficients are second derivatives.
    """
    columns = {CONSTANT: pd.Series(1.0, index=logs.index)} | dict(logs.items())
    if form == "translog":
        for i, a in enumerate(logs):
            columns[f"{a}^2"] = logs[a] ** 2 / 2
            for b in logs.columns[i + 1 :]:
                columns[f"{a}*{b}"] = logs[a] * logs[b]
    if drift != "none":
        columns[TREND] = trend
        if form == "translog":
            columns[f"{TREND}^2"] = trend**2 / 2
    if drift == "non-neutral":
        for a in logs:
            columns[f"{a}*{TREND}"] = logs[a] * trend
    return pd.DataFrame(columns)


def elasticities(logs: pd.DataFrame, trend: pd.Series, beta: pd.Series) -> pd.DataFrame:
    """Return d ln y / d ln x_j of each row and input."""
    return pd.DataFrame({a: _derivative(a, logs, trend, beta) for a in logs})


def trend_effect(logs: pd.DataFrame, trend: pd.Series, beta: pd.Series) -> pd.Series:
    """Return technical change d ln y / dt of each row; zero without a trend."""
    return _derivative(TREND, logs, trend, beta).rename("technical_change")


def _derivative(name: str, logs: pd.DataFrame, trend: pd.Series, beta: pd.Series) -> pd.Series:
    variables: Sequence[str] = [*logs.columns, TREND]
    total = pd.Series(np.full(len(logs), beta.get(name, 0.0)), index=logs.index)
    for other in variables:
        pair = (f"{name}^2",) if other == name else (f"{name}*{other}", f"{other}*{name}")
        slope = sum(beta.get(term, 0.0) for term in pair)
        total = total + slope * (trend if other == TREND else logs[other])
    return total


FORMS = ("cobb-douglas", "translog")
MODELS = ("1992", "1995")
DISTRIBUTIONS = ("half-normal", "truncated")
TRENDS = ("none", "neutral", "non-neutral")
# Names that parameters have.
RESERVED = (CONSTANT, TREND, "mu", "sigma2", "gamma", "eta")


@dataclass(frozen=True)
class Model:
    """The options of :func:`nqpf.tfp.frontier.battese_coelli`."""

    output: str
    inputs: tuple[str, ...]
    form: str
    inefficiency: str
    distribution: str | None
    decay: bool | None
    determinants: tuple[str, ...]
    trend: str
    max_iterations: int

    def on(self, data: pd.DataFrame) -> Model:
        """Return the model for a sample, with its default of `decay`.

        Raises
        ------
        nqpf.errors.SampleError
            If one year is to show change over time, or one unit a distribution of units.
        """
        units = data.index.get_level_values(0).nunique()
        years = data.index.get_level_values(1).nunique()
        if units == 1:
            raise SampleError(
                "one unit does not show a distribution of inefficiency", expected="several units"
            )
        for wanted, what in ((self.decay, "decay"), (self.trend != "none", "trend")):
            if wanted and years == 1:
                raise SampleError(f"{what} needs more than one year", expected="a panel")
        shared = self.inefficiency == "1992"
        return replace(self, decay=shared and years > 1 if self.decay is None else self.decay)


def checked(model: Model) -> Model:
    """Return the model with its default distribution.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or two do not go together.
    """
    _known(model.form, FORMS, "form")
    _known(model.inefficiency, MODELS, "inefficiency")
    _known(model.trend, TRENDS, "trend")
    late = model.inefficiency == "1995"
    if model.distribution is None:
        model = replace(model, distribution="truncated" if late else "half-normal")
    _known(model.distribution, DISTRIBUTIONS, "distribution")
    if late and model.decay:
        raise MethodError(
            "the 1995 model has no decay", expected="inefficiency='1992', or time as a determinant"
        )
    if model.determinants and (not late or model.distribution == "half-normal"):
        raise MethodError(
            "determinants shift the mean before truncation",
            expected="inefficiency='1995' and distribution='truncated'",
        )
    if model.max_iterations < 1:
        raise MethodError(f"max_iterations is {model.max_iterations}", expected="at least 1")
    return _named(model)


def _named(model: Model) -> Model:
    if not model.inputs:
        raise MethodError("no inputs", expected="one input or more")
    for names in ((model.output, *model.inputs), model.determinants):
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise MethodError(f"{twice[0]!r} is named twice", expected="different columns")
    if model.output in model.determinants:
        raise MethodError(
            f"{model.output!r} is the output and a determinant", expected="another determinant"
        )
    for name in model.inputs:
        if name in RESERVED or "*" in name or "^" in name:
            raise MethodError(
                f"an input is called {name!r}, like a parameter", expected="another name"
            )
    return model


def _known(given: str, known: tuple[str, ...], what: str) -> None:
    if given not in known:
        raise MethodError(
            f"unknown {what} {given!r}",
            expected=" or ".join(map(repr, known)),
            hint=nearest(given, known),
        )


def columns_of(given: Sequence[str], what: str) -> tuple[str, ...]:
    """Return names as a tuple.

    Raises
    ------
    nqpf.errors.MethodError
        If one name is given bare, whose letters would be taken for names.
    """
    if isinstance(given, str):
        raise MethodError(f"{what} is the name {given!r}", expected=f"a list such as [{given!r}]")
    return tuple(given)


def levels(frame: pd.DataFrame, model: Model, unit: str, time: str) -> pd.DataFrame:
    """Return the columns the model needs, sorted by unit and whole year.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError
        As :func:`nqpf.tfp.frontier.battese_coelli` says.
    """
    columns = [model.output, *model.inputs, *model.determinants]
    data = by_key(frame, columns, unit, time, "the frame")
    if not pd.api.types.is_integer_dtype(data.index.get_level_values(1)):
        raise SampleError("times are not whole years", expected="integers", where={"column": time})
    for name in (model.output, *model.inputs):
        check_positive(data[name], name, "a positive level, as logarithms are taken here")
    return data


def independent(columns: pd.DataFrame, what: str) -> None:
    """Raise when a column is a combination of those before it.

    Raises
    ------
    nqpf.errors.EstimationError
        Names the first such column.
    """
    values = columns.to_numpy(float)
    scaled = values / np.sqrt((values**2).mean(axis=0)).clip(np.finfo(float).tiny)
    diagonal = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    # Rows fewer than columns leave the rest without a diagonal.
    diagonal = np.append(diagonal, np.zeros(columns.shape[1] - len(diagonal)))
    bad = np.flatnonzero(diagonal <= 1e-9 * diagonal[0])
    if len(bad):
        raise EstimationError(
            f"{what} are collinear",
            where={"variable": columns.columns[int(bad[0])]},
            expected="columns that differ from combinations of the others",
            hint="drop the variable, or a trend that goes with every unit",
        )


# Rounding of two searches may leave the larger model this much lower.
SLACK = 1e-6


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Attributes
    ----------
    hypothesis : str
        What is tested.
    statistic : float
        Twice the difference of log-likelihoods.
    restrictions : int
        Number of restrictions.
    p_value : float
        From `distribution`.
    distribution : str
        ``"chi2"``, or ``"mixed chi2"`` where gamma = 0 lies on the boundary.
    """

    hypothesis: str
    statistic: float
    restrictions: int
    p_value: float
    distribution: str


def no_inefficiency(loglik: float, loglik_ols: float, restrictions: int) -> LikelihoodRatio:
    """Test the frontier against ordinary least squares.

    Parameters
    ----------
    loglik, loglik_ols : float
        Log-likelihoods of the frontier and of least squares.
    restrictions : int
        gamma and every other parameter of the inefficiency (mean or delta, eta).

    Notes
    -----
    gamma = 0 is one inequality beside q - 1 equalities, so the statistic is an even mixture of
    chi-squares with q - 1 and q degrees of freedom; the critical values are those of Kodde and
    Palm (1986), table 1.

    Examples
    --------
    >>> round(no_inefficiency(0.0, -2.706 / 2, 1).p_value, 3)
    0.05
    """
    from scipy.stats import chi2

    statistic = max(2 * float(loglik - loglik_ols), 0.0)
    lower = chi2.sf(statistic, restrictions - 1) if restrictions > 1 else float(statistic <= 0)
    return LikelihoodRatio(
        hypothesis="no inefficiency",
        statistic=statistic,
        restrictions=restrictions,
        p_value=float(lower + chi2.sf(statistic, restrictions)) / 2,
        distribution="mixed chi2",
    )


def likelihood_ratio(restricted: FrontierResult, full: FrontierResult) -> LikelihoodRatio:
    """Test a frontier against a larger one that contains it.

    Serves for Cobb-Douglas against translog, no decay against decay, half-normal against
    truncated, no trend against a trend.

    Parameters
    ----------
    restricted, full : FrontierResult
        Two frontiers on the same rows, every parameter of the first being one of the second.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    nqpf.errors.MethodError
        If the samples differ, the models are not nested or `restricted` fits better, which only a
        search that missed the maximum can do.
    """
    from scipy.stats import chi2

    if not restricted.output.equals(full.output):
        raise MethodError("the two frontiers have different samples", expected="the same rows")
    small, large = set(restricted.parameters.index), set(full.parameters.index)
    if restricted.inefficiency_model != full.inefficiency_model or not small < large:
        raise MethodError(
            f"{', '.join(sorted(small - large)) or 'the first model'} is no restriction of the "
            "second frontier",
            expected="a frontier with more parameters, the first's among them",
        )
    statistic = 2 * (full.loglik - restricted.loglik)
    if statistic < -SLACK:
        raise MethodError(
            f"the larger frontier fits worse, by {-statistic / 2:.3g} in the log-likelihood",
            expected="a likelihood at least as high",
            hint="its search missed the maximum; look at convergence.starts",
        )
    statistic = max(float(statistic), 0.0)
    extra = len(large) - len(small)
    return LikelihoodRatio(
        hypothesis=f"{', '.join(k for k in full.parameters.index if k not in small)} = 0",
        statistic=statistic,
        restrictions=extra,
        p_value=float(chi2.sf(statistic, extra)),
        distribution="chi2",
    )


def decompose(
    output: pd.Series,
    inputs: pd.DataFrame,
    elasticities: pd.DataFrame,
    technical_change: pd.Series,
    log_efficiency: pd.Series,
) -> pd.DataFrame:
    """Split yearly growth after Kumbhakar (2000).

    Parameters
    ----------
    output : Series indexed (unit, time)
        ln y.
    inputs, elasticities : DataFrame indexed (unit, time)
        ln x_j and d ln y / d ln x_j.
    technical_change : Series
        d ln y / dt.
    log_efficiency : Series
        ln of technical efficiency.

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
        technical  = d ln f / dt           efficiency = change of ln TE

    Elasticities and technical change are means of a year and the year before, for which the
    change of a function quadratic in logs is exact (Diewert 1976): noise is then the change of
    the residual less that of ln TE, and nothing else. The allocative term of Kumbhakar needs
    prices of inputs; with none, cost shares are taken to be l_j and the term is zero.
    """
    check_consecutive(output.index, "the frontier's sample")
    slope, drift = _means(elasticities), _means(technical_change.to_frame()).iloc[:, 0]
    change = inputs.groupby(level=0).diff().dropna()
    along = (slope * change).sum(axis=1)
    returns = slope.sum(axis=1)
    growth = pd.DataFrame(
        {
            "output": output.groupby(level=0).diff().dropna(),
            "inputs": along / returns,
            "scale": along - along / returns,
            "technical": drift,
            "efficiency": log_efficiency.groupby(level=0).diff().dropna(),
        }
    )
    growth["tfp"] = growth["technical"] + growth["efficiency"] + growth["scale"]
    growth["noise"] = growth["output"] - growth["inputs"] - growth["tfp"]
    return growth[["output", "inputs", "technical", "efficiency", "scale", "tfp", "noise"]]


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """Return means of a year and the year before within units."""
    before = frame.groupby(level=0).shift()
    return ((frame + before) / 2)[np.isfinite(before).all(axis=1)]


@dataclass(frozen=True)
class FrontierResult:
    """A production frontier ln y = x'beta + v - u, estimated by maximum likelihood.

    Attributes
    ----------
    form, inefficiency_model, distribution, trend : str
        The model, as asked for.
    decay : bool
        Whether eta was estimated.
    parameters : DataFrame by parameter
        ``estimate``, ``std_error``, ``z``, ``p_value``: the frontier's coefficients, ``mu`` or
        ``delta:..`` where the mean before truncation is free, ``sigma2`` = sigma_v^2 +
        sigma_u^2, ``gamma`` = sigma_u^2 / sigma^2, and ``eta``.
    covariance : DataFrame
        Inverse of minus the Hessian; NaN at a bound, where it means nothing.
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
    inefficiency : Series
        E[u | e], in logs.
    residual : Series
        e = v - u.
    elasticities : DataFrame
        d ln y / d ln x_j of each row.
    technical_change : Series
        d ln y / dt of each row.
    convergence : Convergence
        How the search ended.
    """

    form: str
    inefficiency_model: str
    distribution: str
    trend: str
    decay: bool
    parameters: pd.DataFrame
    covariance: pd.DataFrame
    loglik: float
    loglik_ols: float
    ols_skewness: float
    output: pd.Series
    inputs: pd.DataFrame
    efficiency: pd.Series
    inefficiency: pd.Series
    residual: pd.Series
    elasticities: pd.DataFrame
    technical_change: pd.Series
    convergence: Convergence

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

    def test_no_inefficiency(self) -> LikelihoodRatio:
        """Test gamma = 0, and with it mu or delta and eta, by the mixed chi-square."""
        names = list(self.parameters.index)
        return no_inefficiency(
            self.loglik, self.loglik_ols, len(names) - names.index("gamma") + self._means()
        )

    def _means(self) -> int:
        """Return how many parameters the mean before truncation has."""
        return sum(name == "mu" or name.startswith("delta:") for name in self.parameters.index)

    def decomposition(self) -> pd.DataFrame:
        """Return yearly growth and its sources after Kumbhakar (2000), indexed (unit, time).

        Log points a year, from each unit's second year on: ``tfp`` = ``technical`` +
        ``efficiency`` + ``scale``, and ``output`` = ``inputs`` + ``tfp`` + ``noise``. Without
        prices of inputs there is no allocative part.

        Raises
        ------
        nqpf.errors.SampleError
            If a year is missing within a unit, or there is one year only.
        """
        return decompose(
            self.output,
            self.inputs,
            self.elasticities,
            self.technical_change,
            np.log(self.efficiency),
        )

    def summary(self) -> pd.Series:
        """Return what a reader checks first: fit, test of no inefficiency, convergence."""
        test = self.test_no_inefficiency()
        units = self.output.index.get_level_values(0).nunique()
        return pd.Series(
            {
                "form": self.form,
                "inefficiency": self.inefficiency_model,
                "distribution": self.distribution,
                "trend": self.trend,
                "rows": len(self.output),
                "units": units,
                "log-likelihood": self.loglik,
                "log-likelihood, least squares": self.loglik_ols,
                "LR, no inefficiency": test.statistic,
                "p, mixed chi-square": test.p_value,
                "gamma": self.gamma,
                "mean efficiency": float(self.efficiency.mean()),
                "skewness of residuals, least squares": self.ols_skewness,
                "converged": self.convergence.converged,
                "at a bound": ", ".join(self.convergence.boundary) or "none",
                "largest derivative": self.convergence.gradient_norm,
                "iterations": self.convergence.iterations,
            },
            name="frontier",
        )

    def to_frame(self) -> pd.DataFrame:
        """Return efficiency, E[u | e] and residual side by side, indexed (unit, time)."""
        return pd.DataFrame(
            {
                "efficiency": self.efficiency,
                "inefficiency": self.inefficiency,
                "residual": self.residual,
            }
        )

    def _repr_html_(self) -> str:
        return self.parameters.to_html() + self.summary().to_frame().to_html()


# Standard deviations from zero at which a normal is cut by less than a millionth.
UNBOUND = 5.0


def battese_coelli(
    frame: pd.DataFrame,
    output: str,
    inputs: Sequence[str],
    unit: str,
    time: str,
    form: str = "cobb-douglas",
    inefficiency: str = "1992",
    distribution: str | None = None,
    decay: bool | None = None,
    determinants: Sequence[str] = (),
    trend: str = "none",
    max_iterations: int = 500,
) -> FrontierResult:
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
        1992: u_it = exp(-eta (t - T)) u_i, one draw per unit, T the last year of the sample.
        1995: independent draws whose mean before truncation is delta'z_it.
    distribution : {"half-normal", "truncated"} or None
        Half-normal sets the mean before truncation to zero. None: half-normal for 1992,
        truncated for 1995.
    decay : bool or None
        Whether eta is estimated (1992); otherwise it is zero and efficiency does not change
        over time. None: estimated when there are two years or more.
    determinants : sequence of str
        Columns z of the 1995 model, as they stand; a constant is added.
    trend : {"none", "neutral", "non-neutral"}
        Technical change: none; a trend (with its square in a translog); a trend that also
        shifts the elasticities.
    max_iterations : int
        Bound on the iterations of each search.

    Returns
    -------
    FrontierResult

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
    ConvergenceWarning
        If the search did not reach a maximum.
    BoundaryWarning
        If gamma or eta stopped at a bound, no inefficiency was found (the message says when
        least-squares residuals are skewed the wrong way), or truncation does not bind.
    UserWarning
        If an elasticity is negative in some rows.

    Notes
    -----
    Parametrised by sigma^2 = sigma_v^2 + sigma_u^2 and gamma = sigma_u^2 / sigma^2 (Battese and
    Corra 1977). Standard errors come from the Hessian. Years since the year before the sample
    count the trend, as in FRONTIER 4.1 (Coelli 1996).

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
    model = checked(
        Model(
            output,
            columns_of(inputs, "inputs"),
            form,
            inefficiency,
            distribution,
            decay,
            columns_of(determinants, "determinants"),
            trend,
            max_iterations,
        )
    )
    data = levels(frame, model, unit, time)
    model = model.on(data)
    logs = np.log(data[[output, *inputs]])
    year = data.index.get_level_values(1)
    years = pd.Series(year - year.min() + 1.0, index=data.index)
    x = regressors(logs[list(inputs)], years, form, trend)
    sample, z_names = _sample(data, logs[output], x, model)
    names = [*x.columns, *z_names, "sigma2", "gamma", *(["eta"] if model.decay else [])]
    if len(data) <= len(names):
        raise SampleError(
            f"{len(data)} rows for {len(names)} parameters", expected="more rows than parameters"
        )
    fit = _least_squares(sample, x)
    found = maximise(sample, fit.beta, fit.variance, names, max_iterations)
    _warn(found, sample, names, fit, max_iterations)
    return _result(model, data, logs, years, sample, found, names, fit)


def _sample(
    data: pd.DataFrame, y: pd.Series, x: pd.DataFrame, model: Model
) -> tuple[Sample, list[str]]:
    """Return the arrays of the likelihood and the names of the mean's parameters."""
    shared = model.inefficiency == "1992"
    codes = pd.factorize(data.index.get_level_values(0))[0] if shared else np.arange(len(data))
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    if model.distribution == "half-normal":
        z = pd.DataFrame(index=data.index[starts])
    elif shared:
        z = pd.DataFrame({"mu": 1.0}, index=data.index[starts])
    else:
        z = data[list(model.determinants)].add_prefix("delta:")
        z.insert(0, "delta:constant", 1.0)
        independent(z, "the determinants")
    year = data.index.get_level_values(1).to_numpy()
    lead = (year.max() - year).astype(float)
    sample = Sample(y.to_numpy(), x.to_numpy(), z.to_numpy(float), starts, lead, model.decay)
    return sample, list(z.columns)


@dataclass(frozen=True, eq=False)
class _LeastSquares:
    """Coefficients, residual variance (over n), skewness and log-likelihood."""

    beta: np.ndarray
    variance: float
    skewness: float
    loglik: float


def _least_squares(sample: Sample, x: pd.DataFrame) -> _LeastSquares:
    independent(x, "the regressors")
    n = len(sample.y)
    scale = np.sqrt((sample.x**2).mean(axis=0))
    beta = np.linalg.lstsq(sample.x / scale, sample.y, rcond=None)[0] / scale
    residual = sample.y - sample.x @ beta
    variance = float((residual**2).mean())
    if variance <= 1e-20 * (1 + float((sample.y**2).mean())):
        raise EstimationError(
            "the output is an exact function of the inputs",
            expected="a residual",
            hint="see whether the output was made from the inputs",
        )
    return _LeastSquares(
        beta=beta,
        variance=variance,
        skewness=float((residual**3).mean() / variance**1.5),
        loglik=-n / 2 * float(np.log(2 * np.pi * variance) + 1),
    )


def _warn(
    found: Maximum, sample: Sample, names: list[str], fit: _LeastSquares, max_iterations: int
) -> None:
    """Say what is wrong with a maximum, if anything is."""
    state = found.convergence
    if not state.converged:
        warnings.warn(
            f"the search did not converge after {state.iterations} iterations of at most "
            f"{max_iterations} (largest derivative {state.gradient_norm:.2g}; {state.message}); "
            "the estimates need not be a maximum",
            ConvergenceWarning,
            stacklevel=3,
        )
    bound = [
        f"{name} stopped at {found.parameters[names.index(name)]:.6g}" for name in state.boundary
    ]
    if found.loglik - fit.loglik < NO_GAIN:
        bound.append("the frontier fits no better than least squares: it finds no inefficiency")
        if fit.skewness > 0:
            bound.append(
                f"the least-squares residuals are skewed the wrong way ({fit.skewness:+.2f})"
            )
    _, delta, sigma2, gamma, _ = sample.split(found.parameters)
    if len(delta) and (sample.z @ delta).min() > UNBOUND * np.sqrt(gamma * sigma2):
        bound.append(
            f"the mean before truncation is over {UNBOUND:g} sigma_u everywhere, so truncation "
            "does not bind: determinants serve as regressors and the level of efficiency is not "
            "identified"
        )
    if bound:
        warnings.warn("; ".join(bound), BoundaryWarning, stacklevel=3)


def _result(
    model: Model,
    data: pd.DataFrame,
    logs: pd.DataFrame,
    years: pd.Series,
    sample: Sample,
    found: Maximum,
    names: list[str],
    fit: _LeastSquares,
) -> FrontierResult:
    """Return the reader's result, labelled."""
    estimate = pd.Series(found.parameters, index=names)
    inputs, beta = logs[list(model.inputs)], estimate.iloc[: sample.x.shape[1]]
    slopes = elasticities(inputs, years, beta)
    for name in slopes.columns[(slopes < 0).any()]:
        warnings.warn(
            f"the elasticity of {name} is negative in {int((slopes[name] < 0).sum())} of "
            f"{len(slopes)} rows",
            stacklevel=3,
        )
    state = posterior(found.parameters, sample)
    return FrontierResult(
        form=model.form,
        inefficiency_model=model.inefficiency,
        distribution=str(model.distribution),
        trend=model.trend,
        decay=bool(model.decay),
        parameters=_table(estimate, found.covariance),
        covariance=pd.DataFrame(found.covariance, index=names, columns=names),
        loglik=found.loglik,
        loglik_ols=fit.loglik,
        ols_skewness=fit.skewness,
        output=logs[model.output],
        inputs=inputs,
        efficiency=pd.Series(state.efficiency, index=data.index, name="efficiency"),
        inefficiency=pd.Series(state.inefficiency, index=data.index, name="inefficiency"),
        residual=pd.Series(state.residual, index=data.index, name="residual"),
        elasticities=slopes,
        technical_change=trend_effect(inputs, years, beta),
        convergence=found.convergence,
    )


def _table(estimate: pd.Series, covariance: np.ndarray) -> pd.DataFrame:
    """Return estimates with standard errors, z and two-sided p values."""
    from scipy.stats import norm

    error = np.sqrt(np.diag(covariance))
    z = estimate / error
    return pd.DataFrame(
        {"estimate": estimate, "std_error": error, "z": z, "p_value": 2 * norm.sf(z.abs())}
    )
