"""pytest-testinfra's own look at a repaired host, through its own way into the container."""

from __future__ import annotations

from collections.abc import Iterator

import testinfra

from hosts.testbed import TestHost


def faults(host: TestHost, port: int = 22) -> list[str]:
    """What testinfra finds that must not be so on a host that lets its clients in by the SSH daemon."""
    own = (f"{host.address4}:{port}", f"{host.address6}:{port}")
    return list(_faults(testinfra.get_host(f"podman://{host.container}"), port, own))


def _faults(seen: testinfra.host.Host, port: int, own: tuple[str, ...]) -> Iterator[str]:
    if not seen.package("openssh-server").is_installed:
        yield "openssh-server is not installed"
    if seen.file("/run/systemd/system").is_directory:
        running = [unit for unit in ("ssh.service", "ssh.socket") if seen.service(unit).is_running]
        if not running:
            yield "neither ssh.service nor ssh.socket runs"
        if seen.service("ssh.service").is_masked:
            yield "ssh.service is masked"
    listening = (
        f"tcp://{port}",
        f"tcp://0.0.0.0:{port}",
        f"tcp://:::{port}",
        *(f"tcp://{one}" for one in own),
    )
    if not any(seen.socket(each).is_listening for each in listening):
        yield f"nothing listens on port {port}"
    config = seen.file("/etc/ssh/sshd_config")
    if config.user != "root" or config.mode & 0o022:
        yield f"sshd_config is {config.user}'s, mode {config.mode:o}"
    for key in seen.run("ls /etc/ssh/ssh_host_*_key").stdout.split():
        if seen.file(key).mode & 0o077:
            yield f"{key} can be read by others"
    if (said := seen.run("/usr/sbin/sshd -t")).rc != 0:
        yield f"sshd -t: {said.stderr}"
