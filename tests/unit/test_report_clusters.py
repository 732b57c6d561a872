"""Figures of clusters and centres say in words what they show."""

import pandas as pd
import pytest

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.maps import CLASSES, centre_paths, cluster_maps, moran_lines
from nqpf.space import centre_of_gravity
from nqpf.space.moran import CLUSTERS

CODES = provinces.codes()


def test_every_class_has_a_colour():
    assert set(CLASSES) == set(CLUSTERS)


def test_maps_name_the_members_of_each_class():
    kinds = pd.Series("not significant", index=CODES).rename("A")
    kinds[110000], kinds[650000], kinds[460000] = "HH", "LL", "no neighbours"
    picture = cluster_maps(pd.DataFrame({"A": kinds, "B": kinds.drop(540000)}), "T", "L")
    assert "A: HH Beijing; LL Xinjiang; no neighbours Hainan; the other 28 not" in picture.alt
    assert "the other 27 not significant" in picture.alt
    assert picture.svg() == picture.svg()
    texts = [text.get_text() for ax in picture.figure.axes for text in ax.texts]
    assert texts.count("HH") == 3  # two maps and the key


def test_unknown_classes_and_empty_tables_are_refused():
    with pytest.raises(SampleError, match="XX"):
        cluster_maps(pd.DataFrame({"A": {110000: "XX"}}))
    with pytest.raises(SampleError, match="shape"):
        cluster_maps(pd.DataFrame())


def test_lines_count_the_years_that_are_significant():
    index = pd.MultiIndex.from_product([["A", "B"], [2013, 2014]])
    table = pd.DataFrame({"I": [0.1, 0.2, 0.3, -0.1], "p_sim": [0.01, 0.05, 0.2, 0.06]}, index)
    alt = moran_lines(table, "T").alt
    assert "A 0.10 in 2013 to 0.20 in 2014, significant in 2 of 2 years" in alt
    assert "B 0.30 in 2013 to -0.10 in 2014, significant in 0 of 2 years" in alt
    with pytest.raises(SampleError, match="2 measures with columns I"):
        moran_lines(table[["I"]])


def test_paths_say_from_where_to_where():
    index = pd.MultiIndex.from_product([CODES, [2013, 2022]], names=["province", "year"])
    masses = pd.Series(1.0, index=index)
    masses.loc[(650000, 2022)] = 20.0
    result = centre_of_gravity(masses)
    picture = centre_paths({"A": result}, "T")
    assert f"{result.moved()['km']:.0f} km" in picture.alt and "in 2022" in picture.alt
    with pytest.raises(SampleError, match="0 measures"):
        centre_paths({})
