"""What a reader's file changes in the panel: said before it is kept, kept whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from nqpf.checks import _nearest
from nqpf.data.own import _KEY, _read_rows
from nqpf.data.panel import Panel, _changed, _csv_text, _laid_over, _refuse_second, _with_tables
from nqpf.errors import DataError
from nqpf.files import _inside, _replacing
from nqpf.provinces import name

_SLIP = 0.5  # places; beyond it a figure is nearer to the path with its point moved
_MEMORY = 6  # years of changes that a province's figure is held against
_STALE = 3  # years after which an earlier figure says nothing
_LISTED = 20


def _slips(logs: pd.DataFrame, moved: float = 0.0) -> pd.DataFrame:
    """Return which figures look as if their decimal point had slipped by a place.

    A figure is held against the path of its own series: the figure before it, the trend of
    the last three, and the greatest change of the last six years. It is odd when it lies more
    than half a place, on the same side, from both of the first two, and its change is greater
    than the third. Where nothing came before, the path is read backwards.

    Parameters
    ----------
    logs : DataFrame
        Decimal logarithms, a row per series and a column per year, every year between the
        first and the last.
    moved : float
        Places by which each figure is moved before it is held against the others as they are.
    """
    backward = _odd(logs.iloc[:, ::-1], moved)[logs.columns]
    return _odd(logs, moved) | (backward & _before(logs).isna())


def _before(logs: pd.DataFrame, lag: int = 1) -> pd.DataFrame:
    """Return the last figure before each, at most three years old."""
    return logs.ffill(axis=1, limit=_STALE - 1).shift(lag, axis=1)


def _odd(logs: pd.DataFrame, moved: float) -> pd.DataFrame:
    """Return which figures are off the path of those before."""
    one, two, three = (_before(logs, lag) for lag in (1, 2, 3))
    slope = ((one - three) / 2).fillna(one - two).fillna(0.0).clip(-0.1, 0.1)
    change = logs + moved - one
    off = change - slope
    past = (one - two).abs().T.rolling(_MEMORY, min_periods=1).max().T.fillna(0.0)
    far = np.minimum(change.abs(), off.abs()) > _SLIP
    return far & (change * off > 0) & (change.abs() > past)


def _logs(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the logarithms of a panel's figures, a row per series and a column per year."""
    size = frame["value"].abs()
    wide = frame.assign(log=np.log10(size.where(size > 0))).set_index(_KEY)["log"].unstack("year")
    return wide.reindex(columns=range(wide.columns.min(), wide.columns.max() + 1))


def _report(
    file: str, rows: pd.DataFrame, changed: pd.DataFrame, panel: Panel, told: list[str]
) -> str:
    """Say how a file was read and what its figures would change in a panel, line by line."""
    known = panel.frame[[*_KEY, "value"]].rename(columns={"value": "old"})
    both = rows.merge(known, on=_KEY, how="left").set_index(rows.index)
    revised = both.loc[changed.index].dropna(subset="old")
    new, same = both["old"].isna().sum(), both.drop(changed.index)
    lines = [
        f"{file}: {_count(len(both), 'figure')} can be used: {new} new, "
        f"{len(revised)} revised, {len(same)} as before",
        *(f"  {line}" for line in told),
    ]
    if rounded := int((same["old"] != same["value"]).sum()):
        lines.append(f"  {_count(rounded, 'figure')} as before but for rounding, which stay")
    entries = _laid_over(panel, rows).catalogue.variables
    for (key, vintage), part in both.groupby(["variable", "vintage"]):
        entry, own = entries[key], key not in panel.catalogue.variables
        span = "-".join(dict.fromkeys([str(part["year"].min()), str(part["year"].max())]))
        lines.append(
            f"  {'new variable ' if own else ''}{_series(key, vintage)}: {entry.name}, "
            f"{entry.unit}: {_count(len(part), 'figure')}, "
            f"{_count(part['province'].nunique(), 'province')}, {span}"
        )
    lines += _cut([_revision(row) for _, row in revised.iterrows()], "revised")
    return "\n".join(lines + _cut(_warnings(changed, panel), "warning:"))


def _warnings(rows: pd.DataFrame, panel: Panel) -> list[str]:
    """Describe the figures of a file that look like slips of the decimal point, or are zero."""
    if not len(rows):
        return []
    touched = panel.frame[panel.frame["variable"].isin(rows["variable"])]
    both = pd.concat([touched, rows], join="inner").drop_duplicates(_KEY, keep="last")
    odd = _slips(_logs(both)).stack().loc[pd.MultiIndex.from_frame(rows[_KEY])].to_numpy()
    values = both.set_index(_KEY)["value"].unstack("year")
    said = []
    for _, row in rows[odd | (rows["value"] == 0)].iterrows():
        series, year = tuple(row[_KEY[:3]]), row["year"]
        path = values.loc[series].drop(year).dropna()
        near = path[abs(path.index - year) <= _STALE]
        zero = row["value"] == 0 and (near != 0).any()
        if len(near) and (zero or row["value"]):
            nearest = min(near.index, key=lambda one: (abs(one - year), one > year))
            said.append(
                f"{_place(row)} is {row['value']:.12g}, but {nearest} has {near[nearest]:.12g}: "
                + ("is it zero, or not known?" if zero else "is the decimal point right?")
            )
    return said


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number != 1)}"


