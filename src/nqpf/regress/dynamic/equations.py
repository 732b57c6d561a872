"""The equations of a dynamic panel, in differences and in levels, and their instruments.

Everything stands on a grid of units and years, so that lags and differences go
by year: a missing year leaves no equation that would reach over it. Rows of the
grid without an equation are zero in every matrix and drop out of every sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.regress.dynamic.request import Request, Window

__all__ = ["Equations", "build", "on_grid"]


@dataclass(frozen=True)
class Equations:
    """Stacked equations; G units, T years, R = T rows of differences, then T of levels if any.

    Attributes
    ----------
    outcome : (G, R)
    regressors : (G, R, K)
    instruments : (G, R, m)
    groups : tuple of str
        What each instrument is: ``lags``, ``levels``, ``exogenous`` or ``effects``.
    labels : list of str
        Names of the K coefficients.
    present : (G, R) bool
        Rows that hold an equation.
    years : (T,)
    system : bool
    """

    outcome: np.ndarray
    regressors: np.ndarray
    instruments: np.ndarray
    groups: tuple[str, ...]
    labels: list[str]
    present: np.ndarray
    years: np.ndarray
    system: bool


def on_grid(data: pd.DataFrame) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each column as an array of units by years, NaN where a row is missing.

    Parameters
    ----------
    data : DataFrame indexed (unit, time), sorted

    Raises
    ------
    nqpf.errors.SampleError
        If the times are not whole numbers of consecutive periods.
    """
    time = data.index.get_level_values(1)
    if not np.issubdtype(time.dtype, np.integer):
        raise SampleError(
            f"{data.index.names[1]} is not a whole number", expected="integers, one per period"
        )
    unit = pd.factorize(data.index.get_level_values(0), sort=True)[0]
    span, seen = int(time.max() - time.min()) + 1, time.nunique()
    if span > 10 * seen:
        raise SampleError(
            f"{seen} different values of {data.index.names[1]} from {time.min()} to {time.max()}",
            expected="numbers of consecutive periods",
            hint="number the periods",
        )
    years = np.arange(time.min(), time.max() + 1)
    values = {}
    for name in data.columns:
        values[name] = np.full((unit.max() + 1, len(years)), np.nan)
        values[name][unit, time - years[0]] = data[name].to_numpy()
    return values, years


def build(values: dict[str, np.ndarray], years: np.ndarray, request: Request) -> Equations:
    """Return the equations and instruments of a request.

    Raises
    ------
    nqpf.errors.SampleError
        If no unit has enough consecutive years for one equation.
    """
    outcome = values[request.outcome]
    lagged = [_lag(outcome, lag) for lag in range(1, request.lags + 1)]
    columns = [*lagged, *(_lag(values[name], lag) for name, lag in request.terms)]
    external = [values[name] for name in request.external]
    whole = np.isfinite(np.stack([outcome, *columns, *external])).all(axis=0)
    paired = whole & _lag(whole.astype(float), 1, 0.0).astype(bool)
    if not paired.any():
        raise SampleError(
            "no unit has an equation in differences",
            expected=f"{request.lags + 2} consecutive years of some unit",
        )
    effects, labels = _effects(whole, paired, years, request)
    stacks = [
        _stack(_columns(part, whole.shape), whole, paired, request.system)
        for part in ([outcome], [*columns, *effects], [*external, *effects])
    ]
    dependent, regressors, plain = stacks
    exogenous = slice(request.lags, request.lags + request.exogenous)
    pieces = [
        _lagged_instruments(values, paired, whole, window, request) for window in request.windows
    ]
    blocks = [block for piece in pieces for block in piece]
    blocks.append(("exogenous", regressors[..., exogenous]))
    blocks.append(("exogenous", plain[..., : len(external)]))
    blocks.append(("effects", plain[..., len(external) :]))
    return Equations(
        outcome=dependent[..., 0],
        regressors=regressors,
        instruments=np.concatenate([block for _, block in blocks], axis=-1),
        groups=tuple(name for name, block in blocks for _ in range(block.shape[-1])),
        labels=[*request.labels, *labels],
        present=np.concatenate([paired, whole], axis=1) if request.system else paired,
        years=years,
        system=request.system,
    )


def _lag(values: np.ndarray, lag: int, fill: float = np.nan) -> np.ndarray:
    if lag == 0:
        return values
    moved = np.full_like(values, fill)
    moved[:, lag:] = values[:, :-lag]
    return moved


def _effects(
    whole: np.ndarray, paired: np.ndarray, years: np.ndarray, request: Request
) -> tuple[list[np.ndarray], list[str]]:
    """Return year dummies and the constant of the level equations, in levels.

    Differences say nothing of a year that no equation links to the year before,
    levels nothing of the first year beside the constant.
    """
    columns, labels = [], []
    if request.time_effects:
        seen = np.flatnonzero(whole.any(axis=0))[1:]
        linked = seen if request.system else np.flatnonzero(paired.any(axis=0))
        for year in linked:
            columns.append(
                np.broadcast_to(np.arange(len(years)) == year, whole.shape).astype(float)
            )
            labels.append(str(years[year]))
    if request.system:
        columns.append(np.ones(whole.shape))
        labels.append("const")
    return columns, labels


def _stack(columns: np.ndarray, whole: np.ndarray, paired: np.ndarray, system: bool) -> np.ndarray:
    """Return differences over levels, zero where there is no equation."""
    change = np.zeros_like(columns)
    change[:, 1:] = columns[:, 1:] - columns[:, :-1]
    change = np.where(paired[..., None], change, 0.0)
    if not system:
        return change
    return np.concatenate([change, np.where(whole[..., None], columns, 0.0)], axis=1)


def _lagged_instruments(
    values: dict[str, np.ndarray],
    paired: np.ndarray,
    whole: np.ndarray,
    window: Window,
    request: Request,
) -> list[tuple[str, np.ndarray]]:
    """Return lagged levels for differences, and a lagged difference for levels.

    A missing lag is zero: the moment then counts the units that have it
    (Holtz-Eakin, Newey and Rosen 1988).
    """
    series = values[window.name]
    years = series.shape[1]
    last = years - 1 if window.last is None else min(window.last, years - 1)
    blank = np.zeros_like(series)
    columns = []
    for lag in range(window.first, last + 1):
        moment = np.where(paired, np.nan_to_num(_lag(series, lag)), 0.0)
        columns += _spread(moment, request.collapse)
    rows = [np.concatenate([c, blank], axis=1) if request.system else c for c in columns]
    height = years * (1 + request.system)
    blocks = [("lags", _columns(rows, (len(series), height)))]
    if request.system:
        change = _lag(series, window.first - 1) - _lag(series, window.first)
        moment = np.where(whole, np.nan_to_num(change), 0.0)
        rows = [np.concatenate([blank, c], axis=1) for c in _spread(moment, request.collapse)]
        blocks.append(("levels", _columns(rows, (len(series), height))))
    return blocks


def _spread(moment: np.ndarray, collapse: bool) -> list[np.ndarray]:
    """Return one column, or one per year, without those that are zero throughout."""
    if collapse:
        return [moment] if moment.any() else []
    columns = []
    for year in np.flatnonzero(moment.any(axis=0)):
        alone = np.zeros_like(moment)
        alone[:, year] = moment[:, year]
        columns.append(alone)
    return columns


def _columns(columns: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    return np.stack(columns, axis=-1) if columns else np.zeros((*shape, 0))
