"""sshd's lists of users: which of their hosts mean a client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor.facts.ssh.account import Account
from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.derived.permission import Permission, derive
from sshdoctor.model import Unknown


class _Dial:
    user = "deploy"


def allowed(pattern: str, *, use_dns: bool = False) -> str | Unknown:
    values: Any = {each.name: () for each in fields(Config)}
    config = Config(**values | {"allow_users": (pattern,), "use_dns": use_dns, "permit_root_login": "no"})
    account = Account(name="deploy", state="present", groups=("deploy",))
    found = derive({"dialled": _Dial, "client_address": "192.0.2.7", "config": config, "account": account})
    return found.allowed if isinstance(found, Permission) else found


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("deploy", "yes"),
        ("deploy@192.0.2.0/24", "yes"),
        ("deploy@192.0.3.0/24", "no"),
        ("deploy@192.0.2.?", "yes"),
        ("[a-z]*", "no"),
        ("deploy@*.example", "no"),
    ],
)
def test_a_host_is_a_pattern_or_a_network(pattern: str, answer: str) -> None:
    assert allowed(pattern) == answer


def test_a_name_that_sshd_looks_up_leaves_it_open() -> None:
    assert isinstance(allowed("deploy@*.example", use_dns=True), Unknown)


@pytest.mark.parametrize(
    ("user", "login", "password", "keys", "answer"),
    [
        ("root", "prohibit-password", True, (), True),
        ("root", "prohibit-password", True, ("SHA256:x",), False),
        ("root", "prohibit-password", False, (), False),
        ("root", "yes", True, (), False),
        ("deploy", "prohibit-password", True, (), False),
    ],
)
def test_root_gets_in_by_keys_alone(
    user: str, login: str, password: bool, keys: tuple[str, ...], answer: bool
) -> None:
    values: Any = {each.name: () for each in fields(Config)}
    config = Config(**values | {"use_dns": False, "permit_root_login": login})
    dial = SimpleNamespace(user=user, has_password=password, client_keys=keys)
    account = Account(name=user, state="present", groups=(user,))
    found = derive({"dialled": dial, "client_address": "192.0.2.7", "config": config, "account": account})
    assert isinstance(found, Permission)
    assert found.keys_alone is answer
    assert found.allowed == "yes"
