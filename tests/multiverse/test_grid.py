"""The grid of specifications: counted honestly, run once, stored; single regressions."""

import re
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from made_up_grid import declare, enumerated
from made_up_panels import dummies, refuses
from scipy import stats

from nqpf import Panel, Recipe, System, provinces
from nqpf.compare.declaration import _Declaration
from nqpf.compare.variants import _variants
from nqpf.errors import CardError, DataError, FormulaError, MethodError, SourceError
from nqpf.multiverse.grid import SpecificationGrid, _estimates
from nqpf.multiverse.inference import _curve_input, _Plan
from nqpf.multiverse.results import _SHARED, _UNITS, Multiverse, _stored
from nqpf.regress import fixed_effects
from nqpf.sample import standardise
from nqpf.tfp import real_gdp

LINEAR = "{}/minmax/entropy/linear".format
DONG, GONG, LU, REN = map(LINEAR, ("dong-2024", "gong-2024", "lu-guo-2024", "ren-2024"))
SOLOW, CHAINED = "tfp/solow-0.5/1952-9.6", "tfp/malmquist-yearly/1952-9.6"
RESULTS = ["estimate", "within", "partial", "std_error", "pvalue", "nobs", "groups", "df"]


@pytest.fixture(scope="module")
def grid(embedded, tmp_path_factory):
    return SpecificationGrid(declare(tmp_path_factory.mktemp("declared")), embedded)


@pytest.fixture(scope="module")
def specs(grid):
    return enumerated(grid)


@pytest.fixture(scope="module")
def quick(grid, tmp_path_factory):
    def change(one):
        one["vintages"], one["effects"] = one["vintages"][:1], one["effects"][:1]
        one["samples"] = [one["samples"][0], one["samples"][3]]
        name = {"zh": "二倍", "en": "twice"}
        one["variables"]["twice"] = {"name": name, "formula": "share_secondary * 2 + 1"}
        one["controls"].append({"key": "same", "variables": ["industry", "twice"], "why": "x"})

    return altered(grid, tmp_path_factory.mktemp("quick"), change)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def multiverse(quick, store):
    return quick.run(store, n_jobs=1)


def altered(grid, folder, change):
    """Return a grid of a changed declaration with the measures that were computed before."""
    other = SpecificationGrid(declare(folder, change), grid.panel)
    other.__dict__["measured"] = grid.measured
    return other


def swap(*path):
    """Return a change that puts the last of `path` where the others lead."""
    *keys, last, value = path

    def change(grid):
        for key in keys:
            grid = grid[key]
        grid[last] = value

    return change


def reasons_of(specs, **choices):
    for axis, level in choices.items():
        specs = specs[specs[axis] == level]
    assert len(specs)
    return set(specs["reason"])


def test_every_combination_is_declared_once_and_in_order_and_counts_add_up(grid, specs):
    levels = grid.declaration.levels
    axes = list(_Declaration.load().levels)[:-1]  # each estimate has every kind of standard error
    assert len(specs) == grid.declared == 3 * 2 * 4 * 6 * 2 * 3 * 6
    assert specs["id"].tolist() == list(range(0, 2 * grid.declared, 2))
    expected = pd.MultiIndex.from_product([levels[axis] for axis in axes], names=axes)
    assert specs[axes].astype(str).apply(tuple, axis=1).tolist() == list(expected)
    counts = grid.count()
    assert counts["declared"] == counts.drop("declared").sum()
    assert counts["to run"] == (specs["reason"] == "").sum() > 0
    assert SpecificationGrid().declared > 100_000


GROWTH, ENERGY, TOWNS = "driver:growth", "driver:energy_intensity", "determinant:urbanisation"
AXES = ("measure", "relation", "transformation", "sample", "controls", "vintage")
CASES = [
    ("made of the same indicators in the same way", GONG),
    ("the vintage lacks a figure", REN, None, None, None, None, "census4"),
    ("holds the outcome or determinant", LU, ENERGY),
    ("holds the outcome or determinant", DONG, TOWNS),
    ("holds the outcome or determinant", SOLOW, GROWTH, "difference"),
    ("holds a control", SOLOW, None, "level", None, "development"),
    ("holds a control", DONG, GROWTH, "log", None, "development"),
    ("starts at 1 in every province", CHAINED, None, "rank", None, "none"),
    ("repeats a sample with the same rows", LU, GROWTH, None, "without-tibet"),
    ("a break is left out of the growth", LU, GROWTH, None, "without-breaks", "none"),
    ("a break is left out of the growth", SOLOW, TOWNS, "log", "without-breaks", "none"),
    ("", SOLOW, GROWTH, "level", "without-tibet", "none"),
    ("", LU, GROWTH, None, "all", "development"),
    ("", SOLOW, TOWNS, "difference", "without-breaks", "none"),
    ("", LU, TOWNS, "log", "without-three-cities", "none"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0] or 'runs'}-{case[1]}")
