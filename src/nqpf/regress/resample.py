"""Wild cluster bootstrap of one coefficient, with restricted residuals (WCR).

Thirty-one clusters are few: clustered t statistics reject too often. Cameron, Gelbach and Miller
(2008) compare t with its distribution when the residuals of the regression under the null are
multiplied by one random sign per cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.regress.ols import (
    DEFAULT,
    RegressionResult,
    check_names,
    check_request,
    cluster_sums,
    fixed_effects,
)
from nqpf.regress.staggered import effect_weights, on_keys, wide_cohorts
from nqpf.sample import by_key, demean, nearest, place

__all__ = [
    "Draws",
    "Parts",
    "PermutationPlacebo",
    "Reassignment",
    "WEIGHTS",
    "WildBootstrap",
    "detectable",
    "permutation_placebo",
    "reassign",
    "wild_bootstrap",
    "wild_weights",
]

_TIE = 1e-9  # abs(t*) this close to abs(t) is a tie, which counts as at least as extreme
_MAX_REACH = 1e6  # standard errors beyond which the interval is called unbounded


@dataclass(frozen=True)
class Parts:
    """What all draws share, in units of the spread of the variables.

    Attributes
    ----------
    estimate, variance : float
        The coefficient and its plain clustered variance.
    c, c_x : (G,) arrays
        c of the module's formula is c - d c_x.
    a, a_x : (G, G) arrays
        A of the module's formula is a - d a_x.
    back : float
        Turns scaled into raw coefficients.
    """

    estimate: float
    variance: float
    c: np.ndarray
    c_x: np.ndarray
    a: np.ndarray
    a_x: np.ndarray
    back: float

    @classmethod
    def of(cls, data: pd.DataFrame, outcome: str, variable: str, effects: str) -> Parts:
        """Return the parts for `data`, indexed (unit, time), sorted and complete."""
        unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
        used = (
            unit if effects in ("two-way", "unit") else None,
            time if effects in ("two-way", "time") else None,
        )
        spread = data.std()
        left = demean((data / spread).to_numpy(), *used)
        columns = list(data.columns)
        x, y = left[:, columns.index(variable)], left[:, columns.index(outcome)]
        others = left[:, [i for i, n in enumerate(columns) if n not in (variable, outcome)]]
        x, y = (z - others @ np.linalg.lstsq(others, z, rcond=None)[0] for z in (x, y))
        estimate = float(x @ y) / float(x @ x)
        basis = np.linalg.qr(np.column_stack([others, x]))[0]
        member = np.eye(unit.max() + 1)[unit]

        def score(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            alone = demean(member * residual[:, None], *used)  # (N, G), each cluster on its own
            alone -= basis @ (basis.T @ alone)
            return cluster_sums(x * residual, unit), cluster_sums(x[:, None] * alone, unit)

        rest = y - estimate * x
        c, a = score(rest)
        c_x, a_x = score(x)
        return cls(
            estimate=estimate,
            variance=float(c @ c) / float(x @ x) ** 2,
            c=c,
            c_x=c_x,
            a=a,
            a_x=a_x,
            back=float(spread[outcome] / spread[variable]),
        )


@dataclass(frozen=True)
class Draws:
    """Coefficients and variances of all draws as polynomials of d, the null less the estimate.

    Attributes
    ----------
    parts : Parts
    shift : two (draws,) arrays
        (b* - r) x'x is the first less d times the second.
    spread : three (draws,) arrays
        Coefficients of 1, -2 d and d^2 in the sum of squared scores.
    """

    parts: Parts
    shift: tuple[np.ndarray, np.ndarray]
    spread: tuple[np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of(cls, v: np.ndarray, parts: Parts) -> Draws:
        """Return the draws for (draws, G) weights."""
        s, s_x = v @ parts.a.T, v @ parts.a_x.T
        one, two, three = (np.einsum("bg,bg->b", p, q) for p, q in ((s, s), (s, s_x), (s_x, s_x)))
        return cls(parts, (v @ parts.c, v @ parts.c_x), (one, two, three))

    def tstats(self, d: float) -> np.ndarray:
        """Return (draws,) bootstrap t, with the plain clustered variance."""
        shift = self.shift[0] - d * self.shift[1]
        spread = self.spread[0] - 2 * d * self.spread[1] + d**2 * self.spread[2]
        with np.errstate(divide="ignore", invalid="ignore"):
            return shift / np.sqrt(np.maximum(spread, 0))

    def pvalue(self, d: float) -> float:
        """Return the share of draws at least as extreme; 0/0 counts as extreme."""
        actual = abs(d) / np.sqrt(self.parts.variance)
        return float(np.mean(~(np.abs(self.tstats(d)) < actual * (1 - _TIE))))

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return d on either side of zero up to which p is alpha or more."""
        return self._edge(-1, alpha), self._edge(1, alpha)

    def _edge(self, side: int, alpha: float) -> float:
        step = side * np.sqrt(self.parts.variance)
        inside, outside = 0.0, 0.25
        while self.pvalue(outside * step) >= alpha:
            inside, outside = outside, 1.25 * outside + 0.2
            if outside > _MAX_REACH:
                return side * np.inf
        for _ in range(60):
            middle = (inside + outside) / 2
            if self.pvalue(middle * step) >= alpha:
                inside = middle
            else:
                outside = middle
        return inside * step


