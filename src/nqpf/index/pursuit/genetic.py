"""A real-coded genetic algorithm for the direction of the largest projection index."""

from __future__ import annotations

import numpy as np

from nqpf.errors import MethodError
from nqpf.index._arrays import Floats
from nqpf.index.pursuit.density import unit, values
from nqpf.index.pursuit.search import TOLERANCE, Search

# Generations with hardly a gain after which the population counts as converged.
_REST = 20


def genetic(
    columns: Floats,
    radius: float,
    seed: int,
    *,
    population: int = 400,
    generations: int = 100,
    crossover: float = 0.8,
    mutation: float = 0.1,
    elite: int = 20,
) -> Search:
    """Evolve a population of directions; see `projection_pursuit` for the operators."""
    _check(population, generations, crossover, mutation, elite)
    rng = np.random.default_rng(seed)
    parents = unit(rng.random((population, len(columns))))
    fitness = values(parents, columns, radius)
    best = []
    for generation in range(generations):
        width = 0.3 * (1.0 - generation / generations) ** 2
        children = _offspring(parents, fitness, crossover, mutation, width, rng)
        scores = values(children, columns, radius)
        old = np.argsort(-fitness, kind="stable")[:elite]
        new = np.argsort(-scores, kind="stable")[: population - elite]
        parents = np.concatenate([parents[old], children[new]])
        fitness = np.concatenate([fitness[old], scores[new]])
        best.append(fitness.max())
    gained = best[-1] - best[-1 - _REST] if generations > _REST else best[-1]
    return Search(
        parents[fitness.argmax()],
        population,
        generations,
        population * (generations + 1),
        bool(gained <= TOLERANCE * best[-1]),
    )


def _offspring(
    parents: Floats,
    fitness: Floats,
    crossover: float,
    mutation: float,
    width: float,
    rng: np.random.Generator,
) -> Floats:
    """Return as many children as parents: tournaments of two, crossover, mutation."""
    size, m = parents.shape
    first, second = rng.integers(size, size=(2, 2 * size))
    winners = np.where(fitness[first] > fitness[second], first, second)
    mother, father = parents[winners[:size]], parents[winners[size:]]
    share = rng.uniform(-0.25, 1.25, size=(size, m))
    crossed = rng.random((size, 1)) < crossover
    children = np.where(crossed, share * mother + (1.0 - share) * father, mother)
    mutated = rng.random((size, m)) < mutation
    return unit(children + mutated * width * rng.standard_normal((size, m)))


def _check(
    population: int, generations: int, crossover: float, mutation: float, elite: int
) -> None:
    for name, number, least in (
        ("population", population, 2),
        ("generations", generations, 1),
        ("elite", elite, 1),
    ):
        if not (isinstance(number, int) and number >= least):
            raise MethodError(f"{name} is {number!r}", expected=f"a whole number from {least}")
    if elite >= population:
        raise MethodError(
            f"elite is {elite} and population {population}", expected="fewer elite than population"
        )
    for name, share in (("crossover", crossover), ("mutation", mutation)):
        if not 0.0 <= share <= 1.0:
            raise MethodError(f"{name} is {share!r}", expected="a probability from 0 to 1")
