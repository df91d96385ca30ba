"""Inside: the first way in that works, one script through it, and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.access import open_way
from sshdoctor.access.base import Access, Output
from sshdoctor.background import Ahead
from sshdoctor.checks.run import Run
from sshdoctor.diagnosis.outside import Manner, Visit, greeted_first
from sshdoctor.diagnosis.probe import Answer, Question, View
from sshdoctor.errors import AccessError, CaptureError
from sshdoctor.model import WORKING, AccessUsed, Attempt, Host, Unknown, WayIn
from sshdoctor.outside import dial

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture

PROBE_ANSWERS = 15
"""The whole probe may take as long as so many answers (of ``Manner.timeout`` seconds each)."""


class Interview(Struct, frozen=True, kw_only=True):
    """What the host said of itself, one View for each address dialled, and through which way in."""

    used: AccessUsed
    views: tuple[View, ...]
    runs: Mapping[str, Run | Unknown] = field(default_factory=dict)
    session_closed: str | None = None
    """The login to the service succeeded, but its session did not run the script: why."""
    notes: tuple[str, ...] = ()
    way: WayIn | None = None
    """The way in that worked; ``access`` is open through it only if the host is to be repaired."""
    access: Access | None = None


class Topics(Struct, frozen=True, kw_only=True):
    """What to ask: ``facts`` of the host, and users' ``own`` commands, by check."""

    facts: tuple[str, ...]
    own: Mapping[str, str] = field(default_factory=dict)


def interview(
    host: Host,
    visit: Visit,
    topics: Topics,
    manner: Manner,
    *,
    to_repair: bool = False,
    capture: Capture | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Interview:
    """Ask ``host`` about all ``topics``, once, through the first way in that works.

    ``to_repair``: the way in stays open, and one with root's rights is preferred to those before it.
    ``meanwhile`` is called in a thread while the host answers: what is read and imported then costs no time.
    ``capture`` is asked instead of the host. Raises CaptureError if it is too old, or of another host.
    """
    if manner.outside_only:
        if visit.access is not None:
            visit.access.close()
        return _nothing_seen(visit, topics.facts, "nobody looked inside")
    question = Question(host, visit.replies, topics.facts, topics.own)
    if capture is not None:
        if visit.access is not None:
            visit.access.close()
        return _recalled(question, host, visit, capture, ())
    chosen: Interview | None = None
    for heard in _interviews(question, host, visit, manner, meanwhile):
        better = chosen is None or heard.used.privileged
        _leave(chosen if better else heard)
        chosen = heard if better else chosen
        if not to_repair or (heard.access is not None and heard.used.privileged is not False):
            break
    assert chosen is not None  # noqa: S101 -- the last interview is the one in which nothing was seen
    if not to_repair:
        _leave(chosen)
    return chosen


def _leave(heard: Interview | None) -> None:
    if heard is not None and heard.access is not None:
        heard.access.close()


def _interviews(
    question: Question, host: Host, visit: Visit, manner: Manner, meanwhile: Callable[[], object] | None
) -> Iterator[Interview]:
    """One through each way in that works, left open, in their order; the last saw nothing."""
    tried: list[Attempt] = []
    session_closed = None
    for way in host.ways:
        try:
            if way.connection == "capture":
                heard = _recalled(question, host, visit, _captured(way), tuple(tried))
                yield replace(heard, way=way, session_closed=session_closed)
                continue
            access = _open(way, host, visit, manner)
        except CaptureError as error:
            tried.append(Attempt(way.connection, "unreadable", str(error)))
            continue
        except AccessError as error:
            tried.append(Attempt(way.connection, error.word, error.detail))
            continue
        if way.connection == "chroot":
            tried.append(Attempt(access.via, "ok"))
            answer = _read_disk(access, question, host, visit)
            yield replace(_answered(access, answer, tuple(tried), session_closed), way=way, access=access)
            continue
        if meanwhile is not None:
            Ahead(meanwhile)
        output = _put(question, access, PROBE_ANSWERS * manner.timeout)
        if question.was_heard(output.stdout):
            tried.append(Attempt(access.via, "ok"))
            heard = _answered(access, question.read(output.stdout), tuple(tried), session_closed)
            yield replace(heard, way=way, access=access)
            continue
        access.close()
        said = output.error or _first_line(output.stdout) or f"it ended with status {output.status}"
        tried.append(Attempt(access.via, "session-closed", said))
        session_closed = said if _is_service(way, host) else session_closed
    yield _nothing_seen(visit, question.wanted, "no way in", tuple(tried), session_closed)


def _read_disk(access: Access, question: Question, host: Host, visit: Visit) -> Answer:
    from sshdoctor.access.chroot import ChrootAccess  # 5 ms that only disks need
    from sshdoctor.diagnosis.mounted import ask_disk

    assert isinstance(access, ChrootAccess)  # noqa: S101 -- what a way in by chroot opens
    return ask_disk(access.disk, visit.replies, question.wanted, question.own, host.login.user or "")


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


def _answered(
    access: Access, answer: Answer, tried: tuple[Attempt, ...], session_closed: str | None
) -> Interview:
    used = AccessUsed(
        via=access.via,
        detail=access.detail,
        privileged=_privileged(answer),
        tried=tried,
    )
    return Interview(
        used=used,
        views=answer.views,
        runs=answer.runs,
        session_closed=session_closed,
        notes=(access.privileges,) if access.privileges else (),
    )


def _captured(way: WayIn) -> Capture:
    from sshdoctor.access.capture.capture import read_capture_file  # 5 ms that only captures need

    return read_capture_file(way.target)


def _recalled(
    question: Question, host: Host, visit: Visit, capture: Capture, tried: tuple[Attempt, ...]
) -> Interview:
    """What ``capture`` says. Raises CaptureError."""
    from sshdoctor.diagnosis.captured import recall  # as above

    recalled = recall(host, visit.replies, question.wanted, question.own, capture, now=time.time())
    used = AccessUsed(
        via="capture",
        detail=recalled.detail,
        privileged=_privileged(recalled.answer),
        tried=(*tried, Attempt("capture", "ok")),
    )
    answer = recalled.answer
    return Interview(used=used, views=answer.views, runs=answer.runs, notes=recalled.notes)


def _privileged(answer: Answer) -> bool | None:
    privileged = getattr(answer.views[0].facts["identity"], "privileged", None)
    return None if isinstance(privileged, Unknown) else privileged


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
