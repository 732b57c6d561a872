"""The site with a public address and without one, built small, and its copies of chapters."""

import io
import re
import runpy
from urllib.parse import urlsplit
from xml.etree import ElementTree

import nbformat
import numpy as np
import pandas as pd
import pytest
import vl_convert
import yaml
from book_addresses import repository_url, site_url
from book_notebooks import launch_links
from book_site import draw_card
from book_templates import render
from browsing import ROOT
from bs4 import BeautifulSoup
from made_up import small_book
from made_up_panels import refuses
from notebook_copy import Surroundings, _chart, plain_markdown
from PIL import Image
from sphinx.errors import ConfigError

from nqpf import Panel
from nqpf.compare import measures
from nqpf.report.explore import rank_explorer

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
:tags: [remove-cell]

from nqpf.report import tell

tell(n=31)
```

```{code-cell} ipython3
import warnings
from IPython.display import HTML, display

chart = CHART
warnings.warn("odd")
display(HTML(chart), HTML("<p>first view</p>" + chart))
display({"application/vnd.jupyter.widget-view+json": {}}, raw=True)
```
"""
SPEC = '{"$schema": "https://v/v6.1.json", "a": "\\u003cb"}'
CHART = f'<div class="vega-chart"><script type="application/json">{SPEC}</script></div>'
BIB = "@book{oecd, author={{OECD}}, title={Handbook}, publisher={OECD}, year={2008}}\n"


TEXTS = {"book/index.md": FRONT, "notebooks/chapter.md": CHAPTER.replace("CHART", repr(CHART))}
TEXTS["references.bib"] = BIB
SETTINGS = {"extensions": ["myst_nb", "sphinxcontrib.bibtex", "book_notebooks", "book_site"]}
SETTINGS |= {"root_doc": "book/index", "html_theme": "sphinx_book_theme", "html_baseurl": ""}
SETTINGS |= {"html_title": 'A "small" book', "nb_execution_mode": "cache"}
SETTINGS["html_static_path"] = [str(icon) for icon in (ROOT / "book/_static").glob("*icon*")]
SETTINGS["bibtex_bibfiles"] = ["references.bib"]


def build(folder):
    """Build two pages with the book's extensions; return the folder of the site."""
    options = {"repository_url": "", "launch_buttons": SERVICES}  # which the build changes
    return small_book(folder, TEXTS, SETTINGS | {"html_theme_options": options})


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
    assert all(address.startswith(SITE) for address in named)
    assert all((public / urlsplit(one).path.removeprefix("/nqpf/")).is_file() for one in named)
    assert soup.select("script, img, link, [src]") == [] and "不存在" in soup.h1.text
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
        assert soup.title.text == 'A "small" book'
        record = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
        assert head(soup)["description"] == record["abstract"]
        assert soup.select_one("meta[http-equiv]")["content"] == "0; url=book/index.html"
    canonical = page(public, "index.html").select_one("link[rel=canonical]")
    assert canonical["href"] == f"{SITE}book/index.html"


@pytest.mark.parametrize("name", ["favicon.ico", "apple-touch-icon.png"])
def test_icons_are_there_and_named(private, name):
    (link,) = page(private, "notebooks/chapter.html").select(f"link[href$='{name}']")
    picture = Image.open((private / "notebooks" / link["href"]).resolve()).convert("RGBA")
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
    assert "*the front*" in without
    assert set(re.findall(r"https?://[^/]*", without)) == {"https://v", "https://vega.github.io"}
    for text in (with_address, without):
        assert "It counts 31 <things> (OECD, 2008)" in text
        assert not re.search(r"ipykernel|execution\"|myst_nb", text)
    notebook = nbformat.reads(with_address, as_version=4)
    nbformat.validate(notebook)
    _, title, glues, drawn, references = notebook.cells
    assert title.source.startswith("# A chapter") and references.source.startswith("## References")
    assert glues.metadata == {"jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}
    # Told to whoever runs it outside the book, and by the copy to its reader.
    assert {line for o in glues.outputs for line in o.text.splitlines()} == {"n = 31"}
    # A chart is one that Jupyter draws; of what only the site can draw the first view is left.
    warning, chart, view = drawn.outputs
    assert warning.text.startswith("UserWarning: odd\n")
    assert chart.data["application/vnd.vegalite.v5+json"]["a"] == "<b"
    assert view.data["text/html"].startswith("<p>first view</p>")
    assert "<script" not in view.data["text/html"]


@pytest.mark.parametrize("bad", ["nqpf", "ftp://a.b/c", "https://a b", 'https://a/"><script>'])
def test_a_wrong_address_stops_the_build(bad, monkeypatch):
    refuses(ConfigError, "expected an address", repository_url, bad)
    monkeypatch.setenv("NQPF_SITE_URL", bad)
    refuses(ConfigError, "expected an address", site_url, "")


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
    missing = render(
        "site_missing.html", site=SITE, book=bad, pages={"book/index": f"{bad} 省份"}, lang="en"
    )
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


# --- copies of chapters ---

GLUED = {"n": "'31'", "share": "0.12345", "quote": '"it\'s"'}
CITED = {"ma-2024": ("Ma and Li", "2024"), "oecd": ("OECD", "2008")}
AROUND = Surroundings(GLUED, CITED, lambda target, text: f"[{text or 'title'}](->{target})")


BOX = ":::{admonition} In *short*\nAll {glue:text}`n`.\n\nYes\n:::"
MARKDOWN = [
    ("{glue:text}`share:.2f` and {glue:text}`share`", "0.12 and 0.12345"),
    ("{glue:text}`quote`", "it's"),
    ("As shown {cite}`ma-2024,oecd`.", "As shown (Ma and Li, 2024; OECD, 2008)."),
    ("{cite:t}`oecd` says", "OECD (2008) says"),
    ("[Solow](../tfp/solow) and [](gaps)", "[Solow](->../tfp/solow) and [title](->gaps)"),
    ("[{glue:text}`n`](gaps)", "[31](->gaps)"),
    ("{download}`a.csv <../a.csv>`", "[a.csv](->../a.csv)"),
    ("{bdg-info}`V` confirms", "V confirms"),
    ("N\n: numbers\n\nM\n: method", "- **N**: numbers\n\n- **M**: method"),
    (BOX, "> **In *short***\n>\n> All 31.\n>\n> Yes"),
    *((same, same) for same in ("```sh\nls {glue:text}`n`\n```", "$x_{it}$ and $\\{a\\}$",
                                "![map](map.png)")),
]  # fmt: skip


@pytest.mark.parametrize(("myst", "plain"), MARKDOWN)
def test_myst_becomes_plain_markdown(myst, plain):
    assert plain_markdown(myst, AROUND) == plain


def test_what_is_not_there_is_an_error():
    for myst in ("{glue:text}`gone`", "{cite}`nobody`"):
        with pytest.raises(KeyError):
            plain_markdown(myst, AROUND)


def test_first_cell_says_how_to_set_up(capsys, tmp_path):
    address, about = "https://github.com/someone/nqpf", {"title": "T", "branch": "launch"}
    cell = render("first_cell.txt", **about, repository=address, page="https://s.example/x.html")
    missing = cell.replace('find_spec("nqpf")', 'find_spec("no_such_library")')
    first = tmp_path / "first.py"
    first.write_text(missing, "utf-8")
    runpy.run_path(str(first))
    said = capsys.readouterr().out
    assert f"git clone --quiet --depth 1 --branch launch {address} nqpf-book" in said
    # Every package that it adds is in the lock.
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    (added,) = re.findall(r"%pip install --quiet ./nqpf-book (.+)", said)
    assert [package for package in added.split() if f"\n{package}==" not in lock] == []
    first.write_text(cell, "utf-8")
    runpy.run_path(str(first))
    assert capsys.readouterr().out == ""
    assert "git clone" not in render("first_cell.txt", **about, repository="", page="")


def test_a_chart_of_the_library_is_the_same_in_jupyter():
    """The library's own chart is recognised, and drawn alike by either Vega-Lite."""
    shown = rank_explorer(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]}, [110000, 310000]))
    made = _chart({"text/html": shown.html, "text/plain": shown.text})
    (spec,) = (data for kind, data in made.items() if "vegalite.v5" in kind)
    newer, older = (vl_convert.vegalite_to_svg(spec, vl_version=v) for v in ("6.4", "5.20"))
    assert newer == older and "<path" in newer