WEIGHTS = {"rademacher": "Rademacher", "webb": "Webb six-point"}
_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))


@dataclass(frozen=True)
class WildBootstrap:
    """Wild cluster bootstrap of one coefficient.

    Attributes
    ----------
    variable : str
    null, coefficient, tstat : float
        Null value, estimate, and t of the estimate against it.
    pvalue : float
        Share of draws with abs(t*) >= abs(t).
    lower, upper : float
        Interval of the null values next to the estimate with p >= 1 - level; infinite if
        none further out is rejected.
    level : float
    tstats : (draws,) array
        Bootstrap t at the null.
    weights : str
        A name of :data:`WEIGHTS`.
    draws : int
    enumerated : bool
        Every combination of signs was taken once (up to a sign common to all clusters, which
        does not change abs(t*)), so that `seed` plays no part.
    seed : int
    result : RegressionResult
        The regression with its clustered errors.
    """

    variable: str
    null: float
    coefficient: float
    tstat: float
    pvalue: float
    lower: float
    upper: float
    level: float
    tstats: np.ndarray
    weights: str
    draws: int
    enumerated: bool
    seed: int
    result: RegressionResult

    @property
    def label(self) -> str:
        """How the p value came about, for a table's notes."""
        if self.enumerated:
            drawn = f"all {self.draws:,} distinct combinations of signs"
        else:
            drawn = f"{self.draws:,} draws, seed {self.seed}"
        return (
            f"wild cluster bootstrap by {self.result.unit} ({self.result.groups} clusters), "
            f"restricted residuals, {WEIGHTS[self.weights]} weights, {drawn}"
        )

    def __str__(self) -> str:
        return (
            f"{self.variable}: {self.coefficient:.4g}, p = {self.pvalue:.4f} against "
            f"{self.null:g}, {self.level:.0%} interval [{self.lower:.4g}, {self.upper:.4g}]; "
            f"{self.label}."
        )


def wild_bootstrap(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    null: float = 0.0,
    draws: int = 9999,
    weights: str = "rademacher",
    level: float = 0.95,
    convention: str = DEFAULT,
    vintage: str = "",
    seed: int = 0,
) -> WildBootstrap:
    """Test a coefficient with clusters by unit by the restricted wild cluster bootstrap.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, effects, convention, vintage
        As for :func:`nqpf.regress.fixed_effects`, with ``errors="clustered"``.
    variable : str or None
        Tested regressor; the first by default.
    null : float
        Value under the null.
    draws : int
        Draws, 99 or more. If there are no more than `draws` combinations of Rademacher signs,
        each is taken once instead.
    weights : {"rademacher", "webb"}
        Plus or minus one; or Webb's six points, for about ten clusters or fewer.
    level : float
        Coverage of the interval.
    seed : int
        Seed of the draws.

    Returns
    -------
    WildBootstrap

    Raises
    ------
    nqpf.errors.MethodError
        If an option is not valid.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Notes
    -----
    Cameron, Gelbach and Miller (2008); the inversion follows Roodman, MacKinnon, Nielsen and
    Webb (2019). The p value does not depend on `convention`, whose factor cancels.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(6), [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> x = [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 3, 1, 5, 2, 6, 6, 9.0]
    >>> frame = pd.DataFrame({"x": x}, index=keys)
    >>> frame["y"] = frame["x"] + [0, 3, 1, 5, 4, 9, 3, 4, 2, 1, 0, 2, 6, 4, 5, 7, 9, 8]
    >>> test = wild_bootstrap(frame, "y", "x")
    >>> test.draws, test.enumerated, test.pvalue
    (32, True, 0.03125)
    """
    names = [regressors] if isinstance(regressors, str) else list(regressors)
    options = {"unit": unit, "time": time, "effects": effects}
    result = fixed_effects(frame, outcome, names, convention=convention, vintage=vintage, **options)
    variable = names[0] if variable is None else variable
    _check(variable, names, draws, weights, level)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    parts = Parts.of(data, outcome, variable, effects)
    v, enumerated = wild_weights(result.groups, draws, weights, seed)
    draw = Draws.of(v, parts)
    distance = null / parts.back - parts.estimate
    below, above = draw.interval(1 - level)
    plain = np.sqrt(parts.variance) * parts.back
    return WildBootstrap(
        variable=variable,
        null=float(null),
        coefficient=float(result.params[variable]),
        tstat=float((result.params[variable] - null) / result.std_errors[variable]),
        pvalue=draw.pvalue(distance),
        lower=(parts.estimate + below) * parts.back,
        upper=(parts.estimate + above) * parts.back,
        level=level,
        tstats=draw.tstats(distance) * plain / result.std_errors[variable],
        weights=weights,
        draws=len(v),
        enumerated=enumerated,
        seed=seed,
        result=result,
    )


