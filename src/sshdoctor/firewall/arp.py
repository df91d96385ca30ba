"""What nftables' tables of the family arp do with the question for a host's hardware address.

Sources: nft(8), libnftables-json(5); RFC 826. A client on the host's own network, or its router, asks who has
the address, and asks again every now and then: what stops that, or the answer, stops everybody there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from sshdoctor.firewall.model import Rule
from sshdoctor.firewall.nft.json import objects
from sshdoctor.firewall.nft.listing import Listing, read_listing

Entry = Mapping[str, Any]


class Message(NamedTuple):
    """One ARP message as the host's chains see it. ``interface`` is where it comes in or goes out."""

    hook: str
    name: str
    operation: str
    source: str
    target: str
    interface: str | None


def conversation(client: str, host: str, interface: str | None) -> tuple[Message, Message]:
    """The question of ``client`` (or of the router before it) for ``host``, and the host's answer."""
    return (
        Message("input", "the question for the host's hardware address", "request", client, host, interface),
        Message("output", "the host's answer with its hardware address", "reply", host, client, interface),
    )


class _Stopped(Exception):  # noqa: N818 -- a verdict, not an error
    def __init__(self, rule: Rule | None) -> None:
        self.rule = rule
        """None: it is accepted here."""


def stopped_by(nft_json: str, listing: str, message: Message) -> Rule | None:
    """The rule that surely drops ``message``. Raises RulesError for text that is not nft's JSON."""
    every = [(kind, entry) for kind, entry in objects(nft_json) if entry.get("family") == "arp"]
    shown = read_listing(listing)
    for chain in _base_chains(every, message.hook):
        rules = _Rules(every, shown, chain["table"], message)
        try:
            rules.walk(chain["name"])
            if chain.get("policy") == "drop":
                return Rule(f"arp {chain['table']}", chain["name"], None, "policy DROP")
        except _Stopped as end:
            if end.rule is not None:
                return end.rule
        except _Doubt:
            continue
    return None


def _base_chains(every: Sequence[tuple[str, Entry]], hook: str) -> list[Entry]:
    chains = [entry for kind, entry in every if kind == "chain" and entry.get("hook") == hook]
    return sorted(chains, key=lambda chain: int(chain.get("prio", 0)))


class _Doubt(Exception):  # noqa: N818
    """What becomes of the message hangs on something that the rules do not say."""


class _Rules:
    """The chains of one table, for one message."""

    def __init__(
        self,
        every: Sequence[tuple[str, Entry]],
        shown: Listing,
        table: str,
        message: Message,
    ) -> None:
        self._rules = [e for kind, e in every if kind == "rule" and e.get("table") == table]
        self._shown = shown
        self._message = message

    def walk(self, chain: str, depth: int = 0) -> None:
        """Through ``chain`` to its end. Raises _Stopped at a verdict, _Doubt where none can be told."""
        if depth > 16:
            raise _Doubt
        number = 0
        for entry in self._rules:
            if entry.get("chain") != chain:
                continue
            number += 1
            word, target = self._verdict(entry.get("expr") or [])
            if word == "accept":
                raise _Stopped(None)
            if word == "drop":
                text = self._shown.text(dict(entry)) or "drop"
                raise _Stopped(Rule(f"arp {entry['table']}", chain, number, text))
            if word in ("jump", "goto"):
                self.walk(target, depth + 1)
            if word in ("goto", "return"):
                return

    def _verdict(self, statements: Sequence[Any]) -> tuple[str, str]:
        """What the rule does with the message: "" if it does not concern it."""
        doubt = False
        for statement in statements:
            kind, value = next(iter(statement.items())) if isinstance(statement, dict) else (statement, {})
            if kind == "match":
                truth = _holds(value, self._message)
                if truth is False:
                    return "", ""
                doubt = doubt or truth is None
            elif kind in ("accept", "drop", "return", "jump", "goto"):
                if doubt:
                    raise _Doubt
                return kind, value["target"] if kind in ("jump", "goto") else ""
            elif kind not in ("counter", "log", "comment"):
                doubt = True
        return "", ""


def _holds(match: Entry, message: Message) -> bool | None:
    """Whether a match holds; None where that is not known."""
    left, right, negated = match.get("left", {}), match.get("right"), match.get("op") == "!="
    known = _field(left, message)
    if known is None:
        return None
    choices = list(_choices(right))
    truths = [_equal(known, choice) for choice in choices]
    truth = True if True in truths else None if None in truths or not truths else False
    return truth if truth is None else truth != negated


def _field(left: Any, message: Message) -> str | None:
    payload, meta = (left.get(kind, {}) if isinstance(left, dict) else {} for kind in ("payload", "meta"))
    if payload.get("protocol") == "arp":
        return {
            "saddr ip": message.source,
            "daddr ip": message.target,
            "operation": message.operation,
        }.get(payload.get("field", ""))
    wanted = {"input": ("iifname", "iif"), "output": ("oifname", "oif")}[message.hook]
    return message.interface if meta.get("key") in wanted else None


def _choices(right: Any) -> Iterator[Any]:
    if isinstance(right, dict) and "set" in right:
        members = right["set"]
        yield from members if isinstance(members, list) else [members]
    else:
        yield right


def _equal(known: str, choice: Any) -> bool | None:
    if isinstance(choice, dict) and "prefix" in choice:
        choice = f"{choice['prefix'].get('addr')}/{choice['prefix'].get('len')}"
    if not isinstance(choice, str) or choice.startswith("@"):
        return None
    try:
        return ip_address(known) in ip_network(choice, strict=False)
    except ValueError:
        return known == choice
