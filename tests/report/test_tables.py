"""Tables, verdicts, notes and pictures: what they say, and nothing unescaped."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from made_up import variable
from made_up_hostile import EVIL
from made_up_panels import refusals

from nqpf import provinces, report
from nqpf.data import Catalogue, Panel
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index import Recipe
from nqpf.report import tile_map
from nqpf.report.html import listed
from nqpf.report.tables import argument_table, catalogue_table
from nqpf.systems import IndicatorMatrix, Study, System, available, filled, twins

CODES, PANEL = provinces.codes(), Panel.load(extra=False)
NAMES = {"a": "output", "b": "patents"}


class Page:
    """Tags and text of a fragment; a tag that is not closed is an error."""

    def __init__(self, html):
        closed = re.sub(r"<(br|img)\b([^>]*)>", r"<\1\2/>", html)
        root = ElementTree.fromstring(f"<div>{closed}</div>")  # noqa: S314 - our own
        self.tags = [element.tag for element in root.iter()][1:]
        self.said = "".join(root.itertext())
        self.attributes = {k: v for element in root.iter() for k, v in element.attrib.items()}


def made_panel(reader_rows=0):
    """Two variables, 31 provinces, 2020-2021; b is spliced in 2021 and absent in Tibet."""
    keys = pd.MultiIndex.from_product([CODES, (2020, 2021)], names=["province", "year"])
    a = keys.to_frame(index=False).assign(variable="a", vintage="census5", flag="official")
    b = a[a["province"] != 540000].assign(variable="b", vintage="")
    b.loc[b["year"] == 2021, "flag"] = "spliced"
    a["value"], b["value"] = 1.0 + a["province"], 2.0 * b["year"]
    frame = pd.concat([b, a], ignore_index=True)
    frame.loc[frame.index < reader_rows, "flag"] = "reader"
    variables = {k: variable(name={"en": n, "zh": "虚构"}) for k, n in NAMES.items()}
    variables["a"] |= {"theme": "accounts", "vintages": ["census5"]}
    return Panel(frame, Catalogue(sources={}, variables=variables))


def made_matrix():
    values = made_panel().wide(["a", "b"])
    dropped = values[values.isna().any(axis=1)].index.to_frame(index=False)
    about = {"vintage": "census5", "dropped": dropped.assign(reason="missing: b")}
    sides = pd.DataFrame({"good": True, "dimension": ["first", "second"]}, ["a", "b"])
    return IndicatorMatrix(values.dropna(), sides["good"], sides["dimension"], **about)


INDEX = Recipe(weights="equal", aggregate="linear").fit(made_matrix())


@pytest.fixture(scope="module")
def lines():
    """Places in the catalogue that a link can lead to; gaps and shares are whole numbers in it."""
    themes = {variable.theme for variable in PANEL.catalogue.variables.values()}
    pages = {theme: catalogue_table(PANEL, theme).html for theme in themes}
    one = r"\b\d{4}–\d{4}, \d+ provinces, (no gaps|1 gap|\d+ gaps);"
    told = re.findall(r"[^<>]*flagged official", pages["accounts"])
    assert told and all(re.search(one, said) for said in told)
    stock = pages["accounts"].split("id='var-capital_stock'")[1].split("</details>")[0]
    assert "; 0 % flagged official" in stock
    return set(re.findall(r"id='(var-[^']+)'", "".join(pages.values())))


def test_a_picture_is_an_image_with_escaped_text_for_page_print_and_terminal():
    picture = tile_map(pd.Series({"Beijing": 1.0}), EVIL)
    page = Page(picture._repr_html_())
    assert page.tags == ["img"] and EVIL in page.attributes["alt"]
    assert page.attributes["src"].startswith("data:image/svg+xml,%3C%3Fxml")
    assert repr(picture) == f"[Figure: {picture.alt}]"
    places = [[i / 1000 for i in range(8000)], [i * 7919 % 8000 / 1000 for i in range(8000)]]
    picture.figure.axes[0].plot(*places, "o", markersize=1)  # a heavy drawing becomes a PNG
    assert Page(picture.html()).attributes["src"].startswith("data:image/png;base64,")


def test_ranking_table_agrees_with_the_index():
    made = report.ranking_table(INDEX, 2021, n=3)
    page = Page(made.html)
    assert page.tags.count("tr") == 4
    top = INDEX.rank(2021).index[0]
    assert f"1{provinces.name(top, 'both')}{INDEX.scores[(top, 2021)]:.3f}" in page.said
    assert "3 of 30 provinces" in repr(made)
    assert Page(report.ranking_table(INDEX, 2021, n=None).html).tags.count("tr") == 31


@pytest.mark.parametrize("key", available())
def test_system_table_holds_every_indicator_and_status_and_how_far_it_is_filled(key, lines):
    """The shares beside a rank are those of nqpf.systems.filled, and twins are named."""
    system, row = System.load(key), filled([key]).loc[key]
    made = report.system_table(system)
    page = Page(made.html)
    for one in system.indicators.values():
        assert one.name.en in page.said and one.name.zh in page.said and one.formula in page.said
    for name in system.dimension_names.values():
        assert page.said.count(f"{name.en} {name.zh}") == 1 and str(name) in repr(made)
    statuses = [use.status for part in system.card.dimensions for use in part.indicators]
    assert made.html.count("status-b") >= statuses.count("B") > 0
    assert (
        f"of {row['usual']:.0f} usual indicators {100 * row['share direct']:.0f} % are direct, "
        f"{100 * row['share proxy']:.0f} % by proxy and {100 * row['share missing']:.0f} % missing"
    ) in made.html
    same = [Study.load(k).short for k, of in twins().items() if of == twins()[key] and k != key]
    assert ("The same indicators serve" in made.html) == bool(same)
    assert all(name in made.html.split("The same indicators serve")[-1] for name in same)
    lacking = [one for dimension in system.card.dimensions for one in dimension.missing]
    assert all(one in made.text for one in lacking)
    links = set(re.findall(r"panel\.html#(var-[\w%-]+)", made.html))
    assert links and links <= lines


@pytest.mark.parametrize("key", Study.keys())
def test_verdict_follows_from_the_record(key):
    """What is stated and what is this book's are told apart, and no part is both."""
    study = Study.load(key)
    made = report.verdict(study)
    page = Page(made.html)
    assert page.tags.count("li") == len(study.missing)
    assert f"level {study.level}" in page.said and study.missing[-1] in page.said
    stated, _, own = made.text.partition("This book's own: ")
    for name in ("weighting", "aggregation"):
        known = getattr(study, name) is not None
        assert (f"the {name} (" in stated) == known
        assert (f"the {name}" in own.split("(B)")[0]) == (study.kind == "composite" and not known)
    mark = "V" if key == "lu-2024" else "S"
    assert (f"the dimensions ({mark})" in stated) == bool(study.dimensions)


