"""The network interfaces: whether they are up, their hardware addresses, and what the kernel asks of packets.

Sources: ip-link(8), whose LOWER_UP is the carrier and whose ``prog/xdp`` is a program of XDP; netdevice(7)
for the bits of /sys/class/net/NAME/flags. What a bridge, a bond and their like take from their ports never
reaches the ports' own addresses (ip-link(8), "master", and the ``KIND_slave`` of its details); a VRF takes
nothing. The kernel's ip-sysctl for arp_ignore (in force is the greater of "all" and the interface's). TcpExt
IPReversePathFilter of /proc/net/netstat counts what rp_filter has dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.facts.parsing.output import evidence, number, parts, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import plain_name
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "interfaces": """
if command -v ip >/dev/null; then echo '## ip'; ip -o link 2>&1
else
  echo '## sys'
  for link in /sys/class/net/*; do
    [ -r "$link/flags" ] || continue
    carrier=$(cat "$link/carrier" 2>/dev/null)
    echo "${link##*/} $(cat "$link/flags") ${carrier:-?} $(cat "$link/mtu") $(cat "$link/address")"
  done
fi
echo '## ports'
for port in /sys/class/net/*; do
  [ -e "$port/master" ] || continue
  master=$(readlink "$port/master") kind=''
  [ ! -e "$port/brport" ] || kind=bridge
  [ ! -e "$port/bonding_slave" ] || kind=bond
  [ -n "$kind" ] || kind=$(ip -o -d link show dev "${port##*/}" 2>/dev/null |
    sed -n 's/.*[[:space:]]\\([a-z]*\\)_slave.*/\\1/p')
  echo "${port##*/} ${master##*/} $kind"
done
echo '## arp_ignore'; grep -s . /proc/sys/net/ipv4/conf/*/arp_ignore
echo '## counters'
grep -s '^TcpExt:' /proc/net/netstat | {
  read -r _ names; read -r _ values; set -- $values
  for name in $names; do [ "$name" != IPReversePathFilter ] || echo "$name=$1"; shift; done
}
true
"""
}


class Link(Struct, frozen=True, kw_only=True):
    """One interface. ``carrier`` is a cable, or a peer, at the other end; ``mac`` is "" where there is none.

    ``mtu`` is in bytes. ``xdp`` is how ip names a program of XDP that is attached, "" if there is none.
    """

    name: str
    up: bool
    carrier: bool | Unknown
    mac: str
    mtu: int | None
    xdp: str = ""
    bridged: bool = False
    """It is the port of a bridge or a member of a bond: its packets come in by that one."""
    taken_by: str = ""
    """That interface: a bridge, a bond, a team, Open vSwitch; "" for none, or a VRF, which takes nothing."""
    taken_as: str = ""
    """What that one is: bridge, bond, team, openvswitch."""
    text: str = ""


class Links(Struct, frozen=True, kw_only=True):
    """``arp_ignore`` is by interface. ``reverse_path_drops``: packets that rp_filter has dropped since the
    boot, None where the kernel does not count them."""

    all: tuple[Link, ...]
    arp_ignore: Mapping[str, int]
    reverse_path_drops: int | None
    evidence: tuple[Evidence, ...]

    def named(self, name: str | None) -> Link | None:
        """The interface of that name, if there is one."""
        return next((link for link in self.all if link.name == name), None)


VALUE = Links
WRITERS = {"": "kernel"}
_TAKING = ("bridge", "bond", "team", "openvswitch")
_UP, _RUNNING_WORDS = 0x1, "LOWER_UP"
_LINE = re.compile(r"^\d+: ([^\s:@]+)(?:@\S+)?: <([^>\n]*)>(.*)$", re.M)
_XDP = re.compile(r"\\\s+(prog/xdp\S* .*?)(?=\\|$)")


def parse(sections: Mapping[str, Section]) -> Links | Unknown:
    section = sections["interfaces"]
    if (cut := unseen(section)) is not None:
        return cut
    said = parts(section.output)
    shown = _of_ip(said["ip"]) if "ip" in said else _of_sys(said.get("sys", ""))
    every = tuple(_with_masters(shown, said.get("ports", "")))
    if not every:
        return Unknown("the host shows no interfaces")
    values = dict(re.findall(r"/conf/([^/]+)/arp_ignore:(\d)$", said.get("arp_ignore", ""), re.M))
    return Links(
        all=every,
        arp_ignore={name: max(int(value), int(values.get("all", 0))) for name, value in values.items()},
        reverse_path_drops=number(properties(said.get("counters", "")).get("IPReversePathFilter")),
        evidence=evidence("ip link", [link.text for link in every]),
    )


def _with_masters(links: Iterable[Link], text: str) -> Iterator[Link]:
    """Each with the interface that takes its packets, as ``port master kind`` lines tell it."""
    rows = [line.split() for line in text.splitlines()]
    known = {row[0]: (row[1], row[2]) for row in rows if len(row) == 3 and row[2] in _TAKING}
    for link in links:
        master, kind = known.get(link.name, ("", ""))
        yield replace(link, taken_by=plain_name(master) if master else "", taken_as=kind)


def _of_ip(text: str) -> Iterator[Link]:
    for name, flags, rest in _LINE.findall(text):
        words = flags.split(",")
        mtu = re.search(r" mtu (\S+)", rest)
        mac = re.search(r"link/ether ([\da-f:]{17})", rest)
        program = _XDP.search(rest)
        yield Link(
            name=plain_name(name),
            up="UP" in words,
            carrier=_RUNNING_WORDS in words if "UP" in words else Unknown("the interface is down"),
            mac=mac[1] if mac else "",
            mtu=number(mtu[1]) if mtu else None,
            xdp=program[1].strip() if program else "",
            bridged=" master " in rest,
            text=f"{name}: <{flags}>{rest.partition(chr(92))[0].rstrip()}",
        )


def _of_sys(text: str) -> Iterator[Link]:
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 5:
            continue
        name, flags, carrier, mtu, mac = fields
        up = bool(int(flags, 16) & _UP)
        yield Link(
            name=plain_name(name),
            up=up,
            carrier=carrier == "1" if carrier in "01" else Unknown("the interface is down"),
            mac="" if mac == "00:00:00:00:00:00" else mac,
            mtu=number(mtu),
            text=f"{name}: flags {flags} carrier {carrier} mtu {mtu}",
        )
