"""The specification grid: declared, counted, cut into batches and run.

The grid is the full product of the declared axes; an identifier is the position in it. A
specification that is not run has the first reason of the list that applies, so that declared =
run + dropped, printed by reason. Shared denominators, by which many indicators are divided, are
not counted as circular: they are a limit of the literature's measures, which the chapter says.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

import nqpf
from nqpf.compare.declaration import _AXES, _REASONS, _Declaration, _Figures, _patterns
from nqpf.compare.variants import _Variants, _variants
from nqpf.data.panel import Panel
from nqpf.multiverse.results import Multiverse, _labelled
from nqpf.multiverse.run import _run_batches
from nqpf.regress.kernel import _cross_products, _CrossProducts
from nqpf.systems.formula import Formula
from nqpf.systems.overlap import _holding

# Unit effects are nested in clusters by unit, but not in the sums by year of the other errors.
_CONVENTION = {"clustered": "nested", "driscoll-kraay": "all"}
# Effects once first differences have taken those of the units.
_DIFFERENCED = {"two-way": "time", "unit": "pooled"}


def _effects(effects: str, transformation: str) -> str:
    """Return the effects of the equation as it is estimated."""
    return _DIFFERENCED[effects] if transformation == "difference" else effects


@dataclass(frozen=True, eq=False)
class _Batch:
    """Specifications that share rows of the panel, effects and the variable related.

    Attributes
    ----------
    figures : str
        Key of the figures they use, ``vintage/transformation``.
    driver : bool
        The measure is the regressor; otherwise it is the outcome.
    variable : int
        Position of the outcome, or of the determinant.
    controls : tuple of tuple of int
        Positions of the controls, by level of the axis.
    effects : str
        As :func:`nqpf.regress.kernel._cross_products` takes them.
    rows : (N,) bool
        Rows of the sample.
    errors : tuple of str
    first : int
        Identifier of the first specification of the batch's block.
    cells : (n,) int
        Positions in the block (controls, measures, errors) that are to be run, ascending.
    """

    figures: str
    driver: bool
    variable: int
    controls: tuple[tuple[int, ...], ...]
    effects: str
    rows: np.ndarray
    errors: tuple[str, ...]
    first: int
    cells: np.ndarray


def _complete(
    figures: _Figures, driver: bool, variable: int, controls: tuple[int, ...], rows: np.ndarray
) -> np.ndarray:
    """Return the rows in which the sample, the related variable and all controls have figures."""
    usable = rows & np.isfinite((figures.outcomes if driver else figures.variables)[:, variable])
    return usable & np.isfinite(figures.variables[:, list(controls)]).all(axis=1)


def _standardised(values: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and standard deviation 1 (ddof = 1), constants as zeros.

    Examples
    --------
    >>> _standardised(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])).T
    array([[-1.,  0.,  1.],
           [ 0.,  0.,  0.]])
    """
    spread = values.std(axis=0, ddof=1)
    flat = ~(spread > 1e-14 * np.abs(values).max(axis=0))
    return np.where(flat, 0.0, (values - values.mean(axis=0)) / np.where(flat, 1.0, spread))


def _equations(
    batch: _Batch, data: _Figures, controls: tuple[int, ...], measures: np.ndarray, rows: np.ndarray
) -> pd.DataFrame:
    """Return the variables of regressions on the given rows, standardised.

    Parameters
    ----------
    batch : _Batch
    data : _Figures
        Figures of the batch.
    controls : tuple of int
        Positions of the controls of one level.
    measures : (m,) int
        Positions of the measures.
    rows : (n,) int
        Positions of rows in which everything has figures.

    Returns
    -------
    DataFrame indexed (province, year)
        ``related``, ``control 0`` and so on, ``measure <position>`` for each measure.
    """
    related = (data.outcomes if batch.driver else data.variables)[rows, batch.variable]
    others, own = data.variables[np.ix_(rows, controls)], data.measures[np.ix_(rows, measures)]
    keys = [data.province[rows], data.year[rows]]
    index = pd.MultiIndex.from_arrays(keys, names=["province", "year"])
    names = [f"control {i}" for i in range(len(controls))]
    columns = ["related", *names, *(f"measure {i}" for i in measures)]
    values = _standardised(np.hstack([related[:, None], others, own]))
    return pd.DataFrame(values, index=index, columns=columns)


