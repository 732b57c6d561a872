"""Many small least-squares problems at once, from cross-products alone."""

from __future__ import annotations

import numpy as np

__all__ = ["bartlett", "grouped_products", "score_variances", "sweep"]

# A regressor that shares all but this share of its variation with the others is collinear.
# Cross-products carry 16 digits, so a coefficient keeps about 16 less the digits lost here.
_UNSHARED = 1e-10
_BLOCK = 1 << 17  # numbers worked on at a time, so that they stay in the processor's cache
_PRODUCTS = 1 << 20  # products made at a time before they are summed by group


def sweep(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
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

    Examples
    --------
    >>> params, inverse, unexplained, collinear = sweep(np.array([[[1.0], [0.6]], [[0.6], [1.0]]]))
    >>> params.item(), round(unexplained.item(), 4), collinear.item()
    (0.6, 0.64, False)
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


def score_variances(
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


def grouped_products(variables: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (G, p, p) cross-products of variables (p, N) within groups.

    Rows are sorted by `codes`. The memory is laid out (p, p, G), which is how a specification
    reads it, and is filled without a loop over groups.
    """
    p, rows = variables.shape
    edges = np.flatnonzero(np.diff(codes, prepend=-1))
    sums = np.empty((p, p, len(edges)))
    step = max(1, _PRODUCTS // rows)
    for i in range(p):
        for j in range(i, p, step):
            part = slice(j, j + step)
            products = variables[i] * variables[part]
            sums[i, part] = sums[part, i] = np.add.reduceat(products, edges, axis=1)
    return np.moveaxis(sums, 2, 0)


def bartlett(periods: int) -> np.ndarray:
    """Return the weights of lags 1, 2, ... in Driscoll-Kraay errors of T years.

    The bandwidth is floor(4 (T / 100)^(2/9)), the weight of lag j is 1 - j / (bandwidth + 1):
    the defaults of linearmodels and of Stata's xtscc.

    Examples
    --------
    >>> bartlett(11), len(bartlett(30))
    (array([0.66666667, 0.33333333]), 3)
    """
    bandwidth = min(int(4 * (periods / 100) ** (2 / 9)), periods - 1)
    return 1 - np.arange(1, bandwidth + 1) / (bandwidth + 1)
