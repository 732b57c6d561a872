"""The recipe: which normalisation, weights and aggregation make an index."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.index import aggregate, normalise, weights
from nqpf.index._names import require_known
from nqpf.index.result import Index, names

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

__all__ = ["Recipe"]

Method = Callable[..., np.ndarray]

# The data a method may ask for by parameter name; its other parameters are options.
_DATA = ("x", "benefit", "years", "names", "dimension", "z", "w")

# Weightings that take shares of a total, so that values below zero have no meaning.
_SHARES = frozenset({"entropy", "ahp_entropy"})


@dataclass(frozen=True, init=False)
class Recipe:
    """Three methods by name, and their options.

    Parameters
    ----------
    normalise : str
        Name in ``nqpf.index.normalise.METHODS``.
    weights : str
        Name in ``nqpf.index.weights.METHODS``.
    aggregate : str
        Name in ``nqpf.index.aggregate.METHODS``.
    **options
        Options of the three methods by name, for example ``shift=1e-4``.

    Raises
    ------
    nqpf.errors.MethodError
        If a method or an option is unknown, or the normalisation gives values
        below zero that the weights or the aggregation cannot use; the message
        lists the valid ones.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"r_and_d": [6.8, 4.4, 3.4], "energy": [0.2, 0.3, 0.2]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values,
    ...     benefit=pd.Series({"r_and_d": True, "energy": False}),
    ...     dimension=pd.Series({"r_and_d": "technology", "energy": "green"}))
    >>> index = Recipe(weights="equal", aggregate="linear").fit(matrix)
    >>> index.scores.round(3).tolist()
    [1.0, 0.147, 0.5]
    """

    normalise: str
    weights: str
    aggregate: str
    options: Mapping[str, Any] = field(hash=False)

    def __init__(
        self,
        normalise: str = "minmax",
        weights: str = "entropy",
        aggregate: str = "topsis",
        **options: Any,
    ) -> None:
        chosen = {"normalise": normalise, "weights": weights, "aggregate": aggregate}
        for stage, name in chosen.items():
            object.__setattr__(self, stage, name)
        object.__setattr__(self, "options", options)
        self._check_options()
        self._check_signs()

    def _methods(self) -> tuple[Method, Method, Method]:
        """Return the three functions, in the order they run."""
        return (
            _lookup("normalisation", self.normalise, normalise.METHODS),
            _lookup("weighting", self.weights, weights.METHODS),
            _lookup("aggregation", self.aggregate, aggregate.METHODS),
        )

    def _check_options(self) -> None:
        """Raise unless every option is known and none is lacking."""
        methods = self._methods()
        valid = sorted({key for method in methods for key in _options(method)})
        for key in self.options:
            require_known("option", key, valid)
        for method in methods:
            for key, parameter in _options(method).items():
                if parameter.default is parameter.empty and key not in self.options:
                    raise MethodError(
                        f"the option {key!r} is lacking",
                        where={"method": method.__name__},
                        expected=f"Recipe(..., {key}=...)",
                    )

    def _check_signs(self, z: np.ndarray | None = None) -> None:
        """Raise if values below zero would meet a method that cannot use them."""
        below = self.normalise in normalise.SIGNED if z is None else z.min() < 0
        stages = {
            "weights": (self.weights, weights.METHODS, _SHARES),
            "aggregate": (self.aggregate, aggregate.METHODS, aggregate.NON_NEGATIVE),
        }
        wrong = [name for name, _, refused in stages.values() if name in refused]
        if not (below and wrong):
            return
        works = [
            f"{stage} one of {', '.join(sorted(set(valid) - refused))}"
            for stage, (_, valid, refused) in stages.items()
        ]
        raise MethodError(
            f"{self.normalise!r} gives values below zero, which {' and '.join(wrong)} cannot use",
            expected="normalise one of " + ", ".join(sorted(normalise.UNIT)),
            hint=f"or keep {self.normalise!r} with " + " and ".join(works),
        )

    def __str__(self) -> str:
        options = "".join(f", {key}={value}" for key, value in self.options.items())
        return f"{self.normalise}, {self.weights}, {self.aggregate}{options}"

    def fit(self, matrix: IndicatorMatrix) -> Index:
        """Make the index of a matrix of indicators; the matrix stays as it is.

        Parameters
        ----------
        matrix : IndicatorMatrix
            Anything with ``values`` (DataFrame indexed ``(province, year)``),
            ``benefit`` and ``dimension`` (Series by indicator) will do.

        Returns
        -------
        Index

        Raises
        ------
        nqpf.errors.SampleError
            If the matrix is empty, a row is there twice, a value is missing
            or not finite (named by province, year and indicator), or an
            indicator has no direction or dimension.
        nqpf.errors.DataError
            If every indicator is constant.
        nqpf.errors.MethodError
            If normalised values below zero meet weights or an aggregation
            that cannot use them.

        Warns
        -----
        nqpf.index.normalise.ConstantIndicatorWarning
            If an indicator is constant; the message names it.
        """
        values = matrix.values
        _check(values)
        keys = list(values.columns)
        dimension = _by_indicator(matrix.dimension, keys, "dimension").astype(str)
        data = {
            "x": values.to_numpy(dtype=np.float64),
            "benefit": _by_indicator(matrix.benefit, keys, "benefit").to_numpy(),
            "years": values.index.get_level_values("year").to_numpy(),
            "names": keys,
            "dimension": dimension.to_numpy(),
        }
        normalising, weighting, aggregating = self._methods()
        data["z"] = z = self._call(normalising, data)
        self._check_signs(z)
        data["w"] = w = self._call(weighting, data)
        scores = self._call(aggregating, data)
        scoring = aggregate.WITHIN_DIMENSION.get(self.aggregate, aggregating)
        parts = {
            key: self._within(scoring, data, (dimension == key).to_numpy())
            for key in dimension.unique()
        }
        contributions = None
        if self.aggregate in aggregate.ADDITIVE:
            contributions = pd.DataFrame(z * w, index=values.index, columns=values.columns)
        return Index(
            scores=pd.Series(scores, index=values.index, name="score"),
            weights=pd.Series(w, index=values.columns, name="weight"),
            dimension_scores=pd.DataFrame(parts, index=values.index),
            contributions=contributions,
            normalised=pd.DataFrame(z, index=values.index, columns=values.columns),
            recipe=self,
            matrix=matrix,
            comparable_over_time=self.normalise not in normalise.WITHIN_YEAR,
        )

    def _call(self, method: Method, data: Mapping[str, Any]) -> np.ndarray:
        wanted = inspect.signature(method).parameters
        given = {key: data[key] for key in wanted if key in _DATA}
        return method(**given, **{k: v for k, v in self.options.items() if k in wanted})

    def _within(self, method: Method, data: Mapping[str, Any], own: np.ndarray) -> np.ndarray:
        """Aggregate the indicators of one dimension, their weights rescaled to sum to 1."""
        w = data["w"][own]
        if not w.any():
            return np.full(len(data["z"]), np.nan)
        part = {key: data[key][:, own] for key in ("x", "z")} | {"w": w / w.sum()}
        return self._call(method, {**data, **part})


def _options(method: Method) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(method).parameters
    return {key: parameter for key, parameter in parameters.items() if key not in _DATA}


def _lookup(what: str, name: str, registry: Mapping[str, Method]) -> Method:
    require_known(what, name, registry)
    return registry[name]


def _check(values: pd.DataFrame) -> None:
    """Raise unless labels are unique and every value is a finite number."""
    if list(values.index.names) != ["province", "year"]:
        raise SampleError(
            f"rows are labelled {list(values.index.names)}", expected="an index (province, year)"
        )
    if values.empty:
        raise SampleError(f"the matrix is empty, of shape {values.shape}")
    if values.columns.has_duplicates:
        twice = values.columns[values.columns.duplicated()][0]
        raise SampleError("an indicator is there twice", where={"indicator": twice})
    if values.index.has_duplicates:
        twice = values.index[values.index.duplicated()][0]
        raise SampleError("a province and year are there twice", where=_place(twice))
    for name, column in values.items():
        if not pd.api.types.is_numeric_dtype(column):
            raise SampleError("values are not numbers", where={"indicator": name})
    finite = np.isfinite(values.to_numpy(dtype=np.float64, na_value=np.nan))
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        place = _place(values.index[row]) | {"indicator": values.columns[column]}
        raise SampleError(
            f"value {values.iat[row, column]} cannot be used",
            where=place,
            expected="finite values",
            hint="drop the row or fill the gap by a method of your choice first",
        )


def _place(row: tuple[object, object]) -> dict[str, object]:
    province, year = row
    return {"province": f"{names([province])[0]} ({province})", "year": year}


def _by_indicator(series: pd.Series, keys: list[str], what: str) -> pd.Series:
    """Return the series in the order of the columns, aligned by name."""
    absent = [key for key in keys if key not in series.index or pd.isna(series[key])]
    if absent:
        raise SampleError(
            f"no {what} for {', '.join(map(str, absent))}",
            expected=f"one {what} for each indicator",
        )
    return series.loc[keys]
