"""Promises of the panel threshold regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import threshold as search
from nqpf.regress import threshold as stages
from nqpf.regress.threshold import ThresholdResult, arrange, threshold

UNITS, YEARS = 31, 11


def sample(seed=0, cuts=(0.4,), slopes=(1.0, 2.0), noise=0.3):
    """A panel with known thresholds of q in the slope of x."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(UNITS), range(2012, 2012 + YEARS)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 4)), keys, ["y", "x", "q", "w"])
    effect = np.repeat(rng.normal(size=UNITS), YEARS)
    slope = np.array(slopes)[np.searchsorted(cuts, frame["q"])]
    frame["y"] = noise * frame["y"] + slope * frame["x"] + 0.5 * frame["w"] + effect
    return frame


def fit(frame, **options) -> ThresholdResult:
    return threshold(frame, "y", "x", "q", ["w"], **{"bootstrap": 0, **options})


@pytest.mark.parametrize(
    ("cuts", "slopes"),
    [((0.4,), (1, 2)), ((-0.5, 0.6), (1, 3, 0)), ((-0.8, 0.0, 0.9), (0, 2, 4, 1))],
    ids=["single", "double", "triple"],
)
def test_known_thresholds_and_slopes_are_found(cuts, slopes):
    frame = sample(1, cuts, slopes)
    result = fit(frame, thresholds=len(cuts), bootstrap=99)
    np.testing.assert_allclose(result.thresholds["estimate"], cuts, atol=0.05)
    np.testing.assert_allclose(result.slopes["coefficient"], slopes, atol=0.15)
    assert result.tests["p_value"].tolist() == [0.01] * len(cuts)
    assert (result.tests["F"] > result.tests["1%"]).all()
    truth = np.searchsorted(cuts, frame["q"]) + 1
    assert (result.members.to_numpy() == truth).mean() > 0.97


def test_intervals_hold_the_estimate_where_the_ratio_is_least():
    result = fit(sample(2, (-0.5, 0.6), (1, 2, 1), 1.0), thresholds=2)
    assert result.critical == pytest.approx(7.3523, abs=5e-5)  # Hansen's table of c at 5 %
    for (_, row), ratio in zip(result.thresholds.iterrows(), result.profiles, strict=True):
        assert ratio.idxmin() == row["estimate"]
        assert ratio.min() == pytest.approx(0, abs=1e-9)
        kept = ratio.index[ratio <= result.critical]
        assert (kept[0], kept[-1]) == (row["lower"], row["upper"])
    assert result.ssr <= result.tests["ssr"].iloc[-1]


def test_a_higher_level_gives_a_wider_interval():
    frame = sample(3, noise=1.0)
    narrow, wide = (fit(frame, level=level).thresholds.iloc[0] for level in (0.8, 0.99))
    assert wide["lower"] <= narrow["lower"] <= narrow["upper"] <= wide["upper"]
    assert wide["upper"] - wide["lower"] > narrow["upper"] - narrow["lower"]


def test_row_order_and_other_columns_do_not_matter():
    frame = sample(4)
    mixed = frame.assign(text="a").sample(frac=1, random_state=0).reset_index()
    first, second = fit(frame, bootstrap=50), fit(mixed, bootstrap=50)
    pd.testing.assert_frame_equal(first.tests, second.tests, check_exact=True)
    pd.testing.assert_frame_equal(first.thresholds, second.thresholds, check_exact=True)
    pd.testing.assert_series_equal(first.members, second.members)


def test_only_the_order_of_the_threshold_variable_matters():
    frame = sample(5)
    result, curved = fit(frame), fit(frame.assign(q=np.exp(frame["q"])))
    logs = np.log(curved.thresholds[["estimate", "lower", "upper"]])
    pd.testing.assert_frame_equal(result.thresholds[["estimate", "lower", "upper"]], logs)
    np.testing.assert_allclose(curved.tests["F"], result.tests["F"], rtol=1e-12)


def test_a_large_level_of_the_regime_variable_costs_few_digits():
    frame = sample(20, noise=1.0)
    x, q = frame["x"] + 1e5, frame["q"]
    result = fit(frame.assign(x=x))
    low = x * (q <= result.thresholds["estimate"].iloc[0])
    # The same model from a difference in slopes instead of two slopes, centred.
    parts = {"w": frame["w"], "x": x, "low": low, "y": frame["y"]}
    centred = pd.DataFrame({k: v - v.groupby(level=0).transform("mean") for k, v in parts.items()})
    outcome, regressors = centred["y"], centred[["w", "x", "low"]] / [1, 1, 1e5]
    ssr = np.linalg.lstsq(regressors.to_numpy(), outcome.to_numpy(), rcond=None)[1][0]
    assert result.ssr == pytest.approx(ssr, rel=1e-9)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_of_measurement_do_not_matter(factor):
    frame = sample(6, (-0.5, 0.6), (1, 2, 0))
    plain = fit(frame, thresholds=2, bootstrap=50)
    scaled = fit(
        frame.assign(y=frame["y"] * factor, x=frame["x"] / factor), thresholds=2, bootstrap=50
    )
    np.testing.assert_allclose(scaled.tests["F"], plain.tests["F"], rtol=1e-8)
    assert scaled.tests["p_value"].tolist() == plain.tests["p_value"].tolist()
    assert scaled.thresholds["estimate"].tolist() == plain.thresholds["estimate"].tolist()


