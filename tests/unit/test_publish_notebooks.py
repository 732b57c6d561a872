"""Chapters as ordinary notebooks: nothing of MyST, of the machine or of the run is left."""

from __future__ import annotations

import nbformat
import pytest
from notebook_copy import copy_of, glued_values, set_up_cell
from notebook_text import Surroundings, plain_markdown

AROUND = Surroundings(
    glued={"n": "'31'", "share": "0.12345", "quote": '"it\'s"'},
    cited={"ma-2024": ("Ma and Li", "2024"), "oecd": ("OECD", "2008")},
    link=lambda target, text: f"[{text or 'title'}](->{target})",
    label=lambda target, text: f"[{text or target}](=>{target})",
)


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("All {glue:text}`n` of them", "All 31 of them"),
        ("{glue:text}`share:.2f` and {glue:text}`share`", "0.12 and 0.12345"),
        ("{glue:text}`quote`", "it's"),
        ("As shown {cite}`ma-2024,oecd`.", "As shown (Ma and Li, 2024; OECD, 2008)."),
        ("{cite:t}`oecd` says", "OECD (2008) says"),
        ("[Solow](../tfp/solow) and [](gaps)", "[Solow](->../tfp/solow) and [title](->gaps)"),
        ("[{glue:text}`n`](gaps)", "[31](->gaps)"),
        ("{ref}`the method <term-pim>`", "[the method](=>term-pim)"),
        ("{download}`a.csv <../a.csv>`", "[a.csv](->../a.csv)"),
        ("(target)=\n## Title", "## Title"),
        ("% a remark\ntext\n+++\n{.wide}", "text"),
        ("a [span]{.red} here", "a [span] here"),
        ("N\n: numbers\n\nM\n: method", "- **N**: numbers\n\n- **M**: method"),
        (":::{note}\nAll {glue:text}`n`.\n:::", "> **Note**\n>\n> All 31."),
        ("```{admonition} A *title*\n:class: tip\n\nBody\n```", "> **A *title***\n>\n> Body"),
        ("````{tip}\n```python\nx = {}\n```\n````", "> **Tip**\n>\n> ```python\n> x = {}\n> ```"),
        ("```{math}\n:label: a\nx^2\n```", "$$\nx^2\n$$"),
        ("```{raw} html\n<b>x</b>\n```", "<b>x</b>"),
        ("before\n```{bibliography}\n```\nafter", "before\nafter"),
        ("```sh\nls {glue:text}`n`\n```", "```sh\nls {glue:text}`n`\n```"),
        ("$x_{it}$ and $\\{a\\}$", "$x_{it}$ and $\\{a\\}$"),
        ("![map](map.png)", "![map](map.png)"),
    ],
)
def test_myst_becomes_plain_markdown(myst: str, plain: str) -> None:
    assert plain_markdown(myst, AROUND) == plain


@pytest.mark.parametrize("myst", ["{glue:text}`gone`", "{cite}`nobody`"])
def test_what_is_not_there_is_an_error(myst: str) -> None:
    with pytest.raises(KeyError):
        plain_markdown(myst, AROUND)


def chapter() -> nbformat.NotebookNode:
    """Return an executed chapter with everything that must not reach a reader's copy."""
    v4 = nbformat.v4
    prefix = "application/papermill.record/"
    glued = v4.new_output(
        "display_data",
        data={f"{prefix}text/plain": "'31'"},
        metadata={"scrapbook": {"name": "n", "mime_prefix": prefix}},
    )
    chart = (
        '<div class="vega-chart" role="group"><noscript><p>x</p></noscript>'
        '<script type="application/json">{"$schema":"https://v/v6.1.json","a":"\\u003cb"}'
        "</script></div>"
    )
    outputs = [
        v4.new_output("stream", name="stderr", text="/run/kernel_7/1.py:3: UserWarning: odd\n"),
        v4.new_output("execute_result", data={"text/html": chart, "text/plain": "[Chart]"}),
        v4.new_output("display_data", data={"text/html": f"<p>first view</p>{chart}"}),
        v4.new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}}),
    ]
    cells = [
        v4.new_markdown_cell("(a)=\n# Title\n\n{glue:text}`n` provinces {cite}`oecd`"),
        v4.new_code_cell(
            "from myst_nb import glue\n\nglue('n', '31', display=False)",
            metadata={"tags": ["remove-cell"], "execution": {"started": "now"}},
            outputs=[glued],
            execution_count=1,
        ),
        v4.new_code_cell("draw()", outputs=outputs, execution_count=2),
    ]
    about = {
        "kernelspec": {"name": "python3", "display_name": "My Python", "language": "python"},
        "language_info": {"name": "python", "version": "3.11.7"},
        "widgets": {"state": {}},
    }
    return v4.new_notebook(cells=cells, metadata=about)


