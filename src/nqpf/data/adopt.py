"""A reader's own figures: what they would change, and how they are kept in a folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nqpf.data.own import _KEY, _read_rows
from nqpf.data.panel import Panel, _csv_text, _refuse_second, _with_tables
from nqpf.errors import DataError
from nqpf.files import _inside, _replacing
from nqpf.provinces import name

_JUMP = 10.0  # times a figure nearby in time: likely a slip of unit or decimal point
_NEARBY = 3  # years
_LISTED = 20


def _report(file: str, rows: pd.DataFrame, panel: Panel) -> str:
    """Say what the checked figures of a file would change in a panel, line by line."""
    known = panel.frame[[*_KEY, "value"]].rename(columns={"value": "old"})
    both = rows.merge(known, on=_KEY, how="left")
    new = both[both["old"].isna()]
    revised = both[both["old"].notna() & (both["old"] != both["value"])]
    lines = [
        f"{file}: {len(both)} figures can be used: {len(new)} new, "
        f"{len(revised)} revised, {len(both) - len(new) - len(revised)} as before"
    ]
    own = rows[~rows["variable"].isin(list(panel.catalogue.variables))]
    for _, first in own.drop_duplicates("variable").iterrows():
        names = f"{first['name_en']} {first['name_zh']}"
        lines.append(f"  new variable {first['variable']}: {names}, {first['unit']}")
    for (key, vintage), part in new.groupby(["variable", "vintage"]):
        places = part["province"].nunique()
        lines.append(
            f"  new {_series(key, vintage)}: {len(part)} figures, {places} "
            f"province{'' if places == 1 else 's'}, {part['year'].min()}-{part['year'].max()}"
        )
    lines += _cut([_revision(row) for _, row in revised.iterrows()], "revised")
    lines += _cut(_jumps(rows, panel), "warning:")
    return "\n".join(lines)


def _jumps(rows: pd.DataFrame, panel: Panel) -> list[str]:
    """Describe figures more than `_JUMP` times, or less than 1 / `_JUMP` of, the one nearby."""
    touched = panel.frame[panel.frame["variable"].isin(rows["variable"])]
    both = pd.concat([touched.assign(own=False), rows.assign(own=True)], ignore_index=True)
    both = both.drop_duplicates(_KEY, keep="last").sort_values(_KEY, ignore_index=True)
    near = both.groupby(["variable", "vintage", "province"])[["year", "value"]]
    near = near.shift(1).fillna(near.shift(-1)).add_prefix("near_")
    near = both.join(near)
    near = near[near["own"] & ((near["year"] - near["near_year"]).abs() <= _NEARBY)]
    size, other = near["value"].abs(), near["near_value"].abs()
    odd = near[(size > _JUMP * other) & (other > 0) | (other > _JUMP * size)]
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
    old, new = row["old"], row["value"]
    change = f" ({100 * (new - old) / abs(old):+.2f} %)" if old else ""
    return f"{_place(row)}: {old:.12g} -> {new:.12g}{change}"


def _cut(items: list[str], head: str) -> list[str]:
    more = [f"  {head} and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return [f"  {head} {item}" for item in items[:_LISTED]] + more


def _preview(path: Path, panel: Panel, folder: Path) -> tuple[str, pd.DataFrame]:
    """Say what :func:`_add` would change, with the same refusals, and return the figures.

    Parameters
    ----------
    path : Path
        A file as :func:`nqpf.data.own._read_rows` takes it.
    panel : Panel
        The embedded panel (``Panel.load(extra=False)``).
    folder : Path
        Folder of the reader's tables. All but the one of this name are laid
        over the panel first.
    """
    around, tables = _with_tables(panel, folder, skip=_target(path, folder).name)
    rows = _read_rows(path, around.catalogue)
    _refuse_second(rows, path.name, tables)
    return _report(path.name, rows, around), rows


def _add(path: Path, panel: Panel, folder: Path, replace: bool = False) -> str:
    """Check a file and keep its figures in a folder; the embedded tables stay as they are.

    The table is named like the file, with the suffix ``.csv``. One of that name that
    holds something else is refused unless `replace`; if anything is refused, no file
    has changed.
    """
    said, rows = _preview(path, panel, folder)
    target = _target(path, folder)
    content = _csv_text(rows.sort_values(_KEY)).encode("utf-8")
    if target.exists() and target.read_bytes() != content and not replace:
        problem = f"{folder.name}/{target.name} exists and holds other figures"
        hint = "add it with --replace to replace that table, or rename your file"
        raise DataError(problem, where={"file": path.name}, hint=hint)
    with _replacing(target) as temporary:
        temporary.write_bytes(content)
    return said


def _target(path: Path, folder: Path) -> Path:
    return _inside(folder, f"{path.stem}.csv")
