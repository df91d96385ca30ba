"""What all repairs of one run have in common, and a diagnosis that says which playbooks mend its causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.diagnosis.pipeline import Diagnosis, diagnose
from sshdoctor.diagnosis.setup import DiagnosisSetup
from sshdoctor.model import Host
from sshdoctor.remedy.playbook.catalog import CatalogEntry, with_playbooks

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


class RepairSetup(DiagnosisSetup, frozen=True, kw_only=True):
    """``playbooks`` gives those that there are; it is first called while a host answers."""

    playbooks: Callable[[], Sequence[CatalogEntry]]


def diagnose_to_repair(host: Host, setup: RepairSetup, capture: Capture | None = None) -> Diagnosis:
    """Diagnose ``host`` and stay inside. A ``capture`` is asked instead of it. Raises CaptureError."""
    diagnosis = diagnose(host, setup, to_repair=True, capture=capture)
    return replace(diagnosis, report=with_playbooks(diagnosis.report, setup.playbooks()))
