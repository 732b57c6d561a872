"""Tables of a chapter: the system that was measured, and who stands where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd
import yaml

from nqpf import provinces
from nqpf.checks import choose
from nqpf.data.catalogue import _note, _Segment, _Source
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import DataError, MethodError, _visible_within
from nqpf.files import root
from nqpf.index.recipe import Index
from nqpf.report.html import _both_names, _filled, _Html, _html_table, _joined, _province, listed
from nqpf.systems.overlap import twins
from nqpf.systems.study import _NOT_STATED, Study, _Stated
from nqpf.systems.system import IndicatorMatrix, System, _span

if TYPE_CHECKING:
    from nqpf.compare.declaration import _Declaration


def _link(key: str, text: str) -> _Html:
    """Link a text to a variable's line in the catalogue, from any chapter of a part."""
    return _filled('<a href="../data/panel.html#var-{}">{}</a>', quote(key), text)


def _named(name: object) -> _Html:
    return _both_names(name.en, name.zh)


def catalogue_table(panel: Panel, theme: str) -> _Html:
    """Return the variables of one theme with definition, coverage and provenance.

    Each row has the anchor ``var-<key>``, so that a chapter can link to it.

    Parameters
    ----------
    panel : Panel
        Panel whose catalogue is shown.
    theme : str
        Theme of the catalogue, which is also the name of the table in ``data/panel``.
    """
    coverage, sources = panel.coverage(), panel.catalogue.sources
    pattern = (
        "<details class='variable' id='var-{0}'><summary><code>{0}</code> {1}</summary>"
        "<dl>{2}</dl></details>"
    )
    plain, blocks = [], []
    for key, variable in panel.catalogue.variables.items():
        if variable.theme != theme:
            continue
        rows = coverage[coverage.index.get_level_values(0) == key].iterrows()
        facts: list[tuple[str, object]] = [
            ("Definition", variable.definition),
            ("Unit", variable.unit),
            ("Figures", _joined([_covered(*row) for row in rows] or ["none embedded"])),
            ("Published in", _joined(map(_named, (variable.yearbook, variable.publisher)), ", ")),
        ]
        if variable.derived:
            facts.append(("Derived by", _filled("<code>{}</code>", variable.derived)))
        facts += [("Transcribed from", _segment(s, sources[s.source])) for s in variable.segments]
        for item in variable.breaks:
            who = ", ".join(provinces.name(code, "both") for code in item.provinces)
            facts.append((f"Break in {item.year}", item.note + f" ({who})" * bool(who)))
        facts += [("Note", text) for text in (variable.note, variable.national_note) if text]
        terms = _joined([_filled("<dt>{}</dt><dd>{}</dd>", *fact) for fact in facts], "")
        plain.append(f"{key}: {variable.name.en} ({variable.unit})")
        blocks.append(_filled(pattern, key, _named(variable.name), terms))
    return _Html(_joined(blocks, "\n").html, "\n".join(plain))


def _covered(key: tuple[str, str], row: pd.Series) -> str:
    gaps = {0: "no gaps", 1: "1 gap"}.get(int(row["gaps"]), f"{row['gaps']:.0f} gaps")
    return (
        f"{key[1]}{': ' * bool(key[1])}{row['first']:.0f}–{row['last']:.0f}, "
        f"{row['provinces']:.0f} provinces, {gaps}; "
        f"{100 * row['official share']:.0f} % flagged official"
    )


def _segment(segment: _Segment, source: _Source) -> _Html:
    address = f"https://github.com/{source.repository}/blob/{source.commit}/{quote(source.path)}"
    years = "–".join(map(str, dict.fromkeys(segment.years)))
    detail = f"item “{segment.item}”, {years}, flag {segment.flag}"
    detail += f", vintage {segment.vintage}" * bool(segment.vintage)
    detail += f". {segment.note}" * bool(segment.note)
    if not source.repository:
        return _filled("<code>{}</code>, each figure with its page: {}", source.label, detail)
    return _filled("<a href='{}'>{}</a>: {}", address, source.label, detail)


