"""What every measure says of one province, computed once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.compare.certainty import uncertainty
from nqpf.compare.measures import _TFP as TFP
from nqpf.data.panel import DEFAULT_VINTAGE, Panel
from nqpf.errors import MethodError, SampleError
from nqpf.files import root
from nqpf.index.recipe import Index, Recipe, leading, obstacle_degree
from nqpf.systems.formula import Formula
from nqpf.systems.system import System, _defined, _Indicator, available
from nqpf.tfp.accounts import _BASE, production
from nqpf.tfp.solow import _SolowResult, solow_residual

__all__ = [
    "DRAWS",
    "LEADING",
    "MAIN",
    "Profiles",
    "SHARES",
    "TFP_GROWTH",
    "breaks",
    "dimensions",
    "extremes",
    "flagged",
    "gaps",
    "main_figures",
    "nearest",
    "obstacles",
    "province_rows",
    "rank_distance",
    "series",
    "standing",
]

GDP_PER_HEAD = _Indicator(
    name={"en": "GDP per head", "zh": "人均地区生产总值"},
    formula="gdp / population * 10000",
    unit="yuan per head",
    direction="benefit",
    note="At current prices, over the resident population at the end of the year.",
)
# Size, then income, research, technology, new business, energy.
MAIN = (
    "gdp",
    "gdp_per_head",
    "population",
    "urbanisation",
    "employment",
    "labour_productivity",
    "rd_intensity",
    "rd_personnel_density",
    "invention_patent_density",
    "technology_turnover",
    "new_product_intensity",
    "software_intensity",
    "ecommerce_intensity",
    "student_density",
    "energy_intensity",
    "nonthermal_share",
)


def series(panel: Panel, key: str, vintage: str = DEFAULT_VINTAGE) -> tuple[_Indicator, pd.Series]:
    """Return a variable of the panel or a shared indicator, with its name and unit.

    Parameters
    ----------
    panel : Panel
        Figures.
    key : str
        ``gdp_per_head``, an indicator of ``data/indicators.yaml`` or a variable.
    vintage : str
        Vintage of the national accounts.

    Returns
    -------
    indicator : Indicator
        Of a variable, its name and unit with the key as the formula.
    values : Series indexed (province, year)
        Where every figure of the formula is at hand.

    Raises
    ------
    nqpf.errors.DataError
        If there is no such variable or indicator.

    Examples
    --------
    >>> one, values = series(Panel.load(extra=False), "gdp_per_head")
    >>> one.unit, round(values[440000, 2022])
    ('yuan per head', 104722)
    """
    one = {"gdp_per_head": GDP_PER_HEAD, **_defined(root())}.get(key)
    if one is None:
        values = panel.wide([key], vintage=vintage)[key].dropna()
        known = panel.catalogue.variables[key]
        name = {"en": known.name.en, "zh": known.name.zh}
        unit = known.unit
        return _Indicator(name=name, formula=key, unit=unit, direction="benefit"), values
    formula = Formula.parse(one.formula, {"indicator": key})
    complete = panel.wide(list(formula.names), vintage=vintage).dropna()
    return one, formula.evaluate(complete, {"indicator": key})


def main_figures(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return the main figures of a province in its latest year, and where they put it.

    Returns
    -------
    DataFrame by key
        ``en``, ``zh``, ``unit``, ``formula``, ``year``, ``value``, ``rank``
        (1 for the highest), ``of`` (provinces with a figure that year) and
        ``median`` of those; year to median are missing where the province has
        no figure in any year.
    """
    rows = {}
    for key in MAIN:
        one, values = profiles.series(key)
        rows[key] = {"en": one.name.en, "zh": one.name.zh, "unit": one.unit}
        rows[key]["formula"] = one.formula
        if code not in values.index.unique("province"):
            continue
        year = int(values.loc[code].index.max())
        inside = values.xs(year, level="year")
        rank = inside.rank(ascending=False, method="min")[code]
        found = {"year": year, "value": inside[code], "rank": rank, "of": len(inside)}
        rows[key].update(found, median=inside.median())
    columns = ["en", "zh", "unit", "formula", "year", "value", "rank", "of", "median"]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)


