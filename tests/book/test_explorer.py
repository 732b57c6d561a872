"""The explorer in a browser: every number it shows is the library's, in random states."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from browsing import DRAWN, EVERYTHING, violations
from playwright.sync_api import Locator, Page

from nqpf import Index, Panel, Recipe, System, provinces
from nqpf.compare import measures, standings
from nqpf.report import explorer
from nqpf.systems import available

PAGE = "notebooks/explore/explorer.html"
STATES, LONG_WAY = (
    (200, 20) if EVERYTHING else (20, 4)
)  # of which so many are chosen in the menus, the rest by address
STATIC = Path(__file__).resolve().parents[2] / "book" / "_static"
READY = ".nqpf-explorer[data-ready]"
FACTS = """() => {
  const part = (key) => document.querySelector(`.explorer-part.explorer-${key}`);
  const cells = (row) => [...row.cells].map((cell) => cell.textContent);
  const table = (key) => [...part(key).querySelectorAll(".explorer-table tr")].map(cells);
  const drawn = (key) => [...part(key).querySelectorAll("[role=option]")].map((option) => ({
    code: Number(option.dataset.code),
    words: option.getAttribute("aria-label"),
    chosen: option.ariaSelected === "true",
    texts: [...option.querySelectorAll("text")].map((text) => text.textContent),
  }));
  const words = (key) =>
    [...part(key).querySelectorAll("svg text")].map((text) => text.textContent);
  const note = (key) => part(key).querySelector(".explorer-note").textContent;
  return {
    hash: location.hash,
    map: drawn("map"), ranking: drawn("ranking"), compare: drawn("compare"),
    rankingTable: table("ranking"), trends: table("trends"), parts: table("parts"),
    changes: table("compare"), partsDrawn: words("parts"),
    notes: {
      ranking: note("ranking"), trends: note("trends"), parts: note("parts"),
      compare: note("compare"),
    },
    said: document.querySelector(".nqpf-explorer > [role=status]").textContent,
    problems: [...document.querySelectorAll(".explorer-problems p")].map((p) => p.textContent),
  };
}"""


DESK = {"viewport": {"width": 1280, "height": 900}}
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def page(visit: Visit, site: str) -> Page:
    opened = visit(f"{site}/{PAGE}", **DESK)
    opened.wait_for_selector(READY)
    return opened


def go(page: Page, hash_: str) -> dict:
    """Change to another state by the address; return what is shown."""
    page.evaluate("hash => { location.hash = hash; }", hash_)
    page.evaluate("() => new Promise((done) => setTimeout(done, 0))")
    return page.evaluate(FACTS)


@cache
def panel() -> Panel:
    return Panel.load()


@cache
def bounds() -> pd.DataFrame:
    """Intervals computed again, without the measures that the page also holds."""
    return standings(panel(), weights=(), aggregate=()).intervals


@cache
def measure(ref: tuple[str, str, str]) -> pd.DataFrame:
    """Score and rank one measure by the library, without `standings`."""
    if ref[0] == "tfp":
        score = measures(panel(), [])["tfp"]
        rank = score.groupby(level="year").rank(ascending=False, method="min")
    else:
        index = fitted(ref)
        score, rank = index.scores, index.rank()
    return pd.DataFrame({"score": score, "rank": rank.astype(int)})


@cache
def fitted(ref: tuple[str, str, str]) -> Index:
    system = System.load(ref[0])
    recipe = Recipe(system.recipe["normalise"], ref[1], ref[2])
    return recipe.fit(system.evaluate(panel()))


def address(state: dict) -> str:
    parts = {"system": state["ref"][0]}
    if state["ref"][1]:
        parts |= {"weights": state["ref"][1], "aggregate": state["ref"][2]}
    parts |= {
        "year": state["year"],
        "region": state["region"],
        "provinces": ",".join(map(str, state["provinces"])) or "none",
        "province": state["province"],
        "with": ".".join(part for part in state["with"] if part),
        "trend": state["trend"],
    }
    return "#" + "&".join(f"{key}={value}" for key, value in parts.items())


def random_states() -> list[dict]:
    draw = np.random.default_rng(20240131)
    refs = [("tfp", "", "")]
    weightings = ("entropy", "ahp_entropy", "variation", "critic", "equal", "pursuit")
    joins = ("linear", "topsis", "vikor", "coupling")
    pairs = [(w, a) for w in weightings for a in joins]
    pairs = [pair for pair in pairs if pair[0] != "pursuit" or pair[1] == "linear"]
    refs += [(key, *pair) for key in available() for pair in pairs]
    codes, states = provinces.codes(), []
    for i in range(STATES):
        # Every system comes up in turn, total factor productivity too.
        own = [ref for ref in refs if ref[0] == [*available(), "tfp"][i % (len(available()) + 1)]]
        ref, other = own[draw.integers(len(own))], refs[draw.integers(len(refs))]
        years = sorted(measure(ref).index.unique("year"))
        followed = draw.choice(codes, draw.integers(0, 8), replace=False)
        states.append(
            {
                "ref": ref,
                "with": other,
                "year": int(years[draw.integers(len(years))]),
                "region": ["all", *provinces.REGIONS][draw.integers(5)],
                "provinces": [int(code) for code in followed],
                "province": int(codes[draw.integers(len(codes))]),
                "trend": ["score", "rank"][draw.integers(2)],
            }
        )
    return states


def field(page: Page, name: str) -> Locator:
    """Return the menu with a label that begins with a name."""
    label = page.locator("label", has_text=re.compile(f"^{name} "))
    return page.locator(".explorer-control", has=label).locator("select")


def choose(page: Page, state: dict) -> None:
    """Reach a state through the controls only."""
    chosen = (("System", "Weights", "Aggregation"), state["ref"])
    other = (("Compare with", "Its weights", "Its aggregation"), state["with"])
    for names, (key, weights, join) in (chosen, other):
        system, weighting, joining = (field(page, name) for name in names)
        system.select_option(key)
        if weights:
            # Projection pursuit fits a weighted sum only, so the sum comes first.
            joining.select_option("linear")
            weighting.select_option(weights)
            joining.select_option(join)
    field(page, "Region").select_option(state["region"])
    field(page, "Draw").select_option(state["trend"])
    page.locator("input[type=range]").fill(str(state["year"]))
    while page.locator(".explorer-picked button").count():
        page.locator(".explorer-picked button").first.click()
    for i, code in enumerate(state["provinces"]):
        if i % 3 == 0:
            field(page, "Follow").select_option(str(code))
        else:
            part = ("map", "compare")[i % 2] if state["region"] == "all" else "map"
            place = page.locator(f".explorer-{part} [data-code='{code}']")
            if not place.count():
                place = page.locator(f".explorer-map [data-code='{code}']")
            place.focus()
            place.press("Enter")
    field(page, "Province").select_option(str(state["province"]))


def signed(text: str) -> str:
    return text.replace("−", "-")


def check(facts: dict, state: dict) -> None:
    """Compare everything that is shown with the library."""
    ref, year = state["ref"], state["year"]
    table = measure(ref).join(bounds().loc[ref[0]])
    now = table.xs(year, level="year")
    inside = {
        code for code in provinces.codes() if state["region"] in ("all", provinces.region(code))
    }
    expected = {
        code: [
            str(int(row["rank"])), provinces.name(code), provinces.name(code, "zh"),
            f"{row['score']:.3f}", str(int(row["lower"])), str(int(row["upper"])),
        ]
        for code, row in now.iterrows()
    }  # fmt: skip
    order = sorted((c for c in now.index if c in inside), key=lambda c: (now.loc[c, "rank"], c))
    shown = [[signed(cell) for cell in row] for row in facts["rankingTable"][1:]]
    assert shown == [expected[code] for code in order]
    assert [row["code"] for row in facts["ranking"]] == order
    for row in facts["ranking"]:
        rank, en, zh, score, lower, upper = expected[row["code"]]
        assert [signed(text) for text in row["texts"]] == [rank, f"{en} {zh}", score]
        words = f"{en} {zh}: score {score}, rank {rank}, interval {lower} to {upper}"
        assert signed(row["words"]) == words
        assert row["chosen"] == (row["code"] in state["provinces"])
    assert sorted(tile["code"] for tile in facts["map"]) == provinces.codes()
    for tile in facts["map"]:
        assert tile["chosen"] == (tile["code"] in state["provinces"])
        if tile["code"] not in now.index:
            assert tile["texts"][-1] == "–" and tile["words"].endswith("no figures")
            continue
        assert signed(tile["texts"][-1]) == expected[tile["code"]][3][: len(tile["texts"][-1])]
    assert facts["notes"]["ranking"].startswith("Interval: ")
    for code in provinces.codes():
        absent = provinces.name(code, "both") in facts["notes"]["ranking"]
        assert absent == (code not in now.index)
    check_trends(facts, state, table)
    check_parts(facts, state, now)
    check_changes(facts, state, inside)


def check_trends(facts: dict, state: dict, table: pd.DataFrame) -> None:
    wide = table[state["trend"]].unstack("province")
    for code in state["provinces"]:
        absent = provinces.name(code, "both") in facts["notes"]["trends"]
        assert absent == (code not in wide.columns)
    head, *rows = facts["trends"]
    assert head == ["year", *(provinces.name(code, "both") for code in state["provinces"])]
    assert [int(row[0]) for row in rows] == list(wide.index)
    for row in rows:
        values = [wide.get(code, {}).get(int(row[0]), np.nan) for code in state["provinces"]]
        fmt = "{:.0f}" if state["trend"] == "rank" else "{:.3f}"
        assert [signed(c) for c in row[1:]] == [
            "–" if np.isnan(value) else fmt.format(value) for value in values
        ]


def check_parts(facts: dict, state: dict, now: pd.DataFrame) -> None:
    ref, code, year = state["ref"], state["province"], state["year"]
    if ref[0] == "tfp" or code not in now.index:
        assert facts["parts"] == [] and facts["partsDrawn"] == []
        assert facts["notes"]["parts"]
        return
    index = fitted(ref)
    system = index.matrix.system
    parts = index.normalised * index.weights
    for row, key in zip(facts["parts"][1:], index.weights.index, strict=True):
        one = system.indicators[key]
        z, w, part = index.normalised.loc[(code, year), key], index.weights[key], parts[key]
        assert row[:2] == [one.name.en, one.name.zh]
        assert row[2].startswith("more" if one.direction == "benefit" else "less")
        assert float(signed(row[3])) == float(f"{index.matrix.values.loc[(code, year), key]:.4g}")
        assert row[4] == one.unit
        mean = part.xs(year, level="year").mean()
        assert [signed(c) for c in row[5:]] == [f"{x:.4f}" for x in (z, w, part[code, year], mean)]
        drawn = f"{part[code, year]:.4f} = {w:.3f} × {z:.3f}"
        assert drawn in facts["partsDrawn"]
    note, score = facts["notes"]["parts"], f"{now.loc[code, 'score']:.3f}"
    assert score in note
    if ref[2] == "linear":
        assert "add up to the score" in note
    else:
        assert "does not add up" in note and f"{parts.loc[(code, year)].sum():.3f}" in note


def check_changes(facts: dict, state: dict, inside: set[int]) -> None:
    frames = [measure(ref)["score"] for ref in (state["ref"], state["with"])]
    if state["year"] not in frames[1].index.unique("year"):
        assert facts["changes"] == [] and facts["compare"] == []
        assert f"no figures for {state['year']}" in facts["notes"]["compare"]
        return
    both = pd.concat([f.xs(state["year"], level="year") for f in frames], axis=1, join="inner")
    ranks = both.rank(ascending=False, method="min").astype(int)
    ranks.columns = ["first", "second"]
    ranks["change"] = ranks["first"] - ranks["second"]
    note = facts["notes"]["compare"]
    rho = both.corr(method="spearman").iloc[0, 1]
    assert f"{len(both)} provinces have both" in note
    assert f"(Spearman): {rho:.3f}." in signed(note)
    moved = ranks["change"].abs()
    assert f"Median move: {moved.median():g} place" in note
    largest = [provinces.name(code, "both") for code in moved.index[moved == moved.max()]]
    assert any(f"largest: {name}, from" in note for name in largest)
    own = ranks[ranks.index.isin(inside)]
    rows = {row[0]: [int(signed(cell)) for cell in row[2:]] for row in facts["changes"][1:]}
    assert rows == {provinces.name(code): list(row) for code, row in own.iterrows()}
    sizes = [abs(change) for *_, change in rows.values()]
    assert sizes == sorted(sizes, reverse=True)
    for point in facts["compare"]:
        first, second, _ = own.loc[point["code"]]
        assert point["words"].endswith(f": rank {first} across, {second} down")
    assert len(facts["compare"]) == len(own)


def test_every_number_is_the_library_s(page: Page) -> None:
    for i, state in enumerate(random_states()):
        if i % (STATES // LONG_WAY) == 0:
            choose(page, state)
            facts = page.evaluate(FACTS)
        else:
            facts = go(page, address(state))
        assert (facts["hash"], facts["problems"]) == (address(state), []), i
        check(facts, state)
    assert page.wrong == []


def test_a_view_can_be_linked(page: Page, visit: Visit, site: str) -> None:
    choose(page, random_states()[1])
    other = visit(f"{site}/{PAGE}{page.evaluate('location.hash')}", **DESK)
    other.wait_for_selector(READY)
    assert other.evaluate(FACTS) == page.evaluate(FACTS)


MALFORMED = {
    "#system=nobody-2024": "nobody-2024",
    "#system=han-2024&weights=constructor&aggregate=toString": "constructor",
    "#system=han-2024&weights=pursuit&aggregate=topsis": "weighted sum by definition",
    "#system=han-2024&weights=equal&aggregate=geometric": "zero",
    "#system=tfp&weights=equal": "neither weights nor",
    "#system=han-2024&year=1066": "1066",
    "#system=han-2024&year=20x2": "20x2",
    "#region=south": "south",
    "#provinces=110000,999999": "999999",
    "#province=abc": "abc",
    "#with=a.b.c.d": "a.b.c.d",
    "#trend=both": "both",
    "#=&&&%E0%A4%A=%&year=2020": "unknown part",
    "#system=han-2024&system=tfp": "twice",
    "#other=<img src=x onerror=alert(1)>": "unknown part",
    "#system=" + "x" * 5000: "…",
    "#provinces=" + ",".join(map(str, provinces.codes())): "first 7",
}


def test_a_malformed_address_falls_back_and_says_so(page: Page, visit: Visit, site: str) -> None:
    for hash_, said in MALFORMED.items():
        facts = go(page, hash_)
        assert any(said in words for words in facts["problems"]), hash_[:40]
        assert len(facts["rankingTable"]) > 25
    assert page.locator(".nqpf-explorer img").count() == 0
    assert page.wrong == []
    # Opened so, too; and an anchor is no state.
    for hash_ in ["#what-you-see", *(MALFORMED if EVERYTHING else [*MALFORMED][:1])]:
        fresh = visit(f"{site}/{PAGE}{hash_}", **DESK)
        fresh.wait_for_selector(READY)
        facts = fresh.evaluate(FACTS)
        said = MALFORMED.get(hash_)
        assert any(said in words for words in facts["problems"]) if said else not facts["problems"]
        assert (len(facts["rankingTable"]) > 25, fresh.wrong) == (True, [])


def test_everything_works_by_keyboard(visit: Visit, site: str) -> None:
    page = visit(f"{site}/{PAGE}", **DESK)
    page.wait_for_selector(READY)
    before = page.evaluate(FACTS)
    reached = set()
    page.locator(".explorer-steering select").first.focus()
    for _ in range(60):
        reached.add(
            page.evaluate(
                "() => { const a = document.activeElement; const p = a.closest('.explorer-part');"
                "return (p ? p.classList[1] : a.closest('.explorer-steering') ? 'steering' : '')"
                " + ' ' + (a.getAttribute('role') || a.tagName.toLowerCase()); }"
            )
        )
        page.keyboard.press("Tab")
    for name in ("map", "ranking", "compare"):
        assert f"explorer-{name} option" in reached
        assert f"explorer-{name} button" in reached
    assert {"steering select", "steering input", "steering button"} <= reached
    assert {"explorer-trends summary", "explorer-parts summary"} <= reached

    page.locator(".explorer-map [role=option][tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    focused = page.locator(".explorer-map [role=option]:focus")
    assert focused.count() == 1
    ring = focused.locator(".explorer-focus")
    assert ring.evaluate("node => getComputedStyle(node).visibility") == "visible"
    code = int(focused.get_attribute("data-code"))
    was = focused.get_attribute("aria-selected")
    page.keyboard.press("Space")
    assert int(page.locator(".explorer-map [role=option]:focus").get_attribute("data-code")) == code
    assert focused.get_attribute("aria-selected") != was
    after = page.evaluate(FACTS)
    assert after["said"] != before["said"], "nothing is announced"

    page.locator(".explorer-ranking [role=option][tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    second = page.locator(".explorer-ranking [role=option]:focus").get_attribute("aria-label")
    assert ", rank 2," in second
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".explorer-steering select").first.focus()
    page.keyboard.press("ArrowUp")
    changed = page.evaluate(FACTS)
    assert changed["said"] != after["said"] and changed["hash"] != after["hash"]


def test_no_more_provinces_than_colours(page: Page) -> None:
    go(page, "#provinces=" + ",".join(map(str, provinces.codes()[:7])))
    field(page, "Follow").select_option("650000")
    assert page.locator(".explorer-picked li").count() == 7
    assert "No more than 7" in page.locator(".explorer-problems").inner_text()


@pytest.mark.parametrize("way", ["served", "file"])
def test_downloads_hold_what_is_shown(visit: Visit, site: str, html: Path, way: str) -> None:
    start = f"{site}/{PAGE}" if way == "served" else (html / PAGE).as_uri()
    state = "system=lu-2024&weights=equal&aggregate=vikor&year=2021&with=tfp"
    page = visit(f"{start}#{state}", **DESK, accept_downloads=True)
    page.wait_for_selector(READY)
    facts = page.evaluate(FACTS)
    assert facts["problems"] == []
    tables = {}
    for key in ("map", "ranking", "trends", "parts", "compare"):
        part = page.locator(f".explorer-part.explorer-{key}")
        with page.expect_download() as caught:
            part.get_by_role("button", name="as CSV").click()
        assert caught.value.suggested_filename == f"nqpf-{key}-lu-2024-equal-vikor-2021.csv"
        text = Path(caught.value.path()).read_bytes().decode("utf-8-sig")
        tables[key] = list(csv.DictReader(io.StringIO(text)))
        with page.expect_download() as caught:
            part.get_by_role("button", name="as SVG").click()
        root = ElementTree.parse(caught.value.path()).getroot()  # noqa: S314 (made by the page)
        saved = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
        assert saved == part.locator("svg text").all_text_contents()
        assert root.get("tabindex") is None
    shown = facts["rankingTable"][1:]
    assert [
        [row["rank"], row["province"], row["省份"], f"{float(row['score']):.3f}",
         row["lower"], row["upper"]]
        for row in tables["ranking"]
    ] == shown  # fmt: skip
    assert tables["map"] == tables["ranking"]
    assert len(tables["trends"]) == 4 * (len(facts["trends"]) - 1)
    assert [f"{float(row['normalised']):.4f}" for row in tables["parts"]] == [
        row[5] for row in facts["parts"][1:]
    ]
    assert [[row["rank_1_common"], row["rank_2_common"]] for row in tables["compare"]] == [
        row[2:4] for row in facts["changes"][1:]
    ]
    scheme = "http://127.0.0.1" if way == "served" else "file://"
    assert {url for url in page.asked if not url.startswith((scheme, "blob:", "data:"))} == set()


def test_fits_and_is_accessible_and_the_drawings_stay_on_paper(visit: Visit, site: str) -> None:
    page = visit(f"{site}/{PAGE}#system=jin-2024&with=li-li-2024.pursuit.linear")
    page.wait_for_selector(READY)
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for width, theme in product((390, 1280), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 850})
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.evaluate(DRAWN)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(
            "[...document.querySelectorAll('.explorer-view svg')].every((svg) =>"
            " svg.getBoundingClientRect().right <= innerWidth)"
        )
        assert violations(page, within=".nqpf-explorer") == [], (width, theme)
    page.emulate_media(media="print")
    assert page.locator(".explorer-view svg").count() == 5
    assert page.locator(".explorer-view svg").first.is_visible()
    for selector in (".explorer-steering", ".explorer-save", ".explorer-controls"):
        assert not page.locator(selector).first.is_visible()


def test_without_scripts_the_first_view_is_a_table(visit: Visit, site: str) -> None:
    page = visit(f"{site}/{PAGE}", java_script_enabled=False)
    assert page.locator(".explorer-static tbody tr").count() == 31
    assert "needs JavaScript" in page.locator(".nqpf-explorer").inner_text()


def test_the_figures_stand_beside_the_page(html: Path) -> None:
    page = html / PAGE
    assert page.stat().st_size < 150_000
    assert (page.parent / "explorer.data.js").stat().st_size < 1_500_000
    assert "explorer-data.js" not in (html / "book" / "index.html").read_text("utf-8")


def test_hostile_names_show_as_text(visit: Visit, tmp_path: Path) -> None:
    """Names that try to end a script, start a tag or turn the text round."""
    found = standings(panel(), ["lu-2024"], weights=(), aggregate=(), draws=20)
    matrix = found.matrices["lu-2024"]
    system = matrix.system
    bad = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
    first = next(iter(system.indicators))
    name = system.indicators[first].name.model_copy(update={"en": bad, "zh": "\u202e" + bad})
    one = system.indicators[first].model_copy(update={"name": name, "unit": bad})
    authors = system.study.authors.model_copy(update={"en": bad, "zh": bad})
    study = system.study.model_copy(update={"authors": authors})
    changed = replace(system, indicators={**system.indicators, first: one}, study=study)
    hostile = replace(found, matrices={"lu-2024": replace(matrix, system=changed)})
    order = ("data", "state", "draw", "charts", "compare", "save")
    scripts = [STATIC / f"explorer-{name}.js" for name in order] + [STATIC / "explorer.js"]
    tags = "".join(f'<script defer src="{path.as_uri()}"></script>' for path in scripts)
    box = explorer(hostile).html
    assert box.count("<script") == 1
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{box}{tags}</body>", "utf-8")
    page = visit(path.as_uri())
    page.wait_for_selector(READY)
    page.evaluate(DRAWN)
    assert page.evaluate("window.broken") is None
    assert page.locator(".nqpf-explorer img").count() == 0
    assert "</script><script>" in page.locator(".explorer-parts").inner_text()
    assert "<img src=x" in page.evaluate(FACTS)["parts"][1][0]
