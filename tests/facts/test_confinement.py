"""Whether the daemon sees the home of the user; its unit's settings only explain it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor.facts.ssh.account import Account
from sshdoctor.facts.ssh.derived.confinement import Confinement, derive
from sshdoctor.facts.ssh.processes import Processes
from sshdoctor.facts.ssh.start import Start
from sshdoctor.model import Unknown

HIDES = (("ProtectHome=tmpfs", "/home"),)


def only(kind: type[Any], **known: object) -> Any:
    """A fact with only ``known`` fields seen."""
    return kind(**{each.name: Unknown("not seen") for each in fields(kind)} | known)


def seen(
    sees_home: bool | Unknown, *hides: tuple[str, str], keys: bool | Unknown = True
) -> Confinement | Unknown:
    account = Account(name="deploy", state="present", home="/home/deploy", home_exists=True)
    start = only(Start, unit="ssh.service", files=("/etc/x.conf",), hides=hides)
    processes = only(Processes, running=True, pid=7, sees_home=sees_home, sees_keys=keys)
    return derive({"account": account, "processes": processes, "start": start})


@pytest.mark.parametrize(
    ("sees_home", "hides", "home", "hidden_by"),
    [
        (True, HIDES, "", ""),
        (False, HIDES, "/home/deploy", "ProtectHome=tmpfs"),
        (False, (), "/home/deploy", ""),
    ],
)
def test_what_the_daemon_sees_decides(
    sees_home: bool, hides: tuple[tuple[str, str], ...], home: str, hidden_by: str
) -> None:
    found = seen(sees_home, *hides)
    assert isinstance(found, Confinement)
    assert (found.home, found.hidden_by) == (home, hidden_by)


def test_keys_that_the_daemon_does_not_see_are_hidden_in_a_home_that_it_sees() -> None:
    found = seen(True, ("InaccessiblePaths=/home/deploy/.ssh", "/home/deploy/.ssh"), keys=False)
    assert isinstance(found, Confinement)
    assert (found.home, found.hidden_by) == ("/home/deploy/.ssh", "InaccessiblePaths=/home/deploy/.ssh")


def test_where_there_is_no_folder_of_keys_none_is_hidden() -> None:
    found = seen(True, keys=Unknown("there is none"))
    assert isinstance(found, Confinement) and found.home == ""


def test_what_was_not_seen_is_unknown() -> None:
    assert isinstance(seen(Unknown("not permitted"), *HIDES), Unknown)
