"""Ranks of all provinces under all measures, with their intervals, from one panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import pandas as pd

from nqpf import provinces
from nqpf.compare.certainty import uncertainty
from nqpf.compare.measures import TFP
from nqpf.compare.profiles.figures import series
from nqpf.data import Panel
from nqpf.data.panel import DEFAULT_VINTAGE
from nqpf.errors import SampleError
from nqpf.index import Index, Recipe
from nqpf.index.obstacle import leading, obstacle_degree
from nqpf.systems import Indicator, System, available
from nqpf.tfp import production, solow_residual
from nqpf.tfp.accounts import BASE
from nqpf.tfp.solow import SolowResult

__all__ = ["DRAWS", "LEADING", "SHARES", "TFP", "TFP_GROWTH", "Profiles"]

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
    solow : SolowResult
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
    solow: SolowResult
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
        sample = production(panel, base=max(BASE, first), vintage=vintage)
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
    def _series(self) -> dict[str, tuple[Indicator, pd.Series]]:
        return {}

    def series(self, key: str) -> tuple[Indicator, pd.Series]:
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


def _tfp_ranks(run: SolowResult, year: int, broken: pd.Series) -> dict[str, pd.Series]:
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
