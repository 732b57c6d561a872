"""The panel: tidy figures by province, year, variable and vintage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nqpf.data.catalogue import Catalogue, note
from nqpf.errors import DataError, VintageError
from nqpf.files import root

__all__ = ["COLUMNS", "DEFAULT_VINTAGE", "Panel", "read_table"]

COLUMNS = ["province", "year", "variable", "value", "vintage", "flag"]
DEFAULT_VINTAGE = "census5"
_KEY = ["variable", "vintage", "province", "year"]


def read_table(path: Path) -> pd.DataFrame:
    """Read one tidy table of the panel."""
    types = {"province": "int64", "year": "int64", "value": "float64"}
    text = dict.fromkeys(["variable", "vintage", "flag"], "str")
    frame = pd.read_csv(path, dtype=types | text, keep_default_na=False, encoding="utf-8")
    return frame[COLUMNS]


@dataclass(frozen=True, repr=False)
class Panel:
    """Figures of the 31 provinces with their catalogue.

    Parameters
    ----------
    frame : DataFrame
        Columns ``province`` (GB/T 2260 code), ``year``, ``variable``,
        ``value``, ``vintage`` (empty unless the variable has vintages) and
        ``flag``. Units are those of the catalogue.
    catalogue : Catalogue
        Names, units and provenance of the variables.

    Examples
    --------
    >>> panel = Panel.load(extra=False)
    >>> float(panel.wide(["gdp"], years=[2022]).loc[(440000, 2022), "gdp"])
    132547.1
    """

    frame: pd.DataFrame
    catalogue: Catalogue

    @classmethod
    def load(cls, extra: bool = True, home: Path | None = None) -> Panel:
        """Read the embedded tables and, unless refused, the reader's own rows.

        Parameters
        ----------
        extra : bool
            Use the rows that ``nqpf data add`` wrote to ``data/extra``.
        home : Path or None
            Project folder; found by itself when None.
        """
        home = home or root()
        catalogue = Catalogue.load(home / "data" / "catalogue.yaml")
        paths = sorted((home / "data" / "panel").glob("*.csv"))
        if not paths:
            raise DataError(
                "no tables found",
                where={"folder": "data/panel"},
                hint="restore the folder from the repository or run `make data`",
            )
        frame = pd.concat([read_table(path) for path in paths], ignore_index=True)
        panel = cls(frame, catalogue)
        if extra:
            from nqpf.data.adopt import overlay

            panel = overlay(panel, home / "data" / "extra")
        return panel

    def __repr__(self) -> str:
        years = self.frame["year"]
        span = f"{years.min()}-{years.max()}" if len(years) else "no years"
        found = f"{len(self.variables)} variables, {self.frame['province'].nunique()} provinces"
        return f"<Panel {len(self.frame):,} figures: {found}, {span}>"

    @property
    def variables(self) -> list[str]:
        """Keys of the variables that have figures, in catalogue order."""
        have = set(self.frame["variable"].unique())
        return [key for key in self.catalogue.variables if key in have]

    def _rows(self, variables: Sequence[str], vintage: str) -> pd.DataFrame:
        for key in variables:
            if key not in self.catalogue.variables:
                raise DataError(
                    f"unknown variable {key!r}",
                    expected="a variable of data/catalogue.yaml",
                    hint=_nearest(key, self.catalogue.variables),
                )
            vintages = self.catalogue.variables[key].vintages
            if vintages and vintage not in vintages:
                raise VintageError(
                    f"variable {key!r} has no vintage {vintage!r}",
                    where={"variable": key},
                    expected=" or ".join(vintages),
                    hint="choose one vintage for the whole analysis; vintages are never mixed",
                )
        note("variables", variables, vintage)
        frame = self.frame
        return frame[frame["variable"].isin(variables) & frame["vintage"].isin(["", vintage])]

    def _pivot(
        self, column: str, variables: Sequence[str], years: Iterable[int] | None, vintage: str
    ) -> pd.DataFrame:
        variables = [variables] if isinstance(variables, str) else list(variables)
        rows = self._rows(variables, vintage)
        if years is not None:
            rows = rows[rows["year"].isin(list(years))]
        wide = rows.set_index(["province", "year", "variable"])[column].unstack("variable")
        return wide.reindex(columns=variables).sort_index().rename_axis(columns=None)

    def wide(
        self,
        variables: Sequence[str],
        years: Iterable[int] | None = None,
        vintage: str = DEFAULT_VINTAGE,
    ) -> pd.DataFrame:
        """Return values indexed by ``(province, year)``, one column per variable.

        Parameters
        ----------
        variables : sequence of str
            Keys of the catalogue.
        years : iterable of int or None
            Years to keep; all years when None.
        vintage : str
            Vintage of the national accounts, the same for every variable that has vintages.

        Raises
        ------
        nqpf.errors.DataError
            If a variable is unknown.
        nqpf.errors.VintageError
            If a variable does not exist in the vintage.
        """
        return self._pivot("value", variables, years, vintage)

    def flags(
        self,
        variables: Sequence[str],
        years: Iterable[int] | None = None,
        vintage: str = DEFAULT_VINTAGE,
    ) -> pd.DataFrame:
        """Return the flag of each figure, in the shape of :meth:`wide`."""
        return self._pivot("flag", variables, years, vintage)

    def breaks(
        self,
        variables: Sequence[str],
        years: Iterable[int] | None = None,
        vintage: str = DEFAULT_VINTAGE,
    ) -> pd.Series:
        """Return where the change from the year before spans a break.

        The panel flags the first figure on a new basis as ``break``. The
        difference between it and the figure before is a change of the
        statistics as well, so growth of that year is left out of means.

        Parameters
        ----------
        variables : sequence of str
            Levels whose growth is looked at, for productivity ``employment``.
            A series that is itself a change on the year before
            (``gdp_index``) does not belong here: its growth of the first year
            on a new basis is measured within that basis.
        years : iterable of int or None
            Years to keep; all years when None.
        vintage : str
            Vintage of the national accounts.

        Returns
        -------
        Series of bool indexed (province, year)
            True where any of `variables` is flagged ``break``; a row for each
            province and year that has a figure of any of them.

        Raises
        ------
        nqpf.errors.DataError
            If a variable is unknown.
        nqpf.errors.VintageError
            If a variable does not exist in the vintage.

        Examples
        --------
        >>> broken = Panel.load(extra=False).breaks(["employment"])
        >>> int(broken.sum()), bool(broken[340000, 2020])
        (7, True)
        """
        return self.flags(variables, years, vintage).eq("break").any(axis=1).rename("break")

    def coverage(self) -> pd.DataFrame:
        """Return years, provinces, gaps and flags, one row per variable and vintage."""
        note("panel")
        groups = self.frame.groupby(["variable", "vintage"], sort=False)
        table = groups.agg(
            first=("year", "min"),
            last=("year", "max"),
            provinces=("province", "nunique"),
            figures=("value", "size"),
        )
        span = (table["last"] - table["first"] + 1) * table["provinces"]
        table["gaps"] = span - table["figures"]
        share = groups["flag"].apply(lambda flags: float((flags == "official").mean()))
        table["official share"] = share
        order = {key: i for i, key in enumerate(self.catalogue.variables)}
        return table.sort_index(key=lambda index: index.map(lambda k: order.get(k, k)), level=0)

    def provenance(self, variable: str) -> pd.DataFrame:
        """Return where a variable's figures come from, one row per run of years."""
        if variable not in self.catalogue.variables:
            raise DataError(
                f"unknown variable {variable!r}",
                hint=_nearest(variable, self.catalogue.variables),
            )
        entry = self.catalogue.variables[variable]
        rows = []
        for segment in entry.segments:
            source = self.catalogue.sources[segment.source]
            rows.append(
                {
                    "years": f"{segment.years[0]}-{segment.years[1]}",
                    "vintage": segment.vintage,
                    "flag": segment.flag,
                    "yearbook": str(entry.yearbook),
                    "publisher": str(entry.publisher),
                    "transcribed from": f"{source.repository}/{source.path}",
                    "item": segment.item,
                    "note": segment.note,
                }
            )
        return pd.DataFrame(rows)

    def extend(self, path: Path | str) -> Panel:
        """Return a panel with a reader's rows added; nothing is written.

        Raises
        ------
        nqpf.errors.DataError
            If a row cannot be used; the message names file, row and column.
        """
        from nqpf.data.adopt import extend

        return extend(self, Path(path))


def _nearest(key: str, known: Iterable[str]) -> str | None:
    import difflib

    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}" if near else None
