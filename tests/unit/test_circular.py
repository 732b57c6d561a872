"""The guard against circularity: what a measure holds, by the formulas of its card."""

from __future__ import annotations

import numpy as np
import pytest

from nqpf import Panel
from nqpf.compare import circular, holders, measures
from nqpf.errors import MethodError, SampleError
from nqpf.systems import System, available
from nqpf.systems.formula import Formula
from nqpf.systems.overlap import _holding as holding
from nqpf.systems.overlap import membership


def held(text: str, lead: int = 0) -> tuple[str, ...]:
    return holding(Formula.parse(text), lead)


def test_the_numerator_counts_wherever_the_ratio_stands():
    assert held("urbanisation") == ("urbanisation_rate",)
    assert held("education_expenditure / gdp") == ("education_budget_share",)
    assert held("real_gdp / population") == ("labour_productivity",)
    assert held("so2 / population") == ("industrial_so2_intensity", "so2_intensity")


def test_a_ratio_upside_down_counts():
    assert held("energy / gdp") == ("energy_intensity",)
    assert "energy_intensity" in held("gdp / energy")
    assert "rd_intensity" in held("gdp / rd_expenditure")


def test_a_shared_denominator_does_not_count():
    assert held("budget_expenditure / gdp") == ()
    assert held("population") == ()


def test_a_change_is_not_held_by_an_earlier_level():
    assert held("gdp_index - 100", lead=1) == ()
    for lead in (0, -1):
        assert held("gdp_index - 100", lead) == ("labour_productivity",)
    assert held("real_gdp / population", lead=1) == ("labour_productivity",)


def test_it_agrees_with_the_cards():
    """The counts that a reader of the cards arrives at: 8 of 15 for each of these three."""
    member = membership()
    for variable, indicator in (
        ("education_share", "education_budget_share"),
        ("urbanisation", "urbanisation_rate"),
        ("income", "labour_productivity"),
    ):
        why = circular(variable)
        assert holders(variable) == [indicator]
        holding_it = set(why.index[why != ""]) - {"tfp"}
        assert holding_it == set(member.columns[member.loc[indicator]])
        assert len(holding_it) == 8


def test_tfp_holds_income_but_no_determinant():
    assert circular("income")["tfp"] == "holds income (as GDP in the numerator)"
    assert circular(["urbanisation", "government_size", "education_share"])["tfp"] == ""
    assert circular("growth", lead=1).eq("").all()
    assert circular("growth")["tfp"] != ""


def test_unknown_names_are_refused():
    with pytest.raises(MethodError, match="'urbanization' is not declared.*urbanisation"):
        circular("urbanization")


def test_measures_without_indicators():
    panel = Panel.load(extra=False)
    whole = measures(panel, ["jin-2024", "dong-2024"])
    taken = measures(panel, ["jin-2024", "dong-2024"], without=holders("urbanisation"))
    assert taken.index.equals(whole.index)  # the sample stays that of the whole system
    assert taken["jin-2024"].equals(whole["jin-2024"])
    assert taken["tfp"].equals(whole["tfp"])
    assert not np.allclose(taken["dong-2024"], whole["dong-2024"])


def test_a_measure_that_holds_everything_asked_for_is_refused():
    everything = list(System.load("jin-2024").indicators)
    with pytest.raises(SampleError, match="every indicator of jin-2024"):
        measures(Panel.load(extra=False), ["jin-2024"], without=everything)


def test_an_unknown_indicator_is_not_silently_kept():
    with pytest.raises(MethodError, match="'urbanisation' to take out.*'urbanisation_rate'"):
        measures(Panel.load(extra=False), ["dong-2024"], without=["urbanisation"])


def test_every_measure_has_an_answer():
    assert circular("income").index.tolist() == [*available(), "tfp"]
