"""Random rulesets in nft's own language, in all hooks and priorities."""

from __future__ import annotations

import re
from random import Random

from firewall import vocabulary
from firewall.namespaces import CLIENT, SECOND, SERVER
from sshdoctor.model import Family

_HOOKS = ("prerouting", "input", "input", "input", "output", "postrouting")
_PRIORITIES = ("raw", "mangle", "filter", "filter", "security", "-250", "-10", "10", "filter + 1")
_STATES = ("new", "established", "related", "invalid", "untracked")
_ICMPX = ("no-route", "port-unreachable", "host-unreachable", "admin-prohibited")
_ICMP = ("net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", "net-prohibited",
         "host-prohibited", "admin-prohibited")  # fmt: skip
_ICMPV6 = (
    "no-route",
    "admin-prohibited",
    "addr-unreachable",
    "port-unreachable",
    "policy-fail",
    "reject-route",
)
_PORTS = (
    "22",
    "22",
    "2222",
    "80",
    "1-1023",
    "1024-65535",
    "{ 22, 80 }",
    "{ 20-25, 2222 }",
    "@ports",
    "{ 80, 443 }",
)
_FLAGS = ("syn", "== syn", "!= syn", "& (syn | ack) == syn | ack", "& (fin | syn | rst | ack) == syn",
          "rst", "psh", "{ syn, syn | ack }", "! syn", "ack")  # fmt: skip
_OTHER_PROTOCOL = re.compile("l4proto (!=|udp|icmp|ipv6|{)")


