"""What the panel's figures were checked against: the nation, a second file, sums and jumps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nqpf.data.catalogue import note
from nqpf.data.panel import COLUMNS, DEFAULT_VINTAGE, Panel
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.files import root
from nqpf.provinces import codes

__all__ = [
    "FILLED",
    "IDENTITIES",
    "Identity",
    "METHODS",
    "adding_up",
    "fill",
    "filled_share",
    "jumps",
    "national",
    "second",
    "second_summary",
]


@dataclass(frozen=True)
class Identity:
    """Variables that add up to another one, or to a number.

    `tolerance` is how far the sum may lie from the total, in units of the
    total: what rounding of the printed figures explains.
    """

    total: str | float
    parts: tuple[str, ...]
    tolerance: float
    vintage: str = "census5"

    def __str__(self) -> str:
        return f"{' + '.join(self.parts)} = {self.total}"


def _sectors(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{sector}" for sector in ("primary", "secondary", "tertiary"))


IDENTITIES = (
    Identity("rd_expenditure", ("rd_basic", "rd_applied", "rd_development"), 0.001),
    Identity("gdp", _sectors("value_added"), 0.15),
    Identity(100.0, _sectors("share"), 0.15),
    Identity("employment", _sectors("employment"), 0.5),
)


def national(panel: Panel, totals: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare the provinces' sum with the national figure, year by year.

    Parameters
    ----------
    panel : Panel
        Panel to check.
    totals : DataFrame or None
        Columns ``variable, year, value, vintage, source``; the embedded
        ``data/checks/national.csv`` when None.

    Returns
    -------
    DataFrame
        One row per variable, vintage, source and year: how many ``provinces``
        have a figure, their ``sum``, the ``national`` figure, the
        ``difference`` in percent of it, a ``verdict`` and its ``reason``.
        Verdicts: ``adds up``; ``explained``, within the range that the
        catalogue declares and explains; ``by construction``, where a
        province's figure was taken from the national one; ``incomplete``,
        where provinces are missing; ``differs``.

    Examples
    --------
    >>> table = national(Panel.load(extra=False))
    >>> table[table["variable"] == "rd_basic"]["verdict"].unique().tolist()
    ['adds up']
    """
    totals = _table("national.csv") if totals is None else totals
    variables = panel.catalogue.variables
    totals = totals[totals["variable"].map(lambda key: variables[key].national == "sum")]
    note("variables", sorted(totals["variable"].unique()))
    groups = panel.frame.groupby(["variable", "vintage", "year"])["value"]
    sums = groups.agg(provinces="size", sum="sum").reset_index()
    table = totals.rename(columns={"value": "national"})
    table = table.merge(sums, on=["variable", "vintage", "year"])
    table["difference"] = (table["sum"] / table["national"] - 1) * 100
    verdicts = [_verdict(panel, row) for row in table.itertuples()]
    table["verdict"], table["reason"] = zip(*verdicts, strict=True) if verdicts else ((), ())
    columns = ["variable", "vintage", "source", "year", "provinces", "sum", "national"]
    table = table[[*columns, "difference", "verdict", "reason"]]
    return table.sort_values(columns[:4]).reset_index(drop=True)


def _verdict(panel: Panel, row: object) -> tuple[str, str]:
    entry = panel.catalogue.variables[row.variable]
    low, high = entry.national_range
    taken = [
        segment.note
        for segment in entry.segments
        if segment.source == row.source
        for years in segment.residual.values()
        if row.year in years
    ]
    absent = len(codes()) - row.provinces
    if taken:
        return "by construction", taken[0]
    if abs(row.difference) <= 0.1:
        return "adds up", ""
    if low <= row.difference <= high:
        return "explained", entry.national_note
    if absent:
        note = next((s.note for s in entry.segments if row.year in _left_out(s)), "")
        return "incomplete", note or f"{absent} provinces have no figure"
    return "differs", entry.national_note


def _left_out(segment: object) -> set[int]:
    return {year for years in segment.skip.values() for year in years}


