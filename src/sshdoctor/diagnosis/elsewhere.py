"""A site asked for from another host of the inventory: that host connects, the conversation is held here.

So whatever holds for a site that is asked from here holds from there too: TLS, redirects, limits, secrets.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access import open_way
from sshdoctor.access.base import Access
from sshdoctor.access.relay import addresses_there, connect_there
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.errors import AccessError
from sshdoctor.model import Family, Host, Login, Reply, Site
from sshdoctor.services.base import NoAnswerError

Visit = Callable[..., Any]
_FAMILIES = {"inet": 4, "inet6": 6}


def ask_from(
    witness: Host, login: Login, site: Site, visit: Visit, probing: ProbeOptions
) -> tuple[Reply, ...]:
    """One reply for each address that ``login`` has there; ``visit`` (of a service) holds the conversation.

    The reply is ``unknown`` where the witness could not be asked: nothing is known of the site by that.
    """
    met = Reply(address=None, family=None, port=login.port, word="unknown", asked_from=witness.name)
    try:
        access = _opened(witness, probing)
    except AccessError as error:
        why = f"{witness.name} could not be asked: {error}"
        return (replace(met, detail=why, lost=True),)
    try:
        there = _There(access, login, site, visit, probing.timeout, met)
        return there.replies()
    finally:
        access.close()


def _opened(witness: Host, probing: ProbeOptions) -> Access:
    """The first way into it that works. Raises AccessError."""
    last = AccessError("unsupported", "it has no way in that leads to another machine than this one")
    for way in witness.ways_elsewhere:
        try:
            return open_way(way, timeout=probing.timeout, accept_new_host_key=probing.accept_new_host_key)
        except AccessError as error:
            last = error
    raise last


class _There(Struct, frozen=True):
    access: Access
    login: Login
    site: Site
    visit: Visit
    timeout: float
    met: Reply

    def replies(self) -> tuple[Reply, ...]:
        try:
            found = addresses_there(self.access, self.login.address, self.timeout)
        except AccessError as error:
            return (self.failed(self.met, error),)
        wanted = _FAMILIES.get(self.login.options.get("addressfamily", "any").lower())
        usable = [one for one in found if wanted in (None, _version(one))]
        if not usable:
            none = AccessError("name-not-found", f"{self.login.address} has no address of this family there")
            return (self.failed(self.met, none),)
        with ThreadPoolExecutor(len(usable)) as pool:
            return tuple(pool.map(self.reply, usable))

    def reply(self, address: str) -> Reply:
        family: Family = "ipv4" if _version(address) == 4 else "ipv6"
        met = replace(self.met, address=address, family=family)
        began = time.monotonic()
        try:
            link, source = connect_there(self.access, address, self.login.port, self.timeout)
        except AccessError as error:
            return self.failed(met, error)
        deadline = time.monotonic() + self.site.limit

        def connect(name: str, port: int) -> socket.socket:
            same = name.lower() == self.login.address.lower()
            try:
                where = address if same else addresses_there(self.access, name, self.timeout)[0]
                return connect_there(self.access, where, port, self.timeout)[0]
            except AccessError as error:
                kind = NoAnswerError if error.word == "unknown" else OSError
                raise kind(error.detail or error.word) from None

        look = self.visit(self.site, link, connect, deadline)
        last = look.answer.last
        banner = last.header("server") if last else ""
        return replace(
            met,
            word=look.word,
            detail=look.detail,
            banner=banner or None,
            answer=look.answer,
            elapsed_ms=round((time.monotonic() - began) * 1000, 1),
            source=source or None,
        )

    def failed(self, met: Reply, error: AccessError) -> Reply:
        return replace(
            met,
            word=error.word,
            detail=f"{self.met.asked_from}: {error.detail}" if error.detail else None,
            lost=error.word in ("unknown", "local-unreachable"),
        )


def _version(address: str) -> int:
    return ip_address(address.partition("%")[0]).version
