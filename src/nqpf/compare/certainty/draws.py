"""Draws of an index: random choices and noise, scored in batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.compare.certainty import batches as _batches
from nqpf.compare.certainty.batches import Floats, Sample
from nqpf.compare.certainty.design import STAGES, Design
from nqpf.index import Recipe, aggregate

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

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
            z = _batches.normalised(how, self.sample, x, kept)
            w = _batches.weighed(plan.weights[triple[1]], self.sample, z, x, kept)
        else:
            z = self._fixed(how)
            w = self._fixed_weights(how, plan.weights[triple[1]])[draws.omitted]
        if plan.perturb:
            w = w * self.factors[draws.noise]
            w /= w.sum(axis=1, keepdims=True)
        return _batches.aggregated(plan.aggregate[triple[2]], self.sample, z, w, kept)

    def _fixed(self, how: str) -> Floats:
        if how not in self._normalised:
            everything, x = self.kept[-1:], self.sample.x[None]
            self._normalised[how] = _batches.normalised(how, self.sample, x, everything)
        return self._normalised[how]

    def _fixed_weights(self, how: str, method: str) -> Floats:
        """Return weights (m + 1, m) by indicator that is left out, the last row for none."""
        if (how, method) not in self._weights:
            used = slice(None) if self.plan.omit else slice(-1, None)
            w = np.zeros(self.kept.shape)
            z, x = self._fixed(how), self.sample.x[None]
            w[used] = _batches.weighed(method, self.sample, z, x, self.kept[used])
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
    scores = _batches.call(aggregate.METHODS[recipe.aggregate], data)
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
