"""Panel regressions with instruments, and what is known of the instruments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.ols import DEFAULT, EFFECTS, RegressionResult, SampleSize, scaling
from nqpf.sample import by_key, check_regressors, check_singletons, demean, nearest

__all__ = [
    "ConfidenceSet",
    "HypothesisTest",
    "InstrumentDiagnostics",
    "InstrumentalResult",
    "Partialled",
    "TwoStage",
    "chi2_test",
    "diagnose",
    "f_test",
    "instrumental",
    "invert",
    "meat",
    "normal_test",
    "residuals",
]


def residuals(values: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Return what a least-squares fit on the columns of `on` leaves of `values`."""
    if on.shape[1] == 0:
        return values
    basis = np.linalg.qr(on)[0]
    return values - basis @ (basis.T @ values)


def meat(scores: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Return the sum of outer products of scores, summed within clusters before.

    Parameters
    ----------
    scores : (N, m)
    clusters : (N,) integer codes, or None for every row by itself
    """
    if clusters is None:
        return scores.T @ scores
    sums = np.zeros((clusters.max() + 1, scores.shape[1]))
    np.add.at(sums, clusters, scores)
    return sums.T @ sums


@dataclass(frozen=True)
class Partialled:
    """Outcome, endogenous regressors and instruments without effects and exogenous regressors.

    By the theorem of Frisch, Waugh and Lovell two-stage least squares, its GMM
    and its tests do not change when effects and exogenous regressors are taken
    out of every variable first; degrees of freedom still count them.

    Attributes
    ----------
    outcome : (N,) array
    endogenous : (N, k) array
    instruments : (N, L) array
        Orthonormal columns.
    size : SampleSize
        With the exogenous regressors as ``regressors``.
    clusters : (N,) integer codes
    errors, convention : str
    """

    outcome: np.ndarray
    endogenous: np.ndarray
    instruments: np.ndarray
    size: SampleSize
    clusters: np.ndarray
    errors: str
    convention: str

    @property
    def homoskedastic(self) -> Partialled:
        """The same under homoskedastic errors, with the exact F of the normal model."""
        return replace(self, errors="unadjusted", convention="all")

    def scaling(self, regressors: int) -> tuple[float, int | None]:
        """Return factor and degrees of freedom of a regression with more regressors."""
        size = replace(self.size, regressors=self.size.regressors + regressors)
        return scaling(self.convention, self.errors == "clustered", size)

    def meat(
        self, basis: np.ndarray, left: np.ndarray, right: np.ndarray, errors: str
    ) -> np.ndarray:
        """Return the plain covariance of basis'left with basis'right, made symmetric.

        `basis` has orthonormal columns, so that these are least-squares
        coefficients and no inverse is needed.
        """
        if errors == "unadjusted":
            return np.eye(basis.shape[1]) * (left @ right) / self.size.nobs
        groups = self.clusters if errors == "clustered" else None
        width = basis.shape[1]
        both = meat(np.hstack([basis * left[:, None], basis * right[:, None]]), groups)
        cross = both[:width, width:]
        return (cross + cross.T) / 2


@dataclass(frozen=True)
class ConfidenceSet:
    """A confidence set of one coefficient: intervals, which may be unbounded.

    Attributes
    ----------
    intervals : tuple of (float, float)
        Disjoint closed intervals in order; infinite ends are open. Empty when every
        value is rejected, which says that the model is wrong.
    level : float
        Confidence level.

    Examples
    --------
    >>> rays = ConfidenceSet(((-np.inf, -1.0), (2.0, np.inf)), 0.95)
    >>> print(rays, "|", rays.shape, "|", 0.0 in rays)
    (-inf, -1] or [2, inf) | two rays | False
    """

    intervals: tuple[tuple[float, float], ...]
    level: float

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    @property
    def bounded(self) -> bool:
        """Whether no interval runs to infinity."""
        return all(np.isfinite(interval).all() for interval in self.intervals)

    @property
    def shape(self) -> str:
        """``interval``, ``two rays``, ``ray``, ``empty``, ``whole line`` or ``union``."""
        ends = [tuple(bool(e) for e in np.isinf(interval)) for interval in self.intervals]
        if not ends:
            return "empty"
        if len(ends) == 1:
            return {0: "interval", 1: "ray", 2: "whole line"}[sum(ends[0])]
        return "two rays" if ends == [(True, False), (False, True)] else "union"

    def __str__(self) -> str:
        if not self.intervals:
            return "empty"
        pieces = []
        for low, high in self.intervals:
            left = "(-inf" if np.isinf(low) else f"[{low:.4g}"
            pieces.append(left + (", inf)" if np.isinf(high) else f", {high:.4g}]"))
        return " or ".join(pieces)


def invert(matrices: Sequence[np.ndarray], level: float) -> ConfidenceSet:
    """Return the b where M0 + b M1 + b^2 M2 is positive semidefinite.

    Parameters
    ----------
    matrices : three (L, L) symmetric arrays
        M0, M1 and M2.
    level : float
        Level to report.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> print(invert([4 * one, 0 * one, -one], 0.95))
    [-2, 2]
    >>> print(invert([-4 * one, 0 * one, one], 0.95))
    (-inf, -2] or [2, inf)
    >>> print(invert([4 * one, 0 * one, one], 0.95), "|", invert([-one, 0 * one, -one], 0.95))
    (-inf, inf) | empty
    """
    roots = (
        _quadratic(*(m.item() for m in matrices)) if len(matrices[0]) == 1 else _pencil(matrices)
    )
    if not len(roots):
        inside = [_accepted(matrices, 0.0)]
        edges = np.array([-np.inf, np.inf])
    else:
        edges = np.concatenate([[-np.inf], roots, [np.inf]])
        first, last = roots[0] - 1 - abs(roots[0]), roots[-1] + 1 + abs(roots[-1])
        points = [first, *(roots[:-1] + np.diff(roots) / 2), last]
        inside = [_accepted(matrices, point) for point in points]
    intervals: list[tuple[float, float]] = []
    for accepted, low, high in zip(inside, edges[:-1], edges[1:], strict=True):
        if accepted and intervals and intervals[-1][1] == low:
            low = intervals.pop()[0]
        if accepted:
            intervals.append((float(low), float(high)))
    return ConfidenceSet(tuple(intervals), level)


def _accepted(matrices: Sequence[np.ndarray], point: float) -> bool:
    # Divided by 1 + b^2: far out, the largest terms would hide the sign of the others.
    constant, linear, square = matrices
    value = (constant + point * linear + point**2 * square) / (1 + point**2)
    return bool(np.linalg.eigvalsh(value)[0] >= 0)


def _quadratic(constant: float, linear: float, square: float) -> np.ndarray:
    """Return the real roots in order, without cancellation."""
    if square == 0:
        return np.array([-constant / linear]) if linear else np.empty(0)
    discriminant = linear**2 - 4 * square * constant
    if discriminant <= 0:
        return np.empty(0)
    larger = -0.5 * (linear + np.copysign(np.sqrt(discriminant), linear))
    other = constant / larger if larger else 0.0
    return np.sort([larger / square, other])


def _pencil(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the real b at which det(M0 + b M1 + b^2 M2) is zero, in order."""
    from scipy.linalg import eig

    scale = max(np.abs(m).max() for m in matrices)  # beside the ones of the identity blocks
    constant, linear, square = (m / scale for m in matrices)
    size = len(constant)
    zero, one = np.zeros((size, size)), np.eye(size)
    left = np.block([[zero, one], [-constant, -linear]])
    right = np.block([[one, zero], [zero, square]])
    top, bottom = eig(left, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(bottom) > 1e-12 * np.abs(top)
    roots = top[finite] / bottom[finite]
    # A root that only looks real splits a segment without a change of sign, which is
    # mended when segments are joined; a real one taken for complex would be lost.
    real = np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots.real))
    return np.unique(roots[real].real)


