"""Finding the project folder, staying inside a folder, and replacing files without loss."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from made_up import REPOSITORY, make_project

from nqpf.errors import DataError
from nqpf.files import inside, replacing, root


def test_root_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_project(tmp_path / "home")
    monkeypatch.setenv("NQPF_HOME", str(home))
    assert root() == home.resolve()


def test_a_wrong_name_is_not_replaced_by_another_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    make_project(tmp_path / "other")
    monkeypatch.chdir(tmp_path / "other")
    monkeypatch.setenv("NQPF_HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match="no data/catalogue.yaml above .*set NQPF_HOME"):
        root()


def test_root_is_above_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_project(tmp_path / "home")
    (home / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.delenv("NQPF_HOME", raising=False)
    monkeypatch.chdir(home / "notebooks" / "deep")
    assert root() == home.resolve()


def test_root_is_above_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NQPF_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert root() == REPOSITORY


@pytest.mark.parametrize("name", ["a.csv", "我的.csv", "sub/a.csv", "sub/../a.csv", "..a.csv"])
def test_inside(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, name).is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize("name", ["../a.csv", "/etc/passwd", "sub/../../a.csv", ".."])
def test_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leaves"):
        inside(tmp_path, name)


def test_a_link_is_followed_before_judging(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="leaves"):
        inside(tmp_path / "folder", "link/a.csv")


def test_replacing_writes_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.csv"
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["a.csv"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_replacing_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o600)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.csv"]
