"""Names that a reader chooses from, and what is said when one is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nqpf.errors import MethodError


def require_known(what: str, name: object, valid: Iterable[object]) -> None:
    """Raise unless the name is one of the valid ones, which the message lists."""
    valid = list(valid)
    if name in valid:
        return
    texts = [str(choice) for choice in valid]
    near = isinstance(name, str) and difflib.get_close_matches(name, texts, n=1, cutoff=0.4)
    raise MethodError(
        f"unknown {what} {name!r}",
        expected="one of " + ", ".join(texts) if texts else f"no {what} for these methods",
        hint=f"did you mean {near[0]!r}" if near else None,
    )
