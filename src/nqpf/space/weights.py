"""Spatial weights that carry their provinces' codes and are joined by them, never by position.

A matrix in another order than the data gives other results without any sign
of it. Weights are therefore a table with codes on both axes, and every
function of this room asks :func:`align` for them. A province without
neighbours is an *island*: its row is zero, and so is its spatial lag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import between
from nqpf.errors import MethodError, SampleError
from nqpf.sample import _check_finite, _place

if TYPE_CHECKING:
    from libpysal.weights import W

_RADIUS = 6371.0088  # km, mean radius of the ellipsoid (IUGG)


@dataclass(frozen=True)
class _Weights:
    """Spatial weights of n provinces, from :func:`contiguity` and its like or by :func:`align`.

    Attributes
    ----------
    matrix : DataFrame (n, n)
        Weight of the column's province in the row's; one set of labels on
        both axes, zero diagonal, nothing negative.
    kind : str
        What the weights are, for tables and notes.
    standardised : bool
        Every row adds up to one, but those of islands, which are zero.

    Examples
    --------
    >>> w = contiguity(hainan=True).row_standardised()
    >>> w
    Weights(contiguity, Hainan with Guangdong; 31 provinces, row-standardised)
    >>> float(w.matrix.loc[460000, 440000])
    1.0
    """

    matrix: pd.DataFrame
    kind: str = "given"
    standardised: bool = False

    def __repr__(self) -> str:
        style = "row-standardised" if self.standardised else "not standardised"
        alone = f", {len(self.islands)} without neighbours" if self.islands else ""
        return f"Weights({self.kind}; {len(self.matrix)} provinces, {style}{alone})"

    @property
    def labels(self) -> pd.Index:
        """Codes of the provinces, in the order of the matrix."""
        return self.matrix.index

    @cached_property
    def islands(self) -> tuple[object, ...]:
        """Codes of the provinces without neighbours."""
        return tuple(self.matrix.index[(self.matrix == 0).all(axis=1)].tolist())

    def row_standardised(self) -> _Weights:
        """Return the weights divided by their row sums; islands keep their zeros."""
        sums = self.matrix.sum(axis=1)
        matrix = self.matrix.div(sums.where(sums > 0, 1.0), axis=0)
        return replace(self, matrix=matrix, standardised=True)

    def nested(self, values: pd.Series) -> _Weights:
        """Return the weights times the neighbour's figure as a share of the mean.

        Parameters
        ----------
        values : Series
            As in :func:`economic_distance`; above zero.

        Raises
        ------
        nqpf.errors.SampleError
            If provinces differ or a figure is missing, zero or negative.
        nqpf.errors.MethodError
            If the weights are standardised.

        Examples
        --------
        >>> far = inverse_distance()
        >>> w = far.nested(pd.Series(2.0, index=far.labels))
        >>> bool(np.allclose(w.matrix, far.matrix))
        True
        """
        if self.standardised:
            problem = "weights to nest are standardised"
            raise MethodError(problem, expected="plain distance weights; standardise the product")
        mean = _means(values)
        _cut(self, mean.index)
        low = mean[mean <= 0]
        if len(low):
            problem = f"the figure of a province is {low.iloc[0]:g}"
            where = _place(low.index[:1], ("province",))
            raise SampleError(problem, where=where, expected="figures above zero")
        share = mean.reindex(self.labels) / mean.mean()
        return _Weights(self.matrix * share, f"nested, {self.kind}, economic share")

    def to_pysal(self) -> W:
        """Return the weights as libpysal's, with the values they have here."""
        from libpysal.weights import full2W

        return full2W(self.matrix.to_numpy(), self.labels.tolist(), silence_warnings=True)


