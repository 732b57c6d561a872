"""All measures on one sample."""

from __future__ import annotations

import pytest

from nqpf import Panel, Recipe, System
from nqpf.compare import measures
from nqpf.errors import VintageError
from nqpf.tfp import production, solow_residual


def test_a_figure_is_the_one_of_its_own_chapter() -> None:
    panel = Panel.load(extra=False)
    frame = measures(panel, systems=["dong-2024", "lu-guo-2024"])
    assert list(frame.columns) == ["dong-2024", "lu-guo-2024", "tfp"]
    assert not frame.isna().any(axis=None)
    system = System.load("lu-guo-2024")
    own = Recipe(**system.recipe).fit(system.evaluate(panel)).scores
    tfp = solow_residual(production(panel)).log_tfp
    assert frame["lu-guo-2024"].equals(own[frame.index].rename("lu-guo-2024"))
    assert frame["tfp"].equals(tfp[frame.index].rename("tfp"))


def test_vintages_are_not_mixed() -> None:
    panel = Panel.load(extra=False)
    older = measures(panel, systems=["dong-2024"], vintage="census4")
    newer = measures(panel, systems=["dong-2024"])
    assert (older["tfp"] != newer["tfp"].reindex(older.index)).any()
    with pytest.raises(VintageError):
        measures(panel, systems=["ren-2024"], vintage="census4")
