"""Files of the site and the project, each written in one step, some from ``templates/``."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.util.parallel import ParallelTasks, SerialTasks, make_chunks, parallel_available

from nqpf.files import _replacing

_CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]+")


def plain_markup(text: str) -> Markup:
    """Return a line of a docstring as HTML.

    Examples
    --------
    >>> str(plain_markup("Read ``a<b``, *once*, by :func:`~nqpf.data.sources`."))
    'Read <code>a&lt;b</code>, <em>once</em>, by <code>nqpf.data.sources</code>.'
    """
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", escape(text))
    text = re.sub(r"``([^`]+)``|`([^`]+)`", lambda m: f"<code>{m[1] or m[2]}</code>", text)
    return Markup(re.sub(r"(?<!\w)\*([^*<]+)\*(?!\w)", r"<em>\1</em>", text))  # noqa: S704


def marked(text: str) -> Markup:
    """Return a text as HTML, its Chinese marked as such for screen readers.

    Examples
    --------
    >>> str(marked("Data 数据"))
    'Data <span lang="zh">数据</span>'
    """
    return Markup(_CHINESE.sub(r'<span lang="zh">\g<0></span>', escape(text)))  # noqa: S704


@cache
def _environment() -> Environment:
    here = Path(__file__).parent  # the book as a PDF includes what stands beside the pages' scripts
    folder = FileSystemLoader([here / "templates", here.with_name("_static")])
    options = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    found = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, **options)
    found.filters |= {"markup": plain_markup, "marked": marked}
    return found


def template(source: str) -> Template:
    """Return a template, which escapes every text that it is filled with."""
    return _environment().from_string(source)


def render(name: str, **values: object) -> str:
    """Return a template of the folder ``templates``, filled with values."""
    return _environment().get_template(name).render(values)


def write_once(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all; leave one that has the content already as it is."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return
    with _replacing(path) as temporary:
        temporary.write_bytes(data)


def on_every_core(app: Sphinx, do: Callable[[str], None], things: Sequence[str]) -> None:
    """Do something with each thing, on all cores where the system can fork."""
    tasks = ParallelTasks(app.parallel) if parallel_available else SerialTasks()
    for chunk in make_chunks(things, app.parallel):
        tasks.add_task(lambda own: [do(one) for one in own] and None, chunk)
    tasks.join()
