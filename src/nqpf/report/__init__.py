"""What a chapter shows: figures with alternative text, tables, verdicts and notes.

Each name is imported when first used, so that a chapter that prints a table
does not wait for the drawing packages.
"""

from __future__ import annotations

import importlib

_HOME = {
    "Html": "html",
    "Picture": "picture",
    "argument_table": "survey",
    "card_png": "card",
    "catalogue_table": "catalogue",
    "centre_paths": "centres",
    "club_grid": "transitions",
    "cluster_maps": "clusters_map",
    "coefficient_plot": "coefficients",
    "curve_explorer": "explore_curve",
    "data_note": "notes",
    "declaration_table": "declared",
    "declared_variables": "declared",
    "event_plot": "events",
    "explorer": "explore_standings",
    "fan_chart": "fans",
    "findings_map": "findings",
    "heatmap_agreement": "agreement",
    "known_truth_plot": "known_truth",
    "levels_table": "study",
    "map_explorer": "explore",
    "measure_lines": "trends",
    "moran_lines": "clusters_map",
    "province_lines": "lines",
    "province_profile": "profile_page",
    "rank_bump": "bump",
    "rank_explorer": "explore",
    "rank_intervals": "certainty",
    "rank_ranges": "ranges",
    "ranking": "bars",
    "ranking_table": "tables",
    "region_lines": "lines",
    "replications_table": "study",
    "ridgeline": "ridges",
    "scatter_ranks": "agreement",
    "shares_chart": "shares",
    "show": "picture",
    "sobol_chart": "certainty",
    "social_card": "card",
    "specification_curve": "curve",
    "status_badges": "notes",
    "studies_table": "study",
    "study_table": "study",
    "system_table": "tables",
    "tile_map": "maps",
    "tile_maps": "maps",
    "transition_matrices": "transitions",
    "use_style": "style",
    "vega": "explore",
    "verdict": "study",
    "weights_chart": "bars",
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
