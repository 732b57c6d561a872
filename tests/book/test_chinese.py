"""The Chinese edition says the same: every page has its twin, with every number, in Chinese."""

import json
import re
from calendar import month_name
from collections import Counter
from itertools import chain

import pytest
from book_chinese import _SAID, _key, _runs
from browsing import HTML, READY, is_page, sample, tree, violations
from compare_books import DATED, shown
from translate import CATALOGUES

from nqpf.chinese import _NAMES, _read_catalogue

ZH, FRONT = HTML / "zh", "index.html"
MONTHS = {name: str(number) for number, name in enumerate(month_name) if name}
MONTH = re.compile(rf"\b(?:{'|'.join(MONTHS)})\b")
# Chinese says 亿, 万 and 百 without a digit.
UNITS = re.compile(r"census\d|(?i:so2)|\bR2\b|100 million|10,000|\bper 100\b|每100|\(\d+ MB\)")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# Words, none of them names of code; in an output that holds Chinese, three of them.
ENGLISH = re.compile(r"(?<!\S)[(“\"]?[A-Za-z][a-z]{2,}[,.;:)”\"?!%]*(?!\S)")
PHRASE = re.compile(r"(?:\b[a-z]+ ){2}[a-z]+\b")
CODE = re.compile(r"[\w ,.()*/+=-]*[_*/+=][\w ,.()*/+=-]*")  # a formula, a list of variables
HAN = re.compile("[一-鿿]")
# What is the same in both languages, such as the name of a program.
SAID = _read_catalogue(CATALOGUES / "outputs.po") | _read_catalogue(_NAMES.with_name("zh_CN.po"))
KEPT = {text for text, said in SAID.items() if text == said}
# Pages without a twin: the map of outputs speaks of code and is English.
ENGLISH_ONLY = ("outputs/", "_static/", "zh/")


def names():
    """Return the pages of the Chinese edition."""
    found = (path.relative_to(ZH).as_posix() for path in sorted(ZH.rglob("*.html")))
    return [name for name in found if not name.startswith("_static/")]


def drawn(path):
    """Return the figures that a page's charts are drawn from."""
    found = []
    for script in tree(path).xpath("//article//script[@type='application/json']"):
        for number in ("parse_int", "parse_float"):
            json.loads(script.text, **{number: found.append})
    return found


def numbers(path):
    """Return how often a page shows each number, the year of a study once for both its names."""
    text = "\n".join(one for one in shown(path.read_bytes()) if not one.startswith("[data "))
    text = text if ZH in path.parents else re.sub(r"（\d{4}[a-z]?）", "", text)
    return Counter(NUMBER.findall(UNITS.sub("", MONTH.sub(lambda m: MONTHS[m[0]], text))))


def english(page):
    """Return what a page says in English: texts without Chinese, outputs with English phrases.

    Works that are cited keep the language that they are written in.
    """
    own = [run for run in _runs(page) if run[0].get("lang") != "en"]
    found = [_key(*run) for run in own if "bibliography" not in run[0].get("href", "")]
    named = [e for e in page.iter("*") if "bibliography" not in e.get("href", "")]
    said = [e.get(name, "") for e in named for name in _SAID]
    found += chain.from_iterable(one.split("|") for one in said)  # the labels of a figure
    boxes = [_key(*run) for box in page.find_class("cell_output") for run in _runs(box)]
    alone = [one for one in found if ENGLISH.search(one) and not HAN.search(one)]
    alone = [one for one in alone if one not in KEPT and not CODE.fullmatch(one)]
    return alone + [one for one in boxes if HAN.search(one) and PHRASE.search(one)]


def test_every_page_has_its_twin(html):
    found = (path.relative_to(html).as_posix() for path in sorted(html.rglob("*.html")))
    assert [one for one in found if not one.startswith(ENGLISH_ONLY)] == names()


def test_every_number_stands_on_both_pages(html):
    apart = {}
    for name in names():
        first, second = numbers(html / name), numbers(ZH / name)
        if name not in (FRONT, DATED) and first != second:
            apart[name] = dict(first - second), dict(second - first)
        assert drawn(html / name) == drawn(ZH / name), name
    assert apart == {}


def test_no_page_is_left_in_english(html):
    left = {name: english(tree(ZH / name).body) for name in names()}
    assert {name: texts for name, texts in left.items() if texts} == {}


def test_pages_say_their_language_and_lead_to_their_twins(html):
    for name in (one for one in names() if is_page(ZH / one)):
        for folder, lang, other in ((html, "en", ZH / name), (ZH, "zh-CN", html / name)):
            page = tree(folder / name)
            links = page.xpath("//a[contains(@class, 'language-switch')]/@href")
            led = {((folder / name).parent / link).resolve() for link in links}
            # The front address leads to the first page at once.
            assert page.get("lang") == lang and led == ({other} if name != FRONT else set())


@pytest.mark.parametrize("name", ["multiverse", "first-comparison"])
def test_charts_with_menus_speak_chinese(visit, site, name):
    page = visit(f"{site}/zh/notebooks/comparison/{name}.html")
    page.evaluate(READY)
    words = "\n".join(page.locator(".vega-chart-view").all_inner_texts())
    assert len(HAN.findall(words)) > 20 and ENGLISH.findall(words) == []


QUERIES = {
    "熵值法": {"notebooks/index/by-hand", "notebooks/index/weights"},
    "赋权": {"notebooks/index/weights"},
    "双向固定效应": {"notebooks/comparison/baseline"},
    "聚类稳健标准误": {"notebooks/comparison/baseline", "book/glossary"},
    "空间杜宾模型": {"notebooks/dynamics/spillovers"},
    "收敛": {"notebooks/dynamics/convergence"},
    "稳健性检验": {"notebooks/comparison/multiverse"},
    "工具变量": {"notebooks/comparison/identification"},
    "双重差分": {"notebooks/comparison/reform"},
    "门槛回归": {"notebooks/comparison/thresholds"},
    "数据包络分析": {"notebooks/tfp/malmquist"},
    "索洛余值": {"notebooks/tfp/solow"},
    "随机前沿": {"notebooks/tfp/frontier"},
    "投影寻踪": {"notebooks/studies/li-li-2024"},
    "障碍度": {"notebooks/studies/yang-hong-2024"},
    "耦合协调度": {"notebooks/studies/zou-2024"},
    "莫兰指数": {"notebooks/dynamics/clusters"},
    "马尔可夫链": {"notebooks/dynamics/transitions"},
    "广东": {"book/provinces/guangdong"},
    "如何引用": {"book/index"},
}


@pytest.fixture(scope="module")
def search(visit, site):
    page = visit(f"{site}/zh/search.html")
    page.evaluate("bookSearch.ready")
    return page


@pytest.mark.parametrize("query", QUERIES)
def test_the_right_page_comes_first(search, query):
    found = search.evaluate("query => bookSearch.rank(query)", query)
    assert found[0]["page"] in QUERIES[query]


@pytest.mark.parametrize("name", sample([name for name in names() if name != FRONT]))
def test_pages_serve_every_reader(visit, site, name):
    for width in (1280, 390):
        page = visit(f"{site}/zh/{name}", viewport={"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []
