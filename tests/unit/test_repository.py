"""What holds for every tracked file: sizes, names of machines, safe calls, working commands."""

import ast
import re
import subprocess
import sys

import measure_size
import pytest
from browsing import ROOT

FUNCTION_LINES = 60
FILE_BYTES = 1_500_000
STORED = {"results.parquet": 6_000_000}  # the multiverse, which takes minutes to run again
SCRIPT_BYTES = 20_000  # what a page's own script or style may weigh; a library is larger

# In pieces, so that this file does not hold what it forbids.
_HOSTS = [("py", "pi.org"), ("python", "hosted.org"), ("npm", "js.org"), ("npm", "js.com")]
_FLAGS = [("--index", "-url"), ("--extra-index", "-url"), ("--find", "-links")]
REGISTRY = re.compile("|".join(re.escape(a + b) for a, b in _HOSTS + _FLAGS))
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:home|Users|root|work|mnt)/\w")

# Loading any of these on `import nqpf` would make every command slow to start.
HEAVY = {"matplotlib", "seaborn", "statsmodels", "linearmodels", "altair", "sklearn", "rdata"}


def tracked(suffix=""):
    """Return the files that git tracks, or all but the built ones where there is no git."""
    options = {"cwd": ROOT, "capture_output": True, "text": True, "check": False}
    listing = subprocess.run(["git", "ls-files", "-z"], **options)
    if listing.returncode:
        pytest.skip("not a git clone: which files belong to the project is not known")
    names = [name for name in listing.stdout.split("\0") if name.endswith(suffix)]
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry", "machine path"])
def test_no_tracked_file_names(pattern):
    hits = []
    for path in tracked():
        match = pattern.search(path.read_text("utf-8", errors="ignore"))
        hits += [f"{path}: {match[0]}"] if match and b"\0" not in path.read_bytes() else []
    assert hits == []


def test_no_tracked_file_is_large_or_a_library_or_font_of_the_front_end():
    kinds = (".js", ".mjs", ".css", ".ttf", ".otf", ".woff", ".woff2", ".wasm")
    for path in tracked():
        limit = STORED.get(path.name, FILE_BYTES)
        if path.suffix in kinds:
            assert path.parent == ROOT / "book" / "_static", path
            limit = SCRIPT_BYTES
        assert path.stat().st_size <= limit, path


def test_size_stays_within_its_limits():
    for name, figure in measure_size.measured().items():
        assert figure <= measure_size.LIMITS[name], f"{name}; `make size` prints all of them"


def test_functions_fit_a_screen():
    own = [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in ("src", "scripts")]
    for path in own:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert lines <= FUNCTION_LINES, f"{path.name}: {node.name}"


def test_import_loads_no_heavy_package():
    code = "import sys, nqpf; print(*{name.split('.')[0] for name in sys.modules})"
    said = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert HEAVY & set(said.split()) == set()


# A command stands in backticks or begins a line in a document, follows anything in a script.
PROSE, SCRIPT = r"(?:`|^[ $]*)(?:NQPF_\S+ )*make ([a-z ]+)", r"^[^#\n]*\bmake ([a-z ]+)"
NAMING = dict.fromkeys(("README.md", "CONTRIBUTING.md", "docs/releasing.md"), PROSE)
NAMING[".ci/run"] = SCRIPT


@pytest.mark.parametrize("name", NAMING)
def test_commands_named_in_documents_exist(name):
    text, makefile = ((ROOT / one).read_text("utf-8") for one in (name, "Makefile"))
    named = set(" ".join(re.findall(NAMING[name], text, re.MULTILINE)).split())
    assert named, f"{name} names no command"
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for script in re.findall(r"scripts/\w+\.\w+", makefile):
        assert (ROOT / script).is_file(), script


def test_decisions_have_a_number_of_their_own_and_stand_in_the_index():
    folder = ROOT / "docs/decisions"
    names = sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")
    numbers = [re.match(r"(\d{4})-[a-z0-9-]+\.md", name).group(1) for name in names]
    assert len(numbers) == len(set(numbers)) > 0
    listed = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text("utf-8"))
    assert set(listed) <= set(names), "the index names records that do not exist"
