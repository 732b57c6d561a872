"""One style for every figure: colours that the colour-blind can tell apart, and a Chinese font."""

from __future__ import annotations

import base64
import functools
import html
import importlib.util
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as Words

from nqpf import provinces
from nqpf.chinese import chinese, language
from nqpf.errors import SampleError
from nqpf.report.html import _name_of
from nqpf.sample import _check_finite, _check_province_years

# Okabe and Ito (2008), "Color universal design", without the yellow that
# disappears on white paper.
_CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Light to dark, because on white paper a reader takes the darker for the more;
# safe for the colour-blind (Harrower and Brewer 2003, "ColorBrewer.org").
_SEQUENTIAL = "YlGnBu"
_DIVERGING = "PuOr"
_MARKERS = "os^Dv*X"  # one per category
_GREY = "#6b6b6b"
_PALE = "#c9c9c9"

_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")


@dataclass(frozen=True)
class _Mark:
    """How one group is drawn: colour, marker and line together, never colour alone."""

    color: str
    marker: str
    line: str | tuple[int, tuple[float, ...]]


_REGION_STYLES = {
    "east": _Mark(_CATEGORIES[0], "o", "-"),
    "central": _Mark(_CATEGORIES[1], "s", (0, (6, 2))),
    "west": _Mark(_CATEGORIES[2], "^", (0, (5, 1.5, 1, 1.5))),
    "northeast": _Mark(_CATEGORIES[3], "D", (0, (1.5, 1.5))),
    "all": _Mark("#000000", "P", "-"),
}


@functools.cache
def _chinese_font() -> str | None:
    """Register the Chinese font that the zhplot package carries and return its family."""
    spec = importlib.util.find_spec("zhplot")  # finds the files without importing the package
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder) / "fonts" / "NotoSansSC-Regular.ttf"
        if path.is_file():
            fontManager.addfont(str(path))
            return get_font(str(path)).family_name
    said = "no Chinese font: figures carry English labels only; "
    warnings.warn(f"{said}`pip install zhplot` brings Noto Sans SC", UserWarning, stacklevel=2)
    return None


def _style() -> AbstractContextManager[None]:
    """Draw in the book's style inside a ``with`` block and restore the settings after it."""
    return mpl.rc_context(_settings())


@functools.cache
def _settings() -> dict[str, object]:
    path = Path(__file__).with_name("figures.mplstyle")
    # Families are listed in full, not as "sans-serif", so that a figure keeps
    # its fonts when it is drawn later, outside this style.
    families = [font for font in (_chinese_font(), "DejaVu Sans") if font]
    return {**mpl.rc_params_from_file(path, use_default_template=False), "font.family": families}


def _luminance(color: object) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: object, second: object) -> float:
    """Return the _contrast ratio of two colours, 1 to 21, by the WCAG 2 formula.

    Examples
    --------
    >>> _contrast("white", "black"), round(_contrast("white", "#777777"), 2)
    (21.0, 4.48)
    """
    low, high = sorted([_luminance(first), _luminance(second)])
    return round((high + 0.05) / (low + 0.05), 6)


def _ink_on(background: object) -> str:
    """Return black or white, whichever reads better on a background.

    Examples
    --------
    >>> _ink_on("#00224e"), _ink_on("#fdea45")
    ('white', 'black')
    """
    return max(("black", "white"), key=lambda ink: _contrast(ink, background))


def _darker(color: object, ratio: float = 4.5) -> str:
    """Return a colour darkened until text in it has the _contrast `ratio` on white."""
    full, keep = np.array(to_rgb(color)), 1.0
    while _contrast(full * keep, "white") < ratio:
        keep -= 0.02
    return to_hex(full * keep)


def _number(value: float, fmt: str) -> str:
    """Return a number for a figure, with a true minus sign.

    Examples
    --------
    >>> _number(-0.25, "{:+.1f}")
    '−0.2'
    """
    return fmt.format(value).replace("-", "\N{MINUS SIGN}")


def _readable(text: object) -> str:
    """Return a text without its Chinese characters when no font can draw them."""
    if _chinese_font():
        return str(text)
    return "\n".join(" ".join(line.split()) for line in _CJK.sub(" ", str(text)).split("\n"))


def _province_label(code: int) -> str:
    """Return a province's name for a figure, in both languages where the font allows."""
    return _readable(provinces.name(code, "both"))


