"""Reports that are documents: Jinja2 templates in ``templates/reports``, filled with plain data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sshdoctor.documents.resources import shipped
from sshdoctor.model import HostReport
from sshdoctor.reports.layout.folding import fold
from sshdoctor.reports.layout.printable import printable


def fill(name: str, reports: Sequence[HostReport], **more: object) -> str:
    """The template ``name`` over ``reports`` and ``more`` names; what a host says stays text."""
    environment = Environment(
        loader=FileSystemLoader(shipped("templates") / "reports"),
        autoescape=name.endswith((".html.j2", ".xml.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_clean,
    )
    environment.filters |= {"indented": _indented, "inline": _inline, "folded": _folded, "moment": moment}
    return environment.get_template(name).render(reports=reports, **more)


def _clean(value: object) -> object:
    # Markup is what autoescape has already made safe; its own line breaks are the template's.
    return printable(value, lines=True) if type(value) is str else value


def _indented(text: str, lines: int = 12) -> str:
    """A code block of Markdown, which nothing in ``text`` can end; of more than ``lines`` the first."""
    every = text.splitlines()
    more = [f"... (+{len(every) - lines})"] if len(every) > lines else []
    return "\n".join(f"    {printable(line)}" for line in (*every[:lines], *more))


def _folded(text: str, first: str = "", rest: str | None = None) -> str:
    """A paragraph of a letter; spelled out before its width is taken."""
    return fold(printable(text, lines=True), first, rest)


def moment(when: float, hours: int = 0) -> str:
    """Seconds since 1970 as date and time, so many ``hours`` east of UTC.

    >>> moment(1732276801.7), moment(1732276801.7, 9)
    ('2024-11-22 12:00:01', '2024-11-22 21:00:01')
    """
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    return f"{datetime.fromtimestamp(when, zone):%Y-%m-%d %H:%M:%S}"


def _inline(text: str) -> str:
    r"""Text for a line of Markdown, in which nothing is markup.

    >>> _inline("a *b* <c>\nd")
    'a \\*b\\* \\<c\\> d'
    """
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~&" else char for char in text)
    return printable(" ".join(escaped.split()))
