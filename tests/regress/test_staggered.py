"""Staggered adoption: promises, bad input, a known effect, pyfixest and differences by hand."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import effect_weights, keyed, normals, refusals

from nqpf.errors import MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.regress.staggered import adoption, goodman_bacon, reassign

CODES = [110000, 120000, 130000, 140000, 150000, 210000, 220000, 230000]
FIRST = {110000: 2016, 120000: 2018, 130000: 2018}


def sample(codes=CODES, seed=0):
    return normals(seed, "y", codes, 9, 2013)[0].groupby("province").cumsum()


def test_adoption_goes_by_key_and_not_by_order():
    frame = sample()
    shuffled = frame.sample(frac=1, random_state=1).reset_index()
    table = adoption(shuffled, pd.Series(FIRST).iloc[::-1])
    pd.testing.assert_frame_equal(table, adoption(frame, FIRST))
    assert table.index.is_monotonic_increasing
    assert table.loc[(110000, 2016), ["event", "treated"]].tolist() == [0, 1]
    assert table.loc[(120000, 2017), ["event", "treated"]].tolist() == [-1, 0]
    assert table.loc[140000, "event"].isna().all()
    cohorts = table.groupby(level="province")["cohort"].first()
    assert cohorts[cohorts > 0].to_dict() == FIRST and len(cohorts) == len(CODES)


def test_a_treated_group_of_one_is_warned_about_and_cannot_be_sure():
    frame = sample()
    with pytest.warns(UserWarning, match="no p value is below 1/8"):
        one = adoption(frame, {110000: 2016})
    frame["y"] += 1000 * one["treated"]
    found = reassign(frame, one, draws=999)
    assert found.distinct == len(CODES)
    assert found.pvalues["y", "effect"] >= 1 / len(CODES)  # an effect of 1,000, and yet
    assert found.detectable()["y"] == np.inf


of = partial(partial, adoption, sample())


def treated(frame):
    with warnings.catch_warnings(action="error"):  # two or more treated are no group of one
        return frame, adoption(frame, FIRST)


ABSENT = r"a row is missing \[province Shanxi.*year 2020"
WHOLE, HOLED = treated(sample()), treated(sample().drop((140000, 2020)))
test_what_cannot_be_compared_is_refused = refusals(
    SampleError,
    (r"not in the sample \[province Tibet", of({540000: 2016})),
    ("treated from 2013, .*first treated year after 2013.*past", of({110000: 2013})),
    ("treated from 2022, .*first treated year .*up to 2021", of({110000: 2022})),
    *(("whole year", of({110000: year})) for year in (2016.5, float("nan"))),
    ("no province is treated", of({})),
    ("no province is never treated", of(dict.fromkeys(CODES, 2016))),
    (ABSENT, lambda: reassign(*HOLED)),
    (ABSENT, lambda: goodman_bacon(HOLED[0]["y"], HOLED[1])),
    ("same rows .*2021", lambda: reassign(WHOLE[0].iloc[:-1], WHOLE[1])),
    ("mean 'imputation'", lambda: reassign(*WHOLE, "imputed"), MethodError),
    ("not below 99", lambda: reassign(*WHOLE, draws=98), MethodError),
    ("has no 2017", lambda: reassign(*treated(sample().drop(2017, level="year")), "cohorts")),
)


FIVE = dict(zip(CODES[:5], (2014, 2016, 2016, 2019, 2021), strict=True))


@pytest.mark.parametrize("first", [FIRST, {110000: 2016, 120000: 2016}, FIVE])
def test_comparisons_of_two_groups_add_up_to_two_way(first):
    frame = sample()
    table = adoption(frame, first)
    parts = goodman_bacon(frame["y"], table)
    whole = fixed_effects(frame.join(table["treated"]), "y", "treated").params["treated"]
    weights = {name: effect_weights(table, name)["effect"] for name in ("two-way", "imputation")}
    assert weights["two-way"] @ frame["y"] == pytest.approx(whole, rel=1e-10)
    assert parts["weight"].sum() == pytest.approx(1, abs=1e-12) and (parts["weight"] > 0).all()
    assert parts["weight"] @ parts["estimate"] == pytest.approx(whole, rel=1e-10)
    assert len(parts) == len(set(first.values())) ** 2
    if len(parts) == 1:  # without staggering all agree
        pd.testing.assert_series_equal(*weights.values())


def test_draws_are_the_estimates_of_relabelled_provinces_and_the_seed_rules():
    """A draw is what the estimator gives when histories of outcomes change places."""
    frame = sample()
    table = adoption(frame, FIRST)
    before = [frame.copy(), table.copy(), dict(FIRST)]
    found, again, other = (reassign(frame, table, "cohorts", seed=seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(found.draws, again.draws)
    assert not found.draws.equals(other.draws) and found.distinct == 8 * 7 * 6 // 2
    order = np.random.default_rng(5).permutation(len(CODES))
    moved = frame["y"].unstack().iloc[order].set_axis(sorted(CODES)).stack()
    for column, own in effect_weights(table, "cohorts").items():
        assert found.estimates["y", column] == pytest.approx(own @ frame["y"])
        by_hand = own.to_numpy() @ moved.to_numpy()
        assert found.draws["y", column].iloc[0] == pytest.approx(by_hand, rel=1e-10)
    assert found.joint("y", [-2]) == pytest.approx(found.pvalues["y", -2])
    assert 0 < found.joint("y", [-3, -2]) <= 1
    reassign(frame, table).detectable()
    goodman_bacon(frame["y"], table)
    assert frame.equals(before[0]) and table.equals(before[1]) and before[2] == FIRST


def test_joint_p_value_finds_a_trend_before_adoption():
    frame = sample(range(30), seed=2)
    table = adoption(frame, dict.fromkeys(range(10), 2018))
    frame["y"] -= 3 * table["event"].fillna(0)
    assert reassign(frame, table, "cohorts").joint("y", [-4, -3, -2]) < 0.01


def test_detectable_effect_is_near_the_normal_formula():
    """Without correlation: (1.96 + 0.84) standard errors of a difference of differences."""
    treated, rest, before, after = 20, 40, 4, 5
    frame = sample(range(treated + rest))
    frame["y"] = np.random.default_rng(0).normal(size=len(frame))
    table = adoption(frame, dict.fromkeys(range(treated), 2013 + before))
    error = np.sqrt((1 / before + 1 / after) * (1 / treated + 1 / rest))
    test = reassign(frame.assign(tenfold=10 * frame["y"]), table)
    found = test.detectable(truths=400, draws=999)
    assert found["y"] == pytest.approx(2.80 * error, rel=0.12)
    assert found["tenfold"] == pytest.approx(10 * found["y"])
    assert test.detectable(["y"], truths=400, draws=999)["y"] == found["y"]


# A known effect, and peers


DESIGNS = {  # units and first year by cohort, units never treated, years, effect by year since
    "too small": (((12, 3), (12, 7)), 6, 12, lambda since: since + 1.0),
    "wrong sign": (((14, 3), (10, 9)), 6, 15, lambda since: (since + 1.0) ** 2 / 10),
}


def treated_panel(design):
    """Return the treatment, the true effect of each row and the mean over treated rows."""
    cohorts, never, years, effect = DESIGNS[design]
    groups = np.repeat([year for _, year in cohorts], [size for size, _ in cohorts])
    frame = pd.DataFrame(index=keyed(len(groups) + never, years, 1))
    table = adoption(frame, dict(enumerate(groups)))
    true = table["event"].map(effect).where(table["treated"] == 1, 0.0)
    return table, true, true[table["treated"] == 1].mean()


@pytest.mark.parametrize("design", DESIGNS)
def test_two_way_fails_where_the_others_find_the_effect(design):
    """Without noise: weights take out levels of units and years, and the effect is left."""
    table, true, effect = treated_panel(design)
    names = ("two-way", "imputation", "cohorts")
    two_way, *others = (effect_weights(table, name)["effect"] @ true for name in names)
    assert others == pytest.approx([effect, effect], rel=1e-10) and effect > 0
    assert two_way < (0 if design == "wrong sign" else effect / 2)


def test_forbidden_comparisons_are_what_turns_the_sign():
    table, true, _ = treated_panel("wrong sign")
    parts = goodman_bacon(true, table)  # no noise: comparisons show the design alone
    forbidden = (parts["compared"] > 0) & (parts["compared"] < parts["treated"])
    assert (parts.loc[forbidden, "estimate"] < 0).all()
    assert (parts.loc[~forbidden, "estimate"] > 0).all() and parts["weight"] @ parts["estimate"] < 0


@pytest.mark.parametrize("design", DESIGNS)
def test_imputation_and_cohorts_are_two_stages_of_pyfixest_and_differences_by_hand(design):
    import pyfixest as pf

    table, true, _ = treated_panel(design)
    values = np.random.default_rng(1).normal(size=len(table)).cumsum() + true
    names = {"yname": "y", "idname": "province", "tname": "year", "gname": "cohort"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*(in beta|dropped due to)")
        fit = pf.event_study(table.assign(y=values).reset_index(), **names, estimator="did2s")
    ours = effect_weights(table, "imputation")["effect"] @ values
    assert float(fit.coef().iloc[0]) == pytest.approx(float(ours), rel=1e-6)
    # By hand: two-by-two differences of means against the never treated, by years since adoption.
    means = values.groupby([table["cohort"], values.index.get_level_values("year")]).mean()
    apart, sizes = means.unstack() - means[0], table.groupby("cohort").size()
    own = pd.concat(
        {cohort: (row - row[cohort - 1]).rename(lambda year, c=cohort: year - c)
         for cohort, row in apart.drop(0).iterrows()}, names=["cohort", "event"]
    )  # fmt: skip
    weights = sizes.reindex(own.index, level="cohort")
    hand = (own * weights).groupby("event").sum() / weights.groupby("event").sum()
    ours = effect_weights(table, "cohorts").T @ values
    np.testing.assert_allclose(ours[hand.index.drop(-1)], hand.drop(-1), rtol=1e-9)
    sizes = table.loc[table["treated"] == 1, "event"].value_counts()
    assert ours["effect"] == pytest.approx(hand[sizes.index] @ sizes / sizes.sum(), rel=1e-9)
