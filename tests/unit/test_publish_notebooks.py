"""Chapters as ordinary notebooks: nothing of MyST, of the machine or of the run is left."""

import re
from pathlib import Path

import nbformat
import pytest
from notebook_copy import Surroundings, _chart, copy_of, glued_values, plain_markdown, set_up_cell

GLUED = {"n": "'31'", "share": "0.12345", "quote": '"it\'s"'}
CITED = {"ma-2024": ("Ma and Li", "2024"), "oecd": ("OECD", "2008")}
AROUND = Surroundings(GLUED, CITED, lambda target, text: f"[{text or 'title'}](->{target})")


MARKDOWN = [
    ("{glue:text}`share:.2f` and {glue:text}`share`", "0.12 and 0.12345"),
    ("{glue:text}`quote`", "it's"),
    ("As shown {cite}`ma-2024,oecd`.", "As shown (Ma and Li, 2024; OECD, 2008)."),
    ("{cite:t}`oecd` says", "OECD (2008) says"),
    ("[Solow](../tfp/solow) and [](gaps)", "[Solow](->../tfp/solow) and [title](->gaps)"),
    ("[{glue:text}`n`](gaps)", "[31](->gaps)"),
    ("{download}`a.csv <../a.csv>`", "[a.csv](->../a.csv)"),
    ("{bdg-info}`V` confirms", "V confirms"),
    ("N\n: numbers\n\nM\n: method", "- **N**: numbers\n\n- **M**: method"),
    (
        ":::{admonition} In *short*\nAll {glue:text}`n`.\n\nYes\n:::",
        "> **In *short***\n>\n> All 31.\n>\n> Yes",
    ),
    ("```sh\nls {glue:text}`n`\n```", "```sh\nls {glue:text}`n`\n```"),
    ("$x_{it}$ and $\\{a\\}$", "$x_{it}$ and $\\{a\\}$"),
    ("![map](map.png)", "![map](map.png)"),
]


@pytest.mark.parametrize(("myst", "plain"), MARKDOWN)
def test_myst_becomes_plain_markdown(myst, plain):
    assert plain_markdown(myst, AROUND) == plain


def test_what_is_not_there_is_an_error():
    for myst in ("{glue:text}`gone`", "{cite}`nobody`"):
        with pytest.raises(KeyError):
            plain_markdown(myst, AROUND)


def chapter():
    """Return an executed chapter with everything that must not reach a reader's copy."""
    v4 = nbformat.v4
    prefix = "application/papermill.record/"
    about = {"scrapbook": {"name": "n", "mime_prefix": prefix}}
    data = {f"{prefix}text/plain": "'31'"}
    glued = v4.new_output("display_data", data=data, metadata=about)
    spec = '{"$schema":"https://v/v6.1.json","a":"\\u003cb"}'
    drawn = f'<noscript><p>x</p></noscript><script type="application/json">{spec}</script>'
    chart = f'<div class="vega-chart" role="group">{drawn}</div>'
    outputs = [
        v4.new_output("stream", name="stderr", text="/run/kernel_7/1.py:3: UserWarning: odd\n"),
        v4.new_output("execute_result", data={"text/html": chart, "text/plain": "[Chart]"}),
        v4.new_output("display_data", data={"text/html": f"<p>first view</p>{chart}"}),
        v4.new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}}),
    ]
    gluing = "from myst_nb import glue\n\nglue('n', '31', display=False)"
    hidden = {"tags": ["remove-cell"], "execution": {"started": "now"}}
    cells = [
        v4.new_markdown_cell("# Title\n\n{glue:text}`n` provinces {cite}`oecd`"),
        v4.new_code_cell(gluing, metadata=hidden, outputs=[glued], execution_count=1),
        v4.new_code_cell("draw()", outputs=outputs, execution_count=2),
    ]
    about = {"language_info": {"name": "python", "version": "3.11.7"}, "widgets": {"state": {}}}
    kernel = {"name": "python3", "display_name": "My Python", "language": "python"}
    about["kernelspec"] = kernel
    return v4.new_notebook(cells=cells, metadata=about)


def copied():
    executed = chapter()
    around = Surroundings(glued_values(executed), AROUND.cited, AROUND.link)
    first = set_up_cell("Title", True, "", "launch", "")
    return copy_of(executed, around, first, "## References")


def test_a_copy_is_valid_and_holds_the_numbers_and_nothing_of_the_machine():
    notebook = copied()
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    assert text == nbformat.writes(copied()), "same chapter, same bytes"
    for trace in ("kernel_7", "3.11.7", "My Python", "started", "widget"):
        assert trace not in text
    _, title, glues, drawn, references = notebook.cells
    assert title.source == "# Title\n\n31 provinces (OECD, 2008)"
    assert references.source == "## References"
    assert glues.metadata == {"jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}
    assert "myst_nb" not in glues.source
    assert [(o.name, o.text) for o in glues.outputs] == [("stdout", "n = 31\n")]
    warning, chart, view = drawn.outputs
    assert warning.text == "UserWarning: odd\n"
    # A chart is one that Jupyter draws; of what only the site can draw the first view is left.
    assert chart.data["application/vnd.vegalite.v5+json"]["a"] == "<b"
    assert chart.data["text/plain"] == "[Chart]"
    assert view.data["text/html"].startswith("<p>first view</p>")
    assert "<script" not in view.data["text/html"]


def test_first_cell_says_how_to_set_up(capsys):
    address = "https://github.com/someone/nqpf"
    cell = set_up_cell("T", False, address, "launch", "https://s.example/x.html")
    assert "def glue" not in cell
    missing = cell.replace('find_spec("nqpf")', 'find_spec("no_such_library")')
    exec(compile(missing, "first", "exec"), {})  # noqa: S102
    said = capsys.readouterr().out
    assert f"git clone --quiet --depth 1 --branch launch {address} nqpf-book" in said
    # Every package that it adds is in the lock.
    lock = (Path(__file__).resolve().parents[2] / "requirements.lock").read_text("utf-8")
    (added,) = re.findall(r"%pip install --quiet ./nqpf-book (.+)", said)
    assert [package for package in added.split() if f"\n{package}==" not in lock] == []
    exec(compile(cell, "first", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == ""
    assert "git clone" not in set_up_cell("T", False, "", "launch", "")


def test_a_chart_of_the_library_is_the_same_in_jupyter():
    """The library's own chart is recognised, and drawn alike by either Vega-Lite."""
    import pandas as pd
    import vl_convert

    from nqpf.report.explore import rank_explorer

    shown = rank_explorer(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]}, [110000, 310000]))
    made = _chart({"text/html": shown.html, "text/plain": shown.text})
    (spec,) = (data for kind, data in made.items() if "vegalite.v5" in kind)
    newer, older = (vl_convert.vegalite_to_svg(spec, vl_version=v) for v in ("6.4", "5.20"))
    assert newer == older
    assert "<path" in newer
