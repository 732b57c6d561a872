"""Beta convergence: growth of provinces that start low against those that start high."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.dynamics.convergence._sample import joined_weights, levels, years_of
from nqpf.dynamics.convergence._spatial import SPATIAL, fit_spatial
from nqpf.dynamics.convergence.result import BetaResult
from nqpf.dynamics.convergence.speed import half_life, nickell_bias, speed, without_nickell_bias
from nqpf.errors import MethodError, SampleError
from nqpf.regress import RegressionResult, fixed_effects
from nqpf.regress.effects import check_option
from nqpf.tfp.sample import by_key, place

__all__ = ["DESIGNS", "beta"]

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
    check_option("design", design, DESIGNS)
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
        check_option("spatial", spatial, SPATIAL)
    if (spatial is None) != (weights is None):
        raise MethodError(
            "spatial weights without a spatial form" if spatial is None else "no spatial weights",
            expected="both `spatial` and `weights`, or neither",
        )
    if design == "cross-section":
        check_option("errors", errors, _CROSS_ERRORS)
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
    fit: RegressionResult, design: str, span: int, notes: tuple[str, ...], **more: float
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
