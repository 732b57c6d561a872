r"""Regressions on resampled units, thousands of specifications and many resamples at once.

A unit drawn twice enters twice with an effect of its own, which is the same as a weight of two on
its rows once unit effects are removed. Those are removed once, whatever is drawn; a resample
changes the year effects and the sums over units. With weights m, variables W less unit effects
(G, T, p), mask D of the rows that exist and n_g rows of unit g, the year effects are

.. math:: \gamma = A^+ \sum_g m_g W_g, \qquad
   A = \mathrm{diag}(\sum_g m_g D_g) - \sum_g m_g D_g D_g' / n_g,

and rows keep :math:`W_{gt} - D_{gt} (\gamma_t - \bar\gamma_g)`. From there on only cross-products
within units are needed. With x the focal variable, y the outcome, C the controls, a the negative
coefficients of x on C, b the estimate and t the coefficients of the controls beside it, the score
of unit g is

.. math:: s_g = (x_g + C_g a)'(y_g - b x_g - C_g t) = x_g'y_g - b x_g'x_g
   - x_g'C_g (t + b a) + a'C_g'y_g - a'C_g'C_g t,

and the clustered variance of b is the weighted sum of its squares over that of
:math:`(x_g + C_g a)'x_g` squared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nqpf.errors import EstimationError
from nqpf.regress.conventions import SampleSize, scaling

__all__ = ["Batch", "Family", "Redraw", "refit"]

_UNSHARED = 1e-10  # a variable that shares all but this part with others is collinear
_BLOCK = 1 << 19  # cross-products held at a time, so that they stay near the processor


@dataclass(frozen=True)
class Redraw:
    """Rows of one sample, laid out by unit and year, with one kind of effects.

    Attributes
    ----------
    values : (G, T, p)
        Variables in comparable units, less unit effects where there are any; zero where no
        row is.
    mask : (G, T) of 0 and 1
        Rows that exist.
    unit_effects, time_effects : bool
    convention : str
        Small-sample convention of :mod:`nqpf.regress.conventions`.
    """

    values: np.ndarray
    mask: np.ndarray
    unit_effects: bool
    time_effects: bool
    convention: str

    @classmethod
    def of(cls, values: np.ndarray, mask: np.ndarray, effects: str, convention: str) -> Redraw:
        """Remove unit effects from raw values (G, T, p), zero where no row is."""
        unit_effects = effects in ("two-way", "unit")
        if unit_effects:
            rows = np.maximum(mask.sum(axis=1), 1)[:, None, None]
            values = (values - values.sum(axis=1, keepdims=True) / rows) * mask[:, :, None]
        return cls(values, mask, unit_effects, effects in ("two-way", "time"), convention)

    def year_effects(self, weights: np.ndarray) -> np.ndarray | None:
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

    def less(self, columns: np.ndarray, effects: np.ndarray | None) -> np.ndarray:
        """Return (B or 1, G, T, k) `columns` less year effects (B, T, p)."""
        chosen = self.values[None, :, :, columns]
        if effects is None:
            return chosen
        effects = effects[:, None, :, columns]
        if self.mask.all():
            return chosen - effects
        if self.unit_effects:
            shares = self.mask / np.maximum(self.mask.sum(axis=1, keepdims=True), 1)
            effects = effects - (shares @ effects[:, 0])[:, :, None]
        return chosen - effects * self.mask[:, :, None]

    def sizes(self, weights: np.ndarray, regressors: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (B,) factors on the variance and degrees of freedom.

        Infinite freedom stands for the normal distribution; a resample without enough rows or
        with a year of one row, which its effect fits perfectly, has NaN.
        """
        counts = weights @ self.mask
        groups = weights @ self.mask.any(axis=1)
        table = np.column_stack([counts.sum(axis=1), groups, (counts > 0).sum(axis=1)])
        kinds, which = np.unique(table.astype(int), axis=0, return_inverse=True)
        found = np.array([self._scaling(*kind, regressors) for kind in kinds.tolist()])
        factor, df = found[which.ravel()].T
        alone = (counts == 1).any(axis=1) & self.time_effects
        return np.where(alone, np.nan, factor), df

    def _scaling(
        self, nobs: int, groups: int, periods: int, regressors: int
    ) -> tuple[float, float]:
        size = SampleSize(nobs, regressors, groups, periods, self.unit_effects, self.time_effects)
        try:
            factor, df = scaling(self.convention, True, size)
        except EstimationError:
            return np.nan, np.nan
        return factor, np.inf if df is None else df


@dataclass(frozen=True)
class Family:
    """Specifications that share controls and one variable of the pair.

    Attributes
    ----------
    places : (S,)
        Where their results go.
    wide : (S,)
        The variables that differ, as positions in the columns of the batch.
    shared : int
        The variable in common, as a position in the narrow columns of the batch.
    controls : (k,)
        Positions in the narrow columns.
    wide_is_focal : bool
        The variables that differ are focal and the shared one is the outcome; or the reverse.
    """

    places: np.ndarray
    wide: np.ndarray
    shared: int
    controls: np.ndarray
    wide_is_focal: bool


@dataclass(frozen=True)
class Batch:
    """Families whose cross-products are made together: narrow columns with all columns."""

    columns: np.ndarray
    narrow: np.ndarray
    families: list[Family]


