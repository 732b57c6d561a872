"""The project's own studies and cards: what is stated, shared, attributed and filled."""

import re

import pytest
import yaml

from nqpf.data import Catalogue
from nqpf.errors import CardError
from nqpf.files import root
from nqpf.systems import Study, System, available, filled, twins
from nqpf.systems.overlap import membership

# What the survey lists, as the book translates it: key; level; basis; weights and aggregation of
# the card (S where the survey states the method, else the book's default); dimensions. A
# reader's own studies may stand beside these.
SURVEY = """
dai-2024|M|formation|entropy S, topsis S|创新驱动 人才积累 产业升级 绿色发展
dong-2024|M|theory|entropy S, topsis S|劳动者 劳动资料 劳动对象 优化组合跃升
gong-2024|P||entropy S, topsis S|
han-2024|P|traits|entropy S, linear B|\
更高素质的劳动者 更高科技的劳动资料 更广范围的劳动对象 新生产技术 新生产组织 新生产要素
jiang-qiao-2024|P|traits|entropy B, topsis B|创新 协调 绿色 开放 共享 高科技 高效能 高质量
jin-2024|P|traits|entropy B, topsis B|\
智力人才汇聚 技术创新储备 新兴企业吸引 知识成果交流 技术成果转化 新兴产品形成
li-li-2024|P||pursuit S, linear S|
liu-2024|M|traits|entropy S, topsis S|新产业 新模式 新动能
lu-2024|P||ahp_entropy S, topsis S|科技生产力 绿色生产力 数字生产力
lu-guo-2024|M|traits|entropy S, topsis S|科技生产力 绿色生产力 数字生产力
ren-2024|P|traits|entropy B, topsis B|智能化 绿色化 创新化 人本化 产业发展安全 制度环境
wang-wang-2024|P|theory|entropy S, linear B|劳动者 劳动对象 生产资料
wu-2024|P|formation|entropy B, topsis B|创新支持 算力基础 数据支撑 算法加持
yang-hong-2024|P|theory|entropy B, topsis B|数字劳动力 数字劳动对象 数字生产资料
zou-2024|P||variation S, coupling S|
"""
LINES = [line.split("|") for line in SURVEY.strip().split("\n")]
COMPOSITE = [line[0] for line in LINES]
BASES = {"theory": "classical theory (S)", "formation": "basis of formation (S)"}
BASES |= {"traits": "connotation and traits (S)", "": "None"}
TFP = ["li-qx-2024", "qiao-ma-2024", "shi-sun-2024", "yang-wang-2023"]


# --- studies ---


def test_every_surveyed_study_has_its_record_at_the_level_that_it_allows():
    """No inputs are at hand, so none is N; the survey gives method and dimensions of four."""
    studies = {key: Study.load(key) for key in Study.keys()}
    assert set(COMPOSITE + TFP) <= set(studies) and set(COMPOSITE) <= set(available())
    assert {studies[key].kind for key in COMPOSITE} == {"composite"}
    assert {(studies[key].kind, studies[key].level) for key in TFP} == {("tfp", "D")}
    assert studies["wu-2024"].weighting is None
    assert studies["jiang-qiao-2024"].title.startswith("Jiang Yongmu and Qiao Zhangyuan (2024c)")
    groups = [dimension.group.en for dimension in studies["han-2024"].dimensions]
    assert groups == ["substantive factors"] * 3 + ["permeating factors"] * 3


