"""What is weak at the door, by what the host has said anyway; the task ``doors`` tells all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sshdoctor.model import Unknown


def weaknesses(facts: Mapping[str, Any]) -> Iterator[str]:
    """A line each, for people."""
    config = facts.get("config")
    if config is None or isinstance(config, Unknown):
        return
    methods = config.effective.get("authenticationmethods", ("any",))
    lists = (config.allow_users, config.allow_groups, config.deny_users, config.deny_groups)
    plain = methods == ("any",) and all(listed == () for listed in lists)  # one that is Unknown is not
    if plain and config.permit_root_login == "yes" and config.password_authentication is True:
        yield (
            "root may log in with a password alone, if it has one (PermitRootLogin yes, "
            "PasswordAuthentication yes); `sshdoctor doors` shows every door"
        )
    if config.effective.get("permitemptypasswords") == ("yes",):
        yield "who has an empty password logs in without any (PermitEmptyPasswords yes)"
