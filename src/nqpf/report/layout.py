"""Where things stand in a figure, in inches: a heading above, axes below, text that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nqpf.report.html import text_width
from nqpf.report.style import new_figure, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["WIDTH", "headed_figure", "place_axes", "wrapped"]

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
