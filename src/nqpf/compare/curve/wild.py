r"""Regressions on outcomes whose residuals change sign by unit, many at once.

The wild cluster bootstrap with the null imposed (Cameron, Gelbach and Miller 2008) leaves the
regressors as they are. With M the projection off controls and effects and :math:`M = I - QQ'`, the
residuals under the null are My, and a draw multiplies those of unit g by :math:`w_g`. The estimate
is then the weighted sum of :math:`x_g'My_g` over x'Mx, and the score of unit g is

.. math:: s_g = w_g x_g'M y_g - b x_g'M x_g - (Mx)_g'Q_g \sum_h w_h Q_h'(My)_h.
"""

from __future__ import annotations

import numpy as np

from nqpf.compare.curve.redraw import Batch, Family, Redraw

__all__ = ["rewild"]

_UNSHARED = 1e-10  # a variable that shares all but this part with others is collinear
_BLOCK = 1 << 20  # scores held at a time


def rewild(
    rows: Redraw, batches: list[Batch], signs: np.ndarray, out: tuple[np.ndarray, ...]
) -> None:
    """Estimate every family under every draw of signs and write the results in place.

    Parameters
    ----------
    rows : Redraw
    batches : list of Batch
    signs : (B, G) of -1 and 1
    out : three (B, K) arrays
        Coefficients under the null (in units of `rows`), standard errors, degrees of freedom.
    """
    groups, periods = rows.mask.shape
    bases: dict[bytes, np.ndarray] = {}
    for batch in batches:
        for family in batch.families:
            controls = batch.narrow[family.controls]
            if controls.tobytes() not in bases:
                bases[controls.tobytes()] = _basis(rows, controls).reshape(groups, periods, -1)
            basis = bases[controls.tobytes()]
            factor, df = rows.sizes(np.ones((1, groups)), len(controls) + 1)
            step = max(1, _BLOCK // signs.size)
            for start in range(0, len(family.places), step):
                part = slice(start, start + step)
                params, variances = _fit(rows, batch, family, part, basis, signs)
                places = family.places[part]
                out[0][:, places], out[2][:, places] = params, df[0]
                out[1][:, places] = np.sqrt(variances * factor[0])


def _basis(rows: Redraw, controls: np.ndarray) -> np.ndarray:
    """Return (N, q) orthonormal columns that span controls and effects other than units'."""
    groups, periods, _ = rows.values.shape
    parts = [rows.values[:, :, controls]]
    if rows.time_effects:
        years = rows.mask[:, :, None] * np.eye(periods)
        if rows.unit_effects:
            counts = np.maximum(rows.mask.sum(axis=1), 1)[:, None, None]
            years = (years - years.sum(axis=1, keepdims=True) / counts) * rows.mask[:, :, None]
        parts.append(years)
    elif not rows.unit_effects:
        parts.append(rows.mask[:, :, None])
    design = np.concatenate(parts, axis=2).reshape(groups * periods, -1)
    left, size, _ = np.linalg.svd(design, full_matrices=False)
    return left[:, size > 1e-10 * size[:1].max(initial=0.0)]


def _fit(
    rows: Redraw, batch: Batch, family: Family, part: slice, basis: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and plain clustered variances, (B, S) each."""
    wide = _left(rows.values[:, :, batch.columns[family.wide[part]]], basis)
    shared = _left(rows.values[:, :, batch.narrow[[family.shared]]], basis)
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
    return params, np.where(information > _UNSHARED * rows.mask.sum(), variances, np.nan)


def _left(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return (G, T, S) values less their projection on the basis."""
    groups, periods, count = values.shape
    flat, span = values.reshape(-1, count), basis.reshape(groups * periods, -1)
    return (flat - span @ (span.T @ flat)).reshape(values.shape)
