"""Tables of regressions, and variables in standard deviations."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import RegressionTable, fixed_effects, standardise
from nqpf.regress.ols import first_differences
from nqpf.regress.random import random_effects
from nqpf.regress.resample import wild_bootstrap


def frame():
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product([range(8), range(2010, 2016)], names=["province", "year"])
    data = pd.DataFrame(rng.normal(size=(48, 3)), keys, ["y", "a_1", "b"])
    return data.assign(y=data["y"] + 2 * data["a_1"])


def results():
    data = frame()
    return {
        "(1) <y>": fixed_effects(data, "y", ["a_1"], vintage="census5"),
        "(2) pooled": fixed_effects(data, "y", ["b", "a_1"], effects="pooled", errors="robust"),
    }


class Cells(HTMLParser):
    """Text of the cells of each row."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.tags = [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def test_every_figure_that_a_reader_needs_is_printed():
    fits = results()
    table = RegressionTable(fits).to_frame()
    one, two = table["(1) <y>"], table["(2) pooled"]
    fit = fits["(1) <y>"]
    assert one["a_1", "coefficient"] == f"{fit.params['a_1']:.3f}"
    assert one["a_1", "std. error"] == f"({fit.std_errors['a_1']:.3f})"
    assert one["b", "coefficient"] == one["Constant", "std. error"] == ""
    assert one["Observations", ""] == "48"
    assert one["Province groups", ""] == "8"
    assert one["Year periods", ""] == "6"
    assert one["R2 within", ""] == f"{fit.rsquared_within:.3f}"
    assert (one["Province effects", ""], two["Year effects", ""]) == ("yes", "no")
    assert one["Standard errors", ""] == "clustered by province"
    assert (one["Convention", ""], two["Standard errors", ""]) == ("nested", "robust")
    assert (one["Data vintage", ""], two["Data vintage", ""]) == ("census5", "not stated")


def test_variables_keep_the_order_of_first_use_and_the_constant_ends_them():
    rows = RegressionTable(results()).to_frame().index.get_level_values("row").unique()
    assert rows[:4].tolist() == ["Outcome", "a_1", "b", "Constant"]


def test_stars_are_off_unless_asked_for_and_the_legend_says_which():
    plain = RegressionTable(results())
    starred = RegressionTable(results(), stars=True)
    assert not plain.to_frame().map(lambda cell: "*" in cell).to_numpy().any()
    assert starred.to_frame().loc[("a_1", "coefficient"), "(1) <y>"].endswith("***")
    assert any("not starred" in note for note in plain.notes)
    assert any("*** p < 0.01" in note for note in starred.notes)


def test_notes_give_the_formula_of_each_convention_once():
    fits = {name: fixed_effects(frame(), "y", "b", convention=name) for name in ("nested", "all")}
    fits["again"] = fits["all"]
    notes = RegressionTable(fits).notes
    assert sum("G/(G-1)" in note for note in notes) == 2


def test_html_escapes_every_text():
    html = RegressionTable(
        results(), labels={"a_1": "<script>alert(1)</script>", "y": "<img>"}
    ).to_html()
    cells = Cells(html)
    assert not {"script", "img"} & cells.tags
    assert cells.rows[1] == ["Outcome", "<img>", "<img>"]
    assert cells.rows[0][1:] == ["(1) <y>", "(2) pooled"]
    assert cells.rows[2][0] == "<script>alert(1)</script>"
    assert len({len(row) for row in cells.rows[:-1]}) == 1


def test_latex_escapes_and_keeps_columns():
    text = RegressionTable(results(), labels={"b": r"50% & \more {x}"}).to_latex()
    assert r"a\_1 & " in text
    assert r"50\% \& \textbackslash{}more \{x\}" in text
    rows = [
        line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line
    ]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {2}


def test_small_numbers_keep_their_digits():
    data = frame()
    fit = fixed_effects(data.assign(y=data["y"] * 1e-6), "y", "a_1")
    cell = RegressionTable({"small": fit}).to_frame().loc[("a_1", "coefficient"), "small"]
    assert float(cell) == pytest.approx(fit.params["a_1"], rel=1e-2)


def test_one_table_holds_every_estimator_and_its_convention():
    data, two = frame(), {"errors": "two-way clustered"}
    data["y"] += 2 * data.index.get_level_values("province")
    fits = {
        "FE": fixed_effects(data, "y", "a_1", errors="driscoll-kraay", bandwidth=1),
        "RE": random_effects(data, "y", "a_1", time_effects=True),
        "FD": first_differences(data, "y", "a_1", convention="none"),
        "2-way": fixed_effects(data, "y", "a_1", effects="pooled", convention="all", **two),
    }
    table = RegressionTable(fits)
    rows = table.to_frame()
    wanted = {
        "Estimator": ["least squares", "random effects", "first differences", "least squares"],
        "Province effects": ["yes", "random", "differenced", "no"],
        "Year effects": ["yes", "yes", "yes", "no"],
        "Observations": ["48", "48", "40", "48"],
        "Convention": ["nested", "nested", "none", "all"],
    }
    for title, cells in wanted.items():
        assert rows.loc[(title, "")].tolist() == cells
    text = "\n".join(table.notes)
    for said in (
        "Driscoll-Kraay, Bartlett kernel, 1 lag, convention nested: unit effects not counted, T",
        "clustered by province, convention none: no small-sample factor",
        "two-way clustered by province and year, convention all: every effect counted, G/(G-1)",
        "RE: Random effects by Swamy and Arora, theta",
        "FD: First differences between adjacent years: 40 of 48 rows",
    ):
        assert said in text
    for rendered in (table.to_html(), table.to_latex(), str(table)):
        assert "Swamy and Arora" in rendered
        assert "random effects" in rendered


