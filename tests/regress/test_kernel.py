"""The kernel: what it returns and marks; linearmodels."""

from functools import partial

import numpy as np
import pytest
from made_up_mutants import EVERYTHING
from made_up_panels import EFFECTS, linearmodels_fit, rearranged, refusals, refuses
from made_up_panels import small_panel as sample

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.regress.kernel import _cross_products
from nqpf.sample import PanelSample

NAMES = ["y", "a", "b", "c"]
KERNEL_ERRORS = ("clustered", "driscoll-kraay")


@pytest.mark.parametrize("effects", EFFECTS)
def test_effects_in_the_other_units_by_hand(effects):
    """Within: coefficients of z-scores of what effects leave; partial: correlated residuals."""
    frame = sample(2)
    left = PanelSample(frame[["y", "a", "b"]], effects).within
    found = _cross_products(frame, NAMES, effects=effects).fit_many([0], [[1, 2]])
    unit = left / left.std(axis=0)
    slopes = np.linalg.lstsq(unit[:, 1:], unit[:, 0], rcond=None)[0]
    np.testing.assert_allclose(found.within[0], slopes, rtol=1e-10)
    for place, other in ((1, 2), (2, 1)):
        control = left[:, [other]]
        rest = left - control @ np.linalg.lstsq(control, left, rcond=None)[0]
        wanted = np.corrcoef(rest[:, 0], rest[:, place])[0, 1]
        np.testing.assert_allclose(found.partial[0, place - 1], wanted, rtol=1e-10)
    alone = _cross_products(frame, NAMES, effects=effects).fit_many([0], [[1]])
    np.testing.assert_allclose(alone.within, alone.partial, rtol=1e-12)


@pytest.mark.parametrize("errors", KERNEL_ERRORS)
def test_many_specifications_equal_single_ones_to_the_last_bit(errors):
    products = _cross_products(sample(1), NAMES)
    specs = [(y, [x, z]) for y in NAMES for x in NAMES for z in NAMES if len({x, y, z}) == 3]
    places = np.array([[NAMES.index(name) for name in (y, *x)] for y, x in specs])
    times = 500  # more than one block of specifications
    many = np.tile(places, (times, 1))
    many = products.fit_many(many[:, 0], many[:, 1:], errors)
    for i in range(len(specs)):
        one = products.fit_many(places[i, :1], places[i : i + 1, 1:], errors)
        for name in ("params", "std_errors"):
            for at in (i, i + (times - 1) * len(specs)):
                np.testing.assert_array_equal(getattr(many, name)[at], getattr(one, name)[0])


def test_row_order_and_key_place_do_not_matter():
    frame = sample(5, drop=6)
    ours, others = rearranged(lambda f: _cross_products(f, NAMES), frame)
    for name in ("total", "by_unit", "by_period"):
        np.testing.assert_allclose(getattr(others, name), getattr(ours, name), atol=1e-12)
    left = PanelSample(frame).within
    for at, unit in enumerate(frame.index.unique(0)):
        own = left[frame.index.get_level_values(0) == unit]
        np.testing.assert_allclose(ours.by_unit[at], own.T @ own, atol=1e-12)
    for parts in (ours.by_unit, ours.by_period):
        np.testing.assert_allclose(parts.sum(axis=0), ours.total, atol=1e-12)


@pytest.mark.parametrize(("a", "y", "shift"), [(1e-12, 1e9, 1e3), (1e12, 1e-12, -1e3)])
def test_scale_and_place_of_variables(a, y, shift):
    plain = _cross_products(sample(), NAMES).fit_many([0], [[1, 2]])
    moved = sample().assign(a=lambda f: f["a"] * a + shift * a, y=lambda f: f["y"] * y)
    scaled = _cross_products(moved, NAMES).fit_many([0], [[1, 2]])
    np.testing.assert_allclose(scaled.params[0, 0] * a / y, plain.params[0, 0], rtol=1e-8)
    for name in ("tstats", "partial", "within"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(plain, name), rtol=1e-8)


COLUMNS = [
    ("pooled", lambda unit, year, b: 1e9 + 0 * unit, True),
    ("pooled", lambda unit, year, b: unit, False),
    ("unit", lambda unit, year, b: 1e6 * unit**2, True),
    ("time", lambda unit, year, b: np.sqrt(year), True),
    ("two-way", lambda unit, year, b: 1e9 + 0.1 * unit + 0.7 * year, True),
    ("two-way", lambda unit, year, b: 1e6 + b, False),
    ("two-way", lambda unit, year, b: unit * year, False),
]


