"""The report as a page of its own: templates/reports/html.html.j2."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.model import HostReport
from sshdoctor.reports.layout.template import fill


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    return fill("html.html.j2", reports)
