"""A spatial panel as arrays: balanced, complete and in one order with its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress._sample import keyed
from nqpf.regress.effects import check_option, check_request
from nqpf.space.panel.likelihood import lagged
from nqpf.space.panel.spectrum import Spectrum
from nqpf.space.panel.transform import Transformation, transformation
from nqpf.space.weights import Weights, align
from nqpf.tfp.sample import place
from nqpf.tfp.within import check_regressors

__all__ = ["ISLANDS", "SpatialSample", "read"]

ISLANDS = ("refuse", "allow")


@dataclass(frozen=True, eq=False)
class SpatialSample:
    """A balanced panel of n units and T years.

    Attributes
    ----------
    index : MultiIndex (unit, time)
        Sorted; figures are reported by it.
    names : tuple of str
        Regressors, then ``W x`` for each that is lagged.
    outcome : (T, n)
    regressors : (T, n, k)
    weights : Weights
        In the order of the units.
    spectrum : Spectrum
    change : Transformation
    """

    index: pd.MultiIndex
    names: tuple[str, ...]
    outcome: np.ndarray
    regressors: np.ndarray
    weights: Weights
    spectrum: Spectrum
    change: Transformation

    @property
    def units(self) -> int:
        """Number of units."""
        return self.outcome.shape[1]

    @property
    def years(self) -> int:
        """Number of years."""
        return self.outcome.shape[0]

    def series(self, values: np.ndarray, name: str) -> pd.Series:
        """Return (T, n) figures as a series by unit and time."""
        return pd.Series(values.T.ravel(), index=self.index, name=name)


def read(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    weights: Weights | pd.DataFrame,
    effects: str,
    correction: str,
    key: tuple[str, str],
    lags: Sequence[str] = (),
    islands: str = "refuse",
) -> SpatialSample:
    """Check a panel and its weights, join them by unit and return arrays.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError, nqpf.errors.MethodError,
    nqpf.errors.EstimationError
        As :func:`nqpf.space.panel.durbin` says.
    """
    names = check_request(outcome, regressors, "unadjusted")
    check_option("islands", islands, ISLANDS)
    _check_lags(names, lags)
    if isinstance(frame, np.ndarray):
        raise SampleError(
            "the panel is an array",
            expected=f"a DataFrame with {key[0]} and {key[1]}",
            hint="figures without keys can be in any order",
        )
    data = keyed(frame, [outcome, *names], *key)
    units, years = _balanced(data.index)
    joined = align(weights if isinstance(weights, Weights) else Weights(weights), data)
    _check_islands(joined, islands, key[0])
    change = transformation(effects, correction, units, years)
    values = data.to_numpy().reshape(units, years, -1).transpose(1, 0, 2)
    spectrum = Spectrum(joined.matrix.to_numpy())
    x, labels = values[:, :, 1:], list(names)
    if lags:
        chosen = [names.index(name) for name in lags]
        x = np.concatenate([x, lagged(spectrum.matrix, x[:, :, chosen])], axis=2)
        labels += [f"W {name}" for name in lags]
    _check_size(change, units, years, len(labels))
    _check_variation(data.index, values[:, :, 0], x, outcome, labels, change)
    return SpatialSample(data.index, tuple(labels), values[:, :, 0], x, joined, spectrum, change)


def _check_islands(weights: Weights, islands: str, unit: str) -> None:
    if len(weights.islands) == len(weights.labels):
        raise EstimationError(
            "no unit has a neighbour, so there is no lag",
            expected="weights that link some units",
        )
    if weights.islands and islands == "refuse":
        raise SampleError(
            "a unit has no neighbours, so nothing spills over to it and its lag is zero",
            where=place((weights.islands[0],), (unit,)),
            expected="a neighbour for every unit",
            hint="estimate with islands='allow', use weights that link it, such as "
            "contiguity(hainan=True), or leave it out with align(weights, frame, subset=True)",
        )


def _check_lags(names: list[str], lags: Sequence[str]) -> None:
    for name in lags:
        if name not in names:
            raise MethodError(
                f"{name!r} is to be lagged but is no regressor",
                expected=" or ".join(map(repr, names)),
            )
        if list(lags).count(name) > 1 or f"W {name}" in names:
            raise MethodError(
                f"the lag 'W {name}' would be there twice", expected="each regressor and lag once"
            )


def _balanced(index: pd.MultiIndex) -> tuple[int, int]:
    """Return the numbers of units and years; raise unless every unit has every year."""
    units, years = (index.get_level_values(level).unique().sort_values() for level in (0, 1))
    if len(index) < len(units) * len(years):  # a key is there once, so no row is missing if equal
        whole = pd.MultiIndex.from_product([units, years], names=index.names)
        absent = whole.difference(index)
        raise SampleError(
            f"the panel is unbalanced: {len(absent)} row(s) are missing",
            where=place(absent[0], index.names),
            expected="every year of every unit, as a lag takes all neighbours",
            hint="restrict units or years, and cut the weights with align(..., subset=True)",
        )
    return len(units), len(years)


def _check_size(change: Transformation, units: int, years: int, k: int) -> None:
    if change.unit and years < 2:
        raise SampleError("one year is too few for effects of units", expected="two years or more")
    if change.time and units < 3:
        raise SampleError(
            f"{units} units are too few for effects of years", expected="three units or more"
        )
    effects = (units - 1) * change.unit + (years - 1) * change.time + 1
    left = units * years - effects - k - 1
    if left < 1:
        raise EstimationError(
            f"{units} units in {years} years leave {left} degrees of freedom beside "
            f"{k} coefficients, rho and the effects",
            expected="one or more",
            hint="use more years, or fewer regressors or effects",
        )


def _check_variation(
    index: pd.MultiIndex,
    y: np.ndarray,
    x: np.ndarray,
    outcome: str,
    names: list[str],
    change: Transformation,
) -> None:
    """Raise for an outcome or regressors that the effects absorb, or that are collinear."""
    left = np.linalg.norm(change.within(y))
    if left <= 1e-9 * np.linalg.norm(y - y.mean()) or left <= 1e-14 * np.abs(y).max() * y.size:
        raise EstimationError(
            f"outcome {outcome!r} does not vary beside the effects",
            expected="an outcome that they do not fit exactly",
        )
    table = pd.DataFrame(x.transpose(1, 0, 2).reshape(len(index), -1), index, names)
    units, years = y.shape[1], y.shape[0]
    codes = np.repeat(np.arange(units), years), np.tile(np.arange(years), units)
    check_regressors(table, codes[0] if change.unit else None, codes[1] if change.time else None)
    exog = change.within(x).reshape(-1, x.shape[2])
    basis = np.linalg.qr(exog / np.linalg.norm(exog, axis=0))[0]
    own = change.within(y).ravel()
    if np.linalg.norm(own - basis @ (basis.T @ own)) <= 1e-9 * left:
        raise EstimationError(
            f"regressors and effects fit outcome {outcome!r} exactly",
            expected="an outcome with errors",
        )
