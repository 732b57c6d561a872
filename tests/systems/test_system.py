"""Cards, studies and the matrix they give on a small made-up panel."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up import figure
from made_up_panels import refusals, refuses

from nqpf.data import Panel
from nqpf.errors import CardError, FormulaError, SampleError
from nqpf.systems import IndicatorMatrix, System

INDICATORS = """\
indicators:
  richness: {name: {zh: 人均产出, en: output per person}, formula: gdp / population,
             unit: "10,000 yuan per person", direction: benefit}
  thirst: {name: {zh: 能耗强度, en: energy per output}, formula: energy / gdp * 10000,
           unit: t per 100 million yuan, direction: cost}
  vigour: {name: {zh: 人口, en: people}, formula: population, unit: "10,000 persons",
           direction: benefit}
"""
LATER = """\
    missing: [days of illness, sleep]
    later:
      - {use: vigour, status: B, reason: breath, fills: lung function, replaces: thirst}
"""
CARD = """\
key: toy-2024
study: toy-2024
name: {zh: 玩具, en: Toy <b>system</b>}
recipe:
  normalise: {method: minmax, status: B}
  weights: {method: entropy, status: S}
  aggregate: {method: linear, status: B}
dimensions:
  - key: wealth
    indicators: [{use: richness, status: B, reason: it is what it is}]
  - key: health
    indicators: [{use: thirst, status: B, reason: bad air, proxy_for: lung function}]
"""
STUDY = """\
key: toy-2024
kind: composite
authors: {zh: 甲, en: A}
year: 2024
weighting: {text: entropy, status: S}
dimensions:
  - {key: wealth, name: {zh: 富, en: wealth}, status: S}
  - {key: health, name: {zh: 康, en: health}, status: V}