def province_rows(panel: Panel, code: int) -> pd.DataFrame:
    """Return all rows of a province with names, units and yearbooks, in catalogue order.

    Returns
    -------
    DataFrame
        ``province``, ``province_en``, ``province_zh``, ``variable``,
        ``name_en``, ``name_zh``, ``year``, ``value``, ``unit``, ``vintage``,
        ``flag``, ``yearbook_en`` and ``yearbook_zh``.

    Examples
    --------
    >>> rows = province_rows(Panel.load(extra=False), 540000)
    >>> rows.loc[rows["variable"] == "population", "unit"].unique().tolist()
    ['10,000 persons']
    """
    known = panel.catalogue.variables
    order = {key: place for place, key in enumerate(known)}
    rows = panel.frame[panel.frame["province"] == code].copy()
    rows = rows.assign(order=rows["variable"].map(order))
    rows = rows.sort_values(["order", "vintage", "year"], kind="stable", ignore_index=True)

    def of(read: object) -> pd.Series:
        return rows["variable"].map({key: read(known[key]) for key in rows["variable"].unique()})

    return pd.DataFrame(
        {
            "province": rows["province"],
            "province_en": provinces.name(code, "en"),
            "province_zh": provinces.name(code, "zh"),
            "variable": rows["variable"],
            "name_en": of(lambda one: one.name.en),
            "name_zh": of(lambda one: one.name.zh),
            "year": rows["year"],
            "value": rows["value"],
            "unit": of(lambda one: one.unit),
            "vintage": rows["vintage"],
            "flag": rows["flag"],
            "yearbook_en": of(lambda one: one.yearbook.en),
            "yearbook_zh": of(lambda one: one.yearbook.zh),
        }
    )


TFP_GROWTH = "tfp_growth"
DRAWS = 2_000
# As in the chapter on certainty: 2 % of error in every figure, weights changed by a quarter.
CHOICES = MappingProxyType(
    {"error": 0.02, "perturb": 0.25, "aggregate": ["topsis", "linear", "vikor"]}
)
SHARES = (0.4, 0.5, 0.6)  # capital shares between which the rank by TFP is followed
LEADING = 3  # obstacles of a system that count as leading
LABOUR = "employment"  # of the production function; growth across its breaks is left out