_STATUS = {
    "S": "S: the survey states it",
    "V": "V: verified in a second public record",
    "B": "B: this book's own choice",
}
_MARK = re.compile(r"\(([SVB](?:, ?[SVB])*)\)|^([SVB])$")


def _badges(text: str) -> _Html:
    """Turn the marks (S), (V) and (B) of a text, or a single letter, into badges that say more."""
    pattern = '<span class="status status-{}" title="{}">{}</span>'
    each = {key: _filled(pattern, key.lower(), said, key) for key, said in _STATUS.items()}

    def drawn(match: re.Match[str]) -> str:
        return _joined(map(each.get, re.findall("[SVB]", match[0])), " ").html

    return _Html(_MARK.sub(drawn, escape(text)), text)


def data_note(
    panel: Panel,
    matrix: IndicatorMatrix | None = None,
    variables: Sequence[str] | None = None,
    years: Iterable[int] | None = None,
) -> _Html:
    """Say in a line on what data a result stands.

    Parameters
    ----------
    panel : Panel
        The panel in use; it tells the flag of each figure.
    matrix : IndicatorMatrix or None
        The sample; sets variables, years and vintage.
    variables : sequence of str or None
        Variables of the catalogue, when there is no matrix of a system.
    years : iterable of int or None
        Years, when there is no matrix; all when None.

    Returns
    -------
    Html
        Vintage, sample, what was dropped and why, the share of figures by
        flag, and whether the reader's own rows are among them.

    Raises
    ------
    nqpf.errors.MethodError
        If neither variables nor the matrix of a system are given.
    """
    vintage = _VINTAGE
    if matrix is not None:
        vintage, years = matrix.vintage or vintage, matrix.years
        variables = variables or (matrix.system.variables if matrix.system else None)
    if not variables:
        raise MethodError("no variables", expected="a matrix of a system, or variables")
    flags = panel.flags(variables, years, vintage)
    if matrix is not None:
        flags = flags.reindex(matrix.values.index)
    dated = any(panel.catalogue.variables[key].vintages for key in variables)
    rows = flags.dropna(how="all")
    units, seen = rows.index.unique("province"), rows.index.unique("year")
    parts = [
        f"national accounts of vintage {vintage}" if dated else "no series with vintages",
        f"{len(units)} provinces, {_span(seen)}, {len(rows)} province-years"
        + " (unbalanced)" * (len(rows) < len(units) * len(seen)),
        *(_dropped(matrix, panel) if matrix is not None else []),
        _flags(flags.stack()),
    ]
    text = "Data: " + "; ".join(parts) + "."
    return _Html(f'<p class="data-note">{escape(text)}</p>', text)


def _dropped(matrix: IndicatorMatrix, panel: Panel) -> list[str]:
    """Say what the sample leaves out: years without any row, then reasons, most rows first."""
    inside = matrix.dropped["year"].isin(matrix.years)
    outside, dropped = matrix.dropped[~inside], matrix.dropped[inside]
    notes = [f"no province is complete in {_span(outside['year'])}"] if len(outside) else []
    reasons = []
    for reason, rows in sorted(dropped.groupby("reason"), key=lambda one: -len(one[1])):
        who = listed(map(provinces.name, rows["province"].unique()), limit=3)
        reasons.append(f"{who} {_span(rows['year'])} ({_spelt(reason, panel)})")
    if reasons:
        rows = f"{len(dropped)} province-year{'s' if len(dropped) != 1 else ''}"
        notes.append(f"left out {rows}: {listed(reasons, limit=4)}")
    return notes


def _spelt(reason: str, panel: Panel) -> str:
    """Put the names of variables in the place of their keys."""
    known = panel.catalogue.variables
    return re.sub(r"\w+", lambda m: known[m[0]].name.en if m[0] in known else m[0], reason)


def _flags(flags: pd.Series) -> str:
    counts = flags.dropna().value_counts()
    total = int(counts.sum())
    if not total:
        return "no figures"
    shares = [f"{_per_cent(n / total)} {flag}" for flag, n in counts.items()]
    own = int(counts.get("reader", 0))
    note = f"{own} of the reader's own rows" if own else "no rows added by the reader"
    return f"{total:,} figures, {', '.join(shares)}; {note}"


