"""Two built sites agree, dates and times aside; anything else is listed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from compare_builds import differences, main

STATUS = "<td><p>2026-11-25 21:{minute}</p></td><td><p>cache</p></td><td><p>{seconds}</p></td>"


@pytest.fixture
def sites(tmp_path: Path) -> tuple[Path, Path]:
    for number, name in enumerate(("a", "b")):
        book = tmp_path / name / "book"
        book.mkdir(parents=True)
        (book / "index.html").write_text("<p>Same</p>", "utf-8")
        (book / "status.html").write_text(
            STATUS.format(minute=36 + number, seconds=7.08 + number), "utf-8"
        )
        (tmp_path / name / "nqpf-book.pdf").write_bytes(
            f"%PDF /CreationDate (D:2026112{number}) /ID [<{number}>] text".encode()
        )
    return tmp_path / "a", tmp_path / "b"


def archive(year: int, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(zipfile.ZipInfo("sheet.xml", (year, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def test_dates_and_times_may_differ(
    sites: tuple[Path, Path], capsys: pytest.CaptureFixture
) -> None:
    assert differences(*sites) == []
    assert main([str(site) for site in sites]) == 0
    assert "3 files agree" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("book/index.html", b"<p>Other</p>"),
        ("book/index.html", b"<p>Same</p> "),
        (
            "book/status.html",
            STATUS.replace("cache", "force").format(minute=1, seconds=1.0).encode(),
        ),
        ("nqpf-book.pdf", b"%PDF /CreationDate (D:20261120) /ID [<0>] other"),
    ],
)
def test_anything_else_is_a_difference(
    sites: tuple[Path, Path], name: str, content: bytes, capsys: pytest.CaptureFixture
) -> None:
    (sites[1] / name).write_bytes(content)
    found = differences(*sites)
    assert len(found) == 1
    assert found[0].startswith(f"{name}: byte ")
    assert main([str(site) for site in sites]) == 1
    assert name in capsys.readouterr().out


def test_a_date_in_another_page_is_a_difference(sites: tuple[Path, Path]) -> None:
    for site, minute in zip(sites, (1, 2), strict=True):
        (site / "book/other.html").write_text(f"2026-11-25 21:0{minute}", "utf-8")
    assert len(differences(*sites)) == 1


def test_a_missing_file_is_a_difference_in_either_direction(sites: tuple[Path, Path]) -> None:
    (sites[0] / "only.txt").write_text("x", "utf-8")
    (sites[1] / "book/index.html").unlink()
    assert [line.split(":")[0] for line in differences(*sites)] == ["book/index.html", "only.txt"]


def test_archives_agree_by_what_they_hold(sites: tuple[Path, Path]) -> None:
    for site, year in zip(sites, (2025, 2026), strict=True):
        (site / "panel.xlsx").write_bytes(archive(year, "1"))
    assert differences(*sites) == []
    (sites[1] / "panel.xlsx").write_bytes(archive(2026, "2"))
    assert len(differences(*sites)) == 1


def test_nothing_to_compare_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty")] * 2) == 2
    assert main([str(tmp_path)]) == 2
    assert "usage" in capsys.readouterr().err
