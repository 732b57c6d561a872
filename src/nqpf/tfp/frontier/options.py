"""Options of a frontier, and checks on them and on the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.tfp.frontier.technology import CONSTANT, TREND
from nqpf.tfp.sample import by_key, check_positive, nearest

__all__ = ["Model", "checked", "columns_of", "independent", "levels"]

FORMS = ("cobb-douglas", "translog")
MODELS = ("1992", "1995")
DISTRIBUTIONS = ("half-normal", "truncated")
TRENDS = ("none", "neutral", "non-neutral")
# Names that parameters have.
RESERVED = (CONSTANT, TREND, "mu", "sigma2", "gamma", "eta")


@dataclass(frozen=True)
class Model:
    """The options of :func:`nqpf.tfp.frontier.battese_coelli`."""

    output: str
    inputs: tuple[str, ...]
    form: str
    inefficiency: str
    distribution: str | None
    decay: bool | None
    determinants: tuple[str, ...]
    trend: str
    max_iterations: int

    def on(self, data: pd.DataFrame) -> Model:
        """Return the model for a sample, with its default of `decay`.

        Raises
        ------
        nqpf.errors.SampleError
            If one year is to show change over time, or one unit a distribution of units.
        """
        units = data.index.get_level_values(0).nunique()
        years = data.index.get_level_values(1).nunique()
        if units == 1:
            raise SampleError(
                "one unit does not show a distribution of inefficiency", expected="several units"
            )
        for wanted, what in ((self.decay, "decay"), (self.trend != "none", "trend")):
            if wanted and years == 1:
                raise SampleError(f"{what} needs more than one year", expected="a panel")
        shared = self.inefficiency == "1992"
        return replace(self, decay=shared and years > 1 if self.decay is None else self.decay)


def checked(model: Model) -> Model:
    """Return the model with its default distribution.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or two do not go together.
    """
    _known(model.form, FORMS, "form")
    _known(model.inefficiency, MODELS, "inefficiency")
    _known(model.trend, TRENDS, "trend")
    late = model.inefficiency == "1995"
    if model.distribution is None:
        model = replace(model, distribution="truncated" if late else "half-normal")
    _known(model.distribution, DISTRIBUTIONS, "distribution")
    if late and model.decay:
        raise MethodError(
            "the 1995 model has no decay", expected="inefficiency='1992', or time as a determinant"
        )
    if model.determinants and (not late or model.distribution == "half-normal"):
        raise MethodError(
            "determinants shift the mean before truncation",
            expected="inefficiency='1995' and distribution='truncated'",
        )
    if model.max_iterations < 1:
        raise MethodError(f"max_iterations is {model.max_iterations}", expected="at least 1")
    return _named(model)


def _named(model: Model) -> Model:
    if not model.inputs:
        raise MethodError("no inputs", expected="one input or more")
    for names in ((model.output, *model.inputs), model.determinants):
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise MethodError(f"{twice[0]!r} is named twice", expected="different columns")
    if model.output in model.determinants:
        raise MethodError(
            f"{model.output!r} is the output and a determinant", expected="another determinant"
        )
    for name in model.inputs:
        if name in RESERVED or "*" in name or "^" in name:
            raise MethodError(
                f"an input is called {name!r}, like a parameter", expected="another name"
            )
    return model


def _known(given: str, known: tuple[str, ...], what: str) -> None:
    if given not in known:
        raise MethodError(
            f"unknown {what} {given!r}",
            expected=" or ".join(map(repr, known)),
            hint=nearest(given, known),
        )


def columns_of(given: Sequence[str], what: str) -> tuple[str, ...]:
    """Return names as a tuple.

    Raises
    ------
    nqpf.errors.MethodError
        If one name is given bare, whose letters would be taken for names.
    """
    if isinstance(given, str):
        raise MethodError(f"{what} is the name {given!r}", expected=f"a list such as [{given!r}]")
    return tuple(given)


def levels(frame: pd.DataFrame, model: Model, unit: str, time: str) -> pd.DataFrame:
    """Return the columns the model needs, sorted by unit and whole year.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError
        As :func:`nqpf.tfp.frontier.battese_coelli` says.
    """
    columns = [model.output, *model.inputs, *model.determinants]
    data = by_key(frame, columns, unit, time, "the frame")
    if not pd.api.types.is_integer_dtype(data.index.get_level_values(1)):
        raise SampleError("times are not whole years", expected="integers", where={"column": time})
    for name in (model.output, *model.inputs):
        check_positive(data[name], name, "a positive level, as logarithms are taken here")
    return data


def independent(columns: pd.DataFrame, what: str) -> None:
    """Raise when a column is a combination of those before it.

    Raises
    ------
    nqpf.errors.EstimationError
        Names the first such column.
    """
    values = columns.to_numpy(float)
    scaled = values / np.sqrt((values**2).mean(axis=0)).clip(np.finfo(float).tiny)
    diagonal = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    # Rows fewer than columns leave the rest without a diagonal.
    diagonal = np.append(diagonal, np.zeros(columns.shape[1] - len(diagonal)))
    bad = np.flatnonzero(diagonal <= 1e-9 * diagonal[0])
    if len(bad):
        raise EstimationError(
            f"{what} are collinear",
            where={"variable": columns.columns[int(bad[0])]},
            expected="columns that differ from combinations of the others",
            hint="drop the variable, or a trend that goes with every unit",
        )
