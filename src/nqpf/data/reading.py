"""Tell whoever listens what an analysis reads: variables of the panel, systems, stored results.

The library says it, because only the library knows: a chapter that asks for all
measures does not name the variables behind them. Without a listener nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["KINDS", "Read", "listening", "note"]

KINDS = ("variables", "panel", "system", "results")


@dataclass(frozen=True)
class Read:
    """Something that was read.

    Parameters
    ----------
    kind : {'variables', 'panel', 'system', 'results'}
        Variables of the panel, the whole panel, the card of a system, or a
        file of stored results.
    keys : tuple of str
        Keys of the catalogue, of the systems, or names of files.
    vintage : str
        Vintage of the national accounts; empty where none was chosen.
    """

    kind: str
    keys: tuple[str, ...] = ()
    vintage: str = ""


Listener = Callable[[Read], None]
_listeners: list[Listener] = []


def note(kind: str, keys: Iterable[str] = (), vintage: str = "") -> None:
    """Tell the listeners of something that is being read; without one do nothing.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    keys : iterable of str
        What is read.
    vintage : str
        Vintage of the national accounts.

    Examples
    --------
    >>> seen = []
    >>> with listening(seen.append):
    ...     note("variables", ["gdp"], "census5")
    >>> seen
    [Read(kind='variables', keys=('gdp',), vintage='census5')]
    """
    if _listeners:
        read = Read(kind, tuple(keys), vintage)
        for listener in list(_listeners):
            listener(read)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with each :class:`Read` inside the block.

    Examples
    --------
    >>> from nqpf.data import Panel
    >>> seen = []
    >>> with listening(seen.append):
    ...     frame = Panel.load(extra=False).wide(["gdp"])
    >>> seen[0].keys
    ('gdp',)
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
