"""What the diagnosis of a site knows, under the names that playbooks use: nothing yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def playbook_variables(faces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """See services/base.py."""
    return {}
