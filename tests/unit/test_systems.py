"""Cards, studies and the matrix they give on a small made-up panel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nqpf.data import Catalogue, Panel
from nqpf.data.catalogue import Bilingual, Variable
from nqpf.errors import CardError, DataError, FormulaError, ProvinceError, SampleError, VintageError
from nqpf.systems import IndicatorMatrix, System
from nqpf.systems.system import span

INDICATORS = """\
indicators:
  richness:
    name: {zh: 人均产出, en: output per person}
    formula: gdp / population
    unit: 10,000 yuan per person
    direction: benefit
  dirt:
    name: {zh: 排放强度, en: emissions per output}
    formula: so2 / gdp * 10000
    unit: t per 100 million yuan
    direction: cost
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
    indicators:
      - {use: richness, status: B, reason: it is what it is}
  - key: health
    indicators:
      - {use: dirt, status: B, reason: bad air, proxy_for: lung function}
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


def write(home: Path, card: str = CARD, study: str = STUDY, indicators: str = INDICATORS) -> Path:
    for folder, name, text in [
        ("systems", "toy-2024.yaml", card),
        ("studies", "toy-2024.yaml", study),
        (".", "indicators.yaml", indicators),
    ]:
        path = home / "data" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return home


def variable(unit: str, vintages: list[str] | None = None) -> Variable:
    both = Bilingual(zh="某", en="some")
    return Variable(
        name=both,
        theme="toy",
        unit=unit,
        definition="made up",
        publisher=both,
        yearbook=both,
        vintages=vintages or [],
    )


def panel(drop: tuple[tuple[str, int, int], ...] = (), **changed: float) -> Panel:
    """Three provinces, 2019-2022; gdp in two vintages; `drop` removes (variable, code, year)."""
    rows = []
    for i, code in enumerate([110000, 310000, 440000]):
        for year in range(2019, 2023):
            step = year - 2018
            rows.append((code, year, "gdp", 100.0 * (i + 1) * step, "census5", "official"))
            rows.append((code, year, "gdp", 90.0 * (i + 1) * step, "census4", "official"))
            rows.append((code, year, "population", 10.0 * (i + 1), "", "official"))
            rows.append((code, year, "so2", changed.get("so2", 1.0 + i), "", "official"))
    columns = ["province", "year", "variable", "value", "vintage", "flag"]
    frame = pd.DataFrame(rows, columns=columns)
    for key, code, year in drop:
        gone = frame["variable"].eq(key) & frame["province"].eq(code) & frame["year"].eq(year)
        frame = frame[~gone]
    variables = {
        "gdp": variable("100 million yuan", ["census5", "census4"]),
        "population": variable("10,000 persons"),
        "so2": variable("10,000 t"),
    }
    return Panel(frame, Catalogue(sources={}, variables=variables))


@pytest.fixture
def toy(tmp_path: Path) -> System:
    return System.load("toy-2024", write(tmp_path))


# --- evaluation ---


def test_values_directions_and_dimensions(toy):
    matrix = toy.evaluate(panel(), provinces=["Beijing", "上海", 440000])
    assert matrix.values.loc[(310000, 2020), "richness"] == 200 * 2 / 20
    assert matrix.values.loc[(310000, 2020), "dirt"] == 2 / 400 * 10000
    assert matrix.benefit.to_dict() == {"richness": True, "dirt": False}
    assert matrix.dimension.to_dict() == {"richness": "wealth", "dirt": "health"}
    assert matrix.sample == "3 provinces, 2019-2022, 12 province-years, census5 vintage"
    assert matrix.dropped.empty
    assert matrix.name("dirt", "zh") == "排放强度"


def test_each_vintage_has_its_own_values(toy):
    five = toy.evaluate(panel(), provinces=[110000]).values["richness"]
    four = toy.evaluate(panel(), provinces=[110000], vintage="census4").values["richness"]
    np.testing.assert_allclose(four / five, 0.9)
    with pytest.raises(VintageError, match="no vintage 'census6'"):
        toy.evaluate(panel(), vintage="census6")


