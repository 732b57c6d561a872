"""Capital by perpetual inventory, real product, the production sample and the splice."""

import numpy as np
import pandas as pd
import pytest
from made_up import variable

from nqpf.data import Catalogue, Panel
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp import capital_stock, production, real_gdp, splice
from nqpf.tfp.accounts import perpetual_inventory

BEIJING, HAINAN, SICHUAN, CHONGQING = 110000, 460000, 510000, 500000


def keyed(values, province=BEIJING, first=1952):
    index = pd.MultiIndex.from_product(
        [[province], range(first, first + len(values))], names=["province", "year"]
    )
    return pd.Series(values, index=index, dtype=float)


def made(rows):
    """Return a panel of rows: province, year, variable, value, vintage and flag."""
    columns = ["province", "year", "variable", "value", "vintage", "flag"]
    frame = pd.DataFrame(rows, columns=columns).dropna()
    vintages = {"gdp": ["census4", "census5"]}
    names = {key: variable(vintages=vintages.get(key, [])) for key in frame["variable"].unique()}
    return Panel(frame, Catalogue(sources={}, variables=names))


def stock(gfcf, flags=None):
    """Return rows of the stock of a panel that holds investment and a price of one."""
    series = {"gfcf": gfcf, "investment_price": gfcf * 0 + 1}
    rows = [
        (*key, name, value, "", (flags or {}).get((key, name), "official"))
        for name, values in series.items()
        for key, value in values.items()
    ]
    return capital_stock(made(rows))


STEADY = {"initial": "steady-state"}


@pytest.mark.parametrize(
    ("investment", "price", "options", "stock"),
    [
        # in a steady state capital grows as investment does
        ([10, 11, 12.1], [1, 1, 1], STEADY | {"depreciation": 0.1}, [50.0, 56.0, 62.5]),
        # without depreciation it is a running sum
        ([1.0, 2.0, 3.0], [1, 1, 1], {"depreciation": 0.0, "initial": 0.5}, [0.5, 2.5, 5.5]),
        # disposals may make investment negative
        ([10.0, -0.11], [1.0, 1.0], {}, [100.0, 100 * 0.904 - 0.11]),
    ],
    ids=["steady-state", "given", "disposals"],
)
def test_rules_of_the_first_stock(investment, price, options, stock):
    found = perpetual_inventory(keyed(investment), keyed(price), **options)
    np.testing.assert_allclose(found, stock, rtol=1e-12)


def test_given_stock_and_rates_by_unit():
    investment = pd.concat([keyed([1.0, 1.0]), keyed([1.0, 1.0], SICHUAN)])
    rates = pd.Series({SICHUAN: 0.5, BEIJING: 0.0})
    first = pd.Series({BEIJING: 4.0, SICHUAN: 8.0})
    stock = perpetual_inventory(investment, investment * 0 + 1, rates, first)
    assert stock.tolist() == [4.0, 5.0, 8.0, 5.0]


def test_labels_and_order_are_those_of_the_input_which_is_left_alone():
    investment = keyed([1.0, 2.0, 3.0, 4.0]).iloc[[2, 0, 3, 1]]
    before, price = investment.copy(), keyed([1.0, 1.1, 1.2, 1.3])
    stock = perpetual_inventory(investment, price)
    assert stock.index.equals(investment.index)
    pd.testing.assert_series_equal(investment, before)
    ordered = perpetual_inventory(investment.sort_index(), price)
    pd.testing.assert_series_equal(stock.sort_index(), ordered)


ONES, SHORT = keyed([1.0, 1.0, 1.0]), keyed([1.0, 1.0, 1.0]).iloc[[0, 2]]
ELSEWHERE = {"initial": pd.Series({SICHUAN: 1.0})}


