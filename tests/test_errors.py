"""The family of errors and the form of its messages."""

import pytest

from nqpf import errors
from nqpf.errors import NqpfError

KINDS = [kind for name, kind in vars(errors).items() if name.endswith("Error")]


@pytest.mark.parametrize("kind", KINDS)
def test_one_family(kind):
    assert issubclass(kind, NqpfError) and issubclass(kind, ValueError) and kind.__doc__


MESSAGES = {
    "it broke.": {"where": {}},
    "it broke [file a.csv, row 3].": {"where": {"file": "a.csv", "row": 3}},
    "it broke; expected a number.": {"expected": "a number."},
    "it broke. 北京 or 天津.": {"hint": "北京 or 天津."},
    "it broke [year 2020]; expected x. Do y.": {
        "where": {"year": 2020}, "expected": "x", "hint": "do y",
    },
}  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_and_their_parts(message):
    parts = MESSAGES[message]
    error = NqpfError("it broke.", **parts)
    assert str(error) == message
    kept = {name: getattr(error, name) for name in ("where", "expected", "hint")}
    assert kept == {"where": {}, "expected": None, "hint": None} | parts
    assert error.where is not parts.get("where"), "what is changed later stays out"
    assert str(error.changed(hint=None, where={}, problem="worse")).startswith("worse")
