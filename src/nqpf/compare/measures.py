"""All measures of new quality productive forces on one sample."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from nqpf.data import Panel
from nqpf.data.panel import DEFAULT_VINTAGE
from nqpf.errors import MethodError, SampleError
from nqpf.index import Recipe
from nqpf.paths import root
from nqpf.systems import System, available
from nqpf.systems.holding import defined
from nqpf.tfp import production, solow_residual
from nqpf.tfp.accounts import BASE
from nqpf.tfp.sample import nearest

__all__ = ["TFP", "measures"]

TFP = "tfp"


def measures(
    panel: Panel,
    systems: Sequence[str] | None = None,
    vintage: str = DEFAULT_VINTAGE,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Return every composite index and TFP where all of them exist.

    Each system is computed on its own complete sample, as its chapter does;
    only then are the scores cut to the province-years that all measures
    share, so that a figure here is the figure printed there.

    Parameters
    ----------
    panel : Panel
        Official figures.
    systems : sequence of str or None
        Keys of the systems; all that have a card when None.
    vintage : str
        Vintage of the national accounts for every measure.
    without : sequence of str
        Indicators to take out of every system before its index is computed, such as
        :func:`nqpf.compare.holders` of what the measures are to be related to. The sample stays
        that of the whole system. TFP is no sum of indicators and stays as it is.

    Returns
    -------
    DataFrame indexed (province, year)
        One column per system key and ``tfp``, the log of total factor
        productivity with a capital share of one half, on figures as published: where
        :meth:`nqpf.data.Panel.breaks` flags employment, its path has a break too.

    Raises
    ------
    nqpf.errors.SampleError
        If no province-year has all measures, or a system has no indicator left.
    nqpf.errors.MethodError
        If an indicator to take out is unknown; the message offers the nearest.
    """
    known = defined(root())
    for indicator in without:
        if indicator not in known:
            raise MethodError(
                f"unknown indicator {indicator!r} to take out",
                expected="keys of data/indicators.yaml, as holders() gives them",
                hint=nearest(indicator, known),
            )
    columns = {}
    for key in available() if systems is None else systems:
        system = System.load(key)
        matrix = system.evaluate(panel, vintage=vintage)
        left = [indicator for indicator in system.indicators if indicator not in without]
        if not left:
            raise SampleError(
                f"every indicator of {key} is to be taken out",
                expected="at least one that stays",
                hint="leave the system out of systems",
            )
        columns[key] = Recipe(**system.recipe).fit(matrix.select(left)).scores
    columns[TFP] = log_tfp(panel, vintage)
    frame = pd.DataFrame(columns).dropna().sort_index()
    if frame.empty:
        raise SampleError(
            "no province-year has every measure",
            expected=f"an overlap of {', '.join(columns)}",
            hint="compare fewer measures",
        )
    return frame


def log_tfp(panel: Panel, vintage: str = DEFAULT_VINTAGE) -> pd.Series:
    """Return the log of total factor productivity with a capital share of one half.

    At prices of a year that the vintage reaches.
    """
    first = int(panel.wide(["gdp"], vintage=vintage).dropna().index.unique("year").min())
    base = max(BASE, first)
    return solow_residual(production(panel, base=base, vintage=vintage)).log_tfp