@dataclass(frozen=True)
class _Moments:
    """Cross-products of a batch under B resamples.

    Attributes
    ----------
    by_unit : (B or 1, G, n, P) narrow with all columns, and total (B, n, P)
    among : (B or 1, G, n, n) narrow columns, and among_total (B, n, n)
    own : (B or 1, G, P) squares of all columns, and own_total (B, P)
    """

    by_unit: np.ndarray
    total: np.ndarray
    among: np.ndarray
    among_total: np.ndarray
    own: np.ndarray
    own_total: np.ndarray


def refit(
    rows: Redraw, batches: list[Batch], weights: np.ndarray, out: tuple[np.ndarray, ...]
) -> None:
    """Estimate every family under every resample and write the results in place.

    Parameters
    ----------
    rows : Redraw
    batches : list of Batch
    weights : (B, G)
        How often each unit is drawn.
    out : three (B, K) arrays
        Coefficients (in units of `rows`), standard errors and degrees of freedom; NaN where
        a specification cannot be estimated.
    """
    effects = rows.year_effects(weights)
    counts = {len(family.controls) + 1 for batch in batches for family in batch.families}
    sizes = {count: rows.sizes(weights, count) for count in counts}
    floor = _UNSHARED * (weights @ rows.mask.sum(axis=1))
    for batch in batches:
        step = max(1, _BLOCK // (len(weights.T) * len(batch.narrow) * len(batch.columns)))
        for start in range(0, len(weights), step):
            block = slice(start, start + step)
            own = None if effects is None else effects[block]
            moments = _moments(rows, batch, weights[block], own)
            for family in batch.families:
                factor, df = sizes[len(family.controls) + 1]
                params, variances = _fit(moments, family, weights[block], floor[block, None])
                errors = np.sqrt(variances * factor[block, None])
                out[0][block, family.places] = np.where(np.isnan(errors), np.nan, params)
                out[1][block, family.places] = errors
                out[2][block, family.places] = df[block, None]


def _moments(
    rows: Redraw, batch: Batch, weights: np.ndarray, effects: np.ndarray | None
) -> _Moments:
    every, narrow = rows.less(batch.columns, effects), rows.less(batch.narrow, effects)
    flipped = narrow.swapaxes(2, 3)
    by_unit, among = flipped @ every, flipped @ narrow
    own = np.einsum("bgtp,bgtp->bgp", every, every)
    parts = [part for sums in (by_unit, among, own) for part in (sums, _weighted(weights, sums))]
    return _Moments(*parts)


def _weighted(weights: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return (B, ...) sums over units of (B or 1, G, ...)."""
    flat = sums.reshape(*sums.shape[:2], -1)
    return (weights[:, None, :] @ flat).reshape(len(weights), *sums.shape[2:])


def _fit(
    m: _Moments, family: Family, weights: np.ndarray, floor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and plain clustered variances, (B, S) each; NaN where there is none."""
    w, s, c = family.wide, family.shared, family.controls
    xy, xy_total = m.by_unit[:, :, s, w], m.total[:, s, w]
    if family.wide_is_focal:
        xx, xx_total = m.own[:, :, w], m.own_total[:, w]
    else:
        xx, xx_total = m.among[:, :, s, [s]], m.among_total[:, s, [s]]
    lost = xx_total <= floor
    with np.errstate(divide="ignore", invalid="ignore"):
        if not len(c):
            params, information = xy_total / xx_total, xx_total
            scores = xy - params[:, None] * xx
        else:
            cw, cw_total = m.by_unit[:, :, c][..., w], m.total[:, c][..., w]
            cs, cs_total = m.among[:, :, c][..., [s]], m.among_total[:, c][..., [s]]
            cx, cy = (cw, cs) if family.wide_is_focal else (cs, cw)
            sides = (cw_total, cs_total) if family.wide_is_focal else (cs_total, cw_total)
            cc = m.among[:, :, c][..., c]
            on_x, on_y, singular = _solve(m.among_total[:, c][..., c], *sides)
            information = xx_total - (on_x * sides[0]).sum(axis=1)
            lost = lost | singular[:, None] | (information <= _UNSHARED * xx_total)
            params = (xy_total - (on_x * sides[1]).sum(axis=1)) / information
            beside = on_y - params[:, None] * on_x
            scores = xy - params[:, None] * xx
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
    if slopes.shape[-1] == 1:
        return np.einsum("bgks,bk->bgs", by_unit, slopes[..., 0])
    return np.einsum("bgks,bks->bgs", by_unit, slopes)


def _solve(
    moments: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve (B, k, k) systems for two sides after scaling, and say which have no answer."""
    scale = 1 / np.sqrt(_positive(np.einsum("bkk->bk", moments)))
    scaled = moments * scale[:, :, None] * scale[:, None, :]
    singular = ~(np.linalg.eigvalsh(scaled)[:, 0] > _UNSHARED)
    scaled[singular] = np.eye(moments.shape[1])
    sides = np.concatenate([first, second], axis=2) * scale[:, :, None]
    found = np.linalg.solve(scaled, sides) * scale[:, :, None]
    return found[:, :, : first.shape[2]], found[:, :, first.shape[2] :], singular


def _positive(values: np.ndarray) -> np.ndarray:
    """Return values with zeros, under which sums are zero too, replaced by one."""
    return np.where(values > 0, values, 1.0)
