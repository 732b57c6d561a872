"""Tables of a chapter: the system that was measured, and who stands where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import yaml

from nqpf import provinces
from nqpf.data.catalogue import _note
from nqpf.errors import DataError, MethodError, _visible_within
from nqpf.files import root
from nqpf.report.html import Html, both_names, listed, table
from nqpf.report.style import in_year
from nqpf.systems.study import _NOT_STATED

if TYPE_CHECKING:
    import pandas as pd

    from nqpf.compare.declaration import Declaration
    from nqpf.data.catalogue import _Segment, _Source, _Variable
    from nqpf.data.panel import Panel
    from nqpf.index.recipe import Index
    from nqpf.systems.study import Study, _Stated
    from nqpf.systems.system import IndicatorMatrix, System, _Use

__all__ = [
    "LEVELS",
    "STATUS",
    "argument_table",
    "catalogue_table",
    "data_note",
    "declaration_table",
    "declared_variables",
    "levels_table",
    "ranking_table",
    "replications_table",
    "status_badges",
    "studies_table",
    "study_table",
    "system_table",
    "variable_link",
    "verdict",
]


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


def _block(key: str, variable: _Variable, coverage: object, panel: Panel) -> str:
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


def _segment(segment: _Segment, source: _Source) -> str:
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


STATUS = {
    "S": "S: the survey states it",
    "V": "V: verified in a second public record",
    "B": "B: this book's own choice",
}
_MARK = re.compile(r"\(([SVB](?:, ?[SVB])*)\)|^([SVB])$")


def status_badges(text: str) -> Html:
    """Turn the marks (S), (V) and (B) of a text into badges that say what they mean.

    Parameters
    ----------
    text : str
        Plain text with marks in brackets, ``(S)`` or ``(S, V)``, or a single letter.

    Examples
    --------
    >>> status_badges("entropy (S)").html
    'entropy <span class="status status-s" title="S: the survey states it">S</span>'
    """
    parts, end = [], 0
    for match in _MARK.finditer(text):
        parts.append(escape(text[end : match.start()]))
        letters = re.findall("[SVB]", match[0])
        parts.append(" ".join(_badge(letter) for letter in letters))
        end = match.end()
    parts.append(escape(text[end:]))
    return Html("".join(parts), text)


def _badge(letter: str) -> str:
    title = escape(STATUS[letter])
    return f'<span class="status status-{letter.lower()}" title="{title}">{letter}</span>'


def data_note(
    panel: Panel,
    matrix: IndicatorMatrix | None = None,
    variables: Sequence[str] | None = None,
    years: Iterable[int] | None = None,
    vintage: str = "census5",
) -> Html:
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
    vintage : str
        Vintage of the national accounts, when there is no matrix.

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
    if matrix is not None:
        vintage = matrix.vintage or vintage
        years = matrix.years
        variables = matrix.system.variables if matrix.system and not variables else variables
    if not variables:
        raise MethodError("no variables", expected="a matrix of a system, or variables")
    flags = panel.flags(variables, years, vintage)
    if matrix is not None:
        flags = flags.reindex(matrix.values.index)
    dated = any(panel.catalogue.variables[key].vintages for key in variables)
    parts = [
        f"national accounts of vintage {vintage}" if dated else "no series with vintages",
        _sample(flags),
        *(_dropped(matrix, panel) if matrix is not None else []),
        _flags(flags.stack()),
    ]
    text = "Data: " + "; ".join(parts) + "."
    return Html(f'<p class="data-note">{escape(text)}</p>', text)


def _sample(flags: pd.DataFrame) -> str:
    from nqpf.systems.system import _span

    rows = flags.dropna(how="all")
    units, years = rows.index.unique("province"), rows.index.unique("year")
    text = f"{len(units)} provinces, {_span(years)}, {len(rows)} province-years"
    return text if len(rows) == len(units) * len(years) else text + " (unbalanced)"


def _dropped(matrix: IndicatorMatrix, panel: Panel) -> list[str]:
    """Say what the sample leaves out: years without any row, then reasons, most rows first."""
    from nqpf.systems.system import _span

    inside = matrix.dropped["year"].isin(matrix.years)
    outside, dropped = matrix.dropped[~inside], matrix.dropped[inside]
    notes = [f"no province is complete in {_span(outside['year'])}"] if len(outside) else []
    reasons = []
    order = dropped.groupby("reason", sort=True).size().sort_values(ascending=False, kind="stable")
    for reason in order.index:
        rows = dropped[dropped["reason"] == reason]
        who = listed([provinces.name(code) for code in rows["province"].unique()], limit=3)
        reasons.append(f"{who} {_span(rows['year'])} ({_named(reason, panel)})")
    if reasons:
        notes.append(f"left out {len(dropped)} province-years: {listed(reasons, limit=4)}")
    return notes


def _named(reason: str, panel: Panel) -> str:
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


def ranking_table(index: Index, year: int, n: int | None = 10) -> Html:
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
    scores = in_year(index.scores, year).sort_values(ascending=False, kind="stable")
    ranks = index.rank(year)
    system = getattr(index.matrix, "system", None)
    dimensions = list(index.dimension_scores.columns)
    heads = [system.dimension_names[key].en if system else str(key) for key in dimensions]
    parts = index.dimension_scores.xs(year, level="year")
    rows = []
    for code in scores.index[:n]:
        name = both_names(provinces.name(code, "en"), provinces.name(code, "zh"))
        each = [f"{parts.loc[code, key]:.3f}" for key in dimensions]
        rows.append([f"{ranks[code]}", name, f"{scores[code]:.3f}", *each])
    caption = f"Scores in {year}, {len(rows)} of {len(scores)} provinces"
    caption += f"; {_share(system)}" if system else ""
    return table(
        ["rank", "province", "score", *heads], rows, caption, numeric=["rank", "score", *heads]
    )


def system_table(system: System) -> Html:
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
        label = system.dimension_names[dimension.key]
        name = both_names(label.en, label.zh)
        mark = status_badges(f"({stated.get(dimension.key, 'B')})")
        note = dimension.note or ""
        rows.append([Html(f"{name.html} {mark.html}", f"{name.text} {mark.text}"), "", note])
        rows += [_indicator(system, use) for use in dimension.indicators]
        if dimension.missing:
            rows.append(["", "", f"Usual, and missing here: {'; '.join(dimension.missing)}."])
    caption = f"{system.title}: {len(system.indicators)} indicators; {_share(system)}"
    same = _twins(system)
    caption += f". The same indicators serve {listed(same)}" if same else ""
    return table(["indicator", "+/−", "why it stands for the dimension"], rows, caption)


def _share(system: System) -> str:
    """Say which part of the usual indicators open figures fill, as `nqpf.systems.filled` does."""
    uses = [use for dimension in system.card.dimensions for use in dimension.indicators]
    proxies = sum(use.proxy_for is not None for use in uses)
    missing = sum(len(dimension.missing) for dimension in system.card.dimensions)
    total = len(uses) + missing
    shares = [f"{100 * n / total:.0f} %" for n in (len(uses) - proxies, proxies, missing)]
    return (
        f"of {total} usual indicators {shares[0]} are direct, {shares[1]} by proxy and "
        f"{shares[2]} missing (B)"
    )


def _twins(system: System) -> list[str]:
    """Name the book's other systems with the same indicators."""
    from nqpf.systems.overlap import twins
    from nqpf.systems.study import Study

    first = twins()
    if system.key not in first.index:
        return []
    same = first.index[first == first[system.key]].drop(system.key)
    return [Study.load(key).short for key in same]


