"""The report for people: what came back, why, how that is known, what to type, what was not seen."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from shlex import quote

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sshdoctor.model import Cause, Evidence, Hop, HostReport, Reply, endpoint
from sshdoctor.reports.layout.printable import printable
from sshdoctor.reports.repair_text import repair_lines
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
    for report in reports:
        for block in _host(report):
            console.print(block)
        console.print()
    if len(reports) > 1:
        console.print(_totals(reports))
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines()) + "\n"


def _host(report: HostReport) -> Iterator[RenderableType]:
    yield Text.assemble(
        (printable(report.host), "bold"), ": ", (report.verdict, _VERDICT_STYLE[report.verdict]), "."
    )
    if report.repair:
        for line in repair_lines(report.repair):
            yield Text(line)
        yield Text("")
    yield _table([row for reply in report.outside for row in _outside(report, reply)])
    yield _table([("looked in", _looked_in(report))])
    now = [c for c in report.causes if c.role == "root"]
    for cause in now:
        yield from _cause(cause, "Why")
    if not now:
        yield Text("")
        yield _said("Why", _without_cause(report), "bold")
    for cause in report.causes:
        if cause.role != "root":
            yield from _cause(cause, "Behind it" if cause.role == "behind" else "Later")
    for cause in report.possible:
        yield from _possible(cause)
    for note in report.notes:
        yield _said("Note", note)
    yield from _unseen(report)
    yield from _next(report)
    if report.checks:
        yield Text("")
        yield _indented(_counts(report), 2, "dim")


def _unseen(report: HostReport) -> Iterator[RenderableType]:
    unseen = [check for check in report.checks if check.status == "unknown"]
    if not unseen:
        return
    yield Text("")
    if report.access.via is None:
        yield _said("Not seen", f"the inside of the host, and with it {len(unseen)} of the checks.", "yellow")
        return
    yield Text("  Not seen", style="yellow")
    for check in unseen:
        yield _indented(f"{check.title}? {check.summary}", 4)


def _next(report: HostReport) -> Iterator[RenderableType]:
    """What else there is where no way in worked."""
    if report.access.via is None and report.access.tried:
        yield Text("")
        yield _said("Next", "if you can get to its console, this writes a script to run there:", "bold")
        yield _indented(f"sshdoctor rescue --host {quote(report.host)} --output rescue.sh", 4)


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
    if reply.sender and reply.sender != address:
        text += f", sent by {reply.sender}"
    if reply.elapsed_ms is not None:
        text += f" ({_duration(reply.elapsed_ms)})"
    return text + (f" {reply.banner}" if reply.banner and works(reply.word) else "")


def _duration(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.1f} ms"


def _looked_in(report: HostReport) -> str:
    used = report.access
    tried = ", ".join(f"{one.via}: {one.reply}" for one in used.tried if one.reply != "ok")
    if used.via is None:
        return f"no ({tried})" if tried else "no"
    rights = {True: "with root's rights", False: "without root's rights", None: ""}[used.privileged]
    return ", ".join(part for part in (f"by {used.via}", used.detail, rights) if part) + (
        f"; {tried}" if tried else ""
    )


def _without_cause(report: HostReport) -> str:
    if report.verdict == "healthy":
        return "Nothing stands in the way: the client gets in."
    if report.prediction and report.prediction.agrees is False:
        return f"Not found. By what the host says, the client should get {report.prediction.reply}."
    return "Not enough could be seen to say."


def _cause(cause: Cause, heading: str) -> Iterator[RenderableType]:
    style = {"root": "bold red", "behind": "bold yellow", "latent": "bold"}[cause.role]
    yield Text("")
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


def _totals(reports: Sequence[HostReport]) -> Text:
    words: list[str] = [report.verdict for report in reports]
    return Text(f"{len(words)} hosts: " + ", ".join(f"{words.count(w)} {w}" for w in _VERDICT_STYLE) + ".")


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
