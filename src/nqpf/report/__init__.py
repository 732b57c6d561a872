"""What a chapter shows: figures with alternative text, tables, verdicts and notes.

Each name is imported when first used, so that a chapter that prints a table
does not wait for the drawing packages.
"""

from __future__ import annotations

import importlib

_HOME = {
    "Html": "html",
    "Picture": "style",
    "argument_table": "tables",
    "card_png": "maps",
    "catalogue_table": "tables",
    "centre_paths": "maps",
    "club_grid": "transitions",
    "cluster_maps": "maps",
    "coefficient_plot": "regressions",
    "curve_explorer": "curve",
    "data_note": "tables",
    "declaration_table": "tables",
    "declared_variables": "tables",
    "event_plot": "lines",
    "explorer": "explore",
    "fan_chart": "lines",
    "findings_map": "regressions",
    "heatmap_agreement": "ranks",
    "known_truth_plot": "regressions",
    "levels_table": "tables",
    "map_explorer": "explore",
    "measure_lines": "lines",
    "moran_lines": "maps",
    "province_lines": "lines",
    "province_profile": "province_pages",
    "rank_bump": "ranks",
    "rank_explorer": "explore",
    "rank_intervals": "ranks",
    "rank_ranges": "ranks",
    "ranking": "ranks",
    "ranking_table": "tables",
    "region_lines": "lines",
    "replications_table": "tables",
    "ridgeline": "lines",
    "scatter_ranks": "ranks",
    "shares_chart": "regressions",
    "show": "style",
    "sobol_chart": "ranks",
    "social_card": "maps",
    "specification_curve": "curve",
    "status_badges": "tables",
    "studies_table": "tables",
    "study_table": "tables",
    "system_table": "tables",
    "tile_map": "maps",
    "tile_maps": "maps",
    "transition_matrices": "transitions",
    "use_style": "style",
    "vega": "explore",
    "verdict": "tables",
    "weights_chart": "ranks",
}

__all__ = sorted(_HOME)


# While the book runs its chapters, nqpf.report.recorder keeps the table behind each figure.
_watch = None


def __getattr__(name: str) -> object:
    if name in _HOME:
        found = getattr(importlib.import_module(f"nqpf.report.{_HOME[name]}"), name)
        return found if _watch is None else _watch(found)
    raise AttributeError(f"module 'nqpf.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
