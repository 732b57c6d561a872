"""What the embedded tables must show for the traps of their sources to have been avoided."""

from __future__ import annotations

import pandas as pd
import pytest

from nqpf.data import Panel
from nqpf.data.quality import Checks
from nqpf.provinces import codes

BEIJING, TIANJIN, SHANGHAI, ANHUI, HUBEI = 110000, 120000, 310000, 340000, 420000
GUANGDONG, TIBET = 440000, 540000
INDUSTRIES = ("primary", "secondary", "tertiary")
# Gross regional product per person in 2023, yuan (National Data, after the fifth census).
PER_PERSON_2023 = {
    110000: 216722, 120000: 126232, 130000: 61649, 140000: 74999, 150000: 104317, 210000: 74925,
    220000: 59495, 230000: 53468, 310000: 207193, 320000: 153658, 330000: 129687, 340000: 78752,
    350000: 130932, 360000: 72271, 370000: 92878, 410000: 61592, 420000: 97234, 430000: 76932,
    440000: 108745, 450000: 54599, 460000: 73335, 500000: 95610, 510000: 73293, 520000: 55728,
    530000: 65334, 540000: 69489, 610000: 85929, 620000: 49811, 630000: 64747, 640000: 73696,
    650000: 75616,
}  # fmt: skip


def wide(embedded: Panel, variable: str, vintage: str = "census5") -> pd.Series:
    return embedded.wide([variable], vintage=vintage)[variable].dropna()


def flagged(embedded: Panel, variable: str) -> set[tuple[int, int]]:
    broken = embedded.breaks([variable])
    return set(broken.index[broken])


@pytest.mark.parametrize(
    ("variable", "digits", "expected"),
    [
        ("population", 0, {2020: 141013}),
        # Its prices change and are never spliced.
        ("telecom_volume", 0, {2015: 23346, 2016: 15617, 2020: 136557, 2021: 17055}),
        ("so2", 1, {2010: 2185.1, 2015: 1859.1, 2016: 854.9, 2020: 318.2, 2021: 274.8}),
        ("so2_industrial", 1, {2010: 1864.2, 2015: 1556.6, 2016: 770.3, 2020: 252.6, 2022: 183.4}),
        ("environment_expenditure", 0, {2010: 2372, 2019: 6969}),
        ("electricity", 0, {2022: 88489}),
        ("electricity_hydro", 0, {2023: 12858}),
        ("new_product_sales", 1, {2012: 110529.8, 2015: 150856.5, 2020: 238073.7}),
        ("rd_basic", 2, {2023: 2259.12}),
    ],
)
def test_sums_of_the_provinces(
    embedded: Panel, variable: str, digits: int, expected: dict[int, float]
) -> None:
    sums = wide(embedded, variable).groupby("year").sum()
    assert {year: round(sums[year], digits) for year in expected} == expected


FIGURES = {
    ("gdp", "census5", GUANGDONG, 2022): 132547.1,
    ("gdp", "census5", BEIJING, 2022): 45222.4,
    ("gdp", "census4", GUANGDONG, 2022): 129513.6,
    ("gdp", "census4", BEIJING, 2022): 41540.9,
    ("gdp_index", "", TIANJIN, 2016): 105.8,  # first published as 109.1
    ("population", "", BEIJING, 2020): 2189,
    ("population", "", BEIJING, 2023): 2186,
    ("population", "", GUANGDONG, 2023): 12706,
    ("capital_stock", "", BEIJING, 2022): pytest.approx(40271.136, abs=0.0005),  # of its package
}


def test_printed_figures(embedded: Panel) -> None:
    frame = embedded.frame.set_index(["variable", "vintage", "province", "year"])["value"]
    assert {key: frame[key] for key in FIGURES} == FIGURES


@pytest.mark.parametrize("vintage", ["census4", "census5"])
def test_tianjin_does_not_fall_from_2018_to_2019(embedded: Panel, vintage: str) -> None:
    # Files that mix vintages go from 18,809.6 to 14,104.3.
    gdp = wide(embedded, "gdp", vintage)
    assert gdp[TIANJIN, 2018] < gdp[TIANJIN, 2019] < 1.06 * gdp[TIANJIN, 2018]
    assert gdp.groupby("province").pct_change().dropna().between(-0.12, 0.3).all()


