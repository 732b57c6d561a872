"""The traps of the NBS exports and merged panels: each one is declared, and the figures show it."""

from __future__ import annotations

import pandas as pd
import pytest
from made_up_sources import everywhere, raw, segment, source

from nqpf.data import Panel
from nqpf.data.build import harmonise
from nqpf.data.catalogue import Catalogue
from nqpf.errors import ProvinceError, UnitError, VintageError
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
def panel() -> Panel:
    return Panel.load(extra=False)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def series(panel: Panel, variable: str, province: int, vintage: str = "census5") -> pd.Series:
    return panel.wide([variable], vintage=vintage)[variable].xs(province, level="province").dropna()


def sums(panel: Panel, variable: str, vintage: str = "census5") -> pd.Series:
    return panel.wide([variable], vintage=vintage)[variable].groupby("year").sum(min_count=1)


def flagged(panel: Panel, variable: str) -> set[tuple[int, int]]:
    flags = panel.flags([variable])[variable]
    return set(flags[flags == "break"].index)


# ------------------------------------------------------------------------------- vintages
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


# ---------------------------------------------------------------------------- gdp index
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


# ---------------------------------------------------------------------------- population
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


# ---------------------------------------------------------------------------- employment
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


# ------------------------------------------------------------------------------- digital
def test_telecom_volume_is_flagged_where_its_base_changes_and_never_spliced(panel: Panel) -> None:
    total = sums(panel, "telecom_volume")
    expected = {2015: 23346, 2016: 15617, 2020: 136557, 2021: 17055}
    assert {year: round(total[year]) for year in expected} == expected
    assert flagged(panel, "telecom_volume") == {(c, y) for c in codes() for y in (2016, 2021)}


# --------------------------------------------------------------------------- environment
def test_zeros_stand_for_missing_emissions() -> None:
    rows = raw(("安徽省", 2020, 0.0), ("北京市", 2020, 17600.0))
    declared = segment(missing=[0], factor=1e-4, gaps={340000: [2020]})
    assert harmonise(rows, source(), declared).provinces["value"].tolist() == [1.76]


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


# ---------------------------------------------------------------------- industry, schools
def test_new_product_sales(panel: Panel) -> None:
    total = sums(panel, "new_product_sales")
    for year, value in {2012: 110529.8, 2015: 150856.5, 2020: 238073.7}.items():
        assert round(total[year], 1) == value
    assert 2014 not in series(panel, "new_product_sales", TIBET).index


def test_students_are_persons_in_one_file_and_ten_thousands_in_the_other(panel: Panel) -> None:
    growth = panel.wide(["students_higher"])["students_higher"].groupby("province").pct_change()
    assert growth.dropna().between(-0.1, 0.2).all()
    rows = raw(*everywhere(2020, 602400.0))
    with pytest.raises(UnitError, match="unit '吨' is not the declared one.*expected '万人'"):
        harmonise(rows, source(), segment(unit="万人"))


# ---------------------------------------------------------------------------------- names
@pytest.mark.parametrize("label", ["西藏省", "新疆省", "广西省", "中国", "Neimenggu"])
def test_odd_labels_are_declared_one_by_one(label: str, catalogue: Catalogue) -> None:
    with pytest.raises(ProvinceError, match=f"unknown province '{label}'"):
        harmonise(raw((label, 2020, 1.0)), source(), segment())
    assert any(label in entry.aliases for entry in catalogue.sources.values())


def test_budget_figures_nest(panel: Panel) -> None:
    wide = panel.wide(["tax_revenue", "budget_revenue", "budget_expenditure"]).dropna()
    assert len(wide) == 248
    assert (wide["tax_revenue"] < wide["budget_revenue"]).all()