def _evaluate(batch: _Batch, shared: Mapping[str, _Figures]) -> pd.DataFrame:
    """Run the specifications of a batch.

    Parameters
    ----------
    batch : _Batch
    shared : mapping of str to _Figures
        Figures by ``vintage/transformation``.

    Returns
    -------
    DataFrame
        One row per cell, in order: ``id``; ``estimate``, ``within``, ``partial`` and
        ``std_error`` of the measure (drivers) or the determinant (NaN where variables are
        collinear), ``nobs``, ``groups`` and ``df``, 0 for the normal distribution. Figures are
        rounded to single precision, so that the last bits, in which processors differ, are
        not kept; the second and third to fewer.
    """
    found, size = _estimates(batch, shared)
    names = ("estimate", "within", "partial", "std_error")
    figures = dict(zip(names, found[:, :4].astype(np.float32).T, strict=True))
    figures |= {name: _shortened(figures[name]) for name in ("within", "partial")}
    sizes = dict(zip(("nobs", "groups", "df"), size.T, strict=True))
    return pd.DataFrame({"id": (batch.first + batch.cells).astype(np.int32), **figures, **sizes})


def _shortened(values: np.ndarray) -> np.ndarray:
    """Return single-precision numbers rounded to sixteen significant bits, which pack well.

    Examples
    --------
    >>> _shortened(np.array([0.123456789, -2.0], dtype=np.float32)).tolist()
    [0.12345695495605469, -2.0]
    """
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64) + 0x80
    return (bits & 0xFFFFFF00).astype(np.uint32).view(np.float32)


def _estimates(batch: _Batch, shared: Mapping[str, _Figures]) -> tuple[np.ndarray, np.ndarray]:
    """Return the figures and the sizes of every cell of a batch.

    Figures, (n, 5), are the estimate in the units of the variables, in standard deviations
    within and as a partial correlation, the standard error in the units of the variables and the p
    value; sizes, (n, 3), are rows, provinces and degrees of freedom.

    Rows complete in sample, related variable and controls are grouped by the measures that have
    figures in them; effects are removed once per group.
    """
    figures = shared[batch.figures]
    shape = (len(batch.controls), figures.measures.shape[1], len(batch.errors))
    at, measure, error = np.unravel_index(batch.cells, shape)
    found = np.full((len(batch.cells), 5), np.nan)
    size = np.zeros((len(batch.cells), 3), dtype=np.int16)
    finite = np.isfinite(figures.measures)
    for level, controls in enumerate(batch.controls):
        complete = _complete(figures, batch.driver, batch.variable, controls, batch.rows)
        usable = np.flatnonzero(complete)
        cells = np.flatnonzero(at == level)
        used = np.unique(measure[cells])
        for rows, columns in _patterns(finite[np.ix_(usable, used)]):
            own = cells[np.isin(measure[cells], used[columns])]
            frame = _equations(batch, figures, controls, used[columns], usable[rows])
            products = _cross_products(frame, list(frame.columns), effects=batch.effects)
            products = _by_calendar(products, np.unique(frame.index.get_level_values("year")))
            place = 1 + len(controls) + np.searchsorted(used[columns], measure[own])
            related = np.zeros_like(place)
            outcome, regressor = (related, place) if batch.driver else (place, related)
            others = np.broadcast_to(np.arange(1, 1 + len(controls)), (len(own), len(controls)))
            regressors = np.column_stack([regressor, others])
            for kind, name in enumerate(batch.errors):
                of = error[own] == kind
                if of.any():
                    fits = products.fit_many(outcome[of], regressors[of], name, _CONVENTION[name])
                    parts = (fits.params, fits.within, fits.partial, fits.std_errors, fits.pvalues)
                    found[own[of]] = np.column_stack([part[:, 0] for part in parts])
                    size[own[of]] = (fits.nobs, fits.groups, fits.df or 0)
    return found, size


def _by_calendar(products: _CrossProducts, years: np.ndarray) -> _CrossProducts:
    """Return cross-products with empty years in the gaps, so that 2019 is not next to 2023.

    The lags of Driscoll and Kraay's errors are counted along the years that the
    cross-products hold; :func:`nqpf.regress.fixed_effects` counts them by the calendar.

    Parameters
    ----------
    products : _CrossProducts
    years : (T,) int
        Years of the sample, ascending.
    """
    length = int(years[-1] - years[0]) + 1
    if len(products.by_period) != len(years) or length == len(years):
        return products
    p = len(products.total)
    filled = np.zeros((p, p, length))
    filled[:, :, years - years[0]] = np.moveaxis(products.by_period, 0, 2)
    return replace(products, by_period=np.moveaxis(filled, 2, 0))


