"""The figure of forecasts and its text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import ProvinceError, SampleError
from nqpf.forecast import forecast
from nqpf.report.lines import fan_chart


def series() -> pd.Series:
    codes = [110000, 310000, 440000]
    keys = pd.MultiIndex.from_product([codes, range(2013, 2024)], names=["province", "year"])
    steps = np.random.default_rng(0).normal(0.02, 0.01, size=len(keys))
    return pd.Series(steps, index=keys).groupby("province").cumsum()


def test_text_is_computed_from_the_widest_interval() -> None:
    fans = [forecast(series(), 3, level=level) for level in (0.5, 0.8)]
    alt = fan_chart(fans, ["Shanghai", 440000], "Two provinces").alt
    last = fans[1].frame.loc[(310000, 2026)]
    assert alt.startswith("Fan chart of forecasts by drift. Two provinces. Shanghai")
    expected = f"(80 % interval {last['lower']:.2f} to {last['upper']:.2f})"
    assert expected in alt and "Guangdong" in alt and "Beijing" not in alt


def test_bands_and_lines_are_those_of_the_forecast() -> None:
    fans = [forecast(series(), 2, level=level) for level in (0.5, 0.8)]
    figure = fan_chart(fans, ["Beijing"], "One", "score").figure
    (ax,) = figure.axes
    assert len(ax.collections) == 2
    widest = ax.collections[0].get_paths()[0].vertices
    own = fans[1].frame.loc[110000]
    assert widest[:, 1].max() == pytest.approx(own["upper"].max())
    lines = {line.get_linestyle(): line for line in ax.lines if len(line.get_xdata()) == 3}
    assert lines["--"].get_ydata()[1:] == pytest.approx(own["forecast"].to_numpy())
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "80 % and 50 % intervals" in texts and "scales differ" not in texts


def test_without_bounds_the_text_claims_none() -> None:
    short = series()[series().index.get_level_values("year") >= 2020]
    alt = fan_chart(forecast(short, 3), ["Beijing"], "Short").alt
    assert "interval" not in alt


def test_same_input_same_bytes() -> None:
    result = forecast(series(), 3, level=0.5)
    assert fan_chart(result, ["Beijing"]).svg() == fan_chart(result, ["Beijing"]).svg()


def test_what_cannot_be_drawn_is_refused() -> None:
    result = forecast(series(), 2)
    with pytest.raises(SampleError, match="Hainan has no forecast"):
        fan_chart(result, ["Hainan"])
    with pytest.raises(ProvinceError):
        fan_chart(result, ["Atlantis"])
    with pytest.raises(SampleError, match="1 to 8 provinces"):
        fan_chart(result, [])
    with pytest.raises(SampleError, match="one series and one method"):
        fan_chart([result, forecast(series(), 2, "random_walk")], ["Beijing"])
    both = forecast(pd.DataFrame({"a": series(), "b": series()}), 2)
    with pytest.raises(SampleError, match="several columns"):
        fan_chart(both, ["Beijing"])
