"""What may vary in an index, checked: shared by uncertainty and sensitivity."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.compare.certainty.batches import Floats, call
from nqpf.errors import DataError, MethodError, NqpfError, SampleError
from nqpf.index import Recipe, aggregate, normalise, weights

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

STAGES = {
    "normalise": normalise.METHODS,
    "weights": weights.METHODS,
    "aggregate": aggregate.METHODS,
}
NORMALISE = ("minmax", "rank", "vector")
WEIGHTS = ("entropy", "equal", "critic")
AGGREGATE = ("topsis", "linear", "geometric", "vikor")
_NEED_OPTIONS = frozenset({"target", "ahp"})

Error = float | Mapping[str, float] | pd.Series


@dataclass(frozen=True, eq=False)
class Design:
    """What may vary, after checks.

    Attributes
    ----------
    matrix : IndicatorMatrix
    year : int
    normalise, weights, aggregate : tuple of str
    triples : ndarray of int, shape (k, 3)
        Combinations that a recipe accepts, as positions in the three tuples.
    dropped : DataFrame
        ``normalise``, ``weights``, ``aggregate`` and ``reason`` of the others.
    omit : bool
    error : Series
        Relative standard deviation of the measurement error by indicator.
    perturb : float
        Largest relative change of a weight.
    seed : int
    """

    matrix: IndicatorMatrix
    year: int
    normalise: tuple[str, ...]
    weights: tuple[str, ...]
    aggregate: tuple[str, ...]
    triples: NDArray[np.int64]
    dropped: pd.DataFrame
    omit: bool
    error: pd.Series
    perturb: float
    seed: int

    @property
    def provinces(self) -> pd.Index:
        """Provinces to rank, ascending."""
        values = self.matrix.values
        rows = values.index[values.index.get_level_values("year") == self.year]
        return pd.Index(sorted(rows.get_level_values("province")), name="province")


def design(
    matrix: IndicatorMatrix,
    *,
    seed: int,
    normalise: str | Sequence[str],
    weights: str | Sequence[str],
    aggregate: str | Sequence[str],
    omit: bool,
    error: Error,
    perturb: float,
    year: int | None,
) -> Design:
    """Check what may vary and keep the combinations that a recipe accepts."""
    if not (isinstance(seed, Integral) and seed >= 0):
        raise MethodError(f"seed is {seed!r}", expected="a whole number of zero or more")
    if not (isinstance(perturb, Real) and 0 <= perturb < 1):
        raise MethodError(
            f"perturb is {perturb!r}",
            expected="a number from 0 to below 1, such as 0.25 for weights changed by up to 25 %",
        )
    given = {"normalise": normalise, "weights": weights, "aggregate": aggregate}
    named = {stage: _names(stage, value) for stage, value in given.items()}
    Recipe("minmax", "equal", "linear").fit(matrix)  # says what is wrong with the figures
    triples, dropped = _accepted(matrix, named)
    year = matrix.years[-1] if year is None else year
    if year not in matrix.years:
        raise SampleError(
            f"no indicators in {year}",
            where={"year": year},
            expected=f"one of {', '.join(map(str, matrix.years))}",
        )
    found = Design(
        matrix=matrix,
        year=int(year),
        triples=triples,
        dropped=dropped,
        omit=bool(omit),
        error=_errors(matrix, error),
        perturb=float(perturb),
        seed=int(seed),
        **named,
    )
    if len(found.provinces) < 2:
        raise SampleError("one province to rank", where={"year": year}, expected="two or more")
    if found.omit:
        _check_omission(matrix, "minmax_yearly" in found.normalise)
    return found


def _names(stage: str, value: str | Sequence[str]) -> tuple[str, ...]:
    chosen = (value,) if isinstance(value, str) else tuple(value)
    valid = sorted(set(STAGES[stage]) - _NEED_OPTIONS)
    for name in chosen:
        if name not in valid:
            known = name in STAGES[stage]
            raise MethodError(
                f"{name!r} needs options of its own" if known else f"unknown method {name!r}",
                where={"stage": stage},
                expected=f"some of {', '.join(valid)}",
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise MethodError(
            f"methods are {list(chosen)}",
            where={"stage": stage},
            expected="one or more, each once",
        )
    return chosen


def _accepted(
    matrix: IndicatorMatrix, named: Mapping[str, tuple[str, ...]]
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return the combinations that can be computed, and the others with the reason.

    Steps as in a recipe, but each is taken once and not once per combination.
    """
    values = matrix.values
    data = {
        "x": values.to_numpy(dtype=np.float64),
        "benefit": matrix.benefit[values.columns].to_numpy(dtype=bool),
        "years": values.index.get_level_values("year").to_numpy(),
        "names": list(values.columns),
        "dimension": matrix.dimension[values.columns].astype(str).to_numpy(),
    }
    kept, dropped = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once before
        for a, how in enumerate(named["normalise"]):
            z = _tried("normalise", how, data)
            for b, method in enumerate(named["weights"]):
                w = _tried("weights", method, {**data, "z": z})
                for c, last in enumerate(named["aggregate"]):
                    scores = _tried("aggregate", last, {**data, "z": z, "w": w})
                    if isinstance(scores, NqpfError):
                        dropped.append((how, method, last, scores.problem))
                    else:
                        kept.append((a, b, c))
    if not kept:
        raise MethodError(
            f"no combination can be used: {dropped[0][-1]}",
            where={"combinations": len(dropped)},
            expected="methods that fit each other",
        )
    return np.array(kept), pd.DataFrame(dropped, columns=[*named, "reason"], dtype="str")


def _tried(stage: str, name: str, data: Mapping[str, object]) -> Floats | NqpfError:
    """Return what a method gives, or why it or a step before it cannot."""
    for before in data.values():
        if isinstance(before, NqpfError):
            return before
    try:
        return call(STAGES[stage][name], data)
    except (MethodError, DataError) as error:
        return error


def _errors(matrix: IndicatorMatrix, error: Error) -> pd.Series:
    """Return the relative standard deviation by indicator, zero where one does not vary."""
    keys = list(matrix.values.columns)
    if isinstance(error, Mapping | pd.Series):
        by_key = pd.Series(error, dtype=object)
        if set(by_key.index) != set(keys) or len(by_key) != len(keys):
            odd = sorted(map(str, set(by_key.index) ^ set(keys)))
            raise MethodError(
                f"error is not about the indicators of the matrix: {', '.join(odd)}",
                expected=f"one number for each of {', '.join(map(str, keys))}",
            )
    else:
        by_key = pd.Series(error, index=keys, dtype=object)
    for key, value in by_key.items():
        if not (isinstance(value, Real) and math.isfinite(value) and value >= 0):
            raise MethodError(
                f"error is {value!r}",
                where={"indicator": key},
                expected="a relative standard deviation, such as 0.05, of zero or more",
            )
    varies = matrix.values.nunique() > 1
    return by_key[keys].astype("float64").where(varies, 0.0).rename("error")


def _check_omission(matrix: IndicatorMatrix, yearly: bool) -> None:
    values = matrix.values
    least = int((values.nunique() > 1).sum())
    if yearly:
        least = int((values.groupby(level="year").nunique() > 1).sum(axis=1).min())
    if least < 2:
        raise SampleError(
            f"{least} indicator varies" + (" in some year" if yearly else ""),
            expected="two or more, so that one can be left out",
            hint="draw with omit=False",
        )
