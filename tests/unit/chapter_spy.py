"""Watches, inside a kernel, which measures a chapter relates to which variables.

Columns are known by their values, not by their names: a score by the indicators that the recipe
which made it was given, a variable by equality, up to place and scale, with one that
``data/multiverse/grid.yaml`` declares, in the measure's year or one next to it. A chapter may
thus rename, standardise, rank, difference or take the logarithm of anything.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

ROOMS = ("nqpf.regress", "nqpf.space", "nqpf.dynamics.convergence")
MODELS = {
    "linearmodels.panel": ("PanelOLS", "RandomEffects", "PooledOLS", "FirstDifferenceOLS"),
    "linearmodels.iv": ("IV2SLS", "IVGMM", "IVLIML"),
    "statsmodels.api": ("OLS", "WLS", "GLS"),
    "pyfixest": ("feols", "did2s", "lpdid", "event_study"),
}
SHIFTS = {"lagged": 1, "lead_placebo": -1}  # years that a function itself puts between the two
ALIKE = 1 - 1e-9

scores: list[tuple[pd.Series, frozenset[str]]] = []
found: list[dict[str, str]] = []
seen: list[str] = []
exhibit = False  # set by the test around a cell that shows what circularity does


def install() -> None:
    """Watch every estimator that a chapter can import, and every score that it computes."""
    import importlib

    from nqpf.compare import measures as measured
    from nqpf.index import Recipe

    fit = Recipe.fit

    @functools.wraps(fit)
    def fitted(self, matrix, *args, **options):
        result = fit(self, matrix, *args, **options)
        scores.append((result.scores, frozenset(matrix.values.columns)))
        return result

    Recipe.fit = fitted
    module = importlib.import_module(measured.__module__)
    log_tfp = module.log_tfp

    def tfp(*args, **options):
        result = log_tfp(*args, **options)
        scores.append((result, frozenset({"labour_productivity"})))
        return result

    module.log_tfp = tfp
    for room in ROOMS:
        face = importlib.import_module(room)
        for name in face.__all__:
            if _estimates(getattr(face, name)):
                setattr(face, name, _watched(getattr(face, name)))
    for place, names in MODELS.items():
        try:
            face = importlib.import_module(place)
        except ImportError:  # a model that no chapter can use then
            continue
        for name in names:
            if hasattr(face, name):
                setattr(face, name, _watched(getattr(face, name)))


def _estimates(function: object) -> bool:
    if not inspect.isfunction(function):
        return False
    return function.__name__ == "beta" or "outcome" in inspect.signature(function).parameters


def _watched(estimator):
    @functools.wraps(estimator, updated=())
    def watched(*args, **options):
        _look(estimator.__name__, [*args, *options.values()])
        return estimator(*args, **options)

    return watched


def _look(name: str, given: list[object]) -> None:
    columns = list(_columns(given))
    if not columns:
        return
    seen.append(name)
    shift = SHIFTS.get(name, 0)
    measures = [(own, held) for own in columns for held in [_measure(own)] if held]
    for own, held in measures:
        for other in columns:
            if other is own:
                continue
            for variable, lead in _variable(other):
                from nqpf.compare import holders

                inside = held & set(holders(variable, lead + shift))
                if inside and not exhibit:
                    found.append(
                        {
                            "estimator": name,
                            "measure": str(own.name),
                            "variable": f"{variable} {lead + shift:+d} ({other.name})",
                            "by": ", ".join(sorted(inside)),
                        }
                    )


def _columns(given: list[object]) -> Iterator[pd.Series]:
    """Yield the columns of tables that a call names; all of them where it names none."""
    tables = [one for one in given if isinstance(one, pd.DataFrame)]
    words = {word for one in given for word in _words(one)}
    named = any(column in words for table in tables for column in table.columns)
    for table in tables:
        keyed = (
            table.set_index([k for k in ("province", "year") if k in table.columns], append=False)
            if {"province", "year"} <= set(map(str, table.columns))
            else table
        )
        for column in keyed.columns:
            if column in words or not named:
                yield keyed[column]
    yield from (one for one in given if isinstance(one, pd.Series))


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from re.findall(r"\w+", value)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _words(one)
    elif isinstance(value, dict):
        for one in (*value, *value.values()):
            yield from _words(one)


def _forms(series: pd.Series) -> list[np.ndarray]:
    """Return a series as it is, in logarithms, ranked by year and differenced, on the grid."""
    series = series.dropna()
    forms = [series, series.groupby(level="year").rank(), series.groupby(level="province").diff()]
    if (series > 0).all():
        forms.append(np.log(series))
    return [form.reindex(_cells()).to_numpy(dtype=float) for form in forms]


@functools.cache
def _cells() -> pd.MultiIndex:
    from nqpf import provinces

    return pd.MultiIndex.from_product(
        [provinces.codes(), range(2005, 2026)], names=["province", "year"]
    )


def _alike(column: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which rows of `known` are the column, up to place and scale, where both exist."""
    both = np.isfinite(known) & np.isfinite(column)
    number = both.sum(axis=1)
    pair = [np.where(both, values, 0.0) for values in (known, np.broadcast_to(column, known.shape))]
    centred = [np.where(both, v - (v.sum(1) / np.maximum(number, 1))[:, None], 0.0) for v in pair]
    sizes = [np.sqrt((v**2).sum(axis=1)) for v in centred]
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (centred[0] * centred[1]).sum(axis=1) / (sizes[0] * sizes[1])
    return (number >= 30) & (np.abs(r) > ALIKE)