def _control_sets(declaration: _Declaration, relation: str) -> list[list[str]]:
    """Return the controls by level, without the determinant."""
    direction, variable = relation.split(":")
    focal = variable if direction == "determinant" else None
    return [[name for name in one.variables if name != focal] for one in declaration.grid.controls]


def _places(declaration: _Declaration, relation: str) -> tuple[tuple[int, ...], ...]:
    """Return the positions of the controls by level."""
    names = list(declaration.grid.variables)
    return tuple(tuple(map(names.index, one)) for one in _control_sets(declaration, relation))


def _sample_rows(
    declaration: _Declaration, relation: str, transformation: str, figures: _Figures
) -> list[np.ndarray]:
    """Return the rows that each sample keeps, (N,) bool each."""
    # Years that a row uses, relative to that of its measure.
    lead = declaration.grid.driver.lead if relation.startswith("driver") else 0
    back = (0, -1) if transformation == "difference" else (0,)
    used = {year + step for year in (0, lead) for step in back}
    return [sample.kept(figures, used) for sample in declaration.grid.samples]


def _reasons(
    declaration: _Declaration, measured: Mapping[str, _Variants], figures: Mapping[str, _Figures]
) -> np.ndarray:
    """Return the position in :data:`_REASONS` of every declared specification, 0 to run it.

    Parameters
    ----------
    declaration : Declaration
    measured : mapping of str to _Variants
        By vintage.
    figures : mapping of str to _Figures
        By ``vintage/transformation``.

    Returns
    -------
    array of int8, one dimension per axis of :data:`nqpf.compare.declaration._AXES`
    """
    levels = declaration.levels
    codes = np.zeros([len(level) for level in levels.values()], dtype=np.int8)
    for code, where, bad in _by_choice(declaration, measured, figures):
        block = codes[where]
        block[(block == 0) & bad] = code
    for at in np.ndindex(codes.shape[:3]):
        relation, vintage, how = (levels[axis][i] for axis, i in zip(_AXES[:3], at, strict=True))
        _by_rows(codes[at], declaration, relation, how, figures[f"{vintage}/{how}"])
    return codes


def _by_choice(
    declaration: _Declaration, measured: Mapping[str, _Variants], figures: Mapping[str, _Figures]
) -> Iterator[tuple[int, tuple, np.ndarray | bool]]:
    """Yield reasons that follow from the choices alone, with the block that they are about.

    A block has the axes (..., sample, effects, controls, measure, errors), where the leading
    ones are fixed by the position.
    """
    levels, variables = declaration.levels, declaration.grid.variables
    measures, every = levels["measure"], slice(None)
    for position, vintage in enumerate(levels["vintage"]):
        choices = measured[vintage].choices.reindex(measures)
        held = measured[vintage].holds.reindex(measures, fill_value=False)

        def marked(of: pd.Series | pd.DataFrame) -> np.ndarray:
            return of.to_numpy()[:, None]

        def hold(*names: str, lead: int = 0, held=held) -> np.ndarray:
            formulas = [Formula.parse(variables[name].formula) for name in names]
            keys = {key for formula in formulas for key in _holding(formula, lead)}
            return marked(held[[key for key in held if key in keys]].any(axis=1))

        yield 1, (every, position), marked(choices["kind"].isna())
        yield 2, (every, position), marked(choices["same_as"].fillna("") != "")
        for number, relation in enumerate(levels["relation"]):
            direction, variable = relation.split(":")
            ahead = declaration.grid.driver.lead if direction == "driver" else 0
            for at, transformation in enumerate(levels["transformation"]):
                # A change of the outcome from the measure's year on reaches back to that year.
                lead = ahead - (transformation == "difference")
                yield 3, (number, position, at), hold(variable, lead=lead)
            sets = _control_sets(declaration, relation)
            for at, names in enumerate(sets):
                where = (number, position, every, every, every, at)
                yield 4, where, direction == "driver" and variable in names
                yield 5, where, hold(*names)
                yield 8, where, set(names) in map(set, sets[:at])
        for number, transformation in enumerate(levels["transformation"]):
            where = (every, position, number)
            if transformation == "rank":
                yield 9, where, marked(choices["chained"].eq(True))
            if transformation == "log":
                found = np.isfinite(figures[f"{vintage}/log"].measures).any(axis=0)
                yield 7, where, ~found[:, None]
            for at, sample in enumerate(declaration.grid.samples):
                if sample.without_breaks:
                    other = choices["kind"].ne("tfp") | (transformation != "difference")
                    yield 6, (*where, at), marked(other)


