"""Thresholds of panels after Hansen (1999)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import pandas as pd
from scipy import sparse

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.ols import DEFAULT, RegressionResult, fixed_effects
from nqpf.regress.table import RegressionTable
from nqpf.sample import by_key, check_regressors, nearest, place

__all__ = [
    "Base",
    "Design",
    "Profile",
    "Stage",
    "ThresholdResult",
    "admissible",
    "arrange",
    "base_fit",
    "confidence",
    "find",
    "profile",
    "resampled",
    "significance",
    "threshold",
]

_NOTHING = 1e-10  # variation below this share of the raw columns' own is rounding
_CELLS = 4_000_000  # numbers of a block of bootstrap outcomes: 32 MB


@dataclass(frozen=True)
class Design:
    """A balanced panel with rows ordered by unit and time.

    Attributes
    ----------
    outcome : (N,) array
        Less its means by unit.
    fixed : (N, k) array
        Controls, and one column per year with year effects, less their means by unit.
    regime : (N, m) array
        Variables whose slope changes, as they come.
    values : (v,) array
        Distinct values of the threshold variable, ascending.
    below : (v,) array
        Rows at or below each value.
    order : (N,) array
        Rows by ascending threshold variable.
    units, periods : int
    """

    outcome: np.ndarray
    fixed: np.ndarray
    regime: np.ndarray
    values: np.ndarray
    below: np.ndarray
    order: np.ndarray
    units: int
    periods: int

    def within(self, columns: np.ndarray) -> np.ndarray:
        """Return `columns`, (N, ...), less their means by unit."""
        cube = columns.reshape(self.units, self.periods, -1)
        return (cube - cube.mean(axis=1, keepdims=True)).reshape(columns.shape)

    def members(self, positions: list[int]) -> np.ndarray:
        """Return the regime of each row, 0 lowest, for thresholds at `positions`."""
        rank = np.empty(len(self.order), dtype=int)
        rank[self.order] = np.arange(len(self.order))
        return np.searchsorted(np.sort(self.below[positions]), rank, side="right")


@dataclass(frozen=True)
class Base:
    """A model with known thresholds.

    Attributes
    ----------
    basis : (N, r) array
        Orthonormal columns that span its regressors.
    residuals : (N,) array
    ssr : float
    """

    basis: np.ndarray
    residuals: np.ndarray
    ssr: float


def base_fit(design: Design, positions: list[int]) -> Base:
    """Fit the model whose thresholds stand at `positions` of the distinct values."""
    member = design.members(positions)
    split = [design.regime * (member == r)[:, None] for r in range(len(positions) + 1)]
    columns = np.hstack([design.fixed, design.within(np.hstack(split))])
    size = np.linalg.norm(columns, axis=0)
    columns = columns[:, size > 0] / size[size > 0]
    left, strength, _ = np.linalg.svd(columns, full_matrices=False)
    basis = left[:, strength > _NOTHING * strength[0]]
    residuals = design.outcome - basis @ (basis.T @ design.outcome)
    return Base(basis, residuals, float(residuals @ residuals))


def admissible(design: Design, known: list[int], least: int, pool: np.ndarray) -> np.ndarray:
    """Return the positions of `pool` at which one more threshold leaves every regime its rows.

    Parameters
    ----------
    known : list of int
        Positions of the other thresholds.
    least : int
        Rows that every regime must keep.
    pool : (p,) array of int
        Positions of the distinct values to consider, ascending.
    """
    edges = np.array([0, len(design.order), *design.below[known]])
    distance = np.abs(design.below[pool, None] - edges).min(axis=1)
    return pool[distance >= least]


@dataclass(frozen=True)
class Profile:
    """Sums of squares as one more threshold moves over its candidates.

    Attributes
    ----------
    base : Base
    candidates : (g,) array
        Positions of the distinct values.
    sums : tuple of m sparse (g, N) matrices
        Rows that a candidate adds to the lower regime, weighted by the regime variable.
    shared : (g, m, r) array
        Products of the candidate's columns with the base.
    whitening : (g, m, m) array
        A with A A' = H^-1; a direction that the base spans has zeros.
    """

    base: Base
    candidates: np.ndarray
    sums: tuple[sparse.csr_array, ...]
    shared: np.ndarray
    whitening: np.ndarray

    def gains(self, outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the base's sums of squares, (b,), and what each candidate takes off, (g, b).

        Parameters
        ----------
        outcomes : (N, b) array
            Less their means by unit.
        """
        loads = self.base.basis.T @ outcomes
        rest = np.einsum("nb,nb->b", outcomes, outcomes) - np.einsum("rb,rb->b", loads, loads)
        moved = [
            np.cumsum(rows @ outcomes, axis=0) - self.shared[:, j] @ loads
            for j, rows in enumerate(self.sums)
        ]
        gain = np.zeros_like(moved[0])
        for direction in range(len(moved)):
            part = sum(self.whitening[:, j, direction, None] * d for j, d in enumerate(moved))
            gain += part**2
        return rest, gain

    def ssr(self) -> np.ndarray:
        """Return the sum of squared residuals of the sample at each candidate."""
        return self.base.ssr - self.gains(self.base.residuals[:, None])[1][:, 0]


