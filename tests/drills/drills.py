"""Drills: a remedy is stopped at one of its boundaries, something goes wrong, and nobody may be worse off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sshdoctor.documents.reader import read_yaml

KINDS = ("killed", "cut", "sabotaged", "interrupted", "rebooted half way", "rebooted")
AFTER_TASKS = ("proof", "confirmation")
"""The boundaries behind the last task: a script looks what has become of the host; a script confirms."""
GUARD = 8
"""Seconds after which the host puts everything back by itself."""
LONG_GUARD = 120
"""For drills in which something else has to be first."""

NOT_DRILLED = {
    "raise-conntrack-limit": "the kernel lets no container change the limit (nf_conntrack_max)",
    "open-access": "it closes by itself, in drills of its own (tests/sites/test_opening.py)",
}
WITHOUT_SYSTEMD = ("sshd-stopped-without-init", "privsep-dir-missing")
"""There nothing runs at boot that would make up for a restore that was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A playbook, and what it is drilled on (see drills.yml); ``representative``: at every boundary."""

    playbook: str
    scenario: str
    representative: bool
    admits: str = ""
    task: str = "remediate"
    flags: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The task, and the playbook's name where that is asked for by name."""
        return ("playbook", self.playbook) if self.task == "playbook" else (self.task,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """``boundary``: so many tasks are finished, or one of AFTER_TASKS; ``way``: how the remedy goes in."""

    case: Case
    kind: str
    boundary: int | str = 0
    way: str = "podman"
    sabotage: str = ""

    @property
    def guard(self) -> int:
        return GUARD if self.kind in ("killed", "cut", "sabotaged") else LONG_GUARD

    def __str__(self) -> str:
        where = "" if self.kind == "rebooted" else f" at {self.boundary}"
        return f"{self.case.playbook} ({self.case.scenario}) {self.kind}{where} {self.sabotage}".strip()


def load_cases() -> list[Case]:
    """A key that means nothing raises TypeError."""
    found: dict[str, list[Case]] = {}
    for item in read_yaml(Path(__file__).with_name("drills.yml")):
        flags, cases = tuple(item.pop("flags", ())), found.setdefault(item["playbook"], [])
        cases.append(Case(**item, flags=flags, representative=not cases))
    return [case for cases in found.values() for case in cases]


def sample(cases: Sequence[Case]) -> list[Drill]:
    """One drill for each case, so that every kind occurs, at changing boundaries."""
    boundaries: tuple[int | str, ...] = (0, 1, *AFTER_TASKS)
    found = []
    for number, case in enumerate(cases):
        kind = KINDS[number % len(KINDS)]
        boundary = "none" if kind == "rebooted" else boundaries[number % (2 if kind == "sabotaged" else 4)]
        found.append(_drill(case, kind, boundary, "rules" if kind == "sabotaged" else ""))
    return found


def undisturbed(cases: Sequence[Case]) -> list[Drill]:
    """The drills that tell, by the way, how many tasks there are."""
    return [_drill(case, "rebooted", "none") for case in cases]


def disturbed(case: Case, tasks: int) -> Iterator[Drill]:
    """Every other drill of a case."""
    boundaries = (*range(tasks + 1), *AFTER_TASKS) if case.representative else (tasks,)
    for boundary in boundaries:
        yield from (_drill(case, kind, boundary) for kind in ("killed", "cut", "interrupted"))
        if boundary not in AFTER_TASKS:  # a lockout after the proof is not the change's
            yield _drill(case, "sabotaged", boundary, "rules")
    if case.scenario not in WITHOUT_SYSTEMD:
        yield from (_drill(case, "rebooted half way", boundary) for boundary in (tasks // 2, tasks))
    yield _drill(case, "sabotaged", tasks, "stopped")
    yield _drill(case, "sabotaged", tasks, "spoilt")


def _drill(case: Case, kind: str, boundary: int | str, sabotage: str = "") -> Drill:
    even = boundary in (0, "proof") or (isinstance(boundary, int) and boundary % 2 == 0)
    ways = {"killed": "ssh" if even else "podman", "cut": "ssh", "sabotaged": "ssh" if even else "podman"}
    return Drill(case=case, kind=kind, boundary=boundary, way=ways.get(kind, "podman"), sabotage=sabotage)