def copied() -> nbformat.NotebookNode:
    executed = chapter()
    around = Surroundings(glued_values(executed), AROUND.cited, AROUND.link, AROUND.label)
    first = set_up_cell("Title", True, "", "launch", "")
    return copy_of(executed, around, first, "## References")


def test_a_copy_is_valid_and_holds_the_numbers() -> None:
    notebook = copied()
    nbformat.validate(notebook)
    assert notebook.cells[1].source == "# Title\n\n31 provinces (OECD, 2008)"
    assert notebook.cells[-1].source == "## References"
    assert notebook.cells[2].metadata == {
        "jupyter": {"source_hidden": True},
        "tags": ["remove-cell"],
    }


def test_a_copy_prints_what_it_glues() -> None:
    cell = copied().cells[2]
    assert "myst_nb" not in cell.source
    assert [(o.name, o.text) for o in cell.outputs] == [("stdout", "n = 31\n")]
    printed: list[str] = []
    scope = {"print": printed.append}
    source = compile(copied().cells[0].source, "first", "exec")
    exec(source, scope)  # noqa: S102
    exec(compile(cell.source, "cell", "exec"), scope)  # noqa: S102
    assert printed == ["n = 31"]


def test_a_copy_holds_nothing_of_the_machine() -> None:
    text = nbformat.writes(copied())
    for trace in ("kernel_7", "3.11.7", "My Python", "started", "widget"):
        assert trace not in text
    assert copied().cells[3].outputs[0].text == "UserWarning: odd\n"


def test_a_chart_is_one_that_jupyter_draws() -> None:
    data = copied().cells[3].outputs[1].data
    assert data["application/vnd.vegalite.v5+json"]["a"] == "<b"
    assert data["text/plain"] == "[Chart]"


def test_what_only_the_site_can_draw_leaves_its_first_view() -> None:
    shown = copied().cells[3].outputs[2].data["text/html"]
    assert shown.startswith("<p>first view</p>")
    assert "<script" not in shown


def test_same_chapter_same_bytes() -> None:
    assert nbformat.writes(copied()) == nbformat.writes(copied())


def test_first_cell_says_how_to_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    address = "https://github.com/someone/nqpf"
    cell = set_up_cell("T", False, address, "launch", "https://s.example/x.html")
    assert "def glue" not in cell
    missing = cell.replace('find_spec("nqpf")', 'find_spec("no_such_library")')
    exec(compile(missing, "first", "exec"), {})  # noqa: S102
    said = capsys.readouterr().out
    assert f"git clone --quiet --depth 1 --branch launch {address} nqpf-book" in said
    assert "%pip install" in said
    exec(compile(cell, "first", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == ""
    assert "git clone" not in set_up_cell("T", False, "", "launch", "")


def test_every_package_that_the_first_cell_adds_is_in_the_lock() -> None:
    from pathlib import Path

    lock = (Path(__file__).resolve().parents[2] / "requirements.lock").read_text("utf-8")
    cell = set_up_cell("T", False, "https://github.com/a/b", "launch", "")
    line = next(line for line in cell.split("\n") if line.startswith("%pip install"))
    for package in line.split("./nqpf-book")[1].split():
        assert f"\n{package}==" in lock


def test_a_chart_of_the_library_is_the_same_in_jupyter() -> None:
    """The library's own chart is recognised, and drawn alike by either Vega-Lite."""
    import pandas as pd
    import vl_convert
    from notebook_copy import _chart

    from nqpf.report.explore import rank_explorer

    shown = rank_explorer(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]}, [110000, 310000]))
    spec = _chart({"text/html": shown.html, "text/plain": shown.text})[
        "application/vnd.vegalite.v5+json"
    ]
    newer, older = (vl_convert.vegalite_to_svg(spec, vl_version=v) for v in ("6.4", "5.20"))
    assert newer == older
    assert "<path" in newer
