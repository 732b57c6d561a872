"""The Solow residual and growth accounting."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import (
    by_key,
    check_consecutive,
    check_positive,
    check_regressors,
    nearest,
    per_unit,
    place,
)

__all__ = [
    "CAPITAL_SHARE",
    "ReturnsTest",
    "ShareEstimate",
    "SolowResult",
    "estimate_share",
    "solow_residual",
]


@dataclass(frozen=True)
class ReturnsTest:
    """Test of constant returns, H0: alpha + beta = 1.

    Attributes
    ----------
    scale : float
        Estimate of alpha + beta.
    std_error : float
        Its standard error, clustered by unit (convention "nested").
    tstat, pvalue : float
        Statistic of alpha + beta - 1 and two-sided p value.
    df : int
        Degrees of freedom of the t distribution: clusters less one.
    """

    scale: float
    std_error: float
    tstat: float
    pvalue: float
    df: int


@dataclass(frozen=True)
class ShareEstimate:
    """Elasticities of capital (alpha) and labour (beta).

    Attributes
    ----------
    alpha, beta : float
        Elasticities; ``beta = 1 - alpha`` under constant returns.
    alpha_se : float
        Standard error of alpha, clustered by unit (convention "nested").
    returns_test : ReturnsTest
        Test of constant returns in the unrestricted equation.
    """

    alpha: float
    beta: float
    alpha_se: float
    returns_test: ReturnsTest


def estimate_share(logs: pd.DataFrame, returns: str) -> ShareEstimate:
    """Estimate the Cobb-Douglas elasticities with unit and year effects.

    The equation is ln(Y/L) = alpha ln(K/L) + gamma ln L + effects, in which
    gamma = alpha + beta - 1 is zero under constant returns.

    Parameters
    ----------
    logs : DataFrame indexed (unit, time)
        Columns ``output``, ``capital``, ``labour`` in logarithms.
    returns : {"constant", "variable"}
        Impose gamma = 0 or not.

    Raises
    ------
    nqpf.errors.EstimationError
        If there are fewer than two units or years, or an input does not vary
        within units beyond the common movement of the years.
    """
    from scipy.stats import t as student

    outcome = logs["output"] - logs["labour"]
    free = pd.DataFrame(
        {"capital per worker": logs["capital"] - logs["labour"], "labour": logs["labour"]}
    )
    params, errors = _two_way(outcome, free)
    clusters = logs.index.get_level_values(0).nunique()
    tstat = params["labour"] / errors["labour"]
    test = ReturnsTest(
        scale=float(1 + params["labour"]),
        std_error=float(errors["labour"]),
        tstat=float(tstat),
        pvalue=float(2 * student.sf(abs(tstat), clusters - 1)),
        df=clusters - 1,
    )
    if returns == "constant":
        params, errors = _two_way(outcome, free[["capital per worker"]])
    alpha = float(params["capital per worker"])
    beta = test.scale - alpha if returns == "variable" else 1 - alpha
    return ShareEstimate(alpha, float(beta), float(errors["capital per worker"]), test)


def _two_way(outcome: pd.Series, regressors: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return coefficients and standard errors clustered by unit, convention "nested"."""
    from linearmodels.panel import PanelOLS

    levels = [outcome.index.get_level_values(level) for level in (0, 1)]
    units, times = (level.nunique() for level in levels)
    free = len(outcome) - regressors.shape[1] - units - times + 1
    if units < 2 or times < 2 or free < 1:
        raise EstimationError(
            f"{len(outcome)} rows of {units} units and {times} years are too few to estimate "
            "the capital share",
            hint="impose a share",
        )
    check_regressors(regressors, *(pd.factorize(level)[0] for level in levels))
    fit = PanelOLS(outcome, regressors, entity_effects=True, time_effects=True).fit(
        cov_type="clustered",
        cluster_entity=True,
        group_debias=True,
        auto_df=False,
        count_effects=False,
    )
    count, columns = regressors.shape
    # (N - 1)/(N - K) with K = regressors + years; linearmodels divides by N - regressors
    scale = (count - columns) / (count - columns - times)
    return fit.params, fit.std_errors * np.sqrt(scale)


CAPITAL_SHARE = 0.5
_RETURNS = ("constant", "variable")


