"""The figure of rank ranges, the links to the catalogue and what the survey argues."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from nqpf import Panel, provinces
from nqpf.errors import DataError, SampleError
from nqpf.report import (
    argument_table,
    catalogue_table,
    rank_ranges,
    studies_table,
    study_table,
    system_table,
)
from nqpf.systems import IndicatorMatrix, Study, System, available


def some_ranks() -> pd.DataFrame:
    codes = provinces.codes()
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({k: rng.permutation(31) + 1.0 for k in "abc"}, index=codes)
    frame.loc[110000] = [1.0, 1.0, 1.0]
    frame.loc[540000, "a"] = np.nan
    return frame


def test_text_names_the_first_and_the_widest() -> None:
    ranks = some_ranks()
    alt = rank_ranges(ranks, "Three measures").alt
    width = ranks.max(axis=1) - ranks.min(axis=1)
    assert "Beijing has the best median rank" in alt
    assert provinces.name(int(width.idxmax())) in alt


def test_a_province_without_ranks_is_refused() -> None:
    ranks = some_ranks()
    ranks.loc[630000] = np.nan
    with pytest.raises(SampleError, match="a rank for every province"):
        rank_ranges(ranks)
    with pytest.raises(SampleError, match="two or more measures"):
        rank_ranges(some_ranks()[["b"]])


def test_every_link_of_a_system_leads_to_a_line_of_the_catalogue() -> None:
    panel = Panel.load(extra=False)
    themes = {variable.theme for variable in panel.catalogue.variables.values()}
    pages = "".join(catalogue_table(panel, theme).html for theme in themes)
    lines = set(re.findall(r"id='(var-[^']+)'", pages))
    for key in available():
        links = set(re.findall(r"panel\.html#(var-[\w%-]+)", system_table(System.load(key)).html))
        assert links and links <= lines


def test_the_catalogue_counts_years_and_provinces_in_whole_numbers() -> None:
    page = catalogue_table(Panel.load(extra=False), "accounts").html
    said = re.findall(r"[^<>]*flagged official", page)
    assert "census4: 2011–2022, 31 provinces, no gaps; 100 % flagged official" in said
    assert all(
        re.search(r"\b\d{4}–\d{4}, \d+ provinces, (no gaps|1 gap|\d+ gaps);", one) for one in said
    )
    assert "2019, flag official" in page
    assert not re.search(r"(\d{4})–\1\b", page)
    stock = page[page.index("id='var-capital_stock'") :]
    assert "; 0 % flagged official" in stock[: stock.index("</details>")]


def test_a_system_names_what_open_figures_lack() -> None:
    table = system_table(System.load("wu-2024"))
    lacking = [text for d in System.load("wu-2024").card.dimensions for text in d.missing]
    assert lacking
    assert all(text in table.text for text in lacking)


def test_each_part_of_the_argument_names_known_variables() -> None:
    panel = Panel.load(extra=False)
    for part in ("drivers", "traits", "challenges", "paths"):
        assert "panel.html#var-" in argument_table(part, panel).html
    with pytest.raises(DataError, match="unknown part 'path'"):
        argument_table("path", panel)


def test_what_the_survey_does_not_state_is_printed_so() -> None:
    text = study_table(Study.load("qiao-ma-2024")).text
    assert text.count("not stated in the survey") >= 2
    kinds = [Study.load(key).kind for key in Study.keys()]
    for kind, least in (("composite", 15), ("tfp", 4)):
        rows = len(studies_table(kind).text.splitlines()) - 1
        assert rows == kinds.count(kind) >= least


def test_short_names_tell_the_studies_apart() -> None:
    names = [Study.load(key).short for key in available()]
    assert len(set(names)) == len(names)


def test_selected_indicators_keep_direction_and_dimension() -> None:
    matrix = System.load("dai-2024").evaluate(Panel.load(extra=False))
    part = matrix.select(["so2_intensity", "rd_intensity"])
    assert list(part.values.columns) == ["rd_intensity", "so2_intensity"]
    assert part.benefit.to_dict() == {"rd_intensity": True, "so2_intensity": False}
    assert isinstance(part, IndicatorMatrix)
    with pytest.raises(SampleError, match="no indicator 'gdp'"):
        matrix.select(["gdp"])
    with pytest.raises(SampleError, match="no indicator is selected"):
        matrix.select([])