def _region_label(region: str) -> str:
    """Return a region's name for a figure; ``all`` is the mean of all provinces.

    Examples
    --------
    >>> _region_label("northeast").split()[0]
    'Northeast'
    """
    zh = {**provinces.REGIONS, "all": "全部"}[region]
    en = "All provinces" if region == "all" else region.capitalize()
    return _readable(f"{en} {zh}")


_PHONE = 360  # pixels that a page of 390 leaves for a figure
_WIDTH = 7.0  # inches; a page of 390 pixels shows a 13-point letter at 9 pixels
_MARGIN = 0.14
_ROW = 0.285  # of a province or a measure
_CONSOLE = Console()  # breaks lines; nothing is printed on it


def _wrapped(text: object, width: int) -> str:
    """Break a text into lines of at most `width` letters; a Chinese one counts as two.

    Examples
    --------
    >>> _wrapped("GDP per employed person 劳均地区生产总值", 26).splitlines()
    ['GDP per employed person', '劳均地区生产总值']
    """
    lines = (Words(" ".join(line.split())) for line in _readable(text).split("\n"))
    parts = ((part.plain.strip() for part in line.wrap(_CONSOLE, width)) for line in lines)
    return "\n".join("\n".join(filter(None, part)) for part in parts)


def _headed_figure(title: str, label: str, body: float) -> tuple[Figure, float]:
    """Return a figure with a title and what is measured, and the inches they take.

    Parameters
    ----------
    title, label : str
        Either may be empty; long ones are broken into lines.
    body : float
        Inches to leave below them.
    """
    parts = [(_wrapped(title, 62), 16, "#000000"), (_wrapped(label, 80), 13, "#444444")]
    heights = [bool(text) * (text.count("\n") + 1) * size * 1.45 / 72 for text, size, _ in parts]
    head = 0.1 + sum(heights) + 0.08
    # Made outside pyplot, so that a notebook shows it once, where it is displayed.
    figure = Figure(figsize=(_WIDTH, head + body), layout="none")
    down = 0.08
    for (text, size, color), height in zip(parts, heights, strict=True):
        place = (_MARGIN / _WIDTH, 1 - down / (head + body))
        figure.text(*place, text, fontsize=size, color=color, va="top", linespacing=1.35)
        down += height
    return figure, head


def _place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes whose upper left corner is `left`, `top` inches from the figure's."""
    wide, tall = figure.get_size_inches()
    return figure.add_axes((left / wide, 1 - (top + height) / tall, width / wide, height / tall))


def _framed(
    title: str, label: str, box: tuple[float, float, float, float], body: float
) -> tuple[Figure, Axes, float]:
    """Return a figure with one axes, and the inches of its heading.

    In inches `box` is the room left of the axes and above it, its width and its height; `body`
    is all below the heading.
    """
    figure, head = _headed_figure(title, label, body)
    left, over, width, height = box
    return figure, _place_axes(figure, left, head + over, width, height), head


def _panelled(
    title: str, label: str, count: int, box: tuple[float, float, float], tall: float,
    left: float, gap: float, across: int = 0, foot: float = 0.0,
) -> tuple[Figure, list[Axes]]:  # fmt: skip
    """Return a figure with a heading and `count` axes, two beside each other where not said.

    In inches `box` is the room above a panel in its row of height `tall`, the panel's height,
    and the margin on the right; `foot` is left below them all.
    """
    top, height, right = box
    across = across or min(2, count)
    width, rows = (_WIDTH - left - right - gap * (across - 1)) / across, -(-count // across)
    figure, head = _headed_figure(title, label, rows * tall + foot)
    axes = []
    for place in range(count):
        row, column = divmod(place, across)
        corner = (left + column * (width + gap), head + row * tall + top)
        axes.append(_place_axes(figure, *corner, width, height))
    return figure, axes


def _name_rows(ax: Axes, names: Sequence[str], size: float = 12.75, color: str = "#111111") -> None:
    """Name rows from the top down, without a line beside them."""
    ax.set_yticks(range(len(names)), names, fontsize=size, color=color)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)


def _beside(ax: Axes, place: float, text: str, x: float = 1.02, **options: object) -> None:
    """Write a figure to the right of its row."""
    options = {"va": "center", "fontsize": 12.75, **options}
    ax.annotate(text, (x, place), xycoords=("axes fraction", "data"), **options)


def _bare(ax: Axes) -> None:
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _legend(figure: Figure, head: float, **options: object) -> None:
    """Set a legend between the heading and the axes."""
    place = {"loc": "upper left", "bbox_to_anchor": (0.0, 1 - head / figure.get_figheight())}
    text = {"fontsize": 12.75, "handletextpad": 0.1, "columnspacing": 1.0}
    figure.legend(**place, **text, **options)


