"""Difference and system GMM for panels with a lagged outcome."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.dynamic.equations import Equations, build, on_grid
from nqpf.regress.dynamic.request import Names, Request, read_request
from nqpf.regress.dynamic.result import DynamicResult, ManyInstrumentsWarning
from nqpf.regress.dynamic.solve import Steps, estimate
from nqpf.regress.dynamic.specification import DynamicDiagnostics, diagnose
from nqpf.tfp.sample import by_key

__all__ = ["dynamic_gmm"]


def dynamic_gmm(
    frame: pd.DataFrame,
    outcome: str,
    lags: int = 1,
    exogenous: Names = (),
    predetermined: Names = (),
    endogenous: Names = (),
    unit: str = "province",
    time: str = "year",
    method: str = "difference",
    steps: int = 2,
    windows: Mapping[str, tuple[int, int | None] | None] | None = None,
    instruments: Sequence[str] | str = (),
    collapse: bool = True,
    time_effects: bool = True,
    initial: str = "full",
    windmeijer: bool = True,
    vintage: str = "",
) -> DynamicResult:
    """Regress `outcome` on its own lags and on regressors, by GMM.

    The model is y_it = sum_l a_l y_i,t-l + x_it'b + unit effect + year effect + e_it. In
    differences, lagged levels are the instruments (Arellano and Bond 1991); the system
    adds the equations in levels with lagged differences as instruments, which asks that
    changes are not correlated with unit effects (Blundell and Bond 1998).

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` (whole numbers) as index levels or columns, one row per unit
        and time, no figure missing. Missing years are gaps: no lag or difference
        reaches over them.
    outcome : str
        Dependent variable.
    lags : int
        Lags of the outcome among the regressors.
    exogenous, predetermined, endogenous : names, or mapping of name to highest lag
        Regressors that the errors do not move; that past errors move; that present errors
        move too. ``{"x": 1}`` enters x and its first lag.
    unit, time : str
        Names of the key.
    method : {"difference", "system"}
    steps : {1, 2}
        The step that is reported; `diagnostics` has Hansen's J of step two in either case.
    windows : mapping of str to (first, last)
        Lags that serve as instruments in differences; last None for all. By default from
        2 for the outcome and endogenous, from 1 for predetermined regressors. None for
        a variable takes no instruments from it.
    instruments : sequence of str
        Exogenous instruments that are not regressors.
    collapse : bool
        One instrument per variable and lag (default) instead of one per lag and year.
    time_effects : bool
        Year dummies.
    initial : {"full", "blocks", "identity"}
        Weighting of step one: covariance of white noise in differences and levels, without
        the covariance between both, or none.
    windmeijer : bool
        Correct the errors of step two (Windmeijer 2005).
    vintage : str
        Vintage of the data, carried to the table.

    Returns
    -------
    DynamicResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, a time no whole number, or no unit has
        enough consecutive years.
    nqpf.errors.MethodError
        If an option is unknown, a variable has two roles, or a window holds lags that
        cannot be valid.
    nqpf.errors.EstimationError
        If a regressor does not change or is not identified, or there are too few instruments.

    Warns
    -----
    ManyInstrumentsWarning
        If there are more instruments than units.
    SingularWeightingWarning
        If a weighting matrix has no inverse and its pseudo-inverse is used.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(100, 8))
    >>> for t in range(1, 8):
    ...     y[:, t] += 0.5 * y[:, t - 1]
    >>> keys = pd.MultiIndex.from_product([range(100), range(2015, 2023)],
    ...                                   names=["province", "year"])
    >>> fit = dynamic_gmm(pd.DataFrame({"y": y.ravel()}, keys), "y", method="system")
    >>> print(fit.instruments, "instruments,", fit.groups, "groups")
    14 instruments, 100 groups
    >>> bool(abs(fit.params["L1.y"] - 0.5) < 2 * fit.std_errors["L1.y"])
    True
    """
    if steps not in (1, 2):
        raise MethodError(f"steps {steps!r}", expected="1 or 2")
    kinds = {"exogenous": exogenous, "predetermined": predetermined, "endogenous": endogenous}
    options = {
        "method": method,
        "collapse": collapse,
        "time_effects": time_effects,
        "initial": initial,
    }
    request = read_request(outcome, lags, kinds, instruments, windows or {}, options)
    data = by_key(frame, request.variables, unit, time, "the frame")
    spread = data.std()
    flat = spread.index[~(spread > 0)]
    if len(flat):
        raise EstimationError(f"variable {flat[0]!r} does not vary")
    values, years = on_grid(data / spread)
    equations = build(values, years, request)
    solved = estimate(equations, initial)
    groups = int(equations.present.any(axis=1).sum())
    count = len(solved.groups)
    if count > groups:
        warnings.warn(
            f"{count} instruments for {groups} units of {unit}: two-step estimates lean to "
            "least squares and Hansen's J loses its power",
            ManyInstrumentsWarning,
            stacklevel=2,
        )
    return _result(
        data,
        spread,
        equations,
        solved,
        request,
        steps,
        windmeijer,
        {"unit": unit, "time": time, "vintage": vintage, "groups": groups, "method": method},
    )


def _result(
    data: pd.DataFrame,
    spread: pd.Series,
    equations: Equations,
    solved: Steps,
    request: Request,
    steps: int,
    windmeijer: bool,
    stated: dict,
) -> DynamicResult:
    """Return coefficients and tests in the variables' own units."""
    chosen = solved.first if steps == 1 else solved.second
    cov = solved.corrected if steps == 2 and windmeijer else chosen.cov
    if not (np.diag(cov) > 0).all():
        raise EstimationError(
            "a corrected variance is not positive: the correction is larger than the variance",
            hint="report step one (steps=1), or use fewer instruments",
        )
    slopes = len(request.labels)
    diagnostics = diagnose(equations, solved, steps, cov, slopes)
    names = [*[request.outcome] * request.lags, *(name for name, _ in request.terms)]
    units = np.concatenate([spread[names].to_numpy(), np.ones(len(equations.labels) - slopes)])
    back = spread[request.outcome] / units
    b, cov = chosen.slopes * back, cov * np.outer(back, back)
    labels, last = equations.labels, len(equations.labels) - request.system
    own = [*range(slopes), *range(last, len(labels))]  # year effects stand between
    shown = [labels[i] for i in own]
    residuals, periods = _residuals(data, equations, chosen.residuals, request.system)
    return DynamicResult(
        outcome=request.outcome,
        params=pd.Series(b[own], shown, name="coefficient"),
        cov=pd.DataFrame(cov[np.ix_(own, own)], shown, shown),
        residuals=residuals * spread[request.outcome],
        nobs=len(residuals),
        periods=periods,
        rsquared_within=float("nan"),
        df=None,
        effects="two-way" if request.time_effects else "unit",
        errors="clustered",
        convention="none",
        steps=steps,
        corrected=windmeijer,
        instruments=len(solved.groups),
        windows=request.windows,
        collapsed=request.collapse,
        time_effects=pd.DataFrame(
            {"coefficient": b[slopes:last], "std_error": np.sqrt(np.diag(cov))[slopes:last]},
            pd.Index([int(year) for year in labels[slopes:last]], name=stated["time"]),
        ),
        diagnostics=diagnostics,
        estimator=f"{stated['method']} GMM",
        notes=_notes(len(solved.groups), request.collapse, stated, diagnostics),
        **stated,
    )


def _notes(count: int, collapsed: bool, stated: dict, found: DynamicDiagnostics) -> tuple[str, ...]:
    """Return what a reader of the coefficients must know of the instruments."""
    kind = "collapsed" if collapsed else "one per lag and year"
    notes = [f"{count} instruments ({kind}) for {stated['groups']} groups."]
    named = [("Hansen J", found.hansen), ("AR(2)", found.autocorrelation[1])]
    return (*notes, *(f"{name}: {test}." for name, test in named if test is not None))


def _residuals(
    data: pd.DataFrame, equations: Equations, left: np.ndarray, system: bool
) -> tuple[pd.Series, int]:
    """Return the residuals of the counted equations by key, and how many years they span."""
    rows = slice(len(equations.years), None) if system else slice(None, len(equations.years))
    present = equations.present[:, rows]
    unit, year = np.nonzero(present)
    units = data.index.get_level_values(0).unique().sort_values()
    keys = pd.MultiIndex.from_arrays([units[unit], equations.years[year]], names=data.index.names)
    periods = int(present.any(axis=0).sum())
    return pd.Series(left[:, rows][present], keys, name="residual"), periods
