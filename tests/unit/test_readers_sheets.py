"""Merged panels, blocks and the sulphur workbook."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nqpf.data import layouts as readers
from nqpf.data.layouts import split_unit
from nqpf.errors import DataError, MethodError, SourceError


def book(path: Path, **sheets: list[list[object]]) -> Path:
    with pd.ExcelWriter(path) as writer:
        for name, lines in sheets.items():
            pd.DataFrame(lines).to_excel(writer, sheet_name=name, header=False, index=False)
    return path


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("在校学生数（人）", ("在校学生数", "人")),
        ("地区生产总值 (亿元) \t", ("地区生产总值", "亿元")),
        ("地区生产总值指数(上年=100)", ("地区生产总值指数", "上年=100")),
        ("地区生产总值-第一产业/亿元", ("地区生产总值-第一产业", "亿元")),
        ("城镇化率_%", ("城镇化率", "%")),
        ("基础设施_公路里程（公里）", ("基础设施_公路里程", "公里")),
        ("env_expenditure", ("env_expenditure", "")),
        ("就业人员", ("就业人员", "")),
    ],
)
def test_labels_with_units(label: str, expected: tuple[str, str]) -> None:
    assert split_unit(label) == expected


def test_merged_panel(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    text = (
        "地区,年份,所属地域,进出口_亿元,进出口_万美元,税收收入_亿元\n"
        "上海,2010,东部,,18.5,1417.4\n上海,2011,东部,33.8,,1576.07\n,,,,,\n"
    )
    path.write_bytes(text.encode("utf-8-sig"))
    frame = readers.read("merged", path)
    assert frame.query("item == '税收收入'")["value"].tolist() == [1417.4, 1576.07]
    # Two columns of one name in different units stay apart; the region is not a series.
    assert set(frame["item"]) == {"税收收入", "进出口_亿元", "进出口_万美元"}


def test_text_among_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("province,year,so2\nAnhui,2010,5.1\nAnhui,2011,n.a.\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'n\.a\.' .*row 3, province Anhui, year 2011, column so2"):
        readers.read("merged", path)


@pytest.mark.parametrize("head", ["省市,年份,x", "地区,年份,年份", "地区,省份,年份"])
def test_key_columns_must_be_clear(tmp_path: Path, head: str) -> None:
    path = tmp_path / "panel.csv"
    path.write_text(f"{head}\n北京,2010,1\n", encoding="utf-8")
    with pytest.raises(SourceError, match="columns named .*expected exactly one"):
        readers.read("merged", path)


def test_single_precision_noise_is_taken_off_on_request(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("province,year,x\nAnhui,2010,29.940001\nAnhui,2011,16470.699\n", "utf-8")
    assert readers.read("merged", path, single=True)["value"].tolist() == [29.94, 16470.7]
    assert readers.read("merged", path)["value"].tolist() == [29.940001, 16470.699]


def test_blocks_with_provinces_across(tmp_path: Path) -> None:
    lines = [
        [None, None, "北京", "天津"],
        ["研发经费", "2012", 197.3, 255.9],
        [None, "2013", 213.1, 300.0],
        ["新产品销售收入", "2012", 3317.6, 0],
    ]
    path = book(tmp_path / "a.xlsx", Sheet1=lines, fitted=[[None, None, "北京"], ["x", 2012, 9.0]])
    frame = readers.read("blocks", path, across="provinces", sheet="Sheet1")
    assert len(frame) == 6
    sales = frame.query("item == '新产品销售收入' and province == '天津'")
    assert sales[["year", "value"]].values.tolist() == [[2012, 0.0]]


def test_blocks_with_years_across_and_labels_on_the_first_line_only(tmp_path: Path) -> None:
    lines = [
        [None, None, "2022", "2023"],
        ["发电量（亿千瓦小时）", "北京", "467.00000", "472.00000"],
        ["发电量（亿千瓦小时）", "天津", "765.00000", None],
        ["风力发电量（亿千瓦小时）", "北京", "4.95000", "4.82000"],
        [None, "天津", "25.51000", "31.91000"],
        ["数据来源：中国能源统计年鉴", None, None, None],
    ]
    frame = readers.read("blocks", book(tmp_path / "a.xlsx", one=lines), across="years")
    assert len(frame) == 7
    wind = frame.query("item == '风力发电量' and province == '天津' and year == 2023")
    assert wind[["value", "unit"]].values.tolist() == [[31.91, "亿千瓦小时"]]
    with pytest.raises(MethodError, match="unknown layout 'columns'"):
        readers.read("blocks", tmp_path / "a.xlsx", across="columns")


def sulphur_book(path: Path, swap: bool = False) -> Path:
    keyed = [
        ["年份", "地区名称", "单位GDP二氧化硫排放总量（吨）"],
        ["2020", "安徽省", 2.0],
        [2021, "安徽省", 1.5],
        [2022, "安徽省", 0],
        [2023, "安徽省", None],
    ]
    figures = [
        ["地区生产总值(亿元)", "二氧化硫排放总量（吨）"],
        [100.0, 200],
        [200.0, 300],
        [300.0, 0],
        [0.0, 0],
        [None, 0],
    ]
    if swap:
        figures[1], figures[2] = figures[2], figures[1]
    return book(path, 整理=keyed, 计算=figures)


def test_sulphur_figures_are_matched_by_content(tmp_path: Path) -> None:
    frame = readers.read("sulphur", sulphur_book(tmp_path / "a.xlsx"))
    assert frame[["year", "value"]].values.tolist() == [[2020, 200], [2021, 300], [2022, 0]]
    assert frame["unit"].unique().tolist() == ["吨"]
    with pytest.raises(SourceError, match="not the keyed ratio 2 .*row 2, province 安徽省"):
        readers.read("sulphur", sulphur_book(tmp_path / "b.xlsx", swap=True))


@pytest.mark.parametrize("reader", ["nbs", "merged", "blocks", "sulphur"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a workbook", b"\x00" * 40])
@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_wreckage_is_refused_by_name(
    tmp_path: Path, reader: str, content: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    options = {"across": "years"} if reader == "blocks" else {}
    with pytest.raises(SourceError, match=f"file {name}"):
        readers.read(reader, path, **options)


def test_sheet_that_does_not_exist(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", one=[["地区", "年份", "x"], ["北京", 2020, 1]])
    with pytest.raises(SourceError, match="not a readable table.*'two'.*file a.xlsx"):
        readers.read("merged", path, sheet="two")


def test_short_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("x,province,year\n\n1,Anhui,2010\n2\n", encoding="utf-8")
    assert readers.read("merged", path)["value"].tolist() == [1.0]
