"""Build the book: drop what is stale, run the chapters in parallel, make the pages.

Usage: python scripts/build_book.py

Both editions show the results of one run; NQPF_EDITIONS=en builds the English one alone.
"""

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
WORDS = "book/locale/zh_CN/LC_MESSAGES/outputs.po"  # figures are drawn in both languages
RESULTS = ["requirements.lock", "scripts/warm_kernels.py", "scripts/watch_regressions.py"]
RESULTS += ["scripts/watch_inputs.py", "src/nqpf/locale", WORDS]
PAGES = ["src", "data", "requirements.lock", "scripts/make_files.py"]
PAGES += ["book/_ext", "book/_config.yml", "book/_toc.yml", "book/locale"]
# Addresses that the pages name (book/_ext/book_addresses.py).
PLACES = ("NQPF_REPOSITORY_URL", "NQPF_SITE_URL", "NQPF_EDITIONS")
STUDIES = ROOT / "notebooks" / "studies"
RECORD = ROOT / "book" / "_ext" / "templates" / "record.md"  # for all studies
CHINESE = BUILD / "zh"  # sources of the Chinese edition
MADE_PAGES = "book/provinces/"  # by scripts/make_files.py, while the chapters run
STAMP = ".pages-made-from"

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
        for folder in ("made", ".doctrees", "html", "zh"):
            shutil.rmtree(build / folder, ignore_errors=True)


def write_records(edition: Path, source: str) -> None:
    """Write the record page of each study that has a system: the same template for all."""
    from book_templates import template, write_once

    from nqpf.systems import Study, available

    told = {path.stem: path.read_text("utf-8") for path in sorted(STUDIES.glob("*-20*.md"))}
    page, folder = template(source), edition / "notebooks" / "records"
    folder.mkdir(parents=True, exist_ok=True)
    for key in available():
        chapter = [name for name, text in told.items() if f'"{key}"' in text]
        chapter = key if key in told else next(iter(chapter), "")
        text = page.render(study=Study.load(key), chapter=chapter)
        write_once(folder / f"{key}.md", text)


def write_edition(folder: Path) -> str:
    """Write the sources of the Chinese edition but its records; return their template.

    Its pages are the same chapters with the texts of book/locale, and show the same results.
    """
    import yaml
    from book_templates import write_once
    from translate import chinese_pages, chinese_script

    pages = chinese_pages()
    record = pages.pop("notebooks/records")
    for name, text in pages.items():
        write_once(folder / f"{name}.md", text)
    for name in ("book/_toc.yml", "book/references.bib", "CITATION.cff"):
        write_once(folder / name, (ROOT / name).read_bytes())
    for name in ("book/_static", "book/teaching", "data/panel"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    for script in sorted((folder / "book/_static").glob("*.js")):
        write_once(script, chinese_script(script.read_text("utf-8")))
    settings = yaml.safe_load(CONFIG.read_text("utf-8"))
    settings["title"] = "新质生产力测度"
    settings["execute"]["cache"] = str(BUILD / ".jupyter_cache")
    own = settings["sphinx"]
    own["local_extensions"] = dict.fromkeys(own["local_extensions"], str(ROOT / "book/_ext"))
    # The text of the pages holds their Chinese; the index need not know each pair of characters.
    words = {"togglebutton_hint": "点击展开", "togglebutton_hint_hide": "点击收起"}
    own["config"] |= {"language": "zh_CN", "html_search_language": "en", **words}
    write_once(folder / "book/_config.yml", yaml.safe_dump(settings, allow_unicode=True))
    return record


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
    # Figures are drawn for the editions that are built.
    waiting, made_from = {}, fingerprint(root, RESULTS) + os.environ.get("NQPF_EDITIONS", "")
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
    # English whatever the reader's language; the Chinese pages translate it.
    os.environ.update(NQPF_LANGUAGE="en", NQPF_CATALOGUES=str(ROOT / WORDS))
    both = os.environ.get("NQPF_EDITIONS", "both") != "en"
    os.environ["NQPF_EDITIONS"] = "en zh" if both else ""
    warm_kernels.install()
    made_from = " ".join([fingerprint(ROOT, PAGES), *(os.environ.get(p, "") for p in PLACES)])
    drop_stale(BUILD, made_from)
    made = (BUILD / "made").is_dir()
    maker = None if made else subprocess.Popen([sys.executable, "scripts/make_files.py"], cwd=ROOT)
    editions = [ROOT] + [CHINESE] * both
    command = [sys.executable, "scripts/make_pages.py", *map(str, editions)]
    pages = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    write_records(ROOT, RECORD.read_text("utf-8"))
    if both:
        write_records(CHINESE, write_edition(CHINESE))
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
    if code := pages.returncode:
        print("The pages have the problems above; the book is not finished.", file=sys.stderr)
        # Sphinx would not repeat the warnings of pages that it has already read.
        (BUILD / STAMP).unlink(missing_ok=True)
        return code
    if both:
        target = BUILD / "html" / "zh"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(CHINESE / "_build" / "html", target, copy_function=os.link)
    (BUILD / STAMP).write_text(made_from, "utf-8")
    print(f"The book is ready after {time.monotonic() - start:.0f} s: {BUILD}/html/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
