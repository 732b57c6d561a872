"""Centre of gravity and standard deviational ellipse."""

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space import centre_of_gravity, great_circle
from nqpf.space.centre import backward, bearing, forward

CODES = provinces.codes()
RNG = np.random.default_rng(5)
INDEX = pd.MultiIndex.from_product([CODES, [2012, 2017, 2022]], names=["province", "year"])
MASS = pd.Series(RNG.uniform(0.1, 1.0, 93), index=INDEX, name="index")
PLACES = provinces.table()


def square(points, masses=None):
    """Return masses of one year and places from (longitude, latitude) pairs."""
    places = pd.DataFrame(points, columns=["longitude", "latitude"])
    index = pd.MultiIndex.from_product([places.index, [2020]], names=["province", "year"])
    return pd.Series(masses if masses is not None else 1.0, index=index), places


def test_the_centre_is_the_weighted_mean_of_degrees():
    table = centre_of_gravity(MASS).table
    for year in (2012, 2022):
        own = MASS.xs(year, level="year")
        expected = (PLACES["longitude"] * own).sum() / own.sum()
        assert table.loc[year, "longitude"] == pytest.approx(expected, abs=1e-12)


def test_the_spherical_centre_minimises_squared_distances():
    row = centre_of_gravity(MASS, "azimuthal").table.loc[2022]
    own = MASS.xs(2022, level="year")

    def cost(latitude, longitude):
        far = great_circle(latitude, longitude, PLACES["latitude"], PLACES["longitude"])
        return float((own * far**2).sum())

    best = cost(row["latitude"], row["longitude"])
    for north, east in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert cost(row["latitude"] + north, row["longitude"] + east) > best