def _by_rows(
    codes: np.ndarray, declaration: _Declaration, relation: str, how: str, figures: _Figures
) -> None:
    """Write reasons that follow from the rows into (sample, effects, controls, measure, errors)."""
    direction, name = relation.split(":")
    variable = list(declaration.grid.variables).index(name)
    samples = _sample_rows(declaration, relation, how, figures)
    removed = [_effects(one.key, how) for one in declaration.grid.effects]
    for having, measures in _patterns(np.isfinite(figures.measures)):
        pattern = np.isin(np.arange(len(figures.year)), having)
        for at, controls in enumerate(_places(declaration, relation)):
            seen: set[bytes] = set()
            for sample, keep in enumerate(samples):
                rows = pattern & _complete(figures, direction == "driver", variable, controls, keep)
                repeated = rows.tobytes() in seen
                seen.add(rows.tobytes())
                for number, effects in enumerate(removed):
                    reason = _too_small(figures, rows, effects, 1 + len(controls))
                    if repeated and not reason:
                        reason = "repeats a sample with the same rows"
                    block = codes[sample, number, at]
                    live = measures[(block[measures] == 0).any(axis=1)]
                    if reason:
                        code = _REASONS.index(reason)
                        block[live] = np.where(block[live] == 0, code, block[live])
                    elif how == "rank" and len(live):
                        ranks = figures.measures[np.ix_(rows, live)]
                        first = np.unique(ranks, axis=1, return_index=True)[1]
                        block[np.delete(live, first)] = len(_REASONS) - 2


def _too_small(figures: _Figures, rows: np.ndarray, effects: str, regressors: int) -> str:
    """Return why a regression on these rows cannot be run, or nothing."""
    if not rows.any():
        return "no row is complete"
    parameters = regressors + 1
    for kinds, level in ((("two-way", "unit"), figures.province),
                         (("two-way", "time"), figures.year)):  # fmt: skip
        _, count = np.unique(level[rows], return_counts=True)
        if effects in kinds:
            if count.min() == 1:
                return "a province or year has a single row"
            parameters += len(count) - 1
        if "unit" in kinds and len(count) < 2:
            return "too few rows for the regressors"
    return "too few rows for the regressors" if rows.sum() <= parameters else ""


_IN_BATCH = 3  # controls, measure and errors vary within a batch


