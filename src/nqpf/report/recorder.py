"""Record, while the book runs a chapter, what each statement reads and what each figure draws.

An extension of IPython, which scripts/build_book.py loads into every kernel::

    %load_ext nqpf.report.recorder

After each cell it publishes one message of type :data:`MIME`; the build takes it out of the
results again and keeps it beside them (see :func:`nqpf.report.recorder.taken`). Nothing that a
chapter computes or shows changes.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from nqpf.data.catalogue import _listening, _Read

if TYPE_CHECKING:
    import pandas as pd

    from nqpf.report.style import Picture

__all__ = ["MIME", "Recorder", "as_rows", "frame_of", "load_ipython_extension", "taken"]

MIME = "application/vnd.nqpf.record+json"
MAX_ROWS = 5000
_DIGITS = 10
_kept = ExitStack()  # as long as the kernel lives


class Recorder:
    """What the statements of the cell that runs have read, and the figures it has shown.

    Parameters
    ----------
    namespace : dict
        The chapter's own variables; tells its statements from the library's.
    """

    def __init__(self, namespace: Mapping[str, object]) -> None:
        self.namespace = namespace
        self.reads: dict[tuple[int, str, str, str], None] = {}
        self.shown: list[dict[str, object]] = []
        self._drawn: dict[int, tuple[object, pd.DataFrame | None]] = {}

    def listen(self, read: _Read) -> None:
        """Keep a read with the line of the cell that led to it; 0 when it is not known."""
        line = self._line()
        for key in read.keys or ("",):
            self.reads[line, read.kind, key, read.vintage] = None

    def _line(self) -> int:
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_globals is self.namespace and frame.f_code.co_name == "<module>":
                return frame.f_lineno
            frame = frame.f_back
        return 0

    def watch(self, function: object) -> object:
        """Return a function of :mod:`nqpf.report` that leaves the table behind its figure here."""
        from nqpf.report.style import Picture

        if not inspect.isfunction(function):
            return function

        @functools.wraps(function)
        def watched(*args: object, **options: object) -> object:
            result = function(*args, **options)
            if isinstance(result, Picture):
                known = self._drawn.get(id(result.figure), (None, None))[1]
                again = function.__name__ == "show"
                given = known if again else frame_of([*args, *options.values()])
                # The figure is kept too, so that no other takes its identity.
                self._drawn[id(result.figure)] = (result.figure, given)
            return result

        return watched

    def show(self, picture: Picture) -> dict[str, object]:
        """Format a figure for the page, and keep its table and, if it shows as PNG, its SVG."""
        bundle = picture._repr_mimebundle_()
        frame = self._drawn.get(id(picture.figure), (None, None))[1]
        vector = "data:image/svg+xml" in str(bundle["text/html"])
        self.shown.append(
            {
                "rows": None if frame is None else as_rows(frame),
                "svg": None if vector else picture.svg().decode("utf-8"),
            }
        )
        return bundle

    def start(self) -> None:
        """Begin a cell."""
        self.reads, self.shown = {}, []

    def record(self) -> dict[str, object]:
        """Return what the cell has read and shown, as JSON can hold it."""
        return {"reads": [list(read) for read in sorted(self.reads)], "figures": self.shown}


def frame_of(values: Iterable[object]) -> pd.DataFrame | None:
    """Return the first table among the values given to a function that draws.

    A series is a table of one column; results that hold a table as ``frame`` or ``shares``
    count, and so do a list or a mapping of tables, which are joined one below the other.

    Examples
    --------
    >>> import pandas as pd
    >>> frame_of(["a title", pd.Series([1, 2], name="x")])["x"].tolist()
    [1, 2]
    """
    for value in values:
        found = _table(value)
        if found is not None and len(found):
            return found
    return None


def _table(value: object) -> pd.DataFrame | None:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series):
        return value.to_frame("value" if value.name is None else value.name)
    for name in ("frame", "shares"):
        inner = getattr(value, name, None)
        if isinstance(inner, pd.DataFrame):
            return inner
    parts: list[tuple[object, Any]] = []
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        parts = list(enumerate(value, start=1))
    tables = {key: _table(part) for key, part in parts if not isinstance(part, Mapping | list)}
    if not tables or any(part is None for part in tables.values()):
        return None
    return pd.concat(tables, names=["part"])


def as_rows(frame: pd.DataFrame) -> dict[str, list[object]] | None:
    """Return a table as columns and rows of plain numbers and texts; None when it is too long.

    Index levels become columns; beside the code of a province stand its names. Numbers keep ten
    digits, a missing one is None.

    Examples
    --------
    >>> import pandas as pd
    >>> as_rows(pd.Series([0.5], pd.Index([110000], name="province"), name="x").to_frame())
    {'columns': ['province', 'name', '名称', 'x'], 'rows': [[110000, 'Beijing', '北京', 0.5]]}
    """
    from nqpf.provinces import codes, name

    if len(frame) > MAX_ROWS:
        return None
    levels = [
        _heading(level) or ("row" if i == 0 else f"row {i + 1}")
        for i, level in enumerate(frame.index.names)
    ]
    plain = frame.index.nlevels == 1 and frame.index.name is None and _counted(frame.index)
    headings = [*([] if plain else levels), *map(_heading, frame.columns)]
    known = set(codes())
    place = headings.index("province") if "province" in headings else None
    columns = list(headings)
    rows = []
    for key, *cells in frame.itertuples(name=None):
        index = [] if plain else list(key) if frame.index.nlevels > 1 else [key]
        row = [_plain(cell) for cell in [*index, *cells]]
        if place is not None:
            code = row[place] if row[place] in known else None
            both = [name(code, language) if code else "" for language in ("en", "zh")]
            row[place + 1 : place + 1] = both
        rows.append(row)
    if place is not None:
        columns[place + 1 : place + 1] = ["name", "名称"]
    return {"columns": columns, "rows": rows}


def _counted(index: pd.Index) -> bool:
    return list(index) == list(range(len(index)))


def _heading(label: object) -> str:
    parts = label if isinstance(label, tuple) else (label,)
    return " | ".join(str(part) for part in parts if part is not None and str(part))


def _plain(cell: object) -> object:
    import pandas as pd

    if hasattr(cell, "item"):
        cell = cell.item()
    if isinstance(cell, bool | int | str) or cell is None:
        return cell
    if isinstance(cell, float):
        return None if cell != cell or cell in (float("inf"), -float("inf")) else _short(cell)
    return None if cell is pd.NA or cell is pd.NaT else str(cell)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def taken(outputs: list[Any]) -> tuple[list[Any], dict[str, object]]:
    """Part the outputs of an executed cell from what the recorder says of it.

    Parameters
    ----------
    outputs : list of dict
        Outputs of one cell in the notebook format.

    Returns
    -------
    outputs : list of dict
        Those that belong to the chapter.
    record : dict
        ``reads``: rows of line, kind, key and vintage; ``figures``: table and SVG of each
        figure shown. Empty when the recorder was not there.

    Examples
    --------
    >>> taken([{"output_type": "display_data", "data": {MIME: {"reads": []}}}])
    ([], {'reads': []})
    """
    own = [one for one in outputs if MIME not in one.get("data", {})]
    said = [one["data"][MIME] for one in outputs if MIME in one.get("data", {})]
    return own, (said[-1] if said else {})


def load_ipython_extension(shell: Any) -> None:
    """Start recording in this IPython."""
    import nqpf.report

    recorder = Recorder(shell.user_ns)
    nqpf.report._watch = recorder.watch
    _kept.enter_context(_listening(recorder.listen))
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("nqpf.report.style", "Picture", recorder.show)
    publish: Callable[..., None] = shell.display_pub.publish
    shell.events.register("pre_run_cell", lambda _info: recorder.start())
    shell.events.register(
        "post_run_cell", lambda _result: publish(data={MIME: recorder.record()}, metadata={})
    )
