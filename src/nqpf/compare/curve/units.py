"""Where the disagreement comes from, in every unit in which effects can be stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf.compare.curve.choices import variance_shares

if TYPE_CHECKING:
    from nqpf.compare.multiverse.results import Multiverse

__all__ = ["DECOMPOSED", "UNITS", "disagreement"]

# Names of the units on pages, and the column of the results; ranks are those of the second.
UNITS = {"pooled": "estimate", "partial": "partial", "within": "within", "ranks": "partial"}
DECOMPOSED = ("measure", "transformation", "effects", "controls", "sample", "vintage")


def disagreement(multiverse: Multiverse) -> pd.DataFrame:
    """Split the variance of the estimates of each question by choice, in four units.

    Standard deviations over the rows of the regression (``pooled``) do not compare once effects
    of provinces and years are removed, since measures and transformations differ in how much
    of them is left. ``partial`` is the partial correlation, ``within`` counts in standard
    deviations of what the effects leave, and ``ranks`` puts the partial correlations of a
    question in order, so that no distance counts.

    Parameters
    ----------
    multiverse : Multiverse

    Returns
    -------
    DataFrame
        ``direction``, ``variable``, ``unit``, ``axis``; ``first_order`` and ``total``, as
        :func:`nqpf.compare.variance_shares` gives them.

    Raises
    ------
    nqpf.errors.SampleError
        If the estimates of a question are all the same.
    """
    table = multiverse.curve(errors=multiverse.declaration.levels["errors"][0])
    parts = []
    for (direction, variable), own in table.groupby(["direction", "variable"], observed=True):
        for unit, column in UNITS.items():
            values = own[column].astype(float)
            values = values.rank() if unit == "ranks" else values
            shares = variance_shares(own.assign(effect=values), DECOMPOSED, estimate="effect")
            rows = shares.shares[["first_order", "total"]].reset_index()
            parts.append(rows.assign(direction=direction, variable=variable, unit=unit))
    rows = pd.concat(parts, ignore_index=True)
    return rows[["direction", "variable", "unit", "axis", "first_order", "total"]]
