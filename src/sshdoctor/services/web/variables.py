"""What the diagnosis of a site knows, under the names that playbooks use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sshdoctor.model import Unknown


def playbook_variables(faces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """See services/base.py."""
    sites = [face.get("site") for face in faces]
    unit = next((unit for site in sites if (unit := getattr(site, "unit", ""))), "")
    return {**({"site_unit": unit} if unit else {}), **_opening(sites)}


def _opening(sites: Sequence[Any]) -> dict[str, Any]:
    """What lets the client in to one path, or why nothing does."""
    told = [getattr(site, "opening", None) for site in sites]
    found = next((one for one in told if one is not None and not isinstance(one, Unknown)), None)
    if found is None:
        why = next((one.reason for one in told if isinstance(one, Unknown)), "no site was asked for")
        return {"opening_refused": why}
    return {
        "opening_file": found.file,
        "opening_text": found.text,
        "opening_into": found.into,
        "opening_after": re.escape(found.after),
        "opening_line": found.line,
        "opening_unit": found.unit,
        "opening_test": list(found.test),
        "opening_for": f"{found.path} for {found.client}",
    }
