"""The page of one province: what every measure says of it, how firm that is, and its figures."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from nqpf import provinces
from nqpf.compare.profiles import Profiles
from nqpf.data import Panel
from nqpf.report import profile_data, profile_history, profile_parts, profile_ranks
from nqpf.report.html import Html
from nqpf.report.profile_words import Section

__all__ = ["ProvinceProfile", "fenced", "province_profile"]

_FENCE = "`" * 8


@dataclass(frozen=True, repr=False)
class ProvinceProfile:
    """A province in all measures, made by :func:`province_profile`.

    Parameters
    ----------
    code : int
        GB/T 2260 code.
    opening : tuple of Html
        The facts that come first.
    sections : tuple of Section
        Ranks, their history, productivity, dimensions, obstacles, peers, the
        choice of measure, figures and gaps.
    """

    code: int
    opening: tuple[Html, ...]
    sections: tuple[Section, ...]

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    @property
    def title(self) -> str:
        """The province's name in both languages."""
        return provinces.name(self.code, "both")

    def markdown(self) -> str:
        """Return the page of the book: headings for its index, the rest as HTML."""
        parts = [f"# {_escaped(self.title)}", fenced("\n".join(part.html for part in self.opening))]
        for section in self.sections:
            parts += [f"## {section.title} {section.zh}", fenced(section.html())]
        return "\n\n".join(parts) + "\n"

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.title)}</h3>", *(part.html for part in self.opening)]
        for one in self.sections:
            parts += [f"<h4>{escape(one.title)} <span lang='zh'>{one.zh}</span></h4>", one.html()]
        return "\n".join(parts)

    def __repr__(self) -> str:
        parts = [self.title, *(part.text for part in self.opening)]
        for one in self.sections:
            parts += [f"{one.title} {one.zh}", one.text()]
        return "\n".join(parts)


def _escaped(text: str) -> str:
    """Return a text as Markdown in which no character has a meaning."""
    line = " ".join(text.split())
    return "".join(f"\\{one}" if one in string.punctuation else one for one in line)


def fenced(html: str) -> str:
    """Return HTML as a block of a Markdown page that nothing in it can end."""
    safe = html.replace("`", "&#96;")
    return f'{_FENCE}{{raw}} html\n<div class="profile">\n{safe}\n</div>\n{_FENCE}'


def province_profile(source: Panel | Profiles, province: object) -> ProvinceProfile:
    """Return what every measure says of a province.

    Parameters
    ----------
    source : Panel or Profiles
        A panel, from which all measures are computed first (some seconds), or
        the result of :meth:`nqpf.compare.Profiles.load`, for several provinces.
    province : int or str
        Code or name.

    Returns
    -------
    ProvinceProfile
        Shows as a page in a notebook and as plain text in a terminal.

    Raises
    ------
    nqpf.errors.ProvinceError
        If the province is unknown.

    Examples
    --------
    >>> profiles = Profiles.load(Panel.load(extra=False), systems=["wu-2024"], draws=50)
    >>> page = province_profile(profiles, "Tibet")
    >>> page.title, [section.anchor for section in page][:2]
    ('Tibet 西藏', ['rank-under-every-measure', 'how-the-rank-moved'])
    """
    code = provinces.code_of(province)
    profiles = source if isinstance(source, Profiles) else Profiles.load(source)
    makers = (
        profile_ranks.ranks,
        profile_history.history,
        profile_parts.productivity,
        profile_parts.strengths,
        profile_parts.obstacle_section,
        profile_history.change,
        profile_parts.peers,
        profile_data.figures,
        profile_data.gap_section,
    )
    sections = tuple(make(profiles, code) for make in makers)
    return ProvinceProfile(code, profile_ranks.opening(profiles, code), sections)
