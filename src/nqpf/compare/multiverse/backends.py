"""Batches computed in this process or on the cores of this machine."""

from __future__ import annotations

import functools
import io
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

import joblib

from nqpf.compare.multiverse.parts import encode
from nqpf.errors import DataError, EstimationError, NqpfError

__all__ = ["Failure", "Job", "Outcome", "on_cores", "pack", "thread_limits", "unpack"]

_MAPPED = 1_000_000  # bytes from which shared data is mapped into memory
_LOSSES = 3  # lost worker processes that a local run replaces; a cluster's default is the same


@dataclass(frozen=True)
class Failure:
    """What stopped a batch, as text: not every exception survives the way from a worker."""

    problem: str
    trace: str = ""


Outcome = tuple[str, bytes | Failure]


class _Watch:
    """Keeps what stops a batch, so that the run can name it; an interruption passes."""

    failure: Failure | None = None

    def __enter__(self) -> _Watch:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        name = "" if isinstance(error, NqpfError) else f"{type(error).__name__}: "
        text = "".join(traceback.format_exception(error))
        self.failure = Failure(f"{name}{error}", text)
        return True


@dataclass(frozen=True)
class Job:
    """What a worker has to know besides payloads."""

    work: Callable[..., Any]
    stamp: str
    shares: bool

    def run(self, name: str, payload: bytes, shared: object) -> Outcome:
        """Return the part of a batch, or what stopped it."""
        with _Watch() as watch:
            arguments = (unpack(payload), shared) if self.shares else (unpack(payload),)
            return name, encode(self.work(*arguments), name, self.stamp)
        return name, watch.failure

    def run_mapped(self, name: str, payload: bytes, file: str) -> Outcome:
        """Do the same with shared data in a file."""
        return self.run(name, payload, _mapped(file))


def on_cores(
    job: Job, batches: Mapping[str, object], todo: Sequence[str], shared: object, n_jobs: int
) -> Iterator[Outcome]:
    """Compute batches on this machine, each with one thread, in the order they end.

    Raises
    ------
    nqpf.errors.EstimationError
        If worker processes are lost again and again.
    nqpf.errors.DataError
        If there is no room for a file of shared data.
    """
    count = joblib.effective_n_jobs(n_jobs)
    threads = thread_limits()
    if count == 1 and threads is not None:
        with threads.threadpool_limits(1):
            own = unpack(pack(shared))
            for name in todo:
                yield job.run(name, pack(batches[name]), own)
        return
    left = dict.fromkeys(todo)
    with _file_of(shared) as file:
        for losses in range(_LOSSES + 1):
            try:
                with closing(_processes(job, batches, list(left), file, count)) as outcomes:
                    for name, outcome in outcomes:
                        del left[name]
                        yield name, outcome
                return
            except BrokenProcessPool as error:
                if losses == _LOSSES:
                    raise EstimationError(
                        f"{losses + 1} worker processes were lost, the last with "
                        f"{len(left)} batches to go",
                        expected="workers that live until a batch ends",
                        hint="if memory ran out, give a smaller n_jobs or smaller batches",
                    ) from error


def _processes(
    job: Job, batches: Mapping[str, object], names: list[str], file: str, count: int
) -> Iterator[Outcome]:
    # joblib has no pool of one: a pool of two that is given one batch at a time is the same.
    ahead = "1" if count == 1 else "2 * n_jobs"
    with joblib.parallel_config("loky", n_jobs=max(count, 2), inner_max_num_threads=1):
        run = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=ahead)
        call = joblib.delayed(job.run_mapped)
        outcomes = run(call(name, pack(batches[name]), file) for name in names)
        try:
            for outcome in outcomes:  # noqa: UP028 - "yield from" would close them with a warning
                yield outcome
        finally:
            with warnings.catch_warnings():
                # After a batch that stopped, joblib tells its own caller to give it fewer.
                warnings.filterwarnings("ignore", message=".*tasks.*", category=UserWarning)
                outcomes.close()


def pack(value: object) -> bytes:
    """Return an object as bytes; arrays keep their memory order."""
    sink = io.BytesIO()
    joblib.dump(value, sink)
    return sink.getvalue()


def unpack(content: bytes) -> object:
    """Return a fresh object from bytes.

    Every backend computes on such a copy. An array that is a slice of another one
    is laid out anew in it, and sums over another layout can differ in the last bit.
    """
    return joblib.load(io.BytesIO(content))


@contextmanager
def _file_of(shared: object) -> Iterator[str]:
    """Write shared data to a file that lives as long as the run."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="nqpf-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _no_room(tempfile.gettempdir(), error) from error
    with folder as name:
        file = os.path.join(name, "shared")
        try:
            joblib.dump(shared, file)
        except OSError as error:
            raise _no_room(file, error) from error
        yield file


def _no_room(file: str, error: OSError) -> DataError:
    return DataError(
        f"data that workers share cannot be written: {error.strerror or error}",
        where={"file": file},
        expected="room for one copy of the data",
        hint="free some space, name another folder by TMPDIR, or give n_jobs=1; "
        "finished parts are kept",
    )


@functools.lru_cache(maxsize=1)
def _mapped(file: str) -> object:
    """Return shared data, of which all processes of a machine read one copy if it is large."""
    return joblib.load(file, mmap_mode="r" if os.path.getsize(file) > _MAPPED else None)


def thread_limits() -> ModuleType | None:
    """Return threadpoolctl, which can hold a running process to one thread, if it is there."""
    try:
        import threadpoolctl
    except ImportError:
        return None
    return threadpoolctl
