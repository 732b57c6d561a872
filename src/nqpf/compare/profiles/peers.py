"""Which provinces are alike: near each other in rank under all measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import MethodError

if TYPE_CHECKING:
    from nqpf.compare.profiles.load import Profiles

__all__ = ["nearest", "rank_distance"]


def rank_distance(ranks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how many places apart each two provinces are on average, and over how many measures.

    Parameters
    ----------
    ranks : DataFrame
        By province, a column per measure; missing where a measure lacks the province.

    Returns
    -------
    distance : DataFrame, province by province
        Mean absolute difference of rank over the measures that rank both;
        missing where there is none. Symmetric, zero on the diagonal.
    shared : DataFrame of int, province by province
        Number of those measures.

    Examples
    --------
    >>> ranks = pd.DataFrame({"a": [1, 2, None], "b": [1, 4, 3]}, index=[11, 12, 13])
    >>> distance, shared = rank_distance(ranks)
    >>> distance.loc[11].tolist(), shared.loc[11].tolist()
    ([0.0, 2.0, 2.0], [2, 2, 1])
    """
    values = ranks.to_numpy(dtype="float64")
    apart = np.abs(values[:, None, :] - values[None, :, :])
    both = ~np.isnan(apart)
    shared = both.sum(axis=2)
    total = np.where(both, apart, 0.0).sum(axis=2)
    mean = np.divide(total, shared, out=np.full(total.shape, np.nan), where=shared > 0)
    labels = {"index": ranks.index, "columns": ranks.index.rename("other")}
    return pd.DataFrame(mean, **labels), pd.DataFrame(shared, **labels)


def nearest(profiles: Profiles, code: int, n: int = 5) -> pd.DataFrame:
    """Return the provinces nearest to one in rank under all measures.

    Parameters
    ----------
    profiles : Profiles
        All provinces under all measures.
    code : int
        GB/T 2260 code.
    n : int
        How many.

    Returns
    -------
    DataFrame by province, the nearest first
        ``distance`` in places, ``measures`` shared, and ``mutual``, whether
        the province is in turn among the `n` nearest of the other. Of equal
        distances the one over more measures comes first, then the lower code.

    Raises
    ------
    nqpf.errors.MethodError
        If `n` is less than one.
    """
    if n < 1:
        raise MethodError(f"n is {n!r}", expected="one or more peers")
    distance, shared = rank_distance(profiles.ranks)
    table = _order(distance, shared, code).head(n)
    back = [code in _order(distance, shared, other).index[:n] for other in table.index]
    return table.assign(mutual=back)


def _order(distance: pd.DataFrame, shared: pd.DataFrame, code: int) -> pd.DataFrame:
    table = pd.DataFrame({"distance": distance.loc[code], "measures": shared.loc[code]})
    table = table.drop(index=code).dropna().rename_axis("province").sort_index()
    return table.sort_values(["distance", "measures"], ascending=[True, False], kind="stable")
