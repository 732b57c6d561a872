"""Centre of gravity and standard deviational ellipse."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed, refusals

from nqpf import provinces
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space.exploration import centre_of_gravity

MASS = np.random.default_rng(5).uniform(0.1, 1.0, 93)
MASS = pd.Series(MASS, keyed(provinces.codes(), 3, 2020), name="index")
PLACES = provinces._table()
PROJECTIONS = ["equirectangular", "azimuthal"]


def vector(latitude, longitude):
    """Return (3, ...) points of the unit sphere."""
    phi, turn = np.radians(latitude), np.radians(longitude)
    return np.array([np.cos(phi) * np.cos(turn), np.cos(phi) * np.sin(turn), np.sin(phi)])


def far(latitude, longitude, other_latitude, other_longitude):
    """Return km along the sphere by the angle between vectors."""
    a, b = vector(latitude, longitude), vector(other_latitude, other_longitude)
    half = np.sqrt(((a.reshape(3, -1) - b.reshape(3, -1)) ** 2).sum(axis=0)) / 2
    return 2 * 6371.0088 * np.arcsin(half)


def square(points, masses=None):
    """Return masses of one year and places from (longitude, latitude) pairs."""
    places = pd.DataFrame(points, columns=["longitude", "latitude"])
    return pd.Series(masses or 1.0, keyed(len(places), 1, 2020)), places


def test_the_centre_is_the_weighted_mean_of_degrees():
    table = centre_of_gravity(MASS).table
    for year in (2020, 2022):
        own = MASS.xs(year, level="year")
        expected = (PLACES["longitude"] * own).sum() / own.sum()
        assert table.loc[year, "longitude"] == pytest.approx(expected, abs=1e-12)


def test_the_spherical_centre_minimises_squared_distances():
    row = centre_of_gravity(MASS, "azimuthal").table.loc[2022]
    own = MASS.xs(2022, level="year").to_numpy()

    def cost(north, east):
        place = row["latitude"] + north, row["longitude"] + east
        return float(own @ far(*place, PLACES["latitude"], PLACES["longitude"]) ** 2)

    for north, east in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert cost(north, east) > cost(0, 0)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_rows_and_the_scale_of_masses_do_not_matter(projection):
    table = centre_of_gravity(MASS, projection).table
    mixed = centre_of_gravity(40 * MASS.sample(frac=1, random_state=1), projection).table
    assert np.allclose(table, mixed, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_steps_are_great_circles():
    path = centre_of_gravity(MASS[MASS.index.get_level_values("year") <= 2021])
    a, b = (path.table.loc[year, ["latitude", "longitude"]] for year in (2020, 2021))
    assert path.moved()["km"] == pytest.approx(far(*a, *b)[0], rel=1e-9)
    # The direction is that of the chord in the plane of east and north.
    east = np.cross([0, 0, 1], vector(*a))
    way, north = vector(*b) - vector(*a), np.cross(vector(*a), east)
    turn = np.degrees(np.arctan2(way @ east, way @ north)) % 360
    assert path.moved()["bearing"] == pytest.approx(turn, abs=1e-6)


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_the_long_axis_points_where_the_masses_lie(angle):
    east, north = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    masses, places = square([(east, north), (-east, -north), (north / 10, -east / 10)])
    assert centre_of_gravity(masses, points=places).table["angle"].iloc[0] == pytest.approx(angle)


def test_the_ellipse_of_a_line_is_flat_and_of_a_point_nothing():
    masses, places = square([(0.0, 0.0), (0.0, 1.0)])
    row = centre_of_gravity(masses, "azimuthal", points=places).table.iloc[0]
    assert row["major"] == pytest.approx(2**0.5 * far(0, 0, 0.5, 0)[0], rel=1e-12)
    assert row["minor"] == pytest.approx(0, abs=1e-6)
    masses, places = square([(0.0, 0.0), (0.0, 1.0)], [1.0, 0.0])
    assert centre_of_gravity(masses, points=places).table["major"].tolist() == [0]


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_the_outline_is_closed_and_as_long_as_the_axes(projection):
    result = centre_of_gravity(MASS, projection)
    line, row = result.outline(2022), result.table.loc[2022]
    assert np.allclose(line.iloc[0], line.iloc[-1])
    away = np.hypot(line["east"], line["north"])
    assert away.max() == pytest.approx(row["major"], rel=1e-3)
    assert away.min() == pytest.approx(row["minor"], rel=1e-3)
    centre = row["latitude"], row["longitude"]
    if projection == "azimuthal":  # distances from the centre are those of the globe
        assert np.allclose(far(*centre, line["latitude"], line["longitude"]), away, rtol=1e-9)
    else:
        north = (line["latitude"] - centre[0]) * np.radians(6371.0088)
        assert np.allclose(north, line["north"], atol=1e-6)


PART = MASS.drop((540000, 2021))
TIBET = MASS.index != (540000, 2020)
YEAR = MASS.index.get_level_values("year") != 2021
BELOW = MASS.where(TIBET, -1.0)


def test_years_with_other_provinces_are_cut_when_asked():
    cut = centre_of_gravity(PART, subset=True).table
    assert (cut["n"] == 30).all()
    assert np.allclose(cut, centre_of_gravity(MASS.drop(540000)).table, equal_nan=True)


test_bad_input_is_named = refusals(
    SampleError,
    (r"Tibet \(540000\), year 2021", lambda: centre_of_gravity(PART)),
    (r"a mass is -1 .*Tibet \(540000\), year 2020.*log", lambda: centre_of_gravity(BELOW)),
    ("missing or infinite", lambda: centre_of_gravity(MASS.where(TIBET))),
    ("no .* mass .*year 2021", lambda: centre_of_gravity(MASS.where(YEAR, 0.0)), EstimationError),
    ("1 level", lambda: centre_of_gravity(MASS.xs(2020, level="year"))),
    (r"the places.*Tibet", lambda: centre_of_gravity(MASS, points=PLACES.drop(540000))),
    ("unknown projection 'azimutal'", lambda: centre_of_gravity(MASS, "azimutal"), MethodError),
    ("unknown year 2013", lambda: centre_of_gravity(MASS).outline(2013), MethodError),
)


# The example in the documentation of pointpats' centrography, 11 points, and the
# same points with weights 1 to 11, run with pointpats 2.5.5: ellipse(points) with
# factors sqrt(2) and n/(n - 2), and ellipse(points, weights, "yuill", False, False).
POINTS = np.array(
    [[66.22, 32.54], [22.52, 22.39], [31.01, 81.21], [9.47, 31.02], [30.78, 60.10], [75.21, 58.93],
     [79.26, 7.68], [8.23, 39.93], [98.73, 77.17], [89.78, 42.53], [65.19, 92.08]]
)  # fmt: skip


def flat_ellipse(masses):
    """Return half axes in the units of POINTS, from a patch so small that the globe is flat."""
    places = pd.DataFrame(POINTS / 1e6, columns=["longitude", "latitude"])
    row = centre_of_gravity(pd.Series(masses, keyed(11, 1)), points=places).table.iloc[0]
    return row[["major", "minor"]].to_numpy() * 1e6 / (6371.0088 * np.radians(1)), row["angle"]


def test_ellipses_of_pointpats():
    axes, angle = flat_ellipse(np.ones(11))
    corrected = axes * np.sqrt(11 / 9)
    assert corrected == pytest.approx([50.13029459102783, 37.95222670267865], rel=1e-9)
    # pointpats turns from the east, we from the north.
    assert 90 - angle == pytest.approx(np.degrees(0.3465582095042642), abs=1e-6)
    axes, _ = flat_ellipse(np.arange(1.0, 12.0))
    yuill = [33.05550228429486, 25.11301898368538]
    assert axes == pytest.approx(np.sqrt(2) * np.array(yuill), rel=1e-9)
