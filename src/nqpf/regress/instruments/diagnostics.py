"""What is known of instruments: strength, validity, and whether they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.regress.instruments.confidence import ConfidenceSet, invert
from nqpf.regress.instruments.hypothesis import HypothesisTest, chi2_test, f_test
from nqpf.regress.instruments.partial import Partialled, meat, residuals

__all__ = ["InstrumentDiagnostics", "diagnose"]

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
