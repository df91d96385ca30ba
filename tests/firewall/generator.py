"""Random rulesets in the words of iptables-restore, made to be walked far: most matches nearly hold."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from firewall import vocabulary
from firewall.namespaces import CLIENT, SECOND, SERVER
from sshdoctor.model import Family

CHAINS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "OUTPUT"),
    "security": ("INPUT", "OUTPUT"),
}
_OTHER: dict[Family, tuple[str, ...]] = {
    "ipv4": ("203.0.113.0/24", "198.51.100.0/31", "198.51.100.2/31", "10.0.0.0/8", "0.0.0.0/1"),
    "ipv6": ("2001:db8::/32", "fd00:51::/127", "fd00:51::2/127", "fc00::/7", "::/1"),
}
_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
_REJECTS: dict[Family, tuple[str, ...]] = {
    "ipv4": ("icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable",
             "icmp-port-unreachable", "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited"),
    "ipv6": ("icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-port-unreachable",
             "icmp6-policy-fail", "icmp6-reject-route"),
}  # fmt: skip
_TYPES = ("UNICAST", "LOCAL", "MULTICAST", "BROADCAST", "ANYCAST", "UNICAST,LOCAL", "UNSPEC", "BLACKHOLE")
_INWARD = ("PREROUTING", "INPUT")
_DOUBTFUL = (
    "-m limit --limit 1/min --limit-burst 3", "-m recent --name oracle --set",
    "-m recent --name oracle --rcheck --seconds 60", "-m helper --helper ftp",
    "-m statistic --mode random --probability 0.5", "-m mac --mac-source 02:00:00:00:00:01",
    "-m pkttype --pkt-type multicast", "-m pkttype --pkt-type unicast",
)  # fmt: skip


class Generator:
    """Makes one ruleset of one family for each call of ``ruleset``."""

    def __init__(self, seed: int, family: Family) -> None:
        self.random = Random(seed)  # noqa: S311
        self.family = family

    def ruleset(self) -> str:
        return "".join(self._table(name) for name in CHAINS)

    def _table(self, name: str) -> str:
        busy = self._chance({"filter": 0.95}.get(name, 0.25))
        own = [f"user-{i}" for i in range(self.random.randint(0, 3))] if busy else []
        lines = [f"*{name}"]
        for chain in CHAINS[name]:
            policy = "DROP" if name != "nat" and busy and self._chance(0.06) else "ACCEPT"
            lines.append(f":{chain} {policy} [0:0]")
        lines += [f":{chain} - [0:0]" for chain in own]
        if busy:
            for place, chain in enumerate((*CHAINS[name], *own)):
                inner = own[max(0, place - len(CHAINS[name]) + 1) :]
                lines += [self._rule(name, chain, inner) for _ in range(self.random.randint(0, 6))]
        return "\n".join([*lines, "COMMIT", ""])

    def _rule(self, table: str, chain: str, inner: list[str]) -> str:
        target = self._target(table, chain, inner)
        tcp = any(word in target for word in ("tcp-reset", "--to-", "PROXY")) or self._chance(0.7)
        words = ["-p tcp"] if tcp else [self._protocol()]
        if "TCP" in target:
            tcp, words = False, ["-p tcp --syn" if "MSS" in target else "-p tcp"]
        matches = self._matches(table, chain, tcp)
        words += [match() for match in self.random.sample(matches, self._pick_number())]
        return " ".join(["-A", chain, *(word for word in words if word), target])

    def _pick_number(self) -> int:
        return self.random.choice((0, 0, 1, 1, 2, 3))

    def _protocol(self) -> str:
        icmp = "icmp" if self.family == "ipv4" else "ipv6-icmp"
        return self.random.choice(("", "", f"-p {icmp}", f"! -p {icmp}", "! -p tcp", "! -p udp", "-p udp"))

    def _matches(self, table: str, chain: str, tcp: bool) -> list[Callable[[], str]]:
        found = [self._source, self._destination, self._interface(chain), self._state, self._conntrack,
                 self._iprange, self._addrtype, self._mark, self._comment, self._doubtful(chain),
                 self._set(chain), self._rare(table, chain, tcp), self._rare(table, chain, tcp)]  # fmt: skip
        return [*found, self._ports, self._multiport, self._flags] if tcp else found

    def _target(self, table: str, chain: str, inner: list[str]) -> str:
        choices = ["-j ACCEPT"] * 4 + [
            "-j RETURN",
            "-j LOG",
            "",
            *(f"-{self._pick('jjg')} {c}" for c in inner),
        ]
        choices += [target.format(family=self.family) for target in vocabulary.TARGETS]
        if self._chance(0.05):
            choices += vocabulary.RARE_TARGETS
        if table == "nat":
            return self._pick([*choices, *self._translations(chain)])
        choices += ["-j DROP", "-j MARK --set-mark 1", "-j MARK --set-xmark 0x2/0x2", "-j MARK --or-mark 4",
                                      "-j CONNMARK --save-mark", "-j CONNMARK --restore-mark",
                                      "-j CONNMARK --set-mark 3"]  # fmt: skip
        if table == "raw":
            choices += ["-j CT --notrack", "-j TRACE"]
        if table == "mangle":
            choices += [*vocabulary.MANGLE_TARGETS[self.family], *vocabulary.SERVICE_TARGETS]
            choices += [self._pick(vocabulary.TCP_TARGETS)]
        if table == "filter":
            choices += [self._reject(), self._reject(), self._reject()]
        if "MARK" in "".join(choices) and table == "security":
            choices = [choice for choice in choices if "MARK" not in choice]
        return self._pick(choices)

    def _reject(self) -> str:
        return "-j REJECT --reject-with " + self._pick((*_REJECTS[self.family], "tcp-reset", "tcp-reset"))

    def _translations(self, chain: str) -> list[str]:
        source = SECOND[self.family]
        if chain == "POSTROUTING":
            return ["-j MASQUERADE", f"-j SNAT --to-source {source}"]
        if chain != "PREROUTING":
            return [f"-j SNAT --to-source {source}"] if chain == "INPUT" and self._chance(0.05) else []
        second = SECOND[self.family]
        address = f"[{second}]" if ":" in second else second
        return ["-j REDIRECT --to-ports 2222", "-j REDIRECT --to-ports 22", "-j REDIRECT",
                f"-j DNAT --to-destination {address}:2222", f"-j DNAT --to-destination {second}",
                f"-j NETMAP --to {second}/{32 if self.family == 'ipv4' else 128}",
                f"-j NETMAP --to {SERVER[self.family]}/{31 if self.family == 'ipv4' else 127}"]  # fmt: skip

    def _source(self) -> str:
        return self._not(f"-s {self._address()}")

    def _destination(self) -> str:
        return self._not(f"-d {self._address()}")

    def _address(self) -> str:
        return self._pick(
            (CLIENT[self.family], SERVER[self.family], SECOND[self.family], *_OTHER[self.family])
        )

    def _interface(self, chain: str) -> Callable[[], str]:
        way = "-o" if chain in ("OUTPUT", "POSTROUTING") else "-i"
        names = ("eth0", "eth+", "lo", "eth1", "wlan0", "e+", "eth0+")
        return lambda: "" if chain.startswith("user") else self._not(f"{way} {self._pick(names)}")

    def _ports(self) -> str:
        way = self._pick(("--dport", "--dport", "--sport"))
        return "-m tcp " + self._not(
            f"{way} {self._pick(('22', '22', '22', '1:1023', '2222', '80', ':22', '22:'))}"
        )

    def _multiport(self) -> str:
        way = self._pick(("--dports", "--sports", "--ports"))
        return "-m multiport " + self._not(
            f"{way} {self._pick(('22,80', '80,443', '20:25,2222', '1024:65535', '22'))}"
        )

    def _flags(self) -> str:
        flags = ("--syn", "--tcp-flags SYN,ACK SYN,ACK", "--tcp-flags ALL ACK", "--tcp-flags PSH PSH",
                 "--tcp-flags RST RST", "--tcp-flags FIN,SYN,RST,ACK SYN",
                 "--tcp-flags ALL NONE")  # fmt: skip
        return "-m tcp " + self._not(self._pick(flags))

    def _state(self) -> str:
        return "-m state " + self._not(f"--state {self._states()}")

    def _states(self) -> str:
        return ",".join(self.random.sample(_STATES, self.random.randint(1, 3)))

    def _conntrack(self) -> str:
        conditions = [f"--ctstate {self._states()}"]
        others = ("--ctdir ORIGINAL", "--ctdir REPLY", "--ctstatus SEEN_REPLY", "--ctstatus CONFIRMED",
                  "--ctproto 6",
                  f"--ctorigsrc {CLIENT[self.family]}", f"--ctreplsrc {SERVER[self.family]}",
                  "--ctorigdstport 22", "--ctstatus ASSURED", "--ctstatus NONE")  # fmt: skip
        if self._chance(0.4):
            conditions = [self._pick(others)] + (conditions if self._chance(0.5) else [])
        return "-m conntrack " + " ".join(
            condition if condition.startswith("--ctdir") else self._not(condition) for condition in conditions
        )

    def _iprange(self) -> str:
        way = self._pick(("--src-range", "--dst-range"))
        four = ("198.51.100.0-198.51.100.1", "198.51.100.2-198.51.100.9", "10.0.0.1-10.0.0.9")
        six = ("fd00:51::-fd00:51::1", "fd00:51::2-fd00:51::9", "2001:db8::1-2001:db8::9")
        return "-m iprange " + self._not(f"{way} {self._pick(four if self.family == 'ipv4' else six)}")

    def _addrtype(self) -> str:
        way = self._pick(("--src-type", "--dst-type"))
        types = _TYPES if self.family == "ipv4" else (*_TYPES[:3], *_TYPES[4:6], "UNREACHABLE")
        return "-m addrtype " + self._not(f"{way} {self._pick(types)}")

    def _mark(self) -> str:
        values = ("0x0", "0x1", "0x2/0x2", "0x0/0x4", "0x3")
        return f"-m {self._pick(('mark', 'connmark'))} " + self._not(f"--mark {self._pick(values)}")

    def _comment(self) -> str:
        return '-m comment --comment "' + self._pick(("ssh -j DROP", "-p udp", "! it's")) + '"'

    def _doubtful(self, chain: str) -> Callable[[], str]:
        rare = list(_DOUBTFUL)
        if chain in ("OUTPUT", "POSTROUTING"):
            rare = [
                "-m owner --uid-owner 0",
                "-m owner ! --uid-owner 0",
                "-m owner --uid-owner 1000",
                "-m owner --gid-owner 0",
                "-m owner ! --socket-exists",
                "-m owner --socket-exists",
            ]
        if chain.startswith("user"):
            rare.remove("-m mac --mac-source 02:00:00:00:00:01")
        return lambda: self._pick(rare) if self._chance(0.5) else ""

    def _set(self, chain: str) -> Callable[[], str]:
        inward = (vocabulary.INWARD_MEMBERSHIP,) if chain in _INWARD else ()
        return lambda: (
            "-m set "
            + self._not(f"--match-set {self.family}-{self._pick((*vocabulary.MEMBERSHIPS, *inward))}")
        )

    def _rare(self, table: str, chain: str, tcp: bool) -> Callable[[], str]:
        words = [*vocabulary.EVERYWHERE, *vocabulary.OF_FAMILY[self.family]]
        if tcp:
            words += vocabulary.OF_TCP
        if chain in _INWARD:
            words += vocabulary.INWARD
        if chain in ("OUTPUT", "POSTROUTING"):
            words += vocabulary.OUTWARD
        if chain == "PREROUTING" and table in ("raw", "mangle"):
            words += vocabulary.FIRST * 3
        return lambda: self._pick(words)

    def _not(self, condition: str) -> str:
        return f"! {condition}" if self._chance(0.25) else condition

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _pick(self, choices: str | list[str] | tuple[str, ...]) -> str:
        return self.random.choice(choices)
