"""What the embedded tables must show for the traps of their sources to have been avoided."""

from __future__ import annotations

import pandas as pd
import pytest

from nqpf.data import Catalogue, Panel
from nqpf.data.quality import Checks
from nqpf.errors import VintageError
from nqpf.provinces import codes

BEIJING, TIANJIN, SHANGHAI, GUANGDONG, TIBET = 110000, 120000, 310000, 440000, 540000
# Gross regional product per person in 2023, yuan (National Data, after the fifth census).
PER_PERSON_2023 = {
    110000: 216722, 120000: 126232, 130000: 61649, 140000: 74999, 150000: 104317, 210000: 74925,
    220000: 59495, 230000: 53468, 310000: 207193, 320000: 153658, 330000: 129687, 340000: 78752,
    350000: 130932, 360000: 72271, 370000: 92878, 410000: 61592, 420000: 97234, 430000: 76932,
    440000: 108745, 450000: 54599, 460000: 73335, 500000: 95610, 510000: 73293, 520000: 55728,
    530000: 65334, 540000: 69489, 610000: 85929, 620000: 49811, 630000: 64747, 640000: 73696,
    650000: 75616,
}  # fmt: skip


@pytest.fixture(scope="module")
def panel(embedded: Panel) -> Panel:
    return embedded


@pytest.fixture(scope="module")
def catalogue(panel: Panel) -> Catalogue:
    return panel.catalogue


@pytest.fixture(scope="module")
def national(panel: Panel) -> pd.DataFrame:
    return Checks(panel).national()


def series(panel: Panel, variable: str, province: int, vintage: str = "census5") -> pd.Series:
    return panel.wide([variable], vintage=vintage)[variable].xs(province, level="province").dropna()


def sums(panel: Panel, variable: str, vintage: str = "census5") -> pd.Series:
    return panel.wide([variable], vintage=vintage)[variable].groupby("year").sum(min_count=1)


def flagged(panel: Panel, variable: str) -> set[tuple[int, int]]:
    flags = panel.flags([variable])[variable]
    return set(flags[flags == "break"].index)


def test_vintages_of_gdp_are_kept_apart(panel: Panel) -> None:
    for vintage, expected in {
        "census5": [132547.1, 45222.4],
        "census4": [129513.6, 41540.9],
    }.items():
        found = [series(panel, "gdp", code, vintage)[2022] for code in (GUANGDONG, BEIJING)]
        assert found == expected
    with pytest.raises(VintageError, match="no vintage 'first'.*never mixed"):
        panel.wide(["gdp"], vintage="first")


@pytest.mark.parametrize("vintage", ["census4", "census5"])
def test_tianjin_does_not_fall_from_2018_to_2019(panel: Panel, vintage: str) -> None:
    # Files that mix vintages go from 18,809.6 to 14,104.3.
    tianjin = series(panel, "gdp", TIANJIN, vintage)
    assert tianjin[2018] < tianjin[2019] < 1.06 * tianjin[2018]
    growth = panel.wide(["gdp"], vintage=vintage)["gdp"].groupby("province").pct_change().dropna()
    assert growth.between(-0.12, 0.3).all()


def test_no_figure_of_gdp_comes_from_a_file_that_mixes_vintages(catalogue: Catalogue) -> None:
    mixing = {"yearbooks_gdp", "yearbooks_merged", "nbs_merged"}
    entry = catalogue.variables["gdp"]
    assert not mixing & {s.source for s in [*entry.segments, *entry.second]}
    assert {s.vintage for s in entry.segments} == {"census4", "census5"}


def test_industries_add_up_to_gdp_of_their_vintage(panel: Panel) -> None:
    parts = [f"value_added_{name}" for name in ("primary", "secondary", "tertiary")]
    wide = panel.wide(["gdp", *parts], years=range(2019, 2024))
    assert len(wide.dropna()) == 155
    assert (wide[parts].sum(axis=1) - wide["gdp"]).abs().max() < 0.11


