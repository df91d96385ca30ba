"""Faults that people have had are repaired, or left alone: nothing half done, and an undo brings all back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hosts import engine
from hosts.state import differences, state_of
from hosts.testbed import Testbed, TestHost
from score.case import Case, load_cases
from score.client import Desk
from score.run import laid_out

CHECKOUT = Path(__file__).parents[2]
REPORTED = [case for case in load_cases() if case.kind == "reports"]
REPAIRED = {
    "default-opts-port",
    "f2b-cidr",
    "fw-timer",
    "fwd-ipset-widen",
    "glued-line",
    "home-700",
    "recent-knock",
    "ufw-allowlist-widen",
    "v6only-socket",
}
"""What is mended unasked. Of the others a person must decide, or nothing on this host mends them."""
BY_NAME = {
    "bindtodevice": "listen-address-mismatch",
    "gitea-dnat": "nat-redirects-port",
    "shell-missing": "login-shell-invalid",
    "time-rule": "firewall-rejects",
    "nfqueue-dead": "firewall-drops",
}
ALWAYS = {"glued-line", "ufw-allowlist-widen", "not-to-be-run"}
OTHER = "timeout 4 bash -c 'exec 3<>/dev/tcp/'$ADDRESS4'/22 && head -c 4 <&3' 2>/dev/null || true"


@pytest.mark.containers
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case.name in ALWAYS else pytest.mark.long)
        for case in REPORTED
    ],
)
def test_it_is_repaired_whole_or_nothing_is_changed(case: Case, testbed: Testbed, tmp_path: Path) -> None:
    with laid_out(case, testbed, tmp_path / "case") as desk, testbed.host() as other:
        host = the_host(desk, testbed)
        broken, let_in = state_of(host), other.run(OTHER, host.variables)
        named = [word for cause in [BY_NAME.get(case.name)] if cause for word in ("--cause", cause)]
        repair = asked(desk, "remediate", "--yes", *named)
        if case.name not in REPAIRED | {*BY_NAME}:
            assert repair["outcome"] in ("no-remedy", "nothing-to-do", "proved"), repair["detail"]
        else:
            assert repair["outcome"] == "proved", repair["detail"]
        if repair["outcome"] != "proved":
            assert differences(broken, state_of(host)) == []
            return
        assert "got in\n" in desk.ssh()
        if case.expect.cause not in SERVICE_ITSELF and case.name != "f2b-cidr":  # the ban is the network's
            assert other.run(OTHER, host.variables) == let_in
        assert asked(desk, "undo", "--yes")["outcome"] == "undone"
        assert differences(broken, state_of(host)) == []


SERVICE_ITSELF = {
    "ssh-port-mismatch",
    "sshd-config-invalid",
    "sshd-address-family",
    "listen-address-mismatch",
}
"""Causes that shut everybody out, and whose repair lets everybody in again."""


def the_host(desk: Desk, testbed: Testbed) -> TestHost:
    """The container of the case, to be looked at."""
    name = desk.variables["CONTAINER"]
    runtime, container = engine.podman("inspect", "--format", "{{.OCIRuntime}} {{.Id}}", name).split()
    return TestHost(
        container=name,
        enter=(runtime, container),
        network=testbed.network,
        address4=desk.variables["ADDRESS4"],
        address6=desk.variables["ADDRESS6"],
        host_keys="",
    )


def asked(desk: Desk, task: str, *flags: str) -> dict[str, Any]:
    """What a task says that it did."""
    answer = desk.ask(CHECKOUT, task, *flags, "--format", "json")
    assert answer.host is not None, answer.err
    repair: dict[str, Any] = answer.host["repair"]
    return repair
