"""Data envelopment analysis: efficiency of units, and Malmquist indices over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nqpf.errors import DataError, SampleError
from nqpf.tfp._malmquist import Malmquist, malmquist
from nqpf.tfp._radial import check_option, check_own, check_quantities, columns_of, radial_scores
from nqpf.tfp.sample import check_finite, nearest, place

__all__ = ["Efficiency", "Malmquist", "efficiency", "malmquist"]


@dataclass(frozen=True)
class Efficiency:
    """Radial efficiency of the units of one cross-section.

    Attributes
    ----------
    scores : Series by unit
        In (0, 1]; 1 on the frontier. Theta in the input orientation, 1 / phi in the output one.
    returns, orientation : str
        The technology and what was stretched or shrunk.
    inputs, outputs : tuple of str
        The columns that were used.
    """

    scores: pd.Series
    returns: str
    orientation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the scores with each unit's rank, 1 the best, ties sharing a rank."""
        # Scores that differ in rounding only are ties: several units are on the frontier.
        rank = self.scores.round(9).rank(ascending=False, method="min").astype(int)
        return pd.DataFrame({"score": self.scores, "rank": rank})

    def _repr_html_(self) -> str:
        return self.to_frame().sort_values("rank").to_html()


def efficiency(
    frame: pd.DataFrame,
    inputs: Sequence[str],
    outputs: Sequence[str],
    unit: str,
    returns: str = "crs",
    orientation: str = "output",
) -> Efficiency:
    """Measure the efficiency of each unit against the frontier of all.

    Constant returns give the model of Charnes, Cooper and Rhodes (1978),
    variable returns the one of Banker, Charnes and Cooper (1984).

    Parameters
    ----------
    frame : DataFrame
        One row per unit; `unit` is a column or an index level.
    inputs, outputs : sequence of str
        Columns of quantities; inputs positive, outputs non-negative.
    unit : str
        Name of the key.
    returns : {"crs", "vrs"}
        Returns to scale.
    orientation : {"output", "input"}
        Stretch outputs at given inputs, or shrink inputs at given outputs.
        Under constant returns both give the same score.

    Returns
    -------
    Efficiency

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, an input not positive or an output negative.
    nqpf.errors.SampleError
        If a unit appears twice, a figure is missing or there is one unit only.
    nqpf.errors.MethodError
        If an option is unknown or a column named twice.
    nqpf.errors.EstimationError
        If figures are too different in size to be solved.

    Examples
    --------
    Coelli (1996), second example: one output, one input.

    >>> firms = pd.DataFrame({"firm": [1, 2, 3, 4, 5], "y": [1, 2, 3, 4, 5], "x": [2, 4, 3, 5, 6]})
    >>> efficiency(firms, ["x"], ["y"], "firm", "vrs", "input").scores.round(3).tolist()
    [1.0, 0.625, 1.0, 0.9, 1.0]
    """
    check_option(returns, ("crs", "vrs"), "returns")
    check_option(orientation, ("output", "input"), "orientation")
    inputs, outputs = columns_of(inputs, outputs, unit)
    keyed = _by_unit(frame, [*inputs, *outputs], unit)
    check_quantities(keyed, inputs, outputs)
    x, y = keyed[inputs].to_numpy(), keyed[outputs].to_numpy()
    labels = keyed.index.get_level_values(0)
    scores = pd.Series(radial_scores(x, y, x, y, returns, orientation), labels, name="score")
    check_own(scores)
    return Efficiency(
        scores,
        returns,
        orientation,
        tuple(inputs),
        tuple(outputs),
    )


def _by_unit(frame: pd.DataFrame, columns: list[str], unit: str) -> pd.DataFrame:
    flat = frame.reset_index(level=unit) if unit in frame.index.names else frame
    for name in (*columns, unit):
        count = list(flat.columns).count(name)
        if count > 1:
            raise DataError(f"the frame has {name!r} {count} times", expected="one of it")
        if not count:
            raise DataError(
                f"unknown variable {name!r}",
                expected="a column or index level of the frame",
                hint=nearest(name, map(str, [*flat.columns, *frame.index.names])),
            )
    # One level of a MultiIndex, so that the shared checks can name the key.
    index = pd.MultiIndex.from_arrays([flat[unit]], names=[unit])
    if len(index) == 0:
        raise SampleError("the frame has no rows", expected="at least two units")
    if flat[unit].isna().any():
        raise SampleError(f"the frame has rows without {unit}", expected="a complete key")
    double = index[index.duplicated()]
    if len(double):
        raise SampleError(
            "the frame holds a unit more than once",
            where=place(double[0], index.names),
            expected="one row per unit",
            hint="choose a year, or use malmquist for a panel",
        )
    keyed = flat[columns].set_axis(index).sort_index()
    check_finite(keyed, "the frame")
    return keyed.astype(float)
