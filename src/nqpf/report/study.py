"""What the survey states about a study, fact by fact with its status."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nqpf.report.html import Html, both_names, table
from nqpf.report.notes import status_badges

if TYPE_CHECKING:
    from nqpf.systems import Study
    from nqpf.systems.study import Stated

__all__ = ["replications_table", "studies_table", "study_table"]

_FACTS = {
    "composite": ("basis", "sample", "weighting", "aggregation"),
    "tfp": ("estimator", "sample"),
}
_NOT_STATED = "not stated"
_NEXT = {"D": "M", "M": "N"}  # the level that a study can be lifted to


def study_table(study: Study) -> Html:
    """Return a study's known facts, one row each; what nobody states is *not stated*.

    Parameters
    ----------
    study : nqpf.systems.Study
        A surveyed study.
    """
    rows: list[list[object]] = [["study", study.title, ""]]
    if study.publication:
        paper = study.publication
        where = f"{paper.title}, {paper.journal} {paper.issue}: {paper.pages}"
        where += f", doi {paper.doi}" if paper.doi else ""
        rows.append(["published", where, status_badges(paper.status)])
    for name in _FACTS[study.kind]:
        fact = getattr(study, name)
        rows.append(
            [name, fact.text, status_badges(fact.status)] if fact else [name, _NOT_STATED, ""]
        )
    for dimension in study.dimensions:
        label = both_names(dimension.name.en, dimension.name.zh)
        rows.append(["dimension", label, status_badges(dimension.status)])
    if not study.dimensions and study.kind == "composite":
        rows.append(["dimensions", _NOT_STATED, ""])
    rows += [["also", fact.text, status_badges(fact.status)] for fact in study.statements]
    return table(["fact", "what is known", "status"], rows)


def studies_table(kind: str) -> Html:
    """Return all surveyed studies of one kind (``composite`` or ``tfp``), a row each."""
    from nqpf.systems import Study
    from nqpf.systems.study import keys

    facts = _FACTS[kind][-2:]
    heads = ["study", *facts, *(["dimensions"] if kind == "composite" else []), "level"]
    rows = []
    for study in map(Study.load, keys("studies")):
        if study.kind == kind:
            cells = [_stated(getattr(study, name)) for name in facts]
            if kind == "composite":
                cells.append("; ".join(str(d.name) for d in study.dimensions) or _NOT_STATED)
            rows.append([study.title, *cells, study.level])
    return table(heads, rows)


def replications_table() -> Html:
    """Return what every surveyed study lacks for the next level, with the key of its record.

    Examples
    --------
    >>> "the study's indicator list" in replications_table().text
    True
    """
    from nqpf.systems import Study
    from nqpf.systems.study import keys

    rows = []
    for study in map(Study.load, keys("studies")):
        step = f"{study.level} → {_NEXT[study.level]}" if study.level in _NEXT else study.level
        name = Html(
            f"{escape(study.title)}<br><code>{escape(study.key)}</code>",
            f"{study.title} {study.key}",
        )
        rows.append([name, step, "; ".join(study.missing)])
    return table(["study and key", "step", "what would lift it"], rows)


def _stated(fact: Stated | None) -> Html | str:
    if fact is None:
        return _NOT_STATED
    return Html(f"{escape(fact.text)} {status_badges(fact.status).html}", fact.text)
