"""Moran statistics, distances and ellipses against spdep, libpysal and pointpats."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case

from nqpf import provinces
from nqpf.space import align, local_moran, moran
from nqpf.space.exploration import centre_of_gravity
from nqpf.space.weights import inverse_distance


@pytest.fixture(scope="module")
def columbus():
    data = case("oldcol_data_localmoran.csv", index_col="id")
    matrix = case("oldcol_W.csv")
    matrix.index = matrix.columns = data.index
    return data, align(matrix, data).row_standardised()  # as file rounds the weights to 15 digits


def test_moran_test_of_spdep(columbus):
    # R spdep 1.2-7: moran.test(CRIME, listw), with randomisation=TRUE and FALSE
    data, weights = columbus
    row = moran(data["CRIME"], weights).iloc[0]
    printed = [0.51095126407879310, -0.02083333333333333, 0.00890876155987795]
    printed += [5.634132894179, 5.675350196933]
    found = row[["I", "expected", "variance", "z", "z_normal"]].tolist()
    assert found == pytest.approx(printed, rel=1e-11)
    assert row["p"] / 2 == pytest.approx(8.79706560281e-09, rel=1e-9)
    assert row["p_sim"] == 0.002


def test_localmoran_of_spdep(columbus):
    # R spdep 1.2-7: localmoran(CRIME, listw), conditional=TRUE, first four rows
    data, weights = columbus
    table = local_moran(data["CRIME"].sample(frac=1, random_state=0), weights).loc[data.index]
    assert np.allclose(table["I"], data["local_I"], rtol=0, atol=1e-13)
    assert np.allclose(table["z"], data["local_z"], rtol=0, atol=1e-13)
    expected = [-0.020250213989388689, -0.000570757243919693, -0.000825771692608145,
                -0.092794292185181218]  # fmt: skip
    variance = [0.31026606329229584, 0.00654175676101155, 0.00602139998395537,
                0.96542367470030799]  # fmt: skip
    assert np.allclose(table["expected"].iloc[:4], expected, rtol=1e-12)
    assert np.allclose(table["variance"].iloc[:4], variance, rtol=1e-12)


def test_distances_of_libpysal():
    from libpysal.cg import arcdist

    table = provinces._table()
    a, b = table.loc[650000], table.loc[460000]
    peer = arcdist((a.longitude, a.latitude), (b.longitude, b.latitude), radius=6371.0088)
    found = 1 / inverse_distance().matrix.loc[650000, 460000]
    assert found == pytest.approx(peer, rel=1e-12)


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
    index = pd.MultiIndex.from_product([places.index, [2020]], names=["province", "year"])
    row = centre_of_gravity(pd.Series(masses, index), points=places).table.iloc[0]
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
