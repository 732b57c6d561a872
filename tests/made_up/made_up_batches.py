"""Work for the runner that workers in other processes can import."""

import os
import signal
import sys
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


def tasks(count, log, seconds=0.0):
    return {f"batch-{i:03}": Task(i, log, seconds) for i in range(count)}


def note(task):
    with task.log.open("a") as file:  # one short line at a time is appended as a whole
        file.write(f"{task.number} {os.getpid()}\n")


def noted(log, field):
    return [int(line.split()[field]) for line in log.open()] if log.exists() else []


def ran(log):
    return sorted(noted(log, 0))


def work(task, shared=None):
    note(task)
    time.sleep(task.seconds)
    return pd.DataFrame({"batch": [task.number] * 2, "row": [0, 1], "text": ["一", None]})


def sums(task, shared):
    """Figures whose last bits depend on threads and on the layout of arrays."""
    note(task)
    time.sleep(task.seconds)
    column = shared[:, task.number]
    weights = np.random.default_rng(task.number).normal(size=(len(shared), 3))
    fit = np.linalg.lstsq(weights, column, rcond=None)[0]
    return pd.DataFrame({"dot": column @ column, "fit": fit, "sum": shared.sum(), "nan": np.nan})


def odd(task, shared):
    note(task)
    if task.number == 2:
        raise ValueError("left is not right")
    return work(task)


def lost_once(task, shared):
    """Kill the process of batch 2 the first time."""
    if task.number == 2 and 2 not in ran(task.log):
        note(task)
        os.kill(os.getpid(), signal.SIGKILL)
    return work(task)


def surroundings(task, shared):
    """Tell where a batch runs, and with how many threads."""
    from threadpoolctl import threadpool_info

    threads = max(library["num_threads"] for library in threadpool_info())
    return pd.DataFrame({"pid": [os.getpid()], "threads": threads})


def interrupted(log, store, n_jobs):
    """Run batches until somebody interrupts."""
    from nqpf.multiverse.run import _run_batches

    # Long enough that a busy machine does not finish them before the interruption comes.
    _run_batches(tasks(40, Path(log), 1.0), work, store, stamp="one", n_jobs=int(n_jobs))


if __name__ == "__main__":
    import made_up_batches  # under this name, workers can import it

    made_up_batches.interrupted(*sys.argv[1:])
