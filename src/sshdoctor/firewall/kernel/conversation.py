"""The whole conversation of a client with a host: what stops it first, and what the client then sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from sshdoctor.firewall.iptables.targets import ICMP_CODES
from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.kernel.matches import has_loopback_address
from sshdoctor.firewall.kernel.paths import ChainPath, Doubts, Result, Stop, join, with_doubt
from sshdoctor.firewall.kernel.segment import (
    ACK,
    ICMP,
    ICMPV6,
    PSH,
    RST,
    SYN,
    TCP,
    Segment,
    first_segment,
    from_client,
    from_server,
    to_text,
)
from sshdoctor.firewall.model import Branch, Doubt, Packet, Rule, State, Verdict


class _Step(NamedTuple):
    """One packet of the conversation. ``lost``, ``reset`` and ``refused`` are what the client sees if it is
    dropped, answered with a RST, or with an ICMP error; "" means the error's own word, and None that it
    does not matter. ``perhaps``: it may go together with the next one instead."""

    name: str
    by_client: bool
    flags: int
    payload: bytes | None
    lost: str | None
    reset: str
    refused: str | None
    perhaps: bool = False


# Measured: a refusal of the host's own packet goes to the host itself, so that the client sees nothing; an
# ICMP error does not end a connection that is established, a RST does.
_STEPS = (
    _Step("SYN", True, SYN, None, "silence", "rst", ""),
    _Step("SYN-ACK", False, SYN | ACK, None, "silence", "silence", "silence"),
    _Step("client's ACK", True, ACK, None, "no-banner", "closed-before-banner", "no-banner"),
    _Step("banner", False, PSH | ACK, b"SSH-", "no-banner", "no-banner", "no-banner"),
    _Step("client's second ACK", True, ACK, None, None, "kex-failed", None, perhaps=True),
    _Step("client's first line", True, PSH | ACK, b"SSH-2.0-", "kex-failed", "kex-failed", "kex-failed"),
    _Step("host's ACK", False, ACK, None, None, "kex-failed", None),
    _Step("host's answer", False, PSH | ACK, b"", "kex-failed", "kex-failed", "kex-failed"),
)


_PERHAPS = Doubt("depends", "whether the client acknowledges the banner before it answers")


class _Outcome(NamedTuple):
    """One thing that may come of it. ``reply`` is None if it all passes, "" if it cannot be said."""

    reply: str | None
    state: State
    rule: Rule | None
    why: str
    way: tuple[str, ...]
    doubts: Doubts
    sure: bool
    redirected_to: tuple[str, int] | None = None
    redirected_by: Rule | None = None


def hold_conversation(hooks: Hooks, packet: Packet) -> Verdict:
    """The verdict on the connection that ``packet`` opens."""
    outcomes: list[_Outcome] = []
    paths = [ChainPath(first_segment(packet))]
    for step in _STEPS:
        result = _go(hooks, step, paths)
        for stop in result.stops:
            seen, unharmed = _after(hooks, step, stop)
            outcomes.extend(seen)
            result.accepted.extend(unharmed)
        if any(path.segment.hook == "forward" for path in result.accepted):
            outcomes.extend(_passed(path) for path in result.accepted if path.segment.hook == "forward")
        without = [with_doubt(path, _PERHAPS, None) for path in paths] if step.perhaps else []
        paths = [path for path in result.accepted if path.segment.hook != "forward"] + without
    outcomes.extend(_passed(path) for path in paths)
    return _conclude(outcomes)


def _go(hooks: Hooks, step: _Step, paths: list[ChainPath]) -> Result:
    """The packet of ``step`` on every path, through the hooks on its way."""
    if step.flags == SYN:
        sent = paths
    else:
        speak = from_client if step.by_client else from_server
        sent = [p._replace(segment=speak(p.segment, step.flags, payload=step.payload)) for p in paths]
    if not step.by_client:
        return _out(hooks, sent)
    before = hooks.traverse("prerouting", sent)
    local = [path for path in before.accepted if _is_local(path.segment)]
    away = [_perhaps_away(path) for path in before.accepted if not _is_local(path.segment)]
    local += [path for path in away if not path.segment.packet.local_addresses]
    inside = hooks.traverse("input", local)
    away = [path._replace(segment=replace(path.segment, out_interface=None)) for path in away]
    through = hooks.traverse("forward", away)
    stops = [*before.stops, *inside.stops, *through.stops]
    return Result(stops, [*inside.accepted, *through.accepted])


def _out(hooks: Hooks, paths: Iterable[ChainPath]) -> Result:
    output = hooks.traverse("output", paths)
    after = hooks.traverse("postrouting", output.accepted)
    return Result([*output.stops, *after.stops], after.accepted)


def _perhaps_away(path: ChainPath) -> ChainPath:
    """A translated connection may stay here as long as the host's other addresses are not known."""
    segment = path.segment
    if segment.packet.local_addresses:
        return path
    doubt = Doubt("unknown", f"whether {to_text(segment.destination, segment.family)} is the host's own")
    return with_doubt(path, doubt, path.redirected_by)


def _is_local(segment: Segment) -> bool:
    return segment.destination in segment.own or has_loopback_address(segment.destination, segment)


def _after(hooks: Hooks, step: _Step, stop: Stop) -> tuple[list[_Outcome], list[ChainPath]]:
    """What the client sees of a packet that was stopped, and the ways on which it does not miss it."""
    if step.lost is not None or stop.word == "":
        return _seen(hooks, step, stop), []
    if stop.word != "rst":
        return [], [ChainPath(stop.segment, stop.doubts)]
    if stop.segment.connection.redirected_to and not step.by_client:
        return [_stopped(step, stop, step.reset)], []
    refusal = ChainPath(_refusal(stop), stop.doubts)
    answer = _out(hooks, [refusal]) if step.by_client else _home(hooks, refusal)
    seen = [_stopped(step, stop._replace(doubts=path.doubts), step.reset) for path in answer.accepted]
    unharmed = []
    for other in answer.stops:
        doubts = join(stop.doubts, other.doubts)
        if other.word:
            unharmed.append(ChainPath(stop.segment, doubts))
        else:
            seen.append(_stopped(step, stop._replace(doubts=doubts), ""))
    return seen, unharmed