_SIZE = 0.05  # of the verdict that is printed


@dataclass(frozen=True)
class HypothesisTest:
    """A test statistic under its null; printed, it says whether 5 % rejects the null.

    Attributes
    ----------
    null : str
        What is tested.
    statistic : float
    distribution : str
        Reference distribution with its degrees of freedom, for example ``"F(2, 423)"``.
    pvalue : float
    """

    null: str
    statistic: float
    distribution: str
    pvalue: float

    def __str__(self) -> str:
        verdict = "rejected" if self.pvalue < _SIZE else "not rejected"
        return (
            f"{self.distribution} = {self.statistic:.4g}, p = {self.pvalue:.4f}; "
            f"null hypothesis: {self.null}; {verdict} at {_SIZE:.0%}"
        )


def chi2_test(null: str, statistic: float, df: int) -> HypothesisTest:
    """Return a test with a chi-squared reference.

    Examples
    --------
    >>> print(chi2_test("slopes are zero", 3.8, 1))
    chi2(1) = 3.8, p = 0.0513; null hypothesis: slopes are zero; not rejected at 5%
    """
    from scipy.stats import chi2

    return HypothesisTest(null, float(statistic), f"chi2({df})", float(chi2.sf(statistic, df)))


def f_test(null: str, wald: float, df: int, residual: int | None) -> HypothesisTest:
    """Return the F form of a Wald statistic; without `residual` it stays chi-squared.

    Examples
    --------
    >>> f_test("slopes are zero", 8.0, 2, None).statistic
    8.0
    >>> f_test("slopes are zero", 8.0, 2, 30).statistic
    4.0
    """
    from scipy.stats import f

    if residual is None:
        return chi2_test(null, wald, df)
    pvalue = float(f.sf(wald / df, df, residual))
    return HypothesisTest(null, float(wald / df), f"F({df}, {residual})", pvalue)


