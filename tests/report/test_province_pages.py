"""Pages of provinces: what they say fits every province, in both languages alike."""

import io
import re
from collections import Counter
from contextlib import nullcontext
from functools import cache, partial

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_up import HEADER, write_csv
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from nqpf import Panel, provinces
from nqpf.chinese import chinese
from nqpf.compare.profiles import _Profiles
from nqpf.report import province_pages, province_profile
from nqpf.report import style as sty
from nqpf.report.province_pages import _csv_texts, _measure_names, _overview_markdown
from nqpf.systems import available

TIBET, BEIJING, HAINAN = 540000, 110000, 460000
PANEL = Panel.load(extra=False)
SYSTEMS = ["lu-guo-2024", "wang-wang-2024", "wu-2024"]


@pytest.fixture(scope="module")
def profiles():
    return _Profiles.load(PANEL, systems=SYSTEMS, draws=50)


@pytest.fixture(scope="module")
def page(profiles):
    return cache(partial(province_profile, profiles))


def said(page, section):
    """Return the words of one section of a page."""
    html = page.html.split(f"<h2>{section} ", 1)[1].split("<h2>", 1)[0]
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


@pytest.mark.parametrize("code", [BEIJING, HAINAN, TIBET, 310000])
def test_a_page_is_shown_under_its_title_and_its_figures_have_texts_inside(profiles, page, code):
    page = page(code)
    assert page.title in page._repr_html_() and repr(page).startswith(page.title)
    assert code != TIBET or page.markdown() == province_profile(profiles, code).markdown()
    for picture in page.pictures.values():
        assert not picture._english(), "words of a figure without a Chinese"
        for language in (nullcontext(), sty._in_chinese()):
            with language:
                assert_texts_inside(picture.figure)


def assert_texts_inside(figure):
    canvas, whole = FigureCanvasAgg(figure), figure.bbox.padded(1)
    canvas.draw()
    for text in figure.findobj(Text):
        if text.get_visible() and re.search("[^0-9.−]", text.get_text()):
            box = text.get_window_extent(canvas.get_renderer())
            inside = whole.contains(box.x0, box.y0) and whole.contains(box.x1, box.y1)
            assert inside, text.get_text()


@pytest.fixture(scope="module")
def everything():
    return _Profiles.load(PANEL, draws=20)


@pytest.fixture
def editions(everything, monkeypatch):
    """Return a maker of a page in both languages, parsed, its figures as their texts."""
    undrawn = dict.fromkeys(("_rank_dots", "_rank_ribbon", "_tfp_panels"), lambda *_: None)
    for name, draw in undrawn.items():
        monkeypatch.setattr(province_pages, name, draw)
    monkeypatch.setattr(sty._Picture, "html", lambda picture: f"<p>{picture.alt}</p>")

    def made(code):
        for language in ("en", "zh"):
            monkeypatch.setenv("NQPF_LANGUAGE", language)
            page = code and province_profile(everything, code).markdown()
            text = (page or _overview_markdown(everything)).replace("{raw} html", "")
            yield BeautifulSoup(text, "html.parser")

    return made


def numbers(text):
    """Count the numbers of a page; Chinese says 亿, 万 and 百 without a digit."""
    text = re.sub(r"100 million|10,000(?= [a-z])|\bper 100\b", "", text)
    return Counter(re.findall(r"(?<![A-Za-z])\d+(?:,\d{3})*(?:\.\d+)?", text))


@pytest.mark.parametrize("code", [None, *provinces.codes()])
def test_both_editions_of_a_page_say_the_same(editions, code):
    english, translated = editions(code)
    assert numbers(english.get_text(" ")) == numbers(translated.get_text(" "))
    links = [sorted(link["href"] for link in page("a")) for page in (english, translated)]
    assert links[0] == links[1]
    for name in translated("code") + translated.select('a[href$=".csv"]'):
        name.clear()
    left = set(re.findall("[A-Za-z]+", translated.get_text(" ")))
    assert left <= {"TFP", "GDP", "R", "D", "B", "GB"}, "English on the Chinese page"


