"""Promises of the nowcast."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import normals, refusals

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.forecast import nowcast

WEIGHTS = pd.Series({"a": 0.5, "b": 0.3, "c": 0.2})
FIRST, NEWEST = 2014, 2023


def index(frame: pd.DataFrame) -> pd.Series:
    return (frame * WEIGHTS).sum(axis=1)


def minmax(frame: pd.DataFrame) -> pd.Series:
    return index((frame - frame.min()) / (frame.max() - frame.min()))


def case() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table that lacks c in the newest year, b there in one province, and the truth."""
    steps, _ = normals(1, "abc", [110000, 310000, 440000, 460000, 520000], 10, FIRST)
    truth = (steps + 0.3).groupby("province").cumsum()
    table = truth.copy()
    table.loc[(slice(None), NEWEST), "c"] = np.nan
    table.loc[(310000, NEWEST), "b"] = np.nan
    return table, truth


def past(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(NEWEST, level="year")


def test_only_what_is_lacking_is_carried() -> None:
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
    published = result.frame.loc[[310000, 110000], "published"].tolist()
    assert published == pytest.approx([1 / 3, 2 / 3])
    assert result.year == NEWEST and result.lacking == ("b", "c")
    pd.testing.assert_frame_equal(table, before)


def test_the_backtest_answers_an_earlier_year_as_if_it_were_the_newest() -> None:
    table, _ = case()
    rows = nowcast(table, minmax(past(table)), minmax).rows
    to_2019 = table[at(table) <= 2019].copy()
    to_2019.loc[(slice(None), 2019), "c"] = np.nan
    to_2019.loc[(310000, 2019), "b"] = np.nan
    then = nowcast(to_2019, minmax(to_2019.drop(2019, level="year")), minmax).frame["nowcast"]
    own = rows[rows["origin"] == 2019].set_index("province")["nowcast"]
    assert own.to_numpy() == pytest.approx(then.to_numpy(), abs=1e-12)


def test_published_figures_are_worth_something_and_the_table_says_how_much() -> None:
    table, _ = case()
    result = nowcast(table, index(past(table)), index)
    errors = result.table
    assert list(errors.index) == ["nowcast", "carried", "last"]
    assert errors.loc["nowcast", "mae"] < errors.loc["carried", "mae"]
    ratio = errors.loc["nowcast", "mae"] / errors.loc["carried", "mae"]
    assert errors.loc["nowcast", "mae / carried"] == pytest.approx(ratio)
    assert errors["nominal"].eq(0.9).all() and errors["coverage"].between(0.5, 1).all()
    assert (result.frame["lower"] < result.frame["upper"]).all()
    assert "b, c by drift" in str(result)


def test_a_function_that_is_not_the_target_is_refused() -> None:
    table, _ = case()
    with pytest.raises(SampleError, match=r"the function gives .* where the target is"):
        nowcast(table, index(past(table)) * 1.001, index)
    short = index(past(table)).drop((440000, 2015))
    with pytest.raises(SampleError, match=r"Guangdong.*2015"):
        nowcast(table, short, index)


SPOILT = {
    "earlier": (lambda t: put(t, (440000, 2015), "a", np.nan), SampleError, "Guangdong.*2015.* a"),
    "infinite": (lambda t: put(t, (440000, NEWEST), "a", np.inf), SampleError, "inf.*Guangdong"),
    "gap": (lambda t: t.drop((440000, 2015)), SampleError, "gap .*Guangdong.*2015"),
    "end": (lambda t: t.drop((440000, NEWEST)), SampleError, "gap .*Guangdong.*2023"),
    "nothing": (
        lambda t: t[at(t) < NEWEST].reindex(t.index),
        SampleError,
        "nothing is published.*2023",
    ),
    "everything": (lambda t: t.fillna(0), SampleError, "every indicator is published"),
    "text": (lambda t: t.astype({"a": str}), DataError, "not numbers.*variable a"),
    "few": (lambda t: t[at(t) >= 2021], SampleError, "too few for a backtest"),
}


def at(table: pd.DataFrame) -> np.ndarray:
    return np.asarray(table.index.get_level_values("year"))


def put(table, key, name, value):
    table.loc[key, name] = value
    return table


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_table_is_named(spoilt) -> None:
    spoil, error, said = SPOILT[spoilt]
    target = index(past(case()[0]))
    with pytest.raises(error, match=said):
        nowcast(spoil(case()[0]), target, index)


test_options_that_are_refused = refusals(
    MethodError,
    ("unknown method", lambda: nowcast(case()[0], index(past(case()[0])), index, method="crystal")),
    (
        "from 2017 to 2022",
        lambda: nowcast(case()[0], index(past(case()[0])), index, first_origin=2014),
    ),
)