def test_verdict_escapes_and_says_what_is_open_of_a_method():
    facts = {"status": "S", "text": "entropy"}
    study = Study(
        key="a-2024", kind="composite", authors={"zh": "某", "en": "A"}, year=2024, level="P",
        weighting=facts | {"lacks": EVIL}, aggregation=facts, missing=[EVIL, "inputs"],
        dimensions=[{"key": "one", "name": {"zh": "一", "en": "one"}, "status": "S"}],
    )  # fmt: skip
    page = Page(report.verdict(study).html)
    assert "script" not in page.tags
    assert f"Of the weighting it is open {EVIL}; that part is reconstructed" in page.said
    nothing = report.verdict(Study.load("shi-sun-2024")).text
    assert "level D. Described, not re-run. Not stated in the survey: the estimator." in nothing


def test_names_are_there_and_tell_the_studies_apart():
    assert all(callable(getattr(report, name)) for name in report.__all__)
    names = [Study.load(key).short for key in available()]
    assert len(set(names)) == len(names)
    for part in ("drivers", "traits", "challenges", "paths"):
        assert "panel.html#var-" in argument_table(part, PANEL).html


def test_selected_indicators_keep_direction_and_dimension():
    part = System.load("dai-2024").evaluate(PANEL).select(["so2_intensity", "rd_intensity"])
    assert list(part.values.columns) == ["rd_intensity", "so2_intensity"]
    assert part.benefit.to_dict() == {"rd_intensity": True, "so2_intensity": False}


