"""The rule that lets a client past the TCP wrappers."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh import wrappers
from sshdoctor.facts.ssh.derived.admission import Admission, derive
from sshdoctor.facts.ssh.parsing.hosts_access import decide
from sshdoctor.model import Unknown

SERVER = "203.0.113.2"


def rules(allow: str, deny: str = "") -> wrappers.Wrappers:
    files = {"/etc/hosts.allow": allow, "/etc/hosts.deny": deny}
    shown = "".join(f"## {name}\n|{text.replace(chr(10), chr(10) + '|')}\n" for name, text in files.items())
    read = wrappers.parse({"rules": Section(status=0, output=f"## linked\n/usr/sbin/sshd\n{shown}")})
    assert isinstance(read, wrappers.Wrappers)
    return read


@pytest.mark.parametrize(
    ("client", "allow", "deny"),
    [
        ("192.0.2.7", "", "ALL: ALL"),
        ("2001:db8::7", "", "sshd: ALL"),
        ("192.0.2.7", "ALL: ALL: deny\nsshd: 192.0.2.7\nsshd : 192.0.2.7", ""),
        ("192.0.2.7", "sshd: .example.com : deny", "ALL: ALL"),
    ],
)
def test_the_entry_admits_the_client_and_stands_nowhere_yet(client: str, allow: str, deny: str) -> None:
    unseen: dict[str, Any] = {field.name: Unknown("not seen") for field in fields(Dialled)}
    dial = Dialled(**unseen | {"reply": "closed-before-banner", "arrives_at": SERVER})
    found = derive({"dialled": dial, "client_address": client, "wrappers": rules(allow, deny)})
    assert isinstance(found, Admission)
    assert found.entry not in ("", *allow.split("\n"))
    then = rules(f"{found.entry}\n{allow}", deny)
    assert isinstance(then.allow, tuple)
    assert isinstance(then.deny, tuple)
    assert decide(then.allow, then.deny, client, SERVER).admits is True


@pytest.mark.parametrize(
    ("allow", "deny", "rule"),
    [
        ("", "sshd: /etc/hosts.evil", "sshd: /etc/hosts.evil"),
        ("", "sshd: ALL EXCEPT .corp.example", "sshd: ALL EXCEPT .corp.example"),
        ("sshd: .corp.example", "ALL: ALL", "ALL: ALL"),
        ("", "sshd: ALL: twist /bin/echo go away", "sshd: ALL: twist /bin/echo go away"),
        ("sshd: .corp.example", "", ""),
    ],
)
def test_a_rule_that_would_refuse_is_told_where_that_hangs_on_more(allow: str, deny: str, rule: str) -> None:
    unseen: dict[str, Any] = {field.name: Unknown("not seen") for field in fields(Dialled)}
    dial = Dialled(**unseen | {"reply": "closed-before-banner", "arrives_at": SERVER})
    found = derive({"dialled": dial, "client_address": "192.0.2.7", "wrappers": rules(allow, deny)})
    assert isinstance(found, Admission)
    assert found.rule == rule
    assert isinstance(found.state, Unknown) or found.state == "admitted"


@pytest.mark.parametrize(("rule", "waits"), [("sshd: ALL: spawn (/bin/sleep 9)", True), ("sshd: ALL", False)])
def test_a_command_that_an_admitting_rule_has_run_first_is_told(rule: str, waits: bool) -> None:
    unseen: dict[str, Any] = {field.name: Unknown("not seen") for field in fields(Dialled)}
    dial = Dialled(**unseen | {"reply": "no-banner", "arrives_at": SERVER})
    found = derive({"dialled": dial, "client_address": "192.0.2.7", "wrappers": rules(rule)})
    assert isinstance(found, Admission)
    assert (found.state, found.spawns) == ("admitted", rule if waits else "")
