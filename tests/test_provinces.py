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


ACCEPTED = {
    110000: "京|Beijing Municipality|北京 Beijing|Beijing 北京|beijing city|１１",
    150000: "內蒙古|Neimenggu|Inner-Mongolia|内蒙古自治区|Inner Mongolia Autonomous Region|蒙",
    220000: "吉林省|Jilin Province|吉",
    370000: "山東|山東省|Shandong Sheng",
    440000: "廣東|Guang Dong|粤",
    450000: "广西省|Guangxi Zhuang Autonomous Region|廣西壯族自治區|Guangxi Zhuang",
    540000: "西藏自治區|Xizang (Tibet)|Tibet Autonomous Region",
    610000: "陝西|Shaanxi Province|陕",
    650000: "新疆维吾尔族自治区|Xinjiang Uyghur Autonomous Region|新疆维吾尔自治区",
}
NOT_COVERED = "Hong Kong, Macao and Taiwan are not in the panel"
SEVERAL, PART = "leave out rows of the nation", "the panel holds whole provinces"
BOTH = "Shanxi 山西 (140000) or Shaanxi 陕西 (610000)"
HINTS = {
    NOT_COVERED: "香港|Macau|710000|臺灣|台湾省|香港特别行政区|Hong Kong SAR|Chinese Taipei",
    SEVERAL: "全国|中国|China|National|National Total|合计|东部地区|Eastern region|全国合计|总计",
    PART: "吉林市|苏州|蘇州|海南州|广州|湖南省长沙市|新疆生产建设兵团|黑龙江县",
    BOTH: "Shannxi|Shan'xi|Shan-xi|Sanxi|Shanxii",
    "mean Beijing 北京 (110000).": "Bejing|北平",
    "mean Guangdong 广东 (440000).": "Guandong",
    "mean Inner Mongolia 内蒙古 (150000).": "内蒙|內蒙|Inner Mongol",
    "mean Guizhou 贵州 (520000).": "贵洲",
    "mean Henan 河南 (410000) or Hainan 海南 (460000).": "Heinan",
    "Shanxi 山西 (140000) or Shandong 山东 (370000).": "山冬",
}


@pytest.mark.parametrize(("code", "labels"), ACCEPTED.items())
def test_full_traditional_short_and_double_names(code, labels):
    assert {code_of(label) for label in labels.split("|")} == {code}


@pytest.mark.parametrize(("hint", "labels"), HINTS.items())
def test_unknown_spellings_offer_the_nearest_and_no_other(hint, labels):
    for label in labels.split("|"):
        with pytest.raises(DataError) as caught:
            code_of(label)
        said = str(caught.value)
        assert f"unknown province {label!r}; expected one of the 31 provinces" in said
        assert hint.casefold() in said.casefold(), label


FAR = ["990000", "", None, "Suzhou", "南京", "Jilin City", 1e300, "²", "x" * 100_000]


@pytest.mark.parametrize("label", FAR)
def test_without_a_near_one_nothing_is_offered(label):
    with pytest.raises(DataError) as caught:
        code_of(label)
    assert "Did you mean" not in str(caught.value) and len(str(caught.value)) < 200


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
