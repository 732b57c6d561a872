"""Turn the MyST Markdown of a chapter into Markdown that Jupyter shows well.

Jupyter knows no roles, directives, targets or definition lists. What stands for them:
a glued number its value, a citation its authors and year, a link to a chapter the
chapter's notebook or page, an admonition a quotation.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,}|:{3,})(.*)$")
_DIRECTIVE = re.compile(r"^\{([\w:-]+)\}\s*(.*)$")
_ROLE = re.compile(r"\{([\w:-]+)\}(`+)(.+?)\2(?!`)", re.DOTALL)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_TITLED = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.DOTALL)
_DROPPED_LINE = re.compile(r"^\s*(\([\w:.-]+\)=|%.*|\+\+\+.*|\{[.#][^}]*\})\s*$")
_ATTRIBUTES = re.compile(r"(?<=[\])`*])\{[.#][^{}]*\}")
# As YAML between lines of dashes, or as fields.
_OPTIONS = re.compile(
    r"\A(?:[ \t]*---[ \t]*\n(?s:.*?)^[ \t]*---[ \t]*(?:\n|\Z))?(?:\s*:[\w-]+:.*(?:\n|\Z))*", re.M
)
_DEFINITION = re.compile(r"^(\S[^\n]*)\n:[ \t]+(?=\S)", re.MULTILINE)

_ADMONITIONS = {
    "admonition", "attention", "caution", "danger", "dropdown", "error", "hint", "important",
    "note", "seealso", "tip", "warning",
}  # fmt: skip
_WITHOUT_BODY = {"bibliography", "contents", "nb-exec-table", "tableofcontents", "toctree"}


@dataclass(frozen=True)
class Surroundings:
    """What a chapter's text refers to.

    Parameters
    ----------
    glued : mapping of str to str
        Per name, the plain text that Python prints of the value.
    cited : mapping of str to tuple
        Per key of the bibliography, its authors and its year.
    link : callable
        Takes a target as written and the text of the link, which may be empty;
        returns Markdown.
    label : callable
        The same for the name of a place in the book.
    """

    glued: Mapping[str, str]
    cited: Mapping[str, tuple[str, str]]
    link: Callable[[str, str], str]
    label: Callable[[str, str], str]


def plain_markdown(text: str, around: Surroundings) -> str:
    """Return the Markdown of one cell without anything that only MyST understands.

    Raises
    ------
    KeyError
        If the text shows a value or cites a work that `around` does not hold.

    Examples
    --------
    >>> around = Surroundings({"n": "'31'"}, {"a": ("Ma", "2024")}, lambda t, s: s, lambda t, s: s)
    >>> plain_markdown("All {glue:text}`n` provinces {cite}`a`.", around)
    'All 31 provinces (Ma, 2024).'
    """
    lines, done = text.split("\n"), []
    prose: list[str] = []
    while lines:
        if fence := _FENCE.match(lines[0]):
            done += [*_prose(prose, around), *_fenced(lines, fence, around)]
            prose = []
        else:
            prose.append(lines.pop(0))
    done += _prose(prose, around)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(done)).strip("\n")


def glued_text(role: str, values: Mapping[str, str]) -> str:
    """Return what ``{glue:text}`` shows for its argument, a name and perhaps a format.

    Examples
    --------
    >>> glued_text("share:.1f", {"share": "12.345"})
    '12.3'
    """
    name, _, form = role.partition(":")
    value = values[name]
    if value[:1] in "'\"":
        value = ast.literal_eval(value)
    return format(float(value), form) if form else value


def _fenced(lines: list[str], fence: re.Match[str], around: Surroundings) -> list[str]:
    """Take a fenced block off `lines` and return what stands for it."""
    opening = lines.pop(0)
    mark = fence.group(2)
    body = []
    while lines and not re.fullmatch(rf"\s*{re.escape(mark[0])}{{{len(mark)},}}\s*", lines[0]):
        body.append(lines.pop(0))
    if lines:
        lines.pop(0)
    directive = _DIRECTIVE.match(fence.group(3).strip())
    if directive:
        return _directive(*directive.groups(), _OPTIONS.sub("", "\n".join(body)), around)
    if mark[0] == ":":
        return plain_markdown("\n".join(body), around).split("\n")
    return [opening, *body, fence.group(1) + mark]


def _directive(name: str, argument: str, body: str, around: Surroundings) -> list[str]:
    if name in _WITHOUT_BODY or (name == "raw" and argument != "html"):
        return []
    if name == "raw":
        return [body]
    if name == "math":
        return ["$$", *([argument] if argument else []), body, "$$"]
    if name in ("code", "code-block", "sourcecode"):
        return [f"```{argument}", body, "```"]
    inner = plain_markdown(body, around).split("\n")
    if name in ("image", "figure"):
        return [f"![]({argument})", "", *inner]
    title = plain_markdown(argument, around) if argument else ""
    if name in _ADMONITIONS:
        quoted = (f"> {line}".rstrip() for line in inner)
        return [f"> **{title or name.capitalize()}**", ">", *quoted]
    return [f"**{title}**", "", *inner] if title else inner


def _prose(lines: list[str], around: Surroundings) -> list[str]:
    if not lines:
        return []
    text = "\n".join(line for line in lines if not _DROPPED_LINE.match(line))
    text = _DEFINITION.sub(r"- **\1**: ", text)
    text = _ATTRIBUTES.sub("", text)
    # Links first: what a role becomes is no longer MyST.
    text = _LINK.sub(lambda found: around.link(found.group(2), found.group(1)), text)
    return _ROLE.sub(lambda found: _role(found.group(1), found.group(3), around), text).split("\n")


def _role(name: str, content: str, around: Surroundings) -> str:
    if name.startswith("glue:"):
        return glued_text(content, around.glued)
    if name.startswith("cite"):
        works = [around.cited[key.strip()] for key in content.split(",")]
        if name in ("cite:t", "cite:ts"):
            return ", ".join(f"{authors} ({year})" for authors, year in works)
        return f"({'; '.join(f'{authors}, {year}' for authors, year in works)})"
    titled = _TITLED.match(content)
    text, target = titled.groups() if titled else ("", content)
    if name in ("doc", "download"):
        return around.link(target, text)
    if name in ("ref", "numref"):
        return around.label(target, text)
    if name == "math":
        return f"${content}$"
    if name in ("sub", "sup"):
        return f"<{name}>{content}</{name}>"
    return text or target
