"""The panel as files to take away, each with its catalogue; tables for a reader to fill in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from nqpf import __version__, provinces
from nqpf.checks import choose
from nqpf.data.catalogue import _Segment
from nqpf.data.own import _READER
from nqpf.data.panel import _COLUMNS, _VINTAGE, Panel, _csv_text
from nqpf.errors import DataError, _like_formula
from nqpf.files import _inside, _replacing, root

_TITLE = "Statistics of the 31 provincial-level units of mainland China"
_TITLE_ZH = "中国大陆31个省级行政区统计面板"
_DERIVED = "derived"
_MADE = datetime(1980, 1, 1)  # a fixed time, or the same panel would not give the same bytes
_WIDEST = 430  # pixels of a column


def export(
    panel: Panel, folder: Path | str, formats: Sequence[str] = ("csv", "parquet", "xlsx", "dta")
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
        Any of these:

        ``csv``
            ``nqpf-panel.csv``, one row per figure, in UTF-8 with a byte-order mark; beside it
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
        ``dta``
            ``nqpf-panel.dta`` for Stata 14 and later: a row per province and year,
            a column per variable of the fifth-census vintage, labelled in both
            languages with its unit.

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
        tables every chapter reads; or if a number is not finite or a text does
        not fit a cell.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in export(Panel.load(extra=False), folder, ["parquet"])]
    ['nqpf-panel.parquet']
    """
    chosen = [formats] if isinstance(formats, str) else list(formats)
    for name in chosen:
        choose("format", name, _FORMATS)
    folder = _allowed(Path(folder))
    tables = {"panel": _figures(panel), "catalogue": _catalogue(panel), "sources": _sources(panel)}
    about = _about(panel)
    written = []
    for name, contents in _FORMATS.items():
        for file, content in contents(panel, tables, about).items() if name in chosen else ():
            written.append(_inside(folder, file))
            with _replacing(written[-1]) as temporary:
                temporary.write_bytes(content)
    return written


def _allowed(folder: Path) -> Path:
    folder = folder.expanduser().resolve()
    if folder.is_relative_to(root() / "data"):
        problem, hint = "holds the project's own tables", "name another, such as _build/panel"
        raise DataError(f"{folder} {problem}", expected="a folder outside data/", hint=hint)
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    if not existing.is_dir():
        raise DataError(f"{existing} is a file", expected="a folder, or a new name for one")
    return folder


def _figures(panel: Panel) -> pd.DataFrame:
    """Return every figure with names, unit and the key of its source, in a fixed order.

    Sorted by variable (in catalogue order), vintage, province and year.

    Examples
    --------
    >>> rows = _figures(Panel.load(extra=False))
    >>> rows[rows["variable"] == "gdp"].iloc[-1][["province_zh", "unit", "source"]].tolist()
    ['新疆', '100 million yuan', 'nbs_gdp_census5']
    """
    entries = panel.catalogue.variables
    order = {key: place for place, key in enumerate(entries)}
    rows = panel.frame[_COLUMNS].assign(order=panel.frame["variable"].map(order))
    rows = rows.sort_values(["order", "vintage", "province", "year"], ignore_index=True)
    found = pd.Series(_DERIVED, index=rows.index, dtype="str")
    for key, part in rows.groupby("variable", sort=False):
        for segment in entries[key].segments:
            found[part.index[_covered(part, segment)]] = segment.source
    rows["source"] = found.where(rows["flag"] != _READER, _READER)
    units = provinces._table()
    for language in ("en", "zh"):
        rows[f"province_{language}"] = rows["province"].map(units[language])
        names = {key: getattr(entry.name, language) for key, entry in entries.items()}
        rows[f"variable_{language}"] = rows["variable"].map(names)
    rows["unit"] = rows["variable"].map({key: entry.unit for key, entry in entries.items()})
    bad = rows[~np.isfinite(rows["value"])]
    if len(bad):
        problem, where = f"a figure is {bad['value'].iloc[0]}", bad.iloc[0][_COLUMNS[:3]].to_dict()
        raise DataError(problem, where=where, expected="a finite number")
    columns = ["province", "province_en", "province_zh", "year", "variable", "variable_en"]
    return rows[[*columns, "variable_zh", "value", "unit", "vintage", "flag", "source"]]


def _covered(part: pd.DataFrame, segment: _Segment) -> pd.Series:
    """Return which rows of a variable a segment gives: its years less what it leaves out."""
    inside = part["year"].between(*segment.years) & (part["vintage"] == segment.vintage)
    for left_out in (segment.skip, segment.gaps):
        for province, years in left_out.items():
            inside &= ~((part["province"] == province) & part["year"].isin(years))
    return inside


_BOTH = ["publisher_en", "publisher_zh", "yearbook_en", "yearbook_zh"]
_FIELDS = ["variable", "name_en", "name_zh", "theme", "unit", "definition", *_BOTH, "vintages"]
_FIELDS += ["first_year", "last_year", "provinces", "figures", "derived_by", "breaks", "note"]


