"""The recipe: which normalisation, weights and aggregation make an index."""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf import provinces
from nqpf.errors import DataError, MethodError, SampleError, require_known
from nqpf.index import aggregate, normalise, weights

if TYPE_CHECKING:
    from nqpf.systems.system import IndicatorMatrix

__all__ = [
    "Index",
    "Recipe",
    "Compromise",
    "compromise",
    "of_index",
    "leading",
    "names",
    "not_additive",
    "obstacle_degree",
]


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
    dimension_scores : DataFrame
        Score of each dimension on ``(province, year)``: the same aggregation
        over the dimension's own indicators, their weights rescaled to sum to
        1; under coupling the weighted sums that are coupled. Missing where
        all weights of a dimension are zero.
    contributions : DataFrame or None
        Weight times normalised value by indicator, where the aggregation is
        a sum: each row then adds up to the score. None otherwise.
    normalised : DataFrame
        Normalised value by indicator, more is better.
    recipe : Recipe
        How the index was made.
    matrix : IndicatorMatrix
        What it was made from.
    comparable_over_time : bool
        False where each year was normalised on its own, so that scores rank
        provinces within a year only.
    """

    scores: pd.Series
    weights: pd.Series
    dimension_scores: pd.DataFrame
    contributions: pd.DataFrame | None
    normalised: pd.DataFrame
    recipe: Recipe
    matrix: IndicatorMatrix
    comparable_over_time: bool

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
        self._require(year)
        return ranks.xs(year, level="year").sort_values(kind="stable")

    def rows(self, year: int) -> pd.MultiIndex:
        """Return the labels ``(province, year)`` of one year.

        Raises
        ------
        nqpf.errors.SampleError
            If the year has no scores.
        """
        self._require(year)
        labels = self.scores.index
        return labels[labels.get_level_values("year") == year]

    def dimension_contributions(self) -> pd.DataFrame:
        """Return what each dimension adds to the score; each row adds up to it.

        Raises
        ------
        nqpf.errors.MethodError
            If the aggregation is not a sum of contributions.
        """
        if self.contributions is None:
            raise not_additive(self.recipe.aggregate)
        dimension = self.matrix.dimension.loc[self.contributions.columns].astype(str)
        return self.contributions.T.groupby(dimension, sort=False).sum().T

    def _require(self, year: int) -> None:
        if year not in self.years:
            raise SampleError(
                f"no scores in {year}",
                where={"year": year},
                expected=f"one of {', '.join(str(y) for y in self.years)}",
            )

    def summary(self) -> pd.DataFrame:
        """Return one row per year: provinces, mean, sd, range, and who is first and last.

        `sd` divides by n - 1, so it is missing where a year has one province.
        Where scores do not compare over time, a last column says so.
        """
        by_year = self.scores.groupby(level="year")
        table = by_year.agg(["size", "mean", "std", "min", "max"])
        table = table.rename(columns={"size": "provinces", "std": "sd"})
        table["highest"] = names(key[0] for key in by_year.idxmax())
        table["lowest"] = names(key[0] for key in by_year.idxmin())
        if not self.comparable_over_time:
            table["comparable_over_time"] = False
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return score, rank and dimension scores, one row per province and year."""
        return pd.concat([self.scores, self.rank(), self.dimension_scores], axis="columns")

    def _ends(self) -> pd.DataFrame:
        """Return scores and ranks in the first and the last year, one row per province."""
        columns = {}
        for year in sorted({self.years[0], self.years[-1]}):
            columns[f"score {year}"] = self.scores.xs(year, level="year")
            columns[f"rank {year}"] = self.rank(year).astype("Int64")
        table = pd.DataFrame(columns).sort_values(f"rank {self.years[-1]}", kind="stable")
        return table.set_axis(names(table.index))

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


def not_additive(aggregate: str) -> MethodError:
    """Return the error for an index whose score is not a sum of contributions."""
    return MethodError(
        f"the score by {aggregate!r} is not a sum of contributions",
        expected="an index with aggregate='linear'",
        hint="fit the same matrix with Recipe(aggregate='linear', ...)",
    )


def names(labels: Iterable[object]) -> list[str]:
    """Return English names of province codes; other labels as they are."""
    known = provinces.table()["en"].to_dict()
    return [str(known.get(label, label)) for label in labels]


