"""Long runs of independent batches, which can be interrupted and go on."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nqpf.errors import DataError, EstimationError, MethodError
from nqpf.files import _replacing


def _run_batches(
    batches: Mapping[str, Any],
    work: Callable[..., pd.DataFrame],
    store: Path | str,
    stamp: str,
    shared: Any = None,
    n_jobs: int = -1,
    address: str | None = None,
) -> pd.DataFrame:
    """Compute every batch once, keep each as a file, and return all in their order.

    A bar on standard error shows how far the run is when that is a terminal.

    Each batch becomes one Parquet file, whole or absent, in a folder of `store` that the stamp
    names. The same call after an interruption computes what is missing or was damaged. Batches
    run on one thread each, so that results are the same bits for any number of processes and on
    a cluster, given the same libraries and kind of processor.

    Parameters
    ----------
    batches : mapping of str to payload
        Independent pieces of work by name, which names a file, in the order of the result.
    work : callable
        ``work(payload, shared)`` returns a DataFrame with its keys in columns; a function of a
        module, which gives the same figures for the same arguments.
    store : path
        Folder of the parts; made if it does not exist.
    stamp : str
        Identifies declaration, data and code; parts of another stamp are not used.
    shared : object
        Data that all batches need; processes of a machine read one copy of large arrays.
    n_jobs : int
        Processes on this machine, -1 for all cores.
    address : str or None
        Scheduler of a Dask cluster to compute on, for example ``tcp://10.0.0.1:8786``.

    Raises
    ------
    nqpf.errors.MethodError
        If there is nothing to compute, or the scheduler cannot be reached.
    nqpf.errors.EstimationError
        If worker processes are lost. An error of a batch is raised as it is, with a note that
        names the batch.
    nqpf.errors.DataError
        If a part cannot be written, such as on a full disk.
    """
    if not batches or n_jobs == 0:
        raise MethodError("no batch, or no process", expected="one batch or more, n_jobs not 0")
    folder = Path(store) / stamp[:16]
    files = {name: folder / f"{name}.parquet" for name in batches}
    todo = [name for name, file in files.items() if _table(file) is None]
    done = len(batches) - len(todo)
    # Laid out anew, as on the way to a worker: sums over another layout can differ in the last
    # bit. To a cluster they go as bytes, for Dask hands arrays on at addresses not aligned.
    sink = io.BytesIO()
    joblib.dump(shared, sink)
    common = sink.getvalue() if address else joblib.load(io.BytesIO(sink.getvalue()))
    try:
        with _backend(n_jobs, address):
            parallel = joblib.Parallel(return_as="generator_unordered", max_nbytes="100K")
            call = joblib.delayed(_computed)
            parts = parallel(call(n, work, batches[n], common) for n in todo)
            for name, content in _tracked(parts, "batches", len(batches), done):
                with _replacing(files[name]) as temporary:
                    temporary.write_bytes(content)
                done += 1
    except (KeyboardInterrupt, joblib.externals.loky.process_executor.TerminatedWorkerError) as end:
        told = f"{done} of {len(batches)} batches are done and kept in {folder}"
        if isinstance(end, KeyboardInterrupt):
            raise KeyboardInterrupt(f"{told}; run the same call again to go on") from None
        hint = "run the same call again; if memory ran out, with a smaller n_jobs"
        raise EstimationError(f"a worker process was lost; {told}", hint=hint) from end
    except OSError as error:
        problem = f"a part cannot be written: {error.strerror or error}"
        hint = f"{done} batches are kept; free some space and run the same call again"
        raise DataError(problem, where={"folder": folder}, hint=hint) from error
    table = pa.concat_tables((_table(file) for file in files.values()), promote_options="default")
    return table.to_pandas(use_threads=False)


def _computed(
    name: str, work: Callable[..., pd.DataFrame], payload: Any, shared: Any
) -> tuple[str, bytes]:
    """Return the Parquet file of a batch, computed on one thread."""
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(1):
            common = joblib.load(io.BytesIO(shared)) if isinstance(shared, bytes) else shared
            frame = work(payload, common)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        error.add_note(f"in batch {name}")
        raise
    sink = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    pq.write_table(table, sink, write_page_checksum=True)
    return name, sink.getvalue()


def _table(file: Path) -> pa.Table | None:
    """Return a part, or None if it is not there or damaged."""
    try:
        # Threads of a reader can outlive it and abort the interpreter when it ends
        # (apache/arrow issues 34314 and 39862).
        with pq.ParquetFile(file, page_checksum_verification=True) as found:
            return found.read(use_threads=False)
    except (OSError, pa.ArrowInvalid):
        return None


@contextmanager
def _backend(n_jobs: int, address: str | None) -> Iterator[None]:
    """Say where joblib computes: in processes here, or on a cluster."""
    if address is None:
        with joblib.parallel_config("loky", n_jobs=n_jobs, inner_max_num_threads=1):
            yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        problem = "a cluster needs the package distributed, which is not installed"
        hint = "pip install 'nqpf[cluster]', here and on every worker"
        raise MethodError(problem, hint=hint) from error
    try:
        client = Client(address, timeout=30)
    except (OSError, ValueError) as error:
        problem = f"the scheduler cannot be reached: {error}"
        expected = "the address that 'dask scheduler' prints, such as tcp://10.0.0.1:8786"
        raise MethodError(problem, where={"address": address}, expected=expected) from error
    with client, joblib.parallel_config("dask", wait_for_workers_timeout=30):
        yield


def _tracked(parts: Iterable[Any], what: str, total: int, done: int = 0) -> Iterable[Any]:
    """Go through parts, with a bar on standard error when it is a terminal."""
    from rich.console import Console
    from rich.progress import track

    bar = {"console": Console(stderr=True), "disable": not sys.stderr.isatty()}
    return track(parts, what, total=total, completed=done, **bar)
