"""The PDF of each language, read back: its outline, letters, formulas, tables and links."""

import re
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

import pypdfium2
import pytest
import yaml
from browsing import HTML, ROOT
from lxml import html
from make_pdf import EDITIONS, finish
from pdf_book import heading_text
from pypdf import PdfReader

from nqpf.chinese import chinese

MM = 72 / 25.4
MARGIN = 20 * MM
# A formula that was not set shows the commands it is written in.
RAW_TEX = re.compile(r"\\(frac|sum|prod|ln|hat|bar|delta|alpha|beta|left|mathrm|text|begin)\b")
STRING = re.compile(rb"/(\w+) [\d.]+ Tf|<([0-9A-Fa-f]*)> ?Tj")


@pytest.fixture(scope="module")
def reader(lang):
    """Open the PDF of an edition."""
    return PdfReader(path(lang))


def path(lang):
    return HTML.parent / "pdf" / EDITIONS[lang][1]


def laid(source):
    """Return the words of each page, each space as one; its foot; and what leaves its block."""
    found = []
    with pypdfium2.PdfDocument(source) as pdf:
        for page in pdf:
            (width, height), text, outside = page.get_size(), page.get_textpage(), []
            for index in range(text.count_rects()):
                left, bottom, right, top = text.get_rect(index)
                inside = left > MARGIN - 1 and right < width - MARGIN + 1
                if not (inside and bottom > 8 * MM and top < height - 8 * MM):
                    outside.append(text.get_text_bounded(left, bottom, right, top)[:40])
            foot = squeezed(text.get_text_bounded(0, 0, width, 14 * MM))
            found.append((" ".join(text.get_text_range().split()), foot, outside))
    return found


@cache
def book(lang):
    return laid(path(lang))


@cache
def texts(lang):
    return [words for words, _, _ in book(lang)]


def squeezed(text):
    """Leave the spaces out: the lines of a heading and its Chinese may be apart or not."""
    return re.sub(r"[\s\u00ad\ufffe]", "", text)


def titles(lang):
    """Return level and title of each part and of its chapters, from the built pages."""
    found = []
    for part in yaml.safe_load((ROOT / "book" / "_toc.yml").read_text("utf-8"))["parts"]:
        found.append((0, part["caption"] if lang == "en" else chinese(part["caption"])))
        for chapter in part["chapters"]:
            for entry in [chapter, *chapter.get("sections", [])]:
                heading = html.parse(str(EDITIONS[lang][0] / f"{entry['file']}.html")).find(
                    ".//article//h1"
                )
                heading.find_class("headerlink")[0].drop_tree()
                found.append((1, heading_text(heading)))
    return found


def flat(outline, level=0):
    """Give the entries of an outline with their levels."""
    for item in outline:
        yield from flat(item, level + 1) if isinstance(item, list) else [(level, item)]


def test_outline_and_contents_have_every_part_and_chapter(reader, lang):
    _, *entries = [(level, item) for level, item in flat(reader.outline) if level < 2]
    assert [(level, item.title) for level, item in entries] == titles(lang)
    pages = [reader.get_destination_page_number(item) for _, item in entries]
    start = next(n for n, text in enumerate(texts(lang)) if "目录" in text)
    contents = " ".join(texts(lang)[start : pages[0]]) + " "
    for (_, item), page in zip(entries, pages, strict=True):
        key = squeezed(item.title)
        assert key in squeezed(texts(lang)[page]), (item.title, page + 1)
        words = r"\s*".join(map(re.escape, key))
        number = r"\s?".join(str(page + 1))  # a page of leaders may be read letter by letter
        assert re.search(rf"{words}[\s.]*\s{number}\s", contents), item.title


def missing_glyphs(reader):
    """Return page and font of every string that asks a font for its glyph 0, the empty box."""
    found = []
    for number, page in enumerate(reader.pages, 1):
        waiting = [(page["/Resources"], page.get_contents().get_data())]
        while waiting:
            resources, content = waiting.pop()
            fonts = resources.get("/Font", {})
            for each in resources.get("/XObject", {}).values():
                form = each.get_object()
                if form.get("/Subtype") == "/Form" and "/Font" in form.get("/Resources", {}):
                    waiting.append((form["/Resources"], form.get_data()))
            wide = {name for name, font in fonts.items() if font["/Subtype"] == "/Type0"}
            font = ""
            for match in STRING.finditer(content):
                if match[1]:
                    font = f"/{match[1].decode()}"
                    continue
                size = 4 if font in wide else 2
                codes = [match[2][i : i + size] for i in range(0, len(match[2]), size)]
                if b"0" * size in codes:
                    found.append((number, str(fonts[font].get("/BaseFont", font))))
    return found


