"""Tables of regressions: every figure that a reader needs, escaped."""

from types import SimpleNamespace

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_up_panels import refuses
from made_up_panels import small_panel as sample

from nqpf.errors import MethodError
from nqpf.regress import RegressionTable, fixed_effects
from nqpf.sample import standardise

FRAME = sample(drop=0).rename(columns={"a": "a_1"})


def results():
    pooled = fixed_effects(FRAME, "y", ["b", "a_1"], effects="pooled", errors="robust")
    return {"(1) <y>": fixed_effects(FRAME, "y", "a_1", vintage="census5"), "(2) pooled": pooled}


def test_every_figure_that_a_reader_needs_is_printed():
    fit = results()["(1) <y>"]
    rows = RegressionTable(results()).to_frame()
    assert [*rows.index.unique("row")[:4]] == ["Outcome", "a_1", "b", "Constant"]
    wanted = {"Observations": "48", "Province groups": "8", "Year periods": "6"}
    wanted |= {"Province effects": "yes", "Standard errors": "clustered by province"}
    wanted |= {"R2 within": f"{fit.rsquared_within:.3f}", "Convention": "nested"}
    wanted = {(name, ""): text for name, text in (wanted | {"Data vintage": "census5"}).items()}
    wanted |= {("a_1", "coefficient"): f"{fit.params['a_1']:.3f}", ("b", "coefficient"): ""}
    wanted["a_1", "std. error"] = f"({fit.std_errors['a_1']:.3f})"
    wanted["Constant", "std. error"] = ""
    assert rows["(1) <y>"][list(wanted)].to_dict() == wanted
    other = rows["(2) pooled"]
    assert (other["Year effects", ""], other["Data vintage", ""]) == ("no", "not stated")
    assert "Estimator" not in rows.index.get_level_values(0)  # all are least squares


def test_notes_give_the_formula_of_each_convention_once():
    fits = {name: fixed_effects(FRAME, "y", "b", convention=name) for name in ("nested", "all")}
    table = RegressionTable(fits | {"again": fits["all"]})
    assert sum("G/(G-1)" in note for note in table.notes) == 2
    assert "Significance is not starred." in table.notes
    assert not table.to_frame().map(lambda cell: "*" in cell).to_numpy().any()


def test_html_escapes_every_text():
    labels = {"a_1": "<script>alert(1)</script>", "y": "<img>"}
    page = BeautifulSoup(RegressionTable(results(), labels=labels).to_html(), "html.parser")
    assert not page(["script", "img"])
    rows = [[cell.get_text() for cell in row(["td", "th"])] for row in page("tr")]
    assert rows[0][1:] == ["(1) <y>", "(2) pooled"] and rows[1] == ["Outcome", "<img>", "<img>"]
    assert rows[2][0] == "<script>alert(1)</script>" and rows[3][0] == ""
    assert len({len(row) for row in rows}) == 1


def test_small_numbers_keep_their_digits_and_rounding_is_zero():
    fit = fixed_effects(FRAME.assign(y=FRAME["y"] * 1e-6), "y", "a_1")
    cell = RegressionTable({"small": fit}).to_frame().loc[("a_1", "coefficient"), "small"]
    assert float(cell) == pytest.approx(fit.params["a_1"], rel=1e-2)
    pooled = fixed_effects(standardise(FRAME, ["y", "a_1"]), "y", "a_1", effects="pooled")
    assert 0 < abs(pooled.params["const"]) < 1e-12
    cells = RegressionTable({"pooled": pooled}).to_frame()["pooled"]
    assert cells["Constant", "coefficient"] == "0.000" != cells["a_1", "coefficient"]


def test_one_table_holds_every_estimator_and_its_convention():
    options = {"FE": {"errors": "driscoll-kraay"}}
    options["FD"] = {"effects": "differenced", "convention": "none"}
    options["2-way"] = {"effects": "pooled", "convention": "all", "errors": "two-way clustered"}
    fits = {name: fixed_effects(FRAME, "y", "a_1", **own) for name, own in options.items()}
    table = RegressionTable(fits)
    wanted = {"Estimator": ["least squares", "first differences", "least squares"]}
    wanted["Province effects"] = ["yes", "differenced", "no"]
    wanted["Year effects"] = ["yes", "yes", "no"]
    wanted |= {"Observations": ["48", "40", "48"], "Convention": ["nested", "none", "all"]}
    assert {t: table.to_frame().loc[(t, "")].tolist() for t in wanted} == wanted
    for text in ("\n".join(table.notes), str(table), table.to_html()):
        for said in (
            "Driscoll-Kraay, Bartlett kernel, 2 lags, convention nested: unit effects not counted,",
            "clustered by province, convention none: no small-sample factor",
            "two-way clustered by province and year, convention all: every effect counted, G/(G-1)",
            "FD: First differences between adjacent years: 40 of 48 rows",
        ):
            assert said in text


def test_any_object_with_the_printed_attributes_can_be_a_column():
    fit = results()["(1) <y>"]
    names = [*vars(fit), "std_errors", "covariance_label", "convention_label"]
    like = SimpleNamespace(**{name: getattr(fit, name) for name in names})
    both = RegressionTable({"own": fit, "like": like}).to_frame()
    pd.testing.assert_series_equal(both["own"], both["like"], check_names=False)


def test_a_table_of_nothing_is_refused():
    refuses(MethodError, "1 or more", RegressionTable, {})
