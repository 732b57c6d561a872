"""Weights: one non-negative number per indicator, summing to one."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError, require_known
from nqpf.index.normalise import (
    ConstantIndicatorWarning,
    Floats,
    blocks,
    buffer,
    labels,
    matrix,
    minmax,
    reduce_rows,
    require_finite,
    sweep,
    tile,
    weight_vector,
)
from nqpf.index.pursuit import pursuit_weights

__all__ = [
    "ACCEPTED",
    "Consistency",
    "EntropyJudgements",
    "FirstComponent",
    "ahp",
    "ahp_consistency",
    "ahp_entropy",
    "ahp_entropy_judgements",
    "combination",
    "critic",
    "entropy",
    "equal",
    "first_component",
    "pca",
    "variation",
]


def varying_columns(x: ArrayLike, name: str = "z") -> tuple[Floats, NDArray[np.bool_]]:
    """Return the checked matrix (N, m) and which of its columns vary (m,)."""
    x = matrix(x, name)
    low, high = sweep(x, np.minimum, np.maximum)
    require_finite(x, low, high, name=name)
    return x, low < high


def none_varies(m: int, method: str) -> Floats:
    """Warn that no column varies, and return equal weights (m,)."""
    warnings.warn(
        f"no column varies, so {method} weights are equal", ConstantIndicatorWarning, stacklevel=3
    )
    return np.full(m, 1.0 / m)


def spread(w: Floats, varying: NDArray[np.bool_]) -> Floats:
    """Return weights of all columns from those of the varying ones, scaled to sum to 1."""
    weights = np.zeros(len(varying))
    weights[varying] = w / w.sum()
    return weights


def standardised(x: Floats) -> tuple[Floats, Floats]:
    """Return columns of mean 0 and length 1, and their sd up to a common factor.

    Every column of `x` must vary. Products of two columns are then correlations.
    """
    unit = minmax(x, np.ones(x.shape[1], dtype=bool))
    unit -= reduce_rows(np.add, unit) / len(unit)
    length = np.sqrt(reduce_rows(np.add, unit**2))
    low, high = sweep(x, np.minimum, np.maximum)
    with np.errstate(over="ignore"):
        width = high - low
    if np.isinf(width).any():
        width = high / 2 - low / 2
    return unit / length, length * (width / width.max())


_TINY = np.finfo(np.float64).tiny


def entropy(z: ArrayLike, shift: float = 0.0) -> Floats:
    """Weight each column by how far its distribution is from an even one.

    With p_ij = z_ij / sum_i z_ij and e_j = -sum_i p_ij ln p_ij / ln N, the
    weight is w_j = (1 - e_j) / sum_k (1 - e_k), and 0 ln 0 = 0 exactly
    (Shannon 1948; as weights, Hwang and Yoon 1981).

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, zero or more, without unit.
    shift : float
        Added to every value first. Zero by default; some papers add a small
        number such as 1e-4 to avoid ln 0, which changes the weights.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A column of zeros or of one repeated value gets 0. If no
        column varies (always so when N = 1) the weights are equal, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing, infinite or negative.
    nqpf.errors.MethodError
        If `shift` is negative or not finite.

    Notes
    -----
    1 - e_j is computed as the mean of q ln q - (q - 1) with q = z / mean(z),
    divided by ln N: the same number, but as a mean of terms that are never
    negative, so nearly even columns keep their digits. ln N cancels in the
    weights.

    Examples
    --------
    >>> entropy([[0.0, 0.2], [0.5, 0.3], [1.0, 0.2]]).round(4)
    array([0.9593, 0.0407])
    """
    z = matrix(z)
    if not (isinstance(shift, Real) and math.isfinite(shift) and shift >= 0):
        raise MethodError(f"shift is {shift!r}", expected="a finite number of zero or more")
    if shift:
        z = z + shift
    gain = divergence(z)
    if not gain.any():
        return none_varies(z.shape[1], "entropy")
    return gain / gain.sum()


def divergence(z: Floats) -> Floats:
    """Return (1 - e_j) N ln N of each column of a matrix, 0 for one that does not vary."""
    low, high, total = sweep(z, np.minimum, np.maximum, np.add)
    require_finite(z, low, high)
    if low.min() < 0:
        raise _negative(z)
    varying = low < high
    if not varying.any():
        return np.zeros(z.shape[1])
    if high.max() > 1e100 or high[varying].min() < 1e-100:
        z = z / np.where(high > 0, high, 1.0)  # sums of extreme magnitudes overflow or lose digits
        (total,) = sweep(z, np.add)
    gain = np.where(varying, _divergence(z, total / len(z), varying), 0.0)
    np.maximum(gain, 0.0, out=gain)
    if gain.max() == 0.0:  # columns that differ from a constant by rounding only
        gain[varying] = 1.0
    return gain


def _divergence(z: Floats, mean: Floats, varying: NDArray[np.bool_]) -> Floats:
    """Return the sum of q ln q - (q - 1) over rows, q = z / mean, for each varying column."""
    inverse = tile(np.divide(1.0, mean, out=np.zeros_like(mean), where=varying), z)
    total, q_room, term_room = np.zeros_like(inverse), buffer(z), buffer(z)
    for _, block in blocks(z):
        n = len(block)
        q, term = q_room[:n], term_room[:n]
        np.multiply(block, inverse[:n], out=q)
        np.add(q, _TINY, out=term)  # changes q = 0 only, where ln stays finite: 0 ln 0 is 0
        np.log(term, out=term)
        term *= q
        q -= 1.0
        term -= q
        total[:n] += term
    return reduce_rows(np.add, total)


def _negative(z: Floats) -> DataError:
    row, column = (int(i) for i in np.argwhere(z < 0)[0])
    return DataError(
        f"z holds {z[row, column]}",
        where={"row": row, "column": column},
        expected="values of zero or more",
        hint="normalise with nqpf.index.normalise.minmax first",
    )


def equal(z: ArrayLike) -> Floats:
    """Return the same weight for every column.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Only the number of columns is used.

    Returns
    -------
    ndarray, shape (m,)
        1 / m each.

    Examples
    --------
    >>> equal([[0.0, 1.0], [1.0, 0.0]])
    array([0.5, 0.5])
    """
    m = matrix(z).shape[1]
    return np.full(m, 1.0 / m)


# Mean of 1 - r below which columns are taken as perfectly correlated: rounding alone gives 1e-30.
_NO_CONFLICT = 1e-20


def variation(x: ArrayLike, ddof: int = 1, names: Sequence[str] | None = None) -> Floats:
    """Weight each column by its coefficient of variation.

    The weight is w_j = v_j / sum_k v_k with v_j = sd_j / abs(mean_j)
    (Pearson 1896 for the coefficient). The divisor N - ddof is the same for
    every column, so `ddof` changes v but cancels in the weights.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Indicators on a ratio scale, positive and in their original units;
        a :class:`~nqpf.index.Recipe` passes them before normalisation. The
        direction of an indicator plays no part. Units do not matter, but
        the zero point does: adding a constant changes the weights.
    ddof : {1, 0}
        Sample (1) or population (0) standard deviation.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A constant column gets 0. If no column varies the weights
        are equal, with a :class:`~nqpf.index.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or the mean of a column that
        varies is zero, where the coefficient is not defined.
    nqpf.errors.MethodError
        If `ddof` is neither 0 nor 1.

    Examples
    --------
    Standard deviations 1 and 2, means 2 and 8:

    >>> variation([[1.0, 6.0], [2.0, 8.0], [3.0, 10.0]]).round(4)
    array([0.6667, 0.3333])
    """
    if ddof not in (0, 1):
        raise MethodError(f"ddof is {ddof!r}", expected="1 (sample) or 0 (population)")
    x, varying = varying_columns(x, "x")
    if not varying.any():
        return none_varies(x.shape[1], "variation")
    own = x[:, varying]
    own = own / np.abs(own).max(axis=0)  # the coefficient has no unit; sums stay finite
    mean = reduce_rows(np.add, own) / len(own)
    size = reduce_rows(np.add, np.abs(own)) / len(own)
    zero = np.abs(mean) <= 8 * np.finfo(np.float64).eps * size
    if zero.any():
        varying[varying] = zero
        raise DataError(
            "the mean is zero, so there is no coefficient of variation",
            where={"indicator": labels(varying, names)[0]},
            expected="an indicator on a ratio scale, with a mean other than zero",
            hint="weigh by another method or leave the indicator out",
        )
    squares = reduce_rows(np.add, (own - mean) ** 2)
    return spread(np.sqrt(squares / (len(own) - ddof)) / np.abs(mean), varying)


def critic(z: ArrayLike) -> Floats:
    """Weight each column by its contrast and its conflict with the others.

    The weight is w_j = C_j / sum_k C_k with C_j = sd_j * sum_k (1 - r_jk)
    and r the Pearson correlation (Diakoulaki, Mavrotas and Papayannakis
    1995, who take `z` from min-max normalisation).

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better, without unit.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A constant column has no correlation: it gets 0 and is left
        out of the sums of the others. If all columns that vary are perfectly
        correlated there is no conflict, so they weigh the same, with a
        warning. If no column varies the weights are equal, with a
        :class:`~nqpf.index.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite.

    Notes
    -----
    With u_j the column centred and scaled to length 1, 1 - r_jk is half the
    squared distance of u_j and u_k, and the sum over k follows from the
    distances to the mean of all u. That takes N m steps instead of N m^2 and
    keeps its digits when correlations are near 1.

    Examples
    --------
    The second and third columns tell the same story, so they share:

    >>> critic([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    array([0.5 , 0.25, 0.25])
    """
    z, varying = varying_columns(z)
    if not varying.any():
        return none_varies(z.shape[1], "CRITIC")
    u, sd = standardised(z[:, varying])
    m = u.shape[1]
    apart = u - (reduce_rows(np.add, np.ascontiguousarray(u.T)) / m)[:, None]
    distance = reduce_rows(np.add, apart**2)
    conflict = (m * distance + distance.sum()) / 2
    if conflict.max() <= _NO_CONFLICT * m:
        if m > 1:
            warnings.warn(
                "all columns are perfectly correlated, so CRITIC weights are equal", stacklevel=2
            )
        return spread(np.ones(m), varying)
    return spread(sd * conflict, varying)


# Eigenvalues closer than this, relatively, count as equal: their vectors are not identified.
_SAME = 1e-8


@dataclass(frozen=True, eq=False)
class FirstComponent:
    """The first principal component of the columns that vary.

    Parameters
    ----------
    loadings : ndarray, shape (m,)
        Unit eigenvector of the largest eigenvalue, with a positive sum; 0
        for a column that does not vary.
    eigenvalues : ndarray, shape (k,)
        Of the correlation matrix of the k columns that vary, descending;
        they sum to k.
    share : float
        Largest eigenvalue / k: share of the variance that it explains.
    signed : bool
        False if the loadings sum to zero, so that neither sign is the
        better one (always so for two columns of negative correlation).
    """

    loadings: Floats
    eigenvalues: Floats
    share: float
    signed: bool


def first_component(z: ArrayLike) -> FirstComponent:
    """Return the first principal component of the correlation matrix (Hotelling 1933).

    Where the largest eigenvalue is a multiple one, the component is the
    direction in its eigenspace that is nearest to equal loadings.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Indicators; at least one column varies. Units do not matter.

    Returns
    -------
    FirstComponent

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or no column varies.

    Examples
    --------
    >>> component = first_component([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0]])
    >>> component.loadings.round(4), round(component.share, 4)
    (array([0.7071, 0.7071]), 0.75)
    """
    z, varying = varying_columns(z)
    u, _ = standardised(z[:, varying] if varying.any() else z)
    correlation = np.einsum("ij,ik->jk", u, u)  # no BLAS: the same on any number of threads
    values, vectors = np.linalg.eigh(correlation)
    largest = vectors[:, values >= values[-1] * (1 - _SAME)]
    direction = largest @ largest.sum(axis=0)  # projection of the vector of ones
    length = float(np.linalg.norm(direction))
    signed = length > _SAME
    direction = direction / length if signed else vectors[:, -1]
    loadings = np.zeros(z.shape[1])
    loadings[varying] = direction
    values = values[::-1]
    return FirstComponent(loadings, values, float(values[0] / len(values)), signed)


def pca(z: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Weight each column by its loading on the first principal component.

    The sign of the component is the one with a positive sum of loadings, and
    w_j = a_j / sum_k a_k over the positive loadings a. A column with a
    negative loading moves against what the others have in common. Its
    absolute or squared loading would reward it for that, so it gets 0 and a
    warning names it.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better, without unit.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A constant column gets 0. If the loadings sum to zero the
        columns that vary weigh the same, with a warning; if no column
        varies all weights are equal, with a
        :class:`~nqpf.index.ConstantIndicatorWarning`. See
        :func:`first_component` for loadings and the explained share.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> pca([[0.0, 0.0, 0.0], [1.0, 0.5, 1.0], [0.5, 1.0, 0.0]]).round(4)
    array([0.4226, 0.2113, 0.366 ])
    """
    z, varying = varying_columns(z)
    if not varying.any():
        return none_varies(z.shape[1], "PCA")
    component = first_component(z)
    if not component.signed:
        warnings.warn(
            "loadings of the first component sum to zero, so PCA weights are equal", stacklevel=2
        )
        return spread(np.ones(int(varying.sum())), varying)
    opposed = component.loadings < -_SAME
    if opposed.any():
        named = ", ".join(labels(opposed, names))
        warnings.warn(f"negative loading, so no PCA weight: {named}", stacklevel=2)
    return spread(np.maximum(component.loadings, 0.0)[varying], varying)


def combination(vectors: ArrayLike, method: str = "mean") -> Floats:
    """Combine weight vectors of the same indicators into one.

    ``mean`` is their arithmetic mean. ``game`` is the game-theoretic
    combination of the Chinese evaluation literature: coefficients a that
    make sum_l a_l w_l deviate least from each w_k in turn. The first-order
    condition of each is sum_l a_l (w_k . w_l) = w_k . w_k, one linear
    equation per vector; a is scaled to sum to 1.

    Parameters
    ----------
    vectors : array_like, shape (L, m)
        Weight vectors, each of zero or more and summing to 1 within 1e-12.
    method : {"mean", "game"}
        How to combine.

    Returns
    -------
    ndarray, shape (m,)
        Weights. With ``game`` a vector whose coefficient is negative is left
        out, so that the result lies between the vectors, and the equations
        are solved by least squares where vectors are linearly dependent
        (identical vectors share equally).

    Raises
    ------
    nqpf.errors.MethodError
        If a vector has a negative weight or another sum, or the method is
        unknown.

    Notes
    -----
    ``game`` favours concentrated vectors: beside equal weights w_1, where
    w_1 . w_2 = w_1 . w_1 = 1 / m, it returns the other vector.

    Examples
    --------
    >>> vectors = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]
    >>> combination(vectors)
    array([0.35, 0.25, 0.4 ])
    >>> combination(vectors, method="game").round(4)
    array([0.326 , 0.242 , 0.4321])
    """
    require_known("combination", method, _METHODS)
    table = matrix(vectors, "vectors")
    for position, row in enumerate(table):
        try:
            weight_vector(row, table.shape[1])
        except MethodError as error:
            raise MethodError(
                error.problem,
                where={"vector": position, **error.where},
                expected=error.expected,
                hint=error.hint,
            ) from None
    w = _METHODS[method](table)
    return w / w.sum()


def _mean(table: Floats) -> Floats:
    return table.mean(axis=0)


def _game(table: Floats) -> Floats:
    products = np.einsum("ij,kj->ik", table, table)
    coefficients = np.linalg.lstsq(products, np.diag(products), rcond=1e-12)[0]
    return np.einsum("i,ij->j", np.maximum(coefficients, 0.0), table)


_METHODS: dict[str, Callable[[Floats], Floats]] = {"mean": _mean, "game": _game}


# A consistency ratio of this much or more is not accepted (Saaty 1980).
ACCEPTED = 0.1
# Mean consistency index of random reciprocal matrices of order 1 to 15 (Saaty 1980).
_RANDOM_INDEX = (
    *(0.0, 0.0, 0.58, 0.90, 1.12),
    *(1.24, 1.32, 1.41, 1.45, 1.49),
    *(1.51, 1.48, 1.56, 1.57, 1.59),
)
# How far a_jk * a_kj may be from 1: thirds and sevenths written with seven digits pass.
_RECIPROCAL = 1e-6


@dataclass(frozen=True, eq=False)
class Consistency:
    """Weights of a judgement matrix of order m, and how consistent it is.

    Parameters
    ----------
    weights : ndarray, shape (m,)
        Principal eigenvector, summing to 1.
    lambda_max : float
        Principal eigenvalue; m for a consistent matrix, more otherwise.
    index : float
        Consistency index CI = (lambda_max - m) / (m - 1); 0 for m <= 2.
    random_index : float
        Mean CI of random matrices of order m, RI.
    ratio : float
        Consistency ratio CR = CI / RI; 0 for m <= 2.
    """

    weights: Floats
    lambda_max: float
    index: float
    random_index: float
    ratio: float

    @property
    def accepted(self) -> bool:
        """Whether CR is below 0.1."""
        return self.ratio < ACCEPTED


def random_index(m: int) -> float:
    """Return the mean consistency index of random matrices of order m.

    Saaty's (1980) table to m = 15. Beyond it the fit of Alonso and Lamata
    (2006), (1.7699 m - 4.3513) / (m - 1), which is 1.585 at m = 15.
    """
    if m <= len(_RANDOM_INDEX):
        return _RANDOM_INDEX[m - 1]
    return (1.7699 * m - 4.3513) / (m - 1)


def ahp_consistency(judgements: ArrayLike | pd.DataFrame) -> Consistency:
    """Return the weights and the consistency of a judgement matrix.

    Parameters
    ----------
    judgements : array_like or DataFrame, shape (m, m)
        How many times as important as k indicator j is, on Saaty's scale
        1/9 to 9 or any other: positive, with a_kj = 1 / a_jk. The columns of
        a frame are put in the order of its rows, by label.

    Returns
    -------
    Consistency

    Raises
    ------
    nqpf.errors.MethodError
        If the matrix is not square, finite, positive and reciprocal; the
        message names the pair.

    Examples
    --------
    >>> result = ahp_consistency([[1, 3, 5], [1/3, 1, 3], [1/5, 1/3, 1]])
    >>> result.weights.round(4), round(result.lambda_max, 4), round(result.ratio, 4)
    (array([0.637 , 0.2583, 0.1047]), 3.0385, 0.0332)
    """
    a, _ = _checked(judgements)
    return perron(a)


def perron(a: Floats) -> Consistency:
    """Return weights and consistency of a positive reciprocal matrix."""
    m = len(a)
    values, vectors = np.linalg.eig(a)
    w = np.abs(vectors[:, values.real.argmax()].real)  # one sign throughout (Perron 1907)
    w = (a * (w / w.sum())).sum(axis=1)  # one power step sharpens small weights
    w /= w.sum()
    lambda_max = float((a * w).sum())
    index = max(0.0, (lambda_max - m) / (m - 1)) if m > 2 else 0.0
    reference = random_index(m)
    return Consistency(w, lambda_max, index, reference, index / reference if m > 2 else 0.0)


def ahp(judgements: ArrayLike | pd.DataFrame, allow_inconsistent: bool = False) -> Floats:
    """Weight indicators by the principal eigenvector of a judgement matrix.

    Saaty (1977, 1980): A w = lambda_max w, for a reciprocal matrix A of
    judgements of each indicator over each other.

    Parameters
    ----------
    judgements : array_like or DataFrame, shape (m, m)
        See :func:`ahp_consistency`.
    allow_inconsistent : bool
        Accept a consistency ratio of 0.1 or more.

    Returns
    -------
    ndarray, shape (m,)
        Weights, in the order of the rows.

    Raises
    ------
    nqpf.errors.MethodError
        If the matrix is not square, finite, positive and reciprocal, or if
        CR >= 0.1 and that is not allowed; the message names the pair.

    Examples
    --------
    >>> ahp([[1, 2, 4], [1/2, 1, 2], [1/4, 1/2, 1]]).round(4)
    array([0.5714, 0.2857, 0.1429])
    """
    a, labels = _checked(judgements)
    result = perron(a)
    if not (result.accepted or allow_inconsistent):
        j, k = _most_inconsistent(a, result.weights)
        implied = result.weights[j] / result.weights[k]
        raise MethodError(
            f"judgements are inconsistent: CR = {result.ratio:.3f}",
            expected=f"a consistency ratio below {ACCEPTED}",
            hint=f"the judgement furthest from the weights is {labels[j]} over {labels[k]}, "
            f"{a[j, k]:.4g} against {implied:.4g}; revise it or pass allow_inconsistent=True",
        )
    return result.weights


def _most_inconsistent(a: Floats, w: Floats) -> tuple[int, int]:
    """Return the pair whose judgement is furthest, as a ratio, from the ratio of weights."""
    distance = np.abs(np.log(a) - np.log(w[:, None]) + np.log(w))
    j, k = np.unravel_index(np.triu(distance, 1).argmax(), a.shape)
    return int(j), int(k)


def _checked(judgements: ArrayLike | pd.DataFrame) -> tuple[Floats, list[str]]:
    """Return the matrix and the labels of its rows, or raise."""
    if isinstance(judgements, pd.DataFrame):
        judgements = _aligned(judgements)
        labels = [str(key) for key in judgements.index]
    else:
        labels = []
    try:
        a = np.array(judgements, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MethodError(
            f"judgements are not numeric: {error}", expected="a square matrix of numbers"
        ) from None
    if a.ndim != 2 or a.shape[0] != a.shape[1] or a.size == 0:
        raise MethodError(
            f"judgements have shape {a.shape}", expected="a square matrix (m, m), m at least one"
        )
    labels = labels or [f"indicator {j}" for j in range(len(a))]
    _require_reciprocal(a, labels)
    return a, labels


def _aligned(frame: pd.DataFrame) -> pd.DataFrame:
    if not (frame.index.is_unique and frame.columns.is_unique) or set(frame.index) != set(
        frame.columns
    ):
        raise MethodError(
            "rows and columns of the judgements have different labels",
            where={"rows": list(frame.index), "columns": list(frame.columns)},
            expected="the same indicators in both, each once",
        )
    return frame[list(frame.index)]


def _require_reciprocal(a: Floats, labels: list[str]) -> None:
    usable = np.isfinite(a) & (a > 0)
    if not usable.all():
        j, k = np.argwhere(~usable)[0]
        raise MethodError(
            f"the judgement of {labels[j]} over {labels[k]} is {a[j, k]:g}",
            expected="a positive finite number",
            hint="write 1/3 for three times less important",
        )
    with np.errstate(over="ignore"):
        wrong = np.abs(a * a.T - 1.0) > _RECIPROCAL
    if wrong.any():
        j, k = np.argwhere(wrong)[0]
        raise MethodError(
            f"judgements are not reciprocal: {labels[j]} over {labels[k]} is {a[j, k]:.6g}, "
            f"{labels[k]} over {labels[j]} is {a[k, j]:.6g}",
            expected="1 on the diagonal" if j == k else f"{1 / a[j, k]:.6g} for the latter",
            hint="give fractions in full, 1/3 and not 0.33",
        )


_STEPS = 9  # of Saaty's scale
# A ratio this close to half-way between two values counts as half-way, so that rounding in the
# last digits, as from another order of rows, does not decide.
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class EntropyJudgements:
    """Judgements that entropy implies, and the weights that follow.

    Parameters
    ----------
    divergence : ndarray, shape (m,)
        g_j = 1 - e_j, 0 for a column that does not vary.
    kept : ndarray of bool, shape (m,)
        Columns with g_j > 0; the others are not judged.
    largest_ratio : float
        D, the largest g over the smallest one that is kept.
    levels : int
        alpha, the number of values on the scale.
    scale : ndarray, shape (alpha,)
        k R^(k-1), from 1 to D.
    judgements : ndarray, shape (k, k)
        Of the k kept columns over each other.
    consistency : Consistency
        Principal eigenvector of the judgements, lambda_max, CI and CR.
    weights : ndarray, shape (m,)
        The eigenvector, with 0 for columns that are not kept.
    """

    divergence: Floats
    kept: NDArray[np.bool_]
    largest_ratio: float
    levels: int
    scale: Floats
    judgements: Floats
    consistency: Consistency
    weights: Floats


def ahp_entropy_judgements(z: ArrayLike) -> EntropyJudgements:
    """Turn entropies into a judgement matrix and that into weights.

    Plain entropy gives dispersed indicators a large weight. The improvement
    reads the ratios of g_j = 1 - e_j on a scale of at most nine steps. With
    D = max g / min g, alpha = round(D) if D <= 9 else 9 and
    R = (D / alpha)^(1 / (alpha - 1)), the scale is k R^(k-1), k = 1..alpha,
    which ends at D. The judgement of j over k is the value of the scale
    nearest to g_j / g_k if g_j >= g_k, and the reciprocal of the opposite
    judgement otherwise. Weights are its principal eigenvector.

    This is a **reconstruction** of the improvement that the survey ascribes
    to Lu, Guo and Wang (2024); the article's own scale is not public.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, zero or more, without unit.

    Returns
    -------
    EntropyJudgements
        If D < 1.5 the scale has the one value 1, so all kept columns weigh
        the same. Half-way values go to the larger alpha, but to the smaller
        judgement.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing, infinite or negative, or if no column varies.

    Examples
    --------
    >>> z = [[0.0, 0.0, 0.0], [0.0, 0.5, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    >>> result = ahp_entropy_judgements(z)
    >>> round(result.largest_ratio, 2), result.levels, result.scale.round(2)
    (4.82, 5, array([1.  , 1.98, 2.95, 3.89, 4.82]))
    >>> result.weights.round(3), round(result.consistency.ratio, 3)
    (array([0.684, 0.164, 0.152]), 0.004)
    """
    z = matrix(z)
    g = divergence(z)
    kept = g > 0
    if not kept.any():
        raise DataError(
            "every indicator is constant, so there is nothing to judge",
            expected="an indicator that differs between at least two rows",
        )
    ratios = g[kept, None] / g[kept]
    largest = float(ratios.max())
    scale = _scale(largest)
    half_way = (scale[1:] + scale[:-1]) / 2 * (1 + _TIE)
    judgements = scale[np.searchsorted(half_way, ratios)]
    judgements = np.where(ratios >= 1, judgements, 1 / judgements.T)
    consistency = perron(judgements)
    return EntropyJudgements(
        divergence=g / (len(z) * math.log(len(z))),
        kept=kept,
        largest_ratio=largest,
        levels=len(scale),
        scale=scale,
        judgements=judgements,
        consistency=consistency,
        weights=spread(consistency.weights, kept),
    )


def _scale(largest: float) -> Floats:
    """Return k R^(k-1) for k = 1..alpha, which ends at the largest ratio if alpha > 1."""
    levels = _STEPS if largest > _STEPS else math.floor(largest + 0.5 + _TIE)
    if levels == 1:
        return np.ones(1)
    k = np.arange(1, levels + 1)
    return k * (largest / levels) ** ((k - 1) / (levels - 1))


def ahp_entropy(z: ArrayLike) -> Floats:
    """Weight each column by the judgements that entropies imply.

    A reconstruction; see :func:`ahp_entropy_judgements` for the formula, the
    judgement matrix and its consistency ratio.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, zero or more, without unit.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A column of zeros or of one repeated value gets 0 and is not
        judged. If the largest divergence is less than 1.5 times the
        smallest, all other columns weigh the same. If no column varies the
        weights are equal, with a
        :class:`~nqpf.index.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing, infinite or negative.

    Examples
    --------
    >>> ahp_entropy([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).round(3)
    array([0.73, 0.27])
    """
    z = matrix(z)
    if not divergence(z).any():
        return none_varies(z.shape[1], "AHP-improved entropy")
    return ahp_entropy_judgements(z).weights


def ahp_of_indicators(
    z: ArrayLike,
    names: Sequence[str] | None = None,
    judgements: ArrayLike | pd.DataFrame | None = None,
    allow_inconsistent: bool = False,
) -> Floats:
    """Weight the columns of `z` by :func:`~nqpf.index.weights.ahp`.

    A frame of judgements is aligned with the columns by name, anything else
    by position.
    """
    keys = list(range(matrix(z).shape[1])) if names is None else list(names)
    if judgements is None:
        raise MethodError(
            "ahp has no judgements",
            expected=f"judgements, a reciprocal matrix of shape ({len(keys)}, {len(keys)})",
            hint="pass it to the recipe: Recipe(weights='ahp', judgements=...)",
        )
    weights = ahp(judgements, allow_inconsistent)
    if isinstance(judgements, pd.DataFrame):
        by_key = pd.Series(weights, index=judgements.index)
        if set(by_key.index) != set(keys):
            raise MethodError(
                "judgements are not about the indicators",
                where={"indicators of the judgements": list(by_key.index)},
                expected=f"judgements of {', '.join(map(str, keys))}",
            )
        return by_key[keys].to_numpy()
    if len(weights) != len(keys):
        raise MethodError(
            f"judgements are about {len(weights)} indicators",
            expected=f"one row and column for each of the {len(keys)} indicators",
        )
    return weights


def combination_of_methods(
    x: ArrayLike,
    z: ArrayLike,
    names: Sequence[str] | None = None,
    of: Sequence[str] = ("entropy", "critic"),
    combine: str = "mean",
) -> Floats:
    """Combine the weights of several methods, each with its defaults.

    See :func:`~nqpf.index.weights.combination`, whose `method` is `combine` here.
    """
    valid = [key for key in METHODS if key not in ("ahp", "combination")]
    chosen = [of] if isinstance(of, str) else list(of)
    unknown = [key for key in chosen if key not in valid]
    if unknown or len(set(chosen)) < max(2, len(chosen)):
        raise MethodError(
            f"of is {of!r}",
            expected="two or more different ones of " + ", ".join(valid),
            hint="for other vectors call nqpf.index.weights.combination",
        )
    data = {"x": x, "z": z, "names": names}
    vectors = [
        method(**{key: data[key] for key in inspect.signature(method).parameters if key in data})
        for method in (METHODS[key] for key in chosen)
    ]
    return combination(vectors, combine)


METHODS: dict[str, Callable[..., Floats]] = {
    "entropy": entropy,
    "equal": equal,
    "variation": variation,
    "critic": critic,
    "pca": pca,
    "ahp": ahp_of_indicators,
    "ahp_entropy": ahp_entropy,
    "combination": combination_of_methods,
    "pursuit": pursuit_weights,
}
