"""A host key that is revoked."""

from __future__ import annotations

import subprocess

import pytest

from attacks.harness import Scene

pytestmark = pytest.mark.containers


@pytest.mark.parametrize("revoked", ["the bare name", "the name with its port"])
def test_a_revoked_key_is_refused_at_every_port_as_openssh_refuses_it(systemd: Scene, revoked: str) -> None:
    systemd.host.run("echo 'Port 2222' >>/etc/ssh/sshd_config; systemctl restart ssh")
    address = systemd.host.address4
    known = systemd.admin.folder / "known_hosts"
    keys = [" ".join(line.split()[:2]) for line in systemd.host.host_keys.splitlines()]
    name = address if revoked == "the bare name" else f"[{address}]:2222"
    known.write_text("".join(f"@revoked {name} {key}\n{name} {key}\n" for key in keys))
    systemd.admin.variables["ansible_port"] = 2222
    ssh = ["ssh", "-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes", "-p", "2222"]
    asked = [*ssh, "-i", str(systemd.admin.testbed.key), f"deploy@{address}", "true"]
    assert subprocess.run(asked, capture_output=True, check=False).returncode == 255
    done = systemd.admin.asks("diagnose")
    assert {reply["reply"] for reply in done.report["outside"]} == {"host-key-changed"}, done.report[
        "outside"
    ]
    assert done.report["access"]["via"] == "podman"
