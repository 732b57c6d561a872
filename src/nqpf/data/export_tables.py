"""The tables of an exported panel: figures, catalogue, sources, and what they mean."""

from __future__ import annotations

import pandas as pd

from nqpf import __version__, provinces
from nqpf.data.catalogue import Segment
from nqpf.data.panel import COLUMNS, Panel
from nqpf.text import visible

__all__ = ["ABOUT", "FLAGS", "about", "catalogue_frame", "figures_frame", "sources_frame"]

TITLE = "Statistics of the 31 provincial-level units of mainland China"
TITLE_ZH = "中国大陆31个省级行政区统计面板"
BOOK = "Measuring New Quality Productive Forces: an executable survey"
BOOK_ZH = "新质生产力的测度：可执行的综述"

ABOUT = {
    "rights": "The figures are facts published by statistical authorities, or computed from them "
    "where flagged 'derived' or 'extrapolated'; the sheet, table or "
    "metadata 'catalogue' names publisher and yearbook of each, 'sources' the public file it was "
    "transcribed from, with its hash. Names, definitions and notes are text of the book, "
    "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).",
    "cite": "Cite the publisher and yearbook of the figures that you use, and this compilation: "
    f"The contributors to Measuring New Quality Productive Forces (2026). {BOOK}, version "
    f"{__version__}.",
}
FLAGS = {
    "official": "as published",
    "derived": "computed by this book from official figures, as the catalogue says",
    "spliced": "continued with a closely related official series, named in the sources",
    "extrapolated": "continued by a stated rule, for lack of a published figure",
    "interpolated": "a gap filled on request; none is embedded",
    "break": "the first official figure on a new basis, not comparable with the year before",
    "reader": "added by the reader of this copy with `nqpf data add`; not an embedded figure",
}
VINTAGES = {
    "census5": "national accounts as revised after the fifth economic census (第五次经济普查)",
    "census4": "national accounts as revised after the fourth economic census (第四次经济普查)",
}
READER, DERIVED = "reader", "derived"
COLUMN_NOTES = {
    "province": "GB/T 2260 code, with the names in English and Chinese",
    "year": "calendar year",
    "variable": "key of the catalogue, with the names in English and Chinese",
    "value": "the figure in the unit beside it",
    "vintage": "empty unless the series exists in more than one; never mix two in one analysis",
    "flag": "what kind of figure it is, explained below",
    "source": f"key of the sources; '{DERIVED}' is computed from other series as the catalogue "
    f"says, '{READER}' is the reader's own",
}


def figures_frame(panel: Panel) -> pd.DataFrame:
    """Return every figure with names, unit and the key of its source, in a fixed order.

    Parameters
    ----------
    panel : Panel
        Figures and their catalogue.

    Returns
    -------
    DataFrame
        One row per row of ``panel.frame``, sorted by variable (in catalogue
        order), vintage, province and year.

    Examples
    --------
    >>> rows = figures_frame(Panel.load(extra=False))
    >>> rows[rows["variable"] == "gdp"].iloc[-1][["province_zh", "unit", "source"]].tolist()
    ['新疆', '100 million yuan', 'nbs_gdp_census5']
    """
    entries = panel.catalogue.variables
    rows = panel.frame[COLUMNS]
    order = {key: place for place, key in enumerate(entries)}
    keys = rows["variable"].map(order)
    rows = rows.assign(_order=keys).sort_values(
        ["_order", "vintage", "province", "year"], kind="stable", ignore_index=True
    )
    units = provinces.table()
    table = pd.DataFrame(
        {
            "province": rows["province"],
            "province_en": rows["province"].map(units["en"]),
            "province_zh": rows["province"].map(units["zh"]),
            "year": rows["year"],
            "variable": rows["variable"],
            "variable_en": rows["variable"].map(
                {k: visible(v.name.en) for k, v in entries.items()}
            ),
            "variable_zh": rows["variable"].map(
                {k: visible(v.name.zh) for k, v in entries.items()}
            ),
            "value": rows["value"],
            "unit": rows["variable"].map({k: visible(v.unit) for k, v in entries.items()}),
            "vintage": rows["vintage"],
            "flag": rows["flag"],
        }
    )
    return table.assign(source=_sources_of(rows, panel))


