"""What is forecast is what the playbooks make: a real host's rules are read again after a real change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

import pytest

from hosts.scenario import load_scenarios
from hosts.testbed import Testbed as Bed
from remedy.applied import carried_out, look
from sshdoctor.access.base import Access
from sshdoctor.access.container import open_container
from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.diagnosis.derived.path import Path as PacketPath
from sshdoctor.diagnosis.derived.path import path
from sshdoctor.documents.reader import read_yaml
from sshdoctor.unblock.forecast import Change, after, plan
from sshdoctor.unblock.opening_variables import items
from sshdoctor.unblock.unban import Unban

SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}
CASES: Mapping[str, Mapping[str, Any]] = read_yaml(Path(__file__).with_name("openings.yml"))


@pytest.mark.long
@pytest.mark.containers
@pytest.mark.parametrize("name", CASES)
def test_the_playbooks_make_what_is_forecast_and_let_the_client_in(name: str, testbed: Bed) -> None:
    case = CASES[name]
    dialled = (case.get("family", "ipv4"), case.get("port", 22))
    scenario = SCENARIOS.get(case.get("scenario", ""))
    with testbed.host(scenario.image if scenario else case.get("image", "debian12")) as host:
        access = open_container("podman", host.container)
        if scenario:
            scenario.break_host(host)
        else:
            host.run(case["break"])
        found, dial, client = look(access, host, *dialled)
        judged = partial(path, dial, client, addresses=found["addresses"], bans=found["bans"])
        planned = plan(judged, client, found["firewall"], opened_to=case.get("for", ""))
        wanted = [Template(each).substitute(host.variables) for each in case["makes"]]
        assert [summary(change) for change in planned.changes] == wanted
        assert planned.lets_in
        expected = found["firewall"]
        for change in planned.changes:
            assert made(access, change)
            expected = after(expected, [change])
            real = look(access, host, *dialled)[0]
            assert verdict(dial, client, real) == verdict(dial, client, {**real, "firewall": expected})
        assert verdict(dial, client, real)["state"] == "accept"
        if "restore" in case:
            host.run(case["restore"])
            assert verdict(dial, client, look(access, host, *dialled)[0])["state"] == "accept"
        assert [made(access, change) for change in planned.changes] == [[] for _ in planned.changes]


def made(access: Access, change: Change) -> list[str]:
    if isinstance(change, Unban):
        return carried_out(access, "unban-client", {"unbans": [change.variables()]})
    return carried_out(access, "open-firewall", {"openings": list(items(change))})


def verdict(dial: Dialled, client: str, found: Mapping[str, Any]) -> dict[str, Any]:
    judged = path(dial, client, found["firewall"], found["addresses"], found["bans"])
    assert isinstance(judged, PacketPath), judged
    shown = ("state", "reply", "why", "owner", "redirected_to")
    return {key: getattr(judged, key) for key in shown}


def place(unban: Unban) -> str:
    return f"{unban.table} {unban.set_name}".strip()


def summary(change: Change) -> str:
    if isinstance(change, Unban):
        return " ".join(each for each in ("unban", change.by, change.jail or place(change)) if each)
    if change.tool == "ufw":
        return f"ufw {change.words}"
    if change.tool == "firewall-cmd":
        return change.command.replace(" --permanent", "").partition(" && ")[0]
    number = f" {change.number}" if change.place == "before" else ""
    return f"{change.tool} {change.table} {change.chain} {change.place}{number}"
