"""The report for a forum or an issue: templates/reports/markdown.md.j2."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.model import HostReport
from sshdoctor.render.template import fill


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    return fill("markdown.md.j2", reports)
