"""Reports that are documents: Jinja2 templates in ``templates/reports``, filled with plain data."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sshdoctor.model import HostReport
from sshdoctor.render.printable import printable
from sshdoctor.resources import shipped


def fill(name: str, reports: Sequence[HostReport]) -> str:
    """The template ``name`` over ``reports``; what a host says stays text."""
    environment = Environment(
        loader=FileSystemLoader(shipped("templates") / "reports"),
        autoescape=name.endswith((".html.j2", ".xml.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_clean,
    )
    environment.filters |= {"indented": _indented, "inline": _inline}
    return environment.get_template(name).render(reports=reports)


def _clean(value: object) -> object:
    # Markup is what autoescape has already made safe; its own line breaks are the template's.
    return printable(value, lines=True) if type(value) is str else value


def _indented(text: str) -> str:
    """A code block of Markdown, which nothing in ``text`` can end."""
    return "\n".join(f"    {printable(line)}" for line in text.splitlines())


def _inline(text: str) -> str:
    r"""Text for a line of Markdown, in which nothing is markup.

    >>> _inline("a *b* <c>\nd")
    'a \\*b\\* \\<c\\> d'
    """
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|" else char for char in text)
    return printable(" ".join(escaped.split()))
