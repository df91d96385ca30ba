"""This machine's own side of a dial that failed: asked with the facts that a host is asked for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sshdoctor.access.local import open_local
from sshdoctor.diagnosis.background import Background
from sshdoctor.diagnosis.outside import Outside
from sshdoctor.errors import AccessError
from sshdoctor.facts import asked_once, commands, parse_all
from sshdoctor.facts.probe import build_script, split_output
from sshdoctor.model import Host, Reply, Unknown
from sshdoctor.outside.unmarked import connects_unmarked
from sshdoctor.services import load, progress, works
from sshdoctor.services.base import GREETED

OF_THE_MACHINE = ("addresses", "firewall", "links")
OF_THE_WAY = ("way_back",)
_SECONDS = 15
_PATIENCE = 2.0
"""Seconds after which a packet counts as lost; TCP has sent it again twice by then."""
_STALLED = re.compile(r"stall|time|lost|no answer|reset by peer", re.I)

Facts = Mapping[str, Any]


def this_machine() -> Facts:
    """What this machine says of itself, whoever is dialled."""
    return _ask(OF_THE_MACHINE, {})


def look_here(host: Host, outside: Outside, timeout: float, machine: Callable[[], Facts]) -> dict[str, Facts]:
    """What this machine says about each address that gave no greeting, by address; ``unmarked`` is whether a
    silent one answers a dial without the mark of IPQoS. ``machine`` gives what does not hang on the address.

    It is asked as whoever runs this, without sudo; nothing is asked where the way leads through a jump host,
    where another host dialled, or where this machine is looked into anyway.
    """
    through = host.login.jumps or host.login.fault or "proxycommand" in host.login.options
    if through or host.asked_from is not None or host.ways[0].connection == "local":
        return {}
    unanswered = [reply for reply in outside.replies if reply.address and progress(reply.word) < GREETED]
    same = Background(machine) if unanswered else None
    return {
        reply.address or "": {
            **_way_to(reply),
            **(same.result() if same else {}),
            "unsent": _counted(outside.unsent),
            "unmarked": connects_unmarked(host.login, load(host.service), reply, timeout),
        }
        for reply in unanswered
    }


def measure_stalled(host: Host, replies: Sequence[Reply], timeout: float) -> dict[str, Facts]:
    """``passage`` of each address where a connection began and then stalled, by address: what sizes of
    packets come through. One more connection, or two, and only then."""
    from sshdoctor.outside.large_packets import measure  # few dials stall

    service, patience = load(host.service), min(timeout, _PATIENCE)
    return {  # a second try where the first could not even begin
        reply.address: {"passage": measure(reply, service, patience) or measure(reply, service, patience)}
        for reply in replies
        if reply.address is not None and not (reply.stage or reply.asked_from) and _stalled(reply)
    }


def _stalled(reply: Reply) -> bool:
    """Nothing refused the client: time ran out, or the connection was lost."""
    return (
        progress(reply.word) >= GREETED
        and not works(reply.word)
        and _STALLED.search(reply.detail or "") is not None
    )


def _counted(unsent: int | None) -> int | Unknown:
    return Unknown("the kernel does not count it") if unsent is None else unsent


def _way_to(reply: Reply) -> Facts:
    """The facts of the way, with the address dialled in the part of the client: the other end."""
    source = reply.source or ""
    variables = {
        "client": (reply.address or "").partition("%")[0],
        "address": source.partition("%")[0],
        "port": str(reply.port),
    }
    return {**_ask(OF_THE_WAY, variables), "source": source}


def _ask(facts: Sequence[str], variables: Mapping[str, str]) -> Facts:
    mark = secrets.token_hex(16)
    asked = {name: f"around=yes\n{text}" for name, text in commands(facts).items()}
    every = {"client": "", "address": "", "port": "", "user": "", **variables}
    script = build_script(asked, every, mark, asked_once(facts))
    try:
        output = open_local().run(script, timeout=_SECONDS).stdout
    except AccessError:
        output = b""
    return parse_all(facts, split_output(output, mark, tuple(asked)))
