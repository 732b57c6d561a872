"""The files that the built book offers: all there, and holding what the library holds."""

import pandas as pd
from browsing import read
from jinja2.filters import do_filesizeformat

from nqpf import Panel


def test_panel_of_the_site_is_the_panel(html):
    frame = Panel.load().frame
    key = ["variable", "vintage", "province", "year"]
    folder, text = html / "downloads" / "panel", {"vintage": "str"}
    csv = pd.read_csv(folder / "nqpf-panel.csv", keep_default_na=False, dtype=text)
    for rows in (csv, pd.read_parquet(folder / "nqpf-panel.parquet")):
        kinds = dict.fromkeys([*key[:2], "flag"], "str")
        both = (table[[*key, "value", "flag"]].astype(kinds) for table in (rows, frame))
        ordered = (table.sort_values(key, ignore_index=True) for table in both)
        pd.testing.assert_frame_equal(*ordered, check_exact=True)


def test_the_page_offers_every_file_and_says_its_size(html):
    article = read(html / "book" / "downloads.html").find("article")
    names = "panel provinces notebooks templates standard".split()
    folders = [html / "downloads" / name for name in names]
    files = [path for folder in folders for path in folder.rglob("*.*")]
    files += [path for path in (html / "downloads").glob("*.*") if path.suffix != ".pdf"]
    there = {f"../{path.relative_to(html).as_posix()}" for path in files}
    assert len(there) > 31 + 50
    offered = {link["href"] for link in article.find_all("a", href=True)}
    pdf = {"../downloads/nqpf-book.pdf"} & offered
    assert {address for address in offered if address.startswith("../downloads/")} - pdf == there
    copies = {address for address in there if address.endswith(".ipynb")}
    pages = {copy.replace("downloads/notebooks", "outputs")[:-6] + ".html" for copy in copies}
    pages |= {"../outputs/index.html"}
    assert {address for address in offered if address.startswith("../outputs/")} == pages
    words = " ".join(article.get_text().split())
    sizes = {path.name: do_filesizeformat(path.stat().st_size) for path in folders[0].iterdir()}
    assert [name for name, size in sizes.items() if f"{name} ({size})" not in words] == []
    captions = [one.get_text() for one in article.find_all("p", class_="rubric")]
    assert "The data · 数据" in captions
