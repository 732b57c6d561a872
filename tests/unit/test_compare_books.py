"""Two sites are compared by what a reader sees."""

import pytest
from compare_books import differences, main

PAGE = """<article><h1>A</h1><p class="x">{words}</p>
<table><tr><td>Anhui</td><td>{n}</td></tr></table>{more}"""
SAME = {"words": "Growth was <b>3.1</b> %.", "n": "5", "more": '<img alt="A map." src="a.svg">'}


@pytest.fixture
def sites(tmp_path):
    for name in ("a", "b"):
        book = tmp_path / name / "book"
        book.mkdir(parents=True)
        (book / "index.html").write_text("<p>Same</p>", "utf-8")
        (book / "status.html").write_text(f"<p>2026-11-25 21:36, {name} s</p>", "utf-8")
    return tmp_path / "a", tmp_path / "b"


SEEN = [({"words": 'Growth   was <a href="#x">3.1</a>\n%.'}, [])]
SEEN += [({"more": '<img src="b.png" alt="A map.">'}, []), ({"more": ""}, ["-[figure A map.]"])]
SEEN += [({"words": "Growth was 3.2 %."}, ["-Growth was 3.1 %.", "+Growth was 3.2 %."])]
SEEN += [({"n": "6"}, ["-Anhui | 5", "+Anhui | 6"])]
SEEN += [({"more": f"{SAME['more']}<pre>x = 1\ny = 2</pre>"}, ["+x = 1", "+y = 2"])]


@pytest.mark.parametrize(("changed", "lines"), SEEN)
def test_only_what_is_seen_counts(sites, changed, lines, capsys):
    for site, values in zip(sites, (SAME, SAME | changed), strict=True):
        (site / "book/page.html").write_text(PAGE.format(**values), "utf-8")
    assert differences(*sites, parts=("book/page",)) == ({"book/page.html": lines} if lines else {})
    names = [str(site) for site in sites]
    assert main(names) == main([*names, "book/page"]) == bool(lines)
    assert main([*names, "book/index"]) == 0
    assert main([names[0], "none"]) == main(names[:1]) == 2
    said = capsys.readouterr().out
    assert all(line in said for line in lines)
