"""Say which installed packages are not those of requirements.lock.

Usage: python scripts/compare_lock.py
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def pinned(lock: str) -> list[str]:
    r"""Return what a lock pins for this Python on this system.

    Examples
    --------
    >>> pinned("numpy==2.1 \\\n    --hash=sha256:00\n")
    ['numpy==2.1']
    """
    pins = map(Requirement, re.findall(r"(?m)^[a-z0-9][^\n\\]*", lock))
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return sorted(f"{canonicalize_name(pin.name)}{pin.specifier}" for pin in here)


def differences(lock: list[str], installed: list[str]) -> list[str]:
    """Return a line for each pin that is not installed, and for what is installed instead.

    Examples
    --------
    >>> differences(["a==1", "b==1"], ["a==2", "c==3"])
    ['- a==1', '+ a==2', '- b==1', '+ c==3']
    """
    absent, other = {*lock} - {*installed}, {*installed} - {*lock}
    lines = [f"- {pin}" for pin in absent] + [f"+ {pin}" for pin in other]
    return sorted(lines, key=lambda line: line[2:])


def main() -> None:
    """Print the differences; they are for reading, not a fault."""
    found = {canonicalize_name(one.metadata["Name"]): one for one in metadata.distributions()}
    names = sorted(found.keys() - {"nqpf", "pip"})
    installed = [f"{name}=={found[name].version}" for name in names]
    lines = differences(pinned((ROOT / "requirements.lock").read_text("utf-8")), installed)
    print(*lines, f"{len(lines)} lines differ from requirements.lock", sep="\n")


if __name__ == "__main__":
    main()
