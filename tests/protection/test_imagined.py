"""What the next ban of fail2ban's own actions would do to the rules, and whether it stops anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sshdoctor.documents.reader import read_yaml
from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.facts.protection.engines import Jail
from sshdoctor.firewall import Packet
from sshdoctor.model import Family
from sshdoctor.protection.books import of_jail
from sshdoctor.protection.doors import Audit, Way
from sshdoctor.protection.state import Door

HERE = Path(__file__).parent
CASES, ACTIONS = read_yaml(HERE / "doors.yml"), read_yaml(HERE / "actions.yml")
TOOLS = ("iptables", "ip6tables", "nft", "ipset", "ufw")


def audited(case: Mapping[str, Any]) -> tuple[Door, list[str]]:
    dumps = [SavedRules(f"{tool}-save", family, case[tool]) for tool, family in FAMILIES if tool in case]
    firewall = Firewall(
        readable="yes",
        dumps=tuple(dumps),
        nft_json=json.dumps({"nftables": case["nft"]}) if "nft" in case else None,
        nft_text=None,
        ipset=case.get("ipset"),
        managers=tuple(case.get("managers", ())),
        boot=(),
        saved={},
        default={},
        evidence=(),
    )
    swap = case.get("swap", ["", ""])
    action = {
        name: text.replace(*swap) if swap[0] else text
        for name, text in {**ACTIONS[case["action"]], **case.get("but", {})}.items()
    }
    jail = Jail(name="sshd", banned=tuple(case.get("banned", ())), actions={"action": action})
    book = of_jail(jail, tuple(case.get("tools", TOOLS)), web=False)
    six = case.get("family") == "ipv6"
    packet = Packet(
        family="ipv6" if six else "ipv4",
        source="2001:db8:5d0c::213" if six else "192.0.2.213",
        destination="fd00::2" if six else "198.51.100.2",
        destination_port=case.get("port", 22),
        in_interface="eth0",
        out_interface="eth0",
        local_addresses=("198.51.100.2", "fd00::2", "172.17.0.1"),
    )
    audit = Audit(firewall, [book])
    return audit.door(Way("ssh", packet)), audit.why


FAMILIES: tuple[tuple[str, Family], ...] = (("iptables", "ipv4"), ("ip6tables", "ipv6"))


@pytest.mark.parametrize("name", CASES)
def test_a_door_is_judged_as_the_kernel_did(name: str) -> None:
    door, why = audited(CASES[name])
    assert (door.stops_new, door.path) == (CASES[name]["stops"], CASES[name].get("path", "input")), why
    assert (door.stops_new is True) == (not why)


def test_who_is_banned_stands_in_no_reason() -> None:
    case = {**CASES["the port moved"], "banned": ["192.0.2.66"]}
    door, why = audited(case)
    assert door.stops_new is False
    assert "192.0.2.66" not in " ".join(why)


def test_a_connection_that_stands_is_told_apart() -> None:
    door, _ = audited(CASES["ufw lets in what is established"])
    assert (door.stops_new, door.stops_established) == (True, False)


def test_an_action_that_is_not_understood_is_unknown() -> None:
    door, why = audited({**CASES["the port moved"], "action": "own"})
    assert door.stops_new is None
    assert "not understood" in why[0]
