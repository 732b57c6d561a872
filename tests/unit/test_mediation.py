"""Promises of the mediation analysis."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import RegressionTable, fixed_effects
from nqpf.regress.mediation import mediation

EFFECTS = ("two-way", "unit", "time", "pooled")
UNITS, YEARS = 31, 8


def sample(seed=0, a=0.6, b=0.8, direct=0.3):
    """A panel in which the indirect effect is a b."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(UNITS), range(2012, 2012 + YEARS)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 4)), keys, ["y", "t", "m", "w"])
    unit = np.repeat(rng.normal(size=UNITS), YEARS)
    frame["t"] += unit + 0.3 * frame["w"]
    frame["m"] += a * frame["t"] + unit
    frame["y"] += direct * frame["t"] + b * frame["m"] - unit + 0.2 * frame["w"]
    return frame


def fit(frame, **options):
    return mediation(frame, "y", "t", "m", ["w"], **{"bootstrap": 0, **options})


@pytest.mark.parametrize("effects", EFFECTS)
def test_total_is_direct_plus_indirect(effects):
    result = fit(sample(1), effects=effects, bootstrap=20)
    estimate = result.effects["estimate"]
    assert estimate["direct"] + estimate["indirect"] == pytest.approx(estimate["total"], rel=1e-12)
    assert estimate["proportion"] == estimate["indirect"] / estimate["total"]
    parts = result.draws
    np.testing.assert_allclose(parts["direct"] + parts["indirect"], parts["total"], rtol=1e-12)


def test_known_effects_are_found():
    result = fit(sample(2), bootstrap=400)
    truth = {"indirect": 0.48, "direct": 0.3, "total": 0.78, "proportion": 0.48 / 0.78}
    for name, value in truth.items():
        row = result.effects.loc[name]
        assert row["lower"] < value < row["upper"], name
        assert row["bca_lower"] < value < row["bca_upper"], name
    assert result.sobel["p_value"] < 1e-6
    row = result.effects.loc["indirect"]
    assert row["std_error"] == pytest.approx(result.sobel["std_error"], rel=0.3)


def test_no_path_gives_an_interval_around_zero():
    row = fit(sample(3, a=0.0), bootstrap=400).effects.loc["indirect"]
    assert row["lower"] < 0 < row["upper"]
    assert row["bca_lower"] < 0 < row["bca_upper"]


def test_the_equations_are_fixed_effects_regressions():
    frame = sample(4)
    result = fit(frame, effects="unit", errors="robust", convention="all", vintage="2024")
    peers = {
        "total": ("y", ["t", "w"]),
        "mediator": ("m", ["t", "w"]),
        "direct": ("y", ["t", "m", "w"]),
    }
    assert list(result.regressions) == list(peers)
    for name, (outcome, regressors) in peers.items():
        peer = fixed_effects(
            frame, outcome, regressors, effects="unit", errors="robust", convention="all"
        )
        pd.testing.assert_series_equal(result.regressions[name].params, peer.params)
        pd.testing.assert_frame_equal(result.regressions[name].cov, peer.cov)
        assert result.regressions[name].vintage == "2024"
    table = result.table()
    assert isinstance(table, RegressionTable)
    assert table.to_frame().columns.tolist() == ["Total", "Mediator", "Direct"]


def test_row_order_and_seed():
    frame = sample(5)
    before = frame.copy(deep=True)
    first = fit(frame, bootstrap=50, seed=1)
    second = fit(frame.sample(frac=1, random_state=0).reset_index(), bootstrap=50, seed=1)
    pd.testing.assert_frame_equal(first.draws, second.draws, check_exact=True)
    pd.testing.assert_frame_equal(first.effects, second.effects)
    other = fit(frame, bootstrap=50, seed=2)
    assert not np.allclose(first.draws, other.draws)
    assert first.effects["estimate"].equals(other.effects["estimate"])
    pd.testing.assert_frame_equal(frame, before)


def test_units_of_measurement_do_not_matter():
    frame = sample(6)
    plain = fit(frame, bootstrap=50)
    scaled = fit(
        frame.assign(y=frame["y"] * 1e6, t=frame["t"] * 1e-3, m=frame["m"] * 1e9), bootstrap=50
    )
    np.testing.assert_allclose(scaled.effects.iloc[:3], plain.effects.iloc[:3] * 1e9, rtol=1e-8)
    np.testing.assert_allclose(scaled.effects.iloc[3], plain.effects.iloc[3], rtol=1e-8)
    assert scaled.sobel["z"] == pytest.approx(plain.sobel["z"], rel=1e-9)


