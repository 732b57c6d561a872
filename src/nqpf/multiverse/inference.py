"""The specification curve: what many regressions of one question say together.

Simonsohn, Simmons and Nelson (2020), Specification curve analysis, Nature Human Behaviour 4,
1208-1214. Specifications that share data are not independent evidence: a thousand significant
estimates may be one finding, written a thousand times. The curve is therefore described first,
and tested as a whole against curves of the same specifications on samples in which every
effect is zero.

With b_k the estimate of specification k, the null hypothesis is forced on its outcome,
:math:`y^*_k = y_k - b_k x_k`. Units are drawn with replacement with their whole history, a unit
drawn twice counting as two, and all specifications are estimated on the same draw. Least squares
moves by exactly b_k when b_k x_k is taken off the outcome and leaves the residuals as they
are; so the estimate on the draw is the plain one less b_k, with its standard error.

With few units such draws are somewhat liberal. The wild scheme keeps the regressors and turns
the signs of the residuals that the null leaves, one coin per unit for all specifications. In
1,000 simulated panels of 31 units and 11 years without an effect, all series with autocorrelation
0.7, the tests at 5 % by pairs rejected 8.1 (median), 5.7 (significant) and 7.3 % (Stouffer) of
the time, those by the wild scheme 5.6, 5.1 and 5.8 %; with 120 units, in 600 panels, those by
pairs 4.8, 3.7 and 5.2 %. For the 31 provinces the wild scheme is safer.

All specifications are estimated on the same draws. Those that share rows and effects form a
piece, whose rows are laid out by unit and year once; those that share controls are solved
together. A draw of units is the same piece with the rows of each unit as often as it is drawn.

The tests take minutes, so they are stored beside the results, stamped with the declaration and
the data they rest on, and read by the chapters.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError
from nqpf.files import _replacing
from nqpf.multiverse.grid import _control_sets, _effects, _sample_rows
from nqpf.multiverse.results import _TESTED
from nqpf.multiverse.run import _tracked
from nqpf.sample import _EFFECTS

if TYPE_CHECKING:
    from nqpf.multiverse.grid import SpecificationGrid
    from nqpf.multiverse.results import Multiverse

_NUMBERS = 1 << 22  # results held at a time, in numbers
_LEVEL = 0.05  # at which one specification counts as significant
_LARGEST_Z = 37.0  # the normal tail beyond it is no longer a number
_STATISTICS = ("median", "significant", "stouffer", "against")
_SCHEMES = ("pairs", "wild")
_RESAMPLES, _SEED = 500, 0
_UNSHARED = 1e-10  # a variable that shares all but this part with others is collinear
_BLOCK = 1 << 20  # scores held at a time
_ROUNDING = 1e-9  # an error below this share of its estimate is no residual but rounding


class _Specification(NamedTuple):
    """One regression of the curve; `sample` names a column of true and false, "all" every row."""

    outcome: str
    focal: str
    controls: tuple[str, ...]
    effects: str
    sample: str = "all"

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.outcome, self.focal, *self.controls)


@dataclass(frozen=True)
class _Piece:
    """Specifications that share rows and effects, with the rows laid out by unit and year."""

    values: np.ndarray  # (G, T, p) at unit length, less unit effects if any; zero without a row
    mask: np.ndarray  # (G, T) of 0 and 1
    unit_effects: bool
    time_effects: bool
    # By controls (positions of columns): where results go, outcomes and focal variables, (S,) each.
    families: dict[tuple[int, ...], np.ndarray]

    def drawn(self, counts: np.ndarray) -> _Piece:
        """Return the piece with each unit as often as it is drawn (G,)."""
        rows = np.repeat(np.arange(len(counts)), counts.astype(int))
        return replace(self, values=self.values[rows], mask=self.mask[rows])

    def fit(self, signs: np.ndarray, out: Sequence[np.ndarray]) -> None:
        """Estimate when residuals under the null take signs (B, G); write into three (B, K)."""
        step, effects = max(1, _BLOCK // signs.size), self._span(self._effects())
        for controls, members in self.families.items():
            own = self._span(_left(self.values[:, :, list(controls)], effects))
            basis = np.hstack([effects, own])
            factor, df = self._sizes(len(controls) + 1)
            factor = factor if own.shape[1] == len(controls) else np.nan  # or they are collinear
            for start in range(0, members.shape[1], step):
                places, outcomes, focals = members[:, start : start + step]
                params, variances = self._fit(outcomes, focals, basis, signs)
                out[0][:, places], out[2][:, places] = params, df
                out[1][:, places] = np.sqrt(variances * factor)

    def _sizes(self, regressors: int) -> tuple[float, float]:
        """Return the factor of clustered variances and the degrees of freedom.

        The convention "nested" of :mod:`nqpf.regress.ols`; NaN without enough rows or units, or
        with a year of one row, which its effect fits perfectly.
        """
        counts = self.mask.sum(axis=0)
        nobs, groups = counts.sum(), self.mask.any(axis=1).sum()
        counted = regressors + 1 + ((counts > 0).sum() - 1) * self.time_effects
        effects = counted + (groups - 1) * self.unit_effects
        if groups < 2 or nobs <= effects or (self.time_effects and (counts == 1).any()):
            return np.nan, np.nan
        return groups / (groups - 1) * (nobs - 1) / (nobs - counted), groups - 1

    def _effects(self) -> np.ndarray:
        """Return (G, T, q) columns that span the effects other than those of units."""
        if not self.time_effects:
            return self.mask[:, :, None][..., : not self.unit_effects]
        years = self.mask[:, :, None] * np.eye(self.mask.shape[1])
        if self.unit_effects:
            counts = np.maximum(self.mask.sum(axis=1), 1)[:, None, None]
            years = (years - years.sum(axis=1, keepdims=True) / counts) * self.mask[:, :, None]
        return years

    def _span(self, columns: np.ndarray) -> np.ndarray:
        """Return (N, r) orthonormal columns that span the given ones (G, T, q), of length one."""
        left, size, _ = np.linalg.svd(columns.reshape(self.mask.size, -1), full_matrices=False)
        return left[:, size > np.sqrt(_UNSHARED * self.mask.sum())]

    def _fit(
        self, outcomes: np.ndarray, focals: np.ndarray, basis: np.ndarray, signs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and plain clustered variances, (B, S) each."""
        x, y = (_left(self.values[:, :, columns], basis) for columns in (focals, outcomes))
        xx, xy = (x**2).sum(axis=1), (x * y).sum(axis=1)  # (G, S)
        information = xx.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            params = signs @ xy / information  # (B, S)
            scores = xy.T[:, :, None] * signs.T - xx.T[:, :, None] * params.T[:, None, :]
            if len(signs) > 1 or (signs != 1).any():  # else residuals stay at right angles to it
                basis = basis.reshape(*self.mask.shape, -1)
                on_y = np.einsum("gtq,gts->sqg", basis, y, optimize=True)
                on_x = np.einsum("gtq,gts->sgq", basis, x, optimize=True)
                scores -= on_x @ (on_y @ signs.T)
            variances = np.einsum("sgb,sgb->bs", scores, scores) / information**2
        return params, np.where(information > _UNSHARED * self.mask.sum(), variances, np.nan)