def profile(design: Design, base: Base, candidates: np.ndarray) -> Profile:
    """Prepare the search for one more threshold among `candidates`, ascending positions."""
    ends = design.below[candidates]
    rows = design.order[: ends[-1]]
    starts = np.concatenate([[0], ends])
    shape = (len(ends), len(design.order))
    sums = tuple(
        sparse.csr_array((design.regime[rows, j], rows, starts), shape=shape)
        for j in range(design.regime.shape[1])
    )
    shared = np.stack([np.cumsum(part @ base.basis, axis=0) for part in sums], axis=1)
    own, raw = _own_products(design, rows, starts[:-1])
    left = own - shared @ shared.transpose(0, 2, 1)
    strength, directions = np.linalg.eigh(left)
    real = strength > _NOTHING * raw[:, None]
    scale = np.where(real, 1 / np.sqrt(np.where(real, strength, 1.0)), 0.0)
    return Profile(base, candidates, sums, shared, directions * scale[:, None, :])


def _own_products(
    design: Design, rows: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return D'D less means by unit, (g, m, m), and the trace of D'D with them, (g,).

    A row z that joins a unit whose members so far sum to s moves that unit's
    part of the product by zz' - (sz' + zs' + zz') / T.
    """
    z = design.regime[rows]
    unit = rows // design.periods
    by_unit = np.argsort(unit, kind="stable")
    running = np.cumsum(z[by_unit], axis=0) - z[by_unit]
    first = np.searchsorted(unit[by_unit], np.arange(design.units), side="left")
    offset = running[np.minimum(first, len(rows) - 1)]
    before = np.empty_like(z)
    before[by_unit] = running - offset[unit[by_unit]]
    square = np.einsum("ni,nj->nij", z, z)
    cross = np.einsum("ni,nj->nij", before, z)
    moved = square - (cross + cross.transpose(0, 2, 1) + square) / design.periods
    own, raw = (np.cumsum(np.add.reduceat(part, starts), axis=0) for part in (moved, square))
    return own, np.trace(raw, axis1=1, axis2=2)


def resampled(prepared: Profile, residuals: np.ndarray, draws: np.ndarray, df: int) -> np.ndarray:
    """Return Hansen's F under no further threshold, one per bootstrap sample.

    Regressors, threshold variable and the base's thresholds stay. F does not
    depend on the coefficients under the null, so that the errors alone are the
    outcome.

    Parameters
    ----------
    prepared : Profile
    residuals : (n, T) array
        Histories of the n units.
    draws : (b, n) array
        Integers name the unit whose history each unit receives; floats are
        factors of each unit's own history.
    df : int
        Degrees of freedom of the error variance.
    """
    block = max(1, _CELLS // residuals.size)
    statistics = []
    for start in range(0, len(draws), block):
        part = draws[start : start + block]
        names = np.issubdtype(part.dtype, np.integer)
        histories = residuals[part] if names else residuals * part[:, :, None]
        outcomes = np.ascontiguousarray(histories.reshape(len(part), -1).T)
        rest, gain = prepared.gains(outcomes)
        best = gain.max(axis=0)
        statistics.append(df * best / (rest - best))
    return np.concatenate(statistics)


_LEVEL = 1e-6


def arrange(
    data: pd.DataFrame,
    outcome: str,
    regimes: list[str],
    threshold: str,
    controls: list[str],
    effects: str,
) -> Design:
    """Check a sample that is sorted by unit and time and take the unit effects out of it.

    Parameters
    ----------
    data : DataFrame indexed (unit, time), sorted
    outcome, threshold : str
    regimes, controls : list of str
    effects : {"unit", "two-way"}
        Year effects enter as dummies beside the controls.

    Raises
    ------
    nqpf.errors.SampleError
        If the panel is unbalanced, or has one unit or one time.
    nqpf.errors.EstimationError
        If a variable does not vary or regressors are collinear.
    """
    _check_balanced(data.index)
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    check_regressors(data[[*controls, *regimes]], unit, time if effects == "two-way" else None)
    q = data[threshold].to_numpy()
    values, counts = np.unique(q, return_counts=True)
    if len(values) < 2:
        raise EstimationError(
            f"threshold variable {threshold!r} does not vary",
            expected="a variable that sorts rows into regimes",
        )
    y, x, z = (data[names].to_numpy() for names in (outcome, controls, regimes))
    _check_level(data[regimes])
    periods = int(time.max()) + 1
    if effects == "two-way":
        x = np.hstack([x, np.eye(periods)[time]])
    raw = Design(
        outcome=y,
        fixed=x,
        # Scaled, so that variables in unlike units count alike when rank is judged.
        regime=z / np.sqrt((z**2).mean(axis=0)),
        values=values,
        below=np.cumsum(counts),
        order=np.argsort(q, kind="stable"),
        units=int(unit.max()) + 1,
        periods=periods,
    )
    inner = raw.within(y)
    if np.linalg.norm(inner) <= 1e-12 * np.linalg.norm(y):
        raise EstimationError(f"outcome {outcome!r} does not vary within any {data.index.names[0]}")
    return replace(raw, outcome=inner, fixed=raw.within(x))


def _check_level(regimes: pd.DataFrame) -> None:
    """Raise EstimationError where a regime variable's level drowns what varies.

    Split by regime, such a variable is a set of dummies: without intercepts by
    regime its zero decides what a threshold means.
    """
    level = np.sqrt((regimes**2).mean())
    for name in regimes.columns[regimes.std() < _LEVEL * level]:
        raise EstimationError(
            f"regime variable {name!r} varies by less than {_LEVEL:g} of its level",
            expected="a variable whose zero means something: there are no intercepts by regime",
            hint="measure it from its mean or in changes",
        )


def _check_balanced(index: pd.MultiIndex) -> None:
    """Raise SampleError naming the first unit and time that a balanced panel would have."""
    units, times = (index.unique(level) for level in (0, 1))
    if len(units) < 2:
        raise SampleError(
            f"1 {index.names[0]} is too few",
            where=place((units[0],), (index.names[0],)),
            expected="two or more: errors are drawn as whole histories",
        )
    if len(times) < 2:
        raise SampleError(f"1 {index.names[1]} is too few", expected="two or more")
    absent = pd.MultiIndex.from_product([units, times], names=index.names).difference(index)
    if len(absent):
        raise SampleError(
            f"the panel is not balanced: {len(absent)} row(s) are absent",
            where=place(absent[0], index.names),
            expected=f"every {index.names[0]} in each {index.names[1]}, as the theory has it",
            hint="restrict years or units to a balanced panel and say so",
        )


_CRITICAL = (0.10, 0.05, 0.01)
_MOVE = 1e-12  # a refinement that lowers the sum of squares by less is rounding
_PERFECT = 1e-20
_SAME = 1e-9  # equal signs for all units give the sample's own F, but for rounding


@dataclass(frozen=True)
class Stage:
    """One more threshold beside those already found.

    Attributes
    ----------
    known : list of int
        Positions of the earlier thresholds.
    new : int
        Position of the best further one.
    prepared : Profile
    ssr : float
        Sum of squared residuals with it.
    """

    known: list[int]
    new: int
    prepared: Profile
    ssr: float


def find(
    design: Design, number: int, least: int, grid: int | None, name: str
) -> tuple[list[Stage], list[int]]:
    """Return the stages of the search and the positions of all thresholds after refinement.

    Raises
    ------
    nqpf.errors.SampleError
        If no value leaves each regime `least` rows.
    nqpf.errors.EstimationError
        If the fit is perfect.
    """
    pool = candidates(design, least, grid)
    stages: list[Stage] = []
    known: list[int] = []
    for count in range(1, number + 1):
        prepared = _prepare(design, known, least, pool)
        if prepared is None:
            raise SampleError(
                f"no value of {name!r} parts {len(design.order)} rows into {count + 1} regimes "
                f"of {least} or more" + " beside the thresholds found first" * (count > 1),
                hint="ask for fewer thresholds or trim less",
            )
        sums = prepared.ssr()
        best = int(np.argmin(sums))
        if sums[best] <= _PERFECT * (design.outcome @ design.outcome):
            raise EstimationError(
                f"the model with {count} threshold(s) fits the outcome perfectly",
                expected="an outcome with errors",
            )
        stages.append(Stage(known, int(prepared.candidates[best]), prepared, float(sums[best])))
        known = _refined(design, [*known, stages[-1].new], least, pool, float(sums[best]))
    return stages, known


def candidates(design: Design, least: int, grid: int | None) -> np.ndarray:
    """Return the positions that can be a single threshold, or `grid` of them spread evenly."""
    everything = admissible(design, [], least, np.arange(len(design.values)))
    if grid is None or len(everything) <= grid:
        return everything
    return everything[np.round(np.linspace(0, len(everything) - 1, grid)).astype(int)]


def _prepare(design: Design, known: list[int], least: int, pool: np.ndarray) -> Profile | None:
    free = admissible(design, known, least, pool)
    return profile(design, base_fit(design, known), free) if len(free) else None


def _refined(
    design: Design, positions: list[int], least: int, pool: np.ndarray, ssr: float
) -> list[int]:
    """Search each threshold again with the others held, oldest first, until none moves.

    The sum of squares falls with every move, so that this ends; at the end it is
    least in each threshold given the others, which the likelihood ratio needs.
    """
    moved = len(positions) > 1
    while moved:
        moved = False
        for at in range(len(positions)):
            others = positions[:at] + positions[at + 1 :]
            prepared = _prepare(design, others, least, pool)
            sums = prepared.ssr()
            best = int(np.argmin(sums))
            if sums[best] < ssr * (1 - _MOVE):
                ssr, moved = float(sums[best]), True
                positions = [*others[:at], int(prepared.candidates[best]), *others[at:]]
    return positions


def significance(
    design: Design,
    stages: list[Stage],
    bootstrap: int,
    df: int,
    rng: np.random.Generator,
    draws: str = "histories",
) -> pd.DataFrame:
    """Return F, its bootstrap p value and critical values, one row per stage.

    The share of samples with a larger F counts the sample itself, (1 + k) / (1 + B):
    a p value is then never zero, and its size is exact where the draws are.
    """
    shape, rows = (design.units, design.periods), []
    for stage in stages:
        statistic = df * (stage.prepared.base.ssr - stage.ssr) / stage.ssr
        row = {"F": statistic, "p_value": np.nan}
        values = np.full(len(_CRITICAL), np.nan)
        if bootstrap:
            if draws == "histories":
                residuals = base_fit(design, [*stage.known, stage.new]).residuals
                drawn = rng.integers(design.units, size=(bootstrap, design.units))
            else:
                residuals = stage.prepared.base.residuals
                drawn = rng.choice([-1.0, 1.0], size=(bootstrap, design.units))
            simulated = resampled(stage.prepared, residuals.reshape(shape), drawn, df)
            larger = (simulated >= statistic * (1 - _SAME)).sum()
            row["p_value"] = (1 + larger) / (1 + bootstrap)
            values = np.quantile(simulated, [1 - level for level in _CRITICAL])
        row |= {f"{level:.0%}": value for level, value in zip(_CRITICAL, values, strict=True)}
        rows.append(row | {"ssr": stage.ssr})
    return pd.DataFrame(rows)


def confidence(
    design: Design, found: list[int], least: int, grid: int | None, df: int, level: float
) -> tuple[pd.DataFrame, tuple[pd.Series, ...], float, float]:
    """Return estimates with intervals, likelihood-ratio profiles, critical value and S.

    The ratio LR(g) = (S(g) - S) / (S / df) holds the other thresholds at their
    estimates; its distribution is P(LR <= c) = (1 - exp(-c / 2))^2.
    """
    critical = -2 * np.log(1 - np.sqrt(level))
    pool = candidates(design, least, grid)
    total = base_fit(design, found).ssr
    rows, profiles = [], []
    for position in sorted(found):
        others = [other for other in found if other != position]
        prepared = _prepare(design, others, least, pool)
        ratio = df * (prepared.ssr() - total) / total
        kept = np.flatnonzero(ratio <= critical)
        values = design.values[prepared.candidates]
        rows.append(
            {
                "estimate": design.values[position],
                "lower": values[kept[0]],
                "upper": values[kept[-1]],
                "connected": bool(len(kept) == kept[-1] - kept[0] + 1),
            }
        )
        profiles.append(pd.Series(ratio, pd.Index(values, name="candidate"), name="ratio"))
    index = pd.RangeIndex(1, len(found) + 1, name="threshold")
    return pd.DataFrame(rows, index=index), tuple(profiles), float(critical), total


_DRAWN = {
    "histories": "each {0} is given the residual history of one drawn at random, which takes "
    "the size of errors as unrelated to the regressors",
    "wild": "each {0} keeps its residual history and the sign is drawn at random",
}


@dataclass(frozen=True)
class ThresholdResult:
    """A fixed-effects panel with one to three thresholds.

    Attributes
    ----------
    outcome, threshold : str
    regime : tuple of str
        Variables whose slopes differ between the regimes.
    thresholds : DataFrame, one row per threshold in ascending order
        ``estimate``; ``lower`` and ``upper``, the least and the greatest value that the
        likelihood ratio does not reject; ``connected``, whether it rejects none between.
    tests : DataFrame, rows ``single``, ``double``, ``triple``
        ``F`` against one threshold fewer, bootstrap ``p_value``, critical values
        ``10%``, ``5%``, ``1%``, and ``ssr``, the sum of squared residuals.
    regression : RegressionResult
        The regression at the estimated thresholds, which its errors take as known.
    counts : DataFrame, one row per regime
        ``rows``, ``units`` and ``share`` of the rows.
    members : Series indexed (unit, time)
        Regime of each row, 1 the lowest.
    profiles : tuple of Series by candidate value
        Likelihood ratio of each threshold, the others at their estimates.
    critical : float
        Value up to which the ratio does not reject.
    ssr : float
    df : int
        Degrees of freedom of the error variance in F and the ratio.
    level, trim : float
    bootstrap : int
    draws : str
        As given to :func:`nqpf.regress.threshold`.
    seed : int
    """

    outcome: str
    threshold: str
    regime: tuple[str, ...]
    thresholds: pd.DataFrame
    tests: pd.DataFrame
    regression: RegressionResult
    counts: pd.DataFrame
    members: pd.Series
    profiles: tuple[pd.Series, ...]
    critical: float
    ssr: float
    df: int
    level: float
    trim: float
    bootstrap: int
    draws: str
    seed: int

    @property
    def slopes(self) -> pd.DataFrame:
        """Slopes of the regime variables, with errors and intervals, one row per regime."""
        number = len(self.regime) * len(self.counts)
        return self.regression.to_frame(self.level).iloc[-number:]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        r = self.regression
        return (
            f"Hansen (1999): effects {r.effects}, {r.groups} {r.unit} groups, {r.periods} periods.",
            f"Each regime keeps {self.trim:.0%} of the rows or more.",
            f"No intercepts by regime: what is found depends on where {' and '.join(self.regime)} "
            "is counted from.",
            f"p values from {self.bootstrap} samples, seed {self.seed}: "
            f"{_DRAWN[self.draws].format(r.unit)}. Each {r.unit} is taken as independent.",
            f"Intervals invert the likelihood ratio at {self.level:.0%}; it takes errors as of one "
            "variance.",
            "Standard errors of slopes take the thresholds as known.",
        )

    def _tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables that are printed, by what each of them shows."""
        inside = self.thresholds["connected"].map({True: "yes", False: "no"})
        return {
            f"Thresholds in {self.threshold}, with {self.level:.0%} intervals": self.thresholds[
                ["estimate", "lower", "upper"]
            ].assign(**{"every value inside accepted": inside}),
            "Each number of thresholds against one fewer: F, bootstrap p value, critical "
            "values and sum of squared residuals": self.tests,
            f"Rows and {self.regression.unit} groups in each regime": self.counts,
        }

    def __str__(self) -> str:
        tables = [
            f"{caption}\n{part.to_string(float_format=lambda v: f'{v:.4g}')}"
            for caption, part in self._tables().items()
        ]
        table = RegressionTable({self.outcome: self.regression})
        return "\n\n".join([*tables, "\n".join(self.notes), str(table)])

    def _repr_html_(self) -> str:
        tables = "".join(
            f'<p class="data-note">{escape(caption)}.</p>'
            f'<div class="table-box">{part.to_html(float_format=lambda v: f"{v:.4g}")}</div>'
            for caption, part in self._tables().items()
        )
        notes = f'<p class="data-note">{"<br>".join(map(escape, self.notes))}</p>'
        return f"{tables}{notes}{self.regression._repr_html_()}"


