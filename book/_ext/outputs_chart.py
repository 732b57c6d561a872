"""Figures as files: the SVG that a page shows, a chart for the browser drawn once, its data."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

__all__ = ["chart_rows", "chart_svg", "safe_svg", "shown_svg"]

_LOOK_UP = re.compile(r"(?P<list>\w+)\[(?P<place>\d+)\]\[datum\.(?P<code>\w+)\]")
_SVG = "data:image/svg+xml,"
_UNSAFE = re.compile(
    rb"<\s*(?:script|foreignObject|iframe|embed|object)\b|\son\w+\s*=|javascript:", re.I
)


def shown_svg(source: str) -> bytes | None:
    """Return the drawing that the ``src`` of an image holds; None if it is not a vector.

    Examples
    --------
    >>> shown_svg("data:image/svg+xml,%3Csvg/%3E")
    b'<svg/>'
    """
    return unquote_to_bytes(source.removeprefix(_SVG)) if source.startswith(_SVG) else None


def safe_svg(drawn: bytes) -> bytes:
    """Return a drawing that holds nothing that could run.

    Raises
    ------
    ValueError
        If it does.
    """
    found = _UNSAFE.search(drawn)
    if found:
        raise ValueError(f"a drawing holds {found.group().decode()!r}, which a browser could run")
    return drawn


@cache
def _with_fonts() -> object:
    import vl_convert

    spec = importlib.util.find_spec("zhplot")  # finds the fonts without importing the package
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "fonts").is_dir():
            vl_convert.register_font_directory(str(Path(folder) / "fonts"))
    return vl_convert


def chart_svg(spec: dict[str, object]) -> bytes:
    """Draw a Vega-Lite chart as it stands before a reader touches it, asking no other host."""
    width = {} if spec.get("width", "container") != "container" else {"width": 600}
    drawn = _with_fonts().vegalite_to_svg({**spec, **width}, allowed_base_urls=[])
    return safe_svg(drawn.encode("utf-8"))


def chart_rows(spec: dict[str, object]) -> tuple[list[str], list[list[object]]] | None:
    """Return the largest table in a Vega-Lite specification; None if it holds none.

    What stands in a field one level down becomes a column of its own.

    Examples
    --------
    >>> chart_rows({"data": {"values": [{"name": "x", "values": {"a": 1, "b": 2}}]}})
    (['name', 'a', 'b'], [['x', 1, 2]])
    """
    tables = [table for table in _tables(spec) if table]
    if not tables:
        return None
    flat = [_flat(row) for row in max(tables, key=len)]
    _decode(flat, spec)
    header = list(dict.fromkeys(name for row in flat for name in row))
    rows = [[row.get(name) for name in header] for row in flat]
    return (header, rows) if header else None


def _tables(part: object) -> list[list[dict[str, object]]]:
    found = []
    if isinstance(part, dict):
        values = part.get("values")
        if isinstance(values, list) and values and isinstance(values[0], dict):
            found.append(values)
        elif isinstance(values, str) and "\n" in values:
            found.append(list(csv.DictReader(io.StringIO(values))))
        elif isinstance(part.get("datasets"), dict):
            found += [v for v in part["datasets"].values() if isinstance(v, list)]
        for name, inner in part.items():
            if name != "values":
                found += _tables(inner)
    elif isinstance(part, list):
        for inner in part:
            found += _tables(inner)
    return found


def _inside(part: object) -> Iterator[dict[str, object]]:
    """Yield every object in a specification, outermost first."""
    if isinstance(part, dict):
        yield part
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        yield from _inside(inner)


def _decode(rows: list[dict[str, object]], spec: dict[str, object]) -> None:
    """Put words in the place of codes that the chart itself looks up in a list."""
    lists = {p["name"]: p.get("value") for p in spec.get("params", ()) if isinstance(p, dict)}
    parts = list(_inside(spec))
    titles = {p["field"]: p["title"] for p in parts if "field" in p and "title" in p}
    for part in parts:
        found = _LOOK_UP.fullmatch(str(part.get("calculate", "")))
        if not found or not isinstance(lists.get(found["list"]), list):
            continue
        words, code = lists[found["list"]][int(found["place"])], found["code"]
        title = str(titles.get(part.get("as"), code))
        for row in rows:
            if code in row:
                row[title] = words[int(row.pop(code))]


def _flat(row: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            # Shares only colour the tiles; they are the values again.
            flat |= {k: v for k, v in value.items() if name == "values"}
        elif not isinstance(value, list):
            flat[name] = value
    return flat
