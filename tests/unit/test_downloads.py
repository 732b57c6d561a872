"""The page of downloads: what is filled in follows from the files."""

from pathlib import Path
from types import SimpleNamespace

import book_downloads
from docutils import nodes

ROOT = Path(__file__).resolve().parents[2]


class _SiteMap(dict):
    part = SimpleNamespace(caption="The data · 数据", items=["notebooks/a", "book/b"])
    root = SimpleNamespace(docname="book/index", subtrees=[part])


def test_page_lists_the_files_that_there_are(tmp_path):
    for folder in ("panel", "provinces"):
        (tmp_path / "downloads" / folder).mkdir(parents=True)
    (tmp_path / "downloads/provinces/inner-mongolia.csv").write_text("x", "utf-8")
    source = (ROOT / "book/downloads.md").read_text("utf-8")
    blocks = [part.partition("```")[0] for part in source.split("```{raw} html\n")[1:]]
    for kind in ("panel.xlsx", "panel.csv", "panel.parquet", "catalogue.csv", "sources.csv"):
        (tmp_path / f"downloads/panel/nqpf-{kind}").write_text("x" * 2000)
    (tmp_path / "downloads/panel/nqpf-readme.txt").write_text("x" * 5)
    titles = {name: nodes.title("", "Panels <b>") for name in ("notebooks/a", "book/b")}
    known = {"titles": titles, "external_site_map": _SiteMap.fromkeys(["book/index", *titles])}
    known |= {"found_docs": {*titles, "book/index", "book/downloads"}}
    env = SimpleNamespace(metadata={"notebooks/a": {"kernelspec": {}}}, **known)
    app = SimpleNamespace(outdir=tmp_path, env=env, builder=SimpleNamespace(format="html"))
    doctree = nodes.container("", *(nodes.raw("", block, format="html") for block in blocks))
    book_downloads._fill(app, doctree, "book/downloads")
    page = "".join(node.get("html") or node.astext() for node in doctree.children)
    assert page.count("(2&nbsp;kB)") == 5 and "(5&nbsp;bytes)" in page
    assert '<a href="../notebooks/a.html">Panels &lt;b&gt;</a>' in page
    assert 'href="../downloads/notebooks/notebooks/a.ipynb"' in page
    assert 'href="../outputs/notebooks/a.html"' in page
    assert "book/b" not in page, "a page without files is not listed"
    assert '<p class="rubric">The data · 数据</p>' in page
    table = '<a href="../downloads/provinces/inner-mongolia.csv" download>Inner Mongolia 内蒙古'
    assert table in page and "beijing" not in page
    assert "<!-- pdf -->" in page, "the PDF puts its link here"
