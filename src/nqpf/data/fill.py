"""Filling gaps, only when asked: by a named method, with a flag on every filled figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from nqpf.data.panel import COLUMNS, DEFAULT_VINTAGE, Panel
from nqpf.errors import MethodError, SampleError

__all__ = ["FILLED", "METHODS", "fill", "filled_share"]

METHODS = ("linear", "carry")
FILLED = ("interpolated", "extrapolated")
_KEY = ["variable", "vintage", "province", "year"]


def fill(
    panel: Panel,
    variables: Sequence[str],
    method: str = "linear",
    years: Iterable[int] = (),
    vintage: str = DEFAULT_VINTAGE,
) -> Panel:
    """Return a panel whose gaps in some variables and years are filled.

    Known figures stay as they are, and a province without any figure of a
    variable stays without.

    Parameters
    ----------
    panel : Panel
        Panel with gaps.
    variables : sequence of str
        Keys of the variables to fill.
    method : {"linear", "carry"}
        ``linear`` draws a straight line between the known years on either
        side (flag ``interpolated``) and leaves the ends open. ``carry``
        repeats the last known figure, and before the first one that one
        (flag ``extrapolated``).
    years : iterable of int
        Years that shall be without gaps.
    vintage : str
        Vintage of the variables that have vintages.

    Returns
    -------
    Panel
        A new panel; see :func:`filled_share` for how much of it is filled.

    Raises
    ------
    nqpf.errors.MethodError
        If the method is unknown.
    nqpf.errors.SampleError
        If no year is given.
    nqpf.errors.DataError
        If a variable is unknown.

    Examples
    --------
    >>> from nqpf.data import Panel
    >>> panel = fill(Panel.load(extra=False), ["population"], years=[2022, 2023])
    >>> float(filled_share(panel, ["population"], years=[2022, 2023])["population"])
    0.0
    """
    if method not in METHODS:
        raise MethodError(f"unknown method {method!r}", expected=" or ".join(METHODS))
    wanted = sorted(set(years))
    if not wanted:
        raise SampleError("no years to fill", expected="the years that shall be without gaps")
    known = panel.wide(variables, vintage=vintage)
    rows = [
        row
        for key in known.columns
        for code, series in known[key].dropna().groupby(level="province")
        for row in _filled(key, code, series.droplevel("province"), method, wanted)
    ]
    if not rows:
        return panel
    added = pd.DataFrame(rows, columns=["province", "year", "variable", "value", "flag"])
    has_vintages = {key for key in known.columns if panel.catalogue.variables[key].vintages}
    added["vintage"] = [vintage if key in has_vintages else "" for key in added["variable"]]
    frame = pd.concat([panel.frame, added[COLUMNS]], ignore_index=True)
    return Panel(frame.sort_values(_KEY, ignore_index=True), panel.catalogue)


def _filled(
    key: str, code: int, series: pd.Series, method: str, wanted: list[int]
) -> list[tuple[int, int, str, float, str]]:
    """Return rows for the wanted years that a province's series lacks."""
    have = series.index.to_numpy()
    values = series.to_numpy()
    gaps = [year for year in wanted if year not in series.index]
    if method == "linear":
        gaps = [year for year in gaps if have[0] < year < have[-1]]
        numbers, flag = np.interp(gaps, have, values), "interpolated"
    else:
        last = np.searchsorted(have, gaps) - 1
        numbers, flag = values[np.maximum(last, 0)], "extrapolated"
    return [
        (code, year, key, float(number), flag) for year, number in zip(gaps, numbers, strict=True)
    ]


def filled_share(
    panel: Panel,
    variables: Sequence[str],
    years: Iterable[int] | None = None,
    vintage: str = DEFAULT_VINTAGE,
) -> pd.Series:
    """Return the share of figures that are filled, by variable, from 0 to 1.

    Counted are all figures with the flag ``interpolated`` or
    ``extrapolated``, whether :func:`fill` set it or the panel came with it;
    missing where a variable has no figures in these years.

    Parameters
    ----------
    panel : Panel
        Panel, filled or not.
    variables : sequence of str
        Keys of the catalogue.
    years : iterable of int or None
        Years to look at; all when None.
    vintage : str
        Vintage of the variables that have vintages.
    """
    flags = panel.flags(variables, years, vintage)
    return (flags.isin(FILLED).sum() / flags.count()).rename("filled share")
