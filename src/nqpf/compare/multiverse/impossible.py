"""Which specifications of a declared grid are not run, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from nqpf.compare.multiverse.declaration import Declaration
from nqpf.compare.multiverse.rows import Figures, kept, patterns
from nqpf.compare.multiverse.specify import complete
from nqpf.compare.multiverse.variants import Variants
from nqpf.systems import Formula
from nqpf.systems.holding import holding

__all__ = ["REASONS", "control_sets", "offsets", "reasons", "sample_rows"]

# In the order in which they are looked for; a specification counts under the first that holds.
REASONS = (
    "",
    "the vintage lacks a figure that the measure needs",
    "repeats a measure made of the same indicators in the same way",
    "the measure holds the outcome or determinant",
    "a control is the outcome itself a year before",
    "the measure holds a control",
    "a break is left out of the growth of TFP, not of a level or a composite",
    "a score is zero or below and has no logarithm",
    "repeats controls that are the same without the determinant",
    "ranks of an index that starts at 1 in every province",
    "no row is complete",
    "repeats a sample with the same rows",
    "a province or year has a single row",
    "too few rows for the regressors",
    "ranks provinces exactly as an earlier measure does on these rows",
    "collinear",
)
_CODE = {reason: code for code, reason in enumerate(REASONS)}


def control_sets(declaration: Declaration, relation: str) -> list[tuple[int, ...]]:
    """Return positions of the controls by level, without the determinant."""
    names = list(declaration.grid.variables)
    direction, variable = relation.split(":")
    focal = variable if direction == "determinant" else None
    return [
        tuple(names.index(name) for name in one.variables if name != focal)
        for one in declaration.grid.controls
    ]


def offsets(declaration: Declaration, relation: str, transformation: str) -> tuple[int, ...]:
    """Return the years that a row uses, relative to that of its measure."""
    lead = declaration.grid.driver.lead if relation.startswith("driver") else 0
    back = (0, -1) if transformation == "difference" else (0,)
    return tuple(sorted({year + step for year in (0, lead) for step in back}))


def sample_rows(
    declaration: Declaration, relation: str, transformation: str, figures: Figures
) -> list[np.ndarray]:
    """Return the rows that each sample keeps, (N,) bool each."""
    used = offsets(declaration, relation, transformation)
    return [kept(sample, figures, used) for sample in declaration.grid.samples]


def reasons(
    declaration: Declaration,
    measured: Mapping[str, Variants],
    figures: Mapping[str, Figures],
) -> np.ndarray:
    """Return the position in :data:`REASONS` of every declared specification, 0 to run it.

    Parameters
    ----------
    declaration : Declaration
    measured : mapping of str to Variants
        By vintage.
    figures : mapping of str to Figures
        By ``vintage/transformation``.

    Returns
    -------
    array of int8, one dimension per axis of :data:`nqpf.compare.multiverse.declaration.AXES`
    """
    levels = declaration.levels
    codes = np.zeros([len(level) for level in levels.values()], dtype=np.int8)
    for name, where, bad in _by_choice(declaration, measured):
        block = codes[where]
        block[(block == 0) & bad] = _CODE[name]
    for relation, vintage, transformation in product(*(range(n) for n in codes.shape[:3])):
        key = f"{levels['vintage'][vintage]}/{levels['transformation'][transformation]}"
        _by_rows(
            codes[relation, vintage, transformation],
            declaration,
            levels["relation"][relation],
            levels["transformation"][transformation],
            figures[key],
        )
    return codes


def _by_choice(
    declaration: Declaration, measured: Mapping[str, Variants]
) -> Iterator[tuple[str, tuple, np.ndarray]]:
    """Yield reasons that follow from the choices alone, with the block that they are about.

    A block has the axes (..., sample, effects, controls, measure, errors), where the leading
    ones are fixed by the position.
    """
    levels, variables = declaration.levels, declaration.grid.variables
    measures, every = levels["measure"], slice(None)
    for position, vintage in enumerate(levels["vintage"]):
        choices = measured[vintage].choices.reindex(measures)
        absent = choices["kind"].isna().to_numpy()
        yield REASONS[1], (every, position), absent[:, None]
        twin = (choices["same_as"].fillna("") != "").to_numpy()
        yield REASONS[2], (every, position), twin[:, None]
        held = measured[vintage].holds.reindex(measures, fill_value=False)

        def hold(name: str, lead: int = 0, held=held) -> np.ndarray:
            keys = holding(Formula.parse(variables[name].formula), lead)
            return held[[key for key in keys if key in held]].any(axis=1).to_numpy()

        for number, relation in enumerate(levels["relation"]):
            direction, variable = relation.split(":")
            ahead = declaration.grid.driver.lead if direction == "driver" else 0
            for at, transformation in enumerate(levels["transformation"]):
                # A change of the outcome from the measure's year on reaches back to that year.
                lead = ahead - (transformation == "difference")
                yield REASONS[3], (number, position, at), hold(variable, lead)[:, None]
            sets = _named(declaration, relation)
            for at, names in enumerate(sets):
                where = (number, position, every, every, every, at)
                lagged = direction == "driver" and variable in names
                yield REASONS[4], where, np.full(1, lagged)
                inside = np.zeros(len(measures), dtype=bool)
                for name in names:
                    inside |= hold(name)
                yield REASONS[5], where, inside[:, None]
                yield REASONS[8], where, np.full(1, set(names) in map(set, sets[:at]))
        composite = choices["kind"].ne("tfp").to_numpy()
        low = _without_logarithm(declaration, measured[vintage])
        for number, transformation in enumerate(levels["transformation"]):
            if transformation == "rank":
                chained = choices["chained"].eq(True).to_numpy()
                yield REASONS[9], (every, position, number), chained[:, None]
            if transformation == "log":
                yield REASONS[7], (every, position, number), low[:, None]
            for at, sample in enumerate(declaration.grid.samples):
                if sample.without_breaks:
                    other = composite | (transformation != "difference")
                    yield REASONS[6], (every, position, number, at), other[:, None]


def _without_logarithm(declaration: Declaration, measured: Variants) -> np.ndarray:
    """Return which measures have a score of zero or below in the window, (M,) bool."""
    window = declaration.grid.window
    year = measured.values.index.get_level_values("year")
    inside = measured.values[(year >= window.first) & (year <= window.last)]
    return (inside.reindex(columns=declaration.measures) <= 0).any().to_numpy()


def _repeated(values: np.ndarray) -> np.ndarray:
    """Return which columns equal an earlier one, (M,) bool."""
    seen: set[bytes] = set()
    again = np.zeros(values.shape[1], dtype=bool)
    for column, figures in enumerate(np.ascontiguousarray(values.T)):
        again[column] = figures.tobytes() in seen
        seen.add(figures.tobytes())
    return again


def _named(declaration: Declaration, relation: str) -> list[list[str]]:
    names = list(declaration.grid.variables)
    return [[names[i] for i in chosen] for chosen in control_sets(declaration, relation)]


def _by_rows(
    codes: np.ndarray,
    declaration: Declaration,
    relation: str,
    transformation: str,
    figures: Figures,
) -> None:
    """Write reasons that follow from the rows into (sample, effects, controls, measure, errors)."""
    direction, name = relation.split(":")
    variable = list(declaration.grid.variables).index(name)
    samples = sample_rows(declaration, relation, transformation, figures)
    removed = [_removed(one.key, transformation) for one in declaration.grid.effects]
    for having, measures in patterns(np.isfinite(figures.measures)):
        pattern = np.isin(np.arange(len(figures.year)), having)
        for at, controls in enumerate(control_sets(declaration, relation)):
            seen: set[bytes] = set()
            for sample, keep in enumerate(samples):
                rows = pattern & complete(figures, direction == "driver", variable, controls, keep)
                repeated = rows.tobytes() in seen
                seen.add(rows.tobytes())
                for number, effects in enumerate(removed):
                    reason = _too_small(figures, rows, effects, 1 + len(controls))
                    if repeated and not reason:
                        reason = "repeats a sample with the same rows"
                    block = codes[sample, number, at]
                    live = measures[(block[measures] == 0).any(axis=1)]
                    if reason:
                        block[live] = np.where(block[live] == 0, _CODE[reason], block[live])
                    elif transformation == "rank" and len(live):
                        again = live[_repeated(figures.measures[np.ix_(rows, live)])]
                        block[again] = _CODE[REASONS[-2]]


def _removed(effects: str, transformation: str) -> list[str]:
    """Return the effects that take up parameters; differences have removed those of units."""
    levels = ["unit", "time"] if effects == "two-way" else ["unit"]
    return levels[1:] if transformation == "difference" else levels


def _too_small(figures: Figures, rows: np.ndarray, removed: list[str], regressors: int) -> str:
    """Return why a regression on these rows cannot be run, or nothing."""
    if not rows.any():
        return "no row is complete"
    parameters = regressors + 1
    for name, level in (("unit", figures.province), ("time", figures.year)):
        _, count = np.unique(level[rows], return_counts=True)
        if name in removed:
            if count.min() == 1:
                return "a province or year has a single row"
            parameters += len(count) - 1
        if name == "unit" and len(count) < 2:
            return "too few rows for the regressors"
    return "too few rows for the regressors" if rows.sum() <= parameters else ""
