"""Shares of variance by choice: exact on tables with a known decomposition."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.multiverse import variance_shares

LEVELS = {"measure": 5, "controls": 4, "effects": 2, "sample": 3}


def grid(repeat=1):
    rows = list(product(*(range(n) for n in LEVELS.values()))) * repeat
    return pd.DataFrame(rows, columns=list(LEVELS))


def additive():
    """A table whose estimate is a sum of one effect per axis, and the effects' variances."""
    rng = np.random.default_rng(1)
    table, parts = grid(), {}
    table["estimate"] = 3.0
    for axis, levels in LEVELS.items():
        effect = rng.normal(size=levels)
        table["estimate"] += effect[table[axis]]
        parts[axis] = effect.var()
    return table, pd.Series(parts)


def test_additive_function_is_split_exactly():
    table, parts = additive()
    before = table.copy()
    found = variance_shares(table, list(LEVELS))
    pd.testing.assert_frame_equal(table, before)
    for column in ("first_order", "total"):
        np.testing.assert_allclose(found.shares[column], parts / parts.sum(), rtol=0, atol=1e-13)
    assert found.filled == 1 and abs(found.interactions) < 1e-12 and found.unexplained < 1e-12
    assert (found.shares["compared"] == 1).all() and found.shares["levels"].to_dict() == LEVELS
    assert list(found.to_frame().index) == list(parts.sort_values(ascending=False).index)
    assert "first_order" in found._repr_html_()


def test_pure_interaction_is_in_the_totals_only():
    table = grid().query("measure < 2 and controls < 2").copy()
    table["estimate"] = (2.0 * table["measure"] - 1) * (2.0 * table["controls"] - 1)
    found = variance_shares(table, list(LEVELS)).shares
    np.testing.assert_allclose(found["first_order"], 0, atol=1e-15)
    np.testing.assert_allclose(found["total"], [1, 1, 0, 0], atol=1e-15)


def test_what_no_axis_explains_is_in_no_share():
    table = grid(repeat=2)
    table["estimate"] = table["measure"] + np.repeat([-1.0, 1.0], len(table) // 2)
    found = variance_shares(table, list(LEVELS))
    assert found.unexplained == pytest.approx(1 / 3)
    np.testing.assert_allclose(found.shares["total"], [2 / 3, 0, 0, 0], atol=1e-14)


def test_unbalanced_table_against_plain_groupby_whatever_its_order_and_units():
    def between(axes):
        return y.groupby([table[a] for a in axes]).transform("mean").var(ddof=0)

    table = grid().sample(frac=0.5, random_state=3)
    table["estimate"] = table["measure"] + np.random.default_rng(2).normal(size=len(table))
    found, y = variance_shares(table, list(LEVELS)), table["estimate"]
    for axis in LEVELS:
        others = [a for a in LEVELS if a != axis]
        expected = [between([axis]), between(list(LEVELS)) - between(others)]
        got = found.shares.loc[axis]
        figures = got[["first_order", "total"]].to_numpy(float)
        np.testing.assert_allclose(figures, np.array(expected) / y.var(ddof=0), atol=1e-13)
        levels = table.groupby(others)[axis].transform("nunique")
        assert got["compared"] == pytest.approx((levels > 1).mean())
    assert found.filled == 0.5
    moved = table.sample(frac=1, random_state=0).assign(estimate=lambda t: 1e3 * t["estimate"] + 7)
    same = variance_shares(moved, list(LEVELS)).shares
    np.testing.assert_allclose(found.shares, same, atol=1e-12)


def test_nested_choices_are_told_apart_as_one_axis_only():
    """Systems exist for composites only, estimators for productivity only."""
    rows = [("composite", s, None) for s in "abc"] + [("tfp", None, e) for e in "uv"]
    rows, axes = [(*row, c) for row in rows for c in range(4)], ["kind", "system", "estimator"]
    table = pd.DataFrame(rows, columns=[*axes, "controls"])
    table["estimate"] = (table["kind"] == "tfp") * 2.0 + table["controls"] + table.index % 3
    alone = variance_shares(table, [*axes, "controls"]).shares
    assert alone.loc["kind", "total"] == alone.loc["kind", "compared"] == 0
    table["measure"] = table["kind"] + table["system"].fillna("") + table["estimator"].fillna("")
    found = variance_shares(table, ["measure", "controls"])
    assert found.filled == 1 and found.shares.loc["measure", "levels"] == 5
    assert found.shares.loc["measure", "total"] > 0.5


def test_an_axis_with_one_level_has_no_share_and_one_alone_all_of_its_own():
    table = additive()[0].assign(vintage="census5")
    flat = variance_shares(table, [*LEVELS, "vintage"]).shares.loc["vintage"]
    assert flat.tolist() == pytest.approx([1, 0, 0, 0], abs=1e-15)
    share = variance_shares(table, "measure").shares.loc["measure"]
    assert share["total"] == pytest.approx(share["first_order"]) and share["compared"] == 1


BAD = [
    ({}, ["mesure"], DataError, "Did you mean 'measure'"),
    ({}, [], MethodError, "1 or more"),
    ({}, ["measure", "measure"], MethodError, "name 'measure' twice"),
    ({}, ["estimate"], MethodError, "axes and the estimate name 'estimate' twice"),
    ({"estimate": "1"}, ["measure"], DataError, "not numbers"),
    ({"estimate": lambda t: t["estimate"].where(t.index != 7)}, ["measure"], SampleError, "l 0 7"),
    ({"estimate": 1.0}, ["measure"], SampleError, "not vary"),
]


@pytest.mark.parametrize(("change", "axes", "error", "message"), BAD)
def test_wrong_input_is_named(change, axes, error, message):
    with pytest.raises(error, match=message):
        variance_shares(additive()[0].assign(**change), axes)