def test_an_incomplete_province_year_is_left_out_and_the_missing_variables_named(toy):
    gaps = (("so2", 110000, 2020), ("population", 110000, 2020), ("so2", 440000, 2022))
    matrix = toy.evaluate(panel(gaps), provinces=[110000, 310000, 440000])
    assert (110000, 2020) not in matrix.values.index
    assert matrix.dropped.to_dict("records") == [
        {"province": 110000, "year": 2020, "reason": "missing: population, so2"},
        {"province": 440000, "year": 2022, "reason": "missing: so2"},
    ]
    assert not matrix.is_balanced
    assert matrix.sample.startswith("3 provinces, 2019-2022, 10 province-years (unbalanced)")
    assert matrix.left_out()["province-years"].tolist() == [1, 1]


def test_provinces_and_years_without_any_figure_are_recorded(toy):
    matrix = toy.evaluate(panel(), years=[2022, 2023])
    assert matrix.years == [2022]
    assert len(matrix.values) == 3
    assert len(matrix.dropped) == 28 + 31
    assert set(matrix.dropped["reason"]) == {"missing: gdp, population, so2"}


def test_an_empty_sample_says_what_is_missing_most(toy):
    gaps = tuple(("so2", code, y) for code in (110000, 310000, 440000) for y in range(2019, 2023))
    with pytest.raises(SampleError, match="no province-year has every variable") as caught:
        toy.evaluate(panel(gaps), provinces=[110000, 310000])
    assert "The variable so2 is missing in 8 of 8 province-years" in str(caught.value)
    with pytest.raises(SampleError, match="no province-year"):
        toy.evaluate(panel(), years=[])
    with pytest.raises(SampleError, match="no province-year"):
        toy.evaluate(panel(), provinces=[])


def test_an_unknown_province_offers_the_nearest(toy):
    with pytest.raises(ProvinceError, match="Did you mean Beijing"):
        toy.evaluate(panel(), provinces=["Bejing"])


def test_infinite_figures_are_refused(toy):
    with pytest.raises(DataError, match=r"infinite figure \[province Beijing, year 2019, variable"):
        toy.evaluate(panel(so2=float("inf")))


def test_division_by_zero_names_card_indicator_province_and_year(tmp_path):
    indicators = INDICATORS.replace("so2 / gdp * 10000", "gdp / so2")
    system = System.load("toy-2024", write(tmp_path, indicators=indicators))
    where = r"\[card toy-2024, indicator dirt, province Beijing, year 2019\]"
    with pytest.raises(FormulaError, match="divides by zero.*" + where):
        system.evaluate(panel(so2=0.0))


def test_a_formula_with_an_unknown_variable_offers_the_nearest(tmp_path):
    indicators = INDICATORS.replace("so2 / gdp", "so2 / gpd")
    system = System.load("toy-2024", write(tmp_path, indicators=indicators))
    with pytest.raises(FormulaError, match="unknown variable 'gpd'.*Did you mean 'gdp'") as caught:
        system.evaluate(panel())
    assert caught.value.where == {"card": "toy-2024", "indicator": "dirt"}


def test_evaluation_does_not_change_the_panel(toy):
    data = panel()
    before = data.frame.copy()
    toy.evaluate(data)
    pd.testing.assert_frame_equal(data.frame, before)


def test_row_order_of_the_panel_does_not_matter(toy):
    data = panel()
    shuffled = Panel(data.frame.sample(frac=1, random_state=3), data.catalogue)
    pd.testing.assert_frame_equal(toy.evaluate(shuffled).values, toy.evaluate(data).values)


# --- the matrix ---


def matrix_of(cells: list[tuple[int, int]]) -> IndicatorMatrix:
    index = pd.MultiIndex.from_tuples(cells, names=["province", "year"])
    values = pd.DataFrame({"a": np.arange(len(cells), dtype=float)}, index=index)
    return IndicatorMatrix(values, pd.Series({"a": True}), pd.Series({"a": "d"}))


