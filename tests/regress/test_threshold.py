"""Panel thresholds: promises, and refits candidate by candidate and pyxthreg.

pyxthreg 0.0.3 (Python, of the model of Stata's xthreg) was run once with ``grid=0``, which
tries every distinct value.
"""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import dummies, grunfeld, normals, rearranged

from nqpf.regress import fixed_effects, threshold


def sample(seed=0, cuts=(0.4,), slopes=(1.0, 2.0), noise=0.3, units=31, years=11):
    """A panel with known thresholds of q in the slope of x."""
    frame, rng = normals(seed, "yxqwz", units, years, 2012)
    effect = np.repeat(rng.normal(size=units), years)
    slope = np.array(slopes)[np.searchsorted(cuts, frame["q"])]
    frame["y"] = noise * frame["y"] + slope * frame["x"] + 0.5 * frame["w"] + effect
    return frame


def small(seed, units, years, noise):
    """A small panel with two thresholds and ties in q."""
    return sample(seed, (-0.5, 0.6), (1.0, 1.8, 0.7), noise, units, years).round({"q": 1})


def fit(frame, **options):
    return threshold(frame, "y", "x", "q", ["w"], **{"bootstrap": 0, **options})


@pytest.mark.parametrize("cuts", [(0.4,), (-0.5, 0.6), (-0.8, 0.0, 0.9)])
def test_intervals_hold_what_the_profiles_do_not_reject_and_rows_belong_to_one_regime(cuts):
    result = fit(sample(1, cuts, range(len(cuts) + 1)), thresholds=len(cuts), trim=0.08)
    assert result.critical == pytest.approx(7.3523, abs=5e-5)  # Hansen's table of c at 5 %
    for (_, row), ratio in zip(result.thresholds.iterrows(), result.profiles, strict=True):
        assert ratio.idxmin() == row["estimate"]
        kept = ratio.index[ratio <= result.critical]
        assert (kept[0], kept[-1]) == (row["lower"], row["upper"])
    assert (result.counts["rows"] >= 0.08 * 341).all()
    np.testing.assert_array_equal(result.counts["rows"], result.members.value_counts().sort_index())


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_order_and_units_of_measurement_do_not_matter(factor):
    frame = sample(6, (-0.5, 0.6), (1, 2, 0))
    call, scales = partial(fit, thresholds=2, bootstrap=50, seed=5), {"y": factor, "x": 1 / factor}
    scales["q"] = np.exp(frame["q"]) / frame["q"]
    plain, other = rearranged(call, frame.assign(text="a"), **scales)
    np.testing.assert_allclose(other.tests["F"], plain.tests["F"], rtol=1e-8)
    assert other.tests["p_value"].tolist() == plain.tests["p_value"].tolist()
    columns = ["estimate", "lower", "upper"]  # only the order of q matters
    pd.testing.assert_frame_equal(np.log(other.thresholds[columns]), plain.thresholds[columns])
    pd.testing.assert_series_equal(other.members, plain.members)
    drawn = fit(frame, thresholds=2, bootstrap=50, seed=6).tests
    assert drawn["F"].equals(plain.tests["F"]) and not drawn["5%"].equals(plain.tests["5%"])


def test_a_large_level_of_the_regime_variable_costs_few_digits():
    frame = sample(20, noise=1.0)
    frame["x"] += 1e5
    result = fit(frame)
    # The same model from a difference in slopes instead of two slopes.
    low = frame["x"] / 1e5 * (frame["q"] <= result.thresholds["estimate"].iloc[0])
    peer = fixed_effects(frame.assign(low=low), "y", ["w", "x", "low"], effects="unit")
    assert result.ssr == pytest.approx((peer.residuals**2).sum(), rel=1e-9)


def test_ties_stay_together_and_the_threshold_variable_may_have_other_roles():
    frame = sample(12).assign(q=lambda f: f["q"].round(1))
    result = fit(frame)
    assert result.profiles[0].index.is_unique
    assert result.members.groupby(frame["q"]).nunique().max() == 1
    assert len(threshold(frame, "y", ["x", "w"], "w", bootstrap=0).slopes) == 4
    assert threshold(frame, "y", "x", "w", "w", bootstrap=0).regression.params.index[0] == "w"


