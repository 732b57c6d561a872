"""What systems share, and how much of what they want open data fill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nqpf.errors import CardError, MethodError
from nqpf.files import root
from nqpf.systems import System, available, filled, twins
from nqpf.systems.overlap import membership, pairwise

ONE = {"key": "north", "uses": [("a", None), ("b", "sunlight")], "missing": ["wind", "tides"]}
TWO = {"key": "south", "uses": [("c", None)], "missing": []}
THREE = {"key": "east", "uses": [("b", None), ("c", None), ("d", "rain")], "missing": []}


def write(home: Path, **cards: list[dict]) -> Path:
    """A project of cards with one formula for all; `uses` are (indicator, what it is proxy for)."""
    both = {"zh": "某", "en": "x"}
    one = {"formula": "gdp / population", "unit": "u", "direction": "benefit"}
    shared = {key: {"name": {"zh": key, "en": f"the {key}"}, **one} for key in "abcd"}
    files = {"indicators.yaml": {"indicators": shared}}
    recipe = dict.fromkeys(("normalise", "weights", "aggregate"), {"method": "m", "status": "B"})
    about = {"kind": "composite", "authors": both, "year": "2024", "level": "D", "missing": ["all"]}
    for key, parts in cards.items():
        name, dimensions = f"{key}-2024", []
        for part in parts:
            uses = [
                {"use": use, "status": "B", "reason": "because"}
                | ({"proxy_for": proxy} if proxy else {})
                for use, proxy in part["uses"]
            ]
            dimensions.append(part | {"name": both, "indicators": uses})
            del dimensions[-1]["uses"]
        card = {"key": name, "study": name, "name": both, "recipe": recipe}
        files[f"studies/{name}.yaml"] = about | {"key": name}
        files[f"systems/{name}.yaml"] = card | {"dimensions": dimensions}
    for path, tree in files.items():
        file = home / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(tree), encoding="utf-8")  # YAML without anchors
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    split = [ONE | {"uses": [("a", None)]}, TWO | {"uses": [("b", None), ("c", None)]}]
    return write(tmp_path, aa=[ONE, TWO], bb=[THREE], cc=split, dd=[TWO])


def test_membership_and_overlap_by_hand(home):
    """A = {a, b, c}, B = {b, c, d}: two in common of four; D = {c}."""
    member = membership(["aa-2024", "bb-2024"], home)
    assert member.index.tolist() == ["b", "c", "a", "d"]
    assert member.dtypes.eq(bool).all()
    assert member.index.name == "indicator" and member.columns.name == "system"
    assert member["aa-2024"].tolist() == [True, True, True, False]
    assert membership(["bb-2024"], home, names=True).index.tolist() == ["the b", "the c", "the d"]
    for measure, expected in [("jaccard", 2 / 4), ("share", 2 / 3), ("count", 2)]:
        table = pairwise(measure, home=home)
        assert table.loc["aa-2024", "bb-2024"] == table.loc["bb-2024", "aa-2024"] == expected
        assert table.loc["aa-2024", "aa-2024"] == (3 if measure == "count" else 1)
    share = pairwise("share", home=home)
    assert (share.loc["dd-2024", "aa-2024"], share.loc["aa-2024", "dd-2024"]) == (1, 1 / 3)
    with pytest.raises(MethodError, match="unknown measure of overlap 'cosine'.*jaccard"):
        pairwise("cosine", home=home)
    with pytest.raises(CardError, match="no card 'ee-2024'"):
        pairwise(keys=["aa-2024", "ee-2024"], home=home)


def test_what_open_data_fill_by_hand(home):
    assert System.load("aa-2024", home).usual().to_numpy().tolist() == [
        ["north", "the a", "direct", "the a"],
        ["north", "sunlight", "proxy", "the b"],
        ["north", "wind", "missing", ""],
        ["north", "tides", "missing", ""],
        ["south", "the c", "direct", "the c"],
    ]
    counts = filled(home=home)
    assert counts.loc["aa-2024"].tolist() == [5, 2, 1, 2, 2 / 5, 1 / 5, 2 / 5]
    assert counts.loc["bb-2024"].tolist() == [3, 2, 1, 0, 2 / 3, 1 / 3, 0]
    assert counts.loc["dd-2024"].tolist() == [1, 1, 0, 0, 1, 0, 0]
    assert filled(["bb-2024", "aa-2024"], home).index.tolist() == ["bb-2024", "aa-2024"]


def test_twins_hold_the_same_indicators_whatever_their_dimensions(home):
    """The first in the order asked for stands for the others; one set less is no twin."""
    assert twins(["aa-2024", "bb-2024", "cc-2024"], home).tolist() == [
        "aa-2024", "bb-2024", "aa-2024",
    ]  # fmt: skip
    assert twins(["cc-2024", "aa-2024"], home).tolist() == ["cc-2024", "cc-2024"]
    assert twins(["bb-2024"], home).index.name == "system"
    assert twins([], home).empty


# --- the project's own cards ---


def test_the_fifteen_hold_eleven_indicator_sets_and_overlap_as_designed():
    member, jaccard, first = membership(), pairwise(), twins()
    assert member.columns.tolist() == first.index.tolist() == available()
    assert not membership(names=True).index.has_duplicates
    for key in available():
        text = (root() / "data" / "systems" / f"{key}.yaml").read_text(encoding="utf-8")
        assert member[key].sum() == text.count("- use: ")
        assert all(f"use: {one}\n" in text for one in member.index[member[key]])
        assert first[key] == jaccard.columns[jaccard.loc[key] == 1][0]
    assert (jaccard == jaccard.T).all(axis=None) and jaccard.stack().between(0, 1).all()
    assert first.nunique() == 11
    elements = ["dong-2024", "gong-2024", "li-li-2024", "zou-2024"]
    assert first[elements].nunique() == first[["lu-2024", "lu-guo-2024"]].nunique() == 1
    assert pairwise("count").loc["ren-2024", "dong-2024"] == 3
    assert pairwise("share").loc["wang-wang-2024", "dong-2024"] == 1


def test_digital_systems_are_those_that_open_data_fill_least():
    table = filled()
    assert (table["direct"] + table["proxy"] + table["missing"] == table["usual"]).all()
    assert table[["share direct", "share proxy", "share missing"]].sum(axis=1).round(12).eq(1).all()
    share = table["share direct"]
    assert share["yang-hong-2024"] < share["wu-2024"] < share["lu-guo-2024"]
    assert (table["direct"] >= 1).all()
    for key in available():  # a proxy stands for one usual indicator that is not also missing
        assert not System.load(key).usual()[["dimension", "usual"]].duplicated().any()
