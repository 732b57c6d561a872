"""A reader's own figures: checked, laid over the panel, and kept beside the embedded tables."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nqpf.data.catalogue import Bilingual, Catalogue, Variable
from nqpf.data.own import KEY, READER_THEME, ROW_COLUMNS, read_rows
from nqpf.data.panel import COLUMNS, Panel
from nqpf.errors import DataError, NqpfError
from nqpf.files import inside, replacing
from nqpf.provinces import name

__all__ = ["JUMP", "Report", "add", "check", "extend", "overlay", "preview", "report"]

JUMP = 10.0  # times a figure nearby in time: likely a slip of unit or decimal point
_NEARBY = 3  # years
_LISTED = 20


@dataclass(frozen=True)
class Report:
    """What the figures of one file would change in a panel.

    Parameters
    ----------
    file : str
        Name of the file.
    rows : DataFrame
        Its figures, as :func:`nqpf.data.adopt.read_rows` returns them.
    new : DataFrame
        Rows that the panel has no figure for.
    revised : DataFrame
        Rows that change a figure, with the panel's in the column ``old`` and
        the change in percent in the column ``change``.
    unchanged : int
        Number of rows that repeat the panel's figure.
    new_variables : tuple of str
        Keys of variables that the catalogue does not have.
    warnings : tuple of str
        Figures that can be used but look odd.
    """

    file: str
    rows: pd.DataFrame
    new: pd.DataFrame
    revised: pd.DataFrame
    unchanged: int
    new_variables: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.file}: {len(self.rows)} figures can be used: {len(self.new)} new, "
            f"{len(self.revised)} revised, {self.unchanged} as before"
        ]
        for key in self.new_variables:
            first = self.rows[self.rows["variable"] == key].iloc[0]
            lines.append(
                f"  new variable {key}: {first['name_en']} {first['name_zh']}, {first['unit']}"
            )
        for (key, vintage), part in self.new.groupby(["variable", "vintage"]):
            years = f"{part['year'].min()}-{part['year'].max()}"
            places = part["province"].nunique()
            lines.append(
                f"  new {_series(key, vintage)}: {len(part)} figures, "
                f"{places} {'province' if places == 1 else 'provinces'}, {years}"
            )
        lines += _cut([_revision(row) for _, row in self.revised.iterrows()], "revised")
        lines += _cut(list(self.warnings), "warning:")
        return "\n".join(lines)


def report(file: str, rows: pd.DataFrame, panel: Panel) -> Report:
    """Compare checked rows with a panel.

    Parameters
    ----------
    file : str
        Name of the file, for the report.
    rows : DataFrame
        As :func:`nqpf.data.adopt.read_rows` returns them.
    panel : Panel
        The panel to compare with.
    """
    known = panel.frame[KEY + ["value"]].rename(columns={"value": "old"})
    both = rows.merge(known, on=KEY, how="left")
    is_new = both["old"].isna()
    revised = both[~is_new & (both["old"] != both["value"])].reset_index(drop=True)
    base = revised["old"].abs()
    revised["change"] = 100 * (revised["value"] - revised["old"]) / base.where(base > 0)
    catalogue = panel.catalogue.variables
    return Report(
        file=file,
        rows=rows,
        new=both[is_new].drop(columns="old").reset_index(drop=True),
        revised=revised,
        unchanged=len(rows) - int(is_new.sum()) - len(revised),
        new_variables=tuple(k for k in rows["variable"].unique() if k not in catalogue),
        warnings=tuple(_jumps(rows, panel)),
    )


def _jumps(rows: pd.DataFrame, panel: Panel) -> list[str]:
    """Describe figures more than `JUMP` times, or less than 1 / `JUMP` of, the one nearby."""
    touched = panel.frame[panel.frame["variable"].isin(rows["variable"])]
    both = pd.concat([touched[KEY + ["value"]], rows[KEY + ["value"]]], ignore_index=True)
    both["own"] = [False] * len(touched) + [True] * len(rows)
    both = both.drop_duplicates(KEY, keep="last").sort_values(KEY, ignore_index=True)
    series = both.groupby(["variable", "vintage", "province"])
    found = []
    for step in (1, -1):
        other = series[["year", "value"]].shift(step).add_prefix("near_")
        found.append(both.join(other))
    before, after = found
    use_after = before["near_year"].isna()
    near = before.where(~use_after, after)
    near = near[both["own"] & ((near["year"] - near["near_year"]).abs() <= _NEARBY)]
    size, other = near["value"].abs(), near["near_value"].abs()
    odd = near[(size > JUMP * other) & (other > 0) | (other > JUMP * size)]
    return [
        f"{_place(row)} is {row['value']:.12g}, but {int(row['near_year'])} "
        f"has {row['near_value']:.12g}"
        for _, row in odd.iterrows()
    ]


def _series(key: str, vintage: str) -> str:
    return f"{key} ({vintage})" if vintage else key


def _place(row: pd.Series) -> str:
    label = _series(row["variable"], row["vintage"])
    return f"{label} {name(int(row['province']))} {int(row['year'])}"


def _revision(row: pd.Series) -> str:
    change = "" if pd.isna(row["change"]) else f" ({row['change']:+.2f} %)"
    return f"{_place(row)}: {row['old']:.12g} -> {row['value']:.12g}{change}"


def _cut(items: list[str], head: str) -> list[str]:
    more = [f"  {head} and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return [f"  {head} {item}" for item in items[:_LISTED]] + more


def extend(panel: Panel, path: Path | str) -> Panel:
    """Return a panel with the figures of one file added or replaced; nothing is written.

    Parameters
    ----------
    panel : Panel
        The panel to start from.
    path : Path or str
        A file as :func:`read_rows` takes it.

    Raises
    ------
    nqpf.errors.DataError
        If the file cannot be used.
    """
    return _laid_over(panel, read_rows(path, panel.catalogue))


def overlay(panel: Panel, folder: Path, skip: str | None = None) -> Panel:
    """Return a panel with the figures of every table of a folder added or replaced.

    Parameters
    ----------
    panel : Panel
        The embedded panel.
    folder : Path
        Usually ``data/extra``; a folder that does not exist holds no tables.
    skip : str or None
        File name to leave out.

    Returns
    -------
    Panel
        The reader's figures carry the flag ``reader``; new variables have a
        catalogue entry of the theme ``reader``.

    Raises
    ------
    nqpf.errors.DataError
        If a table cannot be used, or two tables give the same figure.
    """
    return _with_tables(panel, Path(folder), skip)[0]


def _with_tables(
    panel: Panel, folder: Path, skip: str | None
) -> tuple[Panel, dict[str, pd.DataFrame]]:
    tables: dict[str, pd.DataFrame] = {}
    for path in sorted(folder.glob("*.csv")):
        if path.name == skip:
            continue
        try:
            rows = read_rows(path, panel.catalogue)
            _refuse_second(rows, path.name, tables)
        except NqpfError as error:
            raise type(error)(
                f"{folder.name}/{path.name} cannot be used: {error.problem}",
                where=error.where,
                expected=error.expected,
                hint=f"{error.hint or 'correct it'}; or remove {folder.name}/{path.name}",
            ) from error
        tables[path.name] = rows
        panel = _laid_over(panel, rows)
    return panel, tables


def check(path: Path | str, panel: Panel) -> Report:
    """Return what the figures of a file would change in a panel; nothing is written.

    Parameters
    ----------
    path : Path or str
        A file as :func:`read_rows` takes it.
    panel : Panel
        The panel to compare with.

    Raises
    ------
    nqpf.errors.DataError
        If the file cannot be used.
    """
    return report(Path(path).name, read_rows(path, panel.catalogue), panel)


def preview(path: Path | str, panel: Panel, folder: Path) -> Report:
    """Return what :func:`add` would change, with the same refusals; nothing is written.

    Parameters
    ----------
    path : Path or str
        A file as :func:`read_rows` takes it.
    panel : Panel
        The embedded panel (``Panel.load(extra=False)``).
    folder : Path
        Folder of the reader's tables. All but the one of this name are laid
        over the panel first.

    Raises
    ------
    nqpf.errors.DataError
        If the file or another table of the folder cannot be used, or both
        give the same figure.
    """
    around, tables = _with_tables(panel, folder, skip=_target(Path(path), folder).name)
    found = check(path, around)
    _refuse_second(found.rows, found.file, tables)
    return found


def add(path: Path | str, panel: Panel, folder: Path, replace: bool = False) -> Report:
    """Check a file and keep its figures in a folder; the embedded tables stay as they are.

    Parameters
    ----------
    path : Path or str
        A file as :func:`read_rows` takes it.
    panel : Panel
        The embedded panel (``Panel.load(extra=False)``).
    folder : Path
        Usually ``data/extra``. The table is named like the file, with the
        suffix ``.csv``.
    replace : bool
        Replace a table of that name that holds something else.

    Returns
    -------
    Report
        What changes. If anything is refused, no file has changed.

    Raises
    ------
    nqpf.errors.DataError
        As :func:`preview`, and if the folder has a different table of that
        name and `replace` is false.
    """
    found = preview(path, panel, folder)
    target = _target(Path(path), folder)
    content = _canonical(found.rows).encode("utf-8")
    if target.exists() and target.read_bytes() != content and not replace:
        raise DataError(
            f"{folder.name}/{target.name} exists and holds other figures",
            where={"file": Path(path).name},
            expected="a name that is not taken",
            hint="add it with --replace to replace that table, or rename your file",
        )
    with replacing(target) as temporary:
        temporary.write_bytes(content)
    return found


def _target(path: Path, folder: Path) -> Path:
    return inside(folder, f"{path.stem}.csv")


def _canonical(rows: pd.DataFrame) -> str:
    """Return rows as the text of a table: sorted, exact, the same on every machine."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ROW_COLUMNS)
    for row in rows.sort_values(KEY).itertuples(index=False):
        writer.writerow([repr(cell) if isinstance(cell, float) else cell for cell in row])
    return text.getvalue()


