"""All measures of new quality productive forces: on one sample, and where they put provinces."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import between, choose, whole
from nqpf.compare.certainty import _DIGITS, _bounds, _plan, _random, _scores
from nqpf.compare.declaration import _Declaration
from nqpf.compare.variants import _CHAINED, _HOLDS, _base_year, _productivity
from nqpf.data.export import _missing
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.files import root
from nqpf.index.normalise import _IndexWarning
from nqpf.index.recipe import Index, Recipe
from nqpf.sample import _check_finite, _place
from nqpf.systems.formula import Formula
from nqpf.systems.overlap import _holding
from nqpf.systems.system import IndicatorMatrix, System, _defined, available
from nqpf.tfp.accounts import _SolowResult, production, solow_residual

_TFP = "tfp"
_SHOWN = "solow-0.5"  # the estimator of TFP that is shown here


def measures(
    panel: Panel,
    systems: Sequence[str] | None = None,
    vintage: str = _VINTAGE,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Return every composite index and TFP where all of them exist.

    Each system is computed on its own complete sample, as its chapter does;
    only then are the scores cut to the province-years that all measures
    share, so that a figure here is the figure printed there.

    Parameters
    ----------
    panel : Panel
        Official figures.
    systems : sequence of str or None
        Keys of the systems; all that have a card when None.
    vintage : str
        Vintage of the national accounts for every measure.
    without : sequence of str
        Indicators to take out of every system before its index is computed, such as
        :func:`nqpf.compare.holders` of what the measures are to be related to. The sample stays
        that of the whole system. TFP is no sum of indicators and stays as it is.

    Returns
    -------
    DataFrame indexed (province, year)
        One column per system key and ``tfp``, the log of total factor
        productivity with a capital share of one half, on figures as published: where
        :meth:`nqpf.data.Panel.breaks` flags employment, its path has a break too.

    Raises
    ------
    nqpf.errors.SampleError
        If no province-year has all measures, or a system has no indicator left.
    nqpf.errors.MethodError
        If an indicator to take out is unknown; the message offers the nearest.
    """
    for indicator in without:
        choose("indicator to take out", indicator, _defined(root()))
    columns = {}
    for key in available() if systems is None else systems:
        system = System.load(key)
        matrix = system.evaluate(panel, vintage=vintage)
        left = [indicator for indicator in system.indicators if indicator not in without]
        if not left:
            problem, hint = f"every indicator of {key} is to be taken out", "leave the system out"
            raise SampleError(problem, expected="at least one that stays", hint=hint)
        columns[key] = Recipe(**system.recipe).fit(matrix.select(left)).scores
    columns[_TFP] = _log_tfp(panel, vintage)
    frame = pd.DataFrame(columns).dropna().sort_index()
    if frame.empty:
        expected, hint = f"an overlap of {', '.join(columns)}", "compare fewer measures"
        raise SampleError("no province-year has every measure", expected=expected, hint=hint)
    return frame


def _solow(panel: Panel, vintage: str, share: float = 0.5) -> _SolowResult:
    """Return total factor productivity at prices of a year that the vintage reaches."""
    sample = production(panel, base=_base_year(panel, vintage), vintage=vintage)
    return solow_residual(sample, share=share)


def _log_tfp(panel: Panel, vintage: str) -> pd.Series:
    return _solow(panel, vintage).log_tfp  # scripts/watch_regressions.py keeps what this gives


