#!/bin/sh
# Make .venv from requirements.lock and install the library into it.
# Does nothing when .venv already matches. PYTHON names another interpreter; NEWEST=1 takes
# the newest versions that pyproject.toml allows, to see what they would break.
set -eu
cd "$(dirname "$0")/.."

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if fits "$name"; then
            command -v "$name"
            return
        fi
    done
    {
        echo "This project needs Python 3.11, 3.12 or 3.13."
        for name in ${PYTHON:-python3}; do
            echo "  $name is $("$name" --version 2>/dev/null || echo 'not installed')"
        done
        echo "Install one of them, or name it: make ${MAKECMDGOALS:-book} PYTHON=/path/to/python3.12"
    } >&2
    return 1
}

# uv takes a tenth of the time of pip. It is pinned in scripts/uv.txt, asks the index that pip is set
# to, and leaves with the set-up; where it cannot be had or fails, pip does the same.
install() {
    pip="$PWD/.venv/bin/python -m pip"
    index=${PIP_INDEX_URL:-$($pip config get global.index-url 2>/dev/null || :)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    if $pip install --quiet --target .venv/.uv --require-hashes -r scripts/uv.txt &&
        .venv/.uv/bin/uv pip install --quiet --no-cache --python .venv/bin/python "$@"; then
        :
    else
        echo "uv could not do it; pip takes about two minutes ..." >&2
        $pip install --quiet --disable-pip-version-check "$@"
    fi
    rm -rf .venv/.uv
}

# What .venv was made from: this folder (a virtual environment cannot be moved) and the lock.
if [ "${NEWEST:-}" = 1 ]; then
    made_from() { pwd && echo "newest versions of" && cat pyproject.toml; }
    wanted_packages() { install --upgrade --editable ".[bench,book,cluster,dev,test]"; }
else
    made_from() { pwd && cat requirements.lock; }
    wanted_packages() { install --require-hashes -r requirements.lock; }
fi

environment=.venv/.made-from
package=.venv/.package
wanted=$(find_python)
version() { "$1" -c 'import sys; print(sys.version_info[:2])'; }

if ! { made_from | cmp -s - "$environment"; } ||
    { [ -n "${PYTHON:-}" ] && [ "$(version "$wanted")" != "$(version .venv/bin/python)" ]; }; then
    began=$(date +%s)
    echo "Setting up .venv with $("$wanted" --version) ..."
    "$wanted" -m venv --clear .venv || {
        echo "Python could not make a virtual environment; on Debian and Ubuntu install python3-venv." >&2
        exit 1
    }
    wanted_packages
    made_from >"$environment"
    echo "Set up in $(($(date +%s) - began)) s."
fi

# The command `nqpf` and the library's version are read from pyproject.toml.
if ! cmp -s pyproject.toml "$package"; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
    cp pyproject.toml "$package"
fi
