"""What is asked for with -e is understood, or refused before anything is dialled."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshdoctor.commands.shared.doors.codes import code_at, seconds_off
from sshdoctor.commands.shared.doors.trust import authority
from sshdoctor.commands.shared.doors.two_step import second_step
from sshdoctor.errors import UsageError

CA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKx4Y7Hin7A3ZFHAyejzabKypGKIgATn a CA"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEH"


def test_accounts_are_words_or_a_list() -> None:
    assert second_step({"two_step_accounts": "deploy, ops"}).accounts == ("deploy", "ops")
    assert second_step({"two_step_accounts": ["deploy"], "two_step_remove": "true"}).remove


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"two_step_accounts": "-rf"},
        {"two_step_accounts": "deploy\nMatch all"},
        {"two_step_group": "a b"},
        {"two_step_accounts": "deploy", "two_step_by": "sms"},
        {"two_step_accounts": "deploy", "two_step_also": "cron"},
    ],
)
def test_what_means_nothing_is_refused(extra: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="require-two-step: "):
        second_step(extra)


def test_a_principal_is_the_account_unless_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pub").write_text(f"# ours\n{CA}\n")
    said = {"ca_file": str(tmp_path / "ca.pub"), "ca_principals": "deploy:ops-team,deploy:admins,root"}
    found = authority(said)
    assert found.keys == (CA,)
    assert found.principals == {"deploy": ("ops-team", "admins"), "root": ("root",)}


@pytest.mark.parametrize("text", ["-----BEGIN OPENSSH PRIVATE KEY-----\n", "no key\n", ""])
def test_only_the_public_key_of_a_ca_is_taken(text: str, tmp_path: Path) -> None:
    (tmp_path / "ca").write_text(text)
    with pytest.raises(UsageError):
        authority({"ca_file": str(tmp_path / "ca"), "ca_principals": "deploy"})


def test_how_far_a_clock_is_off_is_read_off_its_code() -> None:
    assert seconds_off(KEY, code_at(KEY, 1_000_300), 1_000_000) == 300
    assert seconds_off(KEY, "000000", 1_000_000) is None
