"""A province's page: its ranks over the years, and what the choice of measure does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.compare.profiles import dimensions
from nqpf.report.html import table
from nqpf.report.profile_figures import rank_ribbon
from nqpf.report.profile_words import (
    BASE,
    Section,
    apart,
    bilingual,
    folded,
    joined,
    link,
    measure_name,
    ordinal,
    paragraph,
    place,
    say,
)

if TYPE_CHECKING:
    from nqpf.compare.profiles import Profiles

__all__ = ["by_year", "change", "history"]


def by_year(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return the median, best and worst rank over the composite indices, year by year.

    Returns
    -------
    DataFrame by year
        ``median``, ``best``, ``worst`` and ``measures``, the number of indices
        that rank the province; years without any are left out.
    """
    rows = profiles.history[profiles.history.index.get_level_values("province") == code]
    own = rows.droplevel("province")[profiles.systems].dropna(how="all")
    return pd.DataFrame(
        {
            "median": own.median(axis=1),
            "best": own.min(axis=1),
            "worst": own.max(axis=1),
            "measures": own.notna().sum(axis=1),
        }
    )


def history(profiles: Profiles, code: int) -> Section:
    """Return how the ranks moved over the years."""
    found = by_year(profiles, code)
    rows = profiles.history[profiles.history.index.get_level_values("province") == code]
    tfp = rows.droplevel("province")["tfp"].dropna()
    title = f"{provinces.name(code, 'both')}: ranks over the years"
    body: list[object] = [paragraph(*_moves(found))]
    broken = profiles.broken_years(code)
    if len(found) or len(tfp):
        body.append(rank_ribbon(found, tfp, title, len(provinces.codes()), broken))
    years = sorted(int(year) for year in rows.dropna(how="all").index.unique("year"))
    years = [year for year in years if year in found.index]
    cells = [
        [measure_name(str(m)), *(_cell(own.get((code, year))) for year in years)]
        for m, own in rows.to_dict().items()
    ]
    heads = [str(year) for year in years]
    if years:
        every = table(["measure", *heads], cells, numeric=heads)
        body.append(folded("The rank in every year, measure by measure", every))
    return Section("How the rank moved", "位次的变化", tuple(body))


def _cell(rank: float | None) -> str:
    return "–" if rank is None or pd.isna(rank) else f"{rank:.0f}"


def _moves(found: pd.DataFrame) -> list[object]:
    if found.empty:
        return ["No composite index ranks it in any year."]
    full = found[found["measures"] == found["measures"].max()]
    first, last = full.iloc[0], full.iloc[-1]
    n = int(last["measures"])
    over = f"the {n} composite indices that rank it" if n > 1 else "the one index that ranks it"
    start, end = int(full.index[0]), int(full.index[-1])
    if start == end:
        said = f"In {start} its median rank over {over} was {first['median']:g}. "
    elif first["median"] == last["median"]:
        said = f"Its median rank over {over} was {first['median']:g} in {start} and in {end}. "
    else:
        better = last["median"] < first["median"]
        said = (
            f"Its median rank over {over} {'improved' if better else 'fell'} from "
            f"{first['median']:g} in {start} to {last['median']:g} in {end}. "
        )
    out = [said]
    if start != end:
        before, after = first["worst"] - first["best"], last["worst"] - last["best"]
        out.append(
            f"Best and worst index lay {apart(before)} apart in {start} and {apart(after)} "
            f"in {end}. "
        )
    thin = found[found["measures"] < found["measures"].max()]
    if len(thin):
        each = [f"{year} ({row['measures']:.0f})" for year, row in thin.iterrows()]
        out += ["Fewer indices rank it in ", joined(each), "; these points are hollow."]
    return out


def change(profiles: Profiles, code: int) -> Section:
    """Return the best and the worst rank over the indices, and the dimensions behind them."""
    own = profiles.ranks.loc[code, profiles.systems].dropna()
    title = ("What the choice of measure changes", "测度选择的影响")
    if own.empty:
        return Section(*title, (paragraph("No composite index ranks it: nothing to compare."),))
    best, worst = own.min(), own.max()
    found = dimensions(profiles, code)
    body: list[object] = []
    if best == worst:
        same = "Every index that ranks it gives it the same rank, "
        body.append(paragraph(f"{same}{ordinal(best)}."))
        return Section(*title, tuple(body))
    for rank, word, pick in ((best, "best", "idxmin"), (worst, "worst", "idxmax")):
        by = [str(system) for system in own.index[own == rank]]
        body.append(paragraph(*_why(profiles, found, rank, word, by, pick)))
    widths = profiles.ranks[profiles.systems].max(axis=1) - profiles.ranks[profiles.systems].min(
        axis=1
    )
    body.append(
        paragraph(
            f"Best and worst lie {apart(worst - best)} apart; over all provinces the median is "
            f"{widths.median():g}. See ",
            link("Fifteen systems side by side", f"{BASE}/notebooks/comparison/fifteen.html"),
            ".",
        )
    )
    return Section(*title, tuple(body))


def _why(
    profiles: Profiles, found: pd.DataFrame, rank: float, word: str, by: list[str], pick: str
) -> list[object]:
    """Say which systems give a rank, and the dimension that stands out in each."""
    each: list[object] = []
    for system in by:
        inside = found[found["system"] == system]
        row = inside.loc[getattr(inside["place"], pick)()]
        name = bilingual(row["en"], row["zh"])
        at = f", {place(row['rank'], row['of'])}"
        each.append(say(measure_name(system), " (", name, at, ")"))
    side = "highest" if pick == "idxmin" else "lowest"
    return [
        f"The {word} rank, {ordinal(rank)}, comes from ",
        joined(each),
        f"; in brackets the dimension in which it stands {side} there.",
    ]