_EFFECTS = ("unit", "two-way")
_DRAWS = ("histories", "wild")
_NUMBERS = ("single", "double", "triple")


def threshold(
    frame: pd.DataFrame,
    outcome: str,
    regime: Sequence[str] | str,
    threshold: str,
    controls: Sequence[str] | str = (),
    unit: str = "province",
    time: str = "year",
    thresholds: int = 1,
    bootstrap: int = 300,
    seed: int = 0,
    *,
    effects: str = "unit",
    draws: str = "histories",
    trim: float = 0.05,
    grid: int | None = None,
    level: float = 0.95,
    errors: str = "clustered",
    convention: str = DEFAULT,
    vintage: str = "",
) -> ThresholdResult:
    r"""Estimate and test thresholds in a panel with fixed effects (Hansen 1999).

    With q the threshold variable and z the regime variables,

        y_it = mu_i + x_it' b + sum_r z_it' d_r 1{g_(r-1) < q_it <= g_r} + e_it.

    Thresholds are the values of q with the least sum of squared residuals,
    found one after another; after each, all are searched again with the
    others held until none moves, as Hansen does for the first of two.
    F tests r against r - 1 thresholds, the others held at the values found
    before. Its p value comes from samples that keep regressors and threshold
    variable and draw the errors, whole histories of units at a time.

    There are no intercepts by regime, as in Hansen: the zero of z matters.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row for each unit in
        each year. The theory is for balanced panels: others are refused.
    outcome : str
        Dependent variable.
    regime : str or sequence of str
        Variable whose slope changes; several change at the same thresholds.
    threshold : str
        Threshold variable: its value decides the regime. It may also be a
        regime variable or a control, and acts on its own only if it is one.
    controls : sequence of str
        Variables with one slope for all regimes.
    unit, time : str
        Names of the key.
    thresholds : {1, 2, 3}
        Number of thresholds; all smaller numbers are tested on the way.
    bootstrap : int
        Bootstrap samples of each test; 0 leaves p values missing.
    seed : int
        Seed of the draws.
    effects : {"unit", "two-way"}
        Hansen's unit effects, or year effects beside them.
    draws : {"histories", "wild"}
        Errors of a bootstrap sample. Hansen gives each unit the residual history
        of a unit drawn at random, from the model with the further threshold:
        the size of errors then has nothing to do with the regressors, and where
        it has, the test rejects far too often. ``"wild"`` keeps each unit's own
        history under the null, with its sign drawn.
    trim : float
        Share of the rows that each regime keeps at least.
    grid : int or None
        Candidates, spread evenly over the distinct values; None tries all.
    level : float
        Level of the intervals.
    errors, convention, vintage
        As in :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    ThresholdResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, the panel is unbalanced, there is one unit, or
        no value of the threshold variable leaves each regime enough rows.
    nqpf.errors.MethodError
        If an option is not valid or a variable has two roles that exclude each other.
    nqpf.errors.EstimationError
        If a variable does not vary, regressors are collinear or the fit is perfect.

    References
    ----------
    Hansen, B. E. (1999). Threshold effects in non-dynamic panels: Estimation, testing,
    and inference. Journal of Econometrics 93, 345-368.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(20), range(10)], names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(200, 3)), keys, ["y", "x", "q"])
    >>> frame["y"] = 0.3 * frame["y"] + frame["x"] * (1 + (frame["q"] > 0.5))
    >>> fit = threshold(frame, "y", "x", "q", bootstrap=99)
    >>> fit.thresholds["estimate"].round(1).tolist(), float(fit.tests["p_value"].iloc[0])
    ([0.5], 0.01)
    """
    regimes = [regime] if isinstance(regime, str) else list(regime)
    others = [controls] if isinstance(controls, str) else list(controls)
    _check_names(outcome, regimes, threshold, others)
    _check_options(thresholds, bootstrap, effects, draws, trim, grid, level)
    columns = list(dict.fromkeys([outcome, *regimes, threshold, *others]))
    data = by_key(frame, columns, unit, time, "the frame")
    design = arrange(data, outcome, regimes, threshold, others, effects)
    least = max(int(np.ceil(trim * len(data))), len(regimes) + 1)
    stages, found = find(design, thresholds, least, grid, threshold)
    df = (design.units - (effects == "two-way")) * (design.periods - 1)
    tests = significance(design, stages, bootstrap, df, np.random.default_rng(seed), draws)
    intervals, profiles, critical, ssr = confidence(design, found, least, grid, df, level)
    members = design.members(found)
    labels = _labels(threshold, design.values[sorted(found)])
    parts = _split(data, regimes, labels, members)
    split = data[[outcome, *others]].join(parts)
    return ThresholdResult(
        outcome=outcome,
        threshold=threshold,
        regime=tuple(regimes),
        thresholds=intervals,
        tests=tests.set_axis(pd.Index(_NUMBERS[:thresholds], name="thresholds")),
        regression=fixed_effects(
            split,
            outcome,
            [*others, *parts],
            unit=unit,
            time=time,
            effects=effects,
            errors=errors,
            convention=convention,
            vintage=vintage,
        ),
        counts=_counts(data, labels, members),
        members=pd.Series(members + 1, index=data.index, name="regime"),
        profiles=profiles,
        critical=critical,
        ssr=ssr,
        df=df,
        level=level,
        trim=trim,
        bootstrap=bootstrap,
        draws=draws,
        seed=seed,
    )


