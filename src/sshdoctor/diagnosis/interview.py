"""Inside: the first way in that works, one script through it, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sshdoctor.access import open_way
from sshdoctor.access.base import Access, Output
from sshdoctor.checks.run import Run
from sshdoctor.diagnosis.question import Question, View
from sshdoctor.diagnosis.visit import Manner, Visit, greeted_first
from sshdoctor.errors import AccessError
from sshdoctor.model import WORKING, AccessUsed, Attempt, Host, Unknown, WayIn
from sshdoctor.outside import dial

PROBE_ANSWERS = 15
"""The whole probe may take as long as so many answers (of ``Manner.timeout`` seconds each)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview:
    """What the host said of itself, one View for each address dialled, and through which way in."""

    used: AccessUsed
    views: tuple[View, ...]
    runs: Mapping[str, Run | Unknown] = field(default_factory=dict)
    session_closed: str | None = None
    """The login to the service succeeded, but its session did not run the script: why."""
    notes: tuple[str, ...] = ()
    way: WayIn | None = None
    """The way in that worked; ``access`` is open through it where it was to be kept."""
    access: Access | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """What to ask: ``facts`` of the host, and users' ``own`` commands, by check."""

    facts: tuple[str, ...]
    own: Mapping[str, str] = field(default_factory=dict)


def interview(
    host: Host, visit: Visit, topics: Topics, manner: Manner, *, keep_open: bool = False
) -> Interview:
    """Ask ``host`` about all ``topics``, once, through the first way in that works."""
    if manner.outside_only:
        if visit.access is not None:
            visit.access.close()
        return _nothing_seen(visit, topics.facts, "nobody looked inside")
    question = Question(host, visit.replies, topics.facts, topics.own)
    tried: list[Attempt] = []
    session_closed = None
    for way in host.ways:
        try:
            access = _open(way, host, visit, manner)
        except AccessError as error:
            tried.append(Attempt(way.connection, error.word, error.detail))
            continue
        output = _put(question, access, PROBE_ANSWERS * manner.timeout)
        if question.was_heard(output.stdout):
            tried.append(Attempt(access.via, "ok"))
            heard = _heard(question, access, output, tuple(tried), session_closed)
            if keep_open:
                return replace(heard, way=way, access=access)
            access.close()
            return replace(heard, way=way)
        access.close()
        said = output.error or _first_line(output.stdout) or f"it ended with status {output.status}"
        tried.append(Attempt(access.via, "session-closed", said))
        session_closed = said if _is_service(way, host) else session_closed
    return _nothing_seen(visit, topics.facts, "no way in", tuple(tried), session_closed)


def _is_service(way: WayIn, host: Host) -> bool:
    return way.connection == "ssh" and way.login == host.login


def _open(way: WayIn, host: Host, visit: Visit, manner: Manner) -> Access:
    if _is_service(way, host):
        if visit.access is not None:
            return visit.access
        failed = next((r for r in visit.replies if r.word not in WORKING), visit.replies[0])
        raise AccessError(failed.word, failed.detail or "")
    return enter(way, manner)


def enter(way: WayIn, manner: Manner) -> Access:
    """Open a way in anew. Raises AccessError."""
    socket = None
    if way.connection == "ssh" and way.login is not None and not way.login.jumps:
        met = dial(way.login, manner.timeout)
        greeted = greeted_first(met)
        if greeted is None:
            raise AccessError(met[0].reply.word, met[0].reply.detail or "")
        socket = greeted.socket
    return open_way(
        way, socket=socket, timeout=manner.timeout, accept_new_host_key=manner.accept_new_host_key
    )


def _put(question: Question, access: Access, timeout: float) -> Output:
    try:
        return access.run(question.script, timeout=timeout, stop=question.stop)
    except AccessError as error:
        return Output(b"", None, str(error))
    except BaseException:
        access.close()
        raise


def _heard(
    question: Question, access: Access, output: Output, tried: tuple[Attempt, ...], session_closed: str | None
) -> Interview:
    answer = question.read(output.stdout)
    privileged = getattr(answer.views[0].facts["identity"], "privileged", None)
    used = AccessUsed(
        via=access.via,
        detail=access.detail,
        privileged=None if isinstance(privileged, Unknown) else privileged,
        tried=tried,
    )
    return Interview(
        used=used,
        views=answer.views,
        runs=answer.runs,
        session_closed=session_closed,
        notes=(access.privileges,) if access.privileges else (),
    )


def _nothing_seen(
    visit: Visit,
    wanted: Sequence[str],
    reason: str,
    tried: tuple[Attempt, ...] = (),
    session_closed: str | None = None,
) -> Interview:
    view = View(None, {name: Unknown(reason) for name in wanted})
    return Interview(
        used=AccessUsed(via=None, tried=tried),
        views=(view,) * len(visit.replies),
        session_closed=session_closed,
    )


def _first_line(stdout: bytes) -> str:
    lines = [line for line in stdout.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    return lines[0][:200] if lines else ""