def test_shares_are_first_figures_and_say_where_their_basis_changes(panel: Panel) -> None:
    shares = [f"share_{name}" for name in ("primary", "secondary", "tertiary")]
    for share in shares:
        assert flagged(panel, share) == {(c, y) for c in codes() for y in (2014, 2019)}
    # Tianjin's tertiary share moves by five points where the fourth census enters.
    tianjin = series(panel, "share_tertiary", TIANJIN)
    assert tianjin[2019] - tianjin[2018] > 4.5
    assert (panel.wide(shares).dropna().sum(axis=1) - 100).abs().max() < 0.11


def test_shifted_index_is_not_used(panel: Panel, catalogue: Catalogue) -> None:
    used = {
        (s.source, s.item)
        for entry in catalogue.variables.values()
        for s in [*entry.segments, *entry.second]
    }
    assert not any(key == "nbs_merged" and "指数" in item for key, item in used)
    # In the shifted column Hubei's fall of 2020 stands in 2021.
    hubei = series(panel, "gdp_index", 420000)
    assert hubei[2020] < 96 and hubei[2021] > 112


def test_index_changes_its_vintage_in_2016_and_says_so(panel: Panel) -> None:
    assert flagged(panel, "gdp_index") == {(code, 2016) for code in codes()}
    assert series(panel, "gdp_index", TIANJIN)[2016] == 105.8  # first published as 109.1


def test_population_after_the_census(panel: Panel) -> None:
    assert series(panel, "population", BEIJING)[2020] == 2189
    assert sums(panel, "population")[2020] == 141013
    # Not the sample-survey counts of another file, a thousandth of the population.
    assert panel.wide(["population"])["population"].between(300, 13000).all()


def test_population_of_2023_follows_from_gdp_per_person(panel: Panel) -> None:
    population = panel.wide(["population"])["population"].unstack()
    gdp = panel.wide(["gdp"])["gdp"].unstack()[2023] * 1e4
    per_person = pd.Series(PER_PERSON_2023)
    identity = 2 * gdp / per_person - population[2022]
    rounding = 2 * 500 / per_person + gdp / per_person**2  # of 0.05 in GDP and 0.5 yuan
    assert len(identity) == 31
    assert ((population[2023] - identity).abs() < rounding + 0.02).all()
    assert population.loc[[GUANGDONG, BEIJING], 2023].tolist() == [12706, 2186]


@pytest.mark.parametrize(
    ("province", "year", "change"),
    [
        (340000, 2020, -0.26),
        (630000, 2020, -0.155),
        (430000, 2020, -0.105),
        (TIANJIN, 2011, 0.30),
        (SHANGHAI, 2011, 0.19),
        (SHANGHAI, 2013, 0.23),
        (BEIJING, 2021, -0.08),
    ],
)
def test_breaks_of_employment(panel: Panel, province: int, year: int, change: float) -> None:
    employment = series(panel, "employment", province)
    assert employment[year] / employment[year - 1] - 1 == pytest.approx(change, abs=0.006)
    assert (province, year) in flagged(panel, "employment")


def test_every_step_of_employment_above_a_tenth_is_flagged(panel: Panel) -> None:
    growth = panel.wide(["employment"])["employment"].groupby("province").pct_change().abs()
    steps = set(growth[growth > 0.10].index)
    assert steps and steps <= flagged(panel, "employment")


def test_industries_of_employment_add_up_or_are_left_out(panel: Panel) -> None:
    parts = [f"employment_{name}" for name in ("primary", "secondary", "tertiary")]
    wide = panel.wide(["employment", *parts]).dropna()
    assert ((wide[parts].sum(axis=1) / wide["employment"] - 1).abs() < 0.001).all()
    assert {(610000, 2015), (650000, 2015), (210000, 2019)}.isdisjoint(wide.index)
    assert (150000, 2015) not in wide.index and (150000, 2020) in wide.index


def test_urban_units_are_not_total_employment(panel: Panel) -> None:
    wide = panel.wide(["employment", "urban_unit_employment"]).dropna()
    assert (wide["urban_unit_employment"] < wide["employment"]).all()
    assert 160 <= sums(panel, "urban_unit_employment")[2023] / 100 <= 165


def test_telecom_volume_is_flagged_where_its_base_changes_and_never_spliced(panel: Panel) -> None:
    total = sums(panel, "telecom_volume")
    expected = {2015: 23346, 2016: 15617, 2020: 136557, 2021: 17055}
    assert {year: round(total[year]) for year in expected} == expected
    assert flagged(panel, "telecom_volume") == {(c, y) for c in codes() for y in (2016, 2021)}


