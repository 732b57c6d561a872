"""Thresholds one after another, the test of each and its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, SampleError
from nqpf.regress.threshold.search import (
    Design,
    Profile,
    admissible,
    base_fit,
    profile,
    resampled,
)

__all__ = ["Stage", "confidence", "find", "significance"]

_CRITICAL = (0.10, 0.05, 0.01)
_MOVE = 1e-12  # a refinement that lowers the sum of squares by less is rounding
_PERFECT = 1e-20
_SAME = 1e-9  # equal signs for all units give the sample's own F, but for rounding


@dataclass(frozen=True)
class Stage:
    """One more threshold beside those already found.

    Attributes
    ----------
    known : list of int
        Positions of the earlier thresholds.
    new : int
        Position of the best further one.
    prepared : Profile
    ssr : float
        Sum of squared residuals with it.
    """

    known: list[int]
    new: int
    prepared: Profile
    ssr: float


def find(
    design: Design, number: int, least: int, grid: int | None, name: str
) -> tuple[list[Stage], list[int]]:
    """Return the stages of the search and the positions of all thresholds after refinement.

    Raises
    ------
    nqpf.errors.SampleError
        If no value leaves each regime `least` rows.
    nqpf.errors.EstimationError
        If the fit is perfect.
    """
    pool = candidates(design, least, grid)
    stages: list[Stage] = []
    known: list[int] = []
    for count in range(1, number + 1):
        prepared = _prepare(design, known, least, pool)
        if prepared is None:
            raise SampleError(
                f"no value of {name!r} parts {len(design.order)} rows into {count + 1} regimes "
                f"of {least} or more" + " beside the thresholds found first" * (count > 1),
                hint="ask for fewer thresholds or trim less",
            )
        sums = prepared.ssr()
        best = int(np.argmin(sums))
        if sums[best] <= _PERFECT * (design.outcome @ design.outcome):
            raise EstimationError(
                f"the model with {count} threshold(s) fits the outcome perfectly",
                expected="an outcome with errors",
            )
        stages.append(Stage(known, int(prepared.candidates[best]), prepared, float(sums[best])))
        known = _refined(design, [*known, stages[-1].new], least, pool, float(sums[best]))
    return stages, known


def candidates(design: Design, least: int, grid: int | None) -> np.ndarray:
    """Return the positions that can be a single threshold, or `grid` of them spread evenly."""
    everything = admissible(design, [], least, np.arange(len(design.values)))
    if grid is None or len(everything) <= grid:
        return everything
    return everything[np.round(np.linspace(0, len(everything) - 1, grid)).astype(int)]


def _prepare(design: Design, known: list[int], least: int, pool: np.ndarray) -> Profile | None:
    free = admissible(design, known, least, pool)
    return profile(design, base_fit(design, known), free) if len(free) else None


def _refined(
    design: Design, positions: list[int], least: int, pool: np.ndarray, ssr: float
) -> list[int]:
    """Search each threshold again with the others held, oldest first, until none moves.

    The sum of squares falls with every move, so that this ends; at the end it is
    least in each threshold given the others, which the likelihood ratio needs.
    """
    moved = len(positions) > 1
    while moved:
        moved = False
        for place in range(len(positions)):
            others = positions[:place] + positions[place + 1 :]
            prepared = _prepare(design, others, least, pool)
            sums = prepared.ssr()
            best = int(np.argmin(sums))
            if sums[best] < ssr * (1 - _MOVE):
                ssr, moved = float(sums[best]), True
                positions = [*others[:place], int(prepared.candidates[best]), *others[place:]]
    return positions


def significance(
    design: Design,
    stages: list[Stage],
    bootstrap: int,
    df: int,
    rng: np.random.Generator,
    draws: str = "histories",
) -> pd.DataFrame:
    """Return F, its bootstrap p value and critical values, one row per stage.

    The share of samples with a larger F counts the sample itself, (1 + k) / (1 + B):
    a p value is then never zero, and its size is exact where the draws are.
    """
    shape, rows = (design.units, design.periods), []
    for stage in stages:
        statistic = df * (stage.prepared.base.ssr - stage.ssr) / stage.ssr
        row = {"F": statistic, "p_value": np.nan}
        values = np.full(len(_CRITICAL), np.nan)
        if bootstrap:
            if draws == "histories":
                residuals = base_fit(design, [*stage.known, stage.new]).residuals
                drawn = rng.integers(design.units, size=(bootstrap, design.units))
            else:
                residuals = stage.prepared.base.residuals
                drawn = rng.choice([-1.0, 1.0], size=(bootstrap, design.units))
            simulated = resampled(stage.prepared, residuals.reshape(shape), drawn, df)
            larger = (simulated >= statistic * (1 - _SAME)).sum()
            row["p_value"] = (1 + larger) / (1 + bootstrap)
            values = np.quantile(simulated, [1 - level for level in _CRITICAL])
        row |= {f"{level:.0%}": value for level, value in zip(_CRITICAL, values, strict=True)}
        rows.append(row | {"ssr": stage.ssr})
    return pd.DataFrame(rows)


def confidence(
    design: Design, found: list[int], least: int, grid: int | None, df: int, level: float
) -> tuple[pd.DataFrame, tuple[pd.Series, ...], float, float]:
    """Return estimates with intervals, likelihood-ratio profiles, critical value and S.

    The ratio LR(g) = (S(g) - S) / (S / df) holds the other thresholds at their
    estimates; its distribution is P(LR <= c) = (1 - exp(-c / 2))^2.
    """
    critical = -2 * np.log(1 - np.sqrt(level))
    pool = candidates(design, least, grid)
    total = base_fit(design, found).ssr
    rows, profiles = [], []
    for position in sorted(found):
        others = [other for other in found if other != position]
        prepared = _prepare(design, others, least, pool)
        ratio = df * (prepared.ssr() - total) / total
        kept = np.flatnonzero(ratio <= critical)
        values = design.values[prepared.candidates]
        rows.append(
            {
                "estimate": design.values[position],
                "lower": values[kept[0]],
                "upper": values[kept[-1]],
                "connected": bool(len(kept) == kept[-1] - kept[0] + 1),
            }
        )
        profiles.append(pd.Series(ratio, pd.Index(values, name="candidate"), name="ratio"))
    index = pd.RangeIndex(1, len(found) + 1, name="threshold")
    return pd.DataFrame(rows, index=index), tuple(profiles), float(critical), total
