"""Real product and the production sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.data import Catalogue, Panel
from nqpf.data.catalogue import Bilingual, Variable
from nqpf.errors import DataError, SampleError, VintageError
from nqpf.tfp import production, real_gdp, splice

NAME = Bilingual(zh="名", en="name")
BEIJING, HAINAN = 110000, 460000


def panel(drop=()):
    """Two provinces, 2010 to 2013, that grow by 10 % and by 0, 20, -10 %."""
    rows = []
    growth = {BEIJING: [110.0, 110.0, 110.0], HAINAN: [100.0, 120.0, 90.0]}
    for province in (BEIJING, HAINAN):
        for vintage, level in (("census5", 200.0), ("census4", 180.0)):
            for year in range(2010 if vintage == "census5" else 2011, 2014):
                rows.append((province, year, "gdp", level + year - 2010, vintage))
        rows += [(province, 2011 + i, "gdp_index", g, "") for i, g in enumerate(growth[province])]
        for year in range(2010, 2014):
            rows.append((province, year, "capital_stock", 50.0, ""))
            rows.append((province, year, "investment_price", 2.0 + year - 2010, ""))
            rows.append((province, year, "employment", 30.0, ""))
    frame = pd.DataFrame(rows, columns=["province", "year", "variable", "value", "vintage"])
    frame["flag"] = "official"
    for province, year, variable in drop:
        gone = (frame["province"] == province) & (frame["year"] == year)
        frame = frame[~(gone & (frame["variable"] == variable))]
    variables = {
        key: Variable(
            name=NAME,
            theme="made up",
            unit="1",
            definition="made up",
            publisher=NAME,
            yearbook=NAME,
            vintages=["census4", "census5"] if key == "gdp" else [],
        )
        for key in frame["variable"].unique()
    }
    return Panel(frame, Catalogue(sources={}, variables=variables))


def test_the_base_year_is_carried_both_ways_by_the_index():
    forward = real_gdp(panel(), base=2010)
    np.testing.assert_allclose(forward[BEIJING], [200.0, 220.0, 242.0, 266.2])
    np.testing.assert_allclose(forward[HAINAN], [200.0, 200.0, 240.0, 216.0])
    assert forward.index.names == ["province", "year"]
    middle = real_gdp(panel(), base=2012)
    assert middle[HAINAN, 2012] == pytest.approx(202.0)
    np.testing.assert_allclose(middle / forward, np.repeat([202 / 242, 202 / 240], 4))


def test_the_vintage_sets_the_level_and_must_reach_the_base():
    fourth = real_gdp(panel(), base=2011, vintage="census4")
    assert fourth[BEIJING, 2011] == 181.0
    with pytest.raises(SampleError, match=r"no gdp of 2010 in vintage 'census4'.*Beijing"):
        real_gdp(panel(), base=2010, vintage="census4")
    with pytest.raises(VintageError):
        real_gdp(panel(), vintage="census6")


def test_a_hole_in_the_index_is_named():
    with pytest.raises(SampleError, match=r"gdp_index has a gap.*Hainan \(460000\), year 2012"):
        real_gdp(panel(drop=[(HAINAN, 2012, "gdp_index")]))
    with pytest.raises(SampleError, match="does not reach 2010"):
        late = panel(drop=[(HAINAN, y, "gdp_index") for y in (2011, 2012)])
        real_gdp(late)


def test_the_production_sample_is_at_prices_of_one_year():
    frame = production(panel(), base=2012)
    assert list(frame) == ["output", "capital", "labour"]
    assert frame["capital"].unique().tolist() == [200.0]
    assert len(frame) == 8


def test_missing_figures_are_dropped_only_when_no_years_are_asked_for():
    holed = panel(drop=[(HAINAN, 2013, "employment")])
    assert (HAINAN, 2013) not in production(holed).index
    with pytest.raises(SampleError, match=r"Hainan \(460000\), year 2013, variable labour"):
        production(holed, years=[2012, 2013])


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
