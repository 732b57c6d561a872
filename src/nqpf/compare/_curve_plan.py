"""A specification curve sorted into pieces that share their work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.compare._redraw import Batch, Family, Redraw, refit
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.regress.conventions import CONVENTIONS
from nqpf.regress.effects import EFFECTS
from nqpf.tfp.sample import by_key, nearest
from nqpf.tfp.within import check_singletons

__all__ = ["ALL_ROWS", "Plan", "Specification", "plan", "read_specifications"]

ALL_ROWS = "all"
_ROUNDING = 1e-9  # an error below this share of its estimate is no residual but rounding
_WIDTH = 256  # columns whose cross-products are made together
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


@dataclass(frozen=True)
class Plan:
    """K specifications, ready to be estimated under any weights of the G units.

    Attributes
    ----------
    units : Index
    pieces : list of (Redraw, list of Batch)
        Specifications that share rows and effects.
    scale : (K,)
        From coefficients of the pieces to those of the variables as given.
    nobs, groups : (K,)
        Rows and units.
    """

    units: pd.Index
    pieces: list[tuple[Redraw, list[Batch]]]
    scale: np.ndarray
    nobs: np.ndarray
    groups: np.ndarray

    def estimate(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return coefficients, standard errors and degrees of freedom, (B, K) each.

        NaN stands where a specification cannot be estimated; one with a standard error of zero,
        such as a variable of a single unit has, is none that can.

        Parameters
        ----------
        weights : (B, G)
            How often each unit is drawn.
        """
        shape = (len(weights), len(self.scale))
        params, errors, df = out = (np.empty(shape), np.empty(shape), np.empty(shape))
        for rows, batches in self.pieces:
            refit(rows, batches, np.asarray(weights, dtype=float), out)
        lost = ~(errors > _ROUNDING * np.abs(params))
        params[lost] = errors[lost] = np.nan
        return params * self.scale, errors * self.scale, df


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


def plan(
    frame: pd.DataFrame, specs: list[Specification], unit: str, time: str, convention: str
) -> Plan:
    """Sort specifications into pieces that share rows and effects.

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`nqpf.compare.curve.curve_inference`.
    """
    if convention not in CONVENTIONS:
        raise MethodError(
            f"unknown convention {convention!r}", expected=" or ".join(map(repr, CONVENTIONS))
        )
    variables = sorted({name for spec in specs for name in spec.variables})
    samples = sorted({spec.sample for spec in specs} - {ALL_ROWS})
    data, present = _figures(frame, variables, samples, unit, time)
    units, times = (data.index.unique(level).sort_values() for level in (0, 1))
    codes = [
        keys.get_indexer(data.index.get_level_values(level))
        for level, keys in enumerate((units, times))
    ]
    scale, nobs, groups = np.empty(len(specs)), np.empty(len(specs), int), np.empty(len(specs), int)
    pieces = []
    for (kept, effects), places in _by_rows(specs, data, present).items():
        rows = np.frombuffer(kept, dtype=bool)
        part = [specs[place] for place in places]
        _check_rows(data.index[rows], part[0])
        used = {name: i for i, name in enumerate(sorted({n for s in part for n in s.variables}))}
        raw = data.loc[rows, list(used)].to_numpy()
        cells = (codes[0][rows], codes[1][rows])
        redraw, length = _laid_out(raw, cells, (len(units), len(times)), effects, convention)
        pieces.append((redraw, _batches(part, places, used)))
        own = [(length[used[spec.outcome]], length[used[spec.focal]]) for spec in part]
        scale[places] = [outcome / focal for outcome, focal in own]
        nobs[places], groups[places] = len(raw), len(np.unique(cells[0]))
    return Plan(units, pieces, scale, nobs, groups)


