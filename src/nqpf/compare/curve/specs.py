"""The regressions of a specification curve, read from a table and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nqpf.errors import DataError, MethodError
from nqpf.regress.effects import EFFECTS
from nqpf.tfp.sample import nearest

__all__ = ["ALL_ROWS", "Specification", "read_specifications"]

ALL_ROWS = "all"
_NEEDED = ("outcome", "focal", "controls", "effects")


@dataclass(frozen=True)
class Specification:
    """One regression of the curve."""

    outcome: str
    focal: str
    controls: tuple[str, ...]
    effects: str
    sample: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Outcome, focal variable and controls."""
        return (self.outcome, self.focal, *self.controls)

    @property
    def where(self) -> dict[str, object]:
        """The specification, for the place of an error."""
        return {
            "outcome": self.outcome,
            "focal": self.focal,
            "controls": " + ".join(self.controls) or "none",
            "effects": self.effects,
            "sample": self.sample,
        }


def read_specifications(table: pd.DataFrame) -> list[Specification]:
    """Return the rows of a table as specifications, checked.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.MethodError
        If there is no row, controls are not a sequence of names, effects are unknown or a
        variable comes twice in one regression.
    """
    for name in _NEEDED:
        if name not in table.columns:
            raise DataError(f"no column {name!r}", expected=", ".join(_NEEDED) + " and sample")
    if not len(table):
        raise MethodError("no specification", expected="at least one row")
    samples = table["sample"] if "sample" in table.columns else [ALL_ROWS] * len(table)
    columns = [table[name] for name in _NEEDED]
    specs, checked = [], set()
    for row, (*cells, sample) in zip(table.index, zip(*columns, samples, strict=True), strict=True):
        outcome, focal, controls, effects = cells
        if isinstance(controls, str) or not isinstance(controls, Sequence):
            raise MethodError(
                f"controls are {controls!r}",
                where={"row": row},
                expected="a tuple of variables, () for none",
            )
        spec = Specification(outcome, focal, tuple(controls), effects, sample)
        if spec not in checked:
            _check(spec, row)
            checked.add(spec)
        specs.append(spec)
    return specs


def _check(spec: Specification, row: object) -> None:
    if spec.effects not in EFFECTS:
        raise MethodError(
            f"unknown effects {spec.effects!r}",
            where={"row": row},
            expected=" or ".join(map(repr, EFFECTS)),
            hint=nearest(spec.effects, EFFECTS),
        )
    if len(set(spec.variables)) < len(spec.variables):
        raise MethodError(
            "a variable comes twice in one regression",
            where={"row": row, **spec.where},
            expected="an outcome, a focal variable and controls that all differ",
        )
