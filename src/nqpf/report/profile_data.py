"""A province's page: its main figures, its file, and what the panel lacks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf.compare.profiles import breaks, flagged, gaps, main_figures, province_rows
from nqpf.report.html import Html, table
from nqpf.report.profile_parts import figure
from nqpf.report.profile_words import (
    BASE,
    Section,
    bilingual,
    folded,
    joined,
    link,
    page_key,
    paragraph,
    say,
    span_of,
    variable_name,
    with_note,
)
from nqpf.text import like_formula

if TYPE_CHECKING:
    from nqpf.compare.profiles import Profiles
    from nqpf.data import Panel

__all__ = ["SINCE", "csv_text", "figures", "gap_section"]

SINCE = 2010  # earlier years hold the accounts of capital alone


def csv_text(panel: Panel, code: int) -> str:
    """Return all rows of a province as CSV text, one figure a line.

    A text that a spreadsheet would run as a formula, because a reader's file
    brought it, is led by an apostrophe.

    Parameters
    ----------
    panel : Panel
        Figures.
    code : int
        GB/T 2260 code.

    Examples
    --------
    >>> from nqpf import Panel
    >>> csv_text(Panel.load(extra=False), 540000).splitlines()[0][:40]
    'province,province_en,province_zh,variabl'
    """
    rows = province_rows(panel, code)
    for column in rows.select_dtypes(exclude="number"):
        rows[column] = rows[column].map(_harmless)
    return rows.to_csv(index=False, lineterminator="\n")


def _harmless(text: str) -> str:
    return f"'{text}" if like_formula(text) else text


def figures(profiles: Profiles, code: int) -> Section:
    """Return the main figures of a province beside the median of all, and its file."""
    rows = []
    for _, row in main_figures(profiles, code).iterrows():
        name = with_note(_figure_name(profiles.panel, row), row["unit"])
        if pd.isna(row["year"]):
            rows.append([name, "–", "no figure", "–", "–"])
            continue
        rank = f"{row['rank']:.0f} of {row['of']:.0f}"
        found = [f"{row['year']:.0f}", figure(row["value"]), rank]
        rows.append([name, *found, figure(row["median"])])
    n = int((profiles.panel.frame["province"] == code).sum())
    own = profiles.panel.frame
    added = int(((own["province"] == code) & (own["flag"] == "reader")).sum())
    note = f", {added} of them added by the reader," if added else ""
    address = f"{BASE}/downloads/provinces/{page_key(code)}.csv"
    body = (
        paragraph(
            f"The latest figure of each, its rank from the highest and the median of the "
            f"provinces that year. All {n:,} rows of the panel{note} with unit, year, vintage, "
            "flag and yearbook: ",
            Html(f'<a href="{address}" download>{page_key(code)}.csv</a>', f"{page_key(code)}.csv"),
            ".",
        ),
        table(
            ["figure", "year", "value", "rank", "median"],
            rows,
            numeric=["year", "value", "rank", "median"],
        ),
    )
    return Section("Main figures", "主要数据", body)


def _figure_name(panel: Panel, row: pd.Series) -> Html:
    if row["formula"] in panel.catalogue.variables:
        return variable_name(panel, row["formula"])
    return bilingual(row["en"], row["zh"])


def gap_section(profiles: Profiles, code: int) -> Section:
    """Return what the panel lacks of a province, what is not official, and where series break."""
    panel = profiles.panel
    body: list[object] = [*_lacking(panel, code), *_not_official(panel, code)]
    body += _broken(panel, code)
    body.append(
        paragraph(
            "How the figures were checked: ",
            link("The quality of the panel", f"{BASE}/notebooks/data/quality.html"),
            ".",
        )
    )
    return Section("Gaps in its data", "数据缺口", tuple(body))


def _lacking(panel: Panel, code: int) -> list[Html]:
    found = gaps(panel, code, SINCE)
    if found.empty:
        text = f"From {SINCE} on it lacks no figure that another province has."
        return [paragraph(text)]
    whole = found[found["present"] == 0]
    n = found["variable"].nunique()
    many = f"{n} series" if n > 1 else "one series"
    said: list[object] = [f"From {SINCE} on it lacks figures that other provinces have in {many}"]
    if len(whole):
        names = [variable_name(panel, key) for key in whole["variable"].unique()]
        said += ["; no figure at all of ", joined(names)]
    rows = [
        [_name(panel, row), span_of(row["years"]), f"{row['present']}"]
        for _, row in found.iterrows()
    ]
    heads = ["series", "years missing", "years at hand"]
    return [paragraph(*said, "."), table(heads, rows, numeric=["years at hand"])]


def _name(panel: Panel, row: pd.Series) -> Html:
    name = variable_name(panel, row["variable"])
    return say(name, f" ({row['vintage']})") if row["vintage"] else name


def _not_official(panel: Panel, code: int) -> list[Html]:
    found = flagged(panel, code, SINCE)
    plain = found[found["flag"] != "break"]
    if plain.empty:
        return [paragraph("All its figures are as published.")]
    rows = [[_name(panel, row), row["flag"], span_of(row["years"])] for _, row in plain.iterrows()]
    count = int(plain["years"].map(len).sum())
    many = f"{count} figures" if count > 1 else "1 figure"
    text = f"Not as an office published them: {many}, by flag of the panel."
    return [paragraph(text), table(["series", "flag", "years"], rows)]


def _broken(panel: Panel, code: int) -> list[Html]:
    found = breaks(panel, code)
    own = found[found["own"]]
    if found.empty:
        return [paragraph("The catalogue knows of no break in its series.")]
    many = f"{len(found)} breaks" if len(found) > 1 else "1 break"
    said = f"The catalogue names {many} in its series"
    if len(own):
        said += f", {len(own)} of them in some provinces only"
    rows = [
        [
            variable_name(panel, row["variable"]),
            f"{row['year']}",
            say(row["note"]),
            "some provinces" if row["own"] else "all provinces",
        ]
        for _, row in found.sort_values("own", ascending=False, kind="stable").iterrows()
    ]
    every = table(["series", "year", "what changed", "where"], rows)
    text = f"{said}: figures on the two sides of a break do not compare."
    return [paragraph(text), folded("The breaks, series by series", every)]
