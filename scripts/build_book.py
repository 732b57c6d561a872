"""Build the book: drop what is stale, run the chapters in parallel, make the pages.

Usage: python scripts/build_book.py
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import partial
from pathlib import Path

import warm_kernels
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))  # where the templates of pages are
BUILD = ROOT / "_build"
CONFIG = ROOT / "book" / "_config.yml"
TOC = ROOT / "book" / "_toc.yml"

# The cache of executed chapters looks at their cells only, and Sphinx at the pages' sources only.
# What else all results or all pages depend on; what one chapter opens and loads is kept beside its
# results (scripts/watch_inputs.py).
RESULTS = ["requirements.lock", "scripts/warm_kernels.py"]
RESULTS += ["scripts/watch_regressions.py", "scripts/watch_inputs.py"]
PAGES = ["src", "data", "requirements.lock", "scripts/make_files.py"]
PAGES += ["book/_ext", "book/_config.yml", "book/_toc.yml"]
# Addresses that the pages name (book/_ext/book_addresses.py).
PLACES = ("NQPF_REPOSITORY_URL", "NQPF_SITE_URL")
STUDIES = ROOT / "notebooks" / "studies"
RECORDS = ROOT / "notebooks" / "records"  # made from one template for all studies
MADE_PAGES = "book/provinces/"  # by scripts/make_files.py, while the chapters run
STAMP = ".pages-made-from"

# What makes the pages imports its packages while the chapters run, and then waits for a line. The
# library is among them, since the processes that read pages ask it for the places of functions.
# Without rfc3987_syntax, which would compile grammars of addresses for three seconds, and which no
# setting of the book is checked by, and with one look at which packages offer which plugins.
WAITING = f"""import functools, gc, importlib.metadata, pkgutil, sys
gc.set_threshold{warm_kernels.COLLECTED}
importlib.metadata.entry_points = functools.cache(importlib.metadata.entry_points)
sys.modules["rfc3987_syntax"] = None
import nqpf
from jupyter_book.cli.main import main
packages = "myst_nb sphinx_book_theme sphinx_design sphinx_exercise sphinxcontrib.bibtex pybtex"
names = [one.name for one in pkgutil.walk_packages(nqpf.__path__, "nqpf.")]
for name in packages.split() + [name for name in names if "__" not in name]:
    __import__(name)
sys.stdin.readline() and main()"""
CELL_TIMEOUT = 300  # seconds, as in book/_config.yml
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# They say what each statement reads (docs/decisions/0156-map-of-outputs.md), which measure a
# regression relates to what it holds (decision 0168), and which files results rest on.
_EXTENSIONS = ("nqpf.report.recorder", "watch_regressions", "watch_inputs")
# Each kernel would warn that other users of this machine could read its loopback traffic.
_KERNEL_OPTIONS = ["--IPKernelApp.log_level=ERROR", "--HistoryManager.enabled=False"]
_KERNEL_OPTIONS += [f"--IPKernelApp.extensions={name}" for name in _EXTENSIONS]
EXHIBIT = "circular-exhibit"  # tag of a cell that shows what circularity does
# One thread per kernel: the chapters already use every core, and sums do not
# depend on how a library divides its work.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def fingerprint(root: Path, parts: list[str]) -> str:
    """Return a hash of the names and contents of the files in `parts` and of the Python used.

    Contents rather than times: a fresh clone or a change of branch sets every time anew.
    """
    from watch_inputs import state

    found = [repr(sys.version_info[:3])]
    for part in parts:
        for file in sorted((root / part).rglob("*")) or [root / part]:
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".tmp":
                found += [file.relative_to(root).as_posix(), state(file)]
    return hashlib.sha256("\0".join(found).encode()).hexdigest()


def drop_stale(build: Path, made_from: str) -> None:
    """Remove pages made from other inputs than `made_from` tells."""
    stamp = build / STAMP
    if not stamp.exists() or stamp.read_text("utf-8") != made_from:
        stamp.unlink(missing_ok=True)
        for folder in ("made", ".doctrees", "html"):
            shutil.rmtree(build / folder, ignore_errors=True)


def write_records(folder: Path) -> None:
    """Write the record page of each study that has a system: the same page for all."""
    from book_templates import render, write_once

    from nqpf.systems import Study, available

    told = {path.stem: path.read_text("utf-8") for path in sorted(STUDIES.glob("*-20*.md"))}
    folder.mkdir(exist_ok=True)
    for key in available():
        chapter = [name for name, text in told.items() if f'"{key}"' in text]
        chapter = key if key in told else next(iter(chapter), "")
        page = render("record.md", study=Study.load(key), chapter=chapter)
        write_once(folder / f"{key}.md", page)


def chapters(root: Path, toc: Path) -> list[Path]:
    """Return the notebooks among the pages of the table of contents, in its order."""
    from myst_nb.core.read import is_myst_markdown_notebook
    from sphinx_external_toc.parsing import parse_toc_yaml

    pages = [root / f"{page}.md" for page in parse_toc_yaml(str(toc)) if MADE_PAGES not in page]
    return [page for page in pages if is_myst_markdown_notebook(page.read_text("utf-8"))]


def run_chapters(paths: list[Path], cache_folder: Path, root: Path) -> list[str]:
    """Run the chapters that the cache does not hold or whose inputs changed, on every core.

    Returns
    -------
    list of str
        One text per failed chapter: its name and the traceback of the cell.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from jupyter_cache.executors.utils import single_nb_execution
    from jupyter_cache.readers import get_reader
    from watch_inputs import ROOT as WATCHED_ROOT

    read = get_reader({"type": "plugin", "name": "myst_nb_md"})
    cache = get_cache(cache_folder)
    waiting, made_from = {}, fingerprint(root, RESULTS)
    for path in paths:
        notebook = read(str(path))
        with suppress(KeyError):  # it never ran
            about = cache.match_cache_notebook(notebook).data
            if about["made_from"] == made_from and unchanged(about["said"], root):
                continue
        waiting[path] = notebook
    failures = []
    # Kernels find their extensions here.
    folders = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, dict.fromkeys(folders)))
    os.environ[WATCHED_ROOT] = str(root)
    # A kernel that is asked to end takes its time, and has nothing to save.
    options = {"extra_arguments": _KERNEL_OPTIONS, "shutdown_kernel": "immediate"}
    run = partial(single_nb_execution, timeout=CELL_TIMEOUT, allow_errors=False, **options)
    # One more than cores: a kernel that starts or ends leaves its core idle.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        running = {pool.submit(run, nb, str(path.parent)): path for path, nb in waiting.items()}
        for done in as_completed(running):
            path, result = running[done], done.result()
            name = path.relative_to(root).as_posix()
            said = take_records(result.nb)
            wrong = circular_cells(result.nb, said)
            if result.err:
                wrong = [_COLOUR.sub("", str(result.err)).strip()]
            if wrong:
                failures.append("\n".join([name, *wrong]))
                print(f"  failed  {name}", flush=True)
                continue
            about = {"execution_seconds": result.time, "made_from": made_from, "said": said}
            whole = CacheBundleIn(result.nb, str(path), data=about)
            cache.cache_notebook_bundle(whole, check_validity=False, overwrite=True)
            print(f"  {result.time:5.1f} s  {name}", flush=True)
    return failures


