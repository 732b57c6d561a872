r"""The specification curve: what many regressions of one question say together.

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
the signs of the residuals that the null leaves, one coin per unit for all specifications.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Integral

import numpy as np
import pandas as pd

from nqpf.compare.curve.plan import Plan, plan
from nqpf.compare.curve.specs import read_specifications
from nqpf.compare.curve.statistics import (
    DIRECTIONS,
    STATISTICS,
    at_least_as_extreme,
    pvalues,
    sign_of,
    statistics,
)
from nqpf.errors import EstimationError, MethodError
from nqpf.regress.conventions import DEFAULT
from nqpf.tfp.sample import nearest

__all__ = ["STATISTICS", "CurveInference", "curve_inference"]

SCHEMES = ("pairs", "wild")
_NUMBERS = 1 << 22  # results held at a time, in numbers


@dataclass(frozen=True)
class CurveInference:
    """A curve against curves of the same specifications under the null hypothesis.

    Attributes
    ----------
    specifications : DataFrame
        As given, with ``estimate``, ``std_error`` (clustered by unit), ``pvalue``, ``nobs``
        and ``groups``.
    observed : Series by statistic
        ``median``: the median estimate. ``significant``: the share of specifications that are
        significant in the direction of the test. ``stouffer``: sum of the z values over the
        square root of their number. ``against``: the share that are significant the other way, so
        that a finding of that sign is held against what chance gives.
    null : DataFrame (B, 4)
        The same on resamples in which every effect is zero; for the dominant direction,
        each draw's own.
    pvalues : Series by statistic
        (1 + draws at least as extreme as the observed curve) / (1 + B).
    sign : int
        Sign of the observed curve: that of most of its estimates.
    direction : str
        ``"dominant"``: tests of either sign. Otherwise the sign that was predicted.
    level : float
        Level at which a specification counts as significant.
    lost : float
        Share of regressions on resamples that could not be estimated and are left out of
        that draw's statistics.
    scheme : str
        ``"pairs"`` or ``"wild"``, as given.
    resamples, seed : int
    """

    specifications: pd.DataFrame
    observed: pd.Series
    null: pd.DataFrame
    pvalues: pd.Series
    sign: int
    direction: str
    level: float
    lost: float
    scheme: str
    resamples: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """Return each statistic with the middle 95 % of its null distribution and its p value."""
        low, middle, high = (self.null.quantile(q) for q in (0.025, 0.5, 0.975))
        columns = {"observed": self.observed, "null 2.5 %": low, "null median": middle}
        return pd.DataFrame({**columns, "null 97.5 %": high, "p": self.pvalues})

    @property
    def note(self) -> str:
        """What the p values rest on, for a table's foot."""
        return (
            f"{len(self.specifications):,} specifications that share data and are not independent "
            f"evidence; {self.resamples:,} {self.scheme} draws of units under the null (seed "
            f"{self.seed}); "
            f"{self.direction} direction; {100 * self.lost:.2f} % of regressions on resamples "
            "could not be estimated."
        )

    def _repr_html_(self) -> str:
        from html import escape

        table = self.to_frame().to_html(float_format="{:.3f}".format)
        return f'{table}<p class="data-note">{escape(self.note)}</p>'


