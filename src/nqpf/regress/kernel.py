r"""Fixed-effects least squares with clustered errors for thousands of specifications at once.

Effects are removed once from every variable that a grid of specifications uses. Coefficients
then need only the cross-products Z'Z of what is left, and clustered errors only the
cross-products within each cluster, because the score of cluster g is

.. math:: s_g = X_g'y_g - X_g'X_g b.

A specification is a choice of rows and columns of these matrices; its cost depends on the number
of clusters, not of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.regress._request import (
    KERNEL_ERRORS,
    check_errors,
    check_specifications,
    describe_errors,
    positions,
    small_sample,
)
from nqpf.regress._sample import KernelSample, read
from nqpf.regress._sweep import bartlett, grouped_products, score_variances, sweep
from nqpf.regress.conventions import DEFAULT, SampleSize
from nqpf.tfp.within import demean, rounding_floor

__all__ = ["KERNEL_ERRORS", "CrossProducts", "KernelFits", "cross_products"]


@dataclass(frozen=True)
class KernelFits:
    """S regressions of k regressors each on one sample.

    Attributes
    ----------
    params, std_errors : (S, k)
        Coefficients in the units of the variables; NaN where `collinear`.
    within : (S, k)
        Coefficients in standard deviations within: of outcome and regressor once the effects
        are removed.
    partial : (S, k)
        Partial correlations of outcome and regressor, given the effects and the other
        regressors.
    rsquared_within : (S,)
        Share of the outcome's variation explained once effects are removed.
    collinear : (S,) bool
        The specification cannot be estimated: a variable does not vary once the effects are
        removed, or a regressor is a combination of the others.
    df : int or None
        Degrees of freedom of the t distribution; None for the normal.
    nobs, groups, periods : int
        Rows, units and years.
    errors, convention : str
        As given to :meth:`CrossProducts.fit_many`.
    """

    params: np.ndarray
    std_errors: np.ndarray
    within: np.ndarray
    partial: np.ndarray
    rsquared_within: np.ndarray
    collinear: np.ndarray
    df: int | None
    nobs: int
    groups: int
    periods: int
    errors: str
    convention: str

    @property
    def convention_label(self) -> str:
        """The small-sample convention with its formula."""
        return describe_errors(self.convention, self.errors)

    @property
    def tstats(self) -> np.ndarray:
        """(S, k) coefficients over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.params / self.std_errors

    @property
    def pvalues(self) -> np.ndarray:
        """(S, k) two-sided p values."""
        from scipy import special

        size = np.abs(self.tstats)
        below = special.ndtr(-size) if self.df is None else special.stdtr(self.df, -size)
        return 2 * below


