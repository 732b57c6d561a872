"""Files of every figure and table, and the map from each output to what stands behind it.

Under each figure and table a line of links leads to its files and to its entry in the map;
each glued number in prose is a link to its entry. The files are written to
``downloads/outputs/<page>/``, the map to ``outputs/``. See docs/decisions/0156-map-of-outputs.md.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from book_chinese import LANGUAGE
from book_templates import on_every_core, render, write_once
from docutils import nodes
from markupsafe import Markup
from myst_nb.ext.glue.roles import PasteTextRole
from outputs_entry import behind, read_run, slug
from outputs_files import csv_bytes, shown
from sphinx.application import Sphinx
from sphinx.util.nodes import traverse_parent

_HIDDEN = {"remove-input", "remove-cell"}
# What an output is called and shows, its files, and what stands behind it.
Entry = dict[str, Any]


class output_html(nodes.General, nodes.Element):  # noqa: N801 - as docutils names its nodes
    """HTML of which no search should know."""


def _visit(writer: object, node: output_html) -> None:
    writer.body.append(node["html"])
    raise nodes.SkipNode


class NamedPasteTextRole(PasteTextRole):
    """The role of MyST-NB, which here leaves the key on the text that it puts in."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Run the role and name what it gives."""
        made, messages = super().run()
        for node in made:
            node["glue_key"] = self.text.rpartition(":")[0] or self.text
        return made, messages


def _name_glue(app: Sphinx) -> None:
    # Only then is there the domain of MyST-NB, whichever extension was set up first.
    app.env.get_domain("glue").roles["text"] = NamedPasteTextRole()


def up(page: str) -> str:
    """Return the way from a page to the top of the site.

    Examples
    --------
    >>> up("outputs/notebooks/a")
    '../../'
    """
    return "../" * page.count("/")


def _collect(app: Sphinx, doctree: nodes.document) -> None:
    """List the outputs of a page, write their files, and link them to these and to the map."""
    page = app.env.docname
    run = read_run(Path(app.env.doc2path(page)), Path(app.env.mystnb_config.execution_cache_path))
    if run is None or app.builder.format != "html":
        return
    code, entries = run.code(), dict[str, Entry]()
    # The Chinese edition refers to the files and the map of the English one.
    translated = app.config.language == LANGUAGE
    top = up(page) + "../" * translated

    def add(kind: str, title: str, cell: int, key: str = "", **files: bytes) -> Entry:
        number = 1 + sum(one["kind"] == kind for one in entries.values())
        name = f"{kind}-{slug(key) or number}"
        for ending, data in files.items():
            if not translated:
                write_once(Path(app.outdir) / f"downloads/outputs/{page}/{name}.{ending}", data)
        said = " ".join(title.split())
        said = f"{said[:157]}..." if kind == "text" and len(said) > 160 else said
        about = {"name": name, "kind": kind, "title": said, "cell": cell, "key": key}
        about["label"] = f"{kind.capitalize()} {key or number}"
        entries[name] = about | {"files": sorted(files)}
        entries[name] |= {} if translated else behind(run, code, cell, key)
        return entries[name]

    for box in list(doctree.findall(nodes.container)):
        if box.get("nb_element") != "cell_code":
            continue
        cell = run.cells.index(run.notebook.cells[box["cell_index"]])
        bundles, kept = iter(run.shown(cell)), iter(run.said[cell].get("figures", ()))
        section = next(traverse_parent(box, nodes.section))[0].astext()
        for node in list(box.findall(nodes.Element)):
            if node.get("nb_element") == "mime_bundle":
                parts = shown(next(bundles)["data"].get("text/html", ""), section, kept)
                own = [add(kind, title, cell, **files) for kind, title, files in parts]
                own = own or [add("text", node.children[-1].astext(), cell)]
            elif "stdout" in node.get("classes", ()) and isinstance(node, nodes.literal_block):
                own = [add("text", node.astext(), cell)]
            else:
                continue
            marks = [f'<span class="output-mark" id="output-{one["name"]}"></span>' for one in own]
            around = [output_html(html="".join(marks)), node]
            if linked := [one for one in own if one["kind"] != "text"]:
                line = render("outputs_links.html", page=page, top=top, entries=linked)
                around.append(output_html(html=line.strip()))
            node.parent.replace(node, around)
    for node in list(doctree.findall(nodes.inline)):
        key = node.get("glue_key")
        if key not in run.glued:
            continue
        name = f"number-{slug(key)}"
        ids = [] if name in entries else [f"output-{name}"]
        if ids:
            add("number", node.astext(), run.glued[key][0], key)
        if any(traverse_parent(node, nodes.reference)):  # a link cannot stand in a link
            node["ids"] = ids
            continue
        address = f"{top}outputs/{page}.html#{name}"
        shape = {"reftitle": "How this was made", "classes": ["output-number"]}
        link = nodes.reference("", "", internal=True, ids=ids, refuri=address, **shape)
        node.parent.replace(node, link)
        link.append(node)
    if translated:
        return
    hidden = [not _HIDDEN.isdisjoint(cell.metadata.get("tags", ())) for cell in run.cells]
    found = {"entries": [*entries.values()], "recorded": any(run.said), "hidden": hidden}
    # Sphinx keeps, merges and forgets what belongs to a page here.
    app.env.metadata[page]["outputs"] = found | {"sources": [cell.source for cell in run.cells]}