def test_emissions(panel: Panel) -> None:
    total, industrial = sums(panel, "so2"), sums(panel, "so2_industrial")
    for year, value in {2010: 2185.1, 2015: 1859.1, 2016: 854.9, 2020: 318.2, 2021: 274.8}.items():
        assert round(total[year], 1) == value
    for year, value in {2010: 1864.2, 2015: 1556.6, 2016: 770.3, 2020: 252.6, 2022: 183.4}.items():
        assert round(industrial[year], 1) == value
    assert (panel.frame.query("variable in ['so2', 'so2_industrial']")["value"] > 0).all()
    both = panel.wide(["so2", "so2_industrial"]).dropna()
    assert len(both) == 360
    assert (both["so2_industrial"] <= both["so2"]).all()


def test_mislabelled_and_extrapolated_columns_are_not_used(catalogue: Catalogue) -> None:
    items = {
        (s.source, s.item)
        for entry in catalogue.variables.values()
        for s in [*entry.segments, *entry.second]
    }
    allowed = {
        "environment_did": {"gdp", "sec_val", "industrial_so2", "env_expenditure"},
        "energy_gtmp": {"能源投入"},
        "green_origin": {"二氧化硫排放总量"},
        "nbs_merged": {"城镇化率", "税收收入", "城镇单位就业人员", "第二产业比重"},
        "generation": {"发电量", "火力发电量", "水力发电量"},
        "industry_above_scale": {"新产品销售收入"},
    }
    for key, names in allowed.items():
        assert {item for used, item in items if used == key} == names
    assert catalogue.sources["industry_above_scale"].options["sheet"] == "Sheet1"


def test_energy_has_no_tibet_and_flags_the_two_new_conventions(panel: Panel) -> None:
    energy = panel.wide(["energy"])["energy"].unstack()
    assert TIBET not in energy.index
    assert energy.shape == (30, 14) and energy.notna().all(axis=None)
    assert flagged(panel, "energy") == {(500000, 2020), (510000, 2020)}


def test_environmental_expenditure(panel: Panel) -> None:
    total = sums(panel, "environment_expenditure")
    assert (round(total[2010]), round(total[2019])) == (2372, 6969)
    # The file went through single precision; the figures have two decimals again.
    values = panel.wide(["environment_expenditure"], years=[2019])["environment_expenditure"]
    assert (values - values.round(4)).abs().max() < 1e-9


def test_generation(panel: Panel) -> None:
    assert round(sums(panel, "electricity")[2022]) == 88489
    assert round(sums(panel, "electricity_hydro")[2023]) == 12858
    wide = panel.wide(["electricity", "electricity_thermal", "electricity_hydro"]).dropna()
    parts = wide["electricity_thermal"] + wide["electricity_hydro"]
    assert (parts <= 1.005 * wide["electricity"] + 1).all()


def test_new_product_sales(panel: Panel) -> None:
    total = sums(panel, "new_product_sales")
    for year, value in {2012: 110529.8, 2015: 150856.5, 2020: 238073.7}.items():
        assert round(total[year], 1) == value
    assert 2014 not in series(panel, "new_product_sales", TIBET).index


def test_students_are_persons_in_one_file_and_ten_thousands_in_the_other(panel: Panel) -> None:
    growth = panel.wide(["students_higher"])["students_higher"].groupby("province").pct_change()
    assert growth.dropna().between(-0.1, 0.2).all()


def test_budget_figures_nest(panel: Panel) -> None:
    wide = panel.wide(["tax_revenue", "budget_revenue", "budget_expenditure"]).dropna()
    assert len(wide) == 248
    assert (wide["tax_revenue"] < wide["budget_revenue"]).all()


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
def test_provinces_add_up_to_the_nation(national: pd.DataFrame, variable: str) -> None:
    rows = national[national["variable"] == variable]
    assert rows["year"].tolist() == list(range(2010, 2024))
    assert rows["difference"].abs().max() < 0.0025  # percent: rounding of printed figures


def test_patents_fall_short_by_hong_kong_macao_and_taiwan(national: pd.DataFrame) -> None:
    rows = national[national["variable"].str.startswith("patent")]
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
