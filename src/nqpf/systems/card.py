"""The schema of a system's card and of the shared indicators."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nqpf.systems.cardfile import Bilingual, Key, Strict, Text

__all__ = ["Card", "Choice", "Dimension", "Indicator", "Indicators", "Steps", "Use"]

Status = Literal["S", "V", "B"]


class Indicator(Strict):
    """An indicator that several systems may share, defined once in ``data/indicators.yaml``."""

    name: Bilingual
    formula: Text
    unit: Text
    direction: Literal["benefit", "cost"]
    note: Text | None = None


class Indicators(Strict):
    """``data/indicators.yaml``: every shared indicator by its key."""

    indicators: dict[Key, Indicator] = Field(min_length=1)


class Use(Strict):
    """Why an indicator stands for a dimension, and the one usual indicator it replaces, if any."""

    use: Key
    status: Status
    reason: Text
    proxy_for: Text | None = None


class Dimension(Strict):
    """A dimension; `name` is given only where the study states no dimensions.

    `missing` names the usual indicators that open data neither hold nor
    replace by a proxy.
    """

    key: Key
    name: Bilingual | None = None
    note: Text | None = None
    indicators: tuple[Use, ...] = Field(min_length=1)
    missing: tuple[Text, ...] = ()


class Choice(Strict):
    """A step of the default recipe, with its status."""

    method: Key
    status: Status


class Steps(Strict):
    """A recipe: one choice per step."""

    normalise: Choice
    weights: Choice
    aggregate: Choice


class Card(Strict):
    """``data/systems/<key>.yaml``: how this book fills a study's dimensions.

    `recipe` is the default; `also` holds the further recipes of a study that
    sets several beside each other.
    """

    key: Key
    study: Key
    name: Bilingual
    recipe: Steps
    also: tuple[Steps, ...] = ()
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    note: Text | None = None
