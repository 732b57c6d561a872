"""What a chapter shows: figures with alternative text, tables, verdicts and notes.

Each name is imported when first used, so that a chapter that prints a table
does not wait for the drawing packages.
"""

from __future__ import annotations

import importlib

_HOME = {
    "catalogue_table": "tables",
    "coefficient_plot": "regressions",
    "data_note": "tables",
    "explorer": "explore",
    "findings_map": "regressions",
    "heatmap_agreement": "regressions",
    "province_profile": "province_pages",
    "rank_bump": "ranks",
    "ranking_table": "tables",
    "studies_table": "tables",
    "study_table": "tables",
    "system_table": "tables",
    "tile_map": "maps",
    "verdict": "tables",
    "weights_chart": "ranks",
    "year_lines": "lines",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"nqpf.report.{_HOME[name]}"), name)
    raise AttributeError(f"module 'nqpf.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