def test_what_is_not_run_has_its_reason(specs, case):
    choices = {axis: one for axis, one in zip(AXES, case[1:], strict=False) if one}
    (found,) = reasons_of(specs, **choices)
    assert case[0] in found and bool(case[0]) == bool(found)


def test_controls_and_samples_that_leave_nothing_to_estimate_are_counted(grid, tmp_path):
    def change(one):
        one["driver"]["variables"] = ["growth", "income"]
        one["determinant"]["variables"] = ["government_size"]
        sets = {"both": ["government_size", "industry"], "one": ["industry"]}
        sets["lag"] = ["income", "industry"]
        one["controls"] = [{"key": k, "variables": v, "why": "x"} for k, v in sets.items()]
        one["samples"] = one["samples"][:1] + [
            {"key": "empty", "why": "x", "without_years": list(range(2013, 2024))},
            {"key": "singletons", "why": "x", "without_years": list(range(2013, 2022))},
            {"key": "one-cluster", "why": "x", "without_provinces": provinces.codes()[1:]},
        ]

    specs = enumerated(altered(grid, tmp_path, change))
    lagged, growth = {"relation": "driver:income"}, {"relation": "driver:growth", "controls": "one"}
    own = {"relation": "determinant:government_size"}
    for choices, reason in [
        (lagged | {"controls": "lag"}, "a control is the outcome itself a year before"),
        (lagged | {"controls": "both"}, ""),
        (own | {"controls": "both"}, ""),
        (own | {"controls": "one"}, "repeats controls that are the same without the determinant"),
        (growth, ""),
        (growth | {"sample": "empty", "effects": "unit"}, "no row is complete"),
        (growth | {"sample": "singletons", "effects": "two-way"},
         "a province or year has a single row"),
        (growth | {"sample": "one-cluster", "effects": "unit"}, "too few rows for the regressors"),
    ]:  # fmt: skip
        about = {"measure": LU, "transformation": "level", "vintage": "census5", "sample": "all"}
        assert reasons_of(specs, **about | choices) == {reason}


def test_batches_hold_every_specification_to_run_once(grid, specs):
    batches = dict(grid.batches())
    found = np.concatenate([one.first + one.cells for one in batches.values()])
    first = specs.loc[specs["reason"] == "", "id"].to_numpy()
    assert found.tolist() == np.column_stack([first, first + 1]).ravel().tolist()
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in batches)


def test_a_score_of_zero_leaves_the_measure_without_a_logarithm(grid, tmp_path):
    values = grid.measured["census5"].values.copy()
    values.loc[(540000, 2020), DONG] = 0.0
    other = altered(grid, tmp_path, lambda one: one["samples"].__delitem__(slice(1, None)))
    changed = replace(grid.measured["census5"], values=values)
    other.__dict__["measured"] = {**grid.measured, "census5": changed}
    found = other.figures["census5/log"].measures
    column = grid.declaration.measures.index(DONG)
    assert np.isnan(found[:, column]).all() and np.isfinite(found).any(axis=0).sum() > 0
    asked = {"measure": DONG, "transformation": "log", "vintage": "census5", "controls": "none"}
    zero = "a score is zero or below and has no logarithm"
    assert reasons_of(enumerated(other), **asked, relation="driver:growth") == {zero}


