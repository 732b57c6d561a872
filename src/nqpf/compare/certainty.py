"""How certain a rank is, and which choice behind an index moves it.

``design`` checks what may vary, ``draws`` draws it, and ``batches`` and ``scores`` compute many
draws at once; ``uncertainty`` (of all years at once:
``years``) and ``sensitivity`` are what a chapter calls.
"""

from __future__ import annotations

import html
import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.errors import DataError, EstimationError, MethodError, NqpfError, SampleError
from nqpf.index import aggregate, normalise, weights
from nqpf.index import aggregate as aggregation
from nqpf.index import normalise as normalisation
from nqpf.index import weights as weighting
from nqpf.index.recipe import Recipe, names

if TYPE_CHECKING:
    from nqpf.systems.system import IndicatorMatrix

__all__ = [
    "RankSensitivity",
    "RankUncertainty",
    "SobolIndices",
    "sensitivity",
    "sobol_indices",
    "uncertainty",
]

Floats = NDArray[np.float64]

TIE = 1e-12  # values that differ by less are the same up to rounding, as in nqpf.index


def ends(values: Floats) -> tuple[Floats, Floats]:
    """Return the least and the largest value over the last axis, which is kept."""
    return values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)


def _linear(z: Floats, w: Floats, n: int) -> Floats:
    return np.einsum("bmn,bm->bn", z[:, :, :n], w)


