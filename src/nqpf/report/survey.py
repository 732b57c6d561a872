"""What the survey argues, beside the variables of the panel that could measure it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import yaml

from nqpf.data.reading import note
from nqpf.errors import DataError
from nqpf.paths import root
from nqpf.report.catalogue import variable_link
from nqpf.report.html import Html, both_names, table
from nqpf.text import visible_within

if TYPE_CHECKING:
    import pandas as pd

    from nqpf.data import Panel

__all__ = ["argument_table"]

_NOTHING = "—"


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
    parts = visible_within(yaml.safe_load(path.read_text(encoding="utf-8")))
    if part not in parts:
        raise DataError(f"unknown part {part!r}", where={"file": path.name}, expected=str([*parts]))
    span = panel.frame.groupby("variable")["year"].agg(["min", "max"])
    rows = []
    for point in parts[part]["points"]:
        note("variables", point["variables"])
        measured = [_measure(key, span, panel, path.name) for key in point["variables"]]
        name = both_names(point["name"]["en"], point["name"]["zh"])
        lines = Html("<br>".join(m.html for m in measured), "; ".join(m.text for m in measured))
        rows.append(
            [name, point["says"], lines if measured else _NOTHING, point["gap"] or _NOTHING]
        )
    return table(["point", "in short", "what the panel has", "what it lacks"], rows)


def _measure(key: str, span: pd.DataFrame, panel: Panel, file: str) -> Html:
    if key not in panel.catalogue.variables or key not in span.index:
        raise DataError(
            f"the panel has no variable {key!r}",
            where={"file": file},
            hint="correct the list of variables in data/argument.yaml",
        )
    first, last = span.loc[key]
    text = f"{panel.catalogue.variables[key].name.en}, {first}–{last}"
    return Html(f'<a href="{variable_link(key)}">{escape(text)}</a>', text)