@pytest.mark.parametrize(
    ("investment", "price", "options", "error", "said"),
    [
        (keyed([1, np.nan, 1]), ONES, {}, SampleError, "missing.*Beijing .110000., year 1953"),
        (ONES, keyed([1, 0, 1]), {}, DataError, "deflator is 0 .*Beijing .110000., year 1953"),
        (keyed([1, -90, 1]), ONES, {}, DataError, "the stock is -80.96 .*year 1953"),
        (ONES, ONES, {"depreciation": 1.2}, MethodError, r"1.2; expected a rate in \[0, 1\)"),
        (ONES, ONES, {"initial": "shares"}, MethodError, "Did you mean 'share'"),
        (keyed([1, 1, 0]), ONES, STEADY, MethodError, "no steady state"),
        (ONES, ONES, ELSEWHERE, SampleError, "initial stock is not given.*Beijing"),
        (SHORT, SHORT, {}, SampleError, "gap .*Beijing .*year 1953"),
        (ONES, ONES.iloc[:2], {}, SampleError, "missing.*year 1954, variable deflator"),
        (pd.concat([ONES, ONES]), ONES, {}, SampleError, "more than once"),
        (ONES.droplevel(0), ONES, {}, SampleError, r"1 level\(s\)"),
    ],
)
def test_what_an_inventory_refuses(investment, price, options, error, said):
    with pytest.raises(error, match=said):
        perpetual_inventory(investment, price, **options)


def test_chongqing_leaves_sichuan_without_creating_or_losing_capital():
    whole = keyed(np.full(1997 - 1952 + 1, 10.0), SICHUAN)
    gfcf = pd.concat([whole, keyed([2.5, 3.0], CHONGQING, first=1996)])
    rows = stock(gfcf).set_index(["province", "year"])["value"]
    before = rows[SICHUAN, 1995]
    assert rows[SICHUAN, 1996] == pytest.approx(0.904 * before * 0.8 + 10)
    assert rows[CHONGQING, 1996] == pytest.approx(0.904 * before * 0.2 + 2.5)
    assert rows[CHONGQING, 1997] == pytest.approx(0.904 * rows[CHONGQING, 1996] + 3)
    assert (CHONGQING, 1995) not in rows.index


def test_tidy_rows_and_flags():
    flags = {((BEIJING, 1954), "gfcf"): "spliced", ((BEIJING, 1953), "gfcf"): "break"}
    rows = stock(keyed([1.0, 1.0, 1.0, 1.0]), flags)
    assert list(rows) == ["province", "year", "variable", "value", "vintage", "flag"]
    assert rows["variable"].unique().tolist() == ["capital_stock"]
    # once an extrapolated figure has entered the stock it stays in it
    assert rows["flag"].tolist() == ["derived", "break", "extrapolated", "extrapolated"]


@pytest.mark.parametrize(("province", "first"), [(BEIJING, 1978), (CHONGQING, 1996)])
def test_a_stock_that_cannot_start_in_1952_is_refused(province, first):
    with pytest.raises(SampleError, match=rf"starts in {first} \[province .*leaves Sichuan"):
        stock(keyed([1.0, 1.0], province, first))


def panel(drop=()):
    """Two provinces, 2010 to 2013, that grow by 10 % and by 0, 20, -10 %."""
    nan = np.nan
    return made(
        (province, 2010 + i, key, value, vintage, "official")
        for province, growth in ((BEIJING, [nan, 110, 110, 110]), (HAINAN, [nan, 100, 120, 90]))
        for i in range(4)
        for key, value, vintage in [
            ("gdp_index", growth[i], ""),
            ("capital_stock", 50, ""),
            ("investment_price", 2 + i, ""),
            ("employment", 30, ""),
            ("gdp", 200 + i, "census5"),
            ("gdp", 180 + i if i else nan, "census4"),
        ]
        if (province, 2010 + i, key) not in drop
    )


