"""Ask every external link of the book whether it still answers.

Usage: python scripts/check_links.py

Sphinx's linkcheck builder does the asking. A server that refuses robots, is busy or
does not answer in time says nothing about the link: such links are listed as not
checked, neither as working nor as broken. Only broken ones fail, or no answer at all.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping

from build_book import BUILD, jupyter_book

# A certificate that browsers reject is broken for a reader, whatever else is said.
_CERTIFICATE = re.compile(r"SSLError|CERTIFICATE_VERIFY_FAILED")
_NO_ANSWER = re.compile(
    r"^(?:401|403|408|425|429|5\d\d)\b"  # refused to robots, busy, out of order
    r"|\b(?:401|403|408|425|429|5\d\d) (?:Client|Server) Error"
    r"|timed out|Timeout|Max retries exceeded|Connection aborted|Connection reset"
    r"|NameResolutionError|Too Many Requests|rate.?limit",
    re.IGNORECASE,
)
# The builder does not follow a link inside the book.
_CLEAR = {"working": "working", "redirected": "working", "unchecked": "inside", "local": "inside"}


def verdict(record: Mapping[str, object]) -> str:
    """Return what a line of the builder's ``output.json`` says of its link.

    Examples
    --------
    >>> verdict({"status": "broken", "code": 0, "info": "404 Client Error: Not Found"})
    'broken'
    >>> verdict({"status": "broken", "code": 0, "info": "403 Client Error: Forbidden"})
    'not checked'
    """
    status, info = str(record["status"]), str(record["info"])
    broken = _CERTIFICATE.search(info) or not _NO_ANSWER.search(info)
    return _CLEAR.get(status, "broken" if status == "broken" and broken else "not checked")


def report(records: Iterable[Mapping[str, object]]) -> tuple[list[str], int]:
    """Return lines to print and the exit code: 1 if a link is broken or none answered."""
    lines, counts = [], Counter()
    for one in records:
        name = verdict(one)
        counts[name] += name != "inside"
        if name in ("broken", "not checked"):
            said = " ".join(str(one["info"]).split())[:200]
            place = f"{one['filename']}:{one['lineno']}"
            lines.append(f"{name:<11}  {one['uri']}  ({place}) {said}".rstrip())
    lines.sort()
    lines.append(
        f"{counts.total()} external links: {counts['working']} work, "
        f"{counts['broken']} broken, {counts['not checked']} could not be checked"
    )
    silent = counts["not checked"] == counts.total() > 0
    if silent:
        lines.append("Not one link answered: is this machine online?")
    return lines, int(counts["broken"] > 0 or silent)


def main() -> int:
    """Run the builder, print what it found, and return the exit code."""
    output = BUILD / "linkcheck" / "output.json"
    output.unlink(missing_ok=True)
    # The builder itself fails on every link that did not answer; its file says more.
    jupyter_book("--builder", "custom", "--custom-builder", "linkcheck", "--quiet")
    if not output.is_file():
        print("The links could not be read; the messages above say why.", file=sys.stderr)
        return 1
    lines, code = report(json.loads(line) for line in output.read_text("utf-8").splitlines())
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
