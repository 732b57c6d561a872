"""What a dynamic panel model is asked to be, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

from nqpf.errors import MethodError
from nqpf.tfp.sample import nearest

__all__ = ["INITIAL", "METHODS", "Request", "Window", "read_request"]

METHODS = ("difference", "system")
INITIAL = ("full", "blocks", "identity")
Names = Sequence[str] | Mapping[str, int] | str


@dataclass(frozen=True)
class Window:
    """Lags of a variable that instrument the differenced equation.

    Attributes
    ----------
    name : str
    first, last : int, int or None
        From the nearest to the farthest lag; None for all there are.
    """

    name: str
    first: int
    last: int | None


@dataclass(frozen=True)
class Request:
    """A checked request.

    Attributes
    ----------
    outcome : str
    lags : int
        Lags of the outcome among the regressors.
    terms : tuple of (str, int)
        Other regressors and their lag, exogenous ones first.
    exogenous : int
        How many of `terms` are exogenous.
    external : tuple of str
        Instruments that are not regressors.
    windows : tuple of Window
    system, collapse, time_effects : bool
    initial : str
    """

    outcome: str
    lags: int
    terms: tuple[tuple[str, int], ...]
    exogenous: int
    external: tuple[str, ...]
    windows: tuple[Window, ...]
    system: bool
    collapse: bool
    time_effects: bool
    initial: str

    @property
    def variables(self) -> list[str]:
        """Every column that is needed, once."""
        return list(dict.fromkeys([self.outcome, *(n for n, _ in self.terms), *self.external]))

    @property
    def labels(self) -> list[str]:
        """Names of the coefficients: ``L1.y`` is y a year before."""
        lagged = [(self.outcome, lag) for lag in range(1, self.lags + 1)]
        return [f"L{lag}.{name}" if lag else name for name, lag in [*lagged, *self.terms]]


def read_request(
    outcome: str,
    lags: int,
    kinds: Mapping[str, Names],
    external: Sequence[str] | str,
    windows: Mapping[str, tuple[int, int | None] | None],
    options: Mapping[str, object],
) -> Request:
    """Return the request, or say what is wrong with it.

    Parameters
    ----------
    kinds : mapping of ``exogenous``, ``predetermined`` and ``endogenous``
        Each the names of its regressors, or a mapping of name to highest lag.
    options : mapping
        ``method``, ``collapse``, ``time_effects``, ``initial``.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown, a variable has two roles, or a window is not valid.

    Examples
    --------
    >>> kinds = {"exogenous": {"x": 1}, "predetermined": (), "endogenous": ["w"]}
    >>> options = {"method": "system", "collapse": True, "time_effects": True, "initial": "full"}
    >>> request = read_request("y", 1, kinds, (), {"w": (2, 4)}, options)
    >>> request.labels
    ['L1.y', 'x', 'L1.x', 'w']
    >>> [(w.name, w.first, w.last) for w in request.windows]
    [('y', 2, None), ('w', 2, 4)]
    """
    for what, known in (("method", METHODS), ("initial", INITIAL)):
        _check_option(what, options[what], known)
    if not isinstance(lags, Integral) or lags < 1:
        raise MethodError(f"lags {lags!r}", expected="1 or more lags of the outcome")
    orders = {kind: _orders(names, kind) for kind, names in kinds.items()}
    outside = [external] if isinstance(external, str) else list(external)
    named = [outcome, *(name for order in orders.values() for name in order), *outside]
    double = {name for name in named if named.count(name) > 1}
    if double:
        raise MethodError(
            f"variable {min(double)!r} is named more than once",
            expected="one role for each variable",
        )
    least = {outcome: 2}
    least.update({name: 1 for name in orders["predetermined"]})
    least.update({name: 2 for name in orders["endogenous"]})
    exogenous = _terms(orders["exogenous"])
    request = Request(
        outcome=outcome,
        lags=lags,
        terms=(*exogenous, *_terms({**orders["predetermined"], **orders["endogenous"]})),
        exogenous=len(exogenous),
        external=tuple(outside),
        windows=_windows(least, windows),
        system=options["method"] == "system",
        collapse=bool(options["collapse"]),
        time_effects=bool(options["time_effects"]),
        initial=str(options["initial"]),
    )
    taken = [*request.labels, "const"]
    double = [label for label in taken if taken.count(label) > 1]
    if double:
        raise MethodError(
            f"two coefficients would be called {double[0]!r}", hint="rename that column"
        )
    return request


def _check_option(what: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise MethodError(
            f"unknown {what} {value!r}",
            expected=" or ".join(map(repr, known)),
            hint=nearest(value, known),
        )


def _orders(names: Names, kind: str) -> dict[str, int]:
    if isinstance(names, str):
        return {names: 0}
    orders = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 0)
    if not isinstance(names, Mapping) and len(orders) < len(names):
        raise MethodError(f"a variable is named more than once among the {kind} regressors")
    for name, order in orders.items():
        if not isinstance(order, Integral) or order < 0:
            raise MethodError(
                f"highest lag {order!r} of {name!r}", expected="a whole number, 0 or more"
            )
    return orders


def _terms(orders: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((name, lag) for name, order in orders.items() for lag in range(order + 1))


def _windows(
    least: Mapping[str, int], given: Mapping[str, tuple[int, int | None] | None]
) -> tuple[Window, ...]:
    stray = [name for name in given if name not in least]
    if stray:
        raise MethodError(
            f"a window for {stray[0]!r}",
            expected="a window for the outcome, a predetermined or an endogenous regressor",
            hint=nearest(stray[0], least),
        )
    windows = []
    for name, nearest_valid in least.items():
        window = given.get(name, (nearest_valid, None))
        if window is None:
            continue
        if not _valid(window, nearest_valid):
            raise MethodError(
                f"window {window!r} of {name!r}",
                expected=f"a first and a last lag from {nearest_valid} up, the nearest that can "
                "be valid; the last may be None",
            )
        first, last = window
        windows.append(Window(name, first, last))
    return tuple(windows)


def _valid(window: object, least: int) -> bool:
    if not isinstance(window, tuple | list) or len(window) != 2:
        return False
    first, last = window
    if not isinstance(first, Integral) or first < least:
        return False
    return last is None or (isinstance(last, Integral) and last >= first)
