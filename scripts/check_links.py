"""Ask every external link of the book whether it still answers.

Usage: python scripts/check_links.py

Sphinx's linkcheck builder does the asking. A server that refuses robots, is busy or
does not answer in time says nothing about the link: such links are listed as not
checked, neither as working nor as broken. Only broken ones fail, or no answer at all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_build" / "linkcheck"

# A certificate that browsers reject is broken for a reader, whatever else is said.
_CERTIFICATE = re.compile(r"SSLError|CERTIFICATE_VERIFY_FAILED")
_NO_ANSWER = re.compile(
    r"^(?:401|403|408|425|429|5\d\d)\b"  # refused to robots, busy, out of order
    r"|\b(?:401|403|408|425|429|5\d\d) (?:Client|Server) Error"
    r"|timed out|Timeout|Max retries exceeded|Connection aborted|Connection reset"
    r"|NameResolutionError|Too Many Requests|rate.?limit",
    re.IGNORECASE,
)


def verdict(record: Mapping[str, object]) -> str:
    """Return what a record of the builder says of its link.

    Parameters
    ----------
    record : mapping
        One line of ``output.json``: ``status``, ``code`` and ``info``.

    Returns
    -------
    str
        ``"working"``, ``"broken"``, ``"not checked"`` or, for a link inside the
        book, which the builder does not follow, ``"inside"``.

    Examples
    --------
    >>> verdict({"status": "broken", "code": 0, "info": "404 Client Error: Not Found"})
    'broken'
    >>> verdict({"status": "broken", "code": 0, "info": "403 Client Error: Forbidden"})
    'not checked'
    """
    status, info = record["status"], str(record.get("info", ""))
    if status in ("working", "redirected"):
        return "working"
    if status in ("unchecked", "local"):
        return "inside"
    if status == "broken" and (_CERTIFICATE.search(info) or not _NO_ANSWER.search(info)):
        return "broken"
    return "not checked"


def report(records: Iterable[Mapping[str, object]]) -> tuple[list[str], int]:
    """Return lines to print and the exit code: 1 if a link is broken or none answered."""
    by_verdict: dict[str, list[str]] = {"working": [], "broken": [], "not checked": []}
    for record in records:
        name = verdict(record)
        if name in by_verdict:
            said = " ".join(str(record.get("info", "")).split())[:200]
            place = f"{record['filename']}:{record['lineno']}"
            by_verdict[name].append(f"{name:<11}  {record['uri']}  ({place}) {said}".rstrip())
    lines = sorted(by_verdict["broken"]) + sorted(by_verdict["not checked"])
    counts = {name: len(found) for name, found in by_verdict.items()}
    lines.append(
        f"{sum(counts.values())} external links: {counts['working']} work, "
        f"{counts['broken']} broken, {counts['not checked']} could not be checked"
    )
    silent = bool(counts["not checked"]) and not counts["working"] and not counts["broken"]
    if silent:
        lines.append("Not one link answered: is this machine online?")
    return lines, int(bool(counts["broken"]) or silent)


def main() -> int:
    """Run the builder, print what it found, and return the exit code."""
    output = FOLDER / "output.json"
    output.unlink(missing_ok=True)
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", str(ROOT), "--path-output", str(ROOT)]
    command += ["--config", str(ROOT / "book/_config.yml"), "--toc", str(ROOT / "book/_toc.yml")]
    command += ["--builder", "custom", "--custom-builder", "linkcheck", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # The builder itself fails on every link that did not answer; its file says more.
    if not output.is_file():
        print(done.stdout, done.stderr, sep=os.linesep, file=sys.stderr)
        print("The links could not be read; the messages above say why.", file=sys.stderr)
        return 1
    lines, code = report(json.loads(line) for line in output.read_text("utf-8").splitlines())
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
