"""What each exit code means (README has the table), and which one reports come to."""

from __future__ import annotations

from collections.abc import Iterable

from sshdoctor.model import HostReport

USAGE = 2
UNDECIDED = 3
REMEDY = 4
INTERRUPTED = 130


def of_diagnoses(reports: Iterable[HostReport]) -> int:
    """0 if every host is reachable and has no cause, 3 if any is undecided, else 1."""
    codes = [UNDECIDED if r.verdict == "undecided" else 1 if r.causes else 0 for r in reports]
    return max(codes, default=0)


def of_repairs(reports: Iterable[HostReport]) -> int:
    """4 if a remedy failed, was rolled back, or was not offered though asked for by name; 0 where all are
    proved; else as the diagnosis has it."""
    return max((_of_repair(report) for report in reports), default=0)


def _of_repair(report: HostReport) -> int:
    outcome = report.repair.outcome if report.repair else "nothing-to-do"
    if outcome in ("failed", "rolled-back"):
        return REMEDY
    if outcome == "proved" and not any(cause.role == "root" for cause in report.causes):
        return 0
    if outcome == "declined":
        return 1
    if outcome == "no-remedy" and report.verdict == "healthy":  # a playbook by name, that was not offered
        return REMEDY
    return of_diagnoses([report])
