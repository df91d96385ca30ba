"""Hosts broken on purpose, then switched off: their disks, mounted, must tell what the live hosts told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosts import engine
from hosts.scenario import Scenario, load_scenarios
from hosts.testbed import Testbed, TestHost, known_hosts_lines
from preloaded import run_command

pytestmark = pytest.mark.containers

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}
BROKEN = (
    "openssh-server-purged",
    "openssh-server-removed",
    "openssh-server-half-configured",
    "sshd-masked",
    "sshd-config-invalid-in-a-drop-in",
    "sshd-config-invalid-debian13",
    "host-keys-missing",
    "host-key-permissions",
    "listen-address-absent",
    "ssh-port-mismatch",
    "sshd-loopback-only",
    "firewall-rejects-iptables-persistent",
    "firewall-drops-ufw-deny",
    "hosts-deny",
    "wrong-user",
    "user-not-allowed-by-allowusers",
    "account-locked-or-expired",
    "nologin-file",
    "login-shell-invalid",
    "authorized-keys-permissions",
)
"""Scenarios in which files alone show the cause."""
KEEP_JOURNAL = """
journalctl --sync 2>/dev/null || true
mkdir -p /var/log/journal && cp -a /var/log/journal /var/log/kept
"""
"""The engine keeps a container's journal in memory, where no disk has it."""
HEALTHY = (
    "healthy-debian11",
    "healthy-another-port",
    "healthy-socket-unit-debian13",
    "healthy-ufw-allow",
    "healthy-hosts-deny-of-all-but-this-client",
    "healthy-nologin-lets-root-in",
)


@contextmanager
def switched_off(testbed: Testbed, image: str, script: str) -> Iterator[tuple[TestHost, Path]]:
    """A host on which ``script`` was run, and its file tree, after its power was cut."""
    with testbed.host(image) as host:
        host.run(script)
        yield host, off(host)


def off(host: TestHost) -> Path:
    """The file tree of a host after its power was cut."""
    host.run(KEEP_JOURNAL)
    engine.podman("kill", host.container)
    engine.podman("wait", host.container)
    root = Path(engine.podman("mount", host.container))
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    (root / "var/log/kept").rename(root / "var/log/journal")
    return root


def look_in(
    testbed: Testbed, host: TestHost, root: Path, folder: Path, *, user: str = "deploy", port: int = 22
) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of a diagnosis through the mounted disk."""
    access = {"connection": "chroot", "root": str(root)}
    code, found = report_of(testbed, host, access, folder, user=user, port=port)
    assert found["access"]["via"] == "chroot", found["access"]
    return code, found


def report_of(
    testbed: Testbed, host: TestHost, access: dict[str, str], folder: Path, *, user: str, port: int
) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of a diagnosis, with one way in beside SSH."""
    inventory, known_hosts = folder / "inventory.yml", folder / "known_hosts"
    known_hosts.write_text(known_hosts_lines(host.host_keys, host.address4, port))
    web1 = {
        "ansible_host": host.address4,
        "ansible_port": port,
        "ansible_user": user,
        "ansible_ssh_private_key_file": str(testbed.key),
        "sshdoctor_known_hosts": str(known_hosts),
        "sshdoctor_access": [access],
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"web1": web1}}}))
    asked = ["diagnose", "--host", "web1", "--format", "json", "--timeout", "0.5"]
    done = run_command([*asked, "--inventory", str(inventory)], seconds=60)
    assert done.stdout, f"no report; exit {done.returncode}:\n{done.stderr}"
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    (found,) = report["hosts"]
    return done.returncode, found


def diagnose(scenario: Scenario, testbed: Testbed, folder: Path) -> tuple[int, dict[str, Any]]:
    script = scenario.break_
    if scenario.wait:
        script += f"\nuntil (\n{scenario.wait}\n) >/dev/null 2>&1; do sleep 0.1; done"
    with switched_off(testbed, scenario.image, script) as (host, root):
        dial = scenario.dial
        return look_in(testbed, host, root, folder, user=dial.user, port=dial.port)


