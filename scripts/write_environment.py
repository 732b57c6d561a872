"""Write environment.yml, for users of conda, from pyproject.toml and the lock beside it.

Usage: python scripts/write_environment.py
"""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

TEMPLATE = """\
# Written by scripts/write_environment.py from pyproject.toml; do not edit.
#   conda env create --file environment.yml
#   conda activate {name}
#   pip install --no-deps --no-build-isolation --editable .
# Conda brings Python; the packages and their hashes are those of requirements.lock.
name: {name}
channels:
  - conda-forge
dependencies:
  - python{python}
  - pip
  - pip:
      - -r requirements.lock
"""


def environment(pyproject: str) -> str:
    """Return the text of environment.yml for the text of a pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    return TEMPLATE.format(name=project["name"], python=project["requires-python"])


if __name__ == "__main__":
    text = environment((ROOT / "pyproject.toml").read_text("utf-8"))
    (ROOT / "environment.yml").write_text(text, "utf-8")