def test_columns_that_are_mislabelled_mixed_or_extrapolated_are_not_used(embedded: Panel) -> None:
    used = [
        (key, segment)
        for key, entry in embedded.catalogue.variables.items()
        for segment in [*entry.segments, *entry.second]
    ]
    mixing = {"yearbooks_gdp", "yearbooks_merged", "nbs_merged"}
    assert not mixing & {segment.source for key, segment in used if key == "gdp"}
    vintages = {segment.vintage for segment in embedded.catalogue.variables["gdp"].segments}
    assert vintages == {"census4", "census5"}
    allowed = {
        "environment_did": {"gdp", "sec_val", "industrial_so2", "env_expenditure"},
        "energy_gtmp": {"能源投入"},
        "green_origin": {"二氧化硫排放总量"},
        "nbs_merged": {"城镇化率", "税收收入", "城镇单位就业人员", "第二产业比重"},
        "generation": {"发电量", "火力发电量", "水力发电量"},
        "industry_above_scale": {"新产品销售收入"},
    }
    for source, items in allowed.items():
        assert {each.item for _, each in used if each.source == source} == items
    assert embedded.catalogue.sources["industry_above_scale"].options["sheet"] == "Sheet1"
    index = wide(embedded, "gdp_index")  # in a shifted column Hubei's fall of 2020 stands in 2021
    assert index[HUBEI, 2020] < 96 and index[HUBEI, 2021] > 112


def everywhere(*years: int) -> set[tuple[int, int]]:
    return {(code, year) for code in codes() for year in years}


@pytest.mark.parametrize(
    ("variable", "breaks"),
    [
        *((f"share_{name}", everywhere(2014, 2019)) for name in INDUSTRIES),
        ("gdp_index", everywhere(2016)),
        ("telecom_volume", everywhere(2016, 2021)),
        ("energy", {(500000, 2020), (510000, 2020)}),
    ],
)
def test_a_new_basis_is_flagged(embedded: Panel, variable: str, breaks: set) -> None:
    assert flagged(embedded, variable) == breaks


@pytest.mark.parametrize(
    ("total", "parts", "shape", "off"),
    [
        ("gdp", "value_added_", 155, 0.11),
        (100, "share_", 400, 0.11),
        ("employment", "employment_", 300, 0.001),
    ],
)
def test_industries_add_up(
    embedded: Panel, total: str | int, parts: str, shape: int, off: float
) -> None:
    names = [parts + name for name in INDUSTRIES]
    sums = embedded.wide(names).dropna().sum(axis=1)
    whole = wide(embedded, total) if isinstance(total, str) else total
    gaps = (sums - whole).dropna() if total != "employment" else (sums / whole - 1).dropna()
    assert len(gaps) >= shape and gaps.abs().max() < off
    if total == "employment":  # what does not add up is left out
        left_out = {(610000, 2015), (650000, 2015), (210000, 2019), (150000, 2015)}
        assert left_out.isdisjoint(gaps.index) and (150000, 2020) in gaps.index


def test_a_share_moves_where_the_fourth_census_enters(embedded: Panel) -> None:
    share = wide(embedded, "share_tertiary")
    assert share[TIANJIN, 2019] - share[TIANJIN, 2018] > 4.5


def test_population_of_2023_follows_from_gdp_per_person(embedded: Panel) -> None:
    population = wide(embedded, "population").unstack()
    assert population.stack().between(300, 13000).all()  # no counts of a sample survey
    gdp = wide(embedded, "gdp").unstack()[2023] * 1e4
    per_person = pd.Series(PER_PERSON_2023)
    identity = 2 * gdp / per_person - population[2022]
    rounding = 2 * 500 / per_person + gdp / per_person**2  # of 0.05 in GDP and 0.5 yuan
    assert len(identity) == 31
    assert ((population[2023] - identity).abs() < rounding + 0.02).all()


@pytest.mark.parametrize(
    ("province", "year", "change"),
    [
        (ANHUI, 2020, -0.26),
        (630000, 2020, -0.155),
        (430000, 2020, -0.105),
        (TIANJIN, 2011, 0.30),
        (SHANGHAI, 2011, 0.19),
        (SHANGHAI, 2013, 0.23),
        (BEIJING, 2021, -0.08),
    ],
)
def test_breaks_of_employment(embedded: Panel, province: int, year: int, change: float) -> None:
    growth = wide(embedded, "employment").groupby("province").pct_change()
    assert growth[province, year] == pytest.approx(change, abs=0.006)
    steps = {(province, year), *growth.index[growth.abs() > 0.10]}
    assert len(steps) > 1 and steps <= flagged(embedded, "employment")


