"""Measures of inequality against PySAL, R packages and a printed example.

Tables that are not part of the project are looked for in the folder that NQPF_CASES names, or in
../shared/cases beside the project.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import grunfeld

from nqpf import files as paths
from nqpf.dynamics.inequality import by_year, dagum


def table(name: str) -> pd.DataFrame:
    folder = os.environ.get("NQPF_CASES") or paths.root().parent / "shared" / "cases"
    file = Path(folder) / name
    if not file.is_file():
        pytest.skip(f"{name} is not distributed with the project; NQPF_CASES names its folder")
    return pd.read_csv(file)


def peers(name: str):
    """Load one module of PySAL's inequality; the whole package draws in maps for seconds."""
    spec = importlib.util.find_spec("inequality")
    file = Path(spec.submodule_search_locations[0]) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"inequality_{name}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(y: object, groups: object = None, weights: object = None) -> pd.Series:
    """Return every measure of one sample."""
    given = [None if x is None else pd.Series(np.asarray(x)) for x in (groups, weights)]
    keys = pd.MultiIndex.from_product([range(len(y)), [1]], names=["unit", "year"])
    return by_year(pd.Series(np.asarray(y, dtype=float), keys), *given).loc[1]


def test_pysal_agrees_on_investment_of_grunfelds_firms():
    data = grunfeld.load_pandas().data
    y, firms = data["invest"].astype(float), data["firm"]
    ours, other = measured(y, firms), peers("theil").TheilD(y.to_numpy(), firms.to_numpy())
    assert dagum(y, firms).gini == pytest.approx(peers("gini").Gini(y.to_numpy()).g, rel=1e-12)
    assert ours["theil_t"] == pytest.approx(float(peers("theil").Theil(y.to_numpy()).T), rel=1e-12)
    assert ours["theil_t_between"] == pytest.approx(float(np.squeeze(other.bg)), rel=1e-12)
    assert ours["theil_t_within"] == pytest.approx(float(np.squeeze(other.wg)), rel=1e-12)


# What PySAL's documentation of Theil and TheilD prints for these seven decades.
MEXICO_T = [0.20894344, 0.15222451, 0.10472941, 0.10194725, 0.09560113, 0.10511256, 0.10660832]
MEXICO_BETWEEN = [0.0345889, 0.02816853, 0.05260921, 0.05931219, 0.03205257, 0.02963731, 0.03635872]


def test_mexican_states_as_pysal_prints_them():
    data = table("mexico_pcgdp.csv")
    decades = [c for c in data if c.startswith("pcgdp")]
    found = pd.DataFrame([measured(data[c], data["regime"]) for c in decades])
    np.testing.assert_allclose(found["theil_t"], MEXICO_T, atol=5e-9)
    printed = found["theil_t_between"]
    np.testing.assert_allclose(printed, MEXICO_BETWEEN, atol=5e-9)
    other = peers("theil").TheilD(data[decades].to_numpy(), data["regime"].to_numpy())
    np.testing.assert_allclose(printed, other.bg, rtol=1e-11)
    np.testing.assert_allclose(found["theil_t_within"], other.wg, rtol=1e-11)


def test_american_states_as_pysal_computes_them():
    data = table("usjoin_pci.csv")
    for year in ("1929", "1969", "2009"):
        y = data[year].to_numpy(dtype=float)
        ours, other = measured(y), float(peers("theil").Theil(y).T)
        assert ours["gini"] == pytest.approx(peers("gini").Gini(y).g, rel=1e-12)
        assert ours["theil_t"] == pytest.approx(other, rel=1e-11)


# gini_decomp and theil.wtd of R's dineq 0.1.0 under R 4.2.2. Its between term is the Gini
# coefficient of group means and its overlap the rest, which are Dagum's G_nb and G_t.
DINEQ = {
    "weighted": (0.4742344732796937, 0.0560165319386479, 0.2504501590147470, 0.1677677823262989),
    "plain": (0.4752789814323251, 0.0558072793658829, 0.2618447642128192, 0.1576269378536230),
}
DINEQ_THEIL = {"weighted": 0.425406211886617, "plain": 0.430132687627385}
DINEQ_GROUPS = {"Posgrado": 0.410487952954707, "Sin instruccion": 0.472750720556860}


@pytest.mark.parametrize("kind", ["weighted", "plain"])
def test_five_thousand_mexican_households_as_dineq_decomposes_them(kind):
    data = table("dineq_mex_inc_2008.csv")
    weights = data["factor"] if kind == "weighted" else None
    result = dagum(data["income"], data["education"], weights)
    found = (result.gini, result.within, result.between, result.transvariation)
    np.testing.assert_allclose(found, DINEQ[kind], atol=1e-12)
    assert sum(found[1:]) == pytest.approx(result.gini, abs=1e-12)
    own = measured(data["income"], weights=weights)
    assert own["theil_t"] == pytest.approx(DINEQ_THEIL[kind], rel=1e-12)
    if kind == "weighted":
        for name, value in DINEQ_GROUPS.items():
            assert result.groups.loc[name, "gini"] == pytest.approx(value, abs=1e-12)


# R 4.2.2: gini_decomp of dineq 0.1.0 with population; gini, theil and cv of REAT, plain.
COUNTIES = (0.2097095639795583, 0.1489874598155959, 0.0469810356295546, 0.0137410685344078)
REAT = {"gini": 0.2026065896397913, "theil": 0.0672195666185194, "cv": 0.4377115670546181}


def test_german_counties_as_dineq_and_reat_compute_them():
    data = table("reat_counties.csv")
    y = data["gdppc2014"].astype(float)
    result = dagum(y, data["regional"], data["pop2014"])
    found = (result.gini, result.within, result.between, result.transvariation)
    np.testing.assert_allclose(found, COUNTIES, atol=1e-12)
    plain, as_population = measured(y), measured(y, weights=np.ones(len(y)))
    assert plain["gini"] == pytest.approx(REAT["gini"], rel=1e-12)
    assert plain["theil_l"] == pytest.approx(REAT["theil"], rel=1e-12)
    assert plain["variation"] == pytest.approx(REAT["cv"], rel=1e-12)
    assert as_population["variation"] == pytest.approx(0.4371668106928819, rel=1e-12)


def test_five_regions_of_a_textbook():
    # Stoermann (2009), Regionaloekonomik, as the manual of R's REAT prints it.
    assert measured([10.0, 10, 10, 20, 50])["theil_l"] == pytest.approx(0.2326302, abs=5e-8)


# Households of Germany in 2004 by size of income: number, mean income. A demonstration by J. Kluge
# that IneqPy's issue 29 quotes prints a mean of 30055.330, a Gini coefficient of 51.2 %, and
# Theil's indices 0.547 (T) and 0.737 (L).
GERMANY = [
    (5043009, 653), (1789731, 3664), (1658405, 6233), (1609017, 8726), (1436832, 11219),
    (1371636, 13752), (2833254, 17510), (3059569, 22539), (3099288, 27471), (3743779, 33517),
    (3866269, 43156), (4971433, 70066), (419001, 163964), (87869, 331804), (21729, 670095),
    (9688, 2740910),
]  # fmt: skip


def test_german_incomes_as_a_demonstration_prints_them():
    number, income = np.array(GERMANY, dtype=float).T
    found = measured(income, weights=number)
    assert found["mean"] == pytest.approx(30055.330, abs=5e-4)
    printed = (0.512, 0.547, 0.737)
    assert tuple(found[["gini", "theil_t", "theil_l"]]) == pytest.approx(printed, abs=5e-4)
