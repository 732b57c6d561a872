"""Declarations that are cut down or altered from the project's own."""

import copy

import numpy as np
import pandas as pd
import yaml

from nqpf.compare.declaration import _REASONS, _Declaration
from nqpf.files import root

SMALL = {"systems": ["dong-2024", "gong-2024", "lu-guo-2024", "ren-2024"]}
SMALL |= {"driver": ["growth", "energy_intensity"], "determinant": ["urbanisation"]}
SMALL["estimators"] = ["solow-0.5", "malmquist-yearly"]
SMALL["controls"] = ["none", "structure", "development"]


def raw():
    """The project's declaration as plain mappings, cut down to a few measures."""
    grid = yaml.safe_load((root() / "data/multiverse/grid.yaml").read_text(encoding="utf-8"))
    measures = grid["measures"]
    measures["systems"]["keys"] = SMALL["systems"]
    measures["recipes"] = measures["recipes"][:1]
    measures["recipes"][0] |= {"weights": ["entropy"], "aggregate": ["linear"]}
    measures["estimators"] = [e for e in measures["estimators"] if e["key"] in SMALL["estimators"]]
    measures["capital"] = measures["capital"][:1]
    for direction in ("driver", "determinant"):
        grid[direction]["variables"] = SMALL[direction]
    grid["controls"] = [one for one in grid["controls"] if one["key"] in SMALL["controls"]]
    return copy.deepcopy(grid)  # lists above are not shared between tests


def declare(folder, change=None):
    """Write a declaration, altered by `change`, and read it back."""
    grid = raw()
    if change is not None:
        change(grid)
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump(grid, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return _Declaration.load(path)


def enumerated(grid):
    """Return every declared specification: its identifier, its choices and why it is not run."""
    codes = np.unravel_index(np.arange(grid.declared), grid.shape[:-1])
    columns = {"id": np.arange(grid.declared) * grid.shape[-1]}
    for code, (axis, levels) in zip(codes, grid.declaration.levels.items(), strict=False):
        columns[axis] = pd.Categorical.from_codes(code, levels)
    columns["reason"] = pd.Categorical.from_codes(grid.reasons[..., 0].ravel(), _REASONS)
    return pd.DataFrame(columns)
