"""The panel as files to take away: CSV, Parquet and Excel, each with its catalogue."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from nqpf import __version__, provinces
from nqpf.data.catalogue import _Segment
from nqpf.data.panel import _COLUMNS, Panel
from nqpf.errors import DataError, MethodError, _like_formula, _visible
from nqpf.files import inside, replacing, root

__all__ = [
    "ABOUT",
    "FLAGS",
    "FORMATS",
    "METADATA",
    "Sheet",
    "about",
    "catalogue_frame",
    "column_name",
    "export",
    "figures_frame",
    "sources_frame",
    "write_workbook",
]

TITLE = "Statistics of the 31 provincial-level units of mainland China"
TITLE_ZH = "中国大陆31个省级行政区统计面板"
BOOK = "Measuring New Quality Productive Forces: an executable survey"
BOOK_ZH = "新质生产力的测度：可执行的综述"

ABOUT = {
    "rights": "The figures are facts published by statistical authorities, or computed from them "
    "where flagged 'derived' or 'extrapolated'; the sheet, table or "
    "metadata 'catalogue' names publisher and yearbook of each, 'sources' the public file it was "
    "transcribed from, with its hash. Names, definitions and notes are text of the book, "
    "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).",
    "cite": "Cite the publisher and yearbook of the figures that you use, and this compilation: "
    f"The contributors to Measuring New Quality Productive Forces (2026). {BOOK}, version "
    f"{__version__}.",
}
FLAGS = {
    "official": "as published",
    "derived": "computed by this book from official figures, as the catalogue says",
    "spliced": "continued with a closely related official series, named in the sources",
    "extrapolated": "continued by a stated rule, for lack of a published figure",
    "interpolated": "a gap filled on request; none is embedded",
    "break": "the first official figure on a new basis, not comparable with the year before",
    "reader": "added by the reader of this copy with `nqpf data add`; not an embedded figure",
}
VINTAGES = {
    "census5": "national accounts as revised after the fifth economic census (第五次经济普查)",
    "census4": "national accounts as revised after the fourth economic census (第四次经济普查)",
}
READER, DERIVED = "reader", "derived"
COLUMN_NOTES = {
    "province": "GB/T 2260 code, with the names in English and Chinese",
    "year": "calendar year",
    "variable": "key of the catalogue, with the names in English and Chinese",
    "value": "the figure in the unit beside it",
    "vintage": "empty unless the series exists in more than one; never mix two in one analysis",
    "flag": "what kind of figure it is, explained below",
    "source": f"key of the sources; '{DERIVED}' is computed from other series as the catalogue "
    f"says, '{READER}' is the reader's own",
}


def figures_frame(panel: Panel) -> pd.DataFrame:
    """Return every figure with names, unit and the key of its source, in a fixed order.

    Parameters
    ----------
    panel : Panel
        Figures and their catalogue.

    Returns
    -------
    DataFrame
        One row per row of ``panel.frame``, sorted by variable (in catalogue
        order), vintage, province and year.

    Examples
    --------
    >>> rows = figures_frame(Panel.load(extra=False))
    >>> rows[rows["variable"] == "gdp"].iloc[-1][["province_zh", "unit", "source"]].tolist()
    ['新疆', '100 million yuan', 'nbs_gdp_census5']
    """
    entries = panel.catalogue.variables
    rows = panel.frame[_COLUMNS]
    order = {key: place for place, key in enumerate(entries)}
    keys = rows["variable"].map(order)
    rows = rows.assign(_order=keys).sort_values(
        ["_order", "vintage", "province", "year"], kind="stable", ignore_index=True
    )
    units = provinces.table()
    table = pd.DataFrame(
        {
            "province": rows["province"],
            "province_en": rows["province"].map(units["en"]),
            "province_zh": rows["province"].map(units["zh"]),
            "year": rows["year"],
            "variable": rows["variable"],
            "variable_en": rows["variable"].map(
                {k: _visible(v.name.en) for k, v in entries.items()}
            ),
            "variable_zh": rows["variable"].map(
                {k: _visible(v.name.zh) for k, v in entries.items()}
            ),
            "value": rows["value"],
            "unit": rows["variable"].map({k: _visible(v.unit) for k, v in entries.items()}),
            "vintage": rows["vintage"],
            "flag": rows["flag"],
        }
    )
    return table.assign(source=_sources_of(rows, panel))


def _sources_of(rows: pd.DataFrame, panel: Panel) -> pd.Series:
    """Return the key of the source of each row."""
    found = pd.Series(DERIVED, index=rows.index, dtype="str")
    for key, part in rows.groupby("variable", sort=False):
        for segment in panel.catalogue.variables[key].segments:
            found[part.index[_covered(part, segment)]] = segment.source
    found[rows["flag"] == READER] = READER
    return found


def _covered(part: pd.DataFrame, segment: _Segment) -> pd.Series:
    """Return which rows of a variable a segment gives: its years less what it leaves out."""
    inside = part["year"].between(*segment.years) & (part["vintage"] == segment.vintage)
    for left_out in (segment.skip, segment.gaps):
        for province, years in left_out.items():
            inside &= ~((part["province"] == province) & part["year"].isin(years))
    return inside


def catalogue_frame(panel: Panel) -> pd.DataFrame:
    """Return what each variable is, one row per variable that has figures."""
    coverage = panel.coverage()
    records = []
    for key in panel.variables:
        entry = panel.catalogue.variables[key]
        lines = coverage.loc[[key]]
        records.append(
            {
                "variable": key,
                "name_en": entry.name.en,
                "name_zh": entry.name.zh,
                "theme": entry.theme,
                "unit": entry.unit,
                "definition": entry.definition,
                "publisher_en": entry.publisher.en,
                "publisher_zh": entry.publisher.zh,
                "yearbook_en": entry.yearbook.en,
                "yearbook_zh": entry.yearbook.zh,
                "vintages": ", ".join(entry.vintages),
                "first_year": int(lines["first"].min()),
                "last_year": int(lines["last"].max()),
                "provinces": int(lines["provinces"].max()),
                "figures": int(lines["figures"].sum()),
                "derived_by": entry.derived,
                "breaks": "; ".join(
                    _break(item.year, item.provinces, item.note) for item in entry.breaks
                ),
                "note": " ".join(text for text in (entry.note, entry.national_note) if text),
            }
        )
    return pd.DataFrame(list(map(_shown_within, records)))


def _shown_within(record: dict[str, object]) -> dict[str, object]:
    return {k: _visible(cell) if isinstance(cell, str) else cell for k, cell in record.items()}


def _break(year: int, codes: list[int], note: str) -> str:
    where = f" ({', '.join(provinces.name(code) for code in codes)})" if codes else ""
    return f"{year}{where}: {note}"


def sources_frame(panel: Panel) -> pd.DataFrame:
    """Return where the figures come from, one row per run of years of a variable."""
    records = []
    for key in panel.variables:
        for segment in panel.catalogue.variables[key].segments:
            source = panel.catalogue.sources[segment.source]
            records.append(
                {
                    "variable": key,
                    "vintage": segment.vintage,
                    "first_year": segment.years[0],
                    "last_year": segment.years[1],
                    "source": segment.source,
                    "item": segment.item,
                    "flag": segment.flag,
                    "repository": source.repository,
                    "commit": source.commit,
                    "path": source.path,
                    "sha256": source.sha256,
                    "licence_of_repository": source.licence,
                    "note": segment.note,
                }
            )
    columns = ["variable", "vintage", "first_year", "last_year", "source", "item", "flag"]
    columns += ["repository", "commit", "path", "sha256", "licence_of_repository", "note"]
    return pd.DataFrame(list(map(_shown_within, records)), columns=columns)


def about(panel: Panel) -> list[tuple[str, str]]:
    """Return what a reader of the files must know: pairs of a heading and its text."""
    own = int((panel.frame["flag"] == READER).sum())
    rows = [
        (TITLE, TITLE_ZH),
        ("From the book", f"{BOOK} {BOOK_ZH}, version {__version__}"),
        ("Figures", f"{len(panel.frame):,} of {len(panel.variables)} variables"),
        ("Rights 权利", ABOUT["rights"]),
        ("How to cite 引用", ABOUT["cite"]),
    ]
    if own:
        text = f"{own:,} of the figures were added by the reader of this copy; flag '{READER}'."
        rows.append(("Reader's own figures", text))
    rows += [(f"Column {name}", text) for name, text in COLUMN_NOTES.items()]
    rows += [(f"Vintage {name}", text) for name, text in VINTAGES.items()]
    return rows + [(f"Flag {name}", text) for name, text in FLAGS.items()]


Cell = str | int | float | None
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold
_LONGEST = 32_767  # characters of a cell
_CODED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
# Styles of cells, by their place in cellXfs: plain, heading, wrapped, text like a formula.
_PLAIN, _HEADING, _WRAPPED, _QUOTED = range(4)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Parameters
    ----------
    name : str
        Name on the tab, at most 31 characters.
    rows : sequence of sequences
        Cells: text, a number, or None for an empty one. With `table` the
        first row holds the headings.
    widths : sequence of float
        Width of each column in digits.
    table : bool
        Whether the first row is frozen, and the rows can be filtered.
    frozen : int
        Columns that stay in view.
    """

    name: str
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[float]
    table: bool = True
    frozen: int = 0


