"""Many regressions that share data, on resamples of their units.

All specifications of a curve are estimated on the same draws of units. Those that share rows and
effects form a piece, whose rows are laid out by unit and year once; those that share controls are
solved together. A draw of units is the same piece with the rows of each unit as often as it is
drawn; a draw of signs turns the residuals that the null leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf.sample import _EFFECTS

_UNSHARED = 1e-10  # a variable that shares all but this part with others is collinear
_BLOCK = 1 << 20  # scores held at a time
_ROUNDING = 1e-9  # an error below this share of its estimate is no residual but rounding


class _Specification(NamedTuple):
    """One regression of the curve; `sample` names a column of true and false, "all" every row."""

    outcome: str
    focal: str
    controls: tuple[str, ...]
    effects: str
    sample: str = "all"

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.outcome, self.focal, *self.controls)


@dataclass(frozen=True)
class _Piece:
    """Specifications that share rows and effects, with the rows laid out by unit and year."""

    values: np.ndarray  # (G, T, p) at unit length, less unit effects if any; zero without a row
    mask: np.ndarray  # (G, T) of 0 and 1
    unit_effects: bool
    time_effects: bool
    # By controls (positions of columns): where results go, outcomes and focal variables, (S,) each.
    families: dict[tuple[int, ...], np.ndarray]

    def drawn(self, counts: np.ndarray) -> _Piece:
        """Return the piece with each unit as often as it is drawn (G,)."""
        rows = np.repeat(np.arange(len(counts)), counts.astype(int))
        return replace(self, values=self.values[rows], mask=self.mask[rows])

    def fit(self, signs: np.ndarray, out: Sequence[np.ndarray]) -> None:
        """Estimate when residuals under the null take signs (B, G); write into three (B, K)."""
        step, effects = max(1, _BLOCK // signs.size), self._span(self._effects())
        for controls, members in self.families.items():
            own = self._span(_left(self.values[:, :, list(controls)], effects))
            basis = np.hstack([effects, own])
            factor, df = self._sizes(len(controls) + 1)
            factor = factor if own.shape[1] == len(controls) else np.nan  # or they are collinear
            for start in range(0, members.shape[1], step):
                places, outcomes, focals = members[:, start : start + step]
                params, variances = self._fit(outcomes, focals, basis, signs)
                out[0][:, places], out[2][:, places] = params, df
                out[1][:, places] = np.sqrt(variances * factor)

    def _sizes(self, regressors: int) -> tuple[float, float]:
        """Return the factor of clustered variances and the degrees of freedom.

        The convention "nested" of :mod:`nqpf.regress.ols`; NaN without enough rows or units, or
        with a year of one row, which its effect fits perfectly.
        """
        counts = self.mask.sum(axis=0)
        nobs, groups = counts.sum(), self.mask.any(axis=1).sum()
        counted = regressors + 1 + ((counts > 0).sum() - 1) * self.time_effects
        effects = counted + (groups - 1) * self.unit_effects
        if groups < 2 or nobs <= effects or (self.time_effects and (counts == 1).any()):
            return np.nan, np.nan
        return groups / (groups - 1) * (nobs - 1) / (nobs - counted), groups - 1

    def _effects(self) -> np.ndarray:
        """Return (G, T, q) columns that span the effects other than those of units."""
        if not self.time_effects:
            return self.mask[:, :, None][..., : not self.unit_effects]
        years = self.mask[:, :, None] * np.eye(self.mask.shape[1])
        if self.unit_effects:
            counts = np.maximum(self.mask.sum(axis=1), 1)[:, None, None]
            years = (years - years.sum(axis=1, keepdims=True) / counts) * self.mask[:, :, None]
        return years

    def _span(self, columns: np.ndarray) -> np.ndarray:
        """Return (N, r) orthonormal columns that span the given ones (G, T, q), of length one."""
        left, size, _ = np.linalg.svd(columns.reshape(self.mask.size, -1), full_matrices=False)
        return left[:, size > np.sqrt(_UNSHARED * self.mask.sum())]

    def _fit(
        self, outcomes: np.ndarray, focals: np.ndarray, basis: np.ndarray, signs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and plain clustered variances, (B, S) each."""
        x, y = (_left(self.values[:, :, columns], basis) for columns in (focals, outcomes))
        xx, xy = (x**2).sum(axis=1), (x * y).sum(axis=1)  # (G, S)
        information = xx.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            params = signs @ xy / information  # (B, S)
            scores = xy.T[:, :, None] * signs.T - xx.T[:, :, None] * params.T[:, None, :]
            if len(signs) > 1 or (signs != 1).any():  # else residuals stay at right angles to it
                basis = basis.reshape(*self.mask.shape, -1)
                on_y = np.einsum("gtq,gts->sqg", basis, y, optimize=True)
                on_x = np.einsum("gtq,gts->sgq", basis, x, optimize=True)
                scores -= on_x @ (on_y @ signs.T)
            variances = np.einsum("sgb,sgb->bs", scores, scores) / information**2
        return params, np.where(information > _UNSHARED * self.mask.sum(), variances, np.nan)


