"""Compare two built sites byte by byte, leaving out declared dates and times.

Usage: python scripts/compare_builds.py FOLDER FOLDER

The only differences allowed are declared in ALLOWED: when and for how long each chapter
ran, and the date of a PDF. Ends with 1 and a list if anything else differs.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from pathlib import Path

# For files whose name ends so: what is replaced by a blank before the comparison.
ALLOWED: dict[str, list[re.Pattern[bytes]]] = {
    # The table of the run: date with time, and seconds. The search does not index that page.
    "book/status.html": [
        re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?"),
        re.compile(rb"(?<=<p>)\d+\.\d+(?=</p>)"),
    ],
    ".pdf": [
        re.compile(rb"/(?:CreationDate|ModDate) ?\([^)]*\)"),
        re.compile(rb"/ID ?\[[^\]]*\]"),
        re.compile(rb"<xmp:(?:Create|Modify|Metadata)Date>[^<]*<"),
    ],
}
_ZIPPED = (".xlsx", ".zip")
# Sphinx's own record of what it has built, no page of the site.
_IGNORED = {".buildinfo"}


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a site by their addresses."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in _IGNORED)
    return {path.relative_to(folder).as_posix(): path for path in found}


def undated(name: str, content: bytes) -> bytes:
    """Return a file's content without what may differ from build to build.

    Examples
    --------
    >>> undated("a.pdf", b"/CreationDate (D:20240101) 5 0 obj")
    b' 5 0 obj'
    """
    for ending, patterns in ALLOWED.items():
        if name.endswith(ending):
            for pattern in patterns:
                content = pattern.sub(b"", content)
    return content


def same(name: str, first: bytes, second: bytes) -> bool:
    """Say whether two files of one name agree, dates aside; of archives, what they hold."""
    if first == second:
        return True
    if name.endswith(_ZIPPED):
        return _members(first) == _members(second)
    return undated(name, first) == undated(name, second)


def _members(archive: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return [(item.filename, opened.read(item)) for item in opened.infolist()]


def place(first: bytes, second: bytes, around: int = 40) -> str:
    """Return where two contents part, with the bytes around it.

    Examples
    --------
    >>> place(b"one two", b"one too", around=2)
    "byte 5: 'two' and 'too'"
    """
    pairs = zip(first, second, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
    cut = slice(max(0, at - around + 1), at + around)
    texts = [content[cut].decode("utf-8", "replace") for content in (first, second)]
    return f"byte {at}: {texts[0]!r} and {texts[1]!r}"


def differences(first: Path, second: Path) -> list[str]:
    """Return one line for each file that is missing from a site or differs.

    Parameters
    ----------
    first, second : Path
        Folders of built sites.

    Returns
    -------
    list of str
        In the order of the files' names; empty if the sites agree.
    """
    left, right = files_of(first), files_of(second)
    lines = []
    for name in sorted(left.keys() | right.keys()):
        if name not in right or name not in left:
            lines.append(f"{name}: only in {first if name in left else second}")
            continue
        contents = left[name].read_bytes(), right[name].read_bytes()
        if not same(name, *contents):
            lines.append(f"{name}: {place(*(undated(name, each) for each in contents))}")
    return lines


def main(arguments: list[str]) -> int:
    """Print what differs; return 1 if anything does, 2 if there is nothing to compare."""
    folders = [Path(argument) for argument in arguments]
    if len(folders) != 2 or not all(folder.is_dir() for folder in folders):
        print("usage: python scripts/compare_builds.py FOLDER FOLDER", file=sys.stderr)
        return 2
    count = len(files_of(folders[0]))
    if not count:
        print(f"{folders[0]} holds no file", file=sys.stderr)
        return 2
    lines = differences(*folders)
    print("\n".join(lines) if lines else f"{count} files agree, dates and times aside")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
