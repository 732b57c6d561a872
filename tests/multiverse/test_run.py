"""Runs of batches: interrupted, damaged, on a full disk, on several cores, on a cluster."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import made_up_batches as made_up
import numpy as np
import pandas as pd
import pytest
from made_up_batches import ran, tasks, work
from made_up_panels import refuses

from nqpf.errors import DataError, EstimationError, MethodError
from nqpf.multiverse import run as running

SRC = Path(__file__).resolve().parents[2] / "src"
PATH = os.pathsep.join([str(SRC), str(Path(made_up.__file__).parent)])


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def run(batches, store, work=work, stamp="one", n_jobs=1, **options):
    return running._run_batches(batches, work, store, stamp, n_jobs=n_jobs, **options)


def part(store, number):
    return store / "one" / f"batch-{number:03}.parquet"


def finished(store):
    return {int(p.name[6:9]) for p in (store / "one").glob("batch-*.parquet")}


def figure(content):
    """Change one figure in a page."""
    at = content.index(np.int64(1).tobytes(), 4)
    return content[:at] + b"\x07" + content[at + 1 :]


def test_batches_come_in_their_order_and_only_missing_or_damaged_ones_run(log, store):
    batches = dict(reversed(tasks(4, log).items()))
    frame = run(batches, store)
    assert list(frame["batch"]) == [3, 3, 2, 2, 1, 1, 0, 0]
    assert list(frame["text"].isna()) == [False, True] * 4
    pd.testing.assert_frame_equal(run(batches, store), frame)
    whole = part(store, 1).read_bytes()
    for damage in (lambda c: c[: len(c) // 2], lambda c: b"", figure, None):
        part(store, 1).unlink() if damage is None else part(store, 1).write_bytes(damage(whole))
        pd.testing.assert_frame_equal(run(batches, store), frame)
        assert part(store, 1).read_bytes() == whole
    assert ran(log) == [0, 1, 1, 1, 1, 1, 2, 3]
    run(batches, store, stamp="two")  # parts of another stamp are not used
    assert len(ran(log)) == 12


def test_a_full_disk_is_named_and_keeps_what_is_done(log, store, monkeypatch):
    run(tasks(1, log), store)

    def half(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(DataError, match=r"No space left.*\[folder .*1 batches are kept"):
            run(tasks(2, log), store)
    assert [p.name for p in (store / "one").iterdir()] == ["batch-000.parquet"]
    assert len(run(tasks(2, log), store)) == 4


def test_a_batch_that_raises_is_named_and_each_computes_with_one_thread(log, store):
    for n_jobs in (1, 2):
        with pytest.raises(ValueError, match="left is not right") as caught:
            run(tasks(4, log), store, made_up.odd, n_jobs=n_jobs)
        assert caught.value.__notes__ == ["in batch batch-002"]
        found = run(tasks(4, log), store, made_up.surroundings, f"jobs {n_jobs}", n_jobs=n_jobs)
        assert set(found["threads"]) == {1}
        assert (os.getpid() in set(found["pid"])) == (n_jobs == 1)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a group of processes")
def test_interruption_from_the_keyboard_keeps_finished_parts(log, store):
    program = [sys.executable, made_up.__file__, log, store, "2"]
    own = {"env": {**os.environ, "PYTHONPATH": PATH}, "text": True, "start_new_session": True}
    with subprocess.Popen(program, stderr=subprocess.PIPE, **own) as child:
        until = time.monotonic() + 60
        while len(finished(store)) < 4 and time.monotonic() < until:
            assert child.poll() is None, child.stderr.read()
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGINT)  # as Ctrl-C does: the workers get it too
        message = child.communicate(timeout=30)[1]
    done = finished(store)
    assert f"KeyboardInterrupt: {len(done)} of 40 batches are done" in message
    assert child.returncode != 0 and 4 <= len(done) < 40
    first = ran(log)
    assert len(run(tasks(40, log), store)) == 80
    again = ran(log)
    for number in first:
        again.remove(number)
    assert again == sorted(set(range(40)) - done)  # no finished batch ran again


@pytest.mark.parametrize("where", ["cores", "cluster"])
def test_several_cores_and_a_cluster_give_the_same_bytes(where, log, store, tmp_path, monkeypatch):
    # Slices of a large array are laid out anew on their way to a worker.
    shared = np.random.default_rng(0).normal(size=(60_000, 12))[::2, ::2]
    alone = run(tasks(6, log), store, made_up.sums, shared=shared)
    given = (tasks(6, log), tmp_path / "there", made_up.sums)
    if where == "cores":
        there = run(*given, shared=shared, n_jobs=2)
    else:
        why = "distributed comes with nqpf[cluster]"
        distributed = pytest.importorskip("distributed", reason=why)
        monkeypatch.setenv("PYTHONPATH", PATH)
        here = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
        with distributed.LocalCluster(**here, local_directory=tmp_path) as cluster:
            there = run(*given, shared=shared, address=cluster.scheduler_address)
    pd.testing.assert_frame_equal(there, alone, check_exact=True)
    for number in range(6):
        assert part(tmp_path / "there", number).read_bytes() == part(store, number).read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="kills a process by a signal")
def test_a_lost_worker_is_named_and_the_run_goes_on(log, store):
    with pytest.raises(EstimationError, match="worker process was lost; . of 6 batches"):
        run(tasks(6, log), store, made_up.lost_once, n_jobs=2)
    assert len(run(tasks(6, log), store, made_up.lost_once, n_jobs=2)) == 12


def test_without_batches_or_processes_there_is_no_run(log, store):
    for batches, n_jobs in (({}, 1), (tasks(1, log), 0)):
        refuses(MethodError, "no batch, or no process", run, batches, store, n_jobs=n_jobs)


def test_a_cluster_that_is_not_there_is_named(log, store, monkeypatch):
    def unreachable(*_args, **_options):
        raise OSError("no route")

    for module, words in (
        (SimpleNamespace(Client=unreachable), r"cannot be reached: no route \[address tcp://a:1\]"),
        (None, r"not installed.*nqpf\[cluster\]"),
    ):
        monkeypatch.setitem(sys.modules, "distributed", module)
        refuses(MethodError, words, run, tasks(1, log), store, address="tcp://a:1")
