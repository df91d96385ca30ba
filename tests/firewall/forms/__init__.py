"""One of every form that the manuals of iptables and nft document, as questions to the kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from firewall.generator import CHAINS
from firewall.namespaces import SERVER
from firewall.oracle import Question
from sshdoctor.model import Family

_FOLDER = Path(__file__).parent
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")

OBJECTS = """\
counter hits { }
quota much { over 100 mbytes }
limit slow { rate 100/second }
ct helper ftp-help { type "ftp" protocol tcp; }
ct timeout long { protocol tcp; policy = { established : 300 }; }
synproxy sp { mss 1460; wscale 7; timestamp sack-perm; }
set ports { type inet_service; flags interval; elements = { 22, 8000-9000 }; }
set four { type ipv4_addr; flags interval; elements = { 198.51.100.0/30, 203.0.113.1-203.0.113.9 }; }
set six { type ipv6_addr; flags interval; elements = { fd00:51::/64 }; }
set names { type ifname; elements = { "eth0", "wlan0" }; }
set pairs { typeof ip saddr . tcp dport; elements = { 198.51.100.1 . 22 }; }
set seen { type ipv4_addr; flags dynamic,timeout; size 100; }
set seen6 { type ipv6_addr; flags dynamic,timeout; size 100; }
set pairs_seen { type ipv4_addr . inet_service; flags dynamic; size 100; }
map remember { type ipv4_addr : mark; flags dynamic; size 100; }
map verdicts { type inet_service : verdict; flags interval; elements = { 22 : drop, 80-90 : accept }; }
map marks { type inet_service : mark; elements = { 80 : 1 }; }
map moved { type inet_service : inet_service; elements = { 22 : 2222 }; }
map counters { type ipv4_addr : counter; elements = { 203.0.113.1 : "hits" }; }
"""
"""What the forms of nft name: each table has those that its rule needs."""


def lines(name: str) -> Iterator[str]:
    for line in (_FOLDER / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def nft_question(line: str, family: Family) -> Question:
    """The rule alone in its chain, in a table with what it names."""
    found = re.fullmatch(r"(\w+) (nat-)?(\w+)(?:@(\S+))?: (.*)", line)
    assert found, line
    of, nat, hook, priority, rule = found.groups()
    device = " device eth0" if hook in ("ingress", "egress") else ""
    kind = "nat" if nat else "filter"
    head = "".join(f"\t{each}\n" for each in _needed(rule))
    text = (
        f"table {of} t {{\n{head}\tchain other {{ drop; }}\n\tchain none {{ }}\n"
        f"\tchain base {{ type {kind} hook {hook}{device} priority {priority or 0}; policy accept;\n"
        f"\t\t{rule}\n\t}}\n}}\n"
    )
    return Question(line, {"nft": text}, family)


def _needed(rule: str) -> Iterator[str]:
    for each in OBJECTS.splitlines():
        words = each.split()
        name = words[2] if words[0] == "ct" else words[1]
        if re.search(rf'["@]{name}\b', rule) or (name == "hits" and "@counters" in rule):
            yield each


def iptables_questions(line: str, backend: str) -> Iterator[Question]:
    """The rule alone in its table, for the families that it is for."""
    found = re.fullmatch(r"(?:([46]) )?(\w+) (\w+): (.*)", line)
    assert found, line
    version, table, chain, rule = found.groups()
    if not re.search(r"(?:^| )-[jg] ", rule):
        rule += " -j DROP"
    for family in FAMILIES:
        tool = "iptables" if family == "ipv4" else "ip6tables"
        if version in (None, family[-1]):
            yield Question(line, {f"{tool}-{backend}": _table(table, chain, rule, family)}, family)


def _table(table: str, chain: str, rule: str, family: Family) -> str:
    chains = (*CHAINS[table], *(["FORWARD"] if chain == "FORWARD" else []))
    heads = [f":{each} ACCEPT [0:0]" for each in chains]
    rule = rule.replace("{family}", family).replace("{host}", SERVER[family])
    other = ["-A other -j DROP"] if table != "nat" else []
    return "\n".join(
        [f"*{table}", *heads, ":other - [0:0]", ":none - [0:0]", *other, f"-A {chain} {rule}", "COMMIT", ""]
    )
