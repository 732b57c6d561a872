"""Batches computed on the workers of a Dask scheduler."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import queue
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nqpf.compare.multiverse.backends import Failure, Job, Outcome, pack, thread_limits, unpack
from nqpf.errors import EstimationError, MethodError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["on_cluster"]

_POLL = 0.5  # seconds between looks at the cluster while nothing arrives
_DECIDE_BITS = ("numpy", "scipy", "pandas", "pyarrow", "nqpf")


def on_cluster(
    job: Job,
    batches: Mapping[str, object],
    todo: Sequence[str],
    shared: object,
    address: str,
    timeout: float,
) -> Iterator[Outcome]:
    """Compute batches on a cluster, in the order they end.

    Raises
    ------
    nqpf.errors.MethodError
        If distributed is not installed or the scheduler cannot be reached.
    nqpf.errors.EstimationError
        If the scheduler, or every worker for longer than `timeout`, is lost.
    """
    arrived: queue.SimpleQueue[Future] = queue.SimpleQueue()
    run, libraries = uuid.uuid4().hex, _libraries()
    with _connect(address, timeout) as client:
        # A task, not scattered data: when a lost worker takes it along, it is made again.
        own = client.submit(functools.partial(_Shared, run, pack(shared)), key=f"shared-{run}")
        waiting = {}
        for name in todo:
            # A partial is opaque to Dask, which would look for tasks inside a payload.
            call = functools.partial(_remote, job, name, pack(batches[name]), libraries)
            future = client.submit(call, own, key=f"{name}-{run}")
            waiting[future.key] = name, future
            future.add_done_callback(arrived.put)
        seen, late = time.monotonic(), []
        while waiting:
            try:
                future = arrived.get(timeout=_POLL)
            except queue.Empty:
                seen = _look(client, address, seen, timeout)
                while late:
                    arrived.put(late.pop())
                continue
            outcome = _outcome(future, waiting[future.key][0], address, timeout)
            if outcome is None:
                late.append(future)
                continue
            del waiting[future.key]
            yield outcome
            seen = time.monotonic()


@dataclass(frozen=True)
class _Shared:
    """Data of all batches on their way from worker to worker.

    They travel as bytes: Dask hands arrays on at any address, and numpy adds up an
    array that is not aligned in other steps, with other last bits.
    """

    run: str
    content: bytes = field(compare=False)


@functools.lru_cache(maxsize=1)
def _opened(shared: _Shared) -> object:
    return unpack(shared.content)


def _remote(
    job: Job, name: str, payload: bytes, libraries: dict[str, str], shared: _Shared
) -> Outcome:
    unfit = _unfit(libraries)
    return (name, Failure(unfit)) if unfit else job.run(name, payload, _opened(shared))


@functools.cache
def _one_thread() -> bool:
    """Hold this worker to one thread per task for good; say whether that is so."""
    threads = thread_limits()
    if threads is not None:
        threads.threadpool_limits(1)
    return threads is not None or os.environ.get("OMP_NUM_THREADS") == "1"


def _unfit(libraries: dict[str, str]) -> str | None:
    """Return why results of this worker could differ from those of the caller."""
    for library, here in _libraries().items():
        if here != libraries[library]:
            return f"a worker has {library} {here}, the caller {libraries[library]}"
    return None if _one_thread() else "a worker runs BLAS with more than one thread"


def _libraries() -> dict[str, str]:
    found = {}
    for library in _DECIDE_BITS:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "from a folder"
    return found


def _connect(address: str, timeout: float) -> Client:
    try:
        import distributed
    except ImportError as error:
        raise MethodError(
            "backend 'dask' needs the package distributed, which is not installed",
            hint="pip install 'nqpf[cluster]', here and on every worker",
        ) from error
    try:
        return distributed.Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MethodError(
            f"the scheduler cannot be reached within {timeout:g} s: {error}",
            where={"address": address},
            expected="the address that 'dask scheduler' prints, such as tcp://10.0.0.1:8786",
        ) from error


def _look(client: Client, address: str, seen: float, timeout: float) -> float:
    """Return when workers were seen last."""
    try:
        if client.nthreads():
            return time.monotonic()
    except OSError as error:
        raise _lost(address) from error
    if time.monotonic() - seen > timeout:
        raise EstimationError(
            f"the cluster has had no worker for {timeout:g} s",
            where={"address": address},
            hint=f"start one with 'dask worker {address}'",
        )
    return seen


def _outcome(future: Future, name: str, address: str, timeout: float) -> Outcome | None:
    """Return what became of a batch, or None if its result went with a worker.

    The scheduler then has it computed again, and the same future ends once more.
    """
    try:
        if future.status == "error":
            error = future.exception(timeout=timeout)
            text = " ".join(f"{type(error).__name__}: {error}".split())
            return name, Failure(text, "".join(traceback.format_exception(error)))
        if future.status == "finished":
            return future.result(timeout=timeout)
    except TimeoutError:
        return None
    except (OSError, CancelledError) as error:
        raise _lost(address) from error
    if future.status == "cancelled":
        raise _lost(address)
    return None


def _lost(address: str) -> EstimationError:
    return EstimationError(
        "the connection to the scheduler was lost",
        where={"address": address},
        expected="a scheduler that lives until the run ends",
    )
