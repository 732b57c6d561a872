"""The common ground of panels: years shifted by the calendar, and deviations."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import dummies, refusals, refuses
from made_up_panels import small_panel as sample

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.sample import PanelSample, _demean, standardise

CODES = pd.MultiIndex.from_product([range(10), range(2010, 2016)], names=["province", "year"])


def test_a_figure_is_needed_only_where_the_shifted_regression_uses_it():
    """x explains y of the year after; the first y is not known, and not needed."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(60, 1)), CODES, ["x"])
    frame["y"] = 2 * frame.groupby(level=0)["x"].shift(1) + rng.normal(size=60) * 0.01
    past = PanelSample.read(frame, "y", "x", complete=False).shifted(["x"], 1)
    assert past["x"].tolist() == frame["x"].drop(2015, level=1).tolist()
    late = frame.assign(x=frame["x"].where(frame.index.get_level_values(1) < 2015))
    assert len(PanelSample.read(late, "y", "x", complete=False).shifted(["x"], 1)) == 50
    holed = frame.assign(x=frame["x"].where(frame.index != (3, 2012)))
    with pytest.raises(SampleError, match="province 3, year 2012, variable x"):
        PanelSample.read(holed, "y", "x", complete=False).shifted(["x"], 1)


def test_shifts_go_by_key_and_never_cross_a_gap():
    frame = sample(drop=6)
    panel = PanelSample.read(frame, "y", ["a", "b", "c"])
    for periods in (2, -2):
        moved = panel.shifted(list("yabc"), periods)
        for (unit, year), row in moved.iterrows():
            there = frame.loc[(unit, year - periods)]
            pd.testing.assert_series_equal(row, there, check_names=False)
        known = [(unit, year - periods) in frame.index for unit, year in panel.data.index]
        assert len(moved) == sum(known)
    refuses(SampleError, r"6 year\(s\) before", panel.shifted, ["a"], 6)


@pytest.mark.parametrize("shape", ["random", "chain", "apart", "more years than units", "large"])
def test_effects_are_projected_out_exactly(shape):
    if shape == "chain":  # units that tie neighbouring years only
        pairs = [(i, year) for i in range(40) for year in (i, i + 1)]
    elif shape == "apart":  # two sets of units that share no year
        pairs = [(i, year + 5 * (i > 3)) for i in range(8) for year in range(5)]
    else:  # the large one by sparse matrices
        sizes = {"random": (9, 7), "more years than units": (4, 30), "large": (290, 300)}
        rng, (units, years) = np.random.default_rng(0), sizes[shape]
        share = 0.6 if shape != "large" else 0.01
        pairs = [(i, t) for i in range(units) for t in range(years) if rng.random() < share]
    keys = pd.MultiIndex.from_tuples(pairs, names=["province", "year"])
    values = np.random.default_rng(1).normal(size=(len(keys), 3)) + 1e3
    unit, time = (pd.factorize(keys.get_level_values(i), sort=True)[0] for i in (0, 1))
    design = dummies(pd.DataFrame(index=keys))
    wanted = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    np.testing.assert_allclose(_demean(values, unit, time), wanted, atol=1e-10)
    for level in (0, 1e9):  # means of large figures are rounded; what is left must not show it
        np.testing.assert_allclose(design.T @ _demean(values + level, unit, time), 0, atol=1e-11)


def test_standardising_gives_z_scores_of_the_rows_given():
    data = sample()
    before = data.copy()
    scaled = standardise(data, ["a"])
    assert scaled["a"].mean() == pytest.approx(0, abs=1e-12)
    assert scaled["a"].std() == pytest.approx(1)
    pd.testing.assert_frame_equal(data, before)
    pd.testing.assert_series_equal(scaled["b"], data["b"])


def test_deviations_within_make_one_coefficient_a_partial_correlation():
    data = sample(drop=0).sample(frac=1, random_state=0)  # rows in no order
    scaled = standardise(data, ["y", "a"], within="two-way")
    assert scaled["a"].mean() == pytest.approx(0, abs=1e-12)
    both, left = dummies(data), data[["y", "a"]].to_numpy()
    left = left - both @ np.linalg.lstsq(both, left, rcond=None)[0]
    assert fixed_effects(scaled, "y", "a").params["a"] == pytest.approx(np.corrcoef(left.T)[0, 1])
    spread = left[:, 1].std(ddof=1)
    np.testing.assert_allclose(scaled["a"] * spread, data["a"] - data["a"].mean())
    assert spread < data["a"].std()  # the effects take something out


WHOLE = sample(drop=0)
FIRST = WHOLE.assign(b=WHOLE.groupby(level=0)["a"].transform("first"))
HOLED = WHOLE.assign(b=WHOLE["b"].where(WHOLE.index != (0, 2010)))
test_columns_that_cannot_be_standardised = refusals(
    EstimationError,
    ("Did you mean 'two-way'", lambda: standardise(WHOLE, ["a"], within="two way"), MethodError),
    ("'b' does not vary once the unit", lambda: standardise(FIRST, ["b"], within="unit")),
    ("1 level", lambda: standardise(WHOLE.reset_index(drop=True), ["a"], "unit"), SampleError),
    ("unknown variable 'capital'", lambda: standardise(WHOLE, ["capital"]), DataError),
    ("'b' does not vary", lambda: standardise(WHOLE.assign(b=0.1), ["b"])),
    ("province 0, year 2010, variable b", lambda: standardise(HOLED, ["b"]), SampleError),
    ("not numbers .variable b", lambda: standardise(WHOLE.astype("str"), ["b"]), DataError),
)
