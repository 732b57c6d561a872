"""What a reader's figures would change in the panel: new, revised, and what looks odd."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nqpf.data.panel import Panel
from nqpf.data.reader_rows import KEY
from nqpf.provinces import name

__all__ = ["JUMP", "Report", "report"]

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
        Its figures, as :func:`nqpf.data.reader.read_rows` returns them.
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
        As :func:`nqpf.data.reader.read_rows` returns them.
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
