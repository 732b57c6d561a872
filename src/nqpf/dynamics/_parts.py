"""Mean differences within and between groups, from sorted values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.dynamics._values import Sample

__all__ = ["Part", "group_table", "pair_table"]


class Part:
    """Sorted values of one group, or of all units, with their weights.

    Sorting costs n log n; a table of all pairs would cost n^2.
    """

    def __init__(self, data: Sample, code: int | None = None) -> None:
        inside = slice(None) if code is None else data.codes == code
        y, weights = data.y[inside], data.weights[inside]
        order = np.argsort(y, kind="stable")
        self.y = y[order]
        self.share = float(weights.sum())
        self.w = weights[order] / self.share
        self.mean = float(self.w @ self.y)

    def above(self, other: Part) -> float:
        """Return the mean of max(y - x, 0), y of this group and x of the other."""
        own, others = self.y - self.mean, other.y - self.mean  # small numbers keep their digits
        weight = np.concatenate([[0.0], np.cumsum(other.w)])
        total = np.concatenate([[0.0], np.cumsum(other.w * others)])
        below = np.searchsorted(other.y, self.y, side="left")
        return max(0.0, float(self.w @ (own * weight[below] - total[below])))

    def gini(self) -> float:
        """Return the weighted mean of |y_i - y_k| over twice the mean; 0 if all are zero."""
        if self.mean == 0:
            return 0.0
        below = np.cumsum(self.w) - self.w
        above = np.cumsum(self.w[::-1])[::-1] - self.w
        return max(0.0, float((self.w * (self.y - self.mean)) @ (below - above)) / self.mean)


def group_table(parts: list[Part], data: Sample, mean: float) -> pd.DataFrame:
    """Return p_j, s_j, the mean, G_jj and its contribution, a row per group."""
    rows = []
    for part in parts:
        own, total = part.gini(), part.share * part.mean / mean
        row = {"units": len(part.y), "population": part.share, "total": total}
        row |= {"mean": part.mean * data.scale, "gini": own}
        rows.append(row | {"contribution": own * part.share * total})
    return pd.DataFrame(rows, index=pd.Index(data.groups, name="group"))


def pair_table(parts: list[Part], data: Sample, mean: float) -> pd.DataFrame:
    """Return G_jh, Delta_jh, d_jh, p_jh, D_jh and contributions, a row per pair of groups."""
    rows, keys = [], []
    for first in range(len(parts)):
        for second in range(first + 1, len(parts)):
            j, h = first, second
            if parts[h].mean > parts[j].mean:
                j, h = h, j
            keys.append((data.groups[j], data.groups[h]))
            rows.append(_pair(parts[j], parts[h], mean, data.scale))
    levels = list(zip(*keys, strict=True)) or [[], []]
    index = pd.MultiIndex.from_arrays(levels, names=["group", "other"])
    columns = ["gini", "difference", "d", "p", "affluence", "between", "transvariation"]
    return pd.DataFrame(np.reshape(rows, (-1, len(columns))), index=index, columns=columns)


def _pair(high: Part, low: Part, mean: float, scale: float) -> tuple[float, ...]:
    d, p = high.above(low), low.above(high)
    gap, both = d + p, high.mean + low.mean
    gini = gap / both if both else 0.0
    affluence = min(1.0, max(0.0, (d - p) / gap)) if gap else 0.0
    # p_j s_h + p_h s_j, written with means
    part = gini * high.share * low.share * both / mean
    moments = (scale * gap, scale * d, scale * p)
    return gini, *moments, affluence, part * affluence, part * (1 - affluence)
