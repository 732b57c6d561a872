"""Promises of the nowcast."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import normals, refusals

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.forecast import nowcast

WEIGHTS = pd.Series({"a": 0.5, "b": 0.3, "c": 0.2})
FIRST, NEWEST = 2014, 2023


def index(frame):
    return (frame * WEIGHTS).sum(axis=1)


def minmax(frame):
    return index((frame - frame.min()) / (frame.max() - frame.min()))


def case():
    """Return a table that lacks c in the newest year, b there in one province, and the truth."""
    steps, _ = normals(1, "abc", [110000, 310000, 440000, 460000, 520000], 10, FIRST)
    truth = (steps + 0.3).groupby("province").cumsum()
    table = truth.copy()
    table.loc[(slice(None), NEWEST), "c"] = np.nan
    table.loc[(310000, NEWEST), "b"] = np.nan
    return table, truth


def past(frame):
    return frame.drop(NEWEST, level="year")


def test_only_what_is_lacking_is_carried():
    table, truth = case()
    before = table.copy()
    result = nowcast(table, index(past(table)), index)
    completed = truth.xs(NEWEST, level="year").copy()
    first, last = (truth.xs(year, level="year") for year in (FIRST, NEWEST - 1))
    drifted = last + (last - first) / (NEWEST - 1 - FIRST)
    completed["c"] = drifted["c"]
    completed.loc[310000, "b"] = drifted.loc[310000, "b"]
    expected = (completed * WEIGHTS).sum(axis=1)
    assert result.frame["nowcast"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-12)
    assert result.frame.loc[[310000, 110000], "published"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert result.year == NEWEST and result.lacking == ("b", "c")
    pd.testing.assert_frame_equal(table, before)


def test_the_backtest_answers_an_earlier_year_as_if_it_were_the_newest():
    table, _ = case()
    rows = nowcast(table, minmax(past(table)), minmax).rows
    to_2019 = table[at(table) <= 2019].copy()
    to_2019.loc[(slice(None), 2019), "c"] = np.nan
    to_2019.loc[(310000, 2019), "b"] = np.nan
    then = nowcast(to_2019, minmax(to_2019.drop(2019, level="year")), minmax).frame["nowcast"]
    own = rows[rows["origin"] == 2019].set_index("province")["nowcast"]
    assert own.to_numpy() == pytest.approx(then.to_numpy(), abs=1e-12)


def test_published_figures_are_worth_something_and_the_table_says_how_much():
    table, _ = case()
    result = nowcast(table, index(past(table)), index)
    errors = result.table
    assert list(errors.index) == ["nowcast", "carried", "last"]
    ratio = errors.loc["nowcast", "mae"] / errors.loc["carried", "mae"]
    assert errors.loc["nowcast", "mae / carried"] == pytest.approx(ratio) and ratio < 1
    assert errors["nominal"].eq(0.9).all() and errors["coverage"].between(0.5, 1).all()
    assert (result.frame["lower"] < result.frame["upper"]).all()
    assert "b, c by drift" in str(result)


def at(table):
    return np.asarray(table.index.get_level_values("year"))


def spoilt(change=lambda table: table, key=None, figure=np.nan, **options):
    """Call with a table that is changed, or whose a is another figure at a key."""
    table = change(case()[0])
    if key:
        table.loc[key, "a"] = figure
    return lambda: nowcast(table, TARGET, index, **options)


TABLE, TARGET = case()[0], index(past(case()[0]))
test_spoilt_tables_and_wrong_options_are_named = refusals(
    SampleError,
    ("the function gives .* where the target is", lambda: nowcast(TABLE, TARGET * 1.001, index)),
    ("Guangdong.*2015", lambda: nowcast(TABLE, TARGET.drop((440000, 2015)), index)),
    ("Guangdong.*2015.* a", spoilt(key=(440000, 2015))),
    ("inf.*Guangdong", spoilt(key=(440000, NEWEST), figure=np.inf)),
    ("gap .*Guangdong.*2015", spoilt(lambda t: t.drop((440000, 2015)))),
    ("gap .*Guangdong.*2023", spoilt(lambda t: t.drop((440000, NEWEST)))),
    ("nothing is published.*2023", spoilt(lambda t: t[at(t) < NEWEST].reindex(t.index))),
    ("every indicator is published", spoilt(lambda t: t.fillna(0))),
    ("not numbers.*variable a", spoilt(lambda t: t.astype({"a": str})), DataError),
    ("too few for a backtest", spoilt(lambda t: t[at(t) >= 2021])),
    ("unknown method", spoilt(method="crystal"), MethodError),
    ("from 2017 to 2022", spoilt(first_origin=2014), MethodError),
)
