"""What a capture says, instead of the host itself: for each address dialled now, as far as it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from sshdoctor import __version__
from sshdoctor.access.capture.capture import Capture, Seat
from sshdoctor.checks.run import Run
from sshdoctor.diagnosis.probe import AddressFacts, Probe, ProbeResult, client_of
from sshdoctor.errors import CaptureError
from sshdoctor.facts import commands
from sshdoctor.facts.probe import split_output
from sshdoctor.model import Host, Reply, Unknown

OLDEST = 24 * 3600.0
"""Seconds: what a host said longer ago is not held against what a client gets now."""
_NOTED, _ASKEW = 3600, 300
_VARIABLE = re.compile(r"\$\{?(client|address|port|user)\b")
_LOST = Unknown("that part of the capture is lost")


class Recalled(Struct, frozen=True):
    """An answer as if the host had been asked, where it is from, and what to know about it."""

    answer: ProbeResult
    detail: str
    notes: tuple[str, ...]


def read_capture_facts(
    host: Host,
    replies: Sequence[Reply],
    wanted: Sequence[str],
    own: Mapping[str, str],
    capture: Capture,
    *,
    now: float,
    oldest: float = OLDEST,
) -> Recalled:
    """What ``capture`` says about ``host``. Raises CaptureError for another host's, or one that is too old.

    A fact that was asked for another client, address, port or user than is dialled now is Unknown, and so is
    each of which a part is lost. ``now`` is seconds since 1970, ``oldest`` seconds.
    """
    asked = capture.asked
    _check_host(host, capture)
    aged = _age(capture, now, oldest)
    kept = {check: text for check, text in sorted(own.items()) if asked.own.get(check) == digest(text)}
    seats = [_reply(seat, asked.port) for seat in asked.seats]
    question = Probe(host, seats, wanted, kept, mark=asked.mark)
    if not question.was_heard(capture.output):
        why = capture.lost or "the probe printed nothing"
        raise CaptureError(f"{capture.source}: {why}; nothing can be read without that")
    answer = question.read(capture.output)
    lost = _lost(capture, wanted) if capture.lost else frozenset()
    views = []
    for reply in replies:
        number = _seat_of(reply, asked.seats)
        others = _differing(host, reply, asked.seats[number], capture)
        views.append(_view(answer.views[number], host, reply, others, lost))
    first = _differing(host, replies[0], asked.seats[0], capture)
    return Recalled(
        ProbeResult(tuple(views), _runs(own, answer.runs, first, capture)),
        f"{capture.source}, taken {_moment(capture.taken)} UTC on {capture.hostname}",
        (*aged, *_notes(capture)),
    )


def digest(command: str) -> str:
    """By which a user's own command is known again.

    >>> digest("true\\n") == digest("true")
    True
    """
    return sha256(command.strip().encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _check_host(host: Host, capture: Capture) -> None:
    asked, login = capture.asked, host.login
    if asked.host != host.name and (asked.name, asked.port) != (login.address, login.port):
        theirs = f"{asked.host} ({asked.name}, port {asked.port})"
        ours = f"{host.name} ({login.address}, port {login.port})"
        raise CaptureError(f"{capture.source}: it was taken for {theirs}, not for {ours}")


def _age(capture: Capture, now: float, oldest: float) -> list[str]:
    """What to know about when it was taken: between the making of the script and now, if clocks are right."""
    made, taken = capture.asked.made, capture.taken
    again = "make a new one: what a host said then says nothing about now"
    if taken < made - _ASKEW or taken > now + _ASKEW:
        if now - made > oldest:
            raise CaptureError(
                f"{capture.source}: it may be {_long(now - made)} old, for the host's clock is wrong "
                f"(it said {_moment(taken)} UTC); {again}"
            )
        return [f"The host's clock is wrong: it said {_moment(taken)} UTC when the capture was taken."]
    if now - taken > oldest:
        raise CaptureError(f"{capture.source}: it is {_long(now - taken)} old; {again}")
    if now - taken > _NOTED:
        return [f"The capture is {_long(now - taken)} old; what has changed since is not in it."]
    return []


def _notes(capture: Capture) -> list[str]:
    notes = []
    if capture.lost:
        notes.append(
            f"The capture is not whole: {capture.lost}. Copy what is lost again and add it to the end of the "
            "same text, in any order."
        )
    if capture.mended:
        notes.append(f"In the capture, {capture.mended}; that did no harm.")
    if capture.asked.version != __version__:
        notes.append(f"The capture's script is of version {capture.asked.version}, this is {__version__}.")
    return notes


def _reply(seat: Seat, port: int) -> Reply:
    return Reply(address=seat.address or None, family=None, port=port, word="", source=seat.client or None)


def _seat_of(reply: Reply, seats: Sequence[Seat]) -> int:
    addresses = [seat.address for seat in seats]
    return addresses.index(reply.address or "") if (reply.address or "") in addresses else 0


def _differing(host: Host, reply: Reply, seat: Seat, capture: Capture) -> frozenset[str]:
    """Which of the probe's variables were other ones then; a client that NAT hides now may be the same."""
    asked = capture.asked
    pairs = {
        "client": (_client(host, reply) or seat.client, seat.client),
        "address": (reply.address or "", seat.address),
        "port": (reply.port, asked.port),
        "user": (host.login.user or "", asked.user),
    }
    return frozenset(name for name, (now, then) in pairs.items() if now != then)


def _client(host: Host, reply: Reply) -> str:
    return client_of(reply, host.ways[0].connection == "local")


def _view(
    view: AddressFacts, host: Host, reply: Reply, others: frozenset[str], lost: frozenset[str]
) -> AddressFacts:
    facts = {}
    for name, value in view.facts.items():
        named = others & _hangs_on(commands([name]).values())
        facts[name] = _LOST if name in lost else _of_another(named) if named else value
    return AddressFacts(_client(host, reply) if "client" in others else view.client, facts)


def _of_another(names: Iterable[str]) -> Unknown:
    return Unknown(f"the capture was taken for another {' and '.join(sorted(names))}")


def _hangs_on(texts: Iterable[str]) -> frozenset[str]:
    """The probe's variables that commands read."""
    return frozenset(name for text in texts for name in _VARIABLE.findall(text))


def _lost(capture: Capture, wanted: Sequence[str]) -> frozenset[str]:
    """The facts of which any section did not end as it says."""
    sections = split_output(capture.output, capture.asked.mark, tuple(commands(wanted)))
    lost = ("never ran", "came twice", "cut off")
    return frozenset(name.partition(".")[0] for name, section in sections.items() if section.cut in lost)


def _runs(
    own: Mapping[str, str], runs: Mapping[str, Run | Unknown], others: frozenset[str], capture: Capture
) -> dict[str, Run | Unknown]:
    found: dict[str, Run | Unknown] = {}
    for check, text in own.items():
        run = runs.get(check, Unknown("the capture's script did not ask this"))
        named = others & _hangs_on([text])
        lost = capture.lost and check in runs and isinstance(run, Unknown)
        found[check] = _LOST if lost else _of_another(named) if named else run
    return found


def _moment(when: float) -> str:
    try:
        return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "an impossible time"


def _long(seconds: float) -> str:
    """
    >>> _long(7300), _long(200000)
    ('2 hours', '2 days')
    """
    hours = int(seconds // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours > 1 else "an hour"
