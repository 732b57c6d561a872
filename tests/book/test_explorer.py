"""The explorer in a browser: every number it shows is the library's, in random states."""

import csv
import io
import re
from functools import cache
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from browsing import DRAWN, EVERYTHING, violations

from nqpf import Panel, Recipe, System, provinces
from nqpf.compare import measures, standings
from nqpf.systems import available

PAGE = "notebooks/explore/explorer.html"
# Of so many states some are chosen in the menus, the rest by address.
STATES, LONG_WAY = (200, 20) if EVERYTHING else (16, 2)
FACTS = """() => {
  const part = (key) => document.querySelector(`.explorer-part.explorer-${key}`);
  const texts = (nodes) => [...nodes].map((node) => node.textContent);
  const table = (key) =>
    [...part(key).querySelectorAll(".explorer-table tr")].map((row) => texts(row.cells));
  const drawn = (key) => [...part(key).querySelectorAll("[role=option]")].map((option) => ({
    code: Number(option.dataset.code),
    words: option.getAttribute("aria-label"),
    chosen: option.ariaSelected === "true",
    texts: texts(option.querySelectorAll("text")),
  }));
  const each = (keys, read) => Object.fromEntries(keys.split(" ").map((key) => [key, read(key)]));
  const facts = {
    hash: location.hash,
    drawn: each("map ranking compare", drawn),
    tables: each("ranking trends parts compare", table),
    notes: each("ranking trends parts compare",
      (key) => part(key).querySelector(".explorer-note").textContent),
    partsDrawn: texts(part("parts").querySelectorAll("svg text")),
    said: document.querySelector(".nqpf-explorer > [role=status]").textContent,
    problems: texts(document.querySelectorAll(".explorer-problems p")),
  };
  return JSON.parse(JSON.stringify(facts).replaceAll("−", "-"));
}"""
# The part of the page and the kind of element that the keyboard is at.
PLACE = """() => {
  const at = document.activeElement, part = at.closest(".explorer-part, .explorer-steering");
  return `${part?.classList[part.classList.length - 1]} ${at.role || at.localName}`;
}"""


def opened(visit, address):
    page = visit(address, viewport={"width": 1280, "height": 900})
    page.wait_for_selector(".nqpf-explorer[data-ready]")
    return page


@pytest.fixture(scope="module")
def page(visit, site):
    return opened(visit, f"{site}/{PAGE}")


def go(page, hash_):
    """Change to another state by the address; return what is shown."""
    page.evaluate("hash => { location.hash = hash; }", hash_)
    page.evaluate("() => new Promise((done) => setTimeout(done, 0))")
    return page.evaluate(FACTS)


panel = cache(Panel.load)


@cache
def bounds():
    """Intervals computed again, without the measures that the page also holds."""
    return standings(panel(), weights=(), aggregate=()).intervals


@cache
def measure(ref):
    """Score and rank one measure by the library, without `standings`."""
    if ref[0] == "tfp":
        score = measures(panel(), [])["tfp"]
        rank = score.groupby(level="year").rank(ascending=False, method="min")
    else:
        index = fitted(ref)
        score, rank = index.scores, index.rank()
    return pd.DataFrame({"score": score, "rank": rank.astype(int)})


@cache
def fitted(ref):
    system = System.load(ref[0])
    return Recipe(system.recipe["normalise"], ref[1], ref[2]).fit(system.evaluate(panel()))


def address(state):
    names = dict(zip(("system", "weights", "aggregate"), state["ref"], strict=True))
    followed = ",".join(map(str, state["provinces"])) or "none"
    parts = {key: value for key, value in names.items() if value} | state
    parts |= {"provinces": followed, "with": ".".join(filter(None, state["with"]))}
    return "#" + "&".join(f"{key}={value}" for key, value in parts.items() if key != "ref")


@cache
def random_states():
    draw = np.random.default_rng(20240131)
    weightings = ("entropy", "ahp_entropy", "variation", "critic", "equal")
    pairs = [*product(weightings, ("linear", "topsis", "vikor", "coupling")), ("pursuit", "linear")]
    refs = {key: [(key, *pair) for pair in pairs] for key in available()}
    refs["tfp"] = [("tfp", "", "")]
    keys, codes, states = [*refs], provinces.codes(), []
    for i in range(STATES):
        # Every system comes up in turn, total factor productivity too.
        own, other = refs[keys[i % len(keys)]], refs[keys[draw.integers(len(keys))]]
        ref = own[draw.integers(len(own))]
        state = {"ref": ref, "year": int(draw.choice(measure(ref).index.unique("year")))}
        state["region"] = str(draw.choice(["all", *provinces.REGIONS]))
        state["provinces"] = draw.choice(codes, draw.integers(0, 8), replace=False).tolist()
        state |= {"province": int(draw.choice(codes)), "with": other[draw.integers(len(other))]}
        states.append(state | {"trend": str(draw.choice(["score", "rank"]))})
    return states


