"""This machine's own side of a dial that failed: asked with the facts that a host is asked for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sshdoctor.access.local import open_local
from sshdoctor.diagnosis.outside import Outside
from sshdoctor.diagnosis.rank import progress
from sshdoctor.errors import AccessError
from sshdoctor.facts import commands, parse_all
from sshdoctor.facts.probe import build_script, split_output
from sshdoctor.model import Host, Reply, Unknown

FACTS = ("addresses", "firewall", "links", "way_back")
_SECONDS = 15

Facts = Mapping[str, Any]


def look_here(host: Host, outside: Outside) -> dict[str, Facts]:
    """What this machine says about each address that gave no greeting, by address.

    It is asked as whoever runs this, without sudo; nothing is asked where the way leads through a jump host,
    or where this machine is looked into anyway.
    """
    if host.login.jumps or "proxycommand" in host.login.options or host.ways[0].connection == "local":
        return {}
    return {
        reply.address: {**_ask(reply), "unsent": _counted(outside.unsent)}
        for reply in outside.replies
        if reply.address is not None and progress(reply.word) < progress("banner")
    }


def _counted(unsent: int | None) -> int | Unknown:
    return Unknown("the kernel does not count it") if unsent is None else unsent


def _ask(reply: Reply) -> Facts:
    """The facts, with the address dialled in the part of the client: the other end."""
    mark, asked = secrets.token_hex(16), commands(FACTS)
    source = reply.source or ""
    variables = {
        "client": (reply.address or "").partition("%")[0],
        "address": source.partition("%")[0],
        "port": str(reply.port),
        "user": "",
    }
    try:
        output = open_local().run(build_script(asked, variables, mark), timeout=_SECONDS).stdout
    except AccessError:
        output = b""
    found = parse_all(FACTS, split_output(output, mark, tuple(asked)))
    return {**found, "source": source}
