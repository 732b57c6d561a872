"""A copy of the data folder whose every text is hostile, and what must be true of an output."""

import json
import re
import shutil
import unicodedata

import pandas as pd
import yaml
from bs4 import BeautifulSoup
from made_up import REPOSITORY

SCRIPT = '</script><script>window.ran=1</script><img src=x onerror="window.ran=2">'
# What each must show; "$" pairs are mathematics to a drawing, the rest to a page or terminal.
_SIGNS = "a\u202eb\u200fc\u200bd\u2066e\x07\x1b[2J f\n`````````g"
BAD = f"{SCRIPT} '\"&amp; <!-- $x_1$ ${{a}}$ =1+1 שלום {_SIGNS}"
# What could end a script or an attribute of a page, or begin mathematics in a drawing.
EVIL = "</script><script>alert('x')</script><!-- $\\frac{$ & \"quoted\""
LONG = "Ünbreakable" * 18
# Fields that hold keys, formulas, marks and numbers; every other text is for readers.
_SYSTEM = {
    "key", "study", "use", "method", "status", "level", "kind", "formula", "direction", "source",
    "item", "vintage", "vintages", "flag", "theme", "reader", "sha256", "commit", "derived",
    "national", "years", "variables", "recipe", "also", "replaces",
}  # fmt: skip
_YEARS = {"skip", "gaps", "residual"}


def poisoned(value, number=0):
    """Return YAML with hostile text appended to whatever a reader sees."""
    if isinstance(value, dict):
        kept = {k for k, v in value.items() if k in _SYSTEM and not isinstance(v, dict)} | _YEARS
        each = enumerate(value.items())
        return {k: v if k in kept else poisoned(v, number + i) for i, (k, v) in each}
    if isinstance(value, list):
        return [poisoned(item, number + i) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    return f"{value} {LONG if number % 3 == 1 else BAD}"


def hostile_project(home):
    """Write a project folder like this one, with hostile text in every file of data."""
    data = home / "data"
    for folder in ("panel", "checks", "multiverse"):
        shutil.copytree(REPOSITORY / "data" / folder, data / folder)
    names = ["catalogue.yaml", "indicators.yaml", "argument.yaml"]
    names += [f"{f}/{p.name}" for f in ("systems", "studies") for p in _yaml(f)]
    for name in names:
        raw = yaml.safe_load((REPOSITORY / "data" / name).read_text("utf-8"))
        (data / name).parent.mkdir(exist_ok=True)
        bad = _refilled(raw, poisoned(raw))
        (data / name).write_text(yaml.safe_dump(bad, allow_unicode=True), "utf-8")
    units = pd.read_csv(REPOSITORY / "data" / "provinces.csv", keep_default_na=False, dtype="str")
    for i, column in enumerate(("en", "zh")):
        units[column] += [f" {BAD}", f" {LONG}"][i]
    units.to_csv(data / "provinces.csv", index=False)
    shutil.copy(REPOSITORY / "data" / "units.csv", data)
    return home


def _refilled(raw, bad):
    """Return a card whose later indicators name what they fill as the dimension now writes it."""
    for was, now in zip(raw.get("dimensions", []), bad.get("dimensions", []), strict=True):
        words = dict(zip(was.get("missing", []), now.get("missing", []), strict=True))
        uses = zip(was.get("indicators", []), now.get("indicators", []), strict=True)
        words |= {a["proxy_for"]: b["proxy_for"] for a, b in uses if "proxy_for" in a}
        for a, b in zip(was.get("later", []), now.get("later", []), strict=True):
            b["fills"] = words[a["fills"]]
    return bad


def _yaml(folder):
    return sorted((REPOSITORY / "data" / folder).glob("*.yaml"))


def hidden(text):
    """Return the characters of a text that drive a terminal or turn a line around."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {c for c in text if c not in "\n\t" and unicodedata.category(c) in kinds}


def embedded(html):
    """Return the data that one script of a fragment carries."""
    (inside,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert "<" not in inside and html.count("<script") == 1
    return json.loads(inside)


def assert_harmless(html, text):
    """Assert that no text of a fragment became an element, an attribute or a control."""
    soup = BeautifulSoup(html, "html.parser")
    for script in soup.find_all("script"):
        assert script.get("type") == "application/json", script
        json.loads(script.string)
        assert "<" not in script.string
    for element in soup.find_all(True):
        assert not [name for name in element.attrs if name.startswith("on")], element
        if element.name == "img":
            assert element["src"].startswith("data:image/")
        if element.name == "a":
            assert element["href"].startswith(("https://github.com/", "../", "#")), element["href"]
    assert hidden(html) == hidden(text) == set()
    return soup
