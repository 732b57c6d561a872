"""Forecasts as fans: what was observed, what is expected, and how wide the doubt is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.forecast import METHODS, Forecast
from nqpf.report.layout import WIDTH, headed_figure, place_axes
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, province_label, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fan_chart"]

_ACROSS = 2  # panels beside each other
_MOST = 8
_SHADES = (0.18, 0.32, 0.45)  # widest interval first


def fan_chart(
    forecasts: Forecast | Sequence[Forecast],
    highlight: Sequence[object],
    title: str = "",
    label: str = "",
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw the history, the forecast and its intervals, a panel per province.

    Parameters
    ----------
    forecasts : Forecast or sequence of Forecast
        Of one series by one method; several differ in their level, at most three.
    highlight : sequence
        Provinces by code or name, at most eight.
    title, label : str
        Title of the figure, and what is measured.
    fmt : str
        Format of the numbers in the alternative text.

    Returns
    -------
    Picture
        A line with dots for what was observed, a dashed line with open marks
        for the forecast, a band per level; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a province has no forecast, forecasts do not belong together, or
        there are too many or none.

    Examples
    --------
    >>> from nqpf.forecast import forecast
    >>> keys = pd.MultiIndex.from_product([[110000], range(2018, 2024)],
    ...                                   names=["province", "year"])
    >>> series = pd.Series([1, 2, 2, 3, 4, 4.0], index=keys)
    >>> result = forecast(series, 1, interval="analytic")
    >>> print(fan_chart(result, ["Beijing"], "An index").alt)
    Fan chart of forecasts by drift. An index. Beijing 4.00 in 2023,
    then 4.60 in 2024 (90 % interval 3.32 to 5.88).
    """
    given = [forecasts] if isinstance(forecasts, Forecast) else list(forecasts)
    chosen = [provinces.code_of(province) for province in highlight]
    _check(given, chosen)
    fans = sorted(given, key=lambda one: -one.level)
    across = min(_ACROSS, len(chosen))
    down = -(-len(chosen) // across)
    left, gap, tall = 0.7, 0.8, 2.25
    width = (WIDTH - left - 0.25 - gap * (across - 1)) / across
    levels = " and ".join(f"{one.level * 100:g} %" for one in fans)
    parts = [label, f"bands: {levels} intervals"]
    parts += ["scales differ"] * (len(chosen) > 1)
    with style():
        figure, head = headed_figure(title, "; ".join(filter(None, parts)), down * tall)
        for number, code in enumerate(chosen):
            row, column = divmod(number, across)
            at = left + column * (width + gap), head + row * tall + 0.4
            ax = place_axes(figure, *at, width, tall - 0.8)
            _panel(ax, fans, code)
            ax.set_title(province_label(code), fontsize=13.5, loc="left", pad=6)
            ax.set_xlim(*_years(fans[0], chosen))
    return Picture(figure, _describe(fans, chosen, title, fmt))


def _years(one: Forecast, chosen: list[int]) -> tuple[float, float]:
    """Return the first and last year of any panel, with room for the marks."""
    seen = one.observed[one.observed.index.isin(chosen, level="province")]
    years = seen.index.get_level_values("year").union(one.frame.index.get_level_values("year"))
    return years.min() - 0.5, years.max() + 0.5


def _panel(ax: Axes, fans: Sequence[Forecast], code: int) -> None:
    from matplotlib.ticker import MaxNLocator

    seen = fans[0].observed.xs(code, level="province")
    for shade, one in zip(_SHADES, fans, strict=False):
        own = _joined(one, code)
        color = CATEGORIES[0]
        ax.fill_between(own.index, own["lower"], own["upper"], color=color, alpha=shade, lw=0)
    own = _joined(fans[0], code)
    ax.plot(own.index, own["forecast"], "--", color=CATEGORIES[1], linewidth=1.8)
    ahead = own.iloc[1:]
    ax.plot(ahead.index, ahead["forecast"], "s", color=CATEGORIES[1], mfc="white", markersize=6)
    ax.plot(seen.index, seen, "o-", color="#000000", linewidth=1.8, markersize=4.5)
    ax.axvline(fans[0].origin, color=GREY, linewidth=0.8, linestyle=":")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.grid(False, axis="x")


def _joined(one: Forecast, code: int) -> pd.DataFrame:
    """Return a forecast with the newest figure before it, from which the fan opens."""
    own = one.frame.xs(code, level="province")[["forecast", "lower", "upper"]]
    now = float(one.observed.loc[(code, one.origin)])
    return pd.concat([pd.DataFrame(now, index=[one.origin], columns=own.columns), own])


def _check(given: list[Forecast], chosen: list[int]) -> None:
    if not 1 <= len(given) <= len(_SHADES) or not 1 <= len(chosen) <= _MOST:
        raise SampleError(
            f"{len(given)} forecasts of {len(chosen)} provinces",
            expected=f"1 to {len(_SHADES)} forecasts and 1 to {_MOST} provinces",
        )
    for one in given:
        if one.frame.index.nlevels != 2:
            raise SampleError("a forecast of several columns", expected="a forecast of one series")
        same = one.frame["forecast"].equals(given[0].frame["forecast"])
        if not same or not one.observed.equals(given[0].observed):
            raise SampleError(
                "forecasts differ in more than their level",
                expected="one series and one method",
            )
        for code in chosen:
            if code not in one.frame.index.unique("province"):
                raise SampleError(
                    f"{provinces.name(code)} has no forecast", where={"province": code}
                )


def _describe(fans: Sequence[Forecast], chosen: list[int], title: str, fmt: str) -> str:
    widest, each = fans[0], []
    for code in chosen:
        own = widest.frame.xs(code, level="province")
        last, year = own.iloc[-1], own.index[-1]
        now = fmt.format(widest.observed.loc[(code, widest.origin)])
        text = (
            f"{provinces.name(code)} {now} in {widest.origin}, "
            f"then {fmt.format(last['forecast'])} in {year}"
        )
        if pd.notna(last["lower"]):
            text += (
                f" ({widest.level * 100:g} % interval {fmt.format(last['lower'])} "
                f"to {fmt.format(last['upper'])})"
            )
        each.append(text)
    lead = f"Fan chart of forecasts by {METHODS[widest.method].title}. {title}."
    return f"{lead} {'; '.join(each)}."
