"""Batches on a real Dask scheduler whose workers are processes of their own."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from pathlib import Path

import made_up_batches as made_up
import numpy as np
import pandas as pd
import pytest
from made_up_batches import processes, ran, tasks, work

from nqpf.errors import EstimationError, MethodError
from nqpf.multiverse import run as _cluster
from nqpf.multiverse.run import run_batches

pytest.importorskip("distributed", reason="distributed is not installed")
ROOT = Path(__file__).resolve().parents[2]


class Cluster:
    """A scheduler on this machine, and workers that can be killed."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        self.workers = []

    def _start(self, kind, *options):
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests" / "unit")])
        program = [sys.executable, "-m", "dask", kind, "--scheduler-file", self.file]
        with (self.folder / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(
                [*program, "--no-dashboard", *options],
                env={**os.environ, "PYTHONPATH": path},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def add_workers(self, count):
        here = "--no-nanny", "--nthreads", "1", "--local-directory", self.folder
        self.workers += [self._start("worker", *here) for _ in range(count)]

    def wait_for_workers(self):
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)
            # On a busy machine one could be done with all batches while the other imports.
            for module in ("nqpf.multiverse.run", "made_up_batches"):
                client.run(importlib.import_module, module)

    @property
    def address(self):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.file.exists() and self.file.read_text():
                return json.loads(self.file.read_text())["address"]
            time.sleep(0.05)
        raise AssertionError((self.folder / "scheduler.log").read_text())


@pytest.fixture
def cluster(tmp_path):
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


@contextmanager
def meanwhile(condition, act):
    """Act as soon as a condition holds, while the body of the statement runs."""
    over = threading.Event()

    def watch():
        while not over.wait(0.02):
            if condition():
                act()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def parts(store):
    return {p.name: p.read_bytes() for p in store.glob("*.parquet")}


def test_one_worker_killed_while_it_runs(cluster, tmp_path):
    log, count = tmp_path / "log", 30
    batches = tasks(count, log, seconds=0.1)
    # Slices are laid out anew on their way, and data goes from worker to worker.
    shared = np.random.default_rng(0).normal(size=(20_000, 2 * count))[::2, ::2]
    options = {"stamp": "one", "shared": shared}
    cluster.add_workers(2)
    first, second = cluster.workers
    remote = {"backend": "dask", "address": cluster.address, "timeout": 60}
    cluster.wait_for_workers()
    before = []

    def stop_first():
        first.kill()
        first.wait()
        before.append(len(ran(log)))

    def both_work():
        return min(processes(log).count(worker.pid) for worker in cluster.workers) >= 3

    with meanwhile(both_work, stop_first):
        frame = run_batches(batches, made_up.sums, tmp_path / "dask", **options, **remote)
    assert first.poll() == -signal.SIGKILL and second.poll() is None
    where = processes(log)
    assert 6 <= before[0] < count
    assert set(where[before[0] :]) == {second.pid}  # it went on alone
    assert set(ran(log)) == set(range(count))
    # At most what ran, or waited to be fetched, when the worker went was computed again.
    assert len(ran(log)) <= count + where.count(first.pid)

    quick = tasks(count, log)
    alone = run_batches(quick, made_up.sums, tmp_path / "alone", **options, n_jobs=1)
    pd.testing.assert_frame_equal(frame, alone, check_exact=True)
    assert len(parts(tmp_path / "dask")) == count
    assert parts(tmp_path / "dask") == parts(tmp_path / "alone")

    log.unlink()  # and what is there is not computed again
    next(iter((tmp_path / "dask").glob("batch-007.*"))).unlink()
    again = run_batches(batches, made_up.sums, tmp_path / "dask", **options, **remote)
    pd.testing.assert_frame_equal(again, alone, check_exact=True)
    assert ran(log) == [7]


def elsewhere(task):
    """Work that no worker can import: this module is known to pytest only."""


def test_what_stops_a_run_on_a_cluster_is_named(cluster, tmp_path, monkeypatch):
    store, log = tmp_path / "store", tmp_path / "log"

    def run(batches, work, timeout=60.0):
        options = {"backend": "dask", "address": address, "timeout": timeout, "stamp": "one"}
        return run_batches(batches, work, store, **options)

    address = cluster.address
    with pytest.raises(EstimationError, match=r"no worker for 0\.2 s .*dask worker tcp"):
        run(tasks(1, log), work, timeout=0.2)
    cluster.add_workers(1)
    with pytest.raises(EstimationError, match="'batch-002' stopped: Odd: left is not right") as odd:
        run(tasks(4, log), made_up.odd)
    assert "in odd" in odd.value.__notes__[0]
    with pytest.raises(EstimationError, match="'batch-.*' stopped: ") as unknown:
        run(tasks(5, log), elsewhere)
    assert "ModuleNotFoundError" in unknown.value.__notes__[0]
    with monkeypatch.context() as patch:
        here = {**_cluster._libraries(), "numpy": "0.1"}
        patch.setattr(_cluster, "_libraries", lambda: here)
        with pytest.raises(EstimationError, match=r"a worker has numpy .*, the caller 0\.1"):
            run(tasks(5, log), work)

    log.unlink()
    (worker,) = cluster.workers
    with meanwhile(lambda: len(ran(log)) >= 2, worker.kill):
        with pytest.raises(EstimationError, match="no worker for 1 s"):
            run(tasks(40, log, 0.1), work, timeout=1)
    cluster.add_workers(1)
    reached = len(ran(log)) + 2
    with meanwhile(lambda: len(ran(log)) >= reached, cluster.scheduler.kill):
        with pytest.raises(
            EstimationError, match="connection to the scheduler was lost|no worker for"
        ):
            run(tasks(40, log, 0.1), work, timeout=5)
    frame = run_batches(tasks(40, log), work, store, stamp="one", n_jobs=1)
    assert list(frame["batch"]) == sorted([*range(40), *range(40)])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1", "nowhere://a:1"])
def test_scheduler_out_of_reach_is_named(address, tmp_path):
    options = {"backend": "dask", "address": address, "timeout": 0.3, "stamp": "one"}
    with pytest.raises(MethodError, match=rf"cannot be reached within 0\.3 s.*{address}"):
        run_batches(tasks(1, tmp_path / "log"), work, tmp_path / "store", **options)


def test_missing_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = {"backend": "dask", "address": "tcp://127.0.0.1:1", "stamp": "one"}
    with pytest.raises(MethodError, match=r"not installed.*nqpf\[cluster\]"):
        run_batches(tasks(1, tmp_path / "log"), work, tmp_path / "store", **options)


class Future:
    """A future of which the result went with its worker, in one of the ways Dask shows it."""

    def __init__(self, status, error=None):
        self.status, self.error = status, error

    def result(self, timeout):
        raise self.error


@pytest.mark.parametrize(
    "future",
    [Future("lost"), Future("pending"), Future("finished", TimeoutError())],
    ids=["lost", "pending", "not-fetched"],
)
def test_result_that_went_with_its_worker_is_awaited_again(future):
    assert _cluster._outcome(future, "a", "tcp://here", 1.0) is None


@pytest.mark.parametrize(
    "future",
    [Future("cancelled"), Future("finished", CancelledError()), Future("finished", OSError())],
    ids=["cancelled", "while-fetched", "broken"],
)
def test_scheduler_that_went_is_named(future):
    with pytest.raises(EstimationError, match=r"scheduler was lost \[address tcp://here\]"):
        _cluster._outcome(future, "a", "tcp://here", 1.0)
