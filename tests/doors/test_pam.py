"""PAM's stacks as Linux-PAM runs them: what real logins found, and what no stack may do to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sshdoctor.documents.reader import read_yaml
from sshdoctor.doors.factors import least, listed
from sshdoctor.doors.model import Account, Place, Setup
from sshdoctor.doors.pam.service import Service
from sshdoctor.doors.pam.stack import handlers
from sshdoctor.doors.undecided import Undecided, settle

RECORDED: Sequence[Mapping[str, Any]] = read_yaml(Path(__file__).with_name("stacks.yml"))
COMMON = {
    "common-auth": [
        "auth [success=1 default=ignore] pam_unix.so nullok",
        "auth requisite pam_deny.so",
        "auth required pam_permit.so",
    ],
    "common-account": [
        "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so",
        "account requisite pam_deny.so",
        "account required pam_permit.so",
    ],
}
HOME = "/home/deploy"
DEPLOY = Account(name="deploy", uid=1000, gid=1000, home=HOME, groups=("deploy",))
FOLDERS = {name: Place(0, 0, 0o755, "directory") for name in ("/", "/home", "/var", "/var/otp")}
SECRET = Place(1000, 1000, 0o400, words=("TOTP_AUTH",))


def setup(stacks: Mapping[str, Sequence[str]], account: Account = DEPLOY) -> Setup:
    """A host with these stacks, whose account has a password and a secret in each place."""
    lines = {**COMMON, **stacks}
    return Setup(
        accounts=(Account(name="root", uid=0, groups=("root",)), account),
        client="198.51.100.1",
        services={name: tuple(enumerate(text, 1)) for name, text in lines.items()},
        files={
            "/etc/nologin": None,
            "/var/run/nologin": None,
            "/etc/securetty": None,
            "/etc/ssh/listed": None,
            "/etc/security/access.conf": (),
            "/etc/security/here.conf": ("+ : ALL : ALL",),
            "/etc/security/there.conf": ("- : ALL : ALL",),
        },
        places={
            **FOLDERS,
            HOME: Place(1000, 1000, 0o755, "directory"),
            f"{HOME}/.google_authenticator": SECRET,
            "/var/otp/deploy": Place(0, 0, 0o400, words=("TOTP_AUTH",)),
        },
        modules=MODULES,
    )


MODULES = frozenset(
    f"pam_{name}"
    for name in (
        *("access", "deny", "env", "exec", "google_authenticator", "listfile", "localuser", "nologin"),
        *("permit", "rootok", "securetty", "shells", "succeed_if", "unix", "usertype", "wheel"),
    )
)


def takes(stacks: Mapping[str, Sequence[str]], account: Account = DEPLOY) -> list[list[str]]:
    """The sets of factors that sshd's stacks take, as keyboard-interactive asks them."""
    host = setup(stacks, account)

    def answer(guesses: Any) -> list[list[str]]:
        service = Service(host, "sshd", guesses, address="198.51.100.1")
        found = service.authenticated(account, nulls=False, credentials="anew")
        return listed(least(found)) if service.accepted(account) else []

    return settle(answer)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: str(case["number"]))
def test_a_stack_takes_what_real_logins_found(case: Mapping[str, Any]) -> None:
    assert takes(case["stacks"]) == case["takes"]


def auth(*lines: str) -> dict[str, list[str]]:
    return {"sshd": [f"auth {line}" for line in lines] + ["@include common-account"]}


def test_a_file_that_includes_itself_ends_and_refuses() -> None:
    assert takes({"sshd": ["auth include sshd", "auth sufficient pam_permit.so"]}) == []


def test_an_include_of_debian_that_leads_nowhere_ends_the_whole_service() -> None:
    before = "auth sufficient pam_permit.so"
    account = "@include common-account"
    assert takes({"sshd": [before, "auth include sshd", account]}) == [[]]
    assert takes({"sshd": [before, "@include sshd", account]}) == []
    assert takes({"sshd": [before, "@include gone", account]}) == []
    assert takes({"sshd": [before, account], "other": ["@include gone"]}) == []


