"""What systems share, and how much of what they want open data fill."""

import pytest

from nqpf.errors import CardError
from nqpf.files import root
from nqpf.systems import System, available, filled, twins
from nqpf.systems.overlap import membership


def test_membership_and_overlap_are_those_of_sets():
    sets = {key: set(System.load(key).indicators) for key in available()}
    member = membership()
    assert member.dtypes.eq(bool).all()
    assert (member.index.name, member.columns.name) == ("indicator", "system")
    assert {key: set(member.index[member[key]]) for key in member} == sets
    serves = member.sum(axis="columns")
    assert list(member.index) == sorted(member.index, key=lambda key: (-serves[key], key))
    assert not membership(names=True).index.has_duplicates
    with pytest.raises(CardError, match="no card 'ee-2024'"):
        membership(["dong-2024", "ee-2024"])


def test_twins_hold_the_same_indicators_whatever_their_dimensions():
    """The first in the order asked for stands for the others; the fifteen hold eleven sets."""
    sets = {key: frozenset(System.load(key).indicators) for key in available()}
    for keys in (available(), available()[::-1], available()[3:]):
        for key, other in twins(keys).items():
            assert other == next(one for one in keys if sets[one] == sets[key])
    assert twins().nunique() == 11 and twins([]).empty and twins().index.name == "system"


def test_what_open_data_fill_is_what_the_cards_say():
    table = filled()
    assert list(table.index) == available()
    for key in available():
        text = (root() / "data" / "systems" / f"{key}.yaml").read_text(encoding="utf-8")
        proxies, uses = text.count("proxy_for: "), text.count("- use: ")
        usual = System.load(key).usual()
        missing = usual[usual["filled"] == "missing"]
        assert (missing["by"] == "").all() and all(wanted in text for wanted in missing["usual"])
        # A proxy stands for one usual indicator that is not also missing.
        assert not usual[["dimension", "usual"]].duplicated().any()
        counts = [len(usual), uses - proxies, proxies, len(missing)]
        shares = [count / len(usual) for count in counts[1:]]
        assert table.loc[key].tolist() == [*counts, *shares] and counts[0] == sum(counts[1:])
    assert filled(["wu-2024", "dong-2024"]).index.tolist() == ["wu-2024", "dong-2024"]
    share = table["share direct"]
    assert 0 < share["yang-hong-2024"] < share["wu-2024"] < share["lu-guo-2024"]