Method = Callable[..., np.ndarray]

# The data a method may ask for by parameter name; its other parameters are options.
_DATA = ("x", "benefit", "years", "names", "dimension", "z", "w")

# Weightings that take shares of a total, so that values below zero have no meaning.
_SHARES = frozenset({"entropy", "ahp_entropy"})


@dataclass(frozen=True, init=False)
class Recipe:
    """Three methods by name, and their options.

    Parameters
    ----------
    normalise : str
        Name in ``nqpf.index.normalise.METHODS``.
    weights : str
        Name in ``nqpf.index.weights.METHODS``.
    aggregate : str
        Name in ``nqpf.index.aggregate.METHODS``.
    **options
        Options of the three methods by name, for example ``shift=1e-4``.

    Raises
    ------
    nqpf.errors.MethodError
        If a method or an option is unknown, or the normalisation gives values
        below zero that the weights or the aggregation cannot use; the message
        lists the valid ones.

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
        for stage, name in chosen.items():
            object.__setattr__(self, stage, name)
        object.__setattr__(self, "options", options)
        self._check_options()
        self._check_signs()

    def _methods(self) -> tuple[Method, Method, Method]:
        """Return the three functions, in the order they run."""
        return (
            _lookup("normalisation", self.normalise, normalise.METHODS),
            _lookup("weighting", self.weights, weights.METHODS),
            _lookup("aggregation", self.aggregate, aggregate.METHODS),
        )

    def _check_options(self) -> None:
        """Raise unless every option is known and none is lacking."""
        methods = self._methods()
        valid = sorted({key for method in methods for key in _options(method)})
        for key in self.options:
            require_known("option", key, valid)
        for method in methods:
            for key, parameter in _options(method).items():
                if parameter.default is parameter.empty and key not in self.options:
                    raise MethodError(
                        f"the option {key!r} is lacking",
                        where={"method": method.__name__},
                        expected=f"Recipe(..., {key}=...)",
                    )

    def _check_signs(self, z: np.ndarray | None = None) -> None:
        """Raise if values below zero would meet a method that cannot use them."""
        below = self.normalise in normalise.SIGNED if z is None else z.min() < 0
        stages = {
            "weights": (self.weights, weights.METHODS, _SHARES),
            "aggregate": (self.aggregate, aggregate.METHODS, aggregate.NON_NEGATIVE),
        }
        wrong = [name for name, _, refused in stages.values() if name in refused]
        if not (below and wrong):
            return
        works = [
            f"{stage} one of {', '.join(sorted(set(valid) - refused))}"
            for stage, (_, valid, refused) in stages.items()
        ]
        raise MethodError(
            f"{self.normalise!r} gives values below zero, which {' and '.join(wrong)} cannot use",
            expected="normalise one of " + ", ".join(sorted(normalise.UNIT)),
            hint=f"or keep {self.normalise!r} with " + " and ".join(works),
        )

    def __str__(self) -> str:
        options = "".join(f", {key}={value}" for key, value in self.options.items())
        return f"{self.normalise}, {self.weights}, {self.aggregate}{options}"

    def fit(self, matrix: IndicatorMatrix) -> Index:
        """Make the index of a matrix of indicators; the matrix stays as it is.

        Parameters
        ----------
        matrix : IndicatorMatrix
            Anything with ``values`` (DataFrame indexed ``(province, year)``),
            ``benefit`` and ``dimension`` (Series by indicator) will do.

        Returns
        -------
        Index

        Raises
        ------
        nqpf.errors.SampleError
            If the matrix is empty, a row is there twice, a value is missing
            or not finite (named by province, year and indicator), or an
            indicator has no direction or dimension.
        nqpf.errors.DataError
            If every indicator is constant.
        nqpf.errors.MethodError
            If normalised values below zero meet weights or an aggregation
            that cannot use them.

        Warns
        -----
        nqpf.index.normalise.ConstantIndicatorWarning
            If an indicator is constant; the message names it.
        """
        values = matrix.values
        _check(values)
        keys = list(values.columns)
        dimension = _by_indicator(matrix.dimension, keys, "dimension").astype(str)
        data = {
            "x": values.to_numpy(dtype=np.float64),
            "benefit": _by_indicator(matrix.benefit, keys, "benefit").to_numpy(),
            "years": values.index.get_level_values("year").to_numpy(),
            "names": keys,
            "dimension": dimension.to_numpy(),
        }
        normalising, weighting, aggregating = self._methods()
        data["z"] = z = self._call(normalising, data)
        self._check_signs(z)
        data["w"] = w = self._call(weighting, data)
        scores = self._call(aggregating, data)
        scoring = aggregate.WITHIN_DIMENSION.get(self.aggregate, aggregating)
        parts = {
            key: self._within(scoring, data, (dimension == key).to_numpy())
            for key in dimension.unique()
        }
        contributions = None
        if self.aggregate in aggregate.ADDITIVE:
            contributions = pd.DataFrame(z * w, index=values.index, columns=values.columns)
        return Index(
            scores=pd.Series(scores, index=values.index, name="score"),
            weights=pd.Series(w, index=values.columns, name="weight"),
            dimension_scores=pd.DataFrame(parts, index=values.index),
            contributions=contributions,
            normalised=pd.DataFrame(z, index=values.index, columns=values.columns),
            recipe=self,
            matrix=matrix,
            comparable_over_time=self.normalise not in normalise.WITHIN_YEAR,
        )

    def _call(self, method: Method, data: Mapping[str, Any]) -> np.ndarray:
        wanted = inspect.signature(method).parameters
        given = {key: data[key] for key in wanted if key in _DATA}
        return method(**given, **{k: v for k, v in self.options.items() if k in wanted})

    def _within(self, method: Method, data: Mapping[str, Any], own: np.ndarray) -> np.ndarray:
        """Aggregate the indicators of one dimension, their weights rescaled to sum to 1."""
        w = data["w"][own]
        if not w.any():
            return np.full(len(data["z"]), np.nan)
        part = {key: data[key][:, own] for key in ("x", "z")} | {"w": w / w.sum()}
        return self._call(method, {**data, **part})


def _options(method: Method) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(method).parameters
    return {key: parameter for key, parameter in parameters.items() if key not in _DATA}


def _lookup(what: str, name: str, registry: Mapping[str, Method]) -> Method:
    require_known(what, name, registry)
    return registry[name]


def _check(values: pd.DataFrame) -> None:
    """Raise unless labels are unique and every value is a finite number."""
    if list(values.index.names) != ["province", "year"]:
        raise SampleError(
            f"rows are labelled {list(values.index.names)}", expected="an index (province, year)"
        )
    if values.empty:
        raise SampleError(f"the matrix is empty, of shape {values.shape}")
    if values.columns.has_duplicates:
        twice = values.columns[values.columns.duplicated()][0]
        raise SampleError("an indicator is there twice", where={"indicator": twice})
    if values.index.has_duplicates:
        twice = values.index[values.index.duplicated()][0]
        raise SampleError("a province and year are there twice", where=_place(twice))
    for name, column in values.items():
        if not pd.api.types.is_numeric_dtype(column):
            raise SampleError("values are not numbers", where={"indicator": name})
    finite = np.isfinite(values.to_numpy(dtype=np.float64, na_value=np.nan))
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        place = _place(values.index[row]) | {"indicator": values.columns[column]}
        raise SampleError(
            f"value {values.iat[row, column]} cannot be used",
            where=place,
            expected="finite values",
            hint="drop the row or fill the gap by a method of your choice first",
        )


def _place(row: tuple[object, object]) -> dict[str, object]:
    province, year = row
    return {"province": f"{names([province])[0]} ({province})", "year": year}


def _by_indicator(series: pd.Series, keys: list[str], what: str) -> pd.Series:
    """Return the series in the order of the columns, aligned by name."""
    absent = [key for key in keys if key not in series.index or pd.isna(series[key])]
    if absent:
        raise SampleError(
            f"no {what} for {', '.join(map(str, absent))}",
            expected=f"one {what} for each indicator",
        )
    return series.loc[keys]


def obstacle_degree(index: Index, by: str = "indicator") -> pd.DataFrame:
    """Return the share of each indicator in the distance of a row from the ideal.

    With the shortfall 1 - z_ij and the weight w_j, the obstacle degree is
    O_ij = w_j (1 - z_ij) / sum_k w_k (1 - z_ik), in per cent. For an index
    that adds up, the denominator is 1 minus the score: what the province lacks
    to 1. That of a dimension is the sum over its indicators.

    Parameters
    ----------
    index : Index
        Made with a sum (``aggregate="linear"``) and a normalisation onto
        [0, 1], whose best value is 1.
    by : str
        ``indicator`` or ``dimension``.

    Returns
    -------
    DataFrame
        Per cent on ``(province, year)``, one column per indicator or
        dimension. Each row sums to 100, or to 0 where the province is at
        the ideal and nothing holds it back.

    Raises
    ------
    nqpf.errors.MethodError
        If the index is not a sum, its normalisation has no best value of 1,
        or `by` is unknown.

    Examples
    --------
    >>> from nqpf.index import Recipe
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"r_and_d": [6.8, 4.4, 3.4], "energy": [0.2, 0.3, 0.25]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values,
    ...     benefit=pd.Series({"r_and_d": True, "energy": False}),
    ...     dimension=pd.Series({"r_and_d": "technology", "energy": "green"}))
    >>> index = Recipe(weights="equal", aggregate="linear").fit(matrix)
    >>> obstacle_degree(index).round(1).to_numpy().tolist()
    [[0.0, 0.0], [41.4, 58.6], [66.7, 33.3]]
    """
    require_known("grouping", by, ("indicator", "dimension"))
    if index.contributions is None:
        raise not_additive(index.recipe.aggregate)
    if index.recipe.normalise not in normalise.UNIT:
        raise MethodError(
            f"under {index.recipe.normalise!r} the best value is not 1, so no shortfall is known",
            expected="an index with normalise one of " + ", ".join(sorted(normalise.UNIT)),
        )
    shortfall = (1.0 - index.normalised) * index.weights
    total = shortfall.sum(axis="columns")
    degree = 100 * shortfall.div(total.where(total > 0, 1.0), axis="index")
    if by == "dimension":
        dimension = index.matrix.dimension.loc[degree.columns].astype(str)
        degree = degree.T.groupby(dimension, sort=False).sum().T
    return degree


def leading(index: Index, by: str = "indicator", top: int = 3) -> pd.DataFrame:
    """Return the largest obstacles of each province and year.

    Parameters
    ----------
    index : Index
        As for :func:`obstacle_degree`.
    by : str
        ``indicator`` or ``dimension``.
    top : int
        How many to list at most; obstacles of zero are not listed.

    Returns
    -------
    DataFrame
        Indexed ``(province, year, order)``, order 1 for the largest, with
        ``obstacle`` and ``degree`` in per cent. Equal degrees keep the order
        of the columns.

    Raises
    ------
    nqpf.errors.MethodError
        If the index or `by` does not fit, or `top` is not a whole number of
        one or more.
    """
    if not (isinstance(top, int) and top >= 1):
        raise MethodError(f"top is {top!r}", expected="a whole number of one or more")
    degree = obstacle_degree(index, by)
    long = degree.rename_axis(columns="obstacle").stack().rename("degree")
    long = long[long > 0].reset_index("obstacle")
    long = long.sort_values("degree", ascending=False, kind="stable")
    order = long.groupby(level=["province", "year"], sort=False).cumcount() + 1
    long = long.set_index(order.rename("order"), append=True)
    return long[order.to_numpy() <= top].sort_index()


@dataclass(frozen=True, eq=False, repr=False)
class Compromise:
    """The ranking by VIKOR and the compromise that it proposes.

    Parameters
    ----------
    table : DataFrame
        One row per alternative, best Q first: ``S``, ``R``, ``Q``,
        ``rank_S``, ``rank_R``, ``rank_Q`` (tied values share the better
        rank) and ``compromise``, True in the compromise set.
    v : float
        Weight of group utility against individual regret.
    threshold : float
        DQ = 1 / (N - 1), the least lead in Q that counts as an advantage;
        missing with one alternative.
    advantage : bool
        First condition: the second Q is at least DQ above the best. Two
        alternatives that share the best Q have no advantage over each other;
        one that is alone has.
    stability : bool
        Second condition: what is best by Q is best by S or by R as well.
    sample : str
        What the alternatives are.
    """

    table: pd.DataFrame
    v: float
    threshold: float
    advantage: bool
    stability: bool
    sample: str = ""

    @property
    def members(self) -> list[object]:
        """Labels of the compromise set, best Q first.

        One label if both conditions hold; the best and what is second if only
        stability fails; else all whose Q is less than DQ above the best.
        """
        return self.table.index[self.table["compromise"]].tolist()

    def _caption(self) -> str:
        held = {True: "holds", False: "fails"}
        lead = f"VIKOR, v = {self.v:g}" + (f", {self.sample}" if self.sample else "")
        return (
            f"{lead}: advantage (DQ = {self.threshold:.4f}) {held[self.advantage]}, "
            f"stability {held[self.stability]}; "
            f"compromise: {', '.join(str(label) for label in self.members)}"
        )

    def __repr__(self) -> str:
        return f"<{self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.table.to_html(escape=True, float_format="{:.4f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


def compromise(
    z: ArrayLike, w: ArrayLike, v: float = 0.5, labels: ArrayLike | None = None
) -> Compromise:
    """Rank the rows by VIKOR and test the two conditions of acceptance.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    v : float
        Weight of group utility against individual regret, from 0 to 1.
    labels : array_like or None
        Names of the rows; positions when None.

    Returns
    -------
    Compromise
        Conditions and set as in Opricovic and Tzeng (2004, p. 448).

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or `v` is not a
        number from 0 to 1.
    nqpf.errors.DataError
        If a value is missing or infinite, or there is not one label per row.

    Examples
    --------
    >>> compromise([[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]], [0.5, 0.5], labels=["a", "b", "c"])
    <VIKOR, v = 0.5: advantage (DQ = 0.5000) holds, stability holds; compromise: c>
    """
    values = aggregate.measures(z, w, v)
    n = len(values.Q)
    names = pd.RangeIndex(n) if labels is None else pd.Index(labels)
    if len(names) != n:
        raise DataError(f"{len(names)} labels for {n} rows", expected="one label per row")
    table = pd.DataFrame(values._asdict(), index=names)
    ranks = table.round(12).rank(method="min").astype("int64").add_prefix("rank_")
    threshold = 1 / (n - 1) if n > 1 else np.nan
    lead = values.Q - values.Q.min()
    best = lead <= aggregate._TIE
    advantage = n == 1 or (
        best.sum() == 1 and bool(lead[~best].min() >= threshold - aggregate._TIE)
    )
    best_by_one = (values.S <= values.S.min() + aggregate._TIE) | (
        values.R <= values.R.min() + aggregate._TIE
    )
    stability = bool(best_by_one[best].all())
    if advantage and stability:
        chosen = best
    elif advantage:
        chosen = lead <= lead[~best].min() + aggregate._TIE
    else:
        chosen = lead < threshold - aggregate._TIE
    table = pd.concat([table, ranks], axis="columns").assign(compromise=chosen | best)
    return Compromise(
        table=table.sort_values(["rank_Q", "S"], kind="stable"),
        v=float(v),
        threshold=threshold,
        advantage=advantage,
        stability=stability,
    )


def of_index(index: Index, year: int | None = None, v: float | None = None) -> Compromise:
    """Rank provinces by VIKOR with the normalised values and weights of an index.

    Parameters
    ----------
    index : Index
        Any index, whatever its aggregation.
    year : int or None
        Compare the provinces in that year with each other, best and worst
        values taken from that year; all province-years when None.
    v : float or None
        Weight of group utility; when None that of the index's recipe, else
        0.5.

    Returns
    -------
    Compromise
        Labelled by name of the province, or by name and year.

    Raises
    ------
    nqpf.errors.SampleError
        If the year has no scores.
    nqpf.errors.MethodError
        If `v` is not a number from 0 to 1.
    """
    v = index.recipe.options.get("v", 0.5) if v is None else v
    z = index.normalised if year is None else index.normalised.loc[index.rows(year)]
    labels = names(z.index.get_level_values("province"))
    sample = f"{len(z)} provinces in {year}"
    if year is None:
        years = z.index.get_level_values("year")
        labels = [f"{label} {when}" for label, when in zip(labels, years, strict=True)]
        sample = f"{len(z)} province-years"
    result = compromise(z.to_numpy(), index.weights.to_numpy(), v, labels)
    return replace(result, sample=sample)