@pytest.mark.parametrize(("effects", "column", "absorbed"), COLUMNS)
def test_variables_without_variation_are_marked_not_raised(effects, column, absorbed):
    frame = sample(6)
    frame["c"] = column(*frame.reset_index()[["province", "year", "b"]].to_numpy(float).T)
    products = _cross_products(frame, NAMES, effects=effects)
    assert (products.total[3] == 0).all() == absorbed
    fits = products.fit_many([0, 3, 0], [[1, 3], [1, 0], [1, 2]])
    assert fits.collinear.tolist() == [absorbed, absorbed, False]
    for values in (fits.params, fits.std_errors, fits.tstats, fits.pvalues):
        assert np.isnan(values[:2]).all() == absorbed and np.isfinite(values[2]).all()


def test_collinear_regressors_are_marked():
    frame = sample(7)
    frame["c"] = 1e6 * (frame["a"] - 2 * frame["b"]) + frame.index.get_level_values(0)
    frame["d"] = frame["c"] + 1e3 * np.random.default_rng(0).normal(size=len(frame))
    products = _cross_products(frame, [*NAMES, "d"])
    fits = products.fit_many([0, 0, 0, 1], [[1, 2, 3], [3, 2, 1], [1, 2, 4], [2, 3, 4]])
    assert fits.collinear.tolist() == [True, True, False, False]
    refuses(EstimationError, "collinear", fixed_effects, frame, "y", ["a", "b", "c"])


@pytest.mark.parametrize("unshared", [1e-3, 1e-5, 1e-7])
def test_what_near_collinearity_costs(unshared):
    """Digits are lost in step with the variation that a regressor does not share."""
    frame = sample(8)
    frame["b"] = frame["a"] + np.sqrt(unshared) * frame["b"]
    frame["y"] += frame["a"] + frame["b"]
    found = _cross_products(frame, NAMES).fit_many([0], [[1, 2]], convention="none")
    wanted = fixed_effects(frame, "y", ["a", "b"], convention="none")
    np.testing.assert_allclose(found.params[0], wanted.params, rtol=1e-14 / unshared)
    np.testing.assert_allclose(found.std_errors[0], wanted.std_errors, rtol=1e-14 / unshared)


def fitted(frame, errors="clustered", convention="nested", effects="two-way"):
    """Call the kernel on a frame."""
    call = partial(_cross_products, frame, NAMES, effects=effects)
    return lambda: call().fit_many([0], [[1, 2]], errors, convention)


FULL = sample(drop=0)
YEAR = FULL.xs(2010, level=1, drop_level=False)
test_samples_and_options_that_are_refused = refusals(
    EstimationError,
    (r"single row.*\[province 0\]", fitted(FULL.iloc[5:]), SampleError),
    ("1 cluster is too few", fitted(FULL.loc[[0]], effects="pooled")),
    *(("1 cluster is too few", fitted(YEAR, e, effects="pooled")) for e in KERNEL_ERRORS[1:]),
    ("no degree of freedom", fitted(FULL.loc[[0, 1]].groupby(level=0).head(2))),
    ("Did you mean 'clustered'", fitted(FULL, "cluster"), MethodError),
    ("Did you mean 'nested'", fitted(FULL, convention="nest"), MethodError),
)


# Peers


def random_panel(seed):
    """An unbalanced panel of changing size with one to three regressors."""
    frame = sample(seed, 5 + seed % 11, 3 + seed % 7, 0)
    unit, year = (frame.index.get_level_values(i) for i in (0, 1))
    lost = (np.random.default_rng(seed).random(len(frame)) < 0.25) & (unit > 1) & (year > 2011)
    return frame.loc[~lost, NAMES[: seed // 3 % 3 + 2]]


@pytest.mark.parametrize("seed", range(200 if EVERYTHING else 60))
def test_random_unbalanced_panels_equal_linearmodels_and_fixed_effects(seed):
    frame, effects = random_panel(seed), ("two-way", *EFFECTS)[seed % 5]
    errors, names = KERNEL_ERRORS[seed // 5 % 2], list(frame.columns[1:])
    every = [range(1, 1 + len(names))]
    products = _cross_products(frame, frame.columns, effects=effects)
    wanted = {"linearmodels": linearmodels_fit(frame, effects, errors, names)}
    for name in ("nested", "all", "linearmodels", "none"):
        options = {"effects": effects, "errors": errors, "convention": name}
        wanted |= {name + " ": fixed_effects(frame, "y", names, **options)}
    for convention, peer in wanted.items():
        found = products.fit_many([0], every, errors, convention=convention.strip())
        for figures, rtol in (("params", 1e-10), ("std_errors", 1e-10), ("pvalues", 1e-9)):
            want = getattr(peer, figures)[names]
            np.testing.assert_allclose(getattr(found, figures)[0], want, rtol=rtol)
