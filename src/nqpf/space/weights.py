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
from nqpf.errors import MethodError, SampleError
from nqpf.sample import _check_finite, place

if TYPE_CHECKING:
    from libpysal.weights import W

__all__ = [
    "EARTH_RADIUS",
    "Weights",
    "align",
    "check_figures",
    "compare_labels",
    "contiguity",
    "distances",
    "economic_distance",
    "great_circle",
    "inverse_distance",
    "nested",
]

_SUM = 1e-9  # rows of standardised weights add up to one within this


@dataclass(frozen=True)
class Weights:
    """Spatial weights of n provinces.

    Attributes
    ----------
    matrix : DataFrame (n, n)
        Weight of the column's province in the row's; one set of labels on
        both axes, zero diagonal, nothing negative.
    kind : str
        What the weights are, for tables and notes.
    standardised : bool
        Every row adds up to one, but those of islands, which are zero.

    Raises
    ------
    nqpf.errors.SampleError
        If the matrix is not square, its axes differ, or a weight is not finite,
        negative or on the diagonal.
    nqpf.errors.MethodError
        If rows of ``standardised`` weights do not add up to one.

    Examples
    --------
    >>> from nqpf.space import contiguity
    >>> w = contiguity(hainan=True).row_standardised()
    >>> w
    Weights(contiguity, Hainan with Guangdong; 31 provinces, row-standardised)
    >>> float(w.matrix.loc[460000, 440000])
    1.0
    """

    matrix: pd.DataFrame
    kind: str = "given"
    standardised: bool = False

    def __post_init__(self) -> None:
        matrix = _checked(self.matrix)
        object.__setattr__(self, "matrix", matrix)
        sums = matrix.sum(axis=1)
        off = sums[(sums > 0) & ((sums - 1).abs() > _SUM)]
        if self.standardised and len(off):
            raise MethodError(
                f"a row of standardised weights adds up to {off.iloc[0]:g}",
                where=place((off.index[0],), ("province",)),
                expected="1, or 0 for an island",
                hint="leave standardised=False and call row_standardised()",
            )

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

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues (n,), ascending; real where rounding alone makes them complex."""
        values = np.linalg.eigvals(self.matrix.to_numpy())
        if np.abs(values.imag).max(initial=0.0) <= 1e-9 * max(np.abs(values).max(initial=0.0), 1.0):
            values = values.real
        return np.sort(values)

    def row_standardised(self) -> Weights:
        """Return the weights divided by their row sums; islands keep their zeros."""
        sums = self.matrix.sum(axis=1)
        matrix = self.matrix.div(sums.where(sums > 0, 1.0), axis=0)
        return replace(self, matrix=matrix, standardised=True)

    def lag(self, values: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
        """Return the weighted sum of the neighbours' figures, joined by province and year.

        Parameters
        ----------
        values : Series or DataFrame
            By province or by (province, year), in any order; every year has
            exactly the provinces of the weights.

        Returns
        -------
        Series or DataFrame
            With the index of `values`; zero for islands.

        Raises
        ------
        nqpf.errors.SampleError
            If provinces differ in a year, a key is there twice or a figure is missing.

        Examples
        --------
        >>> from nqpf.space import contiguity
        >>> w = contiguity().row_standardised()
        >>> ones = pd.Series(1.0, index=w.labels[::-1])
        >>> lag = w.lag(ones)
        >>> float(lag[110000]), float(lag[460000])
        (1.0, 0.0)
        """
        frame = values.to_frame() if isinstance(values, pd.Series) else values
        check_figures(frame, "the table to lag")
        if frame.index.has_duplicates:
            double = frame.index[frame.index.duplicated()][0]
            raise SampleError(
                "the table to lag holds a key more than once",
                where=place(double if isinstance(double, tuple) else (double,), frame.index.names),
            )
        if frame.index.nlevels == 1:
            lagged = self._lag_one(frame, {})
        else:
            name = frame.index.names[1] or "year"
            parts = {
                year: self._lag_one(own.droplevel(1), {name: year})
                for year, own in frame.groupby(level=1, sort=False)
            }
            lagged = pd.concat(parts).swaplevel().rename_axis(frame.index.names)
        lagged = lagged.reindex(frame.index)
        return lagged.iloc[:, 0] if isinstance(values, pd.Series) else lagged

    def _lag_one(self, frame: pd.DataFrame, where: dict[str, object]) -> pd.DataFrame:
        compare_labels(self.labels, frame.index, where, subset=False)
        return self.matrix @ frame.reindex(self.labels)

    def to_pysal(self) -> W:
        """Return the weights as libpysal's, with the values they have here."""
        from libpysal.weights import W

        linked = {unit: row[row > 0] for unit, row in self.matrix.iterrows()}
        return W(
            {unit: row.index.tolist() for unit, row in linked.items()},
            {unit: row.tolist() for unit, row in linked.items()},
            id_order=self.labels.tolist(),
            silence_warnings=True,
        )


