"""The written pages: links lead somewhere, and nothing comes from another host."""

import re
from functools import cache
from urllib.parse import unquote, urldefrag, urljoin

import yaml
from book_addresses import repository_url
from browsing import CHAPTERS, ROOT, tree

LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
# A <link> of these kinds is fetched when the page opens; others only name an address.
FETCHED = {"stylesheet", "preload", "icon", "modulepreload", "preconnect", "dns-prefetch"}
# What a style sheet fetches.
_NAMED = re.compile(r"""(?:url\(|@import)\s*["']?(?!url)([^"')\s]+)""")


def pages(html):
    return [path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts]


def test_internal_links_and_anchors_resolve(html):
    broken = []
    for path in pages(html):
        for link in tree(path).xpath("//a/@href"):
            address, anchor = urldefrag(link)
            if "://" in address or address.startswith(("mailto:", "data:")):
                continue
            target = _file(path.parent, unquote(urljoin("", address))) if address else path
            if target is None:
                broken.append(f"{path.relative_to(html)}: {link}")
            elif "=" in anchor:
                continue  # a state of the explorer, which its own test reads
            elif anchor and target.suffix == ".html" and unquote(anchor) not in places(target):
                broken.append(f"{path.relative_to(html)}: no place {link}")
    assert broken == []


@cache
def _file(folder, address):
    target = (folder / address).resolve()
    return target if target.is_file() else None


@cache
def places(path):
    return frozenset(tree(path).xpath("//@id"))


def test_pages_load_nothing_from_another_host(html):
    outside = []
    for path in pages(html):
        for name, attribute in LOADING.items():
            for element in tree(path).iter(name):
                fetched = name != "link" or FETCHED & set(element.get("rel", "").split())
                if fetched and element.get(attribute, "").startswith(("http:", "https:", "//")):
                    outside.append(f"{path.relative_to(html)}: {element.get(attribute)}")
    assert outside == []


def test_style_sheets_name_files_of_the_site(html):
    find = "//link[@rel='stylesheet'][not(contains(@href, '://'))]/@href"
    named = [(path, link) for path in pages(html) for link in tree(path).xpath(find)]
    used = {(path.parent / unquote(link.split("?")[0])).resolve() for path, link in named}
    sheets = {path.resolve() for path in html.rglob("*.css")}
    wrong = [str(path) for path in used - sheets]
    for sheet in sheets:
        for address in _NAMED.findall(sheet.read_text("utf-8")):
            outside = address.startswith(("http", "//"))
            file = sheet.parent / re.split("[?#]", address)[0]
            if outside or (sheet in used and not address.startswith("data:") and not file.exists()):
                wrong.append(f"{sheet.name}: {address}")
    assert wrong == []


def test_charts_are_loaded_only_where_there_are_charts(html):
    for path in pages(html):
        loads = any("vendor/vega.js" in script for script in tree(path).xpath("//script/@src"))
        assert loads == bool(tree(path).xpath("//*[@class='vega-chart']")), path


def test_scripts_wait_and_figures_are_files_with_a_size(html):
    """The search page runs the scripts of Sphinx, which do not wait for each other."""
    for path in pages(html):
        scripts = tree(path).xpath("//script[@src]")
        names = {one.get("src").partition("?")[0].rpartition("/")[2]: one for one in scripts}
        assert not {"fontawesome.js", "design-tabs.js"} & set(names), path
        assert ("searchindex.js" in names) == (path.name == "search.html"), path
        early = {name for name, one in names.items() if "defer" not in one.attrib}
        assert path.name == "search.html" or early <= {"documentation_options.js"}, path
        for image in tree(path).xpath("//article//img"):
            assert "/_images/" in image.get("src") and {"width", "height"} <= {*image.attrib}, path


def test_mathematics_is_in_the_site(html):
    folder = html / "_static/vendor/mathjax"
    for part in ("startup.js", "input/tex.js", "LICENSE", "output/chtml/fonts/woff-v2"):
        assert (folder / part).exists(), part


def test_links_to_a_repository_follow_the_setting(html):
    config = yaml.safe_load((ROOT / "book/_config.yml").read_text("utf-8"))
    setting = repository_url(config["repository"]["url"])
    for name, source in CHAPTERS.items():
        page = tree(html / f"{name}.html")
        for button in ("repository", "edit", "issues"):
            assert bool(page.find_class(f"btn-source-{button}-button")) == bool(setting), name
        opened = "//a[contains(@href, '/v2/gh/') or contains(@href, '/v2/gl/')]"
        chapter = source.read_text("utf-8").startswith("---\njupytext")
        assert bool(page.xpath(opened)) == (bool(setting) and chapter)
