"""Who is never banned beside the owner, by the inventory, and the playbooks that set it up."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from sshdoctor.commands.shared.options import Options
from sshdoctor.inventory import complete, load_hosts
from sshdoctor.inventory.folders import playbook_folders
from sshdoctor.model import Host

if TYPE_CHECKING:
    from sshdoctor.remedy.playbook.model import Playbook


def named_playbook(options: Options, name: str) -> Playbook:
    from sshdoctor.remedy.playbook.load import load_playbook

    folders = reversed(playbook_folders(options.sources))
    return load_playbook(next(each for folder in folders for each in folder.glob(f"{name}.yml")))


def never(host: Host, options: Options) -> tuple[tuple[str, ...], list[str]]:
    """The addresses of those who are never banned, and the names of such that have none here."""
    found = {name: tuple(addresses_of(name)) for name in _others(host, options)}
    known = dict.fromkeys(address for each in found.values() for address in each)
    return tuple(known), [name for name, addresses in found.items() if not addresses]


def _others(host: Host, options: Options) -> Iterator[str]:
    """The names of who else is never banned: jump hosts on the ways in, and the inventory's witnesses."""
    logins = [login for login in (host.login, *(way.login for way in host.ways)) if login is not None]
    yield from (_name(jump) for login in logins for jump in login.jumps)
    if options.sources:
        witnesses = (one for one in load_hosts("all", options.sources, os.environ) if one.vantage)
        yield from (one.login.address for one in map(complete, witnesses) if one.name != host.name)


def _name(jump: str) -> str:
    """
    >>> _name("deploy@198.51.100.1:2222"), _name("[2001:db8::1]:22"), _name("gate")
    ('198.51.100.1', '2001:db8::1', 'gate')
    """
    place = jump.rpartition("@")[2]
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0] if place.count(":") == 1 else place


def addresses_of(name: str) -> Iterator[str]:
    """Those of a name, by this machine's resolver; none where it does not know it."""
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        yield from dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
