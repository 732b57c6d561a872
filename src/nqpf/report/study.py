"""What the survey states about a study, fact by fact with its status, and the level it reaches."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nqpf.report.alt import listed
from nqpf.report.html import Html, both_names, table
from nqpf.report.notes import status_badges
from nqpf.systems.study import NOT_STATED

if TYPE_CHECKING:
    from nqpf.systems import Study
    from nqpf.systems.study import Stated

__all__ = [
    "LEVELS",
    "levels_table",
    "replications_table",
    "studies_table",
    "study_table",
    "verdict",
]

LEVELS = {
    "N": "Numbers reproduced: printed scores come out of the study's own inputs",
    "M": "Method and dimensions are both stated, and re-run on this book's panel",
    "P": "One of method and dimensions is stated; it is re-run with this book's own for the other",
    "D": "Described, not re-run",
}

_FACTS = {
    "composite": ("basis", "sample", "weighting", "aggregation"),
    "tfp": ("estimator", "sample"),
}
_NEXT = {"D": "M", "P": "M", "M": "N"}  # the level that a study can be lifted to


def study_table(study: Study) -> Html:
    """Return a study's known facts, one row each; the rest is *not stated in the survey*.

    Parameters
    ----------
    study : nqpf.systems.Study
        A surveyed study.
    """
    rows: list[list[object]] = [["study", study.title, ""]]
    if study.publication:
        paper = study.publication
        where = " ".join(filter(None, (paper.journal, paper.issue)))
        where += f": {paper.pages}" if paper.pages else ""
        where += f", doi {paper.doi}" if paper.doi else ""
        rows.append(["published", f"{paper.title}, {where}", status_badges(paper.status)])
        if paper.confirmed:
            rows.append(["confirmed by", paper.confirmed, status_badges(paper.status)])
    else:
        rows.append(["published", f"{NOT_STATED}, nor found in a second record", ""])
    for name in _FACTS[study.kind]:
        fact = getattr(study, name)
        rows.append(
            [name, fact.text, status_badges(fact.status)] if fact else [name, NOT_STATED, ""]
        )
        if fact and fact.lacks:
            rows.append([f"{name}, in full", f"{NOT_STATED}: {fact.lacks}", ""])
    for dimension in study.dimensions:
        label = both_names(dimension.name.en, dimension.name.zh)
        rows.append(["dimension", label, status_badges(dimension.status)])
    if not study.dimensions and study.kind == "composite":
        rows.append(["dimensions", NOT_STATED, ""])
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
                cells.append("; ".join(str(d.name) for d in study.dimensions) or NOT_STATED)
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


def verdict(study: Study) -> Html:
    """Return the box that closes a study chapter: how far the study could be re-run.

    It is written from the record alone, so that level and reason cannot disagree.

    Parameters
    ----------
    study : nqpf.systems.Study
        A surveyed study.

    Examples
    --------
    >>> from nqpf.systems import Study
    >>> verdict(Study.load("dong-2024")).text.splitlines()[0].split(". ")[-1]
    "This book's own: the indicators (B)."
    """
    reason = _reason(study)
    missing = "".join(f"<li>{status_badges(text).html}</li>" for text in study.missing)
    html = (
        f'<div class="admonition verdict verdict-{study.level.lower()}">'
        f'<p class="admonition-title">Verdict: level {study.level}</p>'
        f"<p><strong>{escape(LEVELS[study.level])}.</strong> {status_badges(reason).html}</p>"
        f"<p>What is missing:</p><ul>{missing}</ul></div>"
    )
    text = f"Verdict: level {study.level}. {LEVELS[study.level]}. {reason}"
    return Html(html, f"{text}\nMissing: {'; '.join(study.missing)}")


def _reason(study: Study) -> str:
    """Say which part is stated, with its status, and which is this book's."""
    names = _FACTS["composite"][-2:] if study.kind == "composite" else ("estimator",)
    facts = {name: getattr(study, name) for name in names}
    stated = [f"the {name} ({fact.status})" for name, fact in facts.items() if fact]
    own = [f"the {name}" for name, fact in facts.items() if not fact]
    if study.dimensions:
        marks = ", ".join(sorted({dimension.status for dimension in study.dimensions}))
        stated.append(f"the dimensions ({marks})")
    elif study.kind == "composite":
        own.append("the dimensions")
    said = (
        f"Stated: {', '.join(stated)}." if stated else f"{NOT_STATED.capitalize()}: {listed(own)}."
    )
    for name, fact in facts.items():
        if fact and fact.lacks:
            said += f" Of the {name} it is open {fact.lacks}; that part is reconstructed (B)."
    if study.level == "D":
        return said
    return f"{said} This book's own: {listed([*own, 'the indicators'])} (B)."


def levels_table() -> Html:
    """Return what each level means and how many surveyed studies stand at it.

    Examples
    --------
    >>> levels_table().text.splitlines()[1].split()[:2]
    ['N', '0']
    """
    from nqpf.systems import Study
    from nqpf.systems.study import keys

    counts = [Study.load(key).level for key in keys("studies")]
    rows = [[level, str(counts.count(level)), said] for level, said in LEVELS.items()]
    return table(["level", "studies", "meaning"], rows, numeric=["studies"])


def _stated(fact: Stated | None) -> Html | str:
    if fact is None:
        return NOT_STATED
    return Html(f"{escape(fact.text)} {status_badges(fact.status).html}", fact.text)