def _check_names(outcome: str, regimes: list[str], threshold: str, controls: list[str]) -> None:
    if not regimes:
        raise MethodError("no regime variable", expected="a variable whose slope changes")
    names = [outcome, *regimes, *controls]
    double = [name for name in names if names.count(name) > 1]
    if double:
        raise MethodError(
            f"variable {double[0]!r} is named more than once",
            expected="an outcome, regime variables and controls that all differ",
        )
    if threshold == outcome:
        raise MethodError(
            f"threshold variable {threshold!r} is the outcome",
            expected="a variable that the errors of the outcome do not move",
        )


def _check_options(
    thresholds: int,
    bootstrap: int,
    effects: str,
    draws: str,
    trim: float,
    grid: int | None,
    level: float,
) -> None:
    if thresholds not in (1, 2, 3):
        raise MethodError(f"{thresholds!r} thresholds", expected="1, 2 or 3")
    if not isinstance(bootstrap, int | np.integer) or bootstrap < 0:
        raise MethodError(f"bootstrap {bootstrap!r}", expected="a number of samples, 0 or more")
    for value, known, what in ((effects, _EFFECTS, "effects"), (draws, _DRAWS, "draws")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if not 0 < trim < 0.5:
        raise MethodError(f"trim {trim!r}", expected="a share of the rows between 0 and 0.5")
    if grid is not None and (not isinstance(grid, int | np.integer) or grid < 2):
        raise MethodError(f"grid {grid!r}", expected="two or more candidates, or None for all")
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")


def _labels(threshold: str, edges: np.ndarray) -> list[str]:
    """Return a description of each regime, edges with the digits that tell them apart."""
    digits = next(d for d in range(4, 18) if len({f"{e:.{d}g}" for e in edges}) == len(edges))
    text = [f"{edge:.{digits}g}" for edge in edges]
    inner = [f"{low} < {threshold} <= {high}" for low, high in zip(text, text[1:], strict=False)]
    return [f"{threshold} <= {text[0]}", *inner, f"{threshold} > {text[-1]}"]


def _split(
    data: pd.DataFrame, regimes: list[str], labels: list[str], members: np.ndarray
) -> pd.DataFrame:
    """Return each regime variable times each regime, named ``variable | regime``."""
    return pd.DataFrame(
        {
            f"{name} | {label}": data[name].where(members == number, 0.0)
            for name in regimes
            for number, label in enumerate(labels)
        }
    )


def _counts(data: pd.DataFrame, labels: list[str], members: np.ndarray) -> pd.DataFrame:
    units = data.index.get_level_values(0)
    rows = [
        {
            "rows": int((members == number).sum()),
            "units": units[members == number].nunique(),
            "share": float((members == number).mean()),
        }
        for number in range(len(labels))
    ]
    return pd.DataFrame(rows, index=pd.Index(labels, name="regime"))