@dataclass(frozen=True)
class _Agreement:
    """Agreement of several measures on one sample.

    Attributes
    ----------
    spearman, kendall : DataFrame, measure by measure
        Rank correlations (Kendall's tau-b).
    top : DataFrame, measure by measure
        Share of the best `k` in common. An item is among the best k when fewer than k are above
        it, so ties at the border all count; the share is of the larger of the two sets.
    k : int
    concordance : float
        Kendall's W over all measures, corrected for ties: 0 without any agreement, 1 when all
        rankings are the same.
    nobs : int
        Items ranked.
    """

    spearman: pd.DataFrame
    kendall: pd.DataFrame
    top: pd.DataFrame
    k: int
    concordance: float
    nobs: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair of measures."""
        names = list(self.spearman.columns)
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        index = pd.MultiIndex.from_tuples(pairs, names=["measure", "other"])
        tables = {"spearman": self.spearman, "kendall": self.kendall, f"top {self.k}": self.top}
        columns = {title: [table.at[pair] for pair in pairs] for title, table in tables.items()}
        return pd.DataFrame(columns, index=index)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.3f}".format)

    def clusters(self, least: float = 0.9) -> pd.Series:
        """Group measures whose average rank correlation reaches a level.

        Average-linkage clustering of the distances 1 - rho; a group is cut where
        the average correlation between two groups falls below `least`.

        Parameters
        ----------
        least : float
            Average correlation within a group, between -1 and 1.

        Returns
        -------
        Series
            Number of the group by measure, in the order in which the tree of
            groups lists the measures, so that neighbours rank alike.

        Raises
        ------
        nqpf.errors.MethodError
            If `least` is not between -1 and 1.
        """
        from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
        from scipy.spatial.distance import squareform

        least = between("least correlation", least, -1, 1)
        # Rounding can leave a diagonal or a pair of values one unit in the last place apart.
        rho = (self.spearman + self.spearman.T) / 2
        distance = (1 - rho).clip(lower=0).to_numpy(copy=True)
        np.fill_diagonal(distance, 0)
        tree = linkage(squareform(distance), method="average", optimal_ordering=True)
        labels = fcluster(tree, 1 - least + 1e-12, criterion="distance")
        order = leaves_list(tree)
        groups = pd.Series(labels[order], index=rho.index[order], name="group")
        return groups.map({old: new for new, old in enumerate(dict.fromkeys(groups), start=1)})


def _joined(measures: Mapping[str, pd.Series], year: int | None) -> pd.DataFrame:
    """Return measures side by side, joined by key; see :func:`agreement`."""
    if len(measures) < 2:
        raise MethodError(f"{len(measures)} measure(s)", expected="two or more to compare")
    kept: dict[str, pd.Series] = {}
    for name, series in measures.items():
        if year is not None:
            series = series[series.index.get_level_values(1) == year]
        kept[name], index, names = series, series.index, list(series.index.names)
        first = next(iter(kept))
        for key in index[index.duplicated()]:
            where = _place(key, names)
            raise SampleError(f"measure {name!r} holds a key more than once", where=where)
        odd = kept[first].index.symmetric_difference(index, sort=True)
        if len(odd):
            have, lack = (name, first) if odd[0] in index else (first, name)
            told = f"measure {lack!r} has no figure for a key of {have!r}, one of {len(odd)} keys"
            where, expected = _place(odd[0], names), "the same provinces and years in every measure"
            hint = "restrict the measures to their common sample, and say so"
            raise SampleError(told, where=where, expected=expected, hint=hint)
    frame = pd.DataFrame(kept).sort_index().rename_axis(names)
    if len(frame) < 2:
        where = {} if year is None else {"year": year}
        raise SampleError(f"{len(frame)} row(s) to rank", where=where, expected="two or more")
    _check_finite(frame, "the comparison")
    return frame


def _concordance(frame: pd.DataFrame) -> float:
    """Return Kendall's W of the columns of `frame`, with correction for ties.

    W = 12 S / (m^2 (n^3 - n) - m sum_j T_j), S the squared deviations of the
    rank sums and T_j = sum (t^3 - t) over the ties of ranking j (Kendall and
    Babington Smith 1939; Siegel and Castellan 1988).
    """
    n, m = frame.shape
    sums = frame.rank().sum(axis=1)
    ties = sum(float((c**3 - c).sum()) for c in (frame[x].value_counts() for x in frame))
    return 12 * float(((sums - sums.mean()) ** 2).sum()) / (m**2 * (n**3 - n) - m * ties)


def agreement(
    measures: Mapping[str, pd.Series], k: int = 10, year: int | None = None
) -> _Agreement:
    """Compare the rankings of several measures.

    Parameters
    ----------
    measures : mapping of str to Series, or DataFrame with a column per measure
        Scores of which more is better, indexed (province, year), or by province when there is no
        `year`; ``Index.scores`` or the ``tfp`` of :func:`nqpf.tfp.solow_residual`.
        Turn a measure of which less is better, such as VIKOR's Q, round first.
    k : int
        Size of the top group.
    year : int or None
        Compare within one year; over all province-years when None.

    Returns
    -------
    Agreement

    Raises
    ------
    nqpf.errors.SampleError
        If the keys of the measures differ, a figure is missing or a measure is constant.
    nqpf.errors.MethodError
        If there are fewer than two measures or `k` does not fit the sample.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B", "C"], [2020]], names=["province", "year"])
    >>> a, b = pd.Series([1, 2, 3], keys), pd.Series([1, 3, 2], keys)
    >>> float(agreement({"a": a, "b": b}, k=1).spearman.loc["a", "b"])
    0.5
    """
    frame = _joined(measures, year)
    flat = frame.columns[frame.nunique() == 1]
    if len(flat):
        raise SampleError(f"measure {flat[0]!r} is constant and ranks nothing")
    k = whole("k", k, 1, len(frame))
    best = frame.rank(ascending=False, method="min") <= k
    return _Agreement(
        spearman=frame.corr(method="spearman"),
        kendall=frame.corr(method="kendall"),
        top=best.corr(lambda a, b: (a * b).sum() / max(a.sum(), b.sum())),
        k=k,
        concordance=_concordance(frame),
        nobs=len(frame),
    )


def holders(variables: str | Sequence[str], lead: int = 0) -> list[str]:
    """Return the indicators that hold any of the variables.

    An indicator holds a variable when the variable's numerator stands in its own numerator, or
    when it is the variable turned upside down, see :func:`nqpf.systems.overlap._holding`.

    Parameters
    ----------
    variables : str or sequence of str
        Outcomes, determinants, controls, threshold variables, mediators or instruments, as
        ``data/multiverse/grid.yaml`` declares them.
    lead : int
        Years from the measure to the variable, 1 for an outcome of the year after. It matters
        for growth only, which a level of an earlier year does not hold.

    Returns
    -------
    list of str
        Keys of ``data/indicators.yaml``, sorted.

    Raises
    ------
    nqpf.errors.MethodError
        If a variable is not declared; the message offers the nearest.

    Examples
    --------
    >>> holders(["urbanisation", "income"])
    ['labour_productivity', 'urbanisation_rate']
    >>> holders("growth"), holders("growth", lead=1)
    (['labour_productivity'], [])
    """
    return sorted({key for name in _listed(variables) for key in _holders(name, lead)})


def circular(variables: str | Sequence[str], lead: int = 0) -> pd.Series:
    """Return by measure why it cannot be related to the variables, empty where it can.

    Parameters
    ----------
    variables : str or sequence of str
        Every variable of the equation but the measure itself.
    lead : int
        As in :func:`holders`.

    Returns
    -------
    Series of str
        By key of the system, and ``tfp``, in the order of :func:`nqpf.compare.measures`.

    Raises
    ------
    nqpf.errors.MethodError
        If a variable is not declared.

    Examples
    --------
    >>> why = circular("urbanisation")
    >>> why["wang-wang-2024"], why["dong-2024"]
    ('', 'holds urbanisation (as share of residents living in towns and cities)')
    """
    held = {key: tuple(System.load(key).indicators) for key in available()} | {_TFP: _HOLDS[_SHOWN]}
    reasons = {}
    for measure, own in held.items():
        parts = []
        for name in _listed(variables):
            inside = [key for key in own if key in _holders(name, lead)]
            if inside:
                held_as = " and ".join(_defined(root())[key].name.en for key in inside)
                held_as = "GDP in the numerator" if measure == _TFP else held_as
                parts.append(f"{name.replace('_', ' ')} (as {held_as})")
        reasons[measure] = "holds " + " and ".join(parts) if parts else ""
    return pd.Series(reasons, name="reason", dtype="str")


def _listed(variables: str | Sequence[str]) -> list[str]:
    return [variables] if isinstance(variables, str) else list(variables)


@cache
def _holders(name: str, lead: int) -> tuple[str, ...]:
    declared = _Declaration.load().grid.variables
    # Nothing else says which measures hold a variable.
    choose("declared variable", name, declared, where={"file": "data/multiverse/grid.yaml"})
    return _holding(Formula.parse(declared[name].formula, {"variable": name}), lead)


_WEIGHTINGS = ("entropy", "ahp_entropy", "variation", "critic", "equal", "pursuit")
_AGGREGATIONS = ("linear", "topsis", "vikor", "coupling", "geometric")
# As in the chapter on certainty: 2 % of error in every figure, weights changed by a quarter; a
# geometric mean would be zero too often.
_DRAWN = {"aggregate": ["topsis", "linear", "vikor"], "error": 0.02, "perturb": 0.25}
_LEVEL = 0.9
_KEY = ["province", "year"]
_MEASURE = ["system", "weights", "aggregate"]


def _intervals(matrix: IndicatorMatrix, draws: int) -> pd.DataFrame:
    """Return how far each province's rank varies over draws, in every year.

    A draw of :func:`nqpf.compare.uncertainty` scores all rows of the matrix and keeps one year;
    this keeps them all. By (province, year): ``lower``, ``median`` and ``upper``, ranks that occur.
    """
    plan = _plan(matrix, 0, **_DRAWN)
    scores = _scores(plan, _random(plan, whole("draws", draws, 1)), every=True)
    frame = pd.DataFrame(scores.T, plan.rows).round(_DIGITS)
    ranks = frame.groupby(level="year").rank(ascending=False, method="min")
    return _bounds(ranks.to_numpy().T, plan.rows, _LEVEL).sort_index()


@dataclass(frozen=True, eq=False, repr=False)
class _Standings:
    """Scores, ranks and intervals of ranks, made by :func:`standings`.

    Attributes
    ----------
    scores : DataFrame
        On (province, year), a column per (system, weights, aggregate); TFP
        is the column (``tfp``, "", ""), the log of its level. Missing where a
        system lacks a figure.
    ranks : DataFrame of Int64
        In the same shape: the rank within the year among the provinces that
        the system covers, 1 for the highest score.
    weights : DataFrame
        By (system, indicator), a column per weighting that the system has.
    normalised : dict of str to DataFrame
        By system: normalised values on (province, year), more is better.
    matrices : dict of str to IndicatorMatrix
        By system: the indicators before normalisation.
    intervals : DataFrame of int
        By (system, province, year): ``lower``, ``median`` and ``upper`` rank.
        Of a system: the central share `level` of the draws. Of TFP: the least
        and the largest rank over `variants`.
    refused : DataFrame
        ``system``, ``weights``, ``aggregate`` and ``reason`` of combinations
        that are not computed.
    own : dict of str to (str, str)
        By system: weighting and aggregation that the study uses, or the
        book's default where the survey states none.
    draws : int
    level : float
    variants : tuple of (str, str)
        Estimators of TFP and rules for capital behind its intervals.
    """

    scores: pd.DataFrame
    ranks: pd.DataFrame
    weights: pd.DataFrame
    normalised: dict[str, pd.DataFrame]
    matrices: dict[str, IndicatorMatrix]
    intervals: pd.DataFrame
    refused: pd.DataFrame
    own: dict[str, tuple[str, str]]
    draws: int
    level: float
    variants: tuple[tuple[str, str], ...]

    def of(
        self, system: str, weights: str | None = None, aggregate: str | None = None
    ) -> pd.DataFrame:
        """Return one measure with the interval of its system.

        Parameters
        ----------
        system : str
            Key of a system, or ``tfp``.
        weights, aggregate : str or None
            Those of the study when None.

        Returns
        -------
        DataFrame indexed (province, year)
            ``score``, ``rank``, ``lower``, ``median`` and ``upper``.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such measure; the message gives the reason if it was refused.
        """
        own = self.own.get(system, ("", ""))
        key = (system, own[0] if weights is None else weights, aggregate or own[1])
        if key not in self.scores.columns:
            why = self.refused.set_index(_MEASURE)["reason"].get(key)
            problem = f"no measure {', '.join(key)}" + (f": {why}" if why else "")
            known = ", ".join(self.scores.columns[0])
            raise MethodError(problem, expected=f"a column of scores, such as {known}")
        frame = pd.DataFrame({"score": self.scores[key], "rank": self.ranks[key]}).dropna()
        return frame.astype({"rank": "int64"}).join(self.intervals.loc[system])

    def __repr__(self) -> str:
        n, rows = self.scores.shape[1], len(self.scores)
        lost = len(self.refused)
        return f"<Standings of {n} measures on {rows} province-years, {lost} combinations refused>"


def standings(
    panel: Panel,
    systems: Sequence[str] | None = None,
    *,
    weights: Sequence[str] = _WEIGHTINGS,
    aggregate: Sequence[str] = _AGGREGATIONS,
    draws: int = 2_000,
    vintage: str = _VINTAGE,
) -> _Standings:
    """Score and rank all provinces in all years by every measure that can be made.

    Each system is normalised as its card says, on its own complete sample, and
    combined with every weighting and aggregation; the recipes of its card are
    always among them. Intervals follow the chapter on the certainty of ranks: the central 90 % of
    draws over normalisation, weights and aggregation (TOPSIS, linear, VIKOR), the omission
    of one indicator, weights changed by up to a quarter and a measurement
    error of 2 %. They belong to a system and not to one of its recipes.

    Parameters
    ----------
    panel : Panel
        Official figures.
    systems : sequence of str or None
        Keys of the systems; all that have a card when None.
    weights, aggregate : sequence of str
        Methods to combine; empty ones leave the recipes of the cards.
    draws : int
        Draws behind the intervals of a system.
    vintage : str
        Vintage of the national accounts.

    Returns
    -------
    Standings
        ``scores``, ``ranks``, ``weights``, ``normalised``, ``matrices``, ``intervals`` and
        ``refused``; ``of(system, weights, aggregate)`` gives one measure.

    Raises
    ------
    nqpf.errors.MethodError
        If a method is unknown or needs options, or `draws` is below one.
    nqpf.errors.SampleError
        If a system has no complete province-year.

    Notes
    -----
    Not computed, with the reason in ``refused``: what a recipe refuses, projection
    pursuit joined by anything but a sum, and a geometric or harmonic mean where
    a normalised value is zero. Systems with the same figures share their draws, and their
    scores where the division into dimensions does not enter.
    """
    found = {key: System.load(key) for key in (available() if systems is None else systems)}
    matrices = {key: one.evaluate(panel, vintage=vintage) for key, one in found.items()}
    scores, ranks, refused, bounds = {}, {}, [], {}
    tables: dict[str, pd.DataFrame] = {}
    normalised: dict[str, pd.DataFrame] = {}
    shared: dict[tuple[str, Recipe], Index] = {}
    for key, one in found.items():
        matrix, vectors = matrices[key], {}
        twin = next(other for other in matrices if _same(matrices[other], matrix))
        for recipe in _recipes(one, weights, aggregate):
            name = (key, recipe.weights, recipe.aggregate)
            own = (key if recipe.aggregate == "coupling" else twin, recipe)
            try:
                if own not in shared:
                    shared[own] = _fit(recipe, matrix)
            except (MethodError, DataError) as error:
                refused.append((*name, error.problem))
                continue
            index = shared[own]
            scores[name], ranks[name] = index.scores, index.rank()
            vectors[recipe.weights] = index.weights
            normalised[key] = index.normalised
        tables[key] = pd.DataFrame(vectors)
        bounds[key] = bounds[twin] if twin in bounds else _intervals(matrix, draws)
    tfp = (_TFP, "", "")
    scores[tfp] = _log_tfp(panel, vintage)
    ranks[tfp] = _ranked(scores[tfp])
    bounds[_TFP], variants = _tfp_bounds(panel, vintage, ranks[tfp].index)
    return _Standings(
        scores=pd.concat(scores, axis=1, names=_MEASURE).sort_index(),
        ranks=pd.concat(ranks, axis=1, names=_MEASURE).sort_index().astype("Int64"),
        weights=pd.concat(tables, names=["system", "indicator"]) if tables else pd.DataFrame(),
        normalised=normalised,
        matrices=matrices,
        intervals=pd.concat(bounds, names=["system", *_KEY]),
        refused=pd.DataFrame(refused, columns=[*_MEASURE, "reason"], dtype="str"),
        own={key: (one.recipe["weights"], one.recipe["aggregate"]) for key, one in found.items()},
        draws=int(draws),
        level=_LEVEL,
        variants=variants,
    )


def _recipes(system: System, weights: Sequence[str], join: Sequence[str]) -> list[Recipe]:
    """Return the recipes to try: the card's under its default normalisation, then the others."""
    how = system.recipe["normalise"]
    own = [(r["weights"], r["aggregate"]) for r in system.recipes if r["normalise"] == how]
    every = [*own, *((one, other) for one in weights for other in join)]
    return [Recipe(how, one, other) for one, other in dict.fromkeys(every)]


