"""A specification curve sorted into pieces that share their work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.compare.curve.redraw import Batch, Family, Redraw, refit
from nqpf.compare.curve.specs import ALL_ROWS, Specification
from nqpf.compare.curve.wild import rewild
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.regress.conventions import CONVENTIONS
from nqpf.tfp.sample import by_key, check_finite, nearest
from nqpf.tfp.within import check_singletons

__all__ = ["Plan", "plan"]

_ROUNDING = 1e-9  # an error below this share of its estimate is no residual but rounding
_ROW = "row of the frame"
_WIDTH = 256  # columns whose cross-products are made together


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
        return self._filled(refit, weights)

    def wild(self, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the same when residuals under the null take signs (B, G) by unit."""
        return self._filled(rewild, signs)

    def _filled(
        self, fill: Callable[..., None], draws: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        shape = (len(draws), len(self.scale))
        params, errors, df = out = (np.empty(shape), np.empty(shape), np.empty(shape))
        for rows, batches in self.pieces:
            fill(rows, batches, np.asarray(draws, dtype=float), out)
        lost = ~(errors > _ROUNDING * np.abs(params))
        params[lost] = errors[lost] = np.nan
        return params * self.scale, errors * self.scale, df


def plan(
    frame: pd.DataFrame,
    specs: list[Specification],
    unit: str,
    time: str,
    convention: str,
    standardise: bool = False,
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
    index, values = _figures(frame, [*variables, *samples], unit, time)
    columns = {name: place for place, name in enumerate([*variables, *samples])}
    _check_samples(values, {name: columns[name] for name in samples})
    units, times = (index.unique(level).sort_values() for level in (0, 1))
    codes = [
        keys.get_indexer(index.get_level_values(level)) for level, keys in enumerate((units, times))
    ]
    scale, nobs, groups = np.empty(len(specs)), np.empty(len(specs), int), np.empty(len(specs), int)
    pieces = []
    for (kept, effects), places in _by_rows(specs, values, columns).items():
        rows = np.frombuffer(kept, dtype=bool)
        part = [specs[place] for place in places]
        _check_rows(index[rows], part[0])
        used = {name: i for i, name in enumerate(sorted({n for s in part for n in s.variables}))}
        raw = values[np.ix_(rows, [columns[name] for name in used])]
        cells = (codes[0][rows], codes[1][rows])
        redraw, length = _laid_out(raw, cells, (len(units), len(times)), effects, convention)
        if standardise:
            spread = raw.std(axis=0, ddof=1)
            length = length / np.where(spread > 0, spread, 1.0)
        pieces.append((redraw, _batches(part, places, used)))
        own = [(length[used[spec.outcome]], length[used[spec.focal]]) for spec in part]
        scale[places] = [outcome / focal for outcome, focal in own]
        nobs[places], groups[places] = len(raw), len(np.unique(cells[0]))
    return Plan(units, pieces, scale, nobs, groups)


def _figures(
    frame: pd.DataFrame, names: list[str], unit: str, time: str
) -> tuple[pd.MultiIndex, np.ndarray]:
    """Return the sorted key and the columns as (N, p), NaN where a figure is missing."""
    known = set(frame.columns)
    for name in names:
        if name not in known:
            raise DataError(
                f"unknown variable {name!r}",
                expected="a column of the frame",
                hint=nearest(name, map(str, frame.columns)),
            )
    table = frame[names]
    if table.shape[1] > len(names):
        double = table.columns[table.columns.duplicated()][0]
        raise DataError(f"the frame has {double!r} more than once", expected="one of it")
    # Keys alone are sorted and checked, because a frame may have thousands of columns.
    keys = frame[[name for name in (unit, time) if name in known]]
    order = by_key(keys.assign(**{_ROW: np.arange(len(frame))}), [_ROW], unit, time, "the frame")
    table = table.iloc[order[_ROW].to_numpy().astype(int)].set_axis(order.index)
    numeric = all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
    values = table.to_numpy(dtype=float, na_value=np.nan) if numeric else None
    if values is None or np.isinf(values).any():
        check_finite(table.fillna(0.0) if numeric else table, "the frame")
    return order.index, values


def _check_samples(values: np.ndarray, columns: dict[str, int]) -> None:
    for name, column in columns.items():
        if not np.isin(values[:, column], [0.0, 1.0]).all():
            raise DataError(
                "a sample that is neither in nor out for some row",
                where={"sample": name},
                expected="a column of true and false",
            )


def _by_rows(
    specs: list[Specification], values: np.ndarray, columns: dict[str, int]
) -> dict[tuple[bytes, str], list[int]]:
    """Return places of specifications by the rows that have all their variables, and effects."""
    present = ~np.isnan(values)
    patterns = {name: present[:, column].tobytes() for name, column in columns.items()}
    found: dict[tuple[str, frozenset[bytes]], bytes] = {}
    pieces = defaultdict(list)
    for place, spec in enumerate(specs):
        key = (spec.sample, frozenset(patterns[name] for name in spec.variables))
        if key not in found:
            rows = np.ones(len(values), dtype=bool)
            if spec.sample != ALL_ROWS:
                rows &= values[:, columns[spec.sample]] > 0
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
