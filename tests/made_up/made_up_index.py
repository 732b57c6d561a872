"""Made-up matrices and weights for tests of composite indices."""

import dataclasses
import os
import subprocess
import sys

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
from hypothesis import assume, settings
from hypothesis import strategies as st

from nqpf.compare.certainty import _error_factors, _weight_factors
from nqpf.index import Index, Recipe
from nqpf.index.recipe import _call
from nqpf.systems import IndicatorMatrix

PROVINCES, YEARS = [110000, 310000, 440000, 650000], [2020, 2021, 2022]
DIMENSION = {"rd": "labour", "patents": "labour", "so2": "green", "energy": "green"}
DIMENSION["rail"] = "means"
COSTS = ("so2", "energy")

FEW = settings(max_examples=settings.default.max_examples // 3)  # for what is fitted each time
UNIT = st.one_of(st.integers(0, 4).map(lambda k: k / 4), st.floats(0, 1))


def made_matrix(values=None, dimension=None):
    """Return four provinces, three years, five indicators and three dimensions."""
    if values is None:
        rows = pd.MultiIndex.from_product([PROVINCES, YEARS], names=["province", "year"])
        drawn = np.random.default_rng(5).lognormal(size=(len(rows), len(DIMENSION)))
        values = pd.DataFrame(drawn, index=rows, columns=list(DIMENSION))
    benefit = pd.Series({key: key not in COSTS for key in values})
    return IndicatorMatrix(values, benefit, pd.Series(dimension or DIMENSION)[list(values)])


def matrix_of(x, benefit=True, years=2022, dimension="all"):
    """Return figures (N, m) of provinces 0, 1, ... as indicators a, b, ..."""
    x = np.asarray(x, dtype=float)
    keys = [chr(ord("a") + j) for j in range(x.shape[1])]
    rows = [np.arange(len(x)), np.broadcast_to(years, len(x))]
    values = pd.DataFrame(x, pd.MultiIndex.from_arrays(rows, names=["province", "year"]), keys)
    return IndicatorMatrix(values, pd.Series(benefit, keys), pd.Series(dimension, keys))


def choices(result):
    """Return the methods of every draw of `uncertainty`, and the indicator left out or None."""
    names = [*result.plan.methods, [*result.plan.matrix.values, None]]
    stages = ("normalise", "weights", "aggregate", "omitted")
    parts = zip(stages, names, result.draws.T, strict=False)
    return pd.DataFrame({key: np.array(own, dtype=object)[at] for key, own, at in parts})


def case(result, draw):
    """Return the recipe of one draw of `uncertainty` and the matrix, with errors, that it fits."""
    plan, own = result.plan, result.draws[draw]
    values = plan.matrix.values.iloc[plan.order] * _error_factors(plan, own[[4]])[0].T
    kept = [key for j, key in enumerate(values.columns) if j != own[3]]
    return plan.recipe(own), dataclasses.replace(plan.matrix, values=values).select(kept)


def refitted(result, draw):
    """Return scores of one draw of `uncertainty` by (province, year), from its recipe alone."""
    recipe, matrix = case(result, draw)
    index = recipe.fit(matrix)
    factors = _weight_factors(result.plan, int(result.draws[draw, 5]) + 1)[-1]
    w = index.weights * pd.Series(factors, result.plan.matrix.values.columns)[index.weights.index]
    data = {"z": index.normalised.to_numpy(), "w": (w / w.sum()).to_numpy()}
    data["dimension"] = matrix.dimension.astype(str).to_numpy()
    return pd.Series(_call("aggregate", recipe.aggregate, data), index.scores.index)


@st.composite
def weighted(draw, elements=UNIT, rows=(1, 9), columns=(1, 5)):
    """Draw a matrix and weights that sum to 1, some of them zero."""
    n, m = draw(st.integers(*rows)), draw(st.integers(*columns))
    z = draw(arrays.arrays(np.float64, (n, m), elements=elements))
    w = draw(arrays.arrays(np.float64, m, elements=st.integers(0, 9).map(float)))
    assume(w.sum() > 0)
    return z, w / w.sum()


def compromise(z, w, v=0.5):
    """Rank the rows of a matrix by VIKOR; labels are positions."""
    z = np.asarray(z, dtype=float)
    rows = pd.MultiIndex.from_product([range(len(z)), [2022]], names=["province", "year"])
    normalised, weights = pd.DataFrame(z, rows), pd.Series(np.asarray(w, dtype=float))
    index = Index(pd.Series(0.0, rows), weights, normalised, Recipe(), None)
    result = index.compromise(2022, v)
    result.table.index = result.table.index.astype(int)
    return result


def measures(z, w, v=0.5):
    """Return S, R and Q of VIKOR in the order of the rows."""
    return compromise(z, w, v).table.sort_index()[["S", "R", "Q"]].to_numpy().T


def printed_by_threads(program):
    """Return what a program prints with one thread and with several, which should be one text."""
    names, printed = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), set()
    for threads in ("1", "4"):
        own = {"PYTHONPATH": os.pathsep.join(sys.path), **dict.fromkeys(names, threads)}
        command = [sys.executable, "-c", program]
        run = subprocess.run(command, env=os.environ | own, capture_output=True, check=True)
        printed.add(run.stdout)
    return printed
