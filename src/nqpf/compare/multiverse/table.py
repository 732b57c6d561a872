"""The table of the multiverse: identifiers spelt out, and its plain form on the disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.compare.multiverse.declaration import AXES, Declaration
from nqpf.errors import DataError

__all__ = ["FIGURES", "ONCE", "SIZES", "labelled", "long", "wide"]

ONCE = ("estimate", "within", "partial")  # the same whatever the errors
FIGURES = (*ONCE, "std_error", "pvalue")
SIZES = ("nobs", "groups", "df")


def labelled(
    results: pd.DataFrame, declaration: Declaration, choices: pd.DataFrame
) -> pd.DataFrame:
    """Return results with the choices that their identifiers stand for."""
    levels = declaration.levels
    shape = [len(values) for values in levels.values()]
    if len(results) and results["id"].max() >= np.prod(shape):
        raise DataError("an identifier lies outside of the declared grid")
    codes = dict(zip(AXES, np.unravel_index(results["id"].to_numpy(), shape), strict=True))
    columns: dict[str, object] = {"id": results["id"]}
    parts = [relation.split(":") for relation in levels["relation"]]
    of_relation = {
        "direction": [direction for direction, _ in parts],
        "outcome": [name if way == "driver" else "measure" for way, name in parts],
        "determinant": [name if way == "determinant" else "measure" for way, name in parts],
        "variable": [name for _, name in parts],
    }
    for name, labels in of_relation.items():
        columns[name] = _categorical(labels, codes["relation"])
    for axis in AXES[1:]:
        columns[axis] = pd.Categorical.from_codes(codes[axis], levels[axis])
        if axis == "measure":
            known = choices.reindex(levels["measure"]).fillna("")
            for name in choices.columns:
                columns[name] = _categorical(list(known[name]), codes["measure"])
    figures = {name: results[name] for name in (*ONCE, "std_error")}
    figures["pvalue"] = _pvalues(results).astype(np.float32)
    return pd.DataFrame(columns | figures | {name: results[name] for name in SIZES})


def _pvalues(results: pd.DataFrame) -> np.ndarray:
    """Return two-sided p values of estimates over their standard errors."""
    from scipy import special

    size = results["estimate"].to_numpy(dtype=float) / results["std_error"].to_numpy(dtype=float)
    df = results["df"].to_numpy(dtype=float)
    below = np.where(df == 0, special.ndtr(-np.abs(size)), special.stdtr(df, -np.abs(size)))
    return 2 * below


def wide(table: pd.DataFrame, errors: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a row per estimate: what is the same for all errors once, the rest by their kind.

    P values follow from the rest.
    """
    kind = table["id"].to_numpy() % len(errors)
    first = table[kind == 0]
    if len(first) * len(errors) != len(table):
        raise DataError("an estimate lacks one of its standard errors")
    columns = {"id": first["id"].to_numpy(np.int32)}
    columns |= {name: first[name].to_numpy(np.float32) for name in ONCE}
    columns |= {name: first[name].to_numpy(np.int16) for name in ("nobs", "groups")}
    for number, name in enumerate(errors):
        own = table[kind == number]
        columns[f"std_error, {name}"] = own["std_error"].to_numpy(np.float32)
        columns[f"df, {name}"] = own["df"].to_numpy(np.int16)
    return columns


def long(stored: pd.DataFrame, errors: Sequence[str]) -> pd.DataFrame:
    """Return the rows that :func:`wide` took together."""
    same = ["id", *ONCE, "nobs", "groups"]
    parts = []
    for number, name in enumerate(errors):
        part = stored[same].assign(std_error=stored[f"std_error, {name}"], df=stored[f"df, {name}"])
        parts.append(part.assign(id=part["id"] + number))
    return pd.concat(parts).sort_values("id", ignore_index=True)


def _categorical(labels: list[str], codes: np.ndarray) -> pd.Categorical:
    """Return one label per code, as categories in order of first use."""
    categories = list(dict.fromkeys(labels))
    place = np.array([categories.index(label) for label in labels])
    return pd.Categorical.from_codes(place[codes], categories)