def _indicator(system: System, use: _Use) -> list[object]:
    one = system.indicators[use.use]
    name = both_names(one.name.en, one.name.zh)
    formula = f"<code>{_linked(one.formula)}</code>, {escape(one.unit)}"
    what = Html(f"{name.html}<br>{formula}", f"{name.text} = {one.formula} [{one.unit}]")
    why = f"{use.reason} ({use.status})"
    if use.proxy_for:
        why += f"; stands in for {use.proxy_for}"
    return [what, "+" if one.direction == "benefit" else "−", status_badges(why)]


def _linked(formula: str) -> str:
    """Return a formula in which each variable leads to its line in the catalogue."""
    return re.sub(
        r"[a-z][a-z0-9_]*",
        lambda name: f'<a href="{variable_link(name[0])}">{name[0]}</a>',
        escape(formula),
    )


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
        rows.append(["published", f"{_NOT_STATED}, nor found in a second record", ""])
    for name in _FACTS[study.kind]:
        fact = getattr(study, name)
        rows.append(
            [name, fact.text, status_badges(fact.status)] if fact else [name, _NOT_STATED, ""]
        )
        if fact and fact.lacks:
            rows.append([f"{name}, in full", f"{_NOT_STATED}: {fact.lacks}", ""])
    for dimension in study.dimensions:
        label = both_names(dimension.name.en, dimension.name.zh)
        rows.append(["dimension", label, status_badges(dimension.status)])
    if not study.dimensions and study.kind == "composite":
        rows.append(["dimensions", _NOT_STATED, ""])
    rows += [["also", fact.text, status_badges(fact.status)] for fact in study.statements]
    return table(["fact", "what is known", "status"], rows)