def _region_key(figure: Figure, codes: Iterable[int], head: float) -> None:
    regions = {provinces.region(int(code)) for code in codes}
    handles = [
        Line2D([], [], linestyle="", marker=m.marker, color=m.color, label=_region_label(region))
        for region, m in _REGION_STYLES.items()
        if region in regions
    ]
    _legend(figure, head, handles=handles, ncols=4, borderpad=0.2)


# Of a vector image in a page as it is encoded; of 200,000 a server sends some 45,000.
_MAX_BYTES = 350_000


@dataclass(frozen=True)
class _Picture:
    """A figure and the sentence that stands for it when it cannot be seen.

    In a web page and a notebook it shows as an image that carries the sentence; in a terminal
    as the sentence alone.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The drawing; still open to changes by the reader.
    alt : str
        Alternative text, made from the data.
    given : tuple
        What the figure was drawn from, for the table beside it in the book.
    """

    figure: Figure
    alt: str
    given: tuple[object, ...] = ()

    def svg(self) -> bytes:
        """Return the figure as SVG; the same figure gives the same bytes."""
        return self._svg(language() == "zh")

    def _svg(self, translated: bool) -> bytes:
        with _in_chinese() if translated else nullcontext():
            drawn = self._draw("svg", metadata={"Date": None, "Creator": None}).decode("utf-8")
        # What no reader sees: comments, blanks between tags, long names of glyphs.
        drawn = re.sub(r"<!--.*?-->", "", drawn, flags=re.DOTALL)
        drawn = re.sub(r">\s+<", "><", drawn)
        return drawn.replace("NotoSansSC-Regular-", "n").encode("utf-8")

    def png(self, dpi: int = 200) -> bytes:
        """Return the figure as PNG, by default fit for print and dense screens.

        The same figure gives the same bytes.
        """
        drawn = Image.open(io.BytesIO(self._draw("png", dpi=dpi))).convert("RGB")
        buffer = io.BytesIO()
        # A palette is enough for flat colours and a third of the size.
        flat = drawn.quantize(256, dither=Image.Dither.NONE)
        flat.save(buffer, "PNG", optimize=True, dpi=(dpi, dpi))
        return buffer.getvalue()

    def _draw(self, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        with _style():
            self.figure.savefig(buffer, format=kind, **options)
        return buffer.getvalue()

    def html(self) -> str:
        """Return an ``<img>`` element that carries the figure and its text.

        A vector image, or the PNG where that is lighter and the other heavy. As
        an image, not as inline SVG, so that identifiers of two figures never clash.
        """
        # Percent-encoded, because a server's compression makes less of base64. Neither form
        # holds a character that could end the attribute.
        source = _address(self.svg())
        if len(source) > _MAX_BYTES:
            packed = base64.b64encode(self.png()).decode("ascii")
            source = min(source, f"data:image/png;base64,{packed}", key=len)
        width = round(self.figure.get_figwidth() * 96)
        said = self.alt if language() == "en" else chinese(self.alt) or self.alt
        more = ""
        if os.environ.get("NQPF_EDITIONS"):  # the book makes both editions from one run
            more = f' data-zh="{_address(self._svg(True))}"'
            if left := "|".join(self._english()):
                more += f' data-english="{html.escape(left)}"'
        return (
            f'<img class="nqpf-figure" alt="{html.escape(said)}" width="{width}" '
            f'style="max-width:100%;height:auto;background:#fff" src="{source}"{more}>'
        )

    def _english(self) -> list[str]:
        """Return the words of the figure that have no Chinese."""
        said = dict.fromkeys(text.get_text() for text in self.figure.findobj(Text))
        return [one for one in said if re.search("[a-z]{3}", one) and chinese(one) is None]

    # No PNG beside it: drawing and packing one takes ten times as long as the vector image.
    _repr_html_ = html

    def __repr__(self) -> str:
        return f"[Figure: {self.alt}]"


def _address(drawn: bytes) -> str:
    return "data:image/svg+xml," + quote(drawn, safe=" /:;,=()-.")


@contextmanager
def _in_chinese() -> Iterator[None]:
    """Have every text of a figure measured and drawn in Chinese, if the catalogue knows it."""
    english = Text.get_text

    def translated(text: Text) -> str:
        said = english(text)
        found = chinese(said) if said.strip() else None
        if found is None or "\n" not in said:
            return said if found is None else found
        return _wrapped(found, max(map(cell_len, said.split("\n"))))

    Text.get_text = translated
    try:
        # A figure made in another style asks for a font without serifs, and gets one.
        with mpl.rc_context({"font.sans-serif": _settings()["font.family"]}):
            logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # of bold letters
            yield
    finally:
        Text.get_text = english


def picture(figure: Figure, alt: str, *data: pd.DataFrame | pd.Series) -> _Picture:
    """Show a figure of one's own as the book shows its figures: as SVG, with alternative text.

    ``plt.style.use("nqpf.report.figures")`` before drawing gives it the look of the others.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        At most 7 inches wide, so that a phone shows its letters at 9 pixels.
    alt : str
        What the figure shows, for readers who cannot see it.
    *data : pandas.DataFrame or pandas.Series
        What it was drawn from; the book offers it beside the figure.

    Raises
    ------
    nqpf.errors.SampleError
        If there is no alternative text, the figure is too wide or a text in it too small.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> picture(Figure(figsize=(7, 3)), "An empty frame.")
    [Figure: An empty frame.]
    """
    least = round(9 / _PHONE * 72 * figure.get_figwidth(), 1)
    small = {one.get_text() for one in figure.findobj(Text) if one.get_fontsize() < least} - {""}
    if small or not alt.strip() or figure.get_figwidth() > _WIDTH:
        said = f"{figure.get_figwidth():g} inches wide, text {alt!r}, too small: {sorted(small)}"
        expected = f"at most {_WIDTH:g} inches, a text that says it, letters of {least} points"
        raise SampleError(said, expected=expected, hint="a phone shows these at 9 pixels")
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)  # or a notebook would show it twice
    return _Picture(figure, alt, data)


