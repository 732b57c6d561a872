"""Capital by perpetual inventory, real product, the production sample and the splice; print."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up import variable
from made_up_panels import keyed as panel_keys
from made_up_panels import refusals

from nqpf.data import Catalogue, Panel
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp import capital_stock, production, real_gdp, splice
from nqpf.tfp.accounts import perpetual_inventory

BEIJING, HAINAN, SICHUAN, CHONGQING = 110000, 460000, 510000, 500000


def keyed(values, province=BEIJING, first=1952):
    return pd.Series(values, panel_keys([province], len(values), first), dtype=float)


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
    told = {(key, name): "official" for name in series for key in gfcf.index} | (flags or {})
    rows = [(*key, name, series[name][key], "", flag) for (key, name), flag in told.items()]
    return capital_stock(made(rows))


STEADY = {"initial": "steady-state"}


def test_rules_of_the_first_stock():
    for investment, options, stock in (
        # in a steady state capital grows as investment does
        ([10, 11, 12.1], STEADY | {"depreciation": 0.1}, [50.0, 56.0, 62.5]),
        # without depreciation it is a running sum
        ([1.0, 2.0, 3.0], {"depreciation": 0.0, "initial": 0.5}, [0.5, 2.5, 5.5]),
        # disposals may make investment negative
        ([10.0, -0.11], {}, [100.0, 100 * 0.904 - 0.11]),
    ):
        spent = keyed(investment)
        found = perpetual_inventory(spent, spent * 0 + 1, **options)
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


ONES = keyed([1.0, 1.0, 1.0])


def inventory(investment=ONES, price=ONES, **options):
    return partial(perpetual_inventory, investment, price, **options)


test_what_an_inventory_refuses = refusals(
    SampleError,
    ("missing.*Beijing .110000., year 1953", inventory(keyed([1, np.nan, 1]))),
    ("deflator is 0 .*Beijing .110000., year 1953", inventory(ONES, keyed([1, 0, 1])), DataError),
    ("the stock is -80.96 .*year 1953", inventory(keyed([1, -90, 1])), DataError),
    (r"1.2; expected a rate in \[0, 1\)", inventory(depreciation=1.2), MethodError),
    ("Did you mean 'share'", inventory(initial="shares"), MethodError),
    ("no steady state", inventory(keyed([1, 1, 0]), **STEADY), MethodError),
    ("initial stock is not given.*Beijing", inventory(initial=pd.Series({SICHUAN: 1.0}))),
    ("gap .*Beijing .*year 1953", inventory(ONES.iloc[[0, 2]], ONES.iloc[[0, 2]])),
    ("missing.*year 1954, variable deflator", inventory(ONES, ONES.iloc[:2])),
    ("more than once", inventory(pd.concat([ONES, ONES]))),
    (r"1 level\(s\)", inventory(ONES.droplevel(0))),
    *((rf"starts in {first} \[province .*leaves Sichuan",
       partial(stock, keyed([1.0, 1.0], province, first)))
      for province, first in ((BEIJING, 1978), (CHONGQING, 1996))),
)  # fmt: skip


def test_chongqing_leaves_sichuan_without_creating_or_losing_capital():
    whole = keyed(np.full(1997 - 1952 + 1, 10.0), SICHUAN)
    gfcf = pd.concat([whole, keyed([2.5, 3.0], CHONGQING, first=1996)])
    rows = stock(gfcf).set_index(["province", "year"])["value"]
    kept, first = 0.904 * rows[SICHUAN, 1995], rows[CHONGQING, 1996]
    assert (rows[SICHUAN, 1996], first) == pytest.approx((kept * 0.8 + 10, kept * 0.2 + 2.5))
    assert rows[CHONGQING, 1997] == pytest.approx(0.904 * first + 3)
    assert (CHONGQING, 1995) not in rows.index


def test_tidy_rows_and_flags():
    flags = {((BEIJING, 1954), "gfcf"): "spliced", ((BEIJING, 1953), "gfcf"): "break"}
    rows = stock(keyed([1.0, 1.0, 1.0, 1.0]), flags)
    assert list(rows) == ["province", "year", "variable", "value", "vintage", "flag"]
    assert rows["variable"].unique().tolist() == ["capital_stock"]
    # once an extrapolated figure has entered the stock it stays in it
    assert rows["flag"].tolist() == ["derived", "break", "extrapolated", "extrapolated"]


def panel(drop=()):
    """Two provinces, 2010 to 2013, that grow by 10 % and by 0, 20, -10 %."""
    nan = np.nan

    series = {("gdp_index", ""): None, ("capital_stock", ""): [50] * 4}
    series |= {("employment", ""): [30] * 4, ("investment_price", ""): [2, 3, 4, 5]}
    series["gdp", "census5"], series["gdp", "census4"] = [200, 201, 202, 203], [nan, 181, 182, 183]
    return made(
        (province, 2010 + i, key, (values or growth)[i], vintage, "official")
        for province, growth in ((BEIJING, [nan, 110, 110, 110]), (HAINAN, [nan, 100, 120, 90]))
        for i in range(4)
        for (key, vintage), values in series.items()
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


def without(*years, name="gdp_index"):
    return panel([(HAINAN, year, name) for year in years])


YEARS = panel_keys([BEIJING], 2, 2019)
test_what_real_product_production_and_a_splice_refuse = refusals(
    SampleError,
    ("gdp of 2010 in vintage 'census4'.*Beijing", lambda: real_gdp(panel(), vintage="census4")),
    ("census6", lambda: real_gdp(panel(), vintage="census6"), DataError),
    (r"gdp_index has a gap.*Hainan \(460000\), year 2012", lambda: real_gdp(without(2012))),
    ("does not reach 2010.*Hainan", lambda: real_gdp(without(2011, 2012))),
    ("price of 2012 is not given.*Hainan",
     lambda: production(without(2012, name="investment_price"), base=2012)),
    (r"every change.*Beijing \(110000\), year 2020",
     lambda: splice(pd.Series([1.0, 2.0], YEARS), pd.Series(True, YEARS))),
    ("is 0 .*a positive level",
     lambda: splice(pd.Series([0.0, 2.0], YEARS), pd.Series(False, YEARS)), DataError),
)  # fmt: skip


def test_the_production_sample_is_complete_and_at_prices_of_one_year():
    frame = production(panel([(HAINAN, 2013, "employment")]), base=2012)
    assert list(frame) == ["output", "capital", "labour"]
    assert frame["capital"].unique().tolist() == [200.0]
    assert len(frame) == 7 and (HAINAN, 2013) not in frame.index


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


# Peers


def test_beijing_equals_the_stock_that_the_source_package_documents(embedded):
    """CapitalStock for R documents CompK(prv = 'beijing'): 38866.56346 and 40271.13639."""
    wide = embedded.wide(["gfcf", "investment_price"]).loc[[110000]]
    stock = perpetual_inventory(wide["gfcf"], wide["investment_price"])
    assert stock[110000, 2021] == pytest.approx(38866.56346, abs=5e-6)
    assert stock[110000, 2022] == pytest.approx(40271.13639, abs=5e-6)


def test_the_embedded_stock_is_what_the_library_computes(embedded):
    rows = capital_stock(embedded)
    stored = embedded.frame.query("variable == 'capital_stock'")
    key = ["province", "year", "flag"]
    merged = rows.merge(stored, on=key, suffixes=("", "_stored"), validate="one_to_one")
    assert len(merged) == len(rows) == len(stored)
    # derived figures are stored to ten significant digits
    np.testing.assert_allclose(merged["value"], merged["value_stored"], rtol=5.1e-10)