def _check(variable: str, names: list[str], draws: int, weights: str, level: float) -> None:
    for value, known, what in ((variable, names, "variable"), (weights, WEIGHTS, "weights")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 99:
        raise MethodError(f"{draws!r} draws", expected="a whole number, 99 or more")
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")


def wild_weights(clusters: int, draws: int, weights: str, seed: int) -> tuple[np.ndarray, bool]:
    """Return (draws, clusters) weights of mean 0 and variance 1, and whether they are all.

    Examples
    --------
    >>> wild_weights(3, 99, "rademacher", 0)
    (array([[ 1.,  1.,  1.],
           [ 1.,  1., -1.],
           [ 1., -1.,  1.],
           [ 1., -1., -1.]]), True)
    """
    if weights == "rademacher" and 2.0**clusters <= draws:
        # the first sign is fixed: turning all signs leaves abs(t*) as it is
        bits = np.arange(2 ** (clusters - 1))[:, None] >> np.arange(clusters - 1, -1, -1)
        return 1.0 - 2.0 * (bits & 1), True
    rng = np.random.default_rng(seed)
    signs = 2.0 * rng.integers(0, 2, size=(draws, clusters)) - 1
    if weights == "webb":
        signs *= _WEBB[rng.integers(0, 3, size=(draws, clusters))]
    return signs, False


_CELLS = 2_000_000  # numbers of a batch of permuted regressors


@dataclass(frozen=True)
class PermutationPlacebo:
    """Clustered t statistics when units exchange their histories of one regressor.

    Attributes
    ----------
    variable : str
    tstat : float
        Of the actual regressor.
    tstats : (draws,) array
        Of permuted regressors.
    pvalue : float
        (1 + number of permuted abs(t) at least as large) / (1 + draws).
    draws, seed : int
    result : RegressionResult
        The actual regression.
    """

    variable: str
    tstat: float
    tstats: np.ndarray
    pvalue: float
    draws: int
    seed: int
    result: RegressionResult

    @property
    def label(self) -> str:
        """How the p value came about, for a table's notes."""
        return (
            f"{self.variable} permuted across {self.result.unit}s, {self.draws:,} draws, "
            f"seed {self.seed}, clustered t compared"
        )


def permutation_placebo(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    draws: int = 999,
    seed: int = 0,
    **options: object,
) -> PermutationPlacebo:
    """Give each unit the whole history of `variable` of a unit drawn without replacement.

    Under the null that it does not matter which unit a history belongs to, the actual t is one
    draw among the permuted ones. Outcome and other regressors stay where they are.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, effects
        As for :func:`nqpf.regress.fixed_effects`, with ``errors="clustered"``. The sample
        must be balanced: a history that lacks a year cannot be moved.
    variable : str or None
        Permuted regressor; the first by default.
    draws, seed : int
    **options
        ``convention`` and ``vintage``, passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    PermutationPlacebo

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(8), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(48, 2)), keys, ["x", "y"])
    >>> frame["y"] += frame["x"]
    >>> permutation_placebo(frame, "y", "x", draws=99).pvalue
    0.01
    """
    names = check_request(outcome, regressors, "clustered")
    variable = names[0] if variable is None else variable
    check_names([variable], names, "variable")
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 99:
        raise MethodError(f"{draws!r} draws", expected="a whole number, 99 or more")
    result = fixed_effects(frame, outcome, names, unit, time, effects, "clustered", **options)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    wide = data[variable].unstack()
    if wide.isna().to_numpy().any():
        row, column = np.argwhere(wide.isna().to_numpy())[0]
        key = (wide.index[row], wide.columns[column])
        raise SampleError(
            "a row is missing, so that histories cannot be exchanged",
            where=place(key, data.index.names),
            expected="a balanced sample",
        )
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(len(wide)) for _ in range(draws)])
    statistics = _permuted(data, outcome, variable, effects, wide.to_numpy(), orders)
    plain = _permuted(
        data, outcome, variable, effects, wide.to_numpy(), np.arange(len(wide))[None]
    )[0]
    extreme = int((np.abs(statistics) >= abs(plain) * (1 - _TIE)).sum())
    return PermutationPlacebo(
        variable=variable,
        tstat=float(result.tstats[variable]),
        tstats=statistics * (result.tstats[variable] / plain),
        pvalue=(1 + extreme) / (1 + draws),
        draws=draws,
        seed=seed,
        result=result,
    )


