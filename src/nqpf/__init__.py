"""Measuring new quality productive forces: the library behind the book.

The names below are what a chapter needs; each is imported when first used, so
that ``import nqpf`` stays quick.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_HOME = {
    "Panel": "data", "Catalogue": "data", "Study": "systems", "System": "systems",
    "IndicatorMatrix": "systems", "Recipe": "index", "Index": "index",
}  # fmt: skip
_ROOMS = ["compare", "data", "dynamics", "errors", "forecast", "index", "multiverse", "provinces"]
_ROOMS += ["regress", "report", "space", "systems", "tfp"]

__all__ = sorted({*_HOME, *_ROOMS, "__version__"})


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"nqpf.{_HOME[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"nqpf.{name}")
    raise AttributeError(f"module 'nqpf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
