"""Wild cluster bootstrap of one coefficient, with restricted residuals (WCR).

Thirty-one clusters are few: clustered t statistics reject too often. Cameron, Gelbach and Miller
(2008) compare t with its distribution when the residuals of the regression under the null are
multiplied by one random sign per cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress._wild import Draws, Parts
from nqpf.regress.conventions import DEFAULT
from nqpf.regress.effects import fixed_effects
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key, nearest

__all__ = ["WEIGHTS", "WildBootstrap", "wild_bootstrap", "wild_weights"]

WEIGHTS = {"rademacher": "Rademacher", "webb": "Webb six-point"}
_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))


@dataclass(frozen=True)
class WildBootstrap:
    """Wild cluster bootstrap of one coefficient.

    Attributes
    ----------
    variable : str
    null, coefficient, tstat : float
        Null value, estimate, and t of the estimate against it.
    pvalue : float
        Share of draws with abs(t*) >= abs(t).
    lower, upper : float
        Interval of the null values next to the estimate with p >= 1 - level; infinite if
        none further out is rejected.
    level : float
    tstats : (draws,) array
        Bootstrap t at the null.
    weights : str
        A name of :data:`WEIGHTS`.
    draws : int
    enumerated : bool
        Every combination of signs was taken once (up to a sign common to all clusters, which
        does not change abs(t*)), so that `seed` plays no part.
    seed : int
    result : RegressionResult
        The regression with its clustered errors.
    """

    variable: str
    null: float
    coefficient: float
    tstat: float
    pvalue: float
    lower: float
    upper: float
    level: float
    tstats: np.ndarray
    weights: str
    draws: int
    enumerated: bool
    seed: int
    result: RegressionResult

    @property
    def label(self) -> str:
        """How the p value came about, for a table's notes."""
        if self.enumerated:
            drawn = f"all {self.draws:,} distinct combinations of signs"
        else:
            drawn = f"{self.draws:,} draws, seed {self.seed}"
        return (
            f"wild cluster bootstrap by {self.result.unit} ({self.result.groups} clusters), "
            f"restricted residuals, {WEIGHTS[self.weights]} weights, {drawn}"
        )

    def __str__(self) -> str:
        return (
            f"{self.variable}: {self.coefficient:.4g}, p = {self.pvalue:.4f} against "
            f"{self.null:g}, {self.level:.0%} interval [{self.lower:.4g}, {self.upper:.4g}]; "
            f"{self.label}."
        )


def wild_bootstrap(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    null: float = 0.0,
    draws: int = 9999,
    weights: str = "rademacher",
    level: float = 0.95,
    convention: str = DEFAULT,
    vintage: str = "",
    seed: int = 0,
) -> WildBootstrap:
    """Test a coefficient with clusters by unit by the restricted wild cluster bootstrap.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, effects, convention, vintage
        As for :func:`nqpf.regress.fixed_effects`, with ``errors="clustered"``.
    variable : str or None
        Tested regressor; the first by default.
    null : float
        Value under the null.
    draws : int
        Draws, 99 or more. If there are no more than `draws` combinations of Rademacher signs,
        each is taken once instead.
    weights : {"rademacher", "webb"}
        Plus or minus one; or Webb's six points, for about ten clusters or fewer.
    level : float
        Coverage of the interval.
    seed : int
        Seed of the draws.

    Returns
    -------
    WildBootstrap

    Raises
    ------
    nqpf.errors.MethodError
        If an option is not valid.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Notes
    -----
    Cameron, Gelbach and Miller (2008); the inversion follows Roodman, MacKinnon, Nielsen and
    Webb (2019). The p value does not depend on `convention`, whose factor cancels.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(6), [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> x = [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 3, 1, 5, 2, 6, 6, 9.0]
    >>> frame = pd.DataFrame({"x": x}, index=keys)
    >>> frame["y"] = frame["x"] + [0, 3, 1, 5, 4, 9, 3, 4, 2, 1, 0, 2, 6, 4, 5, 7, 9, 8]
    >>> test = wild_bootstrap(frame, "y", "x")
    >>> test.draws, test.enumerated, test.pvalue
    (32, True, 0.03125)
    """
    names = [regressors] if isinstance(regressors, str) else list(regressors)
    options = {"unit": unit, "time": time, "effects": effects}
    result = fixed_effects(frame, outcome, names, convention=convention, vintage=vintage, **options)
    variable = names[0] if variable is None else variable
    _check(variable, names, draws, weights, level)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    parts = Parts.of(data, outcome, variable, effects)
    v, enumerated = wild_weights(result.groups, draws, weights, seed)
    draw = Draws.of(v, parts)
    distance = null / parts.back - parts.estimate
    below, above = draw.interval(1 - level)
    plain = np.sqrt(parts.variance) * parts.back
    return WildBootstrap(
        variable=variable,
        null=float(null),
        coefficient=float(result.params[variable]),
        tstat=float((result.params[variable] - null) / result.std_errors[variable]),
        pvalue=draw.pvalue(distance),
        lower=(parts.estimate + below) * parts.back,
        upper=(parts.estimate + above) * parts.back,
        level=level,
        tstats=draw.tstats(distance) * plain / result.std_errors[variable],
        weights=weights,
        draws=len(v),
        enumerated=enumerated,
        seed=seed,
        result=result,
    )


def _check(variable: str, names: list[str], draws: int, weights: str, level: float) -> None:
    for value, known, what in ((variable, names, "variable"), (weights, WEIGHTS, "weights")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 99:
        raise MethodError(f"{draws!r} draws", expected="a whole number, 99 or more")
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")


def wild_weights(clusters: int, draws: int, weights: str, seed: int) -> tuple[np.ndarray, bool]:
    """Return (draws, clusters) weights of mean 0 and variance 1, and whether they are all.

    Examples
    --------
    >>> wild_weights(3, 99, "rademacher", 0)
    (array([[ 1.,  1.,  1.],
           [ 1.,  1., -1.],
           [ 1., -1.,  1.],
           [ 1., -1., -1.]]), True)
    """
    if weights == "rademacher" and 2.0**clusters <= draws:
        # the first sign is fixed: turning all signs leaves abs(t*) as it is
        bits = np.arange(2 ** (clusters - 1))[:, None] >> np.arange(clusters - 1, -1, -1)
        return 1.0 - 2.0 * (bits & 1), True
    rng = np.random.default_rng(seed)
    signs = 2.0 * rng.integers(0, 2, size=(draws, clusters)) - 1
    if weights == "webb":
        signs *= _WEBB[rng.integers(0, 3, size=(draws, clusters))]
    return signs, False
