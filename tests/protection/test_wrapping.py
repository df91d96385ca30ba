"""Whom hosts.allow lets in before hosts.deny is asked."""

from __future__ import annotations

from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.wrappers import parse
from sshdoctor.protection.wrapping import Wrapping

LINKED = "## linked\n/usr/sbin/sshd\n"


def wrapping(allow: str, deny: str) -> Wrapping:
    text = f"{LINKED}## /etc/hosts.allow\n|{allow}\n## /etc/hosts.deny\n|{deny}\n"
    return Wrapping(parse({"rules": Section(output=text, status=0)}))


def test_who_is_let_in_first_is_refused_by_nothing() -> None:
    everybody = wrapping("sshd: ALL", "ALL: 192.0.2.66")
    assert everybody.admitted("192.0.2.66") == "/etc/hosts.allow:1: sshd: ALL"
    assert everybody.refused() == frozenset()


def test_another_who_is_let_in_is_not_this_one() -> None:
    one = wrapping("sshd: 192.0.2.1", "ALL: 192.0.2.66, [2001:db8::66]")
    assert one.admitted("192.0.2.66") == ""
    assert one.refused() == {"192.0.2.66", "2001:db8::66"}


def test_another_daemon_that_is_open_is_not_sshd() -> None:
    assert wrapping("vsftpd: ALL", "ALL: 192.0.2.66").refused() == {"192.0.2.66"}
