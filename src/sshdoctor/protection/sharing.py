"""What one host has banned, given to the others: one round. What a host says of its bans is one voice.

Its words become addresses and seconds here, or nothing: single addresses that mean the same machine
everywhere, for a week at most, so many of one host and no more. Who is on any allow-list of the host that
receives them is left out, whatever its engines would do: ``banip`` of fail2ban does not ask ``ignoreip``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from msgspec import Struct

from sshdoctor.facts.protection.books import Books, Held
from sshdoctor.facts.protection.share import Share
from sshdoctor.model import Unknown

Address = IPv4Address | IPv6Address
Shared = Mapping[str, Mapping[Address, int]]
"""By the set that holds them: addresses, each with the seconds that its ban goes on."""

LONGEST = 7 * 86400
MOST_OF_ONE = 1000
"""So many addresses of one host for one service: those whose bans last longest."""
MOST = 60_000
"""So many in one set, whose size is 65,536; what was given before and was not lifted is there besides."""
SETS = ("ssh_banned4", "ssh_banned6", "web_banned4", "web_banned6")

# Those that are another machine's on every network, or no machine's (RFC 6890): never given to another host.
_LOCAL = tuple(
    ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/96"),
        *("64:ff9b::/96", "100::/64", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
NOT_SET_UP = "it is not set up there"
_WEB_PORTS = frozenset({"http", "https", "80", "443"})


class Voice(Struct, frozen=True, kw_only=True):
    """What one host of the group said: its name, its bans, its own addresses and that of who asks it: these
    two count for itself alone."""

    host: str
    books: Books | Unknown
    own: tuple[str, ...] = ()


class Round(Struct, frozen=True):
    """What one host is given: ``addresses`` by set, how many other hosts gave; ``untold``: why none."""

    addresses: Shared
    givers: int = 0
    whole: bool = True
    """All others were heard: who is not among them is let in again."""
    untold: str = ""

    @property
    def count(self) -> int:
        return len({address for held in self.addresses.values() for address in held})


def apart(share: Share | Unknown) -> str:
    """Why a host takes no part in it, "" if it does."""
    if isinstance(share, Unknown):
        return share.reason
    return "" if share.set_up else NOT_SET_UP


def rounds(voices: Sequence[Voice], never: Iterable[str], *, whole: bool) -> Mapping[str, Round]:
    """What each host is given of the others. ``never``: who else is never banned; ``whole``: nobody of the
    group was left out."""
    never = tuple(never)
    most = min(MOST_OF_ONE, MOST // max(1, len(voices) - 1))
    given = {voice.host: _given(voice.books, most) for voice in voices if isinstance(voice.books, Books)}
    heard = whole and len(given) == len(voices)
    return {voice.host: _round(voice, given, never, whole=heard) for voice in voices}


def _round(receiver: Voice, given: Mapping[str, Shared], never: Sequence[str], *, whole: bool) -> Round:
    books = receiver.books
    untold = books.reason if isinstance(books, Unknown) else books.untold
    if isinstance(books, Unknown) or untold:
        return Round({}, untold=untold)
    others = [shared for host, shared in given.items() if host != receiver.host]
    passes = Passing((*books.passes, *receiver.own, *never))
    found: dict[str, dict[Address, int]] = {name: {} for name in SETS}
    for shared in others:
        for name, addresses in shared.items():
            for address, seconds in addresses.items():
                if address not in passes:
                    found[name][address] = max(seconds, found[name].get(address, 0))
    return Round(found, sum(any(shared.values()) for shared in others), whole)


def _given(books: Books, most: int) -> Shared:
    """What one host's word comes to."""
    found: dict[str, dict[Address, int]] = {name: {} for name in SETS}
    for held in sorted(books.bans, key=lambda each: -each.seconds):
        address = _address(held.element)
        if address is None or held.seconds < 1:
            continue
        for service in _services(held):
            addresses = found[f"{service}_banned{address.version}"]
            if len(addresses) < most:
                addresses.setdefault(address, min(held.seconds, LONGEST))
    return found


def _address(text: str) -> Address | None:
    """A single address that means the same machine on every host.

    >>> _address("203.0.113.7"), _address("2001:db8::7/128")
    (IPv4Address('203.0.113.7'), IPv6Address('2001:db8::7'))
    >>> [_address(word) for word in ("0.0.0.0/0", "10.0.0.7", "::ffff:203.0.113.7", "fe80::1%eth0", "x")]
    [None, None, None, None, None]
    """
    try:
        network = ip_network(text)
    except ValueError:
        return None
    address = network.network_address
    if network.num_addresses > 1 or getattr(address, "scope_id", None):
        return None
    return None if any(address in local for local in _LOCAL if local.version == address.version) else address


def _services(held: Held) -> Iterator[str]:
    """What a ban keeps its address from: by the jail's name and ports, or CrowdSec's scenario.

    >>> [*_services(Held("", 1, "sshd 2222"))], [*_services(Held("", 1, "wp http,https"))]
    (['ssh'], ['web'])
    >>> [*_services(Held("", 1, "recidive 0:65535"))], [*_services(Held("", 1, "postfix smtp"))]
    (['ssh', 'web'], [])
    """
    name, _, ports = held.guards.partition(" ")
    words = {*ports.replace(",", " ").split()}
    every = words & {"0:65535", "1:65535", "0-65535", "1-65535"}
    if "ssh" in name or words & {"ssh", "22"} or every:
        yield "ssh"
    if words & _WEB_PORTS or every or "http" in name or "wordpress" in name:
        yield "web"


class Passing:
    """Who is let pass: ``in`` asks it for an address; what is no network is passed over."""

    def __init__(self, words: Iterable[str]) -> None:
        networks = [network for word in words if (network := network_of(word)) is not None]
        self._single = {each.network_address for each in networks if each.num_addresses == 1}
        self._networks = [each for each in networks if each.num_addresses > 1]

    def __contains__(self, address: Address) -> bool:
        wide = (each for each in self._networks if each.version == address.version)
        return address in self._single or any(address in each for each in wide)


def network_of(word: str) -> IPv4Network | IPv6Network | None:
    """
    >>> network_of("192.0.2.7/24"), network_of("fe80::1%eth0"), network_of("example.org")
    (IPv4Network('192.0.2.0/24'), IPv6Network('fe80::1/128'), None)
    """
    try:
        return ip_network(word.partition("%")[0], strict=False)
    except ValueError:
        return None
