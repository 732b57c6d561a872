"""The family of errors and the form of its messages."""

from __future__ import annotations

import pytest

from nqpf import errors
from nqpf.errors import NqpfError

KINDS = [kind for name, kind in vars(errors).items() if name.endswith("Error")]


@pytest.mark.parametrize("kind", KINDS)
def test_one_family(kind: type) -> None:
    assert issubclass(kind, NqpfError) and issubclass(kind, ValueError)
    assert kind.__doc__


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "it broke."),
        ({"where": {}}, "it broke."),
        ({"where": {"file": "a.csv", "row": 3}}, "it broke [file a.csv, row 3]."),
        ({"expected": "a number."}, "it broke; expected a number."),
        ({"hint": "mend it"}, "it broke. Mend it."),
        ({"hint": "北京 or 天津."}, "it broke. 北京 or 天津."),
        (
            {"where": {"year": 2020}, "expected": "x", "hint": "do y"},
            "it broke [year 2020]; expected x. Do y.",
        ),
    ],
)
def test_messages(parts: dict[str, object], message: str) -> None:
    assert str(NqpfError("it broke.", **parts)) == message


def test_the_parts_stay_apart() -> None:
    where = {"file": "a.csv"}
    error = NqpfError("it broke", where=where, expected="x", hint="y")
    where["file"] = "b.csv"
    assert (error.problem, error.where) == ("it broke", {"file": "a.csv"})
    assert (error.expected, error.hint) == ("x", "y")
    assert str(error.changed(hint=None, problem="worse")) == "worse [file a.csv]; expected x."
