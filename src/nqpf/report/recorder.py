"""Record, while the book runs a chapter, what each statement reads and what each figure draws.

An extension of IPython, which scripts/build_book.py loads into every kernel::

    %load_ext nqpf.report.recorder

After each cell it publishes one message of type :data:`_MIME`; the build takes it out of the
results again and keeps it beside them (see :func:`nqpf.report.recorder._taken`). Nothing that a
chapter computes or shows changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from math import isfinite
from typing import TYPE_CHECKING, Any

from nqpf.data.catalogue import _listening, _Read

if TYPE_CHECKING:
    import pandas as pd

    from nqpf.report.style import _Picture

_MIME = "application/vnd.nqpf.record+json"
_MAX_ROWS = 5000
_kept = ExitStack()  # as long as the kernel lives


class _Recorder:
    """What the statements of the cell that runs have read, and the figures it has shown.

    `namespace` holds the chapter's own variables; it tells its statements from the library's.
    """

    def __init__(self, namespace: Mapping[str, object]) -> None:
        self.namespace = namespace
        self.start()

    def start(self) -> None:
        """Begin a cell."""
        self.reads: dict[tuple[int, str, str, str], None] = {}
        self.shown: list[dict[str, object]] = []

    def listen(self, read: _Read) -> None:
        """Keep a read with the line of the cell that led to it; 0 when it is not known."""
        line, frame = 0, sys._getframe(1)
        while frame is not None and not line:
            if frame.f_globals is self.namespace and frame.f_code.co_name == "<module>":
                line = frame.f_lineno
            frame = frame.f_back
        for key in read.keys or ("",):
            self.reads[line, read.kind, key, read.vintage] = None

    def show(self, picture: _Picture) -> dict[str, object]:
        """Format a figure for the page, and keep its table and, if it shows as PNG, its SVG."""
        html, frame = picture.html(), _frame_of(picture.given)
        svg = None if "data:image/svg+xml" in html else picture.svg().decode("utf-8")
        self.shown.append({"rows": None if frame is None else _as_rows(frame), "svg": svg})
        return {"text/html": html, "text/plain": repr(picture)}

    def record(self) -> dict[str, object]:
        """Return what the cell has read and shown, as JSON can hold it."""
        return {"reads": [list(read) for read in sorted(self.reads)], "figures": self.shown}


def _frame_of(values: Iterable[object]) -> pd.DataFrame | None:
    """Return the first table among the values given to a function that draws.

    A series is a table of one column; results that hold a table as ``frame`` or ``shares``
    count, and so do a list or a mapping of tables, which are joined one below the other.

    Examples
    --------
    >>> import pandas as pd
    >>> _frame_of(["a title", pd.Series([1, 2], name="x")])["x"].tolist()
    [1, 2]
    """
    return next((one for one in map(_table, values) if one is not None and len(one)), None)


def _table(value: object) -> pd.DataFrame | None:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series):
        return value.to_frame("value" if value.name is None else value.name)
    for name in ("frame", "shares"):
        if isinstance(getattr(value, name, None), pd.DataFrame):
            return getattr(value, name)
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = dict(enumerate(value, start=1))
    parts = value.items() if isinstance(value, Mapping) else ()
    tables = {key: _table(part) for key, part in parts if not isinstance(part, dict | list)}
    if not tables or any(part is None for part in tables.values()):
        return None
    return pd.concat(tables, names=["part"])


def _as_rows(frame: pd.DataFrame) -> dict[str, list[object]] | None:
    """Return a table as columns and rows of plain numbers and texts; None when it is too long.

    Index levels become columns; beside the code of a province stand its names. Numbers keep ten
    digits, a missing one is None.

    Examples
    --------
    >>> import pandas as pd
    >>> _as_rows(pd.Series([0.5], pd.Index([110000], name="province"), name="x").to_frame())
    {'columns': ['province', 'name', '名称', 'x'], 'rows': [[110000, 'Beijing', '北京', 0.5]]}
    """
    import pandas as pd

    from nqpf.provinces import codes, name

    if len(frame) > _MAX_ROWS:
        return None
    index = frame.index
    plain = index.nlevels == 1 and index.name is None and list(index) == list(range(len(index)))
    usual = ["row", *(f"row {at}" for at in range(2, index.nlevels + 1))]
    levels = [_heading(level) or row for level, row in zip(index.names, usual, strict=True)]
    columns = [*([] if plain else levels), *map(_heading, frame.columns)]
    parts = [] if plain else [index.to_frame(index=False, name=list(range(index.nlevels)))]
    parts.append(frame.set_axis(range(frame.shape[1]), axis=1).reset_index(drop=True))
    flat = pd.concat(parts, axis=1)
    rows = [[_plain(cell) for cell in row] for row in flat.itertuples(index=False, name=None)]
    if "province" in columns:
        at, known = columns.index("province"), set(codes())
        for row in rows:
            code = row[at]
            row[at + 1 : at + 1] = [name(code, n) if code in known else "" for n in ("en", "zh")]
        columns[at + 1 : at + 1] = ["name", "名称"]
    return {"columns": columns, "rows": rows}


def _heading(label: object) -> str:
    parts = label if isinstance(label, tuple) else (label,)
    return " | ".join(str(part) for part in parts if part is not None and str(part))


def _plain(cell: object) -> object:
    import pandas as pd

    cell = cell.item() if hasattr(cell, "item") else cell
    if isinstance(cell, float):
        return float(f"{cell:.10g}") if isfinite(cell) else None
    if isinstance(cell, bool | int | str) or cell is None:
        return cell
    return None if cell is pd.NA or cell is pd.NaT else str(cell)


def _taken(outputs: list[Any]) -> tuple[list[Any], dict[str, object]]:
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
        figure shown; and what other extensions publish in messages of the same type. Empty when
        the recorder was not there.

    Examples
    --------
    >>> _taken([{"output_type": "display_data", "data": {_MIME: {"reads": []}}}])
    ([], {'reads': []})
    """
    own = [one for one in outputs if _MIME not in one.get("data", {})]
    said = [one["data"][_MIME] for one in outputs if _MIME in one.get("data", {})]
    return own, {key: value for message in said for key, value in message.items()}


def load_ipython_extension(shell: Any) -> None:
    """Start recording in this IPython."""
    recorder = _Recorder(shell.user_ns)
    _kept.enter_context(_listening(recorder.listen))
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("nqpf.report.style", "_Picture", recorder.show)
    shell.events.register("pre_run_cell", lambda _info: recorder.start())
    shell.events.register(
        "post_run_cell",
        lambda _result: shell.display_pub.publish(data={_MIME: recorder.record()}, metadata={}),
    )
