"""Source files come with the right hash or not at all; chapters download nothing."""

import hashlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pandas as pd
import pytest
from made_up import write_book, write_project
from made_up_mutants import EVERYTHING
from made_up_panels import refuses
from made_up_sources import COMMIT, at_hand, source

from nqpf.data import Catalogue
from nqpf.data.build import _rebuild
from nqpf.data.sources import carbon_dioxide, chilean_plants
from nqpf.errors import DataError, SourceError
from nqpf.files import root

GOOD = "省,年\n北京,2020\n".encode() * 1000


@pytest.fixture
def server(monkeypatch):
    """A server of one body, whole or cut off, that notes how it is asked."""
    serves = SimpleNamespace(body=GOOD, cut=None, status=200, asked=[])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            serves.asked.append(self.path)
            self.send_response(serves.status)
            self.send_header("Content-Length", str(len(serves.body)))
            self.end_headers()
            self.wfile.write(serves.body[: serves.cut])

    for name in ("NQPF_MIRROR", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        serves.host = f"http://127.0.0.1:{http.server_address[1]}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield serves
        http.shutdown()


def pinned(content=GOOD, **changes):
    digest = hashlib.sha256(content).hexdigest()
    return source(sha256=digest, bytes=len(content), path="data/数据 (1).csv", **changes)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    folder = tmp_path / "mirror"
    path = folder / "someone__something" / COMMIT[:12] / "data" / "数据 (1).csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    monkeypatch.setenv("NQPF_MIRROR", str(folder))
    return path


def test_download_is_verified_kept_and_repaired(server, tmp_path):
    path = pinned().fetch(server.host, tmp_path)
    asked = f"/someone/something/{COMMIT}/data/%E6%95%B0%E6%8D%AE%20%281%29.csv"
    assert pinned().address() == f"https://raw.githubusercontent.com{asked}"
    assert path.read_bytes() == GOOD and pinned().fetch(server.host, tmp_path) == path
    assert server.asked == [asked]
    path.write_bytes(GOOD[:50])
    assert pinned().fetch(server.host, tmp_path).read_bytes() == GOOD and len(server.asked) == 2
    server.body = b"another version"
    with pytest.raises(SourceError):
        pinned(b"x" * 20).fetch(server.host, tmp_path)
    assert pinned().fetch(server.host, tmp_path).read_bytes() == GOOD


BAD = [({"body": GOOD + b"more\n"}, "not the pinned file.*expected SHA.*Try again")]
BAD += [({"cut": 100}, "could not be downloaded|not the pinned file")]
BAD += [({"status": 500}, "downloaded: 500.*NQPF_MIRROR.*[Tt]he tables in data/panel")]


@pytest.mark.parametrize(("answer", "said"), BAD)
def test_a_bad_download_leaves_nothing_behind(server, tmp_path, answer, said):
    vars(server).update(answer)
    with pytest.raises(SourceError, match=said):
        pinned().fetch(server.host, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [None, b"", GOOD[:-1], GOOD.replace(b"0", b"1", 1)])
def test_a_mirror_file_is_read_in_place_a_bad_one_refused(mirror, monkeypatch, content):
    assert pinned().fetch() == mirror.resolve()
    with pytest.raises(DataError, match="leaves"):
        pinned().model_copy(update={"path": "../../../secret.csv"}).fetch()
    mirror.unlink()
    if content is not None:
        mirror.write_bytes(content)
    said = "no file with SHA-256.*数据.*someone__something/0123456789ab.*Copy the file there again"
    with pytest.raises(SourceError, match=said):
        pinned().fetch()
    assert content is None or mirror.read_bytes() == content
    monkeypatch.setenv("NQPF_MIRROR", str(mirror / "nowhere"))
    with pytest.raises(SourceError, match="holds no file.*nowhere.*unset NQPF_MIRROR"):
        pinned().fetch()


def test_a_mirror_may_keep_a_file_anywhere(mirror):
    (mirror.parents[1] / "aside").write_bytes(GOOD[::-1])  # of the same size, other bytes
    elsewhere = mirror.parents[2] / "another folder" / "renamed.csv"
    elsewhere.parent.mkdir()
    mirror.rename(elsewhere)
    assert pinned().fetch() == pinned().at_hand() == elsewhere
    elsewhere.write_bytes(GOOD.replace(b"0", b"1", 1))
    with pytest.raises(SourceError, match=f"no file with SHA-256 {pinned().sha256}"):
        pinned().fetch()


def test_a_table_of_the_projects_own_is_read_where_it_stands_and_names_its_pages(monkeypatch):
    own = {key: one for key, one in Catalogue.load().sources.items() if not one.repository}
    tables = sorted((root() / "data" / "transcribed").glob("*.csv"))
    assert sorted(one.fetch() for one in own.values()) == tables
    for path in tables:
        named = pd.read_csv(path, dtype="str")[["publisher", "document", "address"]]
        assert named.notna().all(axis=None)
    damaged = own["transcribed_pct"].model_copy(update={"sha256": "0" * 64})
    for read in (damaged.fetch, damaged.at_hand):
        refuses(SourceError, "pct.csv.*Pin|pct.csv.*If its change is right", read)


def test_research_data_sets_are_fetched_only_on_request(mirror, tmp_path):
    entry = pinned(embedded=False)
    nowhere = entry.model_copy(update={"sha256": "0" * 64, "located": False})
    home = write_project(tmp_path / "home", {"research": entry, "nowhere": nowhere}, {})
    assert _rebuild(home, update=True).optional == ()
    assert _rebuild(home, update=True, extra=True).optional == ("research",)
    mirror.unlink()
    refuses(SourceError, "holds no file", _rebuild, home, update=True, extra=True)


def test_without_files_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert carbon_dioxide() is None and chilean_plants() is None
    source = Catalogue.load().sources["chilean_plants"]
    (tmp_path / f"{source.sha256[:16]}-chilean.rda").write_bytes(b"not the plants")
    assert source.at_hand(tmp_path) is None


def test_carbon_dioxide_is_read_from_a_sheet_per_province(mirror, tmp_path, monkeypatch):
    rows = [["Emission_Inventory", "Raw_Coal", "Scope_1_Total"], ["unit", "Mt CO2", "Mt CO2"], []]
    rows += [["TotalEmissions", 1.0, 3.0], ["Farming", 1.0, 3.0]]
    write_book(mirror, NOTE=[], InnerMongolia2015=rows, Beijing2015=rows)
    mirror.rename(mirror.with_name("a.xlsx"))
    entry = pinned(mirror.with_name("a.xlsx").read_bytes(), embedded=False)
    entry = entry.model_copy(update={"path": "data/a.xlsx"})
    home = write_project(tmp_path / "home", {"ceads_2015": entry}, {})
    monkeypatch.setenv("NQPF_HOME", str(home))
    assert carbon_dioxide().to_dict() == {(150000, 2015): 3.0, (110000, 2015): 3.0}


def test_the_pinned_files_are_read(tmp_path, monkeypatch):
    at_hand(monkeypatch)
    if not EVERYTHING:  # two of the thirteen workbooks
        between = {f"ceads_{year}" for year in range(2011, 2022)}
        some = {key: one for key, one in Catalogue.load().sources.items() if key not in between}
        catalogue = Catalogue.load().model_copy(update={"sources": some})
        monkeypatch.setattr(Catalogue, "load", lambda: catalogue)
    emissions = carbon_dioxide()
    assert len(emissions) == 30 * (13 if EVERYTHING else 2) and emissions.gt(0).all()
    assert 8000 < emissions.loc[:, 2010].sum() < emissions.loc[:, 2022].sum() < 12500
    plants = chilean_plants()
    assert plants.shape == (2544, 8) and plants["firm"].nunique() == 497
    assert (plants["year"].min(), plants["year"].max()) == (1996, 2006)
    source = Catalogue.load().sources["chilean_plants"]
    kept = tmp_path / f"{source.sha256[:16]}-chilean.rda"
    shutil.copy(source.at_hand(), kept)
    monkeypatch.delenv("NQPF_MIRROR")
    assert source.at_hand(tmp_path) == kept
