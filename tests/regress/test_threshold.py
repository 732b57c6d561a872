"""Promises of the panel threshold regression."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import normals

from nqpf.regress import fixed_effects, threshold


def sample(seed=0, cuts=(0.4,), slopes=(1.0, 2.0), noise=0.3):
    """A panel with known thresholds of q in the slope of x."""
    frame, rng = normals(seed, "yxqw", first=2012)
    effect = np.repeat(rng.normal(size=31), 11)
    slope = np.array(slopes)[np.searchsorted(cuts, frame["q"])]
    frame["y"] = noise * frame["y"] + slope * frame["x"] + 0.5 * frame["w"] + effect
    return frame


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
    mixed = frame.assign(text="a").sample(frac=1, random_state=0).reset_index()
    mixed = mixed.assign(y=mixed["y"] * factor, x=mixed["x"] / factor, q=np.exp(mixed["q"]))
    before = mixed.copy()
    plain, other = (fit(f, thresholds=2, bootstrap=50, seed=5) for f in (frame, mixed))
    pd.testing.assert_frame_equal(mixed, before)
    np.testing.assert_allclose(other.tests["F"], plain.tests["F"], rtol=1e-8)
    assert other.tests["p_value"].tolist() == plain.tests["p_value"].tolist()
    columns = ["estimate", "lower", "upper"]  # only the order of q matters
    pd.testing.assert_frame_equal(np.log(other.thresholds[columns]), plain.thresholds[columns])
    pd.testing.assert_series_equal(other.members, plain.members)
    drawn = fit(frame, thresholds=2, bootstrap=50, seed=6).tests
    assert drawn["F"].equals(plain.tests["F"])
    assert not drawn["5%"].equals(plain.tests["5%"])


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
    both = threshold(frame, "y", ["x", "w"], "w", bootstrap=0)
    assert len(both.slopes) == 4
    assert threshold(frame, "y", "x", "w", "w", bootstrap=0).regression.params.index[0] == "w"


def test_a_regime_without_variation_of_its_own_is_no_threshold():
    """z is zero below a value of q: a threshold there splits nothing, and gains nothing."""
    frame = sample(14).assign(x=lambda f: f["x"].where(f["q"] > 0, 0.0))
    ratio = fit(frame, trim=0.1).profiles[0]
    low = ratio[ratio.index <= 0]
    assert np.ptp(low.to_numpy()) == 0
    assert low.iloc[0] == pytest.approx(ratio.max())


def test_it_prints_what_was_done():
    options = {"errors": "unadjusted", "convention": "all", "vintage": "2024"}
    frame = sample(16).rename(columns={"q": "<b>q"}).assign(**{"<b>q": lambda f: 1e6 + f["<b>q"]})
    options |= {"thresholds": 2, "bootstrap": 20, "seed": 3, "trim": 0.1}
    result = threshold(frame, "y", "x", "<b>q", **options)
    text, page = str(result), result._repr_html_()
    for words in (
        "20 samples, seed 3: each province",
        "10% of the rows",
        "Thresholds in {}, with 95% intervals",
        "against one fewer",
        "in each regime",
        "take the thresholds as known",
        "every value inside accepted",
        "depends on where x is counted from",
    ):
        assert words.format("<b>q") in text
        assert words.format("&lt;b&gt;q") in page
    assert page.count("<table") == 4  # each has its caption, and the regression
    assert "<b>" not in page
    assert result.counts.index.is_unique  # however close the thresholds are
    plain = result.regression
    assert (plain.errors, plain.convention, plain.vintage) == ("unadjusted", "all", "2024")
