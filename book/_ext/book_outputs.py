"""Files of every figure and table, and the map from each output to what stands behind it.

Under each figure and table a line of links leads to its files and to its entry in the map;
each glued number in prose is a link to its entry. The files are written to
``downloads/outputs/<page>/``, the map to ``outputs/``. See docs/decisions/0156-map-of-outputs.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path

from book_templates import render, write_once
from docutils import nodes
from markupsafe import Markup
from myst_nb.ext.glue.roles import PasteTextRole
from outputs_entry import Entry, Item, Run, entries_of, files_of, parts_of, read_run, slug, title_of
from outputs_files import csv_bytes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

_MANY = 12
_COUNTED = {
    "figure": ("figure", "figures"),
    "table": ("table", "tables"),
    "number": ("number in prose", "numbers in prose"),
}
_RESULTS = {
    "results.parquet": ("data/multiverse/results.parquet", "the stored regressions of the grid"),
    "curve_tests.csv": ("data/multiverse/curve_tests.csv", "the stored tests of the curves"),
}
_HIDDEN = {"remove-input", "remove-cell", "remove_input", "remove_cell"}


class output_mark(nodes.General, nodes.Element):  # noqa: N801 - as docutils names its nodes
    """The place of an output in its chapter."""


class output_links(nodes.General, nodes.Element):  # noqa: N801
    """The line under figures and tables; their files are known when the page is written."""


class NamedPasteTextRole(PasteTextRole):
    """The role of MyST-NB, which here leaves the key on the text that it puts in."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Run the role and name what it gives."""
        made, messages = super().run()
        for node in made:
            node["glue_key"] = self.text.rsplit(":", 1)[0] if ":" in self.text else self.text
        return made, messages


def _kept(env: BuildEnvironment) -> dict[str, list[Item]]:
    if not hasattr(env, "book_outputs"):
        env.book_outputs = {}
    return env.book_outputs


