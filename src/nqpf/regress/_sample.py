"""The sample behind the kernel: checked once, then arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress.effects import EFFECTS
from nqpf.tfp.sample import by_key, nearest
from nqpf.tfp.within import check_singletons

__all__ = ["KernelSample", "keyed", "read"]


@dataclass(frozen=True)
class KernelSample:
    """Variables of a panel as arrays, rows sorted by unit and time.

    Attributes
    ----------
    columns : tuple of str
    values : (N, p)
    units, times : (N,) codes 0, 1, ... in the order of the keys, none left out
    labels : (G,) Index
        Keys of the units.
    unit_effects, time_effects : bool
    """

    columns: tuple[str, ...]
    values: np.ndarray
    units: np.ndarray
    times: np.ndarray
    labels: pd.Index
    unit_effects: bool
    time_effects: bool


def read(
    frame: pd.DataFrame, columns: Sequence[str], unit: str, time: str, effects: str
) -> KernelSample:
    """Check a frame and return its variables as arrays.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError, nqpf.errors.MethodError
        As :func:`nqpf.regress.kernel.cross_products` says.
    """
    names = distinct(columns)
    if effects not in EFFECTS:
        raise MethodError(
            f"unknown effects {effects!r}",
            expected=" or ".join(map(repr, EFFECTS)),
            hint=nearest(effects, EFFECTS),
        )
    data = keyed(frame, names, unit, time)
    units, labels = pd.factorize(data.index.get_level_values(0), sort=True)
    times = pd.factorize(data.index.get_level_values(1), sort=True)[0]
    unit_effects, time_effects = effects in ("two-way", "unit"), effects in ("two-way", "time")
    for level, codes in [(0, units)] * unit_effects + [(1, times)] * time_effects:
        if (np.bincount(codes) == 1).any():
            check_singletons(data.index, [level])
    return KernelSample(
        tuple(names), data.to_numpy(), units, times, labels, unit_effects, time_effects
    )


def distinct(columns: Sequence[str]) -> list[str]:
    """Return names as a list; raise MethodError if there is none or one twice."""
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names:
        raise MethodError("no columns", expected="every outcome and regressor to come")
    double = [name for name in names if names.count(name) > 1]
    if double:
        raise MethodError(f"variable {double[0]!r} is named more than once", expected="names once")
    return names


def keyed(frame: pd.DataFrame, names: list[str], unit: str, time: str) -> pd.DataFrame:
    """Return what ``by_key`` does, at once for a numeric frame that is already so.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError
        As ``by_key`` does.
    """
    index, columns = frame.index, frame.columns
    ready = (
        len(index) > 0
        and list(index.names) == [unit, time]
        and columns.is_unique
        and not {unit, time} & set(columns)
        and set(names) <= set(columns)
    )
    if ready and all(
        isinstance(kind, np.dtype) and kind.kind == "f" for kind in frame.dtypes[names].unique()
    ):
        chosen = frame[names]
        finite = np.isfinite(chosen.to_numpy()).all()
        whole = all((codes >= 0).all() for codes in index.codes)
        if finite and whole and index.is_unique and index.is_monotonic_increasing:
            return chosen.astype(float)
    return by_key(frame, names, unit, time, "the frame")
