"""Running a batch of specifications: a pure function of plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.compare.multiverse.rows import Figures, patterns
from nqpf.regress.kernel import CrossProducts, cross_products

__all__ = [
    "CONVENTION",
    "DIFFERENCED",
    "Batch",
    "by_calendar",
    "complete",
    "equations",
    "estimates",
    "evaluate",
    "standardised",
]

# Unit effects are nested in clusters by unit, but not in the sums by year of the other errors.
CONVENTION = {"clustered": "nested", "driscoll-kraay": "all", "clustered-period": "all"}
# Effects once first differences have taken those of the units.
DIFFERENCED = {"two-way": "time", "unit": "pooled"}


@dataclass(frozen=True, eq=False)
class Batch:
    """Specifications that share rows of the panel, effects and the variable related.

    Attributes
    ----------
    figures : str
        Key of the figures they use, ``vintage/transformation``.
    driver : bool
        The measure is the regressor; otherwise it is the outcome.
    variable : int
        Position of the outcome, or of the determinant.
    controls : tuple of tuple of int
        Positions of the controls, by level of the axis.
    effects : str
        As :func:`nqpf.regress.kernel.cross_products` takes them.
    rows : (N,) bool
        Rows of the sample.
    errors : tuple of str
    first : int
        Identifier of the first specification of the batch's block.
    cells : (n,) int
        Positions in the block (controls, measures, errors) that are to be run, ascending.
    """

    figures: str
    driver: bool
    variable: int
    controls: tuple[tuple[int, ...], ...]
    effects: str
    rows: np.ndarray
    errors: tuple[str, ...]
    first: int
    cells: np.ndarray


def complete(
    figures: Figures, driver: bool, variable: int, controls: tuple[int, ...], rows: np.ndarray
) -> np.ndarray:
    """Return the rows in which the sample, the related variable and all controls have figures."""
    related = (figures.outcomes if driver else figures.variables)[:, variable]
    usable = rows & np.isfinite(related)
    return usable & np.isfinite(figures.variables[:, list(controls)]).all(axis=1)


def standardised(values: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and standard deviation 1 (ddof = 1), constants as zeros.

    Examples
    --------
    >>> standardised(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])).T
    array([[-1.,  0.,  1.],
           [ 0.,  0.,  0.]])
    """
    spread = values.std(axis=0, ddof=1)
    flat = ~(spread > 1e-14 * np.abs(values).max(axis=0))
    return np.where(flat, 0.0, (values - values.mean(axis=0)) / np.where(flat, 1.0, spread))


def equations(
    figures: Figures,
    driver: bool,
    variable: int,
    controls: tuple[int, ...],
    measures: np.ndarray,
    rows: np.ndarray,
) -> pd.DataFrame:
    """Return the variables of regressions on the given rows, standardised.

    Parameters
    ----------
    figures, driver, variable, controls
        As in :class:`Batch`.
    measures : (m,) int
        Positions of the measures.
    rows : (n,) int
        Positions of rows in which everything has figures.

    Returns
    -------
    DataFrame indexed (province, year)
        ``related``, ``control 0`` and so on, ``measure <position>`` for each measure.
    """
    related = (figures.outcomes if driver else figures.variables)[rows, variable]
    values = [
        related[:, None],
        figures.variables[np.ix_(rows, controls)],
        figures.measures[np.ix_(rows, measures)],
    ]
    index = pd.MultiIndex.from_arrays(
        [figures.province[rows], figures.year[rows]], names=["province", "year"]
    )
    names = [f"control {i}" for i in range(len(controls))]
    columns = ["related", *names, *(f"measure {i}" for i in measures)]
    return pd.DataFrame(standardised(np.hstack(values)), index=index, columns=columns)


def evaluate(batch: Batch, shared: Mapping[str, Figures]) -> pd.DataFrame:
    """Run the specifications of a batch.

    Parameters
    ----------
    batch : Batch
    shared : mapping of str to Figures
        Figures by ``vintage/transformation``.

    Returns
    -------
    DataFrame
        One row per cell, in order: ``id``; ``estimate``, ``within``, ``partial`` and
        ``std_error`` of the measure (drivers) or the determinant (NaN where variables are
        collinear), ``nobs``, ``groups`` and ``df``, 0 for the normal distribution. Figures are
        rounded to single precision, so that the last bits, in which processors differ, are
        not kept; the second and third to fewer.
    """
    found, size = estimates(batch, shared)
    names = ("estimate", "within", "partial", "std_error")
    figures = dict(zip(names, found[:, :4].astype(np.float32).T, strict=True))
    figures |= {name: shortened(figures[name]) for name in ("within", "partial")}
    sizes = dict(zip(("nobs", "groups", "df"), size.T, strict=True))
    return pd.DataFrame({"id": (batch.first + batch.cells).astype(np.int32), **figures, **sizes})


