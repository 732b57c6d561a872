"""Two sites are compared by what a reader sees."""

import io
import zipfile

import pytest
from compare_books import differences, main

PAGE = """<article><h1>A</h1><p class="x">{words}</p>
<table><tr><td>Anhui</td><td>{n}</td></tr></table>{more}"""
SAME = {"words": "Growth was <b>3.1</b> %.", "n": "5", "more": '<img alt="A map." src="a.svg">'}


STATUS = "<td><p>2026-11-25 21:{minute}</p></td><td><p>cache</p></td><td><p>{seconds}</p></td>"


def archive(year, text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(zipfile.ZipInfo("sheet.xml", (year, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


@pytest.fixture
def sites(tmp_path):
    for number, name in enumerate(("a", "b")):
        book = tmp_path / name / "book"
        book.mkdir(parents=True)
        (book / "index.html").write_text("<p>Same</p>", "utf-8")
        status = STATUS.format(minute=36 + number, seconds=7.08 + number)
        (book / "status.html").write_text(status, "utf-8")
        dated = f"%PDF /CreationDate (D:2026112{number}) /ID [<{number}>] text"
        (tmp_path / name / "nqpf-book.pdf").write_bytes(dated.encode())
        (tmp_path / name / "panel.xlsx").write_bytes(archive(2025 + number, "1"))
    return tmp_path / "a", tmp_path / "b"


SEEN = [
    ({"words": 'Growth   was <a href="#x">3.1</a>\n%.'}, []),
    ({"more": '<img src="b.png" alt="A map.">'}, []),
    ({"words": "Growth was 3.2 %."}, ["-Growth was 3.1 %.", "+Growth was 3.2 %."]),
    ({"n": "6"}, ["-Anhui | 5", "+Anhui | 6"]),
    ({"more": ""}, ["-[figure A map.]"]),
    ({"more": f"{SAME['more']}<pre>x = 1\ny = 2</pre>"}, ["+x = 1", "+y = 2"]),
]


@pytest.mark.parametrize(("changed", "lines"), SEEN)
def test_only_what_is_seen_counts(sites, changed, lines, capsys):
    for site, values in zip(sites, (SAME, SAME | changed), strict=True):
        (site / "book/page.html").write_text(PAGE.format(**values), "utf-8")
    assert differences(*sites, parts=("book/page",)) == ({"book/page.html": lines} if lines else {})
    names = [str(site) for site in sites]
    assert main([*names, "book/page"]) == bool(lines)
    assert main([*names, "book/index"]) == 0
    with pytest.raises(SystemExit, match="2"):
        main([names[0], "none"])
    said = capsys.readouterr().out
    assert all(line in said for line in lines)


BYTES = [
    (None, None),
    ("book/index.html", b"<p>Same</p> "),
    ("book/other.html", b"2026-11-25 21:01"),
    ("book/status.html", STATUS.replace("cache", "force").format(minute=1, seconds=1).encode()),
    ("nqpf-book.pdf", b"%PDF /CreationDate (D:20261120) /ID [<0>] other"),
    ("panel.xlsx", archive(2026, "2")),
]


@pytest.mark.parametrize(("name", "content"), BYTES)
def test_bytes_may_differ_in_dates_and_times_alone(sites, name, content, capsys):
    if name:
        (sites[1] / name).write_bytes(content)
    assert list(differences(*sites, whole=True)) == ([name] if name else [])
    assert main(["--bytes", *map(str, sites)]) == bool(name)
    assert (name or "are the same") in capsys.readouterr().out