def test_the_zero_of_the_regime_variable_matters_and_the_result_says_so():
    frame = sample(3, noise=1.0)
    frame["y"] += 3.0 * (frame["q"] > -0.5)  # a step in level, at a place of its own
    near, far = fit(frame), fit(frame.assign(x=frame["x"] + 50))
    assert near.thresholds["estimate"].iloc[0] == pytest.approx(0.4, abs=0.1)
    assert far.thresholds["estimate"].iloc[0] == pytest.approx(-0.5, abs=0.1)
    assert any("depends on where x is counted from" in note for note in near.notes)


def test_effects_are_removed():
    frame = sample(7)
    unit, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    plain = fit(frame)
    assert fit(frame.assign(y=frame["y"] + 3.0 * unit)).ssr == pytest.approx(plain.ssr, rel=1e-9)
    shocked = frame.assign(y=frame["y"] + np.sin(year) * 5)
    both, again = (fit(f, effects="two-way") for f in (frame, shocked))
    assert again.ssr == pytest.approx(both.ssr, rel=1e-9)
    np.testing.assert_allclose(again.tests["F"], both.tests["F"], rtol=1e-9)
    assert fit(shocked).ssr > 2 * plain.ssr
    assert (plain.df, both.df) == (UNITS * (YEARS - 1), (UNITS - 1) * (YEARS - 1))


def test_same_seed_same_answer_whatever_the_blocks(monkeypatch):
    frame = sample(8, noise=2.0)
    first = fit(frame, thresholds=2, bootstrap=60, seed=5).tests
    monkeypatch.setattr(search, "_CELLS", 7 * len(frame))
    second = fit(frame, thresholds=2, bootstrap=60, seed=5).tests
    np.testing.assert_allclose(first, second, rtol=1e-9)
    other = fit(frame, thresholds=2, bootstrap=60, seed=6).tests
    assert first["5%"].tolist() != other["5%"].tolist()
    assert first["F"].tolist() == other["F"].tolist()


def test_wild_draws_see_through_errors_that_grow_with_the_regressor():
    """Without a threshold, but errors as large as x: histories reject, signs do not."""
    rng, pvalues = np.random.default_rng(0), {"histories": [], "wild": []}
    for seed in range(12):
        frame = sample(seed, (0.0,), (1.0, 1.0), noise=0.0)
        frame["y"] += frame["x"].abs() * rng.normal(size=len(frame))
        design = arrange(frame, "y", ["x"], "q", ["w"], "unit")
        found, _ = stages.find(design, 1, 18, 60, "q")
        for draws, values in pvalues.items():
            table = stages.significance(design, found, 99, UNITS * (YEARS - 1), rng, draws)
            values.append(table["p_value"].iloc[0])
    rejected = {draws: sum(p <= 0.1 for p in values) for draws, values in pvalues.items()}
    assert rejected["histories"] >= 5
    assert rejected["wild"] <= 3


def test_the_input_is_left_alone():
    frame = sample(9)
    before = frame.copy(deep=True)
    fit(frame, thresholds=2, bootstrap=10)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("trim", [0.05, 0.15])
def test_each_regime_keeps_its_rows(trim):
    result = fit(sample(10), thresholds=3, trim=trim)
    assert (result.counts["rows"] >= trim * UNITS * YEARS).all()
    assert result.counts["rows"].sum() == UNITS * YEARS
    assert result.counts["share"].sum() == pytest.approx(1)
    np.testing.assert_array_equal(result.counts["rows"], result.members.value_counts().sort_index())


def test_a_grid_searches_some_of_the_values():
    frame = sample(11)
    result, full = fit(frame, grid=25), fit(frame)
    assert len(result.profiles[0]) == 25
    assert set(result.profiles[0].index) < set(full.profiles[0].index)
    assert result.ssr >= full.ssr


def test_ties_of_the_threshold_variable_stay_together():
    frame = sample(12).assign(q=lambda f: f["q"].round(1))
    result = fit(frame)
    assert result.profiles[0].index.is_unique
    assert result.members.groupby(frame["q"]).nunique().max() == 1


def test_the_threshold_variable_may_be_regime_variable_and_control():
    frame = sample(13)
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


def test_errors_and_convention_reach_the_regression():
    frame = sample(15)
    plain = fit(frame, errors="unadjusted", convention="all", vintage="2024").regression
    assert (plain.errors, plain.convention, plain.vintage) == ("unadjusted", "all", "2024")
    assert fit(frame).regression.covariance_label == "clustered by province"