@dataclass(frozen=True, eq=False, repr=False)
class SpecificationGrid:
    """Every specification of a declaration on a panel.

    Parameters
    ----------
    declaration : Declaration
        The axes and their levels; the project's own by default.
    panel : Panel
        Official figures; the embedded ones, without a reader's rows, by default.

    Examples
    --------
    >>> grid = SpecificationGrid()
    >>> dict(zip(_AXES, grid.shape, strict=True))["errors"]
    2
    """

    declaration: _Declaration = field(default_factory=_Declaration.load)
    panel: Panel = field(default_factory=lambda: Panel.load(extra=False))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Levels on each axis, in the order of :data:`nqpf.compare.declaration._AXES`."""
        return tuple(len(levels) for levels in self.declaration.levels.values())

    @property
    def declared(self) -> int:
        """Estimates of the full product, possible or not; each has every kind of errors."""
        return int(np.prod(self.shape[:-1]))

    @cached_property
    def measured(self) -> dict[str, _Variants]:
        """Every measure by vintage; takes about half a minute each."""
        one = self.declaration
        systems, rules = one.grid.measures.systems.keys, one.grid.measures.capital
        given = (systems, one.recipes, one.estimators, rules)
        return {name: _variants(self.panel, name, *given) for name in one.levels["vintage"]}

    @cached_property
    def figures(self) -> dict[str, _Figures]:
        """Figures by ``vintage/transformation``."""
        return {
            f"{vintage}/{key}": table
            for vintage, measured in self.measured.items()
            for key, table in self.declaration.figures(self.panel, measured).items()
        }

    @cached_property
    def reasons(self) -> np.ndarray:
        """Position of the reason of every declared specification, 0 to run it."""
        return _reasons(self.declaration, self.measured, self.figures)

    @cached_property
    def stamp(self) -> str:
        """Hash of declaration, data and code, which parts of a run carry."""
        known = self.declaration.sha256 + self.declaration.data_hash(self.panel)
        digest = hashlib.sha256(known.encode())
        folder = Path(nqpf.__file__).parent
        for path in sorted(folder.rglob("*.py")):
            if path.parts[len(folder.parts)] not in ("cli.py", "report"):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def count(self) -> pd.Series:
        """Return how many estimates are declared, run, and dropped by reason.

        Each has as many standard errors as there are kinds of them.
        Collinear ones are found when the grid is run, see :attr:`Multiverse.counts`.
        """
        tally = np.bincount(self.reasons[..., 0].ravel(), minlength=len(_REASONS))
        rows = {"declared": self.declared, "to run": int(tally[0])}
        rows |= {reason: int(n) for reason, n in zip(_REASONS, tally, strict=True) if reason and n}
        return pd.Series(rows, name="estimates")

    def batches(self) -> Iterator[tuple[str, _Batch]]:
        """Yield independent units of work by name, those without a specification left out."""
        levels, outer = self.declaration.levels, self.shape[:-_IN_BATCH]
        names = list(self.declaration.grid.variables)
        size = int(np.prod(self.shape[-_IN_BATCH:]))
        for number, at in enumerate(np.ndindex(*outer)):
            cells = np.flatnonzero(self.reasons[at].ravel() == 0)
            if not len(cells):
                continue
            one = {axis: levels[axis][i] for axis, i in zip(_AXES, at, strict=False)}
            key, how = f"{one['vintage']}/{one['transformation']}", one["transformation"]
            direction, variable = one["relation"].split(":")
            rows = _sample_rows(self.declaration, one["relation"], how, self.figures[key])
            name = ".".join([direction, variable, *(one[axis] for axis in _AXES[1:-_IN_BATCH])])
            batch = _Batch(
                figures=key,
                driver=direction == "driver",
                variable=names.index(variable),
                controls=_places(self.declaration, one["relation"]),
                effects=_effects(one["effects"], how),
                rows=rows[at[_AXES.index("sample")]],
                errors=tuple(levels["errors"]),
                first=number * size,
                cells=cells.astype(np.int32),
            )
            yield name, batch

    def run(
        self, store: Path | str | None = None, n_jobs: int = -1, address: str | None = None
    ) -> Multiverse:
        """Run every possible specification once.

        Parameters
        ----------
        store : path or None
            Folder of the parts, from which an interrupted run goes on; a
            temporary one when None.
        n_jobs : int
            Processes on this machine, -1 for all cores.
        address : str or None
            Scheduler of a Dask cluster to compute on, for example ``tcp://10.0.0.1:8786``.

        Returns
        -------
        Multiverse

        Raises
        ------
        nqpf.errors.MethodError
            If there is no process to compute, or the scheduler cannot be reached.
        nqpf.errors.EstimationError
            If worker processes are lost; what is done is kept.
        nqpf.errors.DataError
            If a part cannot be written.
        """
        with tempfile.TemporaryDirectory() as folder:
            options = {"stamp": self.stamp, "shared": self.figures}
            options |= {"n_jobs": n_jobs, "address": address}
            table = _run_batches(dict(self.batches()), _evaluate, store or folder, **options)
        counts, kinds = self.count(), self.shape[-1]
        collinear = int(table["estimate"].isna().sum()) // kinds
        counts["to run"] -= collinear
        counts = counts.rename({"to run": "run"})
        if collinear:
            counts[_REASONS[-1]] = collinear
        table = table.dropna(subset=["estimate"]).sort_values("id", ignore_index=True)
        choices = pd.concat([one.choices for one in self.measured.values()])
        choices = choices[~choices.index.duplicated()].drop(columns=["same_as", "chained"])
        choices = choices.reindex([x for x in self.declaration.measures if x in choices.index])
        parts = [one.dropped.assign(vintage=key) for key, one in self.measured.items()]
        dropped = pd.concat(parts, ignore_index=True)
        return Multiverse(
            table=_labelled(table, self.declaration, choices),
            counts=counts,
            dropped=dropped[["vintage", "variant", "reason"]].astype("str"),
            declaration=self.declaration,
            data=self.declaration.data_hash(self.panel),
            choices=choices,
        )
