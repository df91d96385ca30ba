"""Inside: the first way in that works, one script through it, and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor import services
from sshdoctor.access import open_way
from sshdoctor.access.base import Access, Output
from sshdoctor.checks.run import Run
from sshdoctor.diagnosis.background import Background
from sshdoctor.diagnosis.outside import Outside, ProbeOptions, greeted_first
from sshdoctor.diagnosis.probe import AddressFacts, Probe, ProbeResult, client_of
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.errors import AccessError, CaptureError
from sshdoctor.facts import OFF, left_out, read_disk
from sshdoctor.model import AccessUsed, Attempt, Host, Unknown, WayIn
from sshdoctor.outside import dial

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture

_HEARD = 40
"""Lines of a session that failed which are kept."""

PROBE_ANSWERS = 15
"""The whole probe may take as long as so many answers (of ``ProbeOptions.timeout`` seconds each)."""

DISK_ANSWERS = 4
"""And so may reading a whole disk: 16 s, unless --timeout says otherwise."""


class Inside(Struct, frozen=True, kw_only=True):
    """What the host said of itself, one View for each address dialled, and through which way in."""

    used: AccessUsed
    views: tuple[AddressFacts, ...]
    runs: Mapping[str, Run | Unknown] = field(default_factory=dict)
    session_closed: str | None = None
    """The login to the service succeeded, but its session did not run the script: why."""
    heard: tuple[str, ...] = ()
    """What that session printed instead."""
    notes: tuple[str, ...] = ()
    way: WayIn | None = None
    """The way in that worked; ``access`` is open through it only if the host is to be repaired."""
    access: Access | None = None


def look_inside(
    host: Host,
    outside: Outside,
    wanted: Wanted,
    probing: ProbeOptions,
    *,
    to_repair: bool = False,
    capture: Capture | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Inside:
    """Ask ``host`` about all ``wanted``, once, through the first way in that works.

    ``to_repair``: the way in stays open, and one with root's rights is preferred to those before it.
    ``meanwhile`` is called in a thread while the host answers: what is read and imported then costs no time.
    ``capture`` is asked instead of the host. Raises CaptureError if it is too old, or of another host.
    """
    if probing.outside_only:
        if outside.access is not None:
            outside.access.close()
        return _nothing_seen(outside, wanted.facts, "nobody looked inside")
    probe = Probe(host, outside.replies, wanted.facts, wanted.own, when=outside.when, given=wanted.given)
    if capture is not None:
        if outside.access is not None:
            outside.access.close()
        return _from_capture(probe, host, outside, capture, ())
    brief = probe if to_repair or wanted.chosen else _of_a_login_that_works(host, outside, wanted)
    chosen: Inside | None = None
    for looked in _looks_inside(probe, brief, host, outside, probing, meanwhile):
        better = chosen is None or looked.used.privileged
        _leave(chosen if better else looked)
        chosen = looked if better else chosen
        if not to_repair or (looked.access is not None and looked.used.privileged is not False):
            break
    assert chosen is not None  # noqa: S101 -- the last interview is the one in which nothing was seen
    if not to_repair:
        _leave(chosen)
    return chosen


def _of_a_login_that_works(host: Host, outside: Outside, wanted: Wanted) -> Probe:
    """What is asked in a session of the very service that is dialled."""
    spare = left_out(wanted.facts) if all(services.works(one.word) for one in outside.replies) else ()
    asked = [name for name in wanted.facts if name not in spare]
    replies, given = outside.replies, wanted.given
    return Probe(host, replies, asked, wanted.own, when=outside.when, left_out=spare, given=given)


def _leave(looked: Inside | None) -> None:
    if looked is not None and looked.access is not None:
        looked.access.close()


def _looks_inside(
    probe: Probe,
    brief: Probe,
    host: Host,
    outside: Outside,
    probing: ProbeOptions,
    meanwhile: Callable[[], object] | None,
) -> Iterator[Inside]:
    """One through each way in that works, left open, in their order; the last saw nothing.

    ``brief`` is what is asked in a session of the service itself.
    """
    tried: list[Attempt] = []
    session_closed, heard = None, tuple[str, ...]()
    for way in host.ways:
        try:
            if way.connection == "capture":
                looked = _from_capture(probe, host, outside, _captured(way), tuple(tried))
                yield replace(looked, way=way, session_closed=session_closed, heard=heard)
                continue
            access = _open(way, host, outside, probing)
        except CaptureError as error:
            tried.append(Attempt(way.connection, "unreadable", str(error)))
            continue
        except AccessError as error:
            tried.append(Attempt(way.connection, error.word, error.detail))
            continue
        if way.connection == "chroot":
            tried.append(Attempt(access.via, "ok"))
            answer = _read_disk(access, probe, host, outside, DISK_ANSWERS * probing.timeout)
            looked = _answered(access, answer, tuple(tried), session_closed)
            yield replace(looked, way=way, access=access, heard=heard)
            continue
        if meanwhile is not None:
            Background(meanwhile)
        asking = brief if _is_service(way, host) else probe
        output = _put(asking, access, PROBE_ANSWERS * probing.timeout)
        if asking.was_heard(output.stdout):
            tried.append(Attempt(access.via, "ok"))
            looked = _answered(access, asking.read(output.stdout), tuple(tried), session_closed)
            yield replace(looked, way=way, access=access, heard=heard)
            continue
        speaks = _is_service(way, host) and _speaks(access, output, probing.timeout)
        access.close()
        lines = _lines(output, access.privileges)
        said = _telling(host, lines) or output.error or f"it ended with status {output.status}"
        if speaks:
            tried.append(
                Attempt(access.via, "unsupported", f"commands run there, and no script of ours: {said}")
            )
            continue
        tried.append(Attempt(access.via, "session-closed", said))
        if _is_service(way, host):
            session_closed, heard = said, lines
    nothing = _nothing_seen(outside, probe.wanted, "no way in", tuple(tried), session_closed)
    yield replace(nothing, heard=heard)


def _read_disk(access: Access, probe: Probe, host: Host, outside: Outside, seconds: float) -> ProbeResult:
    """What a mounted disk says: its files alone. What users' own commands would print is Unknown."""
    from sshdoctor.access.chroot import ChrootAccess  # 5 ms that only disks need

    assert isinstance(access, ChrootAccess)  # noqa: S101 -- what a way in by chroot opens
    found = read_disk(probe.wanted, access.disk, host.login.user or "", seconds)
    views = tuple(AddressFacts(client_of(reply, here=False) or None, found) for reply in outside.replies)
    return ProbeResult(views, dict.fromkeys(probe.own, Unknown(OFF.reason)))


