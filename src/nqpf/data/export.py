"""The panel as files to take away: CSV, Parquet and Excel, each with its catalogue."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from nqpf import provinces
from nqpf.data import export_tables as tables
from nqpf.data.panel import Panel
from nqpf.data.workbook import Sheet, write_workbook
from nqpf.errors import DataError, MethodError
from nqpf.paths import inside, replacing, root
from nqpf.text import like_formula

__all__ = ["FORMATS", "METADATA", "export"]

METADATA = b"nqpf"  # key of the schema's metadata in a Parquet file
_NAME = "nqpf-panel"
_DIGITS = {"value": 15, "unit": 22, "year": 8, "first_year": 8, "last_year": 8}
_WIDE = {"definition": 60, "note": 60, "breaks": 40, "sha256": 20, "commit": 20, "path": 40}


def export(
    panel: Panel, folder: Path | str, formats: Sequence[str] = ("csv", "parquet", "xlsx")
) -> list[Path]:
    """Write a panel with its catalogue to a folder; the same panel gives the same bytes.

    Parameters
    ----------
    panel : Panel
        What to write. ``Panel.load(extra=False)`` leaves the reader's own rows
        out; otherwise they are in the files and flagged ``reader``.
    folder : Path or str
        Made when it does not exist. Files of these names are replaced.
    formats : sequence of str
        Any of :data:`FORMATS`.

        ``csv``
            ``nqpf-panel.csv``, one row per figure, in UTF-8; beside it
            ``nqpf-catalogue.csv``, ``nqpf-sources.csv`` and ``nqpf-readme.txt``.
            A text that a spreadsheet would take for a formula has an
            apostrophe before it.
        ``parquet``
            ``nqpf-panel.parquet``, the same rows with types; the schema's
            metadata hold catalogue, sources, rights and citation as JSON
            under the key ``nqpf``.
        ``xlsx``
            ``nqpf-panel.xlsx``: what to know, the rows, one sheet per vintage
            with a column per variable, the catalogue and the sources.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    nqpf.errors.MethodError
        If a format is unknown.
    nqpf.errors.DataError
        If the folder is a file, or lies in the project's ``data``, whose
        tables every chapter reads.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in export(Panel.load(extra=False), folder, ["parquet"])]
    ['nqpf-panel.parquet']
    """
    chosen = [formats] if isinstance(formats, str) else list(formats)
    for name in chosen:
        if name not in FORMATS:
            raise MethodError(f"unknown format {name!r}", expected=" or ".join(FORMATS))
    folder = _allowed(Path(folder))
    rows = tables.figures_frame(panel)
    return [
        path for name in FORMATS if name in chosen for path in FORMATS[name](panel, rows, folder)
    ]


def _allowed(folder: Path) -> Path:
    folder = folder.expanduser().resolve()
    data = root() / "data"
    if folder.is_relative_to(data):
        raise DataError(
            f"{folder} holds the project's own tables",
            expected="a folder outside data/",
            hint="name another folder, for example _build/panel",
        )
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    if not existing.is_dir():
        raise DataError(f"{existing} is a file", expected="a folder, or a new name for one")
    return folder


def _csv(panel: Panel, rows: pd.DataFrame, folder: Path) -> list[Path]:
    frames = {
        _NAME: rows,
        "nqpf-catalogue": tables.catalogue_frame(panel),
        "nqpf-sources": tables.sources_frame(panel),
    }
    paths = []
    for name, frame in frames.items():
        path = inside(folder, f"{name}.csv")
        with replacing(path) as temporary:
            temporary.write_bytes(_csv_text(frame).encode("utf-8"))
        paths.append(path)
    paths.append(inside(folder, "nqpf-readme.txt"))
    with replacing(paths[-1]) as temporary:
        lines = [f"{heading}: {text}\n" for heading, text in tables.about(panel)]
        temporary.write_bytes("".join(lines).encode("utf-8"))
    return paths


def _csv_text(frame: pd.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    columns = []
    for name in frame.columns:
        if pd.api.types.is_float_dtype(frame[name]):
            columns.append([repr(cell).removesuffix(".0") for cell in frame[name].tolist()])
        elif pd.api.types.is_integer_dtype(frame[name]):
            columns.append(frame[name].tolist())
        else:
            shown = {cell: _plain(cell) for cell in frame[name].unique()}
            columns.append([shown[cell] for cell in frame[name]])
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, on one line."""
    text = " ".join(text.split())
    return f"'{text}" if like_formula(text) else text


def _parquet(panel: Panel, rows: pd.DataFrame, folder: Path) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in rows.columns:
        if pd.api.types.is_numeric_dtype(rows[name]):
            columns[name] = pa.array(rows[name].to_numpy())
        else:
            columns[name] = pa.array(rows[name], pa.string()).dictionary_encode()
    about = {
        "about": [list(pair) for pair in tables.about(panel)],
        "catalogue": tables.catalogue_frame(panel).to_dict("records"),
        "sources": tables.sources_frame(panel).to_dict("records"),
    }
    text = json.dumps(about, ensure_ascii=False)
    path = inside(folder, f"{_NAME}.parquet")
    with replacing(path) as temporary:
        table = pa.table(columns).replace_schema_metadata({METADATA: text})
        pq.write_table(table, temporary, compression="zstd", row_group_size=1 << 20)
    return [path]


def _xlsx(panel: Panel, rows: pd.DataFrame, folder: Path) -> list[Path]:
    readme = Sheet("README", tables.about(panel), [28, 100], table=False)
    sheets = [readme, _sheet("panel", rows)]
    sheets += [_wide(panel, vintage) for vintage in _vintages(panel)]
    sheets.append(_sheet("catalogue", tables.catalogue_frame(panel), frozen=1))
    sheets.append(_sheet("sources", tables.sources_frame(panel)))
    path = inside(folder, f"{_NAME}.xlsx")
    with replacing(path) as temporary:
        creator = "The contributors to Measuring New Quality Productive Forces"
        write_workbook(temporary, sheets, tables.TITLE, creator)
    return [path]


def _sheet(name: str, frame: pd.DataFrame, frozen: int = 0) -> Sheet:
    lines = [list(frame.columns), *frame.itertuples(index=False, name=None)]
    widths = [float(_DIGITS.get(c) or _WIDE.get(c) or max(12, len(c) + 3)) for c in frame.columns]
    return Sheet(name, lines, widths, frozen=frozen)


def _vintages(panel: Panel) -> list[str]:
    """Return the vintages of the panel in the order of the catalogue."""
    entries = panel.catalogue.variables.values()
    return list(dict.fromkeys(vintage for entry in entries for vintage in entry.vintages))


def _wide(panel: Panel, vintage: str) -> Sheet:
    """Return the sheet of a vintage: a row per province and year, a column per variable."""
    entries = panel.catalogue.variables
    keys = [k for k in panel.variables if not entries[k].vintages or vintage in entries[k].vintages]
    frame = panel.wide(keys, vintage=vintage).reset_index()
    names = provinces.table()
    frame.insert(1, "province_en", frame["province"].map(names["en"]))
    frame.insert(2, "province_zh", frame["province"].map(names["zh"]))
    filled = frame.astype(object).where(frame.notna(), None)
    lines = [list(frame.columns), *filled.itertuples(index=False, name=None)]
    widths = [10.0, 16.0, 10.0, 8.0, *[max(12.0, len(key) + 3.0) for key in keys]]
    return Sheet(f"wide {vintage}", lines, widths, frozen=4)


FORMATS: dict[str, Callable[[Panel, pd.DataFrame, Path], list[Path]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "xlsx": _xlsx,
}
