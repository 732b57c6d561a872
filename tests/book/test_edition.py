"""What a published book has: version and days, a feed, an archive, slides, Stata and R files."""

import re
import zipfile
from datetime import date

import pandas as pd
import pytest
from book_site import edition
from book_slides import DECKS
from browsing import CHAPTERS, ROOT, tree, violations
from lxml import etree

from nqpf import provinces

ATOM = "{http://www.w3.org/2005/Atom}"


def test_every_page_says_its_version_and_days(html):
    told = edition(ROOT)
    for name in CHAPTERS:
        footer = tree(html / f"{name}.html").find_class("extra_footer")[0].text_content()
        assert f"Version {told['record']['version']} · figures to {told['newest']}" in footer
        built = date.fromisoformat(re.search(r"built (\S+)", footer)[1])
        assert date.fromisoformat(told["changes"][0]["date"]) <= built


@pytest.mark.parametrize(("folder", "says"), [("", "{} added"), ("zh", "新增{}个")])
def test_the_feed_tells_every_change(html, folder, says):
    rows = pd.read_csv(ROOT / "data" / "changes.csv")
    feed = etree.parse(html / folder / "changes.xml").getroot()
    entries = feed.findall(f"{ATOM}entry")
    days = [one.findtext(f"{ATOM}title")[:10] for one in entries]
    assert days == sorted(rows["date"].unique(), reverse=True)
    lines = "".join(one.findtext(f"{ATOM}content") for one in entries).strip().split("\n")
    assert len(lines) == len(rows) and says.format(rows["added"][0]) in lines[0]


def test_the_archive_is_the_project_without_its_history(html):
    with zipfile.ZipFile(html / "downloads" / "nqpf.zip") as archive:
        names = archive.namelist()
    assert {"nqpf/README.md", "nqpf/data/catalogue.yaml", "nqpf/Makefile"} <= {*names}
    assert not any(part in name for name in names for part in ("/.git/", "_build/", ".venv"))


def test_machines_get_a_list_of_pages(html):
    listed = (html / "llms.txt").read_text("utf-8")
    sources = re.findall(r"source in (_sources/\S+)", listed)
    assert len(sources) > 100 and all((html / one).is_file() for one in sources)


@pytest.mark.parametrize("folder", ["", "zh/"])
def test_every_deck_has_a_slide_per_section(html, folder):
    for name in DECKS:
        page, deck = (tree(html / f"{folder}{name}{end}.html") for end in ("", ".slides"))
        heads = page.xpath("//article//section[not(@id='exercises')]/*[self::h1 or self::h2]")
        slides = deck.xpath("//main/section")
        assert len(slides) == len(heads) >= 5
        images = deck.xpath("//img/@src")
        assert images and all(((html / f"{folder}{name}").parent / one).is_file() for one in images)
        assert sum(bool(slide.xpath("p|img|div")) for slide in slides) > len(slides) / 2


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_slides_serve_every_reader(visit, site, size):
    shape = dict(zip(("width", "height"), size, strict=True))
    page = visit(f"{site}/zh/notebooks/tfp/malmquist.slides.html", viewport=shape)
    page.evaluate("window.MathJax?.startup?.promise")
    assert page.wrong == [] and violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_stata_and_r_repeat_three_numbers_of_a_chapter(html):
    rows = pd.read_stata(html / "downloads/panel/nqpf-panel.dta", convert_categoricals=False)
    rows = rows[rows["year"] == 2023].set_index("province")
    east = {code for code in provinces.codes() if provinces.region(code) == "east"}
    for file in ("nqpf.do", "nqpf.R"):  # neither program is at hand here: the lists are read
        text = (ROOT / "book" / "teaching" / file).read_text("utf-8")
        assert {int(code) for code in re.findall(r"\b[1-6]\d0000\b", text)} == east
    basic, spent = rows["rd_basic"].sum(), rows["rd_expenditure"]
    found = [basic, 100 * basic / spent.sum(), 100 * spent[sorted(east)].sum() / spent.sum()]
    page = tree(html / "notebooks/argument/figures.html")
    keys = ("basic", "basic_share", "east_share")
    told = [page.get_element_by_id(f"output-number-{key}").text_content() for key in keys]
    assert told == [f"{found[0]:,.1f}", f"{found[1]:.2f}", f"{found[2]:.1f}"]
