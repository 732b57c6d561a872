"""What every measure says of one province, computed once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import pandas as pd

from nqpf import provinces
from nqpf.compare.certainty import uncertainty
from nqpf.compare.measures import _DRAWN, _LEVEL, _TFP, _ranked, _solow
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import SampleError
from nqpf.files import root
from nqpf.index.recipe import Index, Recipe
from nqpf.systems.formula import Formula
from nqpf.systems.system import System, _defined, _Indicator, available
from nqpf.tfp.accounts import _SolowResult

_GDP_PER_HEAD = _Indicator(
    name={"en": "GDP per head", "zh": "人均地区生产总值"},
    formula="gdp / population * 10000",
    unit="yuan per head",
    direction="benefit",
    note="At current prices, over the resident population at the end of the year.",
)
# Size, then income, research, technology, new business, energy.
_MAIN = (
    *("gdp", "gdp_per_head", "population", "urbanisation", "employment", "labour_productivity"),
    *("rd_intensity", "rd_personnel_density", "invention_patent_density", "technology_turnover"),
    *("new_product_intensity", "software_intensity", "ecommerce_intensity", "student_density"),
    *("energy_intensity", "nonthermal_share"),
)
_GROWTH = "tfp_growth"
_SHARES = (0.4, 0.5, 0.6)  # capital shares between which the rank by TFP is followed
_LEADING = 3  # obstacles of a system that count as leading
_PEERS = _LINES = 5  # nearest provinces; strong or weak dimensions that are shown
_SINCE = 2010  # first year of a province's page; earlier ones hold the accounts alone
_NEEDED = ["gdp", "gdp_index", "capital_stock", "investment_price", "employment"]
_LABOUR = "employment"  # of the production function; growth across its breaks is left out


@dataclass(frozen=True, eq=False, repr=False)
class _Profiles:
    """Every province under every measure, made by :meth:`Profiles.load`.

    Attributes
    ----------
    panel : Panel
        The figures.
    year : int
        Year of the ranks: of the years in which most provinces have every
        measure, the last one.
    indices : dict of str to Index
        By system key, each on its own complete sample, as its chapter fits it.
    solow : result of :func:`nqpf.tfp.solow_residual`
        Total factor productivity with a capital share of one half.
    broken : Series of bool indexed (province, year)
        Where growth of productivity spans a break in employment.
    ranks : DataFrame by province, a column per measure
        Rank in the year, 1 for the best, ties sharing the better rank; missing
        where a measure cannot rank the province. After the systems come
        ``tfp``, the level, and ``tfp_growth``, mean growth up to the year
        without the years of `broken`.
    bounds : DataFrame indexed (measure, province)
        ``lower`` and ``upper`` rank: for a system the 90 % interval over the
        draws of :func:`nqpf.compare.uncertainty`, for TFP the range over
        capital shares from 0.4 to 0.6.
    history : DataFrame indexed (province, year), a column per system and ``tfp``
        Rank in each year.
    degrees : DataFrame indexed (system, province), a column per indicator
        Obstacle degree in the year, of the system's own weights summed up; missing where a
        system lacks the indicator.
    draws : int
        Of the intervals.

    Examples
    --------
    >>> profiles = _Profiles.load(Panel.load(extra=False), systems=["wu-2024"], draws=50)
    >>> int(profiles.ranks.loc[110000, "wu-2024"]), profiles.year
    (1, 2022)
    >>> profiles.missing(540000, "wu-2024")
    ['software_revenue']
    """

    panel: Panel
    year: int
    indices: dict[str, Index]
    solow: _SolowResult
    broken: pd.Series
    ranks: pd.DataFrame
    bounds: pd.DataFrame
    history: pd.DataFrame
    degrees: pd.DataFrame
    draws: int
    vintage: ClassVar[str] = _VINTAGE
    _series: dict[str, tuple[_Indicator, pd.Series]] = field(default_factory=dict)

    @classmethod
    def load(
        cls, panel: Panel, systems: Sequence[str] | None = None, draws: int = 2_000
    ) -> _Profiles:
        """Compute all measures for all provinces.

        Parameters
        ----------
        panel : Panel
            Figures.
        systems : sequence of str or None
            Keys of the systems; all that have a card when None.
        draws : int
            Of the intervals of ranks.

        Raises
        ------
        nqpf.errors.SampleError
            If no year has a province under every measure.
        """
        found = [System.load(key) for key in (available() if systems is None else systems)]
        indices = {one.key: Recipe(**one.recipe).fit(one.evaluate(panel)) for one in found}
        runs = {share: _solow(panel, _VINTAGE, share) for share in _SHARES}
        solow = runs[0.5]
        year = _common_year([*(index.scores for index in indices.values()), solow.log_tfp])
        broken = panel.breaks([_LABOUR]).reindex(solow.growth.index, fill_value=False)
        tfp = {share: _tfp_ranks(run, year, broken) for share, run in runs.items()}
        ranks, history, bounds, degrees = {}, {}, {}, {}
        for key, index in indices.items():
            ranks[key], history[key] = index.rank(year), index.rank()
            run = uncertainty(index.matrix, draws, year=year, **_DRAWN)
            bounds[key] = run.intervals(_LEVEL)[["lower", "upper"]]
            recipe = index.recipe
            linear = Recipe(recipe.normalise, recipe.weights, "linear")  # obstacles make a sum
            degrees[key] = linear.fit(index.matrix).obstacles().xs(year, level="year")
        for key in (_TFP, _GROWTH):
            each = pd.concat([found[key] for found in tfp.values()], axis=1)
            bounds[key] = pd.DataFrame({"lower": each.min(axis=1), "upper": each.max(axis=1)})
            ranks[key] = tfp[0.5][key]
        history[_TFP] = _ranked(solow.log_tfp)
        table = pd.DataFrame(ranks).reindex(provinces.codes())
        return cls(
            *(panel, year, indices, solow, broken),
            ranks=table.astype("float64").rename_axis("province"),
            bounds=pd.concat(bounds, names=["measure", "province"]).astype("int64"),
            history=pd.DataFrame(history).astype("float64").sort_index(),
            degrees=pd.concat(degrees, names=["system", "province"]),
            draws=draws,
        )

    @property
    def systems(self) -> list[str]:
        """Keys of the composite indices."""
        return list(self.indices)

    @cached_property
    def counts(self) -> pd.Series:
        """Number of provinces that each measure ranks in the year."""
        return self.ranks.notna().sum()

    def series(self, key: str) -> tuple[_Indicator, pd.Series]:
        """Return a variable of the panel or a shared indicator, with its name and unit.

        Parameters
        ----------
        key : str
            ``gdp_per_head``, an indicator of ``data/indicators.yaml`` or a variable.

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
        """
        if key not in self._series:
            one = {"gdp_per_head": _GDP_PER_HEAD, **_defined(root())}.get(key)
            if one is None:
                known = self.panel.catalogue.variables[key]
                about = {"name": known.name, "formula": key, "unit": known.unit}
                one = _Indicator(**about, direction="benefit")
            formula = Formula.parse(one.formula, {"indicator": key})
            complete = self.panel.wide(list(formula.names)).dropna()
            self._series[key] = one, formula.evaluate(complete, {"indicator": key})
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
            return row["reason"].str.removeprefix("missing: ").str.split(", ").sum() or []
        figures = self.panel.wide(_NEEDED, [self.year]).reindex([(code, self.year)]).iloc[0]
        return [name for name in _NEEDED if pd.isna(figures[name])]

    def main_figures(self, code: int) -> pd.DataFrame:
        """Return the main figures of a province in its latest year, and where they put it.

        Returns
        -------
        DataFrame by key
            ``en``, ``zh``, ``unit``, ``formula``, ``year``, ``value``, ``rank``
            (1 for the highest), ``of`` (provinces with a figure that year) and
            ``median`` of those; year to median are missing where the province has
            no figure in any year.
        """
        columns = ["en", "zh", "unit", "formula", "year", "value", "rank", "of", "median"]
        rows = {}
        for key in _MAIN:
            one, values = self.series(key)
            found = [one.name.en, one.name.zh, one.unit, one.formula]
            if code in values.index.unique("province"):
                year = int(values.loc[code].index.max())
                inside = values.xs(year, level="year")
                rank = inside.rank(ascending=False, method="min")[code]
                found += [year, inside[code], rank, len(inside), inside.median()]
            rows[key] = dict(zip(columns, found, strict=False))
        return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)

    def standing(self, code: int) -> pd.DataFrame:
        """Return a province's rank under every measure: indices, the best first, then TFP.

        Returns
        -------
        DataFrame by measure
            ``rank``, ``of`` (provinces ranked), ``lower``, ``upper``; missing where
            a measure cannot rank the province. Indices without a rank come after
            those with one; equal ranks keep the order of the measures.
        """
        table = pd.DataFrame({"rank": self.ranks.loc[code], "of": self.counts})
        bounds = self.bounds[self.bounds.index.get_level_values("province") == code]
        table = table.join(bounds.droplevel("province")).rename_axis("measure")
        own = table.loc[self.systems].sort_values("rank", kind="stable", na_position="last")
        return pd.concat([own, table.drop(index=self.systems)])

    def dimensions(self, code: int) -> pd.DataFrame:
        """Return a province's rank in every dimension of every system that ranks it, best first.

        Returns
        -------
        DataFrame
            ``system``, ``dimension`` (key), ``en``, ``zh``, ``rank``, ``of`` and
            ``place``, 0 for the first of the provinces ranked and 1 for the last.
            A dimension whose weights are all zero ranks nobody and is left out.
        """
        rows = []
        for key, ranks in self._dimension_ranks.items():
            if code not in ranks.index:
                continue
            n, names = len(ranks), self.indices[key].matrix.system.dimension_names
            for dimension, rank in ranks.loc[code].items():
                name, place = names[dimension], (rank - 1) / max(n - 1, 1)
                rows.append([key, dimension, name.en, name.zh, int(rank), n, place])
        columns = ["system", "dimension", "en", "zh", "rank", "of", "place"]
        return pd.DataFrame(rows, columns=columns).sort_values("place", kind="stable")

    @cached_property
    def _dimension_ranks(self) -> dict[str, pd.DataFrame]:
        """By system, the rank of every province in every dimension that ranks any."""
        ranks = {}
        for key, index in self.indices.items():
            scores = index.dimension_scores.xs(self.year, level="year").dropna(axis="columns")
            ranks[key] = scores.rank(ascending=False, method="min")
        return ranks

    def extremes(self, code: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a province's strongest and weakest dimensions, five each, by name and rank.

        Strong is a place in the first half of the provinces ranked, weak one in the
        second half; where there is none, the best or the worst stands alone.

        Parameters
        ----------
        code : int
            GB/T 2260 code. A line is in one of the two only.

        Returns
        -------
        tuple of DataFrame
            ``en``, ``zh``, ``rank``, ``of``, ``place`` and ``systems``, the keys
            of the systems in which a dimension of that name has that rank; the
            strongest begin with the best rank, the weakest with the worst.
        """
        keys = ["en", "zh", "rank", "of", "place"]
        groups = self.dimensions(code).groupby(keys, sort=False)["system"]
        merged = groups.agg(list).rename("systems").reset_index()
        merged = merged.sort_values("place", kind="stable", ignore_index=True)
        strong = merged[merged["place"] < 0.5]
        strong = strong if len(strong) else merged.head(1)
        weak = merged.drop(index=strong.index).query("place >= 0.5")
        weak = weak if len(weak) else merged.drop(index=strong.index[:_LINES]).tail(1)
        weak = weak.sort_values("place", ascending=False, kind="stable")
        return strong.head(_LINES), weak.head(_LINES)

    def obstacles(self, code: int) -> pd.DataFrame:
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

        Notes
        -----
        Obstacle degrees of several systems do not add up, so systems are counted. In how many
        provinces an indicator leads is said because entropy weights name the same few nearly
        everywhere.
        """
        every = self._leading
        if code not in every.index.get_level_values("province"):
            return pd.DataFrame(columns=["leading", "held", "share", "degree", "provinces"])
        table = every.xs(code, level="province")
        table = table[table["leading"] > 0]
        common = every[every["share"] >= 0.5].groupby(level="indicator").size()
        table = table.assign(provinces=common.reindex(table.index).fillna(0).astype("int64"))
        return table.sort_values(["leading", "degree"], ascending=False, kind="stable")

    @cached_property
    def _leading(self) -> pd.DataFrame:
        """The counts of :meth:`obstacles` for all provinces, by (province, indicator)."""
        long = self.degrees.rename_axis(columns="indicator").stack().dropna().rename("degree")
        order = long.groupby(level=["system", "province"]).rank(ascending=False, method="first")
        leads = (order <= _LEADING) & (long > 0)
        both = pd.DataFrame({"degree": long, "leading": leads.astype("int64")})
        groups = both.groupby(level=["province", "indicator"], sort=False)
        wanted = {"leading": ("leading", "sum"), "held": ("degree", "size")}
        table = groups.agg(**wanted, degree=("degree", "mean"))
        return table.assign(share=table["leading"] / table["held"])

    def nearest(self, code: int) -> pd.DataFrame:
        """Return the five provinces nearest to one in rank under all measures.

        Parameters
        ----------
        code : int
            GB/T 2260 code.

        Returns
        -------
        DataFrame by province, the nearest first
            ``distance`` in places, ``measures`` shared, and ``mutual``, whether
            the province is in turn among the five nearest of the other. Of equal
            distances the one over more measures comes first, then the lower code.

        Notes
        -----
        No study says which provinces are alike. The distance of two (B) is the mean absolute
        difference of their ranks over all measures that rank both, indices and TFP in level and
        growth alike: symmetric, read in places, and without a rank filled in for Tibet. Systems
        that share indicators count more than once in substance.
        """
        table = self._orders[code].head(_PEERS)
        back = [code in self._orders[other].index[:_PEERS] for other in table.index]
        return table.assign(mutual=back)

    @cached_property
    def _orders(self) -> dict[int, pd.DataFrame]:
        """By province, all others, the nearest first."""
        orders = {}
        for code, own in self.ranks.iterrows():
            apart = self.ranks.sub(own, axis="columns").abs().drop(index=code)
            shared = apart.notna().sum(axis=1)
            table = pd.DataFrame({"distance": apart.sum(axis=1) / shared, "measures": shared})
            table = table[shared > 0].rename_axis("province").sort_index()
            by, up = ["distance", "measures"], [True, False]
            orders[code] = table.sort_values(by, ascending=up, kind="stable")
        return orders

    def gaps(self, code: int) -> pd.DataFrame:
        """Return the years from 2010 on in which a province lacks a figure that others have.

        Returns
        -------
        DataFrame
            ``variable``, ``vintage``, ``years`` (list of int) and ``present``,
            the number of these years with a figure: 0 where the panel has
            none at all. In the order of the catalogue. A variable that most provinces lack, such
            as gross marine product, is no gap of a province that lacks it too.
        """
        frame, keys = self._recent, ["variable", "vintage"]
        own = frame[frame["province"] == code].groupby(keys)["year"].agg(set).to_dict()
        rare = {k for k, one in self.panel.catalogue.variables.items() if len(one.absent) > 15}
        rows = []
        for key, years in self._years.items():
            lacking = sorted(int(year) for year in years - own.get(key, set()))
            if lacking and key[0] not in rare:
                rows.append([*key, lacking, len(own.get(key, ()))])
        return self._ordered(rows, [*keys, "years", "present"])

    @cached_property
    def _recent(self) -> pd.DataFrame:
        return self.panel.frame[self.panel.frame["year"] >= _SINCE]

    @cached_property
    def _years(self) -> pd.Series:
        return self._recent.groupby(["variable", "vintage"])["year"].agg(set)

    def flagged(self, code: int) -> pd.DataFrame:
        """Return a province's figures from 2010 on that are not official, by variable and flag.

        Returns
        -------
        DataFrame
            ``variable``, ``vintage``, ``flag`` and ``years`` (list of int).
        """
        frame = self._recent[self._recent["province"] == code]
        keys = ["variable", "vintage", "flag"]
        groups = frame[frame["flag"] != "official"].groupby(keys, sort=True)["year"]
        rows = [[*key, sorted(map(int, years))] for key, years in groups]
        return self._ordered(rows, [*keys, "years"])

    def breaks(self, code: int) -> pd.DataFrame:
        """Return the breaks in a province's series that the catalogue names.

        Returns
        -------
        DataFrame
            ``variable``, ``year``, ``note`` and ``own``, whether the break is of
            some provinces only.
        """
        rows = [
            [key, item.year, item.note, bool(item.provinces)]
            for key, variable in self.panel.catalogue.variables.items()
            for item in variable.breaks
            if not item.provinces or code in item.provinces
        ]
        return self._ordered(rows, ["variable", "year", "note", "own"])

    def _ordered(self, rows: list[list], columns: list[str]) -> pd.DataFrame:
        """Return rows in the order of the catalogue, then of what follows the variable."""
        order = {key: place for place, key in enumerate(self.panel.catalogue.variables)}
        rows = sorted(rows, key=lambda row: (order.get(row[0], len(order)), str(row[1:3])))
        return pd.DataFrame(rows, columns=columns)


def _common_year(scores: list[pd.Series]) -> int:
    """Return the last of the years in which most provinces have every score."""
    common = pd.concat(scores, axis=1, join="inner").dropna()
    sizes = common.groupby(level="year").size()
    if sizes.empty:
        expected = "a year that all systems and total factor productivity cover"
        raise SampleError("no province-year has every measure", expected=expected)
    return int(sizes[sizes == sizes.max()].index.max())


def _tfp_ranks(run: _SolowResult, year: int, broken: pd.Series) -> dict[str, pd.Series]:
    """Return ranks by the level of the year and by mean growth up to it, breaks left out."""
    level = run.log_tfp[run.log_tfp.index.get_level_values("year") == year].droplevel("year")
    growth = run.accounting(end=year, without=broken)["tfp"].reindex(level.index)
    ranked = {_TFP: level, _GROWTH: growth}
    return {key: one.rank(ascending=False, method="min") for key, one in ranked.items()}
