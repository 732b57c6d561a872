"""Functional forms of a production function in logs: regressors, elasticities, trend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["CONSTANT", "TREND", "elasticities", "regressors", "trend_effect"]

CONSTANT = "constant"
TREND = "trend"


def regressors(logs: pd.DataFrame, trend: pd.Series, form: str, drift: str) -> pd.DataFrame:
    """Return the regressors of the frontier.

    Parameters
    ----------
    logs : DataFrame (rows, inputs)
        Logarithms of the inputs.
    trend : Series (rows,)
        Years since the year before the sample: 1, 2, ...
    form : {"cobb-douglas", "translog"}
        The translog adds half of each square and every product of two inputs.
    drift : {"none", "neutral", "non-neutral"}
        Technical change: none; a trend (a translog takes half its square as well); or a trend
        that also changes the elasticities.

    Returns
    -------
    DataFrame (rows, k)
        Columns ``constant``, the inputs, ``capital^2``, ``capital*labour``, ``trend``,
        ``trend^2``, ``capital*trend``; a column ``..^2`` holds half of the square, so that
        coefficients are second derivatives.
    """
    columns = {CONSTANT: pd.Series(1.0, index=logs.index)} | dict(logs.items())
    if form == "translog":
        for i, a in enumerate(logs):
            columns[f"{a}^2"] = logs[a] ** 2 / 2
            for b in logs.columns[i + 1 :]:
                columns[f"{a}*{b}"] = logs[a] * logs[b]
    if drift != "none":
        columns[TREND] = trend
        if form == "translog":
            columns[f"{TREND}^2"] = trend**2 / 2
    if drift == "non-neutral":
        for a in logs:
            columns[f"{a}*{TREND}"] = logs[a] * trend
    return pd.DataFrame(columns)


def elasticities(logs: pd.DataFrame, trend: pd.Series, beta: pd.Series) -> pd.DataFrame:
    """Return d ln y / d ln x_j of each row and input."""
    return pd.DataFrame({a: _derivative(a, logs, trend, beta) for a in logs})


def trend_effect(logs: pd.DataFrame, trend: pd.Series, beta: pd.Series) -> pd.Series:
    """Return technical change d ln y / dt of each row; zero without a trend."""
    return _derivative(TREND, logs, trend, beta).rename("technical_change")


def _derivative(name: str, logs: pd.DataFrame, trend: pd.Series, beta: pd.Series) -> pd.Series:
    variables: Sequence[str] = [*logs.columns, TREND]
    total = pd.Series(np.full(len(logs), beta.get(name, 0.0)), index=logs.index)
    for other in variables:
        pair = (f"{name}^2",) if other == name else (f"{name}*{other}", f"{other}*{name}")
        slope = sum(beta.get(term, 0.0) for term in pair)
        total = total + slope * (trend if other == TREND else logs[other])
    return total
