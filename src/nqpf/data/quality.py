"""What the panel's figures were checked against: the nation, a second file, sums and jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nqpf.data.catalogue import _note, _Variable
from nqpf.data.changes import _before, _logs, _slips
from nqpf.data.own import _KEY
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import DataError
from nqpf.files import root
from nqpf.provinces import codes

_SECTORS = ("primary", "secondary", "tertiary")
# Total (a variable or a number), its parts, and how far their sum may lie from it, in units
# of the total: what rounding of the printed figures explains.
_IDENTITIES: list[tuple[str | float, list[str], float]] = [
    ("rd_expenditure", ["rd_basic", "rd_applied", "rd_development"], 0.001),
    ("gdp", [f"value_added_{sector}" for sector in _SECTORS], 0.15),
    (100.0, [f"share_{sector}" for sector in _SECTORS], 0.15),
    ("employment", [f"employment_{sector}" for sector in _SECTORS], 0.5),
]
_FIRST = 2010  # year from which jumps are listed
_SERIES = ["variable", "vintage", "source"]


@dataclass(frozen=True)
class Checks:
    """The checks of a panel, one table each.

    Parameters
    ----------
    panel : Panel
        Panel to check. What the sources' own national rows and second files say is read
        from ``data/checks``.

    Examples
    --------
    >>> checks = Checks(Panel.load(extra=False))
    >>> table = checks.national()
    >>> table[table["variable"] == "rd_basic"]["verdict"].unique().tolist()
    ['adds up']
    >>> checks.adding_up().loc[0, ["off", "province", "year"]].tolist()
    [2, 310000, 2021]
    """

    panel: Panel

    def national(self) -> pd.DataFrame:
        """Compare the provinces' sum with the national figure, year by year.

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

        Raises
        ------
        nqpf.errors.DataError
            If the table of national figures is missing.
        """
        entries = self.panel.catalogue.variables
        totals = _table("national.csv")
        totals = totals[totals["variable"].map(lambda key: entries[key].national == "sum")]
        _note("variables", sorted(totals["variable"].unique()))
        groups = self.panel.frame.groupby(["variable", "vintage", "year"])["value"]
        sums = groups.agg(provinces="size", sum="sum").reset_index()
        table = totals.rename(columns={"value": "national"})
        table = table.merge(sums, on=["variable", "vintage", "year"])
        table["difference"] = (table["sum"] / table["national"] - 1) * 100
        verdicts = [_verdict(entries[row.variable], row) for row in table.itertuples()]
        table["verdict"] = [verdict for verdict, _ in verdicts]
        table["reason"] = [reason for _, reason in verdicts]
        columns = [*_SERIES, "year", "provinces", "sum", "national", "difference"]
        table = table[[*columns, "verdict", "reason"]]
        return table.sort_values(columns[:4]).reset_index(drop=True)

    def second_summary(self) -> pd.DataFrame:
        """Compare each figure with the one that a second source file gives.

        Returns
        -------
        DataFrame
            One row per variable and second source: ``figures`` compared, the shares
            ``within 0.1 %`` and ``within 1 %``, how many are ``over 2 %`` off, and the
            ``worst`` difference, of the second from the first in percent, with its
            ``province`` and ``year``.

        Raises
        ------
        nqpf.errors.DataError
            If the table of second figures is missing.
        """
        second = _table("second.csv")
        _note("variables", sorted(second["variable"].unique()))
        table = second.rename(columns={"value": "second"}).merge(self.panel.frame, on=_KEY)
        with np.errstate(divide="ignore", invalid="ignore"):
            table["difference"] = (table["second"] / table["value"] - 1) * 100
        table.loc[table["second"] == table["value"], "difference"] = 0.0
        rows = []
        table = table.sort_values([*_SERIES, "province", "year"], ignore_index=True)
        for series, part in table.groupby(_SERIES):
            size, years = part["difference"].abs(), f"{part['year'].min()}-{part['year'].max()}"
            shares = (size <= 0.1).mean(), (size <= 1).mean(), (size > 2).sum()
            worst = part.loc[size.idxmax()][["difference", "province", "year"]]
            rows.append([*series, years, len(part), *shares, *worst])
        columns = [*_SERIES, "years", "figures", "within 0.1 %", "within 1 %"]
        columns += ["over 2 %", "worst", "province", "year"]
        return pd.DataFrame(rows, columns=columns)

    def adding_up(self) -> pd.DataFrame:
        """Check every identity whose variables the panel has, such as sectors and GDP.

        Returns
        -------
        DataFrame
            One row per identity: ``figures`` checked, how many are ``off`` by
            more than rounding, and the ``worst`` difference (sum less total, in
            units of the total) with its ``province`` and ``year``.
        """
        rows = []
        for total, parts, tolerance in _IDENTITIES:
            named = [total] if isinstance(total, str) else []
            if not {*parts, *named} <= set(self.panel.variables):
                continue
            wide = self.panel.wide([*parts, *named], vintage=_VINTAGE).dropna()
            difference = wide[parts].sum(axis=1) - (wide[total] if named else total)
            place, off = difference.abs().idxmax(), int((difference.abs() > tolerance).sum())
            unit = self.panel.catalogue.unit(total) if named else "%"
            identity = f"{' + '.join(parts)} = {total}"
            rows.append([identity, len(wide), off, difference[place], *place, unit])
        columns = ["identity", "figures", "off", "worst", "province", "year", "unit"]
        return pd.DataFrame(rows, columns=columns)

    def jumps(self, factor: float = 2.0) -> pd.DataFrame:
        """List figures from 2010 on that are far from the year before.

        Parameters
        ----------
        factor : float
            Greater than 1: listed is what is more than this many times, or less than
            one such part of, the figure before. Figures that are not positive have no
            ratio and are passed over.

        Returns
        -------
        DataFrame
            Columns ``variable, vintage, province, year, before, value, ratio, flag``.
        """
        if not factor > 1:
            raise DataError(f"factor {factor!r}", expected="a number greater than 1")
        _note("panel")
        frame = self.panel.frame.sort_values(_KEY)
        groups = frame.groupby(_KEY[:3])
        before = groups["value"].shift()
        follows = groups["year"].diff() == 1
        usable = follows & (before > 0) & (frame["value"] > 0) & (frame["year"] >= _FIRST)
        table = frame.assign(before=before)[usable]
        table["ratio"] = table["value"] / table["before"]
        table = table[(table["ratio"] > factor) | (table["ratio"] < 1 / factor)]
        return table[[*_KEY, "before", "value", "ratio", "flag"]].reset_index(drop=True)

    def slips(self) -> pd.DataFrame:
        """Measure the rule that finds slips of the decimal point in a reader's figures.

        Returns
        -------
        DataFrame
            One row per variable, most ``doubted`` first: ``figures`` that have an earlier one
            within three years; of these, in percent, those that the rule doubts as they are,
            and those that it catches once their point is moved up (``caught up``) or down
            (``caught down``) a place.

        Notes
        -----
        The rule is :func:`nqpf.data.changes._slips`: a figure is held against its province's
        own path. Figures that are zero have no path and are told apart.
        """
        _note("panel")
        logs = _logs(self.panel.frame)
        known = logs.notna() & _before(logs).notna()

        def count(marked: pd.DataFrame) -> pd.Series:
            return marked.sum(axis=1).groupby(level="variable").sum()

        table = pd.DataFrame({"figures": count(known)}).loc[lambda frame: frame["figures"] > 0]
        for name, moved in (("doubted", 0), ("caught up", 1), ("caught down", -1)):
            table[name] = 100 * count(_slips(logs, moved) & known) / table["figures"]
        return table.sort_values(["doubted", "figures"], ascending=False)


def _verdict(entry: _Variable, row: Any) -> tuple[str, str]:
    low, high = entry.national_range
    for segment in (one for one in entry.segments if one.source == row.source):
        if any(row.year in years for years in segment.residual.values()):
            return "by construction", segment.note
    if abs(row.difference) <= 0.1:
        return "adds up", ""
    if low <= row.difference <= high:
        return "explained", entry.national_note
    absent = len(codes()) - row.provinces
    if not absent:
        return "differs", entry.national_note
    for segment in entry.segments:
        if any(row.year in years for years in segment.skip.values()):
            return "incomplete", segment.note or f"{absent} provinces have no figure"
    return "incomplete", f"{absent} provinces have no figure"


def _table(name: str) -> pd.DataFrame:
    path = root() / "data" / "checks" / name
    if not path.is_file():
        where, hint = {"table": f"data/checks/{name}"}, "restore it or run `make data`"
        raise DataError("the table of checks is missing", where=where, hint=hint)
    return pd.read_csv(path, keep_default_na=False, encoding="utf-8")
