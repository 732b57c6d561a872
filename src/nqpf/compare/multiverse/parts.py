"""A folder of Parquet parts, one per batch, of which each is whole or absent.

A part is named ``<batch>.<first digits of its SHA-256>.parquet``. It is written
under another name, then renamed; a reader believes it only if its bytes give the
digits in its name, so a part that was cut short or damaged is never used.
``pandas.read_parquet`` of the folder skips the manifest.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nqpf.errors import DataError, MethodError, SampleError, SourceError

try:
    import fcntl
except ImportError:  # Windows: two runs at once repeat work there, but each part stays whole.
    fcntl = None

__all__ = ["MANIFEST", "Parts", "check_names", "encode"]

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