def test_a_regime_without_variation_of_its_own_is_no_threshold():
    """z is zero below a value of q: a threshold there splits nothing, and gains nothing."""
    frame = sample(14).assign(x=lambda f: f["x"].where(f["q"] > 0, 0.0))
    ratio = fit(frame, trim=0.1).profiles[0]
    low = ratio[ratio.index <= 0]
    assert np.ptp(low.to_numpy()) == 0 and low.iloc[0] == pytest.approx(ratio.max())


def test_it_prints_what_was_done():
    options = {"errors": "unadjusted", "convention": "all", "vintage": "2024"}
    frame = sample(16).rename(columns={"q": "<b>q"}).assign(**{"<b>q": lambda f: 1e6 + f["<b>q"]})
    options |= {"thresholds": 2, "bootstrap": 20, "seed": 3, "trim": 0.1}
    result = threshold(frame, "y", "x", "<b>q", **options)
    text, page = str(result), result._repr_html_()
    for words in (
        *("20 samples, seed 3: each province", "10% of the rows", "against one fewer"),
        *("Thresholds in {}, with 95% intervals", "in each regime", "every value inside accepted"),
        *("take the thresholds as known", "depends on where x is counted from"),
    ):
        assert words.format("<b>q") in text and words.format("&lt;b&gt;q") in page
    assert page.count("<table") == 4 and "<b>" not in page  # with a caption; and the regression
    assert result.counts.index.is_unique  # however close the thresholds are
    plain = result.regression
    assert (plain.errors, plain.convention, plain.vintage) == ("unadjusted", "all", "2024")


# Refits


slopes = pytest.mark.parametrize("regimes", [["x"], ["x", "z"]], ids=["one-slope", "two-slopes"])
effects = pytest.mark.parametrize("effects", ["unit", "two-way"])


class Refits:
    """Least squares at given thresholds, each fitted on its own."""

    def __init__(self, frame, regimes, effects, least):
        self.q, self.w = frame["q"].to_numpy(), frame[["w"]].to_numpy()
        self.regimes, self.values = frame[regimes].to_numpy(), sorted(frame["q"].unique())
        basis = np.linalg.qr(dummies(frame, effects))[0]
        self.less, self.least = np.eye(len(frame)) - basis @ basis.T, least

    def residuals(self, y, cuts):
        member = np.searchsorted(np.sort(cuts), self.q)
        parts = [self.regimes * (member == r)[:, None] for r in range(len(cuts) + 1)]
        x = self.less @ np.hstack([self.w, *parts])
        return self.less @ y - x @ np.linalg.lstsq(x, self.less @ y, rcond=None)[0]

    def ssr(self, y, cuts):
        return float((self.residuals(y, cuts) ** 2).sum())

    def allowed(self, cut, others):
        cuts = sorted([*others, cut])
        sizes = np.bincount(np.searchsorted(cuts, self.q), minlength=len(cuts) + 1)
        return cut not in others and sizes.min() >= self.least

    def best(self, y, others):
        """The further threshold with the least sum of squares, and all sums by value."""
        sums = {c: self.ssr(y, [*others, c]) for c in self.values if self.allowed(c, others)}
        return min(sums, key=sums.get), sums


