"""The command ``playbooks``: what playbooks there are, with the causes that each mends."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.commands.shared.options import sources_of
from sshdoctor.inventory.folders import playbook_folders
from sshdoctor.remedy.playbook.load import load_playbooks


def run(inventories: Sequence[str]) -> int:
    """Print a line for each playbook, and one for what it mends."""
    for playbook in load_playbooks(playbook_folders(sources_of(inventories))):
        print(f"{playbook.id:28} {playbook.title}")
        if playbook.remedy.mends:
            asked = ", only with --cause" if playbook.remedy.only_with_cause else ""
            print(f"{'':28} mends {', '.join(playbook.remedy.mends)} (risk {playbook.remedy.risk}{asked})")
    return 0
