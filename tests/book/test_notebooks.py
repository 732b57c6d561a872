"""The chapters' copies as notebooks: one for each, plain, and able to run."""

import re

import jupytext
import nbformat
import pytest
from browsing import CHAPTERS, ROOT, read
from myst_nb.core.read import is_myst_markdown_notebook

MYST = re.compile(r"\{[a-z]+(?::[a-z]+)?\}`|^(?:```|:::)\{|^\([\w-]+\)=$|myst_nb", re.MULTILINE)
MACHINE = re.compile(r"/tmp/|/home/|site-packages|ipykernel_\d| object at 0x")  # noqa: S108


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/**/*.md")), ids=str)
def test_every_source_opens_as_a_notebook_in_jupyter_and_in_the_book(path):
    text = path.read_text("utf-8")
    notebook = jupytext.reads(text, "md")
    assert is_myst_markdown_notebook(text)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert re.match(r"(\([\w-]+\)=\s*)?# \S", notebook.cells[0].source), "no title"
    assert {"code", "markdown"} == {cell.cell_type for cell in notebook.cells}
    assert set(re.findall(r"^```+\{code-cell\} *(.*)$", text, re.MULTILINE)) <= {"ipython3", ""}


def chapters():
    files = {page: file for page, file in CHAPTERS.items() if file.is_file()}
    return [p for p, file in files.items() if is_myst_markdown_notebook(file.read_text("utf-8"))]


def copy_of(html, page):
    return nbformat.read(html / "downloads/notebooks" / f"{page}.ipynb", as_version=4)


@pytest.mark.parametrize("page", chapters())
def test_every_chapter_has_a_plain_copy_with_results_and_offers_it(html, page):
    notebook = copy_of(html, page)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not MYST.findall(cell.source), cell.source
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            assert not MACHINE.findall(text), text
    assert any(cell.get("outputs") for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert dict(notebook.metadata.language_info) == {"name": "python"}
    (link,) = read(html / f"{page}.html").select("a.btn-download-notebook-button")
    offered = (html / page).parent / link["href"]
    assert offered.resolve() == (html / "downloads/notebooks" / f"{page}.ipynb").resolve()


def test_copies_are_those_of_the_chapters_and_of_nothing_else(html):
    folder = html / "downloads/notebooks"
    found = {p.relative_to(folder).as_posix().removesuffix(".ipynb") for p in folder.rglob("*.*")}
    assert found == set(chapters())


@pytest.mark.parametrize("page", ("notebooks/studies/overview", "notebooks/argument/figures"))
def test_a_copy_runs_elsewhere_with_the_same_results(html, page, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("NQPF_HOME", str(ROOT))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    stored, run = copy_of(html, page), copy_of(html, page)
    context = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(run, timeout=300, kernel_name="python3", resources=context).execute()
    assert [shown(cell) for cell in run.cells] == [shown(cell) for cell in stored.cells]


def shown(cell):
    """Return what a cell printed and the plain form of its results."""
    outputs = cell.get("outputs", [])
    # What is told to the book alone shows nothing, and cuts what is printed in two.
    return "".join(one.get("text") or one.data.get("text/plain", "") for one in outputs)
