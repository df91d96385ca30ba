"""Hosts whose protection people have really had, made again: ``cases.yml``, and the attack on each."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from hosts.engine import EngineError
from hosts.testbed import Testbed, TestHost, known_hosts_lines
from preloaded import run_command
from sshdoctor.documents.reader import read_yaml

GIVEN = Path(__file__).parent / "cases.yml"
KINDS = Path(__file__).parent / "kinds.yml"
REPORTS = Path(__file__).parent / "reports.yml"
LATER = Path(__file__).parent / "later.yml"
PROXY = "192.0.2.80"
QUIET = """
systemctl stop fail2ban sshguard crowdsec nginx firewalld >/dev/null 2>&1 || true
systemctl unmask fail2ban >/dev/null 2>&1 || true
echo root:secret | chpasswd; echo deploy:secret | chpasswd
[ ! -w /proc/sys/net/ipv4/ip_forward ] || echo 1 >/proc/sys/net/ipv4/ip_forward
"""
"""What every case begins with."""

_POLLED = 11
"""Seconds after which CrowdSec's bouncer has asked for decisions (update_frequency: 10s)."""

Truth = Mapping[str, bool]


@dataclass(frozen=True)
class Case:
    """One host: ``setup`` and ``broken`` make it what it is, ``attack`` is what came, ``truth`` is right."""

    name: str
    image: str
    setup: str
    broken: str
    attack: Mapping[str, Any]
    when_banned: str
    again: bool
    """The one who is banned fails once more as often."""
    powerful: bool
    truth: Truth

    @property
    def port(self) -> int:
        return int(self.attack["port"])

    @property
    def path(self) -> str:
        """Of the requests that guess; "" for SSH."""
        word, _, path = str(self.attack["of"]).partition(" ")
        return path if word == "POST" else ""

    @property
    def family(self) -> str:
        return "ipv6" if "IPv6" in str(self.attack.get("families")) else "ipv4"


def cases(*files: Path) -> dict[str, Case]:
    """Those of ``files``, by name; of the given ones, if none is named."""
    return {each["name"]: _case(each) for file in files or (GIVEN,) for each in read_yaml(file)}


def _case(said: Mapping[str, Any]) -> Case:
    return Case(
        name=said["name"],
        image="guarded13" if "13" in said["host"] else "guarded12",
        setup=said.get("setup", ""),
        broken=said["break"],
        attack=said["attack"],
        when_banned=said.get("when_banned", ""),
        again="fails again" in said.get("then", ""),
        powerful="SYS_ADMIN" in said.get("needs", ""),
        truth=said["truth"],
    )


@contextmanager
def made(case: Case, testbed: Testbed, image: str = "") -> Iterator[TestHost]:
    """The host of ``case``, before it was attacked."""
    with testbed.host(image or case.image, more="SYS_ADMIN" if case.powerful else None) as host:
        for address in (host.variables["NOBODY4"], host.variables["NOBODY6"], PROXY):
            has_address(address, host)
        for script in (QUIET, case.setup, case.broken):
            if script:
                host.run(filled(script, host))
        yield host


def has_address(address: str, host: TestHost) -> None:
    """This machine has ``address`` besides, on the test network: an attacker's, or a proxy's."""
    shown = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    device = next(line.split()[1] for line in shown.splitlines() if f" {host.variables['CLIENT4']}/" in line)
    length = "128" if ":" in address else "32"
    words = ["ip", "addr", "replace", f"{address}/{length}", "dev", device]
    never = ["nodad", "preferred_lft", "0"]  # else the kernel takes it for the owner's
    subprocess.run([*words, *never] if ":" in address else words, check=True)


def filled(script: str, host: TestHost) -> str:
    """``script`` with the addresses in it."""
    names = host.variables
    return (
        script.replace("{owner6}", names["CLIENT6"])
        .replace("{owner}", names["CLIENT4"])
        .replace("{att6}", names["NOBODY6"])
        .replace("{att}", names["NOBODY4"])
        .replace("{proxy}", PROXY)
        .replace("{ip6}", host.address6)
        .replace("{ip}", host.address4)
    )


def attacked(case: Case, host: TestHost) -> bool:
    """Somebody guesses, as often as ``case`` says; whoever nothing noticed is banned by hand.

    Whether an engine has banned anybody for it by itself.
    """
    _guess(case, host)
    time.sleep(_POLLED if "crowdsec" in case.setup else 2)
    noticed = host.run(_BANNED).strip() != ""
    if not case.truth["on"]:
        attacker = host.variables["NOBODY6" if case.family == "ipv6" else "NOBODY4"]
        with suppress(EngineError):
            host.run(_BY_HAND, {"attacker": attacker, "jail": "wordpress" if case.path else "sshd"})
    if case.when_banned:
        host.run(filled(case.when_banned, host))
    if case.again:
        _guess(case, host)
        time.sleep(2)
    return noticed


