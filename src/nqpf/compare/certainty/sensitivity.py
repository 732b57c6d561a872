"""Which choice moves the ranks: first-order and total Sobol indices."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.compare.certainty import draws as _draws
from nqpf.compare.certainty.design import AGGREGATE, NORMALISE, WEIGHTS, Design, Error, design
from nqpf.compare.certainty.draws import Draws
from nqpf.compare.certainty.sobol import Floats, SobolIndices, sobol_indices
from nqpf.errors import MethodError
from nqpf.index import Recipe

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

__all__ = ["RankSensitivity", "sensitivity"]


@dataclass(frozen=True, eq=False, repr=False)
class RankSensitivity:
    """What moves the ranks of provinces, made by :func:`sensitivity`.

    Attributes
    ----------
    ranks : SobolIndices
        Of the rank of each province.
    shift : DataFrame by factor
        Of the average shift in rank: ``first``, ``first_margin``, ``total``
        and ``total_margin``.
    interaction : float
        Share of the variance of the average shift that no factor explains by
        itself, 1 minus the sum of the first-order indices.
    mean_shift : float
        Mean of the average shift over the runs, in ranks.
    baseline : Series of int
        Rank by province under `recipe`.
    recipe : Recipe
    year : int
    runs : int
    """

    ranks: SobolIndices
    shift: pd.DataFrame
    interaction: float
    mean_shift: float
    baseline: pd.Series
    recipe: Recipe
    year: int
    runs: int

    def _caption(self) -> str:
        return (
            f"Sobol indices of the average shift in rank, {self.year}: {self.runs:,} runs, mean "
            f"shift {self.mean_shift:.2f} ranks, {self.interaction:.0%} explained by no factor "
            f"alone; baseline {self.recipe}"
        )

    def __repr__(self) -> str:
        return f"<RankSensitivity {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.shift.to_html(float_format="{:.3f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


def sensitivity(
    matrix: IndicatorMatrix,
    samples: int = 1024,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = NORMALISE,
    weights: str | Sequence[str] = WEIGHTS,
    aggregate: str | Sequence[str] = AGGREGATE,
    omit: bool = True,
    error: Error = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
    baseline: Recipe | None = None,
    confidence: float = 0.95,
    resamples: int = 200,
    progress: bool = False,
) -> RankSensitivity:
    """Say which choice behind an index moves the ranks of provinces.

    The factors are those options that vary: ``normalise``, ``weights``,
    ``aggregate``, ``omit``, ``error`` and ``perturb``, as in
    :func:`~nqpf.compare.uncertainty`. A factor with k levels takes
    level floor(k u) of its uniform number u; for ``error`` and ``perturb`` the
    number stands for one draw of the whole noise, the trigger factor of
    Saisana, Saltelli and Tarantola (2005).

    Parameters
    ----------
    matrix : IndicatorMatrix
    samples : int
        Base samples, a power of two; the index is computed
        samples times (factors + 2) times.
    seed : int
    normalise, weights, aggregate, omit, error, perturb, year, baseline, progress
        As in :func:`~nqpf.compare.uncertainty`.
    confidence, resamples
        As in :func:`~nqpf.compare.certainty.sobol.sobol_indices`.

    Returns
    -------
    RankSensitivity

    Raises
    ------
    nqpf.errors.MethodError
        If two methods do not fit each other: factors would not be
        independent, so no combination can be dropped here. If nothing
        varies, or an option is out of range.
    nqpf.errors.SampleError
        As :func:`~nqpf.compare.uncertainty`.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product([[11, 31, 44, 65], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame(
    ...     {"a": [6.8, 4.4, 3.4, 1.0], "b": [9.0, 8.0, 1.0, 2.0], "c": [1.0, 3.0, 5.0, 4.0]}, rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> result = sensitivity(matrix, samples=256, perturb=0.2)
    >>> result.shift["total"].idxmax(), result.runs
    ('omit', 1792)
    """
    plan = design(
        matrix,
        seed=seed,
        normalise=normalise,
        weights=weights,
        aggregate=aggregate,
        omit=omit,
        error=error,
        perturb=perturb,
        year=year,
    )
    if len(plan.dropped):
        worst = plan.dropped.iloc[0]
        raise MethodError(
            f"{len(plan.dropped)} combinations cannot be used: {worst['reason']}",
            where=worst.drop("reason").to_dict(),
            expected="methods that all fit each other, as the factors must be independent",
            hint="leave one of these methods out",
        )
    recipe = _draws.first_recipe(plan) if baseline is None else baseline
    before = _draws.baseline_ranks(plan, recipe)
    factors = _factors(plan)

    def outputs(u: Floats) -> pd.DataFrame:
        drawn = _mapped(plan, factors, u)
        ranks = _draws.ranks_of(_draws.score(plan, drawn, progress)).astype(np.int64)
        shift = np.abs(ranks - before.to_numpy()).mean(axis=1)
        return pd.DataFrame(ranks, columns=list(before.index)).assign(shift=shift)

    found = sobol_indices(outputs, list(factors), samples, seed, confidence, resamples)
    return RankSensitivity(
        ranks=_without_shift(found),
        shift=found.of("shift"),
        interaction=float(1.0 - found.first.loc["shift"].sum()),
        mean_shift=float(found.mean["shift"]),
        baseline=before,
        recipe=recipe,
        year=plan.year,
        runs=found.runs,
    )


def _without_shift(found: SobolIndices) -> SobolIndices:
    tables = {
        name: value.drop("shift").rename_axis("province")
        for name, value in vars(found).items()
        if isinstance(value, pd.DataFrame | pd.Series)
    }
    return SobolIndices(**tables, runs=found.runs, confidence=found.confidence)


def _factors(plan: Design) -> dict[str, int]:
    """Return the factors that vary, with the number of levels, 0 for one that is continuous."""
    levels = {stage: len(getattr(plan, stage)) for stage in ("normalise", "weights", "aggregate")}
    levels = {stage: count for stage, count in levels.items() if count > 1}
    if plan.omit:
        levels["omit"] = len(plan.error) + 1
    levels |= {"error": 0} if plan.error.any() else {}
    return levels | ({"perturb": 0} if plan.perturb else {})


def _mapped(plan: Design, factors: dict[str, int], u: Floats) -> Draws:
    nothing = np.zeros(len(u), dtype=np.int64)
    columns = {
        "normalise": nothing,
        "weights": nothing,
        "aggregate": nothing,
        "omit": np.full(len(u), len(plan.error)),
        "error": nothing,
        "perturb": nothing,
    }
    for place, (name, count) in enumerate(factors.items()):
        own = u[:, place]
        # The same number is the same draw of the noise, wherever the design uses it again.
        columns[name] = (
            (own * count).astype(np.int64) if count else np.unique(own, return_inverse=True)[1]
        )
    return Draws(
        normalise=columns["normalise"],
        weights=columns["weights"],
        aggregate=columns["aggregate"],
        omitted=columns["omit"],
        error=columns["error"],
        noise=columns["perturb"],
    )