class NftGenerator:
    """Makes one ruleset for each call; the packets of both families walk it."""

    def __init__(self, seed: int, family: Family) -> None:
        self.random = Random(seed)  # noqa: S311
        self.family = family
        self.inet = True
        self.word = "ip" if family == "ipv4" else "ip6"

    def ruleset(self) -> str:
        return "\n".join(self._table(f"t{i}") for i in range(self.random.randint(1, 3)))

    def _table(self, name: str) -> str:
        family = self._pick(("inet", "inet", self.word))
        inner = [f"c{i}" for i in range(self.random.randint(0, 3))]
        self.inet = family == "inet"
        lines = [f"table {family} {name} {{", *self._sets()]
        for place, chain in enumerate(inner):
            lines += self._chain(chain, "", inner[place + 1 :])
        for place in range(self.random.randint(1, 4)):
            hook = self._pick(_HOOKS)
            policy = "drop" if self._chance(0.08) else "accept"
            head = f"type filter hook {hook} priority {self._pick(_PRIORITIES)}; policy {policy};"
            lines += self._chain(f"base{place}", head, inner)
        if self._chance(0.2):
            lines += self._nat()
        return "\n".join([*lines, "}"])

    def _sets(self) -> list[str]:
        kind = "ipv4_addr" if self.family == "ipv4" else "ipv6_addr"
        some = ", ".join(self.random.sample(self._addresses(), 2))
        verdicts = f"22 : {self._pick(('accept', 'drop', 'return', 'continue'))}, 80-90 : drop"
        pairs = f"{self._host()} . 22, {self._host()} . 80"
        return [
            "counter hits { }",
            "set ports { type inet_service; flags interval; elements = { 22, 8000-9000 }; }",
            f"set addresses {{ type {kind}; flags interval; auto-merge; elements = {{ {some} }}; }}",
            f"set pairs {{ type {kind} . inet_service; elements = {{ {pairs} }}; }}",
            f"set seen {{ type {kind}; flags dynamic; size 100; }}",
            f"set marks {{ type {kind} . mark; elements = {{ {self._host()} . 0, {self._host()} . 1 }}; }}",
            f"set counted {{ type {kind}; flags dynamic; size 100; }}",
            f"map verdicts {{ type inet_service : verdict; flags interval; elements = {{ {verdicts} }}; }}",
        ]

    def _nat(self) -> list[str]:
        second = SECOND[self.family]
        target = self._pick(
            (
                "redirect to :2222",
                f"dnat {self._to(SECOND[self.family])}:2222",
                "redirect to :22",
                "redirect to :tcp dport map { 22 : 2222 }",
                "redirect to :tcp dport map { 80 : 2222 }",
                f"dnat {self.word} to {self.word} daddr map {{ {SERVER[self.family]} : {second} }}",
                "drop",
            )
        )
        match = self._pick(
            ("tcp dport 22", "tcp dport { 22, 23 }", f"{self.word} saddr {self._address()} tcp dport 22")
        )
        return [f"chain pre {{ type nat hook prerouting priority dstnat; {match} {target}; }}"]

    def _to(self, address: str) -> str:
        return f"{self.word} to [{address}]" if ":" in address else f"{self.word} to {address}"

    def _chain(self, name: str, head: str, inner: list[str]) -> list[str]:
        hook = head.split()[3] if head else "any"
        rules = [self._rule(hook, inner) for _ in range(self.random.randint(0, 5))]
        return [f"chain {name} {{ {head}", *rules, "}"]

    def _rule(self, hook: str, inner: list[str]) -> str:
        parts = [self._match(hook) for _ in range(self.random.choice((0, 1, 1, 2, 2, 3)))]
        verdict = self._verdict(hook, inner)
        whole = " ".join([*parts, verdict])
        if "tcp " in whole or "reject" in whole:
            # One protocol a rule. And nft 1.0.6 forgets "meta nfproto" before a reject when it lists it.
            parts = [part for part in parts if "nfproto" not in part and not _OTHER_PROTOCOL.search(part)]
        elif f"{self.word} " in whole:
            parts = [part for part in parts if "nfproto" not in part]
        return " ".join([*parts, verdict])

    def _match(self, hook: str) -> str:
        way = "oifname" if hook in ("output", "postrouting") else "iifname"
        end = self._pick(("saddr", "daddr"))
        operator = self._pick(("", "", "!= "))
        return self._pick((
            f"tcp dport {operator}{self._pick(_PORTS)}",
            f"tcp sport {operator}{self._pick(_PORTS)}",
            f"tcp sport {self._pick(('<', '>', '<=', '>='))} {self._pick(('22', '1023', '1024'))}",
            f"{self.word} {end} {operator}{self._address()}",
            f"{self.word} {end} {operator}@addresses",
            f"{self.word} {end} . tcp dport {operator}@pairs",
            f"ct state {operator}{self._pick(_STATES)}",
            f"ct state {{ {', '.join(self.random.sample(_STATES, 2))} }}",
            f"ct state {','.join(self.random.sample(_STATES, 2))}",
            f"ct direction {self._pick(('original', 'reply'))}",
            f"ct status {self._pick(('seen-reply', 'assured', 'confirmed'))}",
            f"{way} {operator}{self._pick(('eth0', 'lo', 'eth*', '{ eth0, wlan0 }', 'wlan0'))}",
            f"tcp flags {self._pick(_FLAGS)}",
            f"meta l4proto {operator}{self._pick(('tcp', 'udp', '{ tcp, udp }', 'icmp', 'ipv6-icmp'))}",
            f"meta mark {operator}{self._pick(('0', '1', '4', '{ 1, 3 }'))}",
            f"ct mark {operator}{self._pick(('0', '1', '3'))}",
            f"meta mark and 0x4 == {self._pick(('0', '4'))}",
            f"meta nfproto {self._pick(('ipv4', 'ipv6'))}" if self.inet else "",
            f"fib {end} type {operator}{self._pick(('local', 'unicast', '{ local, unicast }', 'broadcast'))}",
            "meta pkttype host",
            f"meta l4proto tcp th dport {operator}{self._pick(_PORTS)}",
            self._doubtful(),
            *(self._rare(hook) for _ in range(6)),
        ))  # fmt: skip

    def _rare(self, hook: str) -> str:
        words = [*vocabulary.NFT, *vocabulary.NFT_OF_FAMILY[self.family]]
        if hook in ("prerouting", "input"):
            words += vocabulary.NFT_INWARD
        if hook in ("output", "postrouting"):
            words += vocabulary.NFT_OUTWARD
        return self._said(self._pick(words))

    def _said(self, words: str) -> str:
        ttl = "ttl" if self.family == "ipv4" else "hoplimit"
        if "{ip}" not in words and "{{" not in words:
            return words
        return words.format(ip=self.word, ttl=ttl, client=CLIENT[self.family], host=SERVER[self.family])

    def _doubtful(self) -> str:
        doubtful = ("limit rate 1/minute burst 2 packets", "ether saddr 02:00:00:00:00:01",
                    "numgen random mod 2 == 0", f"update @counted {{ {self.word} saddr }}")  # fmt: skip
        return self._pick(doubtful) if self._chance(0.3) else ""

    def _verdict(self, hook: str, inner: list[str]) -> str:
        jumps = [f"{self._pick(('jump', 'jump', 'goto'))} {chain}" for chain in inner]
        choices = [*["accept"] * 4, "drop", "return", "counter", "continue", "meta mark set 1", "log", *jumps,
                   "meta mark set mark or 4", "ct mark set 3", "ct mark set mark",
                   "meta mark set ct mark accept",
                   "meta mark set 4 meta mark 4 drop", "tcp dport vmap @verdicts", "ct mark set 1 accept",
                   f"ct state vmap {{ {self._pick(_STATES[2:])} : drop, established : accept }}",
                   f"tcp dport vmap {{ 22 : {self._pick(['accept', 'drop', *jumps])} }}"]  # fmt: skip
        choices += map(self._said, self.random.sample(vocabulary.NFT_CHANGES, 4))
        if hook == "input":
            choices += [self._reject(), self._reject(), self._reject()]
        if hook == "output":
            choices += [self._reject()]
        return self._pick(choices)

    def _reject(self) -> str:
        own = (
            f"icmp type {self._pick(_ICMP)}"
            if self.family == "ipv4"
            else f"icmpv6 type {self._pick(_ICMPV6)}"
        )
        either = f"reject with icmpx type {self._pick(_ICMPX)}" if self.inet else "reject"
        return self._pick(("reject", either, f"reject with {own}", "reject with tcp reset"))

    def _addresses(self) -> list[str]:
        if self.family == "ipv4":
            return [self._host(), "203.0.113.0/24", "198.51.100.0/31", "10.0.0.0-10.0.9.9", "198.51.100.2/31"]
        return [self._host(), "2001:db8::/32", "fd00:51::/127", "fc00::-fc00::9", "fd00:51::2/127"]

    def _address(self) -> str:
        return self._pick(self._addresses())

    def _host(self) -> str:
        return self._pick((CLIENT[self.family], SERVER[self.family], SECOND[self.family]))

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _pick(self, choices: list[str] | tuple[str, ...]) -> str:
        return self.random.choice(choices)
