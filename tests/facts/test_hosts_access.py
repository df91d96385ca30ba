"""The TCP wrappers' language against what libwrap itself said (hosts_access.yml)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshdoctor.documents.reader import read_yaml
from sshdoctor.facts import parse_all
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.parsing.hosts_access import decide
from sshdoctor.facts.ssh.wrappers import Wrappers
from sshdoctor.model import Unknown

SAID = read_yaml(Path(__file__).with_name("hosts_access.yml"))
IPV4, IPV6, SERVER = "198.51.100.7", "fd00:5d0c:1::7", "198.51.100.2"
BY_FAMILY = {
    "both": ("refused", "refused"),
    "ipv4": ("refused", "admitted"),
    "ipv6": ("admitted", "refused"),
    "neither": ("admitted", "admitted"),
    "unknown": ("unknown", "unknown"),
}


def word(deny: str, client: str, allow: str = "", server: str | Unknown = SERVER) -> str:
    files = {"hosts.allow": allow, "hosts.deny": deny}
    text = "".join(f"## /etc/{name}\n|{line}\n" for name, line in files.items())
    section = Section(f"## linked\n/usr/sbin/sshd\n{text}", 0)
    wrappers = parse_all(["wrappers"], {"wrappers.rules": section})["wrappers"]
    assert isinstance(wrappers, Wrappers)
    assert isinstance(wrappers.allow, tuple)
    assert isinstance(wrappers.deny, tuple)
    admits = decide(wrappers.allow, wrappers.deny, client, server).admits
    if isinstance(admits, Unknown):
        return "unknown"
    return "admitted" if admits else "refused"


@pytest.mark.parametrize("clients", SAID["clients"])
def test_a_list_of_clients_means_whom_libwrap_says(clients: str) -> None:
    line = f"sshd: {clients}"
    assert (word(line, IPV4), word(line, IPV6)) == BY_FAMILY[SAID["clients"][clients]]


@pytest.mark.parametrize("line", SAID["lines"])
def test_a_line_of_hosts_deny_does_what_libwrap_does(line: str) -> None:
    assert word(line, IPV4) == SAID["lines"][line]


@pytest.mark.parametrize("line", SAID["allow"])
def test_a_line_of_hosts_allow_does_what_libwrap_does(line: str) -> None:
    assert word("ALL: ALL", IPV4, line) == SAID["allow"][line]


def test_a_rule_that_changes_nothing_whatever_it_hangs_on_leaves_no_doubt() -> None:
    assert word("sshd: LOCAL", IPV4, "ALL: ALL") == "admitted"
    assert word("sshd: LOCAL : allow", IPV4) == "admitted"


def test_a_rule_for_one_of_the_hosts_addresses_is_unknown_where_the_address_is() -> None:
    assert word("sshd@198.51.100.2: ALL", IPV4, server=Unknown("behind a port forward")) == "unknown"
