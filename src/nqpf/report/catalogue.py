"""The catalogue as tables for the page: one block per variable, down to the source file."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from nqpf.report.html import Html

if TYPE_CHECKING:
    from nqpf.data import Panel
    from nqpf.data.catalogue import Segment, Source, Variable

__all__ = ["catalogue_table", "variable_link"]


def variable_link(key: str) -> str:
    """Return the address of a variable's line in the catalogue, from any chapter of a part.

    Examples
    --------
    >>> variable_link("gdp")
    '../data/panel.html#var-gdp'
    """
    return f"../data/panel.html#var-{quote(key)}"


def catalogue_table(panel: Panel, theme: str) -> Html:
    """Return the variables of one theme with definition, coverage and provenance.

    Each row has the anchor ``var-<key>``, so that a chapter can link to it.

    Parameters
    ----------
    panel : Panel
        Panel whose catalogue is shown.
    theme : str
        Theme of the catalogue, which is also the name of the table in ``data/panel``.
    """
    coverage = panel.coverage()
    blocks, plain = [], []
    for key, variable in panel.catalogue.variables.items():
        if variable.theme != theme:
            continue
        lines = coverage.loc[[key]] if key in coverage.index.get_level_values(0) else None
        blocks.append(_block(key, variable, lines, panel))
        plain.append(f"{key}: {variable.name.en} ({variable.unit})")
    return Html("\n".join(blocks), "\n".join(plain))


def _block(key: str, variable: Variable, coverage: object, panel: Panel) -> str:
    facts = [
        ("Definition", escape(variable.definition)),
        ("Unit", escape(variable.unit)),
        ("Figures", _coverage(coverage)),
        ("Published in", f"{_both(variable.yearbook)}, {_both(variable.publisher)}"),
    ]
    if variable.derived:
        facts.append(("Derived by", f"<code>{escape(variable.derived)}</code>"))
    facts += [
        ("Transcribed from", _segment(segment, panel.catalogue.sources[segment.source]))
        for segment in variable.segments
    ]
    facts += [
        (f"Break in {item.year}", escape(item.note) + _where(item.provinces))
        for item in variable.breaks
    ]
    notes = (variable.note, variable.national_note)
    facts += [("Note", escape(text)) for text in notes if text]
    terms = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts)
    return (
        f"<details class='variable' id='var-{escape(key)}'><summary><code>{escape(key)}</code> "
        f"{_both(variable.name)}</summary><dl>{terms}</dl></details>"
    )


def _both(name: object) -> str:
    return f"{escape(name.en)} <span lang='zh'>{escape(name.zh)}</span>"


def _where(codes: list[int]) -> str:
    from nqpf import provinces

    names = ", ".join(escape(provinces.name(code, "both")) for code in codes)
    return f" ({names})" if codes else ""


def _coverage(table: object) -> str:
    if table is None:
        return "none embedded"
    parts = []
    for (_, vintage), row in table.iterrows():
        text = f"{row['first']:.0f}–{row['last']:.0f}, {row['provinces']:.0f} provinces"
        gaps = "1 gap" if row["gaps"] == 1 else f"{row['gaps']:.0f} gaps"
        text += f", {gaps if row['gaps'] else 'no gaps'}"
        text += f"; {100 * row['official share']:.0f} % flagged official"
        parts.append((f"{vintage}: " if vintage else "") + text)
    return "<br>".join(escape(part) for part in parts)


def _segment(segment: Segment, source: Source) -> str:
    address = f"https://github.com/{source.repository}/blob/{source.commit}/{quote(source.path)}"
    first, last = segment.years
    years = f"{first}–{last}" if first < last else f"{first}"
    detail = f"item “{escape(segment.item)}”, {years}, flag {segment.flag}"
    if segment.vintage:
        detail += f", vintage {escape(segment.vintage)}"
    if segment.note:
        detail += f". {escape(segment.note)}"
    label = escape(f"{source.repository}/{source.path}")
    return f"<a href='{escape(address, quote=True)}'>{label}</a>: {detail}"
