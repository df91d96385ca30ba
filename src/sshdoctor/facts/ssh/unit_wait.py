"""Why systemd has not begun with the SSH service: its start waits for other units, or its file is none.

Sources: systemctl(1) (list-jobs --before, since systemd 232), systemd.unit(5): a unit that comes After= or is
bound to another waits in a job until that one's is over; a unit file that is a link to nothing is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing import words
from sshdoctor.facts.parsing.output import evidence, parts, properties
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "unit": """
[ -d /run/systemd/system ] || { echo '## none'; exit 0; }
for name in ssh sshd; do
  said=$(systemctl show -p Id,LoadState,ActiveState,Job "$name.service" 2>&1)
  case $said in *LoadState=not-found*) ;; *) break ;; esac
done
echo '## unit'; echo "$said"
case $said in *LoadState=not-found*)
  for folder in /etc/systemd/system /run/systemd/system /usr/lib/systemd/system; do
    for file in "$folder/ssh.service" "$folder/sshd.service"; do
      [ ! -L "$file" ] || [ -e "$file" ] || echo "link=$file -> $(readlink "$file")"
    done
  done ;;
esac
case $said in *Job=[1-9]*) ;; *) exit 0 ;; esac
echo '## jobs'
systemctl list-jobs --before --no-legend --plain --full 2>&1 | head -n 200
true
"""
}


class UnitWait(Struct, frozen=True, kw_only=True):
    """``waits_for``: the units whose start the service's own waits for, by what those wait for themselves:
    "" where its start does not wait. ``nothing``: the file of the unit that is a link to nothing, ``target``
    what it names."""

    unit: str
    waits_for: tuple[str, ...]
    nothing: str
    target: str
    evidence: tuple[Evidence, ...]


VALUE = UnitWait
WRITERS = {"": "root"}
_JOB = re.compile(r"^ *(\d{1,9}) +(\S{1,260}) +\S+ +(waiting|running) *$")
_WAITS = re.compile(r"\bwaiting for job (\d{1,9}) ")
_MOST = 20


def parse(sections: Mapping[str, Section]) -> UnitWait | Unknown:
    said = parts(sections["unit"].output)
    if "unit" not in said:
        return Unknown("systemd does not run here")
    unit = properties(said["unit"])
    if "Id" not in unit:
        return Unknown((said["unit"].splitlines() or ["systemctl failed"])[0])
    name, listed = words.unit_name(unit["Id"]), said.get("jobs", "")
    found = re.fullmatch(r"(.+) -> (.+)", unit.get("link", ""))
    jobs, before = _jobs(listed)
    waiting = unit.get("ActiveState") == "inactive"
    return UnitWait(
        unit=name,
        waits_for=tuple(_last(unit.get("Job", ""), jobs, before)) if waiting else (),
        nothing=words.path(found[1]) if found else "",
        target=found[2] if found else "",
        evidence=(
            *evidence("systemctl list-jobs --before", listed.splitlines()[:8]),
            *evidence("ls -l", [unit["link"]] if found else []),
        ),
    )


def _jobs(listed: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The unit of each job, and the jobs that each waits for."""
    jobs, before = dict[str, str](), dict[str, list[str]]()
    own = ""
    for line in listed.splitlines():
        if job := _JOB.match(line):
            own = job[1]
            jobs[own] = job[2]
        elif (other := _WAITS.search(line)) and own:
            before.setdefault(own, []).append(other[1])
    return jobs, before


def _last(job: str, jobs: Mapping[str, str], before: Mapping[str, list[str]]) -> Iterator[str]:
    """The units of the jobs for which ``job`` waits, and that wait for nothing themselves."""
    seen, left = {job}, list(before.get(job, ()))
    while left and len(seen) < _MOST:
        one = left.pop(0)
        if one in seen:
            continue
        seen.add(one)
        further = before.get(one, ())
        left += further
        if not further and one in jobs:
            yield words.unit_name(jobs[one])