def field(page, name):
    """Return the menu with a label that begins with a name."""
    label = page.locator("label", has_text=re.compile(f"^{name} "))
    return page.locator(".explorer-control", has=label).locator("select")


def choose(page, state):
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
            page.locator(f".explorer-part [role=option][data-code='{code}']").last.press("Enter")
    field(page, "Province").select_option(str(state["province"]))


def check(facts, state):
    """Compare everything that is shown with the library."""
    table = measure(state["ref"]).join(bounds().loc[state["ref"][0]])
    now = table.xs(state["year"], level="year").sort_index().sort_values("rank", kind="stable")
    region = [c for c in provinces.codes() if state["region"] in ("all", provinces.region(c))]
    rows, options = [], []
    for code, row in now[now.index.isin(region)].iterrows():
        rank, lower, upper = (str(int(row[key])) for key in ("rank", "lower", "upper"))
        name, score = provinces.name(code, "both"), f"{row['score']:.3f}"
        rows.append([rank, provinces.name(code), provinces.name(code, "zh"), score, lower, upper])
        words = f"{name}: score {score}, rank {rank}, interval {lower} to {upper}"
        options.append({"code": code, "words": words, "texts": [rank, name, score]})
    assert facts["tables"]["ranking"][1:] == rows
    chosen = [option.pop("chosen") for option in facts["drawn"]["ranking"]]
    assert facts["drawn"]["ranking"] == options
    assert chosen == [option["code"] in state["provinces"] for option in options]
    assert sorted(tile["code"] for tile in facts["drawn"]["map"]) == provinces.codes()
    for tile in facts["drawn"]["map"]:
        code, text = tile["code"], tile["texts"][-1]
        assert tile["chosen"] == (code in state["provinces"])
        assert (code in now.index) != tile["words"].endswith("no figures")
        assert text == (f"{now['score'][code]:.3f}"[: len(text)] if code in now.index else "–")
    assert facts["notes"]["ranking"].startswith("Interval: ")
    check_absent(facts["notes"]["ranking"], provinces.codes(), now.index)
    check_trends(facts, state, table[state["trend"]].unstack("province"))
    check_parts(facts, state, now)
    check_changes(facts, state, region)


def check_absent(note, codes, there):
    named = [code for code in codes if provinces.name(code, "both") in note]
    assert named == [code for code in codes if code not in there]


def check_trends(facts, state, wide):
    codes, digits = state["provinces"], 0 if state["trend"] == "rank" else 3
    check_absent(facts["notes"]["trends"], codes, wide.columns)
    rows = wide.reindex(columns=codes).map(lambda x: "–" if np.isnan(x) else f"{x:.{digits}f}")
    head = ["year", *(provinces.name(code, "both") for code in codes)]
    expected = [[str(year), *row] for year, row in zip(rows.index, rows.to_numpy(), strict=True)]
    assert facts["tables"]["trends"] == [head, *expected]


def check_parts(facts, state, now):
    ref, code, year = state["ref"], state["province"], state["year"]
    table, note = facts["tables"]["parts"], facts["notes"]["parts"]
    if ref[0] == "tfp" or code not in now.index:
        assert (table, facts["partsDrawn"]) == ([], []) and note
        return
    index = fitted(ref)
    parts = index.normalised * index.weights
    own, means = parts.loc[(code, year)], parts.xs(year, level="year").mean()
    for row, (key, w) in zip(table[1:], index.weights.items(), strict=True):
        one, z = index.matrix.system.indicators[key], index.normalised.loc[(code, year), key]
        assert [*row[:2], row[4]] == [one.name.en, one.name.zh, one.unit]
        assert row[2].startswith("more" if one.direction == "benefit" else "less")
        assert float(row[3]) == float(f"{index.matrix.values.loc[(code, year), key]:.4g}")
        assert row[5:] == [f"{x:.4f}" for x in (z, w, own[key], means[key])]
        assert f"{own[key]:.4f} = {w:.3f} × {z:.3f}" in facts["partsDrawn"]
    assert f"{now.loc[code, 'score']:.3f}" in note
    if ref[2] == "linear":
        assert "add up to the score" in note
    else:
        assert "does not add up" in note and f"{own.sum():.3f}" in note


