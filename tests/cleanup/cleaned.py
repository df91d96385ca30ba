"""A host of the frozen cases, cleaned up by the real command, and what it looks like before and after."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examination.host import run

KINDS = {"misuse": "account-misused", "abuse": "form-abused", "load": "own-load"}
# What runs on: logs, the stamps of cron and the mail server's own files are written meanwhile.
_TREE = r"""
cd /
find etc home opt root usr var/spool var/tmp var/www tmp var/lib/systemd/linger -xdev \
  ! -path 'tmp/systemd-private*' ! -path 'var/tmp/systemd-private*' ! -path 'var/spool/postfix/p*' \
  ! -path 'var/spool/postfix/private*' ! -path 'var/spool/exim4/db*' ! -path 'var/spool/exim4/msglog*' \
  ! -path var/tmp ! -path tmp ! -path 'var/spool/postfix/[a-gi-z]*' ! -path 'var/spool/postfix/hold*' \
  ! -path 'home/shop/app/app.log' ! -path 'var/spool/exim4/*' \
  -printf '%p\t%y %m %U:%G %s %T@ %l\n' | LC_ALL=C sort
find etc home opt var/spool/cron var/tmp -xdev -type f -exec md5sum {} + 2>/dev/null |
  grep -v app.log | sed 's/^\([^ ]*\)  \(.*\)/\2\t\1/' | sort
lsattr -R /etc/cron.d 2>/dev/null | awk '{ print $2 "\t" $1 }'
find etc home opt -xdev -exec getfattr -h -d -m - {} + 2>/dev/null | tr '\n' ' ' |
  sed 's/# file: /\n/g' | sort
"""
_QUEUE = r"""
[ ! -d /var/spool/postfix ] || cd /var/spool/postfix && find maildrop incoming active deferred hold -type f \
  -printf '%f\t%m %U:%G %s\n' 2>/dev/null | sort
[ ! -d /var/spool/exim4/input ] || cd /var/spool/exim4/input && find . -type f -name '*-[HD]' \
  -printf '%f\t%m %U:%G %s\n' 2>/dev/null | grep -v -- -H | sort
"""
_HELD = r"""
find /var/spool/postfix/hold -type f -printf '%f\n' 2>/dev/null | sort
grep -ls '^-frozen' /var/spool/exim4/input/*-H /var/spool/exim4/input/*/*-H | sort
"""
_PROCESSES = "ps -eo pid=,lstart=,user=,args= --no-headers | grep -v ' \\(ps\\|bash\\|timeout\\) '"
_SITES = """
for name in shop.example; do
  curl -s -m 20 -o /dev/null -w '%{http_code}' -H "Host: $name" http://198.51.100.200/
done
"""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A broken container, and the inventory that names it."""

    container: str
    inventory: Path

    @classmethod
    def of(cls, container: str, folder: Path) -> Cleaned:
        inventory = folder / "inventory.yml"
        host = f"{{ansible_connection: podman, ansible_host: {container}}}"
        inventory.write_text(f"all:\n  hosts:\n    web1: {host}\n")
        return cls(container, inventory)

    def command(self, task: str, *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sshdoctor.cli", task, "web1", "-i", self.inventory, *flags],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        )

    def remediate(self, kind: str, *flags: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and the JSON of the one host."""
        done = self.command("remediate", "--cause", KINDS[kind], "--yes", "--format", "json", *flags)
        assert done.stdout, done.stderr
        return done.returncode, dict(json.loads(done.stdout)["hosts"][0])

    def tree(self) -> dict[str, str]:
        lines = (line.partition("\t") for line in run(self.container, _TREE).splitlines())
        return {f"{number}": line for number, line in _numbered(lines)}

    def queue(self) -> list[str]:
        return run(self.container, _QUEUE).splitlines()

    def held(self) -> list[str]:
        """The letters that go nowhere."""
        return run(self.container, _HELD).splitlines()

    def running(self, pattern: str) -> list[str]:
        """The processes whose arguments fit, each with its number and start."""
        return [one for one in run(self.container, _PROCESSES).splitlines() if re.search(pattern, _args(one))]

    def site(self) -> str:
        return run(self.container, _SITES)


def _args(line: str) -> str:
    return " ".join(line.split()[7:])


def _numbered(lines: Iterator[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for path, _, text in lines:
        seen[path] = seen.get(path, 0) + 1
        yield f"{path} {seen[path]}", text


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """A line for each thing that is another."""
    names = sorted({*before, *after})
    return [
        f"{name}: {before.get(name)} -> {after.get(name)}"
        for name in names
        if before.get(name) != after.get(name)
    ]
