"""Files of the site, each written in one step."""

from __future__ import annotations

from pathlib import Path

from nqpf.files import replacing


def write_once(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all; leave one that has the content already as it is."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return
    with replacing(path) as temporary:
        temporary.write_bytes(data)
