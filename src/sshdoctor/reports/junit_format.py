"""A test case for each check, as CI systems read them: templates/reports/junit.xml.j2.

It is what both schemas in use take: Ant's (windyroad/JUnit-Schema), which wants every part in its order, and
Jenkins's (xunit-plugin, junit-10.xsd), which has a few more.
"""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor import __version__
from sshdoctor.model import HostReport
from sshdoctor.reports.layout.client_words import seen
from sshdoctor.reports.layout.template import fill
from sshdoctor.services import load


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    return fill("junit.xml.j2", reports, seconds=_seconds, seen=_seen, cases=_cases, version=__version__)


def _cases(report: HostReport) -> dict[str, int]:
    """How many cases of each kind, with the one that asks whether a client gets in."""
    statuses = [check.status for check in report.checks]
    return {
        "tests": len(statuses) + 1,
        "failures": sum(status in ("fail", "warn") for status in statuses) + (report.verdict == "blocked"),
        "errors": int(report.verdict == "undecided"),
        "skipped": sum(status in ("unknown", "blocked", "skipped") for status in statuses),
    }


def _seconds(report: HostReport) -> str:
    """What the dial took; the checks themselves take no time that a person would notice."""
    known = [reply.elapsed_ms for reply in report.outside if reply.elapsed_ms is not None]
    return f"{sum(known) / 1000:.3f}"


def _seen(report: HostReport) -> str:
    return seen(report.outside, load(report.service).working)
