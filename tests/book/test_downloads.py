"""The files that the built book offers: all there, and holding what the library holds."""

from pathlib import Path

import pandas as pd
from browsing import read
from sphinx_external_toc.parsing import parse_toc_yaml

from nqpf import Panel

ROOT = Path(__file__).resolve().parents[2]


def test_panel_of_the_site_is_the_panel(html):
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


def test_every_chapter_offers_its_notebook(html):
    article = read(html / "book" / "downloads.html").find("article")
    offered = {link["href"] for link in article.find_all("a", href=True)}
    pages = parse_toc_yaml(str(ROOT / "book" / "_toc.yml"))
    copies = [f"downloads/notebooks/{page}.ipynb" for page in pages]
    there = {f"../{copy}" for copy in copies if (html / copy).is_file()}
    assert there and there <= offered
