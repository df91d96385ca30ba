"""The report as a page of its own: templates/reports/html.html.j2."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor import __version__
from sshdoctor.model import Cause, HostReport
from sshdoctor.reports.layout.client_words import seen
from sshdoctor.reports.layout.many_hosts import by_cause, by_urgency
from sshdoctor.reports.layout.template import fill
from sshdoctor.reports.layout.unseen import unseen
from sshdoctor.services import load

_ROLES = {"root": "stops the client now", "behind": "would stop it next", "latent": "is harmless today"}


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    return fill(
        "html.html.j2",
        by_urgency(reports),
        seen=seen,
        unseen=lambda report: list(unseen(report.checks)),
        way=_way,
        role=_role,
        matters=by_cause(reports) if len(reports) > 1 else [],
        version=__version__,
        when=max((report.when or 0 for report in reports), default=0),
    )


def _role(cause: Cause) -> str:
    return _ROLES[cause.role]


def _way(report: HostReport) -> list[tuple[str, str]]:
    """The stops of a packet's way: each layer, and its state (passed, stopped, hidden, unknown)."""
    layers = load(report.service).layers
    stopped = [cause.layer for cause in report.causes if cause.role == "root"]
    at = min((layers.index(layer) for layer in stopped if layer in layers), default=len(layers))
    found = []
    for number, layer in enumerate(layers):
        statuses = {check.status for check in report.checks if check.layer == layer}
        seen_well = "pass" in statuses or (report.verdict == "healthy" and "unknown" not in statuses)
        state = (
            "stopped" if number == at else "hidden" if number > at else "passed" if seen_well else "unknown"
        )
        found.append((layer, state))
    return found
