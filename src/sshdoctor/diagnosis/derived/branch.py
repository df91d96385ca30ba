"""Which of several outcomes it was: the reply that came back tells.

Where the rules leave it open (the time of day, the client's card, the interface that it came in by) and only
one branch gives the reply that came, it was that branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.services import progress
from sshdoctor.services.base import GREETED

if TYPE_CHECKING:
    from sshdoctor.firewall import Verdict
    from sshdoctor.firewall.model import Branch

_OF_THE_NETWORK = ("silence", "icmp")
"""What a client gets by these words, no program that listens has said."""
_COMMON_PORTS = (32768, 65535)


def of_reply(verdict: Verdict, reply: str, *, stalled: bool = False) -> Verdict:
    """``verdict``, or the one branch of it that gives ``reply``.

    ``stalled``: the host fell silent in the middle, which an open way does not come to.
    """
    if verdict.state not in ("depends", "unknown") and verdict.reply is not None:
        return verdict
    if verdict.state == "accept":
        return verdict
    fitting = [
        branch
        for branch in verdict.branches
        if fits(branch.reply, reply) and not (stalled and branch.reply is None)
    ]
    if len(fitting) != 1:
        return verdict
    if verdict.state in (
        "drop",
        "reject",
    ):  # stopped in any case: the first rule on the way stays the one to mend
        return replace(verdict, state=fitting[0].state, reply=fitting[0].reply)
    return _taken(fitting[0], verdict)


def _taken(branch: Branch, verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        state=branch.state,
        reply=branch.reply,
        rule=branch.rule,
        why=branch.why,
        way=branch.way,
        redirected_to=branch.redirected_to,
        redirected_by=branch.redirected_by,
    )


def fits(predicted: str | None, reply: str) -> bool:
    """Whether the reply may be what a branch comes to; None is a branch that lets the client through to what
    listens, or does not."""
    if predicted is not None:
        return predicted == reply
    return progress(reply) >= GREETED or not reply.startswith(_OF_THE_NETWORK)


def of_interfaces(verdict: Verdict, reply: str, others: Iterable[Callable[[], Verdict]]) -> Verdict:
    """The verdict on the likely interface; or that on another, where only that one explains the reply."""
    if not reply.startswith(_OF_THE_NETWORK) or _explains(verdict, reply):
        return verdict
    found = [other for other in (of_reply(ask(), reply) for ask in others) if _explains(other, reply)]
    return found[0] if found and all(other.rule == found[0].rule for other in found) else verdict


def _explains(verdict: Verdict, reply: str) -> bool:
    return verdict.state in ("drop", "reject") and fits(verdict.reply, reply)


def source_ports() -> tuple[int, int]:
    """The ports that this machine gives to its connections, and those that are common: on the way, an address
    translation may have put another in its place (ip-sysctl, ip_local_port_range)."""
    try:
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except (OSError, ValueError):
        return _COMMON_PORTS
    return min(low, _COMMON_PORTS[0]), max(high, _COMMON_PORTS[1])
