"""The recipe: which normalisation, weights and aggregation make an index."""

from __future__ import annotations

import html
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import between, choose, distinct
from nqpf.errors import MethodError, SampleError
from nqpf.index import aggregate, normalise, weights
from nqpf.sample import _check_finite, _check_keys

if TYPE_CHECKING:
    from nqpf.systems.system import IndicatorMatrix

# Every method by the stage of a recipe and its name: see the docstring of each.
_METHODS: dict[str, dict[str, Callable[..., np.ndarray]]] = {
    "normalise": normalise._METHODS,
    "weights": weights._METHODS,
    "aggregate": aggregate._METHODS,
}
# Methods that take shares, roots or products, so that values below zero have no meaning; such
# an aggregation is zero where a single indicator, or dimension, is.
_POSITIVE = {"weights": {"entropy", "ahp_entropy"}}
_POSITIVE["aggregate"] = {"coupling", "geometric", "harmonic"}
# Normalisations whose best possible value is 1, so that 1 - z is a shortfall.
_UNIT = ("minmax", "minmax_yearly", "rank")


def _call(stage: str, name: str, data: Mapping[str, Any], **options: Any) -> np.ndarray:
    """Call a method with the data that it names as its parameters."""
    method = _METHODS[stage][name]
    given = {key: data[key] for key in inspect.signature(method).parameters if key in data}
    return method(**given, **options)


def _options(stage: str, name: str) -> list[str]:
    parameters = inspect.signature(_METHODS[stage][name]).parameters.values()
    return [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]