_BANNED = r"""
if fail2ban-client ping >/dev/null 2>&1; then
  fail2ban-client status | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ' ' | tr , '\n' |
    grep . | while read -r each; do fail2ban-client get "$each" banip; done
fi
journalctl -q --no-pager -o cat SYSLOG_IDENTIFIER=sshguard 2>/dev/null | grep '^Blocking ' || :
! systemctl is-active -q crowdsec ||
  cscli decisions list -o raw | grep -e ',ban,' | grep -v ',true,[0-9]*$' || :
"""
_BY_HAND = """
if [ -S /run/fail2ban/fail2ban.sock ]; then
  fail2ban-client status | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ' ' | tr , '\\n' |
    while read -r each; do fail2ban-client set "$each" banip "$attacker"; done
elif systemctl is-active -q crowdsec; then cscli decisions add --ip "$attacker"; sleep 11
fi
"""


def _guess(case: Case, host: TestHost) -> None:
    source, target = _ends(case, host)
    for _ in range(int(case.attack["failures"])):
        with suppress(OSError, EOFError, paramiko.SSHException):
            if case.path:
                posted(target, source, case.path, filled(str(case.attack.get("with", "")), host))
            else:
                _log_in(target, source)
        time.sleep(0.2)


def _ends(case: Case, host: TestHost) -> tuple[str, tuple[str, int]]:
    """Where the packets come from, and where they go."""
    six = case.family == "ipv6"
    source = PROXY if "through" in case.attack else host.variables["NOBODY6" if six else "NOBODY4"]
    return source, (host.address6 if six else host.address4, case.port)


def _log_in(target: tuple[str, int], source: str) -> None:
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    with socket.create_connection(target, 3, (source, 0)) as connection:
        transport = paramiko.Transport(connection)
        transport.auth_timeout = 5
        try:
            transport.start_client(timeout=5)
            transport.auth_password("root", "wrong")
        finally:
            transport.close()


def posted(target: tuple[str, int], source: str, path: str, header: str = "") -> None:
    """A POST from ``source``, which answers or not."""
    more = f"{header}\r\n" if header else ""
    with socket.create_connection(target, 3, (source, 0)) as connection:
        connection.settimeout(3)
        text = (
            f"POST {path} HTTP/1.1\r\nHost: example\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(text.encode())
        connection.recv(500)


def answers(case: Case, host: TestHost) -> bool:
    """Whether who was banned still gets an answer: asked of the kernel by a connection."""
    source, target = _ends(case, host)
    with suppress(OSError), socket.create_connection(target, 3, (source, 0)) as connection:
        connection.settimeout(3)
        if case.path:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(50) != b""
    return False


def told(case: Case, host: TestHost, testbed: Testbed, folder: Path) -> Mapping[str, Any]:
    """What the real command says of ``host``, as JSON."""
    inventory = inventory_of(case, host, testbed, folder)
    words = ["protection", "--host", "web1", "--format", "json", "--inventory", str(inventory)]
    done = run_command([*words, "--timeout", "6"], seconds=120)
    assert done.stdout, f"no report; exit {done.returncode}:\n{done.stderr}"
    found: Mapping[str, Any] = json.loads(done.stdout)["hosts"][0]
    return found


def inventory_of(case: Case, host: TestHost, testbed: Testbed, folder: Path) -> Path:
    """An inventory of this one host, in ``folder``."""
    port = 22 if case.path else case.port
    known = folder / "known_hosts"
    known.write_text(known_hosts_lines(host.host_keys, host.address4, port))
    variables = {
        "ansible_host": host.address4,
        "ansible_port": port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(testbed.key),
        "sshdoctor_known_hosts": str(known),
        "sshdoctor_access": [{"connection": "podman", "container": host.container}],
    }
    inventory = folder / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
    return inventory


def compared(case: Case, report: Mapping[str, Any]) -> Iterator[tuple[str, bool, bool | None]]:
    """For each value of ``case``: its name, what is right, and what was said."""
    for name, right in case.truth.items():
        said = report[name]
        if isinstance(said, dict):
            known = [each for each in said.values() if each is not None]
            said = None if not known else all(known)
        yield name, right, said
