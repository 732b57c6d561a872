"""Data envelopment analysis: efficiency of units, and Malmquist indices over time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.sample import by_key, check_consecutive, check_finite, nearest, place
from nqpf.tfp.programs import check_option, check_own, check_quantities, columns_of, radial_scores

__all__ = ["Efficiency", "Malmquist", "efficiency", "malmquist"]

_REFERENCES = ("contemporaneous", "sequential", "global")


@dataclass(frozen=True)
class Malmquist:
    """Malmquist indices; above 1 is progress, below 1 regress, in either orientation.

    Attributes
    ----------
    indices : DataFrame indexed (unit, time)
        Change from the year before to the year in the index: ``effch`` (efficiency),
        ``techch`` (technology; best-practice change under a global reference),
        under variable returns ``pech`` and ``sech`` (pure and scale efficiency), and ``tfpch``.
        NaN where a program has no solution.
    scores : DataFrame indexed (unit, time)
        Farrell scores behind them, 1 on the frontier: ``crs`` and ``vrs`` against the
        frontier of the same year, ``*_before`` and ``*_after`` of the year
        before and after, ``*_global`` of all years.
    infeasible : DataFrame
        One row per program without a solution: the unit, its time, the ``frontier``
        (a year or ``"global"``) and its ``returns``. Empty when all have one.
    returns, orientation, reference, split : str
        The options used.
    inputs, outputs : tuple of str
        The columns that were used.
    """

    indices: pd.DataFrame
    scores: pd.DataFrame
    infeasible: pd.DataFrame
    returns: str
    orientation: str
    reference: str
    split: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def by_unit(self) -> pd.DataFrame:
        """Return geometric means over the years; NaN where a year is missing."""
        return self._means(0)

    def by_time(self) -> pd.DataFrame:
        """Return geometric means over the units; NaN where a unit is missing."""
        return self._means(1)

    def cumulative(self) -> pd.DataFrame:
        """Return products of the indices since the first year, indexed (unit, time)."""
        wide = self.indices.unstack(level=0)
        return wide.cumprod(skipna=False).stack(level=1).swaplevel().reindex(self.indices.index)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the indices."""
        return self.indices.copy()

    def _means(self, level: int) -> pd.DataFrame:
        # Leaving out a problem without solution would drop it silently.
        return np.exp(np.log(self.indices).groupby(level=level).mean(skipna=False))

    def _repr_html_(self) -> str:
        return self.by_unit().to_html()


