"""Exports of the National Bureau of Statistics database."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nqpf.data import layouts as readers
from nqpf.errors import DataError, SourceError

EXPORT = """数据库：分省年度数据
指标：城镇单位就业人员(万人)
时间：最近20年
地区,2025年,2012年,2011年
北京市,,717.4,685.9
西藏自治区,,25.1,—
注：1.全国就业人员1990年及以后的数据根据劳动力调查、人口普查推算。
　　　2.城镇单位数据不含私营单位, 2012年行业采用新的分类标准。
数据来源：国家统计局
"""
ONE_YEAR = """数据库：分省年度数据\x20
时间：2019年\x20
地区\t,地区生产总值 (亿元) \t,人均地区生产总值 (元/人) \t,
北京市\t,37767.0\t,172373\t,
天津市\t,14097.2\t,101858\t,
数据来源：国家统计局
"""
BARE = "地区,2022年,2021年\n北京市,41540.9,41045.6\n数据来源：国家统计局,,\n"


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "分省年度数据.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_header_notes_and_encoding(tmp_path: Path, encoding: str, newline: str) -> None:
    path = written(tmp_path, EXPORT.replace("\n", newline), encoding)
    assert readers.read("nbs", path).to_dict("list") == {
        "province": ["北京市", "北京市", "西藏自治区"],
        "year": [2012, 2011, 2012],
        "item": ["城镇单位就业人员"] * 3,
        "value": [717.4, 685.9, 25.1],
        "unit": ["万人"] * 3,
    }


def test_one_year_with_many_indicators_and_tabs_in_the_cells(tmp_path: Path) -> None:
    frame = readers.read("nbs", written(tmp_path, ONE_YEAR, "utf-8-sig"))
    assert frame["year"].unique().tolist() == [2019]
    table = frame.pivot(index="province", columns="item", values="value")
    assert table.loc["天津市", "地区生产总值"] == 14097.2
    assert table.loc["北京市", "人均地区生产总值"] == 172373
    assert set(frame["unit"]) == {"亿元", "元/人"}


def test_a_file_that_does_not_name_its_indicator(tmp_path: Path) -> None:
    path = written(tmp_path, BARE, "gb18030")
    frame = readers.read("nbs", path, item="地区生产总值")
    assert frame[["item", "unit"]].drop_duplicates().to_dict("list") == {
        "item": ["地区生产总值"],
        "unit": [""],
    }
    with pytest.raises(SourceError, match="does not name its indicator.*分省年度数据.csv"):
        readers.read("nbs", path)


def test_excel_export(tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    lines = [
        ["指标：年末常住人口(万人)", None, None],
        ["地区", "2022年", "2021年"],
        ["北京市", 2184, 2189],
        ["注：常住人口包括：居住在本乡镇街道的人；2020年为普查数。", None, None],
    ]
    pd.DataFrame(lines).to_excel(path, header=False, index=False)
    frame = readers.read("nbs", path)
    assert frame["value"].tolist() == [2184.0, 2189.0]
    assert frame.loc[0, ["item", "unit"]].tolist() == ["年末常住人口", "万人"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("685.9", "六八五", r"cell '六八五' is not a number .*row 5, province 北京市, year 2011"),
        ("685.9", "inf", "cell 'inf' is not a number"),
        ("地区,", "省份,", "no header line"),
        ("西藏自治区,", "北京市,", "1 figures given twice .*province 北京市, year 2012"),
        ("2025年,", "合计,", "neither years nor indicators of one year"),
    ],
)
def test_bad_exports(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        readers.read("nbs", written(tmp_path, EXPORT.replace(old, new)))


def test_unknown_encoding_and_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xff\xfe\x00\x81\xff")
    with pytest.raises(SourceError, match="no known encoding .*x.csv"):
        readers.read("nbs", path)
    with pytest.raises(SourceError, match="file not found .*y.csv"):
        readers.read("nbs", tmp_path / "y.csv")
