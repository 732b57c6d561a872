"""What the survey argues, beside the variables of the panel that could measure it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import yaml

from nqpf.errors import DataError
from nqpf.paths import root
from nqpf.report.html import Html

if TYPE_CHECKING:
    from nqpf.data import Panel

__all__ = ["argument_table"]


def argument_table(part: str, panel: Panel) -> Html:
    """Return one part of the survey's argument as a table.

    Parameters
    ----------
    part : {'drivers', 'traits', 'challenges', 'paths'}
        Part of ``data/argument.yaml``.
    panel : Panel
        Gives names and years of the variables.

    Raises
    ------
    nqpf.errors.DataError
        If a point names a variable that the catalogue does not have.
    """
    path = root() / "data" / "argument.yaml"
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))
    if part not in parts:
        raise DataError(f"unknown part {part!r}", where={"file": path.name}, expected=str([*parts]))
    span = panel.frame.groupby("variable")["year"].agg(["min", "max"])
    rows, plain = [], []
    for point in parts[part]["points"]:
        measured = [_measure(key, span, panel, path.name) for key in point["variables"]]
        cells = [
            f"{escape(point['name']['en'])}<br><span lang='zh'>{escape(point['name']['zh'])}</span>",
            escape(point["says"]),
            "<br>".join(escape(text) for text in measured) or "—",
            escape(point["gap"]) or "—",
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        plain.append(f"{point['name']['en']}: {'; '.join(measured) or 'nothing in the panel'}")
    head = "".join(
        f"<th scope='col'>{text}</th>"
        for text in ("Point", "In short", "What the panel has", "What it lacks")
    )
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return Html(f"<div class='table-box'><table>{table}</table></div>", "\n".join(plain))


def _measure(key: str, span: object, panel: Panel, file: str) -> str:
    if key not in panel.catalogue.variables or key not in span.index:
        raise DataError(
            f"the panel has no variable {key!r}",
            where={"file": file},
            hint="correct the list of variables in data/argument.yaml",
        )
    first, last = span.loc[key]
    return f"{panel.catalogue.variables[key].name.en}, {first}–{last}"