def _per_cent(share: float) -> str:
    """Return a share in per cent; what rounds to none or to all says that it is neither."""
    if 0 < share < 0.0005:
        return "under 0.1 %"
    return "over 99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def ranking_table(index: Index, year: int, n: int | None = 10) -> _Html:
    """Return the first provinces of a year with score and dimension scores.

    The caption says how far open figures fill the system.

    Parameters
    ----------
    index : Index
        A fitted index.
    year : int
        Year to rank.
    n : int or None
        How many provinces; all when None. Provinces that tie share the better rank.

    Raises
    ------
    nqpf.errors.SampleError
        If the year has no scores.
    """
    ranks, system = index.rank(year), getattr(index.matrix, "system", None)
    scores = index.scores.xs(year, level="year")
    parts = index.dimension_scores.xs(year, level="year")
    heads = [system.dimension_names[key].en if system else str(key) for key in parts]
    rows = []
    for code in ranks.index[:n]:
        figures = [f"{score:.3f}" for score in (scores[code], *parts.loc[code])]
        rows.append([ranks[code], _province(code), *figures])
    caption = f"Scores in {year}, {len(rows)} of {len(scores)} provinces"
    caption += f"; {_openness(system)}" if system else ""
    header = ["rank", "province", "score", *heads]
    return _html_table(header, rows, caption, numeric=["rank", "score", *heads])


def system_table(system: System) -> _Html:
    """Return a system's indicators by dimension, with the status of every choice.

    The caption says how far open figures fill the system, and which of the
    book's other systems hold the same indicators.

    Parameters
    ----------
    system : System
        System with its card; names come in both languages.
    """
    stated = {dimension.key: dimension.status for dimension in system.study.dimensions}
    rows: list[list[object]] = []
    for dimension in system.card.dimensions:
        mark = _badges(f"({stated.get(dimension.key, 'B')})")
        name = _named(system.dimension_names[dimension.key])
        rows.append([_filled("{} {}", name, mark), "", dimension.note or ""])
        for use in dimension.indicators:
            one = system.indicators[use.use]
            # Each variable of a formula leads to its line in the catalogue.
            linked = re.sub(r"[a-z]\w*", lambda m: _link(m[0], m[0]).html, escape(one.formula))
            what = _filled("{}<br><code>{}</code>, {}", _named(one.name), _Html(linked), one.unit)
            why = f"{use.reason} ({use.status})"
            why += f"; stands in for {use.proxy_for}" * bool(use.proxy_for)
            rows.append([what, "+" if one.direction == "benefit" else "−", _badges(why)])
        if dimension.missing:
            rows.append(["", "", f"Usual, and missing here: {'; '.join(dimension.missing)}."])
        if begun := [new.fills for new in dimension.later]:
            told = "Its figures begin too late for this card, and enter the wider system only (B): "
            rows.append(["", "", _badges(f"{told}{'; '.join(begun)}.")])
    caption = f"{system.title}: {len(system.indicators)} indicators; {_openness(system)}"
    first = twins()
    same = first.index[first == first.get(system.key)].drop(system.key, errors="ignore")
    if len(same):
        caption += f". The same indicators serve {listed([Study.load(key).short for key in same])}"
    return _html_table(["indicator", "+/−", "why it stands for the dimension"], rows, caption)


def _openness(system: System) -> str:
    """Say which part of the usual indicators open figures fill, for a card of any origin."""
    counts = system.usual()["filled"].value_counts()
    parts = (counts.get(fate, 0) for fate in ("direct", "proxy", "missing"))
    shares = [f"{100 * n / counts.sum():.0f} %" for n in parts]
    return (
        f"of {counts.sum()} usual indicators {shares[0]} are direct, {shares[1]} by proxy and "
        f"{shares[2]} missing (B)"
    )


_LEVELS = {
    "N": "Numbers reproduced: printed scores come out of the study's own inputs",
    "M": "Method and dimensions are both stated, and re-run on this book's panel",
    "P": "One of method and dimensions is stated; it is re-run with this book's own for the other",
    "D": "Described, not re-run",
}
_FACTS = {"composite": ("basis", "sample", "weighting", "aggregation")}
_FACTS["tfp"] = ("estimator", "sample")
_NEXT = {"D": "M", "P": "M", "M": "N"}  # the level that a study can be lifted to


