"""Time ``diagnose`` side by side with its peers: same host, same run, whole processes, medians.

Prints a table, and exits with 1 if a limit does not hold. Machines differ; the ratios are what counts.
``--against CHECKOUT`` asks another checkout of this project as well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.timing import Run, median, timed_anew, told

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from hosts.testbed import TestHost, known_hosts_lines, open_testbed  # noqa: E402  # it stands in tests/
from sshdoctor.facts import commands, left_out, names  # noqa: E402  # after the path is set
from sshdoctor.facts.probe import build_script  # noqa: E402  # as above

ROUNDS = 11
MEMORY_LIMIT = 80 * 2**20
BIN = Path(sys.executable).parent

ASKED = tuple(sorted(set(names()) - set(left_out(names()))))
"""What a host that lets the client in is asked."""
SEVEN = tuple(ASKED[first::7] for first in range(7))
"""What the probe gathers, in seven commands: the peers gather the same, by the very same shell texts."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One command line; ``stdin`` is a file that it reads."""

    name: str
    command: tuple[str, ...]
    stdin: Path | None = None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout")
    against = parser.parse_args().against
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_testbed(folder, ["bench"]) as testbed, testbed.host("bench") as host:
            contestants = _contestants(host, testbed.key, folder, against)
            runs: dict[str, list[Run]] = {one.name: [] for one in contestants}
            for one in contestants:
                timed_anew(one.command, folder=folder, stdin=one.stdin)  # what is read is in memory then
            for number in range(ROUNDS):
                for one in contestants:
                    runs[one.name].append(timed_anew(one.command, folder=folder, stdin=one.stdin))
                print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
            cpu = _cpu_on_the_host(host, folder / "probe.sh")
            connections, sessions = _count_in_log(host, contestants[1], folder)
    print(f"the probe takes {cpu:.2f} s of the host's processor")
    return _report(runs, connections, sessions)


def _cpu_on_the_host(host: TestHost, probe: Path) -> float:
    """The median of the processor's seconds that the probe and all that it starts take there."""
    host.run(f"cat >/tmp/probe.sh <<'END OF PROBE'\n{probe.read_text()}\nEND OF PROBE\n")
    timed = "bash -c 'TIMEFORMAT=\"%U %S\"; time sh /tmp/probe.sh >/dev/null 2>&1' 2>&1"
    return statistics.median(sum(map(float, host.run(timed).split())) for _ in range(ROUNDS))


def _contestants(host: TestHost, key: Path, folder: Path, against: Path | None) -> tuple[Contestant, ...]:
    known_hosts = folder / ".ssh" / "known_hosts"  # each contestant's home is ``folder``
    known_hosts.parent.mkdir(mode=0o700)
    known_hosts.write_text(known_hosts_lines(host.host_keys, host.address4))
    probe = folder / "probe.sh"
    variables = {"client": host.variables["CLIENT4"], "address": host.address4, "port": "22", "user": "root"}
    probe.write_text(build_script(commands(ASKED), variables, "f00d" * 8))
    options = f"-i {key} -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes".split()
    inventory = folder / "inventory.yml"
    inventory.write_text(_inventory(host.address4, key, known_hosts))
    playbook, deploy, fabric = folder / "seven.yml", folder / "deploy.py", folder / "bare.py"
    playbook.write_text(_playbook(_seven_commands(variables)))
    deploy.write_text(_deploy(_seven_commands(variables)))
    fabric.write_text(_fabric(host.address4, key, known_hosts, probe))
    pyinfra = (host.address4, "--user", "root", "--key", str(key), "-y", str(deploy))
    return (
        Contestant("ssh HOST sh -s < probe", ("ssh", *options, f"root@{host.address4}", "sh", "-s"), probe),
        Contestant("sshdoctor diagnose", (_tool("sshdoctor"), "diagnose", "--host", "web1")),
        *_other(against),
        Contestant("bare Fabric, the same probe", (sys.executable, str(fabric))),
        Contestant("pyinfra, the same in 7 facts", (_tool("pyinfra"), *pyinfra)),
        Contestant(
            "ansible-playbook, in 7 tasks", (_tool("ansible-playbook"), "-i", str(inventory), str(playbook))
        ),
    )


