"""What the embedded tables must show for the traps of their sources to have been avoided."""

import pandas as pd
import pytest

from nqpf.data.quality import Checks
from nqpf.provinces import codes

BEIJING, TIANJIN, SHANGHAI, ANHUI, HUBEI = 110000, 120000, 310000, 340000, 420000
GUANGDONG, TIBET = 440000, 540000
INDUSTRIES = ("primary", "secondary", "tertiary")
RESEARCH = ("expenditure", "enterprise", "government")
WORST = [pytest.approx(worst) for worst in (1.9671, 0.1, 0.1, 1.0)]  # sums less totals
# Gross regional product per person in 2023, yuan (National Data, after the fifth census),
# in the order of the codes.
PER_PERSON_2023 = """
216722 126232 61649 74999 104317 74925 59495 53468 207193 153658 129687 78752 130932 72271
92878 61592 97234 76932 108745 54599 73335 95610 73293 55728 65334 69489 85929 49811 64747
73696 75616
"""


def wide(embedded, variable, vintage="census5"):
    return embedded.wide([variable], vintage=vintage)[variable].dropna()


def flagged(embedded, variable):
    broken = embedded.breaks([variable])
    return set(broken.index[broken])


SINCE_2016 = ["broadband_ports", "domain_names", "mobile_traffic", "optical_cable", "it_services"]
SINCE_2016 += ["software_business", "electricity_consumption"]

# Variable, then years and sums; the prices of telecommunication change and are never spliced.
SUMS = """
population 2020 141013 2024 140628
telecom_volume 2015 23346 2016 15617 2020 136557 2021 17055
so2 2010 2185.1 2015 1859.1 2016 854.9 2020 318.2 2021 274.8
so2_industrial 2010 1864.2 2015 1556.6 2016 770.3 2020 252.6 2022 183.4
environment_expenditure 2010 2372 2019 6969
electricity 2022 88489
electricity_hydro 2023 12858
new_product_sales 2012 110529.8 2015 150856.5 2020 238073.7 2024 354694.3
rd_basic 2023 2259.12
gdp 2024 1337605.8
rd_expenditure 2024 36326.8
ecommerce_sales 2024 386543.8
fertiliser 2024 4988.2
employment 2024 73439
pct_applications 2016 41166 2022 68046 2023 67425
marine_product 2022 35141.5 2024 62048.4
"""


@pytest.mark.parametrize("line", SUMS.strip().split("\n"))
def test_sums_of_the_provinces(embedded, line):
    variable, *pairs = line.split()
    sums = wide(embedded, variable).groupby("year").sum()
    for year, printed in zip(pairs[::2], pairs[1::2], strict=True):
        assert f"{sums[int(year)]:.{len(printed.partition('.')[2])}f}" == printed


GDP_2022 = {"census5": [45222.4, 132547.1], "census4": [41540.9, 129513.6]}
FIGURES = {("gdp_index", "", TIANJIN, 2016): 105.8}  # first published as 109.1
FIGURES |= {("population", "", BEIJING, 2020): 2189, ("population", "", BEIJING, 2023): 2186}
FIGURES |= {("population", "", GUANGDONG, 2023): 12706}


def test_printed_figures(embedded):
    frame = embedded.frame.set_index(["variable", "vintage", "province", "year"])["value"]
    assert {key: frame[key] for key in FIGURES} == FIGURES
    assert frame["capital_stock", "", BEIJING, 2022] == pytest.approx(40271.136, abs=0.0005)
    for vintage, figures in GDP_2022.items():
        assert [frame["gdp", vintage, code, 2022] for code in (BEIJING, GUANGDONG)] == figures
    # Research of Beijing in 2012; the other and foreign funds are of the same printed table.
    total, *parts = (frame[f"rd_{name}", "", BEIJING, 2012] for name in RESEARCH)
    assert sum(parts) + 80.8393 + 47.8994 == pytest.approx(total, abs=0.001)


def test_product_of_2024_is_that_after_the_fifth_census(embedded):
    gdp = wide(embedded, "gdp")
    assert gdp[BEIJING, 2024] == 49670.2  # 49,843.1 in the preliminary vintage
    assert wide(embedded, "gdp", "census4").index.unique("year").max() == 2022
    parts = embedded.wide([f"value_added_{name}" for name in INDUSTRIES], years=[2024])
    assert len(parts) == 31 and (parts.sum(axis=1) - gdp.loc[:, [2024]]).abs().max() < 0.15
    # The bulletin prints spending over the preliminary product.
    spent = wide(embedded, "rd_expenditure")[BEIJING, 2024]
    assert wide(embedded, "rd_intensity")[BEIJING, 2024] == 6.58 < 100 * spent / 49670.2 - 0.01


