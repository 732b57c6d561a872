"""A workbook (.xlsx) whose bytes depend on its cells alone, in which no text is ever a formula.

The format is ISO/IEC 29500; a workbook is a zip of small XML files. Written by hand, because
the bytes must not depend on the version of a library or on the time, and because a general
library takes several times as long for a table of this size.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from nqpf.errors import DataError
from nqpf.text import like_formula, visible

__all__ = ["Sheet", "column_name", "write_workbook"]

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
    parts = {f"xl/worksheets/sheet{i}.xml": _sheet(s, texts) for i, s in enumerate(sheets, 1)}
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


def _sheet(sheet: Sheet, texts: dict[str, int]) -> str:
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
        if like_formula(cell) and style != _HEADING:
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
    return escape(_CODED.sub("_x005F_", visible(text)))


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
