"""Mediation in three equations, and what it does not identify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.ols import DEFAULT, RegressionResult, fixed_effects
from nqpf.regress.table import RegressionTable
from nqpf.sample import by_key, place

__all__ = [
    "MediationResult",
    "PATHS",
    "Products",
    "accelerated",
    "jackknife",
    "mediation",
    "products",
    "resampled",
]

PATHS = ("indirect", "direct", "total", "proportion")
_SINGULAR = 1e-10  # a smaller eigenvalue of a correlation matrix is rounding


@dataclass(frozen=True)
class Products:
    """Cross-products by unit.

    Attributes
    ----------
    by_unit : (n, p, p) array
        Of treatment, controls, mediator, outcome and then dummies, the former in
        standard deviations.
    variables : int
        Columns that are not dummies.
    scale : float
        Turns an effect in standard deviations into the units of the data.
    """

    by_unit: np.ndarray
    variables: int
    scale: float

    def paths(self, weights: np.ndarray) -> np.ndarray:
        """Return indirect, direct and total effect and the proportion, (b, 4).

        Parameters
        ----------
        weights : (b, n) array
            How often each unit is in each sample. A sample that does not
            identify the effects has missing values.
        """
        size = self.by_unit.shape[1]
        sums = (weights @ self.by_unit.reshape(len(self.by_unit), -1)).reshape(-1, size, size)
        v = self.variables
        cross = sums[:, :v, v:]
        dummies = np.linalg.pinv(sums[:, v:, v:], rcond=_SINGULAR, hermitian=True)
        left = sums[:, :v, :v] - cross @ dummies @ cross.transpose(0, 2, 1)
        regressors = left[:, :-1, :-1]
        length = np.sqrt(np.maximum(np.diagonal(regressors, axis1=1, axis2=2), 0))
        # A variable that does not vary among the units drawn keeps rounding of what it was.
        whole = np.sqrt(np.diagonal(self.by_unit.sum(axis=0))[: v - 1])
        real = (length > 1e-6 * whole).all(axis=1)
        unit = np.where(real[:, None], length, 1.0)
        even = regressors / (unit[:, :, None] * unit[:, None, :])
        even[~real] = np.eye(v - 1)
        real &= np.linalg.eigvalsh(even)[:, 0] > _SINGULAR
        even[~real] = np.eye(v - 1)
        target = left[:, :-1, -1] / unit
        outcome = np.linalg.solve(even, target[:, :, None])[:, :, 0] / unit
        inner = np.linalg.solve(even[:, :-1, :-1], even[:, :-1, -1:])[:, :, 0]
        first = inner[:, 0] * unit[:, -1] / unit[:, 0]
        indirect, direct = first * outcome[:, -1], outcome[:, 0]
        effects = np.column_stack([indirect, direct, indirect + direct]) * self.scale
        with np.errstate(divide="ignore", invalid="ignore"):
            result = np.column_stack([effects, effects[:, 0] / effects[:, 2]])
        result[~real] = np.nan
        return result


def products(data: pd.DataFrame, effects: str) -> Products:
    """Return the cross-products of `data`.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
        Treatment, controls, mediator and outcome, in this order.
    effects : {"two-way", "unit", "time", "pooled"}
    """
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    spread = data.std()
    values = ((data - data.mean()) / spread).to_numpy()
    if effects in ("two-way", "time"):
        dummies = np.eye(time.max() + 1)[time]
    else:
        dummies = np.ones((len(data), int(effects == "pooled")))
    columns = np.hstack([values, dummies])
    members = np.eye(unit.max() + 1)[:, unit]
    if effects in ("two-way", "unit"):
        columns = columns - ((members @ columns) / members.sum(axis=1)[:, None])[unit]
    by_unit = np.stack([columns[row > 0].T @ columns[row > 0] for row in members])
    return Products(by_unit, values.shape[1], float(spread.iloc[-1] / spread.iloc[0]))


def resampled(moments: Products, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the paths of `size` samples of units drawn with replacement, (size, 4)."""
    units = len(moments.by_unit)
    draws = rng.integers(units, size=(size, units))
    weights = np.zeros((size, units))
    np.add.at(weights, (np.arange(size)[:, None], draws), 1.0)
    return moments.paths(weights)


