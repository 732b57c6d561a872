"""What a dynamic panel regression returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nqpf.regress.dynamic.request import Window
from nqpf.regress.dynamic.specification import DynamicDiagnostics
from nqpf.regress.effects import RegressionResult

__all__ = ["DynamicResult", "ManyInstrumentsWarning"]


class ManyInstrumentsWarning(UserWarning):
    """There are more instruments than units."""


@dataclass(frozen=True, kw_only=True)
class DynamicResult(RegressionResult):
    """A dynamic panel regression by GMM.

    ``L1.y`` is the outcome a year before. `nobs` counts equations in differences, of
    the system those in levels, and `residuals` are theirs. R2 is not defined
    (NaN): residuals of an instrumented equation do not decompose a variance.

    Attributes
    ----------
    method : str
        ``difference`` or ``system``.
    steps : int
    corrected : bool
        Whether the errors of step two carry Windmeijer's correction.
    instruments : int
        Number of instruments, to be read beside `groups`.
    windows : tuple of Window
        Lags that serve as instruments.
    collapsed : bool
        One instrument per lag, not one per lag and year.
    time_effects : DataFrame by year
        ``coefficient`` and ``std_error``, relative to the first year.
    diagnostics : DynamicDiagnostics
    """

    method: str
    steps: int
    corrected: bool
    instruments: int
    windows: tuple[Window, ...]
    collapsed: bool
    time_effects: pd.DataFrame
    diagnostics: DynamicDiagnostics

    @property
    def covariance_label(self) -> str:
        """The covariance estimator in words."""
        kinds = {1: "one-step robust", 2: "two-step"}
        correction = ", Windmeijer-corrected" if self.corrected and self.steps == 2 else ""
        return f"{kinds[self.steps]}{correction}, clustered by {self.unit}"