FEW = ["rd_enterprise", "gdp_index", "population", "urbanisation", "rd_basic", "researchers"]
# What a table or a note says, and what it does not.
SAID = [
    (lambda: report.study_table(Study.load("jin-2024")),
     ["Economic Geography", "confirmed by"], ["None"]),
    (lambda: report.study_table(Study.load("wang-wang-2024")), ["37(1): 31-47"], []),
    (lambda: report.study_table(Study.load("wu-2024")),
     ["not stated in the survey, nor found in a second"], []),
    (lambda: report.data_note(made_panel(), made_matrix(), ["a", "b"]),
     ["Data: national accounts of vintage census5; 30 provinces, 2020-2021, 60 province-years; "
      "left out 2 province-years: Tibet 2020-2021 (missing: patents); 120 figures, "
      "75.0 % official, 25.0 % spliced; no rows added by the reader."], []),
    (lambda: report.data_note(PANEL, variables=FEW, years=range(2010, 2024)),
     ["under 0.1 % spliced"], [" 0.0 %"]),
    (lambda: report.data_note(made_panel(3), variables=["b"], years=[2020]),
     ["no series with vintages; 30 provinces, 2020, 30 province-years", "reader"], []),
    (lambda: report.data_note(made_panel(3), variables=["a", "b"]), ["3 of the reader's own"], []),
    (lambda: catalogue_table(PANEL, "accounts"),
     ["census4: 2011–2022, 31 provinces, no gaps; 100 % flagged official", "2019, flag official"],
     [".0 provinces"]),
]  # fmt: skip


@pytest.mark.parametrize(("made", "said", "absent"), SAID)
def test_notes_and_tables_say_what_is_known(made, said, absent):
    """No part that is open shows as None; what is shown on a page is what a terminal prints."""
    page = Page(made().html).said
    assert [part for part in said if part not in page] == []
    assert not [part for part in absent if part in page + repr(made())]
    assert not re.search(r"(\d{4})–\1\b", page)


def test_tables_of_studies_count_all_of_them():
    kinds = [Study.load(key).kind for key in Study.keys()]
    for kind, least in (("composite", 15), ("tfp", 4)):
        rows = len(report.studies_table(kind).text.splitlines()) - 1
        assert rows == kinds.count(kind) >= least
    levels = report.studies_table("levels").text.splitlines()[1:]
    assert [line[0] for line in levels] == list("NMPD")
    assert sum(int(line.split()[1]) for line in levels) == len(kinds)
    assert listed(list("abcdefgh"), limit=4) == "a, b, c and 5 more" and listed([]) == ""


test_wrong_input_is_named = refusals(
    SampleError,
    ("variables", lambda: report.data_note(made_panel(), made_matrix()), MethodError),
    ("unknown part 'path'", lambda: argument_table("path", PANEL), DataError),
    ("Did you mean 'composite'", lambda: report.studies_table("composites"), MethodError),
    ("indicator 'gdp'", lambda: made_matrix().select(["gdp"])),
    ("no indicator", lambda: made_matrix().select([])),
    ("no scores in 1999", lambda: report.ranking_table(INDEX, 1999)),
    ("no attribute 'nothing'", lambda: report.nothing, AttributeError),
)