def test_one_is_part_of_the_other(embedded: Panel) -> None:
    for part, whole, count in (
        ("urban_unit_employment", "employment", 1),
        ("so2_industrial", "so2", 360),
        ("tax_revenue", "budget_revenue", 248),
    ):
        both = embedded.wide([part, whole]).dropna()
        assert len(both) >= count and (both[part] <= both[whole]).all()
    urban = wide(embedded, "urban_unit_employment").groupby("year").sum()
    assert 160 <= urban[2023] / 100 <= 165
    power = embedded.wide(["electricity", "electricity_thermal", "electricity_hydro"]).dropna()
    parts = power["electricity_thermal"] + power["electricity_hydro"]
    assert (parts <= 1.005 * power["electricity"] + 1).all()
    assert (wide(embedded, "so2") > 0).all() and (wide(embedded, "so2_industrial") > 0).all()


def test_units_and_digits_of_files_leave_no_trace(embedded: Panel) -> None:
    # The file went through single precision; the figures have two decimals again.
    spent = wide(embedded, "environment_expenditure").loc[:, 2019]
    assert (spent - spent.round(4)).abs().max() < 1e-9
    # Persons in one file and ten thousands in the other; tonnes and 10,000 tonnes in one.
    students = wide(embedded, "students_higher").groupby("province").pct_change().dropna()
    assert students.between(-0.1, 0.2).all()
    for variable in ("pesticide", "plastic_film"):
        total = wide(embedded, variable).unstack().dropna()[[2021, 2022]].sum()
        assert 0.9 < total[2022] / total[2021] < 1.1


@pytest.mark.parametrize(
    ("variable", "absent"),
    [
        ("technology_contracts_in", {2011}),
        ("hightech_revenue", {2017}),
        ("hightech_profit", {2017}),
        ("hightech_firms", {2017}),
        ("sci_papers", {2023}),
        ("rd_personnel", set()),
        ("rd_expenditure", set()),
    ],
)
def test_years_that_the_sources_lack(embedded: Panel, variable: str, absent: set[int]) -> None:
    years = wide(embedded, variable).index.unique("year")
    assert set(range(2010, 2024)) - set(years) == absent


def test_provinces_that_the_sources_lack_or_misread(embedded: Panel) -> None:
    energy = wide(embedded, "energy").unstack()
    assert TIBET not in energy.index and energy.shape == (30, 14) and energy.notna().all(axis=None)
    assert (TIBET, 2014) not in wide(embedded, "new_product_sales").index
    assert wide(embedded, "technology_contracts_out")[TIBET].index.min() == 2017
    assert wide(embedded, "gfcf")[500000].index.min() == 1996
    power = wide(embedded, "machinery_power")
    assert {(320000, 2010), (510000, 2010)}.isdisjoint(power.index)
    # The residual lies where the neighbouring years say it should.
    assert power[ANHUI, 2010] < power[ANHUI, 2011] < power[ANHUI, 2012]


def test_national_figures(embedded: Panel) -> None:
    table = Checks(embedded).national().set_index("variable")
    names = ["rd_personnel", "researchers", "rd_expenditure", "rd_basic", "rd_government"]
    for name in names:
        assert table.loc[name, "year"].tolist() == list(range(2010, 2024))
    # Percent: rounding of printed figures.
    assert table.loc[names, "difference"].abs().max() < 0.0025
    patents = table[table.index.str.startswith("patent")]
    assert set(patents["verdict"]) == {"explained"}
    assert patents["difference"].between(-11, -0.3).all()
    assert patents["reason"].str.contains("Hong Kong").all()


def test_research_agrees_with_the_survey(embedded: Panel) -> None:
    row = embedded.wide(["rd_enterprise", "rd_government", "rd_expenditure"]).loc[(BEIJING, 2012)]
    other_and_foreign = 80.8393 + 47.8994  # the same table's two other columns
    parts = row["rd_enterprise"] + row["rd_government"] + other_and_foreign
    assert parts == pytest.approx(row["rd_expenditure"], abs=0.001)
    sums = embedded.wide(["rd_basic", "rd_expenditure"], years=[2023]).sum()
    assert round(100 * sums["rd_basic"] / sums["rd_expenditure"], 2) == 6.77


def test_carried_forward_figures_are_flagged(embedded: Panel) -> None:
    flags = embedded.flags(["gfcf", "investment_price"]).unstack("province")
    for variable, first, last, flag in (
        ("gfcf", 1996, 2017, "official"),
        ("gfcf", 2018, 2022, "extrapolated"),
        ("investment_price", 2020, 2022, "spliced"),
    ):
        assert set(flags[variable].loc[first:last].to_numpy().ravel()) == {flag}
