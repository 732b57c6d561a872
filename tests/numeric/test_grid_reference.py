"""Specifications of the multiverse against regressions built one by one from the panel.

Each is put together here from the official figures and run through
``nqpf.regress.fixed_effects``, which calls linearmodels, without the grid, its rows or the
kernel of cross-products.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from made_up_grid import declare
from scipy import stats

from nqpf import Panel, Recipe, System
from nqpf.compare.declaration import _Declaration
from nqpf.compare.variants import _variants
from nqpf.errors import SourceError
from nqpf.multiverse.grid import SpecificationGrid, _estimates
from nqpf.multiverse.inference import _curve_input
from nqpf.multiverse.redraw import _Plan
from nqpf.multiverse.results import _SHARED, Multiverse, _stored
from nqpf.multiverse.shares import _UNITS
from nqpf.regress import fixed_effects
from nqpf.sample import standardise
from nqpf.tfp import real_gdp

RESULTS = _stored("results.parquet")
DECLARED = _Declaration.load().grid
SAMPLES, SETS = ({one.key: one for one in rows} for rows in (DECLARED.samples, DECLARED.controls))


@cache
def panel():
    return Panel.load(extra=False)


@cache
def measure(name, vintage):
    key, *methods = name.split("/")
    if key == "tfp":
        rules = [one for one in DECLARED.measures.capital if one.key == methods[1]]
        made = _variants(panel(), vintage, [], (), methods[:1], rules)
        return made.values[name].dropna()
    return Recipe(*methods).fit(System.load(key).evaluate(panel(), vintage=vintage)).scores


@cache
def variables(vintage):
    names = ["gdp", "gdp_index", "energy", "so2", "population", "urbanisation", "share_secondary"]
    names += ["budget_expenditure", "education_expenditure", "tax_revenue"]
    raw = panel().wide(names, vintage=vintage)
    raw["real"] = real_gdp(panel(), 2010 if vintage == "census5" else 2011, vintage)
    return pd.DataFrame(
        {
            "growth": raw["gdp_index"] - 100,
            "energy_intensity": np.log(raw["energy"] / raw["real"]),
            "so2_intensity": np.log(raw["so2"] / raw["real"]),
            "income": np.log(raw["real"] / raw["population"]),
            "urbanisation": raw["urbanisation"],
            "government_size": raw["budget_expenditure"] / raw["gdp"],
            "education_share": raw["education_expenditure"] / raw["budget_expenditure"],
            "tax_share": raw["tax_revenue"] / raw["gdp"],
            "industry": raw["share_secondary"],
            "population": np.log(raw["population"]),
        }
    )


def equation(spec):
    """The rows of a specification, outcome first, the regressor of interest second."""
    known = variables(spec["vintage"])
    score = measure(spec["measure"], spec["vintage"])
    year = score.index.get_level_values("year")
    score = score[(year >= 2013) & (year <= 2023)].rename("measure")
    if spec["transformation"] == "log":
        score = np.log(score)
    if spec["transformation"] == "rank":
        score = score.groupby(level="year").rank() / score.groupby(level="year").transform("size")
    driver = spec["direction"] == "driver"
    focal = spec["outcome"] if driver else spec["determinant"]
    controls = [name for name in SETS[spec["controls"]].variables if name != focal or driver]
    frame = score.to_frame().join(known[controls])
    related = known[focal].rename("related").reset_index()
    related["year"] -= driver
    frame = frame.join(related.set_index(["province", "year"]))
    if spec["transformation"] == "difference":
        before = frame.reset_index()
        before["year"] += 1
        frame = (frame - before.set_index(["province", "year"]).reindex(frame.index)).dropna()
    frame = frame.dropna()
    province, year = (frame.index.get_level_values(level) for level in (0, 1))
    sample, steps = SAMPLES[spec["sample"]], {0, int(driver)}
    keep = ~province.isin(sample.without_provinces)
    if spec["transformation"] == "difference":
        steps |= {step - 1 for step in steps}
    for step in steps:
        keep &= ~(year + step).isin(sample.without_years)
    if sample.without_breaks:  # the panel's own flags, read from its table
        rows = panel().frame
        rows = rows[(rows["variable"] == "employment") & (rows["flag"] == "break")]
        broken = set(zip(rows["province"], rows["year"], strict=True))
        keep &= [key not in broken for key in frame.index]
    order = ["related", "measure"] if driver else ["measure", "related"]
    return frame.loc[keep, [*order, *controls]]


def residuals(values, frame, effects, controls):
    """What dummies of the effects, a constant and controls leave of some columns."""
    provinces, years = (pd.get_dummies(frame.index.get_level_values(i)) for i in (0, 1))
    parts = [np.ones((len(frame), 1)), frame[controls].to_numpy()]
    parts += [provinces.to_numpy(float)] * (effects in ("two-way", "unit"))
    parts += [years.to_numpy(float)] * (effects in ("two-way", "time"))
    out = np.hstack(parts)
    return values - out @ np.linalg.lstsq(out, values, rcond=None)[0]


def reference(spec):
    """Estimate, the same within and as a partial correlation, standard error, p, rows, provinces.

    One regression at a time; the other units by dummies and residuals.
    """
    rows = equation(spec)
    frame = standardise(rows, list(rows.columns))
    outcome, *regressors = frame.columns
    effects = spec["effects"]
    if spec["transformation"] == "difference":
        effects = {"two-way": "time", "unit": "pooled"}[effects]
    # Year sums of Driscoll and Kraay do not nest the effects of units: all effects are counted.
    convention = "nested" if spec["errors"] == "clustered" else "all"
    options = {"effects": effects, "errors": spec["errors"], "convention": convention}
    fit = fixed_effects(frame, outcome, regressors, **options)
    params, *others = (one[regressors[0]] for one in (fit.params, fit.std_errors, fit.pvalues))
    pair = frame[[outcome, regressors[0]]].to_numpy()
    left = residuals(pair, frame, effects, [])
    within = params * left[:, 1].std() / left[:, 0].std()
    partial = np.corrcoef(residuals(pair, frame, effects, regressors[1:]).T)[0, 1]
    size = len(frame), frame.index.unique("province").size
    return params, within, partial, *others, *size


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return SpecificationGrid(declare(tmp_path_factory.mktemp("declared")), panel())


def check(grid, name, rng, errors=None):
    """Compare three specifications of a batch with single regressions."""
    batch = dict(grid.batches())[name]
    found, size = _estimates(batch, grid.figures)
    levels = [grid.declaration.levels[axis] for axis in ("controls", "measure", "errors")]
    direction, variable, vintage, transformation, sample, effects = name.split(".")
    for cell in rng.permutation(len(batch.cells))[: 3 if errors is None else None]:
        at = np.unravel_index(batch.cells[cell], grid.shape[-3:])
        spec = {
            "direction": direction,
            "outcome": variable,
            "determinant": variable,
            "vintage": vintage,
            "transformation": transformation,
            "sample": sample,
            "effects": effects,
        }
        names = ("controls", "measure", "errors")
        spec |= {key: one[i] for key, one, i in zip(names, levels, at, strict=True)}
        if errors is None or spec["errors"] == errors:
            *expected, rows, provinces = reference(spec)
            assert np.allclose(found[cell], expected, rtol=1e-10, atol=1e-12), spec
            assert tuple(size[cell][:2]) == (rows, provinces), spec


KINDS = ["log", "rank", "difference", "without-breaks", "without-three-cities", "level"]


@pytest.mark.parametrize("kind", [*KINDS, "difference.without-2020-2022", "level.without-tibet"])
def test_estimates_are_those_of_single_regressions(grid, kind):
    rng = np.random.default_rng(7)
    own = [name for name, _ in grid.batches() if f".{kind}." in name]
    for name in rng.choice(own, 2, replace=False):
        check(grid, str(name), rng)


def test_lags_of_errors_do_not_reach_over_years_left_out(grid):
    name = "determinant.urbanisation.census5.level.without-2020-2022.two-way"
    batch = dict(grid.batches())[name]
    assert sorted(set(grid.figures[batch.figures].year[batch.rows])) == [*range(2013, 2020), 2023]
    check(grid, name, np.random.default_rng(0), errors="driscoll-kraay")


@pytest.fixture(scope="module")
def stored():
    if not RESULTS.is_file():
        pytest.skip("no stored results: run `make multiverse`")
    return Multiverse.load(RESULTS, panel=panel())


@pytest.mark.parametrize("seed", range(4))
def test_stored_results_are_those_of_single_regressions(stored, seed):
    sample = stored.table.sample(5, random_state=seed).astype({"measure": str})
    for _, row in sample.iterrows():
        *expected, rows, provinces = reference(row)
        estimate, within, partial, *others = expected
        found = row[["estimate", "std_error", "pvalue"]].to_numpy(dtype=float)
        assert np.allclose(found, [estimate, *others], rtol=1e-6, atol=1e-7), row
        found = row[["within", "partial"]].to_numpy(dtype=float)  # sixteen bits
        assert np.allclose(found, [within, partial], rtol=2e-5, atol=1e-7), row
        assert (row["nobs"], row["groups"]) == (rows, provinces), row


def test_stored_shares_are_those_of_the_stored_estimates(stored):
    """The share of an axis alone by the sums of squares of a one-way layout, in each unit."""
    shares = stored.disagreement()["first_order"]
    own = stored.curve(direction="determinant", determinant="tax_share", errors="clustered")
    units = {name: own[column].astype(float) for name, column in _UNITS.items()}
    units["ranks"] = units["partial"].rank()
    for unit, values in units.items():
        spread = ((values - values.mean()) ** 2).sum()
        for axis in ("transformation", "effects", "measure"):
            means = values.groupby(own[axis], observed=True).transform("mean")
            alone = ((means - values.mean()) ** 2).sum() / spread
            kept = shares["determinant", "tax_share", unit, axis]
            assert kept == pytest.approx(alone, rel=1e-4), (unit, axis)
    assert set(shares.index.get_level_values("unit")) == set(_UNITS)


def test_shares_of_another_declaration_are_refused(stored, tmp_path):
    table = pd.read_csv(_stored("shares.csv")).assign(declaration="another")
    table.to_csv(tmp_path / "shares.csv", index=False)
    for name, message in (("shares.csv", "rest on another declaration"), ("no.csv", "be read")):
        with pytest.raises(SourceError, match=message):
            stored._beside(tmp_path / name, _SHARED)


def test_stored_results_are_what_was_declared(stored):
    *choices, errors = stored.declaration.levels.values()
    assert stored.counts["declared"] == np.prod([len(levels) for levels in choices])
    assert stored.counts["run"] * len(errors) == len(stored.table) > 100_000
    assert stored.counts["declared"] == stored.counts.drop("declared").sum()
    assert RESULTS.stat().st_size < 6_000_000


def test_inference_rests_on_the_regressions_of_the_grid(grid, tmp_path):
    """Stored in single precision, 24 bits: 6e-8; p values follow from what is stored."""

    def change(one):
        one["vintages"], one["samples"] = one["vintages"][:1], one["samples"][::3]

    fewer = SpecificationGrid(declare(tmp_path, change), panel())
    fewer.__dict__["measured"] = grid.measured
    table = fewer.run(n_jobs=1).table
    own = table[table["errors"] == "clustered"]
    frame, specs = _curve_input(fewer, own)
    params, errors, df = (part[0] for part in _Plan(frame, specs).estimate(np.ones((1, 31))))
    np.testing.assert_allclose(params, own["estimate"], rtol=1.2e-7)
    np.testing.assert_allclose(errors, own["std_error"], rtol=1.2e-7)
    np.testing.assert_array_equal(df, own["groups"] - 1)
    size = own["estimate"].abs().to_numpy(float) / own["std_error"].to_numpy(float)
    np.testing.assert_allclose(own["pvalue"], 2 * stats.t.sf(size, df), rtol=1.2e-7)
    choices = ["direction", "transformation", "effects", "sample", "controls", "kind"]
    assert (own[choices].nunique() > 1).all()