def studies_table(kind: str) -> Html:
    """Return all surveyed studies of one kind (``composite`` or ``tfp``), a row each."""
    from nqpf.systems.study import Study

    facts = _FACTS[kind][-2:]
    heads = ["study", *facts, *(["dimensions"] if kind == "composite" else []), "level"]
    rows = []
    for study in map(Study.load, Study.keys()):
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
    from nqpf.systems.study import Study

    rows = []
    for study in map(Study.load, Study.keys()):
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
        f"Stated: {', '.join(stated)}." if stated else f"{_NOT_STATED.capitalize()}: {listed(own)}."
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
    from nqpf.systems.study import Study

    counts = [Study.load(key).level for key in Study.keys()]
    rows = [[level, str(counts.count(level)), said] for level, said in LEVELS.items()]
    return table(["level", "studies", "meaning"], rows, numeric=["studies"])


def _stated(fact: _Stated | None) -> Html | str:
    if fact is None:
        return _NOT_STATED
    return Html(f"{escape(fact.text)} {status_badges(fact.status).html}", fact.text)


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
    parts = _visible_within(yaml.safe_load(path.read_text(encoding="utf-8")))
    if part not in parts:
        raise DataError(f"unknown part {part!r}", where={"file": path.name}, expected=str([*parts]))
    span = panel.frame.groupby("variable")["year"].agg(["min", "max"])
    rows = []
    for point in parts[part]["points"]:
        _note("variables", point["variables"])
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


def declaration_table(declaration: Declaration) -> Html:
    """Return the axes of a declared grid, their levels and why each is there.

    Parameters
    ----------
    declaration : Declaration

    Examples
    --------
    >>> from nqpf.multiverse import Declaration
    >>> "driscoll-kraay" in declaration_table(Declaration.load()).text
    True
    """
    grid = declaration.grid
    rows: list[list[object]] = [["Measures: fifteen systems, recipes, TFP"]]
    rows.append([", ".join(grid.measures.systems.keys), grid.measures.systems.why])
    for one in grid.measures.recipes:
        level = f"{one.normalise}; {', '.join(one.weights)}; {', '.join(one.aggregate)}"
        rows.append([level, one.why])
    rows += _levels(grid.measures.estimators)
    rows.append(["Capital of the TFP measures"])
    rows += _levels(grid.measures.capital)
    for name, relation in (("Drivers", grid.driver), ("Determinants", grid.determinant)):
        rows.append([f"{name}: the other variable of the regression"])
        rows.append([", ".join(relation.variables), relation.why])
    axes = {
        "Vintage of the national accounts": grid.vintages,
        "Transformation": grid.transformations,
        "Sample": grid.samples,
        "Effects": grid.effects,
        "Controls": grid.controls,
        "Standard errors": grid.errors,
        "Rules": grid.rules,
    }
    for name, levels in axes.items():
        rows.append([name])
        rows += _levels(levels)
    return table(["level", "why"], rows)


def _levels(levels: object) -> list[list[object]]:
    return [[one.key, one.why] for one in levels]  # type: ignore[attr-defined]


def declared_variables(declaration: Declaration) -> Html:
    """Return outcomes, determinants and controls with their formulas over the panel.

    Parameters
    ----------
    declaration : Declaration
    """
    rows = []
    for one in declaration.grid.variables.values():
        formula = f"log({one.formula})" if one.log else one.formula
        rows.append([both_names(one.name.en, one.name.zh), formula])
    return table(["variable", "formula over the panel"], rows)
