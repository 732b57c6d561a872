"""Two sites are compared by what a reader sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from compare_books import differences, main

PAGE = """<article><h1>A</h1><p class="x">{words}</p>
<table><tr><td>Anhui</td><td>{n}</td></tr></table>{more}"""
SAME = {"words": "Growth was <b>3.1</b> %.", "n": "5", "more": '<img alt="A map." src="a.svg">'}


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"words": 'Growth   was <a href="#x">3.1</a>\n%.'}, []),
        ({"more": '<img src="b.png" alt="A map.">'}, []),
        ({"words": "Growth was 3.2 %."}, ["-Growth was 3.1 %.", "+Growth was 3.2 %."]),
        ({"n": "6"}, ["-Anhui | 5", "+Anhui | 6"]),
        ({"more": ""}, ["-[figure A map.]"]),
        ({"more": f"{SAME['more']}<pre>x = 1\ny = 2</pre>"}, ["+x = 1", "+y = 2"]),
    ],
)
def test_only_what_is_seen_counts(
    tmp_path: Path, changed: dict[str, str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for site, values in (("a", SAME), ("b", SAME | changed)):
        (tmp_path / site / "book").mkdir(parents=True)
        (tmp_path / site / "book/page.html").write_text(PAGE.format(**values), "utf-8")
        (tmp_path / site / "book/other.html").write_text("<p>Same</p>", "utf-8")
    expected = {"book/page.html": lines} if lines else {}
    sites = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert differences(*map(Path, sites)) == expected
    assert main(sites) == bool(lines)
    assert main([*sites, "book/other"]) == 0
    assert main([sites[0], str(tmp_path / "none")]) == 2
    said = capsys.readouterr().out
    assert all(line in said for line in lines)
