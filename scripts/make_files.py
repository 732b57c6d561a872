"""Write the pages of the provinces, and the files of the site that no page's source holds.

Usage: python scripts/make_files.py

The files are the panel and the provinces' tables for the page of downloads, and what no page may
ask another host for: MathJax from the package django-static-mathjax, Vega from vl-convert-python.
Where the environment variable NQPF_EDITIONS names editions, the pages are written in Chinese too.
"""

import json
import os
import shutil
import subprocess
import time
from importlib.metadata import distribution
from pathlib import Path

import vl_convert

from nqpf import Panel, provinces
from nqpf.compare.profiles import _Profiles
from nqpf.data.export import _write_template, export
from nqpf.report.province_pages import _csv_texts, _overview_markdown, _page_key, province_profile
from nqpf.systems import System, available
from nqpf.systems.standard import _schemas

ROOT = Path(__file__).resolve().parents[1]
# Ignored by git: nothing generated enters the repository.
PAGES = {"en": ROOT / "book" / "provinces", "zh": ROOT / "_build" / "zh" / "book" / "provinces"}
SITE = ROOT / "_build" / "made"  # book/_ext/book_pages.py copies it into the site
# Those that the setting mathjax3_config of book/_config.yml loads. All of MathJax in one
# file would be half as large again: it holds a menu of 0.4 MB.
_MATHJAX = ["startup.js", "core.js", "input/tex.js", "input/tex/extensions/*.js", "output/chtml.js"]
_MATHJAX += ["output/chtml/fonts/tex.js", "output/chtml/fonts/woff-v2/*", "a11y/assistive-mml.js"]


def copy_mathjax(target: Path) -> None:
    """Copy the components of TeX, its extensions, its fonts and its licence to `target`."""
    # The ``es5`` folder of the installed package, without importing Django.
    package = distribution("django-static-mathjax")
    source = Path(str(package.locate_file("mathjax/static/mathjax/es5")))
    for path in [found for part in _MATHJAX for found in source.glob(part)]:
        copied = target / path.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)
    shutil.copy2(source.with_name("LICENSE"), target)


def write_vega(target: Path) -> None:
    """Write Vega, Vega-Lite and Vega-Embed to `target` as one plain script.

    The bundle is a module; inside a function it also runs from a ``file:`` address,
    where browsers refuse modules.
    """
    target.write_text(f"(function () {{\n{vl_convert.javascript_bundle()}\n}})();\n", "utf-8")


def write_pages(profiles: _Profiles, language: str) -> None:
    """Write the overview and the pages of the provinces in a language, ``en`` or ``zh``."""
    os.environ["NQPF_LANGUAGE"] = language
    PAGES[language].mkdir(parents=True, exist_ok=True)
    (PAGES[language] / "index.md").write_bytes(_overview_markdown(profiles).encode())
    for code in provinces.codes():
        page = province_profile(profiles, code).markdown()
        (PAGES[language] / f"{_page_key(code)}.md").write_bytes(page.encode())


def main() -> None:
    """Write them; say how long that took."""
    start = time.monotonic()
    vendor, tables = SITE / "_static" / "vendor", SITE / "downloads" / "provinces"
    tables.mkdir(parents=True, exist_ok=True)
    copy_mathjax(vendor / "mathjax")
    write_vega(vendor / "vega.js")
    panel = Panel.load()
    export(panel, SITE / "downloads" / "panel")
    shutil.rmtree(SITE / "downloads" / "templates", ignore_errors=True)
    newest = int(panel.coverage()["last"].max())
    for key in available():
        needs = System.load(key).variables
        _write_template(key, needs, newest + 1, panel, SITE / "downloads" / "templates")
    standard = SITE / "downloads" / "standard"
    standard.mkdir(exist_ok=True)
    for card in ("standard.yaml", "reference/systems/reference-2026.yaml"):
        shutil.copy2(ROOT / "data" / card, standard)
    for name, schema in _schemas().items():
        (standard / f"{name}.schema.json").write_text(json.dumps(schema, indent=1), "utf-8")
    for code, text in _csv_texts(panel).items():
        (tables / f"{_page_key(code)}.csv").write_text(text, "utf-8-sig")
    for name in ("CHANGELOG.md", "data/changes.csv"):
        shutil.copy2(ROOT / name, SITE / "downloads")
    # The project without its history; where there is none, the page offers no archive.
    pack = "git archive --format=zip --prefix=nqpf/ --output=_build/made/downloads/nqpf.zip HEAD"
    subprocess.run(pack.split(), cwd=ROOT, check=False)  # noqa: S603
    profiles = _Profiles.load(panel)
    # Taken out, as it would have each figure drawn in both languages for each page.
    for language in os.environ.pop("NQPF_EDITIONS", "").split() or ["en"]:
        write_pages(profiles, language)
    print(f"  {time.monotonic() - start:5.1f} s  pages of the provinces, files of the site")


if __name__ == "__main__":
    main()
