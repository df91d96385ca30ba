"""Rules held in memory, and what each command of an action makes of them.

iptables(8), nft(8), ipset(8), ufw(8), firewall-cmd(1), ip-route(8), as fail2ban's actions of 0.11 to 1.1 call
them. A command that touches no packet (mail, a log, a request to somebody else's list) changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.protection.action.iptables import Tables, as_saved
from sshdoctor.protection.action.nft import Listing
from sshdoctor.protection.action.ports import PortError, numbered
from sshdoctor.protection.action.sets import Sets
from sshdoctor.protection.action.words import ShellError

_NO_PACKETS: tuple[str, ...] = (
    *("echo", "printf", "true", ":", "sleep", "logger", "mail", "sendmail", "mutt", "curl", "wget", "touch"),
    *(
        "mkdir",
        "cat",
        "whois",
        "date",
        "rm",
        "sed",
        "sync",
        "flock",
        "dig",
        "awk",
        "grep",
        "tr",
        "wc",
        "head",
    ),
    *("tail", "test", "ss", "conntrack"),
)


class Rules:
    """``firewall`` as the commands have made it; ``missing`` says which programs could not do their part."""

    def __init__(
        self, firewall: Firewall, tools: Sequence[str], ports: Mapping[str, int] | None = None
    ) -> None:
        self._firewall, self._tools, self._ports = firewall, tools, ports or {}
        self._tables = Tables(firewall.dumps, self._ports, firewall.default)
        self._nft = Listing(firewall.nft_json or "", self._ports)
        self._sets = Sets(firewall.ipset)
        self.missing: list[str] = []
        self.unanswered: list[str] = []
        """To whom routes send nothing back."""

    @property
    def firewall(self) -> Firewall:
        return replace(
            self._firewall, dumps=self._tables.dumps, nft_json=self._nft.text or None, ipset=self._sets.text
        )

    def command(self, words: Sequence[str]) -> bool:
        """Whether the command succeeds, done. Raises ShellError for one that is not known."""
        try:
            return self._done(words)
        except PortError as error:
            self.missing.append(f"{words[0]} refuses the rule of the ban: {error}")
            return False

    def _done(self, words: Sequence[str]) -> bool:
        name, *rest = words
        name = name.rpartition("/")[2]
        if name in ("iptables", "ip6tables"):
            sets = (word for before, word in pairwise(rest) if before == "--match-set")
            takes = self._has_tool(name) and all(map(self._sets.has, sets))
            return takes and self._tables.call(name == "ip6tables", rest)
        if name in ("ipset", "nft", "ufw", "firewall-cmd"):
            known = {"ipset": self._sets.call, "nft": self._nft.change, "ufw": self._ufw}
            do = known.get(name, self._firewalld)
            return self._has_tool(name) and do(rest)
        if name == "ip":
            return self._route([word for word in rest if word not in ("-4", "-6")])
        if name == "[":
            return _holds(rest[:-1])
        if name in _NO_PACKETS:
            return True
        if name == "false":
            return False
        raise ShellError(f"what {name} does to packets is not known")

    def _has_tool(self, name: str) -> bool:
        if name in self._tools:
            return True
        self.missing.append(f"the action runs {name}, which is not installed: apt install {name}")
        return False

    def _ufw(self, words: list[str]) -> bool:
        if "app" in words[:1]:
            return False
        if "ufw" not in self._firewall.managers:
            self.missing.append(
                "banaction is ufw, and ufw is inactive: its rules are written to a file alone. ufw enable "
                "(with ssh allowed), or banaction = nftables"
            )
            return False
        place = words[0]
        verb = next((word for word in words if word in ("deny", "reject")), "")
        source = words[words.index("from") + 1] if "from" in words else ""
        if not verb or not source or place not in ("prepend", "insert", verb):
            raise ShellError("what this call of ufw does is not known")
        six = ":" in source
        chain = "ufw6-user-input" if six else "ufw-user-input"
        if place == "insert" and six and self._tables.has_rule(False, "ufw-user-input"):
            self.missing.append(
                "ufw numbers the rules of IPv6 behind those of IPv4, and refuses to insert one before them: "
                "prepend in the action, instead of insert 1"
            )
            return False
        port = words[words.index("port") + 1] if "port" in words else ""
        what = f" -p tcp -m multiport --dports {numbered(port, self._ports)}" if port else ""
        self._tables.put(six, "filter", chain, f"-A {chain} -s {source}{what} -j DROP", first=place != verb)
        return self._tables.has_chain(six, "filter", chain)

    def _firewalld(self, words: list[str]) -> bool:
        if not self._runs_firewalld():
            self.missing.append("the action asks firewalld, which does not run: systemctl start firewalld")
            return False
        if "--direct" in words and "--add-rule" in words:
            family, table, chain, _, *rule = words[words.index("--add-rule") + 1 :]
            six = family == "ipv6"
            self._tables.declare(six, table)
            own = chain if self._tables.has_chain(six, table, chain) else chain.removesuffix("_direct")
            if not self._tables.has_chain(six, table, own):
                return False
            self._tables.put(six, table, own, f"-A {own} {' '.join(as_saved(rule, self._ports))}", first=True)
            return True
        if "--direct" in words and "--add-chain" in words:
            family, table, chain = words[words.index("--add-chain") + 1 :][:3]
            return self._tables.new_chain(family == "ipv6", table, chain)
        if rich := [word for word in words if word.startswith("--add-rich-rule=")]:
            zones = (word.partition("=")[2] for word in words if word.startswith("--zone="))
            return self._rich(rich[0], next(zones, ""))
        raise ShellError("what this call of firewall-cmd does is not known")

    def _runs_firewalld(self) -> bool:
        """By its table, or its chains: its file of a process id is not everywhere."""
        chains = any(
            self._tables.has_chain(False, "filter", chain) for chain in ("INPUT_ZONES", "INPUT_direct")
        )
        return "firewalld" in self._firewall.managers or chains or '"name": "firewalld"' in self._nft.text

    def _rich(self, text: str, zone: str) -> bool:
        """A rich rule that rejects stands before what ``zone`` lets in, "" for the default one."""
        source = re.search(r"source address='([^']+)'", text)
        port = re.search(r"port port='([^']+)'", text)
        if not source or not re.search(r"\b(reject|drop)\b", text):
            raise ShellError("what this rich rule does is not known")
        six = ":" in source[1]
        if (chain := self._nft.denying(zone)) is not None:
            where = ["tcp", "dport", numbered(port[1], self._ports)] if port else []
            words = ["insert", "rule", *chain, "ip6" if six else "ip", "saddr", source[1], *where, "drop"]
            return self._nft.change(words)
        which = f" -p tcp -m multiport --dports {numbered(port[1], self._ports)}" if port else ""
        self._tables.declare(six, "filter")
        self._tables.put(six, "filter", "INPUT", f"-A INPUT -s {source[1]}{which} -j DROP", first=True)
        return True

    def _route(self, words: list[str]) -> bool:
        adds = words[:2] in (["route", "add"], ["route", "replace"]) and len(words) > 3
        if not adds or words[2] not in ("unreachable", "blackhole", "prohibit"):
            raise ShellError("what this call of ip does to packets is not known")
        self.unanswered.append(words[3])
        return True


def _holds(words: Sequence[str]) -> bool:
    """``test``: of texts alone. Raises ShellError."""
    match list(words):
        case ["-n", text]:
            return text != ""
        case ["-n"]:
            return False
        case ["-z", text]:
            return text == ""
        case ["-z"]:
            return True
        case [one, "=" | "==", other]:
            return one == other
        case [one, "!=", other]:
            return one != other
        case [one, "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" as sign, other]:
            return _compared(one, sign, other)
    raise ShellError("what is tested is not known")


def _compared(one: str, sign: str, other: str) -> bool:
    try:
        apart = int(one) - int(other)
    except ValueError:
        return False
    held = {"-eq": apart == 0, "-lt": apart < 0, "-le": apart <= 0}
    return held[sign] if sign in held else not held[{"-ne": "-eq", "-gt": "-le", "-ge": "-lt"}[sign]]
