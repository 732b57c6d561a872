"""The 31 provincial units: codes, names, regions and the tile map."""

import pytest

from nqpf.errors import DataError
from nqpf.provinces import REGIONS, _table, code_of, codes, name, region


def test_31_units_with_distinct_codes_names_and_tiles():
    frame = _table().reset_index()
    assert len(frame) == 31
    for columns in ("code", "en", "zh", "zh_full", "abbr", ["tile_row", "tile_col"]):
        assert not frame.duplicated(columns).any()
    # GB/T 2260: the last four of a province are 0000.
    assert codes() == sorted(codes())
    assert all(110000 <= code <= 650000 and code % 10000 == 0 for code in codes())
    first = {"北京": 110000, "上海": 310000, "重庆": 500000, "西藏": 540000, "新疆": 650000}
    assert {zh: code_of(zh) for zh in first} == first


def test_every_name_leads_to_its_code_however_it_is_spelt():
    for column in ("en", "zh", "zh_full"):
        for code, label in _table()[column].items():
            assert code_of(label) == code
            assert code_of(f" {label[0]} {label[1:].upper()}\u3000") == code
    for label in (110000, 110000.0, "110000.0", "11", 11, "\ufeff北京", "BEI JING", " 北京市\n"):
        assert code_of(label) == 110000
    assert (code_of("Shanxi"), code_of("Shaanxi")) == (140000, 610000)
    assert (code_of("Hebei"), code_of("Hubei")) == (130000, 420000)
    assert (code_of("Xizang"), code_of("Nei Mongol")) == (540000, 150000)


NOT_COVERED = "Hong Kong, Macao and Taiwan are not in the panel"
NEAR = {"Bejing": "Beijing (110000)", "Guandong": "Guangdong (440000)", "北平": "Beijing (110000)"}
NEAR |= {"内蒙": "Inner Mongolia (150000)", "黑龙江县": "Heilongjiang (230000)"}
HINTS = {label: f"Did you mean {near}." for label, near in NEAR.items()}
HINTS |= dict.fromkeys(["香港", "Macau", "710000"], NOT_COVERED)


@pytest.mark.parametrize("label", HINTS)
def test_unknown_spellings_offer_the_nearest(label):
    with pytest.raises(DataError) as caught:
        code_of(label)
    assert f"unknown province {label!r}; expected one of the 31 provinces" in str(caught.value)
    assert HINTS[label] in str(caught.value)


@pytest.mark.parametrize("label", ["990000", "", None, "全国", 1e300, "²", "x" * 100_000])
def test_without_a_near_one_nothing_is_offered(label):
    with pytest.raises(DataError) as caught:
        code_of(label)
    assert "Did you mean" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_neighbours_are_mutual():
    linked = {code: set(map(int, text.split())) for code, text in _table()["neighbours"].items()}
    assert linked[110000] == {120000, 130000}
    assert [code for code, others in linked.items() if not others] == [460000]
    assert all(code in linked[other] for code, others in linked.items() for other in others)


def test_regions():
    four = _table()["region4"].value_counts().to_dict()
    assert four == {"west": 12, "east": 10, "central": 6, "northeast": 3} and {*four} == {*REGIONS}
    assert _table()["region3"].value_counts().to_dict() == {"west": 12, "east": 11, "central": 8}
    assert (region(210000), region(210000, "region3")) == ("northeast", "east")


def test_tiles_lie_roughly_as_on_a_map():
    frame = _table()
    ranks = frame[["tile_row", "tile_col", "latitude", "longitude"]].rank()
    assert ranks["tile_row"].corr(ranks["latitude"]) < -0.9
    assert ranks["tile_col"].corr(ranks["longitude"]) > 0.8


def test_names_come_from_a_table_that_stays_as_it_is():
    frame = _table()
    frame["en"] = ""
    assert name(440000) == "Guangdong"
    assert (name(440000, "zh_full"), name(440000, "both")) == ("广东省", "Guangdong 广东")
