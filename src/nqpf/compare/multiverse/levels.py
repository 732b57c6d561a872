"""The schema of a declared grid: axes, their levels and the reason for each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nqpf.systems.cardfile import Bilingual, Key, Strict, Text

__all__ = ["Grid", "Sample", "Variable"]


class Level(Strict):
    """A level of an axis and why it is there."""

    key: Text
    why: Text


class RecipeBlock(Strict):
    """A normalisation with the weights and aggregations crossed under it."""

    normalise: Key
    weights: tuple[Key, ...] = Field(min_length=1)
    aggregate: tuple[Key, ...] = Field(min_length=1)
    why: Text


class Capital(Level):
    """A rule that makes capital of investment."""

    start: int
    depreciation: float = Field(ge=0, lt=1)
    initial: Literal["share", "steady-state"]


class Systems(Strict):
    """The systems whose composites are in the grid."""

    keys: tuple[Key, ...] = Field(min_length=1)
    why: Text


class Measures(Strict):
    """Every way to measure."""

    systems: Systems
    recipes: tuple[RecipeBlock, ...] = Field(min_length=1)
    estimators: tuple[Level, ...] = ()
    capital: tuple[Capital, ...] = ()


class Variable(Strict):
    """An outcome, determinant or control: a formula over the panel and ``real_gdp``.

    Which indicators hold it follows from the formulas, see :mod:`nqpf.systems.holding`.
    """

    name: Bilingual
    formula: Text
    log: bool = False


class Relations(Strict):
    """The variables of one direction and the years between measure and outcome."""

    variables: tuple[Key, ...] = Field(min_length=1)
    lead: int = Field(ge=0, le=3)
    why: Text


class Controls(Level):
    """A set of controls."""

    variables: tuple[Key, ...] = ()


class Sample(Level):
    """What is left out of the rows; breaks of the variables named, where growth spans one."""

    without_provinces: tuple[int, ...] = ()
    without_years: tuple[int, ...] = ()
    without_breaks: tuple[Key, ...] = ()


class Transformation(Strict):
    """How the measure, or the whole equation, is transformed."""

    key: Literal["level", "log", "rank", "difference"]
    why: Text


class Effects(Strict):
    """Fixed effects of the equation in levels."""

    key: Literal["two-way", "unit"]
    why: Text


class Errors(Strict):
    """Standard errors."""

    key: Literal["clustered", "driscoll-kraay", "clustered-period"]
    why: Text


class Window(Strict):
    """Years of the measures."""

    first: int
    last: int
    why: Text


class Grid(Strict):
    """``data/multiverse/grid.yaml``: the axes of the multiverse and their levels."""

    note: Text
    window: Window
    measures: Measures
    variables: dict[Key, Variable]
    driver: Relations
    determinant: Relations
    vintages: tuple[Level, ...] = Field(min_length=1)
    transformations: tuple[Transformation, ...] = Field(min_length=1)
    samples: tuple[Sample, ...] = Field(min_length=1)
    effects: tuple[Effects, ...] = Field(min_length=1)
    controls: tuple[Controls, ...] = Field(min_length=1)
    errors: tuple[Errors, ...] = Field(min_length=1)
    rules: tuple[Level, ...] = ()
