"""Finding the project folder, staying inside a folder, and replacing files without loss."""

import os
import stat

import pytest
from made_up import REPOSITORY, make_project
from made_up_panels import refuses

from nqpf.errors import DataError
from nqpf.files import _inside, _replacing, root


def test_root(tmp_path, monkeypatch):
    """The environment wins; then the folders above the working one, then those of the library."""
    home = make_project(tmp_path / "home")
    (home / "notebooks" / "deep").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    monkeypatch.delenv("NQPF_HOME", raising=False)
    monkeypatch.chdir(home / "notebooks" / "deep")
    assert root() == home.resolve()
    monkeypatch.setenv("NQPF_HOME", str(tmp_path / "empty"))
    refuses(DataError, "no data/catalogue.yaml above .*set NQPF_HOME", root)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NQPF_HOME", str(home))
    assert root() == home.resolve()
    monkeypatch.delenv("NQPF_HOME")
    assert root() == REPOSITORY


def test_inside(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path)  # followed before judging
    for name in ("a.csv", "我的.csv", "sub/a.csv", "sub/../a.csv", "..a.csv"):
        assert _inside(tmp_path / "folder", name).is_relative_to(tmp_path.resolve() / "folder")
    for name in ("../a.csv", "/etc/passwd", "sub/../../a.csv", "..", "link/a.csv"):
        refuses(DataError, "leaves", _inside, tmp_path / "folder", name)


def test_replacing_writes_a_new_file_and_keeps_the_mode_of_an_old_one(tmp_path):
    path = tmp_path / "new" / "a.csv"
    for mode in (0o644, 0o600):
        with _replacing(path) as temporary:
            assert temporary.parent == path.parent
            temporary.write_text(f"{mode}")
        assert path.read_text() == f"{mode}" and os.listdir(path.parent) == ["a.csv"]
        assert stat.S_IMODE(path.stat().st_mode) == mode
        path.chmod(0o600)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_file_as_it_was(tmp_path, error):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(error), _replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.csv"]