def check_changes(facts, state, region):
    first, second = (measure(ref)["score"] for ref in (state["ref"], state["with"]))
    table, note, year = facts["tables"]["compare"], facts["notes"]["compare"], state["year"]
    if year not in second.index.unique("year"):
        assert (table, facts["drawn"]["compare"]) == ([], [])
        assert f"no figures for {year}" in note
        return
    both = pd.DataFrame({"first": first, "second": second}).dropna().xs(year, level="year")
    ranks = both.rank(ascending=False, method="min").astype(int)
    ranks["change"] = ranks["first"] - ranks["second"]
    assert f"{len(both)} provinces have both" in note
    assert f"(Spearman): {both.corr(method='spearman').iloc[0, 1]:.3f}." in note
    moved = ranks["change"].abs()
    assert f"Median move: {moved.median():g} place" in note
    largest = [provinces.name(code, "both") for code in moved.index[moved == moved.max()]]
    assert any(f"largest: {name}, from" in note for name in largest)
    own = ranks[ranks.index.isin(region)]
    rows = {row[0]: [*map(int, row[2:])] for row in table[1:]}
    assert rows == {provinces.name(code): [*row] for code, row in own.iterrows()}
    sizes = [abs(change) for *_, change in rows.values()]
    assert sizes == sorted(sizes, reverse=True)
    points = {point["code"]: point["words"].split(": ")[1] for point in facts["drawn"]["compare"]}
    assert points == {c: f"rank {x} across, {y} down" for c, x, y, _ in own.itertuples()}


