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
"""

from __future__ import annotations

from dataclasses import dataclass

from nqpf.errors import EstimationError, MethodError
from nqpf.tfp.sample import nearest

__all__ = ["CONVENTIONS", "DEFAULT", "SampleSize", "describe", "scaling"]

DEFAULT = "nested"
CONVENTIONS = {
    "nested": "effects nested in the clusters not counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "all": "every effect counted, G/(G-1) (N-1)/(N-K), t(G-1)",
    "linearmodels": "as that package by default, N/(N-K), t(N-K)",
    "none": "no small-sample factor, normal distribution",
}
_UNCLUSTERED = "every effect counted, N/(N-K), t(N-K)"


@dataclass(frozen=True)
class SampleSize:
    """What a convention counts.

    Attributes
    ----------
    nobs, regressors, groups, periods : int
        Rows, slopes (without constant), units, years.
    unit_effects, time_effects : bool
        Which effects the regression has; with neither it has a constant.
    """

    nobs: int
    regressors: int
    groups: int
    periods: int
    unit_effects: bool
    time_effects: bool

    @property
    def all_parameters(self) -> int:
        """Slopes, constant and every effect."""
        units = (self.groups - 1) * self.unit_effects
        return self.regressors + 1 + units + (self.periods - 1) * self.time_effects

    @property
    def outside_units(self) -> int:
        """Slopes, constant and the effects that are not nested in unit clusters."""
        return self.regressors + 1 + (self.periods - 1) * self.time_effects


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
    if convention not in CONVENTIONS:
        raise MethodError(
            f"unknown convention {convention!r}",
            expected=" or ".join(map(repr, CONVENTIONS)),
            hint=nearest(convention, CONVENTIONS),
        )
    if clustered and size.groups < 2:
        raise EstimationError(
            f"{size.groups} cluster is too few for clustered errors", expected="two or more"
        )
    if size.nobs <= size.all_parameters:
        raise EstimationError(
            f"{size.nobs} rows leave no degree of freedom for {size.all_parameters} parameters",
            hint="use fewer regressors or effects, or more rows",
        )
    if convention == "none":
        return 1.0, None
    n, g = size.nobs, size.groups
    if convention == "linearmodels" or not clustered:
        counted = size.all_parameters
        if clustered and size.unit_effects and not size.time_effects:
            counted = size.regressors
        return n / (n - counted), n - size.all_parameters
    counted = size.outside_units if convention == "nested" else size.all_parameters
    return g / (g - 1) * (n - 1) / (n - counted), g - 1


def describe(convention: str, clustered: bool) -> str:
    """Return a convention's name and formula in one line, for a table's notes."""
    plain = not clustered and convention in ("nested", "all")
    return f"{convention}: {_UNCLUSTERED if plain else CONVENTIONS[convention]}"
