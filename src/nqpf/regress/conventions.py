r"""Small-sample conventions of standard errors, by name.

Packages report different standard errors for one regression because they
scale one covariance differently. With N rows, G clusters, T years, k
regressors and K counted parameters:

============== ================================================= ==============
name           factor on the plain covariance                    distribution
============== ================================================= ==============
nested         G/(G-1) (N-1)/(N-K), effects nested in the        t with G - 1
               clusters not counted: K = k + T with unit and
               year effects, k + 1 with unit effects. Stata's
               xtreg and reghdfe, R's fixest
all            G/(G-1) (N-1)/(N-K), every effect counted:        t with G - 1
               K = k + G + T - 1. Stata's areg
linearmodels   N/(N-K), no factor for the number of clusters;    t with N - K',
               every effect counted, but K = k when unit effects K' counting
               are the only ones: linearmodels' own default      every effect
none           1                                                 normal
============== ================================================= ==============

The plain covariance is the sandwich (X'X)^-1 M (X'X)^-1 of clustered or
robust errors, or e'e/N (X'X)^-1. Robust and unadjusted errors have no
clusters in which effects could be nested: ``nested`` and ``all`` are then both
N/(N-K) with every effect counted and t with N - K.

Two-way clustered errors add the covariances by unit and by year and subtract
the one by both (Cameron, Gelbach and Miller 2011). With M the smaller number
of clusters, ``nested`` scales all three by M/(M-1) (N-1)/(N-K), K = k + 1
because both effects are nested, as fixest and reghdfe; ``all`` scales each
by its own G/(G-1) (N-1)/(N-K), as Petersen's cluster2 and statsmodels. Both
use t with M - 1. Driscoll-Kraay errors rest on T sums over units: the factor is
T/(T-1) (N-1)/(N-K) with t(T-1), where ``all`` counts every effect, as pyfixest,
and ``nested`` no unit effects.
"""

from __future__ import annotations

from dataclasses import dataclass

from nqpf.errors import EstimationError, MethodError
from nqpf.tfp.sample import nearest

__all__ = ["CONVENTIONS", "DEFAULT", "PANEL_ERRORS", "SampleSize", "describe", "factors", "scaling"]

DEFAULT = "nested"
PANEL_ERRORS = ("clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay")
CONVENTIONS = {
    "nested": "effects nested in the clusters not counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "all": "every effect counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "linearmodels": "as that package by default, N/(N-K), t(N-K)",
    "none": "no small-sample factor, normal distribution",
}
_UNCLUSTERED = "every effect counted, N/(N-K), t(N-K)"
_OTHERS = {
    ("nested", "two-way clustered"): "effects nested in a clustering not counted, "
    "M/(M-1) (N-1)/(N-K), t(M-1), M the smaller number of clusters",
    ("all", "two-way clustered"): "every effect counted, G/(G-1) (N-1)/(N-K) with the G of each "
    "clustering, t(M-1), M the smaller number of clusters",
    ("nested", "driscoll-kraay"): "unit effects not counted, T/(T-1) (N-1)/(N-K), t(T-1)",
    ("all", "driscoll-kraay"): "every effect counted, T/(T-1) (N-1)/(N-K), t(T-1)",
    **{
        (name, errors): _UNCLUSTERED
        for name in ("nested", "all")
        for errors in ("robust", "unadjusted")
    },
}


@dataclass(frozen=True)
class SampleSize:
    """What a convention counts.

    Attributes
    ----------
    nobs, regressors, groups, periods : int
        Rows, slopes (without constant), units, years.
    unit_effects, time_effects : bool
        Which effects the regression has; with neither it has a constant.
    constant : bool
        False for a regression with neither effects nor a constant.
    """

    nobs: int
    regressors: int
    groups: int
    periods: int
    unit_effects: bool
    time_effects: bool
    constant: bool = True

    @property
    def slopes(self) -> int:
        """Slopes and constant; a constant is part of any effects."""
        return self.regressors + self.constant

    @property
    def all_parameters(self) -> int:
        """Slopes, constant and every effect."""
        return self.outside_units + (self.groups - 1) * self.unit_effects

    @property
    def outside_units(self) -> int:
        """Slopes, constant and the effects that are not nested in unit clusters."""
        return self.slopes + (self.periods - 1) * self.time_effects


