"""Panel thresholds: slopes that change where another variable passes a value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.regress.conventions import DEFAULT
from nqpf.regress.effects import fixed_effects
from nqpf.regress.threshold.arrange import arrange
from nqpf.regress.threshold.result import ThresholdResult
from nqpf.regress.threshold.stages import confidence, find, significance
from nqpf.tfp.sample import by_key, nearest

__all__ = ["threshold"]

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