def _run(app: Sphinx, page: str) -> Run | None:
    folder = Path(app.config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")
    return read_run(Path(app.env.doc2path(page)), folder)


def _name_glue(app: Sphinx) -> None:
    # Only then is there the domain of MyST-NB, whichever extension was set up first.
    app.env.get_domain("glue").roles["text"] = NamedPasteTextRole()


def _collect(app: Sphinx, doctree: nodes.document) -> None:
    """List the outputs of a page, and mark their places in it."""
    page = app.env.docname
    run = _run(app, page)
    if run is None:
        return
    items: list[Item] = []
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") == "cell_code":
            _collect_cell(cell, run, items)
    seen: set[str] = set()
    for node in doctree.findall(nodes.inline):
        key = node.get("glue_key")
        if key in run.glued:
            name = f"number-{slug(key)}"
            node["output_name"] = name
            node["output_first"] = name not in seen
            if name not in seen:
                seen.add(name)
                items.append(Item(name, "number", node.astext(), run.glued[key], key=key))
    if items:
        _kept(app.env)[page] = items


def _collect_cell(container: nodes.container, run: Run, items: list[Item]) -> None:
    cell = run.places[container["cell_index"]]
    section = _section_of(container)
    bundle = -1
    for node in list(container.findall(nodes.Element)):
        if node.get("nb_element") == "mime_bundle":
            bundle += 1
            html = str(run.bundles(cell)[bundle]["data"].get("text/html", ""))
            own = [
                _item(items, kind, title_of(kind, element, section), cell, bundle, part)
                for part, (kind, element) in enumerate(parts_of(html))
            ]
            if not own:
                own = [_item(items, "text", node.children[-1].astext(), cell, bundle)]
            _mark(node, own)
        elif "stdout" in node.get("classes", ()) and isinstance(node, nodes.literal_block):
            _mark(node, [_item(items, "text", node.astext(), cell, -1)])


def _above(node: nodes.Node, kind: type) -> nodes.Node | None:
    """Return the nearest node of a kind that a node stands in."""
    while (node := node.parent) is not None and not isinstance(node, kind):
        pass
    return node


def _section_of(node: nodes.Node) -> str:
    section = _above(node, nodes.section)
    title = section.next_node(nodes.title) if section is not None else None
    return title.astext() if title is not None else ""


def _item(items: list[Item], kind: str, title: str, cell: int, bundle: int, part: int = 0) -> Item:
    number = 1 + sum(one.kind == kind for one in items)
    short = " ".join(title.split())
    short = short if kind != "text" or len(short) <= 160 else short[:157] + "..."
    items.append(Item(f"{kind}-{number}", kind, short, cell, bundle, part))
    return items[-1]


def _mark(node: nodes.Element, items: list[Item]) -> None:
    """Put the place of outputs before a node and, below figures and tables, their links."""
    place = node.parent.index(node)
    node.parent.insert(place, [output_mark(name=one.name) for one in items])
    linked = [one.name for one in items if one.kind != "text"]
    if linked:
        node.parent.insert(node.parent.index(node) + 1, output_links(names=linked))


def _purge(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    _kept(env).pop(page, None)


def _merge(app: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    _kept(env).update({page: _kept(other)[page] for page in pages if page in _kept(other)})


def _resolve(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write the files of a page that is being written, and link its numbers to their entries."""
    if app.builder.format != "html" or page not in _kept(app.env):
        return
    endings = _write_files(app, page)
    for node in doctree.findall(output_links):
        node["files"] = {name: endings[name] for name in node["names"]}
        node["labels"] = {i.name: i.label for i in _kept(app.env)[page]}
        node["page"] = page
    for node in list(doctree.findall(nodes.inline)):
        if node.get("output_name"):
            _link(node, page)


def _link(node: nodes.inline, page: str) -> None:
    if node["output_first"]:
        node["ids"] = [f"output-{node['output_name']}"]
    if _above(node, nodes.reference) is not None:
        return  # a link cannot stand in a link
    link = nodes.reference(
        "",
        "",
        internal=True,
        refuri=f"{up(page)}outputs/{page}.html#{node['output_name']}",
        reftitle="How this was made",
        classes=["output-number"],
    )
    node.replace_self(link)
    # docutils hands them to the link, where they belong now.
    node["ids"] = []
    link.append(node)


def _write_files(app: Sphinx, page: str) -> dict[str, list[str]]:
    """Write the figures and tables of a page; return the endings of each one's files."""
    run = _run(app, page)
    folder = Path(app.outdir) / "downloads" / "outputs" / page
    endings: dict[str, list[str]] = {}
    figures: dict[int, int] = {}
    for item in _kept(app.env)[page]:
        made = files_of(item, run, figures.get(item.cell, 0)) if run else {}
        if item.kind == "figure":
            figures[item.cell] = figures.get(item.cell, 0) + 1
        endings[item.name] = sorted(made, reverse=True)  # SVG before CSV
        for ending, data in made.items():
            write_once(folder / f"{item.name}.{ending}", data)
    return endings


def _visit_links(writer: object, node: output_links) -> None:
    page, groups = node["page"], []
    for name in node["names"]:
        label = node["labels"][name]
        links = [
            f'<a href="{up(page)}downloads/outputs/{page}/{name}.{ending}" download '
            f'aria-label="{label} as {ending.upper()}">{ending.upper()}</a>'
            for ending in node["files"][name]
        ]
        links.append(
            f'<a href="{up(page)}outputs/{page}.html#{name}" '
            f'aria-label="How {escape(label.lower())} was made">how this was made</a>'
        )
        lead = f"{label}: " if len(node["names"]) > 1 else ""
        groups.append(f"<span>{lead}{' · '.join(links)}</span>")
    writer.body.append(f'<p class="output-links web-only">{" ".join(groups)}</p>')
    raise nodes.SkipNode


def _visit_mark(writer: object, node: output_mark) -> None:
    writer.body.append(f'<span class="output-mark" id="output-{node["name"]}"></span>')
    raise nodes.SkipNode


def _skip(writer: object, node: nodes.Node) -> None:
    raise nodes.SkipNode


def up(page: str) -> str:
    """Return the way from a page to the top of the site.

    Examples
    --------
    >>> up("outputs/notebooks/a")
    '../../'
    """
    return "../" * page.count("/")


def numbers(counts: Mapping[str, int]) -> str:
    """Return counts of outputs in words.

    Examples
    --------
    >>> numbers({"figure": 1, "number": 3})
    '1 figure, 3 numbers in prose'
    """
    found = [(counts.get(kind, 0), names) for kind, names in _COUNTED.items()]
    return ", ".join(f"{n} {names[n > 1]}" for n, names in found if n) or "no outputs"


def _count(entries: Sequence[Entry]) -> dict[str, int]:
    kinds = [entry.item.kind for entry in entries]
    return {kind: kinds.count(kind) for kind in _COUNTED}


def excerpt(entry: Entry, sources: Sequence[str]) -> str:
    """Return the lines that an output rests on, cell by cell."""
    parts = []
    for cell in entry.cells:
        lines = sources[cell].split("\n")
        spans = [one.lines for one in entry.statements if one.cell == cell]
        kept = dict.fromkeys("\n".join(lines[first - 1 : last]) for first, last in spans)
        parts.append(f"# cell {cell + 1}\n" + "\n".join(kept))
    return "\n".join(parts)


def _map(app: Sphinx) -> Iterator[tuple[str, dict[str, object], str]]:
    """Make the pages of the map, and the whole map as one table."""
    from nqpf.data import Catalogue

    runs = {page: _run(app, page) for page in sorted(_kept(app.env))}
    order = [page for page in _in_order(app) if runs.get(page)]
    titles = {page: title.astext() for page, title in app.env.titles.items()}
    known = Catalogue.load().variables
    folder = Path(app.outdir) / "downloads" / "outputs"
    entries = {page: _entries(app, page, runs[page], folder) for page in order}
    for page in order:
        sources = runs[page].sources
        shown = [app.builder.highlighter.highlight_block(code, "python") for code in sources]
        body = render(
            "outputs_chapter.html",
            page=page,
            top=up(f"outputs/{page}"),
            titles=titles,
            total=numbers(_count(entries[page])),
            entries=entries[page],
            hidden={i for i, tags in enumerate(runs[page].tags) if tags & _HIDDEN},
            source=_source(app),
            known=known,
            dated={key for key, one in known.items() if one.vintages},
            results=_RESULTS,
            many=_MANY,
            lists={},
            excerpt=partial(excerpt, sources=sources),
            sources=[Markup(code) for code in shown],  # noqa: S704
        )
        yield f"outputs/{page}", _context(f"Outputs of “{titles[page]}”", body), "page.html"
    rows = [(page, titles[page], _count(found).values()) for page, found in entries.items()]
    total = numbers(_count([entry for found in entries.values() for entry in found]))
    body = render("outputs_index.html", pages=rows, total=total)
    yield "outputs/index", _context("Map of outputs", body), "page.html"
    write_once(folder / "map.csv", map_csv(entries, titles))


def map_csv(pages: Mapping[str, Sequence[Entry]], titles: Mapping[str, str]) -> bytes:
    """Return the whole map as one table, a row per output."""
    header = ["page", "chapter", "output", "kind", "shows", "shown by cell", "rests on cells"]
    header += ["functions", "variables", "vintages", "systems", "stored results", "whole panel"]
    header += ["entry", "files"]
    rows = []
    for page, entries in pages.items():
        for entry in entries:
            item = entry.item
            names = [one.name for one in entry.functions]
            read = (names, entry.variables, entry.vintages, entry.systems, entry.results)
            files = [f"downloads/outputs/{page}/{item.name}.{one}" for one in sorted(entry.files)]
            rows.append(
                [
                    *(page, titles[page], item.name, item.kind, item.title, item.cell + 1),
                    # A spreadsheet would take numbers apart by blanks for one.
                    "; ".join(str(cell + 1) for cell in entry.cells),
                    *(" ".join(keys) for keys in read),
                    "yes" if entry.whole else "no",
                    f"outputs/{page}.html#{item.name}",
                    " ".join(files),
                ]
            )
    return csv_bytes(header, rows)


def _in_order(app: Sphinx) -> list[str]:
    """Return the pages with outputs in the order of the table of contents."""
    order, waiting = [], [app.config.root_doc]
    while waiting:
        page = waiting.pop(0)
        if page not in order:
            order.append(page)
            waiting = app.env.toctree_includes.get(page, []) + waiting
    return [page for page in order if page in _kept(app.env)]


def _entries(app: Sphinx, page: str, run: Run, folder: Path) -> list[Entry]:
    found = entries_of(_kept(app.env)[page], run)
    for entry in found:
        for ending in ("csv", "svg"):
            if (folder / page / f"{entry.item.name}.{ending}").is_file():
                entry.files[ending] = f"{page}/{entry.item.name}.{ending}"
    return found


def _context(title: str, body: str) -> dict[str, object]:
    return {"title": title, "body": body, "parents": [], "metatags": "", "toc": ""}


def _source(app: Sphinx) -> str:
    options = app.config.html_theme_options
    address = str(options.get("repository_url") or "").rstrip("/")
    return f"{address}/blob/{options.get('repository_branch') or 'main'}/" if address else ""


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    # Several modules and pickled nodes are found by name.
    sys.modules.setdefault("book_outputs", sys.modules[__name__])
    other = {builder: (_skip, None) for builder in ("latex", "text", "man", "texinfo")}
    app.add_node(output_mark, html=(_visit_mark, None), **other)
    app.add_node(output_links, html=(_visit_links, None), **other)
    app.connect("builder-inited", _name_glue)
    app.connect("doctree-read", _collect)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-resolved", _resolve)
    app.connect("html-collect-pages", _map)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
