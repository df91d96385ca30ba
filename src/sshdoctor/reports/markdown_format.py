"""The report for a forum or an issue: templates/reports/markdown*.j2."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.model import HostReport
from sshdoctor.reports.layout.phrases import phrases
from sshdoctor.reports.layout.template import fill


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80, lang: str = "en") -> str:
    if lang == "en":
        return fill("markdown.md.j2", reports)
    return fill(f"markdown.{lang}.md.j2", reports, words=phrases(lang))
