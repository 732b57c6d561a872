"""Weighting methods by name, as a recipe calls them.

A recipe hands a method the data that it asks for by parameter name; its other
parameters are options of the recipe. A new method is one function and one
line in ``METHODS``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import pandas as pd
from numpy.typing import ArrayLike

from nqpf.errors import MethodError
from nqpf.index._arrays import Floats, matrix
from nqpf.index.pursuit import pursuit_weights
from nqpf.index.weights.combine import combination
from nqpf.index.weights.components import pca
from nqpf.index.weights.dispersion import critic, variation
from nqpf.index.weights.improved import ahp_entropy
from nqpf.index.weights.information import entropy, equal
from nqpf.index.weights.judgements import ahp

__all__ = ["METHODS"]


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
