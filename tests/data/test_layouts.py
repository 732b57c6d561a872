"""Each layout of source file, as the entry of the catalogue reads it."""

import gzip

import pytest
from made_up import write_book
from made_up_mutants import chances, mutate_bytes
from made_up_panels import refuses
from made_up_sources import everywhere, raw, source, write_techme

from nqpf.errors import DataError, NqpfError, SourceError

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
天津市\t,14097.2\t,\t,
数据来源：国家统计局
"""
HEAD = ["年份", "地区名称", "单位GDP二氧化硫排放总量（吨）"]


def read(reader, path, **options):
    return source(reader=reader, options=options).read(path)


def text(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_header_notes_and_encoding(tmp_path, encoding, newline):
    frame = read("nbs", text(tmp_path / "a.csv", EXPORT.replace("\n", newline), encoding))
    figures = frame[["province", "year", "value"]].to_numpy().tolist()
    assert figures == [["北京市", 2012, 717.4], ["北京市", 2011, 685.9], ["西藏自治区", 2012, 25.1]]
    assert {*frame["item"], *frame["unit"]} == {"城镇单位就业人员", "万人"}


def test_one_year_with_many_indicators_and_tabs_in_the_cells(tmp_path):
    frame = read("nbs", text(tmp_path / "a.csv", ONE_YEAR, "utf-8-sig"))
    *beijing, tianjin = frame.to_numpy().tolist()
    assert tianjin == ["天津市", 2019, "地区生产总值", 14097.2, "亿元"]
    assert beijing[0] == ["北京市", 2019, "地区生产总值", 37767.0, "亿元"]
    assert beijing[1:] == [["北京市", 2019, "人均地区生产总值", 172373.0, "元/人"]]


def test_a_workbook_whose_indicator_the_catalogue_names(tmp_path):
    lines = [["地区", "2022年", "2021年"], ["北京市", 2184, "#DIV/0!"], ["注：略"]]
    path = write_book(tmp_path / "分省.xlsx", one=lines)
    frame = read("nbs", path, item="年末常住人口(万人)")
    assert frame.to_numpy().tolist() == [["北京市", 2022, "年末常住人口", 2184.0, "万人"]]
    refuses(DataError, "the header lacks variable .file 分省.xlsx", read, "nbs", path)


def test_a_table_without_a_year_and_a_row_per_figure(tmp_path):
    path = text(tmp_path / "a.csv", "province,gdp,income\n北京市,49670.2,85415\n", "utf-8-sig")
    found = read("nbs", path, year="2024").to_numpy().tolist()
    assert found == [["北京市", 2024, "gdp", 49670.2, ""], ["北京市", 2024, "income", 85415.0, ""]]
    refuses(DataError, "the header lacks year .file a.csv", read, "nbs", path)
    rows = "化肥 (万吨) ,北京,2024,6.65,万吨\n氮肥 (万吨) ,北京,2024,,万吨\n注：略,,,,\n"
    path = text(tmp_path / "b.csv", f"指标名称,地区,年份,数值,单位\n{rows}")
    assert read("long", path).to_numpy().tolist() == [["北京", 2024, "化肥", 6.65, "万吨"]]
    with pytest.raises(SourceError, match="0 columns named 数值 .file c.csv"):
        read("long", text(tmp_path / "c.csv", "指标名称,地区,年份,单位\n化肥,北京,2024,万吨\n"))


def test_merged_panel(tmp_path):
    content = "地区,年份,所属地域,进出口_亿元,进出口_万美元,税收收入_亿元\n"
    content += "上海,2010,东部,,18.5,1417.4\n上海,2011,东部,33.8,,1576.07\n,,,,,\n"
    frame = read("merged", text(tmp_path / "a.csv", content, "utf-8-sig"))
    assert frame.query("item == '税收收入'")["value"].tolist() == [1417.4, 1576.07]
    # Two columns of one name in different units stay apart; the region is not a series.
    assert set(frame["item"]) == {"税收收入", "进出口_亿元", "进出口_万美元"}
    short = text(tmp_path / "b.csv", "x,province,year\n\n1,Anhui,2010\n2\n")
    assert read("merged", short)["value"].tolist() == [1.0]


def test_single_precision_is_undone_on_request(tmp_path):
    path = text(tmp_path / "a.csv", "province,year,x\nAnhui,2010,29.940001\nAnhui,2011,16470.699\n")
    assert read("merged", path, single=True)["value"].tolist() == [29.94, 16470.7]
    assert read("merged", path)["value"].tolist() == [29.940001, 16470.699]


def test_blocks_with_provinces_across(tmp_path):
    lines = [[None, None, "北京", "天津"], ["研发经费", "2012", 197.3, 255.9]]
    lines += [[None, 2013, None, 300.0], ["新产品销售收入", "2012", None, 0]]
    other = [[None, None, "北京"], ["x", 2012, 9.0]]
    path = write_book(tmp_path / "a.xlsx", fitted=other, Sheet1=lines)
    frame = read("blocks", path, across="provinces", sheet="Sheet1")
    found = frame.drop(columns="unit").to_numpy().tolist()
    assert found[:2] == [["北京", 2012, "研发经费", 197.3], ["天津", 2012, "研发经费", 255.9]]
    assert found[2:] == [["天津", 2013, "研发经费", 300.0], ["天津", 2012, "新产品销售收入", 0.0]]
    assert len(read("blocks", path, across="provinces")) == 1
    with pytest.raises(SourceError, match="unknown sheet 'two' .file a.xlsx.*fitted, Sheet1"):
        read("blocks", path, across="years", sheet="two")


def test_blocks_with_years_across_and_labels_on_the_first_line_only(tmp_path):
    lines = [[None, None, "2022", "2023"], ["发电量（万吨）", "北京", "467.00000", None]]
    lines += [["风电（万吨）", "北京", None, "4.82000"], [None, "天津", None, "31.91000"]]
    lines += [["数据来源：中国能源统计年鉴", None, None, None]]
    frame = read("blocks", write_book(tmp_path / "a.xlsx", one=lines), across="years")
    first, *found = frame.to_numpy().tolist()
    assert first == ["北京", 2022, "发电量", 467.0, "万吨"]
    assert found == [["北京", 2023, "风电", 4.82, "万吨"], ["天津", 2023, "风电", 31.91, "万吨"]]


def sulphur_book(path, swap=False):
    years = {"2020": 2.0, 2021: 1.5, 2022: 0, 2023: None}
    keyed = [HEAD, *([year, "安徽省", ratio] for year, ratio in years.items())]
    figures = [[100.0, 200], [200.0, 300], [300.0, 0], [0.0, 0], [None, 0]]
    if swap:
        figures[:2] = figures[1::-1]
    head = ["地区生产总值(亿元)", "二氧化硫排放总量（吨）"]
    return write_book(path, 整理=keyed, 计算=[head, *figures])


def test_sulphur_figures_are_matched_by_content(tmp_path):
    frame = read("sulphur", sulphur_book(tmp_path / "a.xlsx"))
    figures = frame[["year", "value", "unit"]].to_numpy().tolist()
    assert figures == [[2020, 200, "吨"], [2021, 300, "吨"], [2022, 0, "吨"]]
    with pytest.raises(SourceError, match="not the keyed ratio 2 .*row 2, province 安徽省"):
        read("sulphur", sulphur_book(tmp_path / "b.xlsx", swap=True))


def test_years_kept_as_text_become_numbers(tmp_path):
    path = write_techme(tmp_path / "a.rda", raw(("北 京", 2020, 1.0), ("全国", 2020, 2.0)))
    rows = read("techme", path)[["province", "year"]].to_numpy().tolist()
    assert rows == [["北 京", 2020], ["全国", 2020]]
    refuses(SourceError, "not the R data file: .*'prv', 'yr'", read, "capital", path)
    path = write_techme(tmp_path / "a.rda", raw(("北京", "2020年", 1.0)))
    refuses(SourceError, "the years are not whole numbers .file a.rda", read, "techme", path)


def test_damaged_r_files_are_refused_by_the_project_s_own_error(tmp_path):
    path = write_techme(tmp_path / "b.rda", raw(*everywhere(2020)))
    intact, refused = gzip.decompress(path.read_bytes()), []
    for chance in chances("rda", 600):
        path.write_bytes(gzip.compress(mutate_bytes(intact, chance, [b"\x00", b"\xff"])))
        try:
            read("techme", path)
        except NqpfError:
            refused.append(chance)
    assert len(refused) > 30
    for content in (b"", b"province,year\n", b"RDX3\nX\n\x00\x00", b"\x1f\x8b\x08"):
        path.write_bytes(content)
        refuses(SourceError, "b.rda", read, "techme", path)


MERGED = "province,year,so2\nAnhui,2010,5.1\n"
# Reader, text, what is replaced in it, by what, and what is said.
REFUSED = [
    ("nbs", EXPORT, "685.9", "六八五", "'六八五' is not a.*row 5, province 北京市, year 2011"),
    ("nbs", EXPORT, "地区,", "城市,", "no row names the columns"),
    ("nbs", EXPORT, "2011年", "2011H", "the columns are of several kinds"),
    ("nbs", EXPORT, "2011年", "2012年", "figures given twice .*province 北京市, year 2012"),
    ("nbs", EXPORT, "717.4,685.9", '7"17.4,"6', "not valid CSV.*row 5"),
    ("nbs", "指标：x\n地区,2012年\n北京市,x\n", ",x", ",", "no figures found"),
    ("merged", MERGED, "5.1", "5\nAnhui,2011,n.a.", r"'n\.a\.' .*row 3, .*2011, column so2"),
    ("merged", MERGED, "province", "省市", "0 columns named"),
    ("unheard", MERGED, "so2", "x", "unknown reader 'unheard'; expected one of techme"),
]


@pytest.mark.parametrize(("reader", "content", "old", "new", "said"), REFUSED)
def test_refusals(tmp_path, reader, content, old, new, said):
    assert old in content
    refuses(DataError, said, read, reader, text(tmp_path / "a.csv", content.replace(old, new)))


@pytest.mark.parametrize("reader", ["nbs", "merged", "blocks", "sulphur"])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half", b"\x00" * 40, b"\xff\xfe\x00"])
@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_wreckage_is_refused_by_name(tmp_path, reader, content, name):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"file {name}"):
        read(reader, tmp_path / name, **{"across": "years"} if reader == "blocks" else {})
