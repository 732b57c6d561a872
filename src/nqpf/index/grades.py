"""The ten grades of coupling coordination."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.errors import DataError
from nqpf.index._names import require_known

__all__ = ["GRADES", "grade"]

# The ten grades of D from 0 to 1 in steps of 0.1 (Liao 1999, who prints 0.00-0.09, 0.10-0.19, ...).
GRADES: tuple[tuple[str, str], ...] = (
    ("极度失调", "extreme imbalance"),
    ("严重失调", "severe imbalance"),
    ("中度失调", "moderate imbalance"),
    ("轻度失调", "mild imbalance"),
    ("濒临失调", "near imbalance"),
    ("勉强协调", "bare coordination"),
    ("初级协调", "primary coordination"),
    ("中级协调", "intermediate coordination"),
    ("良好协调", "good coordination"),
    ("优质协调", "excellent coordination"),
)
_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def grade(d: ArrayLike, language: str = "en") -> pd.Series:
    """Return the grade of coordination degrees on the ten-grade scale of the literature.

    Parameters
    ----------
    d : array_like or Series, shape (N,)
        Coordination degrees in [0, 1].
    language : str
        ``en`` or ``zh``.

    Returns
    -------
    Series of ordered categories
        With the index of `d`. A value on a bound, say 0.5, belongs to the
        grade above; some papers count it to the one below.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or outside [0, 1].
    nqpf.errors.MethodError
        If the language is neither ``en`` nor ``zh``.

    Examples
    --------
    >>> grade([0.05, 0.5, 1.0]).tolist()
    ['extreme imbalance', 'bare coordination', 'excellent coordination']
    >>> grade([0.6325], language="zh").tolist()
    ['初级协调']
    """
    require_known("language", language, ("zh", "en"))
    series = d if isinstance(d, pd.Series) else pd.Series(np.asarray(d, dtype=np.float64))
    wrong = series[~series.between(0, 1)]
    if len(wrong):
        raise DataError(
            f"d holds {wrong.iloc[0]}",
            where={"row": wrong.index[0]},
            expected="coordination degrees from 0 to 1",
        )
    texts = [pair[("zh", "en").index(language)] for pair in GRADES]
    codes = np.searchsorted(_BOUNDS, series.to_numpy(), side="right")
    grades = pd.Categorical.from_codes(codes, categories=texts, ordered=True)
    return pd.Series(grades, index=series.index, name="grade")
