"""Sobol indices of any function of uniform factors, through SALib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.errors import MethodError

__all__ = ["SobolIndices", "sobol_indices"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SobolIndices:
    """Shares of the variance of each output (row) that each factor (column) explains.

    Attributes
    ----------
    first, total : DataFrame, output by factor
        First-order index: the share that the factor explains by itself.
        Total index: the share that involves it, with all interactions.
        Missing for an output that never varies. Estimates; they can lie
        slightly outside [0, 1].
    first_margin, total_margin : DataFrame, output by factor
        Half the width of the bootstrap confidence interval.
    mean, variance : Series by output
    runs : int
        Evaluations of the function, samples times (factors + 2).
    confidence : float
    """

    first: pd.DataFrame
    total: pd.DataFrame
    first_margin: pd.DataFrame
    total_margin: pd.DataFrame
    mean: pd.Series
    variance: pd.Series
    runs: int
    confidence: float

    def __repr__(self) -> str:
        outputs, factors = self.first.shape
        return f"<SobolIndices of {outputs} outputs by {factors} factors, {self.runs:,} runs>"

    def of(self, output: object) -> pd.DataFrame:
        """Return ``first``, ``first_margin``, ``total`` and ``total_margin`` by factor.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such output.
        """
        if output not in self.first.index:
            known = ", ".join(map(str, self.first.index))
            raise MethodError(f"no output {output!r}", expected=f"one of {known}")
        columns = ("first", "first_margin", "total", "total_margin")
        return pd.DataFrame({name: getattr(self, name).loc[output] for name in columns})


def sobol_indices(
    function: Callable[[Floats], pd.DataFrame],
    factors: Sequence[str],
    samples: int = 1024,
    seed: int = 0,
    confidence: float = 0.95,
    resamples: int = 200,
) -> SobolIndices:
    """Estimate the Sobol indices of the outputs of a function of uniform factors.

    SALib draws a scrambled Sobol sequence in Saltelli's design and applies
    the estimators of Saltelli et al. (2010, *Computer Physics Communications*
    181, 259-270), Jansen's for the total index.

    Parameters
    ----------
    function : callable
        Takes an array (runs, factors) of numbers in [0, 1), independent and
        uniform, and returns a frame with a row per run and a column per output.
    factors : sequence of str
        Names of the factors.
    samples : int
        Base samples, a power of two of at least 2; the function is evaluated
        samples times (factors + 2) times.
    seed : int
        Of the scrambling and of the bootstrap, zero or more.
    confidence : float
        Level of the intervals, between 0 and 1.
    resamples : int
        Bootstrap samples behind the intervals, two or more.

    Returns
    -------
    SobolIndices

    Raises
    ------
    nqpf.errors.MethodError
        If there is no factor, or `samples`, `seed`, `confidence` or
        `resamples` is out of range.

    Examples
    --------
    In y = 2 a + b the first factor has four times the variance of the other:

    >>> result = sobol_indices(
    ...     lambda u: pd.DataFrame({"y": 2 * u[:, 0] + u[:, 1]}), ["a", "b"])
    >>> result.of("y").round(2)[["first", "total"]].to_numpy().tolist()
    [[0.8, 0.8], [0.2, 0.2]]
    """
    from SALib.analyze import sobol as analyse
    from SALib.sample import sobol as draw

    _check(factors, samples, seed, confidence, resamples)
    names = list(factors)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    u = draw.sample(problem, int(samples), calc_second_order=False, scramble=True, seed=int(seed))
    outputs = function(np.minimum(u, np.nextafter(1.0, 0.0)))
    parts = {key: [] for key in ("S1", "ST", "S1_conf", "ST_conf")}
    for _, column in outputs.items():
        y = column.to_numpy(dtype=np.float64)
        if np.ptp(y) == 0.0:  # nothing to explain, and SALib would divide by zero
            found = dict.fromkeys(parts, np.full(len(names), np.nan))
        else:
            found = analyse.analyze(
                problem,
                y,
                calc_second_order=False,
                num_resamples=int(resamples),
                conf_level=float(confidence),
                seed=int(seed) + 1,  # SALib takes a seed of zero for none
            )
        for key, values in parts.items():
            values.append(found[key])
    first, total, first_margin, total_margin = (
        pd.DataFrame(values, index=outputs.columns, columns=names) for values in parts.values()
    )
    return SobolIndices(
        first=first,
        total=total,
        first_margin=first_margin,
        total_margin=total_margin,
        mean=outputs.mean(),
        variance=outputs.var(ddof=0),
        runs=len(u),
        confidence=float(confidence),
    )


def _check(
    factors: Sequence[str], samples: int, seed: int, confidence: float, resamples: int
) -> None:
    if not len(factors):
        raise MethodError("nothing varies", expected="a factor that takes two or more values")
    whole = isinstance(samples, Integral) and samples >= 2
    if not (whole and int(samples) & (int(samples) - 1) == 0):
        raise MethodError(
            f"samples is {samples!r}",
            expected="a power of two of at least 2",
            hint="a Sobol sequence is balanced at powers of two only; try 1024",
        )
    if not (isinstance(seed, Integral) and seed >= 0):
        raise MethodError(f"seed is {seed!r}", expected="a whole number of zero or more")
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise MethodError(f"confidence is {confidence!r}", expected="a share between 0 and 1")
    if not (isinstance(resamples, Integral) and resamples >= 2):
        raise MethodError(f"resamples is {resamples!r}", expected="a whole number of two or more")
