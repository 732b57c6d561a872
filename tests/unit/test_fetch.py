"""Source files come with the right hash or not at all."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_up_sources import COMMIT, source

from nqpf.data.catalogue import Catalogue
from nqpf.data.sources import address, fetch, fetch_all, optional
from nqpf.errors import DataError, SourceError

GOOD = "省,年\n北京,2020\n".encode() * 1000


class _Server(ThreadingHTTPServer):
    """Serves one body, whole or cut off, and counts how often it is asked."""

    body = GOOD
    cut = len(GOOD)
    status = 200
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body[: self.server.cut])

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def host(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def pinned(content: bytes = GOOD, **changes: object) -> object:
    digest = hashlib.sha256(content).hexdigest()
    return source(sha256=digest, bytes=len(content), path="data/数据 (1).csv", **changes)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    path = folder / "someone__something" / COMMIT[:12] / "data" / "数据 (1).csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    monkeypatch.setenv("NQPF_MIRROR", str(folder))
    return path


def test_address_is_percent_encoded() -> None:
    text = address(pinned())
    assert text.startswith("https://raw.githubusercontent.com/someone/something/0123456789ab")
    assert text.endswith("/data/%E6%95%B0%E6%8D%AE%20%281%29.csv")


def test_download_is_verified_and_kept(server: _Server, tmp_path: Path) -> None:
    path = fetch(pinned(), host(server), tmp_path)
    assert path.read_bytes() == GOOD
    assert server.asked == [f"/someone/something/{COMMIT}/data/%E6%95%B0%E6%8D%AE%20%281%29.csv"]
    assert fetch(pinned(), host(server), tmp_path) == path
    assert len(server.asked) == 1


def test_wrong_content_leaves_nothing_behind(server: _Server, tmp_path: Path) -> None:
    server.body = GOOD + b"one row more\n"
    server.cut = len(server.body)
    with pytest.raises(SourceError, match="not the pinned file.*expected SHA-256.*Try again"):
        fetch(pinned(), host(server), tmp_path)
    assert files(tmp_path) == []


def test_half_finished_download_leaves_nothing_behind(server: _Server, tmp_path: Path) -> None:
    server.cut = 100
    with pytest.raises(SourceError, match="could not be downloaded|not the pinned file"):
        fetch(pinned(), host(server), tmp_path)
    assert files(tmp_path) == []


def test_bad_download_never_replaces_a_good_file(server: _Server, tmp_path: Path) -> None:
    path = fetch(pinned(), host(server), tmp_path)
    server.body = b"another version"
    with pytest.raises(SourceError):
        fetch(pinned(b"x" * 20), host(server), tmp_path)
    assert path.read_bytes() == GOOD
    assert fetch(pinned(), host(server), tmp_path) == path


def test_damaged_cache_is_fetched_again(server: _Server, tmp_path: Path) -> None:
    path = fetch(pinned(), host(server), tmp_path)
    path.write_bytes(GOOD[:50])
    assert fetch(pinned(), host(server), tmp_path).read_bytes() == GOOD
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [404, 500])
def test_refusal_of_the_server(server: _Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(SourceError, match=f"could not be downloaded: {status}"):
        fetch(pinned(), host(server), tmp_path)
    assert files(tmp_path) == []


def test_without_network_the_embedded_tables_serve(server: _Server, tmp_path: Path) -> None:
    there = host(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(SourceError, match=r"NQPF_MIRROR.*[Tt]he tables in data/panel"):
        fetch(pinned(), there, tmp_path)


def test_mirror_file_is_read_in_place(mirror: Path) -> None:
    assert fetch(pinned()) == mirror.resolve()


@pytest.mark.parametrize("content", [b"", GOOD[:-1], GOOD.replace(b"0", b"1", 1)])
def test_corrupted_mirror_file_is_refused_and_left_alone(mirror: Path, content: bytes) -> None:
    mirror.write_bytes(content)
    with pytest.raises(SourceError, match="mirror's file has SHA-256.*数据.*damaged"):
        fetch(pinned())
    assert mirror.read_bytes() == content


def test_file_that_the_mirror_lacks(mirror: Path) -> None:
    mirror.unlink()
    with pytest.raises(
        SourceError, match="does not hold the file.*someone__something/0123456789ab"
    ):
        fetch(pinned())


def test_mirror_that_is_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NQPF_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="NQPF_MIRROR names .*not a folder"):
        fetch(pinned())


def test_path_that_leaves_the_mirror(mirror: Path) -> None:
    entry = pinned().model_copy(update={"path": "../../../secret.csv"})
    with pytest.raises(DataError, match="leaves"):
        fetch(entry)


def test_research_data_sets_are_fetched_only_on_request(mirror: Path) -> None:
    plain, research = pinned(), pinned(embedded=False)
    catalogue = Catalogue(sources={"plain": plain, "research": research}, variables={})
    assert list(optional(catalogue)) == ["research"]
    assert fetch_all(catalogue, ["plain"]) == {"plain": mirror.resolve()}
