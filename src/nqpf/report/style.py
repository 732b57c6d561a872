"""One style for every figure: colours that the colour-blind can tell apart, and a Chinese font."""

from __future__ import annotations

import base64
import html
import importlib.util
import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.html import text_width

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CATEGORIES",
    "DIVERGING",
    "MARKERS",
    "MAX_BYTES",
    "Mark",
    "Picture",
    "REGION_STYLES",
    "SEQUENTIAL",
    "WIDTH",
    "contrast",
    "darker",
    "has_chinese",
    "headed_figure",
    "in_year",
    "ink_on",
    "label_of",
    "new_figure",
    "number",
    "panel_values",
    "place_axes",
    "province_label",
    "province_values",
    "readable",
    "region_label",
    "show",
    "style",
    "use_style",
    "wrapped",
]

# Okabe and Ito (2008), "Color universal design", without the yellow that
# disappears on white paper.
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Light to dark, because on white paper a reader takes the darker for the more;
# safe for the colour-blind (Harrower and Brewer 2003, "ColorBrewer.org").
SEQUENTIAL = "YlGnBu"
DIVERGING = "PuOr"
MARKERS = "os^Dv*X"  # one per category
GREY = "#6b6b6b"
PALE = "#c9c9c9"

_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")


@dataclass(frozen=True)
class Mark:
    """How one group is drawn: colour, marker and line together, never colour alone."""

    color: str
    marker: str
    line: str | tuple[int, tuple[float, ...]]


REGION_STYLES = {
    "east": Mark(CATEGORIES[0], "o", "-"),
    "central": Mark(CATEGORIES[1], "s", (0, (6, 2))),
    "west": Mark(CATEGORIES[2], "^", (0, (5, 1.5, 1, 1.5))),
    "northeast": Mark(CATEGORIES[3], "D", (0, (1.5, 1.5))),
    "all": Mark("#000000", "P", "-"),
}


@lru_cache(maxsize=1)
def _chinese_font() -> str | None:
    """Register the Chinese font that the zhplot package carries and return its family."""
    spec = importlib.util.find_spec("zhplot")  # finds the files without importing the package
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "fonts" / "NotoSansSC-Regular.ttf"
        if path.is_file():
            from matplotlib import font_manager

            font_manager.fontManager.addfont(str(path))
            return font_manager.get_font(str(path)).family_name
    warnings.warn(
        "no Chinese font: figures carry English labels only; "
        "`pip install zhplot` brings Noto Sans SC",
        UserWarning,
        stacklevel=2,
    )
    return None


def has_chinese() -> bool:
    """Say whether figures can show Chinese names (a font that has them is installed)."""
    return _chinese_font() is not None


def _settings() -> dict[str, object]:
    font = _chinese_font()
    return {
        # Families are listed in full, not as "sans-serif", so that a figure keeps
        # its fonts when it is drawn later, outside this style.
        "font.family": [*([font] if font else []), "DejaVu Sans"],
        "font.size": 13,
        "axes.titlesize": 16,
        "axes.titlelocation": "left",
        "axes.titlepad": 12,
        "axes.labelsize": 13,
        "axes.labelcolor": "#222222",
        "axes.edgecolor": "#8a8a8a",
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.unicode_minus": True,
        "axes.facecolor": "white",
        "grid.color": "#e2e2e2",
        "grid.linewidth": 0.8,
        "xtick.color": "#444444",
        "ytick.color": "#444444",
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "lines.linewidth": 2.0,
        "lines.markersize": 7,
        "legend.frameon": False,
        # White, not transparent: a page in dark mode must not swallow black text.
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "figure.figsize": (7.0, 4.8),
        "figure.dpi": 100,
        # A dollar sign in a name is a dollar sign, not the start of a formula.
        "text.parse_math": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "nqpf",
        "image.cmap": SEQUENTIAL,
    }


@contextmanager
def style() -> Iterator[None]:
    """Draw in the book's style inside a ``with`` block and restore the settings after it."""
    import matplotlib as mpl

    with mpl.rc_context(_settings()):
        yield


def use_style() -> None:
    """Set the book's style for every later figure of this session.

    The functions of :mod:`nqpf.report` do not need it, as each draws in the
    style by itself; a chapter calls it before it draws a figure of its own.

    Examples
    --------
    >>> use_style()
    >>> import matplotlib
    >>> matplotlib.rcParams["svg.hashsalt"]
    'nqpf'
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(_settings())
    mpl.rcParams["axes.prop_cycle"] = cycler(color=CATEGORIES)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of `width` x `height` inches that no global state holds on to.

    Made outside pyplot, so that a notebook shows it once, where it is displayed.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="none")


def _luminance(color: object) -> float:
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: object, second: object) -> float:
    """Return the contrast ratio of two colours, 1 to 21, by the WCAG 2 formula.

    Examples
    --------
    >>> contrast("white", "black")
    21.0
    """
    low, high = sorted([_luminance(first), _luminance(second)])
    return round((high + 0.05) / (low + 0.05), 6)


def ink_on(background: object) -> str:
    """Return black or white, whichever reads better on a background.

    Examples
    --------
    >>> ink_on("#00224e"), ink_on("#fdea45")
    ('white', 'black')
    """
    return max(("black", "white"), key=lambda ink: contrast(ink, background))


def darker(color: object, ratio: float = 4.5) -> str:
    """Return a colour darkened until text in it has the contrast `ratio` on white."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = to_rgb(color)
    keep = 1.0
    while contrast((red * keep, green * keep, blue * keep), "white") < ratio:
        keep -= 0.02
    return to_hex((red * keep, green * keep, blue * keep))