def _series(key: str, vintage: str) -> str:
    return f"{key} ({vintage})" if vintage else key


def _place(row: pd.Series) -> str:
    label = _series(row["variable"], row["vintage"])
    return f"{label} {name(int(row['province']))} {int(row['year'])}"


def _revision(row: pd.Series) -> str:
    old, new = row["old"], row["value"]
    change = f" ({100 * (new - old) / abs(old):+.2f} %)" if old else ""
    return f"{_place(row)}: {old:.12g} -> {new:.12g}{change}"


def _cut(items: list[str], head: str) -> list[str]:
    more = [f"  {head} and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return [f"  {head} {item}" for item in items[:_LISTED]] + more


def _preview(
    path: Path, panel: Panel, folder: Path, about: Mapping[str, str] | None = None
) -> tuple[str, pd.DataFrame, Panel]:
    """Say what :func:`_add` would change, with the same refusals.

    Parameters
    ----------
    path : Path
        A file as :func:`nqpf.data.own._read_rows` takes it.
    panel : Panel
        The embedded panel (``Panel.load(extra=False)``).
    folder : Path
        Folder of the reader's tables. All but the one of this name are laid
        over the panel first.
    about : mapping or None
        What no cell of the file says, such as its source.

    Returns
    -------
    tuple of str, DataFrame and Panel
        What to say, the figures that are new or revised, and the panel without them.
    """
    target = _target(path, folder)
    home = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(home, os.W_OK):
        raise DataError(f"the folder {home} cannot be written to", hint="make it writable")
    around, tables = _with_tables(panel, folder, skip=target.name)
    rows, told = _read_rows(path, around.catalogue, about)
    _refuse_second(rows, path.name, tables)
    changed = _changed(rows, around, path.name)
    return _report(path.name, rows, changed, around, told), changed, around


def _taken(path: Path, folder: Path, rows: pd.DataFrame) -> str:
    """Return the name of the table that a file would replace with other figures, if any."""
    target = _target(path, folder)
    taken = target.exists() and target.read_bytes() != _content(rows)
    return f"{folder.name}/{target.name}" if taken else ""


def _add(path: Path, rows: pd.DataFrame, folder: Path, replace: bool = False) -> None:
    """Keep the figures that :func:`_preview` returned; the embedded tables stay as they are.

    The table is named like the file, with the suffix ``.csv``. One of that name that
    holds something else is refused unless `replace`; if anything is refused, no file
    has changed.
    """
    if (other := _taken(path, folder, rows)) and not replace:
        hint = "add it with --replace to replace that table, or rename your file"
        problem = f"{other} exists and holds other figures"
        raise DataError(problem, where={"file": path.name}, hint=hint)
    with _replacing(_target(path, folder)) as temporary:
        temporary.write_bytes(_content(rows))


def _content(rows: pd.DataFrame) -> bytes:
    return _csv_text(rows.sort_values(_KEY)).encode("utf-8")


def _target(path: Path, folder: Path) -> Path:
    return _inside(folder, f"{path.stem}.csv")


def _remove(label: str, folder: Path) -> Path:
    """Remove a table of the reader's, found by its name; return where it was.

    Raises
    ------
    nqpf.errors.DataError
        If there is no such table.
    """
    path = _target(Path(label), folder)
    if not path.is_file():
        names = sorted(one.name for one in folder.glob("*.csv"))
        expected = f"one of {', '.join(names)}" if names else "a table; you have added none"
        hint = _nearest(path.name, names)
        raise DataError(f"no table {path.name!r} in {folder.name}", expected=expected, hint=hint)
    path.unlink()
    return path


def _kept(folder: Path, panel: Panel) -> pd.DataFrame:
    """Return the reader's tables: when each was added, and what it holds."""
    rows = []
    for label, table in _with_tables(panel, folder)[1].items():
        added = datetime.fromtimestamp((folder / label).stat().st_mtime).date().isoformat()
        years = f"{table['year'].min()}-{table['year'].max()}"
        rows.append([label, added, len(table), years, ", ".join(sorted({*table["variable"]}))])
    return pd.DataFrame(rows, columns=["table", "added", "figures", "years", "variables"])
