"""The report for people: what they saw, why, what to type next; then how that is known, and what is not."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sshdoctor.model import Cause, Evidence, Hop, HostReport, Reply, endpoint
from sshdoctor.reports.layout.client_words import client_words, seen
from sshdoctor.reports.layout.commands import broken
from sshdoctor.reports.layout.history import history_lines
from sshdoctor.reports.layout.many_hosts import by_urgency, recap_lines, summary_lines, told_before
from sshdoctor.reports.layout.printable import printable
from sshdoctor.reports.layout.unseen import unseen
from sshdoctor.reports.repair_text import CHANGED_NOTHING, repair_lines
from sshdoctor.services import works

_EVIDENCE_LINES = 6
_VERDICT_STYLE = {"healthy": "bold green", "blocked": "bold red", "undecided": "bold yellow"}


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    target = io.StringIO()
    console = Console(
        file=target,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        legacy_windows=False,
    )
    ordered = by_urgency(reports)
    before = told_before(ordered)
    for report in ordered:
        if other := before.get(report.host):
            console.print(Text.assemble(*_headline(report), f" As {printable(other)}."))
            continue
        for block in _host(report, width):
            console.print(block)
        if not _is_short(report):
            console.print()
    if before:
        console.print()
    if len(reports) > 1:
        for line in (*summary_lines(reports), "", *recap_lines(reports)):
            console.print(Text(printable(line)))
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines()) + "\n"


def _is_short(report: HostReport) -> bool:
    """Whether there is nothing to say but that it is well, and what could not be seen."""
    return report.verdict == "healthy" and not (report.causes or report.repair)


def _host(report: HostReport, width: int) -> Iterator[RenderableType]:
    yield Text.assemble(*_headline(report))
    if _is_short(report):
        yield _indented(f"Looked in by {_looked_in(report)}. {_counts(report)}", 2, "dim")
        for note in report.notes:
            yield _said("Note", note)
        return
    if report.repair:
        for line in repair_lines(report.repair, still_blocked=report.verdict == "blocked"):
            yield Text(line)
        if report.repair.outcome in CHANGED_NOTHING:
            yield from _next(report, width)
            return
    yield from _answer(report)
    yield from _next(report, width)
    yield Text("")
    yield _table([row for reply in report.outside for row in _outside(report, reply)])
    yield _table([("looked in", _looked_in(report))])
    for cause in report.causes:
        yield from _cause(cause)
    for cause in report.possible:
        yield from _possible(cause)
    if report.history is not None:
        yield from history_lines(report.history)
    if report.notes:
        yield Text("")
    for note in report.notes:
        yield _said("Note", note)
    yield from _unseen(report)
    if report.checks:
        yield Text("")
        yield _indented(_counts(report), 2, "dim")


def _headline(report: HostReport) -> list[str | tuple[str, str]]:
    verdict = (report.verdict, _VERDICT_STYLE[report.verdict])
    return [(printable(report.host), "bold"), ": ", verdict, f". {printable(_seen(report))}"]


def _seen(report: HostReport) -> str:
    """What the person saw, in their client's words; of a disk, nobody could see anything."""
    if report.access.via == "chroot":
        return "A disk that was looked at; nothing runs on it."
    said = seen(report)
    return f"{said}." if said else ""


def _answer(report: HostReport) -> Iterator[RenderableType]:
    """The sentence that answers: each first cause, or why there is none."""
    now = [cause for cause in report.causes if cause.role == "root"]
    for cause in now:
        yield _said("Why", cause.summary, "bold red")
    if not now:
        yield _said("Why" if report.verdict != "healthy" else "Well", _without_cause(report), "bold")


def _next(report: HostReport, width: int) -> Iterator[RenderableType]:
    if len(report.next) == 1:
        yield Text.assemble(("  Next: ", "bold"), broken(printable(report.next[0]), width, 8, 4))
    elif report.next:
        yield Text("  Next:", style="bold")
        for command in report.next:
            yield Text(" " * 4 + broken(printable(command), width, 4, 6))


def _unseen(report: HostReport) -> Iterator[RenderableType]:
    left = [check for check in report.checks if check.status == "unknown"]
    if not left:
        return
    yield Text("")
    if report.access.via is None:
        yield _said("Not seen", f"the inside of the host, and with it {len(left)} of the checks.", "yellow")
        return
    yield Text("  Not seen", style="yellow")
    for line in unseen(report.checks):
        yield _indented(line, 4)


def _outside(report: HostReport, reply: Reply) -> Iterator[tuple[str, str]]:
    yield "dialled", _dialled(report, reply)
    if reply.neighbours:
        yield "nearby", ", ".join(f"port {one.port}: {one.reply}" for one in reply.neighbours)
    if reply.path is not None:
        yield "way there", _way(reply.path)