def test_files_that_include_each_other_again_and_again_leave_it_undecided() -> None:
    with pytest.raises(
        Undecided, match=r"/etc/pam\.d/sshd:\d: auth include sshd: the files include each other"
    ):
        takes({"sshd": ["auth include sshd", "auth include sshd", "auth include sshd"]})


def test_a_file_that_was_not_read_leaves_it_undecided() -> None:
    with pytest.raises(Undecided, match=r"auth include /srv/ours: that file was not read"):
        takes(auth("include /srv/ours"))


def test_debian_takes_a_jump_for_nothing_where_credentials_are_established() -> None:
    stacks = auth(
        "[success=2 default=ignore] pam_unix.so", "required pam_permit.so", "required pam_permit.so"
    )
    assert takes(stacks) == []

    def elsewhere(guesses: Any) -> Any:
        host = replace(setup(stacks), debian=False)
        return Service(host, "sshd", guesses).authenticated(DEPLOY, nulls=False, credentials="anew")

    assert settle(elsewhere) == frozenset({frozenset()})


def test_debian_takes_who_runs_it_for_who_calls() -> None:
    stacks = auth("required pam_wheel.so", "required pam_unix.so")
    assert takes(stacks) == [["password"]]

    def elsewhere(guesses: Any) -> Any:
        host = replace(setup(stacks), debian=False)
        return Service(host, "sshd", guesses).authenticated(DEPLOY, nulls=False)

    with pytest.raises(Undecided, match="whom it takes for who calls"):
        settle(elsewhere)


def test_a_control_word_that_is_none_refuses() -> None:
    assert takes(auth("certainly pam_permit.so")) == []
    assert takes(auth("[success=perhaps] pam_permit.so")) == []


def test_a_stack_without_lines_is_that_of_other() -> None:
    assert takes({"sshd": ["@include common-account"], "other": ["auth required pam_permit.so"]}) == [[]]


def test_a_line_goes_on_behind_a_backslash() -> None:
    lines = ["auth required \\", "  pam_unix.so", "@include common-account"]
    assert takes({"sshd": lines}) == [["password"]]


def test_an_unknown_module_is_told_with_its_file_and_line() -> None:
    with pytest.raises(Undecided, match=r"/etc/pam\.d/sshd:2: auth required pam_exec\.so gate"):
        takes(auth("required pam_unix.so", "required pam_exec.so gate"))


def test_an_unknown_module_on_which_nothing_hangs_leaves_the_door_decided() -> None:
    assert takes(auth("required pam_unix.so", "optional pam_exec.so gate")) == [["password"]]


def test_a_folder_that_its_reader_may_not_pass_hides_the_secret_and_nullok_does_not_help() -> None:
    line = "required pam_google_authenticator.so nullok secret=/var/otp/${USER}"
    assert takes(auth(line, "required pam_permit.so")) == []


def test_the_modules_are_in_the_order_of_what_is_included() -> None:
    stacks = {"sshd": ["auth include one", "auth required pam_deny.so"], "one": ["auth required pam_env.so"]}
    found = handlers({name: tuple(enumerate(text, 1)) for name, text in stacks.items()}, "sshd", "auth")
    assert [line.module for line in found] == ["pam_env", "pam_deny"]
    assert found[0].place == "/etc/pam.d/one:1"


def test_a_password_that_has_to_be_changed_is_asked_for() -> None:
    due = Account(name="deploy", uid=1000, home=HOME, age="change-due")
    service = Service(setup(auth("required pam_permit.so"), due), "sshd", settle(lambda guesses: guesses))
    assert listed(service.entered(due)) == [["password"]]


def test_a_secret_that_does_not_say_what_codes_are_of_is_refused() -> None:
    host = setup(auth("required pam_google_authenticator.so"))
    silent = replace(host, places={**host.places, f"{HOME}/.google_authenticator": Place(1000, 1000, 0o400)})
    service = Service(silent, "sshd", settle(lambda guesses: guesses), address="198.51.100.1")
    assert service.authenticated(DEPLOY, credentials="anew") == frozenset()
