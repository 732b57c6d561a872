"""The Chilean plants are read where they stand and never downloaded by a chapter."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from nqpf.data import Catalogue
from nqpf.data.sources import KEY, at_hand, chilean_plants

MIRROR = Path(
    os.environ.get("NQPF_MIRROR", Path(__file__).resolve().parents[3] / "shared" / "sources")
)


def test_without_a_file_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    source = Catalogue.load().sources[KEY]
    assert at_hand(source, tmp_path) is None
    damaged = tmp_path / f"{source.sha256[:16]}-chilean.rda"
    damaged.write_bytes(b"not the plants")
    assert at_hand(source, tmp_path) is None


def test_the_pinned_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not MIRROR.is_dir():
        pytest.skip(f"no mirror of the sources at {MIRROR.name}")
    monkeypatch.setenv("NQPF_MIRROR", str(MIRROR))
    source = Catalogue.load().sources[KEY]
    path = at_hand(source)
    plants = chilean_plants()
    assert plants.shape == (2544, 8)
    assert plants["firm"].nunique() == 497
    assert (plants["year"].min(), plants["year"].max()) == (1996, 2006)
    monkeypatch.delenv("NQPF_MIRROR")
    kept = tmp_path / f"{source.sha256[:16]}-chilean.rda"
    shutil.copy(path, kept)
    assert at_hand(source, tmp_path) == kept
