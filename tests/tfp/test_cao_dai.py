"""Cao and Dai: the comparison that is kept is that of the pinned series."""

import json

import pandas as pd
from made_up_sources import at_hand

from nqpf.systems import Replication


def test_the_kept_comparison_is_that_of_the_pinned_series(monkeypatch, tmp_path):
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    study = Replication.load("cao-dai-2025")
    assert study.absent == ["cao_dai_2025"] and study.verify().loc["nqpf", "not compared"] == 403
    assert study.kept()["tables"].loc["nqpf", "does not reproduce"] == 403
    at_hand(monkeypatch)
    study = Replication.load("cao-dai-2025")
    published, levels = study.printed("nqpf").astype(float), study.figures["gtfp"].unstack("year")
    found = study.script.summary(levels, published, published.to_frame()[[]], {10: range(20)})
    kept = json.loads((study.folder / "summary.json").read_text("utf-8"))["tables"]
    for name, table in found.items():
        stored = pd.DataFrame(kept[name]["data"], kept[name]["index"], kept[name]["columns"])
        stored = stored.loc[table.index, table.columns].rename_axis(table.index.names)
        pd.testing.assert_frame_equal(table, stored, check_dtype=False, atol=1e-4)
