"""Why a target is down: one diagnosis, by the first way in, within limits."""

from __future__ import annotations

from msgspec.structs import replace

from sshdoctor.commands.shared import examined
from sshdoctor.commands.shared.looking import look
from sshdoctor.commands.shared.options import Options, probe_options
from sshdoctor.diagnosis.next_steps import Asked, is_frozen, next_commands
from sshdoctor.diagnosis.pipeline import diagnose
from sshdoctor.diagnosis.setup import diagnosis_setup
from sshdoctor.examination.cleanup.causes import CAUSES
from sshdoctor.examination.findings import Examination
from sshdoctor.inventory.folders import check_folders, playbook_folders
from sshdoctor.model import Host
from sshdoctor.reports.layout.printable import printable
from sshdoctor.watch.senses import Found
from sshdoctor.watch.target import Target


class CauseFinder:
    """``find`` takes seconds, and raises what a diagnosis raises."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._setup = diagnosis_setup(check_folders(options.sources), probe_options(options), (), ())

    def find(self, target: Target) -> Found | None:
        """The first cause, and what to type; None where none was found."""
        from sshdoctor.remedy.playbook.catalog import catalog, to_name, with_playbooks

        report = diagnose(target.host, self._setup).report
        listed = catalog(playbook_folders(self._options.sources))
        report = with_playbooks(report, listed)
        asked = Asked(again=self._options.again, request=self._options.asked_so, to_name=to_name(listed))
        commands = tuple(printable(command) for command in next_commands(report, asked))
        if is_frozen(report) and (frozen := _examined(target.host, self._options)):
            return frozen
        first = next(iter(report.causes or report.possible), None)
        if first is None:
            return None
        report = replace(report, next=commands)
        return Found(
            id=first.id, confidence=first.confidence, summary=printable(first.summary), next=report.next[:3]
        )


def _examined(host: Host, options: Options) -> Found | None:
    inside, found = look(host, probe_options(options))
    if inside.access is not None:
        inside.access.close()
    return what_froze(host.name, found)


def what_froze(host: str, found: Examination) -> Found | None:
    """Why a whole site is refused, where an examination tells it: what got in, what the provider did."""
    cause = next((name for name, kind in CAUSES.items() if kind == found.kind), "")
    if not cause:
        return None
    did = f" The provider has done: {'; '.join(found.provider_did[:2])}." if found.provider_did else ""
    summary = printable(f"The whole site answers 403. {examined.KINDS[found.kind]}{did}")
    commands = tuple(printable(line) for line in examined.next_commands(host, found))
    return Found(id=cause, confidence="likely", summary=summary, next=commands[:3])
