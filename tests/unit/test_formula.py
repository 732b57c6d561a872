"""Formulas compute plain arithmetic and refuse everything else, saying what and where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import FormulaError
from nqpf.systems import Formula

INDEX = pd.MultiIndex.from_tuples(
    [(110000, 2021), (110000, 2022), (440000, 2022)], names=["province", "year"]
)
FRAME = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [2.0, 0.5, 8.0], "c": [3.0, 1.0, -1.0]}, INDEX)
A, B, C = (FRAME[key].to_numpy() for key in "abc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("  a\n", A),
        ("-a", -A),
        ("--a", A),
        ("2", [2.0, 2.0, 2.0]),
        ("a - b - c", A - B - C),
        ("a - (b - c)", A - (B - C)),
        ("a / b / c", A / B / C),
        ("a / b * c", A / B * C),
        ("a + b * c", A + B * C),
        ("(a + b) * c", (A + B) * C),
        ("-a * -b + -(c)", A * B - C),
        ("a * -2.50 / 0.5", A * -5),
        ("a/(b*c/100)*1000", A / (B * C / 100) * 1000),
    ],
)
def test_arithmetic_follows_the_usual_rules(text, expected):
    result = Formula.parse(text).evaluate(FRAME)
    np.testing.assert_allclose(result.to_numpy(), expected, rtol=1e-15)
    assert result.index.equals(FRAME.index)


def test_rows_keep_their_labels_whatever_their_order():
    shuffled = FRAME.iloc[[2, 0, 1]]
    result = Formula.parse("a / b").evaluate(shuffled)
    pd.testing.assert_series_equal(
        result.sort_index(), Formula.parse("a / b").evaluate(FRAME), check_names=False
    )


def test_names_come_in_order_of_first_use():
    assert Formula.parse("b / (a + b) - c * a").names == ("b", "a", "c")


def test_missing_figures_stay_missing():
    frame = FRAME.assign(b=[np.nan, 1.0, 1.0])
    assert Formula.parse("a / b").evaluate(frame).isna().tolist() == [True, False, False]


def test_evaluation_changes_nothing():
    before = FRAME.copy()
    Formula.parse("-a / b").evaluate(FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


@pytest.mark.parametrize("text", ["a / (b - 0.5)", "a / (b - b)", "1 / 0", "a / (2 - b * 4)"])
def test_division_by_zero_names_card_indicator_province_and_year(text):
    with pytest.raises(FormulaError, match="divides by zero") as caught:
        Formula.parse(text).evaluate(FRAME, {"card": "k", "indicator": "i"})
    assert caught.value.where["province"] == "Beijing"
    assert caught.value.where["year"] in {2021, 2022}
    assert "[card k, indicator i, province Beijing, year" in str(caught.value)


def test_division_by_zero_counts_the_other_rows():
    with pytest.raises(FormulaError, match=r"and in 2 more rows"):
        Formula.parse("a / (b - b)").evaluate(FRAME)


def test_an_overflow_is_an_error_not_an_infinity():
    with pytest.raises(FormulaError, match="too large") as caught:
        Formula.parse("a * a").evaluate(FRAME.assign(a=[1.0, 2.0, 1e200]))
    assert caught.value.where == {"province": "Guangdong", "year": 2022}


def test_a_variable_that_is_not_a_column_is_named():
    with pytest.raises(FormulaError, match="unknown variable 'gdpp'"):
        Formula.parse("a / gdpp").evaluate(FRAME)


ESCAPES = {
    # calls and imports
    "open('/etc/passwd')": "text in quotes",
    "open(a)": r"a call 'open\('",
    "a(b)": r"a call 'a\('",
    "(a)(b)": r"a call '\)\('",
    "2(a)": r"a call '2\('",
    "print()": r"a call 'print\('",
    "eval(a)": r"a call 'eval\('",
    "exec (a)": r"a call 'exec\('",
    "getattr(a, b)": "a list with ','",
    "__import__('os')": "a name that starts with '_'",
    "__builtins__": "a name that starts with '_'",
    "_": "a name that starts with '_'",
    "import os": "the word 'import'",
    "from os import path": "the word 'from'",
    # attributes and subscripts
    "a.values": "attribute access",
    "a.__class__.__mro__": "attribute access",
    "().__class__": "attribute access",
    "(1).real": "attribute access",
    "1.real": "number '1.'",
    "a[0]": "a subscript",
    "[a]": "a subscript",
    "{a}": "a brace",
    # other syntax of Python
    "lambda: a": "the word 'lambda'",
    "[x for x in a]": "a subscript",
    "a for a in b": "the word 'for'",
    "a if b else c": "the word 'if'",
    "a and b": "the word 'and'",
    "not a": "the word 'not'",
    "a is b": "the word 'is'",
    "True": "the word 'True'",
    "None + a": "the word 'None'",
    "await a": "the word 'await'",
    "yield a": "the word 'yield'",
    "a := b": "':'",
    "a = b": "an assignment or comparison",
    "a == b": "an assignment or comparison",
    "a < b": "a comparison",
    "a != b": "a comparison",
    "a ** b": r"the operator '\*\*'",
    "9**9**9**9": r"the operator '\*\*'",
    "a // b": "the operator '//'",
    "a % b": "the operator '%'",
    "a @ b": "the operator '@'",
    "a & b": "the operator '&'",
    "a | b": r"the operator '\|'",
    "a ^ b": r"the operator '\^'",
    "~a": "the operator '~'",
    "a << b": "a comparison",
    "a; b": "a second statement",
    "a # b": "a comment",
    "a \\\n b": "a backslash",
    "*a": r"'\*' here",
    "+a": r"'\+' here",
    "a, b": "a list with ','",
    "...": "attribute access",
    "`a`": "a back quote",
    "$a": r"character '\$'",
    "a?": r"character '\?'",
    # text
    "'a'": "text in quotes",
    '"a"': "text in quotes",
    "f'{a}'": "text in quotes",
    "b'a'": "text in quotes",
    # numbers that are not plain decimals
    "1e5": "number '1e'",
    "1e999": "number '1e'",
    "0x10": "number '0x'",
    "1j": "number '1j'",
    "1_000": "number '1_'",
    "1.2.3": "number '1.2.'",
    ".5": "attribute access",
    "1.": "number '1.'",
    "１": "character",
    "٣": "character",
    # letters that look like others, or that NFKC would turn into them
    "ａ / b": "character",
    "а / b": "character",
    "𝒶 / b": "character",
    "aª": "character",
    "ｅval(a)": "character",
    "a\u200b": "character",
    "a\u00a0+ b": "character",
    "a × b": "character",
    "a − b": "character",
    "a ÷ b": "character",
    "（a）": "character",
    "国内生产总值": "character",
    "a\x00": "character",
    "\x00": "character",
    "a\tb": "character",
    "a\rb": "character",
    "\ufeffa": "character",
    "\ud800": "character",
    # unfinished
    "": "an unfinished formula",
    " ": "an unfinished formula",
    "a +": "an unfinished formula",
    "-": "an unfinished formula",
    "(a": "an unclosed parenthesis",
    "(": "an unfinished formula",
    "()": r"'\)' after '\('",
    "a)": r"'\)' after 'a'",
    ")": r"'\)' here",
    "a b": "'b' after 'a'",
    "2 a": "'a' after '2'",
    "a 2": "'2' after 'a'",
    "(a) b": r"'b' after '\)'",
    "(a b)": "'b' after 'a'",
}


@pytest.mark.parametrize("text", ESCAPES, ids=ascii)
def test_anything_else_is_refused_with_its_place(text):
    with pytest.raises(FormulaError, match=ESCAPES[text]) as caught:
        Formula.parse(text, {"file": "indicators.yaml", "indicator": "x"})
    message = str(caught.value)
    assert "is not allowed [file indicators.yaml, indicator x, column " in message
    assert 1 <= caught.value.where["column"] <= len(text) + 1
    assert "variable names, decimal numbers" in message


@pytest.mark.parametrize(
    "text", ["(" * 100 + "a" + ")" * 100, "-" * 200 + "a", "(-" * 60 + "a" + ")" * 60]
)
def test_deep_nesting_is_refused(text):
    with pytest.raises(FormulaError, match="nesting deeper than 20"):
        Formula.parse(text)


@pytest.mark.parametrize("size", [301, 100_000, 5_000_000])
def test_a_very_long_formula_is_refused_before_it_is_read(size):
    with pytest.raises(FormulaError, match="too long"):
        Formula.parse("(" * size)


def test_the_longest_chain_allowed_still_evaluates():
    result = Formula.parse("+".join("a" * 150)).evaluate(FRAME)
    np.testing.assert_allclose(result, 150 * A)


def test_a_huge_number_does_not_overflow_silently():
    with pytest.raises(FormulaError, match="too large"):
        Formula.parse("9" * 296 + " * a").evaluate(FRAME * 1e20)