def _on_grid(series: pd.Series) -> np.ndarray | None:
    keyed = sorted(map(str, series.index.names)) == ["province", "year"]
    if not keyed or not pd.api.types.is_numeric_dtype(series) or not series.index.is_unique:
        return None
    ordered = series.reorder_levels(["province", "year"])
    return ordered.reindex(_cells()).to_numpy(dtype=float)


def _measure(series: pd.Series) -> frozenset[str]:
    """Return the indicators in a column, if it is a measure."""
    column = _on_grid(series)
    if column is None or not scores:
        return frozenset()
    return _of_measures(column.tobytes(), len(scores))


@functools.cache
def _of_measures(column: bytes, number: int) -> frozenset[str]:
    table, held = _known_scores(number)
    same = _alike(np.frombuffer(column), table)
    return frozenset().union(*(held[i] for i in np.flatnonzero(same)))


@functools.cache
def _known_scores(number: int) -> tuple[np.ndarray, list[frozenset[str]]]:
    forms = [(form, held) for score, held in scores[:number] for form in _forms(score)]
    return np.array([form for form, _ in forms]), [held for _, held in forms]


@functools.cache
def _declared() -> tuple[np.ndarray, list[tuple[str, int]]]:
    from nqpf import Panel
    from nqpf.compare import variables

    known = variables(Panel.load())
    rows, names = [], []
    for name in known:
        for lead in (-1, 0, 1):
            own = known[name].dropna()
            keys = [own.index.get_level_values(0), own.index.get_level_values(1) - lead]
            moved = pd.MultiIndex.from_arrays(keys, names=own.index.names)
            for form in _forms(pd.Series(own.to_numpy(), moved)):
                rows.append(form)
                names.append((name, lead))
    return np.array(rows), names


def _variable(series: pd.Series) -> list[tuple[str, int]]:
    """Return the declared variables, with their lead, that a column is."""
    column = _on_grid(series)
    return [] if column is None else _of_variables(column.tobytes())


@functools.cache
def _of_variables(column: bytes) -> list[tuple[str, int]]:
    rows, names = _declared()
    return sorted({names[i] for i in np.flatnonzero(_alike(np.frombuffer(column), rows))})
