"""Where sshd listens is mended in the file and the unit that decide it: a command line, -f, a socket unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.client import Client
from hosts.scenario import Dial
from hosts.state import differences, state_of
from hosts.test_remedies import mended_and_taken_back
from hosts.testbed import Testbed

pytestmark = pytest.mark.containers

SOCKET = """
systemctl disable --now ssh
mkdir -p /etc/systemd/system/ssh.socket.d
printf '[Socket]\nLINES\n' >/etc/systemd/system/ssh.socket.d/own.conf
systemctl daemon-reload
systemctl enable --now ssh.socket
"""
CASES = {
    "a port on the command line": (
        "debian12",
        "echo 'SSHD_OPTS=\"-p 2222\"' >/etc/default/ssh\nsystemctl restart ssh",
    ),
    "another file": (
        "debian12",
        "sed 's/^Include.*//' /etc/ssh/sshd_config >/etc/ssh/own_config\n"
        "echo Port 2222 >>/etc/ssh/own_config\n"
        "echo 'SSHD_OPTS=\"-f /etc/ssh/own_config\"' >/etc/default/ssh\nsystemctl restart ssh",
    ),
    "a socket unit with another port": (
        "debian12",
        "echo Port 2222 >/etc/ssh/sshd_config.d/port.conf"
        + SOCKET.replace("LINES", r"ListenStream=\nListenStream=2222"),
    ),
    "a socket unit of this machine alone": (
        "debian12",
        SOCKET.replace("LINES", r"ListenStream=\nListenStream=127.0.0.1:22"),
    ),
    "a socket unit for IPv6 alone": ("debian13", SOCKET.replace("LINES", "BindIPv6Only=ipv6-only")),
    "a socket unit of one device": ("debian12", SOCKET.replace("LINES", "BindToDevice=lo")),
}
ALWAYS = "a port on the command line"
OWN_LINE = r"""
mkdir -p /etc/systemd/system/ssh.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -p 2222\n' \
  >/etc/systemd/system/ssh.service.d/own.conf
systemctl daemon-reload
systemctl restart ssh
"""


@pytest.mark.parametrize(
    "name", [pytest.param(it, marks=() if it == ALWAYS else pytest.mark.long) for it in CASES]
)
def test_what_decides_is_changed(name: str, testbed: Testbed, tmp_path: Path) -> None:
    image, script = CASES[name]
    with testbed.host(image) as host:
        host.run(f"{{ {script}\n}} >/dev/null 2>&1")
        mended_and_taken_back(Client(Dial(), host, testbed, tmp_path), 4)


@pytest.mark.long
def test_a_port_in_the_units_own_command_line_is_left_to_a_person(testbed: Testbed, tmp_path: Path) -> None:
    with testbed.host() as host:
        host.run(f"{{ {OWN_LINE.strip()}\n}} >/dev/null 2>&1")
        broken = state_of(host)
        exit_code, report = Client(Dial(), host, testbed, tmp_path).run("remediate", "--yes", seconds=4)
        repair = report["hosts"][0]["repair"]
        assert (exit_code, repair["outcome"]) == (4, "failed")
        assert "systemctl edit ssh.service" in repair["detail"]
        assert differences(broken, state_of(host)) == []
