"""Many regressions that share data, on resamples of their units.

All specifications of a curve are estimated on the same draws of units. Those that share rows and
effects form a piece, whose cross-products by unit are made once and weighed by how often a unit
is drawn; those that share controls and one side of the pair are solved together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf.sample import _EFFECTS

_UNSHARED = 1e-10  # a variable that shares all but this part with others is collinear
_BLOCK = 1 << 19  # cross-products held at a time, so that they stay near the processor
_BLOCK_WILD = 1 << 20  # scores held at a time
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


class _Family(NamedTuple):
    """Specifications that share controls and one variable of the pair."""

    places: np.ndarray  # (S,) where their results go
    wide: np.ndarray  # (S,) the variables that differ, positions in the columns of the piece
    shared: int  # the variable in common, a position in its narrow columns
    controls: np.ndarray  # (k,) positions in its narrow columns
    wide_is_focal: bool  # the shared variable is the outcome, or the reverse


@dataclass(frozen=True)
class _Piece:
    """Specifications that share rows and effects, with the rows laid out by unit and year."""

    values: np.ndarray  # (G, T, p) at unit length, less unit effects if any; zero without a row
    mask: np.ndarray  # (G, T) of 0 and 1
    unit_effects: bool
    time_effects: bool
    narrow: np.ndarray  # columns whose cross-products with all are needed: shared and controls
    families: list[_Family]

    def refit(self, weights: np.ndarray, out: Sequence[np.ndarray]) -> None:
        """Estimate on resamples that hold each unit (B, G) times; write into three (B, K)."""
        effects = self._year_effects(weights)
        floor = _UNSHARED * (weights @ self.mask.sum(axis=1))
        step = max(1, _BLOCK // (len(self.mask) * len(self.narrow) * self.values.shape[2]))
        for start in range(0, len(weights), step):
            block = slice(start, start + step)
            every = self._less(None if effects is None else effects[block])
            narrow = every[..., self.narrow]
            flipped = narrow.swapaxes(2, 3)
            squares = np.einsum("bgtp,bgtp->bgp", every, every)
            sums = (flipped @ every, flipped @ narrow, squares)
            moments = [(part, _weighted(weights[block], part)) for part in sums]
            for family in self.families:
                params, variances = _fit(moments, family, weights[block], floor[block, None])
                factor, df = self._sizes(weights[block], len(family.controls) + 1)
                errors = np.sqrt(variances * factor[:, None])
                out[0][block, family.places] = np.where(np.isnan(errors), np.nan, params)
                out[1][block, family.places] = errors
                out[2][block, family.places] = df[:, None]

    def rewild(self, signs: np.ndarray, out: Sequence[np.ndarray]) -> None:
        """Estimate when residuals under the null take signs (B, G) by unit."""
        groups, periods = self.mask.shape
        step = max(1, _BLOCK_WILD // signs.size)
        for family in self.families:
            basis = self._basis(self.narrow[family.controls]).reshape(groups, periods, -1)
            factor, df = self._sizes(np.ones((1, groups)), len(family.controls) + 1)
            for start in range(0, len(family.places), step):
                part = slice(start, start + step)
                params, variances = self._fit_wild(family, part, basis, signs)
                places = family.places[part]
                out[0][:, places], out[2][:, places] = params, df[0]
                out[1][:, places] = np.sqrt(variances * factor[0])

    def _year_effects(self, weights: np.ndarray) -> np.ndarray | None:
        """Return (B, T, p) year effects or the mean under weights (B, G); None without either."""
        if self.unit_effects and not self.time_effects:
            return None
        groups, periods, width = self.values.shape
        sums = (weights @ self.values.reshape(groups, -1)).reshape(-1, periods, width)
        counts = weights @ self.mask
        if not self.time_effects:
            mean = sums.sum(axis=1, keepdims=True) / _positive(counts.sum(axis=1))[:, None, None]
            return np.broadcast_to(mean, sums.shape)
        if not self.unit_effects or self.mask.all():
            return sums / _positive(counts)[:, :, None]
        shares = self.mask / np.maximum(self.mask.sum(axis=1, keepdims=True), 1)
        pairs = (self.mask[:, :, None] * shares[:, None, :]).reshape(groups, -1)
        system = -(weights @ pairs).reshape(-1, periods, periods)
        system[:, range(periods), range(periods)] += counts
        return np.linalg.pinv(system, rcond=1e-10, hermitian=True) @ sums

    def _less(self, effects: np.ndarray | None) -> np.ndarray:
        """Return (B or 1, G, T, p) values less year effects (B, T, p)."""
        if effects is None:
            return self.values[None]
        less = effects[:, None]
        if self.unit_effects and not self.mask.all():
            shares = self.mask / np.maximum(self.mask.sum(axis=1, keepdims=True), 1)
            less = less - (shares @ effects)[:, :, None]
        return self.values - less * self.mask[:, :, None]

    def _sizes(self, weights: np.ndarray, regressors: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (B,) factors of clustered variances and degrees of freedom.

        The convention "nested" of :mod:`nqpf.regress.ols`; NaN for a resample without enough
        rows or units, or with a year of one row, which its effect fits perfectly.
        """
        counts = weights @ self.mask
        nobs, groups = counts.sum(axis=1), weights @ self.mask.any(axis=1)
        counted = regressors + 1 + ((counts > 0).sum(axis=1) - 1) * self.time_effects
        effects = counted + (groups - 1) * self.unit_effects
        unfit = (groups < 2) | (nobs <= effects) | ((counts == 1).any(axis=1) & self.time_effects)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = groups / (groups - 1) * (nobs - 1) / (nobs - counted)
        return np.where(unfit, np.nan, factor), np.where(unfit, np.nan, groups - 1)

    def _basis(self, controls: np.ndarray) -> np.ndarray:
        """Return (N, q) orthonormal columns that span controls and effects other than units'."""
        groups, periods, _ = self.values.shape
        parts = [self.values[:, :, controls]]
        if self.time_effects:
            years = self.mask[:, :, None] * np.eye(periods)
            if self.unit_effects:
                counts = np.maximum(self.mask.sum(axis=1), 1)[:, None, None]
                years = (years - years.sum(axis=1, keepdims=True) / counts) * self.mask[:, :, None]
            parts.append(years)
        elif not self.unit_effects:
            parts.append(self.mask[:, :, None])
        design = np.concatenate(parts, axis=2).reshape(groups * periods, -1)
        left, size, _ = np.linalg.svd(design, full_matrices=False)
        return left[:, size > 1e-10 * size[:1].max(initial=0.0)]

    def _fit_wild(
        self, family: _Family, part: slice, basis: np.ndarray, signs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and plain clustered variances, (B, S) each."""
        wide = _left(self.values[:, :, family.wide[part]], basis)
        shared = _left(self.values[:, :, self.narrow[[family.shared]]], basis)
        x, y = (wide, shared) if family.wide_is_focal else (shared, wide)
        xx, xy = (x**2).sum(axis=1), (x * y).sum(axis=1)  # (G, S or 1) and (G, S)
        information = xx.sum(axis=0)
        on_y = np.einsum("gtq,gts->sqg", basis, y, optimize=True)
        on_x = np.einsum("gtq,gts->sgq", basis, x, optimize=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            params = signs @ xy / information  # (B, S)
            scores = xy.T[:, :, None] * signs.T - xx.T[:, :, None] * params.T[:, None, :]
            scores -= on_x @ (on_y @ signs.T)
            variances = np.einsum("sgb,sgb->bs", scores, scores) / information**2
        return params, np.where(information > _UNSHARED * self.mask.sum(), variances, np.nan)


def _weighted(weights: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return (B, ...) sums over units of (B or 1, G, ...)."""
    flat = sums.reshape(*sums.shape[:2], -1)
    return (weights[:, None, :] @ flat).reshape(len(weights), *sums.shape[2:])


def _fit(
    moments: list[tuple[np.ndarray, np.ndarray]],
    family: _Family,
    weights: np.ndarray,
    floor: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and plain clustered variances, (B, S) each; NaN where there is none.

    Moments are, by unit and in total, the cross-products of narrow with all columns, those of
    narrow columns, and the squares of all columns.
    """
    (by_unit, total), (among, among_total), (own, own_total) = moments
    w, s, c = family.wide, family.shared, family.controls
    xy, xy_total = by_unit[:, :, s, w], total[:, s, w]
    sides = [
        (own[:, :, w], own_total[:, w], by_unit[:, :, c][..., w], total[:, c][..., w]),
        (among[:, :, s, [s]], among_total[:, s, [s]],
         among[:, :, c][..., [s]], among_total[:, c][..., [s]]),
    ]  # fmt: skip
    (xx, xx_total, cx, cx_total), (_, _, cy, cy_total) = sides[:: 1 if family.wide_is_focal else -1]
    on_x, on_y, singular = _solve(among_total[:, c][..., c], cx_total, cy_total)
    with np.errstate(divide="ignore", invalid="ignore"):
        information = xx_total - (on_x * cx_total).sum(axis=1)
        lost = (xx_total <= floor) | singular[:, None] | (information <= _UNSHARED * xx_total)
        params = (xy_total - (on_x * cy_total).sum(axis=1)) / information
        scores = xy - params[:, None] * xx
        if len(c):
            cc, beside = among[:, :, c][..., c], on_y - params[:, None] * on_x
            scores -= _contract(cx, beside - params[:, None] * on_x)
            scores -= _contract(cy, on_x)
            pairs = (on_x[:, :, None] * beside[:, None]).reshape(len(weights), len(c) ** 2, -1)
            scores += cc.reshape(*cc.shape[:2], -1) @ pairs
        scores *= scores
        variances = _weighted(weights, scores) / information**2
    return params, np.where(lost, np.nan, variances)


def _contract(by_unit: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return (B, G, S) sums over controls of (B or 1, G, k, S or 1) times (B, k, S or 1)."""
    if by_unit.shape[-1] == 1:
        return by_unit[..., 0] @ slopes
    return np.einsum("bgks,bks->bgs", by_unit, slopes)


def _solve(
    moments: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve (B, k, k) systems for two sides after scaling, and say which have no answer."""
    scale = 1 / np.sqrt(_positive(np.einsum("bkk->bk", moments)))
    scaled = moments * scale[:, :, None] * scale[:, None, :]
    singular = ~(np.linalg.eigvalsh(scaled).min(axis=1, initial=1.0) > _UNSHARED)
    scaled[singular] = np.eye(moments.shape[1])
    sides = np.concatenate([first, second], axis=2) * scale[:, :, None]
    found = np.linalg.solve(scaled, sides) * scale[:, :, None]
    return found[:, :, : first.shape[2]], found[:, :, first.shape[2] :], singular


def _positive(values: np.ndarray) -> np.ndarray:
    """Return values with zeros, under which sums are zero too, replaced by one."""
    return np.where(values > 0, values, 1.0)


def _left(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return (G, T, S) values less their projection on the basis."""
    flat = values.reshape(-1, values.shape[2])
    span = basis.reshape(len(flat), -1)
    return (flat - span @ (span.T @ flat)).reshape(values.shape)


class _Plan:
    """K specifications, ready to be estimated under any weights of the G units.

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
            length = length / _positive(raw.std(axis=0, ddof=1))
            families = _families(part, places, used)
            self.pieces.append(_Piece(laid, mask, by_unit, by_time, *families))
            pairs = [(used[spec.outcome], used[spec.focal]) for spec in part]
            self.scale[places] = [length[outcome] / length[focal] for outcome, focal in pairs]

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
            fill = piece.rewild if scheme == "wild" else piece.refit
            fill(np.asarray(draws, dtype=float), out)
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


def _families(
    part: list[_Specification], places: list[int], used: dict[str, int]
) -> tuple[np.ndarray, list[_Family]]:
    """Group by controls and by the variable of which there are fewer; give its columns, too."""
    by_controls = defaultdict(list)
    for spec, place in zip(part, places, strict=True):
        by_controls[tuple(sorted(spec.controls))].append((spec, place))
    cells = defaultdict(list)  # (controls, shared, wide is focal) -> (wide, place)
    for controls, members in by_controls.items():
        focal = len({s.outcome for s, _ in members}) <= len({s.focal for s, _ in members})
        for spec, place in members:
            shared, wide = (spec.outcome, spec.focal) if focal else (spec.focal, spec.outcome)
            cells[controls, shared, focal].append((used[wide], place))
    narrow = sorted({used[name] for controls, shared, _ in cells for name in (*controls, shared)})
    found = []
    for (controls, shared, focal), group in cells.items():
        wide, own = np.array(sorted(group)).T
        *others, one = (narrow.index(used[name]) for name in (*controls, shared))
        found.append(_Family(own, wide, one, np.array(others, dtype=int), focal))
    return np.array(narrow), found
