"""What the browser cannot say: the titles of the outline, the authors, a date that does not move.

The changes are appended to the file, as the format allows, because reading and writing all of
its objects again would take longer than printing it.
"""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO

from pypdf import PdfReader
from pypdf.generic import (
    BooleanObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    PdfObject,
    TextStringObject,
)

_DATE = re.compile(rb"\(D:\d{14}[+-]\d\d'\d\d'\)")
_OPEN_LEVELS = 1  # of the outline: the parts show their chapters, a chapter keeps its sections


def page_numbers(pdf: bytes) -> dict[str, int]:
    """Return the page, counted from one, of every anchor that a link leads to."""
    reader = PdfReader(BytesIO(pdf))
    pages = {page.indirect_reference.idnum: n for n, page in enumerate(reader.pages, 1)}
    return {
        name.lstrip("/"): pages[place.raw_get("/Page").idnum]
        for name, place in reader.named_destinations.items()
    }


def _children(item: DictionaryObject) -> list[DictionaryObject]:
    """Return the entries right below an entry of the outline."""
    found = []
    child = item.get("/First")
    while child is not None:
        found.append(child.get_object())
        child = found[-1].get("/Next")
    return found


def _retitle(item: DictionaryObject, titles: list[str], level: int) -> tuple[list, int]:
    """Give the entries below `item` their titles, taken from the front of `titles`.

    Returns
    -------
    tuple of list and int
        The changed objects, and how many entries show while this one is open.
    """
    changed, showing = [], 0
    for child in _children(item):
        if not titles:
            raise SystemExit("the outline has more entries than the document has headings")
        child[NameObject("/Title")] = TextStringObject(titles.pop(0))
        below, inside = _retitle(child, titles, level + 1)
        is_open = level < _OPEN_LEVELS
        if inside:
            child[NameObject("/Count")] = NumberObject(inside if is_open else -inside)
        changed += [child, *below]
        showing += 1 + (inside if is_open else 0)
    return changed, showing


def _append(pdf: bytes, objects: dict[int, PdfObject], trailer: DictionaryObject) -> bytes:
    """Return the file with newer versions of some of its objects at its end."""
    out = BytesIO()
    out.write(pdf if pdf.endswith(b"\n") else pdf + b"\n")
    places = {}
    for number in sorted(objects):
        places[number] = out.tell()
        out.write(f"{number} 0 obj\n".encode())
        objects[number].write_to_stream(out)
        out.write(b"\nendobj\n")
    table = out.tell()
    out.write(b"xref\n")
    for number, place in places.items():
        out.write(f"{number} 1\n{place:010d} 00000 n \n".encode())
    before = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    newer = DictionaryObject(
        {NameObject(key): trailer.raw_get(key) for key in ("/Size", "/Root", "/Info")}
    )
    newer[NameObject("/Prev")] = NumberObject(before)
    out.write(b"trailer\n")
    newer.write_to_stream(out)
    out.write(f"\nstartxref\n{table}\n%%EOF\n".encode())
    return out.getvalue()


def finish(pdf: bytes, titles: list[str], about: dict[str, str], moment: datetime) -> bytes:
    """Return the PDF with its outline, its description and its date.

    Parameters
    ----------
    pdf : bytes
        As printed. The browser joins the lines of a long heading without a space.
    titles : list of str
        Every heading of the document in order.
    about : dict
        Entries of the document information, such as ``/Author``.
    moment : datetime
        Stands for the time of printing, which would make each file another one.

    Returns
    -------
    bytes
        Two calls with the same arguments give the same.
    """
    stamp = moment.strftime("D:%Y%m%d%H%M%S+00'00'")
    pdf = _DATE.sub(f"({stamp})".encode(), pdf)
    reader = PdfReader(BytesIO(pdf))
    root, outline = reader.root_object, reader.root_object["/Outlines"].get_object()
    left = list(titles)
    changed, showing = _retitle(outline, left, 0)
    if left:
        raise SystemExit(f"headings that the outline lacks: {'; '.join(left[:5])}")
    outline[NameObject("/Count")] = NumberObject(showing)
    root[NameObject("/PageMode")] = NameObject("/UseOutlines")
    root[NameObject("/Lang")] = TextStringObject("en")
    preferences = root.setdefault(NameObject("/ViewerPreferences"), DictionaryObject())
    preferences.get_object()[NameObject("/DisplayDocTitle")] = BooleanObject(True)
    info = reader.trailer.raw_get("/Info")
    described = {**about, "/Producer": "Skia/PDF", "/CreationDate": stamp, "/ModDate": stamp}
    objects: dict[int, PdfObject] = {
        each.indirect_reference.idnum: each for each in [root, outline, *changed]
    }
    objects[info.idnum] = DictionaryObject(
        {NameObject(key): TextStringObject(value) for key, value in described.items()}
    )
    return _append(pdf, objects, reader.trailer)
