"""Saved rules of iptables and ip6tables, and what a call of theirs makes of them (iptables(8))."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from sshdoctor.facts.host.firewall import SavedRules
from sshdoctor.protection.action.ports import PortError, numbered
from sshdoctor.unblock.ruleset_text import change_chain, has_chain

_CHAINS = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}
_MOST_PORTS = 15
_VERBS = {
    **dict.fromkeys(("-N", "--new-chain"), "new"),
    **dict.fromkeys(("-A", "--append"), "append"),
    **dict.fromkeys(("-I", "--insert"), "insert"),
    **dict.fromkeys(("-C", "--check"), "check"),
    **dict.fromkeys(("-D", "--delete", "-F", "--flush", "-X", "-L", "-S"), "other"),
}
_WITH_PORTS = ("tcp", "udp", "udplite", "dccp", "sctp", "6", "17")
_PORTS = ("--dport", "--sport", "--dports", "--sports", "--destination-ports", "--ports")


class Tables:
    """The dumps of both families; ``six`` is which of them a call means."""

    def __init__(
        self, dumps: Sequence[SavedRules], ports: Mapping[str, int], backends: Mapping[str, str]
    ) -> None:
        self.dumps = tuple(dumps)
        self._ports, self._backends = ports, backends

    def call(self, six: bool, words: Sequence[str]) -> bool:
        """Whether ``iptables WORDS`` succeeds, done. Raises PortError."""
        table, verb, chain, rest = _read([word for word in words if word not in ("-w", "--wait", "-n")])
        if verb == "new":
            return self.new_chain(six, table, chain)
        if verb not in ("append", "insert", "check"):
            return verb != ""
        if verb == "insert" and rest and rest[0].isdecimal():
            rest = rest[1:]
        if not _may_have_ports(rest):
            return False
        if chain in _CHAINS.get(table, ()):
            self.declare(six, table)
        if not self.has_chain(six, table, chain) or self._leads_nowhere(six, table, rest):
            return False
        rule = f"-A {chain} {' '.join(as_saved(rest, self._ports))}"
        if verb == "check":
            return any(_gist(line) == _gist(rule) for line in self._lines(six))
        self.put(six, table, chain, rule, first=verb == "insert")
        return True

    def has_chain(self, six: bool, table: str, chain: str) -> bool:
        return any(has_chain(dump.text, table, chain) for dump in self._of(six))

    def has_rule(self, six: bool, chain: str) -> bool:
        return any(line.startswith(f"-A {chain} ") for line in self._lines(six))

    def declare(self, six: bool, table: str) -> None:
        """The kernel has a table's own chains as soon as a rule is put there."""
        if any(re.search(rf"^\*{table}$", dump.text, re.M) for dump in self._of(six)):
            return
        chains = "".join(f":{chain} ACCEPT [0:0]\n" for chain in _CHAINS[table])
        backend = self._backends.get("ipv6" if six else "ipv4", "")
        tool = f"ip{'6' if six else ''}tables{f'-{backend}' if backend else ''}-save"
        bare = SavedRules(tool, "ipv6" if six else "ipv4", f"*{table}\n{chains}COMMIT\n")
        self.dumps = (*self.dumps, bare)

    def new_chain(self, six: bool, table: str, chain: str) -> bool:
        if self.has_chain(six, table, chain):
            return False
        self.declare(six, table)
        head = re.compile(rf"^\*{table}$", re.M)
        self._edit(six, lambda text: head.sub(f"*{table}\n:{chain} - [0:0]", text))
        return True

    def put(self, six: bool, table: str, chain: str, rule: str, *, first: bool) -> None:
        def placed(rules: list[str]) -> list[str]:
            return [rule, *rules] if first else [*rules, rule]

        self._edit(six, lambda text: change_chain(text, table, chain, placed))

    def _leads_nowhere(self, six: bool, table: str, rest: Sequence[str]) -> bool:
        """To a chain that is not there: targets of the kernel have capitals alone."""
        to = rest[rest.index("-j") + 1] if "-j" in rest[:-1] else "ACCEPT"
        return not to.isupper() and not self.has_chain(six, table, to)

    def _of(self, six: bool) -> list[SavedRules]:
        """Those of the back end to which the plain command speaks (iptables-nft and -legacy are two)."""
        family = "ipv6" if six else "ipv4"
        other = {"nft": "legacy", "legacy": "nft"}.get(self._backends.get(family, ""), "none")
        return [dump for dump in self.dumps if dump.family == family and f"-{other}-" not in dump.tool]

    def _lines(self, six: bool) -> list[str]:
        return [line for dump in self._of(six) for line in dump.text.splitlines()]

    def _edit(self, six: bool, change: Callable[[str], str]) -> None:
        mine = self._of(six)
        self.dumps = tuple(
            replace(dump, text=change(dump.text)) if dump in mine else dump for dump in self.dumps
        )


def _read(words: list[str]) -> tuple[str, str, str, list[str]]:
    """The table, what is to be done, to which chain, and the rule."""
    table, verb, chain, rest = "filter", "", "", list[str]()
    while words:
        word = words.pop(0)
        if word in ("-t", "--table") and words:
            table = words.pop(0)
        elif word in _VERBS and words and not verb:
            verb, chain = _VERBS[word], words.pop(0)
        elif verb or not word.isdecimal():
            rest.append(word)
    return table, verb, chain, rest


def as_saved(words: Sequence[str], ports: Mapping[str, int]) -> list[str]:
    """Words of a rule as iptables-save prints them: ports as numbers, the matches of a protocol named.

    >>> " ".join(as_saved("-p tcp --dport ssh --jump DROP".split(), {"ssh": 22}))
    '-p tcp -m tcp --dport 22 -j DROP'
    """
    found: list[str] = []
    protocol = ""
    for before, word in zip(("", *words), words, strict=False):
        if before in ("-p", "--protocol"):
            protocol = word
        if word in ("--dport", "--sport") and f"-m {protocol}" not in " ".join(found):
            found += ["-m", protocol or "tcp"]
        short = {"--protocol": "-p", "--source": "-s", "--jump": "-j"}.get(word, word)
        found.append(_ports(before, word, ports) if before in _PORTS else short)
    return found


def _ports(option: str, text: str, names: Mapping[str, int]) -> str:
    """A range counts for two in a match of many ports (xt_multiport.h). Raises PortError."""
    found = numbered(text, names)
    if option.endswith("s") and len(re.split("[,:]", found)) > _MOST_PORTS:
        raise PortError(f"more than {_MOST_PORTS} ports in one rule: banaction = iptables-allports")
    return found


def _may_have_ports(words: Sequence[str]) -> bool:
    """A match of ports is of a protocol that has ports, and iptables refuses it of any other, or of all."""
    protocol = next((word for before, word in pairwise(words) if before in ("-p", "--protocol")), "all")
    return protocol in _WITH_PORTS or not any(word in _PORTS for word in words)


def _gist(rule: str) -> frozenset[str]:
    """What is the same of a rule whatever order and defaults iptables-save gave it."""
    words = re.sub(r"/32\b|/128\b", "", rule).split()
    return frozenset(word for word in words if word not in ("-m", "tcp", "udp", "-p"))
