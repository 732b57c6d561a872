"""Who is whose neighbour: the kinds of weights that studies use.

With d the great-circle distance of two capitals in km and y a province's mean
figure:

================= ==========================================================
contiguity        w_ij = 1 for a common land border
inverse distance  w_ij = d_ij^-power, within a cutoff if there is one
economic distance w_ij = 1/abs(y_i - y_j) (Case, Rosen and Hines 1993)
nested            w_ij = d_ij^-power y_j/mean(y): near and weighty neighbours
                  count for more; a form of provincial studies, which have
                  others under this name
================= ==========================================================

No province is its own neighbour. None of the weights is standardised yet:
call :meth:`~nqpf.space.weights.Weights.row_standardised`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import MethodError, SampleError
from nqpf.space.distance import distances
from nqpf.space.weights import Weights, check_figures, compare_labels
from nqpf.tfp.sample import place

__all__ = ["contiguity", "economic_distance", "inverse_distance", "nested"]


def contiguity(hainan: bool = False) -> Weights:
    """Return binary weights of the provinces that share a land border.

    Parameters
    ----------
    hainan : bool
        Link Hainan to Guangdong across the strait; it is an island otherwise.

    Examples
    --------
    >>> contiguity().islands
    (460000,)
    """
    codes = provinces.codes()
    matrix = pd.DataFrame(0.0, index=codes, columns=codes)
    for code in codes:
        matrix.loc[code, provinces.neighbours(code, hainan)] = 1.0
    kind = "contiguity, Hainan with Guangdong" if hainan else "contiguity, Hainan alone"
    return Weights(matrix, kind)


def inverse_distance(power: float = 1, cutoff: float | None = None) -> Weights:
    """Return weights that fall with the distance of the capitals.

    Parameters
    ----------
    power : float
        Above 0; 1 and 2 are usual.
    cutoff : float or None
        Distance in km beyond which a weight is zero.

    Raises
    ------
    nqpf.errors.MethodError
        If a number is not above zero.

    Examples
    --------
    >>> w = inverse_distance()
    >>> round(1 / w.matrix.loc[110000, 120000])
    114
    """
    for value, name in ((power, "power"), (cutoff, "cutoff")):
        if value is not None and not 0 < value < np.inf:
            raise MethodError(f"{name} is {value!r}", expected="a finite number above zero")
    far = distances()
    near = (far > 0) if cutoff is None else (far > 0) & (far <= cutoff)
    kind = f"inverse distance, power {power:g}"
    kind += "" if cutoff is None else f", up to {cutoff:g} km"
    return Weights(far.where(near, np.inf) ** -power, kind)


def economic_distance(values: pd.Series) -> Weights:
    """Return weights that fall with the difference of a figure, 1/abs(y_i - y_j).

    Parameters
    ----------
    values : Series
        By province, or by (province, year), of which the mean is taken: GDP
        per person, say. Take years before the sample, or the weights move
        with what they should explain.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing or two provinces have the same: their weight
        would be infinite.

    Examples
    --------
    >>> w = economic_distance(pd.Series({110000: 9.0, 120000: 7.0, 130000: 3.0}))
    >>> w.matrix.loc[110000].round(3).tolist()
    [0.0, 0.5, 0.167]
    """
    mean = _means(values)
    gap = np.abs(np.subtract.outer(mean.to_numpy(), mean.to_numpy()))
    np.fill_diagonal(gap, np.inf)
    if (gap == 0).any():
        pair = np.argwhere(gap == 0)[0]
        raise SampleError(
            f"two provinces have the same figure {mean.iloc[pair[0]]:g}",
            where=place(tuple(mean.index[pair]), ("province", "other")),
            expected="different figures, as the weight is one over their difference",
        )
    return Weights(pd.DataFrame(1 / gap, mean.index, mean.index), "economic distance")


def nested(distance: Weights, values: pd.Series) -> Weights:
    """Return distance weights times the neighbour's figure as a share of the mean.

    Parameters
    ----------
    distance : Weights
        Not standardised, such as :func:`inverse_distance`.
    values : Series
        As in :func:`economic_distance`; above zero.

    Raises
    ------
    nqpf.errors.SampleError
        If provinces differ or a figure is missing, zero or negative.
    nqpf.errors.MethodError
        If `distance` is standardised.

    Examples
    --------
    >>> far = inverse_distance()
    >>> w = nested(far, pd.Series(2.0, index=far.labels))
    >>> bool(np.allclose(w.matrix, far.matrix))
    True
    """
    if distance.standardised:
        raise MethodError(
            "weights to nest are standardised",
            expected="plain distance weights; standardise the product",
        )
    mean = _means(values)
    compare_labels(distance.labels, mean.index, {}, subset=False)
    if (mean <= 0).any():
        low = mean[mean <= 0]
        raise SampleError(
            f"the figure of a province is {low.iloc[0]:g}",
            where=place((low.index[0],), ("province",)),
            expected="figures above zero",
        )
    share = mean.reindex(distance.labels) / mean.mean()
    return Weights(distance.matrix * share, f"nested, {distance.kind}, economic share")


def _means(values: pd.Series) -> pd.Series:
    if values.index.has_duplicates:
        raise SampleError("a key of the economic figures is there twice")
    check_figures(values.rename(values.name or "values").to_frame(), "economic figures")
    by_level = values.index.get_level_values(0)
    return values.groupby(by_level, sort=False).mean()
