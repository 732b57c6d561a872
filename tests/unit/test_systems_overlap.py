"""What systems share, and how much of what they want open data fill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nqpf.errors import CardError, MethodError
from nqpf.files import root
from nqpf.systems import System, available, filled, membership, pairwise, twins, usual

ONE = {"key": "north", "uses": [("a", None), ("b", "sunlight")], "missing": ["wind", "tides"]}
TWO = {"key": "south", "uses": [("c", None)], "missing": []}
STEPS = ("normalise", "weights", "aggregate")
THREE = {"key": "east", "uses": [("b", None), ("c", None), ("d", "rain")], "missing": []}


def write(home: Path, **cards: list[dict]) -> Path:
    """A project of cards with one formula for all; `uses` are (indicator, what it is proxy for)."""
    letters = {u[0] for parts in cards.values() for part in parts for u in part["uses"]}
    both = {"zh": "某", "en": "x"}
    one = {"formula": "gdp / population", "unit": "u", "direction": "benefit"}
    shared = {key: {"name": {"zh": key, "en": f"the {key}"}, **one} for key in sorted(letters)}
    files = {"indicators.yaml": {"indicators": shared}}
    for key, parts in cards.items():
        name = f"{key}-2024"
        files[f"studies/{name}.yaml"] = {
            "key": name, "kind": "composite", "authors": both, "year": "2024", "level": "D",
            "missing": ["all"],
        }  # fmt: skip
        files[f"systems/{name}.yaml"] = {
            "key": name, "study": name, "name": both,
            "recipe": {step: {"method": "m", "status": "B"} for step in STEPS},
            "dimensions": [dimension(part, both) for part in parts],
        }  # fmt: skip
    for path, tree in files.items():
        file = home / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(tree), encoding="utf-8")  # YAML without anchors
    return home


def dimension(part: dict, name: dict) -> dict:
    uses = [
        {"use": use, "status": "B", "reason": "because"} | ({"proxy_for": proxy} if proxy else {})
        for use, proxy in part["uses"]
    ]
    return {"key": part["key"], "name": name, "indicators": uses, "missing": part["missing"]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write(tmp_path, aa=[ONE, TWO], bb=[THREE])


def test_membership_by_hand(home):
    member = membership(home=home)
    assert member.index.tolist() == ["b", "c", "a", "d"]
    assert member.dtypes.eq(bool).all()
    assert member.index.name == "indicator" and member.columns.name == "system"
    assert member["aa-2024"].tolist() == [True, True, True, False]
    assert member["bb-2024"].tolist() == [True, True, False, True]
    assert membership(home=home, names=True).index.tolist() == ["the b", "the c", "the a", "the d"]
    assert membership(["bb-2024"], home).index.tolist() == ["b", "c", "d"]


def test_overlap_by_hand(home):
    """A = {a, b, c}, B = {b, c, d}: two in common of four."""
    for measure, expected in [("jaccard", 2 / 4), ("share", 2 / 3), ("count", 2)]:
        table = pairwise(measure, home=home)
        assert table.loc["aa-2024", "bb-2024"] == table.loc["bb-2024", "aa-2024"] == expected
        assert table.loc["aa-2024", "aa-2024"] == (3 if measure == "count" else 1)
    with pytest.raises(
        MethodError, match="unknown measure of overlap 'cosine'; expected 'jaccard'"
    ):
        pairwise("cosine", home=home)


def test_share_is_of_the_rows_indicators(tmp_path):
    home = write(tmp_path, aa=[ONE], bb=[ONE, THREE | {"uses": [("c", None), ("d", None)]}])
    share = pairwise("share", home=home)
    assert share.loc["aa-2024", "bb-2024"] == 1
    assert share.loc["bb-2024", "aa-2024"] == 2 / 4


def test_what_open_data_fill_by_hand(home):
    table = usual(home=home)
    assert table[table["system"] == "aa-2024"].drop(columns="system").to_numpy().tolist() == [
        ["north", "the a", "direct", "the a"],
        ["north", "sunlight", "proxy", "the b"],
        ["north", "wind", "missing", ""],
        ["north", "tides", "missing", ""],
        ["south", "the c", "direct", "the c"],
    ]
    counts = filled(home=home)
    assert counts.loc["aa-2024"].tolist() == [5, 2, 1, 2, 2 / 5, 1 / 5, 2 / 5]
    assert counts.loc["bb-2024"].tolist() == [3, 2, 1, 0, 2 / 3, 1 / 3, 0]
    assert filled(["bb-2024", "aa-2024"], home).index.tolist() == ["bb-2024", "aa-2024"]


def test_a_system_without_proxies_and_gaps_is_filled(tmp_path):
    row = filled(home=write(tmp_path, aa=[TWO])).loc["aa-2024"]
    assert row.tolist() == [1, 1, 0, 0, 1, 0, 0]


def test_twins_hold_the_same_indicators_whatever_their_dimensions(tmp_path):
    """The first in the order asked for stands for the others; one set less is no twin."""
    split = [ONE | {"uses": [("a", None)]}, TWO | {"uses": [("b", None)]}]
    home = write(tmp_path, aa=[ONE], bb=[THREE], cc=split)
    assert twins(home=home).to_dict() == {
        "aa-2024": "aa-2024", "bb-2024": "bb-2024", "cc-2024": "aa-2024"
    }  # fmt: skip
    assert twins(["cc-2024", "aa-2024"], home).tolist() == ["cc-2024", "cc-2024"]
    assert twins(["bb-2024"], home).index.name == "system"
    assert twins([], home).empty


def test_an_unknown_system_is_refused(home):
    with pytest.raises(CardError, match="no card 'cc-2024'"):
        pairwise(keys=["aa-2024", "cc-2024"], home=home)


# --- the project's own cards ---


def test_the_matrix_agrees_with_the_files():
    text = {
        key: (root() / "data" / "systems" / f"{key}.yaml").read_text(encoding="utf-8")
        for key in available()
    }
    member = membership()
    assert member.columns.tolist() == available()
    for key in available():
        assert member[key].sum() == text[key].count("- use: ") == len(System.load(key).indicators)
        assert all(f"use: {one}\n" in text[key] for one in member.index[member[key]])
    assert not membership(names=True).index.has_duplicates


def test_overlap_is_symmetric_and_says_which_cards_are_alike_by_design():
    jaccard = pairwise()
    assert (jaccard == jaccard.T).all(axis=None)
    assert (jaccard.to_numpy() >= 0).all() and (jaccard.to_numpy() <= 1).all()
    same = {(a, b) for a in jaccard for b in jaccard if a < b and jaccard.loc[a, b] == 1}
    elements = ["dong-2024", "gong-2024", "li-li-2024", "zou-2024"]
    by_design = {(a, b) for a in elements for b in elements if a < b}
    assert same >= by_design | {("lu-2024", "lu-guo-2024")}
    assert pairwise("count").loc["ren-2024", "dong-2024"] == 3
    assert pairwise("share").loc["wang-wang-2024", "dong-2024"] == 1


def test_the_fifteen_hold_eleven_indicator_sets():
    jaccard = pairwise()
    first = twins()
    assert first.index.tolist() == available() and first.nunique() == 11
    for a in available():
        assert first[a] == jaccard.columns[jaccard.loc[a] == 1][0]


def test_digital_systems_are_those_that_open_data_fill_least():
    table = filled()
    assert (table["direct"] + table["proxy"] + table["missing"] == table["usual"]).all()
    assert table[["share direct", "share proxy", "share missing"]].sum(axis=1).round(12).eq(1).all()
    share = table["share direct"]
    assert share["yang-hong-2024"] < share["wu-2024"] < share["lu-guo-2024"]
    assert (table["direct"] >= 1).all()


def test_each_proxy_stands_for_one_usual_indicator_that_is_not_also_missing():
    table = usual()
    for (system, dimension), part in table.groupby(["system", "dimension"]):
        assert not part["usual"].duplicated().any(), (system, dimension)
