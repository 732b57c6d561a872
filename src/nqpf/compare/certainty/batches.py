"""Normalise, weigh and aggregate many draws at once: batches laid out by draw, indicator, row.

Every function gives what the method of that name in :mod:`nqpf.index` gives for
each draw, up to rounding. A method without a batched form here is called once
per draw, so that whatever a recipe can use can be drawn. No function calls BLAS.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nqpf.compare.certainty.scores import AGGREGATE, Floats, ends
from nqpf.errors import EstimationError, NqpfError
from nqpf.index import aggregate as aggregation
from nqpf.index import normalise as normalisation
from nqpf.index import weights as weighting

Booleans = NDArray[np.bool_]

_NO_CONFLICT = 1e-20


@dataclass(frozen=True, eq=False)
class Sample:
    """A matrix of indicators as arrays; the rows of the year to rank come first.

    Attributes
    ----------
    x : ndarray, shape (m, N)
        Raw values, each indicator divided by a power of two so that squares
        stay finite: neither normalised values nor weights change by that.
    benefit : ndarray of bool, shape (m,)
    years : ndarray, shape (N,)
    dimension : ndarray of str, shape (m,)
    names : tuple of str
    n : int
        Rows to rank.
    """

    x: Floats
    benefit: Booleans
    years: NDArray[np.int64]
    dimension: NDArray[np.object_]
    names: tuple[str, ...]
    n: int

    def spans(self) -> list[slice]:
        """Return the rows of each year, which are neighbours."""
        cuts = np.flatnonzero(np.diff(self.years)) + 1
        edges = [0, *cuts.tolist(), len(self.years)]
        return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def normalised(name: str, sample: Sample, x: Floats, kept: Booleans) -> Floats:
    """Return normalised values (b, m, N) of raw ones; `b` is 1 or the number of draws."""
    if name == "minmax_yearly":
        return np.concatenate([_minmax(sample, x[:, :, rows]) for rows in sample.spans()], axis=-1)
    if name in _NORMALISE:
        return _NORMALISE[name](sample, x)
    z = np.zeros_like(x)
    for draw, own in enumerate(kept[: len(x)]):
        z[draw, own] = _single(normalisation.METHODS[name], sample, own, x=x[draw]).T
    return z


def weighed(name: str, sample: Sample, z: Floats, x: Floats, kept: Booleans) -> Floats:
    """Return weights (B, m) that sum to 1, those of indicators left out zero."""
    if name in _WEIGHTS:
        return _WEIGHTS[name](x if name == "variation" else z, kept)
    w = np.zeros(kept.shape)
    for draw, own in enumerate(kept):
        data = {"x": x[draw % len(x)], "z": z[draw % len(z)]}
        w[draw, own] = _single(weighting.METHODS[name], sample, own, **data)
    return w


def aggregated(name: str, sample: Sample, z: Floats, w: Floats, kept: Booleans) -> Floats:
    """Return scores (B, n) of the rows to rank."""
    if name in AGGREGATE:
        return AGGREGATE[name](z, w, sample.n)
    scores = np.empty((len(w), sample.n))
    for draw, own in enumerate(kept):
        data = {"z": z[draw % len(z)], "w": w[draw]}
        scores[draw] = _single(aggregation.METHODS[name], sample, own, **data)[: sample.n]
    return scores


def call(method: Callable[..., Floats], data: Mapping[str, object]) -> Floats:
    """Call a method with the data that it asks for by parameter name."""
    wanted = inspect.signature(method).parameters
    return method(**{key: value for key, value in data.items() if key in wanted})


def _single(
    method: Callable[..., Floats], sample: Sample, own: Booleans, **arrays: Floats
) -> Floats:
    """Call a method of the library for one draw, with the indicators that are kept."""
    named = {
        "benefit": sample.benefit[own],
        "years": sample.years,
        "names": [name for name, keep in zip(sample.names, own, strict=True) if keep],
        "dimension": sample.dimension[own],
    }
    data = {key: a[own] if a.ndim == 1 else a[own].T for key, a in arrays.items()}
    try:
        return call(method, {**named, **data})
    except NqpfError as error:
        left_out = [name for name, keep in zip(sample.names, own, strict=True) if not keep]
        raise EstimationError(
            f"a draw has no scores: {error.problem}",
            where={"method": method.__name__, "left out": ", ".join(left_out) or "nothing"},
            expected=error.expected,
            hint="draw without this method, or with omit=False",
        ) from error


def _minmax(sample: Sample, x: Floats) -> Floats:
    low, high = ends(x)
    up = sample.benefit[:, None]
    width = np.where(high > low, high - low, np.inf)
    z = x - np.where(up, low, high)
    np.abs(z, out=z)  # a cost falls from its worst; and no zero below zero
    z /= width
    return z


def _vector(sample: Sample, x: Floats) -> Floats:
    low, high = ends(x)
    z = x / np.where(high > low, np.sqrt(np.einsum("bmn,bmn->bm", x, x))[:, :, None], np.inf)
    cost = ~sample.benefit[:, None] & (high > low)
    z *= np.where(cost, -1.0, 1.0)
    z += np.where(cost, 1.0, 0.0)
    return z


def _zscore(sample: Sample, x: Floats) -> Floats:
    low, high = ends(x)
    z = x - x.mean(axis=-1, keepdims=True)
    sd = np.sqrt(np.einsum("bmn,bmn->bm", z, z) / max(x.shape[-1] - 1, 1))[:, :, None]
    z /= np.where(high > low, np.where(sample.benefit[:, None], sd, -sd), np.inf)
    return z


def _rank(sample: Sample, x: Floats) -> Floats:
    rows = x.shape[-1]
    start = rows * np.arange(x.size // rows).reshape(*x.shape[:-1], 1)
    order = _ascending(x) + start  # in the flat array
    values = x.ravel()[order]
    if (values[..., 1:] < values[..., :-1]).any():
        order = x.argsort(axis=-1) + start
        values = x.ravel()[order]
    place = np.arange(rows, dtype=np.float64)
    same = values[..., 1:] == values[..., :-1]
    if same.any():  # tied values share the mean of their places
        first = np.where(np.concatenate([_edge(same), ~same], axis=-1), place, 0.0)
        last = np.where(np.concatenate([~same, _edge(same)], axis=-1), place, rows)
        first = np.maximum.accumulate(first, axis=-1)
        last = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
        place = (first + last) / 2
    flat = values[..., :1] == values[..., -1:]
    place = np.where(sample.benefit[:, None], place, rows - 1 - place)
    place = place / np.where(flat, np.inf, max(rows - 1, 1))
    z = np.empty_like(x)
    z.ravel()[order] = place
    return z


def _ascending(x: Floats) -> NDArray[np.int64]:
    """Return the positions that sort each row, except among values that are nearly the same.

    The bits of numbers of zero or more sort as the numbers do. With the
    position in the last bits, sorting takes half the time of `argsort`.
    """
    if x.min() < 0:
        return x.argsort(axis=-1)
    last = (1 << (x.shape[-1] - 1).bit_length()) - 1
    keys = x.view(np.int64) & ~last
    keys |= np.arange(x.shape[-1])
    keys.sort(axis=-1)
    keys &= last
    return keys


def _edge(same: Booleans) -> Booleans:
    return np.ones((*same.shape[:-1], 1), dtype=bool)


def _shares(parts: Floats) -> Floats:
    return parts / parts.sum(axis=1, keepdims=True)


def _equal(z: Floats, kept: Booleans) -> Floats:
    return _shares(kept.astype(np.float64))


def _entropy(z: Floats, kept: Booleans) -> Floats:
    low, high = ends(z)
    total = z.sum(axis=-1, keepdims=True)
    varying = high > low
    q = z * np.divide(z.shape[-1], total, out=np.zeros_like(total), where=varying)
    # The sum of q ln q - (q - 1): terms that are never negative keep their digits.
    term = np.log(q + np.finfo(np.float64).tiny)
    term *= q
    q -= 1.0
    term -= q
    gain = np.maximum(np.where(varying, term.sum(axis=-1, keepdims=True), 0.0)[:, :, 0], 0.0)
    gain = np.where(kept, gain, 0.0)
    alike = gain.max(axis=1, keepdims=True) == 0.0
    return _shares(np.where(alike, kept & varying[:, :, 0], gain))


def _variation(x: Floats, kept: Booleans) -> Floats:
    low, high = ends(x)
    mean = x.mean(axis=-1, keepdims=True)
    gap = x - mean
    sd = np.sqrt(np.einsum("bmn,bmn->bm", gap, gap))
    varying = (high > low)[:, :, 0]
    ratio = np.divide(sd, np.abs(mean[:, :, 0]), out=np.zeros_like(sd), where=varying)
    return _shares(np.where(kept, ratio, 0.0))


def _critic(z: Floats, kept: Booleans) -> Floats:
    low, high = ends(z)
    used = kept & (high > low)[:, :, 0]
    count = used.sum(axis=1, keepdims=True)
    gap = z - z.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.einsum("bmn,bmn->bm", gap, gap))
    gap = gap * np.divide(1.0, length, out=np.zeros(used.shape), where=used)[:, :, None]
    gap -= (gap.sum(axis=1) / count)[:, None, :]
    distance = np.where(used, np.einsum("bmn,bmn->bm", gap, gap), 0.0)
    conflict = np.where(used, (count * distance + distance.sum(axis=1, keepdims=True)) / 2, 0.0)
    alike = conflict.max(axis=1, keepdims=True) <= _NO_CONFLICT * count
    return _shares(np.where(alike, used, length * conflict))


_NORMALISE: dict[str, Callable[[Sample, Floats], Floats]] = {
    "minmax": _minmax,
    "rank": _rank,
    "vector": _vector,
    "zscore": _zscore,
}
_WEIGHTS: dict[str, Callable[[Floats, Booleans], Floats]] = {
    "critic": _critic,
    "entropy": _entropy,
    "equal": _equal,
    "variation": _variation,
}
