"""The fact ``admission``: whether the TCP wrappers let this client speak to sshd at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from msgspec import Struct, structs

from sshdoctor.facts.ssh.parsing.hosts_access import decide
from sshdoctor.facts.ssh.wrappers import WrapperRule, Wrappers
from sshdoctor.model import Command, Evidence, Unknown
from sshdoctor.services import progress
from sshdoctor.services.base import GREETED


class Admission(Struct, frozen=True, kw_only=True):
    """``state``: admitted or refused.

    ``rule`` is what refuses, as it stands at ``line`` of ``file``, or would where ``state`` is unknown;
    ``remedy`` is the command that lets this client in, ``entry`` the rule that does so as the first of
    hosts.allow, spelled as it does not stand there yet.
    """

    state: str | Unknown
    rule: str = ""
    file: str = ""
    line: int = 0
    client: str = ""
    remedy: Command = Command()
    entry: str = ""
    spawns: str = ""
    """The rule that admits, where it has a command run first, whose end sshd waits for."""
    evidence: tuple[Evidence, ...] = ()


VALUE = Admission
WRITERS = {"": "root"}
NEEDS = ("wrappers", "addresses")


def derive(known: Mapping[str, Any]) -> Admission | Unknown:
    """What the wrappers' rules come to for this client; one that was greeted has been admitted."""
    dial, client = known["dialled"], known["client_address"]
    wrappers: Wrappers | Unknown = known["wrappers"]
    if progress(dial.reply) >= GREETED:
        return Admission(state="admitted")
    if isinstance(wrappers, Unknown):
        return wrappers
    if isinstance(wrappers.linked, Unknown):
        return wrappers.linked
    if not wrappers.linked:
        return Admission(state="admitted")
    if isinstance(wrappers.allow, Unknown):
        return wrappers.allow
    if isinstance(wrappers.deny, Unknown):
        return wrappers.deny
    if not wrappers.allow and not wrappers.deny:
        return Admission(state="admitted")
    if client is None:
        return Unknown("the client's address is not known")
    decision = decide(wrappers.allow, wrappers.deny, client, dial.arrives_at)
    if isinstance(decision.admits, Unknown):
        open_ = Admission(state=decision.admits)
        return _stopped_by(decision.refuses, client, wrappers, decision.admits) if decision.refuses else open_
    if decision.rule is None:
        return Admission(state="admitted")
    if decision.admits:
        waits = any(re.match(r"\s*spawn\b", option, re.IGNORECASE) for option in decision.rule.options)
        open_ = _stopped_by(decision.rule, client, wrappers, "admitted")
        return structs.replace(open_, spawns=open_.rule) if waits else Admission(state="admitted")
    return _stopped_by(decision.rule, client, wrappers, "refused")


def _stopped_by(rule: WrapperRule, client: str, wrappers: Wrappers, state: str | Unknown) -> Admission:
    entry = f"sshd: {f'[{client}]' if ':' in client else client}"
    first = rule.file.endswith("allow")
    return Admission(
        state=state,
        rule=rule.text,
        file=rule.file,
        line=rule.line,
        client=client,
        entry=_new(entry, wrappers),
        remedy=_typed(entry, first=first),
        evidence=(Evidence(f"grep -n . {rule.file}", f"{rule.line}: {rule.text}"), *wrappers.evidence),
    )


def _typed(entry: str, *, first: bool) -> Command:
    if first:
        return Command(f"sed -i {quote(f'1i {entry}')} /etc/hosts.allow")
    return Command(f"echo {quote(entry)} >>/etc/hosts.allow")


def _new(entry: str, wrappers: Wrappers) -> str:
    """The same rule, in a spelling of its own: blanks before the colon mean nothing (hosts_access(5))."""
    standing = () if isinstance(wrappers.allow, Unknown) else [rule.text for rule in wrappers.allow]
    while entry in standing:
        entry = entry.replace(":", " :", 1)
    return entry