def align(
    weights: _Weights | pd.DataFrame, frame: pd.Series | pd.DataFrame, subset: bool = False
) -> _Weights:
    """Return the weights in the order in which provinces appear in `frame`.

    Parameters
    ----------
    weights : weights of this module, or DataFrame
        A table has the provinces' codes on both axes, in any order.
    frame : Series or DataFrame
        Indexed by province or (province, year).
    subset : bool
        Cut the weights to the provinces of `frame`; rows of standardised
        weights are standardised again, as their sums change.

    Returns
    -------
    weights of this module
        With ``matrix``, ``labels``, ``islands``, ``row_standardised()``, ``nested()`` and
        ``to_pysal()``.

    Raises
    ------
    nqpf.errors.SampleError
        If `frame` has a province that the weights lack, or, unless `subset`,
        the other way round; the message lists them. Also if a table is not square,
        its axes differ, or a weight is not finite, negative or on the diagonal.

    Notes
    -----
    A matrix without codes cannot be checked: in another order it gives other results, and
    nothing says so. So a lag is refused when provinces differ, and a cut is asked for in words;
    a sum over fewer neighbours is no mean, which is why rows are then standardised again.

    Examples
    --------
    >>> w = contiguity(hainan=True).row_standardised()
    >>> part = pd.Series([1.0, 2.0, 4.0], index=[130000, 110000, 120000])
    >>> align(w, part, subset=True).matrix.loc[130000].tolist()
    [0.0, 0.5, 0.5]
    """
    known = weights if isinstance(weights, _Weights) else _Weights(_checked(weights))
    return _cut(known, frame.index.get_level_values(0).unique(), subset)


def _cut(
    weights: _Weights, units: pd.Index, subset: bool = False, where: dict[str, object] | None = None
) -> _Weights:
    """Return the weights in the order of `units`; refuse others, `where` being their place."""
    unknown = units.difference(weights.labels, sort=False)
    absent = weights.labels.difference(units, sort=False)
    if len(unknown) or (len(absent) and not subset):
        sides = {"weights": unknown, "data": absent}
        parts = [f"not in the {side}: {_listed(own)}" for side, own in sides.items() if len(own)]
        problem = f"weights and data have different provinces; {'; '.join(parts)}"
        hint = "align(weights, frame, subset=True) cuts weights to the provinces of the data"
        if len(unknown):
            hint = "use weights for these provinces, labelled by the same codes"
        raise SampleError(problem, where=where, expected="the same provinces in both", hint=hint)
    if weights.labels.equals(units):
        return weights
    own = replace(weights, matrix=weights.matrix.loc[units, units])
    return own.row_standardised() if weights.standardised and len(absent) else own


