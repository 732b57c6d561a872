"""How certain ranks are in every year at once, from one set of draws."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.compare.certainty import draws as _draws
from nqpf.compare.certainty.design import AGGREGATE, NORMALISE, WEIGHTS, Error, design
from nqpf.errors import MethodError

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

__all__ = ["yearly_intervals"]


def yearly_intervals(
    matrix: IndicatorMatrix,
    draws: int = 2_000,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = NORMALISE,
    weights: str | Sequence[str] = WEIGHTS,
    aggregate: str | Sequence[str] = AGGREGATE,
    omit: bool = True,
    error: Error = 0.0,
    perturb: float = 0.0,
    level: float = 0.9,
) -> pd.DataFrame:
    """Return how far each province's rank varies over draws, in every year.

    A draw of :func:`nqpf.compare.uncertainty` scores all rows of the matrix
    and keeps one year; this keeps them all. Ranks of the last year are those
    of ``uncertainty(matrix, draws, seed, ...)``, draw by draw.

    Parameters
    ----------
    matrix : IndicatorMatrix
        Indicators on all provinces and years.
    draws, seed, normalise, weights, aggregate, omit, error, perturb
        As in :func:`nqpf.compare.uncertainty`.
    level : float
        Share of the draws in the interval; what is outside is split equally.

    Returns
    -------
    DataFrame indexed (province, year)
        ``lower``, ``median`` and ``upper``, whole ranks that occur, 1 for the
        highest score among the provinces of the year.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.SampleError, nqpf.errors.EstimationError
        As :func:`nqpf.compare.uncertainty`, and if `level` is not between 0 and 1.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2021, 2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"a": [6.8, 6.9, 4.4, 4.5, 3.4, 3.2], "b": [9, 9, 8, 8, 1, 1.0]},
    ...                       index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> yearly_intervals(matrix, 200).xs(2021, level="year")
              lower  median  upper
    province
    110000        1       1      1
    310000        2       2      2
    440000        3       3      3
    """
    if not (isinstance(draws, Integral) and draws >= 1):
        raise MethodError(f"draws is {draws!r}", expected="a whole number of one or more")
    if not (isinstance(level, Real) and 0 < level < 1):
        raise MethodError(f"level is {level!r}", expected="a share between 0 and 1")
    plan = design(
        matrix,
        seed=seed,
        normalise=normalise,
        weights=weights,
        aggregate=aggregate,
        omit=omit,
        error=error,
        perturb=perturb,
        year=None,
    )
    scores = _draws.score(plan, _draws.random_draws(plan, int(draws)), every=True)
    rows = _draws.rows_of(plan)
    years = rows.get_level_values("year").to_numpy()
    tail = (1 - level) / 2
    table = np.empty((len(rows), 3), dtype=np.int64)
    for year in np.unique(years):
        own = years == year
        ranks = _draws.ranks_of(scores[:, own])
        at = np.quantile(ranks, [tail, 0.5, 1 - tail], axis=0, method="inverted_cdf")
        table[own] = at.T
    return pd.DataFrame(table, index=rows, columns=["lower", "median", "upper"]).sort_index()
