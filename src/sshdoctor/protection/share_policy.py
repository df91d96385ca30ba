"""At which ports a host is to drop whom others have banned, and whom never: for playbook share-bans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from sshdoctor.facts.protection.engines import Engines
from sshdoctor.model import Unknown
from sshdoctor.protection.audit import Audited
from sshdoctor.protection.policy import Policy, hindrances, never_of, ports_of, sites_of
from sshdoctor.protection.sharing import network_of


def share_policy(seen: Audited, also: Sequence[str], unknown: Sequence[str] = ()) -> Policy:
    """For an audited host. ``also`` are never dropped; ``unknown``: the names of such without an address."""
    engines, addresses = seen.facts["engines"], seen.facts["addresses"]
    if isinstance(engines, Unknown) or isinstance(addresses, Unknown) or seen.reached is None:
        return Policy(refused="; ".join(seen.told.why) or "the host does not tell its addresses")
    refused = next(filter(None, _refusals(seen, engines)), "")
    if refused:
        return Policy(refused=refused)
    sites = sites_of(seen)
    never = tuple(dict.fromkeys((*never_of(seen, engines, also), *seen.told.allowed)))
    ports = ", ".join(map(str, ports_of(seen)))
    site_ports = sites["protect_site_ports"].replace(",", ", ") if sites["protect_site_logs"] else ""
    told = f"who is banned on another host of the group finds no port {ports}"
    told += f" and no port {site_ports} of a site" if site_ports else ""
    told += " here, until that ban ends; connections that stand are left alone; never dropped: "
    told += ", ".join(each for each in never if not each.startswith("127.") and each != "::1")
    if unknown:
        told += f"; no address is known here for {', '.join(unknown)}: add it with `allow`"
    variables = {
        "share_ports": ports,
        "share_site_ports": site_ports,
        "share_never4": list(_networks(never, 4)),
        "share_never6": list(_networks(never, 6)),
    }
    return Policy(variables=variables, told=told)


def _refusals(seen: Audited, engines: Engines) -> Iterator[str]:
    """What speaks against it, each with the cure."""
    if "nft" not in engines.tools:
        yield "nft is not installed here, and the bans of others are looked up by it: install nftables"
    yield from hindrances(
        seen, engines, "Nothing is shared with this host, as it does not see from where clients come"
    )


def _networks(words: Iterable[str], version: int) -> Iterator[str]:
    """Those of one family, as nft has them: none in another.

    >>> [*_networks(["192.0.2.7", "192.0.2.0/24", "::1"], 4)], [*_networks(["192.0.2.7", "::1"], 6)]
    (['192.0.2.0/24'], ['::1'])
    """
    found = [network for word in words if (network := network_of(word)) and network.version == version]
    kept: Iterable[IPv4Network | IPv6Network] = collapse_addresses(found)  # type: ignore[type-var]
    for network in kept:
        yield str(network.network_address if network.num_addresses == 1 else network)