def _permuted(
    data: pd.DataFrame,
    outcome: str,
    variable: str,
    effects: str,
    wide: np.ndarray,
    orders: np.ndarray,
) -> np.ndarray:
    """Return the plain clustered t of the variable for each order of the units."""
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    used = (
        unit if effects in ("two-way", "unit") else None,
        time if effects in ("two-way", "time") else None,
    )
    spread = data.std()
    fixed = demean((data / spread).drop(columns=variable).to_numpy(), *used)
    y, others = fixed[:, 0], fixed[:, 1:]
    basis = np.linalg.qr(others)[0]
    y = y - basis @ (basis.T @ y)
    batch = max(1, _CELLS // len(data))
    found = []
    for start in range(0, len(orders), batch):
        moved = wide[orders[start : start + batch]] / spread[variable]  # (draws, G, T)
        x = demean(moved.reshape(len(moved), -1).T, *used)
        x -= basis @ (basis.T @ x)
        own = (x**2).sum(axis=0)
        slope = y @ x / own
        scores = cluster_sums(x * (y[:, None] - slope * x), unit)
        found.append(slope * own / np.sqrt((scores**2).sum(axis=0)))
    return np.concatenate(found)


_REACH, _STEPS = 8, 161  # effects tried, up to eight standard deviations of chance


@dataclass(frozen=True)
class Reassignment:
    """Estimates when cohorts keep their sizes and their members are drawn.

    Attributes
    ----------
    estimates : Series by (outcome, estimate)
        With the actual treatment.
    draws : DataFrame
        The same columns, one row per draw.
    pvalues : Series
        (1 + draws at least as far from zero) / (1 + draws), and never less than 1 / `distinct`.
    distinct : int
        Different assignments that there are.
    seed : int
    """

    estimates: pd.Series
    draws: pd.DataFrame
    pvalues: pd.Series
    distinct: int
    seed: int

    def joint(self, outcome: str, columns: Sequence[object]) -> float:
        """Return one p value for several estimates of an outcome at once.

        The statistic is the quadratic form of the estimates in the inverse of their second
        moments over the draws.
        """
        own = self.draws[outcome][list(columns)].to_numpy()
        inverse = np.linalg.pinv(own.T @ own / len(own))
        actual = self.estimates[outcome][list(columns)].to_numpy()
        statistic = actual @ inverse @ actual
        drawn = np.einsum("ij,jk,ik->i", own, inverse, own)
        extreme = int((drawn >= statistic * (1 - _TIE)).sum())
        return max((1 + extreme) / (1 + len(own)), 1 / self.distinct)


def reassign(
    outcomes: pd.DataFrame,
    treatment: pd.DataFrame,
    estimator: str = "imputation",
    draws: int = 999,
    seed: int = 0,
) -> Reassignment:
    """Estimate the effect again with the treated drawn at random, cohorts keeping their sizes.

    Under the null that the reform did nothing to anybody, the actual estimate is one draw
    among the others, however few units were treated (MacKinnon and Webb 2020).

    Parameters
    ----------
    outcomes : DataFrame
        Keyed as `treatment`, one column per outcome; all meet the same draws.
    treatment : DataFrame
        From :func:`nqpf.regress.adoption`, of a balanced sample.
    estimator : {"two-way", "imputation", "cohorts"}
        As in :func:`nqpf.regress.effect_weights`.
    draws, seed : int

    Returns
    -------
    Reassignment

    Raises
    ------
    nqpf.errors.SampleError
        If the sample is unbalanced or the keys differ.
    nqpf.errors.MethodError
        If the estimator is unknown or there are fewer than 99 draws.

    Examples
    --------
    >>> from nqpf.regress import adoption
    >>> keys = pd.MultiIndex.from_product([range(8), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=48)}, keys)
    >>> treatment = adoption(frame, {0: 2018, 1: 2018, 2: 2019})
    >>> frame["y"] += 5 * treatment["treated"]
    >>> test = reassign(frame, treatment)
    >>> test.distinct, bool(test.pvalues["y", "effect"] < 0.02)
    (168, True)
    """
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 99:
        raise MethodError(f"{draws!r} draws", expected="a whole number, 99 or more")
    weights = effect_weights(treatment, estimator)
    cohorts = wide_cohorts(treatment)
    data = on_keys(outcomes, treatment)
    orders = _orders(np.random.default_rng(seed), len(cohorts), draws)
    actual, drawn = {}, {}
    for name in data:
        values = data[name].unstack().to_numpy()
        for column in weights:
            cross = weights[column].unstack().to_numpy() @ values.T
            actual[name, column] = float(np.trace(cross))
            drawn[name, column] = _sums(cross, orders)
    estimates, draw_table = pd.Series(actual), pd.DataFrame(drawn)
    extreme = (draw_table.abs() >= estimates.abs() * (1 - _TIE)).sum()
    distinct = _distinct(cohorts)
    return Reassignment(
        estimates=estimates,
        draws=draw_table,
        pvalues=((1 + extreme) / (1 + draws)).clip(lower=1 / distinct),
        distinct=distinct,
        seed=seed,
    )


def detectable(
    outcomes: pd.DataFrame,
    treatment: pd.DataFrame,
    estimator: str = "imputation",
    power: float = 0.8,
    level: float = 0.05,
    truths: int = 200,
    draws: int = 499,
    seed: int = 0,
) -> pd.Series:
    """Return the smallest constant effect that :func:`reassign` would find often enough.

    The estimated effect is taken out of the outcomes. Then units to treat are drawn `truths`
    times, an effect is added to them, and the test is run with `draws` further assignments.

    Parameters
    ----------
    outcomes, treatment, estimator, draws, seed
        As for :func:`reassign`.
    power, level : float
        Share of the truths in which the p value is at most `level`.
    truths : int

    Returns
    -------
    Series by outcome
        In the units of the outcome; infinite when no effect tried is found that often.

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`reassign`.

    Examples
    --------
    >>> from nqpf.regress import adoption
    >>> keys = pd.MultiIndex.from_product([range(20), range(2015, 2021)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=120)}, keys)
    >>> treatment = adoption(frame, dict.fromkeys(range(6), 2018))
    >>> bool(0.9 < detectable(frame, treatment)["y"] < 1.6)
    True
    """
    weights = effect_weights(treatment, estimator)["effect"].unstack().to_numpy()
    treated = treatment["treated"].unstack().to_numpy().astype(float)
    data = on_keys(outcomes, treatment)
    rng = np.random.default_rng(seed)
    truth, orders = _orders(rng, len(treated), truths), _orders(rng, len(treated), draws)
    back = np.argsort(truth, axis=1)
    overlap = weights @ treated.T
    smallest = 1 / _distinct(wide_cohorts(treatment))  # that a p value can be
    carried = np.array([_sums(overlap, order[orders]) for order in back])  # (truths, draws)
    found = {}
    for name in data:
        values = data[name].unstack().to_numpy()
        values = values - (weights * values).sum() * treated
        cross = weights @ values.T
        drawn, own = _sums(cross, orders), _sums(cross, truth)
        effects = np.linspace(0, _REACH * drawn.std(), _STEPS)
        share = np.array([_rejected(own, drawn, carried, one, level) for one in effects])
        enough = np.flatnonzero(share >= power) if level >= smallest else []
        found[name] = float(effects[enough[0]]) if len(enough) else np.inf
    return pd.Series(found, name="detectable")


def _distinct(cohorts: pd.Series) -> int:
    return factorial(len(cohorts)) // prod(map(factorial, cohorts.value_counts()))


def _rejected(
    own: np.ndarray, drawn: np.ndarray, carried: np.ndarray, effect: float, level: float
) -> float:
    actual = np.abs(own + effect)[:, None] * (1 - _TIE)
    extreme = (np.abs(drawn + effect * carried) >= actual).sum(axis=1)
    return float(np.mean((1 + extreme) / (1 + len(drawn)) <= level))


def _orders(rng: np.random.Generator, units: int, draws: int) -> np.ndarray:
    return np.array([rng.permutation(units) for _ in range(draws)])


def _sums(cross: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Return the estimate for each order: place i of the design gets outcomes of order[i]."""
    return cross[np.arange(len(cross)), orders].sum(axis=1)
