"""The panel's figures, national figures and second sources, as the catalogue says they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nqpf.data import readers
from nqpf.data.catalogue import Catalogue, Segment, Variable
from nqpf.data.harmonise import Harmonised, harmonise
from nqpf.data.panel import COLUMNS
from nqpf.errors import DataError
from nqpf.provinces import codes

__all__ = ["NATIONAL_COLUMNS", "SECOND_COLUMNS", "Transcript", "refuse_twice"]

NATIONAL_COLUMNS = ["variable", "year", "value", "vintage", "source"]
SECOND_COLUMNS = ["province", "year", "variable", "value", "vintage", "source"]


class Transcript:
    """Every figure that the catalogue transcribes; each source file is read once.

    Parameters
    ----------
    catalogue : Catalogue
        What to read from where.
    files : mapping of str to Path
        Local path of each source.
    """

    def __init__(self, catalogue: Catalogue, files: Mapping[str, Path]) -> None:
        self.catalogue = catalogue
        self.files = files
        self._frames: dict[str, pd.DataFrame] = {}

    def _harmonised(self, segment: Segment) -> Harmonised:
        source = self.catalogue.sources[segment.source]
        if segment.source not in self._frames:
            path = self.files[segment.source]
            self._frames[segment.source] = readers.read(source.reader, path, **source.options)
        return harmonise(self._frames[segment.source], source, segment)

    def panel(self) -> pd.DataFrame:
        """Return the rows of the panel, with breaks flagged.

        Raises
        ------
        nqpf.errors.DataError
            If a file does not hold what the catalogue says.
        """
        parts = []
        for key, entry in self.catalogue.variables.items():
            for segment in entry.segments:
                rows = self._harmonised(segment).provinces
                parts.append(rows.assign(variable=key, vintage=segment.vintage))
                _refuse_absent(key, entry, segment, rows)
        frame = pd.concat(parts, ignore_index=True)[COLUMNS]
        refuse_twice(frame)
        return _with_breaks(frame, self.catalogue)

    def national(self) -> pd.DataFrame:
        """Return the national figures: the sources' own rows and those that are declared."""
        parts = [pd.DataFrame(columns=NATIONAL_COLUMNS)]
        for key, entry in self.catalogue.variables.items():
            for segment in entry.segments:
                rows = self._harmonised(segment).national
                labels = {
                    "variable": key,
                    "vintage": segment.vintage,
                    "source": segment.source,
                }
                parts.append(rows.assign(**labels))
            totals = [total.model_dump() for total in entry.totals]
            parts.append(pd.DataFrame(totals).assign(variable=key))
        return _stacked(parts, NATIONAL_COLUMNS)

    def second(self) -> pd.DataFrame:
        """Return the figures that a second source gives for the same series."""
        parts = [pd.DataFrame(columns=SECOND_COLUMNS)]
        for key, entry in self.catalogue.variables.items():
            for segment in entry.second:
                rows = self._harmonised(segment).provinces
                labels = {
                    "variable": key,
                    "vintage": segment.vintage,
                    "source": segment.source,
                }
                parts.append(rows.assign(**labels))
        return _stacked(parts, SECOND_COLUMNS)


def _stacked(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled or parts, ignore_index=True)[columns]


def _refuse_absent(key: str, entry: Variable, segment: Segment, rows: pd.DataFrame) -> None:
    span = set(range(segment.years[0], segment.years[1] + 1))
    empty = {
        code
        for listed in (segment.gaps, segment.skip)
        for code, years in listed.items()
        if span <= set(years)
    }
    expected = set(codes()) - set(entry.absent) - empty
    found = set(rows["province"])
    for code in sorted(expected ^ found):
        problem = "has no figures" if code in expected else "has figures but is declared absent"
        raise DataError(
            f"province {code} {problem}",
            where={"variable": key, "source": segment.source, "item": segment.item},
            hint="declare it under absent or gaps, or correct the entry",
        )


def refuse_twice(frame: pd.DataFrame) -> None:
    """Refuse a panel in which a variable has two figures for one province, year and vintage."""
    twice = frame.duplicated(["variable", "vintage", "province", "year"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise DataError(
            "two segments give the same figure",
            where={key: row[key] for key in ("variable", "province", "year")},
        )


def _with_breaks(frame: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    frame = frame.copy()
    for key, entry in catalogue.variables.items():
        for each in entry.breaks:
            first = (frame["variable"] == key) & (frame["year"] == each.year)
            if each.provinces:
                first &= frame["province"].isin(each.provinces)
            if not first.any():
                raise DataError(
                    "a break is declared where there is no figure",
                    where={"variable": key, "year": each.year},
                )
            frame.loc[first & (frame["flag"] == "official"), "flag"] = "break"
    return frame