def malmquist(
    frame: pd.DataFrame,
    inputs: Sequence[str],
    outputs: Sequence[str],
    unit: str,
    time: str,
    returns: str = "crs",
    orientation: str = "output",
    reference: str = "contemporaneous",
    split: str = "fgnz",
) -> Malmquist:
    """Measure productivity change of a balanced panel by a Malmquist index.

    With E^s_t the score of a unit in year t against the frontier of year s,
    effch = E^t+1_t+1 / E^t_t, tfpch = sqrt(E^t_t+1 / E^t_t * E^t+1_t+1 / E^t+1_t) and
    techch = tfpch / effch (Fare, Grosskopf, Norris and Zhang 1994).

    Parameters
    ----------
    frame : DataFrame
        One row per `unit` and `time`, which are columns or index levels.
    inputs, outputs : sequence of str
        Columns of quantities; inputs positive, outputs non-negative.
    unit, time : str
        Names of the key; times are consecutive whole years.
    returns : {"crs", "vrs"}
        The index itself always refers to constant returns, as it must to
        measure productivity; ``"vrs"`` splits it further by `split`.
    orientation : {"output", "input"}
        Under constant returns both give the same index.
    reference : {"contemporaneous", "sequential", "global"}
        Frontier of each year's units; of the units up to that year, so
        that technology is never forgotten (Tulkens and Vanden Eeckaut 1995);
        or of all years, whose index E^G_t+1 / E^G_t chains (Pastor and Lovell 2005).
    split : {"fgnz", "ray-desli"}
        How variable returns split the index. ``"fgnz"``: effch = pech * sech, technology
        at constant returns. ``"ray-desli"`` (Ray and Desli 1997): tfpch = pech * techch
        * sech with technology at variable returns, whose problems across years may
        have no solution.

    Returns
    -------
    Malmquist

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, an input not positive or an output negative.
    nqpf.errors.SampleError
        If a key is doubled, a figure or a year missing, or there is one unit or year only.
    nqpf.errors.MethodError
        If an option is unknown or a column named twice.
    nqpf.errors.EstimationError
        If figures are too different in size to be solved.

    Warns
    -----
    UserWarning
        If a program has no solution; ``infeasible`` lists them.

    Examples
    --------
    >>> panel = pd.DataFrame({"unit": ["A", "B", "A", "B"], "year": [2010, 2010, 2011, 2011],
    ...                       "x": [1.0, 1.0, 1.0, 1.0], "y": [2.0, 1.0, 3.0, 3.0]})
    >>> malmquist(panel, ["x"], ["y"], "unit", "year").indices
               effch  techch  tfpch
    unit year
    A    2011    1.0     1.5    1.5
    B    2011    2.0     1.5    3.0
    """
    check_option(returns, ("crs", "vrs"), "returns")
    check_option(orientation, ("output", "input"), "orientation")
    check_option(reference, _REFERENCES, "reference")
    check_option(split, ("fgnz", "ray-desli"), "split")
    if split == "ray-desli" and returns == "crs":
        raise MethodError("split 'ray-desli' needs variable returns", expected="returns='vrs'")
    inputs, outputs = columns_of(inputs, outputs, unit, time)
    keyed = by_key(frame, [*inputs, *outputs], unit, time, "the frame")
    _check_balanced(keyed.index)
    check_quantities(keyed, inputs, outputs)
    quantities = _Quantities(keyed, inputs, outputs, orientation)
    scores = {"crs": quantities.scores("crs", reference)}
    if returns == "vrs":
        scores["vrs"] = quantities.scores("vrs", reference, across=split == "ray-desli")
    table = quantities.label(
        {f"{r}{name}": values for r, found in scores.items() for name, values in found.items()}
    )
    for own in scores:
        check_own(table[own])
    infeasible = _infeasible(scores, quantities.times, quantities.units)
    return Malmquist(
        quantities.label(_indices(scores, 1.0 if reference == "global" else 0.5, split), 1),
        table,
        infeasible,
        returns,
        orientation,
        reference,
        split,
        tuple(inputs),
        tuple(outputs),
    )


def _check_balanced(index: pd.MultiIndex) -> None:
    units, times = (index.get_level_values(i).unique() for i in (0, 1))
    absent = pd.MultiIndex.from_product([units, times.sort_values()]).difference(index)
    if len(absent):
        raise SampleError(
            f"the frame is not balanced: {len(absent)} row(s) are missing",
            where=place(absent[0], index.names),
            expected="every unit in every year",
            hint="leave out the unit or the year, and say so",
        )
    if len(times) < 2:
        raise SampleError(
            "the frame has one year", where={str(index.names[1]): times[0]}, expected="two or more"
        )
    check_consecutive(index, "the frame")