def curve_inference(
    frame: pd.DataFrame,
    specifications: pd.DataFrame,
    resamples: int = 500,
    seed: int = 0,
    scheme: str = "pairs",
    direction: str = "dominant",
    level: float = 0.05,
    standardise: bool = False,
    unit: str = "province",
    time: str = "year",
    convention: str = DEFAULT,
    n_jobs: int = 1,
    progress: bool = False,
) -> CurveInference:
    """Test a specification curve as a whole by resampling under the null.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and time. A row that
        lacks a variable of a specification is left out of that specification; its ``nobs``
        tells.
    specifications : DataFrame
        One row per regression: ``outcome``, ``focal`` (variables), ``controls`` (tuple of
        variables), ``effects`` ("two-way", "unit", "time", "pooled") and, optionally,
        ``sample``: "all", or a column of `frame` that is true for the rows to use.
    resamples : int
        B.
    seed : int
    scheme : {"pairs", "wild"}
        Draw units with replacement, as Simonsohn and others draw rows; or keep all units and
        turn the residuals of random ones, see Notes.
    direction : {"dominant", "positive", "negative"}
        Test against either sign, each curve by the sign of most of its estimates, or against
        the sign predicted before the data were seen.
    level : float
        Level at which one specification is significant.
    standardise : bool
        Give effects in standard deviations of the outcome per standard deviation of the focal
        variable, over the rows of each regression, so that unlike specifications compare.
    unit, time : str
        Names of the key; units are drawn, and errors clustered by them.
    convention : str
        Of the standard errors, see :mod:`nqpf.regress.conventions`.
    n_jobs : int
        Processes, -1 for one per core. The result does not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    CurveInference

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing, not numeric, or a sample not true or false.
    nqpf.errors.SampleError
        If a key is doubled, a value infinite, or a unit or year with an effect has one row.
    nqpf.errors.MethodError
        If an option or a specification is not valid.
    nqpf.errors.EstimationError
        If a specification cannot be estimated on the sample itself, or none on a resample.

    Notes
    -----
    In 1,000 simulated panels of 31 units and 11 years without an effect, all series with
    autocorrelation 0.7, the tests at 5 % by pairs rejected 8.1 (median), 5.7 (significant) and
    7.3 % (Stouffer) of the time, those by the wild scheme 5.6, 5.1 and 5.8 %; with 120 units, in
    600 panels, those by pairs 4.8, 3.7 and 5.2 %. For the 31 provinces the wild scheme is safer.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(20), range(6)], names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(120, 3)), keys, ["x", "z", "y"])
    >>> frame["y"] += 0.8 * frame["x"]
    >>> specs = pd.DataFrame({"outcome": "y", "focal": "x", "controls": [(), ("z",)],
    ...                       "effects": "two-way"})
    >>> found = curve_inference(frame, specs, resamples=99)
    >>> float(found.pvalues["median"]), found.sign
    (0.01, 1)
    """
    _check_options(resamples, seed, scheme, direction, level)
    specs = read_specifications(specifications)
    ready = plan(frame, specs, unit, time, convention, standardise)
    whole = ready.estimate(np.ones((1, len(ready.units))))
    params, errors, df = (part[0] for part in whole)
    bad = np.flatnonzero(np.isnan(errors))
    if len(bad):
        raise EstimationError(
            f"{len(bad)} specification(s) cannot be estimated",
            where={"row": specifications.index[bad[0]], **specs[bad[0]].where},
            expected="an outcome and regressors that vary, are not collinear once effects are "
            "removed, and leave a residual",
            hint="drop it and say so",
        )
    observed = statistics(*whole, level, direction)[0]
    draws = _draws(resamples, len(ready.units), seed, scheme)
    task = partial(_block, ready, params, scheme, level, direction)
    null, lost = _under_null(task, draws, len(params), n_jobs, progress)
    more = at_least_as_extreme(null, observed, direction).sum(axis=0)
    names = list(STATISTICS)
    columns = {"estimate": params, "std_error": errors, "pvalue": pvalues(params, errors, df)}
    return CurveInference(
        specifications=specifications.assign(**columns, nobs=ready.nobs, groups=ready.groups),
        observed=pd.Series(observed, names, name="observed"),
        null=pd.DataFrame(null, columns=names),
        pvalues=pd.Series((1 + more) / (1 + resamples), names, name="p"),
        sign=int(sign_of(params[None])[0]),
        direction=direction,
        level=level,
        lost=lost,
        scheme=scheme,
        resamples=resamples,
        seed=seed,
    )


def _check_options(resamples: int, seed: int, scheme: str, direction: str, level: float) -> None:
    if not (isinstance(resamples, Integral) and resamples >= 1):
        raise MethodError(f"resamples is {resamples!r}", expected="a whole number of one or more")
    if not (isinstance(seed, Integral) and seed >= 0):
        raise MethodError(f"seed is {seed!r}", expected="a whole number of zero or more")
    for value, known, what in ((scheme, SCHEMES, "scheme"), (direction, DIRECTIONS, "direction")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")


def _draws(resamples: int, units: int, seed: int, scheme: str = "pairs") -> np.ndarray:
    """Return (B, G) how often each unit is drawn, or signs; a longer run begins with a shorter."""
    rng = np.random.default_rng(seed)
    if scheme == "wild":
        return 1 - 2 * rng.integers(0, 2, size=(resamples, units))
    counts = np.zeros((resamples, units), dtype=int)
    np.add.at(counts, (np.arange(resamples)[:, None], rng.integers(0, units, counts.shape)), 1)
    return counts


def _under_null(
    task: Callable[..., tuple[np.ndarray, int]],
    draws: np.ndarray,
    specifications: int,
    n_jobs: int,
    progress: bool,
) -> tuple[np.ndarray, float]:
    """Return (B, 4) statistics of null curves and the share of regressions that were lost."""
    from joblib import Parallel, delayed

    step = max(1, min(64, _NUMBERS // specifications))
    blocks = [draws[i : i + step] for i in range(0, len(draws), step)]
    done = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(task)(b) for b in blocks)
    if progress:
        from rich.progress import track

        done = track(done, "resampling under the null", total=len(blocks))
    curves, lost = zip(*done, strict=True)
    return np.concatenate(curves), float(sum(lost) / (len(draws) * specifications))


def _block(
    ready: Plan, params: np.ndarray, scheme: str, level: float, direction: str, draws: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return statistics of the null curves of some draws, and how many regressions were lost."""
    effects, errors, df = ready.wild(draws) if scheme == "wild" else ready.estimate(draws)
    if scheme == "pairs":
        effects = effects - params
    lost = ~np.isfinite(effects)
    if lost.all(axis=1).any():
        raise EstimationError(
            "a resample in which no specification can be estimated",
            expected="enough units and rows for resamples of the units",
        )
    return statistics(effects, errors, df, level, direction), int(lost.sum())
