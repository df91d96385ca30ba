"""The one script that a host is asked, and what its answer says for each address that was dialled."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from math import ceil

from msgspec import Struct

from sshdoctor.checks.run import Run
from sshdoctor.facts import asked_once, commands, parse_all
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import OddWordError, address
from sshdoctor.facts.probe import build_script, split_output, stop_script, was_heard
from sshdoctor.model import Host, Login, Reply, Unknown, is_address
from sshdoctor.services import works

_CLIENT = "client.seen"
_SEEN = 'printf %s "$client"'
_OF_EACH_ADDRESS = ("addresses", "way_back")
"""The facts that hang on which address was dialled, and from where."""


class AddressFacts(Struct, frozen=True):
    """The host as one address dialled concerns it; ``client`` is the client's address as the host sees it."""

    client: str | None
    facts: Mapping[str, object]


_LET_IN = "the login works, so it was not asked"


class ProbeResult(Struct, frozen=True):
    """One View for each address dialled, and what the users' own commands printed, by check."""

    views: tuple[AddressFacts, ...]
    runs: Mapping[str, Run | Unknown]


class Probe:
    """The script for one host; a random mark of this run fences its sections.

    ``wanted`` are facts, ``own`` the commands of users' own checks, by check; ``mark`` is that of a run
    whose output is there already; ``when`` is when the host was first dialled, in seconds since 1970.
    """

    def __init__(
        self,
        host: Host,
        replies: Sequence[Reply],
        wanted: Sequence[str],
        own: Mapping[str, str],
        mark: str = "",
        when: float | None = None,
        left_out: Sequence[str] = (),
        given: Mapping[str, str] | None = None,
    ) -> None:
        self.mark = mark or secrets.token_hex(16)
        self._jump = _last_jump(host.login)
        dialler = host.asked_from
        self._here = host.ways[0].connection == "local" if dialler is None else dialler.name == host.name
        self.wanted, self._replies = tuple(wanted), tuple(replies)
        self.own = own
        self._own = {f"check.{check}": text for check, text in own.items()}
        first, *others = replies
        self._commands = {_CLIENT: _SEEN, **commands(wanted), **self._own}
        for number, reply in enumerate(others, 1):
            self._commands |= self._asked_again(number, reply)
        self._given = {**self._variables(first), "port": str(first.port), "user": host.login.user or ""}
        if host.site is not None:
            self._given |= {"token": host.site.token, "site_path": host.site.target.partition("?")[0]}
            self._given["site"] = host.site.name
        self._given |= given or {}
        self._when, self._left_out = when, left_out
        self.stop = stop_script(self.mark)

    @property
    def script(self) -> str:
        """The script as it is to run now: it is told how many seconds ago the host was first dialled."""
        age = {} if self._when is None else {"age": str(max(0, ceil(time.time() - self._when)))}
        return build_script(self._commands, self._given | age, self.mark, asked_once(self.wanted))

    def _variables(self, reply: Reply) -> dict[str, str]:
        client = client_of(reply, self._here)
        if not client and not works(reply.word) and _alike(self._jump, reply.address or ""):
            client = self._jump
        return {"client": client, "address": reply.address or ""}

    def _asked_again(self, number: int, reply: Reply) -> dict[str, str]:
        """The commands that hang on the address, for another one."""
        prefix = "".join(f"{name}={shlex.quote(value)}\n" for name, value in self._variables(reply).items())
        again = {_CLIENT: _SEEN, **commands(name for name in _OF_EACH_ADDRESS if name in self.wanted)}
        return {f"view{number}.{name}": prefix + text for name, text in again.items()}

    def was_heard(self, output: bytes) -> bool:
        """Whether the host ran the script at all."""
        return was_heard(output, self.mark)

    def read(self, output: bytes) -> ProbeResult:
        """What ``output`` says; what is missing in it is Unknown."""
        sections = split_output(output, self.mark, tuple(self._commands))
        untold = dict.fromkeys(self._left_out, Unknown(_LET_IN))
        facts = {**parse_all(self.wanted, sections), **untold}
        views = [AddressFacts(_seen(sections, _CLIENT), facts)]
        for number in range(1, len(self._replies)):
            prefix = f"view{number}."
            own = {name.removeprefix(prefix): s for name, s in sections.items() if name.startswith(prefix)}
            again = [name for name in _OF_EACH_ADDRESS if name in self.wanted]
            views.append(AddressFacts(_seen(own, _CLIENT), {**facts, **parse_all(again, own)}))
        runs = {name.removeprefix("check."): _run(text, sections[name]) for name, text in self._own.items()}
        return ProbeResult(tuple(views), runs)


def client_of(reply: Reply, here: bool) -> str:
    """The client's address as far as it is certain; empty where the host must say."""
    if not reply.source or not reply.address:
        return ""
    ours, theirs = (ip_address(text.split("%")[0]) for text in (reply.source, reply.address))
    forwarded = (ours.is_loopback and not here) or (theirs.is_global and not ours.is_global)
    return "" if forwarded else str(ours)


def _last_jump(login: Login) -> str:
    """The address of the jump host that dials the host, as far as the login names it: the host's client."""
    last = login.jumps[-1].rpartition("@")[2] if login.jumps else ""
    bare = last[1:].partition("]")[0] if last.startswith("[") else last.partition(":")[0]
    return bare if is_address(bare) else ""


def _alike(ours: str, theirs: str) -> bool:
    """Whether both are of one family, and both private or neither: else the host sees another one."""
    if not is_address(ours) or not is_address(theirs):
        return False
    one, other = ip_address(ours), ip_address(theirs.partition("%")[0])
    return (one.version, one.is_private) == (other.version, other.is_private)


def _seen(sections: Mapping[str, Section], name: str) -> str | None:
    """The client's address; None for what is none, whatever the host says."""
    try:
        return address(sections[name].output.strip())
    except OddWordError:
        return None


def _run(command: str, section: Section) -> Run | Unknown:
    if section.status is None:
        return Unknown(section.cut)
    return Run(output=section.output, status=section.status, command=command.strip())