def scaling(convention: str, clustered: bool, size: SampleSize) -> tuple[float, int | None]:
    """Return the factor on the plain covariance and the degrees of freedom of t.

    Parameters
    ----------
    convention : str
        A name of :data:`CONVENTIONS`.
    clustered : bool
        Errors are clustered by unit.
    size : SampleSize

    Returns
    -------
    factor : float
    df : int or None
        None stands for the normal distribution.

    Raises
    ------
    nqpf.errors.MethodError
        If the name is unknown.
    nqpf.errors.EstimationError
        If no degree of freedom is left, or there are fewer than two clusters.

    Examples
    --------
    >>> size = SampleSize(341, 2, 31, 11, True, True)
    >>> for name in ("nested", "all"):
    ...     print(name, round(scaling(name, True, size)[0], 4))
    nested 1.0711
    all 1.179
    """
    (factor, *_), df = factors(convention, "clustered" if clustered else "robust", size)
    return factor, df


def factors(convention: str, errors: str, size: SampleSize) -> tuple[tuple[float, ...], int | None]:
    """Return the factors on the plain covariances and the degrees of freedom of t.

    Parameters
    ----------
    convention : str
        A name of :data:`CONVENTIONS`.
    errors : str
        A name of :data:`PANEL_ERRORS`.
    size : SampleSize

    Returns
    -------
    factors : tuple of float
        One; for two-way clustered errors three: by unit, by year, by both.
    df : int or None
        None stands for the normal distribution.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.EstimationError
        As :func:`scaling`.

    Examples
    --------
    >>> size = SampleSize(341, 2, 31, 11, True, True)
    >>> [round(f, 4) for f in factors("all", "two-way clustered", size)[0]]
    [1.179, 1.255, 1.1443]
    """
    _check(convention, errors, size)
    two_way = errors == "two-way clustered"
    if convention == "none":
        return (1.0,) * (3 if two_way else 1), None
    n, smaller = size.nobs, min(size.groups, size.periods)
    if convention == "linearmodels" or errors in ("robust", "unadjusted"):
        counted = _counted_by_linearmodels(errors, size)
        return (n / (n - counted),) * (3 if two_way else 1), n - size.all_parameters
    if two_way and convention == "nested":
        return (_correction(smaller, n, size.slopes),) * 3, smaller - 1
    if two_way:
        clusters = (size.groups, size.periods, n)
        return tuple(_correction(g, n, size.all_parameters) for g in clusters), smaller - 1
    clusters = size.periods if errors == "driscoll-kraay" else size.groups
    counted = size.outside_units if convention == "nested" else size.all_parameters
    return (_correction(clusters, n, counted),), clusters - 1


def _correction(clusters: int, nobs: int, counted: int) -> float:
    return clusters / (clusters - 1) * (nobs - 1) / (nobs - counted)


def _counted_by_linearmodels(errors: str, size: SampleSize) -> int:
    """Return K: unit effects alone that are nested in clusters by unit are not counted."""
    nested = errors == "clustered" and size.unit_effects and not size.time_effects
    return size.regressors if nested else size.all_parameters


def _check(convention: str, errors: str, size: SampleSize) -> None:
    for value, known, what in (
        (convention, CONVENTIONS, "convention"),
        (errors, PANEL_ERRORS, "errors"),
    ):
        if value not in known:
            raise MethodError(
                f"unknown {what} {value!r}",
                expected=" or ".join(map(repr, known)),
                hint=nearest(value, known),
            )
    needed = {
        "clustered": [size.groups],
        "two-way clustered": [size.groups, size.periods],
        "driscoll-kraay": [size.periods],
    }.get(errors, [])
    if needed and min(needed) < 2:
        raise EstimationError(
            f"{min(needed)} cluster is too few for {errors} errors", expected="two or more"
        )
    if size.nobs <= size.all_parameters:
        raise EstimationError(
            f"{size.nobs} rows leave no degree of freedom for {size.all_parameters} parameters",
            hint="use fewer regressors or effects, or more rows",
        )


def describe(convention: str, errors: str | bool) -> str:
    """Return a convention's name and formula in one line, for a table's notes.

    Parameters
    ----------
    convention : str
    errors : str or bool
        Name of the errors, or whether they are clustered by unit.
    """
    if isinstance(errors, bool):
        errors = "clustered" if errors else "robust"
    return f"{convention}: {_OTHERS.get((convention, errors), CONVENTIONS[convention])}"