def test_indices_are_called_alike_on_pages_and_in_figures():
    for measure in available():
        english, said = _measure_names(measure)
        assert chinese(english) == said


def test_tibet_says_what_is_missing(page):
    page = page(TIBET)
    ranks = said(page, "Rank under every measure")
    assert "1 of 3 composite indices rank it in 2022" in ranks
    assert "not ranked: no revenue from software products in 2022" in ranks
    assert "no total energy consumption" in ranks
    assert "Not ranked by Lu-Guo" in page.pictures["ranks"].html()
    assert "no figure at all of Total energy consumption" in said(page, "Gaps in its data")
    assert "no figure" in said(page, "Main figures")


@pytest.mark.parametrize("code", [BEIJING, 310000, 330000])
def test_growth_of_productivity_leaves_breaks_out_and_says_so(profiles, page, code):
    own = PANEL.breaks(["employment"]).loc[code]
    years = [str(year) for year in own.index[own]]
    page = page(code)
    text = said(page, "Total factor productivity")
    lines = [line for ax in page.pictures["tfp"].figure.axes for line in ax.get_lines()]
    dotted = {line.get_xdata()[0] + 0.5 for line in lines if line.get_linestyle() == ":"}
    assert dotted == set(map(int, years)) and ("Left out of the mean" in text) == bool(years)
    assert all(f"{year} (" in text for year in years)
    own = profiles.history.loc[code].loc[profiles.year, SYSTEMS]
    shown = f"{profiles.year}: {own.median():g} ({own.min():.0f} to {own.max():.0f}, 3 indices)"
    assert shown in page.pictures["history"].alt
    rank = profiles.ranks.loc[code, "tfp_growth"]
    every = profiles.solow.accounting(end=profiles.year)["tfp"].rank(ascending=False)
    assert f"{rank:.0f}" in text
    assert (every[code] != rank) or not years
    if years:
        assert f"{every[code]:.0f}" in text.split("it would be", 1)[1]
        assert "solow.html#breaks-in-employment" in page.html


def test_rows_of_a_reader_show_on_a_page_also_where_no_index_ranks(tmp_path):
    rows = ["Tibet,2025,gdp,2765,100 million yuan,a,census5", "Tibet,2025,population,370,万人,a,"]
    mine = PANEL.extend(write_csv(tmp_path / "mine.csv", *rows, header=f"{HEADER},vintage"))
    profiles = _Profiles.load(mine, systems=["wu-2024"], draws=20)
    page = province_profile(profiles, TIBET)
    text = repr(page)
    assert "gross regional product (地区生产总值) was 2,765 hundred million yuan" in text
    assert "for a year in which no other can be compared" in text
    assert "None of the 1 composite indices can rank it in 2022." in text
    assert "No composite index ranks it in any dimension." in text
    assert "nan" not in text.lower().split()
    assert "西藏: not ranked" in _overview_markdown(profiles)
    assert "2 of them added by the reader" in said(page, "Main figures")
    text = _csv_texts(mine)[TIBET]
    assert ",reader," in text and "2025" in text


def test_the_table_of_a_province_reads_back_as_the_panel_and_holds_no_formula():
    known = dict(PANEL.catalogue.variables)
    change = dict.fromkeys(("name", "yearbook"), type(known["energy"].name)(en="=1+1", zh="=1+1"))
    known["energy"] = known["energy"].model_copy(update=change)
    changed = Panel(PANEL.frame, PANEL.catalogue.model_copy(update={"variables": known}))
    text = _csv_texts(changed)[BEIJING]
    assert "'=1+1" in text and ",=1+1" not in text
    back = pd.read_csv(io.StringIO(_csv_texts(PANEL)[TIBET]), keep_default_na=False)
    own = PANEL.frame[PANEL.frame["province"] == TIBET]
    key, facts = ["variable", "vintage", "year"], ["value", "flag"]
    first, second = (t.set_index(key)[facts].astype(object).sort_index() for t in (back, own))
    pd.testing.assert_frame_equal(first, second, check_index_type=False)