@dataclass(frozen=True)
class CrossProducts:
    """Cross-products of variables once effects are removed.

    Attributes
    ----------
    columns : tuple of str
        The p variables.
    total : (p, p)
        Sums over all rows; row and column of a variable without variation are zero.
    by_unit : (G, p, p)
        Sums within each unit, units in the order of their keys.
    by_period : (T, p, p)
        Sums within each year, in time order.
    nobs, groups, periods : int
        Rows N, units G and years T.
    unit_effects, time_effects : bool
        Which effects were removed; with neither, the mean was.
    """

    columns: tuple[str, ...]
    total: np.ndarray
    by_unit: np.ndarray
    by_period: np.ndarray
    nobs: int
    groups: int
    periods: int
    unit_effects: bool
    time_effects: bool

    @property
    def absorbed(self) -> tuple[str, ...]:
        """Variables that do not vary once the effects are removed."""
        still = np.diag(self.total) == 0
        return tuple(name for name, flag in zip(self.columns, still, strict=True) if flag)

    def fit_many(
        self,
        outcomes: Sequence[int] | Sequence[str] | np.ndarray,
        regressors: Sequence[Sequence[int]] | Sequence[Sequence[str]] | np.ndarray,
        errors: str = "clustered",
        convention: str = DEFAULT,
    ) -> KernelFits:
        """Estimate S specifications of k regressors each.

        The answer to a specification does not depend on the others in the call, to the last bit.

        Parameters
        ----------
        outcomes : (S,) positions in `columns`, or names
        regressors : (S, k) positions in `columns`, or names
        errors : {"clustered", "clustered-period", "driscoll-kraay"}
            Clustered by unit or by year, or Driscoll and Kraay's with Bartlett weights over
            floor(4 (T / 100)^(2/9)) lags, counted in years that the sample has.
        convention : {"nested", "all", "linearmodels", "none"}
            Small-sample convention, see :mod:`nqpf.regress.conventions`. Clusters of years take
            it with units and years exchanged. For Driscoll-Kraay errors ``nested`` is Stata's
            xtscc, T/(T-1) (N-1)/(N-K) with t(T-1); ``linearmodels`` is N/(N-K) with t(N-K).

        Returns
        -------
        KernelFits

        Raises
        ------
        nqpf.errors.DataError
            If a variable is unknown.
        nqpf.errors.MethodError
            If an option is unknown, the shapes do not fit, or a specification names a variable
            twice.
        nqpf.errors.EstimationError
            If there are too few rows or clusters.
        """
        check_errors(errors)
        y, x = positions(self.columns, outcomes, 1), positions(self.columns, regressors, 2)
        check_specifications(self.columns, y, x)
        size = SampleSize(
            nobs=self.nobs,
            regressors=x.shape[1],
            groups=self.groups,
            periods=self.periods,
            unit_effects=self.unit_effects,
            time_effects=self.time_effects,
        )
        factor, df = small_sample(convention, errors, size)
        with np.errstate(divide="ignore"):
            unit_length = 1 / np.sqrt(np.diag(self.total))
        unit_length[~np.isfinite(unit_length)] = 0.0
        pairs = unit_length[:, None] * unit_length
        chosen = np.concatenate([x, y[:, None]], axis=1).T
        params, inverse, unexplained, collinear = sweep(
            (self.total * pairs)[chosen[:, None], chosen[None]]
        )
        grouped = np.moveaxis(self.by_unit if errors == "clustered" else self.by_period, 0, 2)
        lags = bartlett(self.periods) if errors == "driscoll-kraay" else np.empty(0)
        variances = score_variances(grouped * pairs[:, :, None], y, x, params, inverse, lags)
        # Differences of the last digits may make a variance of zero negative.
        std_errors = np.sqrt(factor * np.maximum(variances, 0))
        lost = np.where(collinear, np.nan, 1.0)
        within = params * lost[:, None]
        spare = np.maximum(unexplained, 0)[:, None] * np.diagonal(inverse, axis1=1, axis2=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            partial = within / np.sqrt(within**2 + spare)
            back = unit_length[x] / unit_length[y][:, None] * lost[:, None]
            params, std_errors = params * back, std_errors * back
        return KernelFits(
            params=params,
            std_errors=std_errors,
            within=within,
            partial=partial,
            rsquared_within=(1 - np.maximum(unexplained, 0)) * lost,
            collinear=collinear,
            df=df,
            nobs=self.nobs,
            groups=self.groups,
            periods=self.periods,
            errors=errors,
            convention=convention,
        )

    def fit(
        self,
        outcome: str,
        regressors: Sequence[str],
        errors: str = "clustered",
        convention: str = DEFAULT,
    ) -> KernelFits:
        """Estimate one specification; see :meth:`fit_many`."""
        return self.fit_many([outcome], [list(regressors)], errors, convention)


def cross_products(
    frame: pd.DataFrame,
    columns: Sequence[str],
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
) -> CrossProducts:
    """Remove effects from `columns` and sum their cross-products, in all and by group.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, one row per unit and time, no figure
        missing. The sample may be unbalanced.
    columns : sequence of str
        Every outcome and regressor of the specifications to come.
    unit, time : str
        Names of the key.
    effects : {"two-way", "unit", "time", "pooled"}
        Fixed effects to remove; ``"pooled"`` removes the mean.

    Returns
    -------
    CrossProducts

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or a unit or year with an effect of its own has
        one row.
    nqpf.errors.MethodError
        If `effects` is unknown, or no column or one twice is named.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> fits = cross_products(frame, ["y", "x"]).fit_many(["y", "x"], [["x"], ["y"]])
    >>> fits.params.ravel().round(3), fits.collinear
    (array([2. , 0.5]), array([False, False]))
    """
    return assemble(read(frame, columns, unit, time, effects))


def assemble(sample: KernelSample) -> CrossProducts:
    """Return cross-products of a sample that is already checked."""
    values, units, times = sample.values, sample.units, sample.times
    left = demean(
        values, units if sample.unit_effects else None, times if sample.time_effects else None
    )
    left = np.ascontiguousarray(left.T)
    left[np.linalg.norm(left, axis=1) <= rounding_floor(values)] = 0.0
    by_year = np.argsort(times.astype(np.min_scalar_type(times.max())), kind="stable")
    return CrossProducts(
        columns=sample.columns,
        total=left @ left.T,
        by_unit=grouped_products(left, units),
        by_period=grouped_products(left.take(by_year, axis=1), times[by_year]),
        nobs=len(values),
        groups=int(units[-1]) + 1,
        periods=int(times.max()) + 1,
        unit_effects=sample.unit_effects,
        time_effects=sample.time_effects,
    )
