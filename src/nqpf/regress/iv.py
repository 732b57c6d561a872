"""Panel regressions with instruments, and what is known of the instruments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from nqpf.checks import choose, distinct
from nqpf.errors import EstimationError
from nqpf.regress import ols
from nqpf.regress.ols import _HypothesisTest, _Regression, _scaling
from nqpf.sample import PanelSample

_LEVEL = 0.95  # of the Anderson-Rubin set
_BIAS = 10  # one over the tolerated share of the worst-case bias
_ENOUGH = 10  # rule of thumb of Staiger and Stock (1997), for several endogenous regressors
_VALID = "overidentifying restrictions hold"


@dataclass(frozen=True)
class _ConfidenceSet:
    """A confidence set of one coefficient: intervals, which may be unbounded.

    Attributes
    ----------
    intervals : tuple of (float, float)
        Disjoint closed intervals in order; infinite ends are open. Empty when every
        value is rejected, which says that the model is wrong.

    Examples
    --------
    >>> rays = _ConfidenceSet(((-np.inf, -1.0), (2.0, np.inf)))
    >>> print(rays, "|", 0.0 in rays, "|", _ConfidenceSet(()))
    (-inf, -1] or [2, inf) | False | empty
    """

    intervals: tuple[tuple[float, float], ...]

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    def __str__(self) -> str:
        pieces = []
        for low, high in self.intervals:
            left = "(-inf" if np.isinf(low) else f"[{low:.4g}"
            pieces.append(left + (", inf)" if np.isinf(high) else f", {high:.4g}]"))
        return " or ".join(pieces) or "empty"


def _invert(matrices: Sequence[np.ndarray]) -> list[tuple[float, float]]:
    """Return the b where M0 + b M1 + b^2 M2, symmetric, is positive semidefinite, in intervals.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> for pieces in ((4, 0, -1), (-4, 0, 1), (4, 0, 1), (-1, 0, -1)):
    ...     found = _invert([piece * one for piece in pieces])
    ...     print([(round(low, 9), round(high, 9)) for low, high in found])
    [(-2.0, 2.0)]
    [(-inf, -2.0), (2.0, inf)]
    [(-inf, inf)]
    []
    >>> turn = np.array([[0.6, 0.8], [-0.8, 0.6]])  # (b + 3)(2 - b) and (b + 1)(b - 1) at once
    >>> both = _invert([turn @ np.diag(m) @ turn.T for m in ([6, -1], [-1, 0], [-1, 1])])
    >>> [(round(low, 9), round(high, 9)) for low, high in both]
    [(-3.0, -1.0), (1.0, 2.0)]
    """
    from scipy.linalg import eig

    # The ends are roots of the determinant: a quadratic eigenvalue problem, made linear.
    scale = max(np.abs(m).max() for m in matrices)  # beside the ones of the identity blocks
    constant, linear, square = (m / scale for m in matrices)
    zero, one = np.zeros_like(constant), np.eye(len(constant))
    left = np.block([[zero, one], [-constant, -linear]])
    right = np.block([[one, zero], [zero, square]])
    top, bottom = eig(left, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(bottom) > 1e-12 * np.abs(top)
    roots = top[finite] / bottom[finite]
    # A root that only looks real splits a segment without a change of sign, which is
    # mended when segments are joined; a real one taken for complex would be lost.
    roots = np.unique(roots[np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots.real))].real)
    edges = np.concatenate([[-np.inf], roots, [np.inf]])
    outer = 1 + np.abs(roots).max(initial=0.0)
    points = np.convolve([-2 * outer, *roots, 2 * outer], [0.5, 0.5], mode="valid")
    intervals: list[tuple[float, float]] = []
    for point, low, high in zip(points, edges[:-1], edges[1:], strict=True):
        # Divided by 1 + b^2: far out, the largest terms would hide the sign of the others.
        value = (constant + point * linear + point**2 * square) / (1 + point**2)
        if np.linalg.eigvalsh(value)[0] >= 0:
            start = intervals.pop()[0] if intervals and intervals[-1][1] == low else low
            intervals.append((float(start), float(high)))
    return intervals


def _residuals(values: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Return what a least-squares fit on the columns of `on` leaves of `values`."""
    basis = np.linalg.qr(on)[0]
    return values - basis @ (basis.T @ values)


