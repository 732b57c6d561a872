"""Source files come with the right hash or not at all; chapters download nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openpyxl
import pytest
from made_up import REPOSITORY
from made_up_sources import COMMIT, source, write_project

from nqpf.data import Catalogue
from nqpf.data.build import _rebuild
from nqpf.data.sources import carbon_dioxide, chilean_plants
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


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    path = folder / "someone__something" / COMMIT[:12] / "data" / "数据 (1).csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    monkeypatch.setenv("NQPF_MIRROR", str(folder))
    return path


def test_download_is_verified_kept_and_repaired(server: _Server, tmp_path: Path) -> None:
    path = pinned().fetch(host(server), tmp_path)
    asked = f"/someone/something/{COMMIT}/data/%E6%95%B0%E6%8D%AE%20%281%29.csv"
    assert pinned().address() == f"https://raw.githubusercontent.com{asked}"
    assert path.read_bytes() == GOOD
    assert pinned().fetch(host(server), tmp_path) == path
    assert server.asked == [asked]
    path.write_bytes(GOOD[:50])
    assert pinned().fetch(host(server), tmp_path).read_bytes() == GOOD
    assert len(server.asked) == 2
    server.body = b"another version"
    with pytest.raises(SourceError):
        pinned(b"x" * 20).fetch(host(server), tmp_path)
    assert pinned().fetch(host(server), tmp_path).read_bytes() == GOOD


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"body": GOOD + b"more\n", "cut": None}, "not the pinned file.*expected SHA.*Try again"),
        ({"cut": 100}, "could not be downloaded|not the pinned file"),
        ({"status": 404}, "could not be downloaded: 404"),
        ({"status": 500}, "could not be downloaded: 500"),
    ],
)
def test_a_bad_download_leaves_nothing_behind(
    server: _Server, tmp_path: Path, answer: dict[str, object], said: str
) -> None:
    vars(server).update(answer)
    with pytest.raises(SourceError, match=said):
        pinned().fetch(host(server), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_without_network_the_embedded_tables_serve(server: _Server, tmp_path: Path) -> None:
    there = host(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(SourceError, match=r"NQPF_MIRROR.*[Tt]he tables in data/panel"):
        pinned().fetch(there, tmp_path)


def test_mirror_file_is_read_in_place(mirror: Path) -> None:
    assert pinned().fetch() == mirror.resolve()


@pytest.mark.parametrize("content", [None, b"", GOOD[:-1], GOOD.replace(b"0", b"1", 1)])
def test_a_bad_mirror_file_is_refused_and_left_alone(mirror: Path, content: bytes | None) -> None:
    mirror.unlink()
    said = "does not hold the file.*someone__something/0123456789ab"
    if content is not None:
        mirror.write_bytes(content)
        said = "mirror's file has SHA-256.*数据.*damaged"
    with pytest.raises(SourceError, match=said):
        pinned().fetch()
    assert content is None or mirror.read_bytes() == content


def test_places_that_are_no_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="leaves"):
        pinned().model_copy(update={"path": "../../../secret.csv"}).fetch()
    monkeypatch.setenv("NQPF_MIRROR", str(mirror / "nowhere"))
    with pytest.raises(SourceError, match="NQPF_MIRROR names .*not a folder"):
        pinned().fetch()


def test_research_data_sets_are_fetched_only_on_request(mirror: Path, tmp_path: Path) -> None:
    entry = pinned(embedded=False)
    home = write_project(tmp_path / "home", {"research": entry}, {})
    assert _rebuild(home, update=True).optional == ()
    assert _rebuild(home, update=True, extra=True).optional == ("research",)
    mirror.unlink()
    with pytest.raises(SourceError, match="does not hold the file"):
        _rebuild(home, update=True, extra=True)


def inventory(path: Path, total: float = 3.0, unit: str = "Mt CO2") -> Path:
    """Write a made-up inventory of two provinces."""
    book = openpyxl.Workbook()
    book.active.title = "NOTE"
    for name in ("InnerMongolia2015", "Beijing2015"):
        sheet = book.create_sheet(name)
        for row in (
            ["Emission_Inventory", "Raw_Coal", "Scope_1_Total"],
            ["unit", "Mt CO2", unit],
            [],
            ["TotalEmissions", 1.0, total],
            ["Farming", 0.5, 1.0],
            ["Rural", 0.5, 2.0],
        ):
            sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"total": 3.1}, r"add up to 3.0, not to 3.1 .*InnerMongolia2015"),
        ({"unit": "kt CO2"}, "not a CEADs inventory"),
    ],
)
def test_carbon_dioxide_is_read_from_a_sheet_per_province(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict, message: str
) -> None:
    content = inventory(mirror.with_name("a.xlsx"), **changes).read_bytes()
    entry = pinned(content, embedded=False).model_copy(update={"path": "data/a.xlsx"})
    home = write_project(tmp_path / "home", {"ceads_2015": entry}, {})
    monkeypatch.setenv("NQPF_HOME", str(home))
    if message is None:
        assert carbon_dioxide().to_dict() == {(150000, 2015): 3.0, (110000, 2015): 3.0}
    else:
        with pytest.raises(SourceError, match=message):
            carbon_dioxide()


def test_without_files_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert carbon_dioxide() is None
    assert chilean_plants() is None
    source = Catalogue.load().sources["chilean_plants"]
    damaged = tmp_path / f"{source.sha256[:16]}-chilean.rda"
    damaged.write_bytes(b"not the plants")
    assert source.at_hand(tmp_path) is None


def test_the_pinned_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = os.environ.get("NQPF_MIRROR", REPOSITORY.parent / "shared" / "sources")
    if not Path(mirror).is_dir():
        pytest.skip("no mirror of the sources")
    monkeypatch.setenv("NQPF_MIRROR", str(mirror))
    emissions = carbon_dioxide()
    assert len(emissions) == 30 * 13
    assert emissions.gt(0).all()
    growth = emissions.groupby(level="year").sum()
    assert 8000 < growth[2010] < growth[2022] < 12500
    plants = chilean_plants()
    assert plants.shape == (2544, 8)
    assert plants["firm"].nunique() == 497
    assert (plants["year"].min(), plants["year"].max()) == (1996, 2006)
    source = Catalogue.load().sources["chilean_plants"]
    kept = tmp_path / f"{source.sha256[:16]}-chilean.rda"
    shutil.copy(source.at_hand(), kept)
    monkeypatch.delenv("NQPF_MIRROR")
    assert source.at_hand(tmp_path) == kept