def _geometric(z: Floats, w: Floats, n: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 ln 0, which does not count
        parts = w[:, :, None] * np.log(z[:, :, :n])
    return np.exp(np.where(w[:, :, None] > 0, parts, 0.0).sum(axis=1))


def _harmonic(z: Floats, w: Floats, n: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):  # 1 / 0 makes the score zero
        parts = w[:, :, None] / z[:, :, :n]
        return 1.0 / np.where(w[:, :, None] > 0, parts, 0.0).sum(axis=1)


def _topsis(z: Floats, w: Floats, n: int) -> Floats:
    low, high = ends(z)
    own = z[:, :, :n]
    far, near = (
        np.sqrt(np.einsum("bmn,bm->bn", gap * gap, w * w)) for gap in (own - low, high - own)
    )
    total = near + far
    return np.divide(far, total, out=np.full_like(far, 0.5), where=total > 0)


def _vikor(z: Floats, w: Floats, n: int) -> Floats:
    low, high = ends(z)
    regret = (high - z) / np.where(high > low, high - low, np.inf)
    regret = regret * w[:, :, None]
    total, largest = _spread(regret.sum(axis=1)), _spread(regret.max(axis=1))
    return 1.0 - (0.5 * total + 0.5 * largest)[:, :n]


def _spread(values: Floats) -> Floats:
    low, high = ends(values)
    return (values - low) / np.where(high - low > TIE, high - low, np.inf)


def _copeland(z: Floats, w: Floats, n: int) -> Floats:
    rows = z.shape[-1]
    margin = np.zeros((len(w), n, rows))
    for j in range(z.shape[1]):
        own, others = z[:, j, :n, None], z[:, j, None, :]
        margin += w[:, j, None, None] * (own > others)
        margin -= w[:, j, None, None] * (own < others)
    lead = (margin > TIE).sum(axis=-1) - (margin < -TIE).sum(axis=-1)
    return 0.5 + lead / (2 * max(rows - 1, 1))


_AGGREGATE_SCORES: dict[str, Callable[[Floats, Floats, int], Floats]] = {
    "copeland": _copeland,
    "geometric": _geometric,
    "harmonic": _harmonic,
    "linear": _linear,
    "topsis": _topsis,
    "vikor": _vikor,
}


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
    if name in _AGGREGATE_SCORES:
        return _AGGREGATE_SCORES[name](z, w, sample.n)
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


STAGES = {
    "normalise": normalise.METHODS,
    "weights": weights.METHODS,
    "aggregate": aggregate.METHODS,
}
NORMALISE = ("minmax", "rank", "vector")
WEIGHTS = ("entropy", "equal", "critic")
AGGREGATE = ("topsis", "linear", "geometric", "vikor")
_NEED_OPTIONS = frozenset({"target", "ahp"})

Error = float | Mapping[str, float] | pd.Series


@dataclass(frozen=True, eq=False)
class Design:
    """What may vary, after checks.

    Attributes
    ----------
    matrix : IndicatorMatrix
    year : int
    normalise, weights, aggregate : tuple of str
    triples : ndarray of int, shape (k, 3)
        Combinations that a recipe accepts, as positions in the three tuples.
    dropped : DataFrame
        ``normalise``, ``weights``, ``aggregate`` and ``reason`` of the others.
    omit : bool
    error : Series
        Relative standard deviation of the measurement error by indicator.
    perturb : float
        Largest relative change of a weight.
    seed : int
    """

    matrix: IndicatorMatrix
    year: int
    normalise: tuple[str, ...]
    weights: tuple[str, ...]
    aggregate: tuple[str, ...]
    triples: NDArray[np.int64]
    dropped: pd.DataFrame
    omit: bool
    error: pd.Series
    perturb: float
    seed: int

    @property
    def provinces(self) -> pd.Index:
        """Provinces to rank, ascending."""
        values = self.matrix.values
        rows = values.index[values.index.get_level_values("year") == self.year]
        return pd.Index(sorted(rows.get_level_values("province")), name="province")


def design(
    matrix: IndicatorMatrix,
    *,
    seed: int,
    normalise: str | Sequence[str],
    weights: str | Sequence[str],
    aggregate: str | Sequence[str],
    omit: bool,
    error: Error,
    perturb: float,
    year: int | None,
) -> Design:
    """Check what may vary and keep the combinations that a recipe accepts."""
    if not (isinstance(seed, Integral) and seed >= 0):
        raise MethodError(f"seed is {seed!r}", expected="a whole number of zero or more")
    if not (isinstance(perturb, Real) and 0 <= perturb < 1):
        raise MethodError(
            f"perturb is {perturb!r}",
            expected="a number from 0 to below 1, such as 0.25 for weights changed by up to 25 %",
        )
    given = {"normalise": normalise, "weights": weights, "aggregate": aggregate}
    named = {stage: _names(stage, value) for stage, value in given.items()}
    Recipe("minmax", "equal", "linear").fit(matrix)  # says what is wrong with the figures
    triples, dropped = _accepted(matrix, named)
    year = matrix.years[-1] if year is None else year
    if year not in matrix.years:
        raise SampleError(
            f"no indicators in {year}",
            where={"year": year},
            expected=f"one of {', '.join(map(str, matrix.years))}",
        )
    found = Design(
        matrix=matrix,
        year=int(year),
        triples=triples,
        dropped=dropped,
        omit=bool(omit),
        error=_errors(matrix, error),
        perturb=float(perturb),
        seed=int(seed),
        **named,
    )
    if len(found.provinces) < 2:
        raise SampleError("one province to rank", where={"year": year}, expected="two or more")
    if found.omit:
        _check_omission(matrix, "minmax_yearly" in found.normalise)
    return found


def _names(stage: str, value: str | Sequence[str]) -> tuple[str, ...]:
    chosen = (value,) if isinstance(value, str) else tuple(value)
    valid = sorted(set(STAGES[stage]) - _NEED_OPTIONS)
    for name in chosen:
        if name not in valid:
            known = name in STAGES[stage]
            raise MethodError(
                f"{name!r} needs options of its own" if known else f"unknown method {name!r}",
                where={"stage": stage},
                expected=f"some of {', '.join(valid)}",
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise MethodError(
            f"methods are {list(chosen)}",
            where={"stage": stage},
            expected="one or more, each once",
        )
    return chosen


def _accepted(
    matrix: IndicatorMatrix, named: Mapping[str, tuple[str, ...]]
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return the combinations that can be computed, and the others with the reason.

    Steps as in a recipe, but each is taken once and not once per combination.
    """
    values = matrix.values
    data = {
        "x": values.to_numpy(dtype=np.float64),
        "benefit": matrix.benefit[values.columns].to_numpy(dtype=bool),
        "years": values.index.get_level_values("year").to_numpy(),
        "names": list(values.columns),
        "dimension": matrix.dimension[values.columns].astype(str).to_numpy(),
    }
    kept, dropped = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once before
        for a, how in enumerate(named["normalise"]):
            z = _tried("normalise", how, data)
            for b, method in enumerate(named["weights"]):
                w = _tried("weights", method, {**data, "z": z})
                for c, last in enumerate(named["aggregate"]):
                    scores = _tried("aggregate", last, {**data, "z": z, "w": w})
                    if isinstance(scores, NqpfError):
                        dropped.append((how, method, last, scores.problem))
                    else:
                        kept.append((a, b, c))
    if not kept:
        raise MethodError(
            f"no combination can be used: {dropped[0][-1]}",
            where={"combinations": len(dropped)},
            expected="methods that fit each other",
        )
    return np.array(kept), pd.DataFrame(dropped, columns=[*named, "reason"], dtype="str")


def _tried(stage: str, name: str, data: Mapping[str, object]) -> Floats | NqpfError:
    """Return what a method gives, or why it or a step before it cannot."""
    for before in data.values():
        if isinstance(before, NqpfError):
            return before
    try:
        return call(STAGES[stage][name], data)
    except (MethodError, DataError) as error:
        return error


def _errors(matrix: IndicatorMatrix, error: Error) -> pd.Series:
    """Return the relative standard deviation by indicator, zero where one does not vary."""
    keys = list(matrix.values.columns)
    if isinstance(error, Mapping | pd.Series):
        by_key = pd.Series(error, dtype=object)
        if set(by_key.index) != set(keys) or len(by_key) != len(keys):
            odd = sorted(map(str, set(by_key.index) ^ set(keys)))
            raise MethodError(
                f"error is not about the indicators of the matrix: {', '.join(odd)}",
                expected=f"one number for each of {', '.join(map(str, keys))}",
            )
    else:
        by_key = pd.Series(error, index=keys, dtype=object)
    for key, value in by_key.items():
        if not (isinstance(value, Real) and math.isfinite(value) and value >= 0):
            raise MethodError(
                f"error is {value!r}",
                where={"indicator": key},
                expected="a relative standard deviation, such as 0.05, of zero or more",
            )
    varies = matrix.values.nunique() > 1
    return by_key[keys].astype("float64").where(varies, 0.0).rename("error")


def _check_omission(matrix: IndicatorMatrix, yearly: bool) -> None:
    values = matrix.values
    least = int((values.nunique() > 1).sum())
    if yearly:
        least = int((values.groupby(level="year").nunique() > 1).sum(axis=1).min())
    if least < 2:
        raise SampleError(
            f"{least} indicator varies" + (" in some year" if yearly else ""),
            expected="two or more, so that one can be left out",
            hint="draw with omit=False",
        )


_BATCH = 49_152  # values of a batch: 384 KiB of doubles, which stay in a common L2 cache
_DIGITS = 12
_ERROR, _NOISE = 0, 1  # kinds of random numbers


@dataclass(frozen=True, eq=False)
class Draws:
    """One entry per draw, each of shape (draws,).

    Attributes
    ----------
    normalise, weights, aggregate : ndarray of int
        Positions among the names of the design.
    omitted : ndarray of int
        Position of the indicator that is left out, the number of indicators for none.
    error, noise : ndarray of int
        Streams of random numbers of the measurement error and of the change of weights.
    """

    normalise: NDArray[np.int64]
    weights: NDArray[np.int64]
    aggregate: NDArray[np.int64]
    omitted: NDArray[np.int64]
    error: NDArray[np.int64]
    noise: NDArray[np.int64]


def random_draws(plan: Design, count: int) -> Draws:
    """Return draws in which every combination and every omission is equally likely."""
    # Row by row, so that the first draws do not depend on how many follow.
    u = np.random.default_rng(plan.seed).random((count, 2))
    triples = plan.triples[(u[:, 0] * len(plan.triples)).astype(np.int64)]
    m = len(plan.error)
    omitted = (u[:, 1] * (m + 1)).astype(np.int64) if plan.omit else np.full(count, m)
    keys = np.arange(count)
    return Draws(*triples.T, omitted=omitted, error=keys, noise=keys)


def sample_of(plan: Design, every: bool = False) -> Sample:
    """Return the matrix as arrays, to score the rows of its year or every row."""
    values, order = plan.matrix.values, _order(plan)
    x = np.ascontiguousarray(values.to_numpy(dtype=np.float64)[order].T)
    _, power = np.frexp(np.abs(x).max(axis=1, keepdims=True))
    return Sample(
        x=np.ldexp(x, -power),
        benefit=plan.matrix.benefit[values.columns].to_numpy(dtype=bool),
        years=values.index.get_level_values("year").to_numpy()[order],
        dimension=plan.matrix.dimension[values.columns].astype(str).to_numpy(dtype=object),
        names=tuple(map(str, values.columns)),
        n=len(values) if every else len(plan.provinces),
    )


def rows_of(plan: Design) -> pd.MultiIndex:
    """Return the labels (province, year) of the rows of a sample, in its order."""
    return plan.matrix.values.index[_order(plan)]


def _order(plan: Design) -> NDArray[np.int64]:
    """Return the rows of the year to rank, then the other years, each by province."""
    index = plan.matrix.values.index
    codes, years = (index.get_level_values(name) for name in ("province", "year"))
    return np.lexsort((codes, years, years != plan.year))


def error_factors(plan: Design, keys: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return log-normal factors (draws, m, N) of mean 1 and the relative sd of each indicator."""
    variance = np.log1p(plan.error.to_numpy()[:, None] ** 2)
    rows = len(plan.matrix.values)
    e = _normals(plan.seed, keys, len(variance) * rows).reshape(len(keys), -1, rows)
    e *= np.sqrt(variance).astype(np.float32)
    e -= (variance / 2).astype(np.float32)
    return np.exp(e, out=e)


def _normals(seed: int, keys: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Return standard normal numbers (draws, count), a stream for each key.

    Streams lie 2^64 numbers apart in one sequence, so that a draw can be
    repeated alone, in any order. By the method of Box and Muller (1958), as
    numpy does it for whole arrays at once; single precision is ample for noise.
    """
    bits = np.random.PCG64(np.random.SeedSequence((seed, _ERROR)))
    start, generator = bits.state, np.random.Generator(bits)
    u = np.empty((len(keys), 2, (count + 1) // 2), dtype=np.float32)
    for place, key in zip(u, keys, strict=True):
        bits.state = start
        bits.advance(int(key) << 64)
        generator.random(dtype=np.float32, out=place)
    radius, angle = u[:, 0], u[:, 1]
    np.subtract(1.0, radius, out=radius)  # above zero, where the logarithm is finite
    np.log(radius, out=radius)
    radius *= -2.0
    np.sqrt(radius, out=radius)
    angle *= np.float32(2.0 * np.pi)
    e = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    e *= radius[:, None]
    return e.reshape(len(keys), -1)[:, :count]


def weight_factors(plan: Design, count: int) -> Floats:
    """Return factors (count, m), uniform between 1 - perturb and 1 + perturb, by stream.

    Few numbers a stream, so all come from one generator, row by row: the first
    rows do not depend on how many follow.
    """
    u = np.random.default_rng((plan.seed, _NOISE)).random((count, len(plan.error)))
    return 1.0 + plan.perturb * (2.0 * u - 1.0)


def ranks_of(scores: Floats) -> NDArray[np.integer]:
    """Return ranks (draws, n), 1 for the highest score; ties share the better rank.

    Scores are rounded to 12 decimals first: two rows that differ by rounding
    in the order of a sum are tied, whichever order that was.
    """
    n = scores.shape[1]
    rounded = scores.round(_DIGITS)
    ranks = np.ones(scores.shape, dtype=np.min_scalar_type(n))
    for other in range(n):
        ranks += rounded[:, other, None] > rounded
    return ranks


def score(plan: Design, draws: Draws, progress: bool = False, every: bool = False) -> Floats:
    """Return the scores (draws, n) of every draw, of the plan's year or of every row.

    Without measurement error and change of weights a draw is one of few
    combinations, and each is computed once.
    """
    noisy = {"error": bool(plan.error.any()), "noise": plan.perturb > 0}
    columns = [draws.normalise, draws.weights, draws.aggregate, draws.omitted]
    columns += [getattr(draws, name) for name, used in noisy.items() if used]
    table = np.stack(columns, axis=1)
    _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return _Scorer(plan, every).run(_take(draws, first), progress)[inverse.ravel()]


def _take(draws: Draws, rows: NDArray[np.int64]) -> Draws:
    return Draws(**{name: column[rows] for name, column in vars(draws).items()})


class _Scorer:
    """Scores draws batch by batch; what no draw changes is computed once."""

    def __init__(self, plan: Design, every: bool = False) -> None:
        self.plan = plan
        self.sample = sample_of(plan, every)
        m, rows = self.sample.x.shape
        self.size = max(1, _BATCH // (m * rows))
        self.kept = ~np.eye(m + 1, m, dtype=bool)  # by indicator left out, the last row for none
        self._normalised: dict[str, Floats] = {}
        self._weights: dict[tuple[str, str], Floats] = {}

    def run(self, draws: Draws, progress: bool) -> Floats:
        """Return the scores (draws, n)."""
        if self.plan.perturb:
            self.factors = weight_factors(self.plan, int(draws.noise.max()) + 1)
        scores = np.empty((len(draws.omitted), self.sample.n))
        triples = np.stack([draws.normalise, draws.weights, draws.aggregate], axis=1)
        with warnings.catch_warnings(), _bar(len(scores), progress) as advance:
            warnings.simplefilter("ignore")  # of constant indicators, said once before
            for triple in np.unique(triples, axis=0):
                rows = np.flatnonzero((triples == triple).all(axis=1))
                for start in range(0, len(rows), self.size):
                    batch = rows[start : start + self.size]
                    scores[batch] = self._batch(triple, _take(draws, batch))
                    advance(len(batch))
        return scores

    def _batch(self, triple: NDArray[np.int64], draws: Draws) -> Floats:
        plan, kept = self.plan, self.kept[draws.omitted]
        how = plan.normalise[triple[0]]
        if plan.error.any():
            x = error_factors(plan, draws.error) * self.sample.x
            z = normalised(how, self.sample, x, kept)
            w = weighed(plan.weights[triple[1]], self.sample, z, x, kept)
        else:
            z = self._fixed(how)
            w = self._fixed_weights(how, plan.weights[triple[1]])[draws.omitted]
        if plan.perturb:
            w = w * self.factors[draws.noise]
            w /= w.sum(axis=1, keepdims=True)
        return aggregated(plan.aggregate[triple[2]], self.sample, z, w, kept)

    def _fixed(self, how: str) -> Floats:
        if how not in self._normalised:
            everything, x = self.kept[-1:], self.sample.x[None]
            self._normalised[how] = normalised(how, self.sample, x, everything)
        return self._normalised[how]

    def _fixed_weights(self, how: str, method: str) -> Floats:
        """Return weights (m + 1, m) by indicator that is left out, the last row for none."""
        if (how, method) not in self._weights:
            used = slice(None) if self.plan.omit else slice(-1, None)
            w = np.zeros(self.kept.shape)
            z, x = self._fixed(how), self.sample.x[None]
            w[used] = weighed(method, self.sample, z, x, self.kept[used])
            self._weights[how, method] = w
        return self._weights[how, method]


@contextmanager
def _bar(total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar, if wanted, and give the function that moves it on."""
    if not shown:
        yield lambda count: None
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("draws", total=total)
        yield lambda count: bar.advance(task, count)


def case(plan: Design, draws: Draws, draw: int) -> tuple[Recipe, IndicatorMatrix]:
    """Return the recipe of one draw and the matrix it is fitted to."""
    values = plan.matrix.values
    if plan.error.any():
        factors = np.empty(values.shape)
        factors[_order(plan)] = error_factors(plan, draws.error[[draw]])[0].T
        values = values * factors
    keys = [key for j, key in enumerate(values.columns) if j != draws.omitted[draw]]
    names = (getattr(plan, stage)[getattr(draws, stage)[draw]] for stage in STAGES)
    return Recipe(*names), replace(plan.matrix, values=values).select(keys)


def refit(plan: Design, draws: Draws, draw: int) -> pd.Series:
    """Return the scores of one draw on every row, made by a recipe without any batch."""
    recipe, matrix = case(plan, draws, draw)
    index = recipe.fit(matrix)
    if not plan.perturb:
        return index.scores
    factors = weight_factors(plan, int(draws.noise[draw]) + 1)[-1]
    w = index.weights * pd.Series(factors, index=plan.error.index)[index.weights.index]
    data = {
        "z": index.normalised.to_numpy(),
        "w": (w / w.sum()).to_numpy(),
        "dimension": matrix.dimension.astype(str).to_numpy(),
    }
    scores = call(aggregate.METHODS[recipe.aggregate], data)
    return pd.Series(scores, index=index.scores.index, name="score")


def first_recipe(plan: Design) -> Recipe:
    """Return the first combination that fits."""
    a, b, c = plan.triples[0]
    return Recipe(plan.normalise[a], plan.weights[b], plan.aggregate[c])


def baseline_ranks(plan: Design, recipe: Recipe) -> pd.Series:
    """Return ranks by province in the year, under a recipe and without any noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant indicators, said once before
        scores = recipe.fit(plan.matrix).scores.xs(plan.year, level="year")[plan.provinces]
    ranks = ranks_of(scores.to_numpy()[None])[0]
    return pd.Series(ranks.astype(np.int64), index=plan.provinces, name="baseline")


def choices(plan: Design, draws: Draws) -> pd.DataFrame:
    """Return the choices of each draw by name; no indicator left out is missing."""
    columns = {
        stage: pd.Categorical.from_codes(getattr(draws, stage), categories=getattr(plan, stage))
        for stage in STAGES
    }
    keys = list(plan.matrix.values.columns)
    omitted = np.where(draws.omitted < len(keys), draws.omitted, -1)
    columns["omitted"] = pd.Categorical.from_codes(omitted, categories=keys)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(omitted), name="draw"))


@dataclass(frozen=True, eq=False, repr=False)
class RankUncertainty:
    """Ranks of provinces in one year over many draws, made by :func:`uncertainty`.

    Attributes
    ----------
    ranks : ndarray of int, shape (draws, n)
        Rank by draw and province, 1 for the highest score; ties share the
        better rank.
    scores : ndarray, shape (draws, n)
        Scores by draw and province; only those of one draw compare.
    choices : DataFrame
        One row per draw: ``normalise``, ``weights``, ``aggregate`` and
        ``omitted``, missing where no indicator was left out.
    baseline : Series of int
        Rank by province under `recipe`, without omission or noise.
    recipe : Recipe
        The baseline.
    dropped : DataFrame
        Combinations of methods that do not fit each other or the figures,
        with the reason; they are never drawn.
    year : int
    design : Design
        The options after checks.
    draws : Draws
        The choices as positions, and the streams of random numbers.
    """

    ranks: NDArray[np.integer]
    scores: NDArray[np.float64]
    choices: pd.DataFrame
    baseline: pd.Series
    recipe: Recipe
    dropped: pd.DataFrame
    year: int
    design: Design
    draws: Draws

    @property
    def shifts(self) -> pd.Series:
        """Mean over provinces of the absolute change of rank from the baseline, by draw.

        The average shift in rank of Saisana, Saltelli and Tarantola (2005).
        """
        moved = np.abs(self.ranks.astype(np.int64) - self.baseline.to_numpy())
        return pd.Series(moved.mean(axis=1), index=self.choices.index, name="shift")

    def intervals(self, level: float = 0.9) -> pd.DataFrame:
        """Return how far each province's rank varies over the draws.

        Parameters
        ----------
        level : float
            Share of the draws in the interval; what is outside is split
            equally.

        Returns
        -------
        DataFrame by province
            ``baseline``, ``median``, ``lower`` and ``upper``, all of them
            ranks that occur (no interpolation), and ``shift``, the mean
            absolute change from the baseline.

        Raises
        ------
        nqpf.errors.MethodError
            If the level is not between 0 and 1.
        """
        if not (isinstance(level, Real) and 0 < level < 1):
            raise MethodError(f"level is {level!r}", expected="a share between 0 and 1")
        tail = (1 - level) / 2
        at = np.quantile(self.ranks, [0.5, tail, 1 - tail], axis=0, method="inverted_cdf")
        moved = np.abs(self.ranks.astype(np.int64) - self.baseline.to_numpy())
        table = pd.DataFrame(at.T.astype(np.int64), columns=["median", "lower", "upper"])
        table.index = self.baseline.index
        table.insert(0, "baseline", self.baseline)
        return table.assign(shift=moved.mean(axis=0))

    def probability(self, k: int) -> pd.Series:
        """Return the share of draws in which each province is among the first `k`.

        Raises
        ------
        nqpf.errors.MethodError
            If `k` is not a whole number from 1 to the number of provinces.
        """
        n = self.ranks.shape[1]
        if not (isinstance(k, Integral) and 1 <= k <= n):
            raise MethodError(f"top {k!r} of {n} provinces", expected=f"1 to {n}")
        share = (self.ranks <= k).mean(axis=0)
        return pd.Series(share, index=self.baseline.index, name=f"top {k}")

    def above(self) -> pd.DataFrame:
        """Return the share of draws in which one province (row) is above another (column).

        A tie counts one half, so that entry (i, j) and entry (j, i) add up to 1.
        """
        n = self.ranks.shape[1]
        share = np.empty((n, n))
        for i in range(n):
            own = self.ranks[:, [i]]
            share[i] = ((own < self.ranks).mean(axis=0) + (own <= self.ranks).mean(axis=0)) / 2
        labels = self.baseline.index
        return pd.DataFrame(share, index=labels, columns=labels.rename("other"))

    def refit(self, draw: int) -> pd.Series:
        """Compute one draw again, by a :class:`~nqpf.index.Recipe` on its matrix alone.

        Returns
        -------
        Series on (province, year)
            Scores of all rows; those of the year are ``scores[draw]`` up to
            rounding.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such draw.
        """
        if not (isinstance(draw, Integral) and 0 <= draw < len(self.ranks)):
            raise MethodError(f"draw {draw!r} of {len(self.ranks)}", expected="its position from 0")
        return refit(self.design, self.draws, int(draw))

    def _caption(self) -> str:
        draws, n = self.ranks.shape
        noise = []
        if self.design.perturb:
            noise.append(f"weights changed by up to {self.design.perturb:.0%}")
        if self.design.error.any():
            noise.append(f"measurement error of up to {self.design.error.max():.1%}")
        text = f"{draws:,} draws of {n} ranks, {self.year}; baseline {self.recipe}"
        return "; ".join([text, *noise, f"{len(self.dropped)} combinations dropped"])

    def __repr__(self) -> str:
        return f"<RankUncertainty {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.intervals().sort_values(["median", "baseline"], kind="stable")
        table = table.set_axis(names(table.index))
        return (
            f"<p>{html.escape(self._caption())}</p>\n{table.to_html(float_format='{:.2f}'.format)}"
        )


def uncertainty(
    matrix: IndicatorMatrix,
    draws: int = 10_000,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = NORMALISE,
    weights: str | Sequence[str] = WEIGHTS,
    aggregate: str | Sequence[str] = AGGREGATE,
    omit: bool = True,
    error: Error = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
    baseline: Recipe | None = None,
    progress: bool = False,
) -> RankUncertainty:
    """Draw the choices behind an index at random and rank the provinces each time.

    Each draw takes one combination of normalisation, weights and aggregation,
    all that fit each other being equally likely; leaves out one indicator or
    none, all m + 1 cases being equally likely; multiplies every figure by an
    error; and multiplies every weight by a factor, after which weights sum to
    1 again. The analysis is that of Saisana, Saltelli and Tarantola (2005,
    *Journal of the Royal Statistical Society A* 168, 307-323) and of the
    OECD/JRC *Handbook on Constructing Composite Indicators* (2008, step 7).

    Parameters
    ----------
    matrix : IndicatorMatrix
        Indicators on all provinces and years; normalisation and weights use
        every row of it.
    draws : int
        Number of draws. A longer run begins with the draws of a shorter one.
    seed : int
        Start of the random numbers, zero or more.
    normalise, weights, aggregate : str or sequence of str
        Names of methods that need no options.
    omit : bool
        Whether an indicator may be left out.
    error : float, mapping or Series by indicator
        Relative standard deviation of the measurement error, 0.05 for 5 %.
        Errors are log-normal factors of mean 1, so no figure changes its
        sign, independent over rows and indicators. An indicator that does
        not vary has none.
    perturb : float
        Largest relative change of a weight: factors are uniform between
        1 - perturb and 1 + perturb, the "noise factor" of the R package COINr.
    year : int or None
        Year to rank; the last one when None.
    baseline : Recipe or None
        What ranks are compared with; the first combination of methods that
        fits when None.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    RankUncertainty

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing (named by province, year and indicator), there
        is no such year, fewer than two provinces to rank, or only one
        indicator varies and may be left out.
    nqpf.errors.MethodError
        If a method is unknown or needs options, no combination fits, or
        `draws`, `seed`, `error` or `perturb` is out of range.
    nqpf.errors.EstimationError
        If a draw has no scores, as when coupling loses all of a dimension.

    Notes
    -----
    Memory grows with draws times provinces; figures with errors are made in
    small batches and not kept. Scores are rounded to 12
    decimals before ranking, so that provinces whose scores differ by
    rounding alone are tied.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame(
    ...     {"a": [6.8, 4.4, 3.4], "b": [9.0, 8.0, 1.0], "c": [1.0, 3.0, 2.0]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> result = uncertainty(matrix, draws=500, error=0.05, perturb=0.25)
    >>> result.intervals()[["baseline", "median", "lower", "upper"]]
              baseline  median  lower  upper
    province
    110000           2       2      1      3
    310000           1       1      1      2
    440000           3       3      2      3
    """
    if not (isinstance(draws, Integral) and draws >= 1):
        raise MethodError(f"draws is {draws!r}", expected="a whole number of one or more")
    plan = design(
        matrix,
        seed=seed,
        normalise=normalise,
        weights=weights,
        aggregate=aggregate,
        omit=omit,
        error=error,
        perturb=perturb,
        year=year,
    )
    recipe = first_recipe(plan) if baseline is None else baseline
    drawn = random_draws(plan, int(draws))
    scores = score(plan, drawn, progress)
    return RankUncertainty(
        ranks=ranks_of(scores),
        scores=scores,
        choices=choices(plan, drawn),
        baseline=baseline_ranks(plan, recipe),
        recipe=recipe,
        dropped=plan.dropped,
        year=plan.year,
        design=plan,
        draws=drawn,
    )


@dataclass(frozen=True, eq=False, repr=False)
class SobolIndices:
    """Shares of the variance of each output (row) that each factor (column) explains.

    Attributes
    ----------
    first, total : DataFrame, output by factor
        First-order index: the share that the factor explains by itself.
        Total index: the share that involves it, with all interactions.
        Missing for an output that never varies. Estimates; they can lie
        slightly outside [0, 1].
    first_margin, total_margin : DataFrame, output by factor
        Half the width of the bootstrap confidence interval.
    mean, variance : Series by output
    runs : int
        Evaluations of the function, samples times (factors + 2).
    confidence : float
    """

    first: pd.DataFrame
    total: pd.DataFrame
    first_margin: pd.DataFrame
    total_margin: pd.DataFrame
    mean: pd.Series
    variance: pd.Series
    runs: int
    confidence: float

    def __repr__(self) -> str:
        outputs, factors = self.first.shape
        return f"<SobolIndices of {outputs} outputs by {factors} factors, {self.runs:,} runs>"

    def of(self, output: object) -> pd.DataFrame:
        """Return ``first``, ``first_margin``, ``total`` and ``total_margin`` by factor.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such output.
        """
        if output not in self.first.index:
            known = ", ".join(map(str, self.first.index))
            raise MethodError(f"no output {output!r}", expected=f"one of {known}")
        columns = ("first", "first_margin", "total", "total_margin")
        return pd.DataFrame({name: getattr(self, name).loc[output] for name in columns})


def sobol_indices(
    function: Callable[[Floats], pd.DataFrame],
    factors: Sequence[str],
    samples: int = 1024,
    seed: int = 0,
    confidence: float = 0.95,
    resamples: int = 200,
) -> SobolIndices:
    """Estimate the Sobol indices of the outputs of a function of uniform factors.

    SALib draws a scrambled Sobol sequence in Saltelli's design and applies
    the estimators of Saltelli et al. (2010, *Computer Physics Communications*
    181, 259-270), Jansen's for the total index.

    Parameters
    ----------
    function : callable
        Takes an array (runs, factors) of numbers in [0, 1), independent and
        uniform, and returns a frame with a row per run and a column per output.
    factors : sequence of str
        Names of the factors.
    samples : int
        Base samples, a power of two of at least 2; the function is evaluated
        samples times (factors + 2) times.
    seed : int
        Of the scrambling and of the bootstrap, zero or more.
    confidence : float
        Level of the intervals, between 0 and 1.
    resamples : int
        Bootstrap samples behind the intervals, two or more.

    Returns
    -------
    SobolIndices

    Raises
    ------
    nqpf.errors.MethodError
        If there is no factor, or `samples`, `seed`, `confidence` or
        `resamples` is out of range.

    Examples
    --------
    In y = 2 a + b the first factor has four times the variance of the other:

    >>> result = sobol_indices(
    ...     lambda u: pd.DataFrame({"y": 2 * u[:, 0] + u[:, 1]}), ["a", "b"])
    >>> result.of("y").round(2)[["first", "total"]].to_numpy().tolist()
    [[0.8, 0.8], [0.2, 0.2]]
    """
    from SALib.analyze import sobol as analyse
    from SALib.sample import sobol as draw

    _check(factors, samples, seed, confidence, resamples)
    names = list(factors)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    u = draw.sample(problem, int(samples), calc_second_order=False, scramble=True, seed=int(seed))
    outputs = function(np.minimum(u, np.nextafter(1.0, 0.0)))
    parts = {key: [] for key in ("S1", "ST", "S1_conf", "ST_conf")}
    for _, column in outputs.items():
        y = column.to_numpy(dtype=np.float64)
        if np.ptp(y) == 0.0:  # nothing to explain, and SALib would divide by zero
            found = dict.fromkeys(parts, np.full(len(names), np.nan))
        else:
            found = analyse.analyze(
                problem,
                y,
                calc_second_order=False,
                num_resamples=int(resamples),
                conf_level=float(confidence),
                seed=int(seed) + 1,  # SALib takes a seed of zero for none
            )
        for key, values in parts.items():
            values.append(found[key])
    first, total, first_margin, total_margin = (
        pd.DataFrame(values, index=outputs.columns, columns=names) for values in parts.values()
    )
    return SobolIndices(
        first=first,
        total=total,
        first_margin=first_margin,
        total_margin=total_margin,
        mean=outputs.mean(),
        variance=outputs.var(ddof=0),
        runs=len(u),
        confidence=float(confidence),
    )


def _check(
    factors: Sequence[str], samples: int, seed: int, confidence: float, resamples: int
) -> None:
    if not len(factors):
        raise MethodError("nothing varies", expected="a factor that takes two or more values")
    whole = isinstance(samples, Integral) and samples >= 2
    if not (whole and int(samples) & (int(samples) - 1) == 0):
        raise MethodError(
            f"samples is {samples!r}",
            expected="a power of two of at least 2",
            hint="a Sobol sequence is balanced at powers of two only; try 1024",
        )
    if not (isinstance(seed, Integral) and seed >= 0):
        raise MethodError(f"seed is {seed!r}", expected="a whole number of zero or more")
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise MethodError(f"confidence is {confidence!r}", expected="a share between 0 and 1")
    if not (isinstance(resamples, Integral) and resamples >= 2):
        raise MethodError(f"resamples is {resamples!r}", expected="a whole number of two or more")


@dataclass(frozen=True, eq=False, repr=False)
class RankSensitivity:
    """What moves the ranks of provinces, made by :func:`sensitivity`.

    Attributes
    ----------
    ranks : SobolIndices
        Of the rank of each province.
    shift : DataFrame by factor
        Of the average shift in rank: ``first``, ``first_margin``, ``total``
        and ``total_margin``.
    interaction : float
        Share of the variance of the average shift that no factor explains by
        itself, 1 minus the sum of the first-order indices.
    mean_shift : float
        Mean of the average shift over the runs, in ranks.
    baseline : Series of int
        Rank by province under `recipe`.
    recipe : Recipe
    year : int
    runs : int
    """

    ranks: SobolIndices
    shift: pd.DataFrame
    interaction: float
    mean_shift: float
    baseline: pd.Series
    recipe: Recipe
    year: int
    runs: int

    def _caption(self) -> str:
        return (
            f"Sobol indices of the average shift in rank, {self.year}: {self.runs:,} runs, mean "
            f"shift {self.mean_shift:.2f} ranks, {self.interaction:.0%} explained by no factor "
            f"alone; baseline {self.recipe}"
        )

    def __repr__(self) -> str:
        return f"<RankSensitivity {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.shift.to_html(float_format="{:.3f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


def sensitivity(
    matrix: IndicatorMatrix,
    samples: int = 1024,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = NORMALISE,
    weights: str | Sequence[str] = WEIGHTS,
    aggregate: str | Sequence[str] = AGGREGATE,
    omit: bool = True,
    error: Error = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
    baseline: Recipe | None = None,
    confidence: float = 0.95,
    resamples: int = 200,
    progress: bool = False,
) -> RankSensitivity:
    """Say which choice behind an index moves the ranks of provinces.

    The factors are those options that vary: ``normalise``, ``weights``,
    ``aggregate``, ``omit``, ``error`` and ``perturb``, as in
    :func:`~nqpf.compare.uncertainty`. A factor with k levels takes
    level floor(k u) of its uniform number u; for ``error`` and ``perturb`` the
    number stands for one draw of the whole noise, the trigger factor of
    Saisana, Saltelli and Tarantola (2005).

    Parameters
    ----------
    matrix : IndicatorMatrix
    samples : int
        Base samples, a power of two; the index is computed
        samples times (factors + 2) times.
    seed : int
    normalise, weights, aggregate, omit, error, perturb, year, baseline, progress
        As in :func:`~nqpf.compare.uncertainty`.
    confidence, resamples
        As in :func:`~nqpf.compare.certainty.sobol_indices`.

    Returns
    -------
    RankSensitivity

    Raises
    ------
    nqpf.errors.MethodError
        If two methods do not fit each other: factors would not be
        independent, so no combination can be dropped here. If nothing
        varies, or an option is out of range.
    nqpf.errors.SampleError
        As :func:`~nqpf.compare.uncertainty`.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product([[11, 31, 44, 65], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame(
    ...     {"a": [6.8, 4.4, 3.4, 1.0], "b": [9.0, 8.0, 1.0, 2.0], "c": [1.0, 3.0, 5.0, 4.0]}, rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> result = sensitivity(matrix, samples=256, perturb=0.2)
    >>> result.shift["total"].idxmax(), result.runs
    ('omit', 1792)
    """
    plan = design(
        matrix,
        seed=seed,
        normalise=normalise,
        weights=weights,
        aggregate=aggregate,
        omit=omit,
        error=error,
        perturb=perturb,
        year=year,
    )
    if len(plan.dropped):
        worst = plan.dropped.iloc[0]
        raise MethodError(
            f"{len(plan.dropped)} combinations cannot be used: {worst['reason']}",
            where=worst.drop("reason").to_dict(),
            expected="methods that all fit each other, as the factors must be independent",
            hint="leave one of these methods out",
        )
    recipe = first_recipe(plan) if baseline is None else baseline
    before = baseline_ranks(plan, recipe)
    factors = _factors(plan)

    def outputs(u: Floats) -> pd.DataFrame:
        drawn = _mapped(plan, factors, u)
        ranks = ranks_of(score(plan, drawn, progress)).astype(np.int64)
        shift = np.abs(ranks - before.to_numpy()).mean(axis=1)
        return pd.DataFrame(ranks, columns=list(before.index)).assign(shift=shift)

    found = sobol_indices(outputs, list(factors), samples, seed, confidence, resamples)
    return RankSensitivity(
        ranks=_without_shift(found),
        shift=found.of("shift"),
        interaction=float(1.0 - found.first.loc["shift"].sum()),
        mean_shift=float(found.mean["shift"]),
        baseline=before,
        recipe=recipe,
        year=plan.year,
        runs=found.runs,
    )


def _without_shift(found: SobolIndices) -> SobolIndices:
    tables = {
        name: value.drop("shift").rename_axis("province")
        for name, value in vars(found).items()
        if isinstance(value, pd.DataFrame | pd.Series)
    }
    return SobolIndices(**tables, runs=found.runs, confidence=found.confidence)


def _factors(plan: Design) -> dict[str, int]:
    """Return the factors that vary, with the number of levels, 0 for one that is continuous."""
    levels = {stage: len(getattr(plan, stage)) for stage in ("normalise", "weights", "aggregate")}
    levels = {stage: count for stage, count in levels.items() if count > 1}
    if plan.omit:
        levels["omit"] = len(plan.error) + 1
    levels |= {"error": 0} if plan.error.any() else {}
    return levels | ({"perturb": 0} if plan.perturb else {})


def _mapped(plan: Design, factors: dict[str, int], u: Floats) -> Draws:
    nothing = np.zeros(len(u), dtype=np.int64)
    columns = {
        "normalise": nothing,
        "weights": nothing,
        "aggregate": nothing,
        "omit": np.full(len(u), len(plan.error)),
        "error": nothing,
        "perturb": nothing,
    }
    for place, (name, count) in enumerate(factors.items()):
        own = u[:, place]
        # The same number is the same draw of the noise, wherever the design uses it again.
        columns[name] = (
            (own * count).astype(np.int64) if count else np.unique(own, return_inverse=True)[1]
        )
    return Draws(
        normalise=columns["normalise"],
        weights=columns["weights"],
        aggregate=columns["aggregate"],
        omitted=columns["omit"],
        error=columns["error"],
        noise=columns["perturb"],
    )