@dataclass(frozen=True, eq=False, repr=False)
class Profiles:
    """Every province under every measure, made by :meth:`Profiles.load`.

    Attributes
    ----------
    panel : Panel
        The figures.
    vintage : str
        Vintage of the national accounts.
    year : int
        Year of the ranks: of the years in which most provinces have every
        measure, the last one.
    indices : mapping of str to Index
        By system key, each on its own complete sample, as its chapter fits it.
    solow : result of :func:`nqpf.tfp.solow_residual`
        Total factor productivity with a capital share of one half.
    ranks : DataFrame by province, a column per measure
        Rank in the year, 1 for the best, ties sharing the better rank; missing
        where a measure cannot rank the province. After the systems come
        ``tfp``, the level, and ``tfp_growth``, mean growth up to the year
        without the years of `broken`.
    bounds : DataFrame indexed (measure, province)
        ``lower`` and ``upper`` rank: for a system the 90 % interval over the
        draws of :func:`nqpf.compare.uncertainty`, for TFP the range over
        capital shares from 0.4 to 0.6.
    broken : Series of bool indexed (province, year)
        Where growth of productivity spans a break in employment.
    history : DataFrame indexed (province, year), a column per system and ``tfp``
        Rank in each year.
    shortfalls : DataFrame
        ``system``, ``province``, ``order``, ``indicator`` and ``degree``: the
        leading obstacles in the year, of the system's own weights summed up.
    degrees : DataFrame indexed (system, province), a column per indicator
        Obstacle degree in the year; missing where a system lacks the indicator.
    draws, seed : int
        Of the intervals.

    Examples
    --------
    >>> profiles = Profiles.load(Panel.load(extra=False), systems=["wu-2024"], draws=50)
    >>> int(profiles.ranks.loc[110000, "wu-2024"]), profiles.year
    (1, 2022)
    >>> profiles.missing(540000, "wu-2024")
    ['software_revenue']
    """

    panel: Panel
    vintage: str
    year: int
    indices: MappingProxyType[str, Index]
    solow: _SolowResult
    broken: pd.Series
    ranks: pd.DataFrame
    bounds: pd.DataFrame
    history: pd.DataFrame
    shortfalls: pd.DataFrame
    degrees: pd.DataFrame
    draws: int
    seed: int

    @classmethod
    def load(
        cls,
        panel: Panel,
        systems: Sequence[str] | None = None,
        vintage: str = DEFAULT_VINTAGE,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> Profiles:
        """Compute all measures for all provinces.

        Parameters
        ----------
        panel : Panel
            Figures.
        systems : sequence of str or None
            Keys of the systems; all that have a card when None.
        vintage : str
            Vintage of the national accounts.
        draws, seed : int
            Of the intervals of ranks.

        Raises
        ------
        nqpf.errors.SampleError
            If no year has a province under every measure.
        """
        loaded = [System.load(key) for key in (available() if systems is None else systems)]
        indices = {
            one.key: Recipe(**one.recipe).fit(one.evaluate(panel, vintage=vintage))
            for one in loaded
        }
        first = int(panel.wide(["gdp"], vintage=vintage).dropna().index.unique("year").min())
        sample = production(panel, base=max(_BASE, first), vintage=vintage)
        runs = {share: solow_residual(sample, share=share) for share in SHARES}
        solow = runs[0.5]
        year = _common_year([*(index.scores for index in indices.values()), solow.log_tfp])
        broken = panel.breaks([LABOUR], vintage=vintage)
        broken = broken.reindex(solow.growth.index, fill_value=False)
        tfp = {share: _tfp_ranks(run, year, broken) for share, run in runs.items()}
        own = {key: index.rank(year) for key, index in indices.items()}
        ranks = pd.DataFrame({**own, **tfp[0.5]}).reindex(provinces.codes())
        history = {key: index.rank() for key, index in indices.items()}
        history[TFP] = _by_year(solow.log_tfp)
        shortfalls, degrees = _obstacles(indices, year)
        return cls(
            panel=panel,
            vintage=vintage,
            year=year,
            indices=MappingProxyType(indices),
            solow=solow,
            broken=broken,
            ranks=ranks.astype("float64").rename_axis("province"),
            bounds=_bounds(indices, tfp, year, draws, seed),
            history=pd.DataFrame(history).astype("float64").sort_index(),
            shortfalls=shortfalls,
            degrees=degrees,
            draws=draws,
            seed=seed,
        )

    @property
    def systems(self) -> list[str]:
        """Keys of the composite indices."""
        return list(self.indices)

    @cached_property
    def counts(self) -> pd.Series:
        """Number of provinces that each measure ranks in the year."""
        return self.ranks.notna().sum()

    @cached_property
    def _series(self) -> dict[str, tuple[_Indicator, pd.Series]]:
        return {}

    def series(self, key: str) -> tuple[_Indicator, pd.Series]:
        """Return :func:`nqpf.compare.profiles.series` of this panel and vintage, computed once."""
        if key not in self._series:
            self._series[key] = series(self.panel, key, self.vintage)
        return self._series[key]

    def broken_years(self, code: int) -> list[int]:
        """Return the years in which growth of a province's productivity spans a break."""
        own = self.broken[self.broken.index.get_level_values("province") == code]
        return [int(year) for _, year in own.index[own]]

    def missing(self, code: int, measure: str) -> list[str]:
        """Return the variables without which a measure cannot rank a province in the year.

        As the matrix of the system, or the sample of the production function,
        reports it; empty where the measure ranks the province.
        """
        if pd.notna(self.ranks.loc[code, measure]):
            return []
        if measure in self.indices:
            dropped = self.indices[measure].matrix.dropped
            row = dropped[(dropped["province"] == code) & (dropped["year"] == self.year)]
            return [name for text in row["reason"] for name in _names(text)]
        needed = ["gdp", "gdp_index", "capital_stock", "investment_price", "employment"]
        wide = self.panel.wide(needed, [self.year], self.vintage)
        wide = wide.reindex(pd.MultiIndex.from_tuples([(code, self.year)], names=wide.index.names))
        return [name for name in needed if wide[name].isna().iloc[0]]


def _names(reason: str) -> list[str]:
    return reason.removeprefix("missing: ").split(", ")


def _common_year(scores: list[pd.Series]) -> int:
    """Return the last of the years in which most provinces have every score."""
    common = pd.concat(scores, axis=1, join="inner").dropna()
    sizes = common.groupby(level="year").size()
    if sizes.empty:
        raise SampleError(
            "no province-year has every measure",
            expected="a year that all systems and total factor productivity cover",
        )
    return int(sizes[sizes == sizes.max()].index.max())


def _tfp_ranks(run: _SolowResult, year: int, broken: pd.Series) -> dict[str, pd.Series]:
    """Return ranks by the level of the year and by mean growth up to it, breaks left out."""
    level = run.log_tfp[run.log_tfp.index.get_level_values("year") == year]
    growth = run.accounting(end=year, without=broken)["tfp"]
    growth = growth.reindex(level.index.unique("province"))
    return {
        TFP: level.droplevel("year").rank(ascending=False, method="min"),
        TFP_GROWTH: growth.rank(ascending=False, method="min"),
    }


def _by_year(values: pd.Series) -> pd.Series:
    return values.groupby(level="year").rank(ascending=False, method="min")


def _bounds(
    indices: dict[str, Index],
    tfp: dict[float, dict[str, pd.Series]],
    year: int,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    parts = {}
    for key, index in indices.items():
        run = uncertainty(
            index.matrix, draws=draws, seed=seed, year=year, baseline=index.recipe, **CHOICES
        )
        parts[key] = run.intervals(0.9)[["lower", "upper"]]
    for key in (TFP, TFP_GROWTH):
        each = pd.DataFrame({share: ranks[key] for share, ranks in tfp.items()})
        parts[key] = pd.DataFrame({"lower": each.min(axis=1), "upper": each.max(axis=1)})
    return pd.concat(parts, names=["measure", "province"]).astype("int64")


def _obstacles(indices: dict[str, Index], year: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return leading obstacles and all degrees, each system summed up with its own weights."""
    first, each = [], {}
    for key, index in indices.items():
        recipe = index.recipe
        linear = Recipe(normalise=recipe.normalise, weights=recipe.weights, aggregate="linear")
        fitted = index if recipe.aggregate == "linear" else linear.fit(index.matrix)
        found = leading(fitted, top=LEADING).xs(year, level="year").reset_index()
        first.append(found.assign(system=key))
        each[key] = obstacle_degree(fitted).xs(year, level="year")
    columns = ["system", "province", "order", "obstacle", "degree"]
    shortfalls = pd.concat(first, ignore_index=True)[columns]
    shortfalls = shortfalls.rename(columns={"obstacle": "indicator"})
    return shortfalls, pd.concat(each, names=["system", "province"])


_SERIES = ["variable", "vintage"]


def gaps(panel: Panel, code: int, since: int = 2010) -> pd.DataFrame:
    """Return the years in which a province lacks a figure that other provinces have.

    Parameters
    ----------
    panel : Panel
        Figures.
    code : int
        GB/T 2260 code.
    since : int
        First year to look at; earlier years hold the accounts alone.

    Returns
    -------
    DataFrame
        ``variable``, ``vintage``, ``years`` (list of int) and ``present``,
        the number of years since `since` with a figure: 0 where the panel has
        none at all. In the order of the catalogue.
    """
    frame = panel.frame[panel.frame["year"] >= since]
    every = frame.drop_duplicates(["variable", "vintage", "year"]).groupby(_SERIES)["year"]
    mine = frame[frame["province"] == code].groupby(_SERIES)["year"].agg(set).to_dict()
    rows = []
    for (variable, vintage), years in every.agg(list).items():
        own = mine.get((variable, vintage), set())
        lacking = sorted({int(year) for year in years} - own)
        if lacking:
            rows.append([variable, vintage, lacking, len(own)])
    return _ordered(panel, rows, ["variable", "vintage", "years", "present"])


def flagged(panel: Panel, code: int, since: int = 2010) -> pd.DataFrame:
    """Return a province's figures that are not official, one row per variable and flag.

    Returns
    -------
    DataFrame
        ``variable``, ``vintage``, ``flag`` and ``years`` (list of int).
    """
    frame = panel.frame
    frame = frame[(frame["province"] == code) & (frame["year"] >= since)]
    frame = frame[frame["flag"] != "official"]
    rows = [
        [*key, sorted(int(year) for year in part["year"])]
        for key, part in frame.groupby(["variable", "vintage", "flag"], sort=True)
    ]
    return _ordered(panel, rows, ["variable", "vintage", "flag", "years"])


def breaks(panel: Panel, code: int) -> pd.DataFrame:
    """Return the breaks in a province's series that the catalogue names.

    Returns
    -------
    DataFrame
        ``variable``, ``year``, ``note`` and ``own``, whether the break is of
        some provinces only.
    """
    rows = [
        [key, "", item.year, item.note, bool(item.provinces)]
        for key, variable in panel.catalogue.variables.items()
        for item in variable.breaks
        if not item.provinces or code in item.provinces
    ]
    table = _ordered(panel, rows, ["variable", "vintage", "year", "note", "own"])
    return table.drop(columns="vintage")


def _ordered(panel: Panel, rows: list[list], columns: list[str]) -> pd.DataFrame:
    order = {key: place for place, key in enumerate(panel.catalogue.variables)}
    rows = sorted(rows, key=lambda row: (order.get(row[0], len(order)), str(row[1:3])))
    return pd.DataFrame(rows, columns=columns)


def rank_distance(ranks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how many places apart each two provinces are on average, and over how many measures.

    Parameters
    ----------
    ranks : DataFrame
        By province, a column per measure; missing where a measure lacks the province.

    Returns
    -------
    distance : DataFrame, province by province
        Mean absolute difference of rank over the measures that rank both;
        missing where there is none. Symmetric, zero on the diagonal.
    shared : DataFrame of int, province by province
        Number of those measures.

    Examples
    --------
    >>> ranks = pd.DataFrame({"a": [1, 2, None], "b": [1, 4, 3]}, index=[11, 12, 13])
    >>> distance, shared = rank_distance(ranks)
    >>> distance.loc[11].tolist(), shared.loc[11].tolist()
    ([0.0, 2.0, 2.0], [2, 2, 1])
    """
    values = ranks.to_numpy(dtype="float64")
    apart = np.abs(values[:, None, :] - values[None, :, :])
    both = ~np.isnan(apart)
    shared = both.sum(axis=2)
    total = np.where(both, apart, 0.0).sum(axis=2)
    mean = np.divide(total, shared, out=np.full(total.shape, np.nan), where=shared > 0)
    labels = {"index": ranks.index, "columns": ranks.index.rename("other")}
    return pd.DataFrame(mean, **labels), pd.DataFrame(shared, **labels)


def nearest(profiles: Profiles, code: int, n: int = 5) -> pd.DataFrame:
    """Return the provinces nearest to one in rank under all measures.

    Parameters
    ----------
    profiles : Profiles
        All provinces under all measures.
    code : int
        GB/T 2260 code.
    n : int
        How many.

    Returns
    -------
    DataFrame by province, the nearest first
        ``distance`` in places, ``measures`` shared, and ``mutual``, whether
        the province is in turn among the `n` nearest of the other. Of equal
        distances the one over more measures comes first, then the lower code.

    Raises
    ------
    nqpf.errors.MethodError
        If `n` is less than one.
    """
    if n < 1:
        raise MethodError(f"n is {n!r}", expected="one or more peers")
    distance, shared = rank_distance(profiles.ranks)
    table = _order(distance, shared, code).head(n)
    back = [code in _order(distance, shared, other).index[:n] for other in table.index]
    return table.assign(mutual=back)


def _order(distance: pd.DataFrame, shared: pd.DataFrame, code: int) -> pd.DataFrame:
    table = pd.DataFrame({"distance": distance.loc[code], "measures": shared.loc[code]})
    table = table.drop(index=code).dropna().rename_axis("province").sort_index()
    return table.sort_values(["distance", "measures"], ascending=[True, False], kind="stable")


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
