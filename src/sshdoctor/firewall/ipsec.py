"""What the kernel's IPsec policies do with a packet: ``ip xfrm policy``, and ``ip xfrm state`` beside it.

Sources: ip-xfrm(8); the kernel's xfrm_policy.c: the policy with the smallest priority that fits decides; a
packet that comes in without the protection that its policy demands is dropped, as is one that goes out while
no state protects it. Measured with Linux 6.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from sshdoctor.firewall.header import TCP, Ends, within

Direction = Literal["in", "out"]


class Policy(Struct, frozen=True, kw_only=True):
    """One policy. ``demands`` are the tunnel ends (source, destination) of the templates that it requires;
    ``odd``: it asks for what is not modelled (an interface, a mark)."""

    direction: str
    source: str
    destination: str
    protocol: str
    ports: tuple[tuple[str, str], ...]
    blocks: bool
    priority: int
    demands: tuple[tuple[str, str], ...]
    odd: bool
    text: str

    @property
    def removal(self) -> str:
        """The command that takes it away."""
        words = ["src", self.source, "dst", self.destination]
        words += ["proto", self.protocol] if self.protocol else []
        words += [word for pair in self.ports for word in pair]
        return f"ip xfrm policy delete {shlex.join(words)} dir {self.direction}"


class Met(Struct, frozen=True, kw_only=True):
    """The policy that stops a packet, why, and whether that is certain."""

    policy: Policy
    why: str
    sure: bool


def policies(text: str) -> tuple[Policy, ...]:
    """The policies that ``ip xfrm policy`` prints; those of single sockets are left out."""
    blocks = re.split(r"^(?=src )", text, flags=re.MULTILINE)
    return tuple(policy for block in blocks if (policy := _policy(block)) is not None)


def _policy(block: str) -> Policy | None:
    head, _, body = block.partition("\n")
    ends = re.match(r"src (\S+) dst (\S+)", head)
    direction = re.search(r"^[ \t]+dir (in|out|fwd)\b", body, re.M)
    if ends is None or direction is None:
        return None
    priority = re.search(r"\bpriority (\d+)", body)
    protocol = re.search(r"\bproto (\S+)", head)
    templates = re.findall(r"\btmpl src (\S+) dst (\S+)((?:(?!\btmpl\b).)*)", body, re.S)
    return Policy(
        direction=direction[1],
        source=ends[1],
        destination=ends[2],
        protocol=protocol[1] if protocol else "",
        ports=tuple(re.findall(r"\b([sd]port) (\S+)", head)),
        blocks=re.search(r"\baction block\b", body) is not None,
        priority=int(priority[1]) if priority else 0,
        demands=tuple((src, dst) for src, dst, rest in templates if "level use" not in rest),
        odd=re.search(r"\b(dev|mark|if_id|type|code|security)\b", block) is not None,
        text=" ".join(block.split()),
    )


def stopped(text: str, states: str, direction: Direction, ends: Ends) -> Met | None:
    """What stops the packet ``ends`` on its way ``direction``, None if nothing does.

    ``states`` are the lines ``src ... dst ...`` of ``ip xfrm state``. Where one of these protects the tunnel,
    a policy that demands it may well be met.
    """
    doubt: Met | None = None
    for policy in sorted(_fitting(policies(text), direction, ends), key=lambda one: one.priority):
        met = _met(policy, states)
        if met is None and not policy.odd and _fits(policy, ends):
            break
        if met is not None and met.sure and _fits(policy, ends) and doubt is None:
            return met
        doubt = doubt or met
    return doubt and Met(policy=doubt.policy, why=doubt.why, sure=False)


def _met(policy: Policy, states: str) -> Met | None:
    if policy.blocks:
        return Met(policy=policy, why="it blocks", sure=not policy.odd)
    lacking = [pair for pair in policy.demands if not _protected(pair, states)]
    if not policy.demands:
        return None
    if lacking:
        return Met(
            policy=policy, why="it demands IPsec, and no state protects the packet", sure=not policy.odd
        )
    return Met(policy=policy, why="it demands IPsec", sure=False)


def _protected(pair: tuple[str, str], states: str) -> bool:
    """Of a policy for a transport without fixed ends (0.0.0.0, ::) any state may be the one."""
    if pair[0] in ("0.0.0.0", "::"):  # noqa: S104 -- compared, not bound
        return bool(states.strip())
    return f"src {pair[0]} dst {pair[1]}" in (" ".join(line.split()[:4]) for line in states.splitlines())


def _fitting(every: tuple[Policy, ...], direction: str, ends: Ends) -> Iterator[Policy]:
    for policy in every:
        if policy.direction == direction and _fits(policy, ends) is not False:
            yield policy


def _fits(policy: Policy, ends: Ends) -> bool | None:
    """Whether the selector means this packet; None where that hangs on a port that is not known."""
    inside = within(ends.source, policy.source), within(ends.destination, policy.destination)
    if False in inside or policy.protocol not in ("", "tcp", str(TCP)):
        return False
    known = {"sport": ends.source_port, "dport": ends.destination_port}
    fits: bool | None = None if None in inside else True
    for name, value in policy.ports:
        if known[name] is None or not value.isdecimal():
            fits = None
        elif known[name] != int(value):
            return False
    return fits