class _Quantities:
    """Inputs and outputs as arrays (year, unit, column), with the labels to go back."""

    def __init__(
        self, keyed: pd.DataFrame, inputs: list[str], outputs: list[str], orientation: str
    ) -> None:
        self.units, self.times = (keyed.index.get_level_values(i).unique() for i in (0, 1))
        self.orientation = orientation
        shape = (len(self.units), len(self.times), -1)
        self.x, self.y = (
            keyed[names].to_numpy().reshape(shape).swapaxes(0, 1) for names in (inputs, outputs)
        )

    def label(self, columns: dict[str, np.ndarray], first: int = 0) -> pd.DataFrame:
        """Return arrays (year, unit) as columns indexed (unit, time)."""
        index = pd.MultiIndex.from_product([self.units, self.times[first:]])
        return pd.DataFrame({name: a.T.ravel() for name, a in columns.items()}, index=index)

    def scores(self, returns: str, reference: str, across: bool = True) -> dict[str, np.ndarray]:
        """Return scores (year, unit) against the own frontier and those of other years."""
        years = range(len(self.times))
        pooled = reference == "global"
        reach = 1 if across and not pooled else 0
        by_shift = {shift: np.full(self.x.shape[:2], np.nan) for shift in (-1, 0, 1)}
        for year in years:
            past = slice(0 if reference == "sequential" else year, year + 1)
            scored = slice(max(year - reach, 0), year + reach + 1)
            found = self._against(past, scored, returns)
            for other, values in zip(years[scored], found, strict=True):
                by_shift[year - other][other] = values
        if not across:
            return {"": by_shift[0]}
        if pooled:
            return {"": by_shift[0], "_global": self._against(slice(None), slice(None), returns)}
        return {"": by_shift[0], "_before": by_shift[-1], "_after": by_shift[1]}

    def _against(self, past: slice, scored: slice, returns: str) -> np.ndarray:
        m, s = self.x.shape[2], self.y.shape[2]
        found = radial_scores(
            self.x[past].reshape(-1, m),
            self.y[past].reshape(-1, s),
            self.x[scored].reshape(-1, m),
            self.y[scored].reshape(-1, s),
            returns,
            self.orientation,
        )
        return found.reshape(-1, len(self.units))


def _changes(scores: dict[str, np.ndarray], power: float) -> tuple[np.ndarray, np.ndarray]:
    """Return productivity and technical change (years - 1, units)."""
    effch = scores[""][1:] / scores[""][:-1]
    if "_global" in scores:
        across = scores["_global"][1:] / scores["_global"][:-1]
    else:
        across = scores["_before"][1:] / scores["_after"][:-1]
    return across**power * effch ** (1 - power), (across / effch) ** power


def _indices(
    scores: dict[str, dict[str, np.ndarray]], power: float, split: str
) -> dict[str, np.ndarray]:
    effch = scores["crs"][""][1:] / scores["crs"][""][:-1]
    tfpch, techch = _changes(scores["crs"], power)
    if "vrs" not in scores:
        return {"effch": effch, "techch": techch, "tfpch": tfpch}
    pech = scores["vrs"][""][1:] / scores["vrs"][""][:-1]
    sech = effch / pech
    if split == "ray-desli":
        techch_constant, techch = techch, _changes(scores["vrs"], power)[1]
        sech = sech * techch_constant / techch
    return {"effch": effch, "techch": techch, "pech": pech, "sech": sech, "tfpch": tfpch}


def _infeasible(
    scores: dict[str, dict[str, np.ndarray]], times: pd.Index, units: pd.Index
) -> pd.DataFrame:
    rows = list(_without_solution(scores, times, units))
    table = pd.DataFrame(rows, columns=[units.name, times.name, "frontier", "returns"])
    if rows:
        warnings.warn(
            f"{len(rows)} problem(s) across years have no solution, the first of "
            f"{place(rows[0][:2], (units.name, times.name))} against the frontier of "
            f"{rows[0][2]}; their indices are missing, see .infeasible",
            stacklevel=3,
        )
    return table


def _without_solution(
    scores: dict[str, dict[str, np.ndarray]], times: pd.Index, units: pd.Index
) -> Iterator[tuple[object, object, object, str]]:
    shifts = {"": 0, "_before": -1, "_after": 1}
    for returns, found in scores.items():
        for name, values in found.items():
            for year, position in np.argwhere(np.isnan(values)):
                if name == "_global":
                    yield units[position], times[year], "global", returns
                elif 0 <= year + shifts[name] < len(times):
                    yield units[position], times[year], times[year + shifts[name]], returns


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
