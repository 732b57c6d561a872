"""The Chinese texts: none lacks, none is stale, none lost a number, a formula or a link."""

import re
from calendar import month_name
from collections import Counter
from itertools import chain

import pytest
from translate import (
    CATALOGUES,
    ROOT,
    TAKEN,
    chinese_script,
    is_text,
    pages,
    parts,
    translated,
)

from nqpf.chinese import (
    _NAMES,
    _listed,
    _names,
    _read_catalogue,
    chinese,
    language,
)
from nqpf.errors import DataError

MONTHS = {name: str(number) for number, name in enumerate(month_name) if name}
MONTH = re.compile(rf"\b(?:{'|'.join(MONTHS)})\b")
UNIT = "100 million yuan"  # 亿元
# In a script: words between marks of quotation, at least two of them or beside Chinese.
SENTENCE = re.compile(r"""["`>][^"`]*?(?:[A-Z][a-z]+ [a-z]+|[A-Za-z]{2} [一-鿿])[^"`]*["`]""")
# Where a text of the library goes that readers see.
SEEN = {"changed", "_say", "_flag", "Argument", "Option", "Typer"}


def problems(source, catalogue):
    """Return what is untranslated or stale, and which translation lost what it must keep."""
    texts = dict.fromkeys(text for _, text in parts(source) if is_text(text))
    wrong = [f"untranslated: {text}" for text in texts if not catalogue.get(text)]
    wrong += [f"stale: {text}" for text in catalogue.keys() - texts]
    for text in filter(catalogue.get, texts):
        plain = MONTH.sub(lambda found: MONTHS[found[0]], text.replace(UNIT, ""))
        first, second = (Counter(TAKEN.findall(one)) for one in (plain, catalogue[text]))
        if first != second:
            lost, new = sorted((first - second).elements()), sorted((second - first).elements())
            wrong.append(f"lost {lost}, new {new}: {catalogue[text]}")
    return wrong


@pytest.mark.parametrize("page", pages())
def test_every_text_of_a_page_has_its_chinese(page):
    assert problems(pages()[page], _read_catalogue(CATALOGUES / f"{page}.po")) == []


def test_every_catalogue_belongs_to_a_page():
    kept = {
        one.relative_to(CATALOGUES).with_suffix("").as_posix() for one in CATALOGUES.rglob("*.po")
    }
    assert kept == {*pages(), "outputs", "scripts"}


def test_the_names_are_those_of_the_data():
    assert _NAMES.read_text("utf-8") == _listed(_names(ROOT / "data")), "run scripts/translate.py"


def test_every_sentence_of_a_script_has_its_chinese():
    scripts = [path.read_text("utf-8") for path in sorted((ROOT / "book/_static").glob("*.js"))]
    stale = [
        one for one in _read_catalogue(CATALOGUES / "scripts.po") if one not in "".join(scripts)
    ]
    lines = chain.from_iterable(chinese_script(source).split("\n") for source in scripts)
    left = [said[0] for line in lines for said in SENTENCE.finditer(line.split("//")[0])]
    assert (stale, left) == ([], [])


def test_what_is_wrong_with_a_catalogue_is_said():
    source = "# Head\n\nIn 2022 $x$ of 31 grew.\n"
    good = {"Head": "标题", "In 2022 $x$ of 31 grew.": "2022年31个中有$x$个增长。"}
    assert problems(source, good) == []
    assert translated(source, good) == "# 标题\n\n2022年31个中有$x$个增长。\n\n"[:-1]
    assert problems(source, good | {"Gone.": "没有了。"}) == ["stale: Gone."]
    del good["Head"]
    assert problems(source, good) == ["untranslated: Head"]
    assert translated(source, good).startswith("# Head\n")
    lost = problems("In 2022.", {"In 2022.": "那一年。"})
    assert lost == ["lost ['2022'], new []: 那一年。"]
    assert problems("In May 2022.", {"In May 2022.": "2022年5月。"}) == []


def test_a_catalogue_is_read_as_it_was_written(tmp_path):
    entries = {'He said "no". Then\\n $\\alpha$ left.': "他说“不”。\\n于是$\\alpha$离开。", "a": ""}
    path = tmp_path / "one.po"
    path.write_text(_listed(entries), "utf-8")
    assert _read_catalogue(path) == entries
    assert _read_catalogue(tmp_path / "none.po") == {}


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ({"NQPF_LANGUAGE": "zh"}, "zh"),
        ({"NQPF_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh"),  # whether it is installed or not
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "xx_YY.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_picks_the_language(monkeypatch, said, spoken):
    for name in ("NQPF_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert language() == spoken


def test_an_error_speaks_the_readers_language(monkeypatch):
    error = DataError("value 'x' is not a number", where={"row": 3}, expected="a number")
    assert str(error) == "value 'x' is not a number [row 3]; expected a number."
    monkeypatch.setenv("NQPF_LANGUAGE", "zh")
    told = str(error.changed(problem="nobody knows this text"))
    assert told.startswith("nobody knows this text［行 3］；应为：") and told.endswith("。")


def test_names_and_numbers_are_taken_over():
    assert chinese("Beijing 北京") == "北京"
    assert chinese("7. Weights 赋权") == "7. 赋权"
    assert chinese("Dong Qingqian (2024) 董庆前") == "董庆前（2024）"
    assert chinese("12.5") == "12.5"
    assert (
        chinese("R&D personnel per 10,000 employed 每万就业人员") == "每万就业人员研发人员全时当量"
    )
    assert chinese("nobody knows this text") is None


def test_years_and_lists_are_written_as_in_chinese():
    assert chinese("2010-2012, 2024") == "2010—2012、2024"
    assert chinese("Gross regional product, 2010–2024") == "地区生产总值，2010—2024年"
    assert chinese("Tibet 西藏 2013") == "西藏2013年"
    # A name that holds the mark of lists makes their parts hard to tell.
    assert chinese("Wang-Wang, Zou et al. and TFP") == "王珏、王荣基；邹克等；TFP"
    assert chinese("Jin et al., Zou et al. and TFP") == "金凤君等、邹克等和TFP"