def shortened(values: np.ndarray) -> np.ndarray:
    """Return single-precision numbers rounded to sixteen significant bits, which pack well.

    Examples
    --------
    >>> shortened(np.array([0.123456789, -2.0], dtype=np.float32)).tolist()
    [0.12345695495605469, -2.0]
    """
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64) + 0x80
    return (bits & 0xFFFFFF00).astype(np.uint32).view(np.float32)


def estimates(batch: Batch, shared: Mapping[str, Figures]) -> tuple[np.ndarray, np.ndarray]:
    """Return the figures and the sizes of every cell of a batch.

    Figures, (n, 5), are the estimate in the units of the variables, in standard deviations
    within and as a partial correlation, the standard error in the units of the variables and the p
    value; sizes, (n, 3), are rows, provinces and degrees of freedom.

    Rows complete in sample, related variable and controls are grouped by the measures that have
    figures in them; effects are removed once per group.
    """
    figures = shared[batch.figures]
    shape = (len(batch.controls), figures.measures.shape[1], len(batch.errors))
    at, measure, error = np.unravel_index(batch.cells, shape)
    found = np.full((len(batch.cells), 5), np.nan)
    size = np.zeros((len(batch.cells), 3), dtype=np.int16)
    finite = np.isfinite(figures.measures)
    for level, controls in enumerate(batch.controls):
        usable = np.flatnonzero(
            complete(figures, batch.driver, batch.variable, controls, batch.rows)
        )
        cells = np.flatnonzero(at == level)
        used = np.unique(measure[cells])
        for rows, columns in patterns(finite[np.ix_(usable, used)]):
            own = cells[np.isin(measure[cells], used[columns])]
            frame = equations(
                figures, batch.driver, batch.variable, controls, used[columns], usable[rows]
            )
            place = 1 + len(controls) + np.searchsorted(used[columns], measure[own])
            _fit(batch, frame, len(controls), own, place, error[own], found, size)
    return found, size


def by_calendar(products: CrossProducts, years: np.ndarray) -> CrossProducts:
    """Return cross-products with empty years in the gaps, so that 2019 is not next to 2023.

    The lags of Driscoll and Kraay's errors are counted along the years that the
    cross-products hold; :func:`nqpf.regress.fixed_effects` counts them by the calendar.

    Parameters
    ----------
    products : CrossProducts
    years : (T,) int
        Years of the sample, ascending.
    """
    length = int(years[-1] - years[0]) + 1
    if len(products.by_period) != len(years) or length == len(years):
        return products
    p = len(products.columns)
    filled = np.zeros((p, p, length))
    filled[:, :, years - years[0]] = np.moveaxis(products.by_period, 0, 2)
    return replace(products, by_period=np.moveaxis(filled, 2, 0))


def _fit(
    batch: Batch,
    frame: pd.DataFrame,
    controls: int,
    cells: np.ndarray,
    place: np.ndarray,
    error: np.ndarray,
    found: np.ndarray,
    size: np.ndarray,
) -> None:
    """Estimate cells, whose measure is at a place in `frame`; write into `found` and `size`."""
    products = cross_products(frame, list(frame.columns), effects=batch.effects)
    products = by_calendar(products, np.unique(frame.index.get_level_values("year")))
    related = np.zeros_like(place)
    outcome, regressor = (related, place) if batch.driver else (place, related)
    others = np.broadcast_to(np.arange(1, 1 + controls), (len(cells), controls))
    regressors = np.column_stack([regressor, others])
    for kind, name in enumerate(batch.errors):
        own = error == kind
        if own.any():
            fits = products.fit_many(outcome[own], regressors[own], name, CONVENTION[name])
            parts = (fits.params, fits.within, fits.partial, fits.std_errors, fits.pvalues)
            found[cells[own]] = np.column_stack([part[:, 0] for part in parts])
            size[cells[own]] = (fits.nobs, fits.groups, fits.df or 0)
