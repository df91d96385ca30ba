"""Hosts, groups, variables and patterns are what Ansible makes of the same files."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sshdoctor.documents.reader import Vaulted
from sshdoctor.errors import UsageError
from sshdoctor.inventory.groups import Inventory
from sshdoctor.inventory.load import load_hosts, load_inventory
from sshdoctor.inventory.precedence import Precedence
from sshdoctor.inventory.vault import closed_vault

pytestmark = pytest.mark.xdist_group("inventories")  # one process of Ansible answers for all

_HERE = Path(__file__).parent
_CASES: dict[str, dict[str, Any]] = yaml.safe_load((_HERE / "ansible/cases.yml").read_text())
_PATTERNS = [(name, pattern) for name, case in _CASES.items() for pattern in case["patterns"]]


def _sources(name: str) -> list[Path]:
    case = _CASES[name]
    folder = _HERE / "ansible" / str(case.get("folder", name))
    return [folder / source for source in case["sources"]]


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Ansible's answers, by case: one process for all, since starting one takes a second."""
    home = tmp_path_factory.mktemp("ansible")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    questions = [([str(path) for path in _sources(name)], case["patterns"]) for name, case in _CASES.items()]
    result = subprocess.run(
        [sys.executable, str(_HERE / "ask_ansible.py")],
        input=json.dumps(questions),
        env=environment | {"ANSIBLE_CONFIG": str(_HERE / "ansible/default.cfg"), "ANSIBLE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))
    return dict(zip(_CASES, answers, strict=True))


@pytest.mark.parametrize("name", _CASES)
def test_every_host_has_the_variables_that_ansible_gives_it(name: str, ansible: dict[str, Any]) -> None:
    inventory = load_inventory(_sources(name), {})
    precedence = Precedence(inventory, closed_vault)
    ours = {
        host: {key: _as_json(variable.value) for key, variable in precedence.of_host(host).items()}
        for host in inventory.hosts
    }
    theirs = ansible[name][0]["_meta"]["hostvars"]
    assert {host: values for host, values in ours.items() if values} == theirs


@pytest.mark.parametrize("name", _CASES)
def test_every_group_has_the_members_that_ansible_gives_it(name: str, ansible: dict[str, Any]) -> None:
    inventory = load_inventory(_sources(name), {})
    theirs = {key: value for key, value in ansible[name][0].items() if key != "_meta"}
    assert _members(inventory) == {
        group: (set(body.get("hosts", ())), set(body.get("children", ())))
        for group, body in theirs.items()
        if body.get("hosts") or body.get("children")
    }


@pytest.mark.parametrize(("name", "pattern"), _PATTERNS)
def test_a_pattern_names_the_hosts_that_ansible_lists(
    name: str, pattern: str, ansible: dict[str, Any]
) -> None:
    # Sorted: below the second level of groups Ansible's own order is that of a Python set.
    theirs = sorted(ansible[name][1][pattern])
    if theirs:
        assert sorted(host.name for host in load_hosts(pattern, _sources(name), {})) == theirs
    else:
        with pytest.raises(UsageError):
            load_hosts(pattern, _sources(name), {})


def _members(inventory: Inventory) -> dict[str, tuple[set[str], set[str]]]:
    """By group, its own hosts and children; as in Ansible's list, hosts are not named at ``all`` itself."""
    members = {
        group.name: (set() if group.name == "all" else set(group.hosts), set(group.children))
        for group in inventory.groups.values()
    }
    if not inventory.groups["ungrouped"].hosts:
        members["all"][1].add("ungrouped")
    return {name: (hosts, children) for name, (hosts, children) in members.items() if hosts or children}


def _as_json(value: Any) -> Any:
    if isinstance(value, Vaulted):
        return {"__ansible_vault": str(value)}
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list) else value
