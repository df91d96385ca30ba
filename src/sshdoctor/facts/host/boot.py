"""How far the boot came: to its target, to emergency or rescue instead, or to a unit that it waits for.

Sources: systemctl(1) (is-system-running, get-default, list-jobs), systemd.special(7), bootup(7). Both targets
stop every other unit when they are entered (isolate).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.output import evidence, parts, properties, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.systemd import units
from sshdoctor.facts.parsing.words import unit_name
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "system": """
[ -d /run/systemd/system ] || { echo '## none'; exit 0; }
echo '## system'
mode=$(systemctl is-system-running 2>/dev/null)
echo "mode=$mode"
# Who is running is in neither target, and has no unit that failed (systemctl(1), is-system-running).
[ "$mode" = running ] || {
  echo "default=$(systemctl get-default 2>/dev/null)"
  echo '## targets'
  systemctl show -p Id,ActiveState emergency.target rescue.target 2>/dev/null
  echo '## failed'
  systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | cut -c1-200 | head -n 20
}
echo '## jobs'
systemctl list-jobs --no-legend --no-pager 2>/dev/null | head -n 100
true
"""
}


class Boot(Struct, frozen=True, kw_only=True):
    """``state``: done, emergency, rescue, or starting. ``default`` is the target that a boot is to reach.

    ``failed`` are the units that failed, ``waits`` those whose start is under way, ``queued`` those that wait
    for their turn; ``no system`` where no systemd runs.
    """

    state: str
    default: str
    failed: tuple[str, ...]
    waits: tuple[str, ...]
    queued: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = Boot
WRITERS = {"": "root"}
_ENDS = ("emergency", "rescue")


def parse(sections: Mapping[str, Section]) -> Boot | Unknown:
    if cut := unseen(sections["system"]):
        return cut
    said = parts(sections["system"].output)
    if "none" in said:
        return Boot(state="done", default="", failed=(), waits=(), queued=(), evidence=())
    system = properties(said["system"])
    if not system["mode"]:
        return Unknown("systemd does not answer")
    targets = units(said.get("targets", ""))
    active = [name for name in _ENDS if targets.get(f"{name}.target", {}).get("ActiveState") == "active"]
    starting = system["mode"] in ("initializing", "starting")
    state = active[0] if active else "starting" if starting else "done"
    jobs = [words for line in said["jobs"].splitlines() if len(words := line.split()) == 4]
    failed = tuple(unit_name(line.split()[0]) for line in said.get("failed", "").splitlines() if line.split())
    return Boot(
        state=state,
        default=system.get("default", ""),
        failed=failed,
        waits=tuple(unit_name(job[1]) for job in jobs if job[3] == "running" and job[2] == "start"),
        queued=tuple(unit_name(job[1]) for job in jobs if job[3] == "waiting" and job[2] == "start"),
        evidence=_shown(system, active, failed, said["jobs"]) if state != "done" else (),
    )


def _shown(
    system: Mapping[str, str], active: list[str], failed: tuple[str, ...], jobs: str
) -> tuple[Evidence, ...]:
    default = system.get("default", "")
    return (
        *evidence("systemctl is-system-running; systemctl get-default", [system["mode"], default]),
        *evidence("systemctl is-active emergency.target rescue.target", [f"{one}: active" for one in active]),
        *evidence("systemctl --failed", failed),
        *evidence("systemctl list-jobs", jobs.splitlines()),
    )
