"""Staggered adoption: a known effect, an estimator of pyfixest, and a computation by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_panels import effect_weights, keyed

from nqpf.regress.staggered import adoption, goodman_bacon

DESIGNS = {  # units and first year by cohort, units never treated, years, effect by year since
    "too small": (((12, 3), (12, 7)), 6, 12, lambda since: since + 1.0),
    "wrong sign": (((14, 3), (10, 9)), 6, 15, lambda since: (since + 1.0) ** 2 / 10),
}


def treated_panel(design):
    """Return the treatment, the true effect of each row and the mean over treated rows."""
    cohorts, never, years, effect = DESIGNS[design]
    groups = [year for size, year in cohorts for _ in range(size)]
    keys = keyed(len(groups) + never, years, 1)
    table = adoption(pd.DataFrame(index=keys), dict(enumerate(groups)))
    true = table["event"].map(effect).where(table["treated"] == 1, 0.0)
    return table, true, true[table["treated"] == 1].mean()


def outcome(table, true, seed):
    return np.random.default_rng(seed).normal(size=len(table)).cumsum() + true


def by_hand(table, values):
    """Two-by-two differences of means against the never treated, by years since adoption."""
    means = (
        values.groupby([table["cohort"], values.index.get_level_values("year")]).mean().unstack()
    )
    sizes, apart = table.groupby("cohort").size(), means - means.loc[0]
    rows = [
        (year - cohort, sizes[cohort], row[year] - row[cohort - 1])
        for cohort, row in apart.drop(0).iterrows()
        for year in row.index
    ]
    cells = pd.DataFrame(rows, columns=["event", "units", "change"])
    cells["change"] *= cells["units"]
    sums = cells.groupby("event").sum()
    return sums["change"] / sums["units"]


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
    assert (parts.loc[~forbidden, "estimate"] > 0).all()
    assert parts["weight"] @ parts["estimate"] < 0


@pytest.mark.parametrize("design", DESIGNS)
def test_two_stages_of_pyfixest_are_the_imputation(design):
    import pyfixest as pf

    table, true, _ = treated_panel(design)
    values = outcome(table, true, 1)
    names = {"yname": "y", "idname": "province", "tname": "year", "gname": "cohort"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*(in beta|dropped due to)")
        fit = pf.event_study(table.assign(y=values).reset_index(), **names, estimator="did2s")
    ours = effect_weights(table, "imputation")
    assert float(fit.coef().iloc[0]) == pytest.approx(float(ours["effect"] @ values), rel=1e-6)


@pytest.mark.parametrize("design", DESIGNS)
def test_cohorts_are_the_computation_by_hand(design):
    table, true, _ = treated_panel(design)
    values = outcome(table, true, 2)
    hand, ours = by_hand(table, values), effect_weights(table, "cohorts").T @ values
    np.testing.assert_allclose(ours[hand.index.drop(-1)], hand.drop(-1), rtol=1e-9)
    sizes = table.loc[table["treated"] == 1, "event"].value_counts()
    assert ours["effect"] == pytest.approx(hand[sizes.index] @ sizes / sizes.sum(), rel=1e-9)