def test_it_prints_what_was_done():
    result = fit(sample(16), thresholds=2, bootstrap=20, seed=3, trim=0.1)
    text, page = str(result), result._repr_html_()
    for words in ("20 samples, seed 3: each province", "10% of the rows", "single"):
        assert words in text
        assert words in page
    assert "x | q &lt;= " in page
    assert "take the thresholds as known" in page
    captions = ("Thresholds in q, with 95% intervals", "against one fewer", "in each regime")
    for words in captions:
        assert words in text
        assert words in page
    assert page.count("<table") == 1 + len(captions)  # each has its caption, and the regression
    assert "connected" not in page
    assert "every value inside accepted" in page


def test_names_are_escaped_on_a_page():
    frame = sample(17).rename(columns={"q": "<b>q</b>"})
    page = threshold(frame, "y", "x", "<b>q</b>", bootstrap=0)._repr_html_()
    assert "<b>" not in page


def test_close_thresholds_have_labels_that_differ():
    frame = sample(18, (-0.5, 0.6), (1, 3, 0)).assign(q=lambda f: 1e6 + f["q"] * 1e-3)
    result = fit(frame, thresholds=2)
    assert result.counts.index.is_unique
    assert len(result.slopes) == 3


REFUSED = [
    ({"thresholds": 0}, MethodError, "0 thresholds; expected 1, 2 or 3"),
    ({"thresholds": 4}, MethodError, "4 thresholds; expected 1, 2 or 3"),
    ({"bootstrap": -1}, MethodError, "bootstrap -1"),
    ({"bootstrap": 9.5}, MethodError, "bootstrap 9.5"),
    ({"effects": "twoway"}, MethodError, "unknown effects 'twoway'.*Did you mean 'two-way'"),
    ({"draws": "wilde"}, MethodError, "unknown draws 'wilde'.*Did you mean 'wild'"),
    ({"trim": 0.0}, MethodError, "trim 0.0"),
    ({"trim": 0.5}, MethodError, "trim 0.5"),
    ({"grid": 1}, MethodError, "grid 1"),
    ({"level": 1.0}, MethodError, "level 1.0"),
    ({"errors": "hc3"}, MethodError, "unknown errors 'hc3'"),
    ({"thresholds": 3, "trim": 0.3}, SampleError, "no value of 'q' parts 341 rows into 4 regimes"),
]


@pytest.mark.parametrize(
    ("options", "kind", "message"), REFUSED, ids=[str(case[0]) for case in REFUSED]
)
def test_options_that_are_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        fit(sample(), **options)


@pytest.mark.parametrize(
    ("names", "kind", "message"),
    [
        (("y", "x", "p", ["w"]), DataError, "unknown variable 'p'"),
        (("y", "x", "y", ["w"]), MethodError, "threshold variable 'y' is the outcome"),
        (("y", "x", "q", ["x"]), MethodError, "'x' is named more than once"),
        (("y", "y", "q", ["w"]), MethodError, "'y' is named more than once"),
        (("y", [], "q", ["w"]), MethodError, "no regime variable"),
    ],
    ids=["unknown", "outcome-as-threshold", "control-twice", "outcome-as-regime", "no-regime"],
)
def test_names_that_are_refused(names, kind, message):
    with pytest.raises(kind, match=message):
        threshold(sample(), *names, bootstrap=0)


def test_samples_that_are_refused():
    frame = sample()
    with pytest.raises(SampleError, match=r"not balanced: 1 row.*\[province 4, year 2015\]"):
        fit(frame.drop([(4, 2015)]))
    with pytest.raises(SampleError, match=r"1 province is too few \[province 3\]"):
        fit(frame.loc[[3]])
    with pytest.raises(SampleError, match="1 year is too few"):
        fit(frame.xs(2015, level="year", drop_level=False))
    missing = frame.copy()
    missing.loc[(3, 2014), "q"] = np.nan
    with pytest.raises(SampleError, match="province 3, year 2014, variable q"):
        fit(missing)
    with pytest.raises(SampleError, match="more than once"):
        fit(pd.concat([frame, frame.iloc[[0]]]))
    with pytest.raises(SampleError, match="no value of 'q' parts 341 rows into 2 regimes of 18"):
        fit(frame.assign(q=(np.arange(len(frame)) == 5).astype(float)))


def test_variables_that_are_refused():
    frame = sample()
    unit = frame.index.get_level_values(0).to_numpy().astype(float)
    with pytest.raises(EstimationError, match="threshold variable 'q' does not vary"):
        fit(frame.assign(q=1.0))
    with pytest.raises(EstimationError, match="'x' does not vary within any province"):
        fit(frame.assign(x=unit))
    with pytest.raises(EstimationError, match="outcome 'y' does not vary within any province"):
        fit(frame.assign(y=unit + 0.1))
    with pytest.raises(EstimationError, match="'x' varies by less than 1e-06 of its level"):
        fit(frame.assign(x=frame["x"] + 1e7))
    with pytest.raises(EstimationError, match="'w', 'x' are collinear|'x', 'w' are collinear"):
        fit(frame.assign(w=2 * frame["x"]))
    with pytest.raises(EstimationError, match="fits the outcome perfectly"):
        fit(frame.assign(y=frame["x"] * (1.0 + (frame["q"] > 0))))
    with pytest.raises(DataError, match="not numbers"):
        fit(frame.assign(q="high"))