def _refuse_second(rows: pd.DataFrame, name: str, tables: dict[str, pd.DataFrame]) -> None:
    keys = pd.MultiIndex.from_frame(rows[KEY])
    for other, others in tables.items():
        twice = rows[keys.isin(pd.MultiIndex.from_frame(others[KEY]))]
        if len(twice):
            first = twice.iloc[0]
            raise DataError(
                f"{len(twice)} of the figures are given by {other} as well",
                where={"file": name, **{k: first[k] for k in ("province", "year", "variable")}},
                expected="each figure in one table",
                hint=f"remove these rows from {name} or from {other}",
            )


def _laid_over(panel: Panel, rows: pd.DataFrame) -> Panel:
    frame = panel.frame
    replaced = pd.MultiIndex.from_frame(frame[KEY]).isin(pd.MultiIndex.from_frame(rows[KEY]))
    own = rows.assign(flag="reader")[COLUMNS]
    both = pd.concat([frame[~replaced], own], ignore_index=True)
    both = both.sort_values(KEY, ignore_index=True)
    return Panel(both, _with_rows(panel.catalogue, rows))


def _with_rows(catalogue: Catalogue, rows: pd.DataFrame) -> Catalogue:
    """Return a catalogue that knows the rows' variables and says where the rows come from."""
    variables = dict(catalogue.variables)
    for key, own in rows.groupby("variable"):
        sources = "; ".join(
            f"{source} ({_span(part['year'])})" for source, part in own.groupby("source")
        )
        entry = variables.get(key) or _new_entry(own.iloc[0])
        note = f"{entry.note} Reader's figures: {sources}.".strip()
        variables[key] = entry.model_copy(update={"note": note})
    return catalogue.model_copy(update={"variables": variables})


def _span(years: pd.Series) -> str:
    first, last = years.min(), years.max()
    return str(first) if first == last else f"{first}-{last}"


def _new_entry(row: pd.Series) -> Variable:
    source = Bilingual(zh=row["source"], en=row["source"])
    return Variable(
        name=Bilingual(zh=row["name_zh"], en=row["name_en"]),
        theme=READER_THEME,
        unit=row["unit"],
        definition="Added by the reader; the source defines it.",
        publisher=source,
        yearbook=source,
    )
