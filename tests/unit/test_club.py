"""Convergence clubs: simulated clubs are found again, and bad panels are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.dynamics.clubs import club, cross_variance, log_t
from nqpf.errors import DataError, EstimationError, MethodError, SampleError


def clubs(levels=(3.0, 1.0), each=5, years=30, noise=0.003, seed=1) -> pd.Series:
    """Return a panel in which unit i belongs to club i mod the number of levels."""
    rng = np.random.default_rng(seed)
    t = np.arange(1, years + 1)
    units = each * len(levels)
    level = np.resize(levels, units)[:, None]
    gap = rng.uniform(-0.3, 0.3, (units, 1)) / t**0.8
    values = level * (1 + gap + noise * rng.normal(size=(units, years)) / t**0.5)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2001, 2001 + years)], names=["province", "year"]
    )
    return pd.Series(values.ravel(), index=keys, name="score")


def test_known_clubs_are_found_highest_first():
    result = club(clubs())
    assert result.membership.tolist() == [1, 2] * 5
    assert not result.overall.converges
    assert (result.clubs["statistic"] > -1.65).all()
    assert result.club_paths.loc[1].min() > result.club_paths.loc[2].max()


def test_one_club_when_all_converge():
    result = club(clubs(levels=(2.0,), each=8))
    assert result.overall.converges
    assert (result.membership == 1).all() and len(result.clubs) == 1


def test_scale_row_order_and_common_growth_do_not_matter():
    scores = clubs()
    growth = 1.05 ** (scores.index.get_level_values(1) - 2000)
    other = (11 * scores * growth).sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(club(scores).membership, club(other).membership)


def test_merging_never_makes_more_clubs_and_keeps_members():
    scores = clubs(levels=(3.0, 2.9, 1.0), noise=0.05)
    result, before = club(scores), club(scores, merge=False)
    assert len(result.clubs) <= len(before.clubs)
    assert result.initial.tolist() == before.membership.tolist()
    assert ((result.membership == 0) == (before.membership == 0)).all()


def test_relative_paths_average_one():
    assert np.allclose(club(clubs()).paths.mean(), 1)


def test_a_short_panel_is_flagged():
    assert "7 years" in club(clubs(years=10)).notes[0]


def test_units_that_coincide_are_refused():
    scores = clubs(levels=(2.0,), each=3)
    scores[1] = scores[0].to_numpy()
    scores[2] = scores[0].to_numpy()
    with pytest.raises(EstimationError, match="coincide"):
        club(scores)
    with pytest.raises(EstimationError, match="coincide"):
        log_t(np.r_[1.0, np.zeros(9)])


def test_bad_panels_and_options_are_refused():
    scores = clubs(each=3)
    with pytest.raises(SampleError, match=r"lacks 1 figure.*province 2.*2005"):
        club(scores.drop((2, 2005)))
    with pytest.raises(SampleError, match="skipped.*2005"):
        club(scores.drop(2005, level="year"))
    with pytest.raises(SampleError, match="leaves out"):
        club(clubs(years=4))
    with pytest.raises(SampleError, match="three or more"):
        club(scores.loc[[0, 1]])
    with pytest.raises(DataError, match="above zero"):
        club(scores - 5)
    with pytest.raises(MethodError, match="trim"):
        club(scores, trim=1.0)
    with pytest.raises(MethodError, match="increment"):
        club(scores, increment=0.0)


def test_cross_variance_by_hand():
    paths = np.array([[1.0, 4.0], [3.0, 4.0], [2.0, 1.0]])
    assert cross_variance(paths).tolist() == pytest.approx([1 / 6, 2 / 9])
