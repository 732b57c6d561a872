"""Long runs of independent batches that can be interrupted, resumed and moved to a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from nqpf.compare.multiverse.backends import Failure, Job, Outcome, on_cores
from nqpf.compare.multiverse.cluster import on_cluster
from nqpf.compare.multiverse.parts import Parts, check_names
from nqpf.errors import EstimationError, MethodError

__all__ = ["check_where", "run_batches"]

_BACKENDS = ("local", "dask")


def run_batches(
    batches: Mapping[str, Any],
    work: Callable[..., pd.DataFrame],
    store: Path | str,
    *,
    stamp: str,
    shared: Any = None,
    n_jobs: int = -1,
    backend: str = "local",
    address: str | None = None,
    progress: bool = True,
    timeout: float = 30.0,
) -> pd.DataFrame:
    """Compute every batch once, keep each as a file, and return all in their order.

    Each batch becomes one Parquet part of `store`, whole or absent. The same call
    after an interruption computes what is missing; a part that was cut short or
    damaged is computed again. Results are the same bits for any number of jobs and
    on a cluster, given the same libraries and kind of processor.

    Parameters
    ----------
    batches : mapping of str to payload
        Independent pieces of work by name, in the order of the result. Names become
        file names: letters, digits, ``.``, ``_`` and ``-``.
    work : callable
        ``work(payload)``, or ``work(payload, shared)`` when `shared` is given, returns
        a DataFrame with its keys in columns. It must be a function of a module when
        run on several cores or a cluster, give the same figures for the same
        arguments, and leave its arguments unchanged.
    store : path
        Folder of this run; made if it does not exist.
    stamp : str
        Identifies declaration, data and code, for example by a hash. Parts of another
        stamp are refused.
    shared : object or None
        Handed to every call: data that all batches need. Large arrays are mapped into
        memory by all processes of a machine and sent to a cluster once.
    n_jobs : int
        Processes on this machine; -1 for all cores, 1 for this process.
        A cluster uses all its workers.
    backend : {"local", "dask"}
    address : str or None
        Of the Dask scheduler, for example ``tcp://10.0.0.1:8786``.
    progress : bool
        Show a bar on standard error when it is a terminal.
    timeout : float
        Seconds to wait for a scheduler, and for a cluster that has lost every worker.

    Returns
    -------
    DataFrame
        The rows of all batches in the order of `batches`.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is not valid, or a scheduler cannot be reached.
    nqpf.errors.SourceError
        If the store holds results of another stamp.
    nqpf.errors.DataError
        If the disk is full, or another run is writing to the store.
    nqpf.errors.EstimationError
        If a batch raises (it is named), or workers are lost again and again.
    nqpf.errors.SampleError
        If the columns of two batches differ.
    KeyboardInterrupt
        When interrupted; the message says how many batches are done.

    Examples
    --------
    >>> import tempfile
    >>> def squares(numbers):
    ...     return pd.DataFrame({"n": numbers, "square": [n * n for n in numbers]})
    >>> with tempfile.TemporaryDirectory() as store:
    ...     run_batches({"a": [1, 2], "b": [3]}, squares, store, stamp="v1", n_jobs=1)
       n  square
    0  1       1
    1  2       4
    2  3       9
    """
    check_where(n_jobs, backend, address)
    _check_batches(batches, stamp)
    parts = Parts(Path(store), stamp)
    job = Job(work, stamp, shares=shared is not None)
    with parts.open():
        done = parts.done(batches)
        todo = [name for name in batches if name not in done]
        if todo:
            if backend == "dask":
                outcomes = on_cluster(job, batches, todo, shared, str(address), timeout)
            else:
                outcomes = on_cores(job, batches, todo, shared, n_jobs)
            _keep(outcomes, parts, len(done), len(batches), progress)
        return parts.read(batches)


def _keep(outcomes: Iterator[Outcome], parts: Parts, done: int, total: int, progress: bool) -> None:
    """Write each part as it arrives."""
    with _bar(progress, done, total) as advance, closing(outcomes):
        try:
            for name, outcome in outcomes:
                if isinstance(outcome, Failure):
                    raise _named(name, outcome, f"{done} of {total} batches", parts.folder)
                parts.write(name, outcome)
                done += 1
                advance()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{done} of {total} batches are done and kept in {parts.folder}; "
                "run the same call again to go on from there"
            ) from None


def _named(name: str, failure: Failure, done: str, folder: Path) -> EstimationError:
    error = EstimationError(
        f"batch {name!r} stopped: {failure.problem}",
        hint=f"{done} are kept in {folder}; correct this and run the same call again",
    )
    if failure.trace:
        error.add_note(failure.trace)
    return error


@contextmanager
def _bar(progress: bool, done: int, total: int) -> Iterator[Callable[[], None]]:
    if not (progress and sys.stderr.isatty()):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = "batches", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda: bar.advance(task)


def _check_batches(batches: Mapping[str, Any], stamp: str) -> None:
    if not batches:
        raise MethodError("no batch to compute", expected="one or more")
    check_names(batches)
    if not (isinstance(stamp, str) and stamp):
        raise MethodError(f"stamp {stamp!r}", expected="text that identifies data and code")


def check_where(n_jobs: int, backend: str, address: str | None) -> None:
    """Raise unless the options of :func:`run_batches` say where to compute.

    Raises
    ------
    nqpf.errors.MethodError
        Names the option and what it can be.
    """
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0:
        raise MethodError(
            f"n_jobs {n_jobs!r}", expected="a count of processes, or -1 for all cores"
        )
    if backend not in _BACKENDS:
        raise MethodError(f"backend {backend!r}", expected=" or ".join(map(repr, _BACKENDS)))
    if (backend == "dask") != (address is not None):
        raise MethodError(
            f"backend {backend!r} with address {address!r}",
            expected="the address of a scheduler with backend 'dask', and only there",
        )