def _catalogue(panel: Panel) -> pd.DataFrame:
    """Return what each variable is, one row per variable that has figures."""
    coverage = panel.coverage()
    records = []
    for key in panel.variables:
        entry, lines = panel.catalogue.variables[key], coverage.loc[[key]]
        told = {
            "variable": key,
            "vintages": ", ".join(entry.vintages),
            "first_year": lines["first"].min(),
            "last_year": lines["last"].max(),
            "provinces": lines["provinces"].max(),
            "figures": lines["figures"].sum(),
            "derived_by": entry.derived,
            "breaks": "; ".join(map(_break, entry.breaks)),
            "note": " ".join(text for text in (entry.note, entry.national_note) if text),
        }
        records.append(entry.model_dump() | told)
    return pd.json_normalize(records, sep="_")[_FIELDS]


def _break(each: Any) -> str:
    names = ", ".join(provinces.name(code) for code in each.provinces)
    return f"{each.year}{f' ({names})' if names else ''}: {each.note}"


def _sources(panel: Panel) -> pd.DataFrame:
    """Return where the figures come from, one row per run of years of a variable."""
    columns = ["variable", "vintage", "first_year", "last_year", "source", "item", "flag"]
    columns += ["repository", "commit", "path", "sha256", "licence_of_repository", "note"]
    rows = []
    for key in panel.variables:
        for one in panel.catalogue.variables[key].segments:
            file = panel.catalogue.sources[one.source]
            where = [file.repository, file.commit, file.path, file.sha256, file.licence]
            row = [key, one.vintage, *one.years, one.source, one.item, one.flag, *where, one.note]
            rows.append(row)
    return pd.DataFrame(rows, columns=columns)


def _about(panel: Panel) -> _About:
    """Return what a reader of the files must know: pairs of a heading and its text."""
    said = yaml.safe_load(Path(__file__).with_name("export.yaml").read_text("utf-8"))
    own = int((panel.frame["flag"] == _READER).sum())
    rows = [
        (_TITLE, _TITLE_ZH),
        ("From the book", f"{said['book']}, version {__version__}"),
        ("Figures", f"{len(panel.frame):,} of {len(panel.variables)} variables"),
        ("Rights 权利", said["rights"]),
        ("How to cite 引用", said["cite"].format(version=__version__)),
    ]
    if own:
        text = f"{own:,} of the figures were added by the reader of this copy; flag '{_READER}'."
        rows.append(("Reader's own figures", text))
    return [*rows, *said["notes"].items()]


_About = list[tuple[str, str]]
_Tables = dict[str, pd.DataFrame]
_Files = dict[str, bytes]


def _csv(panel: Panel, tables: _Tables, about: _About) -> _Files:
    texts = {f"nqpf-{name}.csv": _csv_text(frame.map(_plain)) for name, frame in tables.items()}
    texts["nqpf-readme.txt"] = "".join(f"{heading}: {text}\n" for heading, text in about)
    # With a byte-order mark, without which Excel shows Chinese as noise.
    return {name: text.encode("utf-8-sig") for name, text in texts.items()}


def _plain(cell: object) -> object:
    """Return a text that no spreadsheet takes for a formula, on one line."""
    text = " ".join(cell.split()) if isinstance(cell, str) else cell
    return f"'{text}" if isinstance(text, str) and _like_formula(text) else text


def _parquet(panel: Panel, tables: _Tables, about: _About) -> _Files:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = tables["panel"].columns.drop(["province", "year", "value"])
    rows = tables["panel"].astype(dict.fromkeys(texts, "category"))
    told = {name: tables[name].to_dict("records") for name in ("catalogue", "sources")}
    text = json.dumps({"about": about} | told, ensure_ascii=False)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.replace_schema_metadata({b"nqpf": text})
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", row_group_size=1 << 20)
    return {"nqpf-panel.parquet": content.getvalue()}


def _dta(panel: Panel, tables: _Tables, about: _About) -> _Files:
    """Return the figures of one vintage as Stata reads them: a column per variable, labelled."""
    entries, names = panel.catalogue.variables, provinces._table()
    frame = panel.wide(_of_vintage(panel, _VINTAGE), vintage=_VINTAGE).reset_index()
    said = {key: f"{entries[key].name} [{entries[key].unit}]" for key in frame.columns[2:]}
    said |= {"province": "province 省份", "year": "year 年份"}
    content = io.BytesIO()
    frame.to_stata(
        content,
        write_index=False,
        version=118,  # the first that holds Chinese; Stata 14 and later read it
        time_stamp=_MADE,
        data_label=f"{_TITLE}, {_VINTAGE}"[:80],
        variable_labels={key: label[:80] for key, label in said.items()},
        value_labels={"province": dict(names["en"] + " " + names["zh"])},
    )
    return {"nqpf-panel.dta": content.getvalue()}


def _of_vintage(panel: Panel, vintage: str) -> list[str]:
    entries = panel.catalogue.variables
    return [k for k in panel.variables if not entries[k].vintages or vintage in entries[k].vintages]


