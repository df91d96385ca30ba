"""What a person types next, by what a report says: whole commands, that work as they are pasted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from shlex import join, quote
from urllib.parse import urlsplit

from msgspec import Struct

from sshdoctor.diagnosis.first_contact import UNKNOWN_KEY
from sshdoctor.model import Cause, HostReport, Login, Reply
from sshdoctor.services import load, progress, works
from sshdoctor.services.base import CONNECTED

_ELSEWHERE = re.compile(r"Dial port (\d+)\b")
"""How the checks say that the service is on another port."""

_SETTLED = ("nothing-to-do", "proved", "mended-on-disk")
_HERE = ("name-not-found", "local-unreachable")
"""No console of the host helps with these: this machine found no address, or no way to it."""

_AGAIN = ("failed", "rolled-back", "undone")

_OF_A_REQUEST = ("diagnose", "remediate", "playbook")
"""The commands that take how a URL was asked for."""

_THEN = "  # when that is mended"


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked for, as far as the next command has to ask for it too."""

    again: tuple[str, ...] = ()
    """The options that hold for every command: the inventory, who logs in ..."""
    request: tuple[str, ...] = ()
    """Those that say how a URL was asked for, which not every command takes."""
    held: bool = False
    """It was asked to open something for a while."""
    capture: str = ""
    """The capture that was read instead of a host."""
    outside_only: bool = False
    deep: bool = False
    to_name: Collection[str] = ()
    """The causes that are mended only if they are named."""


def next_commands(report: HostReport, asked: Asked) -> tuple[str, ...]:
    """The commands to type now, in this order; none where there is nothing to do."""
    examined = [join(["sshdoctor", "examine", "--host", report.host, *asked.again])]
    found = [*_Next(report, asked).commands()]
    return tuple(dict.fromkeys([*found, *(examined if is_frozen(report) else [])]))


def is_frozen(report: HostReport) -> bool:
    """Whether the front page itself is refused (403) at every address: so a frozen account looks."""
    whole = bool(report.url) and urlsplit(report.url or "").path in ("", "/")
    refused = [reply.word == "blocked" for reply in report.outside]
    return report.service == "web" and whole and bool(refused) and all(refused)


class _Next:
    def __init__(self, report: HostReport, asked: Asked) -> None:
        self.report, self.asked = report, asked
        self.failed = next((reply for reply in report.outside if not works(reply.word)), None)

    def commands(self) -> Iterator[str]:
        outcome = self.report.repair.outcome if self.report.repair else ""
        if outcome in _AGAIN:
            yield self.tool("diagnose")
        elif outcome in _SETTLED and not self.causes("root"):
            return
        elif self.report.managed:
            if self.report.verdict != "healthy":
                yield self.tool("diagnose", "--format", "ticket")
        elif self.report.verdict == "healthy":
            yield from self.repair(self.causes("latent"))
        elif self.failed and self.failed.stage:
            yield from self.stage(self.failed)
        else:
            yield from self.by_cause() if self.causes("root") else self.undecided()

    def by_cause(self) -> Iterator[str]:
        first = self.causes("root")[0]
        if port := _ELSEWHERE.search(first.fix):
            yield client_command(self.report.login, int(port[1]), load(self.report.service).client)
        repairs = [*self.repair(self.causes("root", "behind"))]
        if repairs:
            yield from repairs
            return
        if self.failed and first.layer in ("client", "name", "route"):
            yield from self.from_here(self.failed)
            if self.failed.word in _HERE:
                return
        if self.report.access.via is None:
            yield from self.console()
        elif not port:
            yield self.tool("diagnose") + _THEN

    def repair(self, causes: list[Cause]) -> Iterator[str]:
        """The repair of all that can be repaired, if the first can; what is by hand is left out by name."""
        if not causes or not causes[0].playbooks or self.report.access.via is None:
            return
        able = [cause for cause in causes if cause.playbooks]
        unproved = self.report.repair is not None and able[0].confidence != "proved"  # nobody decided for it
        named = unproved or len(able) < len(causes) or any(cause.id in self.asked.to_name for cause in able)
        flags = [word for cause in able for word in ("--cause", cause.id)] if named else []
        if self.report.access.via == "capture":
            yield self.tool("remediate", "--capture", self.asked.capture, "--script", "fix.sh", *flags)
            yield "sh fix.sh  # as root, at its console"
        else:
            opens = ["--for", "15m"] if "open-access" in causes[0].playbooks else []
            if opens and self.asked.held and self.report.repair is not None:
                return  # that was what was asked for, and it could not be done
            yield self.tool("remediate", *flags, *opens)

    def undecided(self) -> Iterator[str]:
        if self.failed is None:
            yield self.tool("diagnose")
            return
        word = self.failed.word
        if word == UNKNOWN_KEY and self.report.own_key is False:
            yield from self.from_here(self.failed)
        elif word == UNKNOWN_KEY:
            yield self.tool("diagnose", "--accept-new-host-key")
        elif word in _HERE:
            yield from self.from_here(self.failed)
        elif self.report.access.via is None:
            if self.asked.outside_only:
                yield self.tool("diagnose")
                return
            if not self.asked.deep and progress(word) < CONNECTED:
                yield self.tool("diagnose", "--deep")
            yield from self.console()
        elif self.report.access.privileged is False:
            yield self.tool("diagnose", "--become")
        else:
            yield self.tool("diagnose", "--format", "ticket")

    def from_here(self, reply: Reply) -> Iterator[str]:
        """What is looked at on this machine."""
        if reply.word == "name-not-found":
            yield join(["getent", "ahosts", reply.address or self.report.login.address])
        elif reply.address and (progress(reply.word) < CONNECTED or reply.word == UNKNOWN_KEY):
            yield join(["ip", "route", "get", reply.address])

    def stage(self, reply: Reply) -> Iterator[str]:
        """The dial ended on the way: that is what is diagnosed."""
        kind, _, where = reply.stage.partition(" ")
        if kind == "jump" and where:
            jumps = (jump for jump in self.report.login.jumps if jump.startswith(f"{where}:"))
            yield join(["sshdoctor", "diagnose", "--host", next(jumps, where)])
        else:
            yield join([load(self.report.service).client, "-G", self.report.login.address])

    def console(self) -> Iterator[str]:
        yield self.tool("rescue", "--output", "rescue.sh")
        yield "sh rescue.sh --plain > capture.txt  # as root, at its console"
        yield self.tool("diagnose", "--capture", "capture.txt")

    def causes(self, *roles: str) -> list[Cause]:
        return [cause for role in roles for cause in self.report.causes if cause.role == role]

    def tool(self, command: str, *flags: str) -> str:
        what = self.report.url or self.report.host
        request = self.asked.request if command in _OF_A_REQUEST else ()
        return join(["sshdoctor", command, "--host", what, *self.asked.again, *request, *flags])


def client_command(login: Login, port: int, client: str) -> str:
    """What a person types to log in by a port.

    >>> client_command(Login(address="192.0.2.7", port=22, user="me"), 2222, "ssh")
    'ssh -p 2222 me@192.0.2.7'
    """
    who = f"{login.user}@{login.address}" if login.user else login.address
    return " ".join([client, "-p", str(port), quote(who)])
