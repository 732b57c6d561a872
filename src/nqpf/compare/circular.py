"""The one guard against circularity: a measure is never regressed on what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import pandas as pd

from nqpf.compare.measures import TFP
from nqpf.compare.multiverse.declaration import Declaration
from nqpf.compare.multiverse.productivity import HOLDS
from nqpf.errors import MethodError
from nqpf.paths import root
from nqpf.systems import Formula, System, available
from nqpf.systems.holding import defined, holding
from nqpf.tfp.sample import nearest

__all__ = ["circular", "holders"]

_SHOWN = "solow-0.5"  # the estimator of TFP that nqpf.compare.measures takes


def holders(variables: str | Sequence[str], lead: int = 0) -> list[str]:
    """Return the indicators that hold any of the variables.

    An indicator holds a variable when the variable's numerator stands in its own numerator, or
    when it is the variable turned upside down, see :func:`nqpf.systems.holding.holding`.

    Parameters
    ----------
    variables : str or sequence of str
        Outcomes, determinants, controls, threshold variables, mediators or instruments, as
        ``data/multiverse/grid.yaml`` declares them.
    lead : int
        Years from the measure to the variable, 1 for an outcome of the year after. It matters
        for growth only, which a level of an earlier year does not hold.

    Returns
    -------
    list of str
        Keys of ``data/indicators.yaml``, sorted.

    Raises
    ------
    nqpf.errors.MethodError
        If a variable is not declared; the message offers the nearest.

    Examples
    --------
    >>> holders(["urbanisation", "income"])
    ['labour_productivity', 'urbanisation_rate']
    >>> holders("growth"), holders("growth", lead=1)
    (['labour_productivity'], [])
    """
    return sorted({key for name in _listed(variables) for key in _holders(name, lead)})


def circular(variables: str | Sequence[str], lead: int = 0) -> pd.Series:
    """Return by measure why it cannot be related to the variables, empty where it can.

    Parameters
    ----------
    variables : str or sequence of str
        Every variable of the equation but the measure itself.
    lead : int
        As in :func:`holders`.

    Returns
    -------
    Series of str
        By key of the system, and ``tfp``, in the order of :func:`nqpf.compare.measures`.

    Raises
    ------
    nqpf.errors.MethodError
        If a variable is not declared.

    Examples
    --------
    >>> why = circular("urbanisation")
    >>> why["wang-wang-2024"], why["dong-2024"]
    ('', 'holds urbanisation (as share of residents living in towns and cities)')
    """
    held = {key: tuple(System.load(key).indicators) for key in available()} | {TFP: HOLDS[_SHOWN]}
    reasons = {}
    for measure, own in held.items():
        parts = []
        for name in _listed(variables):
            inside = [key for key in own if key in _holders(name, lead)]
            if inside:
                parts.append(f"{name.replace('_', ' ')} (as {_named(measure, inside)})")
        reasons[measure] = "holds " + " and ".join(parts) if parts else ""
    return pd.Series(reasons, name="reason", dtype="str")


def _listed(variables: str | Sequence[str]) -> list[str]:
    return [variables] if isinstance(variables, str) else list(variables)


def _named(measure: str, keys: Iterable[str]) -> str:
    if measure == TFP:
        return "GDP in the numerator"
    return " and ".join(defined(root())[key].name.en for key in keys)


@cache
def _holders(name: str, lead: int) -> tuple[str, ...]:
    declared = Declaration.load().grid.variables
    if name not in declared:
        raise MethodError(
            f"variable {name!r} is not declared, so that nothing says which measures hold it",
            expected="one of " + ", ".join(declared),
            hint=nearest(name, declared) or "declare it in data/multiverse/grid.yaml",
        )
    return holding(Formula.parse(declared[name].formula, {"variable": name}), lead)
