"""Whether one method's errors are smaller than another's, with few and overlapping origins."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

__all__ = ["accuracy_table", "diebold_mariano", "gains"]

_FEWEST = 3  # origins of a test
_RANKS = 3  # provinces from which ranks are compared


def diebold_mariano(gain: np.ndarray, horizon: int = 1) -> tuple[float, float]:
    """Test whether a yearly mean gain differs from zero (Diebold and Mariano 1995).

    Parameters
    ----------
    gain : (P,) array
        Loss of the bar less loss of the method, one figure per origin.
    horizon : int
        Errors of h-step forecasts overlap; h - 1 autocovariances join the
        variance with Bartlett weights, which keep it positive.

    Returns
    -------
    statistic, p : float
        With the correction of Harvey, Leybourne and Newbold (1997) and
        Student's t with P - 1 degrees of freedom, two-sided; NaN with fewer
        than three origins or where the correction leaves nothing.

    Examples
    --------
    >>> [round(x, 4) for x in diebold_mariano(np.array([1.0, 2.0, 3.0, 2.0]))]
    [4.899, 0.0163]
    """
    from scipy.stats import t as student

    count = len(gain)
    if count < _FEWEST:
        return math.nan, math.nan
    apart = gain - gain.mean()
    lags = [float(apart[k:] @ apart[: count - k]) / count for k in range(min(horizon, count))]
    variance = lags[0] + 2 * sum((1 - k / horizon) * c for k, c in enumerate(lags) if k)
    factor = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    if not (variance > 0 and factor > 0):
        return math.nan, math.nan
    statistic = float(gain.mean() / math.sqrt(variance / count) * math.sqrt(factor))
    return statistic, float(2 * student.sf(abs(statistic), count - 1))


def accuracy_table(rows: pd.DataFrame, bar: str) -> pd.DataFrame:
    """Return errors by horizon and method, in the order of the rows."""
    groups = rows.groupby(["horizon", "method"], sort=False)
    size = rows["error"].abs()
    inside = rows["error"].where(rows["lower"].notna())
    inside = (rows["actual"] >= rows["lower"]) & (rows["actual"] <= rows["upper"])
    inside = inside.astype(float).where(rows["lower"].notna())
    keys = [rows["horizon"], rows["method"]]
    table = pd.DataFrame(
        {
            "n": groups.size(),
            "mae": size.groupby(keys, sort=False).mean(),
            "rmse": (rows["error"] ** 2).groupby(keys, sort=False).mean() ** 0.5,
        }
    )
    against = table["mae"].xs(bar, level="method")
    table[f"mae / {bar}"] = table["mae"] / table.index.get_level_values("horizon").map(against)
    table["rank"] = pd.Series({key: _rank(own) for key, own in groups})
    table["coverage"] = inside.groupby(keys, sort=False).mean()
    table["intervals"] = inside.groupby(keys, sort=False).count()
    return table.rename_axis(["horizon", "method"])


def _rank(own: pd.DataFrame) -> float:
    """Return the mean over origins of the rank correlation of forecasts and outcomes."""
    found = [
        part["forecast"].corr(part["actual"], method="spearman")
        for _, part in own.groupby("origin")
        if len(part) >= _RANKS
    ]
    return float(np.mean(found)) if found else math.nan


def gains(rows: pd.DataFrame, bar: str) -> pd.DataFrame:
    """Return, by horizon and method other than the bar, the gain over it and two tests of it.

    ``p_years`` takes origins as the sample and is right when a year's shock
    reaches all provinces; ``p_provinces`` takes provinces, as if the years
    that were tried were all there are. ``p_holm`` is the larger of the two
    after Holm's correction over the table.
    """
    from scipy.stats import ttest_1samp

    size = rows.assign(size=rows["error"].abs())
    wide = size.pivot(index=["horizon", "origin", "province"], columns="method", values="size")
    found = {}
    for horizon in wide.index.unique("horizon"):
        own = wide.xs(horizon, level="horizon")
        for method in rows["method"].drop_duplicates():
            if method == bar:
                continue
            gain = own[bar] - own[method]
            by_year = gain.groupby("origin").mean().to_numpy()
            by_unit = gain.groupby("province").mean().to_numpy()
            statistic, p_years = diebold_mariano(by_year, int(horizon))
            spread = len(by_unit) > 1 and np.ptp(by_unit) > 0
            found[horizon, method] = {
                "gain": gain.mean(),
                "share": float((by_unit > 0).mean()),
                "origins": len(by_year),
                "dm": statistic,
                "p_years": p_years,
                "p_provinces": float(ttest_1samp(by_unit, 0).pvalue) if spread else math.nan,
            }
    table = pd.DataFrame(found).T.rename_axis(["horizon", "method"])
    table["origins"] = table["origins"].astype(int)
    table["p_holm"] = _holm(table[["p_years", "p_provinces"]].max(axis=1, skipna=False))
    return table


def _holm(p: pd.Series) -> pd.Series:
    """Return p values corrected for all tests made; those not made stay NaN and do not count."""
    made = p.dropna().sort_values(kind="stable")
    factors = np.arange(len(made), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(made.to_numpy() * factors), 1.0)
    return pd.Series(corrected, index=made.index).reindex(p.index)
