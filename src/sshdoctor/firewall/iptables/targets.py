"""iptables' targets (``-j``, ``-g``): what a rule does."""

from __future__ import annotations

from collections.abc import Callable

from sshdoctor.firewall.iptables import marks, values
from sshdoctor.firewall.iptables.option import Option, named
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Doubt, NatTo, Target, Truth
from sshdoctor.model import Family

PASSING = frozenset(
    [
        "LOG",
        "NFLOG",
        "ULOG",
        "TRACE",
        "AUDIT",
        "CLASSIFY",
        "SECMARK",
        "CONNSECMARK",
        "TCPMSS",
        "TCPOPTSTRIP",
        "CHECKSUM",
        "ECN",
        "TEE",
        "IDLETIMER",
        "LED",
        "RATEEST",
        "ACCOUNT",
        "NFACCT",
    ]
)
"""Targets after which the packet goes on to the next rule, no better and no worse off."""

_REJECT_WORDS: dict[Family, dict[str, str]] = {
    "ipv4": {
        **{word: word for word in (
            "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable",
            "icmp-port-unreachable", "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited",
        )},
        "net-unreach": "icmp-net-unreachable", "host-unreach": "icmp-host-unreachable",
        "proto-unreach": "icmp-proto-unreachable", "port-unreach": "icmp-port-unreachable",
        "net-prohib": "icmp-net-prohibited", "host-prohib": "icmp-host-prohibited",
        "admin-prohib": "icmp-admin-prohibited", "tcp-reset": "rst", "tcp-rst": "rst",
    },
    "ipv6": {
        **{word: word for word in (
            "icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-port-unreachable",
            "icmp6-policy-fail", "icmp6-reject-route",
        )},
        "no-route": "icmp6-no-route", "adm-prohibited": "icmp6-adm-prohibited",
        "addr-unreach": "icmp6-addr-unreachable", "port-unreach": "icmp6-port-unreachable",
        "policy-fail": "icmp6-policy-fail", "reject-route": "icmp6-reject-route", "tcp-reset": "rst",
    },
}  # fmt: skip

ICMP_CODES = {
    "icmp-net-unreachable": (3, 0), "icmp-host-unreachable": (3, 1), "icmp-proto-unreachable": (3, 2),
    "icmp-port-unreachable": (3, 3), "icmp-net-prohibited": (3, 9), "icmp-host-prohibited": (3, 10),
    "icmp-admin-prohibited": (3, 13),
    "icmp6-no-route": (1, 0), "icmp6-adm-prohibited": (1, 1), "icmp6-addr-unreachable": (1, 3),
    "icmp6-port-unreachable": (1, 4), "icmp6-policy-fail": (1, 5), "icmp6-reject-route": (1, 6),
}  # fmt: skip
"""The type and code of each refusal: RFC 792 and 1812, RFC 4443."""


def make_target(name: str, options: list[Option], family: Family) -> Target:
    """The target ``name`` with its options; of a name that is none here nothing can be said.

    Raises ValueError for an option's value that means nothing.
    """
    if name in PASSING:
        return Target("continue")
    maker = _MAKERS.get(name)
    return maker(options, family) if maker else Target("lost", Doubt("unknown", f"the target {name}"))


def _reject(options: list[Option], family: Family) -> Target:
    word = "icmp-port-unreachable" if family == "ipv4" else "icmp6-port-unreachable"
    for option in options:
        word = _REJECT_WORDS[family].get(option.value, "")
    return Target("reject", word) if word else Target("lost", Doubt("unknown", "what it is rejected with"))


def _queue(options: list[Option], family: Family) -> Target:
    balance, number = named(options, "--queue-balance"), named(options, "--queue-num")
    low, high = (0, 0)
    if balance is not None:
        low, high = values.number_range(balance.value, ":")
    elif number is not None:
        low = high = values.number(number.value, 65535)
    return queue(range(low, high + 1), named(options, "--queue-bypass") is not None)


def queue(numbers: range | None, bypass: bool) -> Target:
    """A program is asked. Where none listens to the queue the packet is dropped, or with ``bypass`` accepted
    (nf_queue.c); where that is not known, or one listens, it may do anything."""
    asked = Doubt("depends", "a program on the host that is asked (NFQUEUE)")

    def outcome(segment: Segment) -> list[tuple[Truth, Target]]:
        listening = segment.packet.queues
        if listening is None or any(
            listening if numbers is None else (each in listening for each in numbers)
        ):
            return [(True, Target("open", asked))]
        return [(True, Target("accept" if bypass else "drop"))]

    return Target("choose", outcome)