@pytest.mark.parametrize(("key", "level", "basis", "methods", "dimensions"), LINES)
def test_record_and_card_say_what_the_survey_does(key, level, basis, methods, dimensions):
    """What is not the survey's is marked; a study at P names first the part that it lacks."""
    study, card = Study.load(key), System.load(key).card
    assert (study.level, str(study.basis)) == (level, BASES[basis])
    assert " ".join(dimension.name.zh for dimension in study.dimensions) == dimensions
    assert {d.status for d in study.dimensions} <= ({"V"} if key == "lu-2024" else {"S"})
    first = study.missing[0]
    if study.level == "M":
        assert first == "the study's indicator list"
    elif study.stated["dimensions"]:
        assert "aggregation" in first or "entropy weights" in first
    else:
        assert "dimensions" in first
    stated = ["S" if fact else "B" for fact in (study.weighting, study.aggregation)]
    steps = (card.recipe.weights, card.recipe.aggregate)
    assert ", ".join(f"{step.method} {step.status}" for step in steps) == methods
    assert [step.status for step in steps] == stated and card.recipe.normalise.status == "B"
    also = [f"{other.weights} {other.aggregate}" for other in card.also]
    own = "method='entropy' status='S' method='{}' status='S'".format
    assert also == ([own("linear"), own("vikor")] if key == "gong-2024" else [])


FACT = {"text": "entropy", "status": "S"}
DIMENSION = {"key": "one", "name": {"zh": "一", "en": "one"}, "status": "S"}
WHOLE = {"weighting": FACT, "aggregation": FACT, "dimensions": [DIMENSION]}


TFP_FACTS = {"kind": "tfp", "estimator": FACT}
ALLOWED = [(WHOLE, "NMD"), (WHOLE | {"dimensions": []}, "PD"), (TFP_FACTS, "NMD")]
ALLOWED += [(WHOLE | {"aggregation": None}, "PD"), (TFP_FACTS | {"estimator": None}, "D")]
ALLOWED += [(WHOLE | {"weighting": FACT | {"lacks": "how it is improved"}}, "PD")]
ALLOWED += [(WHOLE | {"dimensions": [], "aggregation": None}, "D")]
ALLOWED += [(TFP_FACTS | {"estimator": FACT | {"lacks": "its instruments"}}, "D")]


@pytest.mark.parametrize(("facts", "allowed"), ALLOWED)
def test_a_level_that_the_record_does_not_bear_is_refused(facts, allowed):
    base = {"key": "a-2024", "kind": "composite", "authors": {"zh": "某", "en": "A"}, "year": 2024}
    for level in "NMPD":
        tree = base | facts | {"level": level, "missing": ["its inputs"]}
        if level in allowed:
            assert Study.model_validate(tree).level == level
        else:
            with pytest.raises(ValueError, match=f"level {level} does not follow from the record"):
                Study.model_validate(tree)


def test_the_growth_remark_on_lu_2024_is_right():
    low, high = 0.3026, 0.8747
    assert f"from {low} (2012) to {high} (2021)" in Study.load("lu-2024").scores.text
    compound = 100 * ((high / low) ** (1 / 9) - 1)
    assert f"{compound:.1f} %" in Study.load("lu-2024").remark
    assert round(100 * (high / low - 1) / 9) == 21


# --- cards ---


@pytest.mark.parametrize("key", available())
def test_indicators_are_the_books_and_two_in_a_dimension_or_it_says_why_not(key):
    """None is attributed to authors whose list is not at hand."""
    system = System.load(key)
    table = system.table()
    assert set(table["status"]) == {"B"} and table["reason"].str.len().min() > 5
    assert "the study's indicator list" in system.study.missing
    assert set(system.variables) <= set(Catalogue.load().variables)
    for dimension in system.card.dimensions:
        assert len(dimension.indicators) >= 2 or "One indicator only" in (dimension.note or "")


# Cards whose dimensions hold what those of dong-2024 or lu-guo-2024 of the same place hold.
FOUR = "wang-wang-2024 gong-2024 li-li-2024 zou-2024"
SAME = {("dong-2024", part): f"{FOUR} han-2024" for part in ("labourers", "objects")}
SAME |= {("dong-2024", "means"): FOUR, ("dong-2024", "leap"): "gong-2024 li-li-2024 zou-2024"}
SAME |= {("lu-guo-2024", part): "lu-2024" for part in ("technological", "digital")}
SAME["lu-guo-2024", "green"] = "lu-2024 dai-2024"


