"""Where the checks, playbooks and templates stand: in the installed package, or in a checkout."""

from __future__ import annotations

from pathlib import Path


def shipped(kind: str) -> Path:
    """The folder ``checks``, ``playbooks`` or ``templates`` that came with this program."""
    here = Path(__file__).parent
    installed = here / "shipped" / kind
    return installed if installed.is_dir() else here.parent.parent / kind
