"""Perpetual inventory: rules, labels and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp import capital_stock, perpetual_inventory, rebase

BEIJING, SICHUAN, CHONGQING = 110000, 510000, 500000


def keyed(values, province=BEIJING, first=1952):
    index = pd.MultiIndex.from_product(
        [[province], range(first, first + len(values))], names=["province", "year"]
    )
    return pd.Series(values, index=index, dtype=float)


class Figures:
    """A panel's `wide` and `flags`, over given series."""

    def __init__(self, gfcf, price, flags=None):
        self.values = pd.DataFrame({"gfcf": gfcf, "investment_price": price})
        self.marks = pd.DataFrame("official", self.values.index, self.values.columns)
        for (key, column), flag in (flags or {}).items():
            self.marks.loc[key, column] = flag

    def wide(self, variables):
        return self.values[variables]

    def flags(self, variables):
        return self.marks[variables]


def test_share_rule_starts_from_ten_times_the_first_investment():
    stock = perpetual_inventory(keyed([2.0, 3.0]), keyed([1.0, 1.5]), depreciation=0.1)
    assert stock.tolist() == [20.0, 20.0]


def test_steady_state_rule_uses_the_mean_growth_of_real_investment():
    stock = perpetual_inventory(
        keyed([10.0, 11.0, 12.1]), keyed([1.0, 1.0, 1.0]), 0.1, initial="steady-state"
    )
    # in a steady state capital grows as investment does
    np.testing.assert_allclose(stock, [50.0, 56.0, 62.5], rtol=1e-12)


def test_given_stock_and_rates_by_unit():
    investment = pd.concat([keyed([1.0, 1.0]), keyed([1.0, 1.0], SICHUAN)])
    rates = pd.Series({SICHUAN: 0.5, BEIJING: 0.0})
    first = pd.Series({BEIJING: 4.0, SICHUAN: 8.0})
    stock = perpetual_inventory(investment, investment * 0 + 1, rates, first)
    assert stock.tolist() == [4.0, 5.0, 8.0, 5.0]


def test_labels_and_order_are_those_of_the_input_which_is_left_alone():
    investment = keyed([1.0, 2.0, 3.0, 4.0]).iloc[[2, 0, 3, 1]]
    before = investment.copy()
    price = keyed([1.0, 1.1, 1.2, 1.3])
    stock = perpetual_inventory(investment, price)
    assert stock.index.equals(investment.index)
    pd.testing.assert_series_equal(investment, before)
    pd.testing.assert_series_equal(
        stock.sort_index(), perpetual_inventory(investment.sort_index(), price)
    )


def test_arrays_go_in_and_out_by_row():
    values, prices = np.array([[1.0, 2.0], [3.0, 5.0]]), np.ones((2, 2))
    stock = perpetual_inventory(values, prices, depreciation=0.2)
    assert stock.tolist() == [[10.0, 10.0], [30.0, 29.0]]
    assert perpetual_inventory(values[0], prices[0], 0.2).tolist() == [10.0, 10.0]


@given(
    st.lists(st.floats(0.1, 1e6), min_size=1, max_size=12),
    st.floats(0, 0.9),
    st.floats(1e-3, 1e3),
)
def test_stock_is_linear_in_investment_and_in_the_price_level(values, rate, factor):
    investment, price = keyed(values), keyed(np.linspace(1, 2, len(values)))
    stock = perpetual_inventory(investment, price, rate)
    np.testing.assert_allclose(
        perpetual_inventory(investment * factor, price, rate), stock * factor, rtol=1e-9
    )
    np.testing.assert_allclose(
        perpetual_inventory(investment, price * factor, rate), stock / factor, rtol=1e-9
    )


def test_without_depreciation_the_stock_is_a_running_sum():
    investment = keyed([1.0, 2.0, 3.0])
    stock = perpetual_inventory(investment, investment * 0 + 1, 0.0, initial=0.5)
    assert stock.tolist() == [0.5, 2.5, 5.5]


def test_disposals_may_make_investment_negative():
    stock = perpetual_inventory(keyed([10.0, -0.11]), keyed([1.0, 1.0]))
    assert stock.iloc[1] == pytest.approx(100 * 0.904 - 0.11)


