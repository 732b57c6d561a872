"""docs/sources.md repeats the catalogue, and the README what the project holds."""

import re
from pathlib import Path

from write_sources import TARGET, sources_text

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_list_of_sources_is_up_to_date(embedded):
    text = TARGET.read_text("utf-8")
    assert text == sources_text(embedded), "run scripts/write_sources.py"
    assert all(f"`{key}`" in text for key in [*embedded.catalogue.sources, *embedded.variables])


def test_readme_lists_every_data_set_and_its_links_lead_somewhere(embedded):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(targets) > 8
    assert [target for target in targets if not (ROOT / target).exists()] == []
    listed = set(re.findall(r"`(data/[\w./*-]+)`", README))
    folders = {f"data/{path.name}" for path in (ROOT / "data").iterdir()}
    assert not {name for name in folders if not any(one.startswith(name) for one in listed)}
    assert f"{len(embedded.variables)} variables" in README
    assert f"{len(embedded.frame):,} figures" in README


# The data editors' template.
SECTIONS = ["Overview", "Data availability and provenance statements", "Dataset list"]
SECTIONS += ["Computational requirements", "Description of programs", "Instructions to replicators"]
SECTIONS += ["List of tables, figures and programs", "References"]


def test_readme_follows_the_data_editors_template():
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