def jackknife(moments: Products) -> np.ndarray:
    """Return the paths of the sample less each unit in turn, (n, 4)."""
    return moments.paths(1.0 - np.eye(len(moments.by_unit)))


def accelerated(
    estimate: float, draws: np.ndarray, without: np.ndarray, level: float
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval (Efron 1987).

    Parameters
    ----------
    estimate : float
    draws : (b,) array
        Bootstrap estimates.
    without : (n,) array
        Estimates less one unit each.
    level : float
    """
    from scipy import stats

    below = ((draws < estimate).mean() + (draws <= estimate).mean()) / 2
    spread = without.mean() - without
    squares = (spread**2).sum()
    if not 0 < below < 1 or not squares > 0:
        return np.nan, np.nan
    bias, speed = stats.norm.ppf(below), (spread**3).sum() / (6 * squares**1.5)
    reach = bias + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    shares = stats.norm.cdf(bias + reach / (1 - speed * reach))
    lower, upper = np.quantile(draws, shares)
    return float(lower), float(upper)


@dataclass(frozen=True)
class MediationResult:
    """Three equations and the effects they imply.

    Attributes
    ----------
    outcome, treatment, mediator : str
    regressions : mapping of str to RegressionResult
        ``total``: outcome on treatment; ``mediator``: mediator on treatment;
        ``direct``: outcome on treatment and mediator; controls and effects in each.
    effects : DataFrame, rows ``indirect``, ``direct``, ``total``, ``proportion``
        ``estimate``; ``std_error``, the deviation of the bootstrap; ``lower`` and
        ``upper`` by percentiles; ``bca_lower`` and ``bca_upper``, bias-corrected and
        accelerated. The proportion is indirect over total.
    sobel : Series
        ``std_error``, ``z`` and ``p_value`` of the indirect effect by the delta
        method, which takes it as normal.
    draws : DataFrame, one row per bootstrap sample
    level : float
    bootstrap, seed : int
    failed : int
        Bootstrap samples that did not identify the effects, left out.
    """

    outcome: str
    treatment: str
    mediator: str
    regressions: Mapping[str, RegressionResult]
    effects: pd.DataFrame
    sobel: pd.Series
    draws: pd.DataFrame
    level: float
    bootstrap: int
    seed: int
    failed: int

    @property
    def identification(self) -> str:
        """What would have to hold for the indirect effect to be one, in plain words."""
        t, m, y = self.treatment, self.mediator, self.outcome
        return (
            f"What this does not identify. The product of coefficients is an effect of {t} that "
            f"passes through {m} only under sequential ignorability (Imai, Keele and Yamamoto "
            f"2010): given controls and fixed effects nothing unseen moves {t} together with "
            f"{m} or {y}, and, given {t} as well, nothing unseen moves {m} together with {y}. "
            "The data cannot test the second part, and no standard error or bootstrap allows "
            f"for its failure. A variable that {t} changes and that acts on both {m} and {y} "
            "biases the figures whether it is controlled for or not. Effects that run from "
            f"{y} back to {m}, or from {m} to {t}, are not ruled out. Slopes are taken as linear, "
            f"equal for all, and the slope of {m} as the same at every {t}. Fixed effects remove "
            "what is constant in a unit or common to a year, and nothing else. The split is "
            "therefore a description of how coefficients change, not evidence of a mechanism; a "
            "proportion means little where direct and indirect effects differ in sign or the "
            "total is near zero."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        first = self.regressions["total"]
        lines = [
            f"Intervals at {self.level:.0%} from {self.bootstrap} samples of whole {first.unit} "
            f"groups, seed {self.seed}.",
            f"Sobel: z = {self.sobel['z']:.3f}, p = {self.sobel['p_value']:.4f}, from standard "
            f"errors {first.covariance_label}; the product of two estimates is not normal.",
        ]
        if self.failed:
            lines.append(f"{self.failed} samples did not identify the effects and are left out.")
        return tuple(lines)

    def table(self) -> RegressionTable:
        """Return the three equations side by side."""
        return RegressionTable({name.capitalize(): r for name, r in self.regressions.items()})

    def __str__(self) -> str:
        effects = self.effects.to_string(float_format=lambda v: f"{v:.4g}")
        return "\n".join([effects, *self.notes, "", str(self.table()), "", self.identification])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        effects = self.effects.to_html(float_format=lambda v: f"{v:.4g}")
        notes = "<br>".join(escape(line) for line in self.notes)
        caption = (
            f"Effects of {self.treatment} on {self.outcome}, through {self.mediator} and not, with "
            f"{self.level:.0%} intervals by percentiles and bias-corrected"
        )
        return (
            f'<p class="data-note">{escape(caption)}.</p>'
            f'<div class="table-box">{effects}</div><p class="data-note">{notes}</p>\n'
            f"{self.table().to_html()}\n"
            f'<p class="data-note">{escape(self.identification)}</p>'
        )


_FAILED = 0.05  # share of bootstrap samples that may not identify the effects


def mediation(
    frame: pd.DataFrame,
    outcome: str,
    treatment: str,
    mediator: str,
    controls: Sequence[str] | str = (),
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    bootstrap: int = 1000,
    seed: int = 0,
    *,
    level: float = 0.95,
    errors: str = "clustered",
    convention: str = DEFAULT,
    vintage: str = "",
) -> MediationResult:
    """Split the coefficient of `treatment` into a part with `mediator` and one without.

    The stepwise form of Baron and Kenny (1986), each with controls and effects:

        outcome  = c treatment + e1
        mediator = a treatment + e2
        outcome  = d treatment + b mediator + e3

    The indirect effect is a b, the direct d, the total c; in linear least
    squares on one sample c = d + a b exactly. The result prints what it does
    not identify, and that belongs to the figures.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and
        time, no figure missing. The sample may be unbalanced.
    outcome, treatment, mediator : str
    controls : sequence of str
        In all three equations.
    unit, time : str
        Names of the key.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects of all three equations.
    bootstrap : int
        Samples of units drawn with replacement, each with all its years; year
        effects are estimated anew in each. 0 leaves intervals missing.
    seed : int
        Seed of the draws.
    level : float
        Level of the intervals.
    errors, convention, vintage
        As in :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    MediationResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or there is one unit.
    nqpf.errors.MethodError
        If an option is not valid or a variable has two roles.
    nqpf.errors.EstimationError
        If regressors are absorbed or collinear, or more than one bootstrap
        sample in twenty does not identify the effects.

    References
    ----------
    Baron, R. M. and Kenny, D. A. (1986). Journal of Personality and Social Psychology 51,
    1173-1182. Sobel, M. E. (1982). Sociological Methodology 13, 290-312. Imai, K., Keele, L.
    and Yamamoto, T. (2010). Statistical Science 25, 51-71.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(20), range(10)], names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(200, 3)), keys, ["y", "t", "m"])
    >>> frame["m"] += 0.5 * frame["t"]
    >>> frame["y"] += 0.8 * frame["m"] + 0.3 * frame["t"]
    >>> fit = mediation(frame, "y", "t", "m", bootstrap=200)
    >>> bool(fit.effects.loc["indirect", "lower"] > 0)
    True
    """
    others = [controls] if isinstance(controls, str) else list(controls)
    names = [treatment, *others, mediator, outcome]
    _check(names, bootstrap, level)
    data = by_key(frame, names, unit, time, "the frame")
    units = data.index.unique(0)
    if len(units) < 2:
        raise SampleError(
            f"1 {unit} is too few",
            where=place((units[0],), (unit,)),
            expected="two or more: samples are drawn of whole units",
        )
    options = {
        "unit": unit,
        "time": time,
        "effects": effects,
        "errors": errors,
        "convention": convention,
        "vintage": vintage,
    }
    first = [treatment, *others]
    regressions = {
        "total": fixed_effects(data, outcome, first, **options),
        "mediator": fixed_effects(data, mediator, first, **options),
        "direct": fixed_effects(data, outcome, [treatment, mediator, *others], **options),
    }
    table, draws, failed = _bootstrapped(
        _estimates(regressions, treatment, mediator), data, effects, bootstrap, seed, level
    )
    return MediationResult(
        outcome=outcome,
        treatment=treatment,
        mediator=mediator,
        regressions=regressions,
        effects=table,
        sobel=_sobel(regressions, treatment, mediator),
        draws=draws,
        level=level,
        bootstrap=bootstrap,
        seed=seed,
        failed=failed,
    )


def _check(names: list[str], bootstrap: int, level: float) -> None:
    double = [name for name in names if names.count(name) > 1]
    if double:
        raise MethodError(
            f"variable {double[0]!r} is named more than once",
            expected="an outcome, a treatment, a mediator and controls that all differ",
        )
    if not isinstance(bootstrap, int | np.integer) or bootstrap < 0:
        raise MethodError(
            f"bootstrap {bootstrap!r}", expected="a whole number of samples, 0 or more"
        )
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")


def _estimates(
    regressions: dict[str, RegressionResult], treatment: str, mediator: str
) -> pd.Series:
    indirect = regressions["mediator"].params[treatment] * regressions["direct"].params[mediator]
    total = regressions["total"].params[treatment]
    values = [indirect, regressions["direct"].params[treatment], total, indirect / total]
    return pd.Series(values, index=pd.Index(PATHS, name="effect"), name="estimate")


def _sobel(regressions: dict[str, RegressionResult], treatment: str, mediator: str) -> pd.Series:
    """Return the test of the indirect effect by the delta method (Sobel 1982)."""
    from scipy import stats

    first, second = regressions["mediator"], regressions["direct"]
    a, b = first.params[treatment], second.params[mediator]
    error = np.hypot(a * second.std_errors[mediator], b * first.std_errors[treatment])
    z = a * b / error
    return pd.Series(
        {"std_error": error, "z": z, "p_value": 2 * stats.norm.sf(abs(z))}, name="sobel"
    )


def _bootstrapped(
    estimates: pd.Series, data: pd.DataFrame, effects: str, bootstrap: int, seed: int, level: float
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return estimates with intervals, the draws, and how many failed."""
    names = ["std_error", "lower", "upper", "bca_lower", "bca_upper"]
    table = estimates.to_frame().reindex(columns=["estimate", *names])
    if not bootstrap:
        return table, pd.DataFrame(columns=PATHS, dtype=float), 0
    moments = products(data, effects)
    draws = resampled(moments, bootstrap, np.random.default_rng(seed))
    whole = np.isfinite(draws).all(axis=1)
    failed = int((~whole).sum())
    if failed > _FAILED * bootstrap:
        raise EstimationError(
            f"{failed} of {bootstrap} bootstrap samples do not identify the effects",
            expected="treatment and mediator that vary in nearly every set of units",
            hint="use more units, or bootstrap=0 for no intervals",
        )
    draws = draws[whole]
    without = jackknife(moments)
    without = without[np.isfinite(without).all(axis=1)]
    tails = [(1 - level) / 2, (1 + level) / 2]
    for place_, name in enumerate(PATHS):
        values = draws[:, place_]
        table.loc[name, names] = [
            values.std(ddof=1) if len(values) > 1 else np.nan,
            *np.quantile(values, tails),
            *accelerated(table.loc[name, "estimate"], values, without[:, place_], level),
        ]
    return table, pd.DataFrame(draws, columns=PATHS), failed
