"""The project's cards on the real panel: units, magnitudes, coverage and plain sense."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.data import Panel
from nqpf.systems import System, available

YEARS = range(2013, 2024)
# One canonical unit in base units: yuan, persons, tonnes, tce, kWh.
BASE = {
    "100 million yuan": 1e8,
    "10,000 persons": 1e4,
    "person-years": 1,
    "items": 1,
    "10,000 t": 1e4,
    "10,000 tce": 1e4,
    "100 million kWh": 1e8,
    "%": 1,
}
# Each indicator from base units, with the factor that its unit names.
BY_HAND = {
    "rd_personnel_density": ("person-years per 10,000 employed persons",
                             lambda b: b.rd_personnel / b.employment * 1e4),
    "student_density": ("students per 10,000 persons",
                        lambda b: b.students_higher / b.population * 1e4),
    "labour_productivity": ("10,000 yuan per employed person",
                            lambda b: b.gdp / b.employment / 1e4),
    "education_budget_share": ("%", lambda b: b.education_expenditure / b.budget_expenditure * 100),
    "rd_intensity": ("%", lambda b: b.rd_expenditure / b.gdp * 100),
    "enterprise_rd_share": ("%", lambda b: b.rd_enterprise / b.rd_expenditure * 100),
    "invention_patent_density": ("items per 10,000 persons",
                                 lambda b: b.patents_in_force_invention / b.population * 1e4),
    "technology_turnover": ("%", lambda b: b.technology_contracts_out / b.gdp * 100),
    "technology_absorption": ("%", lambda b: b.technology_contracts_in / b.gdp * 100),
    "new_product_intensity": ("%", lambda b: b.new_product_sales / b.gdp * 100),
    "urbanisation_rate": ("%", lambda b: b.urbanisation),
    "software_intensity": ("%", lambda b: b.software_revenue / b.gdp * 100),
    "ecommerce_intensity": ("%", lambda b: b.ecommerce_sales / b.gdp * 100),
    "nonthermal_share": ("%", lambda b: (1 - b.electricity_thermal / b.electricity) * 100),
    "energy_intensity": ("tce per 10,000 yuan", lambda b: b.energy / b.gdp * 1e4),
    "so2_intensity": ("t per 100 million yuan", lambda b: b.so2_industrial / b.gdp * 1e8),
    "environment_budget_share": ("%",
                                 lambda b: b.environment_expenditure / b.budget_expenditure * 100),
}  # fmt: skip


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.load(extra=False)


@pytest.mark.parametrize("key", available())
def test_indicators_have_the_units_they_claim(panel, key):
    system = System.load(key)
    values = system.evaluate(panel).values
    factors = {name: BASE[panel.catalogue.unit(name)] for name in system.variables}
    base = panel.wide(system.variables).loc[values.index] * pd.Series(factors)
    for name, shared in system.indicators.items():
        unit, formula = BY_HAND[name]
        assert shared.unit == unit
        np.testing.assert_allclose(values[name], formula(base), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("key", available())
def test_shares_stay_in_their_bounds(panel, key):
    values = System.load(key).evaluate(panel).values
    assert (values.to_numpy() > 0).all()
    for name in values.columns.intersection(
        ["education_budget_share", "enterprise_rd_share", "urbanisation_rate", "nonthermal_share"]
    ):
        assert values[name].max() < 100


def test_national_magnitudes_are_those_that_are_published(panel):
    """Ratios of provincial sums in 2022 beside the national statements of that year.

    R&D 2.5-2.6 % of GDP; full-time equivalents 6.35 million among 733.5 million employed;
    36.6 million students and 1.41 billion residents; technology contracts of about 4 % of
    GDP; energy 5.41 billion tce. Bounds leave room for census revisions of GDP and
    for provinces that do not add up to the nation.
    """
    total = panel.wide(
        ["gdp", "rd_expenditure", "rd_personnel", "employment", "students_higher", "population",
         "technology_contracts_out", "energy"], [2022]
    ).sum()  # fmt: skip
    assert 2.4 < total.rd_expenditure / total.gdp * 100 < 2.7
    assert 80 < total.rd_personnel / total.employment < 93
    assert 250 < total.students_higher / total.population * 1e4 < 270
    assert 3.4 < total.technology_contracts_out / total.gdp * 100 < 4.2
    assert 0.40 < total.energy / total.gdp < 0.52


@pytest.mark.parametrize("key", ["wang-wang-2024", "dong-2024"])
def test_three_elements_cover_31_provinces_but_for_tibet_in_2014(panel, key):
    matrix = System.load(key).evaluate(panel, years=YEARS)
    assert len(matrix.values) == 31 * 11 - 1
    assert matrix.dropped.to_dict("records") == [
        {"province": 540000, "year": 2014, "reason": "missing: new_product_sales"}
    ]
    assert matrix.balanced().sample.startswith("30 provinces, 2013-2023, 330 province-years")


def test_technological_green_digital_covers_30_provinces(panel):
    matrix = System.load("lu-guo-2024").evaluate(panel, years=YEARS)
    assert matrix.provinces == [code for code in provinces.codes() if code != 540000]
    assert len(matrix.values) == 30 * 11 - 2
    others = matrix.dropped[matrix.dropped["province"] != 540000]
    assert others.to_dict("records") == [
        {"province": 630000, "year": year, "reason": "missing: software_revenue"}
        for year in (2021, 2023)
    ]
    assert not matrix.benefit[["energy_intensity", "so2_intensity"]].any()
    assert matrix.benefit.sum() == 9


@pytest.mark.parametrize("key", available())
def test_the_other_vintage_gives_other_values_and_ends_in_2022(panel, key):
    five = System.load(key).evaluate(panel, years=YEARS)
    four = System.load(key).evaluate(panel, years=YEARS, vintage="census4")
    assert four.years == list(range(2013, 2023))
    both = four.values.index.intersection(five.values.index)
    ratio = four.values.loc[both, "rd_intensity"] / five.values.loc[both, "rd_intensity"]
    assert 0.9 < ratio.min() < ratio.max() < 1.25
    assert ratio.max() - ratio.min() > 0.01


@pytest.mark.parametrize("key", available())
def test_the_provinces_that_everybody_expects_lead_by_a_plain_mean(panel, key):
    """An unweighted mean of ranks: no method of the library has a part in it."""
    matrix = System.load(key).evaluate(panel, years=[2022])
    ranks = matrix.values.where(matrix.benefit, -matrix.values, axis="columns").rank()
    order = ranks.mean(axis="columns").droplevel("year").sort_values(ascending=False)
    leaders = {provinces.name(code) for code in order.index[:6]}
    assert len(leaders & {"Beijing", "Shanghai", "Guangdong", "Jiangsu", "Zhejiang"}) >= 4


def test_no_card_uses_a_variable_whose_basis_changes_without_a_vintage(panel):
    """Telecom volume changes its price base, sector shares change with each census."""
    avoided = {"telecom_volume", "share_primary", "share_secondary", "share_tertiary"}
    for key in available():
        assert not avoided & set(System.load(key).variables)
