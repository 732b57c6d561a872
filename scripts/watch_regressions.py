"""Watch, in the kernel of a chapter, which measures its regressions relate to which variables.

An extension of IPython, which scripts/build_book.py loads into every kernel. After each cell it
publishes one message of type :data:`MIME` with the regressions that relate a measure to what it
holds; the build takes it out again and fails for a cell without the tag `circular-exhibit`.

Columns are known by their values, not by their names: a score by the indicators that the recipe
which made it was given, a variable by equality, up to place and scale, with one that
``data/multiverse/grid.yaml`` declares, each in its year or some years next to it. A chapter may
thus rename, standardise, rank, difference, shift or take the logarithm of anything, and set it to
zero in some rows, as for one region's slope.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

MIME = "application/vnd.nqpf.regressions+json"
ROOMS = ("nqpf.regress", "nqpf.space", "nqpf.dynamics.convergence")
MODELS = {
    "linearmodels.panel": ("PanelOLS", "RandomEffects", "PooledOLS", "FirstDifferenceOLS"),
    "linearmodels.iv": ("IV2SLS", "IVGMM", "IVLIML"),
    "statsmodels.api": ("OLS", "WLS", "GLS"),
    "pyfixest": ("feols", "did2s", "lpdid", "event_study"),
}
OTHERS = (*MODELS, "nqpf.index.recipe", "nqpf.compare.measures")
MOVES = (0, 1, 2, -1, -2)  # years by which a chapter may have moved a measure
ALIKE = 1 - 1e-9

scores: list[tuple[pd.Series, frozenset[str]]] = []
found: list[dict[str, str]] = []
seen: list[str] = []


def load_ipython_extension(shell: Any) -> None:
    """Start watching in this IPython."""
    install()
    publish = shell.display_pub.publish

    def start(_info: object) -> None:
        found.clear()
        seen.clear()

    def tell(_result: object) -> None:
        if seen:
            publish(data={MIME: {"seen": list(seen), "found": list(found)}}, metadata={})

    shell.events.register("pre_run_cell", start)
    shell.events.register("post_run_cell", tell)


def install() -> None:
    """Watch, from its import on, every estimator and every score that a chapter uses."""
    for name in [name for name in sys.modules if _is_target(name)]:
        _wrap(sys.modules[name])
    sys.meta_path.insert(0, _Finder())


def _is_target(name: str) -> bool:
    return name in OTHERS or f"{name}.".startswith(tuple(f"{room}." for room in ROOMS))


class _Finder(MetaPathFinder):
    """Finds nothing by itself; lets the next one find a module, and wraps what it holds."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if not _is_target(name):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader.exec_module = _then_wrapped(spec.loader.exec_module)
                return spec
        return None


def _then_wrapped(run: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def ran(module: ModuleType) -> None:
        run(module)
        _wrap(module)

    return ran


def _wrap(module: ModuleType) -> None:
    name = module.__name__
    if name == "nqpf.index.recipe":
        module.Recipe.fit = _kept_score(module.Recipe.fit)
    elif name == "nqpf.compare.measures":
        module._log_tfp = _kept_tfp(module._log_tfp)
    elif name not in MODELS:  # a room or one of its modules
        for one in [one for one in vars(module) if not one.startswith("_")]:
            if _estimates(getattr(module, one)):
                setattr(module, one, _watched(getattr(module, one)))
    else:
        for one in MODELS[name]:
            if hasattr(module, one):
                setattr(module, one, _watched(getattr(module, one)))


def _kept_score(fit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fit)
    def fitted(self: object, matrix: Any, *args: object, **options: object) -> Any:
        result = fit(self, matrix, *args, **options)
        scores.append((result.scores, frozenset(matrix.values.columns)))
        return result

    return fitted


def _kept_tfp(log_tfp: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(log_tfp)
    def level(*args: object, **options: object) -> Any:
        result = log_tfp(*args, **options)
        scores.append((result, frozenset({"labour_productivity"})))
        return result

    return level


def _estimates(function: object) -> bool:
    # A face hands on what its modules hold, watched already.
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        return False
    return function.__name__ == "beta" or "outcome" in inspect.signature(function).parameters


def _watched(estimator: Callable[..., object]) -> Callable[..., object]:
    if inspect.isclass(estimator):  # keeps its class methods, such as PanelOLS.from_formula
        watching = {"__init__": _watched(estimator.__init__), "__doc__": estimator.__doc__}
        return type(estimator.__name__, (estimator,), watching)

    name = estimator.__qualname__.removesuffix(".__init__")

    @functools.wraps(estimator, updated=())
    def watched(*args: object, **options: object) -> object:
        # What the library does inside a call that was already looked at is its own affair.
        if not sys._getframe(1).f_globals.get("__name__", "").startswith("nqpf"):
            _look(name, [*args, *options.values()])
        return estimator(*args, **options)

    return watched


def _look(name: str, given: list[object]) -> None:
    columns = list(_columns(given))
    if not columns:
        return
    seen.append(name)
    from nqpf.compare import holders

    measures = [(column, *one) for column in columns for one in _measure(column)]
    for own, held, moved in measures:
        for other in columns:
            if other is own:
                continue
            for variable, ahead in _variable(other):
                lead = ahead - moved  # years from the measure to the variable
                inside = held & set(holders(variable, lead))
                if inside:
                    found.append(
                        {
                            "estimator": name,
                            "measure": str(own.name),
                            "variable": f"{variable} {lead:+d} ({other.name})",
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
    ordered = ordered[ordered != 0]  # what is left of a variable that is kept in some rows only
    return ordered.reindex(_cells()).to_numpy(dtype=float)


def _measure(series: pd.Series) -> list[tuple[frozenset[str], int]]:
    """Return the indicators in a column, if it is a measure, and the years it was moved by."""
    column = _on_grid(series)
    if column is None or not scores:
        return []
    return _of_measures(column.tobytes(), len(scores))


@functools.cache
def _of_measures(column: bytes, number: int) -> list[tuple[frozenset[str], int]]:
    table, known = _known_scores(number)
    same = [known[i] for i in np.flatnonzero(_alike(np.frombuffer(column), table))]
    moved = {move for _, move in same}
    return [(frozenset().union(*(held for held, m in same if m == move)), move) for move in moved]


@functools.cache
def _known_scores(number: int) -> tuple[np.ndarray, list[tuple[frozenset[str], int]]]:
    forms = [
        (form, (held, move))
        for score, held in scores[:number]
        for move in MOVES
        for form in _forms(_moved(score, move))
    ]
    return np.array([form for form, _ in forms]), [known for _, known in forms]


def _moved(series: pd.Series, ahead: int) -> pd.Series:
    """Return in each year the figure of some years ahead."""
    own = series.dropna().reorder_levels(["province", "year"])
    keys = [own.index.get_level_values(0), own.index.get_level_values(1) - ahead]
    return pd.Series(own.to_numpy(), pd.MultiIndex.from_arrays(keys, names=own.index.names))


@functools.cache
def _declared() -> tuple[np.ndarray, list[tuple[str, int]]]:
    from nqpf import Panel
    from nqpf.multiverse import variables

    known = variables(Panel.load())
    rows, names = [], []
    for name in known:
        for lead in (-1, 0, 1):
            for form in _forms(_moved(known[name], lead)):
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
