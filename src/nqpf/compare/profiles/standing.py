"""Where a province stands within the measures: dimensions, obstacles, best and worst rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf.compare.profiles.load import LEADING

if TYPE_CHECKING:
    from nqpf.compare.profiles.load import Profiles

__all__ = ["dimensions", "extremes", "obstacles", "standing"]


def standing(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return a province's rank under every measure: indices, the best first, then TFP.

    Returns
    -------
    DataFrame by measure
        ``rank``, ``of`` (provinces ranked), ``lower``, ``upper``; missing where
        a measure cannot rank the province. Indices without a rank come after
        those with one; equal ranks keep the order of the measures.
    """
    table = pd.DataFrame({"rank": profiles.ranks.loc[code], "of": profiles.counts})
    bounds = profiles.bounds[profiles.bounds.index.get_level_values("province") == code]
    table = table.join(bounds.droplevel("province")).rename_axis("measure")
    own = table.loc[profiles.systems].sort_values("rank", kind="stable", na_position="last")
    return pd.concat([own, table.drop(index=profiles.systems)])


def dimensions(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return a province's rank in every dimension of every system that ranks it, best first.

    Returns
    -------
    DataFrame
        ``system``, ``dimension`` (key), ``en``, ``zh``, ``rank``, ``of`` and
        ``place``, 0 for the first of the provinces ranked and 1 for the last.
        A dimension whose weights are all zero ranks nobody and is left out.
    """
    rows = []
    for key, index in profiles.indices.items():
        scores = index.dimension_scores.xs(profiles.year, level="year").dropna(axis="columns")
        if code not in scores.index:
            continue
        ranks = scores.rank(ascending=False, method="min").loc[code]
        names = index.matrix.system.dimension_names
        for dimension, rank in ranks.items():
            n = len(scores)
            name = names[dimension]
            place = (rank - 1) / max(n - 1, 1)
            rows.append([key, dimension, name.en, name.zh, int(rank), n, place])
    columns = ["system", "dimension", "en", "zh", "rank", "of", "place"]
    return pd.DataFrame(rows, columns=columns).sort_values("place", kind="stable")


def extremes(found: pd.DataFrame, n: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the strongest and the weakest dimensions, each name and rank once.

    Strong is a place in the first half of the provinces ranked, weak one in the
    second half; where there is none, the best or the worst stands alone.

    Parameters
    ----------
    found : DataFrame
        Of :func:`dimensions`.
    n : int
        Rows of each table at most. A line is in one of the two only.

    Returns
    -------
    tuple of DataFrame
        ``en``, ``zh``, ``rank``, ``of``, ``place`` and ``systems``, the keys
        of the systems in which a dimension of that name has that rank; the
        strongest begin with the best rank, the weakest with the worst.

    Examples
    --------
    >>> found = pd.DataFrame({"system": ["a", "b", "c"], "en": ["green", "green", "skills"],
    ...     "zh": ["绿", "绿", "能"], "rank": [2, 2, 9], "of": 31, "place": [0.03, 0.03, 0.3]})
    >>> strong, weak = extremes(found, n=1)
    >>> strong["systems"].tolist(), weak["en"].tolist()
    ([['a', 'b']], ['skills'])
    """
    keys = ["en", "zh", "rank", "of", "place"]
    merged = found.groupby(keys, sort=False)["system"].agg(list).rename("systems").reset_index()
    merged = merged.sort_values("place", kind="stable", ignore_index=True)
    first = merged["place"] < 0.5
    strong = merged[first] if first.any() else merged.head(1)
    rest = merged.drop(index=strong.index)
    last = rest["place"] >= 0.5
    weak = rest[last] if last.any() else merged.drop(index=strong.index[:n]).tail(1)
    weak = weak.sort_values("place", ascending=False, kind="stable")
    return strong.head(n), weak.head(n)


def obstacles(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return the indicators that most often hold a province back, over all systems.

    Returns
    -------
    DataFrame by indicator
        ``leading``, the number of systems in which the indicator is among the
        three largest obstacles; ``held``, the number of systems that hold it
        and rank the province; ``share``, the first over the second; ``degree``,
        its mean obstacle degree over the latter in per cent; ``provinces``, for
        how many provinces it leads in at least half of the systems that hold
        it. Most systems first, then the largest degree. Empty where no system
        ranks the province.
    """
    every = _leading(profiles)
    if code not in every.index.get_level_values("province"):
        return pd.DataFrame(columns=["leading", "held", "share", "degree", "provinces"])
    table = every.xs(code, level="province")
    table = table[table["leading"] > 0]
    common = every[every["share"] >= 0.5].groupby(level="indicator").size()
    table = table.assign(provinces=common.reindex(table.index).fillna(0).astype("int64"))
    return table.sort_values(["leading", "degree"], ascending=False, kind="stable")


def _leading(profiles: Profiles) -> pd.DataFrame:
    """Return the counts of :func:`obstacles` for all provinces, by (province, indicator)."""
    long = profiles.degrees.rename_axis(columns="indicator").stack().dropna().rename("degree")
    groups = long.groupby(level=["province", "indicator"], sort=False)
    table = pd.DataFrame({"held": groups.size(), "degree": groups.mean()})
    first = profiles.shortfalls[profiles.shortfalls["order"] <= LEADING]
    counts = first.groupby(["province", "indicator"]).size()
    table.insert(0, "leading", counts.reindex(table.index).fillna(0).astype("int64"))
    return table.assign(share=table["leading"] / table["held"])
