"""The prose that the search page is given."""

from __future__ import annotations

from pathlib import Path

from book_search import explained, other_names, prior, read, sections, write
from docutils import nodes
from sphinx import addnodes


def _section(name: str, title: str, *children: nodes.Node) -> nodes.section:
    return nodes.section("", nodes.title("", title), *children, ids=[name])


def _page() -> nodes.Element:
    prose = nodes.paragraph(
        "", "", nodes.Text("Weights "), nodes.emphasis("", "by"), nodes.Text(" entropy")
    )
    code = nodes.literal_block("", "secret = 1")
    part = _section(
        "part", "A part 部分", nodes.paragraph("", "Inside."), nodes.raw("", "<b>raw</b>")
    )
    return nodes.container("", _section("top", "Title 标题", prose, code, part))


def _glossary(*links: str) -> addnodes.glossary:
    term = nodes.term("", "", nodes.Text("entropy weights 熵权"), ids=["term-x"])
    text = nodes.paragraph(
        "", "Weights. ", *(nodes.reference("", "", internal=True, refuri=u) for u in links)
    )
    item = nodes.definition_list_item("", term, nodes.definition("", text))
    return addnodes.glossary("", nodes.definition_list("", item))


def test_sections_hold_prose_and_neither_code_nor_raw() -> None:
    assert sections(_page()) == [
        ["", "Title 标题", "Weights by entropy"],
        ["part", "A part 部分", "Inside."],
    ]


def test_a_large_table_is_left_out_and_a_small_one_kept() -> None:
    def table(text: str) -> nodes.table:
        return nodes.table(
            "",
            nodes.tgroup(
                "", nodes.tbody("", nodes.row("", nodes.entry("", nodes.paragraph("", text))))
            ),
        )

    assert sections(nodes.container("", _section("a", "A", table("short"))))[0][2] == "short"
    assert sections(nodes.container("", _section("a", "A", table("x" * 1000))))[0][2] == ""


def test_a_section_of_generated_html_has_the_start_of_its_first_paragraph() -> None:
    made = nodes.raw("", "<svg><p></p></svg><p>One &lt; <b>two</b>.</p><p>No.</p>", format="html")
    page = nodes.container("", _section("top", "Title", _section("part", "A", made)))
    assert sections(page) == [["", "Title", ""], ["part", "A", "One < two."]]


def test_a_province_is_known_by_its_other_names() -> None:
    assert other_names("Inner Mongolia 内蒙古") == ["内蒙古自治区", "Nei Mongol"]
    assert other_names("The panel") == []


def test_entries_of_a_glossary_are_sections() -> None:
    page = nodes.container("", _section("top", "Glossary", _glossary()))
    assert sections(page)[1] == ["term-x", "entropy weights 熵权", "Weights."]


def test_a_glossary_says_which_page_explains_a_term() -> None:
    page = nodes.container("", _glossary("../notebooks/index/by-hand.html#step-2", "#term-y"))
    assert explained("book/glossary", page) == {"notebooks/index/by-hand": ["entropy weights 熵权"]}
    assert explained("book/index", _page()) == {}


def test_outputs_weigh_less_than_chapters() -> None:
    assert prior("outputs/index") < prior("book/provinces/guangdong") < prior("notebooks/tfp/solow")


def test_text_is_written_in_order_and_cannot_end_a_script(tmp_path: Path) -> None:
    path = tmp_path / "searchtext.js"
    pages = {
        name: {"name": name, "sections": [["", "</script>", "x\u2028"]]} for name in ("b", "a")
    }
    write(pages, path)
    text = path.read_text("utf-8")
    assert "</script>" not in text and "\u2028" not in text
    assert text.index('"a"') < text.index('"b"')
    assert read(path) == pages
    assert read(tmp_path / "none.js") == {}
