"""Fixed-effects least squares with clustered errors for thousands of specifications at once.

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

from nqpf.checks import choose, distinct
from nqpf.regress.ols import _DEFAULT, _lags, _scaling
from nqpf.sample import _EFFECTS, PanelSample, _by_key, _check_singletons, _rounding_floor

_ERRORS = ("clustered", "driscoll-kraay")
# A regressor that shares all but this share of its variation with the others is collinear.
# Cross-products carry 16 digits, so a coefficient keeps about 16 less the digits lost here.
_UNSHARED = 1e-10
_BLOCK = 1 << 17  # numbers worked on at a time, so that they stay in the processor's cache


def _sweep(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Solve S problems of k regressors by the sweep operator.

    Parameters
    ----------
    moments : (k + 1, k + 1, S)
        Correlations of the regressors and, last, the outcome; zero for a variable
        without variation.

    Returns
    -------
    params : (S, k)
    inverse : (S, k, k)
        Inverse of the regressors' correlations.
    unexplained : (S,)
        Share of the outcome's variation that is left.
    collinear : (S,) bool
        The problem has no unique answer; its other results mean nothing.

    Notes
    -----
    Beaton, A. E. (1964), The use of special matrix operators in statistical calculus,
    ETS Research Bulletin RB-64-51. The pivot of a regressor is the share of its variation that
    it does not share with the regressors before it.
    """
    work = moments.copy()
    k = len(work) - 1
    collinear = ~(work[k, k] > 0)
    for j in range(k):
        pivot = work[j, j].copy()
        short = ~(pivot > _UNSHARED)
        collinear |= short
        pivot[short] = 1.0
        row = work[j] / pivot
        column = work[:, j].copy()
        work -= column[:, None] * row
        work[j] = row
        work[:, j] = -column / pivot
        work[j, j] = 1.0 / pivot
    inverse = np.ascontiguousarray(np.moveaxis(work[:k, :k], 2, 0))
    return np.ascontiguousarray(work[:k, k].T), inverse, work[k, k], collinear


