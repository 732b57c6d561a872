"""What each rebuild of the panel did to its figures: added, revised or removed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nqpf.data.own import _KEY
from nqpf.data.panel import _csv_text
from nqpf.files import _replacing

_FILE = Path("data") / "changes.csv"
_COUNTS = ["added", "revised", "removed"]


def _changes(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> pd.DataFrame:
    r"""Return, for each variable whose figures differ, how many do and the largest revision in %.

    Examples
    --------
    >>> head = b"province,year,variable,value,vintage,flag\n"
    >>> old = head + b"110000,2023,gdp,100,census5,official\n"
    >>> new = head + b"110000,2023,gdp,102,census5,official\n110000,2024,gdp,9,,official\n"
    >>> _changes({"a.csv": old}, {"a.csv": new}).values.tolist()
    [['gdp', 1, 1, 0, 2.0]]
    """
    before, after = (_figures(tables) for tables in (old, new))
    both = before.to_frame("before").join(after.rename("after"), how="outer")
    first, second = both["before"], both["after"]
    told = pd.DataFrame(
        {
            "added": first.isna(),
            "revised": first.notna() & second.notna() & (first != second),
            "removed": second.isna(),
            "largest": (100 * (second / first - 1)).abs().where(first != 0),
        }
    )
    told["largest"] = told["largest"].where(told["revised"])
    found = told.groupby(level="variable").agg(dict.fromkeys(_COUNTS, "sum") | {"largest": "max"})
    found = found[found[_COUNTS].any(axis=1)].round({"largest": 2})
    return found.rename_axis("variable").reset_index()


def _figures(tables: Mapping[str, bytes]) -> pd.Series:
    parts = [pd.read_csv(io.BytesIO(one), keep_default_na=False) for one in tables.values() if one]
    columns = [*_KEY, "value"]
    rows = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    return rows.set_index(_KEY)["value"].astype(float)


def _note(home: Path, old: Mapping[str, bytes], new: Mapping[str, bytes], day: str) -> None:
    """Put what changed above what is noted already."""
    path, found = home / _FILE, _changes(old, new)
    if len(found):
        found.insert(0, "date", day)
        found["largest"] = found["largest"].astype(object).where(found["largest"].notna(), "")
        kept = [pd.read_csv(path, keep_default_na=False)] if path.is_file() else []
        with _replacing(path) as temporary:
            temporary.write_text(_csv_text(pd.concat([found, *kept])), "utf-8")
