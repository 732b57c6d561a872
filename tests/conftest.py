"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# Read before numpy starts: tests run on every core already, and one thread keeps sums alike.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The same examples in every run, a quarter of them but in the weekly one; no time limit per
# example, as machines differ.
_MANY = 100 if os.environ.get("NQPF_EVERYTHING") == "1" else 25
settings.register_profile("nqpf", derandomize=True, deadline=None, max_examples=_MANY)
settings.load_profile("nqpf")