def _score_variances(
    grouped: np.ndarray,
    outcomes: np.ndarray,
    regressors: np.ndarray,
    params: np.ndarray,
    inverse: np.ndarray,
    lags: np.ndarray,
) -> np.ndarray:
    """Return the plain sandwich variance of each coefficient.

    The score of group g is X_g'y_g - X_g'X_g b, from cross-products within the group; residuals
    are never made.

    Parameters
    ----------
    grouped : (p, p, G)
        Cross-products within each group.
    outcomes : (S,) and regressors : (S, k) positions
    params : (S, k)
    inverse : (S, k, k)
    lags : (L,)
        Weights of products of scores 1, 2, ... groups apart; empty for clusters.

    Returns
    -------
    (S, k) array
    """
    p, _, groups = grouped.shape
    flat = grouped.reshape(p * p, groups)
    specs, k = regressors.shape
    variances = np.empty((specs, k))
    step = max(1, _BLOCK // (groups * k))
    for start in range(0, specs, step):
        part = slice(start, start + step)
        rows = regressors[part] * p
        scores = flat.take(rows + outcomes[part, None], axis=0)
        for j in range(k):
            products = flat.take(rows + regressors[part, j, None], axis=0)
            products *= params[part, j, None, None]
            scores -= products
        pulls = inverse[part] @ scores
        sums = np.einsum("skg,skg->sk", pulls, pulls)
        for lag, weight in enumerate(lags, 1):
            shifted = np.einsum("skg,skg->sk", pulls[:, :, lag:], pulls[:, :, :-lag])
            sums += 2 * weight * shifted
        variances[part] = sums
    return variances


def _grouped_products(variables: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (G, p, p) cross-products of variables (p, N) within groups.

    Rows are sorted by `codes`. The memory is laid out (p, p, G), which is how a specification
    reads it, and is filled without a loop over groups.
    """
    edges = np.flatnonzero(np.diff(codes, prepend=-1))
    sums = np.empty((len(variables), len(variables), len(edges)))
    for i, one in enumerate(variables):
        sums[i, i:] = sums[i:, i] = np.add.reduceat(one * variables[i:], edges, axis=1)
    return np.moveaxis(sums, 2, 0)


@dataclass(frozen=True)
class _KernelFits:
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
    collinear : (S,) bool
        The specification cannot be estimated: a variable does not vary once the effects are
        removed, or a regressor is a combination of the others.
    df : int or None
        Degrees of freedom of the t distribution; None for the normal.
    nobs, groups : int
        Rows and units.
    """

    params: np.ndarray
    std_errors: np.ndarray
    within: np.ndarray
    partial: np.ndarray
    collinear: np.ndarray
    df: int | None
    nobs: int
    groups: int

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
        return 2 * (special.ndtr(-size) if self.df is None else special.stdtr(self.df, -size))


@dataclass(frozen=True)
class _CrossProducts:
    """Cross-products of variables once effects are removed.

    Attributes
    ----------
    total : (p, p)
        Sums over all rows of p variables; row and column of a variable without variation are zero.
    by_unit : (G, p, p)
        Sums within each unit, units in the order of their keys.
    by_period : (T, p, p)
        Sums within each year, in time order.
    sample : PanelSample
        With its effects, which were removed; with neither, the mean was.
    """

    total: np.ndarray
    by_unit: np.ndarray
    by_period: np.ndarray
    sample: PanelSample

    def fit_many(
        self,
        outcomes: np.ndarray,
        regressors: np.ndarray,
        errors: str = "clustered",
        convention: str = _DEFAULT,
    ) -> _KernelFits:
        """Estimate S specifications of k regressors each.

        The answer to a specification does not depend on the others in the call, to the last bit.

        Parameters
        ----------
        outcomes : (S,) positions among the p variables
        regressors : (S, k) positions among them, distinct in a row and not its outcome
        errors : {"clustered", "driscoll-kraay"}
            Clustered by unit, or Driscoll and Kraay's with Bartlett weights over
            floor(4 (T / 100)^(2/9)) lags, counted in years that the sample has.
        convention : {"nested", "all", "linearmodels", "none"}
            Small-sample convention, see :func:`nqpf.regress.fixed_effects`.

        Raises
        ------
        nqpf.errors.MethodError
            If an option is unknown.
        nqpf.errors.EstimationError
            If there are too few rows or clusters.
        """
        choose("errors", errors, _ERRORS)
        y, x = np.asarray(outcomes), np.asarray(regressors)
        factor, df = _scaling(convention, errors, self.sample, x.shape[1])
        own = np.diag(self.total)
        unit_length = np.divide(1, np.sqrt(own), out=np.zeros_like(own), where=own > 0)
        pairs = unit_length[:, None] * unit_length
        chosen = np.concatenate([x, y[:, None]], axis=1).T
        moments = (self.total * pairs)[chosen[:, None], chosen[None]]
        params, inverse, unexplained, collinear = _sweep(moments)
        grouped = np.moveaxis(self.by_unit if errors == "clustered" else self.by_period, 0, 2)
        # Bartlett's weights, as linearmodels and Stata's xtscc
        count = _lags(self.sample.times) if errors == "driscoll-kraay" else 0
        lags = 1 - np.arange(1, count + 1) / (count + 1)
        variances = _score_variances(grouped * pairs[:, :, None], y, x, params, inverse, lags)
        # Differences of the last digits may make a variance of zero negative.
        std_errors = np.sqrt(factor * np.maximum(variances, 0))
        lost = np.where(collinear, np.nan, 1.0)
        within = params * lost[:, None]
        spare = np.maximum(unexplained, 0)[:, None] * np.diagonal(inverse, axis1=1, axis2=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            partial = within / np.sqrt(within**2 + spare)
            back = unit_length[x] / unit_length[y][:, None] * lost[:, None]
            params, std_errors = params * back, std_errors * back
        figures = (params, std_errors, within, partial, collinear)
        return _KernelFits(*figures, df, self.sample.nobs, self.sample.units)


def _cross_products(
    frame: pd.DataFrame,
    columns: Sequence[str],
    unit: str = "province",
    time: str = "year",
    effects: str = "two-way",
) -> _CrossProducts:
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
    _CrossProducts

    Raises
    ------
    nqpf.errors.DataError
        If a variable is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or a unit or year with an effect of its own has
        one row.
    nqpf.errors.MethodError
        If `effects` is unknown, or no column or one twice is named.

    Notes
    -----
    Effects are removed once, exactly, from every variable; a specification picks rows and
    columns. Cross-products square the condition: a coefficient loses as many digits as the share
    of variation that its regressor does not share with the others has zeros. Below a share of
    1e-10 a specification is marked ``collinear``, not raised; ``fixed_effects`` goes to 1e-18.
    Results equal linearmodels' to 1e-10 where regressors keep a share of 1e-4 or more. Memory is
    8 p^2 (units + years) bytes. Driscoll-Kraay errors rest on T sums: packages scale one
    covariance differently, on the public capital of 48 states Stata's xtscc (``nested``) prints
    0.265713 where R's plm (``none``) prints 0.25476.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> fits = _cross_products(frame, ["y", "x"]).fit_many([0, 1], [[1], [0]])
    >>> fits.params.ravel().round(3), fits.collinear
    (array([2. , 0.5]), array([False, False]))
    """
    choose("effects", effects, _EFFECTS)
    names = distinct("columns", columns)
    sample = PanelSample(_by_key(frame, names, unit, time, "the frame"), effects)
    _check_singletons(sample.data.index, np.flatnonzero(_EFFECTS[effects]))
    left = np.ascontiguousarray(sample.within.T)
    left[np.linalg.norm(left, axis=1) <= _rounding_floor(sample.data.to_numpy())] = 0.0
    by_year = np.argsort(sample.time.astype(np.min_scalar_type(sample.times)), kind="stable")
    by_unit = _grouped_products(left, sample.unit)
    by_period = _grouped_products(left.take(by_year, axis=1), sample.time[by_year])
    return _CrossProducts(left @ left.T, by_unit, by_period, sample)
