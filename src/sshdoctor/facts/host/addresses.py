"""The host's own addresses, and the way back from it to the client.

Sources: ip-address(8); ip-route(8). The way back is asked for with
the dialled address as its source where the host has it, so that policy rules count. proc(5) fib_trie and
if_inet6 stand in where ip is missing. rp_filter in force is the greater of "all" and the interface's (kernel
ip-sysctl). An address that is tentative answers nobody yet, one that is dadfailed never will: another machine
has it (ip-address(8); /proc/net/if_inet6 has the bits of linux/if_addr.h).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing import words
from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "addresses": """
echo "## asked"; echo "$client|$address"
if command -v ip >/dev/null; then
  own=$(ip -o addr 2>&1); echo '## ip'; echo "$own"
  case $client in ''|*[!0-9a-fA-F.:]*) ;; *)
    from=
    case $address in ''|*[!0-9a-fA-F.:]*) ;; *) case $own in *" $address/"*) from=$address ;; esac ;; esac
    echo '## route'
    ip -o route get "$client" ${from:+from "$from"} 2>&1 ;;
  esac
else
  echo '## trie'; cat /proc/net/fib_trie 2>&1
  echo '## inet6'; cat /proc/net/if_inet6 2>/dev/null
fi
case $address in *:*)
  echo '## ipv6'
  grep -s '^1$' /proc/sys/net/ipv6/conf/*/disable_ipv6 /dev/null
  grep -s . /sys/class/net/*/mtu ;;
esac
echo '## rp_filter'; grep -s . /proc/sys/net/ipv4/conf/*/rp_filter
true
"""
}


class Address(Struct, frozen=True):
    """``interface`` is "" where only /proc could be read; ``prefix_length`` None likewise. ``flags`` are ip's
    words: tentative, dadfailed, deprecated."""

    interface: str
    address: str
    prefix_length: int | None
    flags: tuple[str, ...] = ()


class Addresses(Struct, frozen=True, kw_only=True):
    """``dialled_interface`` is the one that holds the dialled address, None where the host does not have it
    (NAT, or another host); ``dialled`` is that address as the host has it. ``return_interface`` is the one by
    which its packets leave for the client, "" where none does."""

    all: tuple[Address, ...]
    all_addresses: tuple[str, ...]
    dialled_interface: str | None
    return_interface: str
    return_text: str
    rp_filter: int | Unknown
    evidence: tuple[Evidence, ...]
    dialled: Address | None = None
    none_of_the_family: bool = False
    """The host has no address of the dialled one's family that others could dial."""
    ipv6_off: tuple[str, ...] = ()
    """Why interfaces have no IPv6, as "eth0: disable_ipv6=1", where the host has no address of it that others
    could dial."""


VALUE = Addresses
WRITERS = {"": "kernel"}
_LEAST_MTU = 1280
_BITS = {"dadfailed": 0x08, "deprecated": 0x20, "tentative": 0x40}


def parse(sections: Mapping[str, Section]) -> Addresses | Unknown:
    said = parts(sections["addresses"].output)
    client, _, dialled = said["asked"].partition("|")
    every = _of_ip(said["ip"]) if "ip" in said else _of_proc(said)
    if not every:
        return Unknown("the host shows no addresses")
    own = next((each for each in every if _same(each.address, dialled)), None)
    interface = own.interface if own else None
    text = said.get("route", "").strip()
    out = re.search(r"^(?!blackhole |unreachable |prohibit ).* dev (\S+)", text)
    leaving = out[1] if out else ""
    return Addresses(
        all=every,
        all_addresses=tuple(each.address for each in every),
        dialled_interface=interface,
        return_interface=leaving,
        return_text=text,
        rp_filter=_rp_filter(said.get("rp_filter", ""), interface or leaving),
        evidence=evidence("ip -brief address", _brief(every))
        + evidence(f"ip route get {client}", text.splitlines()),
        dialled=own,
        none_of_the_family=dialled != "" and not _has_family(every, 6 if ":" in dialled else 4),
        ipv6_off=() if own or _has_family(every, 6) else tuple(_ipv6_off(said.get("ipv6", ""), every)),
    )


def _has_family(every: Iterable[Address], version: int) -> bool:
    """It has an address of IPv4 or IPv6 that another machine could dial."""
    found = (ipaddress.ip_address(one.address) for one in every)
    return any(one.version == version and not one.is_loopback and not one.is_link_local for one in found)


def _ipv6_off(text: str, every: Iterable[Address]) -> Iterator[str]:
    """Of the interfaces with addresses; below an MTU of 1280 there is no IPv6 (RFC 8200, 5)."""
    names = {one.interface for one in every} - {"lo", ""}
    for name in sorted(names):
        if f"/conf/{name}/disable_ipv6:1" in text:
            yield f"{name}: disable_ipv6=1"
        mtu = re.search(rf"^/sys/class/net/{re.escape(name)}/mtu:(\d{{1,9}})$", text, re.M)
        if mtu and int(mtu[1]) < _LEAST_MTU:
            yield f"{name}: an MTU of {mtu[1]}, and IPv6 needs {_LEAST_MTU}"


def _same(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _brief(every: Iterable[Address]) -> list[str]:
    return [" ".join((f"{one.interface} {one.address}/{one.prefix_length}", *one.flags)) for one in every]


def _of_ip(text: str) -> tuple[Address, ...]:
    rows = re.findall(
        r"^\d+: ([^\s@]+)(?:@\S+)?[ \t]+inet6? ([\da-fA-F.:]+)(?: peer [^\s/]+)?(?:/(\d+))?[ \t](.*)$",
        text,
        re.M,
    )
    return tuple(
        Address(
            words.plain_name(name),
            words.address(address),
            int(length) if length else None,
            _flags(rest.split()),
        )
        for name, address, length, rest in rows
    )


def _flags(said: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for word in said if word in _BITS)


def _of_proc(said: Mapping[str, str]) -> tuple[Address, ...]:
    four = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", said.get("trie", ""))
    six = [line.split() for line in said.get("inet6", "").splitlines()]
    return tuple(Address("", words.address(address), None) for address in dict.fromkeys(four)) + tuple(
        Address(
            row[5],
            str(ipaddress.IPv6Address(bytes.fromhex(row[0]))),
            int(row[2], 16),
            tuple(word for word, bit in _BITS.items() if int(row[4], 16) & bit),
        )
        for row in six
        if len(row) == 6
    )


def _rp_filter(text: str, interface: str) -> int | Unknown:
    values = dict(re.findall(r"/conf/([^/]+)/rp_filter:(\d)$", text, re.M))
    if interface not in values or "all" not in values:
        return Unknown("its interface is not known")
    return max(int(values["all"]), int(values[interface]))