def test_balanced_keeps_the_largest_block_and_records_the_rest():
    codes = [110000, 120000, 130000, 140000]
    cells = [(c, y) for c in codes for y in range(2013, 2018) if (c, y) != (140000, 2013)]
    balanced = matrix_of(cells).balanced()  # 4 x 4 = 16 beats 3 x 5 = 15
    assert balanced.is_balanced
    assert balanced.years == [2014, 2015, 2016, 2017]
    assert balanced.provinces == codes
    assert balanced.dropped["year"].tolist() == [2013, 2013, 2013]
    assert set(balanced.dropped["reason"]) == {"left out to balance the sample on 2014-2017"}
    assert balanced.balanced() is balanced


def test_balanced_prefers_provinces_then_later_years_among_equals():
    three_by_two = [(c, y) for c in (1, 2, 3) for y in (2013, 2014)]
    two_by_three = [(c, y) for c in (1, 2) for y in (2013, 2014, 2015)]
    assert matrix_of(sorted({*three_by_two, *two_by_three})).balanced().provinces == [1, 2, 3]
    apart = [(1, 2013), (2, 2013), (1, 2014), (2, 2014), (3, 2015)]
    apart += [(3, 2016), (4, 2015), (4, 2016)]
    assert matrix_of(apart).balanced().years == [2015, 2016]


def test_balanced_without_a_common_block_is_an_error():
    with pytest.raises(SampleError, match="no two provinces share two years"):
        matrix_of([(1, 2013), (2, 2014), (3, 2015)]).balanced()


def test_a_matrix_refuses_double_rows_and_misaligned_directions():
    with pytest.raises(SampleError, match=r"there twice \[province 110000, year 2013\]"):
        matrix_of([(110000, 2013), (110000, 2013)])
    good = matrix_of([(110000, 2013)])
    with pytest.raises(SampleError, match="benefit is given for"):
        IndicatorMatrix(good.values, pd.Series({"b": True}), good.dimension)
    with pytest.raises(SampleError, match="expected an index"):
        IndicatorMatrix(good.values.reset_index(drop=True), good.benefit, good.dimension)


def test_describe_and_html_escape_what_a_card_says(toy):
    matrix = toy.evaluate(panel())
    table = matrix.describe()
    assert table.loc["dirt", ["unit", "direction"]].tolist() == ["t per 100 million yuan", "cost"]
    assert table.loc["richness", "max"] == 40
    for text in (matrix._repr_html_(), toy._repr_html_()):
        assert "<b>system" not in text
        assert "&lt;b&gt;system" in text
    assert "Left out" in matrix._repr_html_()


def test_span_joins_runs():
    assert span([2015, 2013, 2014, 2018, 2020, 2021]) == "2013-2015, 2018, 2020-2021"


# --- cards ---


