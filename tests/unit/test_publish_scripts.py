"""Scripts behind the weekly run and the branch that Binder and Colab open."""

import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from build_book import DEPEND_ON, fingerprint
from check_links import report, verdict
from compare_lock import differences, pinned
from launch_branch import COPIES, make_branch
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).resolve().parents[2]
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


def test_links_are_judged_by_what_sphinx_says(server, tmp_path):
    links = [f"`link <{server}{path}>`__" for path in ANSWERS]
    links.append("`closed <http://127.0.0.1:9/>`__")
    (tmp_path / "index.rst").write_text("Title\n=====\n\n" + "\n".join(links), "utf-8")
    settings = {"linkcheck_rate_limit_timeout": 0.0, "linkcheck_timeout": 10}
    settings["linkcheck_report_timeouts_as_broken"] = False
    out = tmp_path / "out"
    with docutils_namespace():
        quiet = io.StringIO()
        Sphinx(tmp_path, None, out, tmp_path / "trees", "linkcheck", settings, quiet, quiet).build()
    records = [json.loads(line) for line in (out / "output.json").read_text().splitlines()]
    judged = {record["uri"].removeprefix(server): verdict(record) for record in records}
    silent = dict.fromkeys([*ANSWERS, "http://127.0.0.1:9/"], "not checked")
    assert judged == silent | {"/well": "working", "/gone": "broken"}
    lines, code = report(records)
    assert code == 1
    assert lines[-1] == "6 external links: 1 work, 1 broken, 4 could not be checked"
    assert lines[0].startswith("broken")


def test_only_what_is_known_to_be_broken_fails():
    failed = "Max retries exceeded (Caused by SSLError(CERTIFICATE))"
    said = [({"redirected": "", "timeout": "timed out"}, 0), ({"timeout": "timed out"}, 1)]
    said += [({"broken": "Anchor 'x' not found"}, 1), ({"broken": failed}, 1)]
    said += [({"unchecked": ""}, 0)]
    place = {"code": 0, "uri": "u", "filename": "f", "lineno": 1}
    for one, code in said:
        assert report(place | {"status": k, "info": text} for k, text in one.items())[1] == code


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
    with pytest.raises(SystemExit, match="make book"):
        make_branch(project, "launch")
    copy = project / COPIES / "notebooks/a.ipynb"
    copy.parent.mkdir(parents=True)
    copy.write_text('{"cells": []}', "utf-8")
    first = make_branch(project, "launch")
    listed = git(project, "ls-tree", "-r", "--name-only", "launch").split()
    assert listed == [".gitignore", "notebooks/a.ipynb", "notebooks/a.md"]
    assert git(project, "show", "launch:notebooks/a.ipynb") == '{"cells": []}'
    assert git(project, "rev-list", "--count", "launch") == "1"
    # Nothing else has changed, and once more gives the same.
    assert git(project, "branch", "--show-current") == "main"
    assert git(project, "status", "--porcelain") == ""
    assert make_branch(project, "launch") == first


def test_lock_is_compared_with_what_is_installed():
    lock = pinned((ROOT / "requirements.lock").read_text("utf-8"))
    assert len(lock) > 100
    assert differences(lock, lock) == []
    own = next(pin for pin in lock if pin.startswith("numpy=="))
    newer = [pin for pin in lock if pin != own] + ["numpy==99", "new-one==1"]
    assert differences(lock, newer) == ["+ new-one==1", f"- {own}", "+ numpy==99"]


def test_fingerprint_is_printed_without_the_environment():
    said = said_by(sys.executable, "-I", "scripts/build_book.py", "--fingerprint", folder=ROOT)
    assert said == fingerprint(ROOT, ("src", "data", *DEPEND_ON["results"])) + "\n"