def study_table(study: Study) -> _Html:
    """Return a study's known facts, one row each; the rest is *not stated in the survey*.

    Parameters
    ----------
    study : nqpf.systems.Study
        A surveyed study.
    """
    rows: list[list[object]] = [["study", study.title, ""]]
    if study.publication:
        paper, mark = study.publication, _badges(study.publication.status)
        where = " ".join(filter(None, (paper.journal, paper.issue)))
        where += f": {paper.pages}" * bool(paper.pages) + f", doi {paper.doi}" * bool(paper.doi)
        rows.append(["published", f"{paper.title}, {where}", mark])
        rows += [["confirmed by", paper.confirmed, mark]] * bool(paper.confirmed)
    else:
        rows.append(["published", f"{_NOT_STATED}, nor found in a second record", ""])
    stated = [name for name, fact in study if isinstance(fact, _Stated)]
    for name in dict.fromkeys([*_FACTS[study.kind], *stated]):
        fact = getattr(study, name)
        name = name.replace("_", " ")
        rows.append([name, fact.text, _badges(fact.status)] if fact else [name, _NOT_STATED, ""])
        if fact and fact.lacks:
            rows.append([f"{name}, in full", f"{_NOT_STATED}: {fact.lacks}", ""])
    for dimension in study.dimensions:
        rows.append(["dimension", _named(dimension.name), _badges(dimension.status)])
    if not study.dimensions and study.kind == "composite":
        rows.append(["dimensions", _NOT_STATED, ""])
    rows += [["also", fact.text, _badges(fact.status)] for fact in study.statements]
    return _html_table(["fact", "what is known", "status"], rows)


def studies_table(kind: str) -> _Html:
    """Return the surveyed studies in one of four views.

    Parameters
    ----------
    kind : {'composite', 'tfp', 'levels', 'missing'}
        All studies of one kind, a row each; what each level means and how many studies stand
        at it; or what every study lacks for the next level, with the key of its record.

    Examples
    --------
    >>> studies_table("levels").text.splitlines()[1].split()[:2]
    ['N', '0']
    >>> "the study's indicator list" in studies_table("missing").text
    True
    """
    choose("view", kind, [*_FACTS, "levels", "missing"])
    studies = [Study.load(key) for key in Study.keys()]
    if kind == "levels":
        held = [study.level for study in studies]
        rows = [[level, str(held.count(level)), said] for level, said in _LEVELS.items()]
        return _html_table(["replication level", "studies", "meaning"], rows, numeric=["studies"])
    if kind == "missing":
        rows = []
        for study in studies:
            step = f"{study.level} → {_NEXT[study.level]}" if study.level in _NEXT else study.level
            name = _filled("{}<br><code>{}</code>", study.title, study.key)
            rows.append([name, step, "; ".join(study.missing)])
        return _html_table(["study and key", "step", "what would lift it"], rows)
    names, rows = _FACTS[kind][-2:], []
    for study in (one for one in studies if one.kind == kind):
        facts = [getattr(study, name) for name in names]
        cells = [f and _filled("{} {}", f.text, _badges(f.status)) for f in facts]
        if kind == "composite":
            cells.append("; ".join(str(d.name) for d in study.dimensions))
        rows.append([study.title, *(cell or _NOT_STATED for cell in cells), study.level])
    more = ["dimensions"] * (kind == "composite")
    return _html_table(["study", *names, *more, "replication level"], rows)


def verdict(study: Study) -> _Html:
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
    reason, level, said = _reason(study), study.level, _LEVELS[study.level]
    pattern = (
        '<div class="admonition verdict verdict-{}"><p class="admonition-title">Verdict: level '
        "{}</p><p><strong>{}.</strong> {}</p><p>What is missing:</p><ul>{}</ul></div>"
    )
    missing = _joined([_filled("<li>{}</li>", _badges(text)) for text in study.missing], "")
    html = _filled(pattern, level.lower(), level, said, _badges(reason), missing).html
    text = f"Verdict: level {level}. {said}. {reason}\nMissing: {'; '.join(study.missing)}"
    return _Html(html, text)


