"""What a system's score of a year needs: a table to fill in, and what it does to the ranks."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.data.export import _workbook
from nqpf.data.panel import _VINTAGE, _csv_text
from nqpf.errors import DataError
from nqpf.files import _replacing
from nqpf.index.recipe import Recipe
from nqpf.systems.system import System

if TYPE_CHECKING:
    from nqpf.data.panel import Panel

_COLUMNS = ["province", "province_zh", "year", "variable", "variable_zh", "value", "unit"]
_COLUMNS += ["source", "vintage"]
_HOW = [
    ("Fill in", "the column value, in the unit beside it, and where each figure was published"),
    ("填写", "数值一列，单位见旁边一列；来源一列写年鉴及页码"),
    ("Rows without a value", "are left out when the file is read; fill in what you have"),
    ("Then", "nqpf data check FILE, and nqpf data add FILE"),
]


def _missing(system: System, year: int, panel: Panel) -> pd.DataFrame:
    """Return the figures of a year that a system needs and a panel lacks, a row for each."""
    entries, wide = panel.catalogue.variables, panel.wide(system.variables, [year])
    rows = []
    for key, code in product(system.variables, provinces.codes()):
        if (code, year) in wide.index and pd.notna(wide.loc[(code, year), key]):
            continue
        entry, names = entries[key], (provinces.name(code), provinces.name(code, "zh"))
        vintage = _VINTAGE if entry.vintages else ""
        rows.append([*names, year, key, entry.name.zh, "", entry.unit, "", vintage])
    return pd.DataFrame(rows, columns=_COLUMNS)


def _write_template(
    key: str, year: int, panel: Panel, folder: Path
) -> tuple[list[Path], list[str]]:
    """Write a table to fill in as CSV and Excel; say which figures are known already.

    Raises
    ------
    nqpf.errors.DataError
        If the panel lacks nothing, or a file of the name is there already.
    """
    system = System.load(key)
    rows = _missing(system, year, panel)
    absent = rows.groupby("variable").size()
    told = [
        f"{key} {year}: {len(system.variables)} variables of {len(provinces.codes())} provinces"
    ]
    for name in system.variables:
        lack = int(absent.get(name, 0))
        state = f"{lack} figures to fill in" if lack else "known"
        told.append(f"  {name} {panel.catalogue.variables[name].name.zh}: {state}")
    if not len(rows):
        raise DataError("\n".join([*told, "nothing is missing"]), expected="a year with gaps")
    paths = [folder / f"{key}-{year}.{ending}" for ending in ("csv", "xlsx")]
    for path in paths:
        if path.exists():
            hint = "move it, or name another folder"
            raise DataError("the file is there already", where={"file": path}, hint=hint)
    contents = [_csv_text(rows).encode("utf-8-sig"), _workbook(_HOW, {"panel": (rows, 0)})]
    for path, content in zip(paths, contents, strict=True):
        with _replacing(path) as temporary:
            temporary.write_bytes(content)
    return paths, told


def _rank_changes(key: str, before: Panel, after: Panel, years: Iterable[int]) -> str:
    """Say how figures change the ranks of a system in some years, line by line."""
    system = System.load(key)
    old, new = (Recipe(**system.recipe).fit(system.evaluate(one)) for one in (before, after))
    lines = [f"ranks by {key}, before -> after:"]
    for year in years:
        if year not in new.years:
            absent = sorted({*_missing(system, year, after)["variable"]})
            lines.append(f"  {year}: no province has every variable; missing: {', '.join(absent)}")
            continue
        ranks = pd.DataFrame({"after": new.rank(year)})
        ranks["before"] = old.rank(year) if year in old.years else float("nan")
        moved = ranks[ranks["before"] != ranks["after"]]
        names = [
            f"{provinces.name(code, 'both')} {'-' if pd.isna(row.before) else int(row.before)}"
            f" -> {row.after:.0f}"
            for code, row in moved.iterrows()
        ]
        lines.append(f"  {year}: {len(moved)} of {len(ranks)} ranks change")
        lines += [f"    {', '.join(names[i : i + 4])}" for i in range(0, len(names), 4)]
    return "\n".join(lines)
