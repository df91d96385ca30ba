"""A message to whoever runs the host or its network: templates/reports/ticket*.j2, plain text, 72 columns."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from sshdoctor.model import Cause, Evidence, HostReport, Reply
from sshdoctor.reports.layout.folding import fold
from sshdoctor.reports.layout.phrases import Phrases, phrases
from sshdoctor.reports.layout.printable import printable
from sshdoctor.reports.layout.template import fill, moment
from sshdoctor.reports.masking.addresses import read
from sshdoctor.services import progress, works
from sshdoctor.services.base import CONNECTED

_EVIDENCE_LINES = 10
_CLOCKS_DIFFER = 60
_MENDED_BY_COMMANDS = ("firewall", "socket", "daemon", "admission")


class Shown(Struct, frozen=True, kw_only=True):
    """A cause as the ticket has it: its name, what is asked for, and the tool's own words."""

    cause: Cause
    name: str
    ask: str
    confidence: str
    evidence: tuple[str, ...]
    fix: str


class Ticket(Struct, frozen=True, kw_only=True):
    """What the templates say of one host."""

    report: HostReport
    service: str
    matter: str
    some_work: bool
    """The client gets in over another address."""
    foretold: str
    """What the host's own state would have answered, in plain words, where something else came back."""
    clients: tuple[str, ...]
    """The client's own addresses, one for each family."""
    behind_nat: bool
    by_proxy: bool
    """The client goes through a program of its own."""
    replies: tuple[tuple[Reply, str, str, str], ...]
    """For each address dialled: the reply, what came back and what that means, after how long."""
    asks: tuple[str, ...]
    later: tuple[str, ...]
    causes: tuple[Shown, ...]
    passed: tuple[str, ...]
    unseen: tuple[str, ...]
    here: tuple[str, ...]
    """The commands with which it can be seen again on the client."""
    capture: str
    """The command that shows on the host whether the client's packets arrive; empty if that is clear."""
    log: str
    """The command that shows on the host what its daemon said; empty if the client did not come so far."""


def render(
    reports: Sequence[HostReport],
    *,
    colour: bool = False,
    width: int = 80,
    lang: str = "en",
    own_checks: Sequence[Path] = (),
) -> str:
    words = phrases(lang, own_checks)
    name = "ticket.txt.j2" if lang == "en" else f"ticket.{lang}.txt.j2"
    return fill(name, reports, tickets=[_ticket(report, words) for report in reports])


def _ticket(report: HostReport, words: Phrases) -> Ticket:
    failed = [reply for reply in report.outside if not works(reply.word)]
    first = failed[0] if failed else report.outside[0]
    values = _values(report, failed or [first], words)
    causes = tuple(_shown(cause, values, words) for cause in report.causes)
    clients = tuple(dict.fromkeys(reply.source for reply in report.outside if reply.source))
    telling = ("root",) if failed else ("root", "latent")
    named = next((one.name for one in causes if one.cause.role in telling), "")
    return Ticket(
        report=report,
        service=_service(report),
        matter=named or words.said[first.word],
        some_work=0 < len(failed) < len(report.outside),
        foretold=_foretold(report, words),
        clients=clients,
        behind_nat=any(map(_behind_nat, report.outside)),
        by_proxy="proxycommand" in report.login.options,
        replies=tuple(
            (reply, words.said[reply.word], _means(reply, words), _duration(reply))
            for reply in report.outside
        ),
        asks=tuple(dict.fromkeys(_asks(report, failed, causes, words))),
        later=tuple(one.ask for one in causes if one.cause.role == "latent"),
        causes=causes,
        passed=tuple(_passed(report, values, words)),
        unseen=tuple(check.title for check in report.checks if check.status == "unknown"),
        here=tuple(dict.fromkeys(_commands(report, failed or list(report.outside)))),
        capture=_capture(report, first),
        log=_log(report, first),
    )


def _means(reply: Reply, words: Phrases) -> str:
    """Of the host's port; what stopped before it tells nothing about that."""
    return "" if reply.stage else words.means.get(reply.word, "")


def _asks(
    report: HostReport, failed: Sequence[Reply], causes: Sequence[Shown], words: Phrases
) -> Iterator[str]:
    """What the causes ask for that stop the client; what the replies ask for if none is known."""
    stopping = [one.ask for one in causes if one.cause.role != "latent"]
    yield from stopping
    if not any(one.cause.role == "root" for one in causes):
        for reply in failed:
            yield words.asks[reply.word].format_map(_values(report, [reply], words))


