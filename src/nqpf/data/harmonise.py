"""From the frame of a reader to rows of the panel: codes, years, units, nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.data.catalogue import Segment, Source
from nqpf.errors import DataError, ProvinceError, UnitError
from nqpf.provinces import code_of, codes

__all__ = ["NATIONAL", "Harmonised", "harmonise", "significant"]

NATIONAL = frozenset({"全国", "合计", "全国合计", "总计", "全国总计"})
_WHOLE = 0
_BLANK = re.compile(r"[\s\u3000\ufeff]+")


@dataclass(frozen=True)
class Harmonised:
    """Figures of one segment in canonical units.

    Parameters
    ----------
    provinces : DataFrame
        Columns ``province`` (GB/T 2260 code), ``year``, ``value``, ``flag``, sorted.
    national : DataFrame
        Columns ``year``, ``value``: the source's own national row, if it has one.
    """

    provinces: pd.DataFrame
    national: pd.DataFrame


def significant(value: float, digits: int = 12) -> float:
    """Round to significant digits, so that a unit factor leaves no trace of its own.

    Examples
    --------
    >>> significant(22591176.0 * 1e-4), 3 * 0.1, significant(3 * 0.1)
    (2259.1176, 0.30000000000000004, 0.3)
    """
    return float(f"{value:.{digits}g}")


def harmonise(raw: pd.DataFrame, source: Source, segment: Segment) -> Harmonised:
    """Turn a reader's frame into the province and national rows of one segment.

    Parameters
    ----------
    raw : DataFrame
        Columns ``province``, ``year``, ``item``, ``value``, ``unit``.
    source : Source
        Declares spellings (`aliases`) and rows to leave out (`ignore`).
    segment : Segment
        Declares item, years, units and missing cells.

    Raises
    ------
    nqpf.errors.ProvinceError
        If a label is neither a province, the nation, an alias nor ignored.
    nqpf.errors.UnitError
        If a row carries a unit that the segment does not declare.
    nqpf.errors.DataError
        If the item is absent, a value is not a finite number, a province has
        two values for a year, or a declared year or province is missing.
    """
    rows = _select(raw, source, segment)
    rows["code"] = _codes(rows["province"], source, segment)
    rows = rows[rows["code"] >= 0]
    rows["number"] = _numbers(rows, source, segment)
    rows = rows.dropna(subset="number")
    rows["number"] *= _factors(rows["unit"], source, segment)
    rows["number"] = rows["number"].map(significant)
    _refuse_duplicates(rows, source, segment)
    rows = rows.sort_values(["code", "year"])
    rows = rows[["code", "year", "number"]].rename(columns={"code": "province", "number": "value"})
    whole = rows["province"] == _WHOLE
    national = rows.loc[whole, ["year", "value"]].reset_index(drop=True)
    provinces = _without(rows[~whole].assign(flag=segment.flag), segment.skip)
    provinces = _with_residuals(provinces, national, source, segment)
    _refuse_gaps(provinces, source, segment)
    return Harmonised(provinces.reset_index(drop=True), national)


def _where(source: Source, segment: Segment, **more: object) -> dict[str, object]:
    return {"file": source.path, "item": segment.item, **more}


def _select(raw: pd.DataFrame, source: Source, segment: Segment) -> pd.DataFrame:
    rows = raw[raw["item"] == segment.item]
    if rows.empty:
        known = ", ".join(sorted(raw["item"].astype("str").unique())[:12])
        raise DataError(
            f"item {segment.item!r} not found",
            where={"file": source.path},
            expected=known,
        )
    return rows[rows["year"].between(*segment.years)].copy()


def _codes(labels: pd.Series, source: Source, segment: Segment) -> pd.Series:
    aliases = {_tidy(label): code for label, code in source.aliases.items()}
    ignored = {_tidy(label) for label in source.ignore}
    known: dict[str, int] = {}
    for label in labels.unique():
        tidy = _tidy(label)
        if tidy in ignored:
            known[label] = -1
        elif tidy in NATIONAL:
            known[label] = _WHOLE
        elif tidy in aliases:
            known[label] = aliases[tidy]
        else:
            try:
                known[label] = code_of(tidy)
            except ProvinceError as error:
                raise ProvinceError(
                    error.problem,
                    where=_where(source, segment),
                    expected="a province, the nation, or a label declared under aliases or ignore",
                    hint=error.hint,
                ) from error
    return labels.map(known).astype("int64")


def _tidy(label: object) -> str:
    return _BLANK.sub("", str(label))


def _numbers(rows: pd.DataFrame, source: Source, segment: Segment) -> pd.Series:
    text = rows["value"].map(lambda v: v.strip() if isinstance(v, str) else v)
    empty = text.isna() | (text == "")
    numbers = pd.to_numeric(text.where(~empty), errors="coerce").astype("float64")
    wrong = (numbers.isna() & ~empty) | np.isinf(numbers)
    if wrong.any():
        row = rows[wrong].iloc[0]
        raise DataError(
            f"value {row['value']!r} is not a finite number",
            where=_where(source, segment, province=row["province"], year=row["year"]),
        )
    return numbers.where(~numbers.isin(segment.missing))


def _factors(units: pd.Series, source: Source, segment: Segment) -> pd.Series:
    labels = set(units.unique())
    if segment.factors:
        declared = set(segment.factors)
    elif labels == {""}:  # the file labels nothing: the catalogue states the unit
        declared = {""}
    else:
        declared = {segment.unit}
    if labels - declared:
        raise UnitError(
            f"unit {min(labels - declared)!r} is not the declared one",
            where=_where(source, segment),
            expected=" or ".join(repr(label) for label in sorted(declared)),
            hint="give the segment a factor for each unit that the series is labelled with",
        )
    if segment.factors:
        return units.map(segment.factors).astype("float64")
    return pd.Series(segment.factor, index=units.index)


def _refuse_duplicates(rows: pd.DataFrame, source: Source, segment: Segment) -> None:
    twice = rows.duplicated(["code", "year"], keep=False)
    if twice.any():
        labels = rows.loc[twice, "province"].astype("str").unique()[:2]
        year = int(rows.loc[twice, "year"].iloc[0])
        raise DataError(
            f"two values for one province and year ({' and '.join(labels)})",
            where=_where(source, segment, year=year),
            hint="declare the surplus label under ignore, with the reason",
        )


def _without(rows: pd.DataFrame, skip: dict[int, list[int]]) -> pd.DataFrame:
    pairs = {(code, year) for code, years in skip.items() for year in years}
    keep = [pair not in pairs for pair in zip(rows["province"], rows["year"], strict=True)]
    return rows[np.array(keep, dtype=bool)]


def _with_residuals(
    rows: pd.DataFrame, national: pd.DataFrame, source: Source, segment: Segment
) -> pd.DataFrame:
    whole = dict(zip(national["year"], national["value"], strict=True))
    for code, years in segment.residual.items():
        for year in years:
            others = rows[(rows["year"] == year) & (rows["province"] != code)]
            if year not in whole or len(others) != len(codes()) - 1:
                raise DataError(
                    "a residual needs the national figure and those of all other provinces",
                    where=_where(source, segment, province=code, year=year),
                )
            # The difference of printed figures: ten digits are more than any of them has.
            value = significant(whole[year] - math.fsum(others["value"]), 10)
            kept = rows[(rows["year"] != year) | (rows["province"] != code)]
            row = {
                "province": [code],
                "year": [year],
                "value": [value],
                "flag": ["spliced"],
            }
            rows = pd.concat([kept, pd.DataFrame(row)])
    return rows.sort_values(["province", "year"])


def _refuse_gaps(rows: pd.DataFrame, source: Source, segment: Segment) -> None:
    declared = {
        (code, year)
        for listed in (segment.skip, segment.gaps)
        for code, years in listed.items()
        for year in years
    }
    have = set(zip(rows["province"], rows["year"], strict=True))
    first, last = segment.years
    for code in sorted({code for code, _ in have}):
        for year in range(first, last + 1):
            if (code, year) not in have and (code, year) not in declared:
                raise DataError(
                    "a declared year has no value",
                    where=_where(source, segment, province=code, year=year),
                    hint="declare the cell under gaps, or under skip with the reason",
                )
