"""Dates of a reform: what the file says, and files that are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nqpf import provinces
from nqpf.errors import CardError, MethodError, NqpfError, ProvinceError
from nqpf.files import root
from nqpf.systems import Reform

KEY = "big-data-zones"
BOOK = root() / "book" / "references.bib"


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a project folder whose reform differs from the real one by one replacement."""

    def write(old: str, new: str) -> Path:
        shutil.copytree(root() / "data" / "reforms", tmp_path / "data" / "reforms")
        path = tmp_path / "data" / "reforms" / f"{KEY}.yaml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        return tmp_path

    return write


def test_ten_provinces_in_eight_zones() -> None:
    table = Reform.load(KEY).table()
    assert len(table) == 10
    assert table["zone"].nunique() == 8
    assert [provinces.name(code) for code in table.index[table["covers"] == "part"]] == [
        "Liaoning",
        "Guangdong",
    ]


def test_first_full_years() -> None:
    reform = Reform.load(KEY)
    named, approved = reform.first_years(), reform.first_years("approved")
    assert named.value_counts().to_dict() == {2017: 9, 2016: 1}
    assert provinces.name(named.idxmin()) == "Guizhou"
    assert set(approved) == {2017}


def test_every_document_is_in_the_bibliography() -> None:
    text = BOOK.read_text("utf-8")
    for document in Reform.load(KEY).documents:
        assert f"{{{document.key}," in text


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ("province: 520000", "province: 529999", ProvinceError, "unknown province"),
        ("province: 520000", "province: 52", CardError, "greater than or equal"),
        ("province: 520000", "province: 110000", CardError, "province 'Beijing' is there twice"),
        ("named: state-council-2015-50", "named: state-council-2015", CardError, "not listed"),
        ("date: 2016-02", "date: 2016-2", CardError, "documents.1.date"),
        ("date: 2016-02", "date: 2014-02", CardError, "before named"),
        ("covers: part", "covers: delta", CardError, "covers"),
        ("key: guizhou-zone-2016", "key: ndrc-2016-2123", CardError, "is there twice"),
        ("key: big-data-zones", "key: zones", CardError, "not the file's name"),
        ("covers: province", "covers: province\n    remark: x", CardError, "remark"),
    ],
)
def test_a_wrong_file_is_refused(
    changed: Callable[[str, str], Path], old: str, new: str, error: type[NqpfError], said: str
) -> None:
    with pytest.raises(error, match=said):
        Reform.load(KEY, changed(old, new))


@pytest.mark.parametrize("key", ["zones", "../studies/dong-2024", ""])
def test_an_unknown_reform_names_the_known(key: str) -> None:
    with pytest.raises(CardError, match=KEY):
        Reform.load(key)


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(MethodError, match="named"):
        Reform.load(KEY).first_years("unveiled")
