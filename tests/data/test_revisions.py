"""What a rebuild changed is noted, newest first."""

import pandas as pd

from nqpf.data.revisions import _changes, _note

HEAD = "province,year,variable,value,vintage,flag\n"


def table(*rows):
    return {"data/panel/accounts.csv": (HEAD + "\n".join(rows) + "\n").encode()}


OLD = table("110000,2022,gdp,100,census5,official", "110000,2023,gdp,0,census5,official")
NEW = table("110000,2022,gdp,98,census5,official", "110000,2024,gdp,7,census5,official")


def test_figures_are_added_revised_and_removed():
    assert _changes(OLD, NEW).values.tolist() == [["gdp", 1, 1, 1, 2.0]]
    assert _changes(OLD, OLD).empty and _changes({}, {}).empty
    assert _changes({}, OLD).loc[0, "added"] == 2 and _changes(OLD, {}).loc[0, "removed"] == 2
    moved = table("110000,2022,gdp,100,census4,official", "110000,2023,gdp,0,census5,official")
    assert _changes(OLD, moved)[["added", "removed"]].values.tolist() == [[1, 1]]  # by vintage


def test_notes_stand_newest_first(tmp_path):
    (tmp_path / "data").mkdir()
    _note(tmp_path, {}, OLD, "2026-01-01")
    _note(tmp_path, OLD, OLD, "2026-01-02")
    _note(tmp_path, OLD, NEW, "2026-01-03")
    rows = pd.read_csv(tmp_path / "data" / "changes.csv")
    assert rows["date"].tolist() == ["2026-01-03", "2026-01-01"]
    assert rows["largest"].tolist()[0] == 2 and rows["largest"].isna().tolist() == [False, True]
