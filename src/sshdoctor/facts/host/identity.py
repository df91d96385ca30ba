"""Who looks, and at what: user id, host name, system, boot time.

Sources: os-release(5); proc(5), where process 1's start time is
the boot of a machine and the start of a container; systemctl(1) is-system-running.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import OFF
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, number, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

_TICKS = 100
"""USER_HZ, in which Linux counts for programs whatever its own clock does (proc(5))."""

COMMANDS = {
    "host": """
echo "uid=$(id -u)"
echo "hostname=$(uname -n)"
echo "now=$(date +%s)"
if [ -r /proc/1/stat ]; then read -r stat </proc/1/stat && echo "stat=$stat"; fi
[ ! -r /proc/stat ] || sed -n 's/^btime /btime=/p' /proc/stat
for file in /etc/os-release /usr/lib/os-release; do
  [ -r $file ] || continue
  while IFS= read -r line; do echo "os.$line"; done <$file
  break
done
if [ -d /run/systemd/system ]; then
  mode=$(systemctl is-system-running 2>&1)
  [ "$mode" != maintenance ] || for mode in emergency rescue maintenance; do
    ! systemctl -q is-active "$mode.service" || break
  done
  echo "mode=$mode"
fi
true
"""
}


class Identity(Struct, frozen=True, kw_only=True):
    """``now`` and ``started`` (of the machine or the container) are seconds since 1970.

    ``mode`` is systemd's word (running, degraded, starting, emergency, rescue ...), "" without systemd.
    """

    uid: int | Unknown
    privileged: bool | Unknown
    hostname: str
    now: float | Unknown
    started: float | Unknown
    mode: str | Unknown
    evidence: tuple[Evidence, ...]


VALUE = Identity
WRITERS = {"": "root"}


def on_disk(disk: Disk, user: str) -> Identity | Unknown:
    """``uid`` is ours, who read the disk."""
    release = disk.text_if_any("/etc/os-release") or disk.text_if_any("/usr/lib/os-release") or ""
    said = properties(release)
    hostname = (disk.text_if_any("/etc/hostname") or "").strip()
    system = said.get("PRETTY_NAME", "").strip("\"'")
    return Identity(
        uid=os.geteuid(),
        privileged=os.geteuid() == 0,
        hostname=hostname,
        now=time.time(),
        started=OFF,
        mode=OFF,
        evidence=evidence("cat /etc/hostname /etc/os-release", [hostname, system]),
    )


def parse(sections: Mapping[str, Section]) -> Identity | Unknown:
    said = properties(sections["host"].output)
    uid, now = number(said.get("uid")), number(said.get("now"))
    system = said.get("os.PRETTY_NAME", "").strip("\"'")
    return Identity(
        uid=Unknown("id says nothing") if uid is None else uid,
        privileged=Unknown("id says nothing") if uid is None else uid == 0,
        hostname=said.get("hostname", ""),
        now=Unknown("date says nothing") if now is None else float(now),
        started=_started(said),
        mode=_mode(said),
        evidence=evidence("uname -n; cat /etc/os-release", [said.get("hostname", ""), system]),
    )


def _started(said: Mapping[str, str]) -> float | Unknown:
    boot = number(said.get("btime"))
    fields = said.get("stat", "").rpartition(")")[2].split()
    if boot is None or len(fields) < 20:
        return NOT_PERMITTED
    return boot + int(fields[19]) / _TICKS


def _mode(said: Mapping[str, str]) -> str | Unknown:
    mode = said.get("mode", "")
    word = mode.rpartition("\n")[2]
    return word if word.isalpha() or not word else Unknown(word)
