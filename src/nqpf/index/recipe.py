"""The recipe: which normalisation, weights and aggregation make an index."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.index import aggregate, normalise, weights
from nqpf.index.result import Index, names

if TYPE_CHECKING:
    from nqpf.systems import IndicatorMatrix

__all__ = ["Recipe"]

Method = Callable[..., np.ndarray]

# The data a method may ask for by parameter name; its other parameters are options.
_DATA = ("x", "benefit", "years", "names", "z", "w")


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
        If a method or an option is unknown; the message lists the valid ones.

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
        valid = sorted({key for method in self._methods() for key in _options(method)})
        for key in options:
            _require_known("option", key, valid)

    def _methods(self) -> tuple[Method, Method, Method]:
        """Return the three functions, in the order they run."""
        return (
            _lookup("normalisation", self.normalise, normalise.METHODS),
            _lookup("weighting", self.weights, weights.METHODS),
            _lookup("aggregation", self.aggregate, aggregate.METHODS),
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
        }
        normalising, weighting, aggregating = self._methods()
        data["z"] = z = self._call(normalising, data)
        data["w"] = w = self._call(weighting, data)
        scores = self._call(aggregating, data)
        parts = {
            key: self._within(aggregating, data, (dimension == key).to_numpy())
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
        part = {"x": data["x"][:, own], "z": data["z"][:, own], "w": w / w.sum()}
        return self._call(method, {**data, **part})


def _options(method: Method) -> list[str]:
    return [key for key in inspect.signature(method).parameters if key not in _DATA]


def _lookup(what: str, name: str, registry: Mapping[str, Method]) -> Method:
    _require_known(what, name, list(registry))
    return registry[name]


def _require_known(what: str, name: str, valid: list[str]) -> None:
    if name in valid:
        return
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.4)
    raise MethodError(
        f"unknown {what} {name!r}",
        expected="one of " + ", ".join(valid) if valid else f"no {what} for these methods",
        hint=f"did you mean {near[0]!r}" if near else None,
    )


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
