"""The site with a public address and without one, built small."""

import io
import re
import warnings
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from book_addresses import repository_url, site_url
from book_notebooks import launch_links
from book_site import draw_card
from book_templates import render
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import docutils_namespace

from nqpf import Panel
from nqpf.compare import measures

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://someone.example/nqpf/"
REPOSITORY = "https://github.com/someone/nqpf"
SERVICES = {"binderhub_url": "https://b.example/", "colab_url": "https://c.example"}

FRONT = """\
# The *front* & page

A first paragraph with {cite}`oecd` and [a chapter](notebooks/chapter), and *enough* words to fill.

```{bibliography}
```
"""
CHAPTER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A chapter

It counts {glue:text}`n` <things> {cite}`oecd`; see [the front](../book/index).

```{code-cell} ipython3
from myst_nb import glue

glue("n", "31", display=False)
print("counted")
```
"""
BIB = "@book{oecd, author={{OECD}}, title={Handbook}, publisher={OECD}, year={2008}}\n"


def build(folder):
    """Build two pages with the book's extensions; return the folder of the site."""
    source, out = folder / "source", folder / "_build" / "html"
    for name, text in (("book/index", FRONT), ("notebooks/chapter", CHAPTER)):
        path = source / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (source / "references.bib").write_text(BIB, "utf-8")
    (source / "favicon.svg").write_bytes((ROOT / "book/_static/favicon.svg").read_bytes())
    settings = {
        "extensions": ["myst_nb", "sphinxcontrib.bibtex", "book_notebooks", "book_site"],
        "root_doc": "book/index",
        "html_theme": "sphinx_book_theme",
        "html_title": 'A "small" book',
        "html_baseurl": "",
        "html_static_path": [str(source / "favicon.svg")],
        "bibtex_bibfiles": ["references.bib"],
        "nb_execution_mode": "cache",
        "html_theme_options": {"repository_url": "", "launch_buttons": SERVICES},
    }
    quiet = io.StringIO()
    with docutils_namespace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Sphinx(source, None, out, folder / "trees", "html", settings, quiet, quiet).build()
    return out


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """Return the site as the workflow builds it, which names both addresses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NQPF_SITE_URL", SITE)
        patch.setenv("NQPF_REPOSITORY_URL", REPOSITORY)
        return build(tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    return build(tmp_path_factory.mktemp("private"))


def page(folder, name):
    return BeautifulSoup((folder / name).read_text("utf-8"), "html.parser")


def head(soup):
    tags = soup.select("meta[name][content], meta[property][content]")
    return {tag.get("name") or tag.get("property"): tag["content"] for tag in tags}


def test_with_an_address_pages_name_their_own(public):
    for name in ("book/index.html", "notebooks/chapter.html"):
        soup = page(public, name)
        assert [link["href"] for link in soup.select("link[rel=canonical]")] == [SITE + name]
        assert head(soup)["og:url"] == SITE + name
        assert soup.select(".dropdown-source-buttons")
    described = head(page(public, "notebooks/chapter.html"))
    assert described["og:title"] == "A chapter"
    assert described["description"].startswith("It counts 31 <things> ")
    assert described["og:site_name"] == 'A "small" book'
    assert (public / described["og:image"].removeprefix(SITE)).is_file()
    tree = ElementTree.parse(public / "sitemap.xml")  # noqa: S314
    listed = [element.text for element in tree.iter() if element.tag.endswith("loc")]
    assert listed == [f"{SITE}book/index.html", f"{SITE}notebooks/chapter.html"]
    assert f"Sitemap: {SITE}sitemap.xml" in (public / "robots.txt").read_text("utf-8")


def test_missing_page_works_at_any_depth_and_alone(public):
    soup = page(public, "404.html")
    named = [tag.get("href") or tag["action"] for tag in soup.select("[href], form")]
    assert {f"{SITE}search.html", f"{SITE}book/index.html"} <= {*named}
    for address in named:
        assert address.startswith(SITE)
        assert (public / urlsplit(address).path.removeprefix("/nqpf/")).is_file()
    assert soup.select("script, img, link, [src]") == []
    assert "不存在" in soup.h1.text
    assert soup.select_one("label[for=q]") and soup.select_one("input#q[name=q]")
    assert soup.title.text and soup.html["lang"] == "en"


def test_without_an_address_nothing_pretends_to_have_one(private):
    for name in ("sitemap.xml", "robots.txt", "404.html", "_static/social-card.png"):
        assert not (private / name).exists(), name
    for name in ("index.html", "book/index.html", "notebooks/chapter.html"):
        soup = page(private, name)
        assert soup.select("link[rel=canonical]") == []
        assert not any(key.startswith(("og:", "twitter:")) for key in head(soup) if key)
        assert head(soup)["description"]
        assert soup.select(".dropdown-launch-buttons, .dropdown-source-buttons") == []


def test_front_page_leads_to_the_first(public, private):
    for folder in (public, private):
        soup = page(folder, "index.html")
        # The small book has no CITATION.cff; its front falls back on its title.
        assert soup.title.text == head(soup)["description"] == 'A "small" book'
        assert soup.select_one("meta[http-equiv]")["content"] == "0; url=book/index.html"
    canonical = page(public, "index.html").select_one("link[rel=canonical]")
    assert canonical["href"] == f"{SITE}book/index.html"


@pytest.mark.parametrize("name", ["favicon.ico", "apple-touch-icon.png"])
def test_icons_are_drawn_and_named(private, name):
    (link,) = page(private, "notebooks/chapter.html").select(f"link[href$='{name}']")
    path = (private / "notebooks" / link["href"]).resolve()
    picture = Image.open(path).convert("RGBA")
    colours = {colour[:3] for _, colour in picture.getcolors(maxcolors=100_000)}
    assert (0, 0x72, 0xB2) in colours  # the ground of the drawing


def test_launch_buttons_open_the_copies(public):
    links = page(public, "notebooks/chapter.html").select(".dropdown-launch-buttons a")
    assert [link["href"] for link in links] == [
        "https://b.example/v2/gh/someone/nqpf/launch?urlpath=lab/tree/notebooks/chapter.ipynb",
        "https://c.example/github/someone/nqpf/blob/launch/notebooks/chapter.ipynb",
    ]
    assert page(public, "book/index.html").select(".dropdown-launch-buttons") == []


def test_copies_link_to_the_site_or_to_each_other(public, private):
    copy = "downloads/notebooks/notebooks/chapter.ipynb"
    with_address, without = ((site / copy).read_text("utf-8") for site in (public, private))
    assert f"[the front]({SITE}book/index.html)" in with_address
    assert f"git clone --quiet --depth 1 --branch launch {REPOSITORY} nqpf-book" in with_address
    assert "*the front*" in without and "http" not in without
    for text in (with_address, without):
        assert "It counts 31 <things> (OECD, 2008)" in text
        assert "n = 31\\n" in text


@pytest.mark.parametrize("bad", ["nqpf", "ftp://a.b/c", "https://a b", 'https://a/"><script>'])
def test_a_wrong_address_stops_the_build(bad, monkeypatch):
    with pytest.raises(ConfigError, match="expected an address"):
        repository_url(bad)
    monkeypatch.setenv("NQPF_SITE_URL", bad)
    with pytest.raises(ConfigError, match="expected an address"):
        site_url("")


def test_the_environment_wins_over_the_setting(monkeypatch):
    assert repository_url("") == site_url(None) == ""
    monkeypatch.setenv("NQPF_SITE_URL", "https://new.example")
    monkeypatch.setenv("NQPF_REPOSITORY_URL", " ")
    assert site_url("https://old.example") == "https://new.example/"
    assert repository_url("https://old.example/a/b/") == "https://old.example/a/b"


def test_other_hosts_get_the_launch_links_that_work_there():
    (gitlab,) = launch_links(SERVICES, "https://gitlab.com/a/b", "x")
    assert gitlab["url"] == "https://b.example/v2/gl/a%2Fb/launch?urlpath=lab/tree/x.ipynb"
    assert launch_links(SERVICES, "https://git.example/a/b", "x") == []


def test_tags_hold_hostile_text_as_text():
    bad = '"><script>x</script>'
    names = ("static", "book", "title", "description", "address", "card", "card_alt")
    tags = render("site_head.html", **dict.fromkeys(names, bad))
    missing = render("site_missing.html", site=SITE, book=bad, links=[("a", f"{bad} 省份")])
    assert "<script" not in tags + missing and "og:image:alt" in tags
    assert '<span lang="zh">省份</span>' in missing


def test_card_says_what_the_panel_says():
    picture, alt = draw_card()
    assert draw_card() == (picture, alt), "the same bytes"
    assert Image.open(io.BytesIO(picture)).size == (1200, 630)
    found = re.search(r"(\d+) of (\d+) .* by (\d+) .* (\d+) measures, (\d+)\.", alt)
    moved, count, by, measured, year = map(int, found.groups())
    systems = ["wang-wang-2024", "dong-2024", "lu-guo-2024"]
    table = measures(Panel.load(), systems=systems).loc[pd.IndexSlice[:, year], :]
    ranks = table.rank(ascending=False)
    assert (count, measured) == table.shape
    assert moved == (np.ptp(ranks, axis=1) >= by).sum()
    assert "新质生产力" in alt
