"""What a diagnosis says of weak doors by the way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sshdoctor.model import Unknown
from sshdoctor.services import load


def told(**said: Any) -> tuple[str, ...]:
    usual: dict[str, Any] = {
        "permit_root_login": "prohibit-password",
        "password_authentication": True,
        "effective": {},
        **dict.fromkeys(("allow_users", "allow_groups", "deny_users", "deny_groups"), ()),
    }
    return load("ssh").weaknesses({"config": SimpleNamespace(**{**usual, **said})})


def test_root_with_a_password_alone_is_one_line() -> None:
    (line,) = told(permit_root_login="yes")
    assert line.startswith("root may log in with a password alone, if it has one")


def test_nothing_is_said_where_a_rule_may_keep_root_out() -> None:
    assert told(permit_root_login="yes", allow_users=("deploy",)) == ()
    assert told(permit_root_login="yes", password_authentication=False) == ()
    assert told(permit_root_login="yes", effective={"authenticationmethods": ("publickey",)}) == ()
    assert told() == ()


def test_nothing_is_said_of_what_was_not_seen_or_has_no_login() -> None:
    assert load("ssh").weaknesses({"config": Unknown("not permitted")}) == ()
    assert load("web").weaknesses({}) == ()


def test_lists_that_could_not_be_read_are_no_weakness_and_no_end() -> None:
    """As where sshd_config is gone: what it allows is unknown."""
    unread = dict.fromkeys(("allow_users", "allow_groups", "deny_users", "deny_groups"), Unknown("gone"))
    assert told(permit_root_login="yes", password_authentication=True, **unread) == ()
