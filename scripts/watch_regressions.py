"""Watch, in the kernel of a chapter, which measures its regressions relate to which variables.

An extension of IPython, which scripts/build_book.py loads into every kernel. It has every cell hand
over what it calls before it is called, wherever that came from, and what it gives to a call or
derives a class from; a call inside another module of a chapter's own is not seen. After each cell
it adds to the record of the cell the regressions that relate a measure to what it holds; the build
fails for a cell without the tag `circular-exhibit`.

Columns are known by their values, not by their names: a score by the indicators that the recipe
which made it was given, a variable by equality, up to place and scale, with one that
``data/multiverse/grid.yaml`` declares, each in its year or some years next to it. A chapter may
thus rename, standardise, rank, difference, shift or take the logarithm of anything, and set it to
zero in some rows, as for one region's slope.
"""

import ast
import builtins
import functools
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.report.recorder import _MIME

ROOMS = ("nqpf.regress.", "nqpf.space.", "nqpf.dynamics.convergence.")
ROOMS += ("linearmodels.", "pyfixest.", "statsmodels.")
# What takes one of these estimates.
PARAMETERS = {"outcome", "controls", "dependent", "endog", "formula", "fml", "yname"}
KEYS = ["province", "year"]
# Years by which a chapter may have moved a measure or a variable.
MOVES = {"measure": (0, 1, 2, -1, -2), "variable": (0, 1, -1)}
FAR = 2
ALIKE = 1 - 1e-9

Moved = tuple[int, frozenset[str]]  # years by which it is moved, and the names of what it is
# What made the scores was given these indicators; the forms are made when they are first needed.
scores: list[tuple[pd.Series, frozenset[str], Callable[[], list[np.ndarray]]]] = []
said: dict[str, list[Any]] = {"seen": [], "found": []}