def number(value: float, fmt: str) -> str:
    """Return a number for a figure, with a true minus sign.

    Examples
    --------
    >>> number(-0.25, "{:+.1f}")
    '−0.2'
    """
    return fmt.format(value).replace("-", "\N{MINUS SIGN}")


def readable(text: object) -> str:
    """Return a text without its Chinese characters when no font can draw them."""
    if has_chinese():
        return str(text)
    return "\n".join(" ".join(line.split()) for line in _CJK.sub(" ", str(text)).split("\n"))


def province_label(code: int) -> str:
    """Return a province's name for a figure, in both languages where the font allows."""
    return readable(provinces.name(code, "both"))


def region_label(region: str) -> str:
    """Return a region's name for a figure; ``all`` is the mean of all provinces.

    Examples
    --------
    >>> region_label("northeast").split()[0]
    'Northeast'
    """
    zh = {**provinces.REGIONS, "all": "全部"}[region]
    en = "All provinces" if region == "all" else region.capitalize()
    return readable(f"{en} {zh}")


WIDTH = 7.0  # inches; a page of 390 pixels shows a 13-point letter at 9 pixels
_MARGIN = 0.14


def wrapped(text: object, width: int) -> str:
    """Break a text into lines of at most `width` letters; a Chinese one counts as two.

    Examples
    --------
    >>> wrapped("GDP per employed person 劳均地区生产总值", 26).splitlines()
    ['GDP per employed person', '劳均地区生产总值']
    """
    return "\n".join(_broken(line, width) for line in readable(text).split("\n"))


def _broken(line: str, width: int) -> str:
    lines = [""]
    for word in line.split():
        if lines[-1] and text_width(f"{lines[-1]} {word}") > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
        while text_width(lines[-1]) > width:  # one word longer than a line
            fits = next(n for n in range(len(lines[-1]), 0, -1) if _fits(lines[-1][:n], width))
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return "\n".join(lines)


def _fits(text: str, width: int) -> bool:
    return text_width(text) <= width or len(text) == 1


def headed_figure(title: str, label: str, body: float) -> tuple[Figure, float]:
    """Return a figure with a title and what is measured, and the inches they take.

    Parameters
    ----------
    title, label : str
        Either may be empty; long ones are broken into lines.
    body : float
        Inches to leave below them.
    """
    parts = [(wrapped(title, 62), 16, "#000000"), (wrapped(label, 80), 13, "#444444")]
    parts = [part for part in parts if part[0]]
    heights = [(text.count("\n") + 1) * size * 1.45 / 72 for text, size, _ in parts]
    head = 0.1 + sum(heights) + 0.08
    figure = new_figure(WIDTH, head + body)
    down = 0.08
    for (text, size, color), height in zip(parts, heights, strict=True):
        place = (_MARGIN / WIDTH, 1 - down / (head + body))
        figure.text(*place, text, fontsize=size, color=color, va="top", linespacing=1.35)
        down += height
    return figure, head


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes whose upper left corner is `left`, `top` inches from the figure's."""
    wide, tall = figure.get_size_inches()
    return figure.add_axes((left / wide, 1 - (top + height) / tall, width / wide, height / tall))


