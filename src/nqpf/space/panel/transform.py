"""Effects removed from a balanced panel, and what the likelihood counts after that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nqpf.errors import MethodError
from nqpf.regress.effects import EFFECTS, check_option
from nqpf.tfp.sample import place

__all__ = ["CORRECTIONS", "Transformation", "transformation"]

CORRECTIONS = {
    "lee-yu": "effects removed by the transformation of Lee and Yu (2010)",
    "none": "effects removed by demeaning alone, every row counted",
}


@dataclass(frozen=True)
class Transformation:
    """Which effects go, and the rows and determinants that the likelihood then counts.

    Attributes
    ----------
    unit, time : bool
        Effects removed; with neither, a constant is.
    rows : int
        Rows N* in N*/2 log sigma2.
    periods : int
        How often log|I - rho W| enters.
    common : bool
        False where the determinant leaves out the vector of ones.
    """

    unit: bool
    time: bool
    rows: int
    periods: int
    common: bool

    @property
    def constant(self) -> bool:
        """A vector of ones per year, or over all years, is among what is removed."""
        return self.time or not self.unit

    def within(self, values: np.ndarray) -> np.ndarray:
        """Remove the effects from values of shape (T, n, ...); return the same shape."""
        if not (self.unit or self.time):
            return values - values.mean(axis=(0, 1))
        if self.unit:
            values = values - values.mean(axis=0)
        if self.time:
            values = values - values.mean(axis=1, keepdims=True)
        return values


def transformation(effects: str, correction: str, units: int, years: int) -> Transformation:
    """Return how `effects` are removed from `units` x `years`.

    With demeaning alone (Elhorst 2003) the likelihood is that of dummy variables: nT rows, T
    determinants. The transformation of Lee and Yu (2010) spends a row per effect: n(T-1) rows
    and T-1 determinants with unit effects, and with year effects n-1 rows per year, in which
    the determinant is divided by 1 - rho. Both have the same sum of squares.

    Raises
    ------
    nqpf.errors.MethodError
        If a name is unknown.

    Examples
    --------
    >>> transformation("two-way", "lee-yu", 31, 13)
    Transformation(unit=True, time=True, rows=360, periods=12, common=False)
    """
    check_option("effects", effects, EFFECTS)
    check_option("correction", correction, tuple(CORRECTIONS))
    unit, time = effects in ("two-way", "unit"), effects in ("two-way", "time")
    corrected = correction == "lee-yu"
    periods = years - (unit and corrected)
    common = not (time and corrected)
    return Transformation(unit, time, (units - (not common)) * periods, periods, common)


def check_row_sums(
    change: Transformation, row_sum: float | None, islands: tuple[object, ...], model: str
) -> None:
    """Raise where a vector of ones would not stay one after multiplication by I - rho W.

    An island among units with neighbours is such a case, as its row adds up to zero.

    Raises
    ------
    nqpf.errors.MethodError
        Says which option asks for equal row sums.
    """
    if row_sum is not None:
        return
    problem, link = "rows of the weights have unequal sums", "standardise rows"
    if islands:
        problem += ", as a unit without neighbours has a row of zeros"
        link = "link the island, or leave it out"
    if not change.common:
        raise MethodError(
            f"{problem}, so the transformation of Lee and Yu does not remove year effects",
            where=_alone(islands),
            expected="weights whose rows sum to one",
            hint=f"{link}, or use correction='none'",
        )
    if model == "error" and change.constant:
        raise MethodError(
            f"{problem}, so a spatial error would make a common effect of a year a different one "
            "for each unit",
            where=_alone(islands),
            expected="weights whose rows sum to one",
            hint=f"{link}, or use effects='unit'",
        )


def _alone(islands: tuple[object, ...]) -> dict[str, object]:
    return place(islands[:1], ("unit",)) if islands else {}