def column_name(number: int) -> str:
    """Return the letters of a column, the first being 1.

    Examples
    --------
    >>> column_name(1), column_name(27), column_name(703)
    ('A', 'AA', 'AAA')
    """
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def write_workbook(path: Path, sheets: Sequence[Sheet], title: str, creator: str) -> None:
    """Write sheets to a file; the same cells give the same bytes.

    Parameters
    ----------
    path : Path
        File to write; the caller decides what it replaces.
    sheets : sequence of Sheet
        Sheets in their order; the first is open at the start.
    title, creator : str
        Properties of the document.

    Raises
    ------
    nqpf.errors.DataError
        If a number is not finite or a text does not fit a cell.
    """
    texts: dict[str, int] = {}
    parts = {
        f"xl/worksheets/sheet{i}.xml": _sheet_workbook(s, texts) for i, s in enumerate(sheets, 1)
    }
    parts["xl/sharedStrings.xml"] = _strings(texts)
    parts["xl/styles.xml"] = _styles()
    parts["xl/workbook.xml"] = _workbook(sheets)
    kinds = {"styles.xml": "styles", "sharedStrings.xml": "sharedStrings"}
    targets = [(f"worksheets/sheet{i}.xml", "worksheet") for i in range(1, len(sheets) + 1)]
    parts["xl/_rels/workbook.xml.rels"] = _relations(
        [(target, f"{_OFFICE}/{kind}") for target, kind in [*targets, *kinds.items()]]
    )
    parts["docProps/core.xml"] = _properties(title, creator)
    core = f"{_PACKAGE}/relationships/metadata/core-properties"
    parts["_rels/.rels"] = _relations(
        [("xl/workbook.xml", f"{_OFFICE}/officeDocument"), ("docProps/core.xml", core)]
    )
    parts = {"[Content_Types].xml": _content_types(len(sheets)), **parts}
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0  # or the bytes would name the operating system
            file.writestr(entry, (_HEAD + text).encode("utf-8"), compresslevel=6)


