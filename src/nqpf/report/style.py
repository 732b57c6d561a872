"""One style for every figure: colours that the colour-blind can tell apart, and a Chinese font."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nqpf import provinces

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "CATEGORIES",
    "DIVERGING",
    "REGION_STYLES",
    "SEQUENTIAL",
    "MARKERS",
    "Mark",
    "contrast",
    "darker",
    "has_chinese",
    "ink_on",
    "new_figure",
    "number",
    "province_label",
    "readable",
    "region_label",
    "style",
    "use_style",
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
