"""Measures of inequality against PySAL, R packages and a printed example."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case
from statsmodels.datasets import grunfeld

from nqpf.dynamics.inequality import by_year, dagum


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


# R 4.2.2: gini_decomp of dineq 0.1.0 with population, whose between term is the Gini coefficient
# of group means and its overlap the rest, Dagum's G_nb and G_t; gini, theil and cv of REAT, plain.
COUNTIES = (0.2097095639795583, 0.1489874598155959, 0.0469810356295546, 0.0137410685344078)
REAT = {"gini": 0.2026065896397913, "theil": 0.0672195666185194, "cv": 0.4377115670546181}


def test_german_counties_as_dineq_and_reat_compute_them():
    data = case("reat_counties.csv")
    y = data["gdppc2014"].astype(float)
    result = dagum(y, data["regional"], data["pop2014"])
    found = (result.gini, result.within, result.between, result.transvariation)
    np.testing.assert_allclose(found, COUNTIES, atol=1e-12)
    plain, as_population = measured(y), measured(y, weights=np.ones(len(y)))
    assert plain["gini"] == pytest.approx(REAT["gini"], rel=1e-12)
    assert plain["theil_l"] == pytest.approx(REAT["theil"], rel=1e-12)
    assert plain["variation"] == pytest.approx(REAT["cv"], rel=1e-12)
    assert as_population["variation"] == pytest.approx(0.4371668106928819, rel=1e-12)


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
