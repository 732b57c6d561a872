"""The project's cards on the real panel: units, magnitudes, coverage and plain sense."""

import re

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.errors import DataError
from nqpf.index import Recipe
from nqpf.systems import System, available
from nqpf.systems.formula import Formula

YEARS = range(2013, 2024)


def size(unit):
    """Return a unit in base units: yuan, persons, tonnes, tce, kWh."""
    number, million = re.match(r"([\d,]*) ?(million)?", unit).groups()
    factor = float(number.replace(",", "") or 1) * (1e6 if million else 1)
    return factor / 1000 if unit == "kg" else factor


# Not what their units say, where the part of a whole is a quarter of it.
PARTS = {"electricity_thermal": 0.25, "patent_grants_invention": 0.25}
BY_HAND = {"invention_grant_share": 25, "product_patent_density": 7500, "nonthermal_share": 75}
BY_HAND |= {"technology_self_reliance": 50, "urbanisation_rate": 1}

# The fifteen of the survey by sample; plain sense is asked of these, not of a reader's own.
ELEMENTS = ["dong-2024", "gong-2024", "han-2024", "li-li-2024", "wang-wang-2024", "zou-2024"]
WITH_SOFTWARE = ["liu-2024", "lu-2024", "lu-guo-2024", "ren-2024", "wu-2024", "yang-hong-2024"]
SURVEYED = [*ELEMENTS, *WITH_SOFTWARE, "dai-2024", "jiang-qiao-2024", "jin-2024"]


@pytest.fixture(scope="module")
def matrices(embedded):
    return {key: System.load(key).evaluate(embedded) for key in available()}


# Telecom volume changes its price base, sector shares with each census, without a vintage.
AVOIDED = {"telecom_volume", "share_primary", "share_secondary", "share_tertiary"}


def test_indicators_have_the_units_they_claim_and_bases_that_last(embedded, matrices):
    index = pd.MultiIndex.from_tuples([(110000, 2022)])
    for matrix in matrices.values():
        system = matrix.system
        assert not AVOIDED & set(system.variables)
        units = {name: size(embedded.catalogue.unit(name)) for name in system.variables}
        ones = {name: PARTS.get(name, 1) / base for name, base in units.items()}
        for name, formula in system.formulas.items():
            above, _, below = system.indicators[name].unit.partition(" per ")
            expected = BY_HAND.get(name, 100 if above == "%" else size(below) / size(above))
            found = formula.evaluate(pd.DataFrame(ones, index)).item()
            assert found == pytest.approx(expected, rel=1e-12), name


def test_shares_stay_in_their_bounds(matrices):
    """A share says so in its name; the other percentages may exceed 100."""
    found = set()
    for matrix in matrices.values():
        assert (matrix.values.to_numpy() > 0).all()
        own = matrix.system.indicators.items()
        shares = [name for name, one in own if one.name.en.startswith("share of ")]
        shares += [name for name, _ in own if name == "technology_self_reliance"]
        assert (matrix.values[shares] < 100).all(axis=None)
        found.update(shares)
    assert len(found) == 12


RATIOS = {"rd_expenditure / gdp * 100": (2.4, 2.7), "rd_personnel / employment": (80, 93)}
RATIOS |= {"students_higher / population * 10000": (250, 270), "energy / gdp": (0.40, 0.52)}
RATIOS |= {"technology_contracts_out / gdp * 100": (3.4, 4.2)}
RATIOS |= {"rd_basic / rd_expenditure * 100": (6.5, 6.65)}
RATIOS |= {"patent_grants_invention / patent_grants * 100": (15, 20)}
RATIOS |= {"rail_length / road_length * 100": (2.8, 3.0), "fertiliser / gdp * 1000": (3.9, 4.4)}
RATIOS |= {"value_added_secondary / gdp * 100": (36, 41)}


def test_national_magnitudes_are_those_that_are_published(embedded):
    """Ratios of provincial sums in 2022 beside the national statements of that year.

    R&D 2.5-2.6 % of GDP, 6.57 % of it basic; full-time equivalents 6.35 million among 733.5
    million employed; 36.6 million students and 1.41 billion residents; technology contracts of
    about 4 % of GDP; energy 5.41 billion tce; 798,000 inventions among 4.3 million patents
    granted; 155,000 km of rail and 5.355 million km of road; 50.8 million tonnes of
    fertiliser; secondary industry 38-40 % of GDP. Bounds leave room for census revisions of
    GDP and for provinces that do not add up to the nation.
    """
    total = embedded.wide(embedded.variables, [2022]).sum().to_frame().T
    for ratio, (low, high) in RATIOS.items():
        assert low < Formula.parse(ratio).evaluate(total).item() < high, ratio


