"""Formulas compute plain arithmetic and refuse everything else, saying what and where."""

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import FormulaError
from nqpf.systems.formula import Formula

KEYS = [(110000, 2021), (110000, 2022), (440000, 2022)]
INDEX = pd.MultiIndex.from_tuples(KEYS, names=["province", "year"])
FRAME = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [2.0, 0.5, 8.0], "c": [3.0, 1.0, -1.0]}, INDEX)


A, B, C = FRAME["a"], FRAME["b"], FRAME["c"]
ARITHMETIC = {
    "a": A, " \n a\n": A, "a\n + b": A + B, "--a": A, "002.50": 2.5, "a - b - c": A - B - C,
    "a - (b - c)": A - (B - C), "a / b / c": A / B / C, "a / b * c": A / B * C,
    "a + b * c": A + B * C, "(a + b) * c": (A + B) * C, "-a * -b + -(c)": A * B - C,
    "a/(b*c/100)*1000": A / (B * C / 100) * 1000, "+".join("a" * 150): 150 * A,
}  # fmt: skip


@pytest.mark.parametrize("text", ARITHMETIC)
def test_arithmetic_follows_the_usual_rules(text):
    before = FRAME.copy()
    result = Formula.parse(text).evaluate(FRAME)
    expected = pd.Series(ARITHMETIC[text], FRAME.index)
    pd.testing.assert_series_equal(result, expected, rtol=1e-15, check_names=False)
    turned = Formula.parse(text).evaluate(FRAME.iloc[[2, 0, 1]])
    pd.testing.assert_series_equal(turned.sort_index(), result)
    pd.testing.assert_frame_equal(FRAME, before)


def test_names_come_in_order_of_first_use_and_missing_figures_stay_missing():
    assert Formula.parse("b / (a + b) - c * a").names == ("b", "a", "c")
    frame = FRAME.assign(b=[np.nan, 1.0, 1.0])
    assert Formula.parse("a / b").evaluate(frame).isna().tolist() == [True, False, False]


NO_VALUE = [
    ("a / (b - 0.5)", {}, r"divides by zero \[card k, province Beijing, year 2022\]"),
    ("a / (b - b)", {}, r"divides by zero \(and in 2 more rows\) .*Beijing, year 2021"),
    ("1 / 0", {}, "divides by zero"),
    ("a * a", {"a": [1, 2, 1e200]}, r"too large \[card k, province Guangdong, year 2022\]"),
    ("9" * 296 + " * a", {"a": [1e20, 1, 1]}, "too large"),
    ("a / gdpp", {}, r"unknown variable 'gdpp' in 'a / gdpp' \[card k\]"),
]


@pytest.mark.parametrize(("text", "change", "message"), NO_VALUE)
def test_what_has_no_value_names_card_province_and_year(text, change, message):
    with pytest.raises(FormulaError, match=message):
        Formula.parse(text).evaluate(FRAME.assign(**change), {"card": "k"})


# Where the text stops being a formula: it is not made of the allowed characters, ...
ESCAPES = {
    "open('/etc/passwd')": 6, "_": 1, "a.values": 2, "1.real": 1, "a[0]": 2, "{a}": 1, "a, b": 2,
    "a := b": 3, "a ** b": 3, "9**9**9**9": 2, "a // b": 3, "~a": 1, "a; b": 2, "a \\\n b": 3,
    "1e5": 1, "0x10": 1, "1_000": 1, "1.2.3": 1, ".5": 1, "1.": 1, "１": 1, "٣": 1, "ａ / b": 1,
    "а / b": 1, "aª": 2, "a\u200b": 2, "a\u00a0+ b": 2, "a − b": 3, "（a）": 1, "国内生产总值": 1,
    "a\x00": 2, "a\tb": 2, "a\rb": 2, "\ufeffa": 1, "\ud800": 1,
    # or it is, and says something else than arithmetic or nothing.
    "open(a)": 1, "(a)(b)": 1, "().__class__": 3, "import os": 1, "lambda a": 1, "not a": 1,
    "a if b else c": 1, "a and b": 1, "a is b": 1, "a for a in b": 3, "True": 1, "None + a": 1,
    "await a": 1, "*a": 1, "+a": 1, "": 1, " ": 2, "a +": 4, "(a": 3, "()": 1, "a)": 2, "a b": 1,
}  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES, ids=ascii)
def test_anything_else_is_refused_with_its_place(text):
    with pytest.raises(FormulaError) as caught:
        Formula.parse(text, {"file": "indicators.yaml", "indicator": "x"})
    message = str(caught.value)
    assert "is not allowed [file indicators.yaml, indicator x, column " in message
    assert "variable names, decimal numbers" in message
    # Python's parser places what it cannot read a little differently from version to version.
    assert abs(caught.value.where["column"] - ESCAPES[text]) <= 5
    assert 1 <= caught.value.where["column"] <= len(text) + 1


DEEP = ["(" * 100 + "a" + ")" * 100, "-" * 200 + "a", "(-" * 60 + "a" + ")" * 60]


@pytest.mark.parametrize("text", [*DEEP, *("(" * size for size in (301, 5_000_000))], ids=len)
def test_deep_and_long_texts_are_refused_before_they_are_read(text):
    said = "nesting deeper than 20" if text in DEEP else "too long"
    with pytest.raises(FormulaError, match=said):
        Formula.parse(text)
