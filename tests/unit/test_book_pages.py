"""What is corrected on every page, and what makes the pages light."""

import re
from pathlib import Path

import pytest
from book_pages import corrected, keep_used, lighten

FRAME = '<table border="1" class="dataframe"><thead>{}</thead><tbody>{}</tbody></table>'


def correct(body):
    """Return the body of a page without figures as it is corrected."""
    whole = f"<!DOCTYPE html><html><title>北京</title><body>{body}</body></html>"
    page = corrected(whole, "a", None, "")
    assert page.startswith("<!DOCTYPE html>\n<html><head><title>北京</title></head><body>")
    return page.partition("<body>")[2].partition("</body>")[0]


CORRECTED = [
    ("<p>测度：综述（一）</p>", '<p><span lang="zh">测度：综述（一）</span></p>'),
    ('<p lang="zh">北京 <b>上海</b></p>', '<p lang="zh">北京 <b>上海</b></p>'),
    ('<p><b lang="zh">北</b>京</p>', '<p><b lang="zh">北</b><span lang="zh">京</span></p>'),
    ("<p>一 a 二 b</p>", '<p><span lang="zh">一</span> a <span lang="zh">二</span> b</p>'),
    ("<pre>北京</pre><code>京</code>", "<pre>北京</pre><code>京</code>"),
    ('<img alt="北京"><!-- 北京 -->', '<img alt="北京"><!-- 北京 -->'),
    ("<script>'北京<b>'</script>", "<script>'北京<b>'</script>"),
    ("<svg><title>京</title><text>京</text></svg>",) * 2,
    # Headings of a frame say what they head; none stays empty.
    (
        FRAME.format(
            '<tr><th></th><th colspan="2" halign="left">a</th></tr>',
            '<tr><th rowspan="2" valign="top">x</th><th>1</th><td>2</td></tr>',
        ),
        '<table class="dataframe"><thead><tr><td></td><th colspan="2" scope="colgroup">a</th>'
        '</tr></thead><tbody><tr><th rowspan="2" scope="rowgroup">x</th>'
        '<th scope="row">1</th><td>2</td></tr></tbody></table>',
    ),
    # A row that only names the index joins the names of the columns, unless they meet.
    (
        FRAME.format("<tr><th></th><th>b</th></tr><tr><th>year</th><th></th></tr>", ""),
        '<table class="dataframe"><thead><tr><th scope="col">year</th><th scope="col">b</th>'
        "</tr></thead><tbody></tbody></table>",
    ),
    (
        FRAME.format("<tr><th>a</th></tr><tr><th>year</th></tr>", ""),
        '<table class="dataframe"><thead><tr><th scope="col">a</th></tr><tr>'
        '<th scope="col">year</th></tr></thead><tbody></tbody></table>',
    ),
    ('<table class="nqpf-table"><thead><tr><th></th></tr></thead></table>',) * 2,
    (
        '<div id="pst-primary-sidebar"><dialog id="pst-search-dialog"></dialog></div>',
        '<div id="pst-primary-sidebar" role="complementary" aria-label="The book">'
        '<dialog id="pst-search-dialog" aria-label="Search"></dialog></div>',
    ),
    (
        '<ul><li><a href="x">Provinces</a><details><summary></summary></details></li></ul>',
        '<ul><li><a href="x">Provinces</a><details>'
        '<summary aria-label="Pages of: Provinces"></summary></details></li></ul>',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CORRECTED)
def test_markup_is_corrected_once(before, after):
    assert correct(before) == after and correct(after) == after


USED = [".used{a:b}", ".used:not(.unused){a:b}", ":is(.used,.unused){a:b}", "[class~=unused]{a:b}"]
USED += [".bs-tooltip-top{a:b}", "@media print{.used{a:b}}", "@font-face{font-family:a}"]
UNUSED = [".unused{a:b}", ".used .unused{a:b}", "@media print{.unused{a:b}}"]


def test_rules_that_no_page_uses_are_left_out():
    assert [rule for rule in USED + UNUSED if keep_used(rule, {"used"})] == USED


def test_pages_load_the_lighter_sheets_of_this_build_only(tmp_path):
    static = tmp_path / "_static/styles"
    static.mkdir(parents=True)
    (static / "theme.css").write_text('/* a */\n@import "../basic.css";\n')
    (tmp_path / "_static/basic.css").write_text(".used{a:b}.unused{a:b}")
    (tmp_path / "_static/own.css").write_text(".unused{a:b}")
    page = tmp_path / "a.html"
    names = ("styles/theme.css", "own.css", "basic.css", "mybasic.css")
    links = "".join(f'<link href="_static/{name}?v=1">' for name in names)
    page.write_text(f'<p class="used">{links}')
    lighten(tmp_path, {"own.css"})
    first = page.read_text()
    sheet = tmp_path / "_static/basic.css"
    assert sheet.read_text() == ".used{a:b}"
    version = re.search(r'href="_static/basic\.css\?v=(\w{10})"', first).group(1)
    assert first.count(f'href="_static/basic.css?v={version}"') == 2
    assert "own.css?v=1" in first and "mybasic.css?v=1" in first
    sheet.write_text(".used{a:b}.unused{a:b}")  # as Sphinx copies it anew
    page.write_text(first.replace('"used"', '"used unused"'))
    lighten(tmp_path, {"own.css"})
    assert ".unused" in sheet.read_text()
    assert version not in page.read_text()


def test_icons_that_a_sheet_draws_stay_in_the_font(tmp_path):
    """Written as escapes or as characters; the book's theme holds both."""
    from fontTools.ttLib import TTFont
    from pydata_sphinx_theme import utils

    shipped = Path(utils.__file__).parent / "theme/pydata_sphinx_theme/static"
    font = "vendor/fontawesome/webfonts/fa-solid-900"
    (tmp_path / "_static" / font).parent.mkdir(parents=True)
    (tmp_path / f"_static/{font}.ttf").write_bytes((shipped / f"{font}.ttf").read_bytes())
    sheet = tmp_path / "_static/a.css"
    face = f'@font-face{{src:url({font}.woff2) format("woff2")}}'
    sheet.write_text(face + 'a{content:"\\f00d"}b{content:"\uf062"}c{content:"\\201c"}', "utf-8")
    lighten(tmp_path, set())
    assert f"url({font}.woff?v=" in sheet.read_text("utf-8")
    assert set(TTFont(tmp_path / f"_static/{font}.woff").getBestCmap()) == {0xF00D, 0xF062}