@dataclass(frozen=True, eq=False, repr=False)
class Index:
    """A composite index of provinces by year, made by :meth:`nqpf.index.Recipe.fit`.

    Parameters
    ----------
    scores : Series
        Score on ``(province, year)``, more is better; in [0, 1] unless
        standard scores are added up.
    weights : Series
        Weight by indicator; they sum to 1.
    normalised : DataFrame
        Normalised value by indicator, more is better.
    recipe : Recipe
        How the index was made.
    matrix : IndicatorMatrix
        What it was made from.
    """

    scores: pd.Series
    weights: pd.Series
    normalised: pd.DataFrame
    recipe: Recipe
    matrix: IndicatorMatrix

    @cached_property
    def dimension_scores(self) -> pd.DataFrame:
        """Score of each dimension on ``(province, year)``.

        The same aggregation over the dimension's own indicators, their weights rescaled to sum
        to 1; under coupling the weighted sums that are coupled. Missing where all weights of a
        dimension are zero.
        """
        one, z, w = self.recipe, self.normalised, self.weights
        joined = "linear" if one.aggregate == "coupling" else one.aggregate
        dimension = self._dimension
        parts = {}
        for key in dimension.unique():
            own = (dimension == key).to_numpy()
            parts[key] = np.full(len(z), np.nan)
            if w[own].any():
                part = {"z": z.loc[:, own].to_numpy(), "w": (w[own] / w[own].sum()).to_numpy()}
                parts[key] = one._run("aggregate", joined, part)
        return pd.DataFrame(parts, index=z.index)

    @property
    def comparable_over_time(self) -> bool:
        """False where each year was normalised on its own: scores rank within a year only."""
        return self.recipe.normalise != "minmax_yearly"

    @property
    def _dimension(self) -> pd.Series:
        return self.matrix.dimension.loc[self.normalised.columns].astype(str)

    @property
    def years(self) -> list[int]:
        """Years that have scores, ascending."""
        return sorted(self.scores.index.unique("year"))

    def rank(self, year: int | None = None) -> pd.Series:
        """Return ranks within each year, 1 for the highest score.

        Tied provinces share the better rank (1, 2, 2, 4).

        Parameters
        ----------
        year : int or None
            One year, indexed by province from first to last; every year,
            indexed ``(province, year)``, when None.

        Raises
        ------
        nqpf.errors.SampleError
            If the year has no scores.
        """
        ranks = self.scores.groupby(level="year").rank(ascending=False, method="min")
        ranks = ranks.astype("int64").rename("rank")
        if year is None:
            return ranks
        return ranks[self.rows(year)].droplevel("year").sort_values(kind="stable")

    def rows(self, year: int) -> pd.MultiIndex:
        """Return the labels ``(province, year)`` of one year.

        Raises
        ------
        nqpf.errors.SampleError
            If the year has no scores.
        """
        if year not in self.years:
            expected = f"one of {', '.join(map(str, self.years))}"
            raise SampleError(f"no scores in {year}", where={"year": year}, expected=expected)
        labels = self.scores.index
        return labels[labels.get_level_values("year") == year]

    def dimension_contributions(self) -> pd.DataFrame:
        """Return what each dimension adds to the score; each row adds up to it.

        Raises
        ------
        nqpf.errors.MethodError
            If the aggregation is not a sum of contributions.
        """
        self._require_sum()
        return (self.normalised * self.weights).T.groupby(self._dimension, sort=False).sum().T

    def obstacles(self) -> pd.DataFrame:
        """Return the share of each indicator in the distance of a row from the ideal.

        With the shortfall 1 - z_ij and the weight w_j, the obstacle degree is
        O_ij = w_j (1 - z_ij) / sum_k w_k (1 - z_ik), in per cent. For an index
        that adds up, the denominator is 1 minus the score: what the province lacks
        to 1.

        Returns
        -------
        DataFrame
            Per cent on ``(province, year)``, one column per indicator. Each
            row sums to 100, or to 0 where the province is at the ideal and
            nothing holds it back.

        Raises
        ------
        nqpf.errors.MethodError
            If the index is not a sum (``aggregate="linear"``) or its
            normalisation has no best value of 1.

        Notes
        -----
        A floor of the normalisation shrinks all shortfalls alike and cancels.
        Papers compute w (1 - z) over its sum for any index, also for TOPSIS, whose
        score does not fall by w (1 - z) when an indicator falls short. Such a study
        is fitted once more with ``aggregate="linear"`` for its obstacles.

        Examples
        --------
        >>> from nqpf.systems import IndicatorMatrix
        >>> rows = pd.MultiIndex.from_product(
        ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
        >>> values = pd.DataFrame(
        ...     {"r_and_d": [6.8, 4.4, 3.4], "energy": [0.2, 0.3, 0.25]}, index=rows)
        >>> matrix = IndicatorMatrix(
        ...     values,
        ...     benefit=pd.Series({"r_and_d": True, "energy": False}),
        ...     dimension=pd.Series({"r_and_d": "technology", "energy": "green"}))
        >>> index = Recipe(weights="equal", aggregate="linear").fit(matrix)
        >>> index.obstacles().round(1).to_numpy().tolist()
        [[0.0, 0.0], [41.4, 58.6], [66.7, 33.3]]
        """
        self._require_sum()
        how = self.recipe.normalise
        if how not in _UNIT:
            problem = f"under {how!r} the best value is not 1, so there is no shortfall"
            expected = "an index with normalise one of " + ", ".join(_UNIT)
            raise MethodError(problem, expected=expected)
        shortfall = (1.0 - self.normalised) * self.weights
        total = shortfall.sum(axis="columns")
        return 100 * shortfall.div(total.where(total > 0, 1.0), axis="index")

    def _require_sum(self) -> None:
        if self.recipe.aggregate != "linear":
            problem = f"the score by {self.recipe.aggregate!r} is not a sum of contributions"
            hint = "fit the same matrix with Recipe(aggregate='linear', ...)"
            raise MethodError(problem, expected="an index with aggregate='linear'", hint=hint)

    def compromise(self, year: int, v: float | None = None) -> _Compromise:
        """Rank provinces by VIKOR and test the two conditions of acceptance.

        The measures S, R and Q of the normalised values and the weights of
        the index, whatever its aggregation, and the conditions and the
        compromise set of Opricovic and Tzeng (2004, p. 448).

        Parameters
        ----------
        year : int
            Compare the provinces in that year with each other, best and worst
            values taken from that year.
        v : float or None
            Weight of group utility, from 0 to 1; when None that of the index's
            recipe, else 0.5.

        Returns
        -------
        object
            ``table``, a row per province, best Q first: ``S``,
            ``R``, ``Q``, ``rank_S``, ``rank_R``, ``rank_Q`` (tied values share
            the better rank) and ``compromise``, True in the set; the
            ``threshold`` DQ = 1 / (N - 1), the least lead in Q that counts;
            ``advantage``, whether the second Q is at least DQ above the best;
            ``stability``, whether the best by Q is best by S or R as well; and
            ``members``, the labels of the set.

        Raises
        ------
        nqpf.errors.SampleError
            If the year has no scores.
        nqpf.errors.MethodError
            If `v` is not a number from 0 to 1.

        Notes
        -----
        A measure in which all tie adds 0 to Q; differences below 1e-12 are
        rounding. Two that share the best Q have no advantage over each other,
        so both are in the set; one that is alone has.
        """
        v = between("v", self.recipe.options.get("v", 0.5) if v is None else v, 0, 1)
        z = self.normalised.loc[self.rows(year)]
        labels = _names(z.index.get_level_values("province"))
        measures = aggregate._vikor_measures(z.to_numpy(), self.weights.to_numpy(), v)
        table = pd.DataFrame(dict(zip("SRQ", measures, strict=True)), index=labels)
        ranks = table.round(12).rank(method="min").astype("int64").add_prefix("rank_")
        threshold = 1 / (len(z) - 1) if len(z) > 1 else np.nan
        lead = table - table.min()
        best = lead["Q"] <= aggregate._TIE
        second = lead.loc[~best, "Q"].min()  # missing if all share the best
        advantage = len(z) == 1 or bool(best.sum() == 1 and second >= threshold - aggregate._TIE)
        stability = bool((lead.loc[best, ["S", "R"]] <= aggregate._TIE).any(axis=1).all())
        chosen = best
        if not advantage:
            chosen = best | (lead["Q"] < threshold - aggregate._TIE)
        elif not stability:
            chosen = best | (lead["Q"] <= second + aggregate._TIE)
        table = pd.concat([table, ranks], axis="columns").assign(compromise=chosen)
        table = table.sort_values(["rank_Q", "S"], kind="stable")
        return _Compromise(table, threshold, advantage, stability)

    def summary(self) -> pd.DataFrame:
        """Return one row per year: provinces, mean, sd, range, and who is first and last.

        `sd` divides by n - 1, so it is missing where a year has one province.
        Where scores do not compare over time, a last column says so.
        """
        by_year = self.scores.groupby(level="year")
        table = by_year.agg(provinces="size", mean="mean", sd="std", min="min", max="max")
        table["highest"] = _names(key[0] for key in by_year.idxmax())
        table["lowest"] = _names(key[0] for key in by_year.idxmin())
        if not self.comparable_over_time:
            table["comparable_over_time"] = False
        return table

    def _ends(self) -> pd.DataFrame:
        """Return scores and ranks in the first and the last year, one row per province."""
        columns = {}
        for year in sorted({self.years[0], self.years[-1]}):
            columns[f"score {year}"] = self.scores.xs(year, level="year")
            columns[f"rank {year}"] = self.rank(year).astype("Int64")
        table = pd.DataFrame(columns).sort_values(f"rank {self.years[-1]}", kind="stable")
        return table.set_axis(_names(table.index))

    def _caption(self) -> str:
        first, last = self.years[0], self.years[-1]
        span = str(first) if first == last else f"{first}-{last}"
        n = self.scores.index.unique("province").size
        text = f"{self.recipe}: {n} provinces, {span}, {len(self.weights)} indicators"
        if not self.comparable_over_time:
            text += "; scores rank provinces within a year and do not compare over time"
        return text

    def __repr__(self) -> str:
        return f"<Index {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self._ends().to_html(escape=True, na_rep="", float_format="{:.4f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


@dataclass(frozen=True, eq=False, repr=False)
class _Compromise:
    """The ranking by VIKOR and the compromise that it proposes, see :meth:`Index.compromise`."""

    table: pd.DataFrame
    threshold: float
    advantage: bool
    stability: bool

    @property
    def members(self) -> list[object]:
        """Labels of the compromise set, best Q first.

        One label if both conditions hold; the best and what is second if only
        stability fails; else all whose Q is less than DQ above the best.
        """
        return self.table.index[self.table["compromise"]].tolist()


def _names(labels: Iterable[object]) -> list[str]:
    """Return English names of province codes; other labels as they are."""
    known = provinces._table()["en"].to_dict()
    return [str(known.get(label, label)) for label in labels]


@dataclass(frozen=True, init=False)
class Recipe:
    """Three methods by name, and their options.

    Parameters
    ----------
    normalise : str
        Name in ``METHODS["normalise"]`` of this module, where each method is described.
    weights : str
        Name in ``METHODS["weights"]``.
    aggregate : str
        Name in ``METHODS["aggregate"]``.
    **options
        Options of the three methods by name, for example ``shift=1e-4``, or ``floor=0.01``
        for min-max values that products can use (see :func:`nqpf.index.normalise.minmax`).

    Raises
    ------
    nqpf.errors.MethodError
        If a method or an option is unknown, or the normalisation gives values
        below zero that the weights or the aggregation cannot use; the message
        lists the valid ones.

    Notes
    -----
    Standard scores (``zscore``) are below zero for half of the rows. Shares of a total, roots
    and products of them mean nothing, and nothing is shifted silently: such a recipe is
    refused when it is made, and one whose data alone show values below zero (``vector``)
    when it is fitted.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"r_and_d": [6.8, 4.4, 3.4], "energy": [0.2, 0.3, 0.2]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values,
    ...     benefit=pd.Series({"r_and_d": True, "energy": False}),
    ...     dimension=pd.Series({"r_and_d": "technology", "energy": "green"}))
    >>> index = Recipe(weights="equal", aggregate="linear").fit(matrix)
    >>> index.scores.round(3).tolist()
    [1.0, 0.147, 0.5]
    """

    normalise: str
    weights: str
    aggregate: str
    options: Mapping[str, Any] = field(hash=False)

    def __init__(
        self,
        normalise: str = "minmax",
        weights: str = "entropy",
        aggregate: str = "topsis",
        **options: Any,
    ) -> None:
        chosen = {"normalise": normalise, "weights": weights, "aggregate": aggregate}
        words = {"normalise": "normalisation", "weights": "weighting", "aggregate": "aggregation"}
        for stage, name in chosen.items():
            choose(words[stage], name, _METHODS[stage])
            object.__setattr__(self, stage, name)
        valid = [key for stage, name in chosen.items() for key in _options(stage, name)]
        for key in options:
            choose("option", key, sorted(valid))
        object.__setattr__(self, "options", options)
        self._check_signs(normalise == "zscore")

    def _check_signs(self, below: bool) -> None:
        """Raise if values below zero would meet a method that cannot use them."""
        chosen = {"weights": self.weights, "aggregate": self.aggregate}
        wrong = [name for stage, name in chosen.items() if name in _POSITIVE[stage]]
        if below and wrong:
            rest = {stage: sorted(set(_METHODS[stage]) - _POSITIVE[stage]) for stage in chosen}
            works = " and ".join(f"{stage} one of {', '.join(rest[stage])}" for stage in chosen)
            problem = f"{self.normalise!r} gives values below zero, which {' and '.join(wrong)} "
            expected = f"normalise one of {', '.join(_UNIT)}"
            hint = f"or keep {self.normalise!r} with {works}"
            raise MethodError(f"{problem}cannot use", expected=expected, hint=hint)

    def _check_zeros(self, rows: pd.MultiIndex, count: int) -> None:
        """Warn of rows that score zero because a single indicator or dimension does."""
        if self.aggregate not in _POSITIVE["aggregate"] or rows.empty:
            return
        codes, years = (rows.get_level_values(name) for name in ("province", "year"))
        first = [f"{name} {year}" for name, year in zip(_names(codes[:3]), years, strict=False)]
        single = "dimension" if self.aggregate == "coupling" else "indicator"
        said = (
            f"{len(rows)} of {count} scores by {self.aggregate!r} are zero ({', '.join(first)}"
            f"{', ...' if len(rows) > 3 else ''}): one {single} at zero is enough, whatever the "
            "rest. Normalise by minmax with floor=0.01, or aggregate by linear or topsis."
        )
        warnings.warn(said, normalise._ZeroScoreWarning, stacklevel=3)

    def __str__(self) -> str:
        options = "".join(f", {key}={value}" for key, value in self.options.items())
        return f"{self.normalise}, {self.weights}, {self.aggregate}{options}"

    def fit(self, matrix: IndicatorMatrix) -> Index:
        """Make the index of a matrix of indicators; the matrix stays as it is.

        Parameters
        ----------
        matrix : IndicatorMatrix

        Returns
        -------
        Index

        Raises
        ------
        nqpf.errors.SampleError
            If the matrix is empty, or a value is missing or not finite (named
            by province, year and indicator).
        nqpf.errors.DataError
            If every indicator is constant.
        nqpf.errors.MethodError
            If normalised values below zero meet weights or an aggregation
            that cannot use them.

        Warns
        -----
        nqpf.index.normalise._ConstantIndicatorWarning
            If an indicator is constant; the message names it.
        nqpf.index.normalise._ZeroScoreWarning
            If a product is zero for some rows; the message counts them and names the first.
        """
        values, years = matrix.values, matrix.values.index.get_level_values("year").to_numpy()
        distinct("indicators", list(values.columns))
        _check_keys(values.index, "the matrix")
        _check_finite(values, "the matrix")
        benefit = matrix.benefit.loc[values.columns].to_numpy()
        dimension = matrix.dimension.loc[values.columns].astype(str).to_numpy()
        if self.weights == "variation":
            weights._refuse_zero_mean(values)
        yearly = None if self.normalise != "minmax_yearly" else years
        x, benefit = normalise._ready(values, benefit, yearly, self.options.get("floor", 0.0))
        data = {"x": x, "benefit": benefit, "years": years, "dimension": dimension}
        data["z"] = z = self._run("normalise", self.normalise, data)
        self._check_signs(z.min() < 0)
        data["w"] = w = self._run("weights", self.weights, data)
        scores = self._run("aggregate", self.aggregate, data)
        self._check_zeros(values.index[scores == 0], len(scores))
        return Index(
            scores=pd.Series(scores, index=values.index, name="score"),
            weights=pd.Series(w, index=values.columns, name="weight"),
            normalised=pd.DataFrame(z, values.index, values.columns),
            recipe=self,
            matrix=matrix,
        )

    def _run(self, stage: str, name: str, data: Mapping[str, Any]) -> np.ndarray:
        known = _options(stage, name)
        given = {key: value for key, value in self.options.items() if key in known}
        return _call(stage, name, data, **given)
