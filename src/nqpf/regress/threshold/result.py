"""What a threshold regression found, and how it prints."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from nqpf.regress.effects import RegressionResult
from nqpf.regress.table import RegressionTable

__all__ = ["ThresholdResult"]

_DRAWN = {
    "histories": "each {0} is given the residual history of one drawn at random, which takes "
    "the size of errors as unrelated to the regressors",
    "wild": "each {0} keeps its residual history and the sign is drawn at random",
}


@dataclass(frozen=True)
class ThresholdResult:
    """A fixed-effects panel with one to three thresholds.

    Attributes
    ----------
    outcome, threshold : str
    regime : tuple of str
        Variables whose slopes differ between the regimes.
    thresholds : DataFrame, one row per threshold in ascending order
        ``estimate``; ``lower`` and ``upper``, the least and the greatest value that the
        likelihood ratio does not reject; ``connected``, whether it rejects none between.
    tests : DataFrame, rows ``single``, ``double``, ``triple``
        ``F`` against one threshold fewer, bootstrap ``p_value``, critical values
        ``10%``, ``5%``, ``1%``, and ``ssr``, the sum of squared residuals.
    regression : RegressionResult
        The regression at the estimated thresholds, which its errors take as known.
    counts : DataFrame, one row per regime
        ``rows``, ``units`` and ``share`` of the rows.
    members : Series indexed (unit, time)
        Regime of each row, 1 the lowest.
    profiles : tuple of Series by candidate value
        Likelihood ratio of each threshold, the others at their estimates.
    critical : float
        Value up to which the ratio does not reject.
    ssr : float
    df : int
        Degrees of freedom of the error variance in F and the ratio.
    level, trim : float
    bootstrap : int
    draws : str
        As given to :func:`nqpf.regress.threshold`.
    seed : int
    """

    outcome: str
    threshold: str
    regime: tuple[str, ...]
    thresholds: pd.DataFrame
    tests: pd.DataFrame
    regression: RegressionResult
    counts: pd.DataFrame
    members: pd.Series
    profiles: tuple[pd.Series, ...]
    critical: float
    ssr: float
    df: int
    level: float
    trim: float
    bootstrap: int
    draws: str
    seed: int

    @property
    def slopes(self) -> pd.DataFrame:
        """Slopes of the regime variables, with errors and intervals, one row per regime."""
        number = len(self.regime) * len(self.counts)
        return self.regression.to_frame(self.level).iloc[-number:]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        r = self.regression
        return (
            f"Hansen (1999): effects {r.effects}, {r.groups} {r.unit} groups, {r.periods} periods.",
            f"Each regime keeps {self.trim:.0%} of the rows or more.",
            f"No intercepts by regime: what is found depends on where {' and '.join(self.regime)} "
            "is counted from.",
            f"p values from {self.bootstrap} samples, seed {self.seed}: "
            f"{_DRAWN[self.draws].format(r.unit)}. Each {r.unit} is taken as independent.",
            f"Intervals invert the likelihood ratio at {self.level:.0%}; it takes errors as of one "
            "variance.",
            "Standard errors of slopes take the thresholds as known.",
        )

    def _tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables that are printed, by what each of them shows."""
        inside = self.thresholds["connected"].map({True: "yes", False: "no"})
        return {
            f"Thresholds in {self.threshold}, with {self.level:.0%} intervals": self.thresholds[
                ["estimate", "lower", "upper"]
            ].assign(**{"every value inside accepted": inside}),
            "Each number of thresholds against one fewer: F, bootstrap p value, critical "
            "values and sum of squared residuals": self.tests,
            f"Rows and {self.regression.unit} groups in each regime": self.counts,
        }

    def __str__(self) -> str:
        tables = [
            f"{caption}\n{part.to_string(float_format=lambda v: f'{v:.4g}')}"
            for caption, part in self._tables().items()
        ]
        table = RegressionTable({self.outcome: self.regression})
        return "\n\n".join([*tables, "\n".join(self.notes), str(table)])

    def _repr_html_(self) -> str:
        tables = "".join(
            f'<p class="data-note">{escape(caption)}.</p>'
            f'<div class="table-box">{part.to_html(float_format=lambda v: f"{v:.4g}")}</div>'
            for caption, part in self._tables().items()
        )
        notes = f'<p class="data-note">{"<br>".join(map(escape, self.notes))}</p>'
        return f"{tables}{notes}{self.regression._repr_html_()}"
