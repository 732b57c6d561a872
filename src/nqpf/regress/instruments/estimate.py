"""Two-stage least squares with unit and year effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.conventions import DEFAULT, SampleSize, scaling
from nqpf.regress.effects import EFFECTS, RegressionResult
from nqpf.regress.instruments.diagnostics import InstrumentDiagnostics
from nqpf.regress.instruments.twostage import TwoStage
from nqpf.tfp.sample import by_key, nearest
from nqpf.tfp.within import check_regressors, check_singletons

__all__ = ["InstrumentalResult", "instrumental"]

ERRORS = ("clustered", "robust", "unadjusted")
_ENOUGH = 10  # rule of thumb of Staiger and Stock (1997), for several endogenous regressors


@dataclass(frozen=True, kw_only=True)
class InstrumentalResult(RegressionResult):
    """A regression with instruments.

    R2 within can be negative: it compares residuals of the structural equation,
    which instruments do not make small, with the outcome's own variation.

    Attributes
    ----------
    endogenous, instruments : tuple of str
    diagnostics : InstrumentDiagnostics
        Strength and validity of the instruments.
    """

    endogenous: tuple[str, ...]
    instruments: tuple[str, ...]
    diagnostics: InstrumentDiagnostics


def instrumental(
    frame: pd.DataFrame,
    outcome: str,
    endogenous: Sequence[str] | str,
    instruments: Sequence[str] | str,
    exogenous: Sequence[str] | str = (),
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    errors: str = "clustered",
    convention: str = DEFAULT,
    level: float = 0.95,
    vintage: str = "",
) -> InstrumentalResult:
    """Regress `outcome` on endogenous and exogenous regressors by two-stage least squares.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and
        time, no figure missing. The sample may be unbalanced.
    outcome : str
        Dependent variable.
    endogenous : sequence of str
        Regressors that may be correlated with the error.
    instruments : sequence of str
        Excluded instruments, at least as many as endogenous regressors.
    exogenous : sequence of str
        Regressors that are their own instruments.
    unit, time : str
        Names of the key.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects, taken out of every variable by exact projection;
        ``"pooled"`` has a constant and none.
    errors : {"clustered", "robust", "unadjusted"}
        Clustered by `unit`, heteroskedasticity-robust, or homoskedastic.
    convention : {"nested", "all", "linearmodels", "none"}
        Small-sample convention, see :mod:`nqpf.regress.conventions`.
    level : float
        Level of the Anderson-Rubin confidence set.
    vintage : str
        Vintage of the data, carried to the table.

    Returns
    -------
    InstrumentalResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or a unit or year with an effect has one row.
    nqpf.errors.MethodError
        If an option is unknown, a variable is named twice, or there are fewer
        instruments than endogenous regressors.
    nqpf.errors.EstimationError
        If a variable is absorbed or collinear, the instruments leave a coefficient
        unidentified, or there are too few rows or clusters.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> keys = pd.MultiIndex.from_product([range(31), range(2012, 2023)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(341, 3)), keys, ["z", "x", "y"])
    >>> frame["y"] += 0.9 * frame["x"]  # an error that moves both
    >>> frame["x"] += frame["z"]
    >>> frame["y"] += 0.5 * frame["x"]
    >>> fit = instrumental(frame, "y", "x", "z")
    >>> print(fit.params.round(1).to_dict(), fit.diagnostics.anderson_rubin.shape)
    {'x': 0.5} interval
    """
    lists = [_names(endogenous), _names(instruments), _names(exogenous)]
    _check_request(outcome, *lists, effects, errors, level)
    xs, zs, ws = lists
    data = by_key(frame, [outcome, *xs, *zs, *ws], unit, time, "the frame")
    codes = [pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1)]
    unit_effects, time_effects = effects in ("two-way", "unit"), effects in ("two-way", "time")
    size = SampleSize(
        nobs=len(data),
        regressors=len(ws),
        groups=int(codes[0].max()) + 1,
        periods=int(codes[1].max()) + 1,
        unit_effects=unit_effects,
        time_effects=time_effects,
    )
    _check_clusters(errors, len(zs), size.groups)
    check_singletons(data.index, [0] * unit_effects + [1] * time_effects)
    used = [codes[0] if unit_effects else None, codes[1] if time_effects else None]
    check_regressors(data[xs + ws], *used)
    _check_instruments(data[zs + ws], used)
    fit = TwoStage(data, outcome, xs, zs, ws, used, errors, codes[0])
    counted = replace(size, regressors=len(xs) + len(ws))
    factor, df = scaling(convention, errors == "clustered", counted)
    diagnostics = _diagnostics(fit, size, convention, level)
    return InstrumentalResult(
        outcome=outcome,
        params=fit.params,
        cov=factor * fit.cov,
        residuals=pd.Series(fit.left, index=data.index, name="residual"),
        nobs=size.nobs,
        groups=size.groups,
        periods=size.periods,
        rsquared_within=fit.rsquared,
        df=df,
        effects=effects,
        errors=errors,
        convention=convention,
        unit=unit,
        time=time,
        vintage=vintage,
        endogenous=tuple(xs),
        instruments=tuple(zs),
        diagnostics=diagnostics,
        estimator="two-stage least squares",
        notes=_notes(xs, zs, diagnostics),
    )


def _diagnostics(
    fit: TwoStage, size: SampleSize, convention: str, level: float
) -> InstrumentDiagnostics:
    try:
        return fit.diagnostics(size, convention, level)
    except np.linalg.LinAlgError:
        raise EstimationError(
            f"the instruments have a singular covariance under {fit.errors} errors",
            expected="instruments that vary in more clusters than there are instruments",
            hint="use fewer instruments, or other errors",
        ) from None


def _notes(xs: list[str], zs: list[str], found: InstrumentDiagnostics) -> tuple[str, ...]:
    """Return what a reader of the coefficients must know of the instruments."""
    notes = [f"Instruments of {', '.join(xs)}: {', '.join(zs)}."]
    for name, value in found.first_stage["F_robust"].items():
        notes.append(f"First stage of {name}: F = {value:.2f}.")
    if len(xs) > 1:
        notes.append(_joint_strength(found.cragg_donald))
    if found.anderson_rubin is not None:
        level = f"{100 * found.anderson_rubin.level:g}%"
        notes.append(
            f"Anderson-Rubin {level} set of {xs[0]}, which holds with weak instruments: "
            f"{found.anderson_rubin}."
        )
        weak = found.effective_f < found.effective_critical
        beside = f"effective F {found.effective_f:.2f}, critical {found.effective_critical:.2f}"
        notes += [f"The instruments may be weak ({beside})."] * weak
    if found.hansen is not None:
        notes.append(f"Over-identification: {found.hansen}.")
    return tuple(notes)


def _joint_strength(cragg_donald: float) -> str:
    """Return what the instruments identify together, which no single first stage tells."""
    text = f"All first stages together: Cragg-Donald F = {cragg_donald:.2f}, homoskedastic"
    if cragg_donald < _ENOUGH:
        return (
            f"{text}, below {_ENOUGH}: the instruments may be weak, whatever the F of each "
            "first stage."
        )
    return f"{text}, not below {_ENOUGH}."


def _names(names: Sequence[str] | str) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_request(
    outcome: str,
    xs: list[str],
    zs: list[str],
    ws: list[str],
    effects: str,
    errors: str,
    level: float,
) -> None:
    for value, known, what in ((effects, EFFECTS, "effects"), (errors, ERRORS, "errors")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")
    if not xs:
        raise MethodError("no endogenous regressor", hint="use fixed_effects")
    named = [outcome, *xs, *zs, *ws]
    double = {name for name in named if named.count(name) > 1}
    if double:
        raise MethodError(
            f"variable {min(double)!r} is named more than once",
            expected="an outcome, regressors and instruments that all differ",
        )
    if effects == "pooled" and "const" in named:
        raise MethodError(
            "a variable called 'const' beside the constant", hint="rename that column"
        )
    if len(zs) < len(xs):
        raise MethodError(
            f"{len(zs)} instrument(s) for {len(xs)} endogenous regressor(s)",
            expected="at least one instrument per endogenous regressor",
        )


def _check_clusters(errors: str, instruments: int, groups: int) -> None:
    if errors == "clustered" and instruments >= groups:
        raise EstimationError(
            f"{instruments} instruments with {groups} clusters",
            expected="fewer instruments than clusters, for clustered tests of instruments",
        )


def _check_instruments(frame: pd.DataFrame, used: list) -> None:
    try:
        check_regressors(frame, *used)
    except EstimationError as error:
        raise EstimationError(
            error.problem,
            where={"among": "instruments and exogenous regressors"},
            expected=error.expected,
            hint=error.hint,
        ) from None
