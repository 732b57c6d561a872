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

The tests take minutes, so they are stored beside the results, stamped with the declaration and
the data they rest on, and read by the chapters.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.data.catalogue import _note
from nqpf.errors import EstimationError, MethodError, SourceError
from nqpf.files import _replacing, root
from nqpf.multiverse.grid import _DIFFERENCED, _control_sets, _sample_rows
from nqpf.multiverse.redraw import _Plan, _Specification, _where

if TYPE_CHECKING:
    from nqpf.multiverse.grid import SpecificationGrid
    from nqpf.multiverse.results import Multiverse

_NUMBERS = 1 << 22  # results held at a time, in numbers
_LEVEL = 0.05  # at which one specification counts as significant
_LARGEST_Z = 37.0  # the normal tail beyond it is no longer a number
_STATISTICS = ("median", "significant", "stouffer", "against")
_SCHEMES = ("pairs", "wild")


def _tail(params: np.ndarray, errors: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return the tail of t beyond an estimate: half of its two-sided p value."""
    from scipy import special

    return special.stdtr(df, -np.abs(params) / errors)


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

    tail = _tail(estimates, errors, df)
    z = np.sign(estimates) * np.minimum(-special.ndtri(tail), _LARGEST_Z)
    majority = (estimates > 0).sum(axis=1) >= (estimates < 0).sum(axis=1)
    own = np.sign(estimates) * np.where(majority, 1, -1)[:, None]
    starred = 2 * tail < _LEVEL
    number = np.isfinite(z).sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a curve without any estimate is NaN
        median = np.nanmedian(estimates, axis=1)
        stouffer = np.nansum(z, axis=1) / np.sqrt(number)
        shares = [(starred & (own == turn)).sum(axis=1) / number for turn in (1, -1)]
    return np.column_stack([median, shares[0], stouffer, shares[1]])


class _CurveTest(NamedTuple):
    """A curve against curves of the same specifications under the null hypothesis."""

    estimates: pd.DataFrame  # estimate, std_error, pvalue, nobs and groups, one row each
    null: pd.DataFrame  # (B, 4) statistics of curves in which every effect is zero
    table: pd.DataFrame  # by statistic: observed, middle 95 % under the null, p
    lost: float  # share of regressions on resamples that could not be estimated


def _curve_inference(
    frame: pd.DataFrame,
    specs: list[_Specification],
    resamples: int = 500,
    seed: int = 0,
    scheme: str = "pairs",
    standardise: bool = False,
    n_jobs: int = 1,
    progress: bool = False,
) -> _CurveTest:
    """Test a specification curve as a whole by resampling under the null.

    Parameters
    ----------
    frame, specs, standardise
        As :class:`_Plan` takes them.
    resamples : int
        B; p is (1 + draws at least as far from zero as the curve) / (1 + B).
    scheme : {"pairs", "wild"}
    n_jobs : int
        Processes, -1 for one per core. The result does not depend on it.

    Raises
    ------
    nqpf.errors.SampleError
        If a value is infinite, or a unit or year with an effect has one row.
    nqpf.errors.EstimationError
        If a specification cannot be estimated on the sample itself, or none on a resample.
    """
    from joblib import Parallel, delayed

    choose("scheme", scheme, _SCHEMES)
    plan = _Plan(frame, specs, standardise)
    whole = plan.estimate(np.ones((1, len(plan.units))))
    params, errors, df = (part[0] for part in whole)
    bad = np.flatnonzero(np.isnan(errors))
    if len(bad):
        raise EstimationError(
            f"{len(bad)} specification(s) cannot be estimated",
            where=_where(specs[bad[0]]),
            expected="an outcome and regressors that vary, are not collinear once effects are "
            "removed, and leave a residual",
            hint="drop it and say so",
        )
    draws = _draws(resamples, len(plan.units), seed, scheme)
    step = max(1, min(64, _NUMBERS // len(specs)))
    blocks = [draws[i : i + step] for i in range(0, len(draws), step)]
    task = delayed(_null_curves)
    done = Parallel(n_jobs, return_as="generator")(task(plan, params, scheme, b) for b in blocks)
    if progress:
        from rich.progress import track

        done = track(done, "resampling under the null", total=len(blocks))
    curves, lost = zip(*done, strict=True)
    null = pd.DataFrame(np.concatenate(curves), columns=list(_STATISTICS))
    observed = pd.Series(_statistics(*whole)[0], null.columns)
    low, middle, high = (null.quantile(q) for q in (0.025, 0.5, 0.975))
    table = pd.DataFrame(
        {
            "observed": observed,
            "null 2.5 %": low,
            "null median": middle,
            "null 97.5 %": high,
            "p": (1 + (null.abs() >= observed.abs()).sum()) / (1 + resamples),
        }
    )
    estimates = {"estimate": params, "std_error": errors, "pvalue": 2 * _tail(params, errors, df)}
    sizes = {"nobs": plan.nobs.astype(int), "groups": plan.groups.astype(int)}
    share = sum(lost) / (len(draws) * len(specs))
    return _CurveTest(pd.DataFrame(estimates | sizes), null, table, share)


def _draws(resamples: int, units: int, seed: int, scheme: str = "pairs") -> np.ndarray:
    """Return (B, G) how often each unit is drawn, or signs; a longer run begins with a shorter."""
    rng = np.random.default_rng(seed)
    if scheme == "wild":
        return 1 - 2 * rng.integers(0, 2, size=(resamples, units))
    counts = np.zeros((resamples, units), dtype=int)
    np.add.at(counts, (np.arange(resamples)[:, None], rng.integers(0, units, counts.shape)), 1)
    return counts


def _null_curves(
    plan: _Plan, params: np.ndarray, scheme: str, draws: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return statistics of the null curves of some draws, and how many regressions were lost."""
    effects, errors, df = plan.estimate(draws, scheme)
    if scheme == "pairs":
        effects = effects - params
    lost = ~np.isfinite(effects)
    if lost.all(axis=1).any():
        raise EstimationError(
            "a resample in which no specification can be estimated",
            expected="enough units and rows for resamples of the units",
        )
    return _statistics(effects, errors, df), int(lost.sum())


_CHOICES = ("direction", "variable", "vintage", "transformation", "sample", "effects", "controls",
            "measure")  # fmt: skip


def _curve_input(
    grid: SpecificationGrid, table: pd.DataFrame
) -> tuple[pd.DataFrame, list[_Specification]]:
    """Return what :func:`_curve_inference` needs for rows of a multiverse.

    The table has rows of one error type, for resampling clusters by province whatever they
    were. The grid standardises variables over the rows of each regression.

    Raises
    ------
    nqpf.errors.MethodError
        If errors are of several types.
    """
    kinds = list(pd.unique(table["errors"]))
    if len(kinds) > 1:
        raise MethodError(
            f"errors of several types: {', '.join(map(str, kinds))}",
            expected="one type, of which each regression has one row",
            hint="choose one, such as errors='clustered'",
        )
    declaration, levels = grid.declaration, grid.declaration.levels
    names = list(declaration.grid.variables)
    places = {name: place for place, name in enumerate(declaration.measures)}
    columns: dict[str, np.ndarray] = {}
    equations: dict[tuple[str, ...], tuple] = {}

    def column(key: str, kind: str, place: int, name: str) -> str:
        whole = f"{key}/{kind}/{name}"
        if whole not in columns:
            columns[whole] = getattr(grid.figures[key], kind)[:, place]
        return whole

    def equation(
        direction: str, name: str, vintage: str, kind: str, sample: str, effects: str, controls: str
    ) -> tuple[str, str, tuple[str, ...], str, str]:
        relation, key = f"{direction}:{name}", f"{vintage}/{kind}"
        chosen = _control_sets(declaration, relation)[levels["controls"].index(controls)]
        own = "outcomes" if direction == "driver" else "variables"
        kept = _sample_rows(declaration, relation, kind, grid.figures[key])
        # Named by what decides the rows: years of an outcome or of a difference count too.
        rows = f"{key}/{direction}/{sample}"
        columns[rows] = kept[levels["sample"].index(sample)]
        removed = _DIFFERENCED[effects] if kind == "difference" else effects
        others = tuple(column(key, "variables", i, names[i]) for i in chosen)
        return key, column(key, own, names.index(name), name), others, removed, rows

    specs = []
    for *question, measure in zip(*(table[name].astype(str) for name in _CHOICES), strict=True):
        if tuple(question) not in equations:
            equations[tuple(question)] = equation(*question)
        key, related, controls, effects, sample = equations[tuple(question)]
        own = column(key, "measures", places[measure], measure)
        pair = (related, own) if question[0] == "driver" else (own, related)
        specs.append(_Specification(*pair, controls, effects, sample))
    one = next(iter(grid.figures.values()))
    index = pd.MultiIndex.from_arrays([one.province, one.year], names=["province", "year"])
    return pd.DataFrame(columns, index=index), specs


_KEYS = ["direction", "variable", "scheme", "statistic"]
_SHARES = ["direction", "variable", "unit", "axis"]
_DIGITS = 6  # significant, so that last bits of other processors do not show


def _curve_tests(
    grid: SpecificationGrid,
    multiverse: Multiverse,
    resamples: int = 500,
    seed: int = 0,
    n_jobs: int = -1,
    progress: bool = False,
) -> pd.DataFrame:
    """Test the curve of each question by both schemes, as :func:`load_curve_tests` returns it."""
    table = multiverse.curve(errors="clustered")
    parts = []
    for (direction, name), own in table.groupby(["direction", "variable"], observed=True):
        given = _curve_input(grid, own)
        about = {"direction": direction, "variable": name}
        for scheme in _SCHEMES:
            found = _curve_inference(*given, resamples, seed, scheme, True, n_jobs, progress)
            rows = found.table.rename_axis("statistic").reset_index()
            sizes = {"specifications": len(own), "resamples": resamples, "seed": seed}
            parts.append(rows.assign(**about, scheme=scheme, **sizes))
    rows = pd.concat(parts, ignore_index=True)
    return rows[_KEYS + [name for name in rows if name not in _KEYS]]


def _tests_file() -> Path:
    return root() / "data" / "multiverse" / "curve_tests.csv"


def _shares_file() -> Path:
    return root() / "data" / "multiverse" / "shares.csv"


def _save_beside(table: pd.DataFrame, multiverse: Multiverse, path: Path) -> None:
    """Write a table with the hashes of the declaration and the data that it rests on."""
    stamped = table.assign(declaration=multiverse.declaration.sha256, data=multiverse.data)
    with _replacing(path) as temporary:
        stamped.to_csv(temporary, index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n")


def load_curve_tests(multiverse: Multiverse, path: Path | str | None = None) -> pd.DataFrame:
    """Read stored tests of each question's curve, unless declaration or data have changed since.

    Parameters
    ----------
    multiverse : Multiverse
        The results that they have to belong to.
    path : path or None
        The project's own file when None.

    Returns
    -------
    DataFrame indexed (direction, variable, scheme, statistic)
        ``observed``; the middle 95 % of the null distribution; ``p``; ``specifications``,
        ``resamples`` and ``seed``.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is missing or damaged, or rests on another declaration or data.
    """
    return _load(multiverse, Path(path or _tests_file()), _KEYS)


def load_disagreement(multiverse: Multiverse, path: Path | str | None = None) -> pd.DataFrame:
    """Read the stored shares of each choice, unless declaration or data have changed since.

    Parameters
    ----------
    multiverse : Multiverse
        The results that they have to belong to.
    path : path or None
        The project's own file when None.

    Returns
    -------
    DataFrame indexed (direction, variable, unit, axis)
        ``first_order`` and ``total`` share of each axis, see :func:`variance_shares`.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is missing or damaged, or rests on another declaration or data.
    """
    return _load(multiverse, Path(path or _shares_file()), _SHARES)


def _load(multiverse: Multiverse, path: Path, keys: list[str]) -> pd.DataFrame:
    _note("results", [path.name])
    hint = "run `nqpf multiverse --update`"
    try:
        table = pd.read_csv(path)
        stamps = table[["declaration", "data"]].drop_duplicates()
        table = table.drop(columns=["declaration", "data"]).set_index(keys)
    except (OSError, KeyError, ValueError) as error:
        raise SourceError(
            f"a stored table cannot be read: {error}", where={"file": path.name}, hint=hint
        ) from error
    current = [multiverse.declaration.sha256, multiverse.data]
    if stamps.to_numpy().tolist() != [current]:
        raise SourceError(
            "a stored table rests on another declaration or data",
            where={"file": path.name},
            expected=f"declaration {current[0][:12]}... and data {current[1][:12]}...",
            hint=hint,
        )
    return table
