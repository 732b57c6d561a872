"""What is corrected on every page, and what makes the pages light."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from book_markup import correct_frames, mark_chinese, name_places
from book_pages import drop_scripts, figures_to_files
from book_styles import icons_in, keep_used, lighten_styles, with_versions

SVG = '<?xml version="1.0"?><svg xmlns="a" viewBox="0 0 200 100"><rect/></svg>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>北京 is</p>", '<p><span lang="zh">北京</span> is</p>'),
        ("<p>测度：综述（一）</p>", '<p><span lang="zh">测度：综述（一）</span></p>'),
        ('<p lang="zh">北京 <p>上海</p></p>', '<p lang="zh">北京 <p>上海</p></p>'),
        ('<b lang="zh">北</b>京', '<b lang="zh">北</b><span lang="zh">京</span>'),
        ("<pre>北京</pre><code>京</code>", "<pre>北京</pre><code>京</code>"),
        ('<img alt="北京"><!-- 北京 -->', '<img alt="北京"><!-- 北京 -->'),
        ("<script>'北京<b>'</script>", "<script>'北京<b>'</script>"),
        (
            "<svg><title>京</title><text>京</text></svg>",
            "<svg><title>京</title><text>京</text></svg>",
        ),
    ],
)
def test_chinese_is_marked_once_and_only_in_running_text(before: str, after: str) -> None:
    assert mark_chinese(f"<title>北京</title><body>{before}") == f"<title>北京</title><body>{after}"


def test_marking_twice_changes_nothing() -> None:
    once = mark_chinese("<body><p>新质生产力 (NQPF) 指数</p>")
    assert mark_chinese(once) == once


def frame(head: str, body: str = "") -> str:
    return correct_frames(
        f'<table border="1" class="dataframe"><thead>{head}</thead><tbody>{body}</tbody></table>'
    )


def test_headings_of_a_frame_say_what_they_head() -> None:
    html = frame(
        '<tr><th></th><th colspan="2" halign="left">a</th></tr>',
        '<tr><th rowspan="2" valign="top">x</th><th>1</th><td>2</td></tr>',
    )
    assert '<td></td><th scope="colgroup" colspan="2">a</th>' in html
    assert '<th scope="rowgroup" rowspan="2">x</th><th scope="row">1</th>' in html
    assert "border" not in html


def test_names_of_columns_and_of_the_index_that_meet_stay_apart() -> None:
    html = frame("<tr><th>system</th><th>a</th></tr><tr><th>year</th><th></th></tr>")
    assert html.count("<tr>") == 2


def test_other_tables_are_left_alone() -> None:
    other = '<table class="nqpf-table"><thead><tr><th></th></tr></thead></table>'
    assert correct_frames(other) == other


def test_sidebar_is_a_landmark_and_dialogs_have_names() -> None:
    page = name_places('<div id="pst-primary-sidebar" class="b"><dialog id="pst-search-dialog">')
    assert 'role="complementary" aria-label="The book" class="b"' in page
    assert '<dialog id="pst-search-dialog" aria-label="Search">' in page


def test_scripts_without_a_use_are_dropped_and_others_wait() -> None:
    page = "".join(
        f'<script src="_static/{name}"></script>'
        for name in (
            "scripts/fontawesome.js?digest=1",
            "design-tabs.js",
            "documentation_options.js",
        )
    )
    page += '<script src="_static/doctools.js"></script><script>var a = 1;</script>'
    page += '<script src="_static/b.js" async></script><script src="searchindex.js"></script>'
    assert drop_scripts(page, "a") == (
        '<script src="_static/documentation_options.js"></script>'
        '<script defer src="_static/doctools.js"></script><script>var a = 1;</script>'
        '<script src="_static/b.js" async></script>'
    )
    kept = drop_scripts(page, "search")
    assert "searchindex.js" in kept
    assert "fontawesome" not in kept
    assert "design-tabs" in drop_scripts(page + '<div class="sd-tab-set">', "a")


def test_figures_become_files_with_their_size() -> None:
    saved = {}

    def save(name: str, content: bytes) -> str:
        saved[name] = content
        return f"../_images/{name}"

    image = f'<img alt="a &gt; b" width="400" src="data:image/svg+xml,{quote(SVG)}">'
    page = figures_to_files(image * 2, save)
    assert list(saved.values()) == [SVG.encode()]
    assert page.count(' width="400" height="200"') == 2
    assert page.count('loading="lazy"') == 1
    assert page.count(f'src="../_images/{next(iter(saved))}"') == 2
    assert "data:" not in page


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (".used{a:b}", True),
        (".unused{a:b}", False),
        (".used .unused{a:b}", False),
        (".used:not(.unused){a:b}", True),
        (":is(.used,.unused){a:b}", True),
        ("[class~=unused]{a:b}", True),
        (".bs-tooltip-top{a:b}", True),
        ("@media print{.used{a:b}}", True),
        ("@media print{.unused{a:b}}", False),
        ("@font-face{font-family:a}", True),
        ("p{a:b}", True),
    ],
)
def test_rules_that_no_page_uses_are_left_out(rule: str, kept: bool) -> None:
    assert bool(keep_used(rule, {"used"})) is kept


def test_icons_are_found_as_escapes_and_as_characters() -> None:
    assert icons_in('a{content:"\\f00d"} b{content:"\uf062"} c{content:"\\201c"}') == {
        0xF00D,
        0xF062,
    }


def test_pages_load_the_lighter_sheets_of_this_build_only(tmp_path: Path) -> None:
    static = tmp_path / "_static/styles"
    static.mkdir(parents=True)
    (static / "theme.css").write_text('/* a */\n@import "../basic.css";\n')
    (tmp_path / "_static/basic.css").write_text(".used{a:b}.unused{a:b}")
    (tmp_path / "_static/own.css").write_text(".unused{a:b}")
    page = tmp_path / "a.html"
    links = "".join(
        f'<link href="_static/{name}?v=1">' for name in ("styles/theme.css", "own.css", "basic.css")
    )
    page.write_text(f'<p class="used">{links}')
    lighten_styles(tmp_path, {"own.css"})
    first = page.read_text()
    sheet = tmp_path / "_static/basic.css"
    assert sheet.read_text() == ".used{a:b}"
    version = re.search(r'href="_static/basic\.css\?v=(\w{10})"', first).group(1)
    assert first.count(f'href="_static/basic.css?v={version}"') == 2
    assert "own.css?v=1" in first
    sheet.write_text(".used{a:b}.unused{a:b}")  # as Sphinx copies it anew
    page.write_text(first.replace('"used"', '"used unused"'))
    lighten_styles(tmp_path, {"own.css"})
    assert ".unused" in sheet.read_text()
    assert version not in page.read_text()


def test_only_whole_names_of_sheets_are_replaced() -> None:
    page = '<link href="_static/mybasic.css"><link href="_static/basic.css?v=1">'
    assert with_versions(page, {"_static/basic.css": "0"}) == (
        '<link href="_static/mybasic.css"><link href="_static/basic.css?v=0">'
    )
