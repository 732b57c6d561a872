"""The grid of specifications: counted honestly, run once, stored with its declaration."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_grid import declare, enumerated

from nqpf import Panel, provinces
from nqpf.compare.declaration import _Declaration
from nqpf.errors import CardError, DataError, FormulaError, MethodError, SourceError
from nqpf.multiverse.grid import SpecificationGrid
from nqpf.multiverse.results import Multiverse

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
        sets = {
            "both": ["government_size", "industry"],
            "one": ["industry"],
            "lag": ["income", "industry"],
        }
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
        (
            growth | {"sample": "singletons", "effects": "two-way"},
            "a province or year has a single row",
        ),
        (
            growth | {"sample": "one-cluster", "effects": "unit"},
            "too few rows for the regressors",
        ),
    ]:
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
    assert counts["run"] * 2 == len(table)
    assert counts["run"] == quick.count()["to run"] - collinear
    assert counts["declared"] == counts.drop("declared").sum()
    row = table[table["measure"] == CHAINED].iloc[-1]
    about = ["direction", "outcome", "determinant", "measure", "kind", "estimator", "capital"]
    assert row[about].str.cat(sep=" ") == (
        f"determinant measure urbanisation {CHAINED} tfp malmquist-yearly 1952-9.6"
    )
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
        with pytest.raises(MethodError, match=message):
            multiverse.curve(**asked)


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
        with pytest.raises(SourceError, match="cannot be read"):
            Multiverse.load(path, declared, embedded)


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
    with pytest.raises(error, match=message):
        declare(tmp_path, change)


def test_a_logarithm_of_nothing_is_refused(grid, tmp_path):
    other = altered(grid, tmp_path, swap("variables", "growth", "log", True))
    with pytest.raises(DataError, match=r"'growth' is -?[0-9.]+ and has no logarithm \[province"):
        other.count()
