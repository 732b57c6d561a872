"""The reporting standard: its lines, what records answer, the command, the schemas; a proposal."""

import re
import shutil

import jsonschema
import pytest
import yaml
from browsing import CHAPTERS
from made_up import refused, run

from nqpf import Panel, Study, System
from nqpf.files import root
from nqpf.systems import Standard, available, twins
from nqpf.systems.overlap import membership
from nqpf.systems.standard import _at, _schemas

STANDARD = Standard.load()
FACT = {"text": "as printed", "status": "V"}


def known(study, system=None):
    """Return how many lines of a study can be checked."""
    table = STANDARD.check(study, system)
    return int((table["mark"].isin(["S", "V"]) & table["whole"]).sum())


def test_every_line_leads_to_a_chapter_and_to_fields_that_exist():
    page = CHAPTERS["notebooks/standard/standard"].read_text("utf-8").splitlines()
    for number, line in enumerate(STANDARD.lines, 1):
        assert CHAPTERS[line.chapter].is_file()
        (said,) = [text for text in page if f"{{glue:text}}`why_{line.key}`" in text]
        assert said.startswith(f"{number}. ") and f"({line.name.zh})" in said
        assert said.endswith(f"[](../{line.chapter.removeprefix('notebooks/')})")
        asked = line.card and line.key != "dimensions"
        assert not asked or all(_at(System.load(key).card, line.card) for key in available())


@pytest.mark.parametrize("key", Study.keys())
def test_marks_are_those_of_the_record_and_a_stated_field_adds_one(key):
    study = Study.load(key)
    table = STANDARD.check(study)
    assert list(table.index) == [one.key for one in STANDARD.lines if study.kind in one.kinds]
    for line in table.index.drop("dimensions", errors="ignore"):
        fact = getattr(study, line)
        said = (fact.status, fact.lacks is None) if fact else ("", False)
        assert tuple(table.loc[line, ["mark", "whole"]]) == said
        more = Study.model_validate(study.model_dump() | {"level": "D", line: FACT})
        assert known(more) == known(study) + (not table.loc[line, "whole"])


def test_a_card_answers_as_the_books_choice_until_its_facts_are_known():
    study, system = Study.load("wu-2024"), System.load("wu-2024")
    table = STANDARD.check(study, system)
    own = ["indicators", "directions", "proxies", "normalisation", "weighting", "aggregation"]
    assert list(table.index[table["mark"] == "B"]) == own and known(study, system) == 1
    card = system.card.model_dump()
    card["recipe"]["weights"]["status"] = "V"
    listed = type(system)(type(system.card)(**card), study, system.indicators, system.formulas)
    assert known(study, listed) == 2


def test_the_command_ends_with_the_count_and_reads_files_as_it_reads_keys():
    said = run("study", "check", "dong-2024")
    assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, "3 of 15 lines can be checked.")
    assert "(S) sample" in said.stdout and "data/systems/dong-2024.yaml" in said.stdout
    assert run("study", "check", root() / "data/studies/dong-2024.yaml").stdout == said.stdout
    for key, count in {"li-qx-2024": "0 of 9", "nqp-spatial-2026": "12 of 15"}.items():
        assert run("study", "check", key).stdout.endswith(f"{count} lines can be checked.\n")


NAMES = {"dong-2025": "one of dai-2024, .*Did you mean 'dong-2024'", ".": "cannot be read: Is a d"}
NAMES |= {"none.yaml": "cannot be read: No such file or directory", "data/none": "No such file"}
TEXTS = {"key: [": "not valid YAML", "": "no fields", "key: a\nkey: b": "twice", "ÿ": "not UTF-8"}


def test_what_is_no_record_is_refused_in_one_message(tmp_path, monkeypatch):
    monkeypatch.setenv("NQPF_HOME", str(root()))
    monkeypatch.chdir(tmp_path)
    for text, message in (NAMES | TEXTS | {"robots: 3": r"field key\]"}).items():
        (tmp_path / "a.yaml").write_bytes(text.encode("latin-1"))
        assert re.search(message, refused("study", "check", text if text in NAMES else "a.yaml"))


def test_a_line_that_no_field_answers_or_that_is_there_twice_is_refused():
    line = STANDARD.lines[0].model_dump()
    for lines in ([line | {"key": "robots"}], [line, line]):
        with pytest.raises(ValueError, match="is no field of a study's record, or there twice"):
            Standard(version="1.0", lines=lines)


def test_schemas_take_every_card_and_refuse_an_unknown_field():
    files = {"study": "studies/*.yaml", "system": "systems/*.yaml", "standard": "standard.yaml"}
    records = list(root().glob("data/replications/*/record.yaml"))
    for name, pattern in files.items():
        check = jsonschema.Draft202012Validator(_schemas()[name])
        found = [*root().glob(f"data/{pattern}"), *root().glob(f"data/reference/{pattern}")]
        found += records * (name == "study")
        assert len(found) >= {"study": 22, "system": 16, "standard": 1}[name]
        for path in found:
            card = yaml.safe_load(path.read_text("utf-8"))
            assert list(check.iter_errors(card)) == []
            assert not check.is_valid(card | {"robots": "3"})


def test_the_proposal_is_what_its_rule_gives_and_no_surveyed_system(tmp_path):
    key, panel, years = "reference-2026", Panel.load(extra=False), range(2013, 2024)
    assert key not in [*available(), *Study.keys()]
    shutil.copytree(root() / "data" / "reference", tmp_path / "data")
    shutil.copy(root() / "data" / "indicators.yaml", tmp_path / "data")
    proposed = System.load(key, tmp_path)
    sets, passed = [System.load(one) for one in twins().unique()], set()
    for name in membership().index:
        uses = [u for s in sets for d in s.card.dimensions for u in d.indicators if u.use == name]
        needs = list(next(s.formulas[name] for s in sets if name in s.formulas).names)
        full = panel.wide(needs, years).dropna().groupby("year").size()
        breaks = panel.flags(needs, years).eq("break").any(axis=1)
        often = 3 * len(uses) >= len(sets) and 2 * sum(not u.proxy_for for u in uses) > len(uses)
        unbroken = breaks[breaks].index.unique("province").size <= 6
        if often and unbroken and full.reindex(years, fill_value=0).min() >= 30:
            passed.add(name)
    assert set(proposed.indicators) == passed
    assert "30 provinces, 2013-2023, 330" in proposed.evaluate(panel, years).sample