MAX_BYTES = 150_000
_DPI = 200
_COLORS = 256


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that stands for it when it cannot be seen.

    In a web page it shows as an image that carries the sentence; in a PDF as
    a PNG; in a terminal as the sentence alone.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The drawing; still open to changes by the reader.
    alt : str
        Alternative text, made from the data (see :mod:`nqpf.report.html`).
    """

    figure: Figure
    alt: str

    def __iter__(self) -> Iterator[object]:
        """Allow ``figure, alt = tile_map(...)``."""
        return iter((self.figure, self.alt))

    def svg(self) -> bytes:
        """Return the figure as SVG; the same figure gives the same bytes."""
        drawn = self._draw("svg", metadata={"Date": None, "Creator": None}).decode("utf-8")
        # What no reader sees: comments, blanks between tags, long names of glyphs.
        drawn = re.sub(r"<!--.*?-->", "", drawn, flags=re.DOTALL)
        drawn = re.sub(r">\s+<", "><", drawn)
        return drawn.replace("NotoSansSC-Regular-", "n").encode("utf-8")

    def png(self) -> bytes:
        """Return the figure as PNG at 200 dots per inch, fit for print and dense screens."""
        from PIL import Image

        drawn = Image.open(io.BytesIO(self._draw("png", dpi=_DPI))).convert("RGB")
        buffer = io.BytesIO()
        # A palette is enough for flat colours and a third of the size.
        drawn.quantize(_COLORS, dither=Image.Dither.NONE).save(
            buffer, "PNG", optimize=True, dpi=(_DPI, _DPI)
        )
        return buffer.getvalue()

    def _draw(self, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        with style():
            self.figure.savefig(buffer, format=kind, **options)
        return buffer.getvalue()

    def html(self) -> str:
        """Return an ``<img>`` element that carries the figure and its text.

        A vector image, or the PNG where that is lighter and the other heavy. As
        an image, not as inline SVG, so that identifiers of two figures never clash.
        """
        source = _address("svg+xml", self.svg())
        if len(source) > MAX_BYTES:
            source = min(source, _address("png", self.png()), key=len)
        width = round(self.figure.get_figwidth() * 96)
        return (
            f'<img class="nqpf-figure" alt="{html.escape(self.alt)}" width="{width}" '
            f'style="max-width:100%;height:auto;background:#fff" src="{source}">'
        )

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        return {
            "text/html": self.html(),
            "image/png": base64.b64encode(self.png()).decode("ascii"),
            "text/plain": repr(self),
        }

    def __repr__(self) -> str:
        return f"[Figure: {self.alt}]"


def _address(kind: str, data: bytes) -> str:
    """Return an image as the address of an ``<img>``.

    SVG is percent-encoded, because a server's compression makes less of
    base64. Neither form holds a character that could end the attribute.
    """
    if kind == "svg+xml":
        return "data:image/svg+xml," + quote(data, safe=" /:;,=()-.")
    return f"data:image/{kind};base64," + base64.b64encode(data).decode("ascii")


def show(figure: Figure | Picture, alt: str) -> Picture:
    """Give a figure its alternative text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or Picture
        A figure drawn by the chapter, or one of this package's to be described anew.
    alt : str
        What a reader who cannot see the figure should know; computed from the data.

    Examples
    --------
    >>> from nqpf.report.style import new_figure
    >>> show(new_figure(2, 1), "An empty figure.")
    [Figure: An empty figure.]
    """
    return Picture(figure.figure, alt)


def province_values(values: pd.Series, reindex: bool = True) -> pd.Series:
    """Return `values` as floats by province code, by default with all 31 in code order.

    Parameters
    ----------
    values : Series
        Indexed by province code or name; a missing value is NaN.
    reindex : bool
        Add the provinces that are absent, as missing.

    Raises
    ------
    nqpf.errors.ProvinceError
        If a label is not a province.
    nqpf.errors.SampleError
        If there is more than one level, a province comes twice or a value is infinite.
    """
    if values.index.nlevels != 1:
        raise SampleError(
            f"values are indexed by {', '.join(map(str, values.index.names))}",
            expected="one value per province",
            hint="choose one year: scores.xs(2022, level='year')",
        )
    found = values.astype("float64")
    found.index = [provinces.code_of(label) for label in values.index]
    twice = found.index[found.index.duplicated()]
    if len(twice):
        raise SampleError(f"province {provinces.name(twice[0])} comes twice")
    _finite(found)
    return found.reindex(provinces.codes()) if reindex else found


def panel_values(scores: pd.Series) -> pd.Series:
    """Return `scores` sorted, after checking that the index is ``(province, year)``.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is another one, a row comes twice, a value is infinite or all are missing.
    """
    if list(scores.index.names) != ["province", "year"]:
        raise SampleError(
            f"scores are indexed by {list(scores.index.names)}",
            expected="an index of province code and year, named 'province' and 'year'",
        )
    twice = scores.index[scores.index.duplicated()]
    if len(twice):
        code, year = twice[0]
        raise SampleError("a row comes twice", where={"province": code, "year": year})
    for code in scores.index.unique("province"):
        provinces.code_of(code)
    _finite(scores)
    present = scores.dropna().astype("float64").sort_index()
    if present.empty:
        raise SampleError("there is nothing to draw", expected="at least one figure")
    return present


def in_year(scores: pd.Series, year: int) -> pd.Series:
    """Return the scores of one year by province code.

    Raises
    ------
    nqpf.errors.SampleError
        If the year is not in the sample; the message lists the years that are.
    """
    present = panel_values(scores)
    years = sorted(int(y) for y in present.index.unique("year"))
    if year not in years:
        raise SampleError(
            f"no scores for {year}", expected=f"a year from {', '.join(map(str, years))}"
        )
    return present.xs(year, level="year")


def label_of(values: pd.Series, label: str | None) -> str:
    """Return the label of an axis: the one given, else the name of the Series, else 'score'."""
    return label or str(values.name or "score")


def _finite(values: pd.Series) -> None:
    for key, value in values.items():
        if math.isinf(value):
            raise SampleError(
                f"value {value} cannot be drawn",
                where={"row": key},
                expected="a finite number, or a missing one",
            )
