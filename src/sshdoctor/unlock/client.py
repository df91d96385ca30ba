"""Whose request it is: that address will be let in, so nobody's word is taken for it but a known proxy's."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from sshdoctor.errors import UsageError

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
_SITE = 48
"""Bits of IPv6 that one customer is given at most."""


class Clients:
    """Tells clients by the connection; behind one of ``proxies``, by what that says in X-Forwarded-For."""

    def __init__(self, proxies: Sequence[_Network] = ()) -> None:
        self._proxies = tuple(proxies)

    def address(self, peer: str, forwarded: Sequence[str] = ()) -> str | None:
        """The client's address; None where it cannot be told, or is none that a host is dialled from.

        Each proxy adds whom it saw at the end, so the last that is no proxy of ours is who came to us.
        """
        came = _plain(peer)
        if came is not None and self._is_proxy(came):
            hops = [hop for line in forwarded for hop in line.split(",")]
            came = self._before_us(hops)
        return str(came) if came is not None and _is_dialled_from(came) else None

    def _before_us(self, hops: Sequence[str]) -> _Address | None:
        for hop in reversed(hops):
            address = _plain(hop.strip())
            if address is None or not self._is_proxy(address):
                return address
        return None

    def _is_proxy(self, address: _Address) -> bool:
        return any(address in network for network in self._proxies)


def _plain(text: str) -> _Address | None:
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_dialled_from(address: _Address) -> bool:
    """Not this machine itself, nor what no packet comes from."""
    never = (address.is_loopback, address.is_unspecified, address.is_multicast, address.is_link_local)
    return not any(never) and str(address) != "255.255.255.255"


def network_of(address: str) -> str:
    """Those who are counted as one.

    >>> network_of("198.51.100.7"), network_of("2001:db8:1:2::7")
    ('198.51.100.7', '2001:db8:1::/48')
    """
    return str(ip_network((address, _SITE), strict=False)) if ":" in address else address


def proxies(texts: Sequence[str]) -> list[_Network]:
    """The proxies that are trusted. Raises UsageError."""
    found: list[_Network] = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError:
            raise UsageError(f"--trusted-proxy {text}: an address, or a network such as 10.0.0.0/8") from None
        if found[-1].prefixlen == 0:
            raise UsageError(f"--trusted-proxy {text}: then anybody could say from where they come")
    return found
