"""Mediation as the literature does it: three regressions and a product of coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.conventions import DEFAULT
from nqpf.regress.effects import fixed_effects
from nqpf.regress.mediation.paths import PATHS, accelerated, jackknife, products, resampled
from nqpf.regress.mediation.result import MediationResult
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key, place

__all__ = ["mediation"]

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