def _figures(
    frame: pd.DataFrame, variables: list[str], samples: list[str], unit: str, time: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return figures by key, zero where missing, and which are there."""
    names = [*variables, *samples]
    known = [name for name in variables if name in frame.columns]
    missing = frame[known].isna()
    data = by_key(frame.fillna(dict.fromkeys(known, 0.0)), names, unit, time, "the frame")
    if missing.to_numpy().any():
        flags = frame.assign(**{name: ~missing[name] for name in known})
        present = by_key(flags, variables, unit, time, "the frame") > 0
    else:
        present = pd.DataFrame(True, data.index, variables)
    for name in samples:
        if not data[name].isin([0.0, 1.0]).all():
            raise DataError(
                "a sample that is neither in nor out for some row",
                where={"sample": name},
                expected="a column of true and false",
            )
    return data, present


def _by_rows(
    specs: list[Specification], data: pd.DataFrame, present: pd.DataFrame
) -> dict[tuple[bytes, str], list[int]]:
    """Return places of specifications by the rows that have all their variables, and effects."""
    patterns = {name: present[name].to_numpy().tobytes() for name in present.columns}
    found: dict[tuple[str, frozenset[bytes]], bytes] = {}
    pieces = defaultdict(list)
    for place, spec in enumerate(specs):
        key = (spec.sample, frozenset(patterns[name] for name in spec.variables))
        if key not in found:
            rows = np.ones(len(data), dtype=bool)
            if spec.sample != ALL_ROWS:
                rows &= data[spec.sample].to_numpy() > 0
            for pattern in key[1]:
                rows &= np.frombuffer(pattern, dtype=bool)
            found[key] = rows.tobytes()
        pieces[found[key], spec.effects].append(place)
    return pieces


def _check_rows(index: pd.MultiIndex, spec: Specification) -> None:
    if not len(index):
        raise SampleError("no row has every variable", where=spec.where, expected="some rows")
    units, times = spec.effects in ("two-way", "unit"), spec.effects in ("two-way", "time")
    check_singletons(index, [0] * units + [1] * times)


def _laid_out(
    raw: np.ndarray,
    cells: tuple[np.ndarray, np.ndarray],
    shape: tuple[int, int],
    effects: str,
    convention: str,
) -> tuple[Redraw, np.ndarray]:
    """Return rows by unit and year, each variable at unit length, and the lengths."""
    centred = raw - raw.mean(axis=0)
    values = np.zeros((*shape, raw.shape[1]))
    mask = np.zeros(shape)
    values[cells], mask[cells] = centred, 1.0
    redraw = Redraw.of(values, mask, effects, convention)
    length = np.sqrt((redraw.values**2).sum(axis=(0, 1)) / len(raw))
    # Below this a variable is rounding; it stays so and is found to be absorbed.
    floor = 1e-9 * centred.std(axis=0) + 1e-14 * np.abs(raw).max(axis=0)
    redraw.values[:, :, length <= floor] = 0.0
    length[length <= floor] = 1.0
    redraw.values[:] /= length
    return redraw, length


def _batches(part: list[Specification], places: list[int], used: dict[str, int]) -> list[Batch]:
    """Group by controls and by the variable of which there are fewer, then by columns."""
    by_controls = defaultdict(list)
    for spec, place in zip(part, places, strict=True):
        by_controls[tuple(sorted(spec.controls))].append((spec, place))
    cells = defaultdict(list)  # (controls, shared, wide is focal) -> (wide, place)
    for controls, members in by_controls.items():
        focal = len({s.outcome for s, _ in members}) <= len({s.focal for s, _ in members})
        for spec, place in members:
            shared, wide = (spec.outcome, spec.focal) if focal else (spec.focal, spec.outcome)
            cells[controls, shared, focal].append((used[wide], place))
    columns = np.unique([wide for group in cells.values() for wide, _ in group])
    narrow = sorted({used[name] for controls, shared, _ in cells for name in (*controls, shared)})
    spots = {column: spot for spot, column in enumerate(narrow)}
    found = []
    for start in range(0, len(columns), _WIDTH):
        chunk = columns[start : start + _WIDTH]
        families = []
        for (controls, shared, focal), group in cells.items():
            wide, own = np.array(sorted(group)).T
            inside = (wide >= chunk[0]) & (wide <= chunk[-1])
            if inside.any():
                at = np.searchsorted(chunk, wide[inside])
                chosen = np.array([spots[used[name]] for name in controls], dtype=int)
                families.append(Family(own[inside], at, spots[used[shared]], chosen, focal))
        found.append(Batch(chunk, np.array(narrow), families))
    return found