def test_what_begins_in_2016_or_lacks_provinces(embedded):
    since = embedded.frame[embedded.frame["variable"].isin(SINCE_2016)]
    span = since.groupby("variable")["year"].agg(["min", "max"])
    assert len(span) == len(SINCE_2016) and (span == [2016, 2024]).all(axis=None)
    assert (since["value"] > 0).all()
    ends = {name: set(codes()) - set(rows["province"]) for name, rows in since.groupby("variable")}
    assert ends.pop("electricity_consumption") == {640000, 650000}
    assert ends.pop("software_business") == ends.pop("it_services") == {TIBET}
    assert set(map(len, ends.values())) == {0}
    assert (since.groupby(["variable", "province"]).size() == 9).all()
    income = wide(embedded, "disposable_income").groupby("province").pct_change().dropna()
    assert len(income) == 31 * 11 and income.between(-0.02, 0.16).all()
    services = embedded.wide(["it_services", "software_business"]).dropna()
    assert (services["it_services"] <= services["software_business"]).all()


@pytest.mark.parametrize("vintage", ["census4", "census5"])
def test_tianjin_does_not_fall_from_2018_to_2019(embedded, vintage):
    # Files that mix vintages go from 18,809.6 to 14,104.3.
    gdp = wide(embedded, "gdp", vintage)
    assert gdp[TIANJIN, 2018] < gdp[TIANJIN, 2019] < 1.06 * gdp[TIANJIN, 2018]
    assert gdp.groupby("province").pct_change().dropna().between(-0.12, 0.3).all()


ITEMS = {"environment_did": {"gdp", "sec_val", "industrial_so2", "env_expenditure"}}
ITEMS |= {"energy_gtmp": {"能源投入"}, "green_origin": {"二氧化硫排放总量"}}
ITEMS |= {"nbs_merged": {"城镇化率", "税收收入", "城镇单位就业人员", "第二产业比重", "就业人员数"}}
ITEMS |= {"generation": {"发电量", "火力发电量", "水力发电量"}}
ITEMS["industry_above_scale"] = {"新产品销售收入", "研发经费", "研发人员全时当量", "有效发明专利数"}


def test_columns_that_are_mislabelled_mixed_or_extrapolated_are_not_used(embedded):
    entries, sources = embedded.catalogue.variables, embedded.catalogue.sources
    used = [one for entry in entries.values() for one in [*entry.segments, *entry.second]]
    for source, items in ITEMS.items():
        assert {one.item for one in used if one.source == source} == items
    assert sources["industry_above_scale"].options["sheet"] == "Sheet1"
    gdp = entries["gdp"]
    mixing = {"yearbooks_gdp", "yearbooks_merged", "nbs_merged"}
    assert not mixing & {one.source for one in [*gdp.segments, *gdp.second]}
    assert {one.vintage for one in gdp.segments} == {"census4", "census5"}
    index = wide(embedded, "gdp_index")  # in a shifted column Hubei's fall of 2020 stands in 2021
    assert index[HUBEI, 2020] < 96 and index[HUBEI, 2021] > 112


def everywhere(*years):
    return {(code, year) for code in codes() for year in years}


def test_a_new_basis_is_flagged(embedded):
    breaks = {f"share_{name}": everywhere(2014, 2019) for name in INDUSTRIES}
    breaks |= {"gdp_index": everywhere(2016), "telecom_volume": everywhere(2016, 2021, 2022, 2023)}
    breaks["energy"] = {(500000, 2020), (510000, 2020)}
    assert {variable: flagged(embedded, variable) for variable in breaks} == breaks
    share = wide(embedded, "share_tertiary")  # where the fourth census enters
    assert share[TIANJIN, 2019] - share[TIANJIN, 2018] > 4.5


def test_parts_add_up(embedded):
    table = Checks(embedded).adding_up()
    # Research of Zhejiang in 2015 (by 0.01) and of Shanghai in 2021, as in the yearbook.
    assert table["off"].tolist() == [2, 0, 0, 2] and table["worst"].tolist() == WORST
    assert (table["figures"] >= [31 * 14, 155, 400, 300]).all()
    parts = embedded.wide([f"employment_{name}" for name in INDUSTRIES]).dropna().sum(axis=1)
    gaps = (parts / wide(embedded, "employment") - 1).dropna()
    assert gaps.abs().max() < 0.001 and (150000, 2020) in gaps.index
    # What does not add up is left out.
    assert {(610000, 2015), (650000, 2015), (210000, 2019), (150000, 2015)}.isdisjoint(gaps.index)


def test_population_of_2023_follows_from_gdp_per_person(embedded):
    population = wide(embedded, "population").unstack()
    assert population.stack().between(300, 13000).all()  # no counts of a sample survey
    gdp = wide(embedded, "gdp").unstack()[2023] * 1e4
    per_person = pd.Series(map(int, PER_PERSON_2023.split()), codes())
    identity = 2 * gdp / per_person - population[2022]
    rounding = 2 * 500 / per_person + gdp / per_person**2  # of 0.05 in GDP and 0.5 yuan
    assert len(identity) == 31 and ((population[2023] - identity).abs() < rounding + 0.02).all()


