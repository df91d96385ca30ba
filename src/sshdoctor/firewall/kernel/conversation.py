"""The whole conversation of a client with a host: what stops it first, and what the client then sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from msgspec.structs import replace

from sshdoctor.firewall.iptables.targets import ICMP_CODES
from sshdoctor.firewall.kernel.conclude import Outcome, conclude
from sshdoctor.firewall.kernel.hooks import Hooks
from sshdoctor.firewall.kernel.matches import has_loopback_address
from sshdoctor.firewall.kernel.paths import ChainPath, Result, Stop, join, with_doubt
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
from sshdoctor.firewall.model import Doubt, Packet, State, Verdict
from sshdoctor.services.base import Step

# Measured: a refusal of the host's own packet goes to the host itself, so that the client sees nothing; an
# ICMP error does not end a connection that is established, a RST does.
_SYN = Step("SYN", True, None, "silence", "rst", "")
_HANDSHAKE = (_SYN, Step("SYN-ACK", False, None, "silence", "silence", "silence"))
_FLAGS = {"SYN": SYN, "SYN-ACK": SYN | ACK}

_PERHAPS = Doubt("depends", "whether the client acknowledges the banner before it answers")


def hold_conversation(hooks: Hooks, said: Sequence[Step], packet: Packet) -> Verdict:
    """The verdict on the connection that ``packet`` opens, and on what is ``said`` then."""
    outcomes: list[Outcome] = []
    paths = [ChainPath(first_segment(packet))]
    for step in (*_HANDSHAKE, *said):
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
    return conclude(outcomes)


def _go(hooks: Hooks, step: Step, paths: list[ChainPath]) -> Result:
    """The packet of ``step`` on every path, through the hooks on its way."""
    flags = _FLAGS.get(step.name, ACK if step.payload is None else PSH | ACK)
    if step is _SYN:
        sent = paths
    else:
        speak = from_client if step.by_client else from_server
        sent = [p._replace(segment=speak(p.segment, flags, payload=step.payload)) for p in paths]
    if not step.by_client:
        return _out(hooks, sent)
    before = hooks.traverse("prerouting", sent)
    local = [path for path in before.accepted if _is_local(path.segment)]
    away = [_perhaps_away(path) for path in before.accepted if not _is_local(path.segment)]
    local += [path for path in away if not path.segment.packet.local_addresses]
    inside = hooks.traverse("input", local)
    away = [
        path._replace(segment=replace(path.segment, out_interface=_leaving(path.segment))) for path in away
    ]
    through = hooks.traverse("forward", away)
    stops = [*before.stops, *inside.stops, *through.stops]
    return Result(stops, [*inside.accepted, *through.accepted])


def goes_on(hooks: Hooks, last: Segment) -> Result:
    """What comes of the client's next data on the connection that ``last`` belongs to."""
    data = Step("data", True, b"", "silence", "rst", "")
    return _go(hooks, data, [ChainPath(last)])


def _leaving(segment: Segment) -> str | None:
    """The interface by which a connection is sent on, None if no network of the host's tells."""
    to = ip_address(to_text(segment.destination, segment.family))
    return next((name for network, name in segment.packet.networks if to in ip_network(network)), None)


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


def _after(hooks: Hooks, step: Step, stop: Stop) -> tuple[list[Outcome], list[ChainPath]]:
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


def _seen(hooks: Hooks, step: Step, stop: Stop) -> list[Outcome]:
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


def _unanswered(step: Step, stop: Stop, other: Stop) -> Outcome:
    reply = (step.lost or "") if other.word else ""
    why = f"the {step.name} is rejected by {stop.rule}, and the refusal is stopped by {other.rule}"
    return Outcome(reply, "drop", stop.rule, why, stop.way, join(stop.doubts, other.doubts), stop.sure)


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


def _stopped(step: Step, stop: Stop, reply: str) -> Outcome:
    state: State = "drop" if stop.word in ("", "drop") else "reject"
    why = f"{stop.rule}" if step is _SYN else f"the {step.name} is stopped by {stop.rule}"
    return Outcome(reply, state, stop.rule, why, stop.way, stop.doubts, stop.sure)


def _passed(path: ChainPath) -> Outcome:
    segment = path.segment
    why = str(path.rule) if path.rule else "no rule stops it"
    to = segment.connection.redirected_to
    redirected = (to_text(to[0], segment.family), to[1]) if to else None
    return Outcome(
        None, "accept", path.rule, why, path.way, path.doubts, True, redirected, path.redirected_by
    )
