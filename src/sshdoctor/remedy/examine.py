"""One host examined with the way in left open, so that it can be repaired through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sshdoctor.access.base import Access
from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.inside import Interview, Topics, enter, interview
from sshdoctor.diagnosis.outside import Manner, visit
from sshdoctor.diagnosis.report import conclude, faces
from sshdoctor.inventory import complete
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.playbook.catalog import Listed, with_playbooks

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


class Tools(Struct, frozen=True, kw_only=True):
    """What every examination of one run has in common.

    ``read`` gives the checks and the playbooks that there are; it is first called while a host answers.
    """

    topics: Topics
    read: Callable[[], tuple[Sequence[Check], Sequence[Listed]]]
    manner: Manner


class Examined(Struct, frozen=True, kw_only=True):
    """A diagnosis, the facts that it rests on (one mapping for each address), and the open way in."""

    report: HostReport
    facts: tuple[Mapping[str, Any], ...]
    said: Interview

    @property
    def on_disk(self) -> bool:
        """Its files alone were seen, on a mounted disk: its system does not run."""
        return self.said.used.via == "chroot"

    def close(self) -> None:
        if self.said.access is not None:
            self.said.access.close()


def examine(host: Host, tools: Tools, capture: Capture | None = None) -> Examined:
    """Diagnose ``host`` and stay inside. A ``capture`` is asked instead of it. Raises CaptureError."""
    completed = complete(host)
    seen = visit(completed, tools.manner)
    said = interview(
        completed,
        seen,
        tools.topics,
        tools.manner,
        to_repair=True,
        capture=capture,
        meanwhile=tools.read,
    )
    checks, listed = tools.read()
    facts = faces(completed, seen, said)
    report = conclude(completed, seen, said, checks, facts)
    return Examined(report=with_playbooks(report, listed), facts=facts, said=said)


def enter_again(examined: Examined, manner: Manner) -> Access:
    """The way in that was used, opened anew: only so is it known that it still works. Raises AccessError."""
    assert examined.said.way is not None  # noqa: S101 -- nothing is repaired without a way in
    return enter(examined.said.way, manner)
