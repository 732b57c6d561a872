"""A small unbalanced panel with a known effect, for tests of the kernel."""

from __future__ import annotations

import numpy as np
import pandas as pd

NAMES = ["y", "a", "b", "c"]
EFFECTS = ("two-way", "unit", "time", "pooled")


def sample(seed=0, units=8, years=6, drop=5):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 4)), keys, NAMES)
    frame["y"] += 0.5 * frame["a"] + np.repeat(rng.normal(size=units), years)
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]