def _sheet_workbook(sheet: Sheet, texts: dict[str, int]) -> str:
    columns = max(map(len, sheet.rows))
    names = [column_name(number) for number in range(1, columns + 1)]
    lines = []
    for line, row in enumerate(sheet.rows, 1):
        style = _HEADING if line == 1 else _PLAIN if sheet.table else _WRAPPED
        cells = [
            _cell(f"{name}{line}", cell, style, texts)
            for name, cell in zip(names, row, strict=False)
            if cell is not None and cell != ""
        ]
        lines.append(f'<row r="{line}">{"".join(cells)}</row>')
    extent = f"A1:{names[-1]}{len(sheet.rows)}"
    widths = "".join(
        f'<col min="{i}" max="{i}" width="{width}" customWidth="1"/>'
        for i, width in enumerate(sheet.widths, 1)
    )
    frozen = _pane(sheet) if sheet.table else ""
    return (
        f'<worksheet xmlns="{_MAIN}"><dimension ref="{extent}"/>'
        f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols>'
        f"<sheetData>{''.join(lines)}</sheetData>"
        + (f'<autoFilter ref="{extent}"/>' if sheet.table else "")
        + "</worksheet>"
    )


def _pane(sheet: Sheet) -> str:
    corner = f"{column_name(sheet.frozen + 1)}2"
    split = f'xSplit="{sheet.frozen}" ' if sheet.frozen else ""
    pane = "bottomRight" if sheet.frozen else "bottomLeft"
    return (
        f'<pane {split}ySplit="1" topLeftCell="{corner}" activePane="{pane}" state="frozen"/>'
        f'<selection pane="{pane}"/>'
    )


def _cell(place: str, cell: Cell, style: int, texts: dict[str, int]) -> str:
    if isinstance(cell, str):
        if len(cell) > _LONGEST:
            raise DataError(
                f"a text of {len(cell)} characters does not fit a cell",
                where={"cell": place},
                expected=f"at most {_LONGEST}",
            )
        if _like_formula(cell) and style != _HEADING:
            style = _QUOTED
        mark = f' s="{style}"' if style else ""
        return f'<c r="{place}"{mark} t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
    if not math.isfinite(cell):
        raise DataError(
            f"{cell} cannot stand in a workbook", where={"cell": place}, expected="a finite number"
        )
    # The shortest digits that give the number back exactly.
    number = repr(float(cell)).removesuffix(".0")
    return f'<c r="{place}"><v>{number}</v></c>'


def _strings(texts: dict[str, int]) -> str:
    items = "".join(f'<si><t xml:space="preserve">{_shown(text)}</t></si>' for text in texts)
    return f'<sst xmlns="{_MAIN}" uniqueCount="{len(texts)}">{items}</sst>'


def _shown(text: str) -> str:
    """Return a text as XML in which a spreadsheet sees the characters themselves."""
    # _x0041_ would be read as the letter A unless its first stroke is coded itself.
    return escape(_CODED.sub("_x005F_", _visible(text)))


