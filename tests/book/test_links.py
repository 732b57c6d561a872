"""The written pages: links lead somewhere, and nothing comes from another host."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import yaml
from book_addresses import repository_url
from browsing import read
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]

LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
# A <link> of these kinds is fetched when the page opens; others only name an address.
FETCHED = {"stylesheet", "preload", "icon", "modulepreload", "preconnect", "dns-prefetch"}


def pages(html: Path) -> list[Path]:
    return [path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts]


def test_internal_links_and_anchors_resolve(html: Path) -> None:
    broken = []
    for path in pages(html):
        for link in read(path).find_all("a", href=True):
            address, anchor = urldefrag(link["href"])
            if "://" in address or address.startswith(("mailto:", "data:")):
                continue
            target = _file(path.parent, unquote(urljoin("", address))) if address else path
            if target is None:
                broken.append(f"{path.relative_to(html)}: {link['href']}")
            elif "=" in anchor:
                continue  # a state of the explorer, which its own test reads
            elif anchor and target.suffix == ".html" and unquote(anchor) not in places(target):
                broken.append(f"{path.relative_to(html)}: no place {link['href']}")
    assert broken == []


@cache
def _file(folder: Path, address: str) -> Path | None:
    target = (folder / address).resolve()
    return target if target.is_file() else None


@cache
def places(path: Path) -> frozenset[str]:
    return frozenset(element["id"] for element in read(path).find_all(id=True))


def test_pages_load_nothing_from_another_host(html: Path) -> None:
    outside = []
    for path in pages(html):
        for name, attribute in LOADING.items():
            for element in read(path).find_all(name, attrs={attribute: True}):
                if name == "link" and not FETCHED & set(element.get("rel", [])):
                    continue
                if element[attribute].startswith(("http:", "https:", "//")):
                    outside.append(f"{path.relative_to(html)}: {element[attribute]}")
    assert outside == []


def test_style_sheets_load_nothing_from_another_host(html: Path) -> None:
    for sheet in html.rglob("*.css"):
        text = sheet.read_text("utf-8").replace(" ", "")
        for fetched in ("url(http", "url(//", 'url("http', "url('http", '@import"http'):
            assert fetched not in text, sheet


def test_what_the_pages_style_sheets_name_is_in_the_site(html: Path) -> None:
    used = {
        (path.parent / unquote(link["href"].split("?")[0])).resolve()
        for path in pages(html)
        for link in read(path).find_all("link", rel="stylesheet", href=True)
        if "://" not in link["href"]
    }
    absent = [str(sheet) for sheet in used if not sheet.is_file()]
    for sheet in sorted(used - {Path(name) for name in absent}):
        for address in re.findall(r"""url\(\s*["']?([^"')]+)""", sheet.read_text("utf-8")):
            if address.startswith(("data:", "#")):
                continue
            if not (sheet.parent / re.split("[?#]", address)[0]).is_file():
                absent.append(f"{sheet.name}: {address}")
    assert absent == []


def test_charts_are_loaded_only_where_there_are_charts(html: Path) -> None:
    for path in pages(html):
        soup = read(path)
        scripts = [script["src"] for script in soup.find_all("script", src=True)]
        loads = any("vendor/vega.js" in script for script in scripts)
        assert loads == bool(soup.select(".vega-chart")), path


@pytest.mark.parametrize(
    "part", ["startup.js", "input/tex.js", "LICENSE", "output/chtml/fonts/woff-v2"]
)
def test_mathematics_is_in_the_site(html: Path, part: str) -> None:
    assert (html / "_static/vendor/mathjax" / part).exists()


def test_links_to_a_repository_follow_the_setting(html: Path) -> None:
    config = yaml.safe_load((ROOT / "book/_config.yml").read_text("utf-8"))
    setting = repository_url(config["repository"]["url"])
    for name in parse_toc_yaml(str(ROOT / "book/_toc.yml")):
        soup = read(html / f"{name}.html")
        for button in ("repository", "edit", "issues"):
            assert bool(soup.select(f".btn-source-{button}-button")) == bool(setting), name
        launches = bool(soup.select("a[href*='/v2/gh/'], a[href*='/v2/gl/']"))
        assert launches == (
            bool(setting) and (ROOT / f"{name}.md").read_text("utf-8").startswith("---\njupytext")
        )
