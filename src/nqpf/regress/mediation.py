"""Mediation in three equations, and what it does not identify."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from nqpf.checks import distinct, whole
from nqpf.errors import EstimationError
from nqpf.regress.ols import fixed_effects
from nqpf.regress.table import RegressionTable, _Printed
from nqpf.sample import PanelSample, _check_several, _demean

_PATHS = pd.Index(["indirect", "direct", "total", "proportion"], name="effect")
_SINGULAR = 1e-10  # a smaller eigenvalue of a correlation matrix is rounding
_LEVEL = 0.95  # of the intervals
_FAILED = 0.05  # share of bootstrap samples that may not identify the effects


class _Products:
    """Cross-products by unit, (n, p, p).

    Of treatment, controls, mediator, outcome and then dummies, the former in standard deviations;
    `scale` turns an effect in them into the units of the data.
    """

    def __init__(self, sample: PanelSample, order: list[str]) -> None:
        data = sample.data[order]
        spread = data.std()
        values = ((data - data.mean()) / spread).to_numpy()
        unit, time = sample.absorbed
        constant = np.ones((len(data), int(sample.effects == "pooled")))
        columns = np.hstack([values, constant if time is None else np.eye(sample.times)[time]])
        if unit is not None:
            columns = _demean(columns, unit, None)
        self.by_unit = sample.by_unit(columns[:, :, None] * columns[:, None, :])
        self.variables = len(order)
        self.scale = float(spread.iloc[-1] / spread.iloc[0])

    def paths(self, weights: np.ndarray) -> np.ndarray:
        """Return indirect, direct and total effect and the proportion, (b, 4).

        Parameters
        ----------
        weights : (b, n) array
            How often each unit is in each sample. A sample that does not
            identify the effects has missing values.
        """
        sums, v = np.tensordot(weights, self.by_unit, 1), self.variables
        cross = sums[:, :v, v:]
        dummies = np.linalg.pinv(sums[:, v:, v:], rcond=_SINGULAR, hermitian=True)
        left = sums[:, :v, :v] - cross @ dummies @ cross.transpose(0, 2, 1)
        length = np.sqrt(np.maximum(np.diagonal(left, axis1=1, axis2=2), 0))
        # A variable that does not vary among the units drawn keeps rounding of what it was.
        real = length > 1e-6 * np.sqrt(np.diagonal(self.by_unit.sum(axis=0))[:v])
        length = np.where(real, length, 1.0)
        even, known = left / (length[:, :, None] * length[:, None, :]), real[:, :-1].all(axis=1)
        even[~known] = np.eye(v)
        known &= np.linalg.eigvalsh(even[:, :-1, :-1])[:, 0] > _SINGULAR
        even[~known] = np.eye(v)
        ends = ((even[:, :k, :k], even[:, :k, k : k + 1]) for k in (v - 2, v - 1))
        inner, outer = (np.linalg.solve(*end)[:, :, 0] for end in ends)
        indirect, direct = inner[:, 0] * outer[:, -1], outer[:, 0]
        effects = np.stack([indirect, direct, indirect + direct])
        effects *= self.scale * length[:, -1] / length[:, 0]
        effects[:, ~known] = np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack([*effects, effects[0] / effects[2]], axis=1)


class _Mediation(_Printed):
    """Three equations and the effects they imply.

    Attributes
    ----------
    outcome, treatment, mediator : str
    regressions : mapping of str to regression
        ``total``: outcome on treatment; ``mediator``: mediator on treatment;
        ``direct``: outcome on treatment and mediator; controls and effects in each.
    effects : DataFrame, rows ``indirect``, ``direct``, ``total``, ``proportion``
        ``estimate``; ``std_error``, the deviation of the bootstrap; ``lower`` and
        ``upper`` by percentiles; ``bca_lower`` and ``bca_upper``, bias-corrected and
        accelerated. The proportion is indirect over total.
    sobel : Series
        ``std_error``, ``z`` and ``p_value`` of the indirect effect by the delta
        method, which takes it as normal.
    draws : DataFrame, one row per bootstrap sample
        Those that did not identify the effects are left out.
    bootstrap, seed : int
    """

    def __init__(self, names: tuple[str, str, str], regressions: dict[str, Any]) -> None:
        from scipy.stats import norm

        self.outcome, self.treatment, self.mediator = names
        self.regressions = regressions
        first, second = regressions["mediator"], regressions["direct"]
        a, b = first.params[self.treatment], second.params[self.mediator]
        # The delta method (Sobel 1982).
        spread = a * second.std_errors[self.mediator], b * first.std_errors[self.treatment]
        error = np.hypot(*spread)
        z = a * b / error
        sobel = {"std_error": error, "z": z, "p_value": 2 * norm.sf(abs(z))}
        self.sobel = pd.Series(sobel, name="sobel")
        total = regressions["total"].params[self.treatment]
        estimates = [a * b, second.params[self.treatment], total, a * b / total]
        self.effects = pd.DataFrame({"estimate": estimates}, _PATHS)

    def _bootstrap(self, products: _Products, bootstrap: int, seed: int) -> None:
        """Set the draws that identify the effects, and the intervals from them."""
        from scipy import stats

        def paths(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
            """Return (4, ...) paths of samples (..., n) of units."""
            count = (drawn[..., None] == np.arange(units)).sum(axis=-2).reshape(-1, units)
            return products.paths(count).T.reshape(len(_PATHS), *drawn.shape[:-1])

        self.bootstrap, self.seed, units = bootstrap, seed, len(products.by_unit)
        draws = paths(np.random.default_rng(seed).integers(units, size=(bootstrap, units))).T
        draws = draws[np.isfinite(draws).all(axis=1)]
        failed = bootstrap - len(draws)
        if failed > _FAILED * bootstrap:
            problem = f"{failed} of {bootstrap} bootstrap samples do not identify the effects"
            expected = "treatment and mediator that vary in nearly every set of units"
            hint = "use more units, or bootstrap=0 for no intervals"
            raise EstimationError(problem, expected=expected, hint=hint)
        self.draws = pd.DataFrame(draws, columns=_PATHS.tolist())
        names = ["std_error", "lower", "upper", "bca_lower", "bca_upper"]
        self.effects = self.effects.reindex(columns=["estimate", *names])
        if len(draws):
            given = SimpleNamespace(bootstrap_distribution=draws.T)
            options = {"confidence_level": _LEVEL, "n_resamples": 0, "bootstrap_result": given}
            again = partial(stats.bootstrap, (np.arange(units),), paths, **options)
            found = [again(method=method) for method in ("percentile", "BCa")]
            ends = [end for one in found for end in one.confidence_interval]
            self.effects[names] = np.column_stack([found[0].standard_error, *ends])

    @property
    def identification(self) -> str:
        """What would have to hold for the indirect effect to be one, in plain words."""
        t, m, y = self.treatment, self.mediator, self.outcome
        return (
            f"What this does not identify. The product of coefficients is an effect of {t} that "
            f"passes through {m} only under sequential ignorability (Imai, Keele and Yamamoto "
            f"2010): given controls and fixed effects nothing unseen moves {t} together with "
            f"{m} or {y}, and, given {t} as well, nothing unseen moves {m} together with {y}. "
            "The data cannot test the second part, and no standard error or bootstrap allows "
            f"for its failure. A variable that {t} changes and that acts on both {m} and {y} "
            "biases the figures whether it is controlled for or not. Effects that run from "
            f"{y} back to {m}, or from {m} to {t}, are not ruled out. Slopes are taken as linear, "
            f"equal for all, and the slope of {m} as the same at every {t}. Fixed effects remove "
            "what is constant in a unit or common to a year, and nothing else. The split is "
            "therefore a description of how coefficients change, not evidence of a mechanism; a "
            "proportion means little where direct and indirect effects differ in sign or the "
            "total is near zero."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader needs to read the figures."""
        first = self.regressions["total"]
        lines = [
            f"Intervals at {_LEVEL:.0%} from {self.bootstrap} samples of whole {first.unit} "
            f"groups, seed {self.seed}.",
            f"Sobel: z = {self.sobel['z']:.3f}, p = {self.sobel['p_value']:.4f}, from standard "
            f"errors {first.covariance_label}; the product of two estimates is not normal.",
        ]
        if failed := self.bootstrap - len(self.draws):
            lines.append(f"{failed} samples did not identify the effects and are left out.")
        return tuple(lines)

    def _parts(self) -> list[object]:
        caption = (
            f"Effects of {self.treatment} on {self.outcome}, through {self.mediator} and not, with "
            f"{_LEVEL:.0%} intervals by percentiles and bias-corrected"
        )
        table = RegressionTable({name.capitalize(): r for name, r in self.regressions.items()})
        return [(caption, self.effects), self.notes, table, (self.identification,)]