def test_no_glyph_is_missing_and_one_would_be_seen(reader, lang, browser):
    assert missing_glyphs(reader) == []
    assert [
        n for n, text in enumerate(texts(lang), 1) if "\ufffd" in text or "\u25a1" in text
    ] == []
    for character, seen in (("A", False), ("\u0378", True)):  # no character has that number
        assert bool(missing_glyphs(PdfReader(BytesIO(printed(browser, character))))) is seen


def test_fonts_are_inside_and_none_is_of_the_machine(reader, lang):
    names = set()
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font = font.get_object()
            if font["/Subtype"] == "/Type0":
                below = font["/DescendantFonts"][0].get_object()
                assert {"/FontFile2", "/FontFile3"} & set(below["/FontDescriptor"])
                names.add(font["/BaseFont"].split("+")[1])
    assert any("NotoSansSC" in name for name in names)
    kinds = ("NotoSansSC", "STIXGeneral", "DejaVuSans", "MJX", "MathJax")
    assert [name for name in sorted(names) if not name.startswith(kinds)] == []


def test_chinese_can_be_read_and_searched(reader, lang):
    whole = squeezed("".join(texts(lang)))
    for word in ("新质生产力", "全要素生产率", "熵权", "内蒙古", "西藏", "参考文献"):
        assert word in whole


def test_formulas_are_set(reader, lang):
    raw = {n: m.group() for n, text in enumerate(texts(lang), 1) if (m := RAW_TEX.search(text))}
    assert raw == {}
    assert RAW_TEX.search(r"\frac{1}{2}")
    # The rule of the capital stock, from the chapter on total factor productivity.
    assert any("=(1−δ)K" in squeezed(text) for text in texts(lang))


def printed(browser, body, **options):
    """Return a page as Chromium prints it."""
    tab = browser.new_page()
    tab.set_content(body)
    made = tab.pdf(**options)
    tab.close()
    return made


def test_no_table_or_line_is_wider_than_the_page(reader, lang, browser):
    assert {at: left for at, (_, _, left) in enumerate(book(lang), 1) if left} == {}
    style = "<style>@page { size: A4; margin: 20mm } body { margin: 0 }</style>"
    for columns, seen in ((1, False), (40, True)):
        cells = "".join(f"<td>column{n}</td>" for n in range(columns))
        body = f"{style}<table><tr>{cells}</tr></table>"
        ((_, _, left),) = laid(printed(browser, body, prefer_css_page_size=True))
        assert bool(left) is seen


def test_every_page_but_the_title_has_its_number(reader, lang):
    feet = [foot for _, foot, _ in book(lang)]
    assert feet == ["", *map(str, range(2, len(reader.pages) + 1))]


def test_links_lead_to_pages_or_public_addresses(reader, lang):
    names = reader.named_destinations
    pages = {page.indirect_reference.idnum for page in reader.pages}
    inner = 0
    for number, page in enumerate(reader.pages, 1):
        for each in page.get("/Annots", []):
            link = each.get_object()
            address = link.get("/A", {}).get("/URI")
            if address is not None:
                assert re.match(r"(https?://(?!localhost|127\.)|mailto:)", address), number
            else:
                place = names[f"/{str(link['/Dest']).lstrip('/')}"]
                assert place.raw_get("/Page").idnum in pages
                inner += 1
    assert inner > 100


def test_nothing_of_the_machine_is_inside(reader, lang):
    for text in [" ".join(str(value) for value in reader.metadata.values()), *texts(lang)]:
        assert not re.search(r"file://|127\.0\.0\.1|localhost|/(home|root|Users|tmp)/", text)
    raw = path(lang).read_bytes()
    assert b"file://" not in raw and b"127.0.0.1" not in raw


def test_the_pdf_says_what_it_is(reader, lang):
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert about["title"] in reader.metadata.title
    assert reader.metadata.author == about["authors"][0]["name"]
    assert reader.root_object["/Lang"] == lang and reader.root_object["/MarkInfo"]["/Marked"]
    assert "/ID" not in reader.trailer
    copy = EDITIONS[lang][0] / "downloads" / path(lang).name
    assert copy.read_bytes() == path(lang).read_bytes()


def test_two_printings_differ_in_nothing(browser):
    links = '<a href="#one">1</a><a href="#two">2</a>'
    body = f"{links}<h1 id=one>One</h1><h2 id=two>Two</h2><p>新质生产力</p>"
    entries, moment = [(0, "one", "One"), (1, "two", "Two")], datetime(2024, 5, 31, tzinfo=UTC)
    prints = (printed(browser, body, tagged=True) for _ in range(2))
    made, again = (finish(one, entries, {"/Author": "A"}, moment) for one in prints)
    assert made == again
    read = PdfReader(BytesIO(made))
    assert [item.title for _, item in flat(read.outline)] == ["One", "Two"]
    assert (read.metadata.author, read.metadata.creation_date) == ("A", moment)