def _reason(study: Study) -> str:
    """Say which part is stated, with its status, and which is this book's."""
    names = _FACTS["composite"][-2:] if study.kind == "composite" else ("estimator",)
    facts = {name: getattr(study, name) for name in names}
    marks = {name: fact.status if fact else "" for name, fact in facts.items()}
    if study.kind == "composite":
        marks["dimensions"] = ", ".join(sorted({one.status for one in study.dimensions}))
    stated = [f"the {name} ({mark})" for name, mark in marks.items() if mark]
    own = [f"the {name}" for name, mark in marks.items() if not mark]
    said = f"Stated: {', '.join(stated)}."
    if not stated:
        said = f"{_NOT_STATED.capitalize()}: {listed(own)}."
    for name, fact in facts.items():
        if fact and fact.lacks:
            said += f" Of the {name} it is open {fact.lacks}; that part is reconstructed (B)."
    if study.level == "D":
        return said
    return f"{said} This book's own: {listed([*own, 'the indicators'])} (B)."


def argument_table(part: str, panel: Panel) -> _Html:
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
    parts = _visible_within(yaml.safe_load(path.read_text(encoding="utf-8")))
    choose("part", part, parts, DataError, {"file": path.name})
    known = panel.frame.groupby("variable")["year"].agg(["min", "max"])
    rows = []
    for point in parts[part]["points"]:
        _note("variables", point["variables"])
        measured = []
        for key in point["variables"]:
            choose("variable", key, list(known.index), DataError, {"file": path.name})
            years = "–".join(map(str, known.loc[key]))
            measured.append(_link(key, f"{panel.catalogue.variables[key].name.en}, {years}"))
        name, lines = _both_names(**point["name"]), _joined(measured or ["—"])
        rows.append([name, point["says"], lines, point["gap"] or "—"])
    return _html_table(["point", "in short", "what the panel has", "what it lacks"], rows)


def declaration_table(declaration: _Declaration, variables: bool = False) -> _Html:
    """Return the axes of a declared grid, their levels and why each is there.

    Parameters
    ----------
    declaration : Declaration
    variables : bool
        Outcomes, determinants and controls with their formulas over the panel instead.

    Examples
    --------
    >>> from nqpf.compare.declaration import _Declaration
    >>> "driscoll-kraay" in declaration_table(_Declaration.load()).text
    True
    """
    grid = declaration.grid
    if variables:
        used = grid.variables.values()
        rows = [[_named(x.name), f"log({x.formula})" if x.log else x.formula] for x in used]
        return _html_table(["variable", "formula over the panel"], rows)
    systems, other = grid.measures.systems, "the other variable of the regression"
    measures = [[", ".join(systems.keys), systems.why]]
    for one in grid.measures.recipes:
        how = f"{one.normalise}; {', '.join(one.weights)}; {', '.join(one.aggregate)}"
        measures.append([how, one.why])
    axes = {
        "Measures: fifteen systems, recipes, TFP": measures + _whys(grid.measures.estimators),
        "Capital of the TFP measures": _whys(grid.measures.capital),
        f"Drivers: {other}": [[", ".join(grid.driver.variables), grid.driver.why]],
        f"Determinants: {other}": [[", ".join(grid.determinant.variables), grid.determinant.why]],
        "Vintage of the national accounts": _whys(grid.vintages),
        "Transformation": _whys(grid.transformations),
        "Sample": _whys(grid.samples),
        "Effects": [[f"{one.key} effects", one.why] for one in grid.effects],
        "Controls": _whys(grid.controls),
        "Standard errors": _whys(grid.errors),
        "Rules": _whys(grid.rules),
    }
    rows = [row for name, levels in axes.items() for row in ([name], *levels)]
    return _html_table(["choice", "why"], rows)


def _whys(levels: Iterable[object]) -> list[list[object]]:
    return [[one.key, one.why] for one in levels]
