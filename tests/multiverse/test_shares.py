"""Shares of variance by choice: exact on tables with a known decomposition."""

from __future__ import annotations

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
    found = variance_shares(table, list(LEVELS))
    for column in ("first_order", "total"):
        np.testing.assert_allclose(found.shares[column], parts / parts.sum(), rtol=0, atol=1e-13)
    assert found.filled == 1
    assert abs(found.interactions) < 1e-12 and found.unexplained < 1e-12
    assert (found.shares["compared"] == 1).all()
    assert found.shares["levels"].to_dict() == LEVELS


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


def unbalanced():
    rng = np.random.default_rng(2)
    table = grid().sample(frac=0.5, random_state=3)
    table["estimate"] = table["measure"] + rng.normal(size=len(table))
    return table


def between(table, axes):
    """The variance of group means, by pandas."""
    y = table["estimate"]
    if not axes:
        return 0.0
    return float(y.groupby([table[a] for a in axes]).transform("mean").var(ddof=0))


def test_unbalanced_table_against_plain_groupby():
    table = unbalanced()
    found = variance_shares(table, list(LEVELS))
    everything = between(table, list(LEVELS))
    variance = table["estimate"].var(ddof=0)
    for axis in LEVELS:
        others = [a for a in LEVELS if a != axis]
        levels = table.groupby(others)[axis].transform("nunique")
        expected = [between(table, [axis]), everything - between(table, others)]
        got = found.shares.loc[axis]
        np.testing.assert_allclose(
            got[["first_order", "total"]].to_numpy(float), np.array(expected) / variance, atol=1e-13
        )
        assert got["compared"] == pytest.approx((levels > 1).mean())
    assert found.filled == 0.5


def nested():
    """Systems exist for composites only, estimators for productivity only."""
    rows = [("composite", s, None) for s in "abc"] + [("tfp", None, e) for e in "uv"]
    table = pd.DataFrame(
        [(*row, c) for row in rows for c in range(4)],
        columns=["kind", "system", "estimator", "controls"],
    )
    table["estimate"] = (table["kind"] == "tfp") * 2.0 + table["controls"] + table.index % 3
    return table


def test_nested_axes_enter_as_one():
    table = nested()
    axes = ["kind", "system", "estimator"]
    alone = variance_shares(table, [*axes, "controls"]).shares
    assert alone.loc["kind", "total"] == alone.loc["kind", "compared"] == 0
    found = variance_shares(table, {"measure": axes, "controls": ["controls"]})
    assert found.filled == 1 and found.shares.loc["measure", "levels"] == 5
    table["measure"] = table["kind"] + table["system"].fillna("") + table["estimator"].fillna("")
    same = variance_shares(table, ["measure", "controls"])
    pd.testing.assert_frame_equal(found.shares, same.shares)
    assert found.interactions == same.interactions


def test_order_units_and_place_do_not_matter():
    table = unbalanced()
    moved = table.sample(frac=1, random_state=0).assign(estimate=lambda t: 1e3 * t["estimate"] + 7)
    first, second = (variance_shares(t, list(LEVELS)).shares for t in (table, moved))
    np.testing.assert_allclose(first, second, atol=1e-12)


def test_input_stays_and_the_largest_total_is_printed_first():
    table, parts = additive()
    before = table.copy()
    found = variance_shares(table, list(LEVELS))
    pd.testing.assert_frame_equal(table, before)
    assert list(found.to_frame().index) == list(parts.sort_values(ascending=False).index)
    assert "first_order" in found._repr_html_()


def test_an_axis_with_one_level_has_no_share_and_one_alone_all_of_its_own():
    table = additive()[0].assign(vintage="census5")
    flat = variance_shares(table, [*LEVELS, "vintage"]).shares.loc["vintage"]
    assert flat.tolist() == pytest.approx([1, 0, 0, 0], abs=1e-15)
    share = variance_shares(table, "measure").shares.loc["measure"]
    assert share["total"] == pytest.approx(share["first_order"]) and share["compared"] == 1


def test_many_levels_do_not_overflow():
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(12)]
    table = pd.DataFrame(rng.integers(0, 500, (3000, 12)), columns=names)
    table["estimate"] = table["c0"].astype(float)
    found = variance_shares(table, names)
    assert found.shares.loc["c0", "first_order"] == pytest.approx(1)
    assert found.unexplained == 0 and found.shares["compared"].max() == 0


BAD = {
    "unknown column": (lambda t: (t, ["mesure"]), DataError, "Did you mean 'measure'"),
    "no axis": (lambda t: (t, []), MethodError, "1 or more"),
    "empty axis": (lambda t: (t, {"measure": []}), MethodError, "1 or more"),
    "twice": (lambda t: (t, ["measure", "measure"]), MethodError, "name 'measure' twice"),
    "two axes": (lambda t: (t, {"a": ["measure"], "b": ["measure", "sample"]}), MethodError,
                 "name 'measure' twice"),
    "estimate as axis": (lambda t: (t, ["estimate"]), MethodError, "is the estimate"),
    "text": (lambda t: (t.assign(estimate="1"), ["measure"]), DataError, "not numbers"),
    "missing": (lambda t: (t.assign(estimate=t["estimate"].where(t.index != 7)), ["measure"]),
                SampleError, "row 7"),
    "constant": (lambda t: (t.assign(estimate=1.0), ["measure"]), SampleError, "not vary"),
    "empty": (lambda t: (t.head(0), ["measure"]), SampleError, "not vary"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_is_named(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        variance_shares(*make(additive()[0]))