def test_higher_levels_give_wider_intervals():
    frame = sample(7)
    narrow, wide = (fit(frame, bootstrap=200, level=level).effects for level in (0.8, 0.99))
    for low, high in (("lower", "upper"), ("bca_lower", "bca_upper")):
        assert (wide[low] < narrow[low]).all()
        assert (wide[high] > narrow[high]).all()


def test_no_bootstrap_leaves_intervals_missing():
    result = fit(sample(8))
    assert result.effects["estimate"].notna().all()
    assert result.effects.drop(columns="estimate").isna().all(axis=None)
    assert len(result.draws) == 0


def test_what_is_not_identified_is_printed_with_the_figures():
    result = fit(sample(9), bootstrap=30, seed=4)
    for text in (repr(result), str(result), result._repr_html_()):
        assert "sequential ignorability" in text
        assert "A variable that t changes and that acts on both m and y" in text
        assert "30 samples of whole province groups, seed 4" in text
        assert "Sobel: z = " in text
        assert "not evidence of a mechanism" in text
    assert "Effects of t on y, through m and not, with 95% intervals" in result._repr_html_()


def test_names_are_escaped_on_a_page():
    frame = sample(10).rename(columns={"m": "<b>m</b>"})
    page = mediation(frame, "y", "t", "<b>m</b>", bootstrap=0)._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;m" in page


def rare(units):
    """A treatment that only `units` units ever have."""
    frame = sample(11)
    unit, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    return frame.assign(t=((unit < units) & (year > 2015)).astype(float))


def test_samples_without_treated_units_are_counted_and_left_out():
    result = fit(rare(4), bootstrap=400)
    assert 0 < result.failed < 20  # (27 / 31)^31 is 1.4 %
    assert len(result.draws) == 400 - result.failed
    assert result.effects.notna().all(axis=None)
    assert f"{result.failed} samples did not identify" in str(result)


def test_too_many_of_them_are_an_error():
    with pytest.raises(EstimationError, match="of 400 bootstrap samples do not identify"):
        fit(rare(1), bootstrap=400)


@pytest.mark.parametrize(
    ("names", "options", "kind", "message"),
    [
        (("y", "t", "t"), {}, MethodError, "'t' is named more than once"),
        (("y", "t", "y"), {}, MethodError, "'y' is named more than once"),
        (("y", "t", "m", ["t"]), {}, MethodError, "'t' is named more than once"),
        (("y", "t", "n"), {}, DataError, "unknown variable 'n'"),
        (("y", "t", "m"), {"effects": "year"}, MethodError, "unknown effects 'year'"),
        (("y", "t", "m"), {"errors": "hc9"}, MethodError, "unknown errors 'hc9'"),
        (("y", "t", "m"), {"bootstrap": -5}, MethodError, "bootstrap -5"),
        (("y", "t", "m"), {"bootstrap": 1.5}, MethodError, "bootstrap 1.5"),
        (("y", "t", "m"), {"level": 95}, MethodError, "level 95"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple | dict) else "",
)
def test_requests_that_are_refused(names, options, kind, message):
    with pytest.raises(kind, match=message):
        mediation(sample(), *names, **options)


def test_samples_that_are_refused():
    frame = sample()
    with pytest.raises(SampleError, match=r"1 province is too few \[province 3\]"):
        fit(frame.loc[[3]], errors="robust", effects="pooled")
    missing = frame.copy()
    missing.loc[(3, 2014), "m"] = np.nan
    with pytest.raises(SampleError, match="province 3, year 2014, variable m"):
        fit(missing)
    with pytest.raises(SampleError, match="more than once"):
        fit(pd.concat([frame, frame.iloc[[0]]]))
    with pytest.raises(EstimationError, match="collinear"):
        fit(frame.assign(m=2 * frame["t"] + 1))
    with pytest.raises(EstimationError, match="'m' does not vary|'m' is constant"):
        fit(frame.assign(m=1.0))
    with pytest.raises(DataError, match="not numbers"):
        fit(frame.assign(m="high"))