def _styles() -> str:
    heading = (
        '<fill><patternFill patternType="solid"><fgColor rgb="FFE8EEF4"/></patternFill></fill>'
    )
    wrap = '<alignment vertical="top" wrapText="1"/>'
    xfs = [
        '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
        '<xf numFmtId="0" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" '
        'applyFill="1"/>',
        '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1">'
        f"{wrap}</xf>",
        '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/>',
    ]
    # Calibri has no Chinese; a spreadsheet then takes the system's Chinese font.
    font = '<sz val="11"/><name val="Calibri"/><family val="2"/>'
    return (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font>{font}</font>'
        f'<font><b/>{font}</font></fonts><fills count="3"><fill><patternFill patternType="none"/>'
        f'</fill><fill><patternFill patternType="gray125"/></fill>{heading}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        f'</cellStyleXfs><cellXfs count="{len(xfs)}">{"".join(xfs)}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    )


def _workbook(sheets: Sequence[Sheet]) -> str:
    tabs, filters = [], []
    for i, sheet in enumerate(sheets, 1):
        tabs.append(f'<sheet name={quoteattr(sheet.name)} sheetId="{i}" r:id="rId{i}"/>')
        if sheet.table:
            last = f"${column_name(len(sheet.rows[0]))}${len(sheet.rows)}"
            filters.append(
                f'<definedName name="_xlnm._FilterDatabase" localSheetId="{i - 1}" hidden="1">'
                f"'{escape(sheet.name)}'!$A$1:{last}</definedName>"
            )
    names = f"<definedNames>{''.join(filters)}</definedNames>" if filters else ""
    return (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{''.join(tabs)}</sheets>{names}</workbook>"
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}" Target="{target}"/>'
        for i, (target, kind) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _content_types(sheets: int) -> str:
    kinds = {f"/xl/worksheets/sheet{i}.xml": f"{_KIND}worksheet+xml" for i in range(1, sheets + 1)}
    kinds |= {
        "/xl/workbook.xml": f"{_KIND}sheet.main+xml",
        "/xl/sharedStrings.xml": f"{_KIND}sharedStrings+xml",
        "/xl/styles.xml": f"{_KIND}styles+xml",
        "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
    }
    each = "".join(f'<Override PartName="{p}" ContentType="{k}"/>' for p, k in kinds.items())
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{each}</Types>'
    )


def _properties(title: str, creator: str) -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{_shown(title)}</dc:title><dc:creator>{_shown(creator)}</dc:creator>"
        "</cp:coreProperties>"
    )


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
    rows = figures_frame(panel)
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
        "nqpf-catalogue": catalogue_frame(panel),
        "nqpf-sources": sources_frame(panel),
    }
    paths = []
    for name, frame in frames.items():
        path = inside(folder, f"{name}.csv")
        with replacing(path) as temporary:
            temporary.write_bytes(_csv_text(frame).encode("utf-8"))
        paths.append(path)
    paths.append(inside(folder, "nqpf-readme.txt"))
    with replacing(paths[-1]) as temporary:
        lines = [f"{heading}: {text}\n" for heading, text in about(panel)]
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
    return f"'{text}" if _like_formula(text) else text


def _parquet(panel: Panel, rows: pd.DataFrame, folder: Path) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in rows.columns:
        if pd.api.types.is_numeric_dtype(rows[name]):
            columns[name] = pa.array(rows[name].to_numpy())
        else:
            columns[name] = pa.array(rows[name], pa.string()).dictionary_encode()
    told = {
        "about": [list(pair) for pair in about(panel)],
        "catalogue": catalogue_frame(panel).to_dict("records"),
        "sources": sources_frame(panel).to_dict("records"),
    }
    text = json.dumps(told, ensure_ascii=False)
    path = inside(folder, f"{_NAME}.parquet")
    with replacing(path) as temporary:
        table = pa.table(columns).replace_schema_metadata({METADATA: text})
        pq.write_table(table, temporary, compression="zstd", row_group_size=1 << 20)
    return [path]


def _xlsx(panel: Panel, rows: pd.DataFrame, folder: Path) -> list[Path]:
    readme = Sheet("README", about(panel), [28, 100], table=False)
    sheets = [readme, _sheet("panel", rows)]
    sheets += [_wide(panel, vintage) for vintage in _vintages(panel)]
    sheets.append(_sheet("catalogue", catalogue_frame(panel), frozen=1))
    sheets.append(_sheet("sources", sources_frame(panel)))
    path = inside(folder, f"{_NAME}.xlsx")
    with replacing(path) as temporary:
        creator = "The contributors to Measuring New Quality Productive Forces"
        write_workbook(temporary, sheets, TITLE, creator)
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