def normal_test(null: str, statistic: float) -> HypothesisTest:
    """Return a two-sided test with a standard normal reference.

    Examples
    --------
    >>> round(normal_test("no autocorrelation", -1.96).pvalue, 4)
    0.05
    """
    from scipy.stats import norm

    return HypothesisTest(null, float(statistic), "N(0, 1)", float(2 * norm.sf(abs(statistic))))


_BIAS = 10  # one over the tolerated share of the worst-case bias


@dataclass(frozen=True)
class InstrumentDiagnostics:
    """Diagnostics of a regression with instruments.

    Attributes
    ----------
    first_stage : DataFrame by endogenous regressor
        ``partial_r2`` of the instruments; ``F`` under homoskedastic errors; ``F_robust``
        (Wald statistic over the number of instruments) and its ``pvalue`` under the
        regression's errors and convention. F says little of
        one regressor when there are several: see `cragg_donald`.
    cragg_donald : float
        Smallest eigenvalue of the first stage in F form; with one endogenous regressor
        its homoskedastic F.
    effective_f, effective_critical : float or None
        Effective F of Montiel Olea and Pflueger (2013), and the 5 % critical value under
        which two-stage least squares may be biased by more than a tenth of the worst
        case (their simplified procedure). One endogenous regressor only.
    anderson_rubin : ConfidenceSet or None
        Set for the coefficient of the one endogenous regressor that does not depend on
        the strength of the instruments.
    anderson_rubin_test : HypothesisTest
        All endogenous coefficients are zero and the instruments are valid.
    sargan, hansen : HypothesisTest or None
        Over-identifying restrictions, under homoskedastic errors and (two-step efficient
        GMM) under the regression's errors. None when there is nothing to test.
    wu_hausman, endogeneity : HypothesisTest
        The endogenous regressors are exogenous, under homoskedastic errors and under the
        regression's errors.
    """

    first_stage: pd.DataFrame
    cragg_donald: float
    effective_f: float | None
    effective_critical: float | None
    anderson_rubin: ConfidenceSet | None
    anderson_rubin_test: HypothesisTest
    sargan: HypothesisTest | None
    hansen: HypothesisTest | None
    wu_hausman: HypothesisTest
    endogeneity: HypothesisTest

    def to_frame(self) -> pd.DataFrame:
        """Return one row per test: statistic, distribution, p value."""
        tests = {
            "Anderson-Rubin": self.anderson_rubin_test,
            "Sargan": self.sargan,
            "Hansen J": self.hansen,
            "Wu-Hausman": self.wu_hausman,
            "Wu-Hausman, errors as in the regression": self.endogeneity,
        }
        rows = {
            name: [test.null, test.statistic, test.distribution, test.pvalue]
            for name, test in tests.items()
            if test is not None
        }
        columns = ["null", "statistic", "distribution", "pvalue"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def diagnose(data: Partialled, names: list[str], level: float) -> InstrumentDiagnostics:
    """Return the diagnostics of a partialled regression.

    Parameters
    ----------
    data : Partialled
    names : list of str
        Endogenous regressors.
    level : float
        Level of the Anderson-Rubin set.
    """
    surplus = data.instruments.shape[1] - len(names)
    effective, critical = _effective_f(data) if len(names) == 1 else (None, None)
    valid = "overidentifying restrictions hold"
    return InstrumentDiagnostics(
        first_stage=_first_stage(data, names),
        cragg_donald=_cragg_donald(data),
        effective_f=effective,
        effective_critical=critical,
        anderson_rubin=_anderson_rubin_set(data, level) if len(names) == 1 else None,
        anderson_rubin_test=_anderson_rubin_test(data),
        sargan=chi2_test(valid, _sargan(data), surplus) if surplus else None,
        hansen=chi2_test(valid, _hansen(data), surplus) if surplus else None,
        wu_hausman=_exogeneity(data.homoskedastic),
        endogeneity=_exogeneity(data),
    )


def _reduced_form(data: Partialled, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients on the instruments and residuals."""
    slopes = data.instruments.T @ values
    return slopes, values - data.instruments @ slopes


def _wald(data: Partialled, values: np.ndarray) -> tuple[float, int | None]:
    """Return the Wald statistic of the instruments explaining `values`, and its df."""
    q = data.instruments
    slopes, left = _reduced_form(data, values)
    factor, df = data.scaling(q.shape[1])
    cov = factor * data.meat(q, left, left, data.errors)
    return float(slopes @ np.linalg.solve(cov, slopes)), df


def _first_stage(data: Partialled, names: list[str]) -> pd.DataFrame:
    rows = {}
    count = data.instruments.shape[1]
    for name, values in zip(names, data.endogenous.T, strict=True):
        slopes, _ = _reduced_form(data, values)
        plain, _ = _wald(data.homoskedastic, values)
        wald, df = _wald(data, values)
        test = f_test(f"the instruments do not explain {name}", wald, count, df)
        partial = (slopes @ slopes) / (values @ values)
        rows[name] = [partial, plain / count, wald / count, test.pvalue]
    columns = ["partial_r2", "F", "F_robust", "pvalue"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _cragg_donald(data: Partialled) -> float:
    q, x = data.instruments, data.endogenous
    slopes, left = _reduced_form(data, x)
    factor, _ = data.homoskedastic.scaling(q.shape[1])
    root = np.linalg.inv(np.linalg.cholesky(factor * left.T @ left / data.size.nobs))
    return float(np.linalg.eigvalsh(root @ slopes.T @ slopes @ root.T)[0] / q.shape[1])


def _effective_f(data: Partialled) -> tuple[float, float]:
    """Return F and critical value (Montiel Olea and Pflueger 2013, section 4)."""
    from scipy.stats import ncx2

    q, x = data.instruments, data.endogenous[:, 0]
    slopes, left = _reduced_form(data, x)
    factor, _ = data.scaling(q.shape[1])
    cov = factor * data.meat(q, left, left, data.errors)
    trace, largest = np.trace(cov), np.linalg.eigvalsh(cov)[-1]
    df = trace**2 * (1 + 2 * _BIAS) / (np.sum(cov**2) + 2 * _BIAS * trace * largest)
    return float(slopes @ slopes / trace), float(ncx2.ppf(0.95, df, df * _BIAS) / df)


def _anderson_rubin_test(data: Partialled) -> HypothesisTest:
    null = "endogenous coefficients are zero and the instruments are valid"
    wald, df = _wald(data, data.outcome)
    return f_test(null, wald, data.instruments.shape[1], df)


def _anderson_rubin_set(data: Partialled, level: float) -> ConfidenceSet:
    from scipy.stats import chi2, f

    q, x, errors = data.instruments, data.endogenous[:, 0], data.errors
    count = q.shape[1]
    factor, df = data.scaling(count)
    limit = chi2.ppf(level, count) if df is None else count * f.ppf(level, count, df)
    # Both sides of length one, so that the coefficient is of order one.
    lengths = np.linalg.norm(data.outcome), np.linalg.norm(x)
    (on_y, u), (on_x, v) = (
        _reduced_form(data, values / length)
        for values, length in zip((data.outcome, x), lengths, strict=True)
    )
    pairs = [((on_y, u), (on_y, u), 1), ((on_y, u), (on_x, v), -2), ((on_x, v), (on_x, v), 1)]
    matrices = []
    for (slope, error), (other, other_error), times in pairs:
        spread = limit * factor * data.meat(q, error, other_error, errors)
        if errors == "unadjusted":  # V is a multiple of I: the determinant is one quadratic
            matrices.append(np.array([[times * (spread[0, 0] - slope @ other)]]))
        else:
            outer = np.outer(slope, other)
            matrices.append(times * (spread - (outer + outer.T) / 2))
    found = invert(matrices, level)
    unit = lengths[0] / lengths[1]
    return ConfidenceSet(
        tuple((float(low * unit), float(high * unit)) for low, high in found.intervals), level
    )


def _two_stage_residuals(data: Partialled) -> np.ndarray:
    q = data.instruments
    slopes = np.linalg.lstsq(q.T @ data.endogenous, q.T @ data.outcome, rcond=None)[0]
    return data.outcome - data.endogenous @ slopes


def _sargan(data: Partialled) -> float:
    left = _two_stage_residuals(data)
    explained = data.instruments.T @ left
    return float(data.size.nobs * (explained @ explained) / (left @ left))


def _hansen(data: Partialled) -> float:
    """Return J of two-step GMM, weighted by the two-stage residuals' moments."""
    if data.errors == "unadjusted":
        return _sargan(data)
    q = data.instruments
    groups = data.clusters if data.errors == "clustered" else None
    root = np.linalg.cholesky(meat(q * _two_stage_residuals(data)[:, None], groups))
    x = np.linalg.solve(root, q.T @ data.endogenous)
    y = np.linalg.solve(root, q.T @ data.outcome)
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(left @ left)


def _exogeneity(data: Partialled) -> HypothesisTest:
    """Test that first-stage residuals do not enter the equation (Wu 1973, Hausman 1978)."""
    x = data.endogenous
    added = residuals(_reduced_form(data, x)[1], x)
    basis = np.linalg.qr(added)[0]
    slopes = basis.T @ data.outcome
    left = residuals(data.outcome, x)
    left = left - basis @ slopes
    factor, df = data.scaling(2 * x.shape[1])
    cov = factor * data.meat(basis, left, left, data.errors)
    wald = slopes @ np.linalg.solve(cov, slopes)
    return f_test("the endogenous regressors are exogenous", wald, x.shape[1], df)


class TwoStage:
    """Two-stage least squares on variables scaled to unit variance, and scaled back.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
    outcome : str
    xs, zs, ws : list of str
        Endogenous regressors, instruments, exogenous regressors.
    used : pair of (N,) integer codes or None
        Unit and time effects to remove; a regression without either has a constant.
    errors : str
    clusters : (N,) integer codes

    Attributes
    ----------
    params : Series
    cov : DataFrame
        Plain covariance, without a small-sample factor.
    left : (N,) array
        Residuals.
    rsquared : float
    """

    def __init__(
        self,
        data: pd.DataFrame,
        outcome: str,
        xs: list[str],
        zs: list[str],
        ws: list[str],
        used: list[np.ndarray | None],
        errors: str,
        clusters: np.ndarray,
    ) -> None:
        self.xs, self.errors, self.clusters = xs, errors, clusters
        pooled = used[0] is None and used[1] is None
        self.spread = data.std()
        if not self.spread[outcome] > 0:
            raise EstimationError(f"outcome {outcome!r} does not vary")
        centre = 0.0 if pooled else data.mean()
        scaled = (data - centre) / self.spread
        within = scaled if pooled else scaled.copy()
        if not pooled:
            within = pd.DataFrame(demean(scaled.to_numpy(), *used), data.index, data.columns)
        constant = {"const": 1.0} if pooled else {}
        self.y = within[outcome].to_numpy()
        self.x = within[xs].to_numpy()
        self.w = within[ws].assign(**constant).to_numpy()
        self.z = residuals(within[zs].to_numpy(), self.w)
        self._check_rank(outcome, zs)
        self._solve(outcome, [*xs, *ws, *constant])
        centred = self.y - self.y.mean() if pooled else self.y
        self.unit_of_y = self.spread[outcome]
        self.rsquared = 1 - float(self.left @ self.left) / float(centred @ centred)
        self.left = self.left * self.unit_of_y

    def _check_rank(self, outcome: str, zs: list[str]) -> None:
        if np.linalg.norm(residuals(self.y, self.w)) <= 1e-9 * np.sqrt(len(self.y)):
            raise EstimationError(
                f"outcome {outcome!r} does not vary beside the effects and exogenous regressors",
                expected="an outcome that they do not fit exactly",
            )
        x = residuals(self.x, self.w)
        x, q = (np.linalg.qr(values)[0] for values in (x, self.z))
        strength = np.linalg.svd(q.T @ x, compute_uv=False)
        if strength[-1] < 1e-9:
            names = [", ".join(map(repr, names)) for names in (zs, self.xs)]
            raise EstimationError(
                f"instruments {names[0]} do not identify the coefficients of {names[1]}",
                expected="instruments that move each endogenous regressor",
            )

    def _solve(self, outcome: str, names: list[str]) -> None:
        regressors = np.hstack([self.x, self.w])
        basis = np.linalg.qr(np.hstack([self.z, self.w]))[0]
        fitted = basis @ (basis.T @ regressors)
        bread = np.linalg.pinv(fitted)  # (K, N), so that b = bread y
        slopes = bread @ self.y
        self.left = self.y - regressors @ slopes
        if self.errors == "unadjusted":
            cov = bread @ bread.T * (self.left @ self.left) / len(self.y)
        else:
            groups = self.clusters if self.errors == "clustered" else None
            cov = meat(bread.T * self.left[:, None], groups)
        units = pd.concat([self.spread, pd.Series({"const": 1.0})])
        back = self.spread[outcome] / units[names].to_numpy()
        self.params = pd.Series(slopes * back, index=names, name="coefficient")
        self.cov = pd.DataFrame(cov * np.outer(back, back), index=names, columns=names)

    def diagnostics(self, size: SampleSize, convention: str, level: float) -> InstrumentDiagnostics:
        """Return diagnostics in the variables' own units."""
        values = residuals(np.column_stack([self.y, self.x]), self.w)
        partialled = Partialled(
            outcome=values[:, 0] * self.unit_of_y,
            endogenous=values[:, 1:] * self.spread[self.xs].to_numpy(),
            instruments=np.linalg.qr(self.z)[0],
            size=size,
            clusters=self.clusters,
            errors=self.errors,
            convention=convention,
        )
        return diagnose(partialled, self.xs, level)


ERRORS = ("clustered", "robust", "unadjusted")
_ENOUGH = 10  # rule of thumb of Staiger and Stock (1997), for several endogenous regressors


@dataclass(frozen=True, kw_only=True)
class InstrumentalResult(RegressionResult):
    """A regression with instruments.

    R2 within can be negative: it compares residuals of the structural equation,
    which instruments do not make small, with the outcome's own variation.

    Attributes
    ----------
    endogenous, instruments : tuple of str
    diagnostics : InstrumentDiagnostics
        Strength and validity of the instruments.
    """

    endogenous: tuple[str, ...]
    instruments: tuple[str, ...]
    diagnostics: InstrumentDiagnostics


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
    convention: str = DEFAULT,
    level: float = 0.95,
    vintage: str = "",
) -> InstrumentalResult:
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
    level : float
        Level of the Anderson-Rubin confidence set.
    vintage : str
        Vintage of the data, carried to the table.

    Returns
    -------
    InstrumentalResult

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or a unit or year with an effect has one row.
    nqpf.errors.MethodError
        If an option is unknown, a variable is named twice, or there are fewer
        instruments than endogenous regressors.
    nqpf.errors.EstimationError
        If a variable is absorbed or collinear, the instruments leave a coefficient
        unidentified, or there are too few rows or clusters.

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
    >>> print(fit.params.round(1).to_dict(), fit.diagnostics.anderson_rubin.shape)
    {'x': 0.5} interval
    """
    lists = [_names(endogenous), _names(instruments), _names(exogenous)]
    _check_request(outcome, *lists, effects, errors, level)
    xs, zs, ws = lists
    data = by_key(frame, [outcome, *xs, *zs, *ws], unit, time, "the frame")
    codes = [pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1)]
    unit_effects, time_effects = effects in ("two-way", "unit"), effects in ("two-way", "time")
    size = SampleSize(
        nobs=len(data),
        regressors=len(ws),
        groups=int(codes[0].max()) + 1,
        periods=int(codes[1].max()) + 1,
        unit_effects=unit_effects,
        time_effects=time_effects,
    )
    _check_clusters(errors, len(zs), size.groups)
    check_singletons(data.index, [0] * unit_effects + [1] * time_effects)
    used = [codes[0] if unit_effects else None, codes[1] if time_effects else None]
    check_regressors(data[xs + ws], *used)
    _check_instruments(data[zs + ws], used)
    fit = TwoStage(data, outcome, xs, zs, ws, used, errors, codes[0])
    counted = replace(size, regressors=len(xs) + len(ws))
    factor, df = scaling(convention, errors == "clustered", counted)
    diagnostics = _diagnostics(fit, size, convention, level)
    return InstrumentalResult(
        outcome=outcome,
        params=fit.params,
        cov=factor * fit.cov,
        residuals=pd.Series(fit.left, index=data.index, name="residual"),
        nobs=size.nobs,
        groups=size.groups,
        periods=size.periods,
        rsquared_within=fit.rsquared,
        df=df,
        effects=effects,
        errors=errors,
        convention=convention,
        unit=unit,
        time=time,
        vintage=vintage,
        endogenous=tuple(xs),
        instruments=tuple(zs),
        diagnostics=diagnostics,
        estimator="two-stage least squares",
        notes=_notes(xs, zs, diagnostics),
    )


def _diagnostics(
    fit: TwoStage, size: SampleSize, convention: str, level: float
) -> InstrumentDiagnostics:
    try:
        return fit.diagnostics(size, convention, level)
    except np.linalg.LinAlgError:
        raise EstimationError(
            f"the instruments have a singular covariance under {fit.errors} errors",
            expected="instruments that vary in more clusters than there are instruments",
            hint="use fewer instruments, or other errors",
        ) from None


def _notes(xs: list[str], zs: list[str], found: InstrumentDiagnostics) -> tuple[str, ...]:
    """Return what a reader of the coefficients must know of the instruments."""
    notes = [f"Instruments of {', '.join(xs)}: {', '.join(zs)}."]
    for name, value in found.first_stage["F_robust"].items():
        notes.append(f"First stage of {name}: F = {value:.2f}.")
    if len(xs) > 1:
        notes.append(_joint_strength(found.cragg_donald))
    if found.anderson_rubin is not None:
        level = f"{100 * found.anderson_rubin.level:g}%"
        notes.append(
            f"Anderson-Rubin {level} set of {xs[0]}, which holds with weak instruments: "
            f"{found.anderson_rubin}."
        )
        weak = found.effective_f < found.effective_critical
        beside = f"effective F {found.effective_f:.2f}, critical {found.effective_critical:.2f}"
        notes += [f"The instruments may be weak ({beside})."] * weak
    if found.hansen is not None:
        notes.append(f"Over-identification: {found.hansen}.")
    return tuple(notes)


def _joint_strength(cragg_donald: float) -> str:
    """Return what the instruments identify together, which no single first stage tells."""
    text = f"All first stages together: Cragg-Donald F = {cragg_donald:.2f}, homoskedastic"
    if cragg_donald < _ENOUGH:
        return (
            f"{text}, below {_ENOUGH}: the instruments may be weak, whatever the F of each "
            "first stage."
        )
    return f"{text}, not below {_ENOUGH}."


def _names(names: Sequence[str] | str) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_request(
    outcome: str,
    xs: list[str],
    zs: list[str],
    ws: list[str],
    effects: str,
    errors: str,
    level: float,
) -> None:
    for value, known, what in ((effects, EFFECTS, "effects"), (errors, ERRORS, "errors")):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a number between 0 and 1")
    if not xs:
        raise MethodError("no endogenous regressor", hint="use fixed_effects")
    named = [outcome, *xs, *zs, *ws]
    double = {name for name in named if named.count(name) > 1}
    if double:
        raise MethodError(
            f"variable {min(double)!r} is named more than once",
            expected="an outcome, regressors and instruments that all differ",
        )
    if effects == "pooled" and "const" in named:
        raise MethodError(
            "a variable called 'const' beside the constant", hint="rename that column"
        )
    if len(zs) < len(xs):
        raise MethodError(
            f"{len(zs)} instrument(s) for {len(xs)} endogenous regressor(s)",
            expected="at least one instrument per endogenous regressor",
        )


def _check_clusters(errors: str, instruments: int, groups: int) -> None:
    if errors == "clustered" and instruments >= groups:
        raise EstimationError(
            f"{instruments} instruments with {groups} clusters",
            expected="fewer instruments than clusters, for clustered tests of instruments",
        )


def _check_instruments(frame: pd.DataFrame, used: list) -> None:
    try:
        check_regressors(frame, *used)
    except EstimationError as error:
        raise EstimationError(
            error.problem,
            where={"among": "instruments and exogenous regressors"},
            expected=error.expected,
            hint=error.hint,
        ) from None