@dataclass(frozen=True)
class SolowResult:
    """Total factor productivity as a residual, ln A = ln Y - alpha ln K - beta ln L.

    Attributes
    ----------
    alpha, beta : Series by unit
        Elasticities of capital and labour.
    method : str
        ``"imposed"``, ``"by unit"`` or ``"estimated"``.
    returns : str
        ``"constant"`` or ``"variable"``.
    logs : DataFrame indexed (unit, time)
        Logarithms of ``output``, ``capital`` and ``labour``.
    log_tfp : Series
        ln A.
    tfp : Series
        A relative to the geometric mean over units in the first year (= 1).
    growth : Series
        Change of ln A on the year before; the first year of a unit is absent.
    alpha_se : float or None
        Clustered standard error of an estimated alpha.
    returns_test : ReturnsTest or None
        Test of constant returns, when the share was estimated.
    """

    alpha: pd.Series
    beta: pd.Series
    method: str
    returns: str
    logs: pd.DataFrame
    log_tfp: pd.Series
    tfp: pd.Series
    growth: pd.Series
    alpha_se: float | None = None
    returns_test: ReturnsTest | None = None

    @property
    def contributions(self) -> pd.DataFrame:
        """Yearly growth accounts: ``output`` = ``capital`` + ``labour`` + ``tfp``, in logs."""
        change = _changes(self.logs)
        unit = change.index.get_level_values(0)
        return pd.DataFrame(
            {
                "output": change["output"],
                "capital": self.alpha.reindex(unit).to_numpy() * change["capital"],
                "labour": self.beta.reindex(unit).to_numpy() * change["labour"],
                "tfp": self.growth.reindex(change.index),
            }
        )

    def accounting(
        self,
        start: int | None = None,
        end: int | None = None,
        without: pd.Series | None = None,
    ) -> pd.DataFrame:
        """Return each unit's mean annual growth and its sources between two years.

        Parameters
        ----------
        start, end : int or None
            First and last year of the period; the sample's own when None.
        without : Series of bool indexed (unit, time), optional
            True where growth is left out of the means, such as
            :meth:`nqpf.data.Panel.breaks`; keys that it lacks are kept.

        Returns
        -------
        DataFrame by unit
            ``output``, ``capital``, ``labour``, ``tfp`` in log points a year
            (the last three add up to the first), the part of growth that
            each explains (``*_contribution_share``; unbounded when output
            hardly grows), and ``years``, the number averaged. A unit all of
            whose years are left out has no row.

        Raises
        ------
        nqpf.errors.SampleError
            If no year of growth lies in the period, or none is kept.
        """
        rows = self.contributions
        year = rows.index.get_level_values(1)
        inside = (year > (year.min() - 1 if start is None else start)) & (
            year <= (year.max() if end is None else end)
        )
        if without is not None:
            inside &= ~without.reindex(rows.index, fill_value=False).to_numpy(bool)
        if not inside.any():
            raise SampleError(
                f"no growth between {start} and {end}",
                expected=f"years between {year.min() - 1} and {year.max()}, not all left out",
            )
        groups = rows[inside].groupby(level=0)
        table = groups.mean()
        for source in ("capital", "labour", "tfp"):
            table[f"{source}_contribution_share"] = table[source] / table["output"]
        table["years"] = groups.size()
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return ln A, A and growth side by side, indexed (unit, time)."""
        return pd.DataFrame({"log_tfp": self.log_tfp, "tfp": self.tfp, "growth": self.growth})

    def _repr_html_(self) -> str:
        return self.accounting().to_html()


def solow_residual(
    frame: pd.DataFrame,
    output: str = "output",
    capital: str = "capital",
    labour: str = "labour",
    unit: str = "province",
    time: str = "year",
    share: float | pd.Series | str = CAPITAL_SHARE,
    returns: str = "constant",
) -> SolowResult:
    """Measure total factor productivity as the Solow (1957) residual.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, and the three series in
        levels, all positive. See :func:`nqpf.tfp.production`.
    output, capital, labour : str
        Columns: real product, real capital stock, labour.
    unit, time : str
        Names of the key.
    share : float, Series by unit or "estimated"
        Capital share alpha. By default 0.5, near the share of capital in
        China's factor incomes (Bai, Hsieh and Qian 2006). A series gives each
        unit its own. ``"estimated"`` runs the two-way fixed-effects
        regression of :func:`nqpf.tfp.solow.estimate_share`.
    returns : {"constant", "variable"}
        Constant returns set beta = 1 - alpha. ``"variable"`` leaves beta free
        and needs an estimated share.

    Returns
    -------
    SolowResult

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown or a figure is not positive.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled or a year skipped.
    nqpf.errors.MethodError
        If share or returns cannot be used.
    nqpf.errors.EstimationError
        If the share cannot be estimated on the sample.

    Warns
    -----
    UserWarning
        If an estimated share lies outside (0, 1).

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A"], [2010, 2011]], names=["province", "year"])
    >>> frame = pd.DataFrame({"output": [100, 110], "capital": [300, 330],
    ...                       "labour": [50, 50]}, index=keys)
    >>> solow_residual(frame).accounting().round(4).loc["A", ["output", "capital", "tfp"]].tolist()
    [0.0953, 0.0477, 0.0477]
    """
    names = {output: "output", capital: "capital", labour: "labour"}
    if len(names) < 3:
        raise MethodError("output, capital and labour name the same column twice")
    levels = by_key(frame, list(names), unit, time, "the frame").rename(columns=names)
    check_consecutive(levels.index, "the frame")
    for column, role in names.items():
        check_positive(levels[role], column, "a positive level, not a logarithm or a growth rate")
    logs = np.log(levels)
    method, estimate, alpha = _alpha(share, returns, logs)
    beta = 1 - alpha if estimate is None else pd.Series(estimate.beta, index=alpha.index)
    at = logs.index.get_level_values(0)
    log_tfp = (
        logs["output"]
        - alpha.reindex(at).to_numpy() * logs["capital"]
        - beta.reindex(at).to_numpy() * logs["labour"]
    ).rename("log_tfp")
    first = log_tfp[logs.index.get_level_values(1) == logs.index.get_level_values(1).min()]
    return SolowResult(
        alpha=alpha,
        beta=beta,
        method=method,
        returns=returns,
        logs=logs,
        log_tfp=log_tfp,
        tfp=np.exp(log_tfp - first.mean()).rename("tfp"),
        growth=_changes(log_tfp.to_frame())["log_tfp"].rename("growth"),
        alpha_se=None if estimate is None else estimate.alpha_se,
        returns_test=None if estimate is None else estimate.returns_test,
    )


def _changes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby(level=0).diff().dropna()


def _alpha(
    share: float | pd.Series | str, returns: str, logs: pd.DataFrame
) -> tuple[str, ShareEstimate | None, pd.Series]:
    """Return how the capital share was found, the estimate if any, and alpha by unit."""
    units = logs.index.get_level_values(0).unique()
    if returns not in _RETURNS:
        raise MethodError(
            f"unknown returns {returns!r}",
            expected=" or ".join(map(repr, _RETURNS)),
            hint=nearest(returns, _RETURNS),
        )
    if isinstance(share, str):
        if share != "estimated":
            raise MethodError(
                f"unknown share {share!r}",
                expected="a number in (0, 1), a series by unit, or 'estimated'",
                hint=nearest(share, ["estimated"]),
            )
        estimate = estimate_share(logs, returns)
        if not 0 < estimate.alpha < 1:
            warnings.warn(
                f"the estimated capital share is {estimate.alpha:.3f}, outside (0, 1): "
                "it is no factor share",
                stacklevel=3,
            )
        return "estimated", estimate, pd.Series(estimate.alpha, index=units, name="alpha")
    if returns != "constant":
        raise MethodError(
            "an imposed capital share says nothing about labour under variable returns",
            expected="returns='constant' or share='estimated'",
        )
    by_unit = isinstance(share, pd.Series)
    alpha = per_unit(share, units, "the capital share")
    odd = alpha[~((alpha > 0) & (alpha < 1))]
    if len(odd):
        raise MethodError(
            f"capital share {odd.iloc[0]:g}",
            where=place((odd.index[0],), (units.name,)),
            expected="a number between 0 and 1 for every unit",
        )
    return "by unit" if by_unit else "imposed", None, alpha.rename("alpha")