def _other(checkout: Path | None) -> Iterator[Contestant]:
    if checkout is not None:
        program = (sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", "web1")
        path = f"PYTHONPATH={checkout.resolve() / 'src'}"
        yield Contestant("sshdoctor diagnose, the other", ("env", path, *program))


def _tool(name: str) -> str:
    return str(BIN / name)


def _inventory(address: str, key: Path, known_hosts: Path) -> str:
    return (
        f"all: {{hosts: {{web1: {{ansible_host: {address}, ansible_user: root, "
        f"ansible_ssh_private_key_file: {key}, sshdoctor_known_hosts: {known_hosts}, "
        f"ansible_ssh_common_args: '-o UserKnownHostsFile={known_hosts}'}}}}}}\n"
    )


def _seven_commands(variables: Mapping[str, str]) -> list[str]:
    """Seven shell texts, as a person would hand them to a peer."""
    head = "".join(f"{name}={value}\n" for name, value in variables.items())
    return [head + "\n".join(f"(\n{text}\n)" for text in commands(group).values()) for group in SEVEN]


def _playbook(asked: Sequence[str]) -> str:
    tasks = [{"ansible.builtin.shell": {"cmd": text}, "failed_when": False} for text in asked]
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])


def _deploy(asked: Sequence[str]) -> str:
    lines = (f"host.get_fact(Command, command={text!r}, _ignore_errors=True)\n" for text in asked)
    return "from pyinfra import host\nfrom pyinfra.facts.server import Command\n\n" + "".join(lines)


def _fabric(address: str, key: Path, known_hosts: Path, probe: Path) -> str:
    return (
        "from fabric import Connection\n"
        f"c = Connection({address!r}, user='root', connect_kwargs={{'key_filename': {str(key)!r}}})\n"
        f"c.client.load_host_keys({str(known_hosts)!r})\n"
        f"c.run(open({str(probe)!r}).read(), hide=True, warn=True)\n"
    )


def _count_in_log(host: TestHost, one: Contestant, folder: Path) -> tuple[int, int]:
    """The connections and the sessions that one diagnosis costs, by the server's own log."""
    host.run("sed -i 's/^#LogLevel.*/LogLevel VERBOSE/' /etc/ssh/sshd_config; systemctl restart ssh")
    before = host.run("journalctl -b -u ssh --no-pager")
    timed_anew(one.command, folder=folder)
    log = host.run("journalctl -b -u ssh --no-pager").removeprefix(before)
    return log.count("Connection from "), log.count("Starting session: ")


def _report(runs: Mapping[str, list[Run]], connections: int, sessions: int) -> int:
    seconds = {name: median(each) for name, each in runs.items()}
    ssh, ours, *_, pyinfra, ansible = seconds.values()
    memory = statistics.median(run.memory for run in runs["sshdoctor diagnose"])
    table = Table(title=f"One healthy host over SSH, {ROUNDS} rounds, interleaved")
    for heading in ("", "median s", "least s", "MB", "of diagnose"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, each in runs.items():
        least = min(run.seconds for run in each)
        size = max(run.memory for run in each) / 2**20
        table.add_row(
            name, f"{seconds[name]:.2f}", f"{least:.2f}", f"{size:.0f}", f"{seconds[name] / ours:.2f}"
        )
    Console(width=80).print(table)
    limits = {
        f"diagnose is {ours / ssh:.2f} times ssh with the same probe (at most 1.8)": ours / ssh <= 1.8,
        f"ansible-playbook is {ansible / ours:.1f} times diagnose (at least 6)": ansible / ours >= 6,
        f"pyinfra is {pyinfra / ours:.1f} times diagnose (at least 2)": pyinfra / ours >= 2,
        f"peak memory {memory / 2**20:.0f} MB (under 80)": memory < MEMORY_LIMIT,
        f"{connections} connection and {sessions} session in the server's log (1 and 1)": (
            connections,
            sessions,
        )
        == (1, 1),
    }
    return told(limits)


if __name__ == "__main__":
    sys.exit(main())
