"""Two-stage least squares with unit and year effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.conventions import DEFAULT, SampleSize, scaling
from nqpf.regress.effects import EFFECTS, RegressionResult
from nqpf.regress.instruments.diagnostics import InstrumentDiagnostics, diagnose
from nqpf.regress.instruments.partial import Partialled, meat, residuals
from nqpf.tfp.sample import by_key, nearest
from nqpf.tfp.within import check_regressors, check_singletons, demean

__all__ = ["InstrumentalResult", "instrumental"]

ERRORS = ("clustered", "robust", "unadjusted")


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
    if not data[outcome].std() > 0:
        raise EstimationError(f"outcome {outcome!r} does not vary")
    check_regressors(data[xs + ws], *used)
    _check_instruments(data[zs + ws], used)
    fit = _Fit(data, outcome, xs, zs, ws, used, errors, codes[0])
    counted = replace(size, regressors=len(xs) + len(ws))
    factor, df = scaling(convention, errors == "clustered", counted)
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
        diagnostics=_diagnostics(fit, size, convention, level),
    )


class _Fit:
    """Two-stage least squares on variables scaled to unit variance, and scaled back."""

    def __init__(self, data, outcome, xs, zs, ws, used, errors, clusters) -> None:
        self.xs, self.errors, self.clusters = xs, errors, clusters
        pooled = used[0] is None and used[1] is None
        self.spread = data.std()
        centre = 0.0 if pooled else data.mean()
        scaled = (data - centre) / self.spread
        within = scaled if pooled else scaled.copy()
        if not pooled:
            within = pd.DataFrame(demean(scaled.to_numpy(), *used), data.index, data.columns)
        constant = {"const": 1.0} if pooled else {}
        self.y = within[outcome].to_numpy()
        self.x = within[xs].to_numpy()
        self.w = within[ws].assign(**constant).to_numpy()
        self.z = residuals(within[zs].to_numpy(), self.w)
        self._check_rank(zs)
        self._solve(outcome, [*xs, *ws, *constant])
        centred = self.y - self.y.mean() if pooled else self.y
        self.unit_of_y = self.spread[outcome]
        self.rsquared = 1 - float(self.left @ self.left) / float(centred @ centred)
        self.left = self.left * self.unit_of_y

    def _check_rank(self, zs: list[str]) -> None:
        x = residuals(self.x, self.w)
        x, q = (np.linalg.qr(values)[0] for values in (x, self.z))
        strength = np.linalg.svd(q.T @ x, compute_uv=False)
        if strength[-1] < 1e-9:
            names = [", ".join(map(repr, names)) for names in (zs, self.xs)]
            raise EstimationError(
                f"instruments {names[0]} do not identify the coefficients of {names[1]}",
                expected="instruments that move each endogenous regressor",
            )

    def _solve(self, outcome: str, names: list[str]) -> None:
        regressors = np.hstack([self.x, self.w])
        basis = np.linalg.qr(np.hstack([self.z, self.w]))[0]
        fitted = basis @ (basis.T @ regressors)
        bread = np.linalg.pinv(fitted)  # (K, N), so that b = bread y
        slopes = bread @ self.y
        self.left = self.y - regressors @ slopes
        if self.errors == "unadjusted":
            cov = bread @ bread.T * (self.left @ self.left) / len(self.y)
        else:
            groups = self.clusters if self.errors == "clustered" else None
            cov = meat(bread.T * self.left[:, None], groups)
        units = pd.concat([self.spread, pd.Series({"const": 1.0})])
        back = self.spread[outcome] / units[names].to_numpy()
        self.params = pd.Series(slopes * back, index=names, name="coefficient")
        self.cov = pd.DataFrame(cov * np.outer(back, back), index=names, columns=names)

    def diagnostics(self, size: SampleSize, convention: str, level: float):
        """Return diagnostics in the variables' own units."""
        values = residuals(np.column_stack([self.y, self.x]), self.w)
        partialled = Partialled(
            outcome=values[:, 0] * self.unit_of_y,
            endogenous=values[:, 1:] * self.spread[self.xs].to_numpy(),
            instruments=np.linalg.qr(self.z)[0],
            size=size,
            clusters=self.clusters,
            errors=self.errors,
            convention=convention,
        )
        return diagnose(partialled, self.xs, level)


def _diagnostics(
    fit: _Fit, size: SampleSize, convention: str, level: float
) -> InstrumentDiagnostics:
    try:
        return fit.diagnostics(size, convention, level)
    except np.linalg.LinAlgError:
        raise EstimationError(
            f"the instruments have a singular covariance under {fit.errors} errors",
            expected="instruments that vary in more clusters than there are instruments",
            hint="use fewer instruments, or other errors",
        ) from None


def _names(names: Sequence[str] | str) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_request(outcome, xs, zs, ws, effects, errors, level) -> None:
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
