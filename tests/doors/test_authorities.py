"""Certificates, lists of principals and options of keys as sshd takes them; each was found by real logins."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from doors.test_pam import auth
from doors.test_table import host
from sshdoctor.doors.model import Certificate, Key, KeyFile, Setup
from sshdoctor.doors.table import doors_of

NONE = KeyFile("none")
LIST = "/etc/ssh/principals/deploy"
OWN = Certificate(file="id", authority="CA", principals=("deploy", "team"), after=0.0, before=200.0)


def trusting(**options: str) -> Setup:
    said = {"trustedusercakeys": "/etc/ssh/ca", "passwordauthentication": "no", **options}
    one = host(auth("required pam_unix.so"), NONE, **said)
    return replace(one, blobs={"/etc/ssh/ca": ("CA",)}, now=100.0, certificates=(OWN,))


def opened(one: Setup) -> list[list[str]]:
    return doors_of(one).accounts["deploy"]["ssh:22"]


def listed(*lines: str, file: KeyFile = NONE, own: Certificate = OWN, **options: str) -> list[list[str]]:
    one = trusting(authorizedprincipalsfile="/etc/ssh/principals/%u", **options)
    server = replace(one.servers[0], principal_files={"deploy": file})
    return opened(replace(one, servers=(server,), files={**one.files, LIST: lines}, certificates=(own,)))


def test_a_certificate_with_a_command_lets_root_in_where_commands_are_asked_for() -> None:
    one = trusting(permitrootlogin="forced-commands-only")
    root = replace(one.accounts[0], uid=0)
    assert opened(replace(one, accounts=(root,))) == []
    bound = replace(one, accounts=(root,), certificates=(replace(OWN, command="true"),))
    assert opened(bound) == [["cert"]]


def test_a_critical_option_that_nobody_knows_is_refused() -> None:
    assert opened(replace(trusting(), certificates=(replace(OWN, unsupported=True),))) == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["# the team", "team"], [["cert"]]),
        (['from="192.0.2.7" team'], []),
        (['from="192.0.2.7" team', "team"], [["cert"]]),
        (['command="true",no-pty team'], [["cert"]]),
        (["others"], []),
    ],
)
def test_a_line_of_principals_has_options(lines: list[str], found: list[list[str]]) -> None:
    assert listed(*lines) == found


def test_two_commands_are_one_too_many() -> None:
    own = replace(OWN, command="true")
    assert listed('command="id" team', own=own) == []
    assert listed('command="true" team', own=own) == [["cert"]]


@pytest.mark.parametrize(
    ("objection", "strict", "found"),
    [
        ({"unsafe": "everybody may write there"}, "yes", []),
        ({"unsafe": "everybody may write there"}, "no", [["cert"]]),
        ({"hidden": "deploy may not read it"}, "no", []),
    ],
)
def test_a_list_of_principals_is_read_as_keys_are(
    objection: dict[str, Any], strict: str, found: list[list[str]]
) -> None:
    assert listed("team", file=KeyFile(LIST, **objection), strictmodes=strict) == found


def test_principals_on_the_key_of_no_authority_spoil_it() -> None:
    keys = KeyFile("keys", keys=(Key("ssh-ed25519", "AAAA", 'principals="ops"'),))
    assert opened(host(auth("required pam_unix.so"), keys, passwordauthentication="no")) == []