@pytest.mark.parametrize("projection", ["equirectangular", "azimuthal"])
def test_rows_and_the_scale_of_masses_do_not_matter(projection):
    table = centre_of_gravity(MASS, projection).table
    mixed = centre_of_gravity(40 * MASS.sample(frac=1, random_state=1), projection).table
    assert np.allclose(table, mixed, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_a_constant_draws_the_centre_to_that_of_equal_masses():
    equal = centre_of_gravity(MASS * 0 + 1).table.loc[2022]
    ends = [
        great_circle(row["latitude"], row["longitude"], equal["latitude"], equal["longitude"])
        for row in (centre_of_gravity(MASS + c).table.loc[2022] for c in (0, 1, 10))
    ]
    assert ends[0] > ends[1] > ends[2] > 0


def test_steps_are_great_circles():
    table = centre_of_gravity(MASS).table
    assert np.isnan(table.loc[2012, "moved"])
    a, b = table.loc[2012], table.loc[2017]
    ends = (a["latitude"], a["longitude"], b["latitude"], b["longitude"])
    assert b["moved"] == pytest.approx(float(great_circle(*ends)), rel=1e-12)
    assert b["bearing"] == pytest.approx(float(bearing(*ends)), rel=1e-12)
    way = centre_of_gravity(MASS).moved()["km"]
    assert way <= table["moved"].sum() + 1e-9


@pytest.mark.parametrize(
    ("points", "angle"),
    [([(0, -1), (0, 1), (0.1, 0), (-0.1, 0)], 0), ([(-1, 0), (1, 0), (0, 0.1), (0, -0.1)], 90),
     ([(-1, -1), (1, 1), (0.1, -0.1), (-0.1, 0.1)], 45),
     ([(-1, 1), (1, -1), (0.1, 0.1), (-0.1, -0.1)], 135)],
    ids=["north", "east", "north-east", "south-east"],
)  # fmt: skip
def test_the_long_axis_points_where_the_masses_lie(points, angle):
    masses, places = square(points)
    assert centre_of_gravity(masses, points=places).table["angle"].iloc[0] == pytest.approx(angle)


def test_the_ellipse_of_a_line_is_flat_and_of_a_point_nothing():
    masses, places = square([(0.0, 0.0), (0.0, 1.0)])
    row = centre_of_gravity(masses, "azimuthal", "yuill", points=places).table.iloc[0]
    assert row["major"] == pytest.approx(float(great_circle(0, 0, 0.5, 0)), rel=1e-12)
    assert row["minor"] == pytest.approx(0, abs=1e-6) and row["eccentricity"] == pytest.approx(1)
    masses, places = square([(0.0, 0.0), (0.0, 1.0)], [1.0, 0.0])
    row = centre_of_gravity(masses, points=places).table.iloc[0]
    assert row["major"] == 0 and np.isnan(row["eccentricity"])


def test_factors_of_the_axes():
    a, b = (centre_of_gravity(MASS, ellipse=name).table for name in ("arcgis", "yuill"))
    assert np.allclose(a["major"] / b["major"], np.sqrt(2)) and np.allclose(a["angle"], b["angle"])
    assert np.allclose(a["area"], np.pi * a["major"] * a["minor"])


def test_63_percent_of_a_normal_distribution_are_inside():
    places = RNG.multivariate_normal([110, 35], [[0.02, 0.01], [0.01, 0.03]], 4000)
    masses, frame = square(places)
    result = centre_of_gravity(masses, points=frame)
    row = result.table.iloc[0]
    x, y = forward("equirectangular", places[:, 1], places[:, 0], row["latitude"], row["longitude"])
    turn = np.radians(row["angle"])
    along, across = x * np.sin(turn) + y * np.cos(turn), x * np.cos(turn) - y * np.sin(turn)
    inside = ((along / row["major"]) ** 2 + (across / row["minor"]) ** 2 <= 1).mean()
    assert inside == pytest.approx(1 - np.exp(-1), abs=0.025)


@pytest.mark.parametrize("projection", ["equirectangular", "azimuthal"])
def test_the_outline_is_closed_and_as_long_as_the_axes(projection):
    result = centre_of_gravity(MASS, projection)
    line, row = result.outline(2022), result.table.loc[2022]
    assert np.allclose(line.iloc[0], line.iloc[-1])
    far = np.hypot(line["east"], line["north"])
    assert far.max() == pytest.approx(row["major"], rel=1e-3)
    assert far.min() == pytest.approx(row["minor"], rel=1e-3)
    again = forward(projection, line["latitude"], line["longitude"], row["latitude"],
                    row["longitude"])  # fmt: skip
    assert np.allclose(again, line[["east", "north"]].T, atol=1e-6)


def test_azimuthal_distances_and_directions_are_those_of_the_globe():
    latitude, longitude = PLACES["latitude"].to_numpy(), PLACES["longitude"].to_numpy()
    x, y = forward("azimuthal", latitude, longitude, 35.0, 110.0)
    assert np.allclose(np.hypot(x, y), great_circle(35, 110, latitude, longitude), rtol=1e-12)
    angle = np.degrees(np.arctan2(x, y)) % 360
    assert np.allclose(angle, bearing(35.0, 110.0, latitude, longitude), atol=1e-9)
    back = backward("azimuthal", x, y, 35.0, 110.0)
    assert np.allclose(back, (latitude, longitude), rtol=0, atol=1e-10)


def test_years_with_other_provinces_are_refused_or_cut():
    part = MASS.drop((540000, 2017))
    with pytest.raises(SampleError, match=r"Tibet \(540000\), year 2017"):
        centre_of_gravity(part)
    cut = centre_of_gravity(part, subset=True).table
    assert (cut["n"] == 30).all()
    assert np.allclose(cut, centre_of_gravity(MASS.drop(540000)).table, equal_nan=True)


def test_bad_input_is_named():
    with pytest.raises(SampleError, match=r"a mass is -1 .*Tibet \(540000\), year 2012.*log"):
        centre_of_gravity(MASS.where(MASS.index != (540000, 2012), -1.0))
    with pytest.raises(SampleError, match="missing or infinite"):
        centre_of_gravity(MASS.where(MASS.index != (540000, 2012)))
    with pytest.raises(EstimationError, match=r"no province has a mass .*year 2017"):
        centre_of_gravity(MASS.where(MASS.index.get_level_values("year") != 2017, 0.0))
    with pytest.raises(SampleError, match="1 level"):
        centre_of_gravity(MASS.xs(2012, level="year"))
    with pytest.raises(SampleError, match="has no place"):
        centre_of_gravity(MASS, points=PLACES.drop(540000))
    with pytest.raises(MethodError, match="unknown projection 'azimutal'"):
        centre_of_gravity(MASS, "azimutal")
    with pytest.raises(MethodError, match="unknown ellipse"):
        centre_of_gravity(MASS, ellipse="crimestat")
    with pytest.raises(MethodError, match="no centre for year 2013"):
        centre_of_gravity(MASS).outline(2013)
