"""Pieces of a page: safe HTML for the book, plain text for a PDF and a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Html", "both_names", "table", "text_width"]


@dataclass(frozen=True)
class Html:
    """A fragment of a page and the text that stands for it where there is no HTML.

    Parameters
    ----------
    html : str
        The fragment; whoever makes it escapes every text that it holds.
    text : str
        The same in plain text.

    Examples
    --------
    >>> Html("<b>GDP</b>", "GDP")
    GDP
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def both_names(en: str, zh: str) -> Html:
    """Return a name in both languages, the Chinese marked as Chinese for screen readers.

    Examples
    --------
    >>> both_names("Beijing", "北京").html
    'Beijing <span lang="zh">北京</span>'
    """
    return Html(f'{escape(en)} <span lang="zh">{escape(zh)}</span>', f"{en} {zh}")


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    numeric: Sequence[str] = (),
) -> Html:
    """Return a table as HTML and as aligned text.

    Parameters
    ----------
    header : sequence of str
        Column headings.
    rows : iterable of sequences
        Cells; an :class:`Html` is taken as it is, anything else is escaped. A
        row of one cell is a heading over the rows below it.
    caption : str
        Caption, plain text.
    numeric : sequence of str
        Headings of the columns to set flush right.

    Examples
    --------
    >>> table(["name", "value"], [["a < b", 1]], numeric=["value"])
    name   value
    a < b      1
    """
    rows = [list(row) for row in rows]
    right = [heading in numeric for heading in header]
    head = "".join(_head(heading, flush) for heading, flush in zip(header, right, strict=True))
    body = "".join(_row(row, right) for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    html = (
        f'<div class="table-box"><table class="nqpf-table">{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return Html(html, _plain([list(header), *rows], right, caption))


def _head(heading: str, right: bool) -> str:
    side = ' style="text-align:right"' if right else ""
    return f'<th scope="col"{side}>{escape(heading)}</th>'


def _row(row: Sequence[object], right: Sequence[bool]) -> str:
    if len(row) == 1:
        heading = f'<th colspan="{len(right)}" scope="rowgroup" style="text-align:left">'
        return f"<tr>{heading}{_content(row[0])}</th></tr>"
    return "<tr>" + "".join(_cell(c, r) for c, r in zip(row, right, strict=True)) + "</tr>"


def _content(cell: object) -> str:
    return cell.html if isinstance(cell, Html) else escape(str(cell))


def _cell(cell: object, right: bool) -> str:
    content = _content(cell)
    return f'<td style="text-align:right">{content}</td>' if right else f"<td>{content}</td>"


def _plain(rows: Sequence[Sequence[object]], right: Sequence[bool], caption: str) -> str:
    text = [[c.text if isinstance(c, Html) else str(c) for c in row] for row in rows]
    full = [row for row in text if len(row) == len(right)]
    widths = [max(map(text_width, column)) for column in zip(*full, strict=True)]
    lines = [caption] if caption else []
    for row in text:
        if len(row) == 1:
            lines.append(row[0])
            continue
        cells = [
            " " * (width - text_width(cell)) + cell
            if flush
            else cell + " " * (width - text_width(cell))
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def text_width(text: str) -> int:
    """Return the width of a text in letters, of which a Chinese character takes two.

    Examples
    --------
    >>> text_width("GDP 总值")
    8
    """
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
