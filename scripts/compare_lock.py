"""Say which installed packages are not those of requirements.lock.

Usage: python scripts/compare_lock.py
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([a-z0-9][^\n\\]*)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    r"""Return the versions that a lock pins for this Python on this system.

    Examples
    --------
    >>> pinned("numpy==2.1 \\\n    --hash=sha256:00\n")
    {'numpy': '2.1'}
    """
    versions = {}
    for text in _PIN.findall(lock):
        pin = Requirement(text.strip())
        if pin.marker is None or pin.marker.evaluate():
            versions[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return versions


def differences(lock: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Return one line per package that is in another version, missing, or new.

    Examples
    --------
    >>> differences({"a": "1", "b": "1"}, {"a": "2", "c": "3"})
    ['a 2 (lock: 1)', 'b is not installed (lock: 1)', 'c 3 (not in the lock)']
    """
    lines = []
    for name in sorted(lock.keys() | installed.keys()):
        if lock.get(name) != installed.get(name):
            pin = f"lock: {lock[name]}" if name in lock else "not in the lock"
            lines.append(f"{name} {installed.get(name, 'is not installed')} ({pin})")
    return lines


def main() -> None:
    """Print the differences; they are for reading, not a fault."""
    found = metadata.distributions()
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in found}
    for own in ("nqpf", "pip"):
        installed.pop(own, None)
    lines = differences(pinned((ROOT / "requirements.lock").read_text("utf-8")), installed)
    print("\n".join([*lines, f"{len(lines)} packages differ from requirements.lock"]))


if __name__ == "__main__":
    main()
