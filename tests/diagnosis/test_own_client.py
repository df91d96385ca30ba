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
