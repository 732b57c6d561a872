"""Filling gaps: only those asked for, by the named method, with a flag on each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_up import make_project

from nqpf.data import Panel
from nqpf.data.quality import fill, filled_share
from nqpf.errors import DataError, MethodError, SampleError

BEIJING = {2015: 10.0, 2016: 12.0, 2019: 18.0, 2021: 17.0}
ASKED = range(2014, 2023)


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    """Energy of Beijing with gaps, of Tianjin one year, of Hebei none; GDP of Beijing."""
    whole = Panel.load(extra=False, home=make_project(tmp_path))
    rows = [(110000, year, "energy", value, "", "official") for year, value in BEIJING.items()]
    rows.append((120000, 2018, "energy", 5.0, "", "break"))
    rows += [(110000, year, "gdp", 1.0 * year, "census5", "official") for year in (2019, 2021)]
    rows += [(110000, year, "gdp", 2.0 * year, "census4", "official") for year in (2019, 2021)]
    return Panel(pd.DataFrame(rows, columns=whole.frame.columns), whole.catalogue)


def series(panel: Panel, code: int = 110000) -> dict[int, float]:
    return panel.wide(["energy"])["energy"].loc[code].dropna().to_dict()


def test_linear_draws_a_line_and_leaves_the_ends_open(panel: Panel) -> None:
    filled = fill(panel, ["energy"], "linear", ASKED)
    assert series(filled) == BEIJING | {2017: 14.0, 2018: 16.0, 2020: 17.5}
    flags = filled.flags(["energy"])["energy"].loc[110000].to_dict()
    assert {year for year, flag in flags.items() if flag == "interpolated"} == {2017, 2018, 2020}
    assert all(flags[year] == "official" for year in BEIJING)


def test_carry_repeats_the_last_known_figure(panel: Panel) -> None:
    filled = fill(panel, ["energy"], "carry", ASKED)
    gaps = {2014: 10.0, 2017: 12.0, 2018: 12.0, 2020: 18.0, 2022: 17.0}
    assert series(filled) == BEIJING | gaps
    flags = filled.flags(["energy"])["energy"].loc[110000].to_dict()
    assert {year for year, flag in flags.items() if flag == "extrapolated"} == set(gaps)
    assert series(filled, 120000) == dict.fromkeys(ASKED, 5.0)


def test_only_the_years_asked_for(panel: Panel) -> None:
    assert series(fill(panel, ["energy"], "linear", [2017])) == BEIJING | {2017: 14.0}
    assert series(fill(panel, ["energy"], "carry", [2019])) == BEIJING


def test_a_province_without_figures_stays_without(panel: Panel) -> None:
    filled = fill(panel, ["energy"], "carry", ASKED)
    assert set(filled.frame["province"]) == {110000, 120000}


def test_the_input_stays_as_it_was(panel: Panel) -> None:
    before = panel.frame.copy()
    fill(panel, ["energy", "gdp"], "carry", ASKED)
    pd.testing.assert_frame_equal(panel.frame, before)
    assert fill(panel, ["energy"], "linear", [2015]) is panel


def test_vintages_are_filled_apart(panel: Panel) -> None:
    filled = fill(panel, ["gdp"], "linear", [2020], vintage="census4")
    assert filled.wide(["gdp"], [2020], "census4").loc[(110000, 2020), "gdp"] == 4040.0
    assert filled.wide(["gdp"], [2020], "census5").empty


def test_the_filled_share(panel: Panel) -> None:
    filled = fill(panel, ["energy"], "linear", ASKED)
    assert filled_share(panel, ["energy", "gdp"]).to_dict() == {"energy": 0.0, "gdp": 0.0}
    assert filled_share(filled, ["energy"])["energy"] == 3 / 8
    assert filled_share(filled, ["energy"], years=[2017, 2018])["energy"] == 2 / 3
    assert filled_share(filled, ["energy"], years=[1999]).isna().all()


def test_refusals(panel: Panel) -> None:
    with pytest.raises(MethodError, match="unknown method 'spline'; expected linear or carry"):
        fill(panel, ["energy"], "spline", ASKED)
    with pytest.raises(SampleError, match="no years to fill"):
        fill(panel, ["energy"], "linear")
    with pytest.raises(DataError, match="unknown variable 'enrgy'.*Did you mean 'energy'"):
        fill(panel, ["enrgy"], "linear", ASKED)
