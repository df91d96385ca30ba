"""What the client's own settings do on a dial: its login as it was completed from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshdoctor.diagnosis.derived.own_client import OwnClient, own_client
from sshdoctor.model import Login


def seen(**options: str) -> OwnClient:
    return own_client("ssh", Login(address="192.0.2.1", port=22, options=options), ())


@pytest.mark.parametrize(
    ("options", "disabled"),
    [
        ({}, ()),
        ({"pubkeyauthentication": "true", "preferredauthentications": "password,publickey"}, ()),
        ({"pubkeyauthentication": "false"}, ("PubkeyAuthentication=false",)),
        ({"preferredauthentications": "password"}, ("PreferredAuthentications=password",)),
    ],
)
def test_settings_that_keep_a_client_from_offering_keys_are_seen(
    options: dict[str, str], disabled: tuple[str, ...]
) -> None:
    assert seen(**options).disabled == disabled


def test_a_certificate_beside_a_key_is_offered_with_it(tmp_path: Path) -> None:
    (tmp_path / "key-cert.pub").touch()
    key = str(tmp_path / "key")
    login = Login(address="192.0.2.1", port=22, key_files=(key,))
    assert own_client("ssh", login, ()).certificate == f"{key}-cert.pub"
    assert not seen().certificate


def test_what_ssh_tells_of_its_doings_is_no_reason_of_its_end() -> None:
    login = Login(address="192.0.2.1", port=22)
    told = "debug1: /etc/ssh/ssh_config line 19: include /etc/ssh/ssh_config.d/*.conf matched no files"
    assert own_client("ssh", login, (told,)).said == ()
    failed = own_client("ssh", login, (told, "Could not request local forwarding."))
    assert [one.cause for one in failed.said] == ["client-config-override"]


@pytest.mark.parametrize(
    ("last", "shared"),
    [
        ("debug1: auto-mux: Trying existing master", True),
        ("unix_listener: cannot bind to path /run/cm/a.b: No such file or directory", True),
        ("deploy@192.0.2.1: Permission denied (publickey).", False),
    ],
)
def test_an_end_at_the_shared_connection_is_told_by_the_last_words(last: str, *, shared: bool) -> None:
    login = Login(address="192.0.2.1", port=22, extras={"controlpath": "/run/cm/%C"})
    seen = own_client("ssh", login, ("debug1: Reading configuration data", last)).shared
    assert ("ControlPath /run/cm/%C: " in seen) is shared


def test_the_line_of_another_host_key_is_taken_out_of_the_file_that_holds_it() -> None:
    login = Login(address="192.0.2.1", port=22)
    seen = own_client("ssh", login, ("Offending ED25519 key in /etc/ssh/known hosts:7",))
    assert (seen.other_key, seen.other_key_mend) == (
        "/etc/ssh/known hosts line 7",
        "sed -i.old 7d '/etc/ssh/known hosts'",
    )


@pytest.mark.parametrize(
    ("another", "said"),
    [((), ["client-config-override"]), (("debug1: Offering public key: /k/id ED25519 SHA256:a",), [])],
)
def test_a_key_that_is_left_out_says_nothing_where_another_was_offered(
    another: tuple[str, ...], said: list[str]
) -> None:
    left = "debug1: Skipping ssh-dss key /k/id_dsa - corresponding algo not in PubkeyAcceptedAlgorithms"
    seen = own_client("ssh", Login(address="192.0.2.1", port=22), (left, *another))
    assert [one.cause for one in seen.said] == said
