"""The built pages of the provinces: one for each, with figures, tables, links and a file."""

import re
from functools import cache
from pathlib import Path

import pytest
from browsing import read

from nqpf import Panel, provinces
from nqpf.report.province_pages import _csv_texts, _page_key

CODES = provinces.codes()
SECTIONS = 9
PAGE_BYTES = 400_000


texts = cache(lambda: _csv_texts(Panel.load()))


def page(html, name):
    return read(html / "book" / "provinces" / f"{name}.html")


@pytest.mark.parametrize("code", CODES, ids=_page_key)
def test_every_province_has_a_whole_page_and_its_rows_of_the_panel(html, code):
    body = page(html, _page_key(code)).find("article")
    assert provinces.name(code, "both") in body.find("h1").get_text()
    assert len(body.find_all("h2")) == SECTIONS
    images = body.find_all("img")
    assert len(images) == 3 and all(len(image["alt"]) > 60 for image in images)
    assert len(body.find_all("table")) >= 5
    assert (html / f"book/provinces/{_page_key(code)}.html").stat().st_size < PAGE_BYTES
    text = " ".join(body.get_text(" ").split())
    assert not re.search(r"\b(nan|none|inf|<NA>)\b|−0\.0 ", text, re.IGNORECASE)
    assert not re.search(r"\b1 (places|measures|indices|figures|breaks|provinces)\b", text)
    (link,) = {a["href"] for a in body.select('a[href$=".csv"]')}
    path = (html / "book" / "provinces" / link).resolve()
    assert path == html / "downloads" / "provinces" / f"{_page_key(code)}.csv"
    assert path.read_text("utf-8-sig") == texts()[code]


def test_the_map_leads_to_every_province(html):
    tiles = page(html, "index").select("article nav.tile-links a")
    assert {Path(tile["href"]).stem for tile in tiles} == set(map(_page_key, CODES))
    for tile in tiles:
        label, value = tile["aria-label"], tile.find("span", class_="tile-value").text
        assert re.match(r"\S.* [一-鿿]+: median rank ", label) and value in label


def test_the_side_bar_has_a_part_for_them(html):
    links = page(html, "tibet").select(".bd-sidebar-primary a")
    names = [Path(link["href"]).stem for link in links if link.get("href")]
    assert {"shaanxi", "shanxi"} <= set(names)
    toggles = page(html, "tibet").select(".bd-sidebar-primary summary")
    labels = [toggle["aria-label"] for toggle in toggles]
    assert len(labels) == 2 and labels[1] == "Pages of: Provinces 省份"
