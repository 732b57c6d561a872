"""The page of downloads: what is filled in follows from the files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from book_downloads import _finish, fill

PAGE = """\
<a href="../downloads/panel/a.csv">a.csv</a> <!-- size panel/a.csv --><!-- end -->
<p><!-- pdf --></p>
<!-- chapters -->
old
<!-- end -->
<!-- provinces --><!-- end -->
"""


class _SiteMap(dict):
    root = SimpleNamespace(
        docname="book/index",
        subtrees=[SimpleNamespace(caption="The data · 数据", items=["notebooks/a", "book/b"])],
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "book/downloads.html": PAGE,
        "downloads/panel/a.csv": "x" * 2000,
        "downloads/notebooks/notebooks/a.ipynb": "{}",
        "downloads/provinces/inner-mongolia.csv": "x",
        "outputs/notebooks/a.html": "x",
    }
    files |= {f"downloads/panel/nqpf-panel.{kind}": "x" for kind in ("csv", "parquet", "xlsx")}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def finish(out: Path) -> str:
    titles = {
        name: SimpleNamespace(astext=lambda: "Panels <b>") for name in ("notebooks/a", "book/b")
    }
    pages = _SiteMap({name: SimpleNamespace(subtrees=[]) for name in titles})
    env = SimpleNamespace(external_site_map=pages, titles=titles, found_docs={"book/downloads"})
    app = SimpleNamespace(
        outdir=str(out), env=env, builder=SimpleNamespace(name="html", format="html")
    )
    _finish(app, None)
    return (out / "book" / "downloads.html").read_text("utf-8")


def test_page_lists_the_files_that_exist(site: Path) -> None:
    page = finish(site)
    assert "(2&nbsp;kB)" in page
    assert '<a href="../notebooks/a.html">Panels &lt;b&gt;</a>' in page
    assert 'href="../downloads/notebooks/notebooks/a.ipynb"' in page
    assert 'href="../outputs/notebooks/a.html"' in page
    assert "book/b" not in page, "a page without files is not listed"
    assert "The data · 数据" in page
    assert (
        '<a href="../downloads/provinces/inner-mongolia.csv" download>Inner Mongolia 内蒙古' in page
    )
    assert "<!-- pdf -->" in page, "the PDF puts its link here"
    assert "old" not in page


def test_page_follows_the_files_at_the_next_build(site: Path) -> None:
    first = finish(site)
    assert finish(site) == first
    (site / "downloads/panel/a.csv").write_text("x" * 5000)
    (site / "outputs/notebooks/a.html").unlink()
    (site / "downloads/provinces/inner-mongolia.csv").unlink()
    page = finish(site)
    assert "(5&nbsp;kB)" in page
    assert "outputs/" not in page
    assert "listed here when the whole book is built" in page


def test_size_of_a_missing_file_is_left_out(tmp_path: Path) -> None:
    assert "bytes" not in fill(PAGE, tmp_path, {})
