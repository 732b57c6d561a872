"""Groups of measures that rank alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.compare import clusters
from nqpf.errors import MethodError, SampleError


def correlation(values: list[list[float]]) -> pd.DataFrame:
    names = list("abcdefg")[: len(values)]
    return pd.DataFrame(values, index=names, columns=names)


def test_groups_are_cut_at_the_average_correlation() -> None:
    # a joins b at 0.96; c meets the pair at (0.92 + 0.80) / 2 = 0.86.
    rho = correlation([[1, 0.96, 0.92], [0.96, 1, 0.80], [0.92, 0.80, 1]])
    assert clusters(rho, least=0.95).nunique() == 2
    assert clusters(rho, least=0.87).nunique() == 2
    assert clusters(rho, least=0.86).nunique() == 1
    assert clusters(rho, least=0.97).nunique() == 3


def test_members_of_a_group_stand_together_and_numbers_follow_the_order() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=(40, 2))
    data = np.column_stack([base[:, i % 2] + 0.1 * rng.normal(size=40) for i in range(6)])
    rho = pd.DataFrame(data, columns=list("abcdef")).corr(method="spearman")
    groups = clusters(rho, least=0.8)
    assert sorted(groups.index) == list("abcdef")
    assert groups.is_monotonic_increasing
    assert groups["a"] == groups["c"] == groups["e"] != groups["b"]


def test_equal_measures_form_one_group_whatever_the_rounding() -> None:
    rho = correlation([[1, 1 + 1e-16, 0.1], [1 - 1e-16, 1, 0.1], [0.1, 0.1, 1]])
    groups = clusters(rho, least=1.0)
    assert groups["a"] == groups["b"] != groups["c"]


def test_what_cannot_be_grouped_is_refused() -> None:
    with pytest.raises(SampleError, match="two or more measures"):
        clusters(correlation([[1.0]]))
    with pytest.raises(SampleError, match="correlation is missing"):
        clusters(correlation([[1, np.nan], [np.nan, 1]]))
    with pytest.raises(MethodError, match="between -1 and 1"):
        clusters(correlation([[1, 0.5], [0.5, 1]]), least=2)
