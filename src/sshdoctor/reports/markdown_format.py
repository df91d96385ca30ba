"""The report for a forum, an issue or a pull request: templates/reports/markdown*.j2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sshdoctor.model import HostReport
from sshdoctor.reports.layout.client_words import seen
from sshdoctor.reports.layout.many_hosts import by_cause, by_urgency
from sshdoctor.reports.layout.phrases import phrases
from sshdoctor.reports.layout.template import fill
from sshdoctor.reports.layout.unseen import unseen


def render(
    reports: Sequence[HostReport],
    *,
    colour: bool = False,
    width: int = 80,
    lang: str = "en",
    own_checks: Sequence[Path] = (),
) -> str:
    if lang != "en":
        return fill(f"markdown.{lang}.md.j2", reports, words=phrases(lang, own_checks))
    matters = by_cause(reports) if len(reports) > 1 else []
    return fill("markdown.md.j2", by_urgency(reports), seen=seen, matters=matters, unseen=_unseen)


def _unseen(report: HostReport) -> list[str]:
    return list(unseen(report.checks))
