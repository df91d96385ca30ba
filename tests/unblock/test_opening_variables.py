"""What the playbook open-firewall is given: an item for each thing to do, by the part that does it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sshdoctor.documents.reader import read_yaml
from sshdoctor.documents.resources import shipped
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.opening_variables import items
from sshdoctor.unblock.saved_rules import Saved

PART = Opening(
    owner="iptables",
    tool="iptables",
    backend="iptables",
    family="ipv4",
    table="filter",
    chain="INPUT",
    number=3,
    place="before",
    port=22,
    source="198.51.100.7",
    outward=False,
)
IN_FILE = Saved("/etc/iptables/rules.v4", "-A INPUT -j DROP")
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "iptables": ({}, ["iptables", "note"]),
    "another back end": ({"tool": "iptables-legacy"}, ["iptables-other", "note"]),
    "a rule that is saved": ({"saved": IN_FILE}, ["iptables", "iptables-saved"]),
    "nftables": ({"tool": "nft", "table": "inet filter", "saved": IN_FILE}, ["nftables", "nftables-saved"]),
    "ufw": ({"tool": "ufw", "place": "end", "source": None}, ["ufw"]),
    "ufw, first": ({"tool": "ufw", "place": "first"}, ["ufw-first"]),
    "a direct rule": ({"owner": "firewalld (direct)"}, ["iptables", "firewalld-direct"]),
    "a service": ({"tool": "firewall-cmd", "place": "end", "source": None}, ["firewalld-service"]),
    "a port": ({"tool": "firewall-cmd", "place": "end", "source": None, "port": 2222}, ["firewalld-port"]),
    "a rich rule": ({"tool": "firewall-cmd"}, ["firewalld-rich-rule"]),
    "a policy": ({"tool": "firewall-cmd", "policy": "lan"}, ["firewalld-policy"]),
}


def every_item(name: str) -> list[dict[str, object]]:
    """What the opening of a case is for the playbook."""
    return list(items(replace(PART, **CASES[name][0])))


@pytest.mark.parametrize("name", CASES)
def test_each_thing_to_do_is_an_item_of_its_own(name: str) -> None:
    made = every_item(name)
    assert [item["by"] for item in made] == CASES[name][1]
    assert {type(value) for item in made for value in item.values()} <= {str, int, bool}


def test_every_item_has_a_part_of_the_playbook_that_takes_it() -> None:
    files = [shipped("playbooks") / "open-firewall.yml", *(shipped("playbooks") / "open-firewall").iterdir()]
    loops = [task.get("loop", "") for file in files for task in read_yaml(file)[0]["tasks"]]
    for name in {name for _, names in CASES.values() for name in names}:
        assert any(f"'equalto', '{name}')" in loop for loop in loops), name
