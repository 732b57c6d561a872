"""What a mediation found, how it prints, and what it does not identify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import pandas as pd

from nqpf.regress.result import RegressionResult
from nqpf.regress.table import RegressionTable

__all__ = ["MediationResult"]


@dataclass(frozen=True)
class MediationResult:
    """Three equations and the effects they imply.

    Attributes
    ----------
    outcome, treatment, mediator : str
    regressions : mapping of str to RegressionResult
        ``total``: outcome on treatment; ``mediator``: mediator on treatment;
        ``direct``: outcome on treatment and mediator; controls and effects in each.
    effects : DataFrame, rows ``indirect``, ``direct``, ``total``, ``proportion``
        ``estimate``; ``std_error``, the deviation of the bootstrap; ``lower`` and
        ``upper`` by percentiles; ``bca_lower`` and ``bca_upper``, bias-corrected and
        accelerated. The proportion is indirect over total.
    sobel : Series
        ``std_error``, ``z`` and ``p_value`` of the indirect effect by the delta
        method, which takes it as normal.
    draws : DataFrame, one row per bootstrap sample
    level : float
    bootstrap, seed : int
    failed : int
        Bootstrap samples that did not identify the effects, left out.
    """

    outcome: str
    treatment: str
    mediator: str
    regressions: Mapping[str, RegressionResult]
    effects: pd.DataFrame
    sobel: pd.Series
    draws: pd.DataFrame
    level: float
    bootstrap: int
    seed: int
    failed: int

    @property
    def identification(self) -> str:
        """What would have to hold for the indirect effect to be one, in plain words."""
        t, m, y = self.treatment, self.mediator, self.outcome
        return (
            f"What this does not identify. The product of coefficients is an effect of {t} that "
            f"passes through {m} only under sequential ignorability (Imai, Keele and Yamamoto "
            f"2010): given controls and fixed effects nothing unseen moves {t} together with "
            f"{m} or {y}, and, given {t} as well, nothing unseen moves {m} together with {y}. "
            "The data cannot test the second part, and no standard error or bootstrap allows "
            f"for its failure. A variable that {t} changes and that acts on both {m} and {y} "
            "biases the figures whether it is controlled for or not. Effects that run from "
            f"{y} back to {m}, or from {m} to {t}, are not ruled out. Slopes are taken as linear, "
            f"equal for all, and the slope of {m} as the same at every {t}. Fixed effects remove "
            "what is constant in a unit or common to a year, and nothing else. The split is "
            "therefore a description of how coefficients change, not evidence of a mechanism; a "
            "proportion means little where direct and indirect effects differ in sign or the "
            "total is near zero."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        first = self.regressions["total"]
        lines = [
            f"Intervals at {self.level:.0%} from {self.bootstrap} samples of whole {first.unit} "
            f"groups, seed {self.seed}.",
            f"Sobel: z = {self.sobel['z']:.3f}, p = {self.sobel['p_value']:.4f}, from standard "
            f"errors {first.covariance_label}; the product of two estimates is not normal.",
        ]
        if self.failed:
            lines.append(f"{self.failed} samples did not identify the effects and are left out.")
        return tuple(lines)

    def table(self) -> RegressionTable:
        """Return the three equations side by side."""
        return RegressionTable({name.capitalize(): r for name, r in self.regressions.items()})

    def __str__(self) -> str:
        effects = self.effects.to_string(float_format=lambda v: f"{v:.4g}")
        return "\n".join([effects, *self.notes, "", str(self.table()), "", self.identification])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        effects = self.effects.to_html(float_format=lambda v: f"{v:.4g}")
        notes = "<br>".join(escape(line) for line in self.notes)
        caption = (
            f"Effects of {self.treatment} on {self.outcome}, through {self.mediator} and not, with "
            f"{self.level:.0%} intervals by percentiles and bias-corrected"
        )
        return (
            f'<p class="data-note">{escape(caption)}.</p>'
            f'<div class="table-box">{effects}</div><p class="data-note">{notes}</p>\n'
            f"{self.table().to_html()}\n"
            f'<p class="data-note">{escape(self.identification)}</p>'
        )
