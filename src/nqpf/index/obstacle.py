"""Obstacle degrees: which indicator or dimension holds a province back."""

from __future__ import annotations

import pandas as pd

from nqpf.errors import MethodError
from nqpf.index import normalise
from nqpf.index._names import require_known
from nqpf.index.result import Index, not_additive

__all__ = ["leading", "obstacle_degree"]


def obstacle_degree(index: Index, by: str = "indicator") -> pd.DataFrame:
    """Return the share of each indicator in the distance of a row from the ideal.

    With the shortfall 1 - z_ij and the weight w_j, the obstacle degree is
    O_ij = w_j (1 - z_ij) / sum_k w_k (1 - z_ik), in per cent. For an index
    that adds up, the denominator is 1 minus the score: what the province lacks
    to 1. That of a dimension is the sum over its indicators.

    Parameters
    ----------
    index : Index
        Made with a sum (``aggregate="linear"``) and a normalisation onto
        [0, 1], whose best value is 1.
    by : str
        ``indicator`` or ``dimension``.

    Returns
    -------
    DataFrame
        Per cent on ``(province, year)``, one column per indicator or
        dimension. Each row sums to 100, or to 0 where the province is at
        the ideal and nothing holds it back.

    Raises
    ------
    nqpf.errors.MethodError
        If the index is not a sum, its normalisation has no best value of 1,
        or `by` is unknown.

    Examples
    --------
    >>> from nqpf.index import Recipe
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"r_and_d": [6.8, 4.4, 3.4], "energy": [0.2, 0.3, 0.25]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values,
    ...     benefit=pd.Series({"r_and_d": True, "energy": False}),
    ...     dimension=pd.Series({"r_and_d": "technology", "energy": "green"}))
    >>> index = Recipe(weights="equal", aggregate="linear").fit(matrix)
    >>> obstacle_degree(index).round(1).to_numpy().tolist()
    [[0.0, 0.0], [41.4, 58.6], [66.7, 33.3]]
    """
    require_known("grouping", by, ("indicator", "dimension"))
    if index.contributions is None:
        raise not_additive(index.recipe.aggregate)
    if index.recipe.normalise not in normalise.UNIT:
        raise MethodError(
            f"under {index.recipe.normalise!r} the best value is not 1, so no shortfall is known",
            expected="an index with normalise one of " + ", ".join(sorted(normalise.UNIT)),
        )
    shortfall = (1.0 - index.normalised) * index.weights
    total = shortfall.sum(axis="columns")
    degree = 100 * shortfall.div(total.where(total > 0, 1.0), axis="index")
    if by == "dimension":
        dimension = index.matrix.dimension.loc[degree.columns].astype(str)
        degree = degree.T.groupby(dimension, sort=False).sum().T
    return degree


def leading(index: Index, by: str = "indicator", top: int = 3) -> pd.DataFrame:
    """Return the largest obstacles of each province and year.

    Parameters
    ----------
    index : Index
        As for :func:`obstacle_degree`.
    by : str
        ``indicator`` or ``dimension``.
    top : int
        How many to list at most; obstacles of zero are not listed.

    Returns
    -------
    DataFrame
        Indexed ``(province, year, order)``, order 1 for the largest, with
        ``obstacle`` and ``degree`` in per cent. Equal degrees keep the order
        of the columns.

    Raises
    ------
    nqpf.errors.MethodError
        If the index or `by` does not fit, or `top` is not a whole number of
        one or more.
    """
    if not (isinstance(top, int) and top >= 1):
        raise MethodError(f"top is {top!r}", expected="a whole number of one or more")
    degree = obstacle_degree(index, by)
    long = degree.rename_axis(columns="obstacle").stack().rename("degree")
    long = long[long > 0].reset_index("obstacle")
    long = long.sort_values("degree", ascending=False, kind="stable")
    order = long.groupby(level=["province", "year"], sort=False).cumcount() + 1
    long = long.set_index(order.rename("order"), append=True)
    return long[order.to_numpy() <= top].sort_index()