@pytest.mark.parametrize(
    ("investment", "price", "options", "error", "said"),
    [
        ([1, np.nan, 1], [1, 1, 1], {}, SampleError, ["Beijing (110000)", "year 1953", "missing"]),
        ([1, 1, 1], [1, 0, 1], {}, DataError, ["deflator is 0", "Beijing (110000)", "year 1953"]),
        ([1, 1, 1], [1, -2, 1], {}, DataError, ["deflator is -2", "year 1953"]),
        ([1, -90, 1], [1, 1, 1], {}, DataError, ["the stock is -80.96", "year 1953"]),
        ([1, 1, 1], [1, 1, 1], {"depreciation": 1.2}, MethodError, ["1.2", "[0, 1)"]),
        ([1, 1, 1], [1, 1, 1], {"initial": "shares"}, MethodError, ["Did you mean 'share'"]),
        ([1, 1, 0], [1, 1, 1], {"initial": "steady-state"}, MethodError, ["no steady state"]),
        (
            [1, 1, 1],
            [1, 1, 1],
            {"initial": pd.Series({SICHUAN: 1.0})},
            SampleError,
            ["initial stock is not given", "Beijing"],
        ),
    ],
)
def test_figures_that_are_refused(investment, price, options, error, said):
    with pytest.raises(error) as caught:
        perpetual_inventory(keyed(investment), keyed(price), **options)
    assert all(text in str(caught.value) for text in said), caught.value


def test_keys_that_are_refused():
    investment = keyed([1.0, 1.0, 1.0])
    price = investment * 0 + 1
    with pytest.raises(SampleError, match=r"gap \[province Beijing \(110000\), year 1953\]"):
        perpetual_inventory(investment.drop((BEIJING, 1953)), price.drop((BEIJING, 1953)))
    with pytest.raises(SampleError, match=r"deflator has no figure.*year 1954"):
        perpetual_inventory(investment, price.drop((BEIJING, 1954)))
    with pytest.raises(SampleError, match="more than once"):
        perpetual_inventory(pd.concat([investment, investment]), price)
    with pytest.raises(SampleError, match=r"1 level\(s\)"):
        perpetual_inventory(investment.droplevel(0), price)
    with pytest.raises(SampleError, match="shape"):
        perpetual_inventory(np.ones(3), np.ones(4))


def test_rebase_moves_to_the_prices_of_a_year():
    stock, price = keyed([10.0, 20.0]), keyed([1.0, 4.0])
    assert rebase(stock, price, 1953).tolist() == [40.0, 80.0]
    with pytest.raises(SampleError, match="price of 1990 is not given"):
        rebase(stock, price, 1990)


def test_chongqing_leaves_sichuan_without_creating_or_losing_capital():
    years = 1997 - 1952 + 1
    whole, part = keyed(np.full(years, 10.0), SICHUAN), keyed([2.5, 3.0], CHONGQING, first=1996)
    gfcf = pd.concat([whole, part])
    rows = capital_stock(Figures(gfcf, gfcf * 0 + 1)).set_index(["province", "year"])["value"]
    before = rows[SICHUAN, 1995]
    assert rows[SICHUAN, 1996] == pytest.approx(0.904 * before * 0.8 + 10)
    assert rows[CHONGQING, 1996] == pytest.approx(0.904 * before * 0.2 + 2.5)
    assert rows[CHONGQING, 1997] == pytest.approx(0.904 * rows[CHONGQING, 1996] + 3)
    assert (CHONGQING, 1995) not in rows.index


def test_tidy_rows_and_flags():
    gfcf = keyed([1.0, 1.0, 1.0, 1.0])
    flags = {((BEIJING, 1954), "gfcf"): "spliced", ((BEIJING, 1953), "gfcf"): "break"}
    rows = capital_stock(Figures(gfcf, gfcf * 0 + 1, flags))
    assert list(rows) == ["province", "year", "variable", "value", "vintage", "flag"]
    assert rows["variable"].unique().tolist() == ["capital_stock"]
    # once an extrapolated figure has entered the stock it stays in it
    assert rows["flag"].tolist() == ["derived", "break", "extrapolated", "extrapolated"]


def test_a_stock_that_cannot_start_in_1952_is_refused():
    gfcf = keyed([1.0, 1.0], first=1978)
    with pytest.raises(SampleError, match=r"starts in 1978 \[province Beijing"):
        capital_stock(Figures(gfcf, gfcf * 0 + 1))
    late = keyed([1.0, 1.0], CHONGQING, first=1996)
    with pytest.raises(SampleError, match="Sichuan"):
        capital_stock(Figures(late, late * 0 + 1))
