"""Records stacks: asks a real host, by real logins, what each of some random stacks takes.

    python tests/doors/record_stacks.py FIRST MANY

writes tests/doors/stacks.yml: each stack with the factors by which keyboard-interactive let deploy in.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from doors.random_set_ups import SetUp, set_up
from doors.real_logins import Logins
from doors.test_oracle import asked_host
from hosts.testbed import open_testbed
from sshdoctor.doors.factors import listed

FILE = Path(__file__).with_name("stacks.yml")
_RELOADED = 0.4
"""Seconds in which sshd has certainly read its configuration anew: until then the old one answers."""
OPTIONS = [
    "AuthenticationMethods keyboard-interactive",
    "KbdInteractiveAuthentication yes",
    "PasswordAuthentication no",
]


def main() -> None:
    first, many = map(int, sys.argv[1:])
    found: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        open_testbed(Path(folder), ("factors",)) as testbed,
        asked_host(testbed) as (host, make),
    ):
        for number in range(first, first + many):
            one = SetUp(set_up(number).stacks, OPTIONS, [])
            if make(one):
                time.sleep(_RELOADED)
                real = listed(Logins(host.address4, 22, "deploy").sets())
                found.append({"number": number, "takes": real, "stacks": one.stacks})
    kept = [each for each in found if each["takes"]] + [each for each in found if not each["takes"]][:40]
    FILE.write_text(yaml.safe_dump(kept, sort_keys=False, width=200))


if __name__ == "__main__":
    main()
