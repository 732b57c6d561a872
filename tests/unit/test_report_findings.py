"""The map of findings by measure and question."""

from __future__ import annotations

import pandas as pd
import pytest

from nqpf.errors import SampleError
from nqpf.report import findings_map


def some_findings() -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples([("TFP", "q1"), ("TFP", "q2"), ("A", "q1")])
    shares = {"significant_positive": [0.9, 0.1, 0.0], "significant_negative": [0.0, 0.1, 0.7]}
    return pd.DataFrame({"median": [0.3, 0.0, -0.2], **shares}, index)


def test_text_counts_findings_by_question_and_leaves_out_what_was_not_run() -> None:
    alt = findings_map(some_findings(), "T").alt
    assert "q1: 1 of 2 measures mostly significant and positive, 1 negative" in alt
    assert "q2: 0 of 1 measures mostly significant and positive, 0 negative" in alt


def test_bad_tables_are_refused() -> None:
    with pytest.raises(SampleError, match="without median"):
        findings_map(some_findings().drop(columns="median"))
    with pytest.raises(SampleError, match="there twice"):
        findings_map(pd.concat([some_findings(), some_findings()]))