def test_breaks_of_employment(embedded):
    growth = wide(embedded, "employment").groupby("province").pct_change()
    changes = {(ANHUI, 2020): -0.26, (630000, 2020): -0.155, (430000, 2020): -0.105}
    changes |= {(TIANJIN, 2011): 0.30, (SHANGHAI, 2011): 0.19, (SHANGHAI, 2013): 0.23}
    changes[BEIJING, 2021] = -0.08
    assert {place: growth[place] for place in changes} == pytest.approx(changes, abs=0.006)
    assert {*changes, *growth.index[growth.abs() > 0.10]} <= flagged(embedded, "employment")


def test_one_is_part_of_the_other(embedded):
    wholes = {"urban_unit_employment": "employment", "so2_industrial": "so2"}
    for part, whole in (wholes | {"tax_revenue": "budget_revenue"}).items():
        both = embedded.wide([part, whole]).dropna()
        assert len(both) >= 248 and (both[part] <= both[whole]).all()
    urban = wide(embedded, "urban_unit_employment").groupby("year").sum()
    assert 160 <= urban[2023] / 100 <= 165
    power = embedded.wide(["electricity", "electricity_thermal", "electricity_hydro"]).dropna()
    parts = power["electricity_thermal"] + power["electricity_hydro"]
    assert (parts <= 1.005 * power["electricity"] + 1).all()
    assert (wide(embedded, "so2_industrial") > 0).all()


def test_units_and_digits_of_files_leave_no_trace(embedded):
    # The file went through single precision; the figures have two decimals again.
    spent = wide(embedded, "environment_expenditure").loc[:, 2019]
    assert (spent - spent.round(4)).abs().max() < 1e-9
    # Persons in one file and ten thousands in the other; tonnes and 10,000 tonnes in one.
    students = wide(embedded, "students_higher").groupby("province").pct_change().dropna()
    assert students.between(-0.1, 0.2).all()
    for variable in ("pesticide", "plastic_film"):
        total = wide(embedded, variable).unstack().dropna()[[2021, 2022]].sum()
        assert 0.9 < total[2022] / total[2021] < 1.1


def test_years_and_provinces_that_the_sources_lack_or_misread(embedded):
    absent = dict.fromkeys(["hightech_revenue", "hightech_profit", "hightech_firms"], {2017})
    absent |= {"technology_contracts_in": {2011}, "sci_papers": {2023}, "rd_personnel": set()}
    for variable, years in absent.items():
        assert set(range(2010, 2024)) - set(wide(embedded, variable).index.unique("year")) == years
    energy = wide(embedded, "energy").unstack()
    assert TIBET not in energy.index and energy.shape == (30, 14) and energy.notna().all(axis=None)
    assert (TIBET, 2014) not in wide(embedded, "new_product_sales").index
    assert wide(embedded, "technology_contracts_out")[TIBET].index.min() == 2017
    assert wide(embedded, "gfcf")[500000].index.min() == 1996
    power = wide(embedded, "machinery_power")
    assert {(320000, 2010), (510000, 2010)}.isdisjoint(power.index)
    # The residual lies where the neighbouring years say it should.
    assert power[ANHUI, 2010] < power[ANHUI, 2011] < power[ANHUI, 2012]


def test_national_figures(embedded):
    table = Checks(embedded).national().set_index("variable")
    wrong = table[table["verdict"] == "differs"]
    assert wrong.empty, wrong[["vintage", "year", "difference"]].to_string()
    names = ["rd_personnel", "researchers", "rd_expenditure", "rd_basic", "rd_government"]
    for name in names:
        last = 2025 if name == "rd_expenditure" else 2024
        assert sorted(table.loc[name, "year"]) == list(range(2010, last))
    # Percent: rounding of printed figures.
    assert table.loc[names, "difference"].abs().max() < 0.0025
    patents = table[table.index.str.startswith("patent")]
    assert set(patents["verdict"]) == {"explained"}
    assert patents["difference"].between(-11, -0.3).all()
    assert patents["reason"].str.contains("Hong Kong").all()


def test_carried_forward_figures_are_flagged(embedded):
    flags = embedded.flags(["gfcf", "investment_price"]).unstack("province")
    spans = {("gfcf", 1996, 2017): "official", ("gfcf", 2018, 2022): "extrapolated"}
    spans["investment_price", 2020, 2022] = "spliced"
    for (variable, first, last), flag in spans.items():
        assert set(flags[variable].loc[first:last].to_numpy().ravel()) == {flag}
