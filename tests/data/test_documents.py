"""docs/sources.md repeats the catalogue, and the README what the project holds."""

from __future__ import annotations

import re
from pathlib import Path

from write_sources import TARGET, sources_text

from nqpf.data import Panel

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_document_is_up_to_date(embedded: Panel) -> None:
    assert TARGET.read_text("utf-8") == sources_text(embedded), "run scripts/write_sources.py"


def test_every_source_and_series_is_listed(embedded: Panel) -> None:
    text = TARGET.read_text("utf-8")
    for key in [*embedded.catalogue.sources, *embedded.variables]:
        assert f"`{key}`" in text


def test_readme_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(targets) > 8
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_readme_lists_every_data_set() -> None:
    listed = set(re.findall(r"`(data/[\w./*-]+)`", README))
    folders = {f"data/{path.name}" for path in (ROOT / "data").iterdir()}
    missing = {name for name in folders if not any(entry.startswith(name) for entry in listed)}
    assert missing == set()


def test_readme_states_the_size_of_the_panel(embedded: Panel) -> None:
    assert f"{len(embedded.variables)} variables" in README
    assert f"{len(embedded.frame):,} figures" in README


SECTIONS = """Overview
Data availability and provenance statements
Dataset list
Computational requirements
Description of programs
Instructions to replicators
List of tables, figures and programs
References"""


def test_readme_follows_the_data_editors_template() -> None:
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    sections = SECTIONS.split("\n")
    assert [heading for heading in headings if heading in sections] == sections