def test_a_card_may_hold_several_recipes_and_what_is_missing(tmp_path):
    card = CARD.replace("dimensions:", """\
also:
  - normalise: {method: minmax_yearly, status: B}
    weights: {method: not_there_yet, status: S}
    aggregate: {method: topsis, status: S}
dimensions:""") + "    missing: [life expectancy, days of illness]\n"  # fmt: skip
    system = System.load("toy-2024", write(tmp_path, card=card))
    assert system.recipes == [
        {"normalise": "minmax", "weights": "entropy", "aggregate": "linear"},
        {"normalise": "minmax_yearly", "weights": "not_there_yet", "aggregate": "topsis"},
    ]
    assert system.recipe == system.recipes[0]
    assert system.card.also[0].weights.status == "S"
    assert system.card.dimensions[1].missing == ("life expectancy", "days of illness")
    assert System.load("toy-2024", write(tmp_path)).recipes == [system.recipe]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"card": CARD + "colour: red\n"}, "Extra inputs are not permitted .*field colour"),
        ({"card": CARD.replace("key: toy-2024\n", "", 1)}, "Field required .*field key"),
        ({"card": CARD + "key: toy-2024\n"}, r"key 'key' is written twice \[file .*line 15\]"),
        ({"card": CARD.replace("key: toy", "key: tou", 1)}, "not the file's name"),
        ({"card": CARD.replace("status: S", "status: X")}, "'S', 'V' or 'B'.*field recipe.weights"),
        ({"card": CARD + "also: [{normalise: {method: minmax, status: B}}]\n"}, "also.0.weights"),
        ({"card": CARD + "    missing: ['']\n"}, "field dimensions.1.missing.0"),
        ({"card": CARD.replace("use: richness", "use: richnes")}, "Did you mean 'richness'"),
        ({"card": CARD.replace("use: dirt", "use: richness")}, "'richness' is used twice"),
        ({"card": CARD.replace("key: health", "key: wealth")}, "a dimension is there twice"),
        ({"card": CARD.replace("key: health", "key: healt")}, "are not those of the study"),
        (
            {"card": CARD.replace("key: health", "key: health\n    name: {zh: 康, en: h}")},
            "has a name of its own",
        ),
        ({"card": CARD.replace("study: toy", "study: joy")}, "Did you mean 'toy-2024'"),
        ({"card": "&a [*a, *a]"}, "anchors and aliases are not allowed"),
        ({"card": "[" * 5000}, "nesting deeper than 12"),
        ({"card": "key: 'open"}, r"not valid YAML: .* \[file systems/toy-2024.yaml, line 1\]"),
        ({"card": ""}, "the file holds no fields"),
        ({"card": "- a\n- b\n"}, "the file holds no fields"),
        ({"card": "x" * 300_000}, "the file has 300000 bytes .* at most 200000"),
        ({"study": STUDY.replace("status: V", "status: B")}, "'S' or 'V'.*dimensions.1.status"),
        ({"study": STUDY.replace("level: P", "level: Z")}, "field level"),
        ({"study": STUDY.replace("missing: [everything else]", "missing: []")}, "field missing"),
        ({"study": STUDY.replace("key: health", "key: wealth")}, "a dimension is there twice"),
        ({"indicators": INDICATORS.replace("cost", "price")}, "indicators.dirt.direction"),
        ({"indicators": INDICATORS.replace("unit: 10", "units: 10")}, "indicators.richness.unit"),
        (
            {"indicators": INDICATORS.replace("gdp / population", "gdp.values")},
            r"attribute access with '\.' is not allowed \[file data/indicators.yaml, indicator r",
        ),
    ],
)
def test_a_bad_card_says_what_is_wrong_and_where(tmp_path, changes, message):
    home = write(tmp_path, **changes)
    with pytest.raises(CardError, match=message):
        System.load("toy-2024", home)


def test_text_that_is_not_utf8_is_refused(tmp_path):
    home = write(tmp_path)
    (home / "data/systems/toy-2024.yaml").write_bytes(CARD.encode("gb18030"))
    with pytest.raises(CardError, match="not UTF-8.*Save the file in the encoding UTF-8"):
        System.load("toy-2024", home)


@pytest.mark.parametrize("key", ["toy-2023", "../indicators", "", "toy-2024.yaml", "TOY-2024"])
def test_an_unknown_card_lists_the_known_ones(tmp_path, key):
    with pytest.raises(CardError, match=r"no card .*expected one of toy-2024"):
        System.load(key, write(tmp_path))


def test_scalars_stay_text_until_the_schema_reads_them(tmp_path):
    """Plain YAML would read these names as a boolean, a number and nothing."""
    card = CARD.replace("zh: 玩具", "zh: no").replace("reason: it is what it is", "reason: 1e3")
    system = System.load("toy-2024", write(tmp_path, card=card))
    assert system.card.name.zh == "no"
    assert system.card.dimensions[0].indicators[0].reason == "1e3"


def test_a_study_without_dimensions_lets_the_card_name_its_own(tmp_path):
    study = STUDY[: STUDY.index("dimensions:")] + "level: D\nmissing: [everything else]\n"
    with pytest.raises(CardError, match="'wealth' lacks a name"):
        System.load("toy-2024", write(tmp_path, study=study))
    card = CARD.replace("key: wealth", "key: wealth\n    name: {zh: 富有, en: riches}")
    card = card.replace("key: health", "key: health\n    name: {zh: 健康, en: fitness}")
    system = System.load("toy-2024", write(tmp_path, card=card, study=study))
    assert [str(name) for name in system.dimension_names.values()] == [
        "riches 富有",
        "fitness 健康",
    ]


def test_a_card_cannot_be_changed_after_reading(toy):
    with pytest.raises(Exception, match="frozen"):
        toy.card.key = "other"
    with pytest.raises(TypeError):
        toy.indicators["dirt"] = toy.indicators["richness"]