def second(panel: Panel, figures: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare each figure with the one that a second source file gives.

    Parameters
    ----------
    panel : Panel
        Panel to check.
    figures : DataFrame or None
        Columns ``province, year, variable, value, vintage, source``; the
        embedded ``data/checks/second.csv`` when None.

    Returns
    -------
    DataFrame
        Columns ``variable, vintage, source, province, year, value, second``
        and ``difference``, of the second from the first in percent.
    """
    figures = _table("second.csv") if figures is None else figures
    note("variables", sorted(figures["variable"].unique()))
    keys = ["variable", "vintage", "province", "year"]
    table = figures.rename(columns={"value": "second"}).merge(panel.frame, on=keys)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["difference"] = (table["second"] / table["value"] - 1) * 100
    table.loc[table["second"] == table["value"], "difference"] = 0.0
    order = ["variable", "vintage", "source", "province", "year"]
    return table[[*order, "value", "second", "difference"]].sort_values(order, ignore_index=True)


def second_summary(panel: Panel, figures: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row per variable and second source: how many figures agree, and the worst.

    ``within 0.1 %`` and ``within 1 %`` are shares of the compared figures; the
    worst difference comes with its province and year.
    """
    table = second(panel, figures)
    rows = []
    for (variable, vintage, source), part in table.groupby(["variable", "vintage", "source"]):
        size = part["difference"].abs()
        worst = part.loc[size.idxmax()]
        rows.append(
            {
                "variable": variable,
                "vintage": vintage,
                "source": source,
                "years": f"{part['year'].min()}-{part['year'].max()}",
                "figures": len(part),
                "within 0.1 %": float((size <= 0.1).mean()),
                "within 1 %": float((size <= 1).mean()),
                "worst": float(worst["difference"]),
                "province": int(worst["province"]),
                "year": int(worst["year"]),
            }
        )
    return pd.DataFrame(rows)


def adding_up(panel: Panel) -> pd.DataFrame:
    """Check every identity of :data:`IDENTITIES` whose variables the panel has.

    Returns
    -------
    DataFrame
        One row per identity: ``figures`` checked, how many are ``off`` by
        more than rounding, and the ``worst`` difference (sum less total, in
        units of the total) with its ``province`` and ``year``.

    Examples
    --------
    >>> adding_up(Panel.load(extra=False)).loc[0, ["off", "province", "year"]].tolist()
    [2, 310000, 2021]
    """
    rows = []
    for identity in IDENTITIES:
        named = [identity.total] if isinstance(identity.total, str) else []
        if not {*identity.parts, *named} <= set(panel.variables):
            continue
        wide = panel.wide([*identity.parts, *named], vintage=identity.vintage).dropna()
        total = wide[identity.total] if named else identity.total
        difference = wide[list(identity.parts)].sum(axis=1) - total
        province, year = difference.abs().idxmax()
        rows.append(
            {
                "identity": str(identity),
                "figures": len(wide),
                "off": int((difference.abs() > identity.tolerance).sum()),
                "worst": float(difference.loc[(province, year)]),
                "province": int(province),
                "year": int(year),
                "unit": panel.catalogue.unit(identity.total) if named else "%",
            }
        )
    return pd.DataFrame(rows)


def jumps(panel: Panel, factor: float = 2.0, first: int = 2010) -> pd.DataFrame:
    """List figures that are more than `factor` times, or less than 1/`factor` of, the year before.

    Parameters
    ----------
    panel : Panel
        Panel to check. Figures that are not positive have no ratio and are passed over.
    factor : float
        Greater than 1.
    first : int
        First year whose figures are listed.

    Returns
    -------
    DataFrame
        Columns ``variable, vintage, province, year, before, value, ratio, flag``.
    """
    if not factor > 1:
        raise DataError(f"factor {factor!r}", expected="a number greater than 1")
    keys = ["variable", "vintage", "province"]
    note("panel")
    frame = panel.frame.sort_values([*keys, "year"])
    groups = frame.groupby(keys)
    before = groups["value"].shift()
    follows = groups["year"].diff() == 1
    usable = follows & (before > 0) & (frame["value"] > 0) & (frame["year"] >= first)
    table = frame.assign(before=before)[usable]
    table["ratio"] = table["value"] / table["before"]
    table = table[(table["ratio"] > factor) | (table["ratio"] < 1 / factor)]
    columns = [*keys, "year", "before", "value", "ratio", "flag"]
    return table[columns].reset_index(drop=True)


def _table(name: str) -> pd.DataFrame:
    path: Path = root() / "data" / "checks" / name
    if not path.is_file():
        raise DataError(
            "the table of checks is missing",
            where={"table": f"data/checks/{name}"},
            hint="restore it from the repository or run `make data`",
        )
    return pd.read_csv(path, keep_default_na=False, encoding="utf-8")


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
