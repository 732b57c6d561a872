"""A thousand broken cards: a clear error or a valid system, and no file changed."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from nqpf.data import Catalogue, Panel
from nqpf.errors import NqpfError
from nqpf.files import root
from nqpf.systems import IndicatorMatrix, System, available

MUTANTS = 1000
SEED = 20240131
NASTY = [
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"&a ", b"*a", b"<<: ", b"!!python/object:os.system ",
    b"!!int ", b"!!timestamp ", b": ", b"- ", b"\t", b"\r", b"{", b"[", b"}", b"]", b"'", b'"',
    b"|\n", b">-\n", b"%YAML 9.9\n", b"---\n", b"...\n", b"? ", b"~", b"null", b"1e999", b"\\ud800",
    b"__import__('os')", b"[" * 400, "\u200b\ufeff".encode(), "ａ".encode(), b"9" * 5000,
]  # fmt: skip
VALUES = [
    "", " ", "0", "-1", "1e999", "null", "true", "~", "a" * 3000, "\u0000", "gdp.values", "1 / 0",
    "gdp", "-" * 299 + "1", "9" * 299, "cost", "S", "../x", [], {}, [[]], {"a": {"b": []}}, None,
    True, 7, -3.5, float("inf"), float("nan"),
]  # fmt: skip


def digest(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def mutate_bytes(raw: bytes, rng: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = rng.choice(NASTY)
        elif kind == 2:
            del data[at : at + rng.choice([1, 3, 20, 200])]
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            start = rng.randrange(len(data) + 1)
            data[at:at] = data[start : start + rng.choice([1, 10, 100])]
        else:
            data[at:at] = bytes(rng.randrange(256) for _ in range(4))
    return bytes(data)


def places(node: object) -> list[tuple[dict | list, object]]:
    if not isinstance(node, (dict, list)):
        return []
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    return [(node, key) for key in keys] + [p for key in keys for p in places(node[key])]


def mutate_structure(raw: bytes, rng: random.Random) -> bytes:
    tree = yaml.safe_load(raw)
    for _ in range(rng.choice([1, 1, 2, 4])):
        found = places(tree)
        if not found:
            break
        parent, key = rng.choice(found)
        kind = rng.randrange(5)
        if kind == 0:
            del parent[key]
        elif kind == 1:
            parent[key] = rng.choice(VALUES)
        elif kind == 2:
            other, place = rng.choice(found)
            parent[key] = yaml.safe_load(yaml.safe_dump(other[place]))
        elif kind == 3 and isinstance(parent, list):
            parent.append(parent[key])
        elif isinstance(parent, dict):
            parent[rng.choice(["extra", "key", "1", "", "unit", "é"])] = parent.pop(key)
        if isinstance(parent.get(key) if isinstance(parent, dict) else None, str):
            text = parent[key]
            cut = rng.randrange(len(text) + 1)
            parent[key] = text[:cut] + rng.choice(["(", "+", ".", "x", " ", "**", "0"]) + text[cut:]
    return yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "replace")


def small_panel() -> Panel:
    """Positive figures of every variable that a card needs, three provinces and three years."""
    names = sorted({name for key in available() for name in System.load(key).variables})
    rng = np.random.default_rng(SEED)
    cells = pd.MultiIndex.from_product([names, [110000, 310000, 440000], [2019, 2020, 2021]])
    frame = cells.to_frame(index=False, name=["variable", "province", "year"])
    frame = frame.assign(value=rng.uniform(1, 100, len(frame)), vintage="", flag="official")
    both = {"zh": "某", "en": "some"}
    fields = {"name": both, "theme": "toy", "unit": "u", "definition": "d"}
    one = fields | {"publisher": both, "yearbook": both}
    return Panel(frame, Catalogue(sources={}, variables=dict.fromkeys(names, one)))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for part in ("systems", "studies"):
        shutil.copytree(root() / "data" / part, tmp_path / "data" / part)
    shutil.copy(root() / "data" / "indicators.yaml", tmp_path / "data" / "indicators.yaml")
    return tmp_path


def outcome(key: str, home: Path, panel: Panel) -> str:
    """Load and use a card; only the library's own errors are caught."""
    try:
        system = System.load(key, home)
        assert system.table()["unit"].str.len().min() > 0
        assert system._repr_html_()
        matrix = system.evaluate(panel)
    except NqpfError as error:
        assert str(error)
        return type(error).__name__
    assert isinstance(matrix, IndicatorMatrix)
    assert np.isfinite(matrix.values.to_numpy()).all()
    assert list(matrix.values.columns) == list(system.indicators)
    return "valid"


def test_mutated_cards_give_a_clear_error_or_a_valid_system(home: Path):
    rng = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    panel = small_panel()
    folders = [root() / "data" / part for part in ("systems", "studies")]
    project = [digest(folder) for folder in folders]
    shared = (root() / "data" / "indicators.yaml").read_bytes()
    seen: Counter[str] = Counter()
    for _ in range(MUTANTS):
        key = rng.choice(available())
        name = rng.choice([f"systems/{key}.yaml", f"studies/{key}.yaml", "indicators.yaml"])
        path = home / "data" / name
        good = path.read_bytes()
        mutate = rng.choice([mutate_bytes, mutate_structure])
        path.write_bytes(mutate(good, rng))
        before = digest(home)
        seen[outcome(key, home, panel)] += 1
        assert digest(home) == before
        path.write_bytes(good)
    assert [digest(folder) for folder in folders] == project
    assert (root() / "data" / "indicators.yaml").read_bytes() == shared
    # Both ends of the promise were really met, not only one of them.
    assert set(seen) >= {"CardError", "FormulaError", "valid"}
    assert seen["CardError"] > MUTANTS / 4
    assert seen["valid"] > MUTANTS / 20