def _is_service(way: WayIn, host: Host) -> bool:
    return way.login == host.login


def _open(way: WayIn, host: Host, outside: Outside, probing: ProbeOptions) -> Access:
    if _is_service(way, host):
        if outside.access is not None:
            return outside.access
        failed = next((r for r in outside.replies if not services.works(r.word)), outside.replies[0])
        raise AccessError(failed.word, failed.detail or "")
    return enter(way, probing)


def enter(way: WayIn, probing: ProbeOptions) -> Access:
    """Open a way in anew. Raises AccessError."""
    socket = None
    if way.login is not None and not way.login.jumps and not way.login.fault:
        met = dial(way.login, services.load(way.connection), probing.timeout)
        greeted = greeted_first(met)
        if greeted is None:
            raise AccessError(met[0].reply.word, met[0].reply.detail or "")
        socket = greeted.socket
    return open_way(
        way, socket=socket, timeout=probing.timeout, accept_new_host_key=probing.accept_new_host_key
    )


def _speaks(access: Access, output: Output, timeout: float) -> bool:
    """Commands run in the session of the service, though no script: a restricted shell, an odd PATH."""
    trial = getattr(access, "speaks", None)
    return trial is not None and output.status is not None and trial(timeout) is True


def _put(probe: Probe, access: Access, timeout: float) -> Output:
    try:
        return access.run(probe.script, timeout=timeout, stop=probe.stop)
    except AccessError as error:
        return Output(b"", None, str(error))
    except BaseException:
        access.close()
        raise


def _answered(
    access: Access, answer: ProbeResult, tried: tuple[Attempt, ...], session_closed: str | None
) -> Inside:
    used = AccessUsed(
        via=access.via,
        detail=access.detail,
        privileged=_privileged(answer),
        tried=tried,
    )
    return Inside(
        used=used,
        views=answer.views,
        runs=answer.runs,
        session_closed=session_closed,
        notes=(access.privileges,) if access.privileges else (),
    )


def _captured(way: WayIn) -> Capture:
    from sshdoctor.access.capture.capture import read_capture_file  # 5 ms that only captures need

    return read_capture_file(way.target)


def _from_capture(
    probe: Probe, host: Host, outside: Outside, capture: Capture, tried: tuple[Attempt, ...]
) -> Inside:
    """What ``capture`` says. Raises CaptureError."""
    from sshdoctor.diagnosis.captured import read_capture_facts  # as above

    recalled = read_capture_facts(host, outside.replies, probe.wanted, probe.own, capture, now=time.time())
    used = AccessUsed(
        via="capture",
        detail=recalled.detail,
        privileged=_privileged(recalled.answer),
        tried=(*tried, Attempt("capture", "ok")),
    )
    answer = recalled.answer
    return Inside(used=used, views=answer.views, runs=answer.runs, notes=recalled.notes)


def _privileged(answer: ProbeResult) -> bool | None:
    privileged = getattr(answer.views[0].facts["identity"], "privileged", None)
    return None if isinstance(privileged, Unknown) else privileged


def _nothing_seen(
    outside: Outside,
    wanted: Sequence[str],
    reason: str,
    tried: tuple[Attempt, ...] = (),
    session_closed: str | None = None,
) -> Inside:
    view = AddressFacts(None, {name: Unknown(reason) for name in wanted})
    return Inside(
        used=AccessUsed(via=None, tried=tried),
        views=(view,) * len(outside.replies),
        session_closed=session_closed,
    )


def _lines(output: Output, before: str) -> tuple[str, ...]:
    """The last lines that a session printed or wrote to standard error, and what one ``before`` it said."""
    text = output.stdout[-8192:].decode("utf-8", "backslashreplace")
    lines = [line.strip()[:200] for line in (*text.splitlines(), before, output.error) if line.strip()]
    return tuple(dict.fromkeys(lines[-_HEARD:]))


def _telling(host: Host, lines: Sequence[str]) -> str:
    """The line that a list of reasons explains, or else the last: the first is often a greeting."""
    from sshdoctor.reasons import classify

    program = services.load(host.service).client
    known = [line for line in lines if (reason := classify(program, line)) and reason.entry.cause]
    return known[0] if known else lines[-1] if lines else ""