def test_results_carry_choices_and_counts(quick, multiverse):
    counts, table = multiverse.counts, multiverse.table
    specs = enumerated(quick)
    collinear = ((specs["controls"] == "same") & (specs["reason"] == "")).sum()
    assert counts["collinear"] == collinear > 0 and "same" not in set(table["controls"])
    assert counts["run"] * 2 == len(table) and counts["run"] == quick.count()["to run"] - collinear
    assert counts["declared"] == counts.drop("declared").sum()
    row = table[table["measure"] == CHAINED].iloc[-1]
    about = ["direction", "outcome", "determinant", "measure", "kind", "estimator", "capital"]
    expected = f"determinant measure urbanisation {CHAINED} tfp malmquist-yearly 1952-9.6"
    assert row[about].str.cat(sep=" ") == expected
    assert table[RESULTS].notna().all(axis=None)
    assert table["pvalue"].between(0, 1).all() and table["partial"].between(-1, 1).all()
    pairs = table.groupby(table["id"] // 2)
    assert (pairs[["estimate", "within", "partial"]].nunique() == 1).all(axis=None)
    assert (pairs["errors"].nunique() == 2).all()


def test_a_curve_is_one_question_from_smallest_to_largest_in_each_unit(multiverse):
    whole, samples = multiverse.table, ["all", "without-tibet"]
    kept = (whole["outcome"] == "growth") & (whole["kind"] == "tfp")
    curve = multiverse.curve(outcome="growth", kind="tfp", sample=samples)
    assert sorted(curve["id"]) == whole["id"][kept & whole["sample"].isin(samples)].tolist()
    assert curve["estimate"].is_monotonic_increasing and len(curve)
    plain = multiverse.curve(outcome="growth").set_index("id")
    for unit in ("within", "partial"):
        other = multiverse.curve(outcome="growth", unit=unit)
        assert other["estimate"].is_monotonic_increasing
        other = other.set_index("id").reindex(plain.index)
        np.testing.assert_array_equal(other["estimate"], plain[unit])
        ratio = other["estimate"] / other["std_error"]
        np.testing.assert_allclose(ratio, plain["estimate"] / plain["std_error"], rtol=1e-5)
    for asked, message in (
        ({"outcome": "growht"}, "unknown level of outcome 'growht'.*Did you mean 'growth'"),
        ({"samples": "all"}, "unknown choice 'samples'.*Did you mean 'sample'"),
        ({"unit": "partials"}, "unknown unit 'partials'.*Did you mean 'partial'"),
    ):
        refuses(MethodError, message, multiverse.curve, **asked)


def test_stored_results_are_the_same_bytes_and_come_back(multiverse, embedded, tmp_path):
    for name in ("one", "other"):
        multiverse.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    found = Multiverse.load(tmp_path / "one", multiverse.declaration, embedded)
    pd.testing.assert_frame_equal(found.table, multiverse.table, check_exact=True)
    pd.testing.assert_series_equal(found.counts, multiverse.counts)
    pd.testing.assert_frame_equal(found.dropped, multiverse.dropped)
    assert found.declaration.text == multiverse.declaration.text


def test_an_interrupted_run_goes_on_to_the_same_results(quick, multiverse, store):
    parts = sorted(store.glob("*/*.parquet"))
    assert len(parts) == len(dict(quick.batches()))
    for part in parts[1::2]:
        part.unlink()
    again = quick.run(store, n_jobs=1)
    pd.testing.assert_frame_equal(again.table, multiverse.table, check_exact=True)


def test_results_of_another_declaration_or_data_are_refused(multiverse, embedded, tmp_path):
    stored, declared = tmp_path / "results", multiverse.declaration
    multiverse.save(stored)
    noted = declare(tmp_path, swap("note", "written after the run"))
    with pytest.raises(SourceError, match="rest on another declaration.*make multiverse"):
        Multiverse.load(stored, noted, embedded)
    changed, unused = embedded.frame.copy(), embedded.frame.copy()
    changed.loc[changed["variable"] == "gdp", "value"] += 1e-9
    with pytest.raises(SourceError, match="rest on another data"):
        Multiverse.load(stored, declared, Panel(changed, embedded.catalogue))
    unused.loc[unused["variable"] == "retail_sales", "value"] *= 2
    other = Panel(unused.sample(frac=1, random_state=0), embedded.catalogue)
    assert len(Multiverse.load(stored, declared, other).table)
    stored.write_bytes(b"not Parquet")
    for path in (stored, tmp_path / "absent"):
        refuses(SourceError, "cannot be read", Multiverse.load, path, declared, embedded)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (swap("measures", "systems", "keys", ["lu-2025"]), CardError, "unknown system 'lu-2025'"),
        (swap("measures", "systems", "keys", ["lu-2024"] * 2), CardError, "'lu-2024' is there tw"),
        (swap("measures", "recipes", 0, "weights", ["entropie"]), MethodError, "'entropie'"),
        (swap("measures", "estimators", 0, "key", "solow"), CardError, "unknown estimator 'solow'"),
        (swap("driver", "variables", ["grwth"]), CardError, "unknown variable 'grwth'.*'growth'"),
        (swap("controls", 1, "variables", ["gdp"]), CardError, "controls.structure"),
        (swap("samples", 1, "without_provinces", [990000]), CardError, "province 990000"),
        (swap("samples", 1, "without_breaks", ["emplymt"]), CardError, "'emplymt'.*'employment'"),
        (swap("effects", 0, "key", "three-way"), CardError, "effects.0.key"),
        (swap("errors", 0, "cluster", "city"), CardError, "errors.0.cluster"),
        (swap("transformations", 0, "why", ""), CardError, "transformations.0.why"),
        (swap("variables", "growth", "formula", "open('x')"), FormulaError, "not allowed"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value.split("'")[0].strip() or "name",
)
def test_a_declaration_that_cannot_be_meant_is_refused(tmp_path, change, error, message):
    refuses(error, message, declare, tmp_path, change)


def test_a_logarithm_of_nothing_is_refused(grid, tmp_path):
    other = altered(grid, tmp_path, swap("variables", "growth", "log", True))
    refuses(DataError, r"'growth' is -?[0-9.]+ \[province.*logarithm", other.count)


# Specifications against regressions built one by one from the panel: each is put together here
# from the official figures and run through ``nqpf.regress.fixed_effects``, which calls
# linearmodels, without the grid, its rows or the kernel of cross-products.


STORED = _stored("results.parquet")
DECLARED = _Declaration.load().grid
SAMPLES, SETS = ({one.key: one for one in rows} for rows in (DECLARED.samples, DECLARED.controls))


panel = cache(partial(Panel.load, extra=False))


@cache
def measure(name, vintage):
    key, *methods = name.split("/")
    if key == "tfp":
        rules = [one for one in DECLARED.measures.capital if one.key == methods[1]]
        return _variants(panel(), vintage, [], (), methods[:1], rules).values[name].dropna()
    return Recipe(*methods).fit(System.load(key).evaluate(panel(), vintage=vintage)).scores


@cache
def variables(vintage):
    names = ["gdp", "gdp_index", "energy", "so2", "population", "urbanisation", "share_secondary"]
    names += ["budget_expenditure", "education_expenditure", "tax_revenue"]
    raw = panel().wide(names, vintage=vintage)
    raw["real"] = real_gdp(panel(), 2010 if vintage == "census5" else 2011, vintage)
    gdp, real, budget = (raw[name] for name in ("gdp", "real", "budget_expenditure"))
    made = {f"{name}_intensity": np.log(raw[name] / real) for name in ("energy", "so2")}
    made |= {"growth": raw["gdp_index"] - 100, "income": np.log(real / raw["population"])}
    made |= {"government_size": budget / gdp, "tax_share": raw["tax_revenue"] / gdp}
    made["education_share"] = raw["education_expenditure"] / budget
    made |= {"population": np.log(raw["population"]), "industry": raw["share_secondary"]}
    return pd.DataFrame(made | {"urbanisation": raw["urbanisation"]})


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
    out = np.hstack([frame[controls], dummies(frame, effects)])
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


def check(grid, name, rng, errors=None):
    """Compare three specifications of a batch with single regressions."""
    batch = dict(grid.batches())[name]
    found, size = _estimates(batch, grid.figures)
    levels, axes = grid.declaration.levels, ("controls", "measure", "errors")
    direction, variable, *rest = name.split(".")
    own = (direction, variable, variable, *rest)
    named = ("direction", "outcome", "determinant", *list(levels)[1:-3])
    shared = dict(zip(named, own, strict=True))
    for cell in rng.permutation(len(batch.cells))[: 3 if errors is None else None]:
        at = np.unravel_index(batch.cells[cell], grid.shape[-3:])
        spec = shared | {axis: levels[axis][i] for axis, i in zip(axes, at, strict=True)}
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
    if not STORED.is_file():
        pytest.skip("no stored results: run `make multiverse`")
    return Multiverse.load(STORED, panel=panel())


@pytest.mark.parametrize("seed", range(4))
def test_stored_results_are_those_of_single_regressions(stored, seed):
    for _, row in stored.table.sample(5, random_state=seed).astype({"measure": str}).iterrows():
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
        refuses(SourceError, message, stored._beside, tmp_path / name, _SHARED)


def test_stored_results_are_what_was_declared(stored):
    *choices, errors = stored.declaration.levels.values()
    assert stored.counts["declared"] == np.prod([len(levels) for levels in choices])
    assert stored.counts["run"] * len(errors) == len(stored.table) > 100_000
    assert stored.counts["declared"] == stored.counts.drop("declared").sum()
    assert STORED.stat().st_size < 6_000_000


def test_inference_rests_on_the_regressions_of_the_grid(grid, tmp_path):
    """Stored in single precision, 24 bits: 6e-8; p values follow from what is stored."""

    def change(one):
        one["vintages"], one["samples"] = one["vintages"][:1], one["samples"][::3]

    fewer = altered(grid, tmp_path, change)
    table = fewer.run(n_jobs=1).table
    own = table[table["errors"] == "clustered"]
    frame, specs = _curve_input(fewer, own)
    params, errors, df = (part[0] for part in _Plan(frame, specs).estimate(np.ones((1, 31))))
    stored = own[["estimate", "std_error"]].to_numpy().T
    np.testing.assert_allclose([params, errors], stored, rtol=1.2e-7)
    np.testing.assert_array_equal(df, own["groups"] - 1)
    size = own["estimate"].abs().to_numpy(float) / own["std_error"].to_numpy(float)
    np.testing.assert_allclose(own["pvalue"], 2 * stats.t.sf(size, df), rtol=1.2e-7)
    choices = ["direction", "transformation", "effects", "sample", "controls", "kind"]
    assert (own[choices].nunique() > 1).all()
