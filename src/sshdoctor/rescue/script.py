"""The rescue script: the probe of a diagnosis, and what shows, packs and numbers its output, in one text."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from sshdoctor import __version__
from sshdoctor.access.capture.capture import cksum
from sshdoctor.diagnosis.captured import digest
from sshdoctor.diagnosis.probe import Probe, client_of
from sshdoctor.diagnosis.setup import Wanted, every_fact
from sshdoctor.documents.resources import shipped
from sshdoctor.errors import AccessError
from sshdoctor.inventory import complete
from sshdoctor.model import Host, Login, Reply
from sshdoctor.outside.resolve import resolve
from sshdoctor.outside.source import source_address
from sshdoctor.services import find_servers

_LINT = """\
# What runs in a shell of its own is in single quotes, and sets variables of its own; pids are words.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086
"""
LONGEST_LINE = 900
"""Characters; the line editor of busybox takes 1023 from a person, and from a paste."""


class Rescue(Struct, frozen=True):
    """One host, the addresses at which it would be dialled, and the script for its console."""

    host: Host
    replies: tuple[Reply, ...]
    script: Callable[[str], str]
    """The script that sends its capture to this URL, or to none ("")."""

    @classmethod
    def of(cls, host: Host, own: Mapping[str, str], timeout: float) -> Rescue:
        """For ``host``, with users' ``own`` commands: whatever is asked of the capture later, it is there."""
        host = complete(host)
        replies = addresses_asked(host.login, timeout)
        return cls(host, replies, partial(rescue_script, host, replies, every_fact(own), time.time()))


def addresses_asked(login: Login, timeout: float) -> tuple[Reply, ...]:
    """The addresses that would be dialled, and from where, as replies that say nothing. Nothing is dialled.

    ``timeout`` in seconds is for the resolver; a name that it does not know is one address, not known.
    """
    if login.jumps:
        return (Reply(address=login.address, family=None, port=login.port, word=""),)
    family = login.options.get("addressfamily", "any").lower()
    try:
        targets = resolve(login.address, login.port, family=family, timeout=timeout)
    except AccessError:
        return (Reply(address=None, family=None, port=login.port, word=""),)
    return tuple(
        Reply(
            address=target.address,
            family=target.family,
            port=login.port,
            word="",
            source=source_address(target),
        )
        for target in targets
    )


def rescue_script(host: Host, replies: Sequence[Reply], topics: Wanted, made: float, url: str = "") -> str:
    """One POSIX sh script for the console of ``host``.

    ``replies`` are what ``addresses_asked`` gives, ``made`` is now in seconds since 1970; to ``url``, if
    there is one, the script sends the capture.
    """
    own = dict(sorted(topics.own.items()))
    question = Probe(host, replies, topics.facts, own)
    values = {
        "asked": _asked(host, replies, own, question.mark, made),
        "shown": shlex.quote(host.name),
        "host": host.name,
        "address": replies[0].address or "",
        "port": str(host.login.port),
        "user": host.login.user or "",
        "url": url,
    }
    head = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    probe = f"probe() (\n{question.script})\nstop() {{\n{question.stop}}}\n"
    return pasteable(
        "about", _LINT + head + find_servers() + probe + part("eye") + part("verdict") + part("body")
    )


def _asked(host: Host, replies: Sequence[Reply], own: Mapping[str, str], mark: str, made: float) -> str:
    """What the capture must bring back to be read; in short lines, and ASCII alone."""
    here = host.ways[0].connection == "local"
    asked = {
        "version": __version__,
        "made": int(made),
        "mark": mark,
        "host": host.name,
        "name": host.login.address,
        "port": host.login.port,
        "user": host.login.user or "",
        "seats": [[reply.address or "", client_of(reply, here)] for reply in replies],
        "own": {check: digest(text) for check, text in own.items()},
    }
    return json.dumps(asked, indent=0)


def pasteable(about: str, inner: str) -> str:
    """The script inside of a function, in quotes, so that a shell runs all of it or nothing.

    Not as a here-document: bash keeps a long one in a file, and the disk may be full.

    A console may lose characters of a paste, a network the end of a text. History expansion, which would
    change a pasted ``!``, is switched off first: an interactive shell reads on only after that.
    """
    sum_of_all, size = cksum(inner.encode("utf-8", "surrogateescape"))
    function = f"sshdoctor_rescue() {{\nprintf %s {shlex.quote(inner)}\n}}\n"
    sums = f"sshdoctor_sum='{sum_of_all} {size}' sshdoctor_size={size}\n"
    return part(about) + part("top") + function + sums + part("bottom")


def part(name: str) -> str:
    """The text of one of the templates for a console."""
    return (shipped("templates") / "rescue" / f"{name}.sh").read_text()


def longest_line(script: str) -> int:
    """The length of the longest line, in characters."""
    return max(map(len, script.splitlines()), default=0)