def test_the_base_year_is_carried_both_ways_by_the_index():
    forward = real_gdp(panel(), base=2010)
    np.testing.assert_allclose(forward[BEIJING], [200.0, 220.0, 242.0, 266.2])
    np.testing.assert_allclose(forward[HAINAN], [200.0, 200.0, 240.0, 216.0])
    assert forward.index.names == ["province", "year"]
    middle = real_gdp(panel(), base=2012)
    assert middle[HAINAN, 2012] == pytest.approx(202.0)
    np.testing.assert_allclose(middle / forward, np.repeat([202 / 242, 202 / 240], 4))
    fourth = real_gdp(panel(), base=2011, vintage="census4")  # the vintage sets the level
    assert fourth[BEIJING, 2011] == 181.0


@pytest.mark.parametrize(
    ("drop", "options", "error", "said"),
    [
        ((), {"vintage": "census4"}, SampleError, "gdp of 2010 in vintage 'census4'.*Beijing"),
        ((), {"vintage": "census6"}, DataError, "census6"),
        ([2012], {}, SampleError, r"gdp_index has a gap.*Hainan \(460000\), year 2012"),
        ([2011, 2012], {}, SampleError, "does not reach 2010.*Hainan"),
    ],
)
def test_what_real_product_refuses(drop, options, error, said):
    with pytest.raises(error, match=said):
        real_gdp(panel([(HAINAN, year, "gdp_index") for year in drop]), **options)


def test_the_production_sample_is_complete_and_at_prices_of_one_year():
    frame = production(panel([(HAINAN, 2013, "employment")]), base=2012)
    assert list(frame) == ["output", "capital", "labour"]
    assert frame["capital"].unique().tolist() == [200.0]
    assert len(frame) == 7 and (HAINAN, 2013) not in frame.index
    with pytest.raises(SampleError, match="price of 2012 is not given.*Hainan"):
        production(panel([(HAINAN, 2012, "investment_price")]), base=2012)


def test_a_splice_keeps_the_newest_basis_and_every_change_that_spans_no_break():
    rng = np.random.default_rng(4)
    keys = pd.MultiIndex.from_product([range(5), range(2010, 2020)], names=["unit", "year"])
    steps = rng.normal(0.02, 0.05, (5, 10))
    true = pd.Series(np.exp(4 + steps.cumsum(axis=1)).ravel(), keys, name="labour")
    old = true.copy()
    for unit, year, factor in ((1, 2013, 1.4), (1, 2016, 0.8), (3, 2013, 0.7)):
        before = (keys.get_level_values(0) == unit) & (keys.get_level_values(1) < year)
        old[before] *= factor
    marks = pd.MultiIndex.from_tuples([(1, 2013), (1, 2016), (3, 2013)], names=keys.names)
    broken = pd.Series(True, marks)
    got = splice(old.sample(frac=1, random_state=0), broken)
    assert got.index.equals(keys) and got.name == "labour"
    change, real = (np.log(s).groupby(level=0).diff() for s in (got, true))
    np.testing.assert_allclose(change.drop(marks).dropna(), real.drop(marks).dropna(), atol=1e-12)
    for unit, year in marks:
        others = real.xs(year, level="year").drop([u for u, y in marks if y == year])
        assert change[unit, year] == pytest.approx(others.mean(), abs=1e-12)
    pd.testing.assert_series_equal(got.xs(2019, level="year"), true.xs(2019, level="year"))
    pd.testing.assert_series_equal(splice(true, broken.iloc[:0]), true)


def test_what_cannot_be_spliced_is_refused():
    keys = pd.MultiIndex.from_product([[BEIJING], [2019, 2020]], names=["province", "year"])
    with pytest.raises(SampleError, match=r"every change.*Beijing \(110000\), year 2020"):
        splice(pd.Series([1.0, 2.0], keys), pd.Series(True, keys))
    with pytest.raises(DataError, match="is 0 .*a positive level"):
        splice(pd.Series([0.0, 2.0], keys), pd.Series(False, keys))
