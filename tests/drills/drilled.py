"""The host of a drill: broken, with a spare way in, and a shell that stops a remedy at its boundaries."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doors.real_host import says_the_code
from hosts import engine, openssh
from hosts.scenario import Scenario
from hosts.testbed import NO_USER_MANAGER, Testbed, TestHost, known_hosts_lines

SPARE_PORT = 2022
PAUSING_SH = Path(__file__).with_name("pausing_sh")

# dropbear and a user of its own share nothing with the sshd and the account that are broken; by its new name
# the diagnosis does not take it for the host's SSH server.
_SPARE_WAY = f"""
{NO_USER_MANAGER}
cd /srv/packages && dpkg -i dropbear-bin_*.deb libtomcrypt1_*.deb libtommath1_*.deb >/dev/null 2>&1
mkdir -m 700 /srv/drill
useradd --create-home --shell /bin/bash console
echo "console ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/console
install -d -m 700 -o console /home/console/.ssh
install -m 600 -o console /root/.ssh/authorized_keys /home/console/.ssh/
dropbearkey -t ed25519 -f /srv/drill/key >/dev/null 2>&1
cp /usr/sbin/dropbear /srv/drill/console
/srv/drill/console -r /srv/drill/key -p {SPARE_PORT} -P /srv/drill/pid
dropbearkey -y -f /srv/drill/key | grep ^ssh-
"""
_SETTLED = 'until [ "$(systemctl is-active ssh 2>/dev/null)" != activating ]; do sleep 0.2; done'
_REST = """
at_rest() {
  for file in /var/lib/sshdoctor/*/opened /var/lib/sshdoctor/*/armed /var/lib/sshdoctor/*/*ing; do
    [ ! -e "$file" ] || return 1
  done
}
for try in $(seq $((2 * %d))); do ! at_rest || break; sleep 0.5; done
at_rest && echo yes || true
"""


@dataclass(frozen=True, slots=True)
class DrilledHost:
    """A broken host; ``spare_key`` is the public host key of its spare way in, ``folder`` the client's."""

    host: TestHost
    scenario: Scenario
    testbed: Testbed
    folder: Path
    spare_key: str

    @property
    def patience(self) -> int:
        """Seconds that a client waits for an answer: longer than alone, as many drills share the machine."""
        return max(4, self.scenario.expect.seconds)

    def start(self, way: str, task: str, *flags: str) -> subprocess.Popen[str]:
        """The real command about this host, which looks inside by ``podman`` or over ``ssh``.

        A code that it asks for is that of real_logins.SECRET.
        """
        hears = ["env", "--default-signal=INT"]  # what is started in the background ignores Ctrl-C
        asked = [sys.executable, "-m", "sshdoctor.cli", task, *flags, "--host", "web1", "--format", "json"]
        seconds = str(self.patience)
        return subprocess.Popen(
            [*hears, *asked, "--timeout", seconds, "--inventory", str(self._inventory(way))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SSH_ASKPASS": str(says_the_code(self.folder))},
        )

    def _inventory(self, way: str) -> Path:
        dial = self.scenario.dial
        ways = {
            "ssh": {
                "connection": "ssh",
                "host": self.host.address4,
                "port": SPARE_PORT,
                "user": "console",
            },
            "podman": {"connection": "podman", "container": self.host.container},
        }
        variables = {
            "ansible_host": dial.destination(self.host),
            "ansible_port": dial.port,
            "ansible_user": dial.user,
            "ansible_become": True,
            "ansible_ssh_private_key_file": str(self.testbed.key),
            "sshdoctor_known_hosts": str(self._known_hosts()),
            "sshdoctor_access": [ways[way]],
        }
        path = self.folder / f"inventory-{way}.yml"
        path.write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
        return path

    def _known_hosts(self) -> Path:
        path, port = self.folder / "known_hosts", self.scenario.dial.port
        lines = [
            known_hosts_lines(keys, address, at)
            for address in (self.host.address4, self.host.address6)
            for keys, at in ((self.host.host_keys, port), (self.spare_key, SPARE_PORT))
        ]
        path.write_text("".join(lines))
        return path

    def reach(self, *, spare: bool = True) -> dict[str, int]:
        """How far OpenSSH's client comes at each address, at the port that is dialled and the spare one."""
        ports = (self.scenario.dial.port, SPARE_PORT) if spare else (self.scenario.dial.port,)
        addresses = (self.host.address4, self.host.address6)
        places = [(address, port) for address in addresses for port in ports]
        return {f"{address} port {port}": _progress(self._dialled(address, port)) for address, port in places}

    def _dialled(self, address: str, port: int) -> str:
        try:
            return self._login(address, port)
        except subprocess.TimeoutExpired:  # a login that stalled, on a machine with many hosts: once more
            return self._login(address, port)

    def _login(self, address: str, port: int) -> str:
        return openssh.try_login(
            address,
            port=port,
            user="console" if port == SPARE_PORT else self.scenario.dial.user,
            key=self.testbed.key,
            known_hosts=self._known_hosts(),
            seconds=self.patience,
        )

    # ---- What the remedy does on it

    def stop_at(self, boundary: int | str) -> None:
        self.host.run(f"echo {boundary} >/srv/drill/at")

    def await_stop(self, process: subprocess.Popen[str]) -> None:
        """Until the remedy stands at its boundary. Raises AssertionError if it ended without coming there."""
        look = "for try in $(seq 40); do [ -e /srv/drill/reached ] && break; sleep 0.05; done; ls /srv/drill"
        while "reached" not in self.host.run(look).split():
            assert process.poll() is None, f"it never came to the boundary: {told(process)}"

    def go_on(self) -> None:
        self.host.run("touch /srv/drill/go")

    def passed(self) -> int:
        """How many tasks the remedy has finished."""
        return int(self.host.run("cat /srv/drill/passed"))

    def comes_to_rest(self, seconds: int) -> bool:
        """Whether so soon (55 at most) no remedy is under way any more, and none waits to be put back."""
        return self.host.run(_REST % seconds) == "yes"

    def word(self) -> str:
        """How the newest remedy stands."""
        return self.host.run(
            "for dir in $(ls -d /var/lib/sshdoctor/*/ | tail -n 1); do cd $dir;"
            " ls opened armed confirmed restoring restored undoing undone 2>/dev/null || true; done"
        )

    def journal(self) -> str:
        return self.host.run("tail -n +1 /var/lib/sshdoctor/*/journal || true")

    # ---- What happens to it

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """The port of the bridge that it hangs on is blocked: packets go nowhere, and nobody is told."""
        number = self.host.run("cat /sys/class/net/eth0/iflink")
        links = json.loads(_run("ip", "-json", "link"))
        link = next(link for link in links if link["ifindex"] == int(number))
        _run("bridge", "link", "set", "dev", link["ifname"], "state", "0")  # disabled (bridge(8))
        try:
            yield
        finally:
            _run("bridge", "link", "set", "dev", link["ifname"], "state", "3")

    def reboot(self, *, seconds: int) -> None:
        """Restart the container; ``seconds`` to shut down, 0 is a loss of power."""
        engine.podman("restart", "--time", str(seconds), self.host.container)
        self.host.run(
            "[ ! -d /run/systemd/system ] || until systemctl is-system-running 2>&1 |"
            " grep -Eq 'running|degraded'; do sleep 0.1; done"
        )