def _map(app: Sphinx) -> None:
    """Write the pages of the map, and the whole map as one table."""
    if app.config.language == LANGUAGE:
        return
    from nqpf.data import Catalogue

    known = Catalogue.load().variables
    titles = {page: title.astext() for page, title in app.env.titles.items()}
    source = app.config.html_theme_options.get("repository_url", "")
    kept, pages = app.env.metadata, app.env.external_site_map
    chapters = {page: kept[page]["outputs"] for page in pages if "outputs" in kept[page]}
    dated = {key for key, one in known.items() if one.vintages}
    common = {"titles": titles, "known": known, "dated": dated}
    common["source"] = source and f"{source}/blob/main/"
    found = {page: kept["entries"] for page, kept in chapters.items()}

    def write(page: str) -> None:
        kept, highlight = chapters[page], app.builder.highlighter.highlight_block
        sources = [Markup(highlight(c, "python")) for c in kept["sources"]]  # noqa: S704
        own = kept | {"sources": sources, "lists": {}, "page": page}
        show(page, f"Outputs of “{titles[page]}”", "outputs_chapter.html", own)

    def show(page: str, title: str, name: str, own: dict[str, object]) -> None:
        body = render(name, top=up(f"outputs/{page}"), **own, **common)
        about = {"title": title, "body": body, "parents": [], "metatags": "", "toc": ""}
        app.builder.handle_page(f"outputs/{page}", about, "page.html")

    show("index", "Map of outputs", "outputs_index.html", {"chapters": found})
    on_every_core(app, write, [*chapters])
    write_once(Path(app.outdir) / "downloads/outputs/map.csv", map_csv(found, titles))


def map_csv(chapters: Mapping[str, Sequence[Entry]], titles: Mapping[str, str]) -> bytes:
    """Return the whole map as one table, a row per output."""
    rows = [
        {
            "page": page,
            "chapter": titles[page],
            "output": one["name"],
            "kind": one["kind"],
            "shows": one["title"],
            "shown by cell": one["cell"] + 1,
            # A spreadsheet would take numbers apart by blanks for one.
            "rests on cells": "; ".join(str(cell + 1) for cell in one["cells"]),
            "functions": " ".join(function.name for function in one["functions"]),
            **{name: " ".join(one[name]) for name in ("variables", "vintages", "systems")},
            "stored results": " ".join(one["results"]),
            "whole panel": "yes" if one["whole"] else "no",
            "entry": f"outputs/{page}.html#{one['name']}",
            "files": " ".join(f"downloads/outputs/{page}/{one['name']}.{e}" for e in one["files"]),
        }
        for page, entries in chapters.items()
        for one in entries
    ]
    return csv_bytes(rows[0], (row.values() for row in rows))


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.add_node(output_html, html=(_visit, None))
    app.connect("builder-inited", _name_glue)
    app.connect("doctree-read", _collect)
    app.connect("html-collect-pages", lambda app: _map(app) or ())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