class Calls(ast.NodeTransformer):
    """Hands what a cell calls, and what it gives to a call, to :func:`watched` first."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Change a call and those inside it; no line of the cell moves."""
        self.generic_visit(node)
        if getattr(node.func, "id", "") not in ("isinstance", "issubclass"):  # of the class itself
            node.args = list(map(_handed, node.args))
            for word in node.keywords:
                word.value = _handed(word.value)
        node.func = _handed(node.func)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Change what a class is derived from."""
        self.generic_visit(node)
        node.bases = list(map(_handed, node.bases))
        return node


def _handed(part: ast.expr) -> ast.expr:
    if isinstance(part, ast.Starred | ast.Constant):
        return part
    call = ast.Call(ast.Name("__watched__", ast.Load()), [part], [])
    return ast.fix_missing_locations(ast.copy_location(call, part))


def load_ipython_extension(shell: Any) -> None:
    """Start watching in this IPython."""

    def tell(_result: object) -> None:
        if said["seen"]:
            shell.display_pub.publish(data={_MIME: {"regressions": said}}, metadata={})

    builtins.__watched__ = watched
    shell.ast_transformers.append(Calls())
    shell.events.register("pre_run_cell", lambda _info: said.update(seen=[], found=[]))
    shell.events.register("post_run_cell", tell)


def watched(one: Any) -> Any:
    """Return what a chapter calls or hands on; an estimator so that it is watched."""
    room = f"{getattr(one, '__module__', '')}."
    if room.startswith("nqpf."):
        recipe = getattr(sys.modules.get("nqpf.index.recipe"), "Recipe", None)
        _then(recipe, "fit", lambda index: _keep(index.scores, index.matrix.values.columns))
        tfp = sys.modules.get("nqpf.compare.measures")
        _then(tfp, "_log_tfp", lambda level: _keep(level, ["labour_productivity"]))
    if not room.startswith(ROOMS) or not _estimates(one):
        return one
    estimate = one.__init__ if inspect.isclass(one) else one

    @functools.wraps(estimate)
    def watching(*args: object, **options: object) -> object:
        _look(one.__qualname__, [*args, *options.values()])
        return estimate(*args, **options)

    if not inspect.isclass(one):
        return watching
    return type(one.__name__, (one,), {"__init__": watching, "__wrapped__": one})


def _then(owner: Any, name: str, use: Callable[[Any], None]) -> None:
    """Have a function of `owner` hand what it returns to `use`, if it is there and does not."""
    function = getattr(owner, name, None)
    if function is None or hasattr(function, "__wrapped__"):
        return

    @functools.wraps(function)
    def used(*args: object, **options: object) -> Any:
        result = function(*args, **options)
        use(result)
        return result

    setattr(owner, name, used)


def _keep(score: pd.Series, indicators: Iterable[str]) -> None:
    held = frozenset(indicators)
    if not any(held == other and score.equals(known) for known, other, _ in scores):
        scores.append((score, held, functools.cache(functools.partial(_forms, score))))


def _estimates(one: Any) -> bool:
    if hasattr(one, "__wrapped__") or not (inspect.isclass(one) or inspect.isroutine(one)):
        return False  # watched already, or what has been estimated
    with suppress(ValueError):  # a class that says nothing of how it is made
        return not PARAMETERS.isdisjoint(inspect.signature(one).parameters)
    return False


def _look(estimator: str, given: list[object]) -> None:
    columns = _columns(given)
    if not columns:
        return
    said["seen"].append(estimator)
    from nqpf.compare import holders

    measures = [(column, known) for column in columns if (known := _known_as("measure", column))]
    others = [(column, _known_as("variable", column)) for column in columns if measures]
    for (own, first), (other, second) in product(measures, others):
        for (moved, indicators), (ahead, variables) in product(first, second):
            lead = ahead - moved  # years from the measure to the variable
            for variable in sorted(variables) if own is not other else ():
                if inside := indicators & set(holders(variable, lead)):
                    about = {"estimator": estimator, "measure": str(own.name)}
                    about["variable"] = f"{variable} {lead:+d} ({other.name})"
                    said["found"].append(about | {"by": ", ".join(sorted(inside))})


def _columns(given: list[object]) -> list[pd.Series]:
    """Return the columns of tables that a call names; all of them where it names none."""
    words = repr([one for one in given if isinstance(one, str | list | tuple | set | dict)])
    columns = [one for one in given if isinstance(one, pd.DataFrame)]
    columns = [one.set_index(KEYS) if {*KEYS} <= {*one.columns} else one for one in columns]
    columns = [one[name] for one in columns for name in one.columns]
    named = [c for c in columns if re.search(rf"(?<!\w){re.escape(str(c.name))}(?!\w)", words)]
    return (named or columns) + [one for one in given if isinstance(one, pd.Series)]


def _grid(series: pd.Series) -> np.ndarray:
    """Return a figure for each province and year, NaN where there is none."""
    found = series.reorder_levels(KEYS).reindex(_places())
    return found.to_numpy(dtype=float, copy=True).reshape(31, 21)


@functools.cache
def _places() -> pd.MultiIndex:
    return pd.MultiIndex.from_product([provinces.codes(), range(2005, 2026)], names=KEYS)


def _known_as(kind: str, series: pd.Series) -> list[Moved]:
    """Return what a column is, if it is a measure or variable: the years moved, and the names."""
    keyed = {*series.index.names} == {*KEYS} and series.index.is_unique
    if not keyed or not scores or not pd.api.types.is_numeric_dtype(series):
        return []
    # A variable that is set to zero in some rows is known by what is left of it.
    column = _grid(series)
    column[column == 0] = np.nan
    return _alike(kind, column.tobytes(), len(scores) if kind == "measure" else 0)


@functools.cache
def _alike(kind: str, column: bytes, number: int) -> list[Moved]:
    (deviations, present), names = _known(kind, number)
    one, there = _centred(np.frombuffer(column))
    # Sums over the cells that both have, of every known row at once.
    n, of_one, squares = there @ present.T, present @ one, present @ one**2
    of_two, twos = deviations @ there, deviations**2 @ there
    with np.errstate(all="ignore"):
        around = [squares - of_one**2 / n, twos - of_two**2 / n]
        r = (deviations @ one - of_one * of_two / n) / np.sqrt(around[0] * around[1])
        vary = (around[0] > 1e-9 * squares) & (around[1] > 1e-9 * twos)
    found: dict[int, frozenset[str]] = defaultdict(frozenset)
    for place in np.flatnonzero((n >= 30) & vary & (abs(r) > ALIKE)):
        move, held = names[place]
        found[move] |= held
    return list(found.items())


@functools.cache
def _known(kind: str, number: int) -> tuple[tuple[np.ndarray, np.ndarray], list[Moved]]:
    """Return the measures or variables, one row each in every form and move, and what they are."""
    from nqpf import Panel
    from nqpf.multiverse import variables

    known = [(held, forms()) for _, held, forms in scores]
    if kind == "variable":
        declared = variables(Panel.load()).items()
        known = [(frozenset({name}), _forms(one)) for name, one in declared]
    every = [(f, move, held) for held, forms in known for f in forms for move in MOVES[kind]]
    rows = [f[:, FAR + move : f.shape[1] - FAR + move].ravel() for f, move, _ in every]
    return _centred(np.array(rows)), [(move, held) for _, move, held in every]


def _centred(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return deviations from each row's mean, zero where a row has no figure, and where it has."""
    there = np.isfinite(rows)
    kept = np.where(there, rows, 0.0)
    means = kept.sum(-1, keepdims=True) / np.maximum(there.sum(-1, keepdims=True), 1)
    return np.where(there, rows - means, 0.0), there.astype(float)


def _forms(series: pd.Series) -> list[np.ndarray]:
    """Return a series as it is, ranked by year, differenced and in logarithms, with empty years."""
    own = series.dropna()
    forms = [own, own.groupby(level="year").rank(), own.groupby(level="province").diff()]
    forms += [np.log(own)] if (own > 0).all() else []
    return [np.pad(_grid(form), ((0, 0), (FAR, FAR)), constant_values=np.nan) for form in forms]