def _checked(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return a float copy with columns in the order of the rows."""
    if not isinstance(matrix, pd.DataFrame):
        raise SampleError(
            f"weights are a {type(matrix).__name__}",
            expected="a DataFrame with the provinces' codes on both axes",
            hint="weights without codes can be in any order",
        )
    rows, columns = matrix.index, matrix.columns
    if rows.has_duplicates or columns.has_duplicates:
        double = [*rows[rows.duplicated()], *columns[columns.duplicated()]][0]
        raise SampleError("a label of the weights is there twice", where={"province": double})
    if len(rows) == 0 or len(rows) != len(columns) or len(rows.symmetric_difference(columns)):
        differing = rows.symmetric_difference(columns).tolist()
        raise SampleError(
            f"axes of the weights differ: {len(rows)} rows, {len(columns)} columns, "
            f"{_listed(differing)} on one of them only",
            expected="the same provinces on both axes, one or more",
        )
    matrix = matrix[rows].astype(float)
    check_figures(matrix, "the weights")
    values = matrix.to_numpy()
    own = np.eye(len(values), dtype=bool) & (values != 0)
    for wrong, problem in ((values < 0, "negative"), (own, "a province's weight in itself")):
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise SampleError(
                f"a weight is {values[row, column]:g}, {problem}",
                where=place((rows[row], rows[column]), ("province", "neighbour")),
                expected="weights of zero or more with a zero diagonal",
            )
    return matrix


def align(weights: Weights, frame: pd.Series | pd.DataFrame, subset: bool = False) -> Weights:
    """Return the weights in the order in which provinces appear in `frame`.

    Parameters
    ----------
    weights : Weights
    frame : Series or DataFrame
        Indexed by province or (province, year).
    subset : bool
        Cut the weights to the provinces of `frame`; rows of standardised
        weights are standardised again, as their sums change.

    Returns
    -------
    Weights

    Raises
    ------
    nqpf.errors.SampleError
        If `frame` has a province that the weights lack, or, unless `subset`,
        the other way round; the message lists them.

    Examples
    --------
    >>> from nqpf.space import contiguity
    >>> w = contiguity(hainan=True).row_standardised()
    >>> part = pd.Series([1.0, 2.0, 4.0], index=[130000, 110000, 120000])
    >>> align(w, part, subset=True).matrix.loc[130000].tolist()
    [0.0, 0.5, 0.5]
    """
    units = frame.index.get_level_values(0).unique()
    compare_labels(weights.labels, units, {}, subset)
    if weights.labels.equals(units):
        return weights
    matrix = weights.matrix.loc[units, units]
    cut = replace(weights, matrix=matrix, standardised=False)
    if not weights.standardised:
        return cut
    if len(units) < len(weights.labels):
        return cut.row_standardised()
    return replace(weights, matrix=matrix)


def check_figures(frame: pd.DataFrame, what: str) -> None:
    """Raise as nqpf.sample does, also for an index of provinces alone."""
    if frame.index.nlevels == 1:
        keys = [(label,) for label in frame.index]
        single = pd.MultiIndex.from_tuples(keys, names=[frame.index.name or "province"])
        frame = frame.set_axis(single)
    _check_finite(frame, what)


def compare_labels(
    labels: pd.Index, units: pd.Index, where: dict[str, object], subset: bool
) -> None:
    """Raise when weights and data have different provinces.

    Parameters
    ----------
    labels, units : Index
        Provinces of the weights and of the data.
    where : dict
        Place for the message, such as the year.
    subset : bool
        Allow provinces that are in the weights only.

    Raises
    ------
    nqpf.errors.SampleError
        Lists the provinces on one side only.
    """
    unknown = units.difference(labels, sort=False)
    absent = [] if subset else labels.difference(units, sort=False)
    if not len(unknown) and not len(absent):
        return
    parts = [f"not in the weights: {_listed(unknown)}"] if len(unknown) else []
    parts += [f"not in the data: {_listed(absent)}"] if len(absent) else []
    raise SampleError(
        f"weights and data have different provinces; {'; '.join(parts)}",
        where=where,
        expected="the same provinces in both",
        hint="align(weights, frame, subset=True) cuts weights to the provinces of the data"
        if not len(unknown)
        else "use weights for these provinces, labelled by the same codes",
    )


def _listed(labels: pd.Index | list[object]) -> str:
    shown = [str(place((label,), ("province",))["province"]) for label in labels[:8]]
    return ", ".join(shown) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")


EARTH_RADIUS = 6371.0088  # km, mean radius of the ellipsoid (IUGG)


def great_circle(
    latitude: np.ndarray | float,
    longitude: np.ndarray | float,
    other_latitude: np.ndarray | float,
    other_longitude: np.ndarray | float,
) -> np.ndarray:
    """Return distances along the surface of a sphere in km, by the haversine formula.

    Parameters
    ----------
    latitude, longitude, other_latitude, other_longitude : float or array
        Degrees; arrays are broadcast against each other.

    Examples
    --------
    >>> round(float(great_circle(0, 0, 0, 90)))  # a quarter of the equator
    10008
    """
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    turn = np.radians(other_longitude) - np.radians(longitude)
    half = np.sin((other_phi - phi) / 2) ** 2
    half = half + np.cos(phi) * np.cos(other_phi) * np.sin(turn / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def distances() -> pd.DataFrame:
    """Return the distances of the 31 capitals in km, codes on both axes.

    Examples
    --------
    >>> round(distances().loc[110000, 310000])  # Beijing to Shanghai
    1067
    """
    table = provinces.table()
    latitude, longitude = table["latitude"].to_numpy(), table["longitude"].to_numpy()
    far = great_circle(latitude[:, None], longitude[:, None], latitude, longitude)
    np.fill_diagonal(far, 0.0)
    codes = provinces.codes()
    return pd.DataFrame(far, index=codes, columns=codes)


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
        matrix.loc[code, provinces._neighbours(code, hainan)] = 1.0
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
