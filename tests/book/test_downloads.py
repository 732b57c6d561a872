"""The files that the built book offers: all there, and holding what the library holds."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

from nqpf import Panel

ROOT = Path(__file__).resolve().parents[2]


def links(html: Path) -> list[tuple[str, Path]]:
    page = html / "book" / "downloads.html"
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser").find("article")
    found = soup.find_all("a", href=re.compile("^\\.\\./(downloads|outputs)/"))
    return [(a["href"], (page.parent / unquote(a["href"])).resolve()) for a in found]


def test_every_file_is_there(html: Path) -> None:
    found = links(html)
    assert len(found) >= 6
    assert [address for address, path in found if not path.is_file()] == []


def test_panel_of_the_site_is_the_panel(html: Path) -> None:
    frame = Panel.load().frame
    key = ["variable", "vintage", "province", "year"]
    for kind in ("csv", "parquet"):
        path = html / "downloads" / "panel" / f"nqpf-panel.{kind}"
        rows = (
            pd.read_parquet(path)
            if kind == "parquet"
            else pd.read_csv(path, keep_default_na=False, dtype={"vintage": "str"})
        )
        both = [
            table[[*key, "value", "flag"]].astype(dict.fromkeys(key[:2] + ["flag"], "str"))
            for table in (rows, frame)
        ]
        ordered = [table.sort_values(key, ignore_index=True) for table in both]
        pd.testing.assert_frame_equal(*ordered, check_exact=True)


def test_every_chapter_offers_its_notebook(html: Path) -> None:
    offered = {address for address, _ in links(html)}
    copies = sorted((html / "downloads" / "notebooks").rglob("*.ipynb"))
    pages = set(parse_toc_yaml(str(ROOT / "book" / "_toc.yml")))
    for copy in copies:
        name = copy.relative_to(html / "downloads" / "notebooks").as_posix()
        if name.removesuffix(".ipynb") in pages:
            assert f"../downloads/notebooks/{name}" in offered
