"""What an estimated production function of firms says."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["ProxyResult"]


@dataclass(frozen=True)
class ProxyResult:
    """An estimated production function in logarithms.

    Attributes
    ----------
    method : str
        Name of the estimator.
    params, std_errors : Series by input
        Elasticities, free inputs first, and their standard errors; NaN
        when no bootstrap was asked for and none is analytic.
    errors : str
        How standard errors were found.
    tfp : Series indexed (unit, time)
        Log productivity, output less inputs times elasticities; it holds the
        constant and the error of measurement.
    anticipated : Series indexed (unit, time) or None
        Log productivity that the firm could see: the first step's fitted
        output, without its error, less inputs times elasticities.
    criterion : float
        Value of what was minimised, at the estimate.
    converged : bool
        Whether the search ended at a solution.
    n : int
        Rows of the last step.
    firms : int
    dropped : DataFrame
        ``unit``, ``time``, ``step`` (``"both"`` or ``"second"``) and
        ``reason`` of every row left out.
    starts : DataFrame or None
        One row per starting point: the start, the estimate it led to,
        ``criterion``, ``converged``, ``solution`` (number shared by starts that
        met) and ``chosen``.
    bootstrap : DataFrame or None
        One row of estimates per replication.
    """

    method: str
    params: pd.Series
    std_errors: pd.Series
    errors: str
    tfp: pd.Series
    criterion: float
    converged: bool
    n: int
    firms: int
    dropped: pd.DataFrame
    anticipated: pd.Series | None = None
    starts: pd.DataFrame | None = None
    bootstrap: pd.DataFrame | None = None

    def dropped_counts(self) -> pd.Series:
        """Return how many rows were left out, by step and reason."""
        return self.dropped.groupby(["step", "reason"]).size().rename("rows")

    def to_frame(self) -> pd.DataFrame:
        """Return elasticities and standard errors by input."""
        return pd.DataFrame({"elasticity": self.params, "std_error": self.std_errors})

    def _repr_html_(self) -> str:
        state = "converged" if self.converged else "not converged"
        note = f"{self.method}; {self.n:,} rows, {self.firms:,} firms; {self.errors}; {state}"
        return f"{self.to_frame().to_html(float_format='{:.4f}'.format)}<p>{note}</p>"
