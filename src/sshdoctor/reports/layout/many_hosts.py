"""Many hosts in one report: the sick first, the causes with their hosts, and a line for each host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sshdoctor.model import HostReport
from sshdoctor.reports.layout.client_words import client_words
from sshdoctor.services import works

_ORDER = ("blocked", "undecided", "healthy")
_MOST_NAMES = 12


def by_urgency(reports: Sequence[HostReport]) -> list[HostReport]:
    """The blocked first, grouped by their first cause; then the undecided; the healthy last."""
    causes = [ident for ident, _ in by_cause(reports)]

    def place(report: HostReport) -> tuple[int, int]:
        return _ORDER.index(report.verdict), causes.index(_matter(report)) if _matter(report) else len(causes)

    return sorted(reports, key=place)


def by_cause(reports: Sequence[HostReport]) -> list[tuple[str, list[HostReport]]]:
    """What is the matter (a cause by its id, or a reply in the client's words), with the hosts."""
    found: dict[str, list[HostReport]] = {}
    for report in reports:
        if matter := _matter(report):
            found.setdefault(matter, []).append(report)
    return sorted(found.items(), key=lambda one: -len(one[1]))


def told_before(reports: Sequence[HostReport]) -> dict[str, str]:
    """Hosts that nobody could look into and that answered as one before them: each with its name."""
    first: dict[object, str] = {}
    found = {}
    for report in reports:
        if report.causes or report.repair or report.access.via or report.verdict != "undecided":
            continue
        replies = tuple((reply.family, reply.word, reply.stage) for reply in report.outside)
        same = (report.service, replies, tuple(one.id for one in report.possible), report.notes)
        if (other := first.setdefault(same, report.host)) != report.host:
            found[report.host] = other
    return found


def _matter(report: HostReport) -> str:
    """The first cause; where none is known, what came back; "" for a host that is well."""
    if report.causes:
        return report.causes[0].id
    if report.verdict == "healthy":
        return ""
    failed = next((reply.word for reply in report.outside if not works(reply.word)), "")
    return f"no cause found, {client_words(failed)}" if failed else "undecided"


def summary_lines(reports: Sequence[HostReport]) -> Iterator[str]:
    """A line for each cause: how many hosts, and which."""
    for matter, hosts in by_cause(reports):
        names = [report.host for report in hosts[:_MOST_NAMES]]
        more = [f"and {len(hosts) - len(names)} more"] if len(hosts) > len(names) else []
        latent = "" if hosts[0].causes[:1] == () or hosts[0].causes[0].role != "latent" else " (later)"
        counted = f"{len(hosts)} host{'s' if len(hosts) > 1 else ''}"
        yield f"{counted}: {matter}{latent}: {', '.join([*names, *more])}"


def recap_lines(reports: Sequence[HostReport]) -> Iterator[str]:
    """A line for each host, as Ansible's users know it, and the totals."""
    longest = max(len(report.host) for report in reports)
    yield "RECAP"
    for report in reports:
        yield f"{report.host:<{longest}} : {report.verdict:<9} {_in_brief(report)}".rstrip()
    words: list[str] = [report.verdict for report in reports]
    counted = ", ".join(f"{words.count(word)} {word}" for word in reversed(_ORDER))
    yield f"{len(words)} hosts: {counted}."


def _in_brief(report: HostReport) -> str:
    if report.repair and report.repair.outcome not in ("nothing-to-do",):
        return f"{report.repair.outcome}: {_matter(report) or ', '.join(report.repair.mended)}"
    return _matter(report)