def _wide(panel: Panel, vintage: str) -> pd.DataFrame:
    """Return the sheet of a vintage: a row per province and year, a column per variable."""
    frame = panel.wide(_of_vintage(panel, vintage), vintage=vintage).reset_index()
    names = provinces._table()
    frame.insert(1, "province_en", frame["province"].map(names["en"]))
    frame.insert(2, "province_zh", frame["province"].map(names["zh"]))
    return frame.astype(object).where(frame.notna(), None)


def _xlsx(panel: Panel, tables: _Tables, about: _About) -> _Files:
    entries = panel.catalogue.variables.values()
    vintages = dict.fromkeys(vintage for entry in entries for vintage in entry.vintages)
    # Each table with the number of columns that are kept in view.
    sheets = {"panel": (tables["panel"], 0)}
    sheets |= {f"wide {vintage}": (_wide(panel, vintage), 4) for vintage in vintages}
    sheets |= {"catalogue": (tables["catalogue"], 1), "sources": (tables["sources"], 0)}
    return {"nqpf-panel.xlsx": _workbook(about, sheets)}


def _workbook(about: _About, sheets: dict[str, tuple[pd.DataFrame, int]]) -> bytes:
    import xlsxwriter

    content = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False}  # texts are texts
    book = xlsxwriter.Workbook(content, {"in_memory": True} | plain)
    author = "The contributors to Measuring New Quality Productive Forces"
    book.set_properties({"title": _TITLE, "author": author, "created": _MADE})
    head = book.add_format({"bold": True, "bg_color": "#E8EEF4"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    quoted = book.add_format({"quote_prefix": True})  # shown as typed, never a formula

    readme = book.add_worksheet("README")
    for line, pair in enumerate(about):
        for column, text in enumerate(pair):
            readme.write_string(line, column, text, wrapped)
    for name, (frame, frozen) in sheets.items():
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, frozen)
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
        for column, title in enumerate(frame.columns):
            sheet.write_string(0, column, title, head)
            for line, cell in enumerate(frame[title].tolist(), 1):
                if cell == "":
                    continue
                style = quoted if isinstance(cell, str) and _like_formula(cell) else None
                if sheet.write(line, column, cell, style) < 0:
                    problem, where = "a text does not fit a cell", {"column": title}
                    raise DataError(problem, where=where, expected="at most 32,767 characters")
    for sheet in book.worksheets():
        sheet.autofit(_WIDEST)
    book.close()
    return content.getvalue()


_FORMATS: dict[str, Callable[[Panel, _Tables, _About], _Files]] = {
    "csv": _csv,
    "parquet": _parquet,
    "xlsx": _xlsx,
    "dta": _dta,
}


_TO_FILL = ["province", "province_zh", "year", "variable", "variable_zh", "value", "unit"]
_TO_FILL += ["source", "vintage"]
_HOW = [
    ("Fill in", "the column value, in the unit beside it, and where each figure was published"),
    ("填写", "数值一列，单位见旁边一列；来源一列写年鉴及页码"),
    ("Rows without a value", "are left out when the file is read; fill in what you have"),
    ("Then", "nqpf data check FILE, and nqpf data add FILE"),
]


def _missing(variables: Sequence[str], year: int, panel: Panel) -> pd.DataFrame:
    """Return the figures of variables in a year that a panel lacks, a row for each."""
    entries, wide = panel.catalogue.variables, panel.wide(variables, [year])
    rows = []
    for key, code in product(variables, provinces.codes()):
        if (code, year) in wide.index and pd.notna(wide.loc[(code, year), key]):
            continue
        entry, names = entries[key], (provinces.name(code), provinces.name(code, "zh"))
        vintage = _VINTAGE if entry.vintages else ""
        rows.append([*names, year, key, entry.name.zh, "", entry.unit, "", vintage])
    return pd.DataFrame(rows, columns=_TO_FILL)


def _write_template(
    key: str, variables: Sequence[str], year: int, panel: Panel, folder: Path
) -> tuple[list[Path], list[str]]:
    """Write what a panel lacks of a year as CSV and Excel, to fill in; say what it has.

    Raises
    ------
    nqpf.errors.DataError
        If the panel lacks nothing, or a file of the name is there already.
    """
    rows = _missing(variables, year, panel)
    absent = rows.groupby("variable").size()
    told = [f"{key} {year}: {len(variables)} variables of {len(provinces.codes())} provinces"]
    for name in variables:
        state = f"{absent[name]} figures to fill in" if name in absent else "known"
        told.append(f"  {name} {panel.catalogue.variables[name].name.zh}: {state}")
    if not len(rows):
        raise DataError("\n".join([*told, "nothing is missing"]), expected="a year with gaps")
    contents = {
        "csv": _csv_text(rows).encode("utf-8-sig"),
        "xlsx": _workbook(_HOW, {"panel": (rows, 0)}),
    }
    paths = {folder / f"{key}-{year}.{ending}": content for ending, content in contents.items()}
    for path in filter(Path.exists, paths):
        hint = "move it, or name another folder"
        raise DataError("the file is there already", where={"file": path}, hint=hint)
    for path, content in paths.items():
        with _replacing(path) as temporary:
            temporary.write_bytes(content)
    return list(paths), told