def test_a_table_of_fixed_effects_alone_names_no_estimator():
    assert "Estimator" not in RegressionTable(results()).to_frame().index.get_level_values(0)


def test_bootstrap_p_values_stand_below_their_coefficient():
    data = frame()
    test = wild_bootstrap(data, "y", ["b", "a_1"], "b", draws=199, weights="webb", seed=7)
    strong = wild_bootstrap(data, "y", ["b", "a_1"], "a_1", draws=199, weights="webb", seed=7)
    fits = {"plain": fixed_effects(data, "y", "a_1"), "both": test.result}
    table = RegressionTable(fits, bootstrap={"both": [test, strong]}, extra={"Test": {"both": "x"}})
    rows = table.to_frame()
    assert rows.loc[("b", "bootstrap p")].tolist() == ["", f"[{test.pvalue:.3f}]"]
    expected = f"[{strong.pvalue:.3f}]" if strong.pvalue else "[< 0.005]"
    assert rows.loc[("a_1", "bootstrap p"), "both"] == expected
    assert rows.loc[("Test", "")].tolist() == ["", "x"]
    assert sum("Webb six-point weights, 199 draws, seed 7" in note for note in table.notes) == 1
    cells = Cells(table.to_html())
    assert ["", "", f"[{test.pvalue:.3f}]"] in cells.rows
    assert f"[{test.pvalue:.3f}]" in table.to_latex()


def test_what_does_not_belong_to_a_table_is_refused():
    data = frame()
    test = wild_bootstrap(data, "y", ["b", "a_1"], draws=99, weights="webb")
    fits = {"one": fixed_effects(data, "y", ["b"])}
    with pytest.raises(MethodError, match="no column 'two'"):
        RegressionTable(fits, bootstrap={"two": [test]})
    with pytest.raises(MethodError, match="no column 'two'"):
        RegressionTable(fits, extra={"Test": {"two": "x"}})
    with pytest.raises(MethodError, match="bootstrap of 'b' is not of column 'one'"):
        RegressionTable(fits, bootstrap={"one": [test]})


def test_a_constant_that_is_zero_but_for_rounding_is_printed_as_zero():
    data = standardise(frame(), ["y", "a_1"])
    fit = fixed_effects(data, "y", "a_1", effects="pooled")
    assert 0 < abs(fit.params["const"]) < 1e-12
    cells = RegressionTable({"pooled": fit}).to_frame()["pooled"]
    assert cells["Constant", "coefficient"] == "0.000"
    assert float(cells["a_1", "coefficient"]) != 0


def test_an_empty_table_is_refused():
    with pytest.raises(MethodError, match="no regressions"):
        RegressionTable({})


def test_standardising_gives_z_scores_of_the_rows_given():
    data = frame()
    before = data.copy()
    scaled = standardise(data, ["a_1"])
    assert scaled["a_1"].mean() == pytest.approx(0, abs=1e-12)
    assert scaled["a_1"].std() == pytest.approx(1)
    pd.testing.assert_frame_equal(data, before)
    pd.testing.assert_series_equal(scaled["b"], data["b"])
    raw, unit = (fixed_effects(f, "y", "a_1") for f in (data, scaled))
    assert unit.params["a_1"] == pytest.approx(raw.params["a_1"] * data["a_1"].std())
    assert unit.pvalues["a_1"] == pytest.approx(raw.pvalues["a_1"])


def test_deviations_within_make_one_coefficient_a_partial_correlation():
    data = frame().sample(frac=1, random_state=0)  # rows in no order
    scaled = standardise(data, ["y", "a_1"], within="two-way")
    assert scaled["a_1"].mean() == pytest.approx(0, abs=1e-12)
    both = pd.concat(
        [pd.get_dummies(data.index.get_level_values(i), dtype=float) for i in (0, 1)], axis=1
    ).to_numpy()
    left = data[["y", "a_1"]].to_numpy()
    left = left - both @ np.linalg.lstsq(both, left, rcond=None)[0]
    partial = np.corrcoef(left.T)[0, 1]
    assert fixed_effects(scaled, "y", "a_1").params["a_1"] == pytest.approx(partial)
    spread = left[:, 1].std(ddof=1)
    np.testing.assert_allclose(scaled["a_1"] * spread, data["a_1"] - data["a_1"].mean())
    ratios = [data["a_1"].std() / (data["a_1"].diff() / scaled["a_1"].diff()).iloc[1]]
    assert ratios[0] > 1  # the effects take something out


def test_columns_without_variation_within_are_refused():
    data = frame()
    with pytest.raises(MethodError, match="Did you mean 'two-way'"):
        standardise(data, ["a_1"], within="two way")
    fixed = data.assign(b=data.groupby(level=0)["a_1"].transform("first"))
    with pytest.raises(EstimationError, match="'b' does not vary once the unit effects"):
        standardise(fixed, ["b"], within="unit")
    with pytest.raises(SampleError, match="1 level"):
        standardise(data.reset_index(drop=True), ["a_1"], within="unit")


def test_columns_that_cannot_be_standardised():
    data = frame()
    with pytest.raises(DataError, match="Did you mean 'a_1'"):
        standardise(data, ["a1"])
    with pytest.raises(EstimationError, match="'b' does not vary"):
        standardise(data.assign(b=0.1), ["b"])
    data.loc[(0, 2010), "b"] = np.nan
    with pytest.raises(SampleError, match="province 0, year 2010, variable b"):
        standardise(data, ["b"])
