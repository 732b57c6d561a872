"""What a chapter shows: figures with alternative text, tables, verdicts and notes.

Each name is imported when first used, so that a chapter that prints a table
does not wait for the drawing packages.
"""

from __future__ import annotations

import importlib

_NAMES = {
    "explore": ["explorer"],
    "lines": ["year_lines"],
    "maps": ["tile_map"],
    "province_pages": ["province_profile"],
    "ranks": ["rank_bump", "weights_chart"],
    "regressions": ["coefficient_plot", "heatmap_agreement"],
    "style": ["picture"],
    "tables": ["data_note", "ranking_table", "studies_table", "study_table",
               "system_table", "verdict"],
    "words": ["tell"],
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"nqpf.report.{_HOME[name]}"), name)
    raise AttributeError(f"module 'nqpf.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
