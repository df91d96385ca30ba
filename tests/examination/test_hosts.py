"""`sshdoctor examine` as people run it, on real containers in the state of each case; it changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examination.host import cases, ill_host, run
from examination.judge import faults

pytestmark = pytest.mark.containers
FEW = ("unit-watchdog", "web-upload-start", "ok-preload-jemalloc")
"""Of every run of the tests: they are up in a few seconds."""
CASES = [name if name in FEW else pytest.param(name, marks=pytest.mark.long) for name in cases()]
TREE = """
find /etc /home /root /usr /opt /var/spool /var/www -xdev -printf '%p %y %m %U %s %T@ %C@\\n' |
  LC_ALL=C sort | md5sum
"""
CODES = {"misuse": 1, "abuse": 1, "load": 1, "well": 0}


def examined(container: str, folder: Path) -> Iterator[Any]:
    """The exit code and the JSON of the one host."""
    inventory = folder / "inventory.yml"
    host = f"{{ansible_connection: podman, ansible_host: {container}}}"
    inventory.write_text(f"all:\n  hosts:\n    web1: {host}\n")
    done = subprocess.run(
        [sys.executable, "-m", "sshdoctor.cli", "examine", "web1", "-i", inventory, "--format", "json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert not done.stderr
    yield done.returncode
    yield json.loads(done.stdout)["hosts"][0]


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_a_host_is_found(name: str, tmp_path: Path) -> None:
    case = cases()[name]
    with ill_host(case) as container:
        before = run(container, TREE)
        code, found = examined(container, tmp_path)
        after = run(container, TREE)
    assert not (wrong := faults(found, case["truth"])), "\n".join(wrong)
    assert code == CODES[case["truth"]["kind"]]
    if not any(each.get("back") for each in case["truth"].get("processes", ())):
        assert before == after, "something was changed"
