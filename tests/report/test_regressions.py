"""Figures of estimates, densities, forecasts and centres: what they draw, say and refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.dynamics import kernel_density
from nqpf.errors import DataError, ProvinceError, SampleError
from nqpf.forecast import forecast
from nqpf.multiverse import variance_shares
from nqpf.report import coefficient_plot, findings_map
from nqpf.report.lines import fan_chart, ridgeline
from nqpf.report.maps import centre_paths
from nqpf.report.regressions import event_plot, known_truth_plot, shares_chart
from nqpf.space.centre import centre_of_gravity

COEFFICIENTS = pd.DataFrame(
    {
        "variable": ["tax", "tax", "size", "size"],
        "measure": ["a <script>", "b", "a <script>", "b"],
        "coefficient": [1.0, -1.0, 0.2, -0.2],
        "lower": [0.5, -1.5, -0.2, -0.6],
        "upper": [1.5, -0.5, 0.6, 0.2],
    }
)
EVENTS = pd.DataFrame(
    [
        {"measure": m, "event": e, "estimate": e / 4, "lower": e / 4 - 0.3, "upper": e / 4 + 0.3}
        for m in ("x", "y", "z")
        for e in (-3, -2, 0, 1, 2)
    ]
).assign(chance_low=-0.4, chance_high=0.4)
TRUTH = pd.DataFrame(
    {
        "panel": ["Durbin", "Durbin", "lag"],
        "estimated": ["right", "wrong", "right"],
        "mean": [-0.5, 0.9, 0.8],
        "low": [-0.8, 0.2, 0.5],
        "high": [-0.2, 1.7, 1.1],
        "truth": [-0.55, -0.55, 0.9],
    }
)
FINDINGS = pd.DataFrame(
    {
        "median": [0.3, -0.004, -0.2],
        "significant_positive": [0.9, 0.1, 0.0],
        "significant_negative": [0.0, 0.1, 0.7],
    },
    pd.MultiIndex.from_tuples([("TFP", "q1"), ("TFP", "q2"), ("A", "q1")]),
)


def series() -> pd.Series:
    codes = [110000, 310000, 440000]
    keys = pd.MultiIndex.from_product([codes, range(2013, 2024)], names=["province", "year"])
    steps = np.random.default_rng(0).normal(0.02, 0.01, size=len(keys))
    return pd.Series(steps, index=keys).groupby("province").cumsum()


def written(picture) -> list[str]:
    return [text.get_text() for ax in picture.figure.axes for text in ax.texts]


def test_text_counts_sure_and_uncertain_measures_and_is_escaped() -> None:
    picture = coefficient_plot(COEFFICIENTS, "<script>")
    assert "tax: 1 of 2 measures above zero, 1 below, 0 uncertain" in picture.alt
    assert "size: 0 of 2 measures above zero, 0 below, 2 uncertain" in picture.alt
    assert "<script>" not in picture.html()


def blank(reason: str, lower: float = float("nan")) -> pd.DataFrame:
    table = COEFFICIENTS.assign(reason="")
    table.loc[1, ["coefficient", "lower", "upper", "reason"]] = [np.nan, lower, np.nan, reason]
    return table


def test_a_measure_that_is_not_regressed_says_why() -> None:
    picture = coefficient_plot(blank("holds tax"), "T")
    assert "tax: 1 of 1 measures above zero, 0 below, 0 uncertain, 1 left blank" in picture.alt
    assert written(picture) == ["holds tax"]


def test_a_panel_per_measure_with_its_years() -> None:
    picture = event_plot(EVENTS, "Three measures")
    axes = picture.figure.axes
    assert [ax.get_title(loc="left") for ax in axes] == ["x", "y", "z"]
    assert list(axes[0].get_xticks()) == [-3, -2, 0, 1, 2]
    assert len({ax.get_ylim() for ax in axes}) == 1
    # Before and after differ in shape and not only in colour.
    assert {line.get_marker() for line in axes[0].lines if len(line.get_xdata()) == 1} == {"o", "s"}
    said = "x: from -0.75 (year -3) to 0.50 (year 2); 3 of 5 intervals leave out zero"
    assert said in picture.alt
    assert "3 of 5 estimates lie outside the band of chance" in picture.alt


def test_marks_tell_what_misses_the_truth() -> None:
    picture = known_truth_plot(TRUTH, "Mistakes")
    first, second = picture.figure.axes
    marks = [
        [m for line in ax.lines if (m := line.get_marker()) != "None"] for ax in (first, second)
    ]
    assert marks == [["o", "s"], ["o"]]
    assert first.get_title(loc="left") == "Durbin: truth −0.55"
    assert "wrong 0.90 (0.20 to 1.70), missing it" in picture.alt
    assert "lag, truth 0.90: right 0.80 (0.50 to 1.10)." in picture.alt


def test_a_finding_of_nothing_has_no_sign_and_a_blank_is_explained() -> None:
    options = {"groups": {"first": ["q1"], "second": ["q2"]}, "heads": {"q1": "one\nquestion"}}
    picture = findings_map(FINDINGS, "T", blank="the measure holds it", **options)
    assert "q1: 1 of 2 measures mostly significant and positive, 1 negative" in picture.alt
    assert "q2: 0 of 1 measures mostly significant and positive, 0 negative" in picture.alt
    ax = picture.figure.axes[0]
    assert {"0", "+0.30", "−0.20", "first", "second"} <= set(written(picture))
    assert not {"+0.00", "−0.00", "-0.00"} & set(written(picture))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["one\nquestion", "q2"]
    assert sum(bool(patch.get_hatch()) for patch in ax.patches) == 1
    assert "the measure holds\nit" in written(picture)


def test_shares_are_bars_with_figures() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": rng.choice(["composite", "tfp"], 400)})
    frame = frame.assign(Measure_S=rng.choice(list("abc"), 400))
    frame["estimate"] = rng.normal(frame["kind"].eq("tfp") * 1.0, 0.5)
    shares = variance_shares(frame, ["kind", "Measure_S"])
    picture, largest = shares_chart(shares, "Disagreement"), shares.to_frame().iloc[0]
    (ax,) = picture.figure.axes
    widths = [bar.get_width() for bar in ax.patches[:2]]
    assert widths == [max(largest[["first_order", "total"]]), largest["first_order"]]
    said = "Bar chart of shares of variance. Disagreement: kind "
    assert picture.alt.startswith(f"{said}{largest['first_order']:.1%} alone")


def test_fans_are_those_of_the_forecast() -> None:
    fans = [forecast(series(), 3, level=level) for level in (0.5, 0.8)]
    picture = fan_chart(fans, ["Shanghai", 440000], "Two provinces", "score")
    last, own = fans[1].frame.loc[(310000, 2026)], fans[1].frame.loc[310000]
    assert picture.alt.startswith("Fan chart of forecasts by drift. Two provinces. Shanghai")
    assert f"(80 % interval {last['lower']:.2f} to {last['upper']:.2f})" in picture.alt
    assert "Guangdong" in picture.alt and "Beijing" not in picture.alt
    ax = picture.figure.axes[0]
    assert len(ax.collections) == 2
    widest = ax.collections[0].get_paths()[0].vertices
    assert widest[:, 1].max() == pytest.approx(own["upper"].max())
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed.get_ydata()[1:] == pytest.approx(own["forecast"].to_numpy())
    heading = " ".join(text.get_text() for text in picture.figure.texts)
    assert "80 % and 50 % intervals" in heading and "scales differ" in heading


def test_without_bounds_the_text_of_a_forecast_claims_none() -> None:
    short = series()[series().index.get_level_values("year") >= 2020]
    assert "interval" not in fan_chart([forecast(short, 3)], ["Beijing"], "Short").alt


def densities(rule=0.3, years=(2020, 2021)):
    keys = pd.MultiIndex.from_product([range(20), [2020, 2021]], names=["province", "year"])
    noise = np.random.default_rng(2).normal(scale=0.3, size=(20, 2))
    centre = np.column_stack([np.zeros(20), np.repeat([0.0, 4.0], 10)])
    values = pd.Series((centre + noise).ravel(), index=keys, name="score")
    return kernel_density(values[keys.get_level_values("year").isin(years)], rule)


def test_text_tells_peaks_and_widths_of_the_first_and_the_last_year() -> None:
    curves = densities()
    alt, table = ridgeline(curves, "Two camps", "index").alt, curves.to_frame()
    assert f"in 2020 1 peak, the highest at {table.loc[2020, 'peak']:.2f}" in alt
    assert f"in 2021 2 peaks, the highest at {table.loc[2021, 'peak']:.2f}" in alt
    assert "More than one peak in 1 of 2 years" in alt and "a given bandwidth" in alt
    for rule in ("silverman", "sheather-jones"):
        assert f"bandwidths by {rule.title()}" in ridgeline(densities(rule)).alt
    one = ridgeline(densities(years=[2021])).alt
    assert "in 2021 2 peaks" in one and "years" not in one


def test_ridges_share_a_scale_and_dots_sit_on_peaks() -> None:
    curves = densities()
    ax = ridgeline(curves).figure.axes[0]
    lines = [line for line in ax.lines if len(line.get_xdata()) == len(curves.density)]
    dots = [len(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"]
    assert dots == curves.to_frame()["peaks"].tolist()
    for place, (year, line) in enumerate(zip(curves.density, lines, strict=True)):
        ratio = (place - line.get_ydata()) / curves.density[year]
        assert np.ptp(ratio[curves.density[year] > 1e-6]) < 1e-6 * ratio.max()
    assert {t.get_text() for t in ax.texts} == {"h = 0.300"}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2020", "2021"]


def test_paths_say_from_where_to_where() -> None:
    index = pd.MultiIndex.from_product(
        [provinces.codes(), [2013, 2022]], names=["province", "year"]
    )
    masses = pd.Series(1.0, index=index)
    masses.loc[(650000, 2022)] = 20.0
    result = centre_of_gravity(masses)
    alt = centre_paths({"A": result}, "T").alt
    assert f"{result.moved()['km']:.0f} km" in alt and "in 2022" in alt


def wrong_fans(second, who):
    return lambda: fan_chart([forecast(series(), 2), *second()], who)


def both():
    return [forecast(pd.DataFrame({"a": series(), "b": series()}), 2)]


WRONG = [
    (lambda: coefficient_plot(blank("")), "a figure is missing.*tax"),
    (lambda: coefficient_plot(blank("holds tax", 0.1)), "a figure is missing.*tax"),
    (lambda: coefficient_plot(COEFFICIENTS.drop(columns="lower")), "lacks lower"),
    (lambda: coefficient_plot(COEFFICIENTS.replace(0.5, np.nan)), "a figure is missing.*tax"),
    (lambda: coefficient_plot(COEFFICIENTS.replace("b", "a <script>")), "there twice"),
    (lambda: event_plot(EVENTS.drop(columns="chance_low")), "lacks chance_low"),
    (lambda: event_plot(EVENTS.iloc[:0]), "the table is empty"),
    (lambda: event_plot(EVENTS.assign(upper=np.nan)), "is missing.*event -3"),
    (lambda: event_plot(pd.concat([EVENTS, EVENTS.iloc[:1]])), "there twice"),
    (lambda: known_truth_plot(TRUTH.drop(columns="truth")), "lacks truth"),
    (lambda: known_truth_plot(TRUTH.iloc[:0]), "the table is empty"),
    (lambda: known_truth_plot(TRUTH.assign(low=[0.0, None, 0.0])), "missing.*Durbin.*wrong"),
    (lambda: known_truth_plot(TRUTH.assign(truth=[1.0, 2, 3])), "more than one truth"),
    (lambda: findings_map(FINDINGS.drop(columns="median")), "lacks median"),
    (lambda: findings_map(pd.concat([FINDINGS, FINDINGS])), "there twice"),
    (lambda: centre_paths({}), "0 measures"),
    (wrong_fans(list, ["Hainan"]), "Hainan has no forecast"),
    (wrong_fans(list, []), "1 to 8 provinces"),
    (wrong_fans(lambda: [forecast(series(), 2, "random_walk")], ["Beijing"]), "and one method"),
    (wrong_fans(both, ["Beijing"]), "several columns"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_what_cannot_be_drawn_is_named(call, message) -> None:
    with pytest.raises(SampleError, match=message):
        call()


def test_unknown_provinces_and_empty_curves_are_refused() -> None:
    with pytest.raises(ProvinceError):
        wrong_fans(list, ["Atlantis"])()
    curves = densities()
    object.__setattr__(curves, "density", curves.density[[]])
    with pytest.raises(DataError, match="no curve to draw"):
        ridgeline(curves)