def _sources_of(rows: pd.DataFrame, panel: Panel) -> pd.Series:
    """Return the key of the source of each row."""
    found = pd.Series(DERIVED, index=rows.index, dtype="str")
    for key, part in rows.groupby("variable", sort=False):
        for segment in panel.catalogue.variables[key].segments:
            found[part.index[_covered(part, segment)]] = segment.source
    found[rows["flag"] == READER] = READER
    return found


def _covered(part: pd.DataFrame, segment: Segment) -> pd.Series:
    """Return which rows of a variable a segment gives: its years less what it leaves out."""
    inside = part["year"].between(*segment.years) & (part["vintage"] == segment.vintage)
    for left_out in (segment.skip, segment.gaps):
        for province, years in left_out.items():
            inside &= ~((part["province"] == province) & part["year"].isin(years))
    return inside


def catalogue_frame(panel: Panel) -> pd.DataFrame:
    """Return what each variable is, one row per variable that has figures."""
    coverage = panel.coverage()
    records = []
    for key in panel.variables:
        entry = panel.catalogue.variables[key]
        lines = coverage.loc[[key]]
        records.append(
            {
                "variable": key,
                "name_en": entry.name.en,
                "name_zh": entry.name.zh,
                "theme": entry.theme,
                "unit": entry.unit,
                "definition": entry.definition,
                "publisher_en": entry.publisher.en,
                "publisher_zh": entry.publisher.zh,
                "yearbook_en": entry.yearbook.en,
                "yearbook_zh": entry.yearbook.zh,
                "vintages": ", ".join(entry.vintages),
                "first_year": int(lines["first"].min()),
                "last_year": int(lines["last"].max()),
                "provinces": int(lines["provinces"].max()),
                "figures": int(lines["figures"].sum()),
                "derived_by": entry.derived,
                "breaks": "; ".join(
                    _break(item.year, item.provinces, item.note) for item in entry.breaks
                ),
                "note": " ".join(text for text in (entry.note, entry.national_note) if text),
            }
        )
    return pd.DataFrame(list(map(_visible, records)))


def _visible(record: dict[str, object]) -> dict[str, object]:
    return {k: visible(cell) if isinstance(cell, str) else cell for k, cell in record.items()}


def _break(year: int, codes: list[int], note: str) -> str:
    where = f" ({', '.join(provinces.name(code) for code in codes)})" if codes else ""
    return f"{year}{where}: {note}"


def sources_frame(panel: Panel) -> pd.DataFrame:
    """Return where the figures come from, one row per run of years of a variable."""
    records = []
    for key in panel.variables:
        for segment in panel.catalogue.variables[key].segments:
            source = panel.catalogue.sources[segment.source]
            records.append(
                {
                    "variable": key,
                    "vintage": segment.vintage,
                    "first_year": segment.years[0],
                    "last_year": segment.years[1],
                    "source": segment.source,
                    "item": segment.item,
                    "flag": segment.flag,
                    "repository": source.repository,
                    "commit": source.commit,
                    "path": source.path,
                    "sha256": source.sha256,
                    "licence_of_repository": source.licence,
                    "note": segment.note,
                }
            )
    columns = ["variable", "vintage", "first_year", "last_year", "source", "item", "flag"]
    columns += ["repository", "commit", "path", "sha256", "licence_of_repository", "note"]
    return pd.DataFrame(list(map(_visible, records)), columns=columns)


def about(panel: Panel) -> list[tuple[str, str]]:
    """Return what a reader of the files must know: pairs of a heading and its text."""
    own = int((panel.frame["flag"] == READER).sum())
    rows = [
        (TITLE, TITLE_ZH),
        ("From the book", f"{BOOK} {BOOK_ZH}, version {__version__}"),
        ("Figures", f"{len(panel.frame):,} of {len(panel.variables)} variables"),
        ("Rights 权利", ABOUT["rights"]),
        ("How to cite 引用", ABOUT["cite"]),
    ]
    if own:
        text = f"{own:,} of the figures were added by the reader of this copy; flag '{READER}'."
        rows.append(("Reader's own figures", text))
    rows += [(f"Column {name}", text) for name, text in COLUMN_NOTES.items()]
    rows += [(f"Vintage {name}", text) for name, text in VINTAGES.items()]
    return rows + [(f"Flag {name}", text) for name, text in FLAGS.items()]
