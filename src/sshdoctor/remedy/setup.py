"""What all repairs of one run have in common, and a diagnosis that says which playbooks mend its causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.diagnosis.background import once
from sshdoctor.diagnosis.pipeline import Diagnosis, diagnose
from sshdoctor.diagnosis.setup import DiagnosisSetup
from sshdoctor.model import Host
from sshdoctor.remedy.playbook.catalog import CatalogEntry, catalog, with_playbooks

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


class RepairSetup(DiagnosisSetup, frozen=True, kw_only=True):
    """``playbooks`` gives those that there are; it is first called while a host answers."""

    playbooks: Callable[[], Sequence[CatalogEntry]]

    @classmethod
    def of(cls, setup: DiagnosisSetup, folders: Sequence[Path]) -> RepairSetup:
        """With the playbooks in ``folders``."""
        playbooks = once(lambda: catalog(folders))
        return cls(wanted=setup.wanted, checks=setup.checks, probing=setup.probing, playbooks=playbooks)

    def prepare(self) -> None:
        super().prepare()
        self.playbooks()


def diagnose_to_repair(host: Host, setup: RepairSetup, capture: Capture | None = None) -> Diagnosis:
    """Diagnose ``host`` and stay inside. A ``capture`` is asked instead of it. Raises CaptureError."""
    diagnosis = diagnose(host, setup, to_repair=True, capture=capture)
    return replace(diagnosis, report=with_playbooks(diagnosis.report, setup.playbooks()))
