"""The fact ``interface``: the one that holds the address dialled, and whether it answers for it."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import Struct

from sshdoctor.facts.host.addresses import Address, Addresses
from sshdoctor.facts.host.links import Link, Links
from sshdoctor.model import Evidence, Unknown


class Interface(Struct, frozen=True, kw_only=True):
    """``state``: up, down, no-carrier; "none" where the host does not hold the address (NAT, another host).

    ``address``: usable, dadfailed (duplicate address detection found another machine that has it), tentative
    (that goes on), unanswered (it is on an interface that no question comes to, such as lo, and arp_ignore
    has the one that is asked not answer for it), noarp (its interface, by which clients come, answers no
    question for a hardware address), taken (its interface, by which the answers leave, is a port of
    ``taken_by``, which takes what comes in, as ``taken_as`` says: a bridge, a bond), none. ``macs`` are the
    hardware addresses of all interfaces of the host.
    """

    state: str | Unknown
    name: str
    address: str | Unknown
    prefix: str
    """The address with the length of its prefix."""
    taken_by: str
    taken_as: str
    arp_ignore: int | Unknown
    macs: tuple[str, ...] | Unknown
    evidence: tuple[Evidence, ...]


def interface(addresses: Addresses | Unknown, links: Links | Unknown) -> Interface | Unknown:
    """The fact, for the address of ``addresses.dialled``."""
    if isinstance(addresses, Unknown):
        return addresses
    own = addresses.dialled
    link = None if isinstance(links, Unknown) or own is None else links.named(own.interface)
    asked = _asked(addresses, links)
    prefix = f"{own.address}/{own.prefix_length}" if own else ""
    return Interface(
        state="none" if own is None else _state(link, links),
        name=own.interface if own else "",
        address="none" if own is None else _address(own, link, asked, addresses.return_interface),
        prefix=prefix,
        taken_by=link.taken_by if link else "",
        taken_as=link.taken_as if link else "",
        arp_ignore=asked,
        macs=links if isinstance(links, Unknown) else tuple(one.mac for one in links.all if one.mac),
        evidence=(
            *((Evidence("ip address", " ".join((prefix, "dev", own.interface, *own.flags))),) if own else ()),
            *((Evidence("ip link", link.text),) if link else ()),
        ),
    )


def _state(link: Link | None, links: Links | Unknown) -> str | Unknown:
    if isinstance(links, Unknown):
        return links
    if link is None:
        return Unknown("its interface is not shown")
    if not link.up:
        return "down"
    return link.carrier if isinstance(link.carrier, Unknown) else "up" if link.carrier else "no-carrier"


def _address(own: Address, link: Link | None, arp_ignore: int | Unknown, by: str) -> str | Unknown:
    for flag in ("dadfailed", "tentative"):
        if flag in own.flags:
            return flag
    if link is not None and link.taken_by and link.name == by:
        return "taken"
    if link is not None and "NOARP" in link.text and link.mac and link.name == by and ":" not in own.address:
        return "noarp"
    silent = link is not None and any(word in link.text for word in ("LOOPBACK", "NOARP"))
    if ":" in own.address or not silent or ip_address(own.address).is_loopback:
        return "usable"
    return (
        arp_ignore
        if isinstance(arp_ignore, Unknown)
        else "unanswered"
        if arp_ignore in (1, 2, 8)
        else "usable"
    )


def _asked(addresses: Addresses, links: Links | Unknown) -> int | Unknown:
    """arp_ignore of the interface by which clients come: the one that the way back leaves by."""
    if isinstance(links, Unknown):
        return links
    return links.arp_ignore.get(addresses.return_interface, Unknown("the way back is not known"))