def _checked(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return a float copy with columns in the order of the rows."""
    if not isinstance(matrix, pd.DataFrame):
        expected = "a DataFrame with the provinces' codes on both axes"
        hint = "weights without codes can be in any order"
        raise SampleError(f"weights are a {type(matrix).__name__}", expected=expected, hint=hint)
    rows, columns = matrix.index, matrix.columns
    for labels in (rows, columns):
        if labels.has_duplicates:
            double = _place((labels[labels.duplicated()][0],), ("province",))
            raise SampleError("a label of the weights is there twice", where=double)
    differing = rows.symmetric_difference(columns).tolist()
    if len(rows) == 0 or differing:
        problem = f"axes of the weights differ: {len(rows)} rows, {len(columns)} columns, "
        problem += f"{_listed(differing)} on one of them only"
        raise SampleError(problem, expected="the same provinces on both axes, one or more")
    matrix = matrix[rows].astype(float)
    _check_finite(matrix.rename_axis("province"), "the weights")
    values = matrix.to_numpy()
    wrong = np.argwhere((values < 0) | (np.eye(len(values), dtype=bool) & (values != 0)))
    if len(wrong):
        row, column = wrong[0]
        where = _place((rows[row], rows[column]), ("province", "neighbour"))
        expected = "weights of zero or more with a zero diagonal"
        raise SampleError(f"a weight is {values[row, column]:g}", where=where, expected=expected)
    return matrix


def _listed(labels: pd.Index | list[object]) -> str:
    shown = [str(_place((label,), ("province",))["province"]) for label in labels[:8]]
    return ", ".join(shown) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")


def _figures(values: pd.Series, what: str) -> pd.Series:
    """Return figures as floats, refused unless one per province, or per province and year."""
    label = values.name or "values"
    if values.empty or values.index.nlevels > 2 or values.index.has_duplicates:
        problem = f"{what} has {len(values)} rows, {values.index.nlevels} index level(s) "
        problem += f"and {int(values.index.duplicated().sum())} repeated key(s)"
        raise SampleError(problem, expected="one row per province, or per province and year")
    frame = values.rename(label).to_frame()
    named = values.index.nlevels == 2 or values.index.name
    _check_finite(frame if named else frame.rename_axis("province"), what)
    return values.astype(float)


def _means(values: pd.Series) -> pd.Series:
    own = _figures(values, "the economic figures")
    return own.groupby(own.index.get_level_values(0), sort=False).mean()


def _great_circle(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return distances along a sphere in km by the haversine formula; places in degrees.

    Examples
    --------
    >>> round(float(_great_circle((0, 0), (0, 90))))  # a quarter of the equator
    10008
    """
    (phi, turn), (other_phi, other_turn) = np.radians(here), np.radians(there)
    half = np.sin((other_phi - phi) / 2) ** 2
    half = half + np.cos(phi) * np.cos(other_phi) * np.sin((other_turn - turn) / 2) ** 2
    return 2 * _RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def contiguity(hainan: bool = False) -> _Weights:
    """Return binary weights of the provinces that share a land border.

    Parameters
    ----------
    hainan : bool
        Link Hainan to Guangdong across the strait; it is an island otherwise.

    Returns
    -------
    weights of this module
        See :func:`align`.

    Examples
    --------
    >>> contiguity().islands
    (460000,)
    """
    codes = provinces.codes()
    matrix = pd.DataFrame(0.0, index=codes, columns=codes)
    for code in codes:
        matrix.loc[code, provinces._neighbours(code, hainan)] = 1.0
    kind = "contiguity, Hainan with Guangdong" if hainan else "contiguity, Hainan alone"
    return _Weights(matrix, kind)


def inverse_distance(power: float = 1, cutoff: float | None = None) -> _Weights:
    """Return weights that fall with the distance of the capitals along the great circle.

    Parameters
    ----------
    power : float
        Above 0; 1 and 2 are usual.
    cutoff : float or None
        Distance in km beyond which a weight is zero.

    Returns
    -------
    weights of this module
        See :func:`align`.

    Raises
    ------
    nqpf.errors.MethodError
        If a number is not above zero.

    Examples
    --------
    >>> w = inverse_distance()
    >>> round(1 / w.matrix.loc[110000, 120000])  # Beijing to Tianjin, km
    114
    """
    between("power", power, 0, open_ends=True)
    places = provinces._table()[["latitude", "longitude"]].to_numpy().T
    far = _great_circle(places[:, :, None], places[:, None])
    np.fill_diagonal(far, np.inf)
    kind = f"inverse distance, power {power:g}"
    if cutoff is not None:
        far[far > between("cutoff", cutoff, 0, open_ends=True)] = np.inf
        kind += f", up to {cutoff:g} km"
    codes = provinces.codes()
    return _Weights(pd.DataFrame(far**-power, codes, codes), kind)


def economic_distance(values: pd.Series) -> _Weights:
    """Return weights that fall with the difference of a figure, 1/abs(y_i - y_j).

    Parameters
    ----------
    values : Series
        By province, or by (province, year), of which the mean is taken: GDP
        per person, say. Take years before the sample, or the weights move
        with what they should explain.

    Returns
    -------
    weights of this module
        See :func:`align`.

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
        problem = f"two provinces have the same figure {mean.iloc[pair[0]]:g}"
        where = _place(tuple(mean.index[pair]), ("province", "other"))
        expected = "different figures, as the weight is one over their difference"
        raise SampleError(problem, where=where, expected=expected)
    return _Weights(pd.DataFrame(1 / gap, mean.index, mean.index), "economic distance")
