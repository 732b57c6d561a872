"""The traps of the science yearbooks and of the capital data: each one is refused or declared."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_sources import everywhere, raw, segment, source, write_techme

from nqpf.data import Panel
from nqpf.data import layouts as readers
from nqpf.data import quality as checks
from nqpf.data.build import harmonise
from nqpf.data.catalogue import Catalogue
from nqpf.errors import DataError, NqpfError, ProvinceError, SourceError, UnitError


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.load(extra=False)


def values(result: object) -> dict[tuple[int, int], float]:
    rows = result.provinces
    return dict(zip(zip(rows["province"], rows["year"], strict=True), rows["value"], strict=True))


@pytest.mark.parametrize("label", ["北京", "北   京", " 北京 ", "北\u3000京", "\ufeff北京"])
def test_stray_spaces_in_names(label: str) -> None:
    assert values(harmonise(raw((label, 2020, 7.0)), source(), segment())) == {(110000, 2020): 7.0}


@pytest.mark.parametrize("label", ["内蒙占", "两藏", "四藏", "山两", "江四", "浙汀", "尔部地区"])
def test_misread_names_are_refused_unless_declared(label: str) -> None:
    with pytest.raises(ProvinceError, match=f"unknown province '{label}'.*数据 1.rda.*aliases"):
        harmonise(raw((label, 2020, 7.0)), source(), segment())
    declared = source(aliases={label: 540000})
    assert values(harmonise(raw((label, 2020, 7.0)), declared, segment())) == {(540000, 2020): 7.0}


def test_a_misread_name_never_doubles_a_province() -> None:
    declared = source(aliases={"江四": 360000})
    with pytest.raises(DataError, match="two values .*江四 and 江西.*year 2020"):
        harmonise(raw(("江四", 2020, 7.0), ("江西", 2020, 8.0)), declared, segment())


def test_regional_total_among_the_provinces_is_left_out() -> None:
    rows = raw(("尔部地区", 2020, 99.0), ("浙江", 2020, 8.0))
    declared = source(ignore={"尔部地区": "a regional total"})
    assert values(harmonise(rows, declared, segment())) == {(330000, 2020): 8.0}


def test_national_row_is_kept_apart() -> None:
    result = harmonise(raw(("全   国", 2020, 9.0), ("浙江", 2020, 8.0)), source(), segment())
    assert values(result) == {(330000, 2020): 8.0}
    assert result.national.to_dict("records") == [{"year": 2020, "value": 9.0}]


def test_unit_that_changes_inside_a_series_is_converted_by_its_label() -> None:
    rows = raw(("北京", 2021, 31234.0, "吨"), ("北京", 2022, 3.1, "万吨"))
    declared = segment(years=(2021, 2022), unit="", factors={"吨": 1e-4, "万吨": 1})
    expected = {(110000, 2021): 3.1234, (110000, 2022): 3.1}
    assert values(harmonise(rows, source(), declared)) == expected
    with pytest.raises(UnitError, match="unit '万吨' is not the declared one.*'吨'"):
        harmonise(rows, source(), segment(years=(2021, 2022)))


@pytest.mark.parametrize("wrong", ["万元", "", "kg"])
def test_mislabelled_or_unlabelled_rows_are_refused(wrong: str) -> None:
    rows = raw(("北京", 2020, 1.0, "人年"), ("天津", 2020, 2.0, wrong))
    with pytest.raises(UnitError, match=f"unit '{wrong}'.*expected '人年'"):
        harmonise(rows, source(), segment(unit="人年"))


def test_a_file_without_labels_takes_the_declared_unit() -> None:
    rows = raw(("北京", 2020, 5.0, ""), ("天津", 2020, 2.0, ""))
    result = harmonise(rows, source(), segment(unit="t", factor=0.1))
    assert values(result) == {(110000, 2020): 0.5, (120000, 2020): 0.2}


@pytest.mark.parametrize("bad", ["many", "1,234", np.inf, -np.inf, "inf"])
def test_values_that_are_no_numbers(bad: object) -> None:
    rows = raw(("北京", 2020, 1.0), ("天津", 2020, 2.0)).astype({"value": object})
    rows.loc[1, "value"] = bad
    with pytest.raises(DataError, match="not a finite number.*天津, year 2020"):
        harmonise(rows, source(), segment())


def test_empty_cells_and_declared_zeros_are_missing_and_must_be_declared() -> None:
    rows = raw(("北京", 2020, 1.0), ("北京", 2021, None), ("北京", 2022, 0.0))
    whole = {"years": (2020, 2022), "missing": [0]}
    with pytest.raises(DataError, match="no value.*province 110000, year 2021.*gaps"):
        harmonise(rows, source(), segment(**whole))
    gaps = segment(**whole, gaps={110000: ["2021-2022"]})
    assert values(harmonise(rows, source(), gaps)) == {(110000, 2020): 1.0}


def test_skipped_figures_do_not_enter() -> None:
    rows = raw(("北京", 2020, 1.0), ("北京", 2021, 99.0))
    result = harmonise(rows, source(), segment(years=(2020, 2021), skip={110000: [2021]}))
    assert values(result) == {(110000, 2020): 1.0}


def test_residual_is_the_national_figure_less_the_others() -> None:
    rows = raw(("全国", 2020, 40.0), *everywhere(2020, without=340000), ("安徽", 2020, 77.0))
    result = harmonise(rows, source(), segment(residual={340000: [2020]}))
    assert values(result)[340000, 2020] == 10.0
    flags = result.provinces.set_index("province")["flag"]
    assert flags[340000] == "spliced"
    assert flags[110000] == "official"
    with pytest.raises(DataError, match="residual needs .*province 340000, year 2020"):
        harmonise(rows.iloc[:-5], source(), segment(residual={340000: [2020]}))


def test_unknown_item_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match="item 'b' not found.*expected a"):
        harmonise(raw(("北京", 2020, 1.0)), source(), segment(item="b"))


def test_unit_factor_leaves_no_noise() -> None:
    result = harmonise(raw(("北京", 2020, 22591176.0)), source(), segment(factor=1e-4))
    assert values(result) == {(110000, 2020): 2259.1176}


def test_reader_turns_years_kept_as_text_into_numbers(tmp_path: Path) -> None:
    path = write_techme(tmp_path / "a.rda", raw(("北 京", 2020, 1.0), ("全国", 2020, 2.0)))
    frame = readers.read("techme", path)
    assert frame["year"].tolist() == [2020, 2020]
    assert frame["province"].tolist() == ["北 京", "全国"]


def test_reader_refuses_a_year_that_is_none(tmp_path: Path) -> None:
    path = write_techme(tmp_path / "a.rda", raw(("北京", "2020年", 1.0)))
    with pytest.raises(SourceError, match="year '2020年' is not a whole number.*a.rda, row 1"):
        readers.read("techme", path)


@pytest.mark.parametrize(
    "content", [b"", b"province,year\n", b"RDX3\nX\n\x00\x00", b"\x1f\x8b\x08"]
)
def test_reader_refuses_what_is_no_r_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.rda"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="a.rda"):
        readers.read("techme", path)


def test_reader_refuses_damaged_files_with_its_own_error(tmp_path: Path) -> None:
    intact = write_techme(tmp_path / "a.rda", raw(*everywhere(2020))).read_bytes()
    plain = gzip.decompress(intact)
    chance, refused = random.Random(0), 0  # noqa: S311 - not a secret
    for _ in range(200):
        damaged = bytearray(chance.choice([intact, plain]))
        compressed = damaged[:2] == intact[:2]
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        damaged = damaged[: chance.randrange(1, len(damaged))] if chance.random() < 0.3 else damaged
        path = tmp_path / "b.rda"
        path.write_bytes(bytes(damaged) if compressed else gzip.compress(bytes(damaged)))
        try:
            readers.read("techme", path)
        except NqpfError:
            refused += 1
    assert refused > 100


def test_reader_refuses_another_layout(tmp_path: Path) -> None:
    path = write_techme(tmp_path / "a.rda", raw(("北京", 2020, 1.0)))
    with pytest.raises(SourceError, match="no column prv, yr"):
        readers.read("capital", path)


# What the embedded tables must show for the traps to have been avoided.


@pytest.mark.parametrize(
    ("variable", "absent"),
    [
        ("technology_contracts_in", {2011}),
        ("hightech_revenue", {2017}),
        ("hightech_profit", {2017}),
        ("hightech_firms", {2017}),
        ("sci_papers", {2023}),
    ],
)
def test_years_that_the_sources_lack(panel: Panel, variable: str, absent: set[int]) -> None:
    years = set(panel.frame.loc[panel.frame["variable"] == variable, "year"])
    assert set(range(2010, 2024)) - years == absent


def test_tibet_sells_technology_from_2017(panel: Panel) -> None:
    years = panel.wide(["technology_contracts_out"]).loc[540000].dropna().index
    assert years.min() == 2017


@pytest.mark.parametrize("variable", ["pesticide", "plastic_film"])
def test_change_of_unit_leaves_no_step(panel: Panel, variable: str) -> None:
    wide = panel.wide([variable])[variable].unstack("year")
    total = wide.dropna()[[2021, 2022]].sum()
    assert 0.9 < total[2022] / total[2021] < 1.1  # a missed unit would give 10,000 times


@pytest.mark.parametrize(
    "variable", ["rd_personnel", "researchers", "rd_expenditure", "rd_basic", "rd_government"]
)
def test_provinces_add_up_to_the_nation(panel: Panel, variable: str) -> None:
    table = checks.national(panel)
    rows = table[table["variable"] == variable]
    assert rows["year"].tolist() == list(range(2010, 2024))
    assert rows["difference"].abs().max() < 0.0025  # percent: rounding of printed figures


def test_patents_fall_short_by_hong_kong_macao_and_taiwan(panel: Panel) -> None:
    table = checks.national(panel)
    rows = table[table["variable"].str.startswith("patent")]
    assert set(rows["verdict"]) == {"explained"}
    assert rows["difference"].between(-11, -0.3).all()
    assert rows["reason"].str.contains("Hong Kong").all()


def test_misread_machinery_power_is_out(panel: Panel) -> None:
    power = panel.wide(["machinery_power"])["machinery_power"]
    assert (320000, 2010) not in power.index
    assert (510000, 2010) not in power.index
    # The residual lies where the neighbouring years say it should.
    assert power[340000, 2010] < power[340000, 2011] < power[340000, 2012]


def test_beijing_2012_funds_agree_with_their_own_sum(panel: Panel) -> None:
    row = panel.wide(["rd_enterprise", "rd_government", "rd_expenditure"]).loc[(110000, 2012)]
    other_and_foreign = 80.8393 + 47.8994  # the same table's two other columns
    parts = row["rd_enterprise"] + row["rd_government"] + other_and_foreign
    assert parts == pytest.approx(row["rd_expenditure"], abs=0.001)


def test_basic_research_of_2023_is_the_survey_s(panel: Panel) -> None:
    rows = panel.wide(["rd_basic", "rd_expenditure"], years=[2023]).sum()
    assert round(rows["rd_basic"], 2) == 2259.12
    assert round(100 * rows["rd_basic"] / rows["rd_expenditure"], 2) == 6.77


def test_capital_stock_of_the_source_package(panel: Panel) -> None:
    stock = panel.wide(["capital_stock"]).loc[(110000, 2022), "capital_stock"]
    assert stock == pytest.approx(40271.136, abs=0.0005)


def test_carried_forward_figures_are_flagged(panel: Panel) -> None:
    flags = panel.flags(["gfcf", "investment_price"]).unstack("province")
    assert set(flags["gfcf"].loc[2018:2022].to_numpy().ravel()) == {"extrapolated"}
    assert set(flags["gfcf"].loc[1996:2017].to_numpy().ravel()) == {"official"}
    assert set(flags["investment_price"].loc[2020:2022].to_numpy().ravel()) == {"spliced"}


def test_chongqing_starts_in_1996(panel: Panel) -> None:
    assert panel.wide(["gfcf"]).loc[500000].index.min() == 1996


def test_every_alias_means_a_province_or_the_nation() -> None:
    for key, entry in Catalogue.load().sources.items():
        for label, code in entry.aliases.items():
            row = pd.DataFrame([(label, 2020, "a", 1.0, "吨")], columns=readers.COLUMNS)
            result = harmonise(row, entry, segment())
            found = values(result) or {(0, 2020): result.national["value"].item()}
            assert found == {(code, 2020): 1.0}, key
