"""Which measures rank alike: groups by rank correlation."""

from __future__ import annotations

import pandas as pd

from nqpf.errors import MethodError, SampleError

__all__ = ["clusters"]


def clusters(correlation: pd.DataFrame, least: float = 0.9) -> pd.Series:
    """Group measures whose average rank correlation reaches a level.

    Average-linkage clustering of the distances 1 - rho; a group is cut where
    the average correlation between two groups falls below `least`.

    Parameters
    ----------
    correlation : DataFrame, measure by measure
        Rank correlations, symmetric, with the same labels on both sides.
    least : float
        Average correlation within a group, between -1 and 1.

    Returns
    -------
    Series
        Number of the group by measure, in the order in which the tree of
        groups lists the measures, so that neighbours rank alike.

    Raises
    ------
    nqpf.errors.SampleError
        If the labels differ, a correlation is missing or there is one measure.
    nqpf.errors.MethodError
        If `least` is not between -1 and 1.

    Examples
    --------
    >>> names = ["a", "b", "c"]
    >>> rho = pd.DataFrame([[1, 0.95, 0.2], [0.95, 1, 0.3], [0.2, 0.3, 1]], names, names)
    >>> groups = clusters(rho)
    >>> bool(groups["a"] == groups["b"]), bool(groups["a"] == groups["c"])
    (True, False)
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    if list(correlation.index) != list(correlation.columns) or len(correlation) < 2:
        raise SampleError(
            f"correlations of shape {correlation.shape}",
            expected="two or more measures, with the same labels on both sides",
        )
    if correlation.isna().any(axis=None):
        raise SampleError("a correlation is missing", hint="leave out the measure that is constant")
    if not -1 <= least <= 1:
        raise MethodError(f"least correlation {least}", expected="a number between -1 and 1")
    # Rounding can leave a diagonal or a pair of values one unit in the last place apart.
    distance = (1 - (correlation + correlation.T) / 2).clip(lower=0).to_numpy(copy=True)
    distance[range(len(distance)), range(len(distance))] = 0
    tree = linkage(squareform(distance), method="average", optimal_ordering=True)
    labels = fcluster(tree, 1 - least + 1e-12, criterion="distance")
    order = leaves_list(tree)
    groups = pd.Series(labels[order], index=correlation.index[order], name="group")
    return groups.map({old: new for new, old in enumerate(dict.fromkeys(groups), start=1)})
