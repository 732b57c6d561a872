"""Work for the runner that workers in other processes can import."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Task:
    """A batch that says in a file that it ran."""

    number: int
    log: Path
    seconds: float = 0.0


def tasks(count: int, log: Path, seconds: float = 0.0) -> dict[str, Task]:
    return {f"batch-{i:03}": Task(i, log, seconds) for i in range(count)}


def ran(log: Path) -> list[int]:
    return sorted(map(int, log.read_text().split())) if log.exists() else []


def note(task: Task) -> None:
    with task.log.open("a") as file:  # one short line at a time is appended as a whole
        file.write(f"{task.number}\n")


def work(task: Task) -> pd.DataFrame:
    note(task)
    time.sleep(task.seconds)
    return pd.DataFrame({"batch": [task.number] * 2, "row": [0, 1], "text": ["一", None]})


def worker(task: Task) -> pd.DataFrame:
    return work(task).assign(pid=os.getpid())


def sums(task: Task, shared: np.ndarray) -> pd.DataFrame:
    """Figures whose last bits depend on threads and on the layout of arrays."""
    note(task)
    time.sleep(task.seconds)
    column = shared[:, task.number]
    weights = np.random.default_rng(task.number).normal(size=(len(shared), 3))
    fit = np.linalg.lstsq(weights, column, rcond=None)[0]
    return pd.DataFrame({"dot": column @ column, "fit": fit, "sum": shared.sum(), "nan": np.nan})