def _set(options: list[Option], family: Family) -> Target:
    """What it adds to sets is told by ``ipset_save.read_sets``; ``--map-mark`` takes a mark from one."""
    return Target("change", marks.forget_mark) if named(options, "--map-mark") else Target("continue")


def _tos(options: list[Option], family: Family) -> Target:
    from sshdoctor.firewall.iptables.header_changes import set_tos  # with what it imports, for few

    return set_tos(options, family)


def _dscp(options: list[Option], family: Family) -> Target:
    from sshdoctor.firewall.iptables.header_changes import set_dscp

    return set_dscp(options, family)


def _hops(options: list[Option], family: Family) -> Target:
    from sshdoctor.firewall.iptables.header_changes import set_hops

    return set_hops(options, family)


def _netmap(options: list[Option], family: Family) -> Target:
    address, mask = values.network(options[0].value, family)
    return Target("nat", NatTo(address, None, mask))


def _redirect(options: list[Option], family: Family) -> Target:
    """The packet stays on this host: the address is the receiving interface's own."""
    port = next((option.value for option in options if option.name in ("--to-ports", "--to-port")), "")
    low, _, high = port.partition("-")
    if high not in ("", low) and low != high:
        return Target("lost", Doubt("depends", "the port chosen from a range (REDIRECT)"))
    number = values.number(low, 65535) if low else None
    return Target("nat", NatTo(None, number))


def _dnat(options: list[Option], family: Family) -> Target:
    given = [option.value for option in options if option.name == "--to-destination"]
    if len(given) != 1:
        return Target("lost", Doubt("depends", "the destination chosen from several (DNAT)"))
    address, port = (_single(part) for part in _split_destination(given[0]))
    if "-" in address or "-" in port:
        return Target("lost", Doubt("depends", "the destination chosen from a range (DNAT)"))
    number = values.number(port, 65535) if port else None
    return Target("nat", NatTo(values.address(address, family) if address else None, number))


def _single(text: str) -> str:
    """A range of one is that one.

    >>> _single("2222-2222"), _single("10.0.0.1-10.0.0.2")
    ('2222', '10.0.0.1-10.0.0.2')
    """
    low, _, high = text.partition("-")
    return low if low == high else text


def _split_destination(text: str) -> tuple[str, str]:
    """
    >>> _split_destination("[fd00::1]:22"), _split_destination("10.0.0.1:22"), _split_destination("fd00::1")
    (('fd00::1', '22'), ('10.0.0.1', '22'), ('fd00::1', ''))
    """
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return address, port.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    address, _, port = text.partition(":")
    return address, port


def _lost(why: str) -> Callable[[list[Option], Family], Target]:
    return lambda options, family: Target("lost", Doubt("unknown", why))


def _from_elsewhere(name: str) -> Callable[[list[Option], Family], Target]:
    return lambda options, family: Target("nat", Doubt("unknown", f"where replies go after {name}"))


_MAKERS: dict[str, Callable[[list[Option], Family], Target]] = {
    "ACCEPT": lambda options, family: Target("accept"),
    "DROP": lambda options, family: Target("drop"),
    "RETURN": lambda options, family: Target("return"),
    "REJECT": _reject,
    "QUEUE": _queue,
    "NFQUEUE": _queue,
    "MARK": marks.set_mark,
    "CONNMARK": marks.set_connection_mark,
    "NOTRACK": marks.untrack,
    "CT": marks.conntrack,
    "REDIRECT": _redirect,
    "DNAT": _dnat,
    "SNAT": _from_elsewhere("SNAT"),
    "MASQUERADE": _from_elsewhere("MASQUERADE"),
    "NETMAP": _netmap,
    "DNPT": _lost("the address that DNPT gives"),
    "SNPT": _lost("the address that SNPT gives"),
    "TPROXY": _lost("whether a transparent proxy listens (TPROXY)"),
    "SYNPROXY": _lost("what the kernel's own handshake leads to (SYNPROXY)"),
    "CLUSTERIP": _lost("which host of the cluster answers (CLUSTERIP)"),
    "SET": _set,
    "HMARK": lambda options, family: Target("change", marks.forget_mark),
    "TOS": _tos,
    "DSCP": _dscp,
    "TTL": _hops,
    "HL": _hops,
}