def _way(path: Sequence[Hop]) -> str:
    """The routers that spoke, and how it ends."""
    stops = [f"{one.number} {one.sender or '?'}" for one in path]
    ended = bool(path) and path[-1].reply not in ("expired", "silence")
    if not ended:
        return ", ".join([*stops, "then nothing"] if stops else ["no router answers"])
    return ", ".join(stops) + f" -> {path[-1].reply}"


def _dialled(report: HostReport, reply: Reply) -> str:
    address = reply.address or report.login.address
    who = f"{report.login.user}@" if report.login.user else ""
    text = f"{who}{endpoint(address, reply.port)} -> {reply.word}"
    if reply.asked_from:
        text += f", dialled from {reply.asked_from}" + (f" ({reply.source})" if reply.source else "")
    if reply.stage:
        text += f", from the {reply.stage}"
    if reply.sender and reply.sender != address:
        text += f", sent by {reply.sender}"
    if reply.elapsed_ms is not None:
        text += f" ({_duration(reply.elapsed_ms)})"
    return text + (f" {reply.banner}" if reply.banner and works(reply.word) else "")


def _duration(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.1f} ms"


def _looked_in(report: HostReport) -> str:
    used = report.access
    tried = "; ".join(f"{one.via}: {client_words(one.reply)}" for one in used.tried if one.reply != "ok")
    if used.via is None:
        return f"no: {tried}" if tried else "no"
    rights = {True: "with root's rights", False: "without root's rights", None: ""}[used.privileged]
    how = "this machine's own shell" if used.via == "local" else used.via
    return ", ".join(part for part in (how, used.detail, rights) if part) + (f"; {tried}" if tried else "")


def _without_cause(report: HostReport) -> str:
    if report.verdict == "healthy":
        return "the client gets in."
    if report.prediction and report.prediction.agrees is False:
        return f"Not found. By what the host says, the client should get {report.prediction.reply}."
    if any(reply.word == "host-key-unknown" for reply in report.outside):
        return "This machine does not know the host's key yet, so it did not log in."
    if report.access.via is None:
        return "Not known: nobody could look inside, and what came back has more than one cause."
    return "Not known: not enough could be seen to say."


def _cause(cause: Cause) -> Iterator[RenderableType]:
    heading = {"root": "How that is known", "behind": "Behind it", "latent": "Later"}[cause.role]
    style = {"root": "bold red", "behind": "bold yellow", "latent": "bold"}[cause.role]
    yield Text("")
    if cause.role == "root":
        yield _said(heading, f"{cause.id}, {cause.confidence}", style)
    else:
        yield _said(heading, cause.summary, style)
        yield _indented(f"{cause.id}, {cause.confidence}", 4, "dim")
    for evidence in cause.evidence:
        yield _evidence(evidence)
    if cause.fix:
        yield Padding(Text.assemble(("To mend it: ", "bold"), printable(cause.fix)), (0, 0, 0, 4))


def _possible(cause: Cause) -> Iterator[RenderableType]:
    """What was not found, and what would show whether it is so."""
    yield Text("")
    yield _said("Perhaps", cause.summary)
    yield _indented(f"{cause.id}, {cause.confidence}", 4, "dim")
    for evidence in cause.evidence:
        yield _evidence(evidence)
    yield _indented(cause.fix, 4)


def _evidence(evidence: Evidence) -> RenderableType:
    lines = evidence.text.splitlines()
    shown = [printable(line) for line in lines[:_EVIDENCE_LINES]]
    if len(lines) > _EVIDENCE_LINES:
        shown.append(f"… {len(lines) - _EVIDENCE_LINES} more lines")
    head = Text(f"$ {printable(evidence.source)}", style="cyan")
    return Padding(Group(head, *(Padding(Text(line), (0, 0, 0, 2)) for line in shown)), (0, 0, 0, 4))


def _counts(report: HostReport) -> str:
    words = [check.status for check in report.checks]
    counted = ", ".join(f"{words.count(w)} {w}" for w in dict.fromkeys(sorted(words)))
    return f"{len(words)} checks: {counted}."


def _said(heading: str, text: str, style: str = "") -> RenderableType:
    return Padding(Text.assemble((f"{heading}: ", style), printable(text)), (0, 0, 0, 2))


def _table(rows: Sequence[tuple[str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=9)
    grid.add_column()
    for label, text in rows:
        grid.add_row(Text(label, style="dim"), Text(printable(text)))
    return Padding(grid, (0, 0, 0, 2))


def _indented(text: str, columns: int, style: str = "") -> RenderableType:
    return Padding(Text(printable(text), style=style), (0, 0, 0, columns))
