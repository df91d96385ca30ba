"""When the person's own ssh is asked beside the library, and what its key files hold against themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from access.servers import make_key
from sshdoctor.access.ssh.key_file import key_fault
from sshdoctor.access.ssh.openssh import command_of, differs
from sshdoctor.model import Login


def login(extras: dict[str, str] | None = None, **options: str) -> Login:
    return Login(address="192.0.2.1", port=22, options=options, extras=extras or {})


@pytest.mark.parametrize(
    ("asked", "extras", "options"),
    [
        (False, {}, {}),
        (False, {}, {"identityagent": "SSH_AUTH_SOCK"}),
        (True, {}, {"identityagent": "none"}),
        (True, {}, {"bindinterface": "wg0"}),
        (True, {"controlpath": "/run/cm", "controlmaster": "auto"}, {}),
        (False, {"localforward": "9000 localhost:80"}, {}),
        (True, {"localforward": "9000 localhost:80", "exitonforwardfailure": "yes"}, {}),
        (False, {"exitonforwardfailure": "yes"}, {}),
        (False, {"remotecommand": "tmux"}, {}),
        (True, {"sessiontype": "none"}, {}),
    ],
)
def test_ssh_itself_is_asked_where_its_configuration_can_end_it(
    asked: bool, extras: dict[str, str], options: dict[str, str]
) -> None:
    assert differs(login(extras, **options), "ok") is asked


def test_a_shared_connection_is_used_only_where_that_is_asked_for() -> None:
    of_its_own = command_of(login({"controlpath": "/run/cm"}), 5)
    shared = command_of(login({"controlpath": "/run/cm"}), 5, shared=True)
    assert "ControlPath=none" in of_its_own
    assert "ControlPath=none" not in shared
    assert "ControlPersist=no" in shared, "no connection is left behind"


def test_a_public_half_of_another_key_is_a_fault_of_the_key_file(tmp_path: Path) -> None:
    key, other = make_key(tmp_path / "id"), make_key(tmp_path / "other")
    assert key_fault(str(key)) is None
    shutil.copy(f"{other}.pub", f"{key}.pub")
    fault = key_fault(str(key))
    assert fault is not None
    assert (fault.cause, "id.pub is the public half of another key" in fault.says) == (
        "client-key-unreadable",
        True,
    )
    (tmp_path / "id.pub").unlink()
    assert key_fault(str(key)) is None
