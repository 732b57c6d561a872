"""The Solow residual and growth accounting."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import between, choose
from nqpf.errors import MethodError, SampleError
from nqpf.sample import _by_key, _check_consecutive, _check_positive, _per_unit


@dataclass(frozen=True)
class _ReturnsTest:
    """Test of constant returns, H0: alpha + beta = 1.

    Attributes
    ----------
    scale : float
        Estimate of alpha + beta.
    std_error : float
        Its standard error, clustered by unit (convention "nested").
    pvalue : float
        Two-sided p value of alpha + beta - 1.
    df : int
        Degrees of freedom of the t distribution: clusters less one.
    """

    scale: float
    std_error: float
    pvalue: float
    df: int


def _estimate(logs: pd.DataFrame, returns: str) -> tuple[float, float, float, _ReturnsTest]:
    """Return the elasticities alpha and beta, alpha's standard error, and the test of returns.

    The equation is ln(Y/L) = alpha ln(K/L) + gamma ln L + effects of units and years, in which
    gamma = alpha + beta - 1 is zero under constant returns.
    """
    from nqpf.regress.ols import fixed_effects  # loads scipy.sparse

    names = ["output per worker", "capital per worker", "labour"]
    workers = logs["labour"]
    data = logs[["output", "capital"]].sub(workers, axis=0).join(workers).set_axis(names, axis=1)
    fit = free = fixed_effects(data, names[0], names[1:])
    if returns == "constant":
        fit = fixed_effects(data, names[0], names[1])
    row = free.to_frame().loc["labour", ["coefficient", "std_error", "pvalue"]]
    gamma, alpha = float(row["coefficient"]), float(fit.params[names[1]])
    test = _ReturnsTest(1 + gamma, float(row["std_error"]), float(row["pvalue"]), free.df)
    beta = 1 - alpha + gamma * (returns == "variable")
    return alpha, beta, float(fit.std_errors[names[1]]), test


@dataclass(frozen=True)
class _SolowResult:
    """Total factor productivity as a residual, ln A = ln Y - alpha ln K - beta ln L.

    Attributes
    ----------
    alpha, beta : Series by unit
        Elasticities of capital and labour.
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
    returns_test : _ReturnsTest or None
        Test of constant returns, when the share was estimated.
    """

    alpha: pd.Series
    beta: pd.Series
    logs: pd.DataFrame
    log_tfp: pd.Series
    tfp: pd.Series
    growth: pd.Series
    alpha_se: float | None = None
    returns_test: _ReturnsTest | None = None

    @property
    def contributions(self) -> pd.DataFrame:
        """Yearly growth accounts: ``output`` = ``capital`` + ``labour`` + ``tfp``, in logs."""
        change = self.logs.groupby(level=0).diff().dropna()
        for name, share in (("capital", self.alpha), ("labour", self.beta)):
            change[name] *= share.reindex(change.index, level=0)
        return change.assign(tfp=self.growth)

    def accounting(self, end: int | None = None, without: pd.Series | None = None) -> pd.DataFrame:
        """Return each unit's mean annual growth and its sources up to a year.

        Parameters
        ----------
        end : int or None
            Last year of the period; the sample's own when None.
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
        kept = np.asarray(year <= (year.max() if end is None else end))
        if without is not None:
            kept &= ~without.reindex(rows.index, fill_value=False).to_numpy(bool)
        if not kept.any():
            expected = f"years between {year.min()} and {year.max()}, not all left out"
            raise SampleError(f"no growth up to {end}", expected=expected)
        groups = rows[kept].groupby(level=0)
        table = groups.mean()
        for source in ("capital", "labour", "tfp"):
            table[f"{source}_contribution_share"] = table[source] / table["output"]
        return table.assign(years=groups.size())


def solow_residual(
    frame: pd.DataFrame, share: float | pd.Series | str = 0.5, returns: str = "constant"
) -> _SolowResult:
    """Measure total factor productivity as the Solow (1957) residual.

    Parameters
    ----------
    frame : DataFrame
        ``province`` and ``year`` as index levels or columns, and ``output``, ``capital`` and
        ``labour`` in levels, all positive. See :func:`nqpf.tfp.production`.
    share : float, Series by province or "estimated"
        Capital share alpha. By default 0.5, near the share of capital in
        China's factor incomes (Bai, Hsieh and Qian 2006). A series gives each
        province its own. ``"estimated"`` runs a regression with effects of provinces and years.
    returns : {"constant", "variable"}
        Constant returns set beta = 1 - alpha. ``"variable"`` leaves beta free
        and needs an estimated share.

    Returns
    -------
    result
        ``log_tfp``, ``tfp``, ``growth``, ``contributions``, ``accounting()``; ``alpha``, ``beta``
        and, when estimated, ``alpha_se`` and ``returns_test``.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown or a figure is not positive.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled or a year skipped, or, for an estimated share, a
        province or year has a single row.
    nqpf.errors.MethodError
        If share or returns cannot be used.
    nqpf.errors.EstimationError
        If the share cannot be estimated on the sample.

    Warns
    -----
    UserWarning
        If an estimated share lies outside (0, 1).

    Notes
    -----
    No open series of provinces' factor incomes could enter the panel, so shares from incomes are
    shown as bounds: growth of TFP is linear in the share, and over all shares between 0.4 and 0.6
    each province's growth lies between those of the two ends.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A"], [2010, 2011]], names=["province", "year"])
    >>> frame = pd.DataFrame({"output": [100, 110], "capital": [300, 330],
    ...                       "labour": [50, 50]}, index=keys)
    >>> solow_residual(frame).accounting().round(4).loc["A", ["output", "capital", "tfp"]].tolist()
    [0.0953, 0.0477, 0.0477]
    """
    choose("returns", returns, ("constant", "variable"))
    levels = _by_key(frame, ["output", "capital", "labour"], "province", "year", "the frame")
    _check_consecutive(levels.index, "the frame")
    for name in levels:
        _check_positive(levels[name], name, "a positive level, not a logarithm or a growth rate")
    logs = np.log(levels)
    units = logs.index.unique(0)
    error, test = None, None
    if isinstance(share, str):
        choose("share", share, ["estimated"])
        estimate, labour, error, test = _estimate(logs, returns)
        if not 0 < estimate < 1:
            said = f"the estimated capital share is {estimate:.3f}, outside (0, 1): "
            warnings.warn(said + "it is no factor share", stacklevel=2)
        alpha, beta = (pd.Series(value, units) for value in (estimate, labour))
    else:
        if returns != "constant":
            problem = "an imposed capital share says nothing about labour under variable returns"
            raise MethodError(problem, expected="returns='constant' or share='estimated'")
        alpha = _per_unit(share, units, "the capital share")
        for unit, value in alpha.items():
            between(f"the capital share of {unit}", value, 0, 1, open_ends=True)
        beta = 1 - alpha
    capital, labour = (share.reindex(logs.index, level=0) for share in (alpha, beta))
    log_tfp = logs["output"] - capital * logs["capital"] - labour * logs["labour"]
    year = logs.index.get_level_values(1)
    tfp = np.exp(log_tfp - log_tfp[year == year.min()].mean()).rename("tfp")
    growth = log_tfp.groupby(level=0).diff().dropna().rename("growth")
    return _SolowResult(alpha, beta, logs, log_tfp.rename("log_tfp"), tfp, growth, error, test)
