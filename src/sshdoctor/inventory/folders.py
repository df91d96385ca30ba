"""Where the checks and playbooks stand: the shipped ones, and the user's own beside the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sshdoctor.documents.resources import own_folder, shipped

OWN_CHECKS = "sshdoctor_checks"
"""The folder beside an inventory that holds the user's own checks."""

OWN_PLAYBOOKS = "sshdoctor_playbooks"
"""The folder beside an inventory that holds the user's own playbooks."""


def check_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped checks, and the user's own beside each inventory that is read. Raises InputError."""
    return _folders("checks", OWN_CHECKS, sources)


def playbook_folders(sources: Sequence[Path]) -> tuple[Path, ...]:
    """The shipped playbooks, and the user's own beside each inventory that is read. Raises InputError."""
    return _folders("playbooks", OWN_PLAYBOOKS, sources)


def _folders(kind: str, own: str, sources: Sequence[Path]) -> tuple[Path, ...]:
    beside = dict.fromkeys(source.parent / own for source in sources)
    return (shipped(kind), *(own_folder(folder) for folder in beside if folder.is_dir()))