def _left(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return (G, T, S) values less their projection on the basis (N, q)."""
    flat = values.reshape(len(basis), values.shape[2])
    return (flat - basis @ (basis.T @ flat)).reshape(values.shape)


class _Plan:
    """K specifications, ready to be estimated on any draw of the G units.

    Parameters
    ----------
    frame : DataFrame indexed (unit, time)
        Every variable, NaN where a figure is missing, and a column of true and false per sample.
    specs : list of _Specification

    Effects are in standard deviations over the rows of each regression.
    """

    def __init__(self, frame: pd.DataFrame, specs: list[_Specification]) -> None:
        names = sorted({name for spec in specs for name in spec.variables})
        frame = frame.sort_index()
        # A variable lies together in memory, so that its sums have the same bits in any frame.
        values = np.asfortranarray(frame[names].to_numpy(dtype=float))
        columns = {name: place for place, name in enumerate(names)}
        codes = [pd.factorize(frame.index.get_level_values(i), sort=True)[0] for i in (0, 1)]
        self.units, _ = shape = tuple(int(code.max()) + 1 for code in codes)
        self.pieces: list[_Piece] = []
        self.scale = np.empty(len(specs))
        kept = {spec.sample: frame.get(spec.sample, True) for spec in specs}
        kept = {name: np.broadcast_to(one, len(frame)).astype(bool) for name, one in kept.items()}
        pieces, complete = defaultdict(list), ~np.isnan(values)
        for place, spec in enumerate(specs):
            there = complete[:, [columns[name] for name in spec.variables]].all(axis=1)
            pieces[(there & kept[spec.sample]).tobytes(), spec.effects].append(place)
        for (there, effects), places in pieces.items():
            rows = np.frombuffer(there, dtype=bool)
            part = [specs[place] for place in places]
            by_unit, by_time = _EFFECTS[effects]
            used = {n: i for i, n in enumerate(sorted({n for s in part for n in s.variables}))}
            raw = values[np.ix_(rows, [columns[name] for name in used])]
            cells = (codes[0][rows], codes[1][rows])
            laid, mask, length = _laid_out(raw, cells, shape, by_unit)
            spread = raw.std(axis=0, ddof=1)
            length = length / np.where(spread > 0, spread, 1.0)
            families = defaultdict(list)
            for spec, place in zip(part, places, strict=True):
                outcome, focal, *controls = (used[name] for name in spec.variables)
                families[tuple(sorted(controls))].append((place, outcome, focal))
                self.scale[place] = length[outcome] / length[focal]
            families = {key: np.array(own).T for key, own in families.items()}
            self.pieces.append(_Piece(laid, mask, by_unit, by_time, families))

    def estimate(
        self, draws: np.ndarray, scheme: str = "pairs"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return coefficients, standard errors and degrees of freedom, (B, K) each.

        NaN stands where a specification cannot be estimated; one with a standard error of zero,
        such as a variable of a single unit has, is none that can.

        Parameters
        ----------
        draws : (B, G)
            How often each unit is drawn, or by the wild scheme the sign of its residuals.
        """
        shape = (len(draws), len(self.scale))
        params, errors, df = out = (np.empty(shape), np.empty(shape), np.empty(shape))
        for piece in self.pieces:
            if scheme == "wild":
                piece.fit(np.asarray(draws, dtype=float), out)
                continue
            for at, counts in enumerate(draws):
                once = np.ones((1, int(counts.sum())))
                piece.drawn(counts).fit(once, [part[at : at + 1] for part in out])
        lost = ~(errors > _ROUNDING * np.abs(params))
        params[lost] = errors[lost] = np.nan
        return params * self.scale, errors * self.scale, df


def _laid_out(
    raw: np.ndarray, cells: tuple[np.ndarray, np.ndarray], shape: tuple[int, ...], by_unit: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows by unit and year, each variable at unit length, the mask and the lengths."""
    centred = raw - raw.mean(axis=0)
    values, mask = np.zeros((*shape, raw.shape[1])), np.zeros(shape)
    values[cells], mask[cells] = centred, 1.0
    if by_unit:
        rows = np.maximum(mask.sum(axis=1), 1)[:, None, None]
        values = (values - values.sum(axis=1, keepdims=True) / rows) * mask[:, :, None]
    length = np.sqrt((values**2).sum(axis=(0, 1)) / len(raw))
    # Below this a variable is rounding; it stays so and is found to be absorbed.
    floor = 1e-9 * centred.std(axis=0) + 1e-14 * np.abs(raw).max(axis=0)
    values[:, :, length <= floor] = 0.0
    length[length <= floor] = 1.0
    return values / length, mask, length