_Drawing = tuple[Figure, str]  # and its alternative text


def _drawn(draw: Callable[..., _Drawing]) -> Callable[..., _Picture]:
    """Run a function that draws in the book's style, and make a picture of what it returns."""

    @functools.wraps(draw)
    def picture(*args: object, **options: object) -> _Picture:
        with _style():
            figure, alt = draw(*args, **options)
        return _Picture(figure, alt, (*args, *options.values()))

    return picture


def _province_values(values: pd.Series, reindex: bool = True) -> pd.Series:
    """Return `values` as floats by province code, by default with all 31 in code order.

    Raises
    ------
    nqpf.errors.DataError
        If a label is not a province.
    nqpf.errors.SampleError
        If there is more than one level, a province comes twice or a value is infinite.
    """
    if values.index.nlevels != 1:
        said = f"values are indexed by {', '.join(map(str, values.index.names))}"
        hint = "choose one year: scores.xs(2022, level='year')"
        raise SampleError(said, expected="one value per province", hint=hint)
    found = values.astype("float64")
    found.index = [provinces.code_of(label) for label in values.index]
    twice = found.index[found.index.duplicated()]
    if len(twice):
        raise SampleError(f"province {provinces.name(twice[0])} comes twice")
    _check_finite(found.dropna().to_frame(), "the figure to draw")
    return found.reindex(provinces.codes()) if reindex else found


def _panel_values(scores: pd.Series) -> pd.Series:
    """Return figures sorted, without missing ones, refused unless by ``(province, year)``."""
    _check_province_years(scores.index, "the figure")
    for code in scores.index.unique("province"):
        provinces.code_of(code)
    present = scores.dropna().astype("float64").sort_index()
    _check_finite(present.to_frame(), "the figure to draw")
    if present.empty:
        raise SampleError("there is nothing to draw", expected="at least one figure")
    return present


def _check_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table that is empty or lacks a column."""
    lacking = [name for name in columns if name not in table.columns]
    if lacking or table.empty:
        said = f"the table lacks {', '.join(lacking)}" if lacking else "the table is empty"
        raise SampleError(said, expected=f"rows with {', '.join(columns)}")


def _check_complete(table: pd.DataFrame, columns: Sequence[str], keys: Sequence[str] = ()) -> None:
    """Refuse a table that is empty, lacks a column or a figure, or holds a key twice."""
    _check_columns(table, columns)
    hole = table[table[list(columns)].isna().any(axis=1)]
    twice = table[table.duplicated(list(keys))] if keys else hole[:0]
    for what, rows in (("a figure is missing", hole), ("an estimate is there twice", twice)):
        if len(rows):
            place = {name: rows.iloc[0][name] for name in keys}
            where = place or {"row": _name_of(rows.index[0])}
            raise SampleError(what, where=where, hint="leave out what never varies")