class _Partialled:
    """Outcome, endogenous regressors and instruments without effects and exogenous regressors.

    By the theorem of Frisch, Waugh and Lovell two-stage least squares, its GMM
    and its tests do not change when effects and exogenous regressors are taken
    out of every variable first; degrees of freedom still count them.
    """

    def __init__(
        self, variables: tuple, sample: PanelSample, exogenous: int, errors: str, convention: str
    ) -> None:
        self.y, self.x, z = variables
        self.q = np.linalg.qr(z)[0]  # orthonormal, so that slopes on it need no inverse
        self.on_y, self.on_x = self.q.T @ self.y, self.q.T @ self.x
        self.left_y, self.left_x = self.y - self.q @ self.on_y, self.x - self.q @ self.on_x
        self.sample, self.others = sample, exogenous
        self.errors, self.convention = errors, convention
        # Of regressions on the instruments beside the exogenous regressors.
        self.factor, self.df = _scaling(convention, errors, sample, exogenous + z.shape[1])

    def sums(self, scores: np.ndarray) -> np.ndarray:
        """Return (N, m) scores, summed by unit where errors are clustered."""
        return self.sample.by_unit(scores) if self.errors == "clustered" else scores

    def cov(self, basis: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the covariance of basis'left with basis'right, made symmetric, without factor."""
        if self.errors == "unadjusted":
            return np.eye(basis.shape[1]) * (left @ right) / self.sample.nobs
        cross = self.sums(basis * left[:, None]).T @ self.sums(basis * right[:, None])
        return (cross + cross.T) / 2

    def wald(self, basis: np.ndarray, left: np.ndarray, values: np.ndarray, factor: float) -> float:
        """Return the Wald statistic of no slope on `basis`, with residuals `left`."""
        slopes = basis.T @ values
        return slopes @ np.linalg.solve(factor * self.cov(basis, left, left), slopes)

    def diagnostics(self, names: list[str]) -> SimpleNamespace:
        """Return the diagnostics; `names` are those of the endogenous regressors."""
        single, count = len(names) == 1, self.q.shape[1]
        effective, critical = self.effective_f() if single else (None, None)
        pairs = zip(self.left_x.T, self.x.T, strict=True)
        first = [self.wald(self.q, left, own, self.factor) / count for left, own in pairs]
        return SimpleNamespace(
            first_stage=pd.DataFrame({"F_robust": first}, names),
            cragg_donald=self.cragg_donald(),
            effective_f=effective,
            effective_critical=critical,
            anderson_rubin=self.anderson_rubin() if single else None,
            hansen=self.overidentification() if count > len(names) else None,
            endogeneity=self.exogeneity(),
        )

    def cragg_donald(self) -> float:
        from scipy.linalg import eigh

        count = self.q.shape[1]
        factor, _ = _scaling("all", "unadjusted", self.sample, self.others + count)
        spread = factor * self.left_x.T @ self.left_x / self.sample.nobs
        return float(eigh(self.on_x.T @ self.on_x, spread, eigvals_only=True)[0] / count)

    def effective_f(self) -> tuple[float, float]:
        """Return F and critical value (Montiel Olea and Pflueger 2013, section 4)."""
        from scipy.stats import ncx2

        slopes, left = self.on_x[:, 0], self.left_x[:, 0]
        cov = self.factor * self.cov(self.q, left, left)
        trace, largest = np.trace(cov), np.linalg.eigvalsh(cov)[-1]
        df = trace**2 * (1 + 2 * _BIAS) / (np.sum(cov**2) + 2 * _BIAS * trace * largest)
        return float(slopes @ slopes / trace), float(ncx2.ppf(0.95, df, df * _BIAS) / df)

    def anderson_rubin(self) -> _ConfidenceSet:
        """Return where the test of y - b x does not reject, the ends found exactly."""
        from scipy.stats import chi2, f

        count, df = self.q.shape[1], self.df
        limit = chi2.ppf(_LEVEL, count) if df is None else count * f.ppf(_LEVEL, count, df)
        # Both sides of length one, so that the coefficient is of order one.
        lengths = np.linalg.norm(self.y), np.linalg.norm(self.x)
        y = self.on_y / lengths[0], self.left_y / lengths[0]
        x = self.on_x[:, 0] / lengths[1], self.left_x[:, 0] / lengths[1]
        matrices = []
        for (slope, error), (other, other_error), times in ((y, y, 1), (y, x, -2), (x, x, 1)):
            spread = limit * self.factor * self.cov(self.q, error, other_error)
            if self.errors == "unadjusted":  # V is a multiple of I: one quadratic decides
                matrices.append(np.array([[times * (spread[0, 0] - slope @ other)]]))
            else:
                outer = np.outer(slope, other)
                matrices.append(times * (spread - (outer + outer.T) / 2))
        unit = lengths[0] / lengths[1]
        found = [(float(low * unit), float(high * unit)) for low, high in _invert(matrices)]
        return _ConfidenceSet(tuple(found))

    def overidentification(self) -> _HypothesisTest:
        """Return Sargan's test, or Hansen's J weighted by the two-stage residuals' moments."""
        surplus = self.q.shape[1] - self.x.shape[1]
        left = self.y - self.x @ np.linalg.lstsq(self.on_x, self.on_y, rcond=None)[0]
        if self.errors == "unadjusted":
            explained = self.q.T @ left
            statistic = self.sample.nobs * (explained @ explained) / (left @ left)
        else:
            scores = self.sums(self.q * left[:, None])
            root = np.linalg.cholesky(scores.T @ scores)
            x, y = np.linalg.solve(root, self.on_x), np.linalg.solve(root, self.on_y)
            rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
            statistic = rest @ rest
        return _HypothesisTest.of(_VALID, statistic, surplus)

    def exogeneity(self) -> _HypothesisTest:
        """Test that first-stage residuals do not enter the equation (Wu 1973, Hausman 1978)."""
        basis = np.linalg.qr(_residuals(self.left_x, self.x))[0]
        left = _residuals(self.y, np.hstack([self.x, basis]))
        count = self.x.shape[1]
        factor, df = _scaling(self.convention, self.errors, self.sample, self.others + 2 * count)
        wald = self.wald(basis, left, self.y, factor)
        return _HypothesisTest.of("the endogenous regressors are exogenous", wald, count, df)


def instrumental(
    frame: pd.DataFrame,
    outcome: str,
    endogenous: Sequence[str] | str,
    instruments: Sequence[str] | str,
    exogenous: Sequence[str] | str = (),
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
    errors: str = "clustered",
    convention: str = "nested",
    vintage: str = "",
) -> _Regression:
    """Regress `outcome` on endogenous and exogenous regressors by two-stage least squares.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and
        time, no figure missing. The sample may be unbalanced.
    outcome : str
        Dependent variable.
    endogenous : sequence of str
        Regressors that may be correlated with the error.
    instruments : sequence of str
        Excluded instruments, at least as many as endogenous regressors.
    exogenous : sequence of str
        Regressors that are their own instruments.
    unit, time : str
        Names of the key.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects, taken out of every variable by exact projection;
        ``"pooled"`` has a constant and none.
    errors : {"clustered", "robust", "unadjusted"}
        Clustered by `unit`, heteroskedasticity-robust, or homoskedastic.
    convention : {"nested", "all", "linearmodels", "none"}
        Small-sample convention, see :mod:`nqpf.regress.ols`.
    vintage : str
        Vintage of the data, carried to the table.

    Returns
    -------
    _Regression
        As of :func:`nqpf.regress.fixed_effects`; the notes under its table say when the
        instruments are weak. R2 within can be negative: it compares residuals of the structural
        equation, which instruments do not make small, with the outcome's own variation. In
        `diagnostics`, all but `cragg_donald` under the regression's errors and convention, where
        a test has a `null`, a `statistic`, its `distribution` and a `pvalue`:

        first_stage : DataFrame by endogenous regressor
            ``F_robust``, the Wald statistic over the number of instruments. It says little of one
            regressor when there are several: see `cragg_donald`.
        cragg_donald : float
            Smallest eigenvalue of the first stage in F form, under homoskedastic errors; with
            one endogenous regressor its F.
        effective_f, effective_critical : float or None
            Effective F of Montiel Olea and Pflueger (2013), and the 5 % critical value under
            which two-stage least squares may be biased by more than a tenth of the worst
            case (their simplified procedure). One endogenous regressor only.
        anderson_rubin : confidence set or None
            Set at 95 % for the coefficient of the one endogenous regressor that does not depend on
            the strength of the instruments: ``intervals``, which may be infinite, and ``in``.
        hansen : test or None
            Over-identifying restrictions by two-step efficient GMM, Sargan's under
            homoskedastic errors. None when there is nothing to test.
        endogeneity : test
            The endogenous regressors are exogenous.

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or a unit or year with an effect has one row.
    nqpf.errors.MethodError
        If an option is unknown or a variable is named twice.
    nqpf.errors.EstimationError
        If a variable is absorbed or collinear, the instruments leave a coefficient
        unidentified, or there are too few rows or clusters.

    Notes
    -----
    Coefficients and their plain covariance are those of ``linearmodels.iv.IV2SLS`` on the
    variables without their effects. The Anderson-Rubin set is not searched on a grid, which
    cuts off rays and misses small pieces: its ends are the roots of the determinant of a matrix
    quadratic in the coefficient, and it is reported as it is, even empty or unbounded. It exists
    for one endogenous regressor. With several, weakness is judged by Cragg and Donald's statistic,
    since each first stage may be strong while all rest on one combination of the instruments.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> keys = pd.MultiIndex.from_product([range(31), range(2012, 2023)],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame(rng.normal(size=(341, 3)), keys, ["z", "x", "y"])
    >>> frame["y"] += 0.9 * frame["x"]  # an error that moves both
    >>> frame["x"] += frame["z"]
    >>> frame["y"] += 0.5 * frame["x"]
    >>> fit = instrumental(frame, "y", "x", "z")
    >>> print(fit.params.round(1).to_dict(), 0.5 in fit.diagnostics.anderson_rubin)
    {'x': 0.5} True
    """
    xs = distinct("endogenous regressors", endogenous)
    zs, ws = distinct("instruments", instruments, 0), distinct("regressors", exogenous, 0)
    choose("errors", errors, ols._SIMPLE)
    constant = ["const"] * (effects == "pooled")
    distinct("variables and the constant", [outcome, *xs, *zs, *ws, *constant])
    sample = PanelSample.read(frame, outcome, [*xs, *zs, *ws], effects, unit, time)
    if errors == "clustered" and len(zs) >= sample.units:
        problem = f"{len(zs)} instruments with {sample.units} clusters"
        expected = "fewer instruments than clusters, for clustered tests of instruments"
        raise EstimationError(problem, expected=expected)
    for names in (xs, zs):
        replace(sample, data=sample.data[[outcome, *names, *ws]]).check()
    within, spread = ols._scaled(sample)
    exogenous = [*ws, *constant]
    y, x, z = _identified(outcome, within, xs, zs, exogenous)
    variables = y * spread[outcome], x * spread[xs].to_numpy(), z
    fit = ols._fitted(sample, within, [exogenous, xs, zs], errors, False)
    factor, df = _scaling(convention, errors, sample, len(xs) + len(ws))
    try:
        found = _Partialled(variables, sample, len(ws), errors, convention).diagnostics(xs)
    except np.linalg.LinAlgError:
        problem = f"the instruments have a singular covariance under {errors} errors"
        expected = "instruments that vary in more clusters than there are instruments"
        hint = "use fewer instruments, or other errors"
        raise EstimationError(problem, expected=expected, hint=hint) from None
    names = [*xs, *exogenous]
    about = {"effects": effects, "errors": errors, "convention": convention, "vintage": vintage}
    about |= {"df": df, "estimator": "two-stage least squares", "notes": _notes(xs, zs, found)}
    cov = factor * fit.cov.loc[names, names]
    return ols._reported(sample, fit, cov, spread, diagnostics=found, **about)


def _identified(
    outcome: str, within: pd.DataFrame, xs: list[str], zs: list[str], ws: list[str]
) -> tuple[np.ndarray, ...]:
    """Return outcome, `xs` and `zs` without `ws`; refuse what the instruments cannot tell."""
    w = within[ws].to_numpy()
    y, x, z = (_residuals(within[names].to_numpy(), w) for names in ([outcome], xs, zs))
    if np.linalg.norm(y) <= 1e-9 * np.sqrt(len(y)):
        problem = f"outcome {outcome!r} does not vary beside the effects and exogenous regressors"
        raise EstimationError(problem, expected="an outcome that they do not fit exactly")
    strength = np.linalg.svd(np.linalg.qr(z)[0].T @ np.linalg.qr(x)[0], compute_uv=False)
    if len(zs) < len(xs) or strength[-1] < 1e-9:
        names = [", ".join(map(repr, names)) for names in (zs, xs)]
        problem = f"instruments {names[0]} do not identify the coefficients of {names[1]}"
        raise EstimationError(problem, expected="instruments that move each endogenous regressor")
    return y[:, 0], x, z


def _notes(xs: list[str], zs: list[str], found: SimpleNamespace) -> tuple[str, ...]:
    """Return what a reader of the coefficients must know of the instruments."""
    notes = [f"Instruments of {', '.join(xs)}: {', '.join(zs)}."]
    for name, value in found.first_stage["F_robust"].items():
        notes.append(f"First stage of {name}: F = {value:.2f}.")
    if found.anderson_rubin is None:
        value, verdict = found.cragg_donald, f"not below {_ENOUGH}"
        if value < _ENOUGH:
            verdict = f"below {_ENOUGH}: the instruments may be weak, whatever the F of each first "
            verdict += "stage"
        said = f"All first stages together: Cragg-Donald F = {value:.2f}, homoskedastic, {verdict}."
        notes.append(said)
    else:
        said = f"Anderson-Rubin {_LEVEL:.0%} set of {xs[0]}, which holds with weak instruments: "
        notes.append(f"{said}{found.anderson_rubin}.")
        weak = found.effective_f < found.effective_critical
        beside = f"effective F {found.effective_f:.2f}, critical {found.effective_critical:.2f}"
        notes += [f"The instruments may be weak ({beside})."] * weak
    if found.hansen is not None:
        notes.append(f"Over-identification: {found.hansen}.")
    return tuple(notes)
