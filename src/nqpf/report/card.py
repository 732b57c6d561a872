"""The picture that stands for the book where a link to it is shared."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from nqpf.report.layout import wrapped
from nqpf.report.maps import tile_map
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, has_chinese, new_figure, style

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CARD_SIZE", "card_png", "social_card"]

CARD_SIZE = (1200, 630)  # pixels, as the services that show cards ask for
_DPI = 100


def social_card(
    values: pd.Series, title: str, chinese: str, finding: str, label: str, fmt: str = "{:.0f}"
) -> Picture:
    """Draw a tile map beside the title of the book, 1200 by 630 pixels.

    Parameters
    ----------
    values : Series
        One value per province, by code or name.
    title, chinese : str
        Title in both languages, the Chinese one broken into lines; it is left out
        without a Chinese font.
    finding : str
        What the map shows, computed from it.
    label : str
        What is mapped, with its unit.
    fmt : str
        Format of the value in a tile.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Examples
    --------
    >>> import pandas as pd
    >>> drawn = social_card(pd.Series({"Beijing": 1.0, "Tibet": 9.0}), "T", "题", "F.", "places")
    >>> drawn.alt[:29]
    'T 题. F. Tile map; places: hig'
    """
    width, height = (pixels / _DPI for pixels in CARD_SIZE)
    with style():
        figure = new_figure(width, height)
        ax = figure.add_axes((0.49, 0.02, 0.5, 0.95))
        drawn = tile_map(values, "", label, fmt=fmt, ax=ax)
        figure.add_artist(_stripe())
        text = {"va": "top", "ha": "left"}
        figure.text(0.05, 0.9, wrapped(title, 22), fontsize=32, linespacing=1.15, **text)
        if has_chinese():
            figure.text(0.05, 0.6, chinese, fontsize=26, color="#333333", **text)
        found = wrapped(finding, 42)
        figure.text(0.05, 0.07, found, fontsize=18, color="#333333", va="bottom", ha="left")
    heading = f"{title} {chinese}.".replace("\n", " ")
    return Picture(figure, f"{heading} {finding} {drawn.alt.replace('map. ; ', 'map; ')}")


def _stripe() -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 0.014, 1, color=CATEGORIES[0], linewidth=0)


def card_png(card: Picture) -> bytes:
    """Return a card as PNG; the same card gives the same bytes."""
    buffer = io.BytesIO()
    with style():
        card.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