@pytest.mark.parametrize("name", BROKEN)
def test_a_disk_tells_what_the_live_host_told(name: str, testbed: Testbed, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    code, report = diagnose(scenario, testbed, tmp_path)
    causes = {role: [c["id"] for c in report["causes"] if c["role"] == role] for role in ("root", "behind")}
    assert causes["root"] == [scenario.expect.cause], json.dumps(report, indent=2)
    assert causes["behind"] == list(scenario.expect.behind)
    assert (code, report["verdict"]) == (1, "blocked")
    assert report["prediction"]["reply"] == scenario.expect.reply
    assert report["prediction"]["agrees"] is None
    assert {cause["confidence"] for cause in report["causes"]} == {"likely"}
    assert all(cause["evidence"] for cause in report["causes"])


NFTABLES = """
cat >/etc/nftables.conf <<'END'
flush ruleset
table inet filter {
  set office { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif "lo" accept
    ip saddr @office tcp dport 22 accept
  }
}
END
systemctl enable nftables
"""


def test_the_rules_of_nftables_conf_are_those_after_the_boot(testbed: Testbed, tmp_path: Path) -> None:
    with switched_off(testbed, "debian12", NFTABLES) as (host, root):
        _, report = look_in(testbed, host, root, tmp_path)
    (cause,) = report["causes"]
    assert (cause["id"], cause["role"], cause["confidence"]) == ("firewall-drops", "root", "likely")
    assert "filter input policy" in cause["evidence"][0]["text"] or "policy" in cause["summary"]
    assert cause["evidence"][0]["source"] == "cat /etc/nftables.conf"
    assert "/etc/nftables.conf" in cause["fix"]


FIREWALLD = {
    "as-it-comes": ("", "ok"),
    "without-ssh": ("--remove-service=ssh", "icmp-admin-prohibited"),
    "port-for-service": ("--remove-service=ssh|--add-port=22/tcp", "ok"),
    "target-drop": ("--remove-service=ssh|--set-target=DROP", "silence"),
    "rich-rule": (
        '--add-rich-rule="rule family=ipv4 source address=$CLIENT4 reject"',
        "icmp-port-unreachable",
    ),
    "source-zone": ("--zone=drop --add-source=$CLIENT4", "silence"),
}
"""What firewall-cmd is told to keep, one command after the other, and what the client then gets."""


def set_up_firewalld(options: str) -> str:
    """Each command waits until firewalld has loaded its rules."""
    told = [f"firewall-cmd --permanent {each}" for each in options.split("|") if each]
    return "\n".join(["systemctl enable --now firewalld", *told, "firewall-cmd --reload"])


@pytest.mark.parametrize("name", FIREWALLD)
def test_the_zones_of_firewalld_tell_what_the_live_host_told(
    name: str, testbed: Testbed, tmp_path: Path
) -> None:
    change, reply = FIREWALLD[name]
    with testbed.host("firewalls") as host:
        host.run(set_up_firewalld(change))
        container = {"connection": "podman", "container": host.container}
        _, live = report_of(testbed, host, container, tmp_path, user="deploy", port=22)
        code, report = look_in(testbed, host, off(host), tmp_path)
    assert [cause["id"] for cause in report["causes"]] == [cause["id"] for cause in live["causes"]], (
        json.dumps(report, indent=2)
    )
    assert live["outside"][0]["reply"] == reply, json.dumps(live, indent=2)
    if reply == "ok":
        assert (code, report["verdict"], report["prediction"]) == (3, "undecided", None)
        return
    assert (code, report["prediction"]["reply"]) == (1, reply)
    (cause,) = report["causes"]
    assert (cause["role"], cause["confidence"]) == ("root", "likely")
    assert "/etc/firewalld/zones/" in cause["evidence"][0]["source"]
    assert "firewall-cmd --permanent --zone=" in cause["fix"]


def test_a_policy_of_firewalld_is_named_as_what_was_not_read(testbed: Testbed, tmp_path: Path) -> None:
    options = "--new-policy=no|--policy=no --add-ingress-zone=ANY|--policy=no --add-egress-zone=HOST"
    script = set_up_firewalld(f"{options}|--policy=no --set-target=REJECT")
    with switched_off(testbed, "firewalls", script) as (host, root):
        code, report = look_in(testbed, host, root, tmp_path)
    assert (code, report["causes"]) == (3, [])
    assert "firewalld: policies are not read from a disk" in json.dumps(report)


def test_a_unit_that_does_not_start_at_boot_is_what_keeps_the_client_out(
    testbed: Testbed, tmp_path: Path
) -> None:
    with switched_off(testbed, "debian13", "systemctl disable ssh") as (host, root):
        code, report = look_in(testbed, host, root, tmp_path)
    assert [(c["id"], c["role"]) for c in report["causes"]] == [("sshd-disabled", "root")]
    assert (code, report["prediction"]["reply"]) == (1, "rst")


def test_another_ssh_server_that_starts_at_boot_is_as_good(testbed: Testbed, tmp_path: Path) -> None:
    script = """
    systemctl disable ssh
    DEBIAN_FRONTEND=noninteractive apt-get -qq install dropbear-bin
    printf '[Service]\nExecStart=/usr/sbin/dropbear -F -E -R\n[Install]\nWantedBy=multi-user.target\n' \
      >/etc/systemd/system/dropbear.service
    systemctl enable dropbear
    """
    with switched_off(testbed, "debian12", script) as (host, root):
        code, report = look_in(testbed, host, root, tmp_path)
    assert (code, report["causes"]) == (3, [])


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_on_the_disk_of_a_healthy_host(name: str, testbed: Testbed, tmp_path: Path) -> None:
    code, report = diagnose(SCENARIOS[name], testbed, tmp_path)
    assert report["causes"] == [], json.dumps(report, indent=2)
    assert (code, report["verdict"], report["prediction"]) == (3, "undecided", None)
