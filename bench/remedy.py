"""Time a repair side by side with Ansible: the same stopped daemon, playbook and way in, whole processes.

``remediate --yes`` diagnoses, plans, guards, applies, dials in and diagnoses again; ``ansible-playbook``
applies. Both come in by SSH at another port. Prints a table, and exits with 1 if a limit does not hold.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bench.timing import Run, median, timed_anew, told

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from hosts.testbed import TestHost, known_hosts_lines, open_testbed  # noqa: E402  # it stands in tests/
from sshdoctor.documents.resources import shipped  # noqa: E402  # after the path is set

ROUNDS = 9
AT_MOST = 1 / 3
OTHER_PORT = 2222
BIN = Path(sys.executable).parent
BREAK = "systemctl stop ssh; mkdir -p /run/sshd"  # which the unit takes along, and the other daemon needs


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_testbed(folder, ["bench"]) as testbed, testbed.host("bench") as host:
            host.run(f"mkdir -p /run/sshd; /usr/sbin/sshd -p {OTHER_PORT} -o PidFile=none")
            contestants = _contestants(host, testbed.key, folder)
            runs: dict[str, list[Run]] = {title: [] for title in contestants}
            for number in range(ROUNDS):
                for title, command in contestants.items():
                    host.run(BREAK)
                    runs[title].append(timed_anew(command, folder=folder))
                print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    ours, theirs = (median(each) for each in runs.values())
    print(f"A stopped daemon repaired by SSH at another port, {ROUNDS} rounds, interleaved")
    for title, each in runs.items():
        least = min(run.seconds for run in each)
        print(f"  {title:34} median {median(each):.2f} s  least {least:.2f} s")
    sentence = f"remediate with guard and proof is {ours / theirs:.2f} of ansible-playbook (at most 1/3)"
    return told({sentence: ours / theirs <= AT_MOST})


def _contestants(host: TestHost, key: Path, folder: Path) -> dict[str, tuple[str, ...]]:
    known_hosts = folder / "known_hosts"
    ports = (22, OTHER_PORT)
    known_hosts.write_text("".join(known_hosts_lines(host.host_keys, host.address4, port) for port in ports))
    shared = {
        "ansible_host": host.address4,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={known_hosts}",
    }
    ours = {
        **shared,
        "sshdoctor_known_hosts": str(known_hosts),
        "sshdoctor_access": [{"connection": "ssh", "port": OTHER_PORT, "user": "root"}],
    }
    for name, variables in (("ours", ours), ("theirs", {**shared, "ansible_port": OTHER_PORT})):
        (folder / f"{name}.yml").write_text(json.dumps({"all": {"hosts": {"web1": variables}}}))
    playbook = str(shipped("playbooks") / "start-sshd.yml")
    us = ("sshdoctor", "remediate", "--yes", "--host", "web1", "--inventory", "ours.yml")
    return {
        "sshdoctor remediate --yes": (str(BIN / us[0]), *us[1:]),
        "ansible-playbook start-sshd.yml": (str(BIN / "ansible-playbook"), "-i", "theirs.yml", playbook),
    }


if __name__ == "__main__":
    sys.exit(main())
