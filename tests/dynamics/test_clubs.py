"""Convergence clubs: simulated clubs are found again, and bad panels are refused."""

import numpy as np
import pandas as pd
from made_up_panels import refusals

from nqpf.dynamics.convergence import club
from nqpf.errors import NqpfError


def clubs(levels=(3.0, 1.0), each=5, years=30, noise=0.003):
    """Return a panel in which unit i belongs to club i mod the number of levels."""
    rng, t, units = np.random.default_rng(1), np.arange(1, years + 1), each * len(levels)
    gap = rng.uniform(-0.3, 0.3, (units, 1)) / t**0.8
    gap += noise * rng.normal(size=(units, years)) / t**0.5
    table = pd.DataFrame(np.resize(levels, units)[:, None] * (1 + gap), columns=2000 + t)
    return table.rename_axis("province").rename_axis(columns="year").stack()


def test_known_clubs_are_found_highest_first_whatever_scale_order_and_growth():
    scores = clubs()
    result = club(scores)
    assert result.membership.tolist() == [1, 2] * 5 and not result.notes
    assert not result.overall.converges and (result.clubs["statistic"] > -1.65).all()
    growth = 1.05 ** (scores.index.get_level_values(1) - 2000)
    other = club((11 * scores * growth).sample(frac=1, random_state=0))
    pd.testing.assert_series_equal(result.membership, other.membership)


def test_one_club_when_all_converge_and_a_short_panel_is_flagged():
    result = club(clubs(levels=(2.0,), each=8))
    assert result.overall.converges
    assert (result.membership == 1).all() and len(result.clubs) == 1
    assert "7 years" in club(clubs(years=10)).notes[0]


def test_merging_never_makes_more_clubs_and_keeps_members():
    result = club(clubs(levels=(3.0, 2.9, 1.0), noise=0.05))
    assert len(result.clubs) <= len(result.before) == result.initial.max()
    assert ((result.membership == 0) == (result.initial == 0)).all()
    assert ", ".join(result.clubs["from"]) == ", ".join(result.before["from"])


test_bad_panels_and_options_are_refused = refusals(
    NqpfError,
    ("coincide.*units 0, 1, 2.*2001", lambda: club(clubs(levels=[2.0]) * 0 + 1)),
    ("province 2.*2005", lambda: club(clubs().drop((2, 2005)))),
    ("province 2.*2001", lambda: club(clubs().drop((2, 2001)))),
    ("leaves out", lambda: club(clubs(years=4))),
    ("three or more", lambda: club(clubs().loc[[0, 1]])),
    ("above zero", lambda: club(clubs() - 5)),
    ("trim is 1", lambda: club(clubs(), trim=1.0)),
    ("sieve is -2", lambda: club(clubs(), sieve=-2)),
)
