"""By which ports and families each service is reached, and under whose address it sees who comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.parsing.sockets import Listener, Listeners
from sshdoctor.facts.protection.engines import Engines
from sshdoctor.facts.protection.seen_requests import SeenRequests, proxies
from sshdoctor.model import Family, Reply, Unknown
from sshdoctor.protection import notice
from sshdoctor.protection.doors import Way, behind, outer, ways
from sshdoctor.protection.pages import Asked
from sshdoctor.protection.wrapping import Wrapping


class Reached:
    """``pages``: those of sites at which passwords can be guessed."""

    def __init__(
        self, facts: Mapping[str, Any], engines: Engines, replies: Sequence[Reply], pages: Sequence[Asked]
    ) -> None:
        self._engines, self._facts, self._replies = engines, facts, replies
        self.pages = tuple(pages) or tuple(_guessed(facts["seen_requests"], replies))

    @property
    def services(self) -> tuple[str, ...]:
        return ("ssh", "web") if self.pages else ("ssh",)

    def sees_real(self, service: str) -> notice.Said:
        """Whether failures at ``service`` are logged under the address that they came from."""
        if service == "ssh":
            own = getattr(self._facts["addresses"], "all_addresses", ())
            return notice.sees_real(self._engines, self._replies, own)
        return notice.sees_real_requests(self.pages, self._facts["seen_requests"])

    def proxied(self, service: str) -> bool:
        """Whether clients come through a proxy of another host, whose word for their address is believed."""
        seen = self._facts["seen_requests"]
        return service == "web" and isinstance(seen, SeenRequests) and bool(proxies(seen))

    def unanswered(self, service: str) -> frozenset[str]:
        """Who gets no answer whatever the firewall does: by a route, or for SSH by hosts.deny."""
        refused = Wrapping(self._facts["wrappers"]).refused() if service == "ssh" else ()
        return frozenset((*self._engines.unrouted, *refused))

    def ways(self, service: str) -> Iterator[Way]:
        """A stranger's first packet for each port and family; the host's addresses are known."""
        listeners, addresses = self._facts["listeners"], self._facts["addresses"]
        if service == "ssh":
            yield from ways(service, self._dialled(), _own(listeners), addresses)
            return
        pages = {(family_of(each.address), each.port): each.address for each in self.pages}
        ports = {each.port for each in self.pages}
        sockets: Sequence[Listener] = listeners.sockets if isinstance(listeners, Listeners) else ()
        yield from ways(service, pages, [each for each in sockets if each.port in ports], addresses)

    def _dialled(self) -> dict[tuple[Family, int], str]:
        """What was dialled and answered, and what a rule sends on to a daemon in a container."""
        met = {
            (r.family, r.port): r.address for r in self._replies if r.source_port and r.family and r.address
        }
        there = outer("ipv4", self._facts["addresses"])
        if isinstance(self._facts["firewall"], Firewall) and there:
            for port in behind(self._facts["firewall"]):
                met.setdefault(("ipv4", port), there)
        return met


def _own(listeners: Listeners | Unknown) -> Sequence[Listener]:
    known = None if isinstance(listeners, Unknown) else listeners.own
    return () if known is None or isinstance(known, Unknown) else known


def _guessed(seen: SeenRequests | Unknown, replies: Sequence[Reply]) -> Iterator[Asked]:
    """Pages that do not answer us (who are banned, perhaps), and have answered others who guessed."""
    address = next((reply.address for reply in replies if reply.source_port), None)
    if isinstance(seen, Unknown) or not address:
        return
    for page in dict.fromkeys(page for page, _ in seen.guessed):
        for port in seen.ports:
            yield Asked(page=page, address=address, port=port, source="")


def family_of(address: str) -> Family:
    return "ipv6" if ":" in address else "ipv4"
