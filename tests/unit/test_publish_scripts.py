"""What stands behind the weekly run and the branch that Binder and Colab open."""

import io
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from browsing import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

LAUNCH = ("sh", f"{ROOT}/scripts/launch_branch.sh")
ANSWERS = {"/well": 200, "/gone": 404, "/busy": 429, "/robots": 403, "/out-of-order": 503}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(ANSWERS[self.path])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *args):
        """Keep the requests out of the test's output."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def make(target, folder, **files):
    """Make a target in a folder that holds `files` and whose programs are scripts of a shell."""
    for name, text in {"scripts/set_up.sh": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
        (folder / name).chmod(0o755)
    command = ["make", "--silent", "--file", ROOT / "Makefile", target]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def links(folder, addresses):
    """Make `links` of a book with these addresses; Sphinx alone stands for Jupyter Book."""
    lines = "\n".join(f"`link {at} <{one}>`__" for at, one in enumerate(addresses))
    (folder / "index.rst").write_text(f"Title\n=====\n\n{lines}\n", "utf-8")
    settings = yaml.safe_load((ROOT / "book/_config.yml").read_text("utf-8"))["sphinx"]["config"]
    settings = {key: value for key, value in settings.items() if key.startswith("linkcheck")}
    settings |= {"linkcheck_rate_limit_timeout": 0.0, "linkcheck_timeout": 1}
    quiet, out = io.StringIO(), folder / "out"
    with docutils_namespace():
        book = Sphinx(folder, None, out, folder / "trees", "linkcheck", settings, quiet, quiet)
        book.build()
    program = f"#!/bin/sh\nmkdir -p _build; cp -r {out} _build/linkcheck; exit {book.statuscode}"
    return make("links", folder, **{".venv/bin/jupyter-book": program})


def test_only_links_that_are_known_to_be_broken_fail(server, tmp_path):
    silent = [f"{server}{path}" for path in ANSWERS if path not in ("/well", "/gone")]
    silent.append("http://127.0.0.1:9/")
    code, said = links(tmp_path, silent)
    assert code and said == ["Not one link answered: is this machine online?"]
    assert links(tmp_path, [*silent, f"{server}/well"]) == (0, ["No link is broken."])
    for broken in (f"{server}/gone", f"{server}/well#x", server.replace("http", "https")):
        code, said = links(tmp_path, [*silent, f"{server}/well", broken])
        assert code and len(said) == 1 and f"[broken] {broken}" in said[0]


def test_two_builds_differ_in_the_table_of_the_run_alone(tmp_path):
    clock = "import pathlib, time\nnow, site = str(time.time_ns()), pathlib.Path('_build/html')\n"
    build = clock + "site.mkdir(parents=True)\n(site / 'status.html').write_text(now)\n"
    here = {".venv/bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n'}
    code, said = make("twice", tmp_path, **here, **{"scripts/build_book.py": build})
    assert (code, said) == (0, ["both sites are the same"])
    build += "(site / 'index.html').write_text(now)\n"
    code, said = make("twice", tmp_path, **here, **{"scripts/build_book.py": build})
    assert code and len(said) == 1 and "index.html" in said[0]


def said_by(*command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def git(folder, *words):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return said_by("git", *identity, *words, folder=folder).strip()


def test_launch_branch_is_the_project_and_its_notebooks(tmp_path):
    project = tmp_path
    git(project, "init", "--quiet", "--initial-branch", "main")
    for name in ("notebooks/a.md", ".github/workflows/x.yml", ".gitignore"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("_build/\n*.ipynb\n", "utf-8")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "First")
    done = subprocess.run(LAUNCH, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode and "make book" in done.stderr
    copy = project / "_build/html/downloads/notebooks/notebooks/a.ipynb"
    copy.parent.mkdir(parents=True)
    copy.write_text('{"cells": []}', "utf-8")
    first = said_by(*LAUNCH, folder=project)
    assert first == f"launch is {git(project, 'rev-parse', 'launch')}\n"
    listed = git(project, "ls-tree", "-r", "--name-only", "launch").split()
    assert listed == [".gitignore", "notebooks/a.ipynb", "notebooks/a.md"]
    assert git(project, "show", "launch:notebooks/a.ipynb") == '{"cells": []}'
    assert git(project, "rev-list", "--count", "launch") == "1"
    of = [git(project, "log", "-1", "--format=%an %ae %ad %cn %cd", b) for b in ("main", "launch")]
    assert of[0] == of[1]
    # Nothing else has changed, and once more gives the same.
    assert git(project, "branch", "--show-current") == "main"
    assert git(project, "status", "--porcelain") == ""
    assert said_by(*LAUNCH, folder=project) == first


def test_drift_names_the_versions_that_are_not_those_of_the_lock(tmp_path):
    frozen = "#!/bin/sh\nprintf 'Jinja2==3.1\\nnew.One==1\\nnumpy==99\\ntyping_extensions==4\\n'"
    lock = "jinja2==3.1 \\\n    --hash=sha256:00\nnumpy==2.1 ; python_version > '3' \\\n"
    files = {".venv/bin/python": frozen, "requirements.lock": lock + "typing-extensions==4 \\\n"}
    code, said = make("drift", tmp_path, **files)
    assert (code, said) == (0, ["+ new.one==1", "+ numpy==99", "- numpy==2.1"])
