"""The panel: figures by province, year, variable and vintage, and a reader's laid over them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas as pd

from nqpf.checks import _nearest
from nqpf.data.catalogue import Catalogue, _note, _Variable
from nqpf.data.own import _KEY, _READER, _read_rows
from nqpf.errors import DataError, NqpfError
from nqpf.files import root

_COLUMNS = ["province", "year", "variable", "value", "vintage", "flag"]
_VINTAGE = "census5"


def _read_table(path: Path) -> pd.DataFrame:
    types = {"province": "int64", "year": "int64", "value": "float64"}
    text = dict.fromkeys(["variable", "vintage", "flag"], "str")
    return pd.read_csv(path, dtype=types | text, keep_default_na=False, encoding="utf-8")[_COLUMNS]


def _csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV, each number with the fewest digits that give it back exactly.

    Not by pandas, because the bytes must not depend on the version of a library.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(zip(*(map(_exact, frame[name].tolist()) for name in frame), strict=True))
    return text.getvalue()


def _exact(cell: object) -> object:
    return repr(cell).removesuffix(".0") if isinstance(cell, float) else cell


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
            where, hint = {"folder": "data/panel"}, "restore the folder or run `make data`"
            raise DataError("no tables found", where=where, hint=hint)
        panel = cls(pd.concat(map(_read_table, paths), ignore_index=True), catalogue)
        return _with_tables(panel, home / "data" / "extra")[0] if extra else panel

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

    def _entry(self, key: str) -> _Variable:
        known, expected = self.catalogue.variables, "a variable of data/catalogue.yaml"
        if key not in known:
            problem = f"unknown variable {key!r}"
            raise DataError(problem, expected=expected, hint=_nearest(key, known))
        return known[key]

    def _pivot(
        self, column: str, variables: Sequence[str], years: Iterable[int] | None, vintage: str
    ) -> pd.DataFrame:
        variables = [variables] if isinstance(variables, str) else list(variables)
        for key in variables:
            vintages = self._entry(key).vintages
            if vintages and vintage not in vintages:
                problem = f"variable {key!r} has no vintage {vintage!r}"
                hint = "choose one vintage for the whole analysis; vintages are never mixed"
                where, expected = {"variable": key}, " or ".join(vintages)
                raise DataError(problem, where=where, expected=expected, hint=hint)
        _note("variables", variables, vintage)
        rows = self.frame[self.frame["variable"].isin(variables)]
        rows = rows[rows["vintage"].isin(["", vintage])]
        if years is not None:
            rows = rows[rows["year"].isin(list(years))]
        wide = rows.set_index(["province", "year", "variable"])[column].unstack("variable")
        return wide.reindex(columns=variables).sort_index().rename_axis(columns=None)

    def wide(
        self, variables: Sequence[str], years: Iterable[int] | None = None, vintage: str = _VINTAGE
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
        nqpf.errors.DataError
            If a variable does not exist in the vintage.
        """
        return self._pivot("value", variables, years, vintage)

    def flags(
        self, variables: Sequence[str], years: Iterable[int] | None = None, vintage: str = _VINTAGE
    ) -> pd.DataFrame:
        """Return the flag of each figure, in the shape of :meth:`wide`."""
        return self._pivot("flag", variables, years, vintage)

    def breaks(
        self, variables: Sequence[str], years: Iterable[int] | None = None, vintage: str = _VINTAGE
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
        nqpf.errors.DataError
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
        _note("panel")
        groups = self.frame.groupby(["variable", "vintage"], sort=False)
        table = groups["year"].agg(first="min", last="max")
        table = table.assign(provinces=groups["province"].nunique(), figures=groups.size())
        years = table["last"] - table["first"] + 1
        table["gaps"] = years * table["provinces"] - table["figures"]
        table["official share"] = groups["flag"].agg(lambda flags: (flags == "official").mean())
        order = {key: i for i, key in enumerate(self.catalogue.variables)}
        return table.sort_index(key=lambda index: index.map(lambda k: order.get(k, k)), level=0)

    def provenance(self, variable: str) -> pd.DataFrame:
        """Return where a variable's figures come from, one row per run of years."""
        entry = self._entry(variable)
        printed = str(entry.yearbook), str(entry.publisher)
        rows = []
        for one in entry.segments:
            years, file = "{}-{}".format(*one.years), self.catalogue.sources[one.source].label
            rows.append([years, one.vintage, one.flag, *printed, file, one.item, one.note])
        columns = ["years", "vintage", "flag", "yearbook", "publisher", "transcribed from"]
        return pd.DataFrame(rows, columns=[*columns, "item", "note"])

    def extend(self, path: Path | str) -> Panel:
        """Return a panel with a reader's rows added; nothing is written.

        Raises
        ------
        nqpf.errors.DataError
            If a row cannot be used; the message names file, row and column.
        """
        rows, _ = _read_rows(path, self.catalogue)
        return _laid_over(self, _changed(rows, self, Path(path).name))


def _with_tables(
    panel: Panel, folder: Path, skip: str | None = None
) -> tuple[Panel, dict[str, pd.DataFrame]]:
    """Return a panel with the figures of every table of a folder, and these tables by name.

    The reader's figures carry the flag ``reader``; new variables have a catalogue entry
    of the theme ``reader``. A folder that does not exist holds no tables, and the one
    named `skip` is left out. A table that cannot be used is refused, as is a figure that
    two tables give.
    """
    tables: dict[str, pd.DataFrame] = {}
    for path in sorted(folder.glob("*.csv")):
        if path.name == skip:
            continue
        try:
            rows, _ = _read_rows(path, panel.catalogue)
            _refuse_second(rows, path.name, tables)
        except NqpfError as error:
            place = f"{folder.name}/{path.name}"
            hint = f"{error.hint or 'correct it'}; or remove {place}"
            problem = f"{place} cannot be used: {error.problem}"
            raise error.changed(problem=problem, hint=hint) from error
        tables[path.name] = rows
        panel = _laid_over(panel, rows)
    return panel, tables


def _refuse_second(rows: pd.DataFrame, name: str, tables: dict[str, pd.DataFrame]) -> None:
    keys = pd.MultiIndex.from_frame(rows[_KEY])
    for other, others in tables.items():
        twice = rows[keys.isin(pd.MultiIndex.from_frame(others[_KEY]))]
        if len(twice):
            problem = f"{len(twice)} of the figures are given by {other} as well"
            where = {"file": name, **twice.iloc[0][["province", "year", "variable"]]}
            hint = f"remove these rows from {name} or from {other}"
            raise DataError(problem, where=where, expected="each figure in one table", hint=hint)


def _changed(rows: pd.DataFrame, panel: Panel, file: str) -> pd.DataFrame:
    """Return the figures that a panel has not, or has otherwise; the others stay the panel's.

    A figure that is the panel's, rounded to the decimals given, is no other figure.

    Raises
    ------
    nqpf.errors.DataError
        If they are of two vintages, which a chapter that uses them would mix.
    """
    both = rows[[*_KEY, "value"]].merge(panel.frame[[*_KEY, "value"]], how="left", on=_KEY)
    pairs = zip(both["value_x"], both["value_y"], strict=True)
    changed = rows[[not _is_rounded(given, old) for given, old in pairs]]
    vintages = sorted({*changed["vintage"]} - {""})
    if len(vintages) > 1:
        problem = f"vintages are mixed: {' and '.join(vintages)} among the figures that are new"
        hint = "give the figures of each vintage in a file of its own"
        raise DataError(problem, where={"file": file}, expected="one vintage in a file", hint=hint)
    return changed


def _is_rounded(given: float, old: float) -> bool:
    """Return whether a figure is another one, rounded to its decimals, and within a percent.

    Examples
    --------
    >>> _is_rounded(2183.0, 2183.2), _is_rounded(8536.94, 8536.9394), _is_rounded(5.0, 4.6)
    (True, True, False)
    """
    last = min(0, int(Decimal(repr(given)).as_tuple().exponent) + repr(given).endswith(".0"))
    return abs(given - old) <= min(0.5 * 10.0**last * (1 + 1e-9), 0.01 * abs(old))


def _laid_over(panel: Panel, rows: pd.DataFrame) -> Panel:
    """Return a panel with checked rows added or replaced, and a catalogue that knows them."""
    frame = panel.frame
    replaced = pd.MultiIndex.from_frame(frame[_KEY]).isin(pd.MultiIndex.from_frame(rows[_KEY]))
    both = pd.concat([frame[~replaced], rows.assign(flag=_READER)[_COLUMNS]])
    variables = dict(panel.catalogue.variables)
    for key, own in rows.groupby("variable"):
        entry = variables.get(key) or _own_entry(own.iloc[0])
        sources = []
        for source, part in own.groupby("source"):
            years = sorted({part["year"].min(), part["year"].max()})
            sources.append(f"{source} ({'-'.join(map(str, years))})")
        note = f"{entry.note} Reader's figures: {'; '.join(sources)}.".strip()
        variables[key] = entry.model_copy(update={"note": note})
    catalogue = panel.catalogue.model_copy(update={"variables": variables})
    return Panel(both.sort_values(_KEY, ignore_index=True), catalogue)


def _own_entry(row: pd.Series) -> _Variable:
    source = {"zh": row["source"], "en": row["source"]}
    return _Variable(
        name={"zh": row["name_zh"], "en": row["name_en"]},
        theme=_READER,
        unit=row["unit"],
        definition="Added by the reader; the source defines it.",
        publisher=source,
        yearbook=source,
    )
