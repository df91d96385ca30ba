"""What the command tells a person, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from preloaded import run_command
from sshdoctor.commands.protect import exit_code as code_of_protect
from sshdoctor.commands.protection import as_json, as_text, exit_code
from sshdoctor.model import AccessUsed, HostReport, Login, Outcome, Repair
from sshdoctor.protection.state import Door, Protection


def audit(name: str, *, stops: bool | None = True, six: bool | None = True) -> Protection:
    doors = tuple(
        Door(service="ssh", port=22, family=family, path="input", stops_new=value, stops_established=value)
        for family, value in (("ipv4", stops), ("ipv6", six))
    )
    return Protection(
        host=name,
        engines=("fail2ban",),
        on=True,
        sees_real_addresses=True,
        bans_stop_packets=stops,
        doors=doors,
        attacks_blocked=4711,
        your_addresses=("198.51.100.1",),
        owner_allowed={"ipv4": False, "ipv6": None},
    )


def test_one_figure_is_told_and_that_thousands_are_normal() -> None:
    text = as_text([audit("web1")])
    assert "attacks blocked       4,711 (Thousands are normal" in text
    assert "web1: protected" in text


def test_a_group_that_is_protected_on_some_hosts_is_not_protected() -> None:
    text = as_text([audit("web1"), audit("web2", stops=False)])
    assert "Protected on 1 of 2 hosts: that is not protected." in text


def test_a_group_is_as_weak_as_its_weakest_door() -> None:
    weak = [
        replace(audit(host), why=(f"{name} may log in with a password alone (ssh:22)",))
        for host, name in (("web1", "deploy"), ("web2", "root"))
    ]
    assert "The weakest door: web2: root may log in with a password alone" in as_text(weak)


@pytest.mark.parametrize(("stops", "six", "expected"), [(True, True, 0), (False, False, 1), (None, None, 3)])
def test_the_exit_code_tells_whether_it_works(stops: bool | None, six: bool | None, expected: int) -> None:
    assert exit_code(audit("web1", stops=stops, six=six)) == expected


def test_a_family_that_stays_open_is_named_and_is_not_well() -> None:
    found = audit("web1", six=False)
    assert "bans stop packets     yes, but not at ssh 22 ipv6" in as_text([found])
    assert exit_code(found) == 1


def test_json_is_as_its_schema_has_it() -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "protection.schema.json").read_text())
    told = json.loads(as_json([audit("web1"), Protection(host="web2", why=("not looked at",))]))
    jsonschema.validate(told, schema)
    assert set(told["hosts"][0]) == set(schema["$defs"]["host"]["required"])


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0", "192.0.2.7/0"])
def test_everybody_is_on_no_allow_list(everybody: str) -> None:
    done = run_command(["allow", "--host", "web1", "--yes", "--address", everybody], seconds=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--address {everybody}: then nobody is ever banned" in done.stderr


@pytest.mark.parametrize(
    ("outcome", "expected"), [("nothing-to-do", 0), ("proved", 0), ("no-remedy", 1), ("rolled-back", 4)]
)
def test_where_protection_stays_off_it_is_no_success(outcome: Outcome, expected: int) -> None:
    repair = Repair(outcome=outcome, replies_before=(), replies_after=())
    report = HostReport(
        host="web1",
        service="ssh",
        login=Login(address="198.51.100.2", port=22),
        verdict="healthy",
        outside=(),
        access=AccessUsed(via="ssh"),
        prediction=None,
        causes=(),
        checks=(),
        repair=repair,
    )
    assert code_of_protect([report]) == expected
