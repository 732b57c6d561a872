"""A figure with its alternative text, shown as an image that every page can carry."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from nqpf.report.style import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MAX_BYTES", "Picture", "show"]

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
        Alternative text, made from the data (see :mod:`nqpf.report.alt`).
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