level: P
missing: [everything else]
"""
BARE = STUDY[: STUDY.index("dimensions:")] + "level: D\nmissing: [everything else]\n"
CODES = [110000, 310000, 440000]


def write(home, card=CARD, study=STUDY, indicators=INDICATORS):
    texts = {"systems/toy-2024": card, "studies/toy-2024": study, "indicators": indicators}
    for name, text in texts.items():
        path = home / "data" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return home


def some(panel, rows):
    return Panel(panel.frame.query(rows), panel.catalogue)


@pytest.fixture
def toy(tmp_path):
    return System.load("toy-2024", write(tmp_path))


# --- evaluation ---


def test_values_directions_and_dimensions_in_each_vintage(toy, panel):
    panel = some(panel, f"province in {CODES}")
    panel.frame.loc[panel.frame["vintage"] == "census4", "value"] *= 0.9
    before = panel.frame.copy()
    matrix = toy.evaluate(panel)
    gdp, people, energy = (figure(310000, 2020, key) for key in ("gdp", "population", "energy"))
    assert matrix.values.loc[(310000, 2020), "richness"] == gdp / people
    assert matrix.values.loc[(310000, 2020), "thirst"] == energy / gdp * 10000
    assert matrix.benefit.to_dict() == {"richness": True, "thirst": False}
    assert matrix.dimension.to_dict() == {"richness": "wealth", "thirst": "health"}
    assert matrix.sample == "3 provinces, 2019-2023, 15 province-years, census5 vintage"
    assert not matrix.dropped["province"].isin(CODES).any()
    assert matrix.name("thirst", "zh") == "能耗强度"
    four = toy.evaluate(panel, vintage="census4").values["richness"]
    np.testing.assert_allclose(four / matrix.values["richness"], 0.9)
    pd.testing.assert_frame_equal(panel.frame, before)
    shuffled = Panel(panel.frame.sample(frac=1, random_state=3), panel.catalogue)
    pd.testing.assert_frame_equal(toy.evaluate(shuffled).values, matrix.values)


def test_an_incomplete_province_year_is_left_out_and_the_missing_variables_named(toy, panel):
    beijing = "(variable in ['energy', 'population'] and province == 110000 and year == 2020)"
    gaps = f"not {beijing} and not (variable == 'energy' and province == 440000 and year == 2022)"
    matrix = toy.evaluate(some(panel, f"{gaps} and province in {CODES}"))
    assert (110000, 2020) not in matrix.values.index
    dropped = {(110000, 2020): "missing: population, energy", (440000, 2022): "missing: energy"}
    own = matrix.dropped[matrix.dropped["province"].isin(CODES)]
    assert own.set_index(["province", "year"])["reason"].to_dict() == dropped
    assert len(matrix.dropped) == 28 * 5 + 2
    assert matrix.sample.startswith("3 provinces, 2019-2023, 13 province-years (unbalanced)")
    wide = toy.evaluate(panel, years=[2023, 2024])
    assert (wide.years, len(wide.values), len(wide.dropped)) == ([2023], 31, 31)
    assert set(wide.dropped["reason"]) == {"missing: gdp, population, energy"}


PLACE = r"\[card toy-2024, indicator thirst"
NO_VALUES = [
    ("energy / gdp", "variable != 'energy'", "every .*energy is missing in 155 of 155 prov"),
    ("energy / gdp", "year < 0", "no province-year.*has no figure"),
    ("gdp / (energy - energy)", "year > 0", f"by zero.*{PLACE}, province Beijing, year 2019"),
    ("energy / gpd", "year > 0", f"unknown variable 'gpd' {PLACE}.*Did you mean 'gdp'"),
]


@pytest.mark.parametrize(("formula", "rows", "message"), NO_VALUES)
def test_what_cannot_be_evaluated(tmp_path, panel, formula, rows, message):
    text = INDICATORS.replace("energy / gdp * 10000", formula)
    system = System.load("toy-2024", write(tmp_path, indicators=text))
    with pytest.raises(FormulaError if PLACE in message else SampleError, match=message):
        system.evaluate(some(panel, rows))


# --- the matrix ---


def matrix_of(cells):
    index = pd.MultiIndex.from_tuples(cells, names=["province", "year"])
    values = pd.DataFrame({"a": np.arange(len(cells), dtype=float)}, index=index)
    return IndicatorMatrix(values, pd.Series({"a": True}), pd.Series({"a": "d"}))


def test_balanced_keeps_the_largest_block_and_records_the_rest():
    codes = [110000, 120000, 130000, 140000]
    cells = [(c, y) for c in codes for y in range(2013, 2018) if (c, y) != (140000, 2013)]
    balanced = matrix_of(cells).balanced()  # 4 x 4 = 16 beats 3 x 5 = 15
    assert balanced.is_balanced and balanced.balanced() is balanced
    assert (balanced.years, balanced.provinces) == ([2014, 2015, 2016, 2017], codes)
    assert balanced.dropped["year"].tolist() == [2013, 2013, 2013]
    assert set(balanced.dropped["reason"]) == {"left out to balance the sample on 2014-2017"}


def test_balanced_prefers_provinces_then_later_years_among_equals():
    three_by_two = [(c, y) for c in (1, 2, 3) for y in (2013, 2014)]
    two_by_three = [(c, y) for c in (1, 2) for y in (2013, 2014, 2015)]
    assert matrix_of(sorted({*three_by_two, *two_by_three})).balanced().provinces == [1, 2, 3]
    apart = [(1, 2013), (2, 2013), (1, 2014), (2, 2014), (3, 2015)]
    apart += [(3, 2016), (4, 2015), (4, 2016)]
    assert matrix_of(apart).balanced().years == [2015, 2016]
    gap = matrix_of([(1, 2015), (1, 2013), (1, 2014), (1, 2018), (1, 2020), (1, 2021)])
    assert gap.sample == "1 province, 2013-2015, 2018, 2020-2021, 6 province-years"


GOOD = matrix_of([(110000, 2013)])
BARE_VALUES = GOOD.values.reset_index(drop=True)
test_a_matrix_refuses_double_rows_and_misaligned_directions = refusals(
    SampleError,
    ("more than once .province Beijing .*, year 2013", partial(matrix_of, [(110000, 2013)] * 2)),
    ("no two provinces share two years", matrix_of([(1, 2013), (2, 2014), (3, 2015)]).balanced),
    ("benefit is given for",
     partial(IndicatorMatrix, GOOD.values, pd.Series({"b": True}), GOOD.dimension)),
    ("expected an index", partial(IndicatorMatrix, BARE_VALUES, GOOD.benefit, GOOD.dimension)),
)  # fmt: skip


def test_html_escapes_what_a_card_says_and_a_matrix_is_shown_by_its_sample(toy, panel):
    assert "<b>system" not in toy._repr_html_() and "&lt;b&gt;system" in toy._repr_html_()
    assert repr(toy.evaluate(panel)).startswith("<IndicatorMatrix 2 indicators: 31 prov")


# --- cards ---


def test_a_card_may_hold_several_recipes_and_what_is_missing(tmp_path):
    steps = "normalise: {method: minmax_yearly, status: B}, weights: {method: not_yet, status: S}"
    also = f"also: [{{{steps}, aggregate: {{method: topsis, status: S}}}}]\n"
    missing = "    missing: [life expectancy, days of illness]\n"
    system = System.load("toy-2024", write(tmp_path, card=CARD + missing + also))
    usual, other = (" ".join(recipe.values()) for recipe in system.recipes)
    assert (usual, other) == ("minmax entropy linear", "minmax_yearly not_yet topsis")
    assert system.recipe == system.recipes[0] and system.card.also[0].weights.status == "S"
    assert system.card.dimensions[1].missing == ("life expectancy", "days of illness")


def test_what_begins_later_enters_on_request_and_takes_the_place_of_a_proxy(tmp_path):
    home = write(tmp_path, card=CARD + LATER)
    plain, wide = (System.load("toy-2024", home, later=later) for later in (False, True))
    names = [" ".join(one.formulas) for one in (plain, wide)]
    assert names == ["richness thirst", "richness vigour"]
    assert plain.usual()["filled"].tolist() == ["direct", "proxy", "missing", "missing"]
    assert wide.usual()["filled"].tolist() == ["direct", "direct", "missing", "missing"]
    added = LATER.replace("lung function, replaces: thirst", "sleep")
    more = System.load("toy-2024", write(tmp_path, card=CARD + added), later=True)
    assert list(more.indicators) == ["richness", "thirst", "vigour"]
    assert more.card.dimensions[1].missing == ("days of illness",)


# The file that is wrong, what in it is replaced (nothing: the text is added at the end), by what.
BAD = [
    ("card", "", "colour: red\n", "Extra inputs are not permitted .*field colour"),
    ("card", "", "key: toy-2024\n", r"key 'key' is written twice \[file .*line 13\]"),
    ("card", "", "---\na: b\n", r"found another document \[file .*line 13\]"),
    ("card", "key: toy", "key: tou", "not the file's name"),
    ("card", "status: S", "status: X", "'S', 'V' or 'B'.*field recipe.weights"),
    ("card", "use: richness", "use: richnes", "Did you mean 'richness'"),
    ("card", "use: thirst", "use: richness", "'richness' is used twice"),
    ("card", "", LATER.replace("vigour", "vigor"), "Did you mean 'vigour'"),
    ("card", "", LATER.replace("vigour", "thirst"), "'thirst' is used twice"),
    ("card", "", LATER.replace(": thirst", ": thrist"), "Did you mean 'thirst'"),
    ("card", "", LATER.replace(": thirst", ": richness"), "dimensions.health.later"),
    ("card", "", LATER.replace("lung", "heart"), "fills 'heart function'.*dimensions.health.later"),
    ("card", "key: health", "key: wealth", "dimension 'wealth' is there twice"),
    ("card", "key: health", "key: healt", "are not those of the study"),
    ("card", "key: health", "key: health\n    name: {zh: 康, en: h}", "has a name of its own"),
    ("card", "study: toy", "study: joy", "Did you mean 'toy-2024'"),
    ("card", CARD, "&a [*a, *a]", "anchors and aliases are not allowed"),
    ("card", CARD, "[" * 5000, "nesting deeper than 12"),
    ("card", CARD, "? [a]\n: b\n", r"a key is not a text \[file .*line 1\]"),
    ("card", CARD, "k: 'open", r"not valid YAML: .* \[file systems/toy-2024.yaml, line 1\]"),
    ("card", CARD, "- a\n- b\n", "the file holds no fields"),
    ("card", CARD, "x" * 300_000, "the file has 300000 bytes .* at most 200000"),
    ("study", "status: V", "status: B", "'S' or 'V'.*dimensions.1.status"),
    ("study", "level: P", "level: M", "level M .*method not .*P or D.*studies/toy-2024.yaml"),
    ("study", "missing: [everything else]", "missing: []", "field missing"),
    ("study", "key: health", "key: wealth", "'wealth' is there twice"),
    ("study", STUDY, BARE, "'wealth' lacks a name"),
    ("indicators", "cost", "price", "indicators.thirst.direction"),
    ("indicators", "gdp / population", "gdp.values",
     r"'.v' is not allowed \[file data/indicators.yaml, indicator richness, column 4\]"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_a_bad_card_says_what_is_wrong_and_where(tmp_path, file, old, new, message):
    text = {"card": CARD, "study": STUDY, "indicators": INDICATORS}[file]
    changed = text.replace(old, new, 1) if old else text + new
    refuses(CardError, message, System.load, "toy-2024", write(tmp_path, **{file: changed}))


def test_text_that_is_not_utf8_and_an_unknown_card_are_refused(tmp_path):
    home = write(tmp_path)
    for key in ("toy-2023", "../indicators", "", "toy-2024.yaml", "TOY-2024"):
        refuses(CardError, r"unknown card .*expected one of toy-2024", System.load, key, home)
    (home / "data/systems/toy-2024.yaml").write_bytes(CARD.encode("gb18030"))
    with pytest.raises(CardError, match="not UTF-8.*Save the file in the encoding UTF-8"):
        System.load("toy-2024", home)


def test_scalars_stay_text_until_the_schema_reads_them(tmp_path):
    """Plain YAML would read these names as a boolean, a number and nothing."""
    card = CARD.replace("zh: 玩具", "zh: no").replace("reason: it is what it is", "reason: 1e3")
    system = System.load("toy-2024", write(tmp_path, card=card))
    assert (system.card.name.zh, system.card.dimensions[0].indicators[0].reason) == ("no", "1e3")
    with pytest.raises(Exception, match="frozen"):
        system.card.key = "other"
    with pytest.raises(TypeError):
        system.indicators["thirst"] = system.indicators["richness"]


def test_a_study_without_dimensions_lets_the_card_name_its_own(tmp_path):
    card = CARD.replace("key: wealth", "key: wealth\n    name: {zh: 富有, en: riches}")
    card = card.replace("key: health", "key: health\n    name: {zh: 健康, en: fitness}")
    system = System.load("toy-2024", write(tmp_path, card=card, study=BARE))
    assert list(map(str, system.dimension_names.values())) == ["riches 富有", "fitness 健康"]