def test_every_number_is_the_library_s(page):
    for i, state in enumerate(random_states()):
        if i % (STATES // LONG_WAY) == 0:
            choose(page, state)
            facts = page.evaluate(FACTS)
        else:
            facts = go(page, address(state))
        assert (facts["hash"], facts["problems"]) == (address(state), []), i
        check(facts, state)
    assert page.wrong == []


def test_a_view_can_be_linked(page, visit, site):
    facts = go(page, address(random_states()[1]))
    assert opened(visit, f"{site}/{PAGE}{facts['hash']}").evaluate(FACTS) == facts


MALFORMED = {
    "#system=nobody-2024": "nobody-2024", "#system=tfp&weights=equal": "neither weights nor",
    "#system=han-2024&weights=constructor&aggregate=toString": "constructor",
    "#system=han-2024&weights=pursuit&aggregate=topsis": "weighted sum by definition",
    "#system=han-2024&weights=equal&aggregate=geometric": "zero", "#region=south": "south",
    "#system=han-2024&year=1066": "1066", "#system=han-2024&year=20x2": "20x2",
    "#provinces=110000,999999": "999999", "#province=abc": "abc", "#with=a.b.c.d": "a.b.c.d",
    "#trend=both": "both", "#=&&&%E0%A4%A=%&year=2020": "unknown part",
    "#system=han-2024&system=tfp": "twice", "#other=<img src=x onerror=alert(1)>": "unknown part",
    "#system=" + "x" * 5000: "…", "#provinces=" + ",".join(map(str, provinces.codes())): "first 7",
}  # fmt: skip


def test_a_malformed_address_falls_back_and_says_so(page, visit, site):
    for hash_, said in MALFORMED.items():
        facts = go(page, hash_)
        assert any(said in words for words in facts["problems"]), hash_[:40]
        assert len(facts["tables"]["ranking"]) > 25
    assert (page.locator(".nqpf-explorer img").count(), page.wrong) == (0, [])
    # Opened so, too; and an anchor is no state.
    for hash_ in ["#what-you-see", *(MALFORMED if EVERYTHING else [*MALFORMED][:1])]:
        fresh = opened(visit, f"{site}/{PAGE}{hash_}")
        facts = fresh.evaluate(FACTS)
        said = MALFORMED.get(hash_)
        assert any(said in words for words in facts["problems"]) if said else not facts["problems"]
        assert (len(facts["tables"]["ranking"]) > 25, fresh.wrong) == (True, [])


def press(page, selector, *keys):
    """Press keys on an element; return what is shown then."""
    page.locator(selector).first.focus()
    for key in keys:
        page.keyboard.press(key)
    return page.evaluate(FACTS)


def test_everything_works_by_keyboard(visit, site):
    page = opened(visit, f"{site}/{PAGE}")
    before, reached = press(page, ".explorer-steering select"), set()
    for _ in range(60):
        reached.add(page.evaluate(PLACE))
        page.keyboard.press("Tab")
    inside = product(("map", "ranking", "compare"), ("option", "button"))
    wanted = {f"explorer-{part} {kind}" for part, kind in inside}
    wanted |= {f"explorer-steering {kind}" for kind in ("select", "input", "button")}
    assert wanted | {"explorer-trends summary", "explorer-parts summary"} <= reached

    press(page, ".explorer-map [role=option][tabindex='0']", "End", "ArrowUp")
    focused = page.locator(".explorer-map [role=option]:focus")
    ring = focused.locator(".explorer-focus")
    assert ring.evaluate("node => getComputedStyle(node).visibility") == "visible"
    code, was = (focused.get_attribute(name) for name in ("data-code", "aria-selected"))
    page.keyboard.press("Space")
    assert focused.get_attribute("data-code") == code
    assert focused.get_attribute("aria-selected") != was
    after = page.evaluate(FACTS)
    assert after["said"] != before["said"], "nothing is announced"

    press(page, ".explorer-ranking [role=option][tabindex='0']", "Home", "ArrowDown")
    second = page.locator(".explorer-ranking [role=option]:focus")
    assert ", rank 2," in second.get_attribute("aria-label")
    year, system = "input[type=range]", ".explorer-steering select"
    for selector, key in ((year, "ArrowLeft"), (system, "ArrowUp")):
        last, after = after, press(page, selector, key)
        assert after["said"] != last["said"] and after["hash"] != last["hash"]


def test_no_more_provinces_than_colours(page):
    go(page, "#provinces=" + ",".join(map(str, provinces.codes()[:7])))
    field(page, "Follow").select_option("650000")
    assert page.locator(".explorer-picked li").count() == 7
    assert "No more than 7" in page.locator(".explorer-problems").inner_text()


def saved(page, key, kind):
    with page.expect_download() as caught:
        page.locator(f".explorer-part.explorer-{key}").get_by_role("button", name=kind).click()
    assert caught.value.suggested_filename == f"nqpf-{key}-lu-2024-equal-vikor-2021.{kind.lower()}"
    return Path(caught.value.path())


@pytest.mark.parametrize("way", ["served", "file"])
def test_downloads_hold_what_is_shown(visit, site, html, way):
    start = f"{site}/{PAGE}" if way == "served" else (html / PAGE).as_uri()
    state = "system=lu-2024&weights=equal&aggregate=vikor&year=2021&with=tfp"
    page = opened(visit, f"{start}#{state}")
    facts, tables = page.evaluate(FACTS), {}
    assert facts["problems"] == []
    for key in ("map", "ranking", "trends", "parts", "compare"):
        text = saved(page, key, "CSV").read_text("utf-8-sig")
        tables[key] = list(csv.DictReader(io.StringIO(text)))
        root = ElementTree.parse(saved(page, key, "SVG")).getroot()  # noqa: S314 (made by the page)
        words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
        assert words == page.locator(f".explorer-{key} svg text").all_text_contents()
        assert root.get("tabindex") is None
    cells = ("rank", "province", "省份", "score", "lower", "upper")
    ranked = [row | {"score": f"{float(row['score']):.3f}"} for row in tables["ranking"]]
    shown = {key: rows[1:] for key, rows in facts["tables"].items()}
    assert [[row[cell] for cell in cells] for row in ranked] == shown["ranking"]
    assert tables["map"] == tables["ranking"]
    assert len(tables["trends"]) == 4 * len(shown["trends"])
    parts = [f"{float(row['normalised']):.4f}" for row in tables["parts"]]
    assert parts == [row[5] for row in shown["parts"]]
    ranks = [[row["rank_1_common"], row["rank_2_common"]] for row in tables["compare"]]
    assert ranks == [row[2:4] for row in shown["compare"]]
    scheme = "http://127.0.0.1" if way == "served" else "file://"
    assert [url for url in page.asked if not url.startswith((scheme, "blob:", "data:"))] == []


def test_fits_and_is_accessible_and_the_drawings_stay_on_paper(visit, site):
    page = opened(visit, f"{site}/{PAGE}#system=jin-2024&with=li-li-2024.pursuit.linear")
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    # Colours alone differ in the dark.
    for width, theme in product((390, 1280), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 850})
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.evaluate(DRAWN)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(
            "[...document.querySelectorAll('.explorer-view svg')].every((svg) =>"
            " svg.getBoundingClientRect().right <= innerWidth)"
        )
        rules = ["color-contrast"] if theme == "dark" and not EVERYTHING else None
        assert violations(page, rules, within=".nqpf-explorer") == [], (width, theme)
    page.emulate_media(media="print")
    assert page.locator(".explorer-view svg").count() == 5
    assert page.locator(".explorer-view svg").first.is_visible()
    for selector in (".explorer-steering", ".explorer-save", ".explorer-controls"):
        assert not page.locator(selector).first.is_visible()


def test_without_scripts_the_first_view_is_a_table(visit, site, html):
    page = visit(f"{site}/{PAGE}", java_script_enabled=False)
    assert page.locator(".explorer-static tbody tr").count() == 31
    assert "needs JavaScript" in page.locator(".nqpf-explorer").inner_text()
    # The figures stand beside the page.
    assert (html / PAGE).stat().st_size < 150_000
    assert (html / PAGE).with_name("explorer.data.js").stat().st_size < 1_500_000
    assert "explorer-data.js" not in (html / "book" / "index.html").read_text("utf-8")
