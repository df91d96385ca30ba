"""Whether sshd uses the files that hold an offered key."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh.account import Account, AuthFile, parse
from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.derived.keys import Keys, derive
from sshdoctor.facts.ssh.parsing.key_files import Objection
from sshdoctor.model import Unknown

OFFERED = "SHA256:offered"


def only(kind: type[Any], **known: object) -> Any:
    """A fact with only ``known`` fields seen."""
    return kind(**{field.name: Unknown("not seen") for field in fields(kind)} | known)


def file(name: str, *held: str, problem: str = "", hidden: str = "", odd: str = "") -> AuthFile:
    return AuthFile(
        path=name,
        real=name,
        exists=True,
        readable=True,
        mode="",
        owner="",
        unsafe=(Objection(problem, name, mode="go-w"),) if problem else (),
        unread=(Objection(hidden, name, owner="deploy"),) if hidden else (),
        keys=held,
        commands={},
        odd=odd,
    )


def seen(*files: AuthFile, strict: bool | Unknown = True) -> Keys:
    dial = only(Dialled, client_keys=(OFFERED,))
    known = tuple(key for one in files for key in one.keys)
    account = only(Account, authorized=known, authorized_files=files, evidence=())
    face = {"dialled": dial, "account": account, "config": only(Config, strict_modes=strict), "words": None}
    found = derive(face)
    assert isinstance(found, Keys)
    return found


def test_a_file_that_others_can_write_is_passed_over_and_the_commands_that_mend_it_are_said() -> None:
    found = seen(file("a", OFFERED, problem="a can be written by others", hidden="deploy cannot read a"))
    assert (found.authorized, found.distrusted, found.mend) == (
        True,
        "deploy cannot read a",
        "chmod go-w a; chown deploy a",
    )


def test_a_file_without_the_offered_key_does_not_matter() -> None:
    assert seen(file("a", "SHA256:other", problem="it is open"), file("b", OFFERED)).distrusted == ""


def test_one_file_that_sshd_uses_is_enough() -> None:
    assert seen(file("a", OFFERED, problem="it is open"), file("b", OFFERED)).distrusted == ""


@pytest.mark.parametrize("strict", [True, False])
def test_a_file_that_its_user_cannot_read_is_of_no_use_whatever_strictmodes_says(strict: bool) -> None:
    assert seen(file("a", OFFERED, hidden="deploy cannot read a"), strict=strict).distrusted != ""


def test_without_strictmodes_others_may_write() -> None:
    assert seen(file("a", OFFERED, problem="it is open"), strict=False).distrusted == ""


def test_without_strictmodes_only_what_the_user_cannot_read_is_to_be_mended() -> None:
    found = seen(file("a", OFFERED, problem="it is open", hidden="deploy cannot read a"), strict=False)
    assert found.mend == "chown deploy a"


def test_where_strictmodes_is_not_known_neither_is_the_answer() -> None:
    said = seen(file("a", OFFERED, problem="it is open"), strict=Unknown("a Match block sets it")).distrusted
    assert said == Unknown("a Match block sets it")


def test_a_file_in_another_format_alone_is_unreadable_and_the_command_that_converts_it_is_said() -> None:
    found = seen(file("/home/deploy/keys", odd="ssh2"))
    assert found.authorized is False
    assert found.unreadable.startswith("/home/deploy/keys holds no line that sshd can read: a key in SSH2")
    assert "ssh-keygen -i -f /home/deploy/keys.bad >/home/deploy/keys" in found.rewrite


def test_a_stray_line_beside_keys_is_no_unreadable_file() -> None:
    found = seen(file("a", "SHA256:other", odd="line"))
    assert (found.unreadable, found.stray) == ("", "a")


@pytest.mark.parametrize(
    ("printed", "odd", "count"),
    [
        ("key=AAAAC3NzaC1lZDI1NTE5AAAAAgEC\nodd=line\n", "line", 1),
        ("key=AAAAC3NzaC1lZDI1NTE5AAAAAgE= \nodd=line\nodd=line\n", "line", 0),
        ("odd=ssh2\nodd=line\nodd=line\n", "ssh2", 0),
        ("odd=directory\n", "directory", 0),
        ("", "", 0),
    ],
)
def test_lines_that_are_no_keys_are_seen_and_a_key_that_is_cut_off_is_one(
    printed: str, odd: str, count: int
) -> None:
    entry = "name=deploy\nuid=1000\ngid=1000\nhome=/home/deploy\nshell=/bin/sh\n"
    text = f"## passwd\n{entry}## file /home/deploy/k\nreadable=yes\n{printed}"
    account = parse({"account": Section(output=text, status=0)})
    assert isinstance(account, Account)
    (one,) = account.authorized_files
    assert (one.odd, len(one.keys)) == (odd, count)


def test_a_folder_above_the_home_that_its_user_may_not_pass_hides_the_file() -> None:
    entry = "name=deploy\nuid=1000\ngid=1000\nhome=/home/deploy\nshell=/bin/sh\n"
    above = "stat=755 1000 1000 deploy directory|/home/deploy\nstat=700 0 0 root directory|/home\n"
    own = "stat=600 1000 1000 deploy regular file|/home/deploy/k\nreadable=yes\n"
    elsewhere = "stat=644 0 0 root regular file|/etc/keys\nreadable=yes\n"
    text = f"## passwd\n{entry}{above}## file /home/deploy/k\n{own}## file /etc/keys\n{elsewhere}"
    account = parse({"account": Section(output=text, status=0)})
    assert isinstance(account, Account)
    within, beside = account.authorized_files
    assert within.mend == ("chmod o+x /home",)
    assert beside.mend == ()


@pytest.mark.parametrize(("files", "nowhere"), [(("none",), True), ((".ssh/authorized_keys",), False)])
def test_sshd_may_be_told_to_look_for_keys_nowhere(files: tuple[str, ...], nowhere: bool) -> None:
    account = only(Account, authorized=(), authorized_files=(), keys_command="", evidence=())
    config = only(Config, strict_modes=True, authorized_keys_files=files)
    found = derive(
        {
            "dialled": only(Dialled, client_keys=(OFFERED,)),
            "account": account,
            "config": config,
            "words": None,
        }
    )
    assert isinstance(found, Keys) and found.nowhere is nowhere


def test_a_key_that_is_made_an_authority_is_told_and_its_file_is_not_called_unreadable() -> None:
    stands = AuthFile(
        path="a",
        real="a",
        exists=True,
        readable=True,
        mode="",
        owner="",
        unsafe=(),
        unread=(),
        keys=(),
        commands={},
        authorities=(OFFERED,),
        odd="line",
    )
    found = seen(stands)
    assert (found.authorized, found.unreadable) == (False, "")
    assert found.misread.startswith("cert-authority")
    assert seen(stands, file("b", OFFERED)).misread == "", "the same key stands elsewhere as it should"