def _left(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return (G, T, S) values less their projection on the basis (N, q)."""
    flat = values.reshape(len(basis), values.shape[2])
    return (flat - basis @ (basis.T @ flat)).reshape(values.shape)


class _Plan:
    """K specifications, ready to be estimated on any draw of the G units.

    Parameters
    ----------
    frame : DataFrame indexed (unit, time)
        Every variable, NaN where a figure is missing, and a column of true and false per sample.
    specs : list of _Specification

    Effects are in standard deviations over the rows of each regression.
    """

    def __init__(self, frame: pd.DataFrame, specs: list[_Specification]) -> None:
        names = sorted({name for spec in specs for name in spec.variables})
        frame = frame.sort_index()
        # A variable lies together in memory, so that its sums have the same bits in any frame.
        values = np.asfortranarray(frame[names].to_numpy(dtype=float))
        columns = {name: place for place, name in enumerate(names)}
        codes = [pd.factorize(frame.index.get_level_values(i), sort=True)[0] for i in (0, 1)]
        self.units, _ = shape = tuple(int(code.max()) + 1 for code in codes)
        self.pieces: list[_Piece] = []
        self.scale = np.empty(len(specs))
        kept = {spec.sample: frame.get(spec.sample, True) for spec in specs}
        kept = {name: np.broadcast_to(one, len(frame)).astype(bool) for name, one in kept.items()}
        pieces, complete = defaultdict(list), ~np.isnan(values)
        for place, spec in enumerate(specs):
            there = complete[:, [columns[name] for name in spec.variables]].all(axis=1)
            pieces[(there & kept[spec.sample]).tobytes(), spec.effects].append(place)
        for (there, effects), places in pieces.items():
            rows = np.frombuffer(there, dtype=bool)
            part = [specs[place] for place in places]
            by_unit, by_time = _EFFECTS[effects]
            used = {n: i for i, n in enumerate(sorted({n for s in part for n in s.variables}))}
            raw = values[np.ix_(rows, [columns[name] for name in used])]
            laid, mask, length = _laid_out(raw, (codes[0][rows], codes[1][rows]), shape, by_unit)
            spread = raw.std(axis=0, ddof=1)
            length = length / np.where(spread > 0, spread, 1.0)
            families = defaultdict(list)
            for spec, place in zip(part, places, strict=True):
                outcome, focal, *controls = (used[name] for name in spec.variables)
                families[tuple(sorted(controls))].append((place, outcome, focal))
                self.scale[place] = length[outcome] / length[focal]
            families = {key: np.array(own).T for key, own in families.items()}
            self.pieces.append(_Piece(laid, mask, by_unit, by_time, families))

    def estimate(self, draws: np.ndarray, scheme: str = "pairs") -> tuple[np.ndarray, ...]:
        """Return coefficients, standard errors and degrees of freedom, (B, K) each.

        NaN stands where a specification cannot be estimated; one with a standard error of zero,
        such as a variable of a single unit has, is none that can.

        Parameters
        ----------
        draws : (B, G)
            How often each unit is drawn, or by the wild scheme the sign of its residuals.
        """
        shape = (len(draws), len(self.scale))
        params, errors, df = out = (np.empty(shape), np.empty(shape), np.empty(shape))
        for piece in self.pieces:
            if scheme == "wild":
                piece.fit(np.asarray(draws, dtype=float), out)
                continue
            for at, counts in enumerate(draws):
                once = np.ones((1, int(counts.sum())))
                piece.drawn(counts).fit(once, [part[at : at + 1] for part in out])
        lost = ~(errors > _ROUNDING * np.abs(params))
        params[lost] = errors[lost] = np.nan
        return params * self.scale, errors * self.scale, df


def _laid_out(
    raw: np.ndarray, cells: tuple[np.ndarray, np.ndarray], shape: tuple[int, ...], by_unit: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows by unit and year, each variable at unit length, the mask and the lengths."""
    centred = raw - raw.mean(axis=0)
    values, mask = np.zeros((*shape, raw.shape[1])), np.zeros(shape)
    values[cells], mask[cells] = centred, 1.0
    if by_unit:
        rows = np.maximum(mask.sum(axis=1), 1)[:, None, None]
        values = (values - values.sum(axis=1, keepdims=True) / rows) * mask[:, :, None]
    length = np.sqrt((values**2).sum(axis=(0, 1)) / len(raw))
    # Below this a variable is rounding; it stays so and is found to be absorbed.
    floor = 1e-9 * centred.std(axis=0) + 1e-14 * np.abs(raw).max(axis=0)
    values[:, :, length <= floor] = 0.0
    length[length <= floor] = 1.0
    return values / length, mask, length


def _statistics(estimates: np.ndarray, errors: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return (B, 4): median, share significant in the curve's sign, Stouffer's z, share against.

    The sign of a curve is that of most of its (K,) estimates, positive in a tie. Stouffer's z is
    the sum of the z values over the square root of their number. The last column is the share
    significant the other way, so that a finding of that sign is held against what chance gives.

    Examples
    --------
    >>> estimates = np.array([[1.0, 2.0, -3.0]])
    >>> _statistics(estimates, np.ones((1, 3)), np.full((1, 3), 1e9)).round(3)
    array([[1.   , 0.333, 0.   , 0.333]])
    """
    from scipy import special

    tail = special.stdtr(df, -np.abs(estimates) / errors)
    z = np.sign(estimates) * np.minimum(-special.ndtri(tail), _LARGEST_Z)
    majority = (estimates > 0).sum(axis=1) >= (estimates < 0).sum(axis=1)
    own = np.sign(estimates) * np.where(majority, 1, -1)[:, None]
    starred = 2 * tail < _LEVEL
    number = np.isfinite(z).sum(axis=1)
    with warnings.catch_warnings(action="ignore"):  # a curve without any estimate is NaN
        median = np.nanmedian(estimates, axis=1)
        stouffer = np.nansum(z, axis=1) / np.sqrt(number)
        shares = [(starred & (own == turn)).sum(axis=1) / number for turn in (1, -1)]
    return np.column_stack([median, shares[0], stouffer, shares[1]])


def _curve_inference(
    frame: pd.DataFrame,
    specs: list[_Specification],
    resamples: int = _RESAMPLES,
    seed: int = _SEED,
    scheme: str = "pairs",
    n_jobs: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test a specification curve as a whole by resampling under the null.

    Parameters
    ----------
    frame, specs
        As :class:`_Plan` takes them.
    resamples : int
        B; p is (1 + draws at least as far from zero as the curve) / (1 + B).
    scheme : {"pairs", "wild"}
    n_jobs : int
        Processes, -1 for one per core. The result does not depend on it.

    Returns
    -------
    table : DataFrame by statistic
        ``observed``, the middle 95 % under the null and ``p``.
    null : DataFrame, (B, 4)
        Statistics of curves in which every effect is zero.

    Raises
    ------
    nqpf.errors.EstimationError
        If a specification cannot be estimated on the sample itself, or none on a resample.
    """
    from joblib import Parallel, delayed

    plan = _Plan(frame, specs)
    whole = plan.estimate(np.ones((1, plan.units)))
    bad = np.flatnonzero(np.isnan(whole[1][0]))
    if len(bad):
        where = specs[bad[0]]._asdict()
        raise EstimationError(f"{len(bad)} specification(s) cannot be estimated", where=where)
    draws = _draws(resamples, plan.units, seed, scheme)
    step = max(1, min(64, _NUMBERS // len(specs)))
    blocks = [draws[i : i + step] for i in range(0, len(draws), step)]
    task = delayed(_null_curves)
    done = Parallel(n_jobs, return_as="generator")(task(plan, whole[0], scheme, b) for b in blocks)
    curves = list(_tracked(done, "resampling under the null", len(blocks)))
    null = pd.DataFrame(np.concatenate(curves), columns=list(_STATISTICS))
    observed = pd.Series(_statistics(*whole)[0], null.columns)
    table = null.quantile([0.025, 0.5, 0.975]).T
    table = table.set_axis(["null 2.5 %", "null median", "null 97.5 %"], axis=1)
    table.insert(0, "observed", observed)
    return table.assign(p=(1 + (null.abs() >= observed.abs()).sum()) / (1 + resamples)), null


def _draws(resamples: int, units: int, seed: int, scheme: str = "pairs") -> np.ndarray:
    """Return (B, G) how often each unit is drawn, or signs; a longer run begins with a shorter."""
    rng = np.random.default_rng(seed)
    if scheme == "wild":
        return 1 - 2 * rng.integers(0, 2, size=(resamples, units))
    counts = np.zeros((resamples, units), dtype=int)
    np.add.at(counts, (np.arange(resamples)[:, None], rng.integers(0, units, counts.shape)), 1)
    return counts


def _null_curves(plan: _Plan, params: np.ndarray, scheme: str, draws: np.ndarray) -> np.ndarray:
    """Return statistics of the null curves of some draws."""
    effects, errors, df = plan.estimate(draws, scheme)
    if scheme == "pairs":
        effects = effects - params
    if np.isnan(effects).all(axis=1).any():
        raise EstimationError("a resample in which no specification can be estimated")
    return _statistics(effects, errors, df)


_CHOICES = ("direction", "variable", "vintage", "transformation", "sample", "effects", "controls",
            "measure")  # fmt: skip


def _curve_input(
    grid: SpecificationGrid, table: pd.DataFrame
) -> tuple[pd.DataFrame, list[_Specification]]:
    """Return what :func:`_curve_inference` needs for rows of a multiverse, of one error type."""
    declaration, levels = grid.declaration, grid.declaration.levels
    names = list(declaration.grid.variables)
    parts = {"measures": declaration.measures, "variables": names, "outcomes": names}
    frames = []
    for key, one in grid.figures.items():
        index = pd.MultiIndex.from_arrays([one.province, one.year], names=["province", "year"])
        for of, labels in parts.items():
            frames.append(pd.DataFrame(getattr(one, of), index, labels).add_prefix(f"{key}/{of}/"))
        for direction in ("driver", "determinant"):
            # Named by what decides the rows: years of an outcome or of a difference count too.
            kept = np.transpose(_sample_rows(declaration, direction, key.split("/")[1], one))
            labels = [f"{key}/{direction}/{sample}" for sample in levels["sample"]]
            frames.append(pd.DataFrame(kept, index, labels))
    specs = []
    for choice in zip(*(table[name].astype(str) for name in _CHOICES), strict=True):
        direction, name, vintage, kind, sample, effects, controls, measure = choice
        key, driver = f"{vintage}/{kind}", direction == "driver"
        related = f"{key}/{'outcomes' if driver else 'variables'}/{name}"
        pair = [related, f"{key}/measures/{measure}"]
        sets = _control_sets(declaration, f"{direction}:{name}")
        others = sets[levels["controls"].index(controls)]
        others = tuple(f"{key}/variables/{other}" for other in others)
        rest = (others, _effects(effects, kind), f"{key}/{direction}/{sample}")
        specs.append(_Specification(*(pair if driver else pair[::-1]), *rest))
    return pd.concat(frames, axis=1), specs


_DIGITS = 6  # significant, so that last bits of other processors do not show


def _curve_tests(grid: SpecificationGrid, multiverse: Multiverse, n_jobs: int = -1) -> pd.DataFrame:
    """Test the curve of each question by both schemes, for `Multiverse.curve_tests`."""
    table = multiverse.curve(errors="clustered")
    parts = []
    for question, own in table.groupby(["direction", "variable"], observed=True):
        given = _curve_input(grid, own)
        for scheme in _SCHEMES:
            rows, _ = _curve_inference(*given, scheme=scheme, n_jobs=n_jobs)
            rows = rows.rename_axis("statistic").reset_index()
            about = dict(zip(_TESTED, (*question, scheme), strict=False))
            sizes = {"specifications": len(own), "resamples": _RESAMPLES, "seed": _SEED}
            parts.append(rows.assign(**about, **sizes))
    rows = pd.concat(parts, ignore_index=True)
    return rows[_TESTED + [name for name in rows if name not in _TESTED]]


def _save_beside(table: pd.DataFrame, multiverse: Multiverse, path: Path) -> None:
    """Write a table with the hashes of the declaration and the data that it rests on."""
    stamped = table.assign(declaration=multiverse.declaration.sha256, data=multiverse.data)
    with _replacing(path) as temporary:
        stamped.to_csv(temporary, index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n")
