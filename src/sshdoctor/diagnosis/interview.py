"""Inside: the first way in that works, one script through it, and what it says."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from sshdoctor.access import open_way
from sshdoctor.access.base import Access, Output
from sshdoctor.checks.load import Check, Run
from sshdoctor.diagnosis.derived import NEEDS
from sshdoctor.diagnosis.visit import Manner, Visit
from sshdoctor.errors import AccessError
from sshdoctor.facts import commands, names, parse_all
from sshdoctor.facts.probe import Section, build_script, split_output, stop_script
from sshdoctor.model import AccessUsed, Attempt, Host, Reply, Unknown, WayIn
from sshdoctor.outside import dial

PROBE_ANSWERS = 15
"""The whole probe may take as long as so many answers (of ``Manner.timeout`` seconds each)."""
_CLIENT = "client.seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview:
    """What the host said of itself, and through which way in."""

    used: AccessUsed
    facts: Mapping[str, object]
    runs: Mapping[str, Run | Unknown] = field(default_factory=dict)
    client: str | None = None
    """The client's address as the host sees it."""
    session_closed: str | None = None
    """The login to the service succeeded, but its session did not run the script: why."""
    notes: tuple[str, ...] = ()


def needed_facts(checks: Sequence[Check]) -> tuple[str, ...]:
    """The facts of the host that ``checks`` hang on, through derived ones too."""
    asked = dict.fromkeys(name for check in checks for name in check.facts)
    wanted = dict.fromkeys(["identity", *(real for name in asked for real in NEEDS.get(name, (name,)))])
    return tuple(name for name in names() if name in wanted)


def interview(host: Host, visit: Visit, checks: Sequence[Check], manner: Manner) -> Interview:
    """Ask ``host`` everything that ``checks`` need, once, through the first way in that works."""
    wanted = needed_facts(checks)
    if manner.outside_only:
        _close(visit.access)
        return Interview(used=AccessUsed(via=None), facts=_unseen(wanted, "nobody looked inside"))
    question = _Question(host, visit, wanted, checks)
    tried: list[Attempt] = []
    session_closed = None
    for way in host.ways:
        service = way.login == host.login and way.connection == "ssh"
        try:
            access = _open(way, visit, service, manner)
        except AccessError as error:
            tried.append(Attempt(way.connection, error.word, error.detail))
            continue
        output = question.put(access, PROBE_ANSWERS * manner.timeout)
        if question.answered(output):
            tried.append(Attempt(access.via, "ok"))
            return question.result(access, output, tuple(tried), session_closed)
        said = output.error or _first_line(output.stdout) or f"it ended with status {output.status}"
        tried.append(Attempt(access.via, "session-closed", said))
        session_closed = said if service else session_closed
    reason = "no way in" if tried else "there is no way in to try"
    return Interview(
        used=AccessUsed(via=None, tried=tuple(tried)),
        facts=_unseen(wanted, reason),
        client=None,
        session_closed=session_closed,
    )


def _open(way: WayIn, visit: Visit, service: bool, manner: Manner) -> Access:
    if service:
        if visit.access is None:
            first = visit.replies[0]
            word = next((r.word for r in visit.replies if r.word not in ("banner",)), first.word)
            raise AccessError(word, first.detail or "")
        return visit.access
    if way.connection != "ssh" or way.login is None or way.login.jumps:
        return open_way(way, timeout=manner.timeout, accept_new_host_key=manner.accept_new_host_key)
    met = dial(way.login, manner.timeout)
    greeted = next((one for one in met if one.socket is not None), None)
    for one in met:
        if one is not greeted and one.socket is not None:
            one.socket.close()
    if greeted is None:
        raise AccessError(met[0].reply.word, met[0].reply.detail or "")
    return open_way(
        way, socket=greeted.socket, timeout=manner.timeout, accept_new_host_key=manner.accept_new_host_key
    )


class _Question:
    """One script, sent once; ``mark`` fences this run's sections."""

    def __init__(self, host: Host, visit: Visit, wanted: tuple[str, ...], checks: Sequence[Check]) -> None:
        self.mark = secrets.token_hex(16)
        self.wanted = wanted
        self.own = {f"check.{check.id}": check.run for check in checks if check.run}
        self.commands = {_CLIENT: 'printf %s "$client"', **commands(wanted), **self.own}
        reply = next((r for r in visit.replies if r.word not in ("ok", "banner")), visit.replies[0])
        self.here = host.ways[0].connection == "local"
        variables = {
            "client": _client(reply, self.here),
            "address": reply.address or "",
            "port": str(reply.port),
            "user": host.login.user or "",
        }
        self.script = build_script(self.commands, variables, self.mark)

    def put(self, access: Access, timeout: float) -> Output:
        try:
            return access.run(self.script, timeout=timeout, stop=stop_script(self.mark))
        except AccessError as error:
            return Output(b"", None, str(error))
        finally:
            access.close()

    def answered(self, output: Output) -> bool:
        return f"@@{self.mark} begin {_CLIENT}@@".encode() in output.stdout

    def result(
        self, access: Access, output: Output, tried: tuple[Attempt, ...], session_closed: str | None
    ) -> Interview:
        sections = split_output(output.stdout, self.mark, tuple(self.commands))
        facts = parse_all(self.wanted, sections)
        privileged = getattr(facts.get("identity"), "privileged", None)
        used = AccessUsed(
            via=access.via,
            detail=access.detail,
            privileged=None if isinstance(privileged, Unknown) else privileged,
            tried=tried,
        )
        return Interview(
            used=used,
            facts=facts,
            runs={name.removeprefix("check."): _run(text, sections[name]) for name, text in self.own.items()},
            client=sections[_CLIENT].output.strip() or None,
            session_closed=session_closed,
            notes=(access.privileges,) if access.privileges else (),
        )


def _client(reply: Reply, here: bool) -> str:
    """The client's address as far as it is certain; empty where the host must say (SSH_CONNECTION)."""
    if not reply.source or not reply.address:
        return ""
    ours, theirs = (ip_address(text.split("%")[0]) for text in (reply.source, reply.address))
    forwarded = (ours.is_loopback and not here) or (theirs.is_global and not ours.is_global)
    return "" if forwarded else str(ours)


def _run(command: str, section: Section) -> Run | Unknown:
    if section.status is None:
        return Unknown(section.cut)
    return Run(output=section.output, status=section.status, command=command.strip())


def _unseen(wanted: tuple[str, ...], reason: str) -> dict[str, object]:
    return {name: Unknown(reason) for name in wanted}


def _first_line(stdout: bytes) -> str:
    lines = [line for line in stdout.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    return lines[0][:200] if lines else ""


def _close(access: Access | None) -> None:
    if access is not None:
        access.close()
