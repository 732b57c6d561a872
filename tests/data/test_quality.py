"""The checks of the panel find what was changed, and explain what differs."""

import pandas as pd
import pytest
from made_up import figure

from nqpf.data import Panel
from nqpf.data.quality import Checks
from nqpf.errors import DataError
from nqpf.provinces import codes


def written(home, name, frame):
    (home / "data" / "checks").mkdir(exist_ok=True)
    frame.to_csv(home / "data" / "checks" / name, index=False)


def verdicts(home, panel, value, **changes):
    """Return verdict and reason for a national figure of GDP and an entry of the catalogue."""
    row = {"variable": "gdp", "year": 2020, "value": value, "vintage": "census5", "source": "made"}
    written(home, "national.csv", pd.DataFrame([row]))
    entry = panel.catalogue.variables["gdp"].model_copy(update={"national": "sum"} | changes)
    variables = panel.catalogue.variables | {"gdp": entry}
    changed = panel.catalogue.model_copy(update={"variables": variables})
    return Checks(Panel(panel.frame, changed)).national()[["verdict", "reason"]].to_numpy().tolist()


def test_national_verdicts(home, panel):
    with pytest.raises(DataError, match="table of checks is missing.*national.csv"):
        Checks(panel).national()
    total = sum(figure(code, 2020, "gdp") for code in codes())
    assert verdicts(home, panel, total) == [["adds up", ""]]
    assert verdicts(home, panel, total * 1.05) == [["differs", ""]]
    told = {"national_range": (-6.0, 0.0), "national_note": "Taiwan"}
    assert verdicts(home, panel, total * 1.05, **told) == [["explained", "Taiwan"]]
    assert verdicts(home, panel, total / 1.05, **told) == [["differs", "Taiwan"]]
    some = Panel(panel.frame[panel.frame["province"] != 440000], panel.catalogue)
    assert verdicts(home, some, total) == [["incomplete", "1 provinces have no figure"]]
    assert verdicts(home, panel, total, national="none") == []


def test_second_source_summary_finds_the_worst(home, panel):
    other = panel.frame[panel.frame["variable"] == "energy"].assign(source="other")
    other.loc[(other["province"] == 120000) & (other["year"] == 2021), "value"] *= 1.5
    written(home, "second.csv", other.drop(columns="flag"))
    row = Checks(panel).second_summary().iloc[0]
    assert (row["province"], row["year"]) == (120000, 2021) and row["worst"] == pytest.approx(50)
    assert row["within 0.1 %"] == pytest.approx(154 / 155) and row["over 2 %"] == 1


def test_jumps_are_listed_with_their_flag(panel):
    frame = panel.frame.copy()
    later = frame.query("variable == 'energy' and province == 340000 and year >= 2021")
    frame.loc[later.index, "value"] /= 4
    table = Checks(Panel(frame, panel.catalogue)).jumps()
    assert table[["variable", "province", "year"]].to_numpy().tolist() == [["energy", 340000, 2021]]
    assert table.loc[0, "ratio"] == pytest.approx(1.05 / 4, abs=0.01)
    with pytest.raises(DataError, match="factor 1"):
        Checks(panel).jumps(factor=1)