@pytest.mark.parametrize("key", SURVEYED)
def test_cards_cover_what_their_notes_say(embedded, key):
    """30 provinces of 2013-2022 but for Qinghai in 2021 are the common ground of the comparison."""
    matrix = System.load(key).evaluate(embedded, years=YEARS)
    dropped = matrix.dropped[matrix.dropped["province"] != 540000].to_dict("records")
    gaps = [2021, 2023] if key in WITH_SOFTWARE else []
    lacking = [{"province": 630000, "year": y, "reason": "missing: software_revenue"} for y in gaps]
    if key in ELEMENTS:
        assert len(matrix.values) == 31 * 11 - 1 and not dropped
        tibet = {"province": 540000, "year": 2014, "reason": "missing: new_product_sales"}
        assert matrix.dropped.to_dict("records") == [tibet]
        assert matrix.balanced().sample.startswith("30 provinces, 2013-2023, 330 province-years")
    elif key == "jin-2024":
        assert matrix.years == list(range(2013, 2023)) and len(matrix.values) == 30 * 10 - 1
    else:
        assert matrix.provinces == [code for code in provinces.codes() if code != 540000]
        assert len(matrix.values) == 30 * 11 - len(gaps) and dropped == lacking
    assert f"{len(matrix.values)} province-years" in System.load(key).card.note


@pytest.mark.parametrize("key", SURVEYED)
def test_the_other_vintage_gives_other_values_and_ends_in_2022(embedded, matrices, key):
    system = System.load(key)
    if "value_added_secondary" in system.variables:
        with pytest.raises(DataError, match="'value_added_secondary' has no vintage 'census4'"):
            system.evaluate(embedded, years=YEARS, vintage="census4")
        assert "fifth-census vintage only" in system.card.note
        return
    four = system.evaluate(embedded, years=YEARS, vintage="census4")
    ratio = (four.values / matrices[key].values)["ecommerce_intensity"].dropna()
    assert max(four.years) == 2022 and 0.9 < ratio.min() < ratio.max() - 0.01 < 1.24


def test_plain_sense_of_the_surveyed_cards(matrices):
    """The leaders that everybody expects, few costs, and no entropy weight above two fifths.

    An unweighted mean of ranks and entropy weights by their definition: no method of the
    library has a part in it.
    """
    costs = set()
    for key in SURVEYED:
        matrix = matrices[key]
        costs |= set(matrix.benefit.index[~matrix.benefit])
        x = matrix.values.where(matrix.benefit, -matrix.values, axis="columns")
        ranks = x.xs(2022, level="year").rank().mean(axis="columns").sort_values(ascending=False)
        leaders = {provinces.name(code) for code in ranks.index[:6]}
        assert len(leaders & {"Beijing", "Shanghai", "Guangdong", "Jiangsu", "Zhejiang"}) >= 4
        z = (x - x.min()) / (x.max() - x.min())
        p = z / z.sum()
        entropy = -(p * np.log(p.where(p > 0, 1))).sum() / np.log(len(p))
        weight = (1 - entropy) / (1 - entropy).sum()
        assert 0 < weight.min() < weight.max() < 0.4
    kinds = ("energy", "so2", "industrial_so2", "fertiliser")
    assert costs == {f"{kind}_intensity" for kind in kinds}


@pytest.mark.parametrize("key", ELEMENTS)
def test_water_and_a_small_economy_do_not_lead(matrices, key):
    """Tibet came fourth when the share of generation that is not thermal was an element.

    Technology bought is large against its small GDP. It is left in han-2024, which adds
    linearly; TOPSIS, not that study's method, would lift Tibet there (docs/cards.md).
    """
    for aggregate in ("linear", "topsis"):
        index = Recipe(weights="entropy", aggregate=aggregate).fit(matrices[key])
        ranks = pd.DataFrame({year: index.rank(year) for year in YEARS})
        least = 10 if (key, aggregate) == ("han-2024", "topsis") else 25
        assert ranks.loc[540000].min() > least and (ranks.loc[110000] <= 2).all()