@slopes
@effects
def test_search_and_profiles_equal_a_refit_at_each_value(regimes, effects):
    frame = small(0, 9, 7, 0.6)
    y, refits = frame["y"].to_numpy(), Refits(frame, regimes, effects, 7)
    options = {"thresholds": 3, "bootstrap": 0, "trim": 0.1, "effects": effects}
    result = threshold(frame, "y", regimes, "q", ["w"], **options)
    found = []
    for number in range(3):
        before = refits.ssr(y, found)
        cut, sums = refits.best(y, found)
        row = result.tests.iloc[number]
        assert row["ssr"] == pytest.approx(sums[cut], rel=1e-10)
        assert row["F"] == pytest.approx(result.df * (before / sums[cut] - 1), rel=1e-9)
        found, total, moved = [*found, cut], sums[cut], number > 0
        while moved:
            moved = False
            for place in range(len(found)):
                others = found[:place] + found[place + 1 :]
                other, sums = refits.best(y, others)
                if sums[other] < total * (1 - 1e-12):
                    found, moved = [*others[:place], other, *others[place:]], True
                    total = sums[other]
    assert result.thresholds["estimate"].tolist() == sorted(found)
    assert result.ssr == pytest.approx(total, rel=1e-10)
    for cut, ratio in zip(sorted(found), result.profiles, strict=True):
        sums = refits.best(y, [c for c in found if c != cut])[1]
        assert ratio.index.tolist() == list(sums)
        naive = result.df * (np.array(list(sums.values())) / total - 1)
        np.testing.assert_allclose(ratio, naive, rtol=1e-9, atol=1e-9)


@slopes
@effects
@pytest.mark.parametrize("draws", ["histories", "wild"])
def test_bootstrap_equals_a_refit_of_each_sample(draws, regimes, effects):
    frame = small(1, 8, 5, 2.0)
    refits, size = Refits(frame, regimes, effects, 8), 12
    options = {"thresholds": 2, "bootstrap": size, "trim": 0.2, "effects": effects, "draws": draws}
    result = threshold(frame, "y", regimes, "q", ["w"], seed=3, **options)
    rng, y, known, larger = np.random.default_rng(3), frame["y"].to_numpy(), [], []
    for number in range(2):
        cut, _ = refits.best(y, known)
        fitted = y - refits.residuals(y, known)
        if draws == "histories":
            histories = refits.residuals(y, [*known, cut]).reshape(8, 5)
            errors = histories[rng.integers(8, size=(size, 8))].reshape(size, -1)
        else:
            signs = rng.choice([-1.0, 1.0], size=(size, 8))
            errors = np.repeat(signs, 5, axis=1) * refits.residuals(y, known)
        simulated = []
        for error in errors:
            # Under the null in full, fitted values and errors: F does not depend on the former.
            again = fitted + error
            sums = refits.best(again, known)[1]
            simulated.append(result.df * (refits.ssr(again, known) / min(sums.values()) - 1))
        row = result.tests.iloc[number]
        larger.append(int((np.array(simulated) >= row["F"] * (1 - 1e-9)).sum()))
        assert row["p_value"] == pytest.approx((1 + larger[-1]) / (1 + size), abs=1e-12)
        quantiles = np.quantile(simulated, [0.9, 0.95, 0.99])
        np.testing.assert_allclose(row[["10%", "5%", "1%"]].to_numpy(float), quantiles, rtol=1e-9)
        known = [*known, cut]
    assert any(0 < count < size for count in larger)  # or the comparison says little


def test_grunfeld_equals_pyxthreg():
    """Ten firms of statsmodels' Grunfeld data, value by capital: pyxthreg 0.0.3, trim 0.1."""
    roles = "invest", "value", "capital", "capital"
    options = {"bootstrap": 0, "trim": 0.1, "errors": "unadjusted", "convention": "all"}
    result = threshold(grunfeld(), *roles, unit="firm", **options)
    row = result.thresholds.iloc[0]
    assert row[["estimate", "lower", "upper"]].tolist() == [279.1, 213.8, 344.0]
    assert result.ssr == pytest.approx(477059.8873481145, rel=1e-12)
    linear = result.ssr + result.tests["F"].iloc[0] * result.ssr / result.df
    assert linear == pytest.approx(523478.1473862516, rel=1e-12)
    slopes = [0.21966054220966197, 0.11509541391001682, 0.14477878516798015]
    errors = [0.026928151539287633, 0.011408725164051434, 0.013957260339850763]
    np.testing.assert_allclose(result.regression.params, slopes, rtol=1e-11)
    np.testing.assert_allclose(result.regression.std_errors, errors, rtol=1e-11)
