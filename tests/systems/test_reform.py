"""Dates of a reform: what the file says, and files that are refused."""

import shutil

import pytest
from made_up_panels import refuses

from nqpf import provinces
from nqpf.errors import CardError, DataError, MethodError
from nqpf.files import root
from nqpf.systems.reform import Reform

KEY = "big-data-zones"


def test_ten_provinces_in_eight_zones_and_their_first_full_years():
    reform = Reform.load(KEY)
    table = reform.table()
    assert (len(table), table["zone"].nunique()) == (10, 8)
    parts = table.index[table["covers"] == "part"]
    assert [provinces.name(code) for code in parts] == ["Liaoning", "Guangdong"]
    named = reform.first_years()
    assert named.value_counts().to_dict() == {2017: 9, 2016: 1}
    assert provinces.name(named.idxmin()) == "Guizhou"
    assert set(reform.first_years("approved")) == {2017}
    refuses(MethodError, "named", reform.first_years, "unveiled")
    for key in ("zones", "../studies/dong-2024", ""):
        refuses(CardError, KEY, Reform.load, key)
    bibliography = (root() / "book" / "references.bib").read_text("utf-8")
    assert all(f"{{{document.key}," in bibliography for document in reform.documents)


WRONG = [
    ("province: 520000", "province: 529999", DataError, "unknown province"),
    ("province: 520000", "province: 110000", CardError, "province 'Beijing' is there twice"),
    ("named: state-council-2015-50", "named: state-council-2015", CardError, "unknown docu"),
    ("date: 2016-02", "date: 2016-2", CardError, "documents.1.date"),
    ("date: 2016-02", "date: 2014-02", CardError, "before named"),
    ("key: guizhou-zone-2016", "key: ndrc-2016-2123", CardError, "is there twice"),
    ("key: big-data-zones", "key: zones", CardError, "not the file's name"),
]


@pytest.mark.parametrize(("old", "new", "error", "said"), WRONG)
def test_a_wrong_file_is_refused(tmp_path, old, new, error, said):
    shutil.copytree(root() / "data" / "reforms", tmp_path / "data" / "reforms")
    path = tmp_path / "data" / "reforms" / f"{KEY}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    refuses(error, said, Reform.load, KEY, tmp_path)
