"""Growth of output and of total factor productivity along a frontier."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.tfp.sample import check_consecutive

__all__ = ["decompose"]


def decompose(
    output: pd.Series,
    inputs: pd.DataFrame,
    elasticities: pd.DataFrame,
    technical_change: pd.Series,
    log_efficiency: pd.Series,
) -> pd.DataFrame:
    """Split yearly growth after Kumbhakar (2000).

    Parameters
    ----------
    output : Series indexed (unit, time)
        ln y.
    inputs, elasticities : DataFrame indexed (unit, time)
        ln x_j and d ln y / d ln x_j.
    technical_change : Series
        d ln y / dt.
    log_efficiency : Series
        ln of technical efficiency.

    Returns
    -------
    DataFrame indexed (unit, time)
        Log points a year, from each unit's second year on: ``tfp`` = ``technical`` +
        ``efficiency`` + ``scale``, and ``output`` = ``inputs`` + ``tfp`` + ``noise``.

    Raises
    ------
    nqpf.errors.SampleError
        If a year is missing within a unit.

    Notes
    -----
    With e_j the elasticities, R their sum, l_j = e_j / R and dots for growth::

        inputs     = sum_j l_j x_j.        scale = (R - 1) sum_j l_j x_j.
        technical  = d ln f / dt           efficiency = change of ln TE

    Elasticities and technical change are means of a year and the year before, for which the
    change of a function quadratic in logs is exact (Diewert 1976): noise is then the change of
    the residual less that of ln TE, and nothing else. The allocative term of Kumbhakar needs
    prices of inputs; with none, cost shares are taken to be l_j and the term is zero.
    """
    check_consecutive(output.index, "the frontier's sample")
    slope, drift = _means(elasticities), _means(technical_change.to_frame()).iloc[:, 0]
    change = inputs.groupby(level=0).diff().dropna()
    along = (slope * change).sum(axis=1)
    returns = slope.sum(axis=1)
    growth = pd.DataFrame(
        {
            "output": output.groupby(level=0).diff().dropna(),
            "inputs": along / returns,
            "scale": along - along / returns,
            "technical": drift,
            "efficiency": log_efficiency.groupby(level=0).diff().dropna(),
        }
    )
    growth["tfp"] = growth["technical"] + growth["efficiency"] + growth["scale"]
    growth["noise"] = growth["output"] - growth["inputs"] - growth["tfp"]
    return growth[["output", "inputs", "technical", "efficiency", "scale", "tfp", "noise"]]


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """Return means of a year and the year before within units."""
    before = frame.groupby(level=0).shift()
    return ((frame + before) / 2)[np.isfinite(before).all(axis=1)]