def _fit(recipe: Recipe, matrix: IndicatorMatrix) -> Index:
    """Return the index, or raise with the reason why the methods do not fit each other."""
    if recipe.weights == "pursuit" and recipe.aggregate != "linear":
        raise MethodError("a projection is a weighted sum by definition")
    with warnings.catch_warnings(action="ignore", category=_IndexWarning):
        index = recipe.fit(matrix)
    if recipe.aggregate not in ("geometric", "harmonic"):
        return index
    used = index.normalised.loc[:, index.weights > 0]
    zeros = int((used == 0).any(axis=1).sum())
    if zeros:
        found = f"{zeros} of {len(used)} province-years hold one"
        raise MethodError(f"one zero makes the whole mean zero: {found}")
    return index


def _same(one: IndicatorMatrix, other: IndicatorMatrix) -> bool:
    """Return whether two matrices hold the same figures; dimensions do not enter a draw."""
    return one.values.equals(other.values) and one.benefit.equals(other.benefit)


def _ranked(levels: pd.Series) -> pd.Series:
    return levels.groupby(level="year").rank(ascending=False, method="min").astype("int64")


def _tfp_bounds(
    panel: Panel, vintage: str, rows: pd.MultiIndex
) -> tuple[pd.DataFrame, tuple[tuple[str, str], ...]]:
    """Return the range of ranks over levels of TFP that cover every row, and which they are."""
    declared = _Declaration.load()
    levels = [name for name in declared.estimators if name not in _CHAINED]
    made, _ = _productivity(panel, vintage, levels, declared.grid.measures.capital)
    own = {name: one for name, one in made.items() if one.index.symmetric_difference(rows).empty}
    ranks = np.array([_ranked(level).loc[rows] for level in own.values()])
    return _bounds(ranks, rows, 1), tuple(own)


def _rank_changes(key: str, before: Panel, after: Panel, years: Iterable[int]) -> str:
    """Say how figures change the ranks of a system in some years, line by line."""
    system = System.load(key)
    old, new = (Recipe(**system.recipe).fit(system.evaluate(one)) for one in (before, after))
    lines = [f"ranks by {key}, before -> after:"]
    for year in years:
        if year not in new.years:
            absent = sorted({*_missing(system.variables, year, after)["variable"]})
            lines.append(f"  {year}: no province has every variable; missing: {', '.join(absent)}")
            continue
        ranks = pd.DataFrame({"after": new.rank(year)})
        ranks["before"] = old.rank(year) if year in old.years else float("nan")
        moved = ranks[ranks["before"] != ranks["after"]]
        names = [
            f"{provinces.name(code, 'both')} {'-' if pd.isna(row.before) else int(row.before)}"
            f" -> {row.after:.0f}"
            for code, row in moved.iterrows()
        ]
        lines.append(f"  {year}: {len(moved)} of {len(ranks)} ranks change")
        lines += [f"    {', '.join(names[i : i + 4])}" for i in range(0, len(names), 4)]
    return "\n".join(lines)
