"""The prose that the search page is given."""

from book_search import read, sections, write
from docutils.core import publish_doctree

PAGE = """\
Title 标题
============

Weights *by* entropy ::

    secret = 1

A part 部分
------------

Inside.

.. raw:: html

    <b>raw</b>

Made
----

.. raw:: html

    <svg><p></p></svg><p>One &lt; <b>two</b>.</p><p>No.</p>

Tables
------

===== =====
small table
===== =====

===== =====
LARGE
===== =====
""".replace("LARGE", "\n".join(["large table"] * 99))


def test_sections_hold_prose_and_neither_code_nor_raw_nor_a_large_table():
    """One of generated HTML alone has the start of its first paragraph."""
    page = publish_doctree(PAGE, settings_overrides={"doctitle_xform": False})
    first = [["", "Title 标题", "Weights by entropy"], ["a-part", "A part 部分", "Inside."]]
    others = [["made", "Made", "One < two."], ["tables", "Tables", "small table"]]
    assert sections(page) == first + others


def test_text_is_written_in_order_and_cannot_end_a_script(tmp_path):
    path = tmp_path / "searchtext.js"
    pages = {k: {"name": k, "sections": [["", "</script>", "x\u2028"]]} for k in ("b", "a")}
    write(pages, path)
    text = path.read_text("utf-8")
    assert "</script>" not in text and "\u2028" not in text
    assert text.index('"a"') < text.index('"b"')
    assert read(path) == pages and read(tmp_path / "none.js") == {}
