"""One test: its statistic, its reference distribution, its p value."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HypothesisTest", "chi2_test", "f_test", "normal_test"]

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
