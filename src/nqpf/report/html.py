"""Pieces of a page: safe HTML for the book, plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from re import sub

from rich.cells import cell_len

from nqpf import provinces


@dataclass(frozen=True)
class _Html:
    """A fragment of a page and the text that stands for it where there is no HTML.

    Parameters
    ----------
    html : str
        The fragment; whoever makes it escapes every text that it holds.
    said : str or None
        The same in plain text; the fragment without its tags when None.

    Examples
    --------
    >>> _Html("<b>GDP</b>", "GDP")
    GDP
    """

    html: str
    said: str | None = None

    @property
    def text(self) -> str:
        """The fragment in plain text."""
        if self.said is not None:
            return self.said
        return unescape(sub("<[^>]*>", "", self.html.replace("<br>", "; ")))

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def _filled(pattern: str, *parts: object) -> _Html:
    """Return HTML with parts in its braces: an :class:`_Html` as it is, all else escaped."""
    return _Html(pattern.format(*map(_safe, parts)))


def _safe(part: object) -> str:
    return part.html if isinstance(part, _Html) else escape(str(part))


def _joined(parts: Iterable[object], between: str = "<br>") -> _Html:
    return _Html(between.join(map(_safe, parts)))


def _both_names(en: str, zh: str) -> _Html:
    """Return a name in both languages, the Chinese marked as Chinese for screen readers.

    Examples
    --------
    >>> _both_names("Beijing", "北京").html
    'Beijing <span lang="zh">北京</span>'
    """
    return _filled('{} <span lang="zh">{}</span>', en, zh)


def _province(code: int) -> _Html:
    return _both_names(provinces.name(code), provinces.name(code, "zh"))


def _html_table(
    header: Sequence[str], rows: Iterable[Sequence], caption: str = "", numeric: Sequence[str] = ()
) -> _Html:
    """Return a table as HTML and as aligned text.

    Parameters
    ----------
    header : sequence of str
        Column headings.
    rows : iterable of sequences
        Cells; an :class:`_Html` is taken as it is, anything else is escaped. A
        row of one cell is a heading over the rows below it.
    caption : str
        Caption, plain text.
    numeric : sequence of str
        Headings of the columns to set flush right.

    Examples
    --------
    >>> _html_table(["name", "value"], [["a < b", 1]], numeric=["value"])
    name   value
    a < b      1
    """
    rows = list(rows)
    sides = [' style="text-align:right"' if heading in numeric else "" for heading in header]
    group = f'<th colspan="{len(sides)}" scope="rowgroup" style="text-align:left">'
    body = ""
    for row in rows:
        cells = zip(sides, row, strict=len(row) > 1)
        each = [f"<td{side}>{_safe(cell)}</td>" for side, cell in cells]
        body += f"<tr>{''.join(each) if len(row) > 1 else f'{group}{_safe(row[0])}</th>'}</tr>"
    heads = zip(sides, header, strict=True)
    head = "".join(f'<th scope="col"{side}>{escape(heading)}</th>' for side, heading in heads)
    title = f"<caption>{escape(caption)}</caption>" * bool(caption)
    html = (
        f'<div class="table-box"><table class="nqpf-table">{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return _Html(html, _aligned([header, *rows], sides, caption))


def _aligned(rows: Sequence[Sequence[object]], sides: Sequence[str], caption: str) -> str:
    text = [[cell.text if isinstance(cell, _Html) else str(cell) for cell in row] for row in rows]
    full = [row for row in text if len(row) == len(sides)]
    widths = [max(map(cell_len, column)) for column in zip(*full, strict=True)]
    lines = [caption] if caption else []
    for row in text:
        parts = []
        for cell, width, flush in zip(row, widths, sides, strict=len(row) > 1):
            blank = " " * (width - cell_len(cell))
            parts.append(blank + cell if flush else cell + blank)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def listed(parts: Iterable[str], limit: int = 6) -> str:
    """Join parts as in a sentence; beyond `limit` the rest is counted.

    Examples
    --------
    >>> listed(["Beijing", "Shanghai", "Hainan"])
    'Beijing, Shanghai and Hainan'
    """
    parts = list(parts)
    if len(parts) > limit:
        parts = [*parts[: limit - 1], f"{len(parts) - limit + 1} more"]
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def _name_of(key: object) -> str:
    """Return a province's English name, or the text of anything else."""
    return provinces.name(int(key)) if key in provinces.codes() else str(key)  # type: ignore[call-overload]
