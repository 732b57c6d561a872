"""A specification curve in figures: medians, signs and shares of significant estimates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sample import nearest

__all__ = ["curve_summary"]


def curve_summary(
    table: pd.DataFrame, by: str | Sequence[str] = (), level: float = 0.05
) -> pd.DataFrame:
    """Describe a specification curve, whole or by choices.

    Parameters
    ----------
    table : DataFrame
        One row per specification with ``estimate`` and ``pvalue``.
    by : str or sequence of str
        Columns of choices; a missing choice (it does not apply) is a group of its own.
    level : float
        Level at which one specification is significant.

    Returns
    -------
    DataFrame
        A row per group, or one called "all": ``specifications``, ``median``, ``low`` and
        ``high`` (5 and 95 % quantiles), ``sign`` (of most estimates), ``same_sign`` (share that
        has it) and the shares ``significant_positive``, ``significant_negative``. Shares count
        specifications, which are not independent evidence.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.SampleError
        If there is no row, or an estimate or p value is missing.
    nqpf.errors.MethodError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["tfp", "tfp", "composite"], "estimate": [0.2, 0.1, -0.3],
    ...                       "pvalue": [0.01, 0.2, 0.04]})
    >>> curve_summary(table, "kind")[["median", "significant_positive"]].round(2)
               median  significant_positive
    kind
    composite   -0.30                   0.0
    tfp          0.15                   0.5
    """
    by = [by] if isinstance(by, str) else list(by)
    for name in (*by, "estimate", "pvalue"):
        if name not in table.columns:
            hint = nearest(name, map(str, table.columns))
            raise DataError(f"no column {name!r}", expected="a column of the table", hint=hint)
    figures = table[["estimate", "pvalue"]]
    gaps = np.flatnonzero(~np.isfinite(figures.to_numpy(dtype=float, na_value=np.nan)).all(axis=1))
    if len(gaps) or not len(table):
        raise SampleError(
            f"{len(gaps)} row(s) without estimate or p value" if len(gaps) else "an empty table",
            where={"row": table.index[gaps[0]]} if len(gaps) else None,
            expected="an estimate and a p value in every row",
            hint="leave out specifications that could not be estimated, and say so",
        )
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")
    sure = table["pvalue"] < level
    marks = table[by].assign(
        estimate=table["estimate"],
        positive=table["estimate"] > 0,
        negative=table["estimate"] < 0,
        significant_positive=sure & (table["estimate"] > 0),
        significant_negative=sure & (table["estimate"] < 0),
    )
    groups = marks.groupby(by or (lambda _: "all"), observed=True, dropna=False, sort=True)
    shares = groups[["positive", "negative", "significant_positive", "significant_negative"]].mean()
    result = pd.DataFrame(
        {
            "specifications": groups.size(),
            "median": groups["estimate"].median(),
            "low": groups["estimate"].quantile(0.05),
            "high": groups["estimate"].quantile(0.95),
            "sign": np.where(shares["positive"] >= shares["negative"], 1, -1),
            "same_sign": shares[["positive", "negative"]].max(axis=1),
        }
    )
    return result.join(shares[["significant_positive", "significant_negative"]])