def _home(hooks: Hooks, path: ChainPath) -> Result:
    """A refusal of the host's own packet, in the client's name: out, over ``lo``, and in again. Measured:
    only if it comes through all four hooks does it end the connection."""
    out = _out(hooks, [path._replace(segment=replace(path.segment, out_interface="lo"))])
    back = [p._replace(segment=replace(p.segment, in_interface="lo", out_interface="")) for p in out.accepted]
    before = hooks.traverse("prerouting", back)
    inside = hooks.traverse("input", before.accepted)
    return Result([*out.stops, *before.stops, *inside.stops], inside.accepted)


def _seen(hooks: Hooks, step: _Step, stop: Stop) -> list[_Outcome]:
    """What the client sees of a packet that was stopped."""
    if not stop.word:
        return [_stopped(step, stop, "")]
    if stop.word == "drop":
        return [_stopped(step, stop, step.lost or "")]
    word = step.reset if stop.word == "rst" else (step.refused or stop.word)
    if word == step.lost or not step.by_client:
        return [_stopped(step, stop, word)]
    answer = _out(hooks, [ChainPath(_refusal(stop), stop.doubts)])
    seen = [_stopped(step, stop._replace(doubts=path.doubts), word) for path in answer.accepted]
    for other in answer.stops:
        seen.append(_unanswered(step, stop, other))
    return seen


def _unanswered(step: _Step, stop: Stop, other: Stop) -> _Outcome:
    reply = (step.lost or "") if other.word else ""
    why = f"the {step.name} is rejected by {stop.rule}, and the refusal is stopped by {other.rule}"
    return _Outcome(reply, "drop", stop.rule, why, stop.way, join(stop.doubts, other.doubts), stop.sure)


def _refusal(stop: Stop) -> Segment:
    """The RST or ICMP error that a REJECT sends back, from the address that was reached."""
    to = stop.segment
    tracked = to.state not in ("INVALID", "UNTRACKED")
    back = replace(
        to, sender="server", source=to.destination, destination=to.source, source_port=to.destination_port,
        destination_port=to.source_port, in_interface="", out_interface=to.packet.out_interface, mark=0,
        untracked=False, payload=None, tos=(0, 0), hops=None, state="RELATED" if tracked else "INVALID",
        attached=to.state != "INVALID",
    )  # fmt: skip
    if stop.word == "rst":
        return replace(back, protocol=TCP, flags=RST if to.flags & ACK else RST | ACK)
    protocol = ICMP if to.family == "ipv4" else ICMPV6
    return replace(
        back, protocol=protocol, flags=0, icmp=ICMP_CODES[stop.word], source_port=None, destination_port=None
    )


def _stopped(step: _Step, stop: Stop, reply: str) -> _Outcome:
    state: State = "drop" if stop.word in ("", "drop") else "reject"
    why = f"{stop.rule}" if step.flags == SYN else f"the {step.name} is stopped by {stop.rule}"
    return _Outcome(reply, state, stop.rule, why, stop.way, stop.doubts, stop.sure)


def _passed(path: ChainPath) -> _Outcome:
    segment = path.segment
    why = str(path.rule) if path.rule else "no rule stops it"
    to = segment.connection.redirected_to
    redirected = (to_text(to[0], segment.family), to[1]) if to else None
    return _Outcome(
        None, "accept", path.rule, why, path.way, path.doubts, True, redirected, path.redirected_by
    )


def _conclude(outcomes: list[_Outcome]) -> Verdict:
    """One verdict: certain if all that can happen looks the same to the client."""
    possible = tuple(dict.fromkeys((o.reply, o.redirected_to) for o in outcomes))
    replies = tuple(dict.fromkeys(reply for reply, _ in possible if reply != ""))
    if len(possible) == 1 and replies:
        best = next((o for o in outcomes if o.sure), outcomes[0])
        return Verdict(
            state=best.state,
            reply=best.reply,
            rule=best.rule,
            why=best.why,
            way=best.way,
            redirected_to=best.redirected_to,
            redirected_by=best.redirected_by,
            possible=replies,
        )
    doubts = [entry for outcome in outcomes for entry in outcome.doubts]
    doubt, rule = next((e for e in doubts if e[0].kind == "unknown"), (doubts or [_NO_DOUBT])[0])
    state: State = "unknown" if doubt.kind == "unknown" or "" in (o.reply for o in outcomes) else "depends"
    verb = "depends on" if state == "depends" else "cannot be told without"
    why = f"{rule}: {verb} {doubt.why}" if rule else f"{verb} {doubt.why}"
    return Verdict(
        state=state, reply=None, rule=rule, why=why, possible=replies, branches=tuple(_branches(outcomes))
    )


def _branches(outcomes: Sequence[_Outcome]) -> Iterator[Branch]:
    """The first outcome of each reply, one that is sure before others; none where one cannot be said."""
    if any(outcome.reply == "" for outcome in outcomes):
        return
    known: dict[str | None, _Outcome] = {}
    for outcome in sorted(outcomes, key=lambda one: not one.sure):
        known.setdefault(outcome.reply, outcome)
    for one in known.values():
        yield Branch(one.reply, one.state, one.rule, one.why)


_NO_DOUBT: tuple[Doubt, Rule | None] = (Doubt("unknown", "more than the rules say"), None)