def mediation(
    frame: pd.DataFrame,
    outcome: str,
    treatment: str,
    mediator: str,
    controls: Sequence[str] | str = (),
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    bootstrap: int = 1000,
    seed: int = 0,
    **options: str,
) -> _Mediation:
    """Split the coefficient of `treatment` into a part with `mediator` and one without.

    The stepwise form of Baron and Kenny (1986), each with controls and effects:

        outcome  = c treatment + e1
        mediator = a treatment + e2
        outcome  = d treatment + b mediator + e3

    The indirect effect is a b, the direct d, the total c; in linear least
    squares on one sample c = d + a b exactly. The result prints what it does
    not identify, and that belongs to the figures.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and
        time, no figure missing. The sample may be unbalanced.
    outcome, treatment, mediator : str
    controls : sequence of str
        In all three equations.
    unit, time : str
        Names of the key.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects of all three equations.
    bootstrap : int
        Samples of units drawn with replacement, each with all its years; year
        effects are estimated anew in each. 0 leaves intervals missing.
    seed : int
        Seed of the draws.
    **options
        ``errors``, ``convention`` and ``vintage``, as in :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    result
        Prints itself: `effects` with intervals, `sobel`, `draws`, the three `regressions`, and
        `identification`.

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or there is one unit.
    nqpf.errors.MethodError
        If an option is not valid or a variable has two roles.
    nqpf.errors.EstimationError
        If regressors are absorbed or collinear, or more than one bootstrap
        sample in twenty does not identify the effects.

    Notes
    -----
    The product of coefficients is causal only under sequential ignorability, which no data can
    test; `identification` says so in print and on a page, beside the figures. Samples in which
    the effects are not identified are left out and counted. Sobel's test is given because
    readers look for it.

    References
    ----------
    Baron, R. M. and Kenny, D. A. (1986). Journal of Personality and Social Psychology 51,
    1173-1182. Sobel, M. E. (1982). Sociological Methodology 13, 290-312. Imai, K., Keele, L.
    and Yamamoto, T. (2010). Statistical Science 25, 51-71.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> keys = pd.MultiIndex.from_product([range(20), range(10)], names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(200, 3)), keys, ["y", "t", "m"])
    >>> frame["m"] += 0.5 * frame["t"]
    >>> frame["y"] += 0.8 * frame["m"] + 0.3 * frame["t"]
    >>> fit = mediation(frame, "y", "t", "m", bootstrap=200)
    >>> bool(fit.effects.loc["indirect", "lower"] > 0)
    True
    """
    others = distinct("controls", controls, 0)
    whole("bootstrap", bootstrap)
    sample = PanelSample.read(frame, outcome, [treatment, mediator, *others], effects, unit, time)
    _check_several(sample.data.index, "samples are drawn of whole units")
    without = [treatment, *others]
    equations = {"total": (outcome, without), "mediator": (mediator, without)}
    equations["direct"] = (outcome, [treatment, mediator, *others])
    fits = {
        name: fixed_effects(sample.data, *sides, unit, time, effects, **options)
        for name, sides in equations.items()
    }
    result = _Mediation((outcome, treatment, mediator), fits)
    result._bootstrap(_Products(sample, [*without, mediator, outcome]), bootstrap, seed)
    return result
