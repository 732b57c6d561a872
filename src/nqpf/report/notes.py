"""Small marks and notes: the status of a fact, the data behind a result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import MethodError
from nqpf.report.alt import listed
from nqpf.report.html import Html

if TYPE_CHECKING:
    import pandas as pd

    from nqpf.data import Panel
    from nqpf.systems import IndicatorMatrix

__all__ = ["STATUS", "data_note", "status_badges"]

STATUS = {
    "S": "S: the survey states it",
    "V": "V: verified in a second public record",
    "B": "B: this book's own choice",
}
_MARK = re.compile(r"\(([SVB](?:, ?[SVB])*)\)|^([SVB])$")


def status_badges(text: str) -> Html:
    """Turn the marks (S), (V) and (B) of a text into badges that say what they mean.

    Parameters
    ----------
    text : str
        Plain text with marks in brackets, ``(S)`` or ``(S, V)``, or a single letter.

    Examples
    --------
    >>> status_badges("entropy (S)").html
    'entropy <span class="status status-s" title="S: the survey states it">S</span>'
    """
    parts, end = [], 0
    for match in _MARK.finditer(text):
        parts.append(escape(text[end : match.start()]))
        letters = re.findall("[SVB]", match[0])
        parts.append(" ".join(_badge(letter) for letter in letters))
        end = match.end()
    parts.append(escape(text[end:]))
    return Html("".join(parts), text)


def _badge(letter: str) -> str:
    title = escape(STATUS[letter])
    return f'<span class="status status-{letter.lower()}" title="{title}">{letter}</span>'


def data_note(
    panel: Panel,
    matrix: IndicatorMatrix | None = None,
    variables: Sequence[str] | None = None,
    years: Iterable[int] | None = None,
    vintage: str = "census5",
) -> Html:
    """Say in a line on what data a result stands.

    Parameters
    ----------
    panel : Panel
        The panel in use; it tells the flag of each figure.
    matrix : IndicatorMatrix or None
        The sample; sets variables, years and vintage.
    variables : sequence of str or None
        Variables of the catalogue, when there is no matrix of a system.
    years : iterable of int or None
        Years, when there is no matrix; all when None.
    vintage : str
        Vintage of the national accounts, when there is no matrix.

    Returns
    -------
    Html
        Vintage, sample, what was dropped and why, the share of figures by
        flag, and whether the reader's own rows are among them.

    Raises
    ------
    nqpf.errors.MethodError
        If neither variables nor the matrix of a system are given.
    """
    if matrix is not None:
        vintage = matrix.vintage or vintage
        years = matrix.years
        variables = matrix.system.variables if matrix.system and not variables else variables
    if not variables:
        raise MethodError("no variables", expected="a matrix of a system, or variables")
    flags = panel.flags(variables, years, vintage)
    if matrix is not None:
        flags = flags.reindex(matrix.values.index)
    dated = any(panel.catalogue.variables[key].vintages for key in variables)
    parts = [
        f"national accounts of vintage {vintage}" if dated else "no series with vintages",
        _sample(flags),
        *(_dropped(matrix, panel) if matrix is not None else []),
        _flags(flags.stack()),
    ]
    text = "Data: " + "; ".join(parts) + "."
    return Html(f'<p class="data-note">{escape(text)}</p>', text)


def _sample(flags: pd.DataFrame) -> str:
    from nqpf.systems.matrix import span

    rows = flags.dropna(how="all")
    units, years = rows.index.unique("province"), rows.index.unique("year")
    text = f"{len(units)} provinces, {span(years)}, {len(rows)} province-years"
    return text if len(rows) == len(units) * len(years) else text + " (unbalanced)"


def _dropped(matrix: IndicatorMatrix, panel: Panel) -> list[str]:
    """Say what the sample leaves out: years without any row, then reasons, most rows first."""
    from nqpf.systems.matrix import span

    inside = matrix.dropped["year"].isin(matrix.years)
    outside, dropped = matrix.dropped[~inside], matrix.dropped[inside]
    notes = [f"no province is complete in {span(outside['year'])}"] if len(outside) else []
    reasons = []
    order = dropped.groupby("reason", sort=True).size().sort_values(ascending=False, kind="stable")
    for reason in order.index:
        rows = dropped[dropped["reason"] == reason]
        who = listed([provinces.name(code) for code in rows["province"].unique()], limit=3)
        reasons.append(f"{who} {span(rows['year'])} ({_named(reason, panel)})")
    if reasons:
        notes.append(f"left out {len(dropped)} province-years: {listed(reasons, limit=4)}")
    return notes


def _named(reason: str, panel: Panel) -> str:
    """Put the names of variables in the place of their keys."""
    known = panel.catalogue.variables
    return re.sub(r"\w+", lambda m: known[m[0]].name.en if m[0] in known else m[0], reason)


def _flags(flags: pd.Series) -> str:
    counts = flags.dropna().value_counts()
    total = int(counts.sum())
    if not total:
        return "no figures"
    shares = [f"{_per_cent(n / total)} {flag}" for flag, n in counts.items()]
    own = int(counts.get("reader", 0))
    note = f"{own} of the reader's own rows" if own else "no rows added by the reader"
    return f"{total:,} figures, {', '.join(shares)}; {note}"


def _per_cent(share: float) -> str:
    """Return a share in per cent; what rounds to none or to all says that it is neither."""
    if 0 < share < 0.0005:
        return "under 0.1 %"
    return "over 99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"
