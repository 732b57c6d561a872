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


def test_a_median_of_nothing_has_no_sign_and_a_blank_is_explained() -> None:
    table = some_findings()
    table.loc[("TFP", "q2"), "median"] = -0.004
    options = {"groups": {"first": ["q1"], "second": ["q2"]}, "heads": {"q1": "one\nquestion"}}
    picture = findings_map(table, "T", blank="the measure holds it", **options)
    ax, *_ = picture.figure.axes
    written = [text.get_text() for text in ax.texts]
    assert "0" in written and not any(text in ("+0.00", "−0.00", "-0.00") for text in written)
    assert {"first", "second"} <= set(written)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["one\nquestion", "q2"]
    assert sum(bool(patch.get_hatch()) for patch in ax.patches) == 1
    said = [text.get_text() for other in picture.figure.axes for text in other.texts]
    assert "the measure holds\nit" in said


def test_bad_tables_are_refused() -> None:
    with pytest.raises(SampleError, match="without median"):
        findings_map(some_findings().drop(columns="median"))
    with pytest.raises(SampleError, match="there twice"):
        findings_map(pd.concat([some_findings(), some_findings()]))
