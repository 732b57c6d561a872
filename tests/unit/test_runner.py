"""Runs of batches: interrupted, resumed, damaged, on a full disk, on several cores."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import made_up_batches as made_up
import numpy as np
import pandas as pd
import pytest
from made_up_batches import ran, tasks, work

from nqpf.errors import DataError, EstimationError, MethodError, SampleError, SourceError
from nqpf.multiverse import run as _backends
from nqpf.multiverse.run import run_batches

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def part(store, number):
    """Return the file of a batch, or one that does not exist."""
    return next(store.glob(f"batch-{number:03}.*.parquet"), store / "none")


def run(batches, store, work=work, **options):
    return run_batches(batches, work, store, **{"stamp": "one", "n_jobs": 1, **options})


def finished(store):
    return {int(p.name[6:9]) for p in store.glob("batch-*.parquet")}


def left_over(store):
    return sorted(p.name for p in store.iterdir() if p.suffix == ".partial")


def test_batches_come_in_their_order_and_run_once(log, store):
    batches = dict(reversed(tasks(4, log).items()))
    frame = run(batches, store)
    assert list(frame["batch"]) == [3, 3, 2, 2, 1, 1, 0, 0]
    assert list(frame.index) == list(range(8))
    assert list(frame["text"].isna()) == [False, True] * 4
    pd.testing.assert_frame_equal(run(batches, store), frame)
    assert ran(log) == [0, 1, 2, 3]


def test_only_missing_batches_run(log, store):
    frame = run(tasks(4, log), store)
    part(store, 2).unlink()
    pd.testing.assert_frame_equal(run(tasks(4, log), store), frame)
    assert ran(log) == [0, 1, 2, 2, 3]
    assert len(run(tasks(5, log), store)) == 10  # a longer run of the same stamp
    assert ran(log) == [0, 1, 2, 2, 3, 4]


def figure(content):
    """Change one figure in a page, which the format itself does not notice."""
    at = content.index(np.int64(1).tobytes(), 4)
    return content[:at] + b"\x07" + content[at + 1 :]


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "figure": figure,
    "name of a column": lambda content: content.replace(b"batch", b"botch"),
    "zeros": lambda content: content[:500] + bytes(len(content) - 500),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_part_is_computed_again(damage, log, store):
    frame = run(tasks(3, log), store)
    whole = part(store, 1).read_bytes()
    part(store, 1).write_bytes(damage(whole))
    pd.testing.assert_frame_equal(run(tasks(3, log), store), frame)
    assert ran(log) == [0, 1, 1, 2]
    assert part(store, 1).read_bytes() == whole


def test_part_of_another_batch_is_computed_again(log, store):
    frame = run(tasks(3, log), store)
    part(store, 1).unlink()
    other = part(store, 2)
    (store / other.name.replace("002", "001")).write_bytes(other.read_bytes())
    pd.testing.assert_frame_equal(run(tasks(3, log), store), frame)


def test_other_stamp_is_refused(log, store):
    run(tasks(2, log), store)
    before = {p.name: p.read_bytes() for p in store.iterdir()}
    with pytest.raises(SourceError, match=r"stamp 'one' .*expected stamp 'two'.*another store"):
        run(tasks(3, log), store, stamp="two")
    assert {p.name: p.read_bytes() for p in store.iterdir()} == before
    assert ran(log) == [0, 1]


def test_part_of_another_stamp_is_refused(log, store, tmp_path):
    run(tasks(2, log), store)
    run(tasks(2, log), tmp_path / "other", stamp="two")
    part(store, 1).unlink()
    other = part(tmp_path / "other", 1)
    (store / other.name).write_bytes(other.read_bytes())
    with pytest.raises(SourceError, match=r"stamp 'two' \[file .*batch-001\..*\.parquet\]"):
        run(tasks(2, log), store)


def test_lost_manifest_does_not_let_stamps_mix(log, store):
    run(tasks(2, log), store)
    (store / "_manifest.json").unlink()
    with pytest.raises(SourceError, match=r"stamp 'one' \[file .*batch-000"):
        run(tasks(2, log), store, stamp="two")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}'])
def test_unreadable_manifest_is_named(text, log, store):
    run(tasks(1, log), store)
    (store / "_manifest.json").write_text(text)
    with pytest.raises(SourceError, match=r"manifest .*cannot be read \[file .*Delete this file"):
        run(tasks(1, log), store)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_disk_keeps_finished_parts(log, store, tmp_path):
    store.mkdir()
    run(tasks(3, log), tmp_path / "other")
    log.unlink()
    name = part(tmp_path / "other", 2).name
    (store / f".{name}.partial").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"disk is full \[file .*batch-002.*\].*are kept in"):
        run(tasks(4, log), store)
    assert part(store, 0).exists() and part(store, 1).exists() and not part(store, 2).exists()
    assert left_over(store) == []
    assert len(run(tasks(4, log), store)) == 8
    assert ran(log) == [0, 1, 2, 2, 3]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT], ids=["disk", "quota"])
def test_disk_that_fills_up_is_named(code, log, store, monkeypatch):
    def half(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(code, os.strerror(code))

    run(tasks(1, log), store)
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(DataError, match=r"disk is full \[file .*batch-001"):
        run(tasks(2, log), store)
    assert left_over(store) == [] and finished(store) == {0}


def test_part_is_whole_before_it_gets_its_name(log, store, monkeypatch):
    rename, seen = Path.replace, []

    def watched(partial, path):
        assert not path.exists()
        seen.append((path.name, partial.read_bytes()))
        return rename(partial, path)

    monkeypatch.setattr(Path, "replace", watched)
    run(tasks(3, log), store)
    assert [name for name, _ in seen] == [
        "_manifest.json",
        *(part(store, i).name for i in range(3)),
    ]
    assert all((store / name).read_bytes() == content for name, content in seen)


def test_store_that_cannot_be_made_is_named(log, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write: .* \[file .*file/store\]"):
        run(tasks(1, log), tmp_path / "file" / "store")


def test_batch_that_raises_is_named(log, store):
    with pytest.raises(
        EstimationError, match=r"'batch-002' stopped: Odd: left is not right\. 2 of"
    ):
        run(tasks(4, log), store, made_up.odd)
    assert part(store, 1).exists() and not part(store, 2).exists()
    with pytest.raises(EstimationError) as caught:
        run(tasks(4, log), store, made_up.odd)
    assert "in odd" in caught.value.__notes__[0]
    assert len(run(tasks(4, log), store)) == 8


def test_own_errors_keep_their_message(log, store):
    def empty(task):
        raise SampleError("no row is left", where={"year": 2020})

    with pytest.raises(EstimationError, match=r"stopped: no row is left \[year 2020\]"):
        run(tasks(1, log), store, empty)


def test_interruption_in_this_process_says_how_to_go_on(log, store):
    def interrupt(task):
        if task.number == 2:
            raise KeyboardInterrupt
        return work(task)

    with pytest.raises(KeyboardInterrupt, match="2 of 5 batches are done .* run the same call"):
        run(tasks(5, log), store, interrupt)
    assert len(run(tasks(5, log), store)) == 10
    assert ran(log) == [0, 1, 2, 3, 4]


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a group of processes")
def test_interruption_from_the_keyboard_keeps_finished_parts(log, store):
    program = [sys.executable, made_up.__file__, log, store, "2"]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests" / "unit")])
    with subprocess.Popen(
        program,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        until = time.monotonic() + 60
        while len(finished(store)) < 4 and time.monotonic() < until:
            assert child.poll() is None, child.stderr.read()
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGINT)  # as Ctrl-C does: the workers get it too
        message = child.communicate(timeout=30)[1]
    done = finished(store)
    assert f"KeyboardInterrupt: {len(done)} of 40 batches are done" in message
    assert child.returncode != 0 and 4 <= len(done) < 40 and left_over(store) == []
    first = ran(log)
    frame = run(tasks(40, log), store)
    assert list(frame["batch"]) == sorted([*range(40), *range(40)])
    again = ran(log)
    for number in first:
        again.remove(number)
    assert again == sorted(set(range(40)) - done)  # no finished batch ran again


def test_several_cores_give_the_same_bits(log, store, tmp_path):
    # Slices of a large array are laid out anew on their way to a worker.
    shared = np.random.default_rng(0).normal(size=(60_000, 12))[::2, ::2]
    batches = tasks(6, log)
    alone = run(batches, store, made_up.sums, shared=shared)
    both = run(batches, tmp_path / "both", made_up.sums, shared=shared, n_jobs=2)
    pd.testing.assert_frame_equal(both, alone, check_exact=True)
    for number in range(6):
        assert part(tmp_path / "both", number).read_bytes() == part(store, number).read_bytes()
    assert shared.nbytes > _backends._MAPPED  # so that a worker read it from a file
    with warnings.catch_warnings(), pytest.raises(EstimationError, match="2' stopped: Odd: left"):
        warnings.simplefilter("error")
        run(batches, tmp_path / "odd", made_up.odd, n_jobs=2)


def test_no_room_for_shared_data_is_named(log, store, monkeypatch):
    def full(value, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_backends.joblib, "dump", full)
    with pytest.raises(DataError, match=r"workers share .*No space left.* \[file .*TMPDIR"):
        run(tasks(2, log), store, n_jobs=2)


def test_this_process_computes_with_one_thread(log, store):
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(2):
        here = run(tasks(2, log), store, made_up.surroundings)
        assert {x["num_threads"] for x in threadpool_info()} == {2}
    assert set(here["threads"]) == {1} and set(here["pid"]) == {os.getpid()}


def test_each_process_computes_with_one_thread(log, store, tmp_path, monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    there = run(tasks(4, log), store, made_up.surroundings, n_jobs=2)
    assert set(there["threads"]) == {1} and os.getpid() not in set(there["pid"])
    # Where nothing can hold this process to one thread, a worker computes.
    monkeypatch.setattr(_backends, "thread_limits", lambda: None)
    apart = run(tasks(4, log), tmp_path / "one", made_up.surroundings)
    assert os.getpid() not in set(apart["pid"]) and set(apart["threads"]) == {1}


@pytest.mark.skipif(os.name != "posix", reason="kills a process by a signal")
def test_lost_worker_is_replaced(log, store, tmp_path, monkeypatch):
    frame = run(tasks(6, log), store, made_up.lost_once, n_jobs=2)
    assert list(frame["batch"]) == sorted([*range(6), *range(6)])
    monkeypatch.setattr(_backends, "_LOSSES", 0)
    with pytest.raises(EstimationError, match="1 worker processes were lost, .* 2 batches to go"):
        run(tasks(2, log), tmp_path / "lost", made_up.lost, n_jobs=2)


def test_second_run_on_one_store_is_refused(log, store):
    pytest.importorskip("fcntl", reason="no locks on this system")

    def again(task):
        with pytest.raises(DataError, match="another run is writing to this store"):
            run(tasks(1, log), store)
        return work(task)

    assert len(run(tasks(1, log), store, again)) == 2
    assert len(run(tasks(1, log), store)) == 2


def test_batches_cannot_change_what_the_caller_holds(log, store):
    def change(task, shared):
        shared[:] = 0
        return work(task)

    shared = np.ones(3)
    run(tasks(2, log), store, change, shared=shared)
    assert shared.tolist() == [1, 1, 1]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "shows"),
    [(Terminal, True, True), (Terminal, False, False), (io.StringIO, True, False)],
    ids=["terminal", "switched-off", "no-terminal"],
)
def test_progress_shows_on_a_terminal_only(
    stream, progress, shows, log, store, monkeypatch, capsys
):
    run(tasks(1, log), store, progress=False)
    monkeypatch.setattr(sys, "stderr", stream())
    run(tasks(3, log), store, progress=progress)
    assert ("3/3" in sys.stderr.getvalue()) == shows
    assert bool(sys.stderr.getvalue()) == shows
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_jobs": 0}, "n_jobs 0"),
        ({"n_jobs": True}, "n_jobs True"),
        ({"n_jobs": 1.5}, "n_jobs 1.5"),
        ({"stamp": ""}, "stamp ''"),
        ({"stamp": None}, "stamp None"),
        ({"backend": "spark"}, "backend 'spark'; expected 'local' or 'dask'"),
        ({"backend": "dask"}, "'dask' with address None; expected the address"),
        ({"address": "tcp://127.0.0.1:1"}, "'local' with address 'tcp"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_option_that_is_not_valid_is_named(options, message, log, store):
    with pytest.raises(MethodError, match=message):
        run(tasks(1, log), store, **options)
    assert not store.exists()


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".a", "浙江", "a b", "a\n", "a" * 201, 3])
def test_name_that_no_file_can_have_is_refused(name, log, store):
    with pytest.raises(MethodError, match="cannot name a file"):
        run({name: tasks(1, log)["batch-000"]}, store)
    assert not store.exists()


def test_names_that_one_file_system_confuses_are_refused(store):
    with pytest.raises(MethodError, match="'a' and 'A' differ by case only"):
        run({"a": 1, "A": 2}, store)
    with pytest.raises(MethodError, match="no batch"):
        run({}, store)


@pytest.mark.parametrize(
    ("tables", "error", "message"),
    [
        ([3], EstimationError, "'0' stopped: a int; expected a DataFrame"),
        ([pd.DataFrame({"a": [1]}).rename_axis("k")], EstimationError, "keys in the index: k"),
        ([{"a": 1}, {"b": 1}], SampleError, "'0' and '1' differ in a, b; expected a from"),
        ([{"a": 1, "b": 1}, {"b": 1, "a": 1}], SampleError, "differ in their order"),
        ([{"a": "x"}, {"a": 1}], SampleError, "different types"),
    ],
    ids=["no-table", "index", "columns", "order", "types"],
)
def test_table_that_does_not_fit_is_named(tables, error, message, store):
    batches = {
        str(i): pd.DataFrame(t, index=[0]) if isinstance(t, dict) else t
        for i, t in enumerate(tables)
    }
    with pytest.raises(error, match=message):
        run(batches, store, lambda table: table)


def test_batches_without_rows_or_figures_join_the_others(store):
    batches = {
        "figures": pd.DataFrame({"a": [1.5], "b": ["x"], "c": [True]}),
        "nothing": pd.DataFrame({"a": [None], "b": [None], "c": [None]}),
        "no-rows": pd.DataFrame({"a": [], "b": [], "c": []}, dtype=object),
    }
    frame = run(batches, store, lambda table: table)
    assert frame["a"].dtype == float and frame["a"].isna().tolist() == [False, True]
    assert frame.at[0, "b"] == "x" and frame.at[0, "c"]
