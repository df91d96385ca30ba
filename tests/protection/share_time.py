"""``python -m protection.share_time``: from a ban on one host to silence on another, in seconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from hosts.testbed import open_testbed
from protection.case import QUIET, has_address
from protection.group import inventory_of, outcomes, ran
from protection.test_protect import answers
from protection.test_share import JAIL

EVERY = "5"
TIMES = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        testbed = stack.enter_context(open_testbed(Path(folder)))
        hosts = {name: stack.enter_context(testbed.host("firewalls")) for name in ("web1", "web2")}
        for host in hosts.values():
            host.run(QUIET + JAIL)
        first, second = hosts["web1"], hosts["web2"]
        attacker = first.variables["NOBODY4"]
        has_address(attacker, first)
        inventory = inventory_of(hosts, testbed, Path(folder))
        began = time.monotonic()
        outcomes(ran(inventory, "protect", "--share", "--yes", seconds=400))
        print(f"set up on two hosts, with the first round: {time.monotonic() - began:.1f} s", flush=True)
        words = ["protect", "--share", "--yes", "--every", EVERY, "--host", "web*", "--timeout", "6"]
        command = [sys.executable, "-m", "sshdoctor.cli", *words, "--inventory", str(inventory)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as gives:
            assert gives.stderr is not None
            while "web2: drops" not in gives.stderr.readline():
                pass
            took = []
            for _ in range(TIMES):
                first.run(f"fail2ban-client set sshd banip {attacker}")
                began = time.monotonic()
                while answers(second, attacker):
                    time.sleep(0.1)
                took.append(time.monotonic() - began - 3)  # an answer is waited for so long
                print(f"from the ban to silence: {took[-1]:.1f} s", flush=True)
                first.run(f"fail2ban-client set sshd unbanip {attacker}")
                while not answers(second, attacker):
                    time.sleep(0.1)
            gives.terminate()
        print(f"median {statistics.median(took):.1f}, longest {max(took):.1f} s, rounds {EVERY} s apart")


if __name__ == "__main__":
    main()