def unchanged(said: list[dict[str, dict]], root: Path) -> bool:
    """Return whether every file is as it was that a chapter opened, loaded or listed."""
    from watch_inputs import state

    seen = {name: was for cell in said for name, was in cell.get("inputs", {}).items()}
    return bool(seen) and all(state(root / name) == was for name, was in seen.items())


def take_records(notebook: NotebookNode) -> list[dict[str, object]]:
    """Take what the extensions said out of a notebook's outputs; return it, one per code cell.

    What the recorder said, what was seen of regressions under ``regressions``, and the files
    that the results rest on under ``inputs``.
    """
    from nqpf.report.recorder import _taken

    said = []
    for cell in _code_cells(notebook):
        cell.outputs, record = _taken(cell.outputs)
        said.append(record)
    return said


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def circular_cells(notebook: NotebookNode, said: list[dict[str, object]]) -> list[str]:
    """Return what is wrong with cells that regress a measure on what it holds."""
    return [
        f"{one['estimator']} relates {one['measure']!r} to {one['variable']}, which it holds by "
        f"{one['by']}. Leave it out with its reason (nqpf.compare.circular), take the indicator "
        "out of the measure (measures(panel, without=holders(...))), or tag the cell "
        f"{EXHIBIT}."
        for cell, record in zip(_code_cells(notebook), said, strict=True)
        if EXHIBIT not in cell.metadata.get("tags", [])
        for one in record.get("regressions", {}).get("found", [])
    ]


def main() -> int:
    """Build the book and say where it is and how long that took."""
    start = time.monotonic()
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    warm_kernels.install()
    made_from = " ".join([fingerprint(ROOT, PAGES), *(os.environ.get(p, "") for p in PLACES)])
    drop_stale(BUILD, made_from)
    made = (BUILD / "made").is_dir()
    maker = None if made else subprocess.Popen([sys.executable, "scripts/make_files.py"], cwd=ROOT)
    command = [sys.executable, "-c", WAITING, "build", str(ROOT), "--path-output", str(ROOT)]
    command += ["--config", str(CONFIG), "--toc", str(TOC)]
    command += ["-n", "-W", "--keep-going", "--quiet"]  # every warning is an error
    pages = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    write_records(RECORDS)
    paths = chapters(ROOT, TOC)
    print(f"Running the chapters ({len(paths)}, those unchanged are kept) ...", flush=True)
    failures = run_chapters(paths, BUILD / ".jupyter_cache", ROOT)
    if maker and maker.wait():
        shutil.rmtree(BUILD / "made", ignore_errors=True)  # half of it would pass for the whole
        failures.append("scripts/make_files.py\nsee above")
    if failures:
        print("\n\n".join(["", *failures]), file=sys.stderr)
        names = ", ".join(text.split("\n", 1)[0] for text in failures)
        print(f"\n{len(failures)} of {len(paths)} chapters failed: {names}", file=sys.stderr)
        return 1
    print("Making the pages ...", flush=True)
    pages.communicate(b"\n")
    code = pages.returncode
    if code:
        print("The pages have the problems above; the book is not finished.", file=sys.stderr)
        # Sphinx would not repeat the warnings of pages that it has already read.
        (BUILD / STAMP).unlink(missing_ok=True)
        return code
    (BUILD / STAMP).write_text(made_from, "utf-8")
    front = BUILD / "html" / "index.html"
    print(f"The book is ready after {time.monotonic() - start:.0f} s: {front}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