def _values(report: HostReport, replies: Sequence[Reply], words: Phrases) -> Mapping[str, object]:
    """What is filled in; where several addresses fail, all of them are asked for."""
    sources = dict.fromkeys(reply.source for reply in replies if reply.source)
    return {
        "host": report.host,
        "address": ", ".join(dict.fromkeys(reply.address or report.login.address for reply in replies)),
        "port": replies[0].port,
        "client": ", ".join(sources) or words.unknown_client,
        "user": report.login.user or words.unknown_user,
    }


def _shown(cause: Cause, values: Mapping[str, object], words: Phrases) -> Shown:
    known = words.causes.get(cause.id, words.other)
    return Shown(
        cause=cause,
        name=known.name,
        ask=known.ask.format_map({**values, "cause": cause.id}),
        confidence=words.confidence[cause.confidence],
        # What was dialled stands above already.
        evidence=tuple(_quoted(one) for one in cause.evidence if not one.source.startswith("dialling ")),
        fix=cause.fix if cause.layer in _MENDED_BY_COMMANDS else "",
    )


def _quoted(evidence: Evidence) -> str:
    lines = evidence.text.splitlines()
    more = [f"... (+{len(lines) - _EVIDENCE_LINES})"] if len(lines) > _EVIDENCE_LINES else []
    shown = [fold(printable(line), "      ", "        ") for line in (*lines[:_EVIDENCE_LINES], *more)]
    return "\n".join([fold(f"$ {printable(evidence.source)}", "    ", "      "), *shown])


def _foretold(report: HostReport, words: Phrases) -> str:
    said = report.prediction
    return words.said[said.reply] if said and said.agrees is False else ""


def _service(report: HostReport) -> str:
    address = report.login.address
    return report.host if address in report.host else f"{report.host} ({address})"


def _duration(reply: Reply) -> str:
    if reply.elapsed_ms is None:
        return ""
    return f"{reply.elapsed_ms / 1000:.1f} s" if reply.elapsed_ms >= 1000 else f"{reply.elapsed_ms:.1f} ms"


def _behind_nat(reply: Reply) -> bool:
    """The client's own address is a private one, and the host's is not: others see another one."""
    ours, theirs = read(reply.source or ""), read(reply.address or "")
    return ours is not None and theirs is not None and ours.is_private and not theirs.is_private


def _passed(report: HostReport, values: Mapping[str, object], words: Phrases) -> Iterator[str]:
    """What was seen inside to be in order: only of checks whose passing says so, whatever the client got."""
    passed = {check.id for check in report.checks if check.status == "pass" and report.access.via}
    for ident, said in words.passed.items():
        if ident in passed and (report.login.user or "{user}" not in said):
            yield said.format_map(values)


def _commands(report: HostReport, replies: Sequence[Reply]) -> Iterator[str]:
    """What anybody can type on the client to see the same."""
    login = report.login
    user = ["-l", login.user] if login.user else []
    for reply in replies:
        address, port = reply.address or login.address, str(reply.port)
        if reply.word == "name-not-found":
            yield shlex.join(["getent", "ahosts", address])
        elif report.url:
            yield shlex.join(["curl", "-v", *_to(report.url, reply), report.url])
        elif login.jumps:
            yield shlex.join(["ssh", "-v", "-J", ",".join(login.jumps), "-p", port, *user, address])
        elif reply.stage:
            yield shlex.join(["ssh", "-v", "-p", port, *user, address])
        else:
            yield shlex.join(["nc", "-vz", "-w", "5", address, port])
            yield shlex.join(["ssh", "-v", "-p", port, *user, address])


def _to(url: str, reply: Reply) -> list[str]:
    """What makes curl ask the very address that was dialled."""
    parts = urlsplit(url)
    if not reply.address or parts.hostname == reply.address:
        return []
    address = f"[{reply.address}]" if ":" in reply.address else reply.address
    return ["--resolve", f"{parts.hostname}:{reply.port}:{address}"]


def _capture(report: HostReport, reply: Reply) -> str:
    """Behind NAT or a jump host, from whom the packets come is open. What stopped on the way sent none."""
    if reply.stage or reply.word == "name-not-found" or progress(reply.word) >= CONNECTED:
        return ""
    seen = f"tcp port {reply.port}"
    if reply.source and not report.login.jumps and not _behind_nat(reply):
        seen += f" and host {reply.source}"
    return shlex.join(["tcpdump", "-ni", "any", seen])


def _log(report: HostReport, reply: Reply) -> str:
    if reply.stage or progress(reply.word) < CONNECTED or works(reply.word):
        return ""
    if report.url:
        return "tail -n 50 /var/log/nginx/error.log /var/log/apache2/error.log /var/log/httpd/error_log"
    since = [] if report.when is None else ["--since", f"{moment(report.when - _CLOCKS_DIFFER)} UTC"]
    # Since OpenSSH 9.8 the process that serves a client goes by a name of its own.
    return shlex.join(["journalctl", "-t", "sshd", "-t", "sshd-session", *since])