@contextmanager
def drilled_host(
    testbed: Testbed, scenario: Scenario, folder: Path, *, place: int, admits: str = ""
) -> Iterator[DrilledHost]:
    """A freshly broken host. ``admits`` lets the client in at the spare port."""
    with testbed.host(scenario.image, place) as host:
        engine.podman("cp", str(PAUSING_SH), f"{host.container}:/usr/local/bin/sh")
        spare_key = host.run(_SPARE_WAY)
        scenario.break_host(host)
        host.run(_SETTLED)
        if admits:
            host.run(admits)
        yield DrilledHost(host, scenario, testbed, folder, spare_key)


def told(process: subprocess.Popen[str]) -> str:
    """What a process that has ended said."""
    output, errors = process.communicate(timeout=60)
    return f"exit {process.returncode}\n{errors}{output}"


def outcome_of(output: str) -> str:
    """What a report about one host says of its repair."""
    if not output:
        return "no report"
    repair: Mapping[str, Any] = json.loads(output)["hosts"][0]["repair"]
    return f"{repair['outcome']}: {repair.get('detail')}"


def files(state: Sequence[str]) -> list[str]:
    """Of a host's state what a boot does not change: files, but for /etc/nologin, which systemd removes."""
    kept = re.compile(r"etc(?!/nologin )|home|root|[0-9a-f]{64}  (?!etc/nologin$)")
    return [line for line in state if kept.match(line)]


def _progress(said: str) -> int:
    """0: no connection; 1: one that ended before a login; 2: a refused login or session; 3: logged in."""
    if openssh.agrees("ok", said):
        return 3
    if openssh.agrees("auth-denied", said) or openssh.agrees("session-closed", said):
        return 2
    return int(re.search("kex_exchange|banner exchange|no matching|HOST IDENT|Host key", said) is not None)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
