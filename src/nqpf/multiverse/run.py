"""Long runs of independent batches that can be interrupted, resumed and moved to a cluster."""

from __future__ import annotations

import errno
import functools
import hashlib
import importlib.metadata
import io
import json
import os
import queue
import re
import sys
import tempfile
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nqpf.errors import DataError, EstimationError, MethodError, NqpfError, SampleError, SourceError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = [
    "Failure",
    "Job",
    "MANIFEST",
    "Outcome",
    "Parts",
    "check_names",
    "check_where",
    "encode",
    "on_cluster",
    "on_cores",
    "pack",
    "run_batches",
    "thread_limits",
    "unpack",
]

try:
    import fcntl
except ImportError:  # Windows: two runs at once repeat work there, but each part stays whole.
    fcntl = None


MANIFEST = "_manifest.json"

_FULL = {errno.ENOSPC, errno.EDQUOT}
_PART = re.compile(r"(?P<name>.+)\.(?P<digest>[0-9a-f]{16})\.parquet")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def encode(frame: pd.DataFrame, name: str, stamp: str) -> bytes:
    """Return a batch's table as a Parquet file that carries its name and stamp.

    Raises
    ------
    nqpf.errors.SampleError
        If this is no table, or its keys are in the index, which is not kept.
    """
    if not isinstance(frame, pd.DataFrame):
        raise SampleError(f"a {type(frame).__name__}", expected="a DataFrame from each batch")
    if any(level is not None for level in frame.index.names):
        raise SampleError(
            f"keys in the index: {', '.join(map(str, frame.index.names))}",
            expected="keys in columns, because the index is not kept",
            hint="return frame.reset_index()",
        )
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    own = {b"nqpf.batch": name.encode(), b"nqpf.stamp": stamp.encode()}
    sink = pa.BufferOutputStream()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **own})
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


@dataclass(frozen=True)
class Parts:
    """The parts of one run.

    Attributes
    ----------
    folder : Path
    stamp : str
        Of declaration, data and code; parts of another stamp are refused.
    """

    folder: Path
    stamp: str

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make the folder, claim it for this run and check whose parts it holds.

        Raises
        ------
        nqpf.errors.SourceError
            If it belongs to another stamp, or its manifest cannot be read.
        nqpf.errors.DataError
            If another run is writing to it, or it cannot be written.
        """
        manifest = self.folder / MANIFEST
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("ab")
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        with lock:
            self._claim(lock.fileno())
            if manifest.exists():
                self._check_manifest(manifest)
            else:
                text = json.dumps({"format": 1, "stamp": self.stamp}, indent=1) + "\n"
                _write(manifest, text.encode())
            yield

    def _claim(self, descriptor: int) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(
                "another run is writing to this store",
                where={"folder": self.folder},
                hint="wait until it ends, or give another store",
            ) from error
        except OSError:
            return  # a file system without locks, as for Windows

    def _check_manifest(self, manifest: Path) -> None:
        try:
            found = json.loads(manifest.read_text(encoding="utf-8"))["stamp"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(
                "the manifest of the store cannot be read",
                where={"file": manifest},
                hint="delete this file; each part carries its stamp and is checked by it",
            ) from error
        if found != self.stamp:
            raise self._foreign(manifest, str(found))

    def _foreign(self, path: Path, found: str) -> SourceError:
        return SourceError(
            f"results of another declaration, data or code, stamp {found!r}",
            where={"file": path},
            expected=f"stamp {self.stamp!r}",
            hint="give another store, or delete this folder to compute everything again",
        )

    def done(self, names: Iterable[str]) -> set[str]:
        """Return the names whose part is whole, and remove those that are not.

        Raises
        ------
        nqpf.errors.SourceError
            If a part belongs to another stamp.
        """
        done = set()
        files = self._files()
        for name in names:
            for path in files.get(name, []):
                if self._table(name, path) is None:
                    path.unlink()
                else:
                    done.add(name)
        return done

    def write(self, name: str, content: bytes) -> None:
        """Write a part that is whole or absent, whatever happens meanwhile.

        Raises
        ------
        nqpf.errors.DataError
            If the disk is full or the folder cannot be written.
        """
        _write(self.folder / f"{name}.{_digest(content)}.parquet", content)

    def read(self, names: Iterable[str]) -> pd.DataFrame:
        """Return the parts one below the other, in the order of `names`.

        Raises
        ------
        nqpf.errors.SourceError
            If a part has gone or belongs to another stamp.
        nqpf.errors.SampleError
            If the columns of two batches differ.
        """
        files = self._files()
        tables: dict[str, pa.Table] = {}
        for name in names:
            found = (self._table(name, path) for path in files.get(name, []))
            table = next((t for t in found if t is not None), None)
            if table is None:
                raise SourceError(
                    f"the part of batch {name!r} has gone or is damaged",
                    where={"folder": self.folder},
                    hint="run the same call again: it computes this batch only",
                )
            tables[name] = table
        first = next(iter(tables))
        for name, table in tables.items():
            if table.column_names != tables[first].column_names:
                raise _differ(first, tables[first].column_names, name, table.column_names)
        try:
            joined = pa.concat_tables(tables.values(), promote_options="permissive")
        except pa.ArrowException as error:
            raise SampleError(
                f"columns of one name hold different types in different batches: {error}",
                expected="text or numbers throughout",
            ) from error
        return joined.to_pandas(use_threads=False)

    def _files(self) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = {}
        for path in sorted(self.folder.iterdir()):
            match = _PART.fullmatch(path.name)
            if match:
                files.setdefault(match["name"], []).append(path)
        return files

    def _table(self, name: str, path: Path) -> pa.Table | None:
        """Return a part, or None when it is damaged or another batch's."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SourceError(
                f"a part cannot be read: {error.strerror or error}",
                where={"file": path},
                hint="correct this, or remove the file to compute it again",
            ) from error
        if path.name != f"{name}.{_digest(content)}.parquet":
            return None
        # Threads of a reader can outlive it and abort the interpreter when it ends
        # (apache/arrow issues 34314 and 39862).
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        own = table.schema.metadata or {}
        found = own.get(b"nqpf.stamp", b"none").decode()
        if found != self.stamp:
            raise self._foreign(path, found)
        return table if own.get(b"nqpf.batch") == name.encode() else None


def check_names(names: Iterable[str]) -> None:
    """Raise when a batch cannot be named in a file system.

    Raises
    ------
    nqpf.errors.MethodError
        Names the batch.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise MethodError(
                f"batch {name!r} cannot name a file",
                expected="letters A to Z, digits, '.', '_' and '-', at most 200, "
                "beginning with a letter or digit",
            )
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise MethodError(
                f"batches {other!r} and {name!r} differ by case only",
                expected="names that stay apart on every file system",
            )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        # Not forced to the disk, which takes longer than many a batch: what a power cut
        # spoils does not give its digest any more.
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:  # after an interruption too: leave nothing half-written behind
        partial.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> DataError:
    full = error.errno in _FULL
    return DataError(
        "the disk is full" if full else f"cannot write: {error.strerror or error}",
        where={"file": path},
        expected="room for one more part" if full else "a folder that can be written",
        hint=f"finished parts are kept in {path.parent} and nothing is half-written; "
        f"{'free some space' if full else 'correct this'} and run the same call again",
    )


def _differ(first: str, have: list[str], name: str, found: list[str]) -> SampleError:
    odd = sorted(set(have) ^ set(found))
    return SampleError(
        f"the columns of batches {first!r} and {name!r} differ"
        + (f" in {', '.join(odd)}" if odd else " in their order"),
        expected=f"{', '.join(have)} from each batch",
    )


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
