"""A thousand broken cards: a clear error or a valid system, and no file changed."""

import shutil
from collections import Counter
from copy import deepcopy

import numpy as np
import yaml
from made_up import state
from made_up_mutants import chances, mutate_bytes

from nqpf.data import Panel
from nqpf.errors import NqpfError
from nqpf.files import root
from nqpf.systems import System, available

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


def places(node):
    if not isinstance(node, (dict, list)):
        return []
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    return [(node, key) for key in keys] + [p for key in keys for p in places(node[key])]


def mutate_structure(raw, chance):
    tree = yaml.safe_load(raw)
    for _ in range(chance.choice([1, 1, 2, 4])):
        found = places(tree)
        if not found:
            break
        parent, key = chance.choice(found)
        match chance.randrange(8):
            case 0:
                del parent[key]
            case 1:
                parent[key] = chance.choice(VALUES)
            case 2:
                other, place = chance.choice(found)
                parent[key] = deepcopy(other[place])
            case 3 if isinstance(parent, list):
                parent.append(parent[key])
            case 4 if isinstance(parent, dict):
                parent[chance.choice(["extra", "key", "1", "", "unit", "é"])] = parent.pop(key)
            case _ if isinstance(parent[key], str):
                cut = chance.randrange(len(parent[key]) + 1)
                added = chance.choice(["(", "+", ".", "x", " ", "**", "0"])
                parent[key] = parent[key][:cut] + added + parent[key][cut:]
    return yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "replace")


def outcome(key, home, panel):
    """Load and use a card; only the library's own errors are caught."""
    try:
        system = System.load(key, home)
        assert system._repr_html_() and system.table()["unit"].str.len().min() > 0
        matrix = system.evaluate(panel)
    except NqpfError as error:
        return type(error).__name__
    assert np.isfinite(matrix.values.to_numpy()).all()
    assert list(matrix.values.columns) == list(system.indicators)
    return "valid"


def test_mutated_cards_give_a_clear_error_or_a_valid_system(tmp_path, embedded):
    home, seen = tmp_path, Counter()
    some = "province in [110000, 310000, 440000] and year in [2018, 2019, 2020]"
    panel = Panel(embedded.frame.query(some), embedded.catalogue)
    shutil.copytree(root() / "data", home / "data", ignore=shutil.ignore_patterns("*.csv", "c*"))
    project = state(root() / "data")
    for chance in chances("cards", 1500):
        key = chance.choice(available())
        names = [f"systems/{key}.yaml", f"studies/{key}.yaml", *["indicators.yaml"] * 2]
        path = home / "data" / chance.choice(names)
        good = path.read_bytes()
        at_random = chance.random() < 0.5
        changed = mutate_bytes(good, chance, NASTY) if at_random else mutate_structure(good, chance)
        path.write_bytes(changed)
        before = state(home)
        seen[outcome(key, home, panel)] += 1
        assert state(home) == before
        path.write_bytes(good)
    assert state(root() / "data") == project
    # Both ends of the promise were really met, not only one of them.
    least = {"CardError": seen.total() / 4, "FormulaError": 0, "valid": seen.total() / 20}
    assert all(seen[kind] > number for kind, number in least.items())
