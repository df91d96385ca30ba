"""The rules as they would be once fail2ban's action had banned one address more.

The action is asked in the server's own words, its tags filled in; what it would run is read, never run. One
that is not understood is Unknown. Sources: jail.conf(5); fail2ban's action.d of 0.11, 1.0 and 1.1.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.model import Family, Unknown
from sshdoctor.unblock.forecast_owners import dumped
from sshdoctor.unblock.ruleset_text import change_chain, has_chain

Properties = Mapping[str, str]


class NoBanError(Exception):
    """The action stops nothing, whatever it is told to ban; the message says why, and the cure."""


def banned(
    firewall: Firewall, properties: Properties, address: str, tools: tuple[str, ...]
) -> Firewall | Unknown:
    """``firewall`` with ``address`` banned by the action of ``properties``. Raises NoBanError."""
    six = ":" in address
    name = properties.get("actname", "")
    command = " ".join(filled(properties, "actionban", six).split())
    if name.startswith("ufw") or re.search(r"\bufw\b", command):
        return _by_ufw(firewall, address)
    if found := re.search(r"\bipset (?:-exist )?add (\S+) <ip>", command):
        return _by_ipset(firewall, properties, found[1], address, tools)
    if found := re.search(r"\bnft add element (\S+) (\S+) (\S+) \\?\{ <ip> \\?\}", command):
        return _by_nft(firewall, properties, (found[1], found[2], found[3]), address, tools)
    pattern = r"ip6?tables(?: -w)?(?: -t (\S+))? -I (\S+)(?: 1)? -s <ip> -j \S+(?: .*)?"
    if found := re.fullmatch(pattern, command):
        return _by_iptables(firewall, properties, found[1] or "filter", found[2], address, tools)
    return Unknown(f"what the action {name or '?'} does to the rules is not understood")


def filled(properties: Properties, name: str, six: bool) -> str:
    """A property with its tags filled in, those of the family where it has its own.

    >>> filled({"a": "<b> <ip>", "b": "4", "b?family=inet6": "6"}, "a", True)
    '6 <ip>'
    """
    known = {"known/chain": "INPUT", **properties}
    if six:
        six_own = {key.partition("?")[0]: text for key, text in properties.items() if key.endswith("=inet6")}
        known |= six_own
    text = known.get(name, "")
    for _ in range(12):
        before = text
        text = re.sub(r"<([\w/-]+)>", lambda tag: known.get(tag[1], tag[0]), text)
        if text == before:
            break
    return text


def _need(tool: str, tools: tuple[str, ...]) -> None:
    if tool not in tools:
        raise NoBanError(f"the action runs {tool}, which is not installed: apt install {tool}")


def _by_ufw(firewall: Firewall, address: str) -> Firewall:
    if "ufw" not in firewall.managers:
        raise NoBanError("banaction is ufw, and ufw is inactive: ufw enable (with ssh allowed), or nftables")
    chain = "ufw6-user-input" if ":" in address else "ufw-user-input"
    return _inserted(firewall, "filter", chain, f"-A {chain} -s {address} -j REJECT", address)


def _inserted(firewall: Firewall, table: str, chain: str, rule: str, address: str) -> Firewall:
    family: Family = "ipv6" if ":" in address else "ipv4"

    def edit(dump: SavedRules) -> str:
        if dump.family != family:
            return dump.text
        return change_chain(dump.text, table, chain, lambda rules: [rule, *rules])

    if not _has(firewall, table, chain, address):
        tool = "iptables-save" if family == "ipv4" else "ip6tables-save"
        bare = SavedRules(tool, family, f"*{table}\n:{chain} ACCEPT [0:0]\nCOMMIT\n")
        firewall = replace(firewall, dumps=(*firewall.dumps, bare))
    return dumped(firewall, edit)


def _by_iptables(
    firewall: Firewall, properties: Properties, table: str, chain: str, address: str, tools: tuple[str, ...]
) -> Firewall | Unknown:
    _need("ip6tables" if ":" in address else "iptables", tools)
    if not chain.startswith("f2b-") or _has(firewall, table, chain, address):
        return _inserted(firewall, table, chain, f"-A {chain} -s {address} -j REJECT", address)
    return _jump(firewall, properties, table, address)


def _has(firewall: Firewall, table: str, chain: str, address: str) -> bool:
    family = "ipv6" if ":" in address else "ipv4"
    return any(has_chain(dump.text, table, chain) for dump in firewall.dumps if dump.family == family)


def _jump(firewall: Firewall, properties: Properties, table: str, address: str) -> Firewall | Unknown:
    """The chain of its own that the first ban makes, with the jump to it, come to this at the head."""
    hook = filled(properties, "chain", ":" in address) or "INPUT"
    ports = _ports(properties)
    if isinstance(ports, Unknown):
        return ports
    protocol = filled(properties, "protocol", six=False) or "tcp"
    which = f" -m multiport --dports {ports}" if ports else ""
    rule = f"-A {hook} -s {address} -p {protocol}{which} -j REJECT"
    if hook not in ("INPUT", "FORWARD") and not _has(firewall, table, hook, address):
        raise NoBanError(f"the action's chain {hook} does not exist")
    return _inserted(firewall, table, hook, rule, address)


def _ports(properties: Properties) -> str | Unknown:
    """The ports that are closed, as multiport wants them; "" for all."""
    kind = properties.get("type", "")
    if "allports" in (kind or properties.get("actname", "")) or "allports" in properties.get("actname", ""):
        return ""
    words = filled(properties, "port", six=False).replace(" ", "").split(",")
    try:
        return ",".join(_port(word) for word in words)
    except OSError:
        return Unknown(f"the port {','.join(words)} of the jail is not known by name")


def _port(word: str) -> str:
    return word if re.fullmatch(r"\d+([:-]\d+)?", word) else str(socket.getservbyname(word, "tcp"))


def _by_ipset(
    firewall: Firewall, properties: Properties, name: str, address: str, tools: tuple[str, ...]
) -> Firewall | Unknown:
    _need("ipset", tools)
    if re.search(rf"^create {re.escape(name)} ", firewall.ipset or "", re.M):
        return replace(firewall, ipset=f"{(firewall.ipset or '').rstrip()}\nadd {name} {address}\n")
    if "firewall" in properties.get("actname", ""):
        return Unknown("firewalld's direct rule for this family is not there before the first ban")
    return _jump(firewall, properties, "filter", address)


def _by_nft(
    firewall: Firewall,
    properties: Properties,
    where: tuple[str, str, str],
    address: str,
    tools: tuple[str, ...],
) -> Firewall | Unknown:
    _need("nft", tools)
    objects = json.loads(firewall.nft_json or '{"nftables": []}')
    for entry in objects["nftables"]:
        found = entry.get("set") or {}
        if (found.get("family"), found.get("table"), found.get("name")) == where:
            elements = found.get("elem", [])
            found["elem"] = [*(elements if isinstance(elements, list) else [elements]), address]
            return replace(firewall, nft_json=json.dumps(objects))
    if where[1] != properties.get("table", ""):
        raise NoBanError(f"the action's set {' '.join(where)} does not exist")
    ports = _ports(properties)
    if isinstance(ports, Unknown):
        return ports
    objects["nftables"] += _own_table(properties, where[1], address, ports)
    return replace(firewall, nft_json=json.dumps(objects))


def _own_table(properties: Properties, table: str, address: str, ports: str) -> Iterator[dict[str, Any]]:
    """What the first ban makes: a table of its own, before the host's, that no accept elsewhere passes by."""
    own = {"family": "inet", "table": f"{table}-next", "handle": 0}
    hook = filled(properties, "chain_hook", six=False) or "input"
    words = filled(properties, "chain_priority", six=False)
    priority = int(words) if re.fullmatch(r"-?\d+", words) else -1
    base = {"type": "filter", "hook": hook, "prio": priority, "policy": "accept"}
    protocol = "ip6" if ":" in address else "ip"
    yield {"table": {"family": "inet", "name": own["table"], "handle": 0}}
    yield {"chain": {**own, "name": "next", **base}}
    expression: list[dict[str, Any]] = [_is(protocol, "saddr", address)]
    if ports:
        numbers = [_range(word) for word in ports.split(",")]
        kind = filled(properties, "protocol", six=False) or "tcp"
        expression.append(_is(kind, "dport", {"set": numbers}))
    yield {"rule": {**own, "chain": "next", "expr": [*expression, {"drop": None}]}}


def _range(word: str) -> Any:
    first, mark, last = word.replace(":", "-").partition("-")
    return {"range": [int(first), int(last)]} if mark else int(first)


def _is(protocol: str, field: str, right: Any) -> dict[str, Any]:
    left = {"payload": {"protocol": protocol, "field": field}}
    return {"match": {"op": "==", "left": left, "right": right}}
