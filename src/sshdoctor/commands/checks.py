"""The command ``checks``: what is asked, in the order of a packet's way, and the causes found by it."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.commands.shared.options import sources_of
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.inventory.folders import check_folders


def run(inventories: Sequence[str]) -> int:
    """Print a line for each check and its causes."""
    for check in load_checks(check_folders(sources_of(inventories))):
        print(f"{check.layer + '/' + check.id:42} {check.title}")
        print(f"{'':42} finds {', '.join(dict.fromkeys(rule.id for rule in check.causes))}")
    return 0