def test_systems_differ_only_where_their_authors_do():
    """The same dimension holds the same indicators for the same reasons, whoever names it."""
    cards, uses = {key: System.load(key).card for key in COMPOSITE}, {}
    for key, one in ((key, one) for key, card in cards.items() for one in card.dimensions):
        uses[key, one.key] = {use.use: (use.reason, use.proxy_for) for use in one.indicators}
    for (key, dimension), others in SAME.items():
        for other in others.split():
            found = uses[other, "combination" if dimension == "leap" else dimension]
            assert list(found) == list(uses[key, dimension])
            if key == "dong-2024" and other != "han-2024" and dimension != "leap":
                assert found == uses[key, dimension]
    for key in ("gong-2024", "li-li-2024", "zou-2024"):  # the survey states no dimensions
        named = " ".join(dimension.name.zh for dimension in cards[key].dimensions)
        assert named == "劳动者 劳动资料 劳动对象 优化组合"
        assert "not its dimensions" in cards[key].note


def test_every_shared_indicator_serves_a_card_and_the_guide_names_every_field():
    text = (root() / "data" / "indicators.yaml").read_text(encoding="utf-8")
    loaded = [System.load(key, later=late) for key in available() for late in (False, True)]
    used = {key for system in loaded for key in system.indicators}
    assert used == set(yaml.safe_load(text)["indicators"])
    guide = (root() / "docs" / "cards.md").read_text(encoding="utf-8")
    system = System.load("dong-2024")
    for model in (Study, type(system.card), type(system.indicators["rd_intensity"])):
        schema = model.model_json_schema()
        for part in (schema, *schema["$defs"].values()):
            fields = part["properties"]
            assert [name for name in fields if not re.search(rf"\b{name}\b", guide)] == []


# --- what systems share, and how much of what they want open data fill ---


def test_membership_and_overlap_are_those_of_sets():
    sets = {key: set(System.load(key).indicators) for key in available()}
    member = membership()
    assert member.dtypes.eq(bool).all()
    assert (member.index.name, member.columns.name) == ("indicator", "system")
    assert {key: set(member.index[member[key]]) for key in member} == sets
    serves = member.sum(axis="columns")
    assert list(member.index) == sorted(member.index, key=lambda key: (-serves[key], key))
    assert not membership(names=True).index.has_duplicates
    with pytest.raises(CardError, match="unknown card 'ee-2024'"):
        membership(["dong-2024", "ee-2024"])


def test_twins_hold_the_same_indicators_whatever_their_dimensions():
    """The first in the order asked for stands for the others; the fifteen hold eleven sets."""
    sets = {key: frozenset(System.load(key).indicators) for key in available()}
    for keys in (available(), available()[::-1], available()[3:]):
        for key, other in twins(keys).items():
            assert other == next(one for one in keys if sets[one] == sets[key])
    assert twins().nunique() == 11 and twins([]).empty and twins().index.name == "system"


def test_what_open_data_fill_is_what_the_cards_say():
    table = filled()
    assert list(table.index) == available()
    for key in available():
        text = (root() / "data" / "systems" / f"{key}.yaml").read_text(encoding="utf-8")
        proxies, uses = (text.count(word) for word in ("proxy_for: ", "- use: "))
        uses -= text.count("fills: ")
        usual = System.load(key).usual()
        missing = usual[usual["filled"] == "missing"]
        assert (missing["by"] == "").all() and all(wanted in text for wanted in missing["usual"])
        # A proxy stands for one usual indicator that is not also missing.
        assert not usual[["dimension", "usual"]].duplicated().any()
        counts = [len(usual), uses - proxies, proxies, len(missing)]
        shares = [count / len(usual) for count in counts[1:]]
        assert table.loc[key].tolist() == [*counts, *shares] and counts[0] == sum(counts[1:])
    assert filled(["wu-2024", "dong-2024"]).index.tolist() == ["wu-2024", "dong-2024"]
    share = table["share direct"]
    assert 0 < share["yang-hong-2024"] < share["wu-2024"] < share["lu-guo-2024"]
